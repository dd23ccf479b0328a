#include "steps.h"

#include "../base/alloc.h"
#include "depends.h"
#include "images.h"
#include "results.h"
#include "room.h"
#include "resources.h"
#include "state.h"
#include "volumes.h"

#include <string.h>

/* clang-format off */
static const struct ea_step into[EA_C_COUNT] = {
    /*                        effect         tries first  last   x    error's name                     word of its timeout */
    [EA_C_MANIFEST_PULLED] = { EA_FX_RESOLVE, 9,   10,    5000,  3.0, "CannotPullImageManifestError",  "MANIFEST_PULLED" },
    [EA_C_PULLED]          = { EA_FX_PULL,    5,   1100,  5000,  2.0, "CannotPullContainerError",      "pulled"          },
    [EA_C_CREATED]         = { EA_FX_CREATE,  1,   0,     0,     1.0, "CannotCreateContainerError",    "created"         },
    [EA_C_RUNNING]         = { EA_FX_START,   1,   0,     0,     1.0, "CannotStartContainerError",     "started"         },
    [EA_C_STOPPED]         = { EA_FX_STOP,    5,   1000,  5000,  1.3, "CannotStopContainerError",      "stopped"         },
};
/* clang-format on */

/* Docker answers a stop only after the grace period; what the call itself may need on top. */
enum {
    STOP_BUFFER_MS = 120000
};

const struct ea_step *ea_step_into(ea_cstate state)
{
    return state < EA_C_COUNT && into[state].attempts ? &into[state] : NULL;
}

ea_cstate ea_state_after(const struct ea_container *c)
{
    if (c->known >= ea_container_steady(c))
        return EA_C_STOPPED;
    return (ea_cstate)((int)c->known + 1);
}

int64_t ea_stop_grace_s(const struct ea_model *m, const struct ea_container *c)
{
    return c->stop_timeout_s > 0 ? c->stop_timeout_s : m->settings.stop_s;
}

int64_t ea_step_limit_ms(const struct ea_model *m, const struct ea_container *c, ea_cstate state)
{
    switch (state) {
    case EA_C_MANIFEST_PULLED:
        return m->settings.manifest_pull_ms;
    case EA_C_PULLED:
        return m->settings.image_pull_ms;
    case EA_C_CREATED:
        return m->settings.create_ms;
    case EA_C_RUNNING:
        return m->settings.start_ms;
    case EA_C_STOPPED:
        return ea_stop_grace_s(m, c) * 1000 + STOP_BUFFER_MS;
    case EA_C_NONE:
    case EA_C_PROVISIONED:
    case EA_C_COUNT:
        break;
    }
    return 0;
}

static bool uses_execution_role(const struct ea_container *c, ea_cstate target)
{
    const struct ea_registry_auth *a = c->registry_auth;

    if (target <= EA_C_PULLED)
        return a && a->ecr && a->ecr->use_execution_role;
    return target == EA_C_CREATED && c->logs_auth_strategy;
}

bool ea_step_lacks_creds(const struct ea_model *m, const struct ea_task *t,
                         const struct ea_container *c, ea_cstate target)
{
    /* Without any execution role the step itself fails with its own words. */
    if (!t->execution_credentials_id || !uses_execution_role(c, target))
        return false;
    const struct ea_creds *have = ea_model_creds(m, t->execution_credentials_id);
    return !have || have->known_only;
}

/* Asks Docker for the true state before anything is repeated. */
static void look_up(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    c->lookup = false;
    (void)ea_turn_do(turn, t, c, c->docker_id ? EA_FX_INSPECT : EA_FX_FIND, EA_C_NONE,
                     EA_LOOKUP_LIMIT_MS);
}

static void take_stop(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    /* After the last attempt a living engine is believed: the container counts as stopped, its
     * error says why. A dead one is waited for. */
    if (c->attempts >= into[EA_C_STOPPED].attempts) {
        (void)ea_turn_do(turn, t, c, EA_FX_PING, EA_C_STOPPED, EA_PING_LIMIT_MS);
        return;
    }
    c->attempts++;
    struct ea_effect *e = ea_turn_do(turn, t, c, EA_FX_STOP, EA_C_STOPPED,
                                     ea_step_limit_ms(turn->m, c, EA_C_STOPPED));
    e->stop_s = ea_stop_grace_s(turn->m, c);
}

/* A local image is enough: the pull asks for nothing but an image that is not there. */
static bool takes_local_image(const struct ea_model *m, const struct ea_container *c)
{
    return m->settings.pull_behavior == EA_PULL_PREFER_CACHED ||
           (m->settings.pull_behavior == EA_PULL_ONCE && ea_images_pulled_before(m, c->image));
}

/* One attempt of the step into `target`; the limit counts from the first attempt on. */
static void take_step(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                      ea_cstate target)
{
    const struct ea_model *m = turn->m;
    int64_t limit = ea_step_limit_ms(m, c, target);

    if (c->attempts == 0) {
        c->step_began_ms = turn->now->mono_ms;
        c->pull_began_ms = turn->now->wall_ms;
    }
    c->attempts++;
    int64_t left = limit - (turn->now->mono_ms - c->step_began_ms);
    struct ea_effect *e = ea_turn_do(turn, t, c, into[target].kind, target, left > 1 ? left : 1);
    e->local = takes_local_image(m, c);
    e->idle_ms = m->settings.image_pull_inactivity_ms;
}

static bool give_up_on_dependency(struct ea_task *t, struct ea_container *c, const char *why)
{
    ea_container_set_error(t, c, "CannotStartContainerError", why);
    ea_container_set_desired(t, c, EA_C_STOPPED);
    if (!c->exit_code.has)
        c->exit_code = (ea_opt_i64){ true, 143 }; /* as if ended by SIGTERM */
    t->dirty = true;
    return true;
}

/* An image named by its digest needs nobody's answer. */
static bool resolved_by_name(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    const char *at = c->image ? strchr(c->image, '@') : NULL;

    if (!at || strncmp(at + 1, "sha256:", 7) != 0)
        return false;
    if (!c->image_digest)
        c->image_digest = ea_strdup(at + 1);
    ea_container_set_known(turn, t, c, EA_C_MANIFEST_PULLED, "image named by digest");
    return true;
}

/* The look-up of the digest has just seen the image: a second look in the same turn would tell the
 * same. Any later the image may be gone again, so the pull looks for itself. */
static bool pulled_by_look(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    if (!c->image_seen_ms || c->image_seen_ms != turn->now->mono_ms ||
        !takes_local_image(turn->m, c))
        return false;
    ea_images_used(turn, c, false);
    ea_container_set_known(turn, t, c, EA_C_PULLED, "image there");
    return true;
}

static bool step_up(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    char why[256];
    int64_t until_wall_ms = 0;
    ea_cstate target = ea_state_after(c);

    c->pull_held = false;
    if (!t->holds_resources)
        return false;
    ea_dep_answer answer =
        ea_depends_start(turn->m, t, c, target, turn->now->wall_ms, why, &until_wall_ms);
    if (answer == EA_DEP_NEVER)
        return give_up_on_dependency(t, c, why);
    if (until_wall_ms)
        ea_turn_wake_wall(turn, until_wall_ms);
    if (target == EA_C_PULLED &&
        (ea_images_leaving(turn->m, c->image) || ea_room_waits(turn->m, c))) {
        c->pull_held = answer != EA_DEP_WAIT && !c->no_room;
        return false;
    }
    if (target == EA_C_PULLED && ea_room_lacks(turn->m, c)) {
        ea_results_no_room(turn, t, c);
        return true;
    }
    if (answer == EA_DEP_WAIT || (target >= EA_C_PULLED && !ea_volumes_ready(t, c)))
        return false;
    if (ea_step_lacks_creds(turn->m, t, c, target) || !ea_resources_ready(t, c, target))
        return false;
    if (target == EA_C_MANIFEST_PULLED && resolved_by_name(turn, t, c))
        return true;
    if (target == EA_C_PULLED && pulled_by_look(turn, t, c))
        return true;
    if (!turn->m->docker_up) {
        c->pull_held = target == EA_C_PULLED && c->attempts == 0;
        return false;
    }
    take_step(turn, t, c, target);
    return false;
}

/* Its host port was taken: the container that had it goes first, then another one is made. */
static void make_again(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    if (!turn->m->docker_up)
        return;
    if (c->docker_id)
        (void)ea_turn_do(turn, t, c, EA_FX_REMOVE, EA_C_NONE, EA_REMOVE_LIMIT_MS);
    else if (!ea_step_lacks_creds(turn->m, t, c, EA_C_CREATED) &&
             ea_resources_ready(t, c, EA_C_CREATED))
        take_step(turn, t, c, EA_C_CREATED);
}

/* The pull was next and could not begin: Docker was away, or images were being removed. */
static void tell_held_pull(struct ea_task *t, struct ea_container *c)
{
    EA_FREE_AUTO char *text =
        ea_sprintf_dup("Task stopped before image pull could begin for task: %s", t->arn);

    ea_container_set_error(t, c, "TaskStoppedBeforePullBeginError", text);
}

/* A container that wants to stop and was certainly never started needs no call. */
static bool stops_silently(const struct ea_container *c)
{
    return c->known < EA_C_RUNNING && !c->may_run &&
           (c->known < EA_C_CREATED || (!c->lookup && !c->op));
}

static bool step_down(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    if (ea_depends_hold_stop(t, c, NULL))
        return false;
    if (stops_silently(c)) {
        if (c->pull_held && t->desired == EA_T_STOPPED)
            tell_held_pull(t, c);
        ea_container_set_known(turn, t, c, EA_C_STOPPED, "never started");
        return true;
    }
    if (turn->m->docker_up)
        take_stop(turn, t, c);
    return false;
}

/* STOPPED here and running at Docker: it is stopped once; after that an operator may look at it.
 * It counts when it is answered: a crash before that must not use it up. */
static void stop_revived(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    c->revived = false;
    struct ea_effect *e = ea_turn_do(turn, t, c, EA_FX_STOP, EA_C_STOPPED,
                                     ea_step_limit_ms(turn->m, c, EA_C_STOPPED));
    e->stop_s = ea_stop_grace_s(turn->m, c);
}

bool ea_step_container(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    bool down = c->desired == EA_C_STOPPED;

    if (c->removed)
        return false;
    if (c->op && down && (c->applied == EA_C_MANIFEST_PULLED || c->applied == EA_C_PULLED)) {
        c->op = 0; /* nobody waits for that image any more; the answer will find no owner */
        c->applied = EA_C_NONE;
    }
    if (c->op || (c->known < EA_C_STOPPED && ea_turn_waits(turn, c->retry_at_ms)))
        return false;
    if (c->lookup && !(down && c->known < EA_C_CREATED && !c->may_run)) {
        if (turn->m->docker_up && !ea_turn_waits(turn, c->retry_at_ms))
            look_up(turn, t, c);
        return false;
    }
    if (c->known == EA_C_STOPPED) {
        if (c->revived && !c->stop_once_done && turn->m->docker_up)
            stop_revived(turn, t, c);
        return false;
    }
    if (down)
        return step_down(turn, t, c);
    if (c->restarting) {
        if (turn->m->docker_up)
            take_step(turn, t, c, EA_C_RUNNING);
        return false;
    }
    if (c->remake) {
        make_again(turn, t, c);
        return false;
    }
    return c->known < c->desired ? step_up(turn, t, c) : false;
}
