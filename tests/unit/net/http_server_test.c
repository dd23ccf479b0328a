/* http_server_test.c - the HTTP server and the websocket side over real sockets and pipes. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "net/http_server.h"
#include "net/ws_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

struct world {
    ea_loop *loop;
    ea_http_server *server;
    ea_http_listener *listener;
    uint16_t port;
    int calls;
    ea_http_request *held; /* answered later */
    char path[256], query[256], body[4096], peer[46];
    ea_ws_conn *ws;
    unsigned ws_code;
    char ws_reason[128], ws_text[4096];
    bool ws_closed, server_done;
};

struct client {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } u;
    uv_connect_t connect;
    ea_buf got;
    bool connected, ended, closed;
    int status;
    char rbuf[4096];
};

static void on_ws_message(void *ctx, ea_str text)
{
    struct world *w = ctx;
    ea_err err;

    (void)snprintf(w->ws_text, sizeof(w->ws_text), "%.*s", EA_STR_FMT(text));
    if (ea_str_eqz(text, "close me"))
        ea_ws_close(w->ws, 1001, "going");
    else if (ea_ws_send(w->ws, text, &err))
        fail_msg("%s", err.text);
}

static void on_ws_closed(void *ctx, unsigned code, const char *reason)
{
    struct world *w = ctx;

    w->ws_closed = true;
    w->ws_code = code;
    (void)snprintf(w->ws_reason, sizeof(w->ws_reason), "%s", reason);
}

static const ea_ws_ops ws_ops = { on_ws_message, on_ws_closed };

static void handle(void *ctx, ea_http_request *req)
{
    struct world *w = ctx;

    w->calls++;
    (void)snprintf(w->path, sizeof(w->path), "%s", req->path);
    (void)snprintf(w->query, sizeof(w->query), "%s", req->query);
    (void)snprintf(w->body, sizeof(w->body), "%.*s", EA_STR_FMT(req->body));
    (void)snprintf(w->peer, sizeof(w->peer), "%s", req->peer);
    if (strcmp(req->path, "/later") == 0) {
        w->held = req;
    } else if (strcmp(req->path, "/ws") == 0) {
        ea_ws_limits limits = { .message_bytes = 1000 };

        w->ws = ea_ws_accept(w->loop, req, &limits, &ws_ops, w);
    } else if (strcmp(req->path, "/header") == 0) {
        const char *value = ea_http_header_get(req, "x-Thing");

        ea_http_respond_text(req, 200, value ? value : "none");
    } else {
        ea_http_respond_json(req, 200, EA_STR("{\"ok\":true}"));
    }
}

static int open_world(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_http_limits limits = { .head_bytes = 2048,
                              .body_bytes = 1000,
                              .connections = 4,
                              .read_timeout_ms = 150,
                              .idle_timeout_ms = 400 };
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->server = ea_http_server_new(w->loop, &limits, handle, w);
    if (ea_http_listen_tcp(w->server, "127.0.0.1", 0, &w->listener, &err))
        fail_msg("%s", err.text);
    w->port = ea_http_listener_port(w->listener);
    *state = w;
    return 0;
}

static void on_done(void *arg)
{
    struct world *w = arg;

    w->server_done = true;
}

typedef bool condition(void *arg);

/* Turns the loop until the condition holds. */
static bool turn_until(struct world *w, condition *holds, void *arg)
{
    uint64_t end = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);

    while (!holds(arg)) {
        if (uv_hrtime() > end)
            return false;
        (void)uv_run(ea_loop_uv(w->loop), UV_RUN_NOWAIT);
    }
    return true;
}

static bool server_is_done(void *arg)
{
    return ((struct world *)arg)->server_done;
}

static int close_world(void **state)
{
    struct world *w = *state;

    if (!w->server_done) {
        ea_http_server_close(w->server, 0, on_done, w);
        if (w->held)
            ea_http_respond_text(w->held, 200, "too late");
        if (!turn_until(w, server_is_done, w))
            fail_msg("the server did not end");
    }
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

/* ---- client ----------------------------------------------------------------------------------- */

static void client_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
    struct client *c = h->data;

    (void)n;
    *buf = uv_buf_init(c->rbuf, sizeof(c->rbuf));
}

static void client_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = s->data;

    if (n > 0)
        ea_buf_add(&c->got, buf->base, (size_t)n);
    else if (n < 0)
        c->ended = true;
}

static void client_connected(uv_connect_t *req, int status)
{
    struct client *c = req->data;

    c->connected = true;
    c->status = status;
    if (status == 0)
        (void)uv_read_start(&c->u.stream, client_alloc, client_read);
    else
        c->ended = true;
}

static bool client_is_connected(void *arg)
{
    return ((struct client *)arg)->connected;
}

static struct client *client_open(struct world *w, const char *pipe)
{
    struct client *c = ea_alloc(sizeof(*c));
    struct sockaddr_in addr;

    c->got = EA_BUF(1 << 20);
    c->connect.data = c;
    if (pipe) {
        (void)uv_pipe_init(ea_loop_uv(w->loop), &c->u.pipe, 0);
        uv_pipe_connect(&c->connect, &c->u.pipe, pipe, client_connected);
    } else {
        (void)uv_ip4_addr("127.0.0.1", w->port, &addr);
        (void)uv_tcp_init(ea_loop_uv(w->loop), &c->u.tcp);
        assert_int_equal(uv_tcp_connect(&c->connect, &c->u.tcp,
                                        (const struct sockaddr *)(const void *)&addr,
                                        client_connected),
                         0);
    }
    c->u.handle.data = c;
    assert_true(turn_until(w, client_is_connected, c));
    return c;
}

static void client_closed(uv_handle_t *h)
{
    ((struct client *)h->data)->closed = true;
}

static bool client_is_closed(void *arg)
{
    return ((struct client *)arg)->closed;
}

static void client_close(struct world *w, struct client *c)
{
    uv_close(&c->u.handle, client_closed);
    assert_true(turn_until(w, client_is_closed, c));
    ea_buf_done(&c->got);
    ea_free(c);
}

static void on_client_write(uv_write_t *req, int status)
{
    (void)status; /* what the server answers is looked at, or that it closed */
    ea_free(req->data);
    ea_free(req);
}

static void client_send_bytes(struct client *c, const void *p, size_t n)
{
    uv_write_t *req = ea_alloc(sizeof(*req));
    char *copy = ea_alloc(n + 1);
    uv_buf_t buf;

    memcpy(copy, p, n);
    buf = uv_buf_init(copy, (unsigned)n);
    req->data = copy;
    assert_int_equal(uv_write(req, &c->u.stream, &buf, 1, on_client_write), 0);
}

static void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

struct wanted {
    struct client *c;
    const char *text;
};

static bool has_text(void *arg)
{
    struct wanted *x = arg;

    return strstr(ea_buf_z(&x->c->got), x->text) != NULL;
}

static void expect_text(struct world *w, struct client *c, const char *text)
{
    struct wanted x = { c, text };

    if (!turn_until(w, has_text, &x))
        fail_msg("no '%s' in '%s'", text, ea_buf_z(&c->got));
}

static bool has_ended(void *arg)
{
    return ((struct client *)arg)->ended;
}

static void expect_end(struct world *w, struct client *c)
{
    if (!turn_until(w, has_ended, c))
        fail_msg("the connection did not end after '%s'", ea_buf_z(&c->got));
}

/* ---- requests --------------------------------------------------------------------------------- */

static void a_connection_serves_requests_one_after_another(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "GET /a//b/../c%20d?x=1&y=%2F HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_text(w, c, "{\"ok\":true}");
    assert_string_equal(w->path, "/a/c d");
    assert_string_equal(w->query, "x=1&y=%2F");
    assert_string_equal(w->peer, "127.0.0.1");
    assert_non_null(strstr(c->got.p, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(c->got.p, "Content-Length: 11\r\n"));
    ea_buf_clear(&c->got);
    client_send(c, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    expect_text(w, c, "{\"ok\":true}");
    assert_string_equal(w->body, "hello");
    ea_buf_clear(&c->got);
    client_send(c, "GET /header HTTP/1.1\r\nX-Thing: v w\r\nConnection: close\r\n\r\n");
    expect_text(w, c, "v w");
    expect_end(w, c);
    assert_int_equal(w->calls, 3);
    client_close(w, c);
}

static void requests_sent_ahead_are_answered_in_order(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "GET /later HTTP/1.1\r\n\r\nGET /header HTTP/1.1\r\nX-Thing: second\r\n\r\n"
                   "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    for (int i = 0; i < 20; i++)
        (void)uv_run(ea_loop_uv(w->loop), UV_RUN_NOWAIT);
    while (!w->held)
        (void)uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    assert_int_equal(w->calls, 1);
    ea_http_respond_text(w->held, 200, "first");
    w->held = NULL;
    expect_text(w, c, "{\"ok\":true}");
    assert_true(strstr(c->got.p, "first") < strstr(c->got.p, "second"));
    assert_string_equal(w->body, "abc");
    client_close(w, c);
}

static bool has_request(void *arg)
{
    return ((struct world *)arg)->held != NULL;
}

#define BIG_BYTES (6 * 1024 * 1024)

static bool has_big_answer(void *arg)
{
    const struct client *c = arg;

    return c->got.n > BIG_BYTES && strstr(c->got.p + BIG_BYTES, "after the big one");
}

static void a_request_sent_ahead_waits_for_a_big_answer_to_leave(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);
    char *body = ea_alloc(BIG_BYTES);

    memset(body, 'b', BIG_BYTES);
    ea_buf_done(&c->got);
    c->got = EA_BUF(2 * BIG_BYTES);
    client_send(c, "GET /later HTTP/1.1\r\n\r\nGET /header HTTP/1.1\r\nX-Thing: after the big one"
                   "\r\n\r\n");
    assert_true(turn_until(w, has_request, w));
    ea_http_respond(w->held, &(ea_http_response){ .status = 200, .body = { body, BIG_BYTES } });
    w->held = NULL;
    assert_true(turn_until(w, has_big_answer, c));
    assert_int_equal(w->calls, 2);
    ea_free(body);
    client_close(w, c);
}

static bool request_is_gone(void *arg)
{
    return ea_http_request_gone(arg);
}

static void an_answer_after_the_peer_has_gone_is_dropped(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "GET /later HTTP/1.1\r\n\r\n");
    assert_true(turn_until(w, has_request, w));
    client_close(w, c);
    assert_true(turn_until(w, request_is_gone, w->held));
    assert_string_equal(w->held->path, "/later");
    ea_http_respond_text(w->held, 200, "nobody sees it");
    w->held = NULL;
}

static void what_breaks_the_rules_is_refused(void **state)
{
    static char long_head[3000] = "GET / HTTP/1.1\r\nX: ";
    static const struct {
        const char *why, *send, *status;
    } rows[] = {
        { "no HTTP", "hello there\r\n\r\n", "HTTP/1.1 400 " },
        { "body over the limit", "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n",
          "HTTP/1.1 413 " },
        { "chunks over the limit", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFF\r\n",
          NULL },
        { "head over the limit", long_head, "HTTP/1.1 431 " },
        { "length told twice",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 " },
        { "length and chunks",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "HTTP/1.1 400 " },
        { "broken escape", "GET /%zz HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "escape cut off", "GET /%4 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "NUL in the path", "GET /a%00b HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "request not finished in time", "GET / HTTP/1.1\r\nHost", "HTTP/1.1 408 " },
    };
    struct world *w = *state;

    memset(long_head + 19, 'x', sizeof(long_head) - 20);
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        struct client *c = client_open(w, NULL);

        client_send(c, rows[i].send);
        if (!rows[i].status) { /* the body itself must pass the limit */
            char chunk[1200];

            memset(chunk, 'y', sizeof(chunk));
            client_send_bytes(c, chunk, sizeof(chunk));
        }
        expect_end(w, c);
        if (!strstr(ea_buf_z(&c->got), rows[i].status ? rows[i].status : "HTTP/1.1 413 "))
            fail_msg("%s: got '%s'", rows[i].why, ea_buf_z(&c->got));
        client_close(w, c);
    }
    assert_int_equal(w->calls, 0);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    expect_end(w, c);
    assert_int_equal(c->got.n, 0);
    client_close(w, c);
}

static void connections_over_the_limit_are_closed(void **state)
{
    struct world *w = *state;
    struct client *c[5];

    for (size_t i = 0; i < EA_COUNT(c); i++)
        c[i] = client_open(w, NULL);
    expect_end(w, c[4]);
    client_send(c[0], "GET / HTTP/1.1\r\n\r\n");
    expect_text(w, c[0], "{\"ok\":true}");
    for (size_t i = 0; i < EA_COUNT(c); i++)
        client_close(w, c[i]);
}

static void a_closed_listener_lets_its_connections_finish(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL), *late;

    client_send(c, "GET /later HTTP/1.1\r\n\r\n");
    assert_true(turn_until(w, has_request, w));
    ea_http_listener_close(w->listener);
    ea_http_respond_text(w->held, 200, "done");
    w->held = NULL;
    expect_text(w, c, "done");
    late = client_open(w, NULL);
    assert_int_not_equal(late->status, 0);
    client_close(w, late);
    client_close(w, c);
}

static void closing_the_server_waits_for_the_answer_that_is_owed(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "GET /later HTTP/1.1\r\n\r\n");
    assert_true(turn_until(w, has_request, w));
    ea_http_server_close(w->server, PATIENCE_MS, on_done, w);
    assert_false(w->server_done);
    ea_http_respond_text(w->held, 200, "last words");
    w->held = NULL;
    expect_text(w, c, "last words");
    expect_end(w, c);
    client_close(w, c);
    assert_true(turn_until(w, server_is_done, w));
}

static void a_pipe_serves_as_a_port_does(void **state)
{
    struct world *w = *state;
    uv_utsname_t os;
    char path[256], tmp[200];
    size_t n = sizeof(tmp);
    ea_http_listener *l = NULL;
    struct client *c;
    ea_err err;

    assert_int_equal(uv_os_uname(&os), 0);
    assert_int_equal(uv_os_tmpdir(tmp, &n), 0);
    if (strstr(os.sysname, "_NT")) /* Windows_NT, or MINGW32_NT-10.0 */
        (void)snprintf(path, sizeof(path), "\\\\.\\pipe\\ea-http-test-%d", (int)uv_os_getpid());
    else
        (void)snprintf(path, sizeof(path), "%s/ea-http-test-%d.sock", tmp, (int)uv_os_getpid());
    if (ea_http_listen_pipe(w->server, path, 0600, &l, &err))
        fail_msg("%s", err.text);
    c = client_open(w, path);
    assert_int_equal(c->status, 0);
    client_send(c, "GET /header HTTP/1.1\r\nX-Thing: over a pipe\r\n\r\n");
    expect_text(w, c, "over a pipe");
    assert_string_equal(w->peer, "");
    client_close(w, c);
    ea_http_listener_close(l);
}

static void a_taken_port_is_a_conflict(void **state)
{
    struct world *w = *state;
    ea_http_listener *l = NULL;
    ea_err err;

    assert_int_equal(ea_http_listen_tcp(w->server, "127.0.0.1", w->port, &l, &err), EA_CONFLICT);
    assert_int_equal(ea_http_listen_tcp(w->server, "192.0.2.1", 0, &l, &err), EA_NOT_FOUND);
    assert_int_equal(ea_http_listen_tcp(w->server, "localhost", 0, &l, &err), EA_INVALID);
}

static void a_client_that_asks_first_is_told_to_go_on(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect_text(w, c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(c, "ab");
    expect_text(w, c, "{\"ok\":true}");
    assert_string_equal(w->body, "ab");
    client_close(w, c);
}

static void an_answer_to_head_has_no_body(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "HEAD /p HTTP/1.1\r\n\r\nGET /header HTTP/1.1\r\nX-Thing: next\r\n\r\n");
    expect_text(w, c, "next");
    assert_non_null(strstr(c->got.p, "Content-Length: 11\r\n"));
    assert_null(strstr(c->got.p, "{\"ok\":true}"));
    client_close(w, c);
}

static void on_half_closed(uv_shutdown_t *req, int status)
{
    (void)status; /* the answer that comes all the same is looked at */
    ea_free(req);
}

static void a_client_that_sends_no_more_still_gets_its_answer(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, "GET /later HTTP/1.1\r\n\r\n");
    assert_int_equal(uv_shutdown(ea_alloc(sizeof(uv_shutdown_t)), &c->u.stream, on_half_closed), 0);
    assert_true(turn_until(w, has_request, w));
    assert_true(turn_until(w, request_is_gone, w->held));
    ea_http_respond_text(w->held, 200, "still here");
    w->held = NULL;
    expect_text(w, c, "still here");
    expect_end(w, c);
    client_close(w, c);
}

/* ---- websocket -------------------------------------------------------------------------------- */

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"     \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* A masked frame as clients send it. */
static void send_frame(struct client *c, unsigned char first, const char *text, size_t n)
{
    unsigned char frame[4096];
    static const unsigned char mask[4] = { 1, 2, 3, 4 };
    size_t at = 0;

    assert_true(n + 16 < sizeof(frame));
    frame[at++] = first;
    if (n < 126) {
        frame[at++] = (unsigned char)(0x80u | n);
    } else {
        frame[at++] = 0x80u | 126u;
        frame[at++] = (unsigned char)(n >> 8);
        frame[at++] = (unsigned char)(n & 255u);
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        frame[at++] = (unsigned char)((unsigned char)text[i] ^ mask[i % 4]);
    client_send_bytes(c, frame, at);
}

static bool ws_is_closed(void *arg)
{
    return ((struct world *)arg)->ws_closed;
}

static void a_websocket_answers_frames_and_pings(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, HANDSHAKE);
    /* the accept value of RFC 6455 1.3 */
    expect_text(w, c, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    ea_buf_clear(&c->got);
    send_frame(c, 0x01, "hel", 3); /* in two fragments */
    send_frame(c, 0x80, "lo", 2);
    expect_text(w, c, "\x81\x05hello");
    ea_buf_clear(&c->got);
    send_frame(c, 0x89, "ping", 4);
    expect_text(w, c, "\x8a\x04ping");
    send_frame(c, 0x88,
               "\x03\xe8"
               "bye",
               5);
    assert_true(turn_until(w, ws_is_closed, w));
    assert_int_equal(w->ws_code, 1000);
    assert_string_equal(w->ws_reason, "bye");
    expect_end(w, c);
    client_close(w, c);
}

static void a_websocket_closes_with_code_and_reason(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, HANDSHAKE);
    expect_text(w, c, "\r\n\r\n");
    ea_buf_clear(&c->got);
    send_frame(c, 0x81, "close me", 8);
    expect_text(w, c, "\x88\x07\x03\xe9going");
    send_frame(c, 0x88, "\x03\xe9", 2);
    expect_end(w, c);
    assert_true(turn_until(w, ws_is_closed, w));
    client_close(w, c);
}

static void a_peer_that_ends_without_a_close_frame_is_told_as_1006(void **state)
{
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    client_send(c, HANDSHAKE);
    expect_text(w, c, "\r\n\r\n");
    client_close(w, c);
    assert_true(turn_until(w, ws_is_closed, w));
    assert_int_equal(w->ws_code, 1006);
}

static void frames_that_break_the_rules_end_the_websocket(void **state)
{
    static char big[1100];
    static const unsigned char unmasked[] = { 0x81, 0x01, 'x' };
    struct world *w = *state;
    struct client *c = client_open(w, NULL);

    memset(big, 'b', sizeof(big));
    client_send(c, HANDSHAKE);
    expect_text(w, c, "\r\n\r\n");
    send_frame(c, 0x81, big, sizeof(big));
    expect_text(w, c, "\x88\x02\x03\xf1"); /* 1009: too big */
    expect_end(w, c);
    client_close(w, c);
    assert_true(turn_until(w, ws_is_closed, w));

    w->ws_closed = false;
    c = client_open(w, NULL);
    client_send(c, HANDSHAKE);
    expect_text(w, c, "\r\n\r\n");
    client_send_bytes(c, unmasked, sizeof(unmasked));
    expect_text(w, c, "\x88\x02\x03\xea"); /* 1002: protocol error */
    expect_end(w, c);
    client_close(w, c);
    assert_true(turn_until(w, ws_is_closed, w));
    assert_string_equal(w->ws_text, "");
}

static void a_handshake_must_be_whole(void **state)
{
    static const struct {
        const char *why, *send, *status;
    } rows[] = {
        { "no upgrade", "GET /ws HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "old version",
          "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
          "HTTP/1.1 426 " },
        { "short key",
          "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhl\r\n\r\n",
          "HTTP/1.1 400 " },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        struct client *c = client_open(w, NULL);

        client_send(c, rows[i].send);
        expect_text(w, c, rows[i].status);
        client_close(w, c);
    }
    assert_null(w->ws);
}

int main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_connection_serves_requests_one_after_another),
        IN_WORLD(requests_sent_ahead_are_answered_in_order),
        IN_WORLD(a_request_sent_ahead_waits_for_a_big_answer_to_leave),
        IN_WORLD(an_answer_after_the_peer_has_gone_is_dropped),
        IN_WORLD(what_breaks_the_rules_is_refused),
        IN_WORLD(an_idle_connection_is_closed_without_a_word),
        IN_WORLD(connections_over_the_limit_are_closed),
        IN_WORLD(a_closed_listener_lets_its_connections_finish),
        IN_WORLD(closing_the_server_waits_for_the_answer_that_is_owed),
        IN_WORLD(a_pipe_serves_as_a_port_does),
        IN_WORLD(a_taken_port_is_a_conflict),
        IN_WORLD(a_client_that_asks_first_is_told_to_go_on),
        IN_WORLD(an_answer_to_head_has_no_body),
        IN_WORLD(a_client_that_sends_no_more_still_gets_its_answer),
        IN_WORLD(a_websocket_answers_frames_and_pings),
        IN_WORLD(a_websocket_closes_with_code_and_reason),
        IN_WORLD(a_peer_that_ends_without_a_close_frame_is_told_as_1006),
        IN_WORLD(frames_that_break_the_rules_end_the_websocket),
        IN_WORLD(a_handshake_must_be_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
