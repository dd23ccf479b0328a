/* tcs_hostile_test.c - the telemetry session against peers that drop, stall, refuse and lie, over real
 * sockets: what was sent is not sent again, what waits is bounded, the loop goes on. */
#include "base/alloc.h"
#include "base/clock.h"
#include "fakes/control_plane.h"
#include "fakes/scripted_peer.h"
#include "report/tcs_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define INSTANCE     "arn:aws:ecs:us-west-2:123456789012:container-instance/bench/3b766029f3a54dde"
#define TICK_MS      20
#define COLLECTS_MAX 10000
#define HEAD         "{\"taskArn\":\""
#define SWITCH                                                                                     \
    {                                                                                              \
        .wait = "\r\n\r\n", .send = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"   \
                                    "Connection: Upgrade\r\nSec-WebSocket-Accept: $ACCEPT\r\n\r\n" \
    }

struct world {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *chain;
    ea_aws *aws;
    ea_poll_endpoint *poll;
    ea_tcs *tcs;
    struct cp *cp;
    struct peer *peer;
    unsigned collects;
    char *task; /* what the hook gives, ten times; it names the turn of the hook */
    bool came[COLLECTS_MAX];
};

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return TEST_KEY;
    return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? TEST_SECRET : NULL;
}

static void collect(void *ctx, ea_strlist *metrics, bool *idle, ea_strlist *health)
{
    struct world *w = ctx;

    (void)health;
    w->collects++;
    assert_true(w->collects < COLLECTS_MAX);
    (void)snprintf(w->task + sizeof(HEAD) - 1, 5, "%04u", w->collects);
    w->task[sizeof(HEAD) + 3] = '"';
    *idle = false;
    for (size_t i = 0; i < 10; i++)
        ea_strlist_add(metrics, w->task);
}

/* Tasks of so many bytes. */
static void fill(struct world *w, size_t n)
{
    ea_free(w->task);
    w->task = ea_alloc(n + 1);
    memset(w->task, ' ', n);
    memcpy(w->task, HEAD, sizeof(HEAD) - 1);
    w->task[n - 1] = '}';
}

static int setup(void **state)
{
    static const ea_tcs_hooks hooks = { collect, NULL };
    struct world *w = ea_alloc(sizeof(*w));
    char url[64];
    ea_net_config net = { .proxy_http = "", .proxy_https = "" };
    ea_cred_config creds = { .env = lookup, .env_ctx = w };
    ea_aws_config aws = { .endpoint = url,
                          .region = TEST_REGION,
                          .service = "ecs",
                          .target_prefix = EA_ECS_TARGET_PREFIX };
    ea_tcs_config tcs = { "bench", "1.105.1", "a8b3e7d3", "20.10.24", TICK_MS, 7 };
    ea_err err = { 0 };

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->cp = cp_start(w->loop);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", w->cp->port);
    assert_int_equal(ea_net_new(w->loop, &net, &w->net, &err), EA_OK);
    assert_int_equal(ea_cred_chain_new(w->net, NULL, &creds, &w->chain, &err), EA_OK);
    assert_int_equal(ea_aws_new(w->net, w->chain, &aws, &w->aws, &err), EA_OK);
    w->poll = ea_poll_endpoint_new(w->aws, "bench");
    w->tcs = ea_tcs_new(w->aws, w->poll, &tcs, &hooks, w);
    fill(w, 40);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_tcs_free(w->tcs);
    ea_poll_endpoint_free(w->poll);
    ea_aws_free(w->aws);
    ea_cred_chain_free(w->chain);
    assert_int_equal(ea_net_active(w->net), 0);
    ea_net_free(w->net);
    cp_stop(w->cp);
    peer_stop(w->peer);
    cp_settle(w->loop, 20);
    ea_loop_free(w->loop);
    ea_free(w->task);
    ea_free(w);
    return 0;
}

static void start(struct world *w, const struct peer_script *scripts, size_t n)
{
    w->peer = peer_start_each(w->loop, scripts, n);
    w->cp->tcs_port = peer_port(w->peer);
    ea_tcs_start(w->tcs, INSTANCE);
}

static int64_t accepted_ms(const struct world *w)
{
    const char *refused = NULL;
    int64_t ms = 0;

    ea_tcs_accepted_get(w->tcs, &ms, &refused);
    assert_null(refused);
    return ms;
}

/* ---- what the peers got ---- */

/* One masked frame at the front of `rest`, unmasked into `out`; false: it is cut off. */
static bool next_frame(ea_str *rest, ea_buf *out)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t n, head = 6;

    if (rest->n < 14)
        return false;
    assert_true(p[1] & 0x80);
    n = p[1] & 0x7f;
    if (n == 126) {
        n = (size_t)p[2] << 8 | p[3];
        head = 8;
    } else if (n == 127) {
        n = 0;
        for (int i = 2; i < 10; i++)
            n = n << 8 | p[i];
        head = 14;
    }
    if (rest->n < head + n)
        return false;
    ea_buf_clear(out);
    if (p[0] != 0x81) /* a close frame, or a pong */
        n = 0;
    for (size_t i = 0; i < n; i++)
        ea_buf_addc(out, (char)(p[head + i] ^ p[head - 4 + i % 4]));
    rest->p += head + (p[0] != 0x81 ? p[1] & 0x7f : n);
    rest->n -= (size_t)((const char *)rest->p - (const char *)p);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Ids of the metrics messages that arrived whole; fails the test when one came twice. */
static size_t metrics_came_once(struct world *w)
{
    ea_str got = peer_received(w->peer);
    static const char mark[] = "\"messageId\":\"";
    EA_BUF_AUTO text = EA_BUF(4u * 1024 * 1024);
    ea_strlist ids = { NULL, 0 };
    size_t n;

    while (got.n) {
        if (got.n > 4 && memcmp(got.p, "GET ", 4) == 0) { /* a handshake, then its frames */
            const char *end = strstr(got.p, "\r\n\r\n");

            assert_non_null(end);
            got.n -= (size_t)(end + 4 - got.p);
            got.p = end + 4;
            continue;
        }
        if (next_frame(&got, &text)) {
            const char *id = strstr(ea_buf_z(&text), mark);

            if (id && strstr(ea_buf_z(&text), "PublishMetricsRequest")) {
                EA_FREE_AUTO char *copy = ea_strndup(id + sizeof(mark) - 1, 36);

                id = strstr(id, HEAD);
                assert_non_null(id);
                w->came[strtoul(id + sizeof(HEAD) - 1, NULL, 10) % COLLECTS_MAX] = true;
                ea_strlist_add(&ids, copy);
            }
        } else { /* the connection ended in it: on with the next one */
            const char *next = NULL;

            for (size_t i = 0; i + 9 < got.n && !next; i++)
                next = memcmp(got.p + i, "GET /ws?", 8) == 0 ? got.p + i : NULL;
            if (!next)
                break;
            got.n -= (size_t)(next - got.p);
            got.p = next;
        }
    }
    n = ids.n;
    if (n)
        qsort(ids.v, n, sizeof(*ids.v), by_text);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(ids.v[i - 1], ids.v[i]) == 0)
            fail_msg("sent twice: %s", ids.v[i]);
    }
    ea_strlist_free(&ids);
    return n;
}

/* ---- */

static void what_was_sent_is_not_sent_again_whatever_becomes_of_the_connection(void **unused)
{
    static const struct peer_step cut[] = {
        SWITCH, { .wait_bytes = 2000 }, { .send = "\x81\x7e\x01", .send_n = 3, .then = PEER_SHUT }
    };
    static const struct peer_step reset[] = { SWITCH, { .wait_bytes = 1500, .then = PEER_RESET } };
    static const struct peer_step garbage[] = { SWITCH,
                                                { .send = "\xff\xfe\xfd\xfc", .send_n = 4 } };
    static const struct peer_step huge[] = {
        SWITCH, { .send = "\x81\x7f\x00\x00\x01\x00\x00\x00\x00\x00", .send_n = 10 }
    };
    static const struct peer_step refused[] = {
        { .wait = "\r\n\r\n",
          .send = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
          .then = PEER_SHUT }
    };
    static const struct peer_step no_acks[] = { SWITCH };
    static const struct {
        const char *why;
        struct peer_script first;
    } cases[] = { { "cut in a frame", { cut, 3 } },
                  { "reset", { reset, 2 } },
                  { "garbage", { garbage, 2 } },
                  { "a frame without end", { huge, 2 } },
                  { "refused", { refused, 1 } } };

    (void)unused;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const struct peer_script scripts[] = { cases[i].first, { no_acks, 1 } };
        void *state = NULL;
        struct world *w;
        ea_session_status s;

        assert_int_equal(setup(&state), 0);
        w = state;
        start(w, scripts, 2);
        while (peer_connections(w->peer) < 2)
            uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
        cp_wait_count(w->loop, &w->collects, w->collects + 30);
        ea_tcs_status_get(w->tcs, &s);
        if (s.state != EA_SESSION_CONNECTED || w->cp->discovers != 1)
            fail_msg("%s: not as before", cases[i].why);
        /* What waited, and new ones. */
        if (metrics_came_once(w) < 15 + 20)
            fail_msg("%s: too few came", cases[i].why);
        assert_int_equal(teardown(&state), 0);
    }
}

static void a_peer_that_stalls_is_given_little_and_costs_no_turn_of_the_loop(void **state)
{
    static const struct peer_step open[] = { SWITCH };
    static const struct peer_script scripts[] = { { open, 1 } };
    struct world *w = *state;
    unsigned ticks;
    size_t had, later;

    fill(w, 60 * 1000);
    start(w, scripts, 1);
    while (metrics_came_once(w) < 2)
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    peer_pause(w->peer);
    had = peer_received(w->peer).n;
    ticks = w->collects;
    cp_wait_count(w->loop, &w->collects, ticks + 60); /* 36 MB that nobody takes */
    peer_resume(w->peer);
    ticks = w->collects;
    cp_wait_count(w->loop, &w->collects, ticks + 80); /* all that waited comes now */
    later = metrics_came_once(w);
    for (unsigned i = ticks - 7; i <= ticks; i++) { /* lost are the oldest, that were too many */
        if (!w->came[i])
            fail_msg("publish %u of %u was lost", i, ticks);
    }
    assert_true(later >= 2 + 15);
    assert_true(later <= w->collects);
    assert_true(peer_received(w->peer).n > had);
}

static void acknowledgements_of_metrics_alone_say_that_they_were_accepted(void **state)
{
    static const char health[] = "\x81\x2a{\"type\":\"AckPublishHealth\",\"message\":{}}   ";
    static const char beat[] = "\x81\x2a{\"type\":\"HeartbeatMessage\",\"message\":{}}   ";
    static const char metric[] = "\x81\x2a{\"type\":\"AckPublishMetric\",\"message\":{}}   ";
    static const struct peer_step steps[] = {
        SWITCH,
        { .wait_bytes = 1000, .send = health, .send_n = 44 },
        { .send = beat, .send_n = 44 },
        { .wait_bytes = 8000, .send = metric, .send_n = 44 }
    };
    static const struct peer_script scripts[] = { { steps, 4 } };
    struct world *w = *state;
    ea_session_status s = { 0 };

    start(w, scripts, 1);
    while (!s.last_message_ms) {
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
        ea_tcs_status_get(w->tcs, &s);
    }
    assert_int_equal(accepted_ms(w), 0);
    while (!accepted_ms(w))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    assert_true(accepted_ms(w) >= s.last_message_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        cmocka_unit_test(what_was_sent_is_not_sent_again_whatever_becomes_of_the_connection),
        T(a_peer_that_stalls_is_given_little_and_costs_no_turn_of_the_loop),
        T(acknowledgements_of_metrics_alone_say_that_they_were_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
