#include "docker.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/list.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define INFO_MAX (4 * 1024 * 1024)

/* Requests that take their turn. */
struct lane {
    ea_list waiting; /* ea_docker_op.queue */
    unsigned max, running;
    int64_t
        turn_ms; /* after that the next one goes, whether this one is answered or not; 0: never */
};

enum {
    HEAVY_DEFAULT = 8,
    STOPS_DEFAULT = 12,
    STOP_TURN_MS = 1000,
    /* A peer that took the connection and never answers must not be waited for in silence. */
    STREAM_MS = 15000
};

struct ea_docker {
    ea_loop *loop;
    ea_dhttp *http;
    ea_list ops; /* ea_docker_op.node */
    size_t n_ops;
    struct lane lanes[EA_LANES];
    int64_t stream_ms;
    int api, api_max; /* minors; api_max 0: not negotiated yet */
    struct ea_docker_version version;
    bool closing;
};

struct ea_docker_op {
    ea_node node, queue;
    ea_docker *dk;
    ea_dhttp_done *done;
    ea_dhttp_chunk *chunk; /* the caller's; both get the caller's ctx */
    void *ctx;
    ea_dhttp_req *req; /* NULL while it waits, fails or is over */
    /* a request that waits for its turn */
    struct lane *lane; /* NULL: none */
    char *path, *auth, *body;
    struct ea_dhttp_params params;
    ea_timer *turn; /* the end of its turn; NULL: with the answer */
    bool in_turn, next, over;
    ea_err why; /* of an op that never became a request */
};

/* ---- versions --------------------------------------------------------------------------------- */

static const char *const api_names[] = {
    /* 17 */ "1.17", "1.18", "1.19", "1.20", "1.21", "1.22", "1.23", "1.24",
    /* 25 */ "1.25", "1.26", "1.27", "1.28", "1.29", "1.30", "1.31", "1.32",
};
#define API_NAMES_FIRST 17

int ea_docker_api_minor(const char *version)
{
    ea_str s = ea_str_of(version);
    ea_err ignored = { 0 };
    uint64_t minor;

    if (!ea_str_starts(s, "1.") ||
        ea_str_to_u64((ea_str){ s.p + 2, s.n - 2 }, 0, 999, &minor, &ignored))
        return -1;
    return (int)minor;
}

int ea_docker_api_choose(int engine_min, int engine_max)
{
    int use = engine_min > EA_DOCKER_API_MIN ? engine_min : EA_DOCKER_API_MIN;

    if (use > engine_max || use > EA_DOCKER_API_MAX)
        return -1;
    return use;
}

size_t ea_docker_api_capabilities(int engine_max, bool windows, const char **out, size_t max)
{
    /* Source: task-engine.md section 2.1: 1.26, 1.27, 1.31 and all from 1.33 on are never told. */
    int last = windows ? 30 : 32;
    size_t n = 0;

    for (int minor = API_NAMES_FIRST; minor <= last && minor <= engine_max; minor++) {
        if (minor == 26 || minor == 27 || minor == 31)
            continue;
        if (n < max)
            out[n++] = api_names[minor - API_NAMES_FIRST];
    }
    return n;
}

/* ---- life ------------------------------------------------------------------------------------- */

ea_code ea_docker_new(ea_loop *l, const struct ea_docker_options *options, ea_docker **out,
                      ea_err *err)
{
    ea_docker *dk;
    ea_dhttp *http;

    if (ea_dhttp_new(l, options->endpoint, &http, err))
        return ea_wrap(err, "Docker");
    dk = ea_alloc(sizeof(*dk));
    dk->loop = l;
    dk->http = http;
    for (size_t i = 0; i < EA_LANES; i++)
        ea_list_init(&dk->lanes[i].waiting);
    dk->lanes[EA_LANE_HEAVY].max = options->heavy_max ? options->heavy_max : HEAVY_DEFAULT;
    dk->lanes[EA_LANE_STOP].max = options->stops_max ? options->stops_max : STOPS_DEFAULT;
    dk->lanes[EA_LANE_STOP].turn_ms = options->stop_turn_ms ? options->stop_turn_ms : STOP_TURN_MS;
    dk->stream_ms = options->stream_ms ? options->stream_ms : STREAM_MS;
    dk->api = EA_DOCKER_API_MIN;
    ea_list_init(&dk->ops);
    *out = dk;
    return EA_OK;
}

static const ea_jfield version_fields[] = {
    EA_JSTR(struct ea_docker_version, version, "Version", 0),
    EA_JSTR(struct ea_docker_version, api_version, "ApiVersion", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_docker_version, min_api_version, "MinAPIVersion", 0),
    EA_JSTR(struct ea_docker_version, os, "Os", 0),
    EA_JSTR(struct ea_docker_version, arch, "Arch", 0),
    EA_JSTR(struct ea_docker_version, kernel, "KernelVersion", 0),
};
static const ea_jshape version_shape = EA_JSHAPE(struct ea_docker_version, version_fields);

static void maybe_gone(ea_docker *dk)
{
    if (!dk->closing || dk->n_ops)
        return;
    ea_json_free(&version_shape, &dk->version);
    ea_free(dk);
}

static void cancel_all(ea_docker *dk)
{
    EA_LIST_EACH(&dk->ops, n)
    ea_docker_cancel(EA_OWNER(n, ea_docker_op, node));
}

void ea_docker_free(ea_docker *dk)
{
    if (!dk || dk->closing)
        return;
    dk->closing = true;
    cancel_all(dk);
    ea_dhttp_free(dk->http);
    maybe_gone(dk);
}

size_t ea_docker_in_flight(const ea_docker *dk)
{
    return dk->n_ops;
}

const char *ea_docker_endpoint(const ea_docker *dk)
{
    return ea_dhttp_address(dk->http);
}

const struct ea_docker_version *ea_docker_version(const ea_docker *dk)
{
    return dk->api_max ? &dk->version : NULL;
}

ea_loop *ea_docker_loop(const ea_docker *dk)
{
    return dk->loop;
}

/* ---- ops -------------------------------------------------------------------------------------- */

static void start_waiting(struct lane *lane);

static void free_copies(ea_docker_op *op)
{
    ea_free(op->path);
    ea_secret_free(op->auth);
    if (op->body)
        ea_secret_wipe(op->body, op->params.body.n);
    ea_free(op->body);
    op->path = op->auth = op->body = NULL;
}

static void end_turn(ea_docker_op *op)
{
    ea_timer_free(op->turn);
    op->turn = NULL;
    if (op->in_turn)
        op->lane->running--;
    op->in_turn = false;
}

/* The one place where an op's `done` is called. */
static void deliver(ea_docker_op *op, const ea_dhttp_answer *a, const ea_err *err)
{
    ea_docker *dk = op->dk;
    struct lane *lane = op->lane;

    op->req = NULL;
    op->over = true;
    op->next = false;
    free_copies(op);
    end_turn(op);
    op->lane = NULL;
    op->done(op->ctx, a, err);
    if (!op->next) {
        ea_list_remove(&op->node);
        ea_free(op);
        dk->n_ops--;
    }
    if (!dk->closing && lane)
        start_waiting(lane);
    maybe_gone(dk);
}

static void on_answer(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    deliver(ctx, a, err);
}

static void on_chunk(void *ctx, ea_str data)
{
    ea_docker_op *op = ctx;

    op->chunk(op->ctx, data);
}

static void deliver_failure(void *arg)
{
    ea_docker_op *op = arg;
    ea_err why = op->why;

    deliver(op, NULL, &why);
}

static void fail_later(ea_docker_op *op, const ea_err *why)
{
    op->over = true;
    op->why = *why;
    ea_list_remove(&op->queue);
    ea_loop_defer(op->dk->loop, deliver_failure, op);
}

void ea_docker_abort(ea_docker_op *op, const ea_err *why)
{
    if (op->over)
        return;
    if (op->req)
        ea_dhttp_abort(op->req, why);
    else
        fail_later(op, why);
}

void ea_docker_cancel(ea_docker_op *op)
{
    ea_err why = { 0 };

    ea_fail(&why, EA_CANCELLED, "request to Docker cancelled");
    ea_docker_abort(op, &why);
}

static ea_docker_op *new_op(ea_docker *dk)
{
    ea_docker_op *op = ea_alloc(sizeof(*op));

    op->dk = dk;
    ea_list_append(&dk->ops, &op->node);
    dk->n_ops++;
    return op;
}

static ea_code full_path(const ea_docker *dk, const struct ea_docker_request *rq, char **out,
                         ea_err *err)
{
    int api = rq->api > dk->api ? rq->api : dk->api;

    if (rq->bare) {
        *out = ea_strdup(rq->http.path);
        return EA_OK;
    }
    if (dk->api_max && api > dk->api_max)
        return ea_fail(err, EA_UNSUPPORTED,
                       "Docker API 1.%d is asked for, the engine speaks up to 1.%d", api,
                       dk->api_max);
    *out = ea_sprintf_dup("/v1.%d%s", api, rq->http.path);
    return EA_OK;
}

static void turn_over(void *arg)
{
    ea_docker_op *op = arg;
    struct lane *lane = op->lane;

    end_turn(op);
    start_waiting(lane);
}

static void start_one(ea_docker_op *op)
{
    ea_docker *dk = op->dk;

    ea_list_remove(&op->queue);
    op->in_turn = true;
    op->lane->running++;
    if (op->lane->turn_ms) {
        op->turn = ea_timer_new(dk->loop, turn_over, op);
        ea_timer_arm(op->turn, op->lane->turn_ms);
    }
    op->req = ea_dhttp_start(dk->http, &op->params, on_answer, op);
    free_copies(op);
}

static void start_waiting(struct lane *lane)
{
    while (lane->running < lane->max && !ea_list_empty(&lane->waiting))
        start_one(EA_OWNER(lane->waiting.head.next, ea_docker_op, queue));
}

static void enqueue(ea_docker_op *op, const struct ea_dhttp_params *p, char *path)
{
    op->params = *p;
    op->params.path = op->path = path;
    op->params.auth = op->auth = ea_strdup(p->auth);
    if (p->body.p) {
        op->body = ea_strndup(p->body.p, p->body.n);
        op->params.body.p = op->body;
    }
    ea_list_append(&op->lane->waiting, &op->queue);
    start_waiting(op->lane);
}

static void begin(ea_docker_op *op, const struct ea_docker_request *rq, ea_dhttp_done *done,
                  void *ctx)
{
    struct ea_dhttp_params p = rq->http;
    char *path = NULL;
    ea_err err = { 0 };

    op->done = done;
    op->chunk = p.chunk;
    p.chunk = p.chunk ? on_chunk : NULL;
    if (p.chunk && !p.begin_ms)
        p.head_ms = op->dk->stream_ms;
    op->ctx = ctx;
    op->over = false;
    if (op->dk->closing) {
        ea_docker_cancel(op);
        return;
    }
    if (full_path(op->dk, rq, &path, &err)) {
        fail_later(op, &err);
        return;
    }
    if (rq->lane != EA_LANE_NONE) {
        op->lane = &op->dk->lanes[rq->lane];
        enqueue(op, &p, path);
        return;
    }
    p.path = path;
    op->req = ea_dhttp_start(op->dk->http, &p, on_answer, op);
    ea_free(path);
}

ea_docker_op *ea_docker_request(ea_docker *dk, const struct ea_docker_request *rq,
                                ea_dhttp_done *done, void *ctx)
{
    ea_docker_op *op = new_op(dk);

    begin(op, rq, done, ctx);
    return op;
}

void ea_docker_request_next(ea_docker_op *op, const struct ea_docker_request *rq,
                            ea_dhttp_done *done, void *ctx)
{
    assert(op->over && !op->next);
    op->next = true;
    begin(op, rq, done, ctx);
}

ea_docker_op *ea_docker_fail(ea_docker *dk, const ea_err *err, ea_dhttp_done *done, void *ctx)
{
    ea_docker_op *op = new_op(dk);

    op->done = done;
    op->ctx = ctx;
    fail_later(op, err);
    return op;
}

void ea_docker_add_ref(struct ea_buf *b, const char *ref)
{
    static const char plain[] = "-._~/:@+";

    for (const char *s = ref ? ref : ""; *s; s++) {
        unsigned char ch = (unsigned char)*s;

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
            strchr(plain, ch))
            ea_buf_addc(b, (char)ch);
        else
            ea_buf_addf(b, "%%%02X", ch);
    }
}

ea_code ea_docker_garbled(ea_err *err, const char *what)
{
    if (err->code == EA_INVALID || err->code == EA_LIMIT)
        err->code = EA_PROTOCOL;
    return ea_wrap(err, "%s from Docker", what);
}

struct plain_call {
    ea_docker_done *done;
    void *ctx;
};

static void on_plain(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct plain_call *call = ctx;

    (void)a;
    call->done(call->ctx, err);
    ea_free(call);
}

ea_docker_op *ea_docker_plain(ea_docker *dk, struct ea_docker_request *rq,
                              const struct ea_buf *path, ea_docker_done *done, void *ctx)
{
    struct plain_call *call = ea_alloc(sizeof(*call));
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    if (path && ea_buf_check(path, &err))
        return ea_docker_fail(dk, &err, on_plain, call);
    if (path)
        rq->http.path = ea_buf_z(path);
    return ea_docker_request(dk, rq, on_plain, call);
}

/* ---- version, ping, info ---------------------------------------------------------------------- */

struct version_call {
    ea_docker *dk;
    ea_docker_version_done *done;
    void *ctx;
};

static ea_code take_version(ea_docker *dk, ea_str json, ea_err *err)
{
    struct ea_docker_version v = { 0 };
    int min, max, use;

    if (ea_json_decode(&version_shape, json, &v, err))
        return ea_docker_garbled(err, "version");
    max = ea_docker_api_minor(v.api_version);
    min = v.min_api_version ? ea_docker_api_minor(v.min_api_version) : 0; /* absent before 1.24 */
    if (max < 0 || min < 0) {
        ea_json_free(&version_shape, &v);
        return ea_fail(err, EA_PROTOCOL, "Docker's API version is not 1.x");
    }
    use = ea_docker_api_choose(min, max);
    if (use < 0) {
        ea_fail(err, EA_UNSUPPORTED,
                "the Docker Engine speaks API 1.%d to 1.%d, this agent 1.%d to 1.%d", min, max,
                EA_DOCKER_API_MIN, EA_DOCKER_API_MAX);
        ea_json_free(&version_shape, &v);
        return err->code;
    }
    ea_json_free(&version_shape, &dk->version);
    dk->version = v;
    dk->api = use;
    dk->api_max = max;
    return EA_OK;
}

static void on_version(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct version_call *call = ctx;
    ea_err mine = *err;

    if (!err->code)
        (void)take_version(call->dk, a->body, &mine); /* `mine` says how it went */
    call->done(call->ctx, mine.code ? NULL : &call->dk->version, &mine);
    ea_free(call);
}

ea_docker_op *ea_docker_negotiate(ea_docker *dk, int64_t limit_ms, ea_docker_version_done *done,
                                  void *ctx)
{
    struct version_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET", .path = "/version", .limit_ms = limit_ms },
        .bare = true,
    };

    call->dk = dk;
    call->done = done;
    call->ctx = ctx;
    return ea_docker_request(dk, &rq, on_version, call);
}

static void on_ping(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct plain_call *call = ctx;
    ea_err none = { 0 };

    call->done(call->ctx, a ? &none : err);
    ea_free(call);
}

ea_docker_op *ea_docker_ping(ea_docker *dk, int64_t limit_ms, ea_docker_done *done, void *ctx)
{
    struct plain_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET", .path = "/_ping", .limit_ms = limit_ms },
        .bare = true,
    };

    call->done = done;
    call->ctx = ctx;
    return ea_docker_request(dk, &rq, on_ping, call);
}

static const ea_jfield plugin_fields[] = {
    EA_JSTRLIST(struct ea_docker_plugins, log, "Log", 0),
    EA_JSTRLIST(struct ea_docker_plugins, volume, "Volume", 0),
};
static const ea_jshape plugin_shape = EA_JSHAPE(struct ea_docker_plugins, plugin_fields);
static const ea_jfield info_fields[] = {
    EA_JSTR(struct ea_docker_info, os_type, "OSType", 0),
    EA_JSTR(struct ea_docker_info, architecture, "Architecture", 0),
    EA_JSTR(struct ea_docker_info, operating_system, "OperatingSystem", 0),
    EA_JSTR(struct ea_docker_info, server_version, "ServerVersion", 0),
    EA_JSTR(struct ea_docker_info, storage_driver, "Driver", 0),
    EA_JSTR(struct ea_docker_info, cgroup_version, "CgroupVersion", 0),
    EA_JSTR(struct ea_docker_info, cgroup_driver, "CgroupDriver", 0),
    EA_JSTR(struct ea_docker_info, isolation, "Isolation", 0),
    EA_JSTR(struct ea_docker_info, logging_driver, "LoggingDriver", 0),
    EA_JSTR(struct ea_docker_info, root_dir, "DockerRootDir", 0),
    EA_JI64(struct ea_docker_info, cpus, "NCPU", 0),
    EA_JI64(struct ea_docker_info, memory_bytes, "MemTotal", 0),
    EA_JSTRLIST(struct ea_docker_info, security_options, "SecurityOptions", 0),
    EA_JOBJ(struct ea_docker_info, plugins, "Plugins", 0, &plugin_shape),
};
static const ea_jshape info_shape = EA_JSHAPE(struct ea_docker_info, info_fields);

struct info_call {
    ea_docker_info_done *done;
    void *ctx;
};

static void on_info(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct info_call *call = ctx;
    struct ea_docker_info info = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_json_decode(&info_shape, a->body, &info, &mine))
        ea_docker_garbled(&mine, "info");
    call->done(call->ctx, mine.code ? NULL : &info, &mine);
    ea_json_free(&info_shape, &info);
    ea_free(call);
}

ea_docker_op *ea_docker_info(ea_docker *dk, int64_t limit_ms, ea_docker_info_done *done, void *ctx)
{
    struct info_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET", .path = "/info", .limit_ms = limit_ms, .max_body = INFO_MAX },
    };

    call->done = done;
    call->ctx = ctx;
    return ea_docker_request(dk, &rq, on_info, call);
}
