/* stop_watch_test.c - when the event of an end answers a stop, and when Docker has to be asked. */
#include "agent/stop_watch.h"
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#define HOUR_MS INT64_C(3600000)

struct fixture {
    ea_agent ag;
    struct ea_container c;
};

static int set_up(void **state)
{
    struct fixture *f = ea_alloc(sizeof(*f));
    ea_err err = { 0 };

    if (ea_loop_new(&f->ag.loop, &err))
        return -1;
    ea_list_init(&f->ag.stop_watches);
    f->c.docker_id = ea_strdup("0123");
    f->c.known = EA_C_RUNNING;
    f->c.desired = EA_C_STOPPED;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ea_loop_stop(f->ag.loop);
    ea_loop_run(f->ag.loop, 100);
    ea_loop_free(f->ag.loop);
    ea_free(f->c.docker_id);
    ea_free(f);
    return 0;
}

struct told {
    int times;
    bool asks;
    int64_t exit_code, finished_ms;
    ea_cstate state;
};

static void on_told(void *ctx, struct ea_docker_facts *end)
{
    struct told *t = ctx;

    t->times++;
    t->asks = end == NULL;
    if (!end)
        return;
    t->exit_code = end->exit_code.has ? end->exit_code.v : -1;
    t->finished_ms = end->finished_ms;
    t->state = end->state;
    assert_true(end->found && !end->brief);
    assert_string_equal(end->id, "0123");
}

static void say(struct fixture *f, const char *id, ea_docker_action action, int64_t exit_code,
                int64_t when_ms)
{
    struct ea_docker_event ev = { .action = action, .when_ms = when_ms };

    ev.facts.id = ea_strdup(id);
    ev.facts.exit_code = (ea_opt_i64){ action == EA_DA_DIE, exit_code };
    ea_stop_watch_event(&f->ag, &ev);
    ea_docker_facts_done(&ev.facts);
}

static void until_told(struct fixture *f, const struct told *t)
{
    while (!t->times)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_ONCE);
}

enum {
    NONE = -1
};

static void the_event_of_the_end_answers_where_it_says_all_that_an_inspect_would(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *id;
        int first, second; /* events; NONE */
        int64_t exit_code, age_ms;
        bool answered_first, asks;
    } cases[] = {
        { "before the answer", "0123", EA_DA_DIE, NONE, 143, 0, false, false },
        { "after the answer", "0123", EA_DA_DIE, NONE, 0, 0, true, false },
        { "a Windows status", "0123", EA_DA_DIE, NONE, 3221225786, 0, false, false },
        { "no event", "0123", NONE, NONE, 0, 0, true, true },
        { "of another container", "9999", EA_DA_DIE, NONE, 0, 0, true, true },
        { "killed, by whom?", "0123", EA_DA_DIE, NONE, 137, 0, false, true },
        { "the engine does not know the code", "0123", EA_DA_DIE, NONE, 4294967295, 0, false,
          true },
        { "out of memory meanwhile", "0123", EA_DA_OOM, EA_DA_DIE, 0, 0, false, true },
        { "started again by somebody", "0123", EA_DA_DIE, EA_DA_START, 0, 0, false, true },
        { "the end of an earlier run", "0123", EA_DA_DIE, NONE, 0, HOUR_MS, false, true },
    };

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct told told = { 0 };
        ea_stop_watch *w = ea_stop_watch_begin(&f->ag, &f->c);
        int64_t when = ea_now().wall_ms + 1 - cases[i].age_ms;

        assert_non_null(w);
        if (cases[i].answered_first)
            ea_stop_watch_answer(w, on_told, &told);
        if (cases[i].first != NONE)
            say(f, cases[i].id, (ea_docker_action)cases[i].first, cases[i].exit_code, when);
        if (cases[i].second != NONE)
            say(f, cases[i].id, (ea_docker_action)cases[i].second, cases[i].exit_code, when);
        if (!cases[i].answered_first)
            ea_stop_watch_answer(w, on_told, &told);
        assert_int_equal(told.times, 0); /* never from inside */
        until_told(f, &told);
        if (told.asks != cases[i].asks)
            fail_msg("%s: %s", cases[i].why, told.asks ? "asks" : "does not ask");
        if (!told.asks && (told.exit_code != cases[i].exit_code || told.finished_ms != when ||
                           told.state != EA_C_STOPPED))
            fail_msg("%s: exit %lld", cases[i].why, (long long)told.exit_code);
        assert_true(ea_list_empty(&f->ag.stop_watches));
    }
}

static void ends_that_need_more_than_an_event_are_asked_for(void **state)
{
    struct fixture *f = *state;
    struct ea_port_mapping port = { .container_port = 80 };

    f->c.known = EA_C_CREATED; /* a start of unknown outcome */
    assert_null(ea_stop_watch_begin(&f->ag, &f->c));
    f->c.known = EA_C_STOPPED; /* one that came back */
    assert_null(ea_stop_watch_begin(&f->ag, &f->c));
    f->c.known = EA_C_RUNNING;
    f->c.oom_seen = true;
    assert_null(ea_stop_watch_begin(&f->ag, &f->c));
    f->c.oom_seen = false;
    f->c.ports.v = &port;
    f->c.ports.n = 1;
    assert_null(ea_stop_watch_begin(&f->ag, &f->c));
    f->c.ports.n = 0;
    ea_stop_watch_drop(ea_stop_watch_begin(&f->ag, &f->c));
    assert_true(ea_list_empty(&f->ag.stop_watches));
}

static void at_the_end_of_the_agent_nobody_waits_on(void **state)
{
    struct fixture *f = *state;
    struct told told = { 0 };
    ea_stop_watch *in_flight = ea_stop_watch_begin(&f->ag, &f->c);

    ea_stop_watch_answer(ea_stop_watch_begin(&f->ag, &f->c), on_told, &told);
    ea_stop_watch_end_all(&f->ag);
    assert_int_equal(told.times, 1);
    assert_true(told.asks);
    ea_stop_watch_drop(in_flight); /* its call ends as cancelled */
    assert_true(ea_list_empty(&f->ag.stop_watches));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_event_of_the_end_answers_where_it_says_all_that_an_inspect_would, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(ends_that_need_more_than_an_event_are_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(at_the_end_of_the_agent_nobody_waits_on, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
