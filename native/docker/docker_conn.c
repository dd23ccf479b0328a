#include "docker_conn.h"

#include "../base/alloc.h"
#include "docker_http.h"

#include <llhttp.h>
#include <uv.h>

#include <assert.h>
#include <string.h>

#define READ_BYTES 16384

struct ea_dconn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } h;
    uv_connect_t connect;
    ea_loop *loop;
    llhttp_t parser;
    const struct ea_dconn_events *ev;
    void *owner;
    void (*closed)(void *ctx);
    void *closed_ctx;
    size_t header_bytes;
    int early_status; /* a connect that failed at once; told later */
    bool deferred, handle_closed, closing;
    bool exchange; /* a request was sent, its answer is not complete */
    bool any;      /* bytes of the answer arrived */
    bool complete, head_only, too_long;
};

/* ---- addresses -------------------------------------------------------------------------------- */

static ea_code parse_tcp(const char *address, const char *rest, ea_dendpoint *out, ea_err *err)
{
    static const char local[] = "127.0.0.1:";
    uint64_t port = 0;

    if (strncmp(rest, local, sizeof(local) - 1) != 0)
        return ea_fail(err, EA_SETTINGS, "%s: only tcp://127.0.0.1:<port> is allowed", address);
    if (ea_str_to_u64(ea_str_of(rest + sizeof(local) - 1), 1, 65535, &port, err))
        return ea_wrap(err, "port of %s", address);
    out->tcp = true;
    out->port = (int)port;
    return EA_OK;
}

ea_code ea_dendpoint_parse(const char *address, ea_dendpoint *out, ea_err *err)
{
    const char *a = address ? address : "";
    ea_str s = ea_str_of(a);

    *out = (ea_dendpoint){ 0 };
    if (ea_str_starts(s, "tcp://"))
        return parse_tcp(a, a + 6, out, err);
    if (ea_str_starts(s, "unix:///") && s.n > 8) {
        out->path = ea_strdup(a + 7);
        return EA_OK;
    }
    if (ea_str_starts(s, "npipe:////") && s.n > 10) { /* npipe:////./pipe/x is \\.\pipe\x */
        out->path = ea_strdup(a + 8);
        for (char *p = out->path; *p; p++)
            if (*p == '/')
                *p = '\\';
        return EA_OK;
    }
    return ea_fail(err, EA_SETTINGS,
                   "%s: not a Docker address (unix:///path or npipe:////./pipe/name)", a);
}

void ea_dendpoint_done(ea_dendpoint *ep)
{
    ea_free(ep->path);
    *ep = (ea_dendpoint){ 0 };
}

/* ---- closing ---------------------------------------------------------------------------------- */

static void release(ea_dconn *c)
{
    void (*closed)(void *) = c->closed;
    void *ctx = c->closed_ctx;

    if (!c->handle_closed || c->deferred)
        return;
    ea_free(c);
    closed(ctx);
}

static void on_closed(uv_handle_t *h)
{
    ea_dconn *c = h->data;

    c->handle_closed = true;
    release(c);
}

void ea_dconn_close(ea_dconn *c)
{
    if (!c || c->closing)
        return;
    c->closing = true;
    uv_close(&c->h.handle, on_closed);
}

static void fail(ea_dconn *c, const ea_err *err)
{
    if (c->closing)
        return;
    ea_dconn_close(c);
    c->ev->broke(c->owner, c->any, err);
}

/* ---- framing ---------------------------------------------------------------------------------- */

static ea_dconn *of_parser(llhttp_t *p)
{
    return p->data;
}

static int count_header(llhttp_t *p, const char *at, size_t n)
{
    ea_dconn *c = of_parser(p);

    (void)at; /* no header is of interest: what matters stands in the status and the body */
    c->header_bytes += n;
    if (c->header_bytes > EA_DHTTP_HEADER_MAX) {
        c->too_long = true;
        return HPE_USER;
    }
    return HPE_OK;
}

static int on_headers(llhttp_t *p)
{
    ea_dconn *c = of_parser(p);

    if (p->status_code >= 100 && p->status_code < 200 && p->status_code != 101)
        return 0; /* interim answer: the real one follows */
    c->ev->head(c->owner, (unsigned)p->status_code);
    if (c->closing)
        return HPE_USER;
    return c->head_only ? 1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    ea_dconn *c = of_parser(p);

    c->ev->data(c->owner, (ea_str){ at, n });
    return c->closing ? HPE_USER : HPE_OK;
}

static int on_complete(llhttp_t *p)
{
    ea_dconn *c = of_parser(p);

    if (p->status_code >= 100 && p->status_code < 200 && p->status_code != 101)
        return HPE_OK;
    c->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static llhttp_settings_t s;
    static bool ready; /* loop thread only */

    if (!ready) {
        llhttp_settings_init(&s);
        s.on_status = count_header;
        s.on_header_field = count_header;
        s.on_header_value = count_header;
        s.on_chunk_extension_name = count_header;
        s.on_chunk_extension_value = count_header;
        s.on_headers_complete = on_headers;
        s.on_body = on_body;
        s.on_message_complete = on_complete;
        ready = true;
    }
    return &s;
}

static void finish_exchange(ea_dconn *c, bool reusable)
{
    c->exchange = false;
    c->ev->end(c->owner, reusable);
}

static void feed(ea_dconn *c, const char *p, size_t n)
{
    ea_err err = { 0 };
    llhttp_errno_t rc;

    if (!c->exchange) { /* nobody asked anything */
        ea_fail(&err, EA_PROTOCOL, "Docker sent bytes that belong to no answer");
        fail(c, &err);
        return;
    }
    c->any = true;
    rc = llhttp_execute(&c->parser, p, n);
    if (c->closing)
        return;
    if (c->complete && rc == HPE_PAUSED) {
        bool all = llhttp_get_error_pos(&c->parser) == p + n;

        finish_exchange(c, all && llhttp_should_keep_alive(&c->parser));
        return;
    }
    if (rc == HPE_OK)
        return;
    if (c->too_long)
        ea_fail(&err, EA_LIMIT, "Docker's answer has more than %d bytes of headers",
                EA_DHTTP_HEADER_MAX);
    else
        ea_fail(&err, EA_PROTOCOL, "Docker's answer is no HTTP: %s",
                llhttp_get_error_reason(&c->parser));
    fail(c, &err);
}

static void at_end_of_stream(ea_dconn *c, int status)
{
    ea_err err = { 0 };

    if (c->exchange && c->any && status == UV_EOF) {
        llhttp_errno_t rc = llhttp_finish(&c->parser); /* a body that ends with the connection */

        if (c->closing)
            return;
        if (c->complete && (rc == HPE_OK || rc == HPE_PAUSED)) {
            finish_exchange(c, false);
            return;
        }
    }
    if (status == UV_EOF)
        ea_fail(&err, EA_UNREACHABLE, "the connection to Docker ended: %sEOF",
                c->any ? "unexpected " : "");
    else
        ea_fail_sys(&err, EA_UNREACHABLE, status, "the connection to Docker broke: %s: EOF",
                    uv_strerror(status));
    fail(c, &err);
}

/* ---- transport -------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)h;
    (void)suggested; /* 64 KiB: too much for the many small reads of a stream */
    buf->base = ea_try_realloc(NULL, READ_BYTES); /* zeroing it would cost more than most reads */
    buf->len = buf->base ? READ_BYTES : 0;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    ea_dconn *c = s->data;

    if (!c->closing && n > 0)
        feed(c, buf->base, (size_t)n);
    else if (!c->closing && n < 0)
        at_end_of_stream(c, (int)n);
    ea_free(buf->base);
}

static void told(ea_dconn *c, int status)
{
    if (!status)
        status = uv_read_start(&c->h.stream, on_alloc, on_read);
    if (status)
        ea_dconn_close(c);
    c->ev->opened(c->owner, status);
}

static void on_connect(uv_connect_t *r, int status)
{
    ea_dconn *c = r->data;

    if (!c->closing)
        told(c, status);
}

static void early_failure(void *arg)
{
    ea_dconn *c = arg;

    c->deferred = false;
    if (c->closing)
        release(c);
    else
        told(c, c->early_status);
}

ea_dconn *ea_dconn_open(ea_loop *l, const ea_dendpoint *ep, const struct ea_dconn_events *ev,
                        void *owner, void (*closed)(void *ctx), void *ctx)
{
    ea_dconn *c = ea_alloc(sizeof(*c));
    int rc;

    c->loop = l;
    c->closed = closed;
    c->closed_ctx = ctx;
    ea_dconn_set_owner(c, ev, owner);
    c->connect.data = c;
    if (ep->tcp) {
        struct sockaddr_in to;

        rc = uv_tcp_init(ea_loop_uv(l), &c->h.tcp);
        assert(rc == 0);
        rc = uv_ip4_addr("127.0.0.1", ep->port, &to);
        if (!rc)
            rc = uv_tcp_connect(&c->connect, &c->h.tcp, (const struct sockaddr *)&to, on_connect);
    } else {
        rc = uv_pipe_init(ea_loop_uv(l), &c->h.pipe, 0);
        assert(rc == 0);
        rc = uv_pipe_connect2(&c->connect, &c->h.pipe, ep->path, strlen(ep->path),
                              UV_PIPE_NO_TRUNCATE, on_connect);
    }
    c->h.handle.data = c;
    if (rc) {
        c->early_status = rc;
        c->deferred = true;
        ea_loop_defer(l, early_failure, c);
    }
    return c;
}

void ea_dconn_set_owner(ea_dconn *c, const struct ea_dconn_events *ev, void *owner)
{
    c->ev = ev;
    c->owner = owner;
}

struct sending {
    uv_write_t w;
    ea_dconn *c; /* lives until its handle is closed, which is after this request's callback */
    char *p;
    size_t n;
    bool secret;
};

static void free_sending(struct sending *s)
{
    if (s->secret)
        ea_secret_wipe(s->p, s->n);
    ea_free(s->p);
    ea_free(s);
}

static void on_written(uv_write_t *w, int status)
{
    struct sending *s = w->data;
    ea_dconn *c = s->c;
    ea_err err = { 0 };

    free_sending(s);
    /* An answer may be on its way although the peer stopped reading: reading tells the end. */
    if (!status || c->closing || c->any)
        return;
    ea_fail_sys(&err, EA_UNREACHABLE, status, "the request to Docker could not be sent: %s: EOF",
                uv_strerror(status));
    fail(c, &err);
}

static void cannot_send(void *arg)
{
    ea_dconn *c = arg;
    ea_err err = { 0 };

    c->deferred = false;
    if (c->closing) {
        release(c);
        return;
    }
    ea_fail_sys(&err, EA_UNREACHABLE, c->early_status,
                "the request to Docker could not be sent: %s: EOF", uv_strerror(c->early_status));
    fail(c, &err);
}

void ea_dconn_send(ea_dconn *c, ea_str request, bool secret, bool head_only)
{
    struct sending *s = ea_alloc(sizeof(*s));
    uv_buf_t buf;
    int rc;

    assert(!c->exchange && !c->closing);
    llhttp_init(&c->parser, HTTP_RESPONSE, settings());
    c->parser.data = c;
    c->header_bytes = 0;
    c->exchange = true;
    c->any = c->complete = c->too_long = false;
    c->head_only = head_only;
    s->w.data = s;
    s->c = c;
    s->p = ea_strndup(request.p, request.n);
    s->n = request.n;
    s->secret = secret;
    buf = uv_buf_init(s->p, (unsigned)s->n);
    rc = uv_write(&s->w, &c->h.stream, &buf, 1, on_written);
    if (rc) {
        free_sending(s);
        c->early_status = rc;
        c->deferred = true;
        ea_loop_defer(c->loop, cannot_send, c);
    }
}
