/* ws_server.c - opening handshake and frames of a server-side websocket. See ws_server.h. */
#include "ws_server.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "http_text.h"
#include "ws_frame.h"

#include <string.h>
#include <wslay/wslay.h>

#define REASON_MAX     123
#define CLOSE_NO_CODE  1005
#define CLOSE_ABNORMAL 1006

struct ea_ws_conn {
    ea_http_conn *http;
    wslay_event_context_ptr wslay;
    ea_ws_limits limits;
    const ea_ws_ops *ops;
    void *ctx;
    ea_timer *close_timer;
    ea_str in; /* bytes being fed to wslay */
    unsigned code;
    char reason[REASON_MAX + 1];
    bool dead; /* ends: nothing is sent any more */
};

/* ---- wslay's side ----------------------------------------------------------------------------- */

static ssize_t on_recv(wslay_event_context_ptr w, uint8_t *buf, size_t len, int flags, void *arg)
{
    ea_ws_conn *c = arg;
    size_t n = len < c->in.n ? len : c->in.n;

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(w, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, c->in.p, n);
    c->in.p += n;
    c->in.n -= n;
    return (ssize_t)n;
}

static void on_message(wslay_event_context_ptr w, const struct wslay_event_on_msg_recv_arg *m,
                       void *arg)
{
    ea_ws_conn *c = arg;

    (void)w;
    if (m->opcode == WSLAY_CONNECTION_CLOSE) {
        size_t n = m->msg_length >= 2 ? m->msg_length - 2 : 0;

        c->code = m->status_code ? m->status_code : CLOSE_NO_CODE;
        n = n > REASON_MAX ? REASON_MAX : n;
        if (n)
            memcpy(c->reason, m->msg + 2, n);
        c->reason[n] = '\0';
    } else if ((m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME) && !c->dead) {
        c->ops->message(c->ctx, (ea_str){ m->msg ? (const char *)m->msg : "", m->msg_length });
    }
}

/* Hands what wslay has queued to the connection. */
static void flush(ea_ws_conn *c)
{
    uint8_t buf[16 * 1024];
    ssize_t n;
    ea_err err;

    while (!c->dead && (n = wslay_event_write(c->wslay, buf, sizeof(buf))) != 0) {
        if (n < 0 || ea_http_conn_write(c->http, (ea_str){ (const char *)buf, (size_t)n }, &err)) {
            ea_ws_abort(c);
            return;
        }
    }
    if (!c->dead && wslay_event_get_close_sent(c->wslay)) {
        if (wslay_event_get_close_received(c->wslay) || !wslay_event_want_read(c->wslay)) {
            c->dead = true;
            ea_http_conn_close(c->http, true);
        } else {
            ea_timer_arm(c->close_timer, c->limits.close_wait_ms);
        }
    }
}

static void on_close_wait(void *arg)
{
    ea_ws_abort(arg);
}

/* ---- the connection's side -------------------------------------------------------------------- */

static void on_data(void *ctx, ea_str bytes)
{
    ea_ws_conn *c = ctx;

    if (c->dead)
        return;
    c->in = bytes;
    if (wslay_event_recv(c->wslay) != 0) {
        ea_ws_abort(c);
        return;
    }
    c->in = (ea_str){ NULL, 0 };
    flush(c);
}

static void on_closed(void *ctx)
{
    ea_ws_conn *c = ctx;

    ea_timer_free(c->close_timer);
    wslay_event_context_free(c->wslay);
    c->ops->closed(c->ctx, c->code, c->reason);
    ea_free(c);
}

static const ea_http_raw_ops raw_ops = { .data = on_data, .closed = on_closed };

/* Is this a request to open a websocket (method, version and key as RFC 6455 4.2.1 asks)? */
static bool is_wanted(const ea_http_request *req)
{
    const char *upgrade = ea_http_header_get(req, "Upgrade");
    const char *connection = ea_http_header_get(req, "Connection");

    return strcmp(req->method, "GET") == 0 && ea_http_has_token(upgrade, "websocket") &&
           ea_http_has_token(connection, "upgrade") &&
           ea_http_header_get(req, "Sec-WebSocket-Key") != NULL;
}

static ea_code add_handshake(ea_buf *b, const char *key)
{
    char accept[29];
    ea_err err;

    ea_ws_accept_key(key, accept);
    ea_buf_addf(b,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                accept);
    return ea_buf_check(b, &err);
}

static bool key_is_sound(const char *key)
{
    EA_BUF_AUTO raw = EA_BUF(16);
    ea_err err;

    return key && ea_base64_decode(ea_str_of(key), 16, &raw, &err) == EA_OK && raw.n == 16;
}

ea_ws_conn *ea_ws_accept(ea_loop *loop, ea_http_request *req, const ea_ws_limits *limits,
                         const ea_ws_ops *ops, void *ctx)
{
    static const struct wslay_event_callbacks callbacks = { .recv_callback = on_recv,
                                                            .on_msg_recv_callback = on_message };
    static const ea_http_header version = { "Sec-WebSocket-Version", "13" };
    const char *wanted = ea_http_header_get(req, "Sec-WebSocket-Version");
    const char *key = ea_http_header_get(req, "Sec-WebSocket-Key");
    EA_BUF_AUTO head = EA_BUF(512);
    ea_ws_conn *c;

    if (!is_wanted(req) || !key_is_sound(key) || add_handshake(&head, key)) {
        ea_http_respond_text(req, 400, "websocket handshake expected");
        return NULL;
    }
    if (!wanted || strcmp(wanted, "13") != 0) {
        ea_http_respond(
            req, &(ea_http_response){ .status = 426, .headers = &version, .header_count = 1 });
        return NULL;
    }
    c = ea_alloc(sizeof(*c));
    c->ops = ops;
    c->ctx = ctx;
    c->code = CLOSE_ABNORMAL;
    if (limits)
        c->limits = *limits;
    if (!c->limits.message_bytes)
        c->limits.message_bytes = 1024 * 1024;
    if (!c->limits.queue_bytes)
        c->limits.queue_bytes = 4 * 1024 * 1024;
    if (!c->limits.close_wait_ms)
        c->limits.close_wait_ms = 3000;
    if (wslay_event_context_server_init(&c->wslay, &callbacks, c)) {
        ea_free(c);
        ea_http_respond_text(req, 503, "no memory");
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(c->wslay, c->limits.message_bytes);
    c->close_timer = ea_timer_new(loop, on_close_wait, c);
    c->http = ea_http_take_over(req, ea_buf_str(&head), &raw_ops, c);
    if (!c->http) {
        ea_timer_free(c->close_timer);
        wslay_event_context_free(c->wslay);
        ea_free(c);
        return NULL;
    }
    return c;
}

static ea_code send_message(ea_ws_conn *c, uint8_t opcode, ea_str text, ea_err *err)
{
    struct wslay_event_msg m = { .opcode = opcode,
                                 .msg = (const uint8_t *)text.p,
                                 .msg_length = text.n };

    if (c->dead || wslay_event_queue_msg(c->wslay, &m))
        return ea_fail(err, EA_UNREACHABLE, "the websocket is closing");
    flush(c);
    return c->dead ? ea_fail(err, EA_UNREACHABLE, "the peer has gone") : EA_OK;
}

ea_code ea_ws_send(ea_ws_conn *c, ea_str text, ea_err *err)
{
    if (!c->dead && ea_http_conn_queued(c->http) + text.n > c->limits.queue_bytes)
        return ea_fail(err, EA_LIMIT, "%zu bytes already wait for the peer",
                       ea_http_conn_queued(c->http));
    return send_message(c, WSLAY_TEXT_FRAME, text, err);
}

void ea_ws_close(ea_ws_conn *c, unsigned code, const char *reason)
{
    size_t n = reason ? ea_utf8_cut(reason, strlen(reason), REASON_MAX) : 0;

    if (c->dead)
        return;
    if (wslay_event_queue_close(c->wslay, (uint16_t)code, (const uint8_t *)reason, n)) {
        ea_ws_abort(c);
        return;
    }
    flush(c);
}

void ea_ws_abort(ea_ws_conn *c)
{
    if (c->dead)
        return;
    c->dead = true;
    ea_http_conn_close(c->http, false);
}
