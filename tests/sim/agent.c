#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static ea_time agent_time(const struct sim *s)
{
    return (ea_time){ s->now_ms + s->mono0_ms, sim_wall(s) };
}

static void run_turns(struct sim *s, struct item *it);

static void plan_turns(struct sim *s)
{
    if (s->turns_planned || s->held)
        return;
    s->turns_planned = true;
    sim_at(s, sim_between(s, 0, 2), run_turns)->life = s->life;
}

void sim_agent_post(struct sim *s, struct ea_event *ev)
{
    if (!s->agent_up) {
        ea_event_done(ev);
        return;
    }
    if (s->queue_n == s->queue_cap) {
        s->queue_cap = s->queue_cap ? 2 * s->queue_cap : 16;
        s->queue = ea_realloc_array(s->queue, s->queue_cap, sizeof(*s->queue));
    }
    s->queue[s->queue_n++] = *ev;
    *ev = (struct ea_event){ .kind = ev->kind };
    plan_turns(s);
}

/* --- store ------------------------------------------------------------------------------------ */

static void put_row(struct sim *s, const char *arn, char *json)
{
    size_t i = 0;

    while (i < s->rows_n && strcmp(s->rows[i].arn, arn) != 0)
        i++;
    if (strstr(json, "SECRETKEY"))
        sim_fail(s, "a secret was stored in the row of %s", arn);
    if (i == s->rows_n) {
        s->rows[s->rows_n++].json = NULL;
        (void)snprintf(s->rows[i].arn, sizeof(s->rows[i].arn), "%s", arn);
    }
    sim_plan(s, arn)->stored = true;
    ea_free(s->rows[i].json);
    s->rows[i].json = json;
}

static void drop_row(struct sim *s, const char *arn)
{
    for (size_t i = 0; i < s->rows_n; i++)
        if (strcmp(s->rows[i].arn, arn) == 0) {
            struct plan_task *p = sim_plan(s, arn);
            ea_free(s->rows[i].json);
            s->rows_n--;
            memmove(&s->rows[i], &s->rows[i + 1], (s->rows_n - i) * sizeof(s->rows[0]));
            p->cleaned = true;
            p->stored = false;
            return;
        }
}

static void save(struct sim *s)
{
    ea_err err = { 0 };

    for (size_t i = 0; i < s->m.gone.n; i++)
        drop_row(s, s->m.gone.v[i]);
    ea_strlist_free(&s->m.gone);
    EA_LIST_EACH(&s->m.tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);
        char *json = NULL;

        if (!t->dirty)
            continue;
        if (ea_task_to_row(t, &json, &err))
            sim_fail(s, "row: %s", err.text);
        else
            put_row(s, t->arn, json);
        t->dirty = false;
    }
    if (s->m.meta.dirty)
        s->stored_manifest_seq = s->m.meta.manifest_seq;
    s->m.meta.dirty = false;
    if (!s->m.images.dirty)
        return;
    ea_free(s->stored_images);
    s->stored_images = NULL;
    if (ea_images_to_json(&s->m.images, &s->stored_images, &err))
        sim_fail(s, "images: %s", err.text);
    s->m.images.dirty = false;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void timer(struct sim *s, struct item *it)
{
    struct ea_event ev = { .kind = EA_EV_TIMER };

    if (s->wake_ms != it->a)
        return; /* an earlier one was asked for meanwhile */
    s->wake_ms = 0;
    sim_agent_post(s, &ev);
}

static void arm(struct sim *s, int64_t mono_ms)
{
    int64_t at = mono_ms - s->mono0_ms;

    if (s->wake_ms && s->wake_ms <= at)
        return;
    s->wake_ms = at;
    struct item *it = sim_at(s, at - s->now_ms, timer);
    it->life = s->life;
    it->a = at;
}

static void run_effect(struct sim *s, const struct ea_effect *fx)
{
    switch (fx->kind) {
    case EA_FX_REPORT:
    case EA_FX_ACK:
    case EA_FX_CREDS_ACK:
    case EA_FX_STOP_CANDIDATES:
        sim_plane_run(s, fx);
        break;
    case EA_FX_WAKE:
        arm(s, fx->at_ms);
        break;
    case EA_FX_IMAGE_REMOVE:
        sim_docker_remove_image(s, fx);
        break;
    case EA_FX_SURVEY:
        sim_docker_survey(s, fx);
        break;
    case EA_FX_UNTRACKED_REMOVE:
        sim_docker_remove_untracked(s, fx);
        break;
    case EA_FX_DISK:
        sim_docker_look_at_disk(s, fx);
        break;
    case EA_FX_PREPARE:
        sim_fetch(s, fx);
        break;
    case EA_FX_TASK_ENDED:
        sim_fetch_forget(s, fx->task->arn);
        break;
    case EA_FX_WATCH:
    case EA_FX_UNWATCH:
        sim_telemetry_watch(s, fx);
        break;
    default:
        if (fx->kind == EA_FX_CREATE)
            sim_fetch_check_create(s, fx);
        sim_docker_run(s, fx);
        break;
    }
}

static bool task_lives(const struct sim *s, const struct ea_task *task)
{
    EA_LIST_EACH(&s->m.tasks, node)
    {
        if (EA_OWNER(node, struct ea_task, node) == task)
            return true;
    }
    return false;
}

static void commit(struct sim *s, struct item *it)
{
    (void)it;
    s->held = s->commit_waits = false;
    if (sim_fault(s, s->chaos.commit_fails) || s->now_ms < s->store_full_until_ms) {
        sim_log(s, "store: commit failed");
        s->held = true;
        sim_at(s, sim_between(s, 100, 5000), commit)->life = s->life;
        return;
    }
    if (sim_fault(s, s->chaos.crash)) {
        sim_agent_crash(s, "before the commit");
        return;
    }
    save(s);
    if (sim_fault(s, s->chaos.crash)) {
        sim_agent_crash(s, "after the commit");
        return;
    }
    struct ea_effects fx = s->fx;
    unsigned life = s->life;
    s->fx = (struct ea_effects){ 0 };
    for (size_t i = 0; i < fx.n && s->life == life && s->agent_up; i++) {
        if (fx.v[i].task && !task_lives(s, fx.v[i].task))
            continue;
        run_effect(s, &fx.v[i]);
        if (sim_fault(s, s->chaos.crash_between))
            sim_agent_crash(s, "between effects");
    }
    ea_effects_done(&fx);
    if (s->agent_up && s->life == life && s->queue_n)
        plan_turns(s);
}

/* As agent/host_ports.c: before the commit, so that a container keeps its ports. */
static void assign_ports(struct sim *s)
{
    for (size_t i = 0; i < s->fx.n; i++) {
        struct ea_task *t = s->fx.v[i].kind == EA_FX_CREATE && task_lives(s, s->fx.v[i].task)
                                ? ea_model_task(&s->m, s->fx.v[i].task->arn)
                                : NULL;
        struct ea_container *c = t ? ea_task_container(t, s->fx.v[i].container->name) : NULL;

        for (size_t j = 0; c && j < c->ports.n; j++) {
            struct ea_port_mapping *p = &c->ports.v[j];
            int64_t port = 8082;

            if (p->host_port || p->assigned_host_port)
                continue;
            while (ea_engine_port_taken(&s->m, p->protocol, port))
                port++;
            p->assigned_host_port = port;
            t->dirty = true;
        }
    }
}

/* They stay, by the specification: nobody will ever say that they are not needed. */
static void note_late_creds(struct sim *s, const struct ea_event *ev)
{
    struct plan_task *p = ev->kind == EA_EV_CREDS ? sim_plan(s, ev->arn) : NULL;

    if (p && p->told == EA_T_STOPPED && !ea_model_task(&s->m, ev->arn))
        p->late_creds = true;
}

static void one_turn(struct sim *s, struct ea_event *ev)
{
    ea_time now = agent_time(s);

    s->draining = s->draining || ev->kind == EA_EV_DRAIN;
    note_late_creds(s, ev);
    ea_engine_turn(&s->m, ev, &now, &s->fx);
    ea_event_done(ev);
    sim_check_model(s);
}

static void commit_due(struct sim *s, struct item *it)
{
    (void)it;
    if (s->commit_waits) /* else one with effects took it along; a little early is no harm either */
        commit(s, NULL);
}

/* Turns that let nothing out wait for the next commit: the rule of agent/turn.c. */
static void let_wait(struct sim *s)
{
    for (size_t i = 0; i < s->fx.n; i++)
        run_effect(s, &s->fx.v[i]);
    ea_effects_done(&s->fx);
    if (s->commit_waits)
        return;
    s->commit_waits = true;
    sim_at(s, EA_COMMIT_WAIT_MS, commit_due)->life = s->life;
}

static void run_turns(struct sim *s, struct item *it)
{
    struct ea_event *queue = s->queue;
    size_t n = s->queue_n;

    (void)it;
    s->turns_planned = false;
    if (s->held)
        return;
    s->queue = NULL;
    s->queue_n = s->queue_cap = 0;
    for (size_t i = 0; i < n; i++)
        one_turn(s, &queue[i]);
    ea_free(queue);
    assign_ports(s);
    if (ea_effects_may_wait(&s->fx))
        let_wait(s);
    else
        commit(s, NULL);
}

/* --- life and death --------------------------------------------------------------------------- */

void sim_agent_start(struct sim *s)
{
    ea_err err = { 0 };

    s->life++;
    s->agent_up = true;
    s->held = s->turns_planned = s->commit_waits = s->linked = s->draining = false;
    s->wake_ms = 0;
    s->seen_n = s->fetched_n = 0;
    s->mono0_ms = sim_between(s, 0, 1000000);
    ea_model_init(&s->m, ea_rng_u64(&s->rng));
    s->m.settings = (struct ea_engine_settings){ .pull_behavior = s->pull,
                                                 .manifest_pull_ms = 60000,
                                                 .image_pull_ms = 600000,
                                                 .image_pull_inactivity_ms = 60000,
                                                 .create_ms = 240000,
                                                 .start_ms = 180000,
                                                 .stop_s = 30,
                                                 .task_cleanup_ms = 10800000,
                                                 .task_cleanup_jitter_ms = 60000,
                                                 .image_cleanup = true,
                                                 .image_cleanup_interval_ms = 600000,
                                                 .image_min_age_ms = 3600000,
                                                 .images_per_cycle = 5,
                                                 .untracked_cleanup = s->untracked_cleanup,
                                                 .untracked_min_age_ms = 3600000,
                                                 .containers_per_cycle = 5,
                                                 .disk_high_percent = 85,
                                                 .disk_low_percent = 75 };
    s->m.host.cpu_units = s->host.cpu_units;
    s->m.host.memory_mib = s->host.memory_mib;
    s->m.meta.manifest_seq = s->stored_manifest_seq;
    ea_set_str(&s->m.meta.cluster, "c");
    if (s->stored_images && ea_images_from_json(&s->m.images, ea_str_of(s->stored_images), &err))
        sim_fail(s, "stored images: %s", err.text);
    for (size_t i = 0; i < s->rows_n; i++) {
        struct ea_task *t = NULL;

        if (ea_task_from_row(ea_str_of(s->rows[i].json), &t, &err)) {
            sim_fail(s, "stored row: %s", err.text);
            return;
        }
        ea_model_add_task(&s->m, t);
    }
    for (size_t i = 0; i < s->host.reserved_tcp.n; i++) {
        s->m.host.reserved_tcp.v = ea_alloc_array(1, sizeof(int64_t));
        s->m.host.reserved_tcp.v[s->m.host.reserved_tcp.n++] = s->host.reserved_tcp.v[i];
    }
    sim_check_life(s);
    sim_log(s, "agent: starts, life %u, %zu rows", s->life, s->rows_n);
    struct ea_event ev = { .kind = EA_EV_START };
    sim_agent_post(s, &ev);
    sim_docker_link(s);
    sim_telemetry_start(s);
    sim_session_start(s);
}

static void start_again(struct sim *s, struct item *it)
{
    (void)it;
    if (!s->agent_up)
        sim_agent_start(s);
}

void sim_agent_quit(struct sim *s)
{
    if (!s->agent_up)
        return;
    if (!sim_fault(s, s->chaos.commit_fails) && s->now_ms >= s->store_full_until_ms)
        save(s);
    sim_session_stop(s);
    sim_agent_crash(s, "in order");
}

void sim_agent_crash(struct sim *s, const char *where)
{
    if (!s->agent_up)
        return;
    sim_log(s, "agent: crashes %s", where);
    for (size_t i = 0; i < s->queue_n; i++)
        ea_event_done(&s->queue[i]);
    ea_free(s->queue);
    s->queue = NULL;
    s->queue_n = s->queue_cap = 0;
    ea_effects_done(&s->fx);
    ea_model_done(&s->m);
    s->agent_up = s->linked = false;
    (void)sim_at(s, sim_chance(s, 100) ? sim_between(s, 60000, 900000) : sim_between(s, 100, 5000),
                 start_again);
}
