/* http_client_test.c - the HTTP client against a peer that answers, stalls, drops and lies. */
#include "base/alloc.h"
#include "net/http_client.h"
#include "fakes/scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>
#include <curl/curl.h>

#define PATIENCE_MS 10000

struct world {
    ea_loop *loop;
    ea_net *net;
    struct peer *peer;
    char url[128];
    /* the answer */
    bool done;
    int calls;
    ea_err err;
    int status;
    char body[4096], etag[256];
    size_t body_n;
    int64_t date_ms;
    bool has_date;
};

static int setup(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_net_config config = { .proxy_http = "", .proxy_https = "", .user_agent = "tester/1" };
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    assert_int_equal(ea_net_new(w->loop, &config, &w->net, &err), EA_OK);
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
    ea_free(w);
    return 0;
}

static void on_done(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    struct world *w = ctx;
    const char *etag = r ? ea_httpc_find(r, "etag") : NULL;

    w->calls++;
    w->done = true;
    w->err = *err;
    assert_true((r != NULL) == (err->code == EA_OK));
    if (!r)
        return;
    w->status = r->status;
    w->body_n = r->body.n;
    (void)snprintf(w->body, sizeof(w->body), "%s", r->body.p);
    (void)snprintf(w->etag, sizeof(w->etag), "%s", etag ? etag : "");
    w->has_date = ea_httpc_date(r, &w->date_ms);
}

static void serve(struct world *w, const struct peer_step *steps, size_t n)
{
    w->peer = peer_start(w->loop, steps, n);
    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/a?b=c%%2Bd", peer_port(w->peer));
}

static ea_httpc *ask(struct world *w, const ea_httpc_request *rq)
{
    ea_err err = { 0 };
    ea_httpc_request copy = *rq;
    ea_httpc *q = NULL;

    copy.url = copy.url ? copy.url : w->url;
    q = ea_httpc_start(w->net, &copy, on_done, w, &err);
    if (!q)
        fail_msg("%s", err.text);
    assert_int_equal(w->calls, 0); /* never from inside the start */
    return q;
}

static void answer(struct world *w, const ea_httpc_request *rq)
{
    (void)ask(w, rq);
    run_until(w->loop, &w->done, PATIENCE_MS);
}

static void an_answer_brings_status_headers_and_body(void **state)
{
    struct world *w = *state;

    serve(w, ONE_STEP(.wait = "\r\n\r\n", .send = "HTTP/1.1 404 Nope\r\nETag: one\r\neTag: two\r\n"
                                                  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                                  "Content-Length: 5\r\n\r\nhello"));
    answer(w, &(ea_httpc_request){ .body_max = 100 });
    assert_int_equal(w->err.code, EA_OK);
    assert_int_equal(w->status, 404);
    assert_string_equal(w->body, "hello");
    assert_string_equal(w->etag, "one, two");
    assert_true(w->has_date);
    assert_int_equal(w->date_ms, 784111777000);
    assert_non_null(strstr(peer_received(w->peer).p, "GET /a?b=c%2Bd HTTP/1.1\r\n"));
    assert_non_null(strstr(peer_received(w->peer).p, "User-Agent: tester/1\r\n"));
}

static void a_post_sends_its_body_and_only_the_headers_given(void **state)
{
    struct world *w = *state;
    ea_httpc_header h[] = { { "Content-Type", "application/x-amz-json-1.1" }, { "X-Empty", "" } };
    char big[3000];

    memset(big, 'x', sizeof(big));
    serve(w, ONE_STEP(.wait = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    answer(w,
           &(ea_httpc_request){
               .method = "POST", .headers = h, .header_count = 2, .body = { big, sizeof(big) } });
    assert_int_equal(w->status, 200);
    assert_non_null(strstr(peer_received(w->peer).p, "POST /a"));
    assert_non_null(strstr(peer_received(w->peer).p, "Content-Length: 3000\r\n"));
    assert_non_null(
        strstr(peer_received(w->peer).p, "Content-Type: application/x-amz-json-1.1\r\n"));
    assert_non_null(strstr(peer_received(w->peer).p, "X-Empty:\r\n"));
    assert_null(strstr(peer_received(w->peer).p, "Expect"));
}

static void a_put_without_body_has_length_zero_and_no_type(void **state)
{
    struct world *w = *state;

    serve(w, ONE_STEP(.wait = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    answer(w, &(ea_httpc_request){ .method = "PUT" });
    assert_int_equal(w->status, 200);
    assert_non_null(strstr(peer_received(w->peer).p, "PUT /a"));
    assert_non_null(strstr(peer_received(w->peer).p, "Content-Length: 0\r\n"));
    assert_null(strstr(peer_received(w->peer).p, "Content-Type"));
}

static void each_failure_of_the_peer_has_its_own_code_and_words(void **state)
{
    static const struct {
        const char *why;
        struct peer_step step;
        ea_code want;
        const char *words;
    } cases[] = {
        { "closes without a word",
          { .wait = "\r\n\r\n", .then = PEER_SHUT },
          EA_UNREACHABLE,
          "ended the connection" },
        { "resets",
          { .wait = "\r\n\r\n", .then = PEER_RESET },
          EA_UNREACHABLE,
          "ended the connection" },
        { "body is cut",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
            .then = PEER_SHUT },
          EA_UNREACHABLE,
          "ended the connection" },
        { "headers are cut",
          { .wait = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Le", .then = PEER_SHUT },
          EA_UNREACHABLE,
          "" },
        { "garbage",
          { .wait = "\r\n\r\n", .send = "SSH-2.0-OpenSSH_9\r\n\r\n", .then = PEER_SHUT },
          EA_PROTOCOL,
          "does not answer in HTTP" },
        { "larger than the limit",
          { .wait = "\r\n\r\n",
            .send = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n12345678901234567890" },
          EA_LIMIT,
          "larger than 10 bytes" },
        { "never answers", { .wait = "\r\n\r\n" }, EA_TIMEOUT, "timed out" },
        { "answers half and stalls",
          { .wait = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe" },
          EA_TIMEOUT,
          "timed out" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        w->done = false;
        w->calls = 0;
        serve(w, &cases[i].step, 1);
        answer(w, &(ea_httpc_request){ .body_max = 10, .total_ms = 300 });
        if (w->err.code != cases[i].want || !strstr(w->err.text, cases[i].words))
            fail_msg("%s: got %s: %s", cases[i].why, ea_code_name(w->err.code), w->err.text);
        peer_stop(w->peer);
        w->peer = NULL;
    }
}

static void a_refused_connection_says_that_nothing_listens(void **state)
{
    struct world *w = *state;

    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/", peer_unused_port());
    answer(w, &(ea_httpc_request){ .total_ms = 5000 });
    assert_int_equal(w->err.code, EA_UNREACHABLE);
    if (!strstr(w->err.text, "refused the connection"))
        fail_msg("%s", w->err.text);
}

static void a_cancelled_request_is_told_once_and_later(void **state)
{
    struct world *w = *state;
    ea_httpc *q = NULL;

    serve(w, ONE_STEP(.wait = "\r\n\r\n"));
    q = ask(w, &(ea_httpc_request){ .total_ms = 5000 });
    ea_httpc_cancel(q);
    ea_httpc_cancel(q);
    assert_int_equal(w->calls, 0);
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->err.code, EA_CANCELLED);
}

static void a_dropped_request_is_never_told(void **state)
{
    struct world *w = *state;

    serve(w, ONE_STEP(.wait = "\r\n\r\n", .send = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    ea_httpc_drop(ask(w, &(ea_httpc_request){ .total_ms = 5000 }));
    {
        ea_httpc *q = ask(w, &(ea_httpc_request){ .total_ms = 5000 });

        ea_httpc_cancel(q);
        ea_httpc_drop(q);
    }
    (void)ask(w, &(ea_httpc_request){ .total_ms = 5000 });
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->status, 200);
}

static void malformed_requests_are_refused_at_once(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *why, *url, *method, *name, *value;
    } cases[] = {
        { "no scheme", "127.0.0.1:80/", "GET", "A", "b" },
        { "file", "file:///etc/passwd", "GET", "A", "b" },
        { "ws", "ws://127.0.0.1/", "GET", "A", "b" },
        { "user", "http://u:p@127.0.0.1/", "GET", "A", "b" },
        { "blank in URL", "http://127.0.0.1/a b", "GET", "A", "b" },
        { "port", "http://127.0.0.1:0/", "GET", "A", "b" },
        { "method", "http://127.0.0.1/", "GE T", "A", "b" },
        { "line break in value", "http://127.0.0.1/", "GET", "A", "b\r\nC: d" },
        { "colon in name", "http://127.0.0.1/", "GET", "A: x", "b" },
    };

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { 0 };
        ea_httpc_header h = { cases[i].name, cases[i].value };
        ea_httpc_request rq = {
            .url = cases[i].url, .method = cases[i].method, .headers = &h, .header_count = 1
        };

        if (ea_httpc_start(w->net, &rq, on_done, w, &err) || err.code != EA_INVALID)
            fail_msg("%s: got %s", cases[i].why, ea_code_name(err.code));
    }
    assert_int_equal(w->calls, 0);
}

static void texts_tell_failures_apart_and_name_the_next_step(void **state)
{
    static const struct {
        const char *why;
        int code;
        const char *detail;
        ea_code want;
        const char *words;
    } cases[] = {
        { "DNS", CURLE_COULDNT_RESOLVE_HOST, "", EA_UNREACHABLE, "DNS" },
        { "proxy name", CURLE_COULDNT_RESOLVE_PROXY, "", EA_UNREACHABLE, "HTTPS_PROXY" },
        { "wrong host", CURLE_PEER_FAILED_VERIFICATION,
          "mbedTLS: The certificate Common Name (CN) does not match with the expected CN\n", EA_TLS,
          "another host name" },
        { "expired", CURLE_PEER_FAILED_VERIFICATION,
          "mbedTLS: The certificate validity has expired\n", EA_TLS, "has expired" },
        { "unknown CA", CURLE_PEER_FAILED_VERIFICATION,
          "mbedTLS: The certificate is not correctly signed by the trusted CA\n", EA_TLS,
          "AWS_CA_BUNDLE" },
        { "old TLS", CURLE_SSL_CONNECT_ERROR,
          "ssl_handshake returned: (-0x6E80) SSL - Handshake protocol not within min/max "
          "boundaries",
          EA_TLS, "no TLS version from 1.2" },
        { "connect timeout", CURLE_OPERATION_TIMEDOUT, "Connection timed out after 30000 ms",
          EA_TIMEOUT, "30000" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { 0 };

        if (ea_net_explain(cases[i].code, "https://ecs.example.com/", cases[i].detail, 0, &err) !=
                cases[i].want ||
            !strstr(err.text, cases[i].words) ||
            (strcmp(cases[i].why, "proxy name") != 0 && !strstr(err.text, "ecs.example.com")))
            fail_msg("%s: got %s: %s", cases[i].why, ea_code_name(err.code), err.text);
    }
}

static void a_bad_ca_file_is_told_with_its_setting(void **state)
{
    struct world *w = *state;
    ea_net_config missing = { .ca_file = "no-such-file.pem" };
    ea_net_config junk = { .ca_blob = EA_STR("not a certificate") };
    ea_net *net = NULL;
    ea_err err = { 0 };

    assert_int_equal(ea_net_new(w->loop, &missing, &net, &err), EA_SETTINGS);
    assert_non_null(strstr(err.text, "AWS_CA_BUNDLE"));
    assert_int_equal(ea_net_new(w->loop, &junk, &net, &err), EA_SETTINGS);
    assert_non_null(strstr(err.text, "no PEM certificate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(an_answer_brings_status_headers_and_body),
        T(a_post_sends_its_body_and_only_the_headers_given),
        T(a_put_without_body_has_length_zero_and_no_type),
        T(each_failure_of_the_peer_has_its_own_code_and_words),
        T(a_refused_connection_says_that_nothing_listens),
        T(a_cancelled_request_is_told_once_and_later),
        T(a_dropped_request_is_never_told),
        T(malformed_requests_are_refused_at_once),
        T(texts_tell_failures_apart_and_name_the_next_step),
        T(a_bad_ca_file_is_told_with_its_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
