#include "op.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct queued { /* an event that waits for the caller */
    ea_node node;
    uint32_t kind;
    int32_t percent, seconds_left;
    const char *activity, *text; /* of the operation's memory */
};

struct chunk {
    struct chunk *next;
    max_align_t data[];
};

struct ecsagent_op {
    uv_mutex_t lock;
    uv_cond_t changed; /* an event came, the end was reached, or cancel was asked */
    uv_thread_t thread;
    ea_op_work *work;
    void *arg;
    void (*free_arg)(void *);
    int64_t deadline_ms; /* monotonic */
    bool cancelled, ended;
    ea_list queue;
    struct chunk *memory;
    ecsagent_list result;
    ecsagent_error error;
};

/* ---- memory ---- */

void *ea_op_alloc(ecsagent_op *op, size_t size)
{
    struct chunk *c = ea_alloc(sizeof(*c) + size);

    uv_mutex_lock(&op->lock);
    c->next = op->memory;
    op->memory = c;
    uv_mutex_unlock(&op->lock);
    return c->data;
}

const char *ea_op_str(ecsagent_op *op, const char *s)
{
    size_t n;
    char *copy;

    if (!s || !*s)
        return NULL;
    n = strlen(s) + 1;
    copy = ea_op_alloc(op, n);
    memcpy(copy, s, n);
    return copy;
}

const char *ea_op_strf(ecsagent_op *op, const char *fmt, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* longer texts are cut */
    va_end(ap);
    return ea_op_str(op, text);
}

/* ---- events, worker's side ---- */

static void push(ecsagent_op *op, uint32_t kind, int percent, const char *activity,
                 const char *text)
{
    struct queued *q = ea_op_alloc(op, sizeof(*q));

    q->kind = kind;
    q->percent = percent;
    q->seconds_left = (int32_t)(ea_op_left_ms(op) / 1000);
    q->activity = ea_op_str(op, activity);
    q->text = ea_op_str(op, text);
    uv_mutex_lock(&op->lock);
    ea_list_append(&op->queue, &q->node);
    uv_cond_broadcast(&op->changed);
    uv_mutex_unlock(&op->lock);
}

void ea_op_progress(ecsagent_op *op, int percent, const char *activity, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* longer texts are cut */
    va_end(ap);
    push(op, ECSAGENT_EVENT_PROGRESS, percent, activity, text);
}

void ea_op_verbose(ecsagent_op *op, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* longer texts are cut */
    va_end(ap);
    push(op, ECSAGENT_EVENT_VERBOSE, 0, NULL, text);
}

void ea_op_fail(ecsagent_op *op, const ea_err *err, int exit_code, const char *advice)
{
    ecsagent_error *e = &op->error;

    e->size = sizeof(*e);
    e->code = (int32_t)err->code;
    e->sys = err->sys;
    e->retryable = ea_code_retryable(err->code) ? 1 : 0;
    e->exit_code = exit_code;
    e->name = ea_code_name(err->code);
    e->category = ea_code_category(err->code);
    e->text = ea_op_str(op, err->text);
    e->advice = ea_op_str(op, advice);
    push(op, ECSAGENT_EVENT_ERROR, 0, NULL, NULL);
}

void ea_op_result(ecsagent_op *op, ecsagent_type type, const void *items, uint32_t count,
                  uint32_t stride)
{
    op->result = (ecsagent_list){ sizeof(op->result), (uint32_t)(count ? type : ECSAGENT_TYPE_NONE),
                                  count, stride, count ? items : NULL };
    push(op, ECSAGENT_EVENT_RESULT, 0, NULL, NULL);
}

bool ea_op_cancelled(ecsagent_op *op)
{
    bool yes;

    uv_mutex_lock(&op->lock);
    yes = op->cancelled;
    uv_mutex_unlock(&op->lock);
    return yes;
}

int64_t ea_op_left_ms(ecsagent_op *op)
{
    int64_t left = op->deadline_ms - ea_now().mono_ms;

    return left > 0 ? left : 0;
}

bool ea_op_sleep(ecsagent_op *op, int64_t ms)
{
    int64_t end = ea_now().mono_ms + ms;
    bool go_on;

    end = end > op->deadline_ms ? op->deadline_ms : end;
    uv_mutex_lock(&op->lock);
    while (!op->cancelled) {
        int64_t left = end - ea_now().mono_ms;
        if (left <= 0)
            break;
        (void)uv_cond_timedwait(&op->changed, &op->lock, (uint64_t)left * 1000000u);
    }
    go_on = !op->cancelled;
    uv_mutex_unlock(&op->lock);
    return go_on && ea_op_left_ms(op) > 0;
}

/* ---- actions ---- */

void ea_actions_add(ecsagent_op *op, ea_actions *a, const char *verb, const char *target)
{
    ecsagent_action *grown = ea_op_alloc(op, (a->n + 1) * sizeof(*grown));

    if (a->n)
        memcpy(grown, a->v, a->n * sizeof(*grown));
    grown[a->n].size = sizeof(*grown);
    grown[a->n].verb = ea_op_str(op, verb);
    grown[a->n].target = ea_op_str(op, target);
    a->v = grown;
    a->n++;
}

void ea_actions_result(ecsagent_op *op, const ea_actions *a)
{
    ea_op_result(op, ECSAGENT_TYPE_ACTION, a->v, a->n, sizeof(*a->v));
}

/* ---- life, caller's side ---- */

static void thread_main(void *arg)
{
    ecsagent_op *op = arg;

    op->work(op, op->arg);
    op->free_arg(op->arg);
    uv_mutex_lock(&op->lock);
    op->ended = true;
    uv_cond_broadcast(&op->changed);
    uv_mutex_unlock(&op->lock);
}

int32_t ea_op_start(ea_op_work *work, void *arg, void (*free_arg)(void *), uint32_t timeout_s,
                    ecsagent_op **out)
{
    ecsagent_op *op = ea_alloc(sizeof(*op));

    op->work = work;
    op->arg = arg;
    op->free_arg = free_arg;
    op->deadline_ms = ea_now().mono_ms + (int64_t)timeout_s * 1000;
    ea_list_init(&op->queue);
    if (uv_mutex_init(&op->lock) != 0 || uv_cond_init(&op->changed) != 0 ||
        uv_thread_create(&op->thread, thread_main, op) != 0) {
        free_arg(arg);
        ea_free(op);
        return ECSAGENT_NO_MEMORY;
    }
    *out = op;
    return ECSAGENT_STARTED;
}

static bool wait_for_event(ecsagent_op *op, int32_t timeout_ms)
{
    int64_t end = ea_now().mono_ms + timeout_ms;

    while (ea_list_empty(&op->queue) && !op->ended) {
        int64_t left = end - ea_now().mono_ms;
        if (timeout_ms < 0)
            uv_cond_wait(&op->changed, &op->lock);
        else if (left <= 0)
            return false;
        else
            (void)uv_cond_timedwait(&op->changed, &op->lock, (uint64_t)left * 1000000u);
    }
    return true;
}

static void fill(ecsagent_op *op, const struct queued *q, ecsagent_event *out)
{
    out->kind = q->kind;
    out->percent = q->percent;
    out->seconds_left = q->seconds_left;
    out->activity = q->activity;
    out->text = q->text;
    if (q->kind == ECSAGENT_EVENT_RESULT)
        out->result = &op->result;
    if (q->kind == ECSAGENT_EVENT_ERROR)
        out->error = &op->error;
}

int32_t ecsagent_op_next(ecsagent_op *op, int32_t timeout_ms, ecsagent_event *event)
{
    ecsagent_event filled = { .size = sizeof(filled) };
    uint32_t size;

    if (!op || !event || event->size < sizeof(filled))
        return ECSAGENT_MISUSE;
    size = event->size;
    uv_mutex_lock(&op->lock);
    if (!wait_for_event(op, timeout_ms)) {
        uv_mutex_unlock(&op->lock);
        return ECSAGENT_NEXT_NONE;
    }
    if (ea_list_empty(&op->queue)) {
        filled.kind = ECSAGENT_EVENT_DONE;
    } else {
        struct queued *q = EA_OWNER(op->queue.head.next, struct queued, node);
        ea_list_remove(&q->node);
        fill(op, q, &filled);
    }
    uv_mutex_unlock(&op->lock);
    filled.size = size;
    memcpy(event, &filled, sizeof(filled));
    return ECSAGENT_NEXT_EVENT;
}

void ecsagent_op_cancel(ecsagent_op *op)
{
    if (!op)
        return;
    uv_mutex_lock(&op->lock);
    op->cancelled = true;
    uv_cond_broadcast(&op->changed);
    uv_mutex_unlock(&op->lock);
}

void ecsagent_op_free(ecsagent_op *op)
{
    struct chunk *c;

    if (!op)
        return;
    ecsagent_op_cancel(op);
    uv_thread_join(&op->thread);
    for (c = op->memory; c;) {
        struct chunk *next = c->next;
        ea_free(c);
        c = next;
    }
    uv_cond_destroy(&op->changed);
    uv_mutex_destroy(&op->lock);
    ea_free(op);
}
