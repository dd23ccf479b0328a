#include "state.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"

bool ea_container_is_running(const struct ea_container *c)
{
    return c->known == EA_C_RUNNING || c->known == EA_C_PROVISIONED;
}

void ea_container_new_step(struct ea_container *c)
{
    c->attempts = 0;
    c->retry_at_ms = 0;
    c->step_began_ms = 0;
}

void ea_container_set_known(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                            ea_cstate state, const char *why)
{
    if (state <= c->known)
        return;
    ea_info("container state", EA_S("task", t->arn), EA_S("container", c->name),
            EA_S("from", ea_cstate_name(c->known)), EA_S("to", ea_cstate_name(state)),
            EA_S("why", why));
    bool was_running = ea_container_is_running(c);
    c->known = state;
    t->dirty = true;
    ea_container_new_step(c);
    if (ea_container_is_running(c) && !was_running)
        ea_turn_tell(turn, t, c, EA_FX_WATCH);
    if (state >= EA_C_RUNNING)
        c->remake = false;
    if (state != EA_C_STOPPED)
        return;
    if (was_running)
        ea_turn_tell(turn, t, c, EA_FX_UNWATCH);
    c->may_run = c->restarting = c->lookup = false;
    ea_container_clear_doubt(c);
    if (c->essential && t->execution_stopped_ms == 0)
        t->execution_stopped_ms = turn->now->wall_ms;
}

void ea_container_set_desired(struct ea_task *t, struct ea_container *c, ea_cstate state)
{
    if (state <= c->desired)
        return;
    c->desired = state;
    t->dirty = true;
    if (state == EA_C_STOPPED)
        ea_container_new_step(c);
}

void ea_container_set_error(struct ea_task *t, struct ea_container *c, const char *name,
                            const char *text)
{
    if (c->error_name) {
        ea_info("later container error", EA_S("task", t->arn), EA_S("container", c->name),
                EA_S("name", name), EA_S("err", text));
        return;
    }
    ea_warn("container error", EA_S("task", t->arn), EA_S("container", c->name), EA_S("name", name),
            EA_S("err", text));
    ea_set_str(&c->error_name, name);
    ea_set_str(&c->error_text, text);
    t->dirty = true;
}

void ea_container_set_doubt(struct ea_container *c, const char *name, const char *text)
{
    ea_set_str(&c->doubt_name, name);
    ea_set_str(&c->doubt_text, text);
}

void ea_container_clear_doubt(struct ea_container *c)
{
    ea_container_set_doubt(c, NULL, NULL);
}

void ea_task_set_desired(struct ea_task *t, ea_tstate state)
{
    if (state <= t->desired)
        return;
    ea_info("task wanted", EA_S("task", t->arn), EA_S("from", ea_tstate_name(t->desired)),
            EA_S("to", ea_tstate_name(state)));
    t->desired = state;
    t->dirty = true;
}

/* It is sent to people: its first letter is a capital, and it stands on one line (task-engine.md section
 * 1.6). */
void ea_task_set_reason(struct ea_task *t, const char *reason)
{
    size_t n = 0;

    if (t->reason)
        return;
    t->reason = ea_strdup(reason);
    for (const char *p = reason; *p; p++) {
        bool blank = *p == ' ' || (*p >= '\t' && *p <= '\r');

        if (!blank)
            t->reason[n++] = *p;
        else if (n > 0 && t->reason[n - 1] != ' ')
            t->reason[n++] = ' ';
    }
    if (n > 0 && t->reason[n - 1] == ' ')
        n--;
    t->reason[n] = '\0';
    if (t->reason[0] >= 'a' && t->reason[0] <= 'z')
        t->reason[0] = (char)(t->reason[0] - 'a' + 'A');
    t->dirty = true;
}

void ea_task_fail(struct ea_turn *turn, struct ea_task *t, const char *reason)
{
    ea_warn("task fails", EA_S("task", t->arn), EA_S("err", reason));
    ea_task_set_reason(t, reason);
    ea_task_set_desired(t, EA_T_STOPPED);
    for (size_t i = 0; i < t->containers.n; i++) {
        struct ea_container *c = &t->containers.v[i];

        ea_container_set_desired(t, c, EA_C_STOPPED);
        if (c->known == EA_C_NONE && !c->op)
            ea_container_set_known(turn, t, c, EA_C_STOPPED, "task cannot run");
    }
}

static ea_cstate wanted_of_container(ea_tstate task, const struct ea_container *c)
{
    switch (task) {
    case EA_T_MANIFEST_PULLED:
        return EA_C_MANIFEST_PULLED;
    case EA_T_PULLED:
        return EA_C_PULLED;
    case EA_T_CREATED:
        return EA_C_CREATED;
    case EA_T_RUNNING:
        return ea_container_steady(c);
    case EA_T_STOPPED:
        return EA_C_STOPPED;
    case EA_T_NONE:
    case EA_T_COUNT:
        break;
    }
    return EA_C_NONE;
}

static ea_tstate contribution(const struct ea_container *c)
{
    if (c->known == ea_container_steady(c))
        return EA_T_RUNNING;
    switch (c->known) {
    case EA_C_MANIFEST_PULLED:
    case EA_C_PULLED:
        return EA_T_MANIFEST_PULLED;
    case EA_C_CREATED:
    case EA_C_RUNNING:
    case EA_C_PROVISIONED:
        return EA_T_CREATED;
    case EA_C_STOPPED:
        return EA_T_STOPPED;
    case EA_C_NONE:
    case EA_C_COUNT:
        break;
    }
    return EA_T_NONE;
}

/* What the containers make of the task: the lowest contribution. While an essential one is already
 * stopped and the slowest still sits at its steady state, the task is on its way down and keeps
 * what it has. */
static ea_tstate derived(const struct ea_task *t)
{
    ea_tstate lowest = EA_T_STOPPED;
    bool essential_stopped = false;

    if (t->containers.n == 0)
        return t->desired == EA_T_STOPPED ? EA_T_STOPPED : t->known;
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if (contribution(c) < lowest)
            lowest = contribution(c);
        if (c->essential && c->known == EA_C_STOPPED)
            essential_stopped = true;
    }
    return essential_stopped && lowest == EA_T_RUNNING ? t->known : lowest;
}

static void set_task_known(struct ea_turn *turn, struct ea_task *t, ea_tstate state)
{
    ea_info("task state", EA_S("task", t->arn), EA_S("from", ea_tstate_name(t->known)),
            EA_S("to", ea_tstate_name(state)));
    t->known = state;
    t->known_since_ms = turn->now->wall_ms;
    t->poll_at_ms = 0; /* planned anew for the new state */
    t->dirty = true;
    if (state == EA_T_RUNNING)
        t->was_running = true;
    if (state == EA_T_STOPPED) {
        ea_task_set_desired(t, EA_T_STOPPED);
        t->holds_resources = false;
    }
}

bool ea_task_derive(struct ea_turn *turn, struct ea_task *t)
{
    bool changed = false;

    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if (c->essential && (c->known == EA_C_STOPPED || c->desired == EA_C_STOPPED) &&
            t->desired != EA_T_STOPPED) {
            ea_task_set_desired(t, EA_T_STOPPED);
            changed = true;
        }
    }
    for (size_t i = 0; i < t->containers.n; i++) {
        struct ea_container *c = &t->containers.v[i];
        ea_cstate want = wanted_of_container(t->desired, c);

        if (want > c->desired) {
            ea_container_set_desired(t, c, want);
            changed = true;
        }
    }
    ea_tstate known = derived(t);
    if (known > t->known) {
        set_task_known(turn, t, known);
        changed = true;
    }
    return changed;
}
