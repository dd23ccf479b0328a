/* http_conn.c - one connection: reading, writing, its timer and its end. See http_server_private.h. */
#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "http_server_private.h"
#include "http_text.h"

#include <string.h>

#define AHEAD_BYTES (64 * 1024) /* pipelined bytes kept while a request waits for its answer */
#define LINGER_MS   1000        /* for the peer to take the last answer and close */

static void parse(ea_http_conn *c, const char *p, size_t n);

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

    c->state = EA_HCONN_LINGER;
    if (uv_shutdown(req, &c->u.stream, on_shutdown)) {
        ea_free(req);
        ea_hconn_close(c);
        return;
    }
    if (c->eof) {
        ea_hconn_close(c);
        return;
    }
    ea_timer_arm(c->timer, LINGER_MS);
}

void ea_hconn_sent(ea_http_conn *c)
{
    if (c->state == EA_HCONN_CLOSING || c->writes)
        return;
    if (c->close_when_sent) {
        if (c->state != EA_HCONN_LINGER)
            linger(c);
        return;
    }
    if (c->state == EA_HCONN_RAW && c->raw->drained)
        c->raw->drained(c->raw_ctx);
    else
        ea_hconn_rearm(c);
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
        ea_hconn_close(c);
    else
        ea_hconn_sent(c);
}

void ea_hconn_write(ea_http_conn *c, const char *p, size_t n)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p, (unsigned)n);
    struct write *w;
    int rc;

    if (c->state == EA_HCONN_CLOSING)
        return;
    rc = c->writes ? UV_EAGAIN : uv_try_write(&c->u.stream, &buf, 1);
    if (rc >= 0) {
        p += rc;
        n -= (size_t)rc;
    } else if (rc != UV_EAGAIN && rc != UV_ENOSYS) {
        ea_hconn_close(c);
        return;
    }
    if (n == 0)
        return;
    if (c->queued + n > c->server->limits.queue_bytes || !(w = ea_try_alloc(sizeof(*w) + n))) {
        ea_warn("peer reads too slowly, connection closed", EA_I("queued", c->queued));
        ea_hconn_close(c);
        return;
    }
    w->conn = c;
    w->n = n;
    memcpy(w->data, p, n);
    buf = uv_buf_init(w->data, (unsigned)n);
    if (uv_write(&w->req, &c->u.stream, &buf, 1, on_write)) {
        ea_free(w);
        ea_hconn_close(c);
        return;
    }
    c->writes++;
    c->queued += n;
}

/* ---- connection ------------------------------------------------------------------------------- */

/* The limit of the present state. */
void ea_hconn_rearm(ea_http_conn *c)
{
    const ea_http_limits *l = &c->server->limits;

    switch (c->state) {
    case EA_HCONN_READING:
        if (c->writes)
            ea_timer_arm(c->timer, l->write_timeout_ms);
        else if (c->ahead.n && !c->parsing)
            ea_timer_arm(c->timer, 0); /* on_timer goes on with what was kept */
        else
            ea_timer_arm(c->timer, c->started ? l->read_timeout_ms : l->idle_timeout_ms);
        break;
    case EA_HCONN_HANDLING:
    case EA_HCONN_RAW:
        if (c->writes && c->state == EA_HCONN_HANDLING)
            ea_timer_arm(c->timer, l->write_timeout_ms);
        else
            ea_timer_stop(c->timer);
        break;
    case EA_HCONN_LINGER:
    case EA_HCONN_CLOSING:
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

    ea_hrequest_free(c->req);
    ea_http_add_head(&b, &resp, ea_now().wall_ms, false);
    ea_buf_adds(&b, words);
    c->close_when_sent = true;
    ea_hconn_write(c, b.p, b.n);
    if (c->state != EA_HCONN_CLOSING) {
        ea_timer_arm(c->timer, c->server->limits.write_timeout_ms);
        ea_hconn_sent(c);
    }
}

static void on_timer(void *arg)
{
    ea_http_conn *c = arg;

    if (c->state == EA_HCONN_READING && c->ahead.n && !c->writes) {
        EA_BUF_AUTO kept = c->ahead; /* armed by an answer given outside of parse() */

        c->ahead = EA_BUF(kept.max);
        parse(c, kept.p, kept.n);
        return;
    }
    if (c->state == EA_HCONN_READING && c->started && !c->writes)
        refuse_now(c, 408);
    else
        ea_hconn_close(c);
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
    ea_hserver_maybe_free(s);
}

void ea_hconn_close(ea_http_conn *c)
{
    if (c->state == EA_HCONN_CLOSING)
        return;
    if (c->req) {
        struct ea_hrequest *r = c->req;

        r->conn = NULL;
        if (c->state == EA_HCONN_READING)
            ea_hrequest_free(r); /* else its handler still has it */
        c->req = NULL;
    }
    c->state = EA_HCONN_CLOSING;
    ea_list_remove(&c->node);
    ea_timer_free(c->timer);
    c->timer = NULL;
    uv_close(&c->u.handle, on_conn_closed);
}

static void dispatch(ea_http_conn *c)
{
    struct ea_hrequest *r = c->req;

    if (!ea_hrequest_finish(r)) {
        refuse_now(c, 400);
        return;
    }
    c->state = EA_HCONN_HANDLING;
    c->started = false;
    ea_hconn_rearm(c);
    c->server->handler(c->server->ctx, &r->pub);
}

static void keep_ahead(ea_http_conn *c, const char *p, size_t n)
{
    ea_buf_add(&c->ahead, p, n);
    if (c->ahead.failed)
        ea_hconn_close(c);
    else if (c->ahead.n >= AHEAD_BYTES / 2 && c->reading) {
        uv_read_stop(&c->u.stream);
        c->reading = false;
    }
}

/* Feeds bytes to the parser until they end or a request waits for its answer. */
static void parse(ea_http_conn *c, const char *p, size_t n)
{
    c->parsing = true;
    while (n && c->state == EA_HCONN_READING && !c->close_when_sent) {
        llhttp_errno_t rc;
        size_t used;

        if (!c->req) {
            c->req = ea_hrequest_new(c);
            llhttp_init(&c->parser, HTTP_REQUEST, &c->server->settings);
            c->parser.data = c;
            c->refuse = 0;
        }
        if (!c->started) {
            c->started = true;
            ea_hconn_rearm(c);
        }
        c->complete = false;
        rc = llhttp_execute(&c->parser, p, n);
        if (rc == HPE_OK)
            break;
        if (!c->complete) {
            if (c->state == EA_HCONN_READING) /* a failed write has closed it */
                refuse_now(c, c->refuse ? c->refuse : 400);
            break;
        }
        used = (size_t)(llhttp_get_error_pos(&c->parser) - p);
        p += used;
        n -= used;
        dispatch(c);
    }
    c->parsing = false;
    if (n && c->state == EA_HCONN_HANDLING)
        keep_ahead(c, p, n);
    else if (n && c->state == EA_HCONN_RAW)
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
    if (!clean_end || c->state != EA_HCONN_HANDLING)
        ea_hconn_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    ea_http_conn *c = stream->data;

    if (n == 0)
        return;
    if (n < 0) {
        if (c->state != EA_HCONN_CLOSING)
            on_eof(c, n == UV_EOF);
        return;
    }
    switch (c->state) {
    case EA_HCONN_READING:
        if (c->ahead.n)
            keep_ahead(c, buf->base, (size_t)n);
        else
            parse(c, buf->base, (size_t)n);
        break;
    case EA_HCONN_HANDLING:
        keep_ahead(c, buf->base, (size_t)n);
        break;
    case EA_HCONN_RAW:
        c->raw->data(c->raw_ctx, (ea_str){ buf->base, (size_t)n });
        break;
    case EA_HCONN_LINGER:
    case EA_HCONN_CLOSING:
        break;
    }
}

void ea_hconn_read_on(ea_http_conn *c)
{
    if (c->reading || c->eof || c->state == EA_HCONN_CLOSING)
        return;
    if (uv_read_start(&c->u.stream, on_alloc, on_read))
        ea_hconn_close(c);
    else
        c->reading = true;
}

void ea_hconn_address(const struct sockaddr_storage *sa, char out[46], uint16_t *port)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

    if (sa->ss_family != AF_INET || uv_ip4_name(in, out, 46))
        return;
    *port = ntohs(in->sin_port);
}

void ea_hconn_accept(uv_stream_t *stream, int status)
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
    c->ahead = EA_BUF(AHEAD_BYTES + EA_HTTP_READ_BYTES);
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
        ea_hconn_close(c);
        return;
    }
    if (!c->is_pipe) {
        struct sockaddr_storage sa = { 0 };
        int n = sizeof(sa);

        (void)uv_tcp_nodelay(&c->u.tcp, 1); /* slower without, not wrong */
        if (uv_tcp_getpeername(&c->u.tcp, (struct sockaddr *)(void *)&sa, &n) == 0)
            ea_hconn_address(&sa, c->peer, &c->peer_port);
        n = sizeof(sa);
        if (uv_tcp_getsockname(&c->u.tcp, (struct sockaddr *)(void *)&sa, &n) == 0)
            ea_hconn_address(&sa, c->local, &c->local_port);
    }
    ea_hconn_read_on(c);
    ea_hconn_rearm(c);
}
