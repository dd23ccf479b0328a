#include "cleanup.h"

#include "../base/log.h"
#include "../base/str.h"
#include "creds_book.h"
#include "images.h"
#include "steps.h"
#include "volumes.h"

enum {
    REMOVE_ATTEMPTS = 10 /* in some eight minutes */
};

#define UNTOLD_MAX_MS ((int64_t)72 * 3600 * 1000)

static bool containers_removed(struct ea_turn *turn, struct ea_task *t)
{
    bool done = true;

    for (size_t i = 0; i < t->containers.n; i++) {
        struct ea_container *c = &t->containers.v[i];

        if (c->removed || (!c->docker_id && !c->docker_name))
            continue;
        done = false;
        if (c->op || !turn->m->docker_up || ea_turn_waits(turn, c->retry_at_ms))
            continue;
        if (!c->docker_id || c->vanished) { /* one that Docker made too late for us to hear of */
            c->attempts++;
            (void)ea_turn_do(turn, t, c, EA_FX_FIND, EA_C_NONE, EA_LOOKUP_LIMIT_MS);
            continue;
        }
        if (c->revived) { /* it runs although it was stopped; now its time is over */
            c->revived = false;
            ea_turn_do(turn, t, c, EA_FX_STOP, EA_C_STOPPED,
                       ea_step_limit_ms(turn->m, c, EA_C_STOPPED))
                ->stop_s = ea_stop_grace_s(turn->m, c);
            continue;
        }
        c->attempts++;
        (void)ea_turn_do(turn, t, c, EA_FX_REMOVE, EA_C_NONE, EA_REMOVE_LIMIT_MS);
    }
    return done;
}

/* An effect of this very turn may still point at the task. */
static bool mentioned(const struct ea_turn *turn, const struct ea_task *t)
{
    for (size_t i = 0; i < turn->fx->n; i++)
        if (turn->fx->v[i].task == t)
            return true;
    return false;
}

bool ea_cleanup_task(struct ea_turn *turn, struct ea_task *t)
{
    const struct ea_engine_settings *s = &turn->m->settings;

    if (t->known != EA_T_STOPPED)
        return false;
    if (t->cleanup_at_ms == 0)
        t->cleanup_at_ms =
            t->known_since_ms + s->task_cleanup_ms +
            (int64_t)ea_rng_below(
                &turn->m->rng,
                (uint64_t)(s->task_cleanup_jitter_ms > 0 ? s->task_cleanup_jitter_ms : 0));
    int64_t at_ms = t->cleanup_at_ms;
    bool told = t->sent == EA_T_STOPPED;
    if (!told && at_ms < t->known_since_ms + UNTOLD_MAX_MS)
        at_ms = t->known_since_ms + UNTOLD_MAX_MS;
    if (turn->now->wall_ms < at_ms) {
        ea_turn_wake_wall(turn, at_ms);
        return false;
    }
    if (!t->cleaning) {
        ea_info("task clean-up", EA_S("task", t->arn), EA_B("told", told));
        t->cleaning = true;
        for (size_t i = 0; i < t->containers.n; i++) {
            t->containers.v[i].attempts = 0;
            t->containers.v[i].retry_at_ms = 0;
        }
    }
    if (!containers_removed(turn, t) || !ea_volumes_remove(turn, t) || !told || t->report_op)
        return false;
    if (mentioned(turn, t)) {
        ea_turn_wake(turn, turn->now->mono_ms + 1);
        return false;
    }
    ea_images_released(turn, t);
    ea_creds_book_forget(turn->m, t, true);
    ea_model_remove_task(turn->m, t);
    return true;
}

/* Again later, or never again: what cannot be removed must not keep the row for ever. */
static void failed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_event *ev)
{
    if (ev->err.code == EA_UNREACHABLE || ev->err.code == EA_CANCELLED)
        c->attempts = 0; /* Docker was away */
    if (c->attempts >= REMOVE_ATTEMPTS) {
        ea_warn("container not removed", EA_S("task", t->arn), EA_S("container", c->name),
                EA_S("err", ev->err.text));
        c->removed = true;
        return;
    }
    c->retry_at_ms = turn->now->mono_ms + ea_turn_delay(turn, c->attempts, 1000, 300000, 2.0, 0.2);
}

void ea_cleanup_removed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                        const struct ea_event *ev)
{
    if (ev->err.code == EA_OK || ev->err.code == EA_NOT_FOUND) {
        /* Another one may stand under its name: of one that was made more than once, late news may have
         * brought back the id of an earlier; where somebody else removed it, Docker may have carried
         * out a create of a dead process after that. */
        c->vanished =
            (c->port_tries > 0 || ev->err.code == EA_NOT_FOUND) && c->attempts < REMOVE_ATTEMPTS;
        c->removed = !c->vanished;
        return;
    }
    c->revived = ev->err.code == EA_CONFLICT; /* Docker removes nothing that runs */
    failed(turn, t, c, ev);
}

void ea_cleanup_looked(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                       const struct ea_event *ev, bool absent)
{
    if (absent && ev->of == EA_FX_INSPECT)
        c->vanished = true; /* another one may stand under its name */
    else if (absent)
        c->removed = true;
    else if (ev->err.code)
        failed(turn, t, c, ev);
    else {
        if (ev->facts.id && !ea_zstr_eq(ev->facts.id, c->docker_id))
            ea_model_set_docker_id(turn->m, t, c, ev->facts.id);
        c->vanished = false; /* also when it is the one that was said to be gone */
        c->revived = ev->facts.state == EA_C_RUNNING;
    }
}
