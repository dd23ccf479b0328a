#include "restart.h"

#include "../base/log.h"
#include "state.h"

static bool ignored(const struct ea_restart_policy *p, int64_t exit_code)
{
    for (size_t i = 0; i < p->ignored_exit_codes.n; i++)
        if (p->ignored_exit_codes.v[i] == exit_code)
            return true;
    return false;
}

bool ea_restart_wanted(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                       const struct ea_docker_facts *f)
{
    const struct ea_restart_policy *p = c->restart_policy;
    int64_t since_ms = c->last_restart_ms ? c->last_restart_ms : c->started_ms;

    if (!p || !p->enabled || c->desired == EA_C_STOPPED || !f->exit_code.has || c->error_name ||
        ignored(p, f->exit_code.v))
        return false;
    /* A restart that was counted and never reached Docker (the agent ended in between, or the call was
     * lost) is owed, not new. */
    bool owed = c->restarting && f->started_ms <= c->last_restart_ms;
    if (!owed) {
        if (turn->now->wall_ms - since_ms < p->attempt_period_s * 1000)
            return false;
        c->restart_count++;
        c->last_restart_ms = turn->now->wall_ms;
        ea_info("container restarts", EA_S("task", t->arn), EA_S("container", c->name),
                EA_I("exit", f->exit_code.v), EA_I("attempt", c->restart_count));
    }
    ea_container_set_known(turn, t, c, EA_C_RUNNING, "ran before its restart");
    ea_container_new_step(c);
    c->restarting = true;
    t->dirty = true;
    return true;
}
