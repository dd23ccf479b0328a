#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <stdio.h>
#include <string.h>

#define ARN "arn:t1"

/* Docker answers again and lists one container of t1 in this state, or nothing. */
static void docker_up(struct driver *d, const char *id, ea_cstate state, bool brief)
{
    struct ea_event ev = { .kind = EA_EV_DOCKER_UP };

    if (id) {
        const struct ea_container *c = driver_container(d, ARN, "c");
        ev.found.v = ea_alloc_array(1, sizeof(*ev.found.v));
        ev.found.n = 1;
        ev.found.v[0] = driver_facts(d, driver_task(d, ARN), c, state, 5);
        ev.found.v[0].brief = brief;
        ea_set_str(&ev.found.v[0].id, id);
    }
    driver_turn(d, &ev);
}

static void look(struct driver *d, ea_cstate state)
{
    driver_expect(d, ARN, "c", EA_FX_INSPECT);
    struct ea_docker_facts f =
        driver_facts(d, driver_task(d, ARN), driver_container(d, ARN, "c"), state, 5);
    driver_ok_facts(d, ARN, "c", &f);
}

static void after_a_crash_the_true_state_is_asked_before_any_step(void **state)
{
    static const struct {
        const char *why;
        unsigned answered; /* steps that were answered before the crash */
        ea_cstate found;
        ea_cstate known;
        ea_fx_kind next;
    } cases[] = {
        { "created, not started", 3, EA_C_CREATED, EA_C_CREATED, EA_FX_START },
        { "start under way when it crashed", 3, EA_C_RUNNING, EA_C_RUNNING, EA_FX_WATCH },
        { "ran and still runs", 4, EA_C_RUNNING, EA_C_RUNNING, EA_FX_WATCH },
        { "exited while away", 4, EA_C_STOPPED, EA_C_STOPPED, EA_FX_TASK_ENDED },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, DRIVER_ONE);
        for (unsigned n = 0; n < cases[i].answered; n++)
            driver_ok(&d, ARN, "c");
        driver_crash(&d);
        assert_int_equal(driver_container(&d, ARN, "c")->op,
                         0); /* without Docker nothing is done or believed */
        docker_up(&d, "id-arn:t1-c", cases[i].found, true);
        bool watch_again = driver_effect(&d, EA_FX_WATCH, "c") != NULL;
        look(&d, cases[i].found);
        if (driver_container(&d, ARN, "c")->known != cases[i].known ||
            (!driver_effect(&d, cases[i].next, NULL) &&
             !(cases[i].next == EA_FX_WATCH && watch_again)))
            fail_msg("%s: %s", cases[i].why, ea_cstate_name(driver_container(&d, ARN, "c")->known));
        driver_done(&d);
    }
}

static void a_container_whose_create_was_never_answered_is_found_by_its_labels(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    EA_FREE_AUTO char *name = ea_strdup(driver_container(&d, ARN, "c")->docker_name);
    driver_crash(&d);
    docker_up(&d, "the-lost-one", EA_C_CREATED, true);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_id, "the-lost-one");
    look(&d, EA_C_CREATED);
    driver_expect(&d, ARN, "c", EA_FX_START);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_name, name);
    driver_done(&d);
}

/* Docker lists a container that it is still making; it takes it back when the one who asked has died. */
static void a_create_that_docker_took_back_is_done_again(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    driver_crash(&d);
    docker_up(&d, "half-made", EA_C_CREATED, true);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    driver_fail(&d, ARN, "c", EA_NOT_FOUND, "Error response from daemon: No such container");
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    assert_null(driver_container(&d, ARN, "c")->docker_id);
    assert_null(driver_container(&d, ARN, "c")->error_name);
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_done(&d);
}

/* The first was seen in Docker's list and removed by somebody; the second one's create was never answered. */
static void below_created_the_container_that_docker_lists_now_counts(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    driver_crash(&d);
    docker_up(&d, "the-first", EA_C_CREATED, true);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    driver_crash(&d);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_id, "the-first");
    docker_up(&d, "the-second", EA_C_CREATED, true);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_id, "the-second");
    look(&d, EA_C_CREATED);
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_done(&d);
}

static void only_a_definite_answer_makes_a_container_vanish(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_crash(&d);
    docker_up(&d, NULL, EA_C_NONE, true);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    driver_fail(&d, ARN, "c", EA_TIMEOUT, "slow");
    assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_RUNNING);
    driver_timer(&d, 2000);
    driver_fail(&d, ARN, "c", EA_SERVER, "Error response from daemon: broken");
    assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_RUNNING);
    driver_timer(&d, 5000);
    driver_fail(&d, ARN, "c", EA_NOT_FOUND, "Error response from daemon: No such container");
    const struct ea_container *c = driver_container(&d, ARN, "c");
    assert_string_equal(c->error_name, "ContainerVanishedError");
    assert_string_equal(c->error_text, "No container matching saved ID found");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_done(&d);
}

static void what_was_held_and_sent_survives_a_crash(void **state)
{
    struct driver d;
    struct ea_held held;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"cpu\":0.5,\"containers\":[{"
            "\"name\":\"c\",\"image\":\"i\",\"essential\":true}]}]");
    driver_run(&d, ARN, "c");
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    driver_crash(&d);
    ea_engine_held(&d.m, &held);
    assert_int_equal(held.cpu_units, 512);
    assert_int_equal(driver_task(&d, ARN)->sent, EA_T_RUNNING);
    assert_int_equal(driver_container(&d, ARN, "c")->sent, EA_C_RUNNING);
    assert_null(driver_effect(&d, EA_FX_REPORT, NULL));
    driver_done(&d);
}

static void the_reason_of_a_failure_survives_a_crash_before_it_was_told(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d,
                   "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"networkMode\":\"awsvpc\","
                   "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}]");
    driver_crash(&d);
    assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_STOPPED);
    assert_non_null(strstr(driver_task(&d, ARN)->reason, "awsvpc"));
    driver_done(&d);
}

static void a_container_of_nobody_or_of_another_id_is_left_alone(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    docker_up(&d, "another-one", EA_C_RUNNING, false);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_id, "id-arn:t1-c");
    look(&d, EA_C_RUNNING);
    struct ea_event ev = { .kind = EA_EV_DOCKER, .action = EA_DA_DIE };
    ev.facts.id = ea_strdup("x");
    ev.facts.task_arn = ea_strdup("arn:unknown");
    ev.facts.container_name = ea_strdup("c");
    driver_turn(&d, &ev);
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    driver_done(&d);
}

static void a_container_that_comes_back_after_its_end_is_stopped_once(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_exit(&d, ARN, "c", 0);
    driver_event(&d, ARN, "c", EA_DA_START);
    look(&d, EA_C_RUNNING);
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_ok(&d, ARN, "c");
    driver_event(&d, ARN, "c", EA_DA_START);
    look(&d, EA_C_RUNNING);
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0); /* left for the operator */
    driver_done(&d);
}

static void a_crash_before_its_answer_does_not_use_that_stop_up(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_exit(&d, ARN, "c", 0);
    driver_event(&d, ARN, "c", EA_DA_START);
    look(&d, EA_C_RUNNING);
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_crash(&d);
    docker_up(&d, driver_container(&d, ARN, "c")->docker_id, EA_C_RUNNING, true);
    look(&d, EA_C_RUNNING);
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_done(&d);
}

/* --- restart policy --- */

#define RESTARTS(more)                                                                             \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","          \
    "\"image\":"                                                                                   \
    "\"i\",\"essential\":true,\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":"       \
    "60" more "}}]}]"

static void the_restart_policy_starts_the_same_container_again(void **state)
{
    static const struct {
        const char *why, *task;
        int64_t after_ms, exit_code;
        bool restarts;
    } cases[] = {
        { "long enough", RESTARTS(""), 60000, 1, true },
        { "success counts too", RESTARTS(""), 60000, 0, true },
        { "too early", RESTARTS(""), 59999, 1, false },
        { "ignored code", RESTARTS(",\"ignoredExitCodes\":[3]"), 60000, 3, false },
        { "other code", RESTARTS(",\"ignoredExitCodes\":[3]"), 60000, 4, true },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, cases[i].task);
        driver_run(&d, ARN, "c");
        driver_timer(&d, cases[i].after_ms);
        driver_exit(&d, ARN, "c", cases[i].exit_code);
        const struct ea_container *c = driver_container(&d, ARN, "c");
        if ((c->known == EA_C_RUNNING) != cases[i].restarts)
            fail_msg("%s: %s", cases[i].why, ea_cstate_name(c->known));
        if (cases[i].restarts) {
            driver_expect(&d, ARN, "c", EA_FX_START);
            assert_int_equal(c->restart_count, 1);
            assert_int_equal(c->last_restart_ms, d.now.wall_ms);
            driver_ok(&d, ARN, "c");
            assert_false(c->exit_code.has);
            assert_int_equal(driver_task(&d, ARN)->known, EA_T_RUNNING);
        }
        driver_done(&d);
    }
}

static void a_failed_restart_ends_the_container_with_the_code_of_its_exit(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, RESTARTS(""));
    driver_run(&d, ARN, "c");
    driver_timer(&d, 60000);
    driver_exit(&d, ARN, "c", 9);
    driver_fail(&d, ARN, "c", EA_SERVER, "no");
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 9);
    driver_ok_facts(&d, ARN, "c", &f);
    assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_STOPPED);
    assert_int_equal(driver_container(&d, ARN, "c")->exit_code.v, 9);
    assert_int_equal(driver_container(&d, ARN, "c")->restart_count, 1);
    driver_done(&d);
}

static void an_exit_while_the_agent_was_away_is_restarted_as_well(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, RESTARTS(""));
    driver_run(&d, ARN, "c");
    driver_crash(&d);
    d.now.wall_ms += 70000;
    docker_up(&d, "id-arn:t1-c", EA_C_STOPPED, true);
    look(&d, EA_C_STOPPED);
    driver_expect(&d, ARN, "c", EA_FX_START);
    assert_int_equal(driver_container(&d, ARN, "c")->restart_count, 1);
    /* Counted, and then it crashed before the call: that one restart is still owed. */
    EA_FREE_AUTO char *id = ea_strdup(driver_container(&d, ARN, "c")->docker_id);
    driver_crash(&d);
    docker_up(&d, id, EA_C_STOPPED, true);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 5);
    f.finished_ms -= 1;
    driver_ok_facts(&d, ARN, "c", &f);
    driver_expect(&d, ARN, "c", EA_FX_START);
    assert_int_equal(driver_container(&d, ARN, "c")->restart_count, 1);
    driver_done(&d);
}

static void a_clock_that_was_set_back_gives_no_restart_for_nothing(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, RESTARTS(""));
    driver_run(&d, ARN, "c");
    driver_timer(&d, 60000);
    driver_exit(&d, ARN, "c", 1);
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_ok(&d, ARN, "c");
    d.now.wall_ms -= 3600000; /* its next end seems to be before that restart */
    driver_exit(&d, ARN, "c", 1);
    assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_STOPPED);
    assert_int_equal(driver_container(&d, ARN, "c")->restart_count, 1);
    driver_done(&d);
}

static void what_may_have_started_before_a_crash_is_stopped_without_being_seen(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    for (int i = 0; i < 3; i++)
        driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_crash(&d);
    docker_up(&d, driver_container(&d, ARN, "c")->docker_id, EA_C_RUNNING, true);
    driver_stop(&d, ARN);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    driver_fail(&d, ARN, "c", EA_SERVER, "it cannot be described");
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_done(&d);
}

static void a_restart_that_takes_long_holds_up_nothing_else_of_its_task(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":["
                       "{\"name\":\"c\",\"image\":\"i\",\"essential\":true,\"restartPolicy\":{"
                       "\"enabled\":true,\"restartAttemptPeriod\":0}},"
                       "{\"name\":\"side\",\"image\":\"i\",\"essential\":false},"
                       "{\"name\":\"main\",\"image\":\"i\",\"essential\":true}]}]");
    driver_run(&d, ARN, "c");
    driver_run(&d, ARN, "side");
    driver_run(&d, ARN, "main");
    driver_timer(&d, 1000);
    driver_exit(&d, ARN, "c", 1);
    driver_expect(&d, ARN, "c", EA_FX_START); /* never answered here */
    driver_exit(&d, ARN, "side", 0);
    assert_int_equal(driver_container(&d, ARN, "side")->known, EA_C_STOPPED);
    driver_stop(&d, ARN);
    driver_expect(&d, ARN, "main", EA_FX_STOP);
    driver_ok(&d, ARN, "main");
    assert_int_equal(driver_container(&d, ARN, "main")->known, EA_C_STOPPED);
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_crash_the_true_state_is_asked_before_any_step),
        cmocka_unit_test(a_container_whose_create_was_never_answered_is_found_by_its_labels),
        cmocka_unit_test(a_create_that_docker_took_back_is_done_again),
        cmocka_unit_test(below_created_the_container_that_docker_lists_now_counts),
        cmocka_unit_test(only_a_definite_answer_makes_a_container_vanish),
        cmocka_unit_test(what_was_held_and_sent_survives_a_crash),
        cmocka_unit_test(the_reason_of_a_failure_survives_a_crash_before_it_was_told),
        cmocka_unit_test(a_container_of_nobody_or_of_another_id_is_left_alone),
        cmocka_unit_test(a_container_that_comes_back_after_its_end_is_stopped_once),
        cmocka_unit_test(a_crash_before_its_answer_does_not_use_that_stop_up),
        cmocka_unit_test(the_restart_policy_starts_the_same_container_again),
        cmocka_unit_test(a_failed_restart_ends_the_container_with_the_code_of_its_exit),
        cmocka_unit_test(an_exit_while_the_agent_was_away_is_restarted_as_well),
        cmocka_unit_test(a_clock_that_was_set_back_gives_no_restart_for_nothing),
        cmocka_unit_test(what_may_have_started_before_a_crash_is_stopped_without_being_seen),
        cmocka_unit_test(a_restart_that_takes_long_holds_up_nothing_else_of_its_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
