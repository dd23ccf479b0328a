#include "turn.h"

#include "../base/alloc.h"
#include "../base/backoff.h"
#include "../base/log.h"
#include "host_ports.h"
#include "run_effect.h"

#include <string.h>

struct queued {
    ea_node node;
    struct ea_event ev;
};

struct ea_turns {
    ea_agent *ag;
    ea_list queue;
    struct ea_effects effects; /* of turns that are not committed yet */
    bool scheduled, held, waits;
    ea_timer *retry; /* of a failed commit, or the end of a commit's wait */
    ea_timer *wake;  /* EA_FX_WAKE */
    int64_t wake_at_ms;
    ea_backoff backoff;
};

static void wake_up(void *arg);
static void try_commit(void *arg);

struct ea_turns *ea_turns_new(ea_agent *ag)
{
    struct ea_turns *t = ea_alloc(sizeof(*t));

    t->ag = ag;
    ea_list_init(&t->queue);
    t->retry = ea_timer_new(ag->loop, try_commit, t);
    t->wake = ea_timer_new(ag->loop, wake_up, t);
    t->backoff = EA_BACKOFF(200, 30000, 0.2, 2);
    return t;
}

void ea_turns_free(struct ea_turns *t)
{
    if (!t)
        return;
    EA_LIST_EACH(&t->queue, node)
    {
        struct queued *q = EA_OWNER(node, struct queued, node);
        ea_list_remove(node);
        ea_event_done(&q->ev);
        ea_free(q);
    }
    ea_timer_free(t->retry);
    ea_timer_free(t->wake);
    ea_effects_done(&t->effects);
    ea_free(t);
}

/* The engine asks to be woken; it asks again after each turn, so the earliest wish is enough. */
static void arm_wake(struct ea_turns *t, int64_t at_ms)
{
    int64_t now = ea_now().mono_ms;

    if (t->wake_at_ms && t->wake_at_ms <= at_ms)
        return;
    t->wake_at_ms = at_ms;
    ea_timer_arm(t->wake, at_ms > now ? at_ms - now : 0);
}

static void wake_up(void *arg)
{
    struct ea_turns *t = arg;
    struct ea_event ev = { .kind = EA_EV_TIMER };

    t->wake_at_ms = 0;
    ea_turn_post(t->ag, &ev);
}

static bool task_exists(const struct ea_model *m, const struct ea_task *task)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        if (EA_OWNER(node, struct ea_task, node) == task)
            return true;
    }
    return false;
}

/* Several turns share a commit: an effect of an earlier one may point to a task that a later one has
 * removed. */
static void drop_effects_of_gone_tasks(struct ea_turns *t)
{
    size_t kept = 0;

    if (t->ag->model.gone.n == 0)
        return;
    for (size_t i = 0; i < t->effects.n; i++) {
        struct ea_effect *fx = &t->effects.v[i];
        if (fx->task && !task_exists(&t->ag->model, fx->task)) {
            struct ea_effects one = { .v = ea_alloc(sizeof(*fx)), .n = 1, .cap = 1 };
            one.v[0] = *fx;
            ea_effects_done(&one);
            continue;
        }
        t->effects.v[kept++] = *fx;
    }
    t->effects.n = kept;
}

static void run_effects(struct ea_turns *t)
{
    struct ea_effects fx = t->effects;

    memset(&t->effects, 0, sizeof(t->effects));
    for (size_t i = 0; i < fx.n; i++) {
        if (fx.v[i].kind == EA_FX_WAKE)
            arm_wake(t, fx.v[i].at_ms);
        else
            ea_run_effect(t->ag, &fx.v[i]);
    }
    ea_effects_done(&fx);
}

static void run_turns(void *arg)
{
    struct ea_turns *t = arg;
    ea_time now = ea_now();

    t->scheduled = false;
    if (t->held || t->ag->stopping) /* stopping: nobody is left to carry effects out */
        return;
    while (!ea_list_empty(&t->queue)) {
        struct queued *q = EA_OWNER(t->queue.head.next, struct queued, node);
        ea_list_remove(&q->node);
        ea_engine_turn(&t->ag->model, &q->ev, &now, &t->effects);
        ea_event_done(&q->ev);
        ea_free(q);
    }
    drop_effects_of_gone_tasks(t);
    ea_assign_ports(t->ag, &t->effects);
    if (!ea_effects_may_wait(&t->effects)) {
        try_commit(t);
        return;
    }
    run_effects(t);
    if (t->waits || !ea_store_differs(&t->ag->model))
        return;
    t->waits = true;
    ea_timer_arm(t->retry, EA_COMMIT_WAIT_MS);
}

static void try_commit(void *arg)
{
    struct ea_turns *t = arg;
    ea_err err = { 0 };

    t->waits = false;
    ea_timer_stop(t->retry);
    if (ea_store_save(t->ag->store, &t->ag->model, &err)) {
        int64_t delay = ea_backoff_next(&t->backoff, &t->ag->rng);
        ea_wrap(&err, "state not saved, effects held back");
        ea_status_wait(&t->ag->status, EA_WAIT_STORE, &err, delay);
        t->held = true;
        ea_timer_arm(t->retry, delay);
        return;
    }
    ea_backoff_reset(&t->backoff);
    ea_status_clear(&t->ag->status, EA_WAIT_STORE);
    t->held = false;
    run_effects(t);
    if (!ea_list_empty(&t->queue) && !t->scheduled) {
        t->scheduled = true;
        ea_loop_defer(t->ag->loop, run_turns, t);
    }
}

void ea_turn_post(ea_agent *ag, struct ea_event *ev)
{
    struct ea_turns *t = ag->turns;
    struct queued *q;

    if (ag->stopping) {
        ea_event_done(ev);
        return;
    }
    q = ea_alloc(sizeof(*q));
    q->ev = *ev;
    memset(ev, 0, sizeof(*ev));
    ea_list_append(&t->queue, &q->node);
    if (t->scheduled || t->held)
        return;
    t->scheduled = true;
    ea_loop_defer(ag->loop, run_turns, t);
}

void ea_turns_flush(ea_agent *ag)
{
    ea_err err = { 0 };

    ea_timer_stop(ag->turns->retry); /* an armed one would keep the loop from its end */
    ea_timer_stop(ag->turns->wake);
    if (ea_store_save(ag->store, &ag->model, &err))
        ea_error(
            "state not saved at the stop: what happened since is found again at the next start",
            EA_S("err", err.text));
}
