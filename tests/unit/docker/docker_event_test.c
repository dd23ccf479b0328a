#include "docker/docker_event.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <uv.h>

#define OPEN "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LINE(action, id, ns)                                                                       \
    "{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id                    \
    "\",\"Attributes\":{\"name\":\"n\"}},\"time\":1,\"timeNano\":" ns "}\n"

/* ---- decoding --------------------------------------------------------------------------------- */

static void events_are_read_in_their_new_and_old_form(void **state)
{
    static const struct {
        const char *why, *line;
        bool wanted;
        ea_docker_action action;
        ea_cstate want;
    } cases[] = {
        { "both forms",
          "{\"status\":\"start\",\"id\":\"abc\",\"from\":\"img\",\"Type\":\"container\",\"Action\":"
          "\"start\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":{}},\"scope\":\"local\",\"time\":1}",
          true, EA_DA_START, EA_C_RUNNING },
        { "new form alone",
          "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"abc\"},\"time\":1}",
          true, EA_DA_CREATE, EA_C_CREATED },
        { "old form alone", "{\"status\":\"die\",\"id\":\"abc\",\"from\":\"img\",\"time\":1}", true,
          EA_DA_DIE, EA_C_STOPPED },
        { "out of memory", "{\"Type\":\"container\",\"Action\":\"oom\",\"Actor\":{\"ID\":\"abc\"}}",
          true, EA_DA_OOM, EA_C_RUNNING },
        { "healthy",
          "{\"Type\":\"container\",\"Action\":\"health_status: "
          "healthy\",\"Actor\":{\"ID\":\"abc\"}}",
          true, EA_DA_HEALTHY, EA_C_RUNNING },
        { "unhealthy",
          "{\"Type\":\"container\",\"Action\":\"health_status: unhealthy\",\"Actor\":{\"ID\":"
          "\"abc\"}}",
          true, EA_DA_UNHEALTHY, EA_C_RUNNING },
        { "removed", "{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"abc\"}}",
          true, EA_DA_DESTROY, EA_C_STOPPED },
        { "a command inside it",
          "{\"Type\":\"container\",\"Action\":\"exec_start: sh\",\"Actor\":{\"ID\":\"abc\"}}",
          false, EA_DA_CREATE, EA_C_NONE },
        { "an image", "{\"Type\":\"image\",\"Action\":\"create\",\"Actor\":{\"ID\":\"abc\"}}",
          false, EA_DA_CREATE, EA_C_NONE },
        { "no id", "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"\"}}", false,
          EA_DA_CREATE, EA_C_NONE },
        { "nothing in it", "{}", false, EA_DA_CREATE, EA_C_NONE },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_docker_event ev;
        bool wanted = !cases[i].wanted;
        ea_err err = { 0 };

        if (ea_docker_event_decode(ea_str_of(cases[i].line), &ev, &wanted, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (wanted != cases[i].wanted)
            fail_msg("%s: %s", cases[i].why, wanted ? "wanted" : "not wanted");
        if (wanted) {
            assert_int_equal(ev.action, cases[i].action);
            assert_int_equal(ev.facts.state, cases[i].want);
            assert_string_equal(ev.facts.id, "abc");
            assert_true(ev.facts.brief);
        }
        ea_docker_facts_done(&ev.facts);
    }
}

static void an_end_tells_whose_and_how(void **state)
{
    static const char head[] =
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":{"
        "\"com.amazonaws.ecs.container-name\":\"web\",\"com.amazonaws.ecs.task-arn\":\"arn\","
        "\"exitCode\":\"137\",\"image\":\"img\",\"name\":\"ecs-web\",\"odd\":\"\\\"timeNano\\\":"
        "5\"}},";
    static const char *const times[] = {
        "\"time\":1767323045,\"timeNano\":1767323045123456789}",
        "\"time\": 1767323045, \"timeNano\" : 1767323045123456789 }",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(times); i++) {
        EA_FREE_AUTO char *line = ea_sprintf_dup("%s%s", head, times[i]);
        struct ea_docker_event ev;
        bool wanted = false;
        ea_err err = { 0 };

        assert_int_equal(ea_docker_event_decode(ea_str_of(line), &ev, &wanted, &err), EA_OK);
        assert_true(wanted);
        assert_string_equal(ev.facts.task_arn, "arn");
        assert_string_equal(ev.facts.container_name, "web");
        assert_string_equal(ev.facts.name, "ecs-web");
        assert_true(ev.facts.exit_code.has);
        assert_int_equal(ev.facts.exit_code.v, 137);
        assert_true(ev.when_ns == 1767323045123456789); /* to the last digit */
        assert_true(ev.when_ms == 1767323045123);
        ea_docker_facts_done(&ev.facts);
    }
}

static void lines_that_are_no_events_are_refused(void **state)
{
    static const char *const bad[] = { "",        "x", "[]", "{\"Type\":7}", "{\"Actor\":\"x\"}",
                                       "{\"a\":1" };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        struct ea_docker_event ev;
        bool wanted;
        ea_err err = { 0 };

        if (ea_docker_event_decode(ea_str_of(bad[i]), &ev, &wanted, &err) != EA_PROTOCOL)
            fail_msg("%s: %s", bad[i], err.text);
    }
}

/* ---- the stream ------------------------------------------------------------------------------- */

struct seen {
    ea_docker_events *es;
    unsigned events, opens, losts;
    char order[400]; /* "open create:a die:b lost ..." */
    ea_err why;
    bool stop_at_event, stop_at_lost;
};

static void note(struct seen *s, const char *what, const char *id)
{
    size_t n = strlen(s->order);

    assert_true(n + strlen(what) + strlen(id) + 3 < sizeof(s->order));
    strncat(s->order, what, sizeof(s->order) - n - 1);
    strncat(s->order, id, sizeof(s->order) - strlen(s->order) - 1);
    strncat(s->order, " ", sizeof(s->order) - strlen(s->order) - 1);
}

static void on_event(void *ctx, struct ea_docker_event *ev)
{
    struct seen *s = ctx;

    s->events++;
    note(s, ev->action == EA_DA_DIE ? "die:" : "event:", ev->facts.id);
    if (s->stop_at_event)
        ea_docker_events_stop(s->es);
}

static void on_lost(void *ctx, const ea_err *err)
{
    struct seen *s = ctx;

    s->losts++;
    s->why = *err;
    note(s, "lost", "");
    if (s->stop_at_lost)
        ea_docker_events_stop(s->es);
}

static void on_open(void *ctx)
{
    struct seen *s = ctx;

    s->opens++;
    note(s, "open", "");
}

static const struct ea_docker_event_handlers handlers = { on_event, on_lost, on_open };

static char *chunk(const char *text)
{
    return ea_sprintf_dup("%zx\r\n%s\r\n", strlen(text), text);
}

static bool two_events(void *arg)
{
    return ((struct seen *)arg)->events >= 2;
}

static bool three_events(void *arg)
{
    return ((struct seen *)arg)->events >= 3;
}

static bool is_open(void *arg)
{
    return ((struct seen *)arg)->opens >= 1;
}

static bool is_lost(void *arg)
{
    return ((struct seen *)arg)->losts >= 1;
}

static void finish(struct docker_world *w, struct seen *s)
{
    ea_docker_events_stop(s->es);
    while (ea_docker_in_flight(w->dk))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
}

static void a_stream_that_breaks_goes_on_where_it_broke(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { 0 };
    EA_FREE_AUTO char *first =
        chunk(LINE("create", "a", "1767323045123456788") LINE("die", "a", "1767323045123456789"));
    EA_FREE_AUTO char *again =
        chunk(LINE("die", "a", "1767323045123456789") LINE("die", "b", "1767323045123456790"));

    fake_engine_on(
        w->fe, "GET /events?filters=%7B%22type%22%3A%5B%22container%22%5D", false,
        (const fake_step[]){
            { .send = OPEN }, { .send = first, .pause_ms = 10 }, { .close = true }, { 0 } });
    fake_engine_on(
        w->fe, "GET /events", false,
        (const fake_step[]){ { .send = OPEN }, { .send = again, .pause_ms = 9000 }, { 0 } });
    s.es = ea_docker_events_start(w->dk, "c1", &handlers, &s);
    assert_string_equal(s.order, ""); /* never from inside */
    fake_wait_for(w->loop, three_events, &s, "three events");
    assert_string_equal(s.order, "open event:a die:a lost open die:b ");
    assert_int_equal(s.why.code, EA_UNREACHABLE);
    assert_null(strstr(fake_engine_request(w->fe, 0), "since="));
    assert_non_null(strstr(fake_engine_request(w->fe, 0), "com.amazonaws.ecs.cluster%3Dc1"));
    assert_non_null(
        strstr(fake_engine_request(w->fe, 1), "&since=1767323045.123456789 HTTP/1.1\r\n"));
    assert_int_equal(ea_docker_events_retry_in_ms(s.es), 0);
    finish(w, &s);
}

static void garbage_in_the_stream_does_not_end_it(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { 0 };
    EA_FREE_AUTO char *lines =
        chunk(LINE("create", "a", "1") "no event\n\n" LINE("attach", "a", "2"));
    EA_FREE_AUTO char *rest = chunk("\n" LINE("die", "a", "3"));

    fake_engine_on(
        w->fe, "GET /events", false,
        (const fake_step[]){ { .send = OPEN },
                             { .send = lines },
                             { .send = "28\r\n0123456789012345678901234567890123456789\r\n",
                               .repeat = 7000 }, /* a line longer than any event */
                             { .send = rest, .pause_ms = 9000 },
                             { 0 } });
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    fake_wait_for(w->loop, two_events, &s, "two events");
    assert_string_equal(s.order, "open event:a die:a ");
    assert_null(strstr(fake_engine_request(w->fe, 0), "label"));
    finish(w, &s);
}

static void an_engine_that_is_away_is_asked_ever_more_rarely(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { 0 };
    uint64_t began = uv_hrtime();
    uint64_t took_ms;

    for (int i = 0; i < 3; i++)
        fake_engine_json(w->fe, "GET /events", false, "500 Internal Server Error",
                         "{\"message\":\"starting\"}");
    fake_engine_on(w->fe, "GET /events", false,
                   (const fake_step[]){ { .send = OPEN, .pause_ms = 9000 }, { 0 } });
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    fake_wait_for(w->loop, is_lost, &s, "the first failure");
    assert_true(ea_docker_events_retry_in_ms(s.es) >= 1 &&
                ea_docker_events_retry_in_ms(s.es) <= 101);
    fake_wait_for(w->loop, is_open, &s, "the stream");
    took_ms = (uv_hrtime() - began) / 1000000;
    assert_string_equal(s.order, "lost open "); /* told once */
    assert_string_equal(s.why.text, "Error response from daemon: starting");
    assert_int_equal(fake_engine_requests(w->fe), 4);
    assert_true(took_ms >= 100 + 200 + 400);
    finish(w, &s);
}

/* What took the connection may never answer: a pipe's end that nobody serves any more, an engine that died. */
static void a_stream_that_is_not_answered_is_opened_again(void **state)
{
    struct docker_world *w = *state;
    const struct ea_docker_options options = { .endpoint = ea_docker_endpoint(w->dk),
                                               .stream_ms = 60 };
    struct seen s = { 0 };
    ea_docker *quick = NULL;
    ea_err err = { 0 };

    assert_int_equal(ea_docker_new(w->loop, &options, &quick, &err), EA_OK);
    fake_engine_on(w->fe, "GET /events", false,
                   (const fake_step[]){ { .pause_ms = 60000 }, { .send = OPEN }, { 0 } });
    fake_engine_on(w->fe, "GET /events", false,
                   (const fake_step[]){ { .send = OPEN, .pause_ms = 9000 }, { 0 } });
    s.es = ea_docker_events_start(quick, NULL, &handlers, &s);
    fake_wait_for(w->loop, is_open, &s, "the stream");
    assert_string_equal(s.order, "lost open ");
    assert_int_equal(s.why.code, EA_TIMEOUT);
    assert_string_equal(s.why.text, "no answer from Docker within 60 ms");
    ea_docker_events_stop(s.es);
    while (ea_docker_in_flight(quick))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    ea_docker_free(quick);
}

static void stopping_is_legal_from_everywhere(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { 0 };
    EA_FREE_AUTO char *lines = chunk(LINE("create", "a", "1") LINE("create", "b", "2"));

    fake_engine_on(
        w->fe, "GET /events", false,
        (const fake_step[]){ { .send = OPEN }, { .send = lines, .pause_ms = 9000 }, { 0 } });
    s.stop_at_event = true;
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    while (ea_docker_in_flight(w->dk))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    assert_string_equal(s.order, "open event:a "); /* not one more */

    s = (struct seen){ .stop_at_lost = true };
    fake_engine_json(w->fe, "GET /events", false, "500 Internal Server Error", "{}");
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    fake_wait_for(w->loop, is_lost, &s, "the failure");

    s = (struct seen){ 0 };
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    finish(w, &s); /* before it is connected */
    assert_string_equal(s.order, "");

    s = (struct seen){ 0 };
    fake_engine_json(w->fe, "GET /events", false, "500 Internal Server Error", "{}");
    s.es = ea_docker_events_start(w->dk, NULL, &handlers, &s);
    fake_wait_for(w->loop, is_lost, &s, "the failure");
    finish(w, &s); /* between two tries */
    assert_string_equal(s.order, "lost ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_in_their_new_and_old_form),
        cmocka_unit_test(an_end_tells_whose_and_how),
        cmocka_unit_test(lines_that_are_no_events_are_refused),
        IN_DOCKER_WORLD(a_stream_that_breaks_goes_on_where_it_broke),
        IN_DOCKER_WORLD(garbage_in_the_stream_does_not_end_it),
        IN_DOCKER_WORLD(an_engine_that_is_away_is_asked_ever_more_rarely),
        IN_DOCKER_WORLD(a_stream_that_is_not_answered_is_opened_again),
        IN_DOCKER_WORLD(stopping_is_legal_from_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
