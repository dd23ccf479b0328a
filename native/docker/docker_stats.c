#include "docker_stats.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "docker_lines.h"

#include <uv.h>

#define LINE_MAX_BYTES (256 * 1024)
#define SILENCE_MS     18000
#define RETRY_MIN_MS   1000
#define RETRY_MAX_MS   10000
#define ONE_SHOT_API   41

/* ---- the stream ---- */

struct ea_docker_stats {
    ea_docker *dk;
    char *id;
    bool windows;
    ea_docker_stats_fn *fn;
    void (*ended)(void *ctx);
    void *ctx;
    ea_docker_op *op; /* the stream; NULL between tries */
    ea_timer *timer;  /* silence while it is open, the next try while it is not */
    ea_dlines lines;
    int64_t delay_ms; /* before the next try */
    bool good;        /* a sample came since it was opened */
    bool stopped, over;
};

static void open_stream(struct ea_docker_stats *st);

static void free_stats(struct ea_docker_stats *st)
{
    ea_timer_free(st->timer);
    ea_dlines_done(&st->lines);
    ea_free(st->id);
    ea_free(st);
}

static bool on_line(void *ctx, ea_str line)
{
    struct ea_docker_stats *st = ctx;
    struct ea_docker_sample sample;
    ea_err err = { 0 };

    if (ea_docker_stats_decode(line, st->windows, &sample, &err)) {
        ea_docker_abort(st->op, &err); /* what follows cannot be trusted either */
        return false;
    }
    st->good = true;
    st->fn(st->ctx, line, &sample);
    return !st->stopped;
}

static void on_chunk(void *ctx, ea_str data)
{
    struct ea_docker_stats *st = ctx;

    if (st->stopped || !data.n)
        return;
    ea_timer_arm(st->timer, SILENCE_MS);
    ea_dlines_feed(&st->lines, data, on_line, st);
}

static void on_end(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct ea_docker_stats *st = ctx;

    (void)a;
    st->op = NULL;
    if (st->stopped) {
        free_stats(st);
        return;
    }
    ea_buf_clear(&st->lines.line);
    st->lines.skipping = false;
    if (err->code == EA_NOT_FOUND) {
        st->over = true;
        ea_timer_stop(st->timer);
        if (st->ended)
            st->ended(st->ctx);
        return;
    }
    st->delay_ms = st->good || !st->delay_ms ? RETRY_MIN_MS : st->delay_ms * 2;
    if (st->delay_ms > RETRY_MAX_MS)
        st->delay_ms = RETRY_MAX_MS;
    ea_timer_arm(st->timer, st->delay_ms);
}

static void on_timer(void *arg)
{
    struct ea_docker_stats *st = arg;
    ea_err why = { 0 };

    if (!st->op) {
        open_stream(st);
        return;
    }
    ea_fail(&why, EA_TIMEOUT, "no statistics within %d ms", SILENCE_MS);
    ea_docker_abort(st->op, &why);
}

static void stats_path(ea_buf *path, const char *id, const char *query)
{
    ea_buf_adds(path, "/containers/");
    ea_docker_add_ref(path, id);
    ea_buf_adds(path, query);
}

static void open_stream(struct ea_docker_stats *st)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct ea_docker_request rq = { .http = { .method = "GET", .chunk = on_chunk } };
    ea_err err = { 0 };

    st->good = false;
    stats_path(&path, st->id, "/stats?stream=1");
    rq.http.path = ea_buf_z(&path);
    if (ea_buf_check(&path, &err))
        st->op = ea_docker_fail(st->dk, &err, on_end, st);
    else
        st->op = ea_docker_request(st->dk, &rq, on_end, st);
    ea_timer_arm(st->timer, SILENCE_MS);
}

ea_docker_stats *ea_docker_stats_start(ea_docker *dk, const char *id, bool windows,
                                       ea_docker_stats_fn *fn, void (*ended)(void *ctx), void *ctx)
{
    struct ea_docker_stats *st = ea_alloc(sizeof(*st));

    st->dk = dk;
    st->id = ea_strdup(id);
    st->windows = windows;
    st->fn = fn;
    st->ended = ended;
    st->ctx = ctx;
    st->lines = EA_DLINES(LINE_MAX_BYTES);
    st->timer = ea_timer_new(ea_docker_loop(dk), on_timer, st);
    open_stream(st);
    return st;
}

void ea_docker_stats_stop(ea_docker_stats *st)
{
    if (!st || st->stopped)
        return;
    st->stopped = true;
    ea_timer_stop(st->timer);
    if (st->op)
        ea_docker_cancel(st->op); /* its end frees */
    else
        free_stats(st);
}

/* ---- once ------------------------------------------------------------------------------------- */

struct once_call {
    ea_docker_stats_once_done *done;
    void *ctx;
    bool windows;
};

static void on_once(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct once_call *call = ctx;
    struct ea_docker_sample sample;
    ea_err mine = *err;
    ea_str line = { NULL, 0 };

    if (!err->code) {
        line = ea_str_trim(a->body);
        if (ea_docker_stats_decode(line, call->windows, &sample, &mine))
            line = (ea_str){ NULL, 0 };
    }
    call->done(call->ctx, line, mine.code ? NULL : &sample, &mine);
    ea_free(call);
}

bool ea_docker_stats_once_is_cheap(const ea_docker *dk)
{
    const struct ea_docker_version *v = ea_docker_version(dk);

    return v && ea_docker_api_minor(v->api_version) >= ONE_SHOT_API;
}

ea_docker_op *ea_docker_stats_once(ea_docker *dk, const char *id, bool windows, int64_t limit_ms,
                                   ea_docker_stats_once_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct once_call *call = ea_alloc(sizeof(*call));
    bool cheap = ea_docker_stats_once_is_cheap(dk);
    struct ea_docker_request rq = {
        .http = { .method = "GET", .limit_ms = limit_ms, .max_body = LINE_MAX_BYTES },
        .api = cheap ? ONE_SHOT_API : 0,
    };
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    call->windows = windows;
    stats_path(&path, id, cheap ? "/stats?stream=0&one-shot=1" : "/stats?stream=0");
    if (ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_once, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_once, call);
}
