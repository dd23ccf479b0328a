#include "reconcile.h"

#include "creds_book.h"
#include "resources.h"
#include "state.h"
#include "steps.h"
#include "volumes.h"

/* Containers that run are inspected now and then, in case an event was lost: seldom once the task
 * is steady, more often while somebody may wait for the one that runs. */
enum {
    STEADY_POLL_MS = 300000,
    STEADY_SPREAD_MS = 30000,
    BUSY_POLL_MS = 30000,
    BUSY_SPREAD_MS = 3000
};

static void poll_due(struct ea_turn *turn, struct ea_task *t)
{
    if (t->poll_at_ms == 0 || turn->now->mono_ms < t->poll_at_ms)
        return;
    t->poll_at_ms = 0;
    for (size_t i = 0; i < t->containers.n; i++)
        if (ea_container_is_running(&t->containers.v[i]) && !t->containers.v[i].op)
            t->containers.v[i].lookup = true;
}

static void poll_plan(struct ea_turn *turn, struct ea_task *t)
{
    bool steady = t->known == EA_T_RUNNING && t->desired == EA_T_RUNNING;
    bool runs = false;

    for (size_t i = 0; i < t->containers.n; i++)
        if (ea_container_is_running(&t->containers.v[i]))
            runs = true;
    if (!runs)
        t->poll_at_ms = 0;
    else if (t->poll_at_ms == 0)
        t->poll_at_ms =
            turn->now->mono_ms + (steady ? STEADY_POLL_MS : BUSY_POLL_MS) +
            (int64_t)ea_rng_below(&turn->m->rng, steady ? STEADY_SPREAD_MS : BUSY_SPREAD_MS);
    ea_turn_wake(turn, t->poll_at_ms);
}

static void end_task(struct ea_turn *turn, struct ea_task *t)
{
    if (t->known != EA_T_STOPPED || t->ended)
        return;
    t->ended = true;
    ea_creds_book_forget(turn->m, t, false);
    ea_turn_tell(turn, t, NULL, EA_FX_TASK_ENDED);
}

void ea_reconcile_task(struct ea_turn *turn, struct ea_task *t)
{
    bool again = true;

    poll_due(turn, t);
    while (again) {
        again = ea_task_derive(turn, t);
        if (ea_volumes_step(turn, t))
            again = true;
        ea_resources_step(turn, t);
        for (size_t i = 0; i < t->containers.n; i++)
            if (ea_step_container(turn, t, &t->containers.v[i]))
                again = true;
    }
    poll_plan(turn, t);
    end_task(turn, t);
}
