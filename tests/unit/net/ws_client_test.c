/* ws_client_test.c - the websocket client against a peer that answers, stalls, drops and lies. */
#include "base/alloc.h"
#include "net/ws_client.h"
#include "fakes/scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define SWITCH                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: $ACCEPT\r\n\r\n"
#define UPGRADE                                                                                    \
    {                                                                                              \
        .wait = "\r\n\r\n", .send = SWITCH                                                         \
    }

enum act {
    LISTEN,
    SEND_ON_OPEN,
    CLOSE_ON_OPEN,
    ABORT_ON_OPEN,
    DROP_ON_OPEN,
    DROP_ON_MESSAGE
};

struct world {
    ea_loop *loop;
    ea_net *net;
    struct peer *peer;
    char url[128];
    ea_wsc *ws;
    enum act act;
    ea_str to_send;
    bool open, done, stopped;
    int opens, closes;
    ea_buf messages; /* each followed by ';' */
    size_t largest;
    ea_wsc_end end;
    char reason[128], body[1024];
};

static int setup(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_net_config config = { .proxy_http = "", .proxy_https = "" };
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    assert_int_equal(ea_net_new(w->loop, &config, &w->net, &err), EA_OK);
    w->messages = EA_BUF(1024u * 1024);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    assert_int_equal(ea_net_active(w->net), 0);
    if (w->peer)
        peer_stop(w->peer);
    ea_net_free(w->net);
    ea_loop_free(w->loop);
    ea_buf_done(&w->messages);
    ea_free(w);
    return 0;
}

static void note_stopped(void *arg)
{
    ((struct world *)arg)->stopped = true;
}

static void on_open(void *ctx)
{
    struct world *w = ctx;
    ea_err err = { 0 };

    w->open = true;
    w->opens++;
    switch (w->act) {
    case SEND_ON_OPEN:
        assert_int_equal(ea_wsc_send(w->ws, w->to_send, &err), EA_OK);
        break;
    case CLOSE_ON_OPEN:
        ea_wsc_close(w->ws, 1000, "ConnectionExpired: Reconnect to continue");
        assert_int_equal(ea_wsc_send(w->ws, w->to_send, &err), EA_UNREACHABLE);
        break;
    case ABORT_ON_OPEN:
        (void)ea_fail(&err, EA_CANCELLED, "enough");
        ea_wsc_abort(w->ws, &err);
        break;
    case DROP_ON_OPEN:
        ea_wsc_drop(w->ws);
        ea_loop_defer(w->loop, note_stopped, w);
        break;
    case LISTEN:
    case DROP_ON_MESSAGE:
        break;
    }
}

static void on_message(void *ctx, ea_str text)
{
    struct world *w = ctx;

    if (text.n > w->largest)
        w->largest = text.n;
    if (text.n < 1000)
        ea_buf_addf(&w->messages, "%.*s;", EA_STR_FMT(text));
    if (w->act == DROP_ON_MESSAGE) {
        ea_wsc_drop(w->ws);
        ea_loop_defer(w->loop, note_stopped, w);
    }
}

static void on_closed(void *ctx, const ea_wsc_end *end)
{
    struct world *w = ctx;

    w->done = true;
    w->closes++;
    w->end = *end;
    (void)snprintf(w->reason, sizeof(w->reason), "%s", end->reason);
    (void)snprintf(w->body, sizeof(w->body), "%.*s", EA_STR_FMT(end->body));
    w->ws = NULL;
}

static const ea_wsc_hooks hooks = { on_open, on_message, on_closed };

static void start(struct world *w, const struct peer_step *steps, size_t n, ea_wsc_request rq)
{
    ea_err err = { 0 };

    w->peer = peer_start(w->loop, steps, n);
    (void)snprintf(w->url, sizeof(w->url), "ws://127.0.0.1:%u/ws?a=b%%20c", peer_port(w->peer));
    rq.url = w->url;
    w->ws = ea_wsc_start(w->net, &rq, &hooks, w, &err);
    if (!w->ws)
        fail_msg("%s", err.text);
    assert_int_equal(w->opens + w->closes, 0); /* never from inside the start */
}

static void finish(struct world *w)
{
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->closes, 1);
}

#define RUN(w, rq, ...)                                                                            \
    do {                                                                                           \
        static const struct peer_step steps[] = { __VA_ARGS__ };                                   \
        start((w), steps, EA_COUNT(steps), (rq));                                                  \
        finish(w);                                                                                 \
    } while (0)

static void the_handshake_carries_the_callers_headers(void **state)
{
    struct world *w = *state;
    ea_httpc_header h[] = { { "Host", "signed.example" }, { "Authorization", "AWS4 x" } };

    RUN(w, ((ea_wsc_request){ .headers = h, .header_count = 2 }), UPGRADE,
        { .send = "\x88\x02\x03\xe9", .send_n = 4 });
    assert_int_equal(w->opens, 1);
    assert_non_null(strstr(peer_received(w->peer).p, "GET /ws?a=b%20c HTTP/1.1\r\n"));
    assert_non_null(strstr(peer_received(w->peer).p, "Host: signed.example\r\n"));
    assert_null(strstr(peer_received(w->peer).p, "Host: 127"));
    assert_non_null(strstr(peer_received(w->peer).p, "Authorization: AWS4 x\r\n"));
    assert_non_null(strstr(peer_received(w->peer).p, "Sec-WebSocket-Version: 13\r\n"));
    assert_int_equal(w->end.err.code, EA_OK);
    assert_int_equal(w->end.code, 1001);
}

static void messages_arrive_whole_and_in_order(void **state)
{
    struct world *w = *state;

    RUN(w, (ea_wsc_request){ 0 }, UPGRADE,
        { .send = "\x81\x01"
                  "a\x01\x02he\x89\x04ping\x80\x03llo\x82\x01z\x88\x06\x03\xe8"
                  "done" },
        { .wait_bytes = 1 });
    assert_string_equal(ea_buf_z(&w->messages), "a;hello;z;");
    assert_int_equal(w->end.err.code, EA_OK);
    assert_int_equal(w->end.code, 1000);
    assert_string_equal(w->reason, "done");
    assert_true(w->end.opened);
    { /* the pong came first, masked: fin + opcode 10, length 4 */
        ea_str got = peer_received(w->peer);
        const char *at = strstr(got.p, "\r\n\r\n") + 4;

        assert_int_equal((unsigned char)at[0], 0x8a);
        assert_int_equal((unsigned char)at[1], 0x84);
        for (int i = 0; i < 4; i++)
            assert_int_equal(at[6 + i] ^ at[2 + i], "ping"[i]);
    }
}

static void frames_in_the_same_segment_as_the_answer_are_not_lost(void **state)
{
    struct world *w = *state;

    RUN(w, (ea_wsc_request){ 0 },
        { .wait = "\r\n\r\n",
          .send = SWITCH "\x81\x05"
                         "early\x88\x02\x03\xe8" });
    assert_string_equal(ea_buf_z(&w->messages), "early;");
    assert_int_equal(w->end.code, 1000);
}

static void each_bad_end_has_its_own_code(void **state)
{
    static const struct {
        const char *why;
        struct peer_step first, second;
        ea_code want;
        int close_code, status;
        const char *words;
    } cases[] = {
        { "gone without close frame",
          UPGRADE,
          { .then = PEER_SHUT },
          EA_UNREACHABLE,
          1006,
          0,
          "without a close frame" },
        { "gone inside a frame",
          UPGRADE,
          { .send = "\x81\x50half", .send_n = 6, .then = PEER_SHUT },
          EA_UNREACHABLE,
          1006,
          0,
          "without a close frame" },
        { "masked frame",
          UPGRADE,
          { .send = "\x81\x81\x01\x01\x01\x01x", .send_n = 7 },
          EA_PROTOCOL,
          1006,
          0,
          "masked" },
        { "huge frame",
          UPGRADE,
          { .send = "\x81\x7f\x00\x00\x00\x00\x40\x00\x00\x00", .send_n = 10 },
          EA_LIMIT,
          1006,
          0,
          "larger than" },
        { "bad close code",
          UPGRADE,
          { .send = "\x88\x02\x00\x01", .send_n = 4 },
          EA_PROTOCOL,
          1006,
          0,
          "close code" },
        { "refused",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.1 400 Bad Request\r\nContent-Length: 38\r\n\r\n"
                    "{\"InactiveInstanceException\":\"gone\"}\r\n" },
          { 0 },
          EA_REFUSED,
          1006,
          400,
          "status 400" },
        { "refused, body ends with the connection",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.0 403 No\r\n\r\nInactiveInstanceException",
            .then = PEER_SHUT },
          { 0 },
          EA_REFUSED,
          1006,
          403,
          "status 403" },
        { "refused in chunks",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "8\r\nInactive\r\n11\r\nInstanceException\r\n0\r\n\r\n" },
          { 0 },
          EA_REFUSED,
          1006,
          500,
          "status 500" },
        { "wrong accept",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: AAAA\r\n\r\n" },
          { 0 },
          EA_PROTOCOL,
          1006,
          0,
          "Accept" },
        { "101 without upgrade",
          { .wait = "\r\n\r\n", .send = "HTTP/1.1 101 X\r\n\r\n" },
          { 0 },
          EA_PROTOCOL,
          1006,
          0,
          "" },
        { "garbage",
          { .wait = "\r\n\r\n", .send = "SSH-2.0-x\r\n" },
          { 0 },
          EA_PROTOCOL,
          1006,
          0,
          "not HTTP" },
        { "answer cut",
          { .wait = "\r\n\r\n", .send = "HTTP/1.1 101 Swi", .then = PEER_SHUT },
          { 0 },
          EA_UNREACHABLE,
          1006,
          0,
          "during the handshake" },
        { "reset instead of an answer",
          { .wait = "\r\n\r\n", .then = PEER_RESET },
          { 0 },
          EA_UNREACHABLE,
          1006,
          0,
          "during the handshake" },
        { "no answer", { .wait = "\r\n\r\n" }, { 0 }, EA_TIMEOUT, 1006, 0, "handshake" },
        { "no message",
          UPGRADE,
          { .send = "\x89\x00", .send_n = 2 },
          EA_TIMEOUT,
          1006,
          0,
          "read deadline" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct peer_step steps[] = { cases[i].first, cases[i].second };

        w->closes = w->opens = 0;
        w->done = false;
        start(w, steps, 2, (ea_wsc_request){ .connect_ms = 200, .read_ms = 200 });
        finish(w);
        if (w->end.err.code != cases[i].want || !strstr(w->end.err.text, cases[i].words) ||
            w->end.code != cases[i].close_code || w->end.http_status != cases[i].status)
            fail_msg("%s: got %s, close %d, status %d: %s", cases[i].why,
                     ea_code_name(w->end.err.code), w->end.code, w->end.http_status,
                     w->end.err.text);
        if (cases[i].status && !strstr(w->body, "InactiveInstanceException"))
            fail_msg("%s: body '%s'", cases[i].why, w->body);
        peer_stop(w->peer);
        w->peer = NULL;
    }
}

static void a_refused_connection_is_told_later(void **state)
{
    struct world *w = *state;
    ea_err err = { 0 };

    (void)snprintf(w->url, sizeof(w->url), "ws://127.0.0.1:%u/", peer_unused_port());
    w->ws = ea_wsc_start(w->net, &(ea_wsc_request){ .url = w->url }, &hooks, w, &err);
    assert_non_null(w->ws);
    finish(w);
    assert_int_equal(w->end.err.code, EA_UNREACHABLE);
    assert_non_null(strstr(w->end.err.text, "refused the connection"));
    assert_false(w->end.opened);
}

static void our_close_waits_for_the_peers(void **state)
{
    struct world *w = *state;

    w->act = CLOSE_ON_OPEN;
    /* ours: 2 + 4 bytes of head and mask, 2 + 40 of payload */
    RUN(w, (ea_wsc_request){ 0 }, UPGRADE, { .wait_bytes = 48, .send = "\x88\x02\x03\xe8" });
    assert_int_equal(w->end.err.code, EA_OK);
    assert_int_equal(w->end.code, 1000);
}

static void a_close_that_is_not_answered_ends_in_time(void **state)
{
    struct world *w = *state;

    w->act = CLOSE_ON_OPEN;
    RUN(w, (ea_wsc_request){ .close_ms = 100 }, UPGRADE);
    assert_int_equal(w->end.err.code, EA_TIMEOUT);
    assert_int_equal(w->end.code, 1006);
}

static void an_abort_brings_its_own_reason(void **state)
{
    struct world *w = *state;

    w->act = ABORT_ON_OPEN;
    RUN(w, (ea_wsc_request){ 0 }, UPGRADE);
    assert_int_equal(w->end.err.code, EA_CANCELLED);
    assert_string_equal(w->end.err.text, "enough");
}

static void a_drop_from_inside_a_callback_is_safe_and_silent(void **state)
{
    static const struct peer_step steps[] = { UPGRADE,
                                              { .send = "\x81\x01x\x81\x01y", .send_n = 6 } };
    static const enum act acts[] = { DROP_ON_OPEN, DROP_ON_MESSAGE };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(acts); i++) {
        w->act = acts[i];
        w->stopped = false;
        w->opens = 0;
        w->messages.n = 0;
        start(w, steps, EA_COUNT(steps), (ea_wsc_request){ 0 });
        run_until(w->loop, &w->stopped, PATIENCE_MS);
        assert_int_equal(w->closes, 0);
        assert_true(w->messages.n <= 2);
        peer_stop(w->peer);
        w->peer = NULL;
    }
}

static void a_drop_before_anything_came_is_silent(void **state)
{
    static const struct peer_step steps[] = { UPGRADE };
    struct world *w = *state;

    start(w, steps, 1, (ea_wsc_request){ 0 });
    ea_wsc_drop(w->ws);
    ea_loop_defer(w->loop, note_stopped, w);
    run_until(w->loop, &w->stopped, PATIENCE_MS);
    assert_int_equal(w->closes, 0);
}

static void a_large_message_reaches_a_slow_reader_whole(void **state)
{
    static const struct peer_step steps[] = {
        UPGRADE, { .wait_bytes = 6u * 1024 * 1024 + 14, .send = "\x88\x02\x03\xe8" }
    };
    struct world *w = *state;
    size_t n = 6u * 1024 * 1024;
    EA_FREE_AUTO char *big = ea_alloc(n);
    ea_err err = { 0 };
    const char *at = NULL;

    for (size_t i = 0; i < n; i++)
        big[i] = (char)('a' + i % 26);
    w->to_send = (ea_str){ big, n };
    w->act = SEND_ON_OPEN;
    start(w, steps, 2, (ea_wsc_request){ 0 });
    run_until(w->loop, &w->open, PATIENCE_MS);
    peer_pause(w->peer);
    for (int i = 0; i < 50; i++) /* what the sockets take is taken, the rest waits */
        (void)uv_run(ea_loop_uv(w->loop), UV_RUN_NOWAIT);
    assert_true(ea_wsc_queued(w->ws) > 0);
    assert_int_equal(ea_wsc_send(w->ws, (ea_str){ big, n }, &err), EA_LIMIT); /* 8 MiB queue */
    peer_resume(w->peer);
    finish(w);
    assert_int_equal(w->end.code, 1000);
    at = strstr(peer_received(w->peer).p, "\r\n\r\n") + 4;
    for (size_t i = 0; i < n; i++) {
        if ((at[14 + i] ^ at[10 + (i & 3)]) != big[i])
            fail_msg("byte %zu differs", i);
    }
}

static void a_large_message_arrives_up_to_the_limit(void **state)
{
    struct world *w = *state;
    size_t n = 3u * 1024 * 1024;
    EA_BUF_AUTO frame = EA_BUF(4u * 1024 * 1024);
    struct peer_step steps[] = { UPGRADE, { 0 }, { .send = "\x88\x02\x03\xe8", .send_n = 4 } };

    ea_buf_add(&frame, "\x81\x7f\x00\x00\x00\x00\x00\x30\x00\x00", 10);
    for (size_t i = 0; i < n / 16; i++)
        ea_buf_add(&frame, "0123456789abcdef", 16);
    steps[1] = (struct peer_step){ .send = frame.p, .send_n = frame.n };
    start(w, steps, 3, (ea_wsc_request){ 0 });
    finish(w);
    assert_int_equal(w->end.code, 1000);
    assert_int_equal(w->largest, n);
}

static void a_peer_that_takes_nothing_ends_it(void **state)
{
    static const struct peer_step steps[] = { UPGRADE };
    struct world *w = *state;
    size_t n = 7u * 1024 * 1024;
    EA_FREE_AUTO char *big = ea_alloc(n);

    w->to_send = (ea_str){ big, n };
    w->act = SEND_ON_OPEN;
    start(w, steps, 1, (ea_wsc_request){ .write_ms = 200 });
    run_until(w->loop, &w->open, PATIENCE_MS);
    peer_pause(w->peer);
    finish(w);
    assert_int_equal(w->end.err.code, EA_TIMEOUT);
    assert_non_null(strstr(w->end.err.text, "does not take"));
}

static void a_proxy_is_asked_for_a_tunnel_unless_the_host_is_excepted(void **state)
{
    static const struct peer_step steps[] = { { .wait = "\r\n\r\n",
                                                .send = "HTTP/1.1 200 Connected\r\n\r\n" },
                                              UPGRADE,
                                              { .send = "\x81\x01x\x88\x02\x03\xe8" } };
    struct world *w = *state;
    char proxy[64];
    ea_net_config config = { .proxy_http = proxy, .no_proxy = "127.0.0.1" };
    ea_net *net = NULL;
    ea_err err = { 0 };

    w->peer = peer_start(w->loop, steps, 3);
    (void)snprintf(proxy, sizeof(proxy), "http://localhost:%u", peer_port(w->peer));
    assert_int_equal(ea_net_new(w->loop, &config, &net, &err), EA_OK);
    w->ws = ea_wsc_start(net, &(ea_wsc_request){ .url = "ws://ecs-a.invalid/ws" }, &hooks, w, &err);
    assert_non_null(w->ws);
    finish(w);
    if (w->end.err.code)
        fail_msg("%s", w->end.err.text);
    assert_string_equal(ea_buf_z(&w->messages), "x;");
    assert_non_null(strstr(peer_received(w->peer).p, "CONNECT ecs-a.invalid:80 HTTP/1.1\r\n"));
    assert_non_null(
        strstr(peer_received(w->peer).p, "GET /ws HTTP/1.1\r\nHost: ecs-a.invalid\r\n"));

    w->done = false;
    w->opens = w->closes = 0;
    (void)snprintf(w->url, sizeof(w->url), "ws://127.0.0.1:%u/", peer_unused_port());
    w->ws = ea_wsc_start(net, &(ea_wsc_request){ .url = w->url }, &hooks, w, &err);
    assert_non_null(w->ws);
    finish(w);
    assert_non_null(strstr(w->end.err.text, "refused the connection")); /* asked directly */
    assert_int_equal(peer_connections(w->peer), 1);
    ea_net_free(net);
}

static void malformed_requests_are_refused_at_once(void **state)
{
    static const struct {
        const char *url, *value;
    } cases[] = { { "http://127.0.0.1/", "v" },
                  { "ws://", "v" },
                  { "", "v" },
                  { "ws://127.0.0.1/", "v\r\nX: y" } };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_httpc_header h = { "A", cases[i].value };
        ea_err err = { 0 };

        assert_null(ea_wsc_start(
            w->net, &(ea_wsc_request){ .url = cases[i].url, .headers = &h, .header_count = 1 },
            &hooks, w, &err));
        assert_int_equal(err.code, EA_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(the_handshake_carries_the_callers_headers),
        T(messages_arrive_whole_and_in_order),
        T(frames_in_the_same_segment_as_the_answer_are_not_lost),
        T(each_bad_end_has_its_own_code),
        T(a_refused_connection_is_told_later),
        T(our_close_waits_for_the_peers),
        T(a_close_that_is_not_answered_ends_in_time),
        T(an_abort_brings_its_own_reason),
        T(a_drop_from_inside_a_callback_is_safe_and_silent),
        T(a_drop_before_anything_came_is_silent),
        T(a_large_message_reaches_a_slow_reader_whole),
        T(a_large_message_arrives_up_to_the_limit),
        T(a_peer_that_takes_nothing_ends_it),
        T(a_proxy_is_asked_for_a_tunnel_unless_the_host_is_excepted),
        T(malformed_requests_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
