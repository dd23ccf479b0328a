/* svc_keep.c - services are looked at and brought to their desired count. See svc_keep.h. */
#include "svc_keep.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "local_api.h"
#include "svc_plan.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define GROUP       "service:"
#define SHORT_RUN_S 10.0 /* a task that ended sooner has failed */

struct ea_lc_services {
    ea_local *lc;
    ea_timer *timer;
    bool stopped;
};

bool ea_lc_service_owns(const struct ea_lc_service *s, const struct ea_lc_task *t)
{
    return t->group && ea_str_starts(ea_str_of(t->group), GROUP) &&
           strcmp(t->group + strlen(GROUP), s->name) == 0 &&
           strcmp(t->cluster_arn, s->cluster_arn) == 0 && t->created_at >= s->created_at;
}

static bool note(struct ea_lc_service *s, double now_s, const char *fmt, ...) EA_PRINTF(3, 4);

/* Adds "(service NAME) <sentence>" unless the newest event says the same. True when it was added. */
static bool note(struct ea_lc_service *s, double now_s, const char *fmt, ...)
{
    char sentence[512], message[640], id[37];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, ap); /* a long sentence is cut */
    va_end(ap);
    (void)snprintf(message, sizeof(message), "(service %.100s) %s", s->name, sentence);
    if (s->events.n && ea_zstr_eq(s->events.v[s->events.n - 1].message, message))
        return false;
    if (s->events.n == EA_LC_EVENTS_MAX) {
        ea_free(s->events.v[0].id);
        ea_free(s->events.v[0].message);
        s->events.n--;
        memmove(s->events.v, s->events.v + 1, s->events.n * sizeof(*s->events.v));
    }
    s->events.v = ea_realloc_array(s->events.v, s->events.n + 1, sizeof(*s->events.v));
    ea_lc_new_uuid(id);
    s->events.v[s->events.n++] = (struct ea_lc_event){ ea_strdup(id), ea_strdup(message), now_s };
    return true;
}

/* ---- what is there ---------------------------------------------------------------------------- */

struct view { /* of one service */
    ea_lc_svc_task *wanted;
    struct ea_lc_task **tasks; /* beside `wanted`; borrowed */
    size_t n;
    ea_lc_svc_past *past;
    size_t past_n;
    size_t ending; /* stop was asked for, has not happened */
    int64_t newest_running, older;
};

static void view_done(struct view *v)
{
    ea_free(v->wanted);
    ea_free(v->tasks);
    ea_free(v->past);
}

static void add_past(struct view *v, const struct ea_lc_task *t)
{
    bool stopped = ea_lc_task_stopped(t),
         by_user = ea_zstr_eq(t->stop_code, "UserInitiated") ||
                   ea_zstr_eq(t->stop_code, "ServiceSchedulerInitiated");
    bool short_run = t->started_at <= 0.0 || t->stopped_at - t->started_at < SHORT_RUN_S;

    v->past[v->past_n++] = (ea_lc_svc_past){
        .failed = stopped && short_run && !by_user,
        .ran = t->started_at > 0.0 && !(stopped && short_run),
        .stopped_ms = (int64_t)(t->stopped_at * 1000.0),
    };
}

static struct view look(const ea_local *lc, const struct ea_lc_service *s)
{
    size_t most = ea_map_count(&lc->state.by_arn[EA_LC_TASK]) + 1;
    struct view v = { .wanted = ea_alloc_array(most, sizeof(*v.wanted)),
                      .tasks = ea_alloc_array(most, sizeof(*v.tasks)),
                      .past = ea_alloc_array(most, sizeof(*v.past)) };
    double now = ea_lc_seconds(ea_now().wall_ms);

    EA_LIST_EACH(&lc->state.tasks, node)
    {
        struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);
        bool newest;

        if (!ea_lc_service_owns(s, t))
            continue;
        newest = ea_zstr_eq(t->started_by, s->deployment);
        if (newest)
            add_past(&v, t);
        if (!ea_lc_task_wanted(t)) {
            v.ending += !ea_lc_task_stopped(t);
            continue;
        }
        v.newest_running += newest && strcmp(t->last, "RUNNING") == 0;
        v.older += !newest;
        v.tasks[v.n] = t;
        v.wanted[v.n++] = (ea_lc_svc_task){ .newest = newest,
                                            .running = strcmp(t->last, "RUNNING") == 0,
                                            .kept = t->protection && t->protection_until > now &&
                                                    strcmp(s->status, "ACTIVE") == 0 };
    }
    return v;
}

/* ---- what is done ----------------------------------------------------------------------------- */

static void add_list(cJSON *in, const char *name, const char *text)
{
    cJSON *list = NULL;
    ea_err err;

    if (!text)
        return;
    if (ea_json_parse(ea_str_of(text), &list, &err)) { /* we wrote it ourselves */
        ea_error("kept list is no JSON", EA_S("member", name), EA_S("err", err.text));
        return;
    }
    (void)cJSON_AddItemToObject(in, name, list); /* fails without memory alone, and frees nothing */
}

/* A request as RunTask takes it. Caller deletes. */
static cJSON *run_request(const struct ea_lc_service *s)
{
    cJSON *in = cJSON_CreateObject(), *tags, *tag;

    cJSON_AddStringToObject(in, "cluster", s->cluster_arn);
    cJSON_AddStringToObject(in, "taskDefinition", s->taskdef_arn);
    cJSON_AddStringToObject(in, "startedBy", s->deployment);
    add_list(in, "placementConstraints", s->constraints);
    add_list(in, "placementStrategy", s->strategy);
    if (ea_zstr_eq(s->propagate, "TASK_DEFINITION"))
        cJSON_AddStringToObject(in, "propagateTags", "TASK_DEFINITION");
    if (!ea_zstr_eq(s->propagate, "SERVICE"))
        return in;
    tags = cJSON_AddArrayToObject(in, "tags");
    for (size_t i = 0; i < s->tags.n; i++) {
        tag = cJSON_CreateObject();
        cJSON_AddStringToObject(tag, "key", s->tags.v[i].key);
        cJSON_AddStringToObject(tag, "value", s->tags.v[i].value);
        (void)cJSON_AddItemToArray(tags, tag);
    }
    return in;
}

/* Starts up to `count` tasks; true when anything changed. */
static bool start(ea_local *lc, struct ea_lc_service *s, int64_t count)
{
    EA_FREE_AUTO char *group = ea_sprintf_dup(GROUP "%s", s->name);
    cJSON *in = run_request(s);
    ea_lc_call c = {
        .lc = lc, .in = in, .out = EA_BUF(4 * 1024 * 1024), .now_ms = ea_now().wall_ms
    };
    double now = ea_lc_seconds(c.now_ms);
    ea_lc_started got = { .made = 0 };
    bool changed = false;

    if (ea_lc_run_for_service(&c, group, count, &got))
        changed = note(s, now, "was unable to place a task. Reason: %s.", c.message);
    if (got.made) {
        (void)note(s, now, "has started %zu tasks.", got.made); /* it may say so already */
        changed = true;
    }
    if (got.unfit && note(s, now,
                          "was unable to place a task because no container instance met all of its "
                          "requirements. Reason: %s.",
                          got.unfit))
        changed = true;
    ea_buf_done(&c.out);
    cJSON_Delete(in);
    return changed;
}

static bool stop(ea_local *lc, struct ea_lc_service *s, const struct view *v)
{
    EA_FREE_AUTO char *scaled =
        ea_sprintf_dup("Scaling activity initiated by (deployment %s)", s->deployment);
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++) {
        const struct ea_lc_instance *at;

        if (!v->wanted[i].stop)
            continue;
        n++;
        ea_lc_want_stopped(lc, v->tasks[i], "ServiceSchedulerInitiated", scaled);
        at = ea_lc_by_arn(&lc->state, EA_LC_INSTANCE, v->tasks[i]->instance_arn);
        if (!at || strcmp(at->status, "INACTIVE") == 0)
            ea_lc_set_stopped(lc, v->tasks[i], "ServiceSchedulerInitiated", scaled);
    }
    if (n)
        (void)note(s, ea_lc_seconds(ea_now().wall_ms), "has stopped %zu running tasks.", n);
    return n > 0;
}

/* Ends a service whose tasks are gone, forgets one that ended long ago; true when it changed. */
static bool finish(ea_local *lc, struct ea_lc_service *s, const struct view *v, bool *gone)
{
    double now = ea_lc_seconds(ea_now().wall_ms);

    if (strcmp(s->status, "DRAINING") == 0 && v->n == 0 && v->ending == 0) {
        ea_set_str(&s->status, "INACTIVE");
        s->changed_at = now;
        return true;
    }
    *gone = strcmp(s->status, "INACTIVE") == 0 &&
            s->changed_at + ea_lc_seconds(lc->keep_stopped_ms) < now;
    return false;
}

/* One service; true when it changed. *next_ms: look again then; 0: at the next change. */
static bool keep(ea_local *lc, struct ea_lc_service *s, int64_t *next_ms)
{
    struct view v = look(lc, s);
    int64_t now_ms = ea_now().wall_ms, when = ea_lc_svc_next_start_ms(v.past, v.past_n);
    int64_t missing = ea_lc_svc_plan(s->desired, s->min_percent, s->max_percent, v.wanted, v.n);
    bool gone = false, changed = finish(lc, s, &v, &gone);

    if (missing && when <= now_ms)
        changed = start(lc, s, missing) || changed;
    else if (missing)
        *next_ms = when;
    changed = stop(lc, s, &v) || changed;
    if (!s->steady && v.newest_running == s->desired && v.older == 0 &&
        strcmp(s->status, "ACTIVE") == 0) {
        s->steady = true;
        s->changed_at = ea_lc_seconds(now_ms);
        (void)note(s, s->changed_at, "has reached a steady state.");
        changed = true;
    }
    if (changed)
        ea_lc_touch(&lc->state, EA_LC_SERVICE, s);
    if (gone)
        ea_lc_remove(&lc->state, EA_LC_SERVICE, s);
    view_done(&v);
    return changed || gone;
}

static void on_timer(void *arg)
{
    struct ea_lc_services *all = arg;
    int64_t next = 0;
    bool changed = false;

    EA_LIST_EACH(&all->lc->state.services, node)
    {
        int64_t when = 0;

        changed = keep(all->lc, EA_OWNER(node, struct ea_lc_service, node), &when) || changed;
        if (when && (!next || when < next))
            next = when;
    }
    if (next)
        ea_timer_arm(all->timer, next - ea_now().wall_ms);
    if (changed)
        ea_local_commit_quietly(all->lc); /* wakes this once more, which then finds nothing */
}

struct ea_lc_services *ea_lc_services_new(ea_local *lc)
{
    struct ea_lc_services *s = ea_alloc(sizeof(*s));

    s->lc = lc;
    s->timer = ea_timer_new(lc->loop, on_timer, s);
    return s;
}

void ea_lc_services_free(struct ea_lc_services *s)
{
    if (s)
        ea_timer_free(s->timer);
    ea_free(s);
}

void ea_lc_services_wake(struct ea_lc_services *s)
{
    if (!s->stopped && !ea_list_empty(&s->lc->state.services))
        ea_timer_arm(s->timer, 0);
}

void ea_lc_services_stop(struct ea_lc_services *s)
{
    s->stopped = true;
    ea_timer_stop(s->timer);
}
