#include "results.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "cleanup.h"
#include "images.h"
#include "observe.h"
#include "ports.h"
#include "room.h"
#include "state.h"
#include "steps.h"

#include <string.h>

enum {
    LOOKUP_FIRST_MS = 1000,
    LOOKUP_LAST_MS = 30000
};

/* "<name>: <text>" of a failed step, both copied out. The caller frees them. */
static void words_of(const struct ea_model *m, const struct ea_container *c,
                     const struct ea_event *ev, ea_cstate target, char **name, char **text)
{
    const struct ea_step *step = ea_step_into(target);

    if (ev->err.code == EA_TIMEOUT && !ev->error_name) {
        char limit[EA_RFC3339_MAX];

        ea_format_go_duration(ea_step_limit_ms(m, c, target), limit);
        *name = ea_strdup("DockerTimeoutError");
        *text = ea_sprintf_dup("Could not transition to %s; timed out after waiting %s",
                               step->timeout_word, limit);
        return;
    }
    const char *own = step->error_name;
    if (target == EA_C_PULLED && ev->err.code == EA_AUTH && c->registry_auth)
        own =
            c->registry_auth->asm_ ? "CannotPullContainerAuthError" : "CannotPullECRContainerError";
    *name = ea_strdup(ev->error_name ? ev->error_name : own);
    *text = ea_strdup(ev->err.text);
}

static void record(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_event *ev, ea_cstate target)
{
    EA_FREE_AUTO char *name = NULL;
    EA_FREE_AUTO char *text = NULL;

    words_of(turn->m, c, ev, target, &name, &text);
    ea_container_set_error(t, c, name, text);
}

static void look_again(struct ea_turn *turn, struct ea_container *c)
{
    c->lookup = true;
    c->attempts++;
    c->retry_at_ms = turn->now->mono_ms +
                     ea_turn_delay(turn, c->attempts, LOOKUP_FIRST_MS, LOOKUP_LAST_MS, 2.0, 0.2);
}

/* The call may or may not have been carried out: look before the next step. Docker's absence is no
 * failure of the step; a time limit is one if the look shows that nothing happened. */
static bool unknown_outcome(struct ea_turn *turn, struct ea_container *c, const struct ea_event *ev,
                            ea_cstate target)
{
    if (ev->err.code != EA_UNREACHABLE && ev->err.code != EA_TIMEOUT &&
        ev->err.code != EA_CANCELLED)
        return false;
    if (ev->err.code == EA_TIMEOUT) {
        EA_FREE_AUTO char *name = NULL;
        EA_FREE_AUTO char *text = NULL;

        words_of(turn->m, c, ev, target, &name, &text);
        ea_container_set_doubt(c, name, text);
    }
    ea_container_new_step(c);
    look_again(turn, c);
    return true;
}

/* A failed image step (task-engine.md section 1.6): `always` and `once` stop the task; with the
 * others the create call decides, and its failure is told in the words of the pull. */
static void image_given_up(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                           ea_cstate target)
{
    if (turn->m->settings.pull_behavior == EA_PULL_ALWAYS ||
        turn->m->settings.pull_behavior == EA_PULL_ONCE) {
        ea_container_set_desired(t, c, EA_C_STOPPED);
        ea_task_set_desired(t, EA_T_STOPPED);
        return;
    }
    ea_container_set_known(turn, t, c, target, "failed, a local image may do");
}

static void image_failed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                         const struct ea_event *ev, ea_cstate target)
{
    record(turn, t, c, ev, target);
    /* Pulled before its turn, and nothing local would do: the task need not wait for the create. */
    if (ev->absent && c->essential && turn->m->settings.pull_dependent_upfront) {
        EA_FREE_AUTO char *reason = ea_sprintf_dup("%s: %s", c->error_name, c->error_text);
        ea_task_set_reason(t, reason);
        ea_container_set_desired(t, c, EA_C_STOPPED);
        return;
    }
    image_given_up(turn, t, c, target);
}

void ea_results_no_room(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    ea_container_set_error(t, c, c->doubt_name, c->doubt_text);
    ea_container_clear_doubt(c);
    image_given_up(turn, t, c, EA_C_PULLED);
}

/* The pull waits for room if images may go for it; else its failure is final: trying again would meet
 * the same disk. */
static void found_no_room(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                          const struct ea_event *ev)
{
    EA_FREE_AUTO char *name = NULL;
    EA_FREE_AUTO char *text = NULL;

    words_of(turn->m, c, ev, EA_C_PULLED, &name, &text);
    ea_container_set_doubt(c, name, text);
    if (!ea_room_wait(turn, t, c, ev))
        ea_results_no_room(turn, t, c);
}

static bool image_retried(struct ea_turn *turn, struct ea_container *c, const struct ea_event *ev,
                          ea_cstate target)
{
    const struct ea_step *step = ea_step_into(target);
    int64_t limit = ea_step_limit_ms(turn->m, c, target);

    if (ev->err.code == EA_UNREACHABLE || ev->err.code == EA_CANCELLED) {
        c->attempts = 0; /* Docker was away; pulling again is harmless */
        c->retry_at_ms = turn->now->mono_ms + ea_turn_delay(turn, 1, 1000, 1000, 1.0, 0.2);
        return true;
    }
    if (ev->err.code == EA_TIMEOUT || ev->err.code == EA_AUTH || ev->err.code == EA_UNSUPPORTED ||
        c->attempts >= step->attempts)
        return false;
    int64_t delay = ea_turn_delay(turn, c->attempts, step->first_delay_ms, step->last_delay_ms,
                                  step->multiple, 0.2);
    if (turn->now->mono_ms + delay - c->step_began_ms >= limit)
        return false;
    ea_info("image step again", EA_S("container", c->name), EA_S("image", c->image),
            EA_I("attempt", c->attempts), EA_S("err", ev->err.text));
    c->retry_at_ms = turn->now->mono_ms + delay;
    return true;
}

static void resolved(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                     const struct ea_event *ev)
{
    if (ev->err.code == EA_UNSUPPORTED) { /* of another platform: no pull, a local image may do */
        image_failed(turn, t, c, ev, EA_C_PULLED);
        return;
    }
    if (ev->err.code) {
        if (!image_retried(turn, c, ev, EA_C_MANIFEST_PULLED))
            image_failed(turn, t, c, ev, EA_C_MANIFEST_PULLED);
        return;
    }
    if (ev->digest) {
        ea_set_str(&c->image_digest, ev->digest);
        c->resolved_by_us = true;
    }
    if (ev->cached) {
        c->image_seen_ms = turn->now->mono_ms;
        if (ev->image_id)
            ea_set_str(&c->image_id, ev->image_id);
    }
    ea_container_set_known(turn, t, c, EA_C_MANIFEST_PULLED, "digest looked up");
}

/* A later step did what an earlier one could not. */
static void forget_error(struct ea_container *c)
{
    if (c->desired == EA_C_STOPPED)
        return;
    ea_set_str(&c->error_name, NULL);
    ea_set_str(&c->error_text, NULL);
}

static void pulled(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_event *ev)
{
    if (!ev->cached && ev->err.code != EA_UNREACHABLE && ev->err.code != EA_CANCELLED) {
        if (!t->pull_started_ms)
            t->pull_started_ms = c->pull_began_ms;
        t->pull_stopped_ms = turn->now->wall_ms;
        t->dirty = true;
    }
    if (ev->err.code && ev->no_room) {
        found_no_room(turn, t, c, ev);
        return;
    }
    if (ev->err.code) {
        if (!image_retried(turn, c, ev, EA_C_PULLED))
            image_failed(turn, t, c, ev, EA_C_PULLED);
        return;
    }
    if (ev->image_id)
        ea_set_str(&c->image_id, ev->image_id);
    if (ev->digest && !c->image_digest) { /* nobody could tell it before the pull */
        ea_set_str(&c->image_digest, ev->digest);
        c->resolved_by_us = true;
    }
    forget_error(c);
    ea_container_clear_doubt(c);
    ea_images_used(turn, c, !ev->cached);
    if (!ev->cached)
        ea_room_ask(turn);
    ea_container_set_known(turn, t, c, EA_C_PULLED, "image there");
}

void ea_results_created(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    if (c->known >= EA_C_CREATED)
        return;
    forget_error(c);
    ea_container_clear_doubt(c);
    ea_container_set_known(turn, t, c, EA_C_CREATED, "exists");
}

static void created(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                    const struct ea_event *ev)
{
    if (ev->err.code) {
        if (unknown_outcome(turn, c, ev, EA_C_CREATED) || ea_ports_clash(turn, t, c, ev->err.text))
            return;
        record(turn, t, c, ev, EA_C_CREATED);
        ea_container_set_desired(t, c, EA_C_STOPPED);
        return;
    }
    /* The answer names the container that stands under our name; an id from before is of one that
     * is gone. */
    if (ev->facts.id && !ea_zstr_eq(ev->facts.id, c->docker_id))
        ea_model_set_docker_id(turn->m, t, c, ev->facts.id);
    t->dirty = t->dirty || c->remake;
    if (c->remake && !ev->facts.brief && ev->facts.state != EA_C_RUNNING && !ev->facts.started_ms) {
        ea_container_new_step(c);
        ea_ports_found(t, c); /* not made by this call: with which port cannot be told */
        return;
    }
    c->remake = false;
    ea_container_clear_doubt(c);
    ea_results_created(turn, t, c);
    /* A fresh container needs no second look; one that was found under its name does. */
    if (ev->facts.found && ev->facts.state == EA_C_CREATED)
        ea_observe_metadata(turn, t, c, &ev->facts);
    else if (ev->facts.found)
        ea_observe_facts(turn, t, c, &ev->facts);
    else
        c->lookup = true;
}

static void start_failed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                         const struct ea_event *ev)
{
    if (unknown_outcome(turn, c, ev, EA_C_RUNNING)) {
        c->may_run = true;
        return;
    }
    if (!c->restarting && ea_ports_clash(turn, t, c, ev->err.text))
        return;
    record(turn, t, c, ev, EA_C_RUNNING);
    ea_container_set_desired(t, c, EA_C_STOPPED);
    c->restarting = false;
    if (ev->err.code == EA_NOT_FOUND) {
        ea_observe_vanished(turn, t, c);
        return;
    }
    /* It may run all the same, when the start was done and what followed failed. */
    c->may_run = c->lookup = true;
}

static void started(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                    const struct ea_event *ev)
{
    if (ev->err.code) {
        start_failed(turn, t, c, ev);
        return;
    }
    if (c->restarting) {
        c->exit_code = (ea_opt_i64){ 0 };
        t->dirty = true;
    }
    c->restarting = false;
    if (ev->facts.found && ev->facts.state != EA_C_CREATED) {
        c->may_run = false;
        ea_observe_facts(turn, t, c, &ev->facts);
        return;
    }
    c->may_run = true; /* accepted, and not yet seen */
    c->lookup = true;
}

static void stop_failed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                        const struct ea_event *ev)
{
    const struct ea_step *step = ea_step_into(EA_C_STOPPED);

    if (ev->err.code == EA_UNREACHABLE || ev->err.code == EA_CANCELLED) {
        (void)unknown_outcome(turn, c, ev, EA_C_STOPPED);
        return;
    }
    ea_warn("stop failed", EA_S("task", t->arn), EA_S("container", c->name),
            EA_I("attempt", c->attempts), EA_S("err", ev->err.text));
    /* Kept until the attempts are used up: only then it is the container's error. */
    EA_FREE_AUTO char *name = NULL;
    EA_FREE_AUTO char *text = NULL;
    words_of(turn->m, c, ev, EA_C_STOPPED, &name, &text);
    ea_container_set_doubt(c, name, text);
    if (c->attempts < step->attempts)
        c->retry_at_ms =
            turn->now->mono_ms + ea_turn_delay(turn, c->attempts, step->first_delay_ms,
                                               step->last_delay_ms, step->multiple, 0.2);
}

/* The one stop of a container that had come back. It counts once it was carried out; a call that
 * fails is repeated like any other stop. */
static void revived_stopped(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                            const struct ea_event *ev)
{
    if (ev->err.code == EA_OK || ev->err.code == EA_NOT_FOUND ||
        c->attempts >= ea_step_into(EA_C_STOPPED)->attempts) {
        c->stop_once_done = t->dirty = true;
        return;
    }
    if (ev->err.code == EA_UNREACHABLE || ev->err.code == EA_CANCELLED)
        c->attempts = 0; /* Docker was away */
    look_again(turn, c);
}

static void stopped(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                    const struct ea_event *ev)
{
    if (c->known == EA_C_STOPPED) {
        revived_stopped(turn, t, c, ev);
        return;
    }
    if (ev->err.code == EA_NOT_FOUND || (ev->err.code == EA_OK && !ev->facts.found)) {
        ea_observe_vanished(turn, t, c);
        return;
    }
    if (ev->err.code) {
        stop_failed(turn, t, c, ev);
        return;
    }
    if (ev->facts.state == EA_C_STOPPED) {
        ea_observe_facts(turn, t, c, &ev->facts);
        return;
    }
    ea_observe_metadata(turn, t, c, &ev->facts);
    if (ev->facts.state == EA_C_CREATED) { /* a start whose outcome was unknown never happened */
        ea_container_set_known(turn, t, c, EA_C_STOPPED, "never ran");
        return;
    }
    struct ea_event still = *ev;
    still.err = (ea_err){ 0 };
    (void)ea_fail(&still.err, EA_SERVER, "container still runs after the stop");
    stop_failed(turn, t, c, &still);
}

static void pinged(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_event *ev)
{
    if (c->known == EA_C_STOPPED)
        return;
    if (ev->err.code) {
        ea_container_new_step(c);
        look_again(turn, c);
        return;
    }
    if (c->doubt_name)
        ea_container_set_error(t, c, c->doubt_name, c->doubt_text);
    ea_container_set_known(turn, t, c, EA_C_STOPPED, "cannot be stopped");
}

static void looked(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_event *ev)
{
    bool absent = ev->err.code == EA_NOT_FOUND || (ev->err.code == EA_OK && !ev->facts.found);

    if (t->cleaning) {
        ea_cleanup_looked(turn, t, c, ev, absent);
        return;
    }
    if (ev->err.code && !absent) {
        ea_debug("look-up failed", EA_S("task", t->arn), EA_S("container", c->name),
                 EA_S("err", ev->err.text));
        look_again(turn, c);
        /* A stop looks for itself; it must not wait for an answer that may never come. */
        if (c->desired == EA_C_STOPPED && (ea_container_is_running(c) || c->may_run)) {
            c->lookup = false;
            ea_container_new_step(c);
        }
        return;
    }
    if (c->known < EA_C_STOPPED)
        ea_container_new_step(c);
    if (!absent) {
        ea_observe_facts(turn, t, c, &ev->facts);
        return;
    }
    if (c->docker_id && !c->remake && (c->known >= EA_C_CREATED || c->may_run)) {
        ea_observe_vanished(turn, t, c);
        return;
    }
    /* Seen while it was being made, and taken back by Docker: who had asked for it was gone. */
    if (c->docker_id)
        ea_model_set_docker_id(turn->m, t, c, NULL);
    /* Never created. A time limit makes that final; after an outage it is simply done again. */
    if (c->doubt_name) {
        ea_container_set_error(t, c, c->doubt_name, c->doubt_text);
        ea_container_clear_doubt(c);
        ea_container_set_desired(t, c, EA_C_STOPPED);
    }
}

void ea_results_take(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                     const struct ea_event *ev)
{
    c->op = 0;
    c->applied = EA_C_NONE;
    switch (ev->of) {
    case EA_FX_RESOLVE:
        resolved(turn, t, c, ev);
        break;
    case EA_FX_PULL:
        pulled(turn, t, c, ev);
        break;
    case EA_FX_CREATE:
        created(turn, t, c, ev);
        break;
    case EA_FX_START:
        started(turn, t, c, ev);
        break;
    case EA_FX_STOP:
        stopped(turn, t, c, ev);
        break;
    case EA_FX_PING:
        pinged(turn, t, c, ev);
        break;
    case EA_FX_INSPECT:
    case EA_FX_FIND:
        looked(turn, t, c, ev);
        break;
    case EA_FX_REMOVE:
        if (c->known < EA_C_STOPPED)
            ea_ports_removed(turn, t, c, ev);
        else
            ea_cleanup_removed(turn, t, c, ev);
        break;
    case EA_FX_VOLUME_CREATE:
    case EA_FX_VOLUME_INSPECT:
    case EA_FX_VOLUME_REMOVE:
    case EA_FX_IMAGE_REMOVE:
    case EA_FX_SURVEY:
    case EA_FX_UNTRACKED_REMOVE:
    case EA_FX_DISK:
    case EA_FX_PREPARE:
    case EA_FX_REPORT:
    case EA_FX_ACK:
    case EA_FX_CREDS_ACK:
    case EA_FX_STOP_CANDIDATES:
    case EA_FX_WAKE:
    case EA_FX_WATCH:
    case EA_FX_UNWATCH:
    case EA_FX_TASK_ENDED:
        break;
    }
}
