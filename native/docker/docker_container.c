#include "docker_container.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/log.h"

#include <string.h>

#define INSPECT_MAX (4 * 1024 * 1024) /* health logs and hundreds of ports fit */
#define LIST_MAX    EA_DHTTP_BODY_MAX

/* ---- calls without a result ------------------------------------------------------------------- */

/* -1: not a version. */
static int wanted_api(const char *api)
{
    return api && *api ? ea_docker_api_minor(api) : 0;
}

ea_docker_op *ea_docker_start(ea_docker *dk, const char *api, const char *id, int64_t limit_ms,
                              ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct ea_docker_request rq = { .http = { .method = "POST", .limit_ms = limit_ms },
                                    .api = wanted_api(api),
                                    .lane = EA_LANE_HEAVY };

    ea_buf_adds(&path, "/containers/");
    ea_docker_add_ref(&path, id);
    ea_buf_adds(&path, "/start");
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}

ea_docker_op *ea_docker_stop(ea_docker *dk, const char *id, int64_t stop_s, int64_t limit_ms,
                             ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct ea_docker_request rq = { .http = { .method = "POST", .limit_ms = limit_ms },
                                    .lane = EA_LANE_STOP };

    ea_buf_adds(&path, "/containers/");
    ea_docker_add_ref(&path, id);
    ea_buf_addf(&path, "/stop?t=%lld", (long long)(stop_s > 0 ? stop_s : 0));
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}

ea_docker_op *ea_docker_remove(ea_docker *dk, const char *id, int64_t limit_ms,
                               ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct ea_docker_request rq = { .http = { .method = "DELETE", .limit_ms = limit_ms } };

    ea_buf_adds(&path, "/containers/");
    ea_docker_add_ref(&path, id);
    ea_buf_adds(&path, "?v=1");
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}

/* ---- create ----------------------------------------------------------------------------------- */

struct create_call {
    ea_docker_create_done *done;
    void *ctx;
};

struct created {
    char *id;
    ea_strlist warnings;
};
static const ea_jfield created_fields[] = {
    EA_JSTR(struct created, id, "Id", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTRLIST(struct created, warnings, "Warnings", 0),
};
static const ea_jshape created_shape = EA_JSHAPE(struct created, created_fields);

static void on_created(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct create_call *call = ctx;
    struct created got = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_json_decode(&created_shape, a->body, &got, &mine))
        ea_docker_garbled(&mine, "created container");
    for (size_t i = 0; i < got.warnings.n && i < 10; i++)
        ea_debug("Docker warns about a container", EA_S("id", got.id),
                 EA_S("text", got.warnings.v[i]));
    call->done(call->ctx, mine.code ? NULL : got.id, &mine);
    ea_json_free(&created_shape, &got);
    ea_free(call);
}

ea_docker_op *ea_docker_create(ea_docker *dk, const char *api, const char *name, ea_str body,
                               int64_t limit_ms, ea_docker_create_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(2048);
    struct create_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "POST", .body = body, .limit_ms = limit_ms },
        .api = wanted_api(api),
        .lane = EA_LANE_HEAVY,
    };
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    ea_buf_adds(&path, "/containers/create?name=");
    ea_buf_add_urlenc(&path, name);
    if (rq.api < 0)
        ea_fail(&err, EA_INVALID, "dockerConfig.version \"%s\" is not 1.<number>", api);
    if (err.code || ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_created, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_created, call);
}

/* ---- inspect and find ------------------------------------------------------------------------- */

struct facts_call {
    ea_docker_op *op;
    ea_docker_facts_done_fn *done;
    void *ctx;
    int64_t limit_ms;
    bool finding; /* a container that is gone between list and inspect is no error */
};

static void end_facts(struct facts_call *call, struct ea_docker_facts *f, const ea_err *err)
{
    call->done(call->ctx, f, err);
    ea_docker_facts_done(f);
    ea_free(call);
}

static void on_inspected(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct facts_call *call = ctx;
    struct ea_docker_facts f = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_docker_inspect_decode(a->body, &f, &mine))
        f = (struct ea_docker_facts){ 0 };
    if (mine.code == EA_NOT_FOUND && call->finding)
        mine = (ea_err){ 0 };
    end_facts(call, mine.code && mine.code != EA_NOT_FOUND ? NULL : &f, &mine);
}

static struct ea_docker_request inspect_request(const char *id, int64_t limit_ms, ea_buf *path)
{
    struct ea_docker_request rq = {
        .http = { .method = "GET", .limit_ms = limit_ms, .max_body = INSPECT_MAX },
    };

    ea_buf_adds(path, "/containers/");
    ea_docker_add_ref(path, id);
    ea_buf_adds(path, "/json");
    rq.http.path = ea_buf_z(path);
    return rq;
}

ea_docker_op *ea_docker_inspect(ea_docker *dk, const char *id_or_name, int64_t limit_ms,
                                ea_docker_facts_done_fn *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct facts_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = inspect_request(id_or_name, limit_ms, &path);
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    if (ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_inspected, call);
    return ea_docker_request(dk, &rq, on_inspected, call);
}

/* Of several the one that runs, else the newest. */
static const struct ea_docker_facts *best(const struct ea_docker_facts *v, size_t n)
{
    const struct ea_docker_facts *b = NULL;

    for (size_t i = 0; i < n; i++) {
        bool runs = v[i].state == EA_C_RUNNING, best_runs = b && b->state == EA_C_RUNNING;

        if (!b || (runs && !best_runs) || (runs == best_runs && v[i].created_ms > b->created_ms))
            b = &v[i];
    }
    return b;
}

static void free_list(struct ea_docker_facts *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ea_docker_facts_done(&v[i]);
    ea_free(v);
}

static void on_candidates(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct facts_call *call = ctx;
    struct ea_docker_facts *v = NULL, none = { 0 };
    const struct ea_docker_facts *b;
    size_t n = 0;
    ea_err mine = *err;

    if (err->code || ea_docker_list_decode(a->body, &v, &n, &mine)) {
        if (mine.code == EA_NOT_FOUND) /* the list itself always exists */
            mine.code = EA_PROTOCOL;
        end_facts(call, NULL, &mine);
        return;
    }
    b = best(v, n);
    if (b) {
        EA_BUF_AUTO path = EA_BUF(1024);
        struct ea_docker_request rq = inspect_request(b->id, call->limit_ms, &path);

        ea_docker_request_next(call->op, &rq, on_inspected, call);
    } else {
        end_facts(call, &none, &mine);
    }
    free_list(v, n);
}

static void add_label(ea_buf *filters, const char *key, const char *value)
{
    EA_BUF_AUTO text = EA_BUF(4096);

    ea_buf_addf(&text, "%s=%s", key, value);
    ea_buf_add_json_str(filters, ea_buf_str(&text));
    if (text.failed)
        filters->failed = text.failed;
}

static ea_docker_op *list_request(ea_docker *dk, const ea_buf *filters, int64_t limit_ms,
                                  ea_dhttp_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(16384);
    struct ea_docker_request rq = {
        .http = { .method = "GET", .limit_ms = limit_ms, .max_body = LIST_MAX },
    };
    ea_err err = { 0 };

    ea_buf_adds(&path, "/containers/json?all=1&filters=");
    ea_buf_add_urlenc(&path, ea_buf_z(filters));
    if (ea_buf_check(filters, &err) || ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, done, ctx);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, done, ctx);
}

ea_docker_op *ea_docker_find(ea_docker *dk, const char *task_arn, const char *container_name,
                             int64_t limit_ms, ea_docker_facts_done_fn *done, void *ctx)
{
    EA_BUF_AUTO filters = EA_BUF(8192);
    struct facts_call *call = ea_alloc(sizeof(*call));

    call->done = done;
    call->ctx = ctx;
    call->limit_ms = limit_ms;
    call->finding = true;
    ea_buf_adds(&filters, "{\"label\":[");
    add_label(&filters, EA_LABEL_TASK, task_arn);
    ea_buf_addc(&filters, ',');
    add_label(&filters, EA_LABEL_CONTAINER, container_name);
    ea_buf_adds(&filters, "]}");
    call->op = list_request(dk, &filters, limit_ms, on_candidates, call);
    return call->op;
}

/* ---- list ------------------------------------------------------------------------------------- */

struct list_call {
    ea_docker_list_done *done;
    void *ctx;
};

static void on_list(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct list_call *call = ctx;
    struct ea_docker_facts *v = NULL;
    size_t n = 0;
    ea_err mine = *err;

    if (!err->code && ea_docker_list_decode(a->body, &v, &n, &mine))
        n = 0;
    call->done(call->ctx, v, n, &mine);
    free_list(v, n);
    ea_free(call);
}

ea_docker_op *ea_docker_list(ea_docker *dk, const char *cluster, int64_t limit_ms,
                             ea_docker_list_done *done, void *ctx)
{
    EA_BUF_AUTO filters = EA_BUF(8192);
    struct list_call *call = ea_alloc(sizeof(*call));

    call->done = done;
    call->ctx = ctx;
    ea_buf_adds(&filters, cluster ? "{\"label\":[" : "{}");
    if (cluster) {
        add_label(&filters, EA_LABEL_CLUSTER, cluster);
        ea_buf_adds(&filters, "]}");
    }
    return list_request(dk, &filters, limit_ms, on_list, call);
}
