#include "report_due.h"

#include "../base/backoff.h"
#include "../base/log.h"
#include "state.h"

/* Container states that no task report carried along are told by themselves after a while. */
enum {
    DRAIN_MIN_MS = 10000,
    DRAIN_SPREAD_MS = 20000
};

/* What a report at `level` tells of a container; EA_C_NONE: nothing new. */
static ea_cstate told_of(const struct ea_container *c, ea_tstate level)
{
    ea_cstate state = c->known;

    if (c->is_internal)
        return EA_C_NONE;
    /* While a task is told to be RUNNING its essential containers are told to run; that one ended
     * comes with STOPPED. The answer depends on nothing that changes between two attempts. */
    if (level == EA_T_RUNNING && c->essential && state == EA_C_STOPPED)
        state = c->started_ms ? ea_container_steady(c) : EA_C_NONE;
    /* The last report is whole: it repeats the end of a container that an earlier one told. */
    if (level == EA_T_STOPPED && state == EA_C_STOPPED)
        return EA_C_STOPPED;
    if (state == EA_C_PULLED || state == EA_C_CREATED)
        state = EA_C_MANIFEST_PULLED;
    if (state == EA_C_MANIFEST_PULLED && !c->resolved_by_us)
        return EA_C_NONE;
    if (state == EA_C_RUNNING && ea_container_steady(c) != EA_C_RUNNING)
        return EA_C_NONE;
    return state > c->sent ? state : EA_C_NONE;
}

static bool any_resolved(const struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].resolved_by_us)
            return true;
    return false;
}

static bool any_told(const struct ea_task *t, ea_tstate level)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (told_of(&t->containers.v[i], level) != EA_C_NONE)
            return true;
    return false;
}

/* The level to tell next; EA_T_NONE when everything was told. RUNNING is never skipped. */
static ea_tstate next_level(const struct ea_task *t)
{
    if (t->was_running && t->sent < EA_T_RUNNING)
        return EA_T_RUNNING;
    if (t->known == EA_T_STOPPED)
        return t->sent < EA_T_STOPPED ? EA_T_STOPPED : EA_T_NONE;
    if (t->known >= EA_T_MANIFEST_PULLED && t->known < EA_T_RUNNING &&
        t->sent < EA_T_MANIFEST_PULLED && any_resolved(t))
        return EA_T_MANIFEST_PULLED;
    return EA_T_NONE;
}

/* A container changed and the task did not: told after 10-30 s with the task's present state. */
static ea_tstate drained_level(struct ea_turn *turn, struct ea_task *t)
{
    ea_tstate level = t->known == EA_T_RUNNING ? EA_T_RUNNING : EA_T_MANIFEST_PULLED;

    if (t->known == EA_T_STOPPED || t->known < EA_T_MANIFEST_PULLED || !any_told(t, level)) {
        t->drain_at_ms = 0;
        return EA_T_NONE;
    }
    if (t->drain_at_ms == 0)
        t->drain_at_ms = turn->now->mono_ms + DRAIN_MIN_MS +
                         (int64_t)ea_rng_below(&turn->m->rng, DRAIN_SPREAD_MS);
    return ea_turn_waits(turn, t->drain_at_ms) ? EA_T_NONE : level;
}

static void submit(struct ea_turn *turn, struct ea_task *t, ea_tstate level)
{
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_REPORT);

    e->op = t->report_op = turn->m->next_op++;
    e->task = t;
    e->level = t->report_level = level;
    t->report_at_ms = t->drain_at_ms = 0;
    for (size_t i = 0; i < t->containers.n; i++)
        t->containers.v[i].reporting = told_of(&t->containers.v[i], level);
}

void ea_report_due(struct ea_turn *turn)
{
    size_t in_flight = 0;

    EA_LIST_EACH(&turn->m->tasks, counted)
    {
        if (EA_OWNER(counted, struct ea_task, node)->report_op)
            in_flight++;
    }
    EA_LIST_EACH(&turn->m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        if (t->report_op || (t->known == EA_T_STOPPED && t->sent == EA_T_STOPPED))
            continue;
        ea_tstate level = next_level(t);
        if (level == EA_T_NONE)
            level = drained_level(turn, t);
        if (level == EA_T_NONE || ea_turn_waits(turn, t->report_at_ms))
            continue;
        if (in_flight >= EA_REPORTS_MAX)
            continue; /* the next answer makes room */
        submit(turn, t, level);
        in_flight++;
    }
}

void ea_report_answered(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_task *t = NULL;

    EA_LIST_EACH(&turn->m->tasks, node)
    {
        struct ea_task *other = EA_OWNER(node, struct ea_task, node);

        if (ev->op && other->report_op == ev->op)
            t = other;
    }
    if (!t)
        return;
    t->report_op = 0;
    if (ev->outcome == EA_REPORT_RETRY) {
        ea_backoff b = EA_BACKOFF(1000, 30000, 0.2, 1.3);

        b.current_ms = t->report_delay_ms;
        t->report_at_ms = turn->now->mono_ms + ea_backoff_next(&b, &turn->m->rng);
        t->report_delay_ms = b.current_ms;
        return;
    }
    if (ev->outcome == EA_REPORT_DROP)
        ea_error("report refused for good", EA_S("task", t->arn),
                 EA_S("level", ea_tstate_name(t->report_level)), EA_S("err", ev->err.text));
    t->report_delay_ms = 0;
    if (t->report_level > t->sent)
        t->sent = t->report_level;
    for (size_t i = 0; i < t->containers.n; i++) {
        struct ea_container *c = &t->containers.v[i];

        if (c->reporting > c->sent)
            c->sent = c->reporting;
        c->reporting = EA_C_NONE;
    }
    t->dirty = true;
}
