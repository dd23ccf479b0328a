#include "docker_http.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/json.h"
#include "docker_conn.h"

#include <cJSON.h>
#include <uv.h>

#include <string.h>

#define BODY_DEFAULT    (1024 * 1024)
#define ERROR_BODY      (64 * 1024)
#define BUSY_RETRY_MS   30 /* all pipe instances taken, or the socket's backlog full */
#define BUSY_GIVE_UP_MS 30000

typedef struct idle_conn { /* a connection waiting in the pool */
    ea_node node;
    ea_dhttp *h;
    ea_dconn *c;
} idle_conn;

struct ea_dhttp {
    ea_loop *loop;
    char *address;
    ea_dendpoint ep;
    ea_list requests; /* ea_dhttp_req.node */
    ea_list idle;     /* idle_conn.node, most recently used last */
    size_t n_requests, n_idle, n_conns;
    bool closing;
};

struct ea_dhttp_req {
    ea_node node;
    ea_dhttp *h;
    ea_dhttp_done *done;
    void *ctx;
    ea_dhttp_chunk *chunk;
    char *wire; /* the request as sent; kept for a second try on a stale connection */
    size_t wire_n;
    bool secret, head_only;
    int64_t limit_ms, head_ms, begin_ms;
    ea_timer *timer;
    int64_t started_ms, busy_until_ms, retry_at_ms; /* by uv_now; 0: none */
    ea_dconn *conn;
    bool reused; /* conn comes from the pool */
    bool begun;  /* first body byte of a stream is there */
    unsigned status;
    ea_buf body;
    bool over;  /* outcome fixed, `done` is on its way */
    ea_err why; /* the outcome of an aborted request */
};

static const struct ea_dconn_events request_events, idle_events;
static void connect_now(ea_dhttp_req *rq);

/* ---- life of the object ----------------------------------------------------------------------- */

ea_code ea_dhttp_new(ea_loop *l, const char *address, ea_dhttp **out, ea_err *err)
{
    ea_dendpoint ep;
    ea_dhttp *h;

    if (ea_dendpoint_parse(address, &ep, err))
        return err->code;
    h = ea_alloc(sizeof(*h));
    h->loop = l;
    h->address = ea_strdup(address);
    h->ep = ep;
    ea_list_init(&h->requests);
    ea_list_init(&h->idle);
    *out = h;
    return EA_OK;
}

static void maybe_gone(ea_dhttp *h)
{
    if (!h->closing || h->n_requests || h->n_conns)
        return;
    ea_dendpoint_done(&h->ep);
    ea_free(h->address);
    ea_free(h);
}

static void on_conn_closed(void *ctx)
{
    ea_dhttp *h = ctx;

    h->n_conns--;
    maybe_gone(h);
}

static ea_dconn *take_idle(ea_dhttp *h)
{
    idle_conn *ic;
    ea_dconn *c;

    if (ea_list_empty(&h->idle))
        return NULL;
    ic = EA_OWNER(h->idle.head.prev, idle_conn, node);
    c = ic->c;
    ea_list_remove(&ic->node);
    h->n_idle--;
    ea_free(ic);
    return c;
}

static void keep_idle(ea_dhttp *h, ea_dconn *c)
{
    idle_conn *ic;

    if (h->closing || h->n_idle >= EA_DHTTP_IDLE_MAX) {
        ea_dconn_close(c);
        return;
    }
    ic = ea_alloc(sizeof(*ic));
    ic->h = h;
    ic->c = c;
    ea_dconn_set_owner(c, &idle_events, ic);
    ea_list_append(&h->idle, &ic->node);
    h->n_idle++;
}

static void idle_broke(void *owner, bool any, const ea_err *err)
{
    idle_conn *ic = owner;

    (void)any;
    (void)err; /* nobody waits for it: the next request opens a new one */
    ea_list_remove(&ic->node);
    ic->h->n_idle--;
    ea_free(ic);
}

static const struct ea_dconn_events idle_events = { .broke = idle_broke };

void ea_dhttp_free(ea_dhttp *h)
{
    ea_dconn *c;

    if (!h || h->closing)
        return;
    h->closing = true;
    EA_LIST_EACH(&h->requests, n)
    ea_dhttp_cancel(EA_OWNER(n, ea_dhttp_req, node));
    while ((c = take_idle(h)))
        ea_dconn_close(c);
    maybe_gone(h);
}

const char *ea_dhttp_address(const ea_dhttp *h)
{
    return h->address;
}

size_t ea_dhttp_idle(const ea_dhttp *h)
{
    return h->n_idle;
}

size_t ea_dhttp_in_flight(const ea_dhttp *h)
{
    return h->n_requests;
}

/* ---- error bodies ----------------------------------------------------------------------------- */

static ea_code code_of(unsigned status)
{
    if (status == 404)
        return EA_NOT_FOUND;
    if (status == 409)
        return EA_CONFLICT;
    if (status == 429)
        return EA_THROTTLED;
    if (status >= 500)
        return EA_SERVER;
    return status >= 400 ? EA_REFUSED : EA_PROTOCOL;
}

/* Status and body of a failed request -> *err (always filled). */
static void fail_by_answer(unsigned status, ea_str body, ea_err *err)
{
    ea_str text = ea_str_trim(body);
    struct cJSON *json = NULL;
    ea_err ignored = { 0 };
    const char *message;

    if (text.n && text.p[0] == '{' && !ea_json_parse(text, &json, &ignored)) {
        message = ea_json_get_str(json, "message");
        if (message)
            text = ea_str_trim(ea_str_of(message));
    }
    if (text.n)
        ea_fail_sys(err, code_of(status), (int)status, "Error response from daemon: %.*s",
                    (int)(text.n > 4096 ? 4096 : text.n), text.p);
    else
        ea_fail_sys(err, code_of(status), (int)status, "Error response from daemon: status %u",
                    status);
    cJSON_Delete(json);
}

/* ---- end of a request ------------------------------------------------------------------------- */

static void drop_wire(ea_dhttp_req *rq)
{
    if (rq->wire && rq->secret)
        ea_secret_wipe(rq->wire, rq->wire_n);
    ea_free(rq->wire);
    rq->wire = NULL;
}

static void complete(ea_dhttp_req *rq, const ea_dhttp_answer *a, const ea_err *err)
{
    ea_dhttp *h = rq->h;

    rq->over = true;
    ea_timer_free(rq->timer);
    drop_wire(rq);
    ea_list_remove(&rq->node);
    rq->done(rq->ctx, a, err);
    h->n_requests--; /* only now: `done` may be what lets go of the last reference */
    ea_buf_done(&rq->body);
    ea_free(rq);
    maybe_gone(h);
}

static void deliver_aborted(void *arg)
{
    ea_dhttp_req *rq = arg;
    ea_err why = rq->why;

    complete(rq, NULL, &why);
}

void ea_dhttp_abort(ea_dhttp_req *rq, const ea_err *why)
{
    if (rq->over)
        return;
    rq->over = true;
    rq->why = *why;
    ea_timer_stop(rq->timer);
    ea_dconn_close(rq->conn);
    rq->conn = NULL;
    ea_loop_defer(rq->h->loop, deliver_aborted, rq);
}

void ea_dhttp_cancel(ea_dhttp_req *rq)
{
    ea_err why = { 0 };

    ea_fail(&why, EA_CANCELLED, "request to Docker cancelled");
    ea_dhttp_abort(rq, &why);
}

/* From an event of its connection or timer, which are on the loop already. */
static void finish_failed(ea_dhttp_req *rq, const ea_err *err)
{
    ea_dconn_close(rq->conn);
    rq->conn = NULL;
    complete(rq, NULL, err);
}

/* ---- time limits ------------------------------------------------------------------------------ */

static int64_t now_ms(const ea_dhttp *h)
{
    return (int64_t)uv_now(ea_loop_uv(h->loop));
}

static void arm(ea_dhttp_req *rq)
{
    int64_t at = INT64_MAX;

    if (rq->limit_ms)
        at = rq->started_ms + rq->limit_ms;
    if (rq->head_ms && !rq->status && rq->started_ms + rq->head_ms < at)
        at = rq->started_ms + rq->head_ms;
    if (rq->begin_ms && !rq->begun && rq->started_ms + rq->begin_ms < at)
        at = rq->started_ms + rq->begin_ms;
    if (rq->retry_at_ms && rq->retry_at_ms < at)
        at = rq->retry_at_ms;
    if (at == INT64_MAX)
        ea_timer_stop(rq->timer);
    else
        ea_timer_arm(rq->timer, at - now_ms(rq->h));
}

static void on_timer(void *arg)
{
    ea_dhttp_req *rq = arg;
    int64_t past = now_ms(rq->h) - rq->started_ms;
    ea_err err = { 0 };

    if (rq->limit_ms && past >= rq->limit_ms) {
        ea_fail(&err, EA_TIMEOUT, "no answer from Docker within %lld ms", (long long)rq->limit_ms);
        finish_failed(rq, &err);
        return;
    }
    if (rq->head_ms && !rq->status && past >= rq->head_ms) {
        ea_fail(&err, EA_TIMEOUT, "no answer from Docker within %lld ms", (long long)rq->head_ms);
        finish_failed(rq, &err);
        return;
    }
    if (rq->begin_ms && !rq->begun && past >= rq->begin_ms) {
        ea_fail(&err, EA_TIMEOUT, "nothing from Docker within %lld ms", (long long)rq->begin_ms);
        finish_failed(rq, &err);
        return;
    }
    if (rq->retry_at_ms && now_ms(rq->h) >= rq->retry_at_ms) {
        rq->retry_at_ms = 0;
        connect_now(rq);
    }
    arm(rq);
}

/* ---- events of the connection ----------------------------------------------------------------- */

static void send_request(ea_dhttp_req *rq)
{
    ea_dconn_send(rq->conn, (ea_str){ rq->wire, rq->wire_n }, rq->secret, rq->head_only);
}

static bool is_busy(int uv_status)
{
    return uv_status == UV_EBUSY || uv_status == UV_EAGAIN;
}

static void on_opened(void *owner, int status)
{
    ea_dhttp_req *rq = owner;
    ea_err err = { 0 };

    if (!status) {
        send_request(rq);
        return;
    }
    rq->conn = NULL;
    if (is_busy(status) && now_ms(rq->h) < rq->busy_until_ms) {
        rq->retry_at_ms = now_ms(rq->h) + BUSY_RETRY_MS;
        arm(rq);
        return;
    }
    ea_fail_sys(&err, EA_UNREACHABLE, status, "Cannot connect to the Docker daemon at %s: %s",
                rq->h->address, uv_strerror(status));
    complete(rq, NULL, &err);
}

static bool good(unsigned status)
{
    return (status >= 200 && status < 300) || status == 304;
}

static void on_head(void *owner, unsigned status)
{
    ea_dhttp_req *rq = owner;

    rq->status = status;
    if (rq->chunk && good(status)) {
        drop_wire(rq); /* streams live long: what was sent need not */
        rq->chunk(rq->ctx, (ea_str){ NULL, 0 });
    } else if (rq->chunk) {
        rq->body.max = ERROR_BODY;
    }
}

static void on_data(void *owner, ea_str data)
{
    ea_dhttp_req *rq = owner;

    if (rq->chunk && good(rq->status)) {
        if (!rq->begun) {
            rq->begun = true;
            arm(rq);
        }
        rq->chunk(rq->ctx, data);
        return;
    }
    if (good(rq->status)) {
        ea_buf_add(&rq->body, data.p, data.n); /* a failure sticks and is told at the end */
    } else if (rq->body.n < ERROR_BODY) {      /* of an error body the beginning is enough */
        size_t room = ERROR_BODY - rq->body.n;

        if (rq->body.max < ERROR_BODY)
            rq->body.max = ERROR_BODY;
        ea_buf_add(&rq->body, data.p, data.n < room ? data.n : room);
    }
    if (good(rq->status) && rq->body.failed) { /* do not read on what nobody keeps */
        ea_err err = { 0 };

        ea_fail(&err, rq->body.failed, "Docker's answer is longer than %zu bytes", rq->body.max);
        ea_dhttp_abort(rq, &err);
    }
}

static void on_end(void *owner, bool reusable)
{
    ea_dhttp_req *rq = owner;
    ea_dhttp_answer a = { .status = rq->status, .body = ea_buf_str(&rq->body) };
    ea_err err = { 0 };

    if (reusable && !rq->chunk)
        keep_idle(rq->h, rq->conn);
    else
        ea_dconn_close(rq->conn);
    rq->conn = NULL;
    if (!good(rq->status))
        fail_by_answer(rq->status, a.body, &err);
    complete(rq, &a, &err);
}

static void on_broke(void *owner, bool any, const ea_err *err)
{
    ea_dhttp_req *rq = owner;

    rq->conn = NULL; /* closing already */
    if (rq->reused && !any && !rq->h->closing) {
        /* The engine closed the idle connection just then. Every request that uses the pool may be
         * repeated: a second create answers with a conflict of names, which the caller resolves. */
        connect_now(rq);
        return;
    }
    complete(rq, NULL, err);
}

static const struct ea_dconn_events request_events = {
    .opened = on_opened, .head = on_head, .data = on_data, .end = on_end, .broke = on_broke
};

/* ---- start of a request ----------------------------------------------------------------------- */

static void connect_now(ea_dhttp_req *rq)
{
    ea_dhttp *h = rq->h;

    rq->reused = false;
    h->n_conns++;
    rq->conn = ea_dconn_open(h->loop, &h->ep, &request_events, rq, on_conn_closed, h);
}

static ea_code build_wire(ea_dhttp_req *rq, const struct ea_dhttp_params *p, ea_err *err)
{
    EA_SECRET_BUF_AUTO b = EA_BUF(EA_DHTTP_BODY_MAX);

    for (const char *s = p->path; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return ea_fail(err, EA_INVALID, "blank or control character in a Docker path");
    for (const char *s = p->auth ? p->auth : ""; *s; s++)
        if ((unsigned char)*s < ' ')
            return ea_fail(err, EA_INVALID, "control character in X-Registry-Auth");
    ea_buf_addf(&b, "%s %s HTTP/1.1\r\nHost: ", p->method, p->path);
    if (rq->h->ep.tcp)
        ea_buf_addf(&b, "127.0.0.1:%d", rq->h->ep.port);
    else
        ea_buf_adds(&b, "docker"); /* a pipe has no name, HTTP/1.1 wants one */
    ea_buf_adds(&b, "\r\nUser-Agent: ecstools\r\n");
    if (p->auth)
        ea_buf_addf(&b, "X-Registry-Auth: %s\r\n", p->auth);
    if (p->chunk)
        ea_buf_adds(&b, "Connection: close\r\n");
    if (p->body.p)
        ea_buf_addf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", p->body.n);
    else if (strcmp(p->method, "POST") == 0)
        ea_buf_adds(&b, "Content-Length: 0\r\n");
    ea_buf_adds(&b, "\r\n");
    if (p->body.p)
        ea_buf_add(&b, p->body.p, p->body.n);
    rq->wire_n = b.n;
    return ea_buf_take(&b, &rq->wire, err);
}

ea_dhttp_req *ea_dhttp_start(ea_dhttp *h, const struct ea_dhttp_params *p, ea_dhttp_done *done,
                             void *ctx)
{
    ea_dhttp_req *rq = ea_alloc(sizeof(*rq));
    size_t max = p->max_body ? p->max_body : BODY_DEFAULT;
    ea_err err = { 0 };

    rq->h = h;
    rq->done = done;
    rq->ctx = ctx;
    rq->chunk = p->chunk;
    rq->secret = p->auth || p->body.p; /* create bodies hold the values of secrets */
    rq->head_only = strcmp(p->method, "HEAD") == 0;
    rq->limit_ms = p->limit_ms;
    rq->head_ms = p->chunk ? p->head_ms : 0;
    rq->begin_ms = p->chunk ? p->begin_ms : 0;
    rq->body = EA_BUF(max < EA_DHTTP_BODY_MAX ? max : EA_DHTTP_BODY_MAX);
    rq->timer = ea_timer_new(h->loop, on_timer, rq);
    rq->started_ms = now_ms(h);
    rq->busy_until_ms = rq->started_ms + BUSY_GIVE_UP_MS;
    ea_list_append(&h->requests, &rq->node);
    h->n_requests++;
    if (h->closing) {
        ea_dhttp_cancel(rq);
        return rq;
    }
    if (build_wire(rq, p, &err)) {
        ea_dhttp_abort(rq, &err);
        return rq;
    }
    rq->conn = p->chunk ? NULL : take_idle(h);
    if (rq->conn) {
        rq->reused = true;
        ea_dconn_set_owner(rq->conn, &request_events, rq);
        send_request(rq);
    } else {
        connect_now(rq);
    }
    arm(rq);
    return rq;
}
