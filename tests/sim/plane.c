#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <string.h>

/* --- messages to the agent ---------------------------------------------------------------------- */

static void free_event(void *p)
{
    ea_event_done(p);
    ea_free(p);
}

/* Whoever was told STOPPED meanwhile sends nothing of that task any more. */
static bool outdated(struct sim *s, const struct ea_event *ev)
{
    for (size_t i = 0; i < ev->payload.n; i++) {
        const struct ea_payload_task *p = &ev->payload.v[i];
        const struct plan_task *t = sim_plan(s, p->task ? p->task->arn : p->arn);

        if (t && t->told == EA_T_STOPPED)
            return true;
    }
    return false;
}

static void deliver(struct sim *s, struct item *it)
{
    if (outdated(s, it->p) || !sim_session_open(s) || s->links[0].stalls ||
        s->links[0].turn != (uint64_t)it->b)
        ea_event_done(it->p);
    else
        sim_agent_post(s, it->p);
    ea_free(it->p);
}

static void send(struct sim *s, struct ea_event *ev)
{
    struct item *it = sim_at(s, sim_between(s, 1, 100), deliver);

    it->life = s->life;
    it->b = (int64_t)s->links[0].turn; /* what a connection did not bring comes by the next one */
    it->p = ev;
    it->drop = free_event;
}

static void add_task(struct ea_event *ev, const char *text)
{
    struct ea_payload_task *p = &ev->payload.v[ev->payload.n++];
    cJSON *value = cJSON_Parse(text);
    ea_err err = { 0 };

    if (ea_task_from_wire(value, &p->task, &p->role, &p->exec, &p->arn, &err))
        p->error = ea_sprintf_dup("UnrecogniedTaskError: Error loading task - %s", err.text);
    cJSON_Delete(value);
}

/* Message ids tell what an ack is for: "run-3+4" and "stop-3". */
static void send_tasks(struct sim *s, const size_t *which, size_t n, bool stop)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));
    char id[256] = "";

    *ev = (struct ea_event){ .kind = EA_EV_PAYLOAD, .seq_num = ++s->plane_seq };
    ev->payload.v = ea_alloc_array(n, sizeof(*ev->payload.v));
    for (size_t i = 0; i < n; i++) {
        struct plan_task *t = &s->plan[which[i]];
        char part[24], text[160];

        (void)snprintf(part, sizeof(part), "%s%zu", i ? "+" : "", which[i]);
        (void)snprintf(id + strlen(id), sizeof(id) - strlen(id), "%s", part);
        (void)snprintf(text, sizeof(text), "{\"arn\":\"%s\",\"desiredStatus\":\"STOPPED\"}",
                       t->arn);
        add_task(ev, stop ? text : t->json_running);
        if (!stop)
            t->sent_once = true;
    }
    if (!sim_fault(s, s->chaos.no_id))
        ev->message_id = ea_sprintf_dup("%s-%s", stop ? "stop" : "run", id);
    ev->cluster_arn = ea_strdup("arn:cluster");
    ev->instance_arn = ea_strdup("arn:instance");
    sim_log(s, "plane: sends %s-%s", stop ? "stop" : "run", id);
    send(s, ev);
}

/* A copy of a task that was damaged on its way: it cannot be read, or it lost what is needed. The
 * message is never to be acknowledged, and the task that is there is never touched. */
static void send_damaged(struct sim *s, size_t i)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));
    char text[160];

    *ev = (struct ea_event){ .kind = EA_EV_PAYLOAD, .seq_num = ++s->plane_seq };
    ev->payload.v = ea_alloc_array(2, sizeof(*ev->payload.v));
    (void)snprintf(text, sizeof(text),
                   "{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"cpu\":\"many\"}",
                   s->plan[i].arn);
    add_task(ev, text);
    if (sim_chance(s, 300))
        add_task(ev, "{\"desiredStatus\":\"RUNNING\",\"cpu\":\"many\"}");
    ev->message_id = ea_sprintf_dup("damaged-%zu", i);
    sim_log(s, "plane: sends %s", ev->message_id);
    send(s, ev);
}

/* The same ARN with other contents: what is there already stays as it is. */
static void send_changed(struct sim *s, size_t i)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));
    char text[256];

    *ev = (struct ea_event){ .kind = EA_EV_PAYLOAD, .seq_num = ++s->plane_seq };
    ev->payload.v = ea_alloc_array(1, sizeof(*ev->payload.v));
    (void)snprintf(
        text, sizeof(text),
        "{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"other\","
        "\"image\":\"other\",\"essential\":true,\"cpu\":1,\"memory\":4}]}",
        s->plan[i].arn);
    add_task(ev, text);
    ev->message_id = ea_sprintf_dup("changed-%zu", i);
    sim_log(s, "plane: sends %s", ev->message_id);
    send(s, ev);
}

/* What was not acknowledged comes again, at each connection and after a while. */
static void send_due(struct sim *s)
{
    if (s->now_ms < s->plane_away_until_ms || !sim_session_open(s))
        return;
    size_t run[SIM_TASKS], stop[SIM_TASKS];
    size_t run_n = 0, stop_n = 0;

    for (size_t i = 0; i < s->plan_n; i++) {
        const struct plan_task *t = &s->plan[i];

        if (!t->placed || t->left_out || t->told == EA_T_STOPPED)
            continue;
        if (!t->acked && !t->stop_wanted)
            run[run_n++] = i;
        if (t->stop_wanted && !t->stop_acked)
            stop[stop_n++] = i;
    }
    /* Alone or together; a bad task takes the ack of its whole message with it. */
    for (size_t i = 0; i < run_n;) {
        size_t n = sim_chance(s, 500) ? 1 : (size_t)sim_between(s, 1, (int64_t)(run_n - i));
        send_tasks(s, run + i, n, false);
        i += n;
    }
    for (size_t i = 0; i < stop_n; i++)
        send_tasks(s, &stop[i], 1, true);
    if (!sim_fault(s, s->chaos.bad_copy))
        return;
    size_t i = (size_t)sim_between(s, 0, (int64_t)s->plan_n - 1);
    const struct plan_task *t = &s->plan[i];
    if (t->bad || !t->acked || t->told == EA_T_STOPPED)
        return; /* it may be new to the agent, or gone from it */
    if (sim_chance(s, 600))
        send_damaged(s, i);
    else
        send_changed(s, i);
}

static void send_creds(struct sim *s, size_t i, bool exec)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));

    ev->kind = EA_EV_CREDS;
    ev->message_id = ea_sprintf_dup("creds-%zu", i);
    ev->arn = ea_strdup(s->plan[i].arn);
    ev->creds.id = ea_sprintf_dup("%s-%zu", exec ? "exec" : "role", i);
    ev->creds.secret_access_key = ea_strdup("SECRETKEY");
    ev->creds.expiration =
        ea_sprintf_dup("2031-01-01T00:00:%02lldZ", (long long)sim_between(s, 0, 59));
    ev->creds.role_type = exec ? EA_ROLE_EXECUTION : EA_ROLE_TASK;
    if (!s->calm && sim_chance(s, 20)) /* a task that nobody knows */
        ea_set_str(&ev->arn, "arn:unknown");
    else if (!s->calm && sim_chance(s, 20))
        ea_set_str(&ev->creds.id, NULL);
    send(s, ev);
}

static void refresh(struct sim *s, struct item *it)
{
    if (s->links[0].turn != (uint64_t)it->b)
        return;
    for (size_t i = 0; i < s->plan_n && s->agent_up; i++) {
        if (!s->plan[i].acked || s->plan[i].told == EA_T_STOPPED)
            continue;
        if (s->plan[i].has_role && sim_chance(s, 300))
            send_creds(s, i, false);
        if (s->plan[i].needs_exec && sim_chance(s, 300))
            send_creds(s, i, true);
    }
    if (s->calm)
        return;
    struct item *next = sim_at(s, sim_between(s, 20000, 120000), refresh);
    next->life = it->life;
    next->b = it->b;
}

static void redeliver(struct sim *s, struct item *it)
{
    if (s->links[0].turn != (uint64_t)it->b)
        return;
    send_due(s);
    struct item *next = sim_at(s, sim_between(s, 5000, 60000), redeliver);
    next->life = it->life;
    next->b = it->b;
}

void sim_plane_connected(struct sim *s)
{
    struct item *first = sim_at(s, sim_between(s, 10, 3000), redeliver);
    struct item *later = sim_at(s, sim_between(s, 20000, 120000), refresh);

    first->life = later->life = s->life;
    first->b = later->b = (int64_t)s->links[0].turn;
    for (size_t i = 0; i < s->plan_n; i++)
        if (s->plan[i].acked && s->plan[i].told != EA_T_STOPPED) {
            if (s->plan[i].has_role)
                send_creds(s, i, false);
            if (s->plan[i].needs_exec)
                send_creds(s, i, true);
        }
}

static void place(struct sim *s, struct item *it)
{
    s->plan[it->a].placed = true;
    if (s->agent_up)
        send_due(s);
}

static void want_stop(struct sim *s, struct item *it)
{
    s->plan[it->a].stop_wanted = true;
    if (s->agent_up)
        send_due(s);
}

void sim_plane_start(struct sim *s)
{
    for (size_t i = 0; i < s->plan_n; i++) {
        int64_t at = sim_between(s, 0, 60000);

        if (s->plan[i].left_out)
            continue;
        sim_at(s, at, place)->a = (int64_t)i;
        if (sim_chance(s, 500))
            sim_at(s, at + sim_between(s, 0, sim_chance(s, 300) ? 3000 : 120000), want_stop)->a =
                (int64_t)i;
    }
}

void sim_plane_stop_all(struct sim *s)
{
    s->plane_stops_all = true;
    for (size_t i = 0; i < s->plan_n; i++)
        s->plan[i].stop_wanted = !s->plan[i].left_out;
    if (s->agent_up)
        send_due(s);
}

/* Lists what should run; the agent asks about the rest. */
void sim_plane_manifest(struct sim *s)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));

    *ev = (struct ea_event){ .kind = EA_EV_MANIFEST,
                             .timeline = sim_chance(s, 800) ? ++s->plane_seq : s->plane_seq - 3 };
    ev->message_id = ea_sprintf_dup("manifest-%lld", (long long)ev->timeline);
    ev->cluster_arn = ea_strdup("arn:cluster");
    ev->instance_arn = ea_strdup("arn:instance");
    ev->manifest.arn = ea_alloc_array(s->plan_n, sizeof(char *));
    ev->manifest.running = ea_alloc_array(s->plan_n, sizeof(bool));
    for (size_t i = 0; i < s->plan_n; i++) {
        s->plan[i].listed = !s->plan[i].placed ? 0 : s->plan[i].stop_wanted ? 1 : 2;
        if (s->plan[i].placed) {
            ev->manifest.arn[ev->manifest.n] = ea_strdup(s->plan[i].arn);
            ev->manifest.running[ev->manifest.n++] = !s->plan[i].stop_wanted;
        }
    }
    if (s->agent_up)
        send(s, ev);
    else
        free_event(ev);
}

void sim_plane_operator_stop(struct sim *s)
{
    struct ea_event ev = { .kind = EA_EV_STOP_TASK };
    struct plan_task *t = &s->plan[sim_between(s, 0, (int64_t)s->plan_n - 1)];

    if (!s->agent_up)
        return;
    sim_log(s, "operator: stops %s", t->arn);
    t->stop_by_operator = true;
    ev.arn = ea_strdup(t->arn);
    sim_agent_post(s, &ev);
}

/* --- what the agent says ------------------------------------------------------------------------- */

static void acknowledged(struct sim *s, const char *id)
{
    bool stop = strncmp(id, "stop-", 5) == 0;
    ea_str rest = ea_str_of(id);
    ea_str head;

    if (strncmp(id, "damaged-", 8) == 0)
        sim_fail(s, "a payload with a task that cannot be read was acknowledged");
    if (!stop && strncmp(id, "run-", 4) != 0)
        return;
    rest = ea_str_cut(rest, '-', &head);
    while (rest.p && rest.n) {
        uint64_t i = 0;
        ea_err err = { 0 };

        rest = ea_str_cut(rest, '+', &head);
        if (ea_str_to_u64(head, 0, s->plan_n - 1, &i, &err)) {
            sim_fail(s, "ack of an unknown message %s", id);
            return;
        }
        if (stop)
            s->plan[i].stop_acked = true;
        else
            s->plan[i].acked = true;
        if (!stop && s->plan[i].bad)
            sim_fail(s, "a payload with a task that cannot be read was acknowledged");
    }
    sim_log(s, "plane: %s acknowledged", id);
}

static void verify_stops(struct sim *s, const struct ea_effect *fx)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));

    ev->kind = EA_EV_STOP_VERIFIED;
    ev->message_id = ea_strdup(fx->message_id);
    for (size_t i = 0; i < fx->arns.n; i++) {
        struct plan_task *t = sim_plan(s, fx->arns.v[i]);
        if (t && t->listed == 2)
            sim_fail(s, "%s is listed as running, and the agent asks to stop it", t->arn);
        if (t && t->stop_wanted)
            ea_strlist_add(&ev->arns, fx->arns.v[i]);
    }
    send(s, ev);
}

struct report {
    struct ea_event ev;
    char arn[64];
    ea_tstate level;
    size_t n, told_n;
    char name[SIM_CONTAINERS][24];
    ea_cstate state[SIM_CONTAINERS];
    bool was_running;
};

static void free_report(void *p)
{
    ea_event_done(&((struct report *)p)->ev);
    ea_free(p);
}

static void arrives(struct sim *s, const struct report *r)
{
    struct plan_task *t = sim_plan(s, r->arn);

    sim_log(s, "plane: %s is %s", r->arn, ea_tstate_wire(r->level));
    if (t->told_any && r->level < t->told)
        sim_fail(s, "%s was told %s after %s", r->arn, ea_tstate_wire(r->level),
                 ea_tstate_wire(t->told));
    if (r->level == EA_T_STOPPED && r->was_running && t->told < EA_T_RUNNING && !t->dropped)
        sim_fail(s, "%s ran and RUNNING was never told", r->arn);
    t->told = r->level;
    t->told_any = true;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < t->n; j++) {
            if (strcmp(t->c[j].name, r->name[i]) != 0 || r->state[i] == EA_C_NONE)
                continue;
            if (r->state[i] < t->c_told[j])
                sim_fail(s, "%s/%s was told %s after %s", r->arn, r->name[i],
                         ea_cstate_name(r->state[i]), ea_cstate_name(t->c_told[j]));
            t->c_told[j] = r->state[i];
        }
    for (size_t j = 0; r->level == EA_T_STOPPED && !t->bad && r->n && j < t->n; j++)
        if (t->c_told[j] != EA_C_STOPPED && !t->dropped)
            sim_fail(s, "%s is STOPPED and its container %s is not", r->arn, t->c[j].name);
}

/* The connection of a process that has died brings nothing once the next one talks. */
static void submit(struct sim *s, struct item *it)
{
    struct report *r = it->p;
    bool fails = (unsigned)it->a != s->life ||
                 (sim_fault(s, s->chaos.report_fails) || s->now_ms < s->plane_away_until_ms);
    bool lost = sim_fault(s, s->chaos.report_lost);

    r->ev.outcome = fails || lost ? EA_REPORT_RETRY : EA_REPORT_SENT;
    if (!fails && sim_fault(s, s->chaos.report_refused)) {
        r->ev.outcome = EA_REPORT_DROP;
        struct plan_task *t = sim_plan(s, r->arn);
        t->dropped = true;
        if (r->level > t->told)
            t->told = r->level;
        t->told_any = true;
    } else if (!fails) {
        arrives(s, r);
    }
    struct ea_event ev = r->ev;
    r->ev = (struct ea_event){ 0 };
    if (s->agent_up && s->life == (unsigned)it->a) {
        struct plan_task *t = sim_plan(s, r->arn);
        if (ev.outcome != EA_REPORT_RETRY && r->level > t->accepted)
            t->accepted = r->level;
        sim_agent_post(s, &ev);
    } else {
        ea_event_done(&ev);
    }
    free_report(r);
}

static void take_report(struct sim *s, const struct ea_effect *fx)
{
    struct report *r = ea_alloc(sizeof(*r));
    struct item *it =
        sim_at(s, sim_between(s, 1, sim_chance(s, s->chaos.slow) ? 3000 : 80), submit);

    r->ev = (struct ea_event){
        .kind = EA_EV_REPORTED, .op = fx->op, .of = EA_FX_REPORT, .level = fx->level
    };
    r->ev.arn = ea_strdup(fx->task->arn);
    (void)snprintf(r->arn, sizeof(r->arn), "%s", fx->task->arn);
    r->level = fx->level;
    r->was_running = fx->task->was_running;
    for (size_t i = 0; i < fx->task->containers.n && i < SIM_CONTAINERS; i++) {
        const struct ea_container *c = &fx->task->containers.v[i];
        (void)snprintf(r->name[i], sizeof(r->name[i]), "%.15s", c->name);
        r->state[i] = c->reporting;
        r->n++;
        r->told_n += c->reporting > c->sent;
    }
    const struct plan_task *t = sim_plan(s, r->arn);
    if (t->accepted >= r->level && r->told_n == 0)
        sim_fail(s, "%s is told %s again, which was accepted", r->arn, ea_tstate_wire(r->level));
    it->a = s->life;
    it->p = r;
    it->drop = free_report;
}

/* Acknowledged credentials are there, as new as the acknowledged ones, while their task lives. */
static void creds_acknowledged(struct sim *s, const struct ea_effect *fx)
{
    size_t i = 0;
    ea_str head, rest = ea_str_cut(ea_str_of(fx->credentials_id), '-', &head);
    ea_err err = { 0 };
    uint64_t n = 0;

    if (ea_str_to_u64(rest, 0, s->plan_n - 1, &n, &err))
        return;
    i = (size_t)n;
    const struct ea_task *t = ea_model_task(&s->m, s->plan[i].arn);
    const struct ea_creds *c = ea_model_creds(&s->m, fx->credentials_id);
    if (!t || t->known == EA_T_STOPPED)
        return;
    if (!c || c->known_only || ea_zstr_empty(c->secret_access_key))
        sim_fail(s, "credentials %s were acknowledged and are not there", fx->credentials_id);
}

void sim_plane_run(struct sim *s, const struct ea_effect *fx)
{
    switch (fx->kind) {
    case EA_FX_ACK:
        if (fx->message_id && sim_session_open(s) && !sim_fault(s, s->chaos.ack_lost) &&
            s->now_ms >= s->plane_away_until_ms)
            acknowledged(s, fx->message_id);
        break;
    case EA_FX_CREDS_ACK:
        creds_acknowledged(s, fx);
        break;
    case EA_FX_STOP_CANDIDATES:
        verify_stops(s, fx);
        break;
    case EA_FX_REPORT:
        take_report(s, fx);
        break;
    default:
        break;
    }
}
