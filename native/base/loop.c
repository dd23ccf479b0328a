#include "loop.h"

#include "alloc.h"
#include "list.h"

#include <stdbool.h>
#include <uv.h>

struct call { /* a function that waits for its turn */
    ea_node node;
    void (*fn)(void *arg);
    void *arg;
};

struct ea_loop {
    uv_loop_t uv;
    uv_async_t wake;     /* a post came */
    uv_idle_t idle;      /* active while `deferred` has content, so that the loop does not sleep */
    uv_timer_t deadline; /* of the drain after a stop */
    uv_mutex_t lock;     /* guards `posted` and `gone` alone */
    ea_list posted, deferred;
    bool gone;     /* the loop ended: posts are refused */
    bool stopping; /* loop thread */
    bool closing;  /* our own handles are closed */
    bool overdue;  /* drain_ms passed */
};

struct ea_timer {
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
};

struct work {
    uv_work_t req;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static struct call *new_call(void (*fn)(void *arg), void *arg)
{
    struct call *c = ea_alloc(sizeof(*c));

    c->fn = fn;
    c->arg = arg;
    return c;
}

/* Runs what is in the list now; what these calls add waits for the next round. */
static void run_calls(ea_list *batch)
{
    while (!ea_list_empty(batch)) {
        struct call *c = EA_OWNER(batch->head.next, struct call, node);

        ea_list_remove(&c->node);
        c->fn(c->arg);
        ea_free(c);
    }
}

static void run_posted(ea_loop *l)
{
    ea_list batch;

    ea_list_init(&batch);
    uv_mutex_lock(&l->lock);
    ea_list_move_all(&l->posted, &batch);
    uv_mutex_unlock(&l->lock);
    run_calls(&batch);
}

static void run_deferred(ea_loop *l)
{
    ea_list batch;

    ea_list_init(&batch);
    ea_list_move_all(&l->deferred, &batch);
    run_calls(&batch);
    if (ea_list_empty(&l->deferred))
        (void)uv_idle_stop(&l->idle); /* cannot fail */
}

static void on_wake(uv_async_t *h)
{
    run_posted(h->data);
}

static void on_idle(uv_idle_t *h)
{
    run_deferred(h->data);
}

static void on_deadline(uv_timer_t *h)
{
    ea_loop *l = h->data;

    l->overdue = true;
    uv_stop(&l->uv);
}

ea_code ea_loop_new(ea_loop **out, ea_err *err)
{
    ea_loop *l = ea_alloc(sizeof(*l));
    int rc = uv_loop_init(&l->uv);

    if (rc != 0) {
        ea_free(l);
        return ea_fail_sys(err, EA_IO, rc, "event loop: %s", uv_strerror(rc));
    }
    rc = uv_mutex_init(&l->lock);
    if (rc == 0) {
        rc = uv_async_init(&l->uv, &l->wake, on_wake);
        if (rc != 0)
            uv_mutex_destroy(&l->lock);
    }
    if (rc != 0) {
        (void)uv_loop_close(&l->uv); /* nothing was opened on it */
        ea_free(l);
        return ea_fail_sys(err, EA_IO, rc, "event loop: %s", uv_strerror(rc));
    }
    (void)uv_idle_init(&l->uv, &l->idle); /* these two cannot fail */
    (void)uv_timer_init(&l->uv, &l->deadline);
    uv_unref((uv_handle_t *)&l->deadline);
    l->wake.data = l->idle.data = l->deadline.data = l;
    ea_list_init(&l->posted);
    ea_list_init(&l->deferred);
    *out = l;
    return EA_OK;
}

static void close_left(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void ea_loop_free(ea_loop *l)
{
    if (!l)
        return;
    uv_mutex_lock(&l->lock);
    l->gone = true;
    uv_mutex_unlock(&l->lock);
    run_posted(l); /* of a loop that never ran */
    l->closing = true;
    do {
        run_calls(&l->deferred);
        uv_walk(&l->uv, close_left, NULL);
        while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0) { /* close callbacks, work still on the pool */
        }
    } while (!ea_list_empty(&l->deferred));
    (void)uv_loop_close(&l->uv); /* everything on it was closed above */
    uv_mutex_destroy(&l->lock);
    ea_free(l);
}

struct uv_loop_s *ea_loop_uv(ea_loop *l)
{
    return &l->uv;
}

/* True when nobody can add anything any more. */
static bool shut_queue(ea_loop *l)
{
    bool empty;

    uv_mutex_lock(&l->lock);
    empty = ea_list_empty(&l->posted) && ea_list_empty(&l->deferred);
    if (empty)
        l->gone = true;
    uv_mutex_unlock(&l->lock);
    return empty;
}

void ea_loop_run(ea_loop *l, unsigned drain_ms)
{
    while (!l->stopping)
        (void)uv_run(&l->uv, UV_RUN_DEFAULT); /* tells whether handles are left; the flag decides */

    uv_unref((uv_handle_t *)&l->wake);
    uv_update_time(&l->uv);
    (void)uv_timer_start(&l->deadline, on_deadline, drain_ms, 0); /* the handle is open */
    while (!l->overdue && uv_run(&l->uv, UV_RUN_DEFAULT) != 0) {
    }
    /* A post that was accepted runs, come what may: its argument has no other owner. */
    while (!shut_queue(l)) {
        run_posted(l);
        run_deferred(l);
        (void)uv_run(&l->uv, UV_RUN_NOWAIT); /* handles that these calls closed */
    }
    (void)uv_timer_stop(&l->deadline); /* cannot fail */
}

void ea_loop_stop(ea_loop *l)
{
    l->stopping = true;
    uv_stop(&l->uv);
}

ea_code ea_loop_post(ea_loop *l, void (*fn)(void *arg), void *arg, ea_err *err)
{
    struct call *c = new_call(fn, arg);
    bool gone;

    /* The wake-up is inside the lock: once `gone` is seen false, the handle stays open long enough. */
    uv_mutex_lock(&l->lock);
    gone = l->gone;
    if (!gone) {
        ea_list_append(&l->posted, &c->node);
        (void)uv_async_send(&l->wake); /* fails on a handle of another kind alone */
    }
    uv_mutex_unlock(&l->lock);
    if (!gone)
        return EA_OK;
    ea_free(c);
    return ea_fail(err, EA_CANCELLED, "the event loop has ended");
}

void ea_loop_defer(ea_loop *l, void (*fn)(void *arg), void *arg)
{
    ea_list_append(&l->deferred, &new_call(fn, arg)->node);
    if (!l->closing)
        (void)uv_idle_start(&l->idle, on_idle); /* no-op when active; else cannot fail */
}

static void on_timer(uv_timer_t *h)
{
    ea_timer *t = h->data;

    t->fn(t->arg);
}

ea_timer *ea_timer_new(ea_loop *l, void (*fn)(void *arg), void *arg)
{
    ea_timer *t = ea_alloc(sizeof(*t));

    (void)uv_timer_init(&l->uv, &t->uv); /* cannot fail */
    t->uv.data = t;
    t->fn = fn;
    t->arg = arg;
    return t;
}

void ea_timer_arm(ea_timer *t, int64_t delay_ms)
{
    /* libuv's own clock stands still during a callback and counts whole milliseconds: without the
     * update and the one more, a timer could fire before its time as ea_now() tells it. */
    uv_update_time(t->uv.loop);
    (void)uv_timer_start(&t->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms + 1 : 0,
                         0); /* fails on a closing handle alone */
}

void ea_timer_stop(ea_timer *t)
{
    (void)uv_timer_stop(&t->uv); /* cannot fail */
}

static void free_timer(uv_handle_t *h)
{
    ea_free(h->data);
}

void ea_timer_free(ea_timer *t)
{
    if (!t)
        return;
    (void)uv_timer_stop(&t->uv); /* cannot fail */
    uv_close((uv_handle_t *)&t->uv, free_timer);
}

static void on_work(uv_work_t *req)
{
    struct work *w = req->data;

    w->work(w->arg);
}

static void on_worked(uv_work_t *req, int status)
{
    struct work *w = req->data;

    (void)status; /* only uv_cancel() makes it anything but 0, and nobody calls that */
    w->done(w->arg);
    ea_free(w);
}

void ea_loop_work(ea_loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *w = ea_alloc(sizeof(*w));

    w->req.data = w;
    w->work = work;
    w->done = done;
    w->arg = arg;
    (void)uv_queue_work(&l->uv, &w->req, on_work, on_worked); /* fails without on_work alone */
}
