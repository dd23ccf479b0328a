/* http_server.c - listeners, connections and the life of a request. See http_server.h.
 *
 * A connection reads until a request is whole, then waits for its answer (what the peer sends
 * meanwhile is kept, bounded), then goes on with what it kept. One timer a connection holds whatever
 * limit applies in its present state. */
#include "http_server.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"
#include "../plat/hostnet.h"
#include "http_text.h"

#include <llhttp.h>
#include <string.h>
#include <uv.h>

#define READ_BYTES  8192
#define HEADERS_MAX 100
#define AHEAD_BYTES (64 * 1024) /* pipelined bytes kept while a request waits for its answer */
#define LINGER_MS   1000        /* for the peer to take the last answer and close */
#define BACKLOG     128

typedef enum conn_state {
    C_READING,  /* between requests, or inside one */
    C_HANDLING, /* a request is out */
    C_RAW,      /* taken over */
    C_LINGER,   /* last answer sent; what still comes is thrown away */
    C_CLOSING,  /* uv_close called */
} conn_state;

struct request { /* what ea_http_request points into */
    ea_http_request pub;
    ea_http_conn *conn; /* NULL: the connection has gone */
    ea_buf head;        /* target, names and values, each ended by a NUL */
    ea_buf body;
    struct {
        size_t name, value;
    } at[HEADERS_MAX]; /* offsets in head */
    size_t count;
    ea_http_header headers[HEADERS_MAX];
    char *path, *raw_path;
    bool is_head, keep_alive, upgrade;
};

struct ea_http_conn {
    ea_node node;
    ea_http_server *server;
    ea_http_listener *listener;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } u;
    bool is_pipe;
    conn_state state;
    llhttp_t parser;
    struct request *req; /* the one being read or handled */
    int refuse;          /* status that ends the request being read; 0 none */
    bool complete;       /* the parser saw the whole request */
    bool started;        /* bytes of the request being read have come */
    bool parsing;        /* parse() is on the stack */
    bool eof;            /* the peer will send no more */
    bool reading;
    bool close_when_sent;
    unsigned writes; /* uv_write in flight */
    size_t queued;   /* their bytes */
    ea_buf ahead;    /* bytes after the request in work */
    ea_timer *timer;
    const ea_http_raw_ops *raw;
    void *raw_ctx;
    char peer[46], local[46];
    uint16_t peer_port, local_port;
    char rbuf[READ_BYTES];
};

struct ea_http_listener {
    ea_node node;
    ea_http_server *server;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } u;
    bool is_pipe;
    uint16_t port;
};

struct ea_http_server {
    ea_loop *loop;
    ea_http_limits limits;
    ea_http_handler *handler;
    void *ctx;
    ea_list conns, listeners;
    size_t conn_count;     /* until their close callback */
    size_t listener_count; /* likewise */
    bool closing;
    ea_timer *drain;
    void (*done)(void *ctx);
    void *done_ctx;
    llhttp_settings_t settings;
};

static void conn_close(ea_http_conn *c);
static void parse(ea_http_conn *c, const char *p, size_t n);
static void rearm(ea_http_conn *c);

/* ---- request being read ----------------------------------------------------------------------- */

static struct request *request_new(ea_http_conn *c)
{
    struct request *r = ea_alloc(sizeof(*r));

    r->conn = c;
    r->head = EA_BUF(c->server->limits.head_bytes);
    r->body = EA_BUF(c->server->limits.body_bytes);
    return r;
}

static void request_free(struct request *r)
{
    if (!r)
        return;
    if (r->conn && r->conn->req == r)
        r->conn->req = NULL;
    ea_buf_done_secret(&r->head); /* Authorization stands in there */
    ea_buf_done_secret(&r->body);
    ea_free(r->path);
    ea_free(r->raw_path);
    ea_free(r);
}

static int refuse(ea_http_conn *c, int status)
{
    if (!c->refuse)
        c->refuse = status;
    return HPE_USER;
}

static int add_head(ea_http_conn *c, const char *p, size_t n)
{
    ea_buf_add(&c->req->head, p, n);
    return c->req->head.failed ? refuse(c, 431) : HPE_OK;
}

static int on_text(llhttp_t *parser, const char *p, size_t n)
{
    return add_head(parser->data, p, n);
}

static int on_text_complete(llhttp_t *parser)
{
    return add_head(parser->data, "", 1);
}

static int on_name(llhttp_t *parser, const char *p, size_t n)
{
    ea_http_conn *c = parser->data;
    struct request *r = c->req;

    if (r->at[r->count].name == 0) {
        if (r->count + 1 >= HEADERS_MAX)
            return refuse(c, 431);
        r->at[r->count].name = r->head.n; /* never 0: the target stands in front */
    }
    return add_head(c, p, n);
}

static int on_name_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;
    int rc = add_head(c, "", 1);

    c->req->at[c->req->count].value = c->req->head.n;
    return rc;
}

static int on_value_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;

    c->req->count++;
    return add_head(c, "", 1);
}

static void write_bytes(ea_http_conn *c, const char *p, size_t n);

static int on_headers_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;
    struct request *r = c->req;

    for (size_t i = 0; i < r->count; i++) {
        r->headers[i].name = r->head.p + r->at[i].name;
        r->headers[i].value = r->head.p + r->at[i].value;
    }
    r->pub.headers = r->headers;
    r->pub.header_count = r->count;
    if ((parser->flags & F_CONTENT_LENGTH) && parser->content_length > c->server->limits.body_bytes)
        return refuse(c, 413);
    r->is_head = llhttp_get_method(parser) == HTTP_HEAD;
    r->keep_alive = llhttp_should_keep_alive(parser) != 0;
    r->upgrade = llhttp_get_upgrade(parser) != 0;
    if ((parser->flags & F_CONTENT_LENGTH || parser->flags & F_CHUNKED) &&
        ea_http_has_token(ea_http_header_get(&r->pub, "Expect"), "100-continue"))
        write_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    ea_http_conn *c = parser->data;

    ea_buf_add(&c->req->body, p, n);
    return c->req->body.failed ? refuse(c, 413) : HPE_OK;
}

static int on_message_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;

    c->complete = true;
    return HPE_PAUSED;
}

static void settings_init(llhttp_settings_t *s)
{
    llhttp_settings_init(s);
    s->on_url = on_text;
    s->on_url_complete = on_text_complete;
    s->on_header_field = on_name;
    s->on_header_field_complete = on_name_complete;
    s->on_header_value = on_text;
    s->on_header_value_complete = on_value_complete;
    s->on_headers_complete = on_headers_complete;
    s->on_body = on_body;
    s->on_message_complete = on_message_complete;
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct write {
    uv_write_t req;
    ea_http_conn *conn;
    size_t n;
    char data[];
};

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)status; /* the linger timer ends the connection in any case */
    ea_free(req);
}

/* The last answer has left: tell the peer, and read on for a while, so that a reset caused by bytes
 * that nobody reads does not destroy the answer on its way. */
static void linger(ea_http_conn *c)
{
    uv_shutdown_t *req = ea_alloc(sizeof(*req));

    c->state = C_LINGER;
    if (uv_shutdown(req, &c->u.stream, on_shutdown)) {
        ea_free(req);
        conn_close(c);
        return;
    }
    if (c->eof) {
        conn_close(c);
        return;
    }
    ea_timer_arm(c->timer, LINGER_MS);
}

static void sent(ea_http_conn *c)
{
    if (c->state == C_CLOSING || c->writes)
        return;
    if (c->close_when_sent) {
        if (c->state != C_LINGER)
            linger(c);
        return;
    }
    if (c->state == C_RAW && c->raw->drained)
        c->raw->drained(c->raw_ctx);
    else
        rearm(c);
}

static void on_write(uv_write_t *req, int status)
{
    struct write *w = (struct write *)(void *)req;
    ea_http_conn *c = w->conn;

    c->writes--;
    c->queued -= w->n;
    ea_secret_wipe(w->data, w->n);
    ea_free(w);
    if (status < 0)
        conn_close(c);
    else
        sent(c);
}

static void write_bytes(ea_http_conn *c, const char *p, size_t n)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p, (unsigned)n);
    struct write *w;
    int rc;

    if (c->state == C_CLOSING)
        return;
    rc = c->writes ? UV_EAGAIN : uv_try_write(&c->u.stream, &buf, 1);
    if (rc >= 0) {
        p += rc;
        n -= (size_t)rc;
    } else if (rc != UV_EAGAIN && rc != UV_ENOSYS) {
        conn_close(c);
        return;
    }
    if (n == 0)
        return;
    if (c->queued + n > c->server->limits.queue_bytes || !(w = ea_try_alloc(sizeof(*w) + n))) {
        ea_warn("peer reads too slowly, connection closed", EA_I("queued", c->queued));
        conn_close(c);
        return;
    }
    w->conn = c;
    w->n = n;
    memcpy(w->data, p, n);
    buf = uv_buf_init(w->data, (unsigned)n);
    if (uv_write(&w->req, &c->u.stream, &buf, 1, on_write)) {
        ea_free(w);
        conn_close(c);
        return;
    }
    c->writes++;
    c->queued += n;
}

/* ---- connection ------------------------------------------------------------------------------- */

/* The limit of the present state. */
static void rearm(ea_http_conn *c)
{
    const ea_http_limits *l = &c->server->limits;

    switch (c->state) {
    case C_READING:
        if (c->writes)
            ea_timer_arm(c->timer, l->write_timeout_ms);
        else if (c->ahead.n && !c->parsing)
            ea_timer_arm(c->timer, 0); /* on_timer goes on with what was kept */
        else
            ea_timer_arm(c->timer, c->started ? l->read_timeout_ms : l->idle_timeout_ms);
        break;
    case C_HANDLING:
    case C_RAW:
        if (c->writes && c->state == C_HANDLING)
            ea_timer_arm(c->timer, l->write_timeout_ms);
        else
            ea_timer_stop(c->timer);
        break;
    case C_LINGER:
    case C_CLOSING:
        break;
    }
}

static void refuse_now(ea_http_conn *c, int status)
{
    EA_BUF_AUTO b = EA_BUF(1024);
    const char *words = ea_http_status_words(status);
    ea_http_response resp = { .status = status,
                              .content_type = "text/plain",
                              .body = ea_str_of(words) };

    request_free(c->req);
    ea_http_add_head(&b, &resp, ea_now().wall_ms, false);
    ea_buf_adds(&b, words);
    c->close_when_sent = true;
    write_bytes(c, b.p, b.n);
    if (c->state != C_CLOSING) {
        ea_timer_arm(c->timer, c->server->limits.write_timeout_ms);
        sent(c);
    }
}

static void on_timer(void *arg)
{
    ea_http_conn *c = arg;

    if (c->state == C_READING && c->ahead.n && !c->writes) {
        EA_BUF_AUTO kept = c->ahead; /* armed by an answer given outside of parse() */

        c->ahead = EA_BUF(kept.max);
        parse(c, kept.p, kept.n);
        return;
    }
    if (c->state == C_READING && c->started && !c->writes)
        refuse_now(c, 408);
    else
        conn_close(c);
}

static void server_maybe_free(ea_http_server *s)
{
    void (*done)(void *) = s->done;
    void *ctx = s->done_ctx;

    if (!s->closing || s->conn_count || s->listener_count)
        return;
    ea_timer_free(s->drain);
    ea_free(s);
    if (done)
        done(ctx);
}

static void on_conn_closed(uv_handle_t *h)
{
    ea_http_conn *c = h->data;
    ea_http_server *s = c->server;

    if (c->raw)
        c->raw->closed(c->raw_ctx);
    ea_buf_done_secret(&c->ahead);
    ea_secret_wipe(c->rbuf, sizeof(c->rbuf));
    ea_free(c);
    s->conn_count--;
    server_maybe_free(s);
}

static void conn_close(ea_http_conn *c)
{
    if (c->state == C_CLOSING)
        return;
    if (c->req) {
        struct request *r = c->req;

        r->conn = NULL;
        if (c->state == C_READING)
            request_free(r); /* else its handler still has it */
        c->req = NULL;
    }
    c->state = C_CLOSING;
    ea_list_remove(&c->node);
    ea_timer_free(c->timer);
    c->timer = NULL;
    uv_close(&c->u.handle, on_conn_closed);
}

static bool finish_request(struct request *r)
{
    ea_http_conn *c = r->conn;
    ea_str target = ea_str_of(r->head.p);
    ea_err err;
    const char *mark;

    if (ea_http_clean_path(target, &r->path, &r->raw_path, &err))
        return false;
    r->pub.method = llhttp_method_name((llhttp_method_t)llhttp_get_method(&c->parser));
    r->pub.target = target.p;
    r->pub.raw_path = r->raw_path;
    r->pub.path = r->path;
    mark = strchr(target.p, '?');
    r->pub.query = mark ? mark + 1 : "";
    r->pub.body = ea_buf_str(&r->body);
    memcpy(r->pub.peer, c->peer, sizeof(c->peer));
    memcpy(r->pub.local, c->local, sizeof(c->local));
    r->pub.peer_port = c->peer_port;
    r->pub.local_port = c->local_port;
    r->pub.listener = c->listener;
    return true;
}

static void dispatch(ea_http_conn *c)
{
    struct request *r = c->req;

    if (!finish_request(r)) {
        refuse_now(c, 400);
        return;
    }
    c->state = C_HANDLING;
    c->started = false;
    rearm(c);
    c->server->handler(c->server->ctx, &r->pub);
}

static void keep_ahead(ea_http_conn *c, const char *p, size_t n)
{
    ea_buf_add(&c->ahead, p, n);
    if (c->ahead.failed)
        conn_close(c);
    else if (c->ahead.n >= AHEAD_BYTES / 2 && c->reading) {
        uv_read_stop(&c->u.stream);
        c->reading = false;
    }
}

/* Feeds bytes to the parser until they end or a request waits for its answer. */
static void parse(ea_http_conn *c, const char *p, size_t n)
{
    c->parsing = true;
    while (n && c->state == C_READING && !c->close_when_sent) {
        llhttp_errno_t rc;
        size_t used;

        if (!c->req) {
            c->req = request_new(c);
            llhttp_init(&c->parser, HTTP_REQUEST, &c->server->settings);
            c->parser.data = c;
            c->refuse = 0;
        }
        if (!c->started) {
            c->started = true;
            rearm(c);
        }
        c->complete = false;
        rc = llhttp_execute(&c->parser, p, n);
        if (rc == HPE_OK)
            break;
        if (!c->complete) {
            if (c->state == C_READING) /* a failed write has closed it */
                refuse_now(c, c->refuse ? c->refuse : 400);
            break;
        }
        used = (size_t)(llhttp_get_error_pos(&c->parser) - p);
        p += used;
        n -= used;
        dispatch(c);
    }
    c->parsing = false;
    if (n && c->state == C_HANDLING)
        keep_ahead(c, p, n);
    else if (n && c->state == C_RAW)
        c->raw->data(c->raw_ctx, (ea_str){ p, n });
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    ea_http_conn *c = h->data;

    (void)suggested;
    *buf = uv_buf_init(c->rbuf, sizeof(c->rbuf));
}

static void on_eof(ea_http_conn *c, bool clean_end)
{
    c->eof = true;
    if (c->reading) {
        uv_read_stop(&c->u.stream);
        c->reading = false;
    }
    /* a half-closed peer still gets the answer that is being made */
    if (!clean_end || c->state != C_HANDLING)
        conn_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    ea_http_conn *c = stream->data;

    if (n == 0)
        return;
    if (n < 0) {
        if (c->state != C_CLOSING)
            on_eof(c, n == UV_EOF);
        return;
    }
    switch (c->state) {
    case C_READING:
        if (c->ahead.n)
            keep_ahead(c, buf->base, (size_t)n);
        else
            parse(c, buf->base, (size_t)n);
        break;
    case C_HANDLING:
        keep_ahead(c, buf->base, (size_t)n);
        break;
    case C_RAW:
        c->raw->data(c->raw_ctx, (ea_str){ buf->base, (size_t)n });
        break;
    case C_LINGER:
    case C_CLOSING:
        break;
    }
}

static void read_on(ea_http_conn *c)
{
    if (c->reading || c->eof || c->state == C_CLOSING)
        return;
    if (uv_read_start(&c->u.stream, on_alloc, on_read))
        conn_close(c);
    else
        c->reading = true;
}

static void address_text(const struct sockaddr_storage *sa, char out[46], uint16_t *port)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

    if (sa->ss_family != AF_INET || uv_ip4_name(in, out, 46))
        return;
    *port = ntohs(in->sin_port);
}

static void on_connection(uv_stream_t *stream, int status)
{
    ea_http_listener *l = stream->data;
    ea_http_server *s = l->server;
    ea_http_conn *c;
    int rc;

    if (status < 0) {
        ea_warn("connection not accepted", EA_S("err", uv_strerror(status)));
        return;
    }
    c = ea_alloc(sizeof(*c));
    c->server = s;
    c->listener = l;
    c->is_pipe = l->is_pipe;
    c->ahead = EA_BUF(AHEAD_BYTES + READ_BYTES);
    rc = l->is_pipe ? uv_pipe_init(stream->loop, &c->u.pipe, 0)
                    : uv_tcp_init(stream->loop, &c->u.tcp);
    if (rc) {
        ea_free(c);
        return;
    }
    c->u.handle.data = c;
    c->timer = ea_timer_new(s->loop, on_timer, c);
    ea_list_append(&s->conns, &c->node);
    s->conn_count++;
    if (uv_accept(stream, &c->u.stream) || s->conn_count > s->limits.connections) {
        conn_close(c);
        return;
    }
    if (!c->is_pipe) {
        struct sockaddr_storage sa = { 0 };
        int n = sizeof(sa);

        (void)uv_tcp_nodelay(&c->u.tcp, 1); /* slower without, not wrong */
        if (uv_tcp_getpeername(&c->u.tcp, (struct sockaddr *)(void *)&sa, &n) == 0)
            address_text(&sa, c->peer, &c->peer_port);
        n = sizeof(sa);
        if (uv_tcp_getsockname(&c->u.tcp, (struct sockaddr *)(void *)&sa, &n) == 0)
            address_text(&sa, c->local, &c->local_port);
    }
    read_on(c);
    rearm(c);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static struct request *request_of(const ea_http_request *req)
{
    return (struct request *)(uintptr_t)req; /* pub is its first member */
}

void ea_http_respond(ea_http_request *req, const ea_http_response *resp)
{
    struct request *r = request_of(req);
    ea_http_conn *c = r->conn;
    EA_SECRET_BUF_AUTO b = EA_BUF(resp->body.n + 64 * 1024);
    bool keep, is_head = r->is_head;

    if (!c) {
        request_free(r);
        return;
    }
    keep = r->keep_alive && !r->upgrade && !resp->close && !c->eof && !c->server->closing;
    ea_http_add_head(&b, resp, ea_now().wall_ms, keep);
    if (!is_head && resp->status != 204 && resp->status != 304)
        ea_buf_add(&b, resp->body.p, resp->body.n);
    request_free(r); /* not before: the answer may borrow from it */
    if (b.failed) {
        ea_error("answer not sent", EA_S("err", ea_code_words(b.failed)));
        conn_close(c);
        return;
    }
    c->state = C_READING;
    if (!keep)
        c->close_when_sent = true;
    write_bytes(c, b.p, b.n);
    if (c->state == C_CLOSING)
        return;
    rearm(c);
    if (!keep) {
        ea_buf_clear(&c->ahead);
        sent(c);
        return;
    }
    read_on(c);
}

void ea_http_respond_json(ea_http_request *req, int status, ea_str json)
{
    ea_http_respond(req, &(ea_http_response){
                             .status = status, .content_type = "application/json", .body = json });
}

void ea_http_respond_text(ea_http_request *req, int status, const char *text)
{
    ea_http_respond(req, &(ea_http_response){ .status = status,
                                              .content_type = "text/plain; charset=utf-8",
                                              .body = ea_str_of(text) });
}

bool ea_http_request_gone(const ea_http_request *req)
{
    const struct request *r = request_of(req);

    return !r->conn || r->conn->eof;
}

const char *ea_http_header_get(const ea_http_request *req, const char *name)
{
    ea_str wanted = ea_str_of(name);

    for (size_t i = 0; i < req->header_count; i++)
        if (ea_str_eq_nocase(ea_str_of(req->headers[i].name), wanted))
            return req->headers[i].value;
    return NULL;
}

bool ea_http_query_get(const ea_http_request *req, const char *name, char **value)
{
    return ea_http_query_find(req->query, name, value);
}

/* ---- upgrade ---------------------------------------------------------------------------------- */

ea_http_conn *ea_http_take_over(ea_http_request *req, ea_str head, const ea_http_raw_ops *ops,
                                void *ctx)
{
    struct request *r = request_of(req);
    ea_http_conn *c = r->conn;

    if (!c || c->eof || c->server->closing) {
        request_free(r);
        if (c)
            conn_close(c);
        return NULL;
    }
    write_bytes(c, head.p, head.n);
    request_free(r);
    if (c->state == C_CLOSING)
        return NULL;
    c->state = C_RAW;
    c->raw = ops;
    c->raw_ctx = ctx;
    rearm(c);
    read_on(c);
    return c->state == C_CLOSING ? NULL : c;
}

ea_code ea_http_conn_write(ea_http_conn *c, ea_str bytes, ea_err *err)
{
    if (c->state != C_RAW || c->close_when_sent)
        return ea_fail(err, EA_UNREACHABLE, "the connection is closing");
    if (c->queued + bytes.n > c->server->limits.queue_bytes)
        return ea_fail(err, EA_LIMIT, "%zu bytes already wait for the peer", c->queued);
    write_bytes(c, bytes.p, bytes.n);
    return c->state == C_CLOSING ? ea_fail(err, EA_UNREACHABLE, "the peer has gone") : EA_OK;
}

size_t ea_http_conn_queued(const ea_http_conn *c)
{
    return c->queued;
}

void ea_http_conn_close(ea_http_conn *c, bool flush)
{
    if (c->state != C_RAW || c->close_when_sent)
        return;
    if (!flush || c->eof) {
        conn_close(c);
        return;
    }
    c->close_when_sent = true;
    ea_timer_arm(c->timer, c->server->limits.write_timeout_ms);
    sent(c);
}

/* ---- listeners and the server ----------------------------------------------------------------- */

static void or_default(unsigned *slot, unsigned value)
{
    if (!*slot)
        *slot = value;
}

static void or_default_size(size_t *slot, size_t value)
{
    if (!*slot)
        *slot = value;
}

ea_http_server *ea_http_server_new(ea_loop *loop, const ea_http_limits *limits,
                                   ea_http_handler *handler, void *ctx)
{
    ea_http_server *s = ea_alloc(sizeof(*s));

    s->loop = loop;
    s->handler = handler;
    s->ctx = ctx;
    if (limits)
        s->limits = *limits;
    or_default_size(&s->limits.head_bytes, 16 * 1024);
    or_default_size(&s->limits.body_bytes, 1024 * 1024);
    or_default_size(&s->limits.queue_bytes, 8 * 1024 * 1024);
    or_default(&s->limits.connections, 256);
    or_default(&s->limits.read_timeout_ms, 5000);
    or_default(&s->limits.write_timeout_ms, 5000);
    or_default(&s->limits.idle_timeout_ms, 5000);
    ea_list_init(&s->conns);
    ea_list_init(&s->listeners);
    settings_init(&s->settings);
    return s;
}

size_t ea_http_server_connections(const ea_http_server *s)
{
    return s->conn_count;
}

static void on_drained(void *arg)
{
    ea_http_server *s = arg;

    EA_LIST_EACH(&s->conns, node)
    conn_close(EA_OWNER(node, ea_http_conn, node));
}

static void maybe_free_later(void *arg)
{
    server_maybe_free(arg);
}

void ea_http_server_close(ea_http_server *s, unsigned drain_ms, void (*done)(void *ctx), void *ctx)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    s->done = done;
    s->done_ctx = ctx;
    EA_LIST_EACH(&s->listeners, node)
    ea_http_listener_close(EA_OWNER(node, ea_http_listener, node));
    EA_LIST_EACH(&s->conns, cnode)
    {
        ea_http_conn *c = EA_OWNER(cnode, ea_http_conn, node);

        if (drain_ms == 0 || (c->state == C_READING && !c->writes))
            conn_close(c);
    }
    s->drain = ea_timer_new(s->loop, on_drained, s);
    if (drain_ms)
        ea_timer_arm(s->drain, drain_ms);
    if (!s->conn_count && !s->listener_count)
        ea_loop_defer(s->loop, maybe_free_later, s);
}

static ea_code listen_failed(int rc, const char *where, ea_err *err)
{
    ea_code code = EA_IO;

    if (rc == UV_EADDRINUSE)
        code = EA_CONFLICT;
    else if (rc == UV_EACCES || rc == UV_EPERM)
        code = EA_DENIED;
    else if (rc == UV_EADDRNOTAVAIL)
        code = EA_NOT_FOUND;
    return ea_fail_sys(err, code, -rc, "listen on %s: %s", where, uv_strerror(rc));
}

static void on_listener_closed(uv_handle_t *h)
{
    ea_http_listener *l = h->data;
    ea_http_server *s = l->server;

    ea_free(l);
    s->listener_count--;
    server_maybe_free(s);
}

void ea_http_listener_close(ea_http_listener *l)
{
    if (!l || uv_is_closing(&l->u.handle))
        return;
    ea_list_remove(&l->node);
    uv_close(&l->u.handle, on_listener_closed);
}

static ea_http_listener *listener_new(ea_http_server *s, bool is_pipe)
{
    ea_http_listener *l = ea_alloc(sizeof(*l));

    l->server = s;
    l->is_pipe = is_pipe;
    l->u.handle.data = l;
    ea_list_append(&s->listeners, &l->node);
    s->listener_count++;
    return l;
}

ea_code ea_http_listen_tcp(ea_http_server *s, const char *ipv4, uint16_t port,
                           ea_http_listener **out, ea_err *err)
{
    struct sockaddr_in addr;
    struct sockaddr_storage bound = { 0 };
    int n = sizeof(bound);
    ea_http_listener *l;
    char where[64], text[46];
    uv_os_fd_t raw;
    int rc;

    if (uv_ip4_addr(ipv4, port, &addr))
        return ea_fail(err, EA_INVALID, "%s is not an IPv4 address", ipv4);
    (void)uv_ip4_name(&addr, text, sizeof(text));
    (void)snprintf(where, sizeof(where), "%s:%u", text, (unsigned)port);
    l = listener_new(s, false);
    rc = uv_tcp_init_ex(ea_loop_uv(s->loop), &l->u.tcp, AF_INET);
    if (rc) {
        ea_list_remove(&l->node);
        s->listener_count--;
        ea_free(l);
        return listen_failed(rc, where, err);
    }
    if (port && uv_fileno(&l->u.handle, &raw) == 0)
        ea_plat_own_port((intptr_t)raw, port);
    rc = uv_tcp_bind(&l->u.tcp, (const struct sockaddr *)(const void *)&addr, 0);
    if (!rc)
        rc = uv_listen(&l->u.stream, BACKLOG, on_connection);
    if (!rc)
        rc = uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)(void *)&bound, &n);
    if (rc) {
        ea_http_listener_close(l);
        return listen_failed(rc, where, err);
    }
    address_text(&bound, text, &l->port);
    *out = l;
    return EA_OK;
}

/* A socket that a killed process left behind would make the bind fail. */
static void remove_old_socket(const char *path)
{
    uv_fs_t req;
    bool is_socket = false;

    if (uv_fs_lstat(NULL, &req, path, NULL) == 0)
        is_socket = (req.statbuf.st_mode & 0170000) == 0140000; /* S_IFSOCK, which mingw lacks */
    uv_fs_req_cleanup(&req);
    if (!is_socket)
        return;
    (void)uv_fs_unlink(NULL, &req, path, NULL); /* the bind tells when it did not work */
    uv_fs_req_cleanup(&req);
}

ea_code ea_http_listen_pipe(ea_http_server *s, const char *path, unsigned mode,
                            ea_http_listener **out, ea_err *err)
{
    bool named = ea_str_starts(ea_str_of(path), "\\\\");
    ea_http_listener *l = listener_new(s, true);
    uv_fs_t req;
    int rc;

    if (!named)
        remove_old_socket(path);
    rc = uv_pipe_init(ea_loop_uv(s->loop), &l->u.pipe, 0);
    if (rc) {
        ea_list_remove(&l->node);
        s->listener_count--;
        ea_free(l);
        return listen_failed(rc, path, err);
    }
    rc = uv_pipe_bind(&l->u.pipe, path);
    if (!rc && !named) { /* before listen: nobody can connect to it yet */
        rc = uv_fs_chmod(NULL, &req, path, (int)mode, NULL);
        uv_fs_req_cleanup(&req);
    }
    if (!rc)
        rc = uv_listen(&l->u.stream, BACKLOG, on_connection);
    if (rc) {
        ea_http_listener_close(l);
        return listen_failed(rc, path, err);
    }
    *out = l;
    return EA_OK;
}

uint16_t ea_http_listener_port(const ea_http_listener *l)
{
    return l->port;
}
