#include "turn.h"

#include "../base/backoff.h"

struct ea_effect *ea_turn_do(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                             ea_fx_kind kind, ea_cstate applied, int64_t limit_ms)
{
    struct ea_effect *e = ea_effects_add(turn->fx, kind);

    e->op = turn->m->next_op++;
    e->task = t;
    e->container = c;
    e->limit_ms = limit_ms;
    c->op = e->op;
    c->applied = applied;
    c->retry_at_ms = 0;
    return e;
}

void ea_turn_tell(struct ea_turn *turn, const struct ea_task *t, const struct ea_container *c,
                  ea_fx_kind kind)
{
    struct ea_effect *e = ea_effects_add(turn->fx, kind);

    e->task = t;
    e->container = c;
}

void ea_turn_wake(struct ea_turn *turn, int64_t at_ms)
{
    if (at_ms > turn->now->mono_ms && (turn->wake_ms == 0 || at_ms < turn->wake_ms))
        turn->wake_ms = at_ms;
}

void ea_turn_wake_wall(struct ea_turn *turn, int64_t wall_ms)
{
    ea_turn_wake(turn, turn->now->mono_ms + (wall_ms - turn->now->wall_ms));
}

bool ea_turn_waits(struct ea_turn *turn, int64_t at_ms)
{
    ea_turn_wake(turn, at_ms);
    return at_ms > turn->now->mono_ms;
}

int64_t ea_turn_delay(struct ea_turn *turn, unsigned attempt, int64_t min_ms, int64_t max_ms,
                      double multiple, double jitter)
{
    double ms = (double)min_ms;

    for (unsigned i = 1; i < attempt && ms < (double)max_ms; i++)
        ms *= multiple;
    if (ms > (double)max_ms)
        ms = (double)max_ms;
    ea_backoff b = EA_BACKOFF((int64_t)ms, (int64_t)ms, jitter, 1.0);
    return ea_backoff_next(&b, &turn->m->rng);
}
