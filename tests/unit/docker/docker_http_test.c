#include "docker/docker_http.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <uv.h>

struct world {
    ea_loop *loop;
    fake_engine *fe;
    ea_dhttp *http;
};

struct result {
    bool done;
    unsigned times;
    ea_err err;
    unsigned status; /* 0: no answer */
    char body[4096];
    size_t body_n;
    unsigned chunks, opens;
    ea_dhttp_req *cancel_in_chunk;
};

static int set_up(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_err err = { 0 };

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->fe = fake_engine_new(w->loop);
    assert_int_equal(ea_dhttp_new(w->loop, fake_engine_address(w->fe), &w->http, &err), EA_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    ea_dhttp_free(w->http);
    fake_engine_free(w->fe);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static void keep(struct result *r, const char *p, size_t n)
{
    size_t room = sizeof(r->body) - 1 - r->body_n;

    if (n > room)
        n = room;
    if (n)
        memcpy(r->body + r->body_n, p, n);
    r->body_n += n;
    r->body[r->body_n] = '\0';
}

static void on_done(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct result *r = ctx;

    r->done = true;
    r->times++;
    r->err = *err;
    if (a) {
        r->status = a->status;
        keep(r, a->body.p, a->body.n);
    }
}

static void on_chunk(void *ctx, ea_str data)
{
    struct result *r = ctx;

    if (!data.n) {
        r->opens++;
        return;
    }
    r->chunks++;
    keep(r, data.p, data.n);
    if (r->cancel_in_chunk)
        ea_dhttp_cancel(r->cancel_in_chunk);
}

static struct ea_dhttp_params get(const char *path)
{
    return (struct ea_dhttp_params){ .method = "GET", .path = path, .limit_ms = 8000 };
}

static void ask(struct world *w, const struct ea_dhttp_params *p, struct result *r)
{
    *r = (struct result){ 0 };
    ea_dhttp_start(w->http, p, on_done, r);
    assert_false(r->done); /* never from inside the starting call */
    fake_wait(w->loop, &r->done, p->path);
    assert_int_equal(r->times, 1);
}

static void answers_come_whole_however_they_are_framed(void **state)
{
    static const struct {
        const char *why;
        fake_step steps[FAKE_STEPS];
        const char *want;
    } cases[] = {
        { "with a length",
          { { .send = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" } },
          "hello" },
        { "in chunks",
          { { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
            { .send = "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" } },
          "hello" },
        { "in pieces that cut every line",
          { { .send = "HTTP/1.1 20", .pause_ms = 5 },
            { .send = "0 OK\r\nTransfer-Enc", .pause_ms = 5 },
            { .send = "oding: chunked\r\n\r\n5\r", .pause_ms = 5 },
            { .send = "\nhel", .pause_ms = 5 },
            { .send = "lo\r\n0\r\n\r\n" } },
          "hello" },
        { "up to the end of the connection",
          { { .send = "HTTP/1.0 200 OK\r\n\r\nhello", .pause_ms = 5 }, { .close = true } },
          "hello" },
        { "after an interim answer",
          { { .send = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
            { .send = "hello" } },
          "hello" },
        { "with nothing in it", { { .send = "HTTP/1.1 204 No Content\r\n\r\n" } }, "" },
    };
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_dhttp_params p = get("/x");

        fake_engine_on(w->fe, "GET /x", false, cases[i].steps);
        ask(w, &p, &r);
        if (r.err.code || strcmp(r.body, cases[i].want) != 0)
            fail_msg("%s: %s \"%s\"", cases[i].why, r.err.text, r.body);
    }
}

static void requests_are_written_as_docker_wants_them(void **state)
{
    struct world *w = *state;
    struct result r;
    struct ea_dhttp_params p = { .method = "POST",
                                 .path = "/v1.24/containers/create?name=a%20b",
                                 .auth = "c2VjcmV0",
                                 .body = EA_STR("{\"Image\":\"x\"}"),
                                 .limit_ms = 8000 };

    fake_engine_json(w->fe, "POST ", true, "201 Created", "{}");
    ask(w, &p, &r);
    assert_int_equal(r.status, 201);
    assert_string_equal(fake_engine_request(w->fe, 0),
                        "POST /v1.24/containers/create?name=a%20b HTTP/1.1\r\n"
                        "Host: docker\r\nUser-Agent: ecstools\r\n"
                        "X-Registry-Auth: c2VjcmV0\r\n"
                        "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
                        "{\"Image\":\"x\"}");
    p = (struct ea_dhttp_params){ .method = "POST", .path = "/start", .limit_ms = 8000 };
    ask(w, &p, &r);
    assert_non_null(strstr(fake_engine_request(w->fe, 1), "\r\nContent-Length: 0\r\n\r\n"));
    assert_null(strstr(fake_engine_request(w->fe, 1), "X-Registry-Auth"));
}

static void a_path_cannot_smuggle_a_second_request(void **state)
{
    struct world *w = *state;
    struct result r;
    struct ea_dhttp_params p = get("/x HTTP/1.1\r\nEvil: 1\r\n\r\n");

    ask(w, &p, &r);
    assert_int_equal(r.err.code, EA_INVALID);
    p = get("/x");
    p.auth = "a\r\nEvil: 1";
    ask(w, &p, &r);
    assert_int_equal(r.err.code, EA_INVALID);
    assert_int_equal(fake_engine_requests(w->fe), 0);
}

static void statuses_become_codes_with_the_engines_own_words(void **state)
{
    static const struct {
        const char *why, *status, *body;
        ea_code want;
        const char *text;
    } cases[] = {
        { "fine", "200 OK", "{}", EA_OK, "" },
        { "unknown id", "404 Not Found", "{\"message\":\"No such container: x\"}", EA_NOT_FOUND,
          "Error response from daemon: No such container: x" },
        { "name taken", "409 Conflict", "{\"message\":\"Conflict. In use\"}", EA_CONFLICT,
          "Error response from daemon: Conflict. In use" },
        { "bad body", "400 Bad Request", "{\"message\":\"invalid\"}", EA_REFUSED,
          "Error response from daemon: invalid" },
        { "own failure", "500 Internal Server Error", "{\"message\":\"boom\\n\"}", EA_SERVER,
          "Error response from daemon: boom" },
        { "a proxy's words", "502 Bad Gateway", "upstream gone\n", EA_SERVER,
          "Error response from daemon: upstream gone" },
        { "no words", "503 Service Unavailable", "", EA_SERVER,
          "Error response from daemon: status 503" },
        { "garbage for JSON", "500 Internal Server Error", "{\"message\":", EA_SERVER,
          "Error response from daemon: {\"message\":" },
        { "too many", "429 Too Many Requests", "{\"message\":\"slow down\"}", EA_THROTTLED,
          "Error response from daemon: slow down" },
    };
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_dhttp_params p = get("/x");

        fake_engine_json(w->fe, "GET /x", false, cases[i].status, cases[i].body);
        ask(w, &p, &r);
        if (r.err.code != cases[i].want || strcmp(r.err.text, cases[i].text) != 0)
            fail_msg("%s: %s \"%s\"", cases[i].why, ea_code_name(r.err.code), r.err.text);
    }
    fake_engine_on(w->fe, "GET /x", false,
                   (const fake_step[]){ { .send = "HTTP/1.1 304 Not Modified\r\n\r\n" }, { 0 } });
    {
        struct ea_dhttp_params p = get("/x");

        ask(w, &p, &r);
    }
    assert_int_equal(r.err.code, EA_OK);
    assert_int_equal(r.status, 304);
    assert_int_equal(fake_engine_connections(w->fe), 1); /* errors do not cost the connection */
}

static void peers_that_misbehave_are_told_apart(void **state)
{
    static const struct {
        const char *why;
        fake_step steps[FAKE_STEPS];
        ea_code want;
        const char *text; /* a part of it */
    } cases[] = {
        { "closes without a word", { { .close = true } }, EA_UNREACHABLE, "EOF" },
        { "closes in the headers",
          { { .send = "HTTP/1.1 200 OK\r\nConte", .pause_ms = 5 }, { .close = true } },
          EA_UNREACHABLE,
          "EOF" },
        { "body shorter than promised",
          { { .send = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", .pause_ms = 5 },
            { .close = true } },
          EA_UNREACHABLE,
          "EOF" },
        { "closes in a chunk",
          { { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nhello",
              .pause_ms = 5 },
            { .close = true } },
          EA_UNREACHABLE,
          "EOF" },
        { "closes between chunks",
          { { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
              .pause_ms = 5 },
            { .close = true } },
          EA_UNREACHABLE,
          "EOF" },
        { "speaks something else", { { .send = "SSH-2.0-OpenSSH\r\n" } }, EA_PROTOCOL, "no HTTP" },
        { "a chunk length that is none",
          { { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n" } },
          EA_PROTOCOL,
          "no HTTP" },
        { "headers without end",
          { { .send = "HTTP/1.1 200 OK\r\n" },
            { .send = "X-Padding: 0123456789012345678901234567890123456789\r\n", .repeat = 2000 } },
          EA_LIMIT,
          "headers" },
        { "one header without end",
          { { .send = "HTTP/1.1 200 OK\r\nX-Padding: " },
            { .send = "0123456789012345678901234567890123456789", .repeat = 2000 } },
          EA_LIMIT,
          "headers" },
        { "more body than allowed",
          { { .send = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" },
            { .send = "0123456789012345678901234567890123456789", .repeat = 2500 } },
          EA_LIMIT,
          "longer than 1000 bytes" },
        { "says nothing", { { .pause_ms = 9000 } }, EA_TIMEOUT, "80 ms" },
        { "stops in the middle",
          { { .send = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", .pause_ms = 9000 } },
          EA_TIMEOUT,
          "80 ms" },
    };
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_dhttp_params p = get("/x");

        p.max_body = 1000;
        if (cases[i].want == EA_TIMEOUT)
            p.limit_ms = 80;
        fake_engine_on(w->fe, "GET /x", false, cases[i].steps);
        ask(w, &p, &r);
        if (r.err.code != cases[i].want || !strstr(r.err.text, cases[i].text))
            fail_msg("%s: %s \"%s\"", cases[i].why, ea_code_name(r.err.code), r.err.text);
        assert_int_equal(ea_dhttp_idle(w->http), 0); /* nothing of it is used again */
        fake_engine_drop_all(w->fe);
    }
}

static void nobody_listening_is_said_with_the_address(void **state)
{
    struct world *w = *state;
    ea_dhttp *lost = NULL;
    struct result r = { 0 };
    struct ea_dhttp_params p = get("/_ping");
    ea_err err = { 0 };

    assert_int_equal(ea_dhttp_new(w->loop, "tcp://127.0.0.1:1", &lost, &err), EA_OK);
    ea_dhttp_start(lost, &p, on_done, &r);
    assert_false(r.done);
    fake_wait(w->loop, &r.done, "refusal");
    assert_int_equal(r.err.code, EA_UNREACHABLE);
    assert_non_null(strstr(r.err.text, "Cannot connect to the Docker daemon at tcp://127.0.0.1:1"));
    ea_dhttp_free(lost);

    r = (struct result){ 0 };
    assert_int_equal(ea_dhttp_new(w->loop, "unix:///nonexistent/docker.sock", &lost, &err), EA_OK);
    ea_dhttp_start(lost, &p, on_done, &r);
    fake_wait(w->loop, &r.done, "refusal");
    assert_int_equal(r.err.code, EA_UNREACHABLE);
    ea_dhttp_free(lost);
}

static void addresses_that_are_none_are_settings_errors(void **state)
{
    static const char *const bad[] = { "",
                                       "docker",
                                       "unix://",
                                       "unix:///",
                                       "npipe://",
                                       "tcp://1.2.3.4:2375",
                                       "tcp://127.0.0.1:0",
                                       "tcp://127.0.0.1:70000",
                                       "http://x" };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        ea_dhttp *h = NULL;
        ea_err err = { 0 };

        if (ea_dhttp_new(w->loop, bad[i], &h, &err) == EA_OK)
            fail_msg("\"%s\" was taken for an address", bad[i]);
        assert_string_not_equal(err.text, "");
    }
}

static void connections_are_used_again(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x");
    struct result r[12];

    fake_engine_json(w->fe, "GET /x", true, "200 OK", "{}");
    for (size_t i = 0; i < 5; i++)
        ask(w, &p, &r[0]);
    assert_int_equal(fake_engine_connections(w->fe), 1);
    for (size_t i = 0; i < EA_COUNT(r); i++) {
        r[i] = (struct result){ 0 };
        ea_dhttp_start(w->http, &p, on_done, &r[i]);
    }
    assert_int_equal(ea_dhttp_in_flight(w->http), EA_COUNT(r));
    for (size_t i = 0; i < EA_COUNT(r); i++) {
        fake_wait(w->loop, &r[i].done, "one of many");
        assert_int_equal(r[i].err.code, EA_OK);
    }
    assert_int_equal(fake_engine_connections(w->fe), EA_COUNT(r));
    assert_int_equal(ea_dhttp_idle(w->http), EA_DHTTP_IDLE_MAX); /* the others are closed */
}

static void connections_the_engine_wants_closed_are_not_used_again(void **state)
{
    static const fake_step steps[][3] = {
        { { .send = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}" } },
        { { .send = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more" } },
    };
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x");
    struct result r;

    for (size_t i = 0; i < EA_COUNT(steps); i++) {
        fake_engine_on(w->fe, "GET /x", false, steps[i]);
        ask(w, &p, &r);
        assert_int_equal(r.err.code, EA_OK);
        assert_string_equal(r.body, "{}");
        assert_int_equal(ea_dhttp_idle(w->http), 0);
    }
}

static bool is_not_idle(void *arg)
{
    return ea_dhttp_idle(((struct world *)arg)->http) == 0;
}

static void an_idle_connection_that_ends_is_forgotten(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x");
    struct result r;

    fake_engine_json(w->fe, "GET /x", true, "200 OK", "{}");
    ask(w, &p, &r);
    assert_int_equal(ea_dhttp_idle(w->http), 1);
    fake_engine_drop_all(w->fe);
    fake_wait_for(w->loop, is_not_idle, w, "the pool to notice");
    ask(w, &p, &r);
    assert_int_equal(r.err.code, EA_OK);
}

static void a_request_on_a_stale_connection_is_sent_again(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x");
    struct result r;

    fake_engine_json(w->fe, "GET /x", false, "200 OK", "{}");
    ask(w, &p, &r);
    assert_int_equal(ea_dhttp_idle(w->http), 1);
    fake_engine_on(w->fe, "GET /x", false, (const fake_step[]){ { .close = true }, { 0 } });
    fake_engine_json(w->fe, "GET /x", false, "200 OK", "{\"second\":1}");
    ask(w, &p, &r);
    assert_string_equal(r.err.text, "");
    assert_string_equal(r.body, "{\"second\":1}");
    assert_int_equal(fake_engine_requests(w->fe), 3);

    /* Once only: a new connection that ends the same way is a failure. */
    fake_engine_on(w->fe, "GET /x", true, (const fake_step[]){ { .close = true }, { 0 } });
    ask(w, &p, &r);
    assert_int_equal(r.err.code, EA_UNREACHABLE);
    assert_int_equal(fake_engine_requests(w->fe), 5);
}

static void a_stream_is_told_piece_by_piece_on_its_own_connection(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x"), s = get("/events");
    struct result r;

    fake_engine_json(w->fe, "GET /x", true, "200 OK", "{}");
    ask(w, &p, &r);
    s.chunk = on_chunk;
    fake_engine_on(
        w->fe, "GET /events", false,
        (const fake_step[]){
            { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .pause_ms = 10 },
            { .send = "3\r\none\r\n", .pause_ms = 10 },
            { .send = "3\r\ntwo\r\n0\r\n\r\n" },
            { 0 } });
    ask(w, &s, &r);
    assert_int_equal(r.err.code, EA_OK);
    assert_int_equal(r.opens, 1);
    assert_int_equal(r.chunks, 2);
    assert_string_equal(r.body, "onetwo");
    assert_int_equal(fake_engine_connections(w->fe), 2);
    assert_int_equal(ea_dhttp_idle(w->http), 1); /* the other one still waits */
}

static void a_stream_that_is_refused_has_the_engines_words(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params s = get("/events");
    struct result r;

    s.chunk = on_chunk;
    fake_engine_json(w->fe, "GET /events", false, "400 Bad Request",
                     "{\"message\":\"bad filter\"}");
    ask(w, &s, &r);
    assert_int_equal(r.err.code, EA_REFUSED);
    assert_string_equal(r.err.text, "Error response from daemon: bad filter");
    assert_int_equal(r.opens, 0);
}

static void a_stream_must_begin_in_time(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params s = get("/events");
    struct result r;

    s.chunk = on_chunk;
    s.begin_ms = 60;
    fake_engine_on(
        w->fe, "GET /events", true,
        (const fake_step[]){
            { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .pause_ms = 9000 },
            { 0 } });
    ask(w, &s, &r);
    assert_int_equal(r.err.code, EA_TIMEOUT);
    assert_int_equal(r.opens, 1);
}

static void cancelling_ends_a_request_once_and_later(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x");
    struct result r = { 0 };
    ea_dhttp_req *rq;

    fake_engine_on(w->fe, "GET /x", true, (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    rq = ea_dhttp_start(w->http, &p, on_done, &r); /* before it is connected */
    ea_dhttp_cancel(rq);
    ea_dhttp_cancel(rq);
    assert_false(r.done);
    fake_wait(w->loop, &r.done, "the cancelled request");
    assert_int_equal(r.err.code, EA_CANCELLED);
    assert_int_equal(r.times, 1);
    assert_int_equal(ea_dhttp_in_flight(w->http), 0);
}

static void a_stream_can_be_cancelled_from_its_own_piece(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params s = get("/events");
    struct result r = { 0 };

    s.chunk = on_chunk;
    fake_engine_on(
        w->fe, "GET /events", false,
        (const fake_step[]){ { .send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "3\r\none\r\n3\r\ntwo\r\n" },
                             { .pause_ms = 9000 },
                             { 0 } });
    r.cancel_in_chunk = ea_dhttp_start(w->http, &s, on_done, &r);
    fake_wait(w->loop, &r.done, "the cancelled stream");
    assert_int_equal(r.err.code, EA_CANCELLED);
    assert_int_equal(r.chunks, 1);
    assert_string_equal(r.body, "one");
}

static void closing_ends_everything_that_is_in_flight(void **state)
{
    struct world *w = *state;
    struct ea_dhttp_params p = get("/x"), s = get("/events");
    struct result r[3] = { { 0 } };
    struct result first;

    s.chunk = on_chunk;
    fake_engine_json(w->fe, "GET /x", false, "200 OK", "{}");
    ask(w, &p, &first); /* leaves an idle connection */
    fake_engine_on(w->fe, "GET ", true, (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    ea_dhttp_start(w->http, &p, on_done, &r[0]);
    ea_dhttp_start(w->http, &p, on_done, &r[1]);
    ea_dhttp_start(w->http, &s, on_done, &r[2]);
    ea_dhttp_free(w->http);
    w->http = NULL;
    for (size_t i = 0; i < EA_COUNT(r); i++) {
        fake_wait(w->loop, &r[i].done, "the end of all");
        assert_int_equal(r[i].err.code, EA_CANCELLED);
        assert_int_equal(r[i].times, 1);
    }
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(answers_come_whole_however_they_are_framed),
        IN_WORLD(requests_are_written_as_docker_wants_them),
        IN_WORLD(a_path_cannot_smuggle_a_second_request),
        IN_WORLD(statuses_become_codes_with_the_engines_own_words),
        IN_WORLD(peers_that_misbehave_are_told_apart),
        IN_WORLD(nobody_listening_is_said_with_the_address),
        IN_WORLD(addresses_that_are_none_are_settings_errors),
        IN_WORLD(connections_are_used_again),
        IN_WORLD(connections_the_engine_wants_closed_are_not_used_again),
        IN_WORLD(an_idle_connection_that_ends_is_forgotten),
        IN_WORLD(a_request_on_a_stale_connection_is_sent_again),
        IN_WORLD(a_stream_is_told_piece_by_piece_on_its_own_connection),
        IN_WORLD(a_stream_that_is_refused_has_the_engines_words),
        IN_WORLD(a_stream_must_begin_in_time),
        IN_WORLD(cancelling_ends_a_request_once_and_later),
        IN_WORLD(a_stream_can_be_cancelled_from_its_own_piece),
        IN_WORLD(closing_ends_everything_that_is_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
