#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <string.h>

#define ARN "arn:t1"

/* Brings container c of DRIVER_ONE to the moment at which `kind` is in flight. */
static void until(struct driver *d, ea_fx_kind kind)
{
    driver_payload(d, DRIVER_ONE);
    while (d->kind_of[driver_container(d, ARN, "c")->op] != kind)
        driver_ok(d, ARN, "c");
}

static void assert_error(const struct driver *d, const char *name, const char *text)
{
    const struct ea_container *c = driver_container(d, ARN, "c");

    if (!ea_zstr_eq(c->error_name, name) || !ea_zstr_eq(c->error_text, text))
        fail_msg("error is \"%s: %s\", want \"%s: %s\"", c->error_name, c->error_text, name, text);
}

static void a_failed_step_is_told_in_its_own_words(void **state)
{
    static const struct {
        const char *why;
        ea_fx_kind at;
        ea_code code;
        const char *text, *name, *told;
    } cases[] = {
        { "create refused", EA_FX_CREATE, EA_SERVER, "Error response from daemon: no",
          "CannotCreateContainerError", "Error response from daemon: no" },
        { "create: no such image is no look-up", EA_FX_CREATE, EA_NOT_FOUND,
          "Error response from daemon: No such image: nginx:1", "CannotCreateContainerError",
          "Error response from daemon: No such image: nginx:1" },
        { "start refused", EA_FX_START, EA_SERVER, "Error response from daemon: OCI",
          "CannotStartContainerError", "Error response from daemon: OCI" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        until(&d, cases[i].at);
        driver_fail(&d, ARN, "c", cases[i].code, cases[i].text);
        assert_error(&d, cases[i].name, cases[i].told);
        assert_int_equal(driver_container(&d, ARN, "c")->desired, EA_C_STOPPED);
        assert_int_equal(driver_task(&d, ARN)->desired, EA_T_STOPPED);
        driver_done(&d);
    }
}

static void a_time_limit_is_told_as_go_prints_it_once_the_look_up_denies_the_step(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_CREATE);
    driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
    assert_null(driver_container(&d, ARN, "c")->error_name);
    driver_timer(&d, 2000);
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    driver_ok(&d, ARN, "c"); /* Docker has no such container */
    assert_error(&d, "DockerTimeoutError",
                 "Could not transition to created; timed out after waiting 4m0s");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_done(&d);
}

static void a_create_that_timed_out_and_happened_goes_on(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_CREATE);
    driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
    driver_timer(&d, 2000);
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_CREATED, 0);
    driver_ok_facts(&d, ARN, "c", &f);
    assert_null(driver_container(&d, ARN, "c")->error_name);
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_done(&d);
}

static void a_create_whose_answer_was_lost_is_looked_for_before_it_is_repeated(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_CREATE);
    driver_fail(&d, ARN, "c", EA_UNREACHABLE, "connection reset");
    struct ea_event down = { .kind = EA_EV_DOCKER_DOWN };
    driver_turn(&d, &down);
    driver_timer(&d, 60000);
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    assert_null(driver_container(&d, ARN, "c")->error_name);
    driver_done(&d);
}

static void a_start_of_unknown_outcome_is_inspected_and_never_blindly_repeated(void **state)
{
    static const struct {
        const char *why;
        ea_code code;
        ea_cstate found;
        ea_fx_kind next;
        const char *error;
    } cases[] = {
        { "lost, and it runs", EA_UNREACHABLE, EA_C_RUNNING, EA_FX_WATCH, NULL },
        { "lost, and it never ran: again", EA_UNREACHABLE, EA_C_CREATED, EA_FX_START, NULL },
        { "limit, and it runs", EA_TIMEOUT, EA_C_RUNNING, EA_FX_WATCH, NULL },
        { "limit, and it did not: stopped to be sure", EA_TIMEOUT, EA_C_CREATED, EA_FX_STOP,
          "DockerTimeoutError" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        until(&d, EA_FX_START);
        driver_fail(&d, ARN, "c", cases[i].code, "?");
        driver_timer(&d, 2000);
        driver_expect(&d, ARN, "c", EA_FX_INSPECT);
        struct ea_docker_facts f = driver_facts(&d, driver_task(&d, ARN),
                                                driver_container(&d, ARN, "c"), cases[i].found, 0);
        driver_ok_facts(&d, ARN, "c", &f);
        if (!driver_effect(&d, cases[i].next, "c"))
            fail_msg("%s: no %s", cases[i].why, ea_fx_name(cases[i].next));
        if (!ea_zstr_eq(driver_container(&d, ARN, "c")->error_name, cases[i].error))
            fail_msg("%s: error %s", cases[i].why, driver_container(&d, ARN, "c")->error_name);
        driver_done(&d);
    }
}

static void a_failed_start_is_told_even_when_docker_said_it_runs(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_START);
    driver_event(&d, ARN, "c", EA_DA_START); /* arrives before the answer */
    driver_fail(&d, ARN, "c", EA_SERVER, "Error response from daemon: network");
    assert_error(&d, "CannotStartContainerError", "Error response from daemon: network");
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_RUNNING, 0);
    driver_ok_facts(&d, ARN, "c", &f);
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_done(&d);
}

/* --- images --- */

static void fail_image(struct driver *d, ea_fx_kind kind, unsigned times, ea_code code)
{
    for (unsigned i = 0; i < times; i++) {
        driver_expect(d, ARN, "c", kind);
        driver_fail(d, ARN, "c", code, "Error response from daemon: manifest unknown");
        driver_timer(d, 10000);
    }
}

static void a_pull_is_tried_five_times_and_then_the_behaviour_decides(void **state)
{
    static const struct {
        ea_pull_behavior behavior;
        bool goes_on;
    } cases[] = {
        { EA_PULL_DEFAULT, true },
        { EA_PULL_PREFER_CACHED, true },
        { EA_PULL_ALWAYS, false },
        { EA_PULL_ONCE, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        d.m.settings.pull_behavior = cases[i].behavior;
        until(&d, EA_FX_PULL);
        assert_int_equal(driver_effect(&d, EA_FX_PULL, "c")->local,
                         cases[i].behavior == EA_PULL_PREFER_CACHED);
        fail_image(&d, EA_FX_PULL, 5, EA_SERVER);
        assert_error(&d, "CannotPullContainerError",
                     "Error response from daemon: manifest unknown");
        if (cases[i].goes_on)
            driver_expect(&d, ARN, "c", EA_FX_CREATE);
        else
            assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
        driver_done(&d);
    }
}

static void an_image_of_another_platform_is_neither_looked_up_again_nor_pulled(void **state)
{
    static const struct {
        ea_pull_behavior behavior;
        bool goes_on; /* a local image may do */
    } cases[] = {
        { EA_PULL_DEFAULT, true },
        { EA_PULL_PREFER_CACHED, true },
        { EA_PULL_ALWAYS, false },
        { EA_PULL_ONCE, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        d.m.settings.pull_behavior = cases[i].behavior;
        until(&d, EA_FX_RESOLVE);
        driver_fail(&d, ARN, "c", EA_UNSUPPORTED, "the image is for windows/amd64");
        assert_error(&d, "CannotPullContainerError", "the image is for windows/amd64");
        if (cases[i].goes_on) {
            driver_expect(&d, ARN, "c", EA_FX_CREATE);
            driver_fail(&d, ARN, "c", EA_NOT_FOUND, "No such image");
            assert_error(&d, "CannotPullContainerError", "the image is for windows/amd64");
        }
        assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
        driver_done(&d);
    }
}

/* A crash right after the answer of the look-up: the image is not asked for again. */
static void a_refusal_by_platform_survives_a_crash(void **state)
{
    static const ea_pull_behavior behaviors[] = { EA_PULL_DEFAULT, EA_PULL_ALWAYS };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(behaviors); i++) {
        struct driver d;

        driver_init(&d);
        d.m.settings.pull_behavior = behaviors[i];
        until(&d, EA_FX_RESOLVE);
        driver_fail(&d, ARN, "c", EA_UNSUPPORTED, "the image is for windows/amd64");
        driver_crash(&d);
        struct ea_event up = { .kind = EA_EV_DOCKER_UP };
        driver_turn(&d, &up);
        assert_error(&d, "CannotPullContainerError", "the image is for windows/amd64");
        assert_int_equal(driver_count(&d, EA_FX_RESOLVE) + driver_count(&d, EA_FX_PULL), 0);
        if (behaviors[i] == EA_PULL_DEFAULT)
            driver_expect(&d, ARN, "c", EA_FX_CREATE); /* a local image may do */
        else
            assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
        driver_done(&d);
    }
}

static void pull_succeeds(struct driver *d, const char *digest)
{
    struct ea_event ev = { .kind = EA_EV_RESULT,
                           .op = driver_container(d, ARN, "c")->op,
                           .of = EA_FX_PULL };

    driver_expect(d, ARN, "c", EA_FX_PULL);
    ev.image_id = ea_strdup("sha256:2222");
    ev.digest = ea_strdup(digest);
    driver_turn(d, &ev);
}

static void a_digest_that_only_the_pulled_image_tells_is_reported_as_if_looked_up(void **state)
{
    (void)state;
    for (int possible = 0; possible < 2; possible++) {
        struct driver d;

        driver_init(&d);
        until(&d, EA_FX_RESOLVE);
        if (possible) {
            for (int n = 0; n < 9; n++) {
                driver_fail(&d, ARN, "c", EA_SERVER, "no manifest");
                driver_timer(&d, 6000);
            }
            assert_string_equal(driver_container(&d, ARN, "c")->error_name,
                                "CannotPullImageManifestError");
        } else { /* an engine without that question */
            struct ea_docker_facts none = { .found = false };
            driver_ok_facts(&d, ARN, "c", &none);
        }
        assert_int_equal(driver_task(&d, ARN)->report_op, 0);
        pull_succeeds(&d, "sha256:3333");
        const struct ea_container *c = driver_container(&d, ARN, "c");
        assert_string_equal(c->image_digest, "sha256:3333");
        assert_null(c->error_name); /* the pull has done what the look-up could not */
        const struct ea_effect *e = driver_effect(&d, EA_FX_REPORT, NULL);
        assert_non_null(e);
        assert_int_equal(e->level, EA_T_MANIFEST_PULLED);
        assert_int_equal(c->reporting, EA_C_MANIFEST_PULLED);
        driver_done(&d);
    }
}

static void the_digest_that_was_looked_up_stays_whatever_the_pull_tells(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_PULL);
    pull_succeeds(&d, "sha256:3333");
    assert_string_equal(driver_container(&d, ARN, "c")->image_digest, "sha256:1111");
    driver_done(&d);
}

#define TWO                                                                                        \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","          \
    "\"image\":\"i\",\"essential\":true,\"dependsOn\":[{\"containerName\":\"b\",\"condition\":"    \
    "\"START\"}]},{\"name\":\"b\",\"image\":\"i\",\"essential\":false}]}]"

static void a_task_that_is_stopped_while_its_pull_could_not_begin_says_so(void **state)
{
    static const struct {
        const char *why, *task;
        bool docker_gone, pull_begun, told;
    } cases[] = {
        { "Docker is away", DRIVER_ONE, true, false, true },
        { "the pull is under way", DRIVER_ONE, false, true, false },
        { "another container is waited for", TWO, false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, cases[i].task);
        if (cases[i].docker_gone) {
            struct ea_event down = { .kind = EA_EV_DOCKER_DOWN };
            driver_turn(&d, &down);
        }
        driver_ok(&d, ARN, "c");
        const struct ea_container *c = driver_container(&d, ARN, "c");
        assert_int_equal(c->known, EA_C_MANIFEST_PULLED);
        assert_int_equal(c->op != 0, cases[i].pull_begun);
        driver_stop(&d, ARN);
        assert_int_equal(c->known, EA_C_STOPPED);
        if (!cases[i].told && c->error_name)
            fail_msg("%s: %s", cases[i].why, c->error_name);
        if (cases[i].told)
            assert_error(&d, "TaskStoppedBeforePullBeginError",
                         "Task stopped before image pull could begin for task: arn:t1");
        driver_done(&d);
    }
}

static void a_create_after_a_failed_pull_tells_the_pull_if_it_fails_and_nothing_if_not(void **state)
{
    struct driver d;

    (void)state;
    for (int works = 0; works < 2; works++) {
        driver_init(&d);
        until(&d, EA_FX_PULL);
        fail_image(&d, EA_FX_PULL, 5, EA_SERVER);
        if (works)
            driver_ok(&d, ARN, "c");
        else
            driver_fail(&d, ARN, "c", EA_NOT_FOUND, "Error response from daemon: No such image");
        assert_string_equal(works ? "" : driver_container(&d, ARN, "c")->error_name,
                            works ? "" : "CannotPullContainerError");
        if (works)
            assert_null(driver_container(&d, ARN, "c")->error_name);
        driver_done(&d);
    }
}

static void a_missing_image_costs_nine_look_ups(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    for (unsigned i = 0; i < 9; i++) {
        driver_expect(&d, ARN, "c", EA_FX_RESOLVE);
        driver_fail(&d, ARN, "c", EA_NOT_FOUND, "manifest unknown");
        if (i == 0) { /* the first pause is 10 ms and up to a fifth more */
            const struct ea_effect *w = driver_effect(&d, EA_FX_WAKE, NULL);
            assert_true(w->at_ms >= d.now.mono_ms + 10 && w->at_ms <= d.now.mono_ms + 12);
        }
        driver_timer(&d, 6000);
    }
    assert_error(&d, "CannotPullImageManifestError", "manifest unknown");
    driver_expect(&d, ARN, "c", EA_FX_PULL);
    driver_done(&d);
}

static void attempts_end_with_the_limit_of_the_whole_step(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_fail(&d, ARN, "c", EA_SERVER, "busy");
    driver_timer(&d, 50000);
    int64_t left_ms = driver_effect(&d, EA_FX_RESOLVE, "c")->limit_ms;
    assert_true(left_ms >= 9900 && left_ms <= 10000);
    driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
    assert_error(&d, "DockerTimeoutError",
                 "Could not transition to MANIFEST_PULLED; timed out after waiting 1m0s");
    driver_done(&d);
}

static void a_refused_login_is_not_tried_again(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
            "\"image\":\"i@sha256:12\",\"essential\":true,\"registryAuthentication\":"
            "{\"type\":\"ecr\",\"ecrAuthData\":{\"registryId\":\"1\"}}}]}]");
    driver_expect(&d, ARN, "c", EA_FX_PULL);
    assert_string_equal(driver_container(&d, ARN, "c")->image_digest, "sha256:12");
    driver_fail(&d, ARN, "c", EA_AUTH, "engine ecr credentials: not found");
    assert_error(&d, "CannotPullECRContainerError", "engine ecr credentials: not found");
    driver_done(&d);
}

/* --- stops --- */

static void a_stop_is_tried_five_times_then_a_living_engine_is_believed(void **state)
{
    static const struct {
        bool engine_lives;
    } cases[] = { { true }, { false } };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, DRIVER_ONE);
        driver_run(&d, ARN, "c");
        driver_stop(&d, ARN);
        for (unsigned n = 0; n < 5; n++) {
            driver_expect(&d, ARN, "c", EA_FX_STOP);
            assert_int_equal(driver_effect(&d, EA_FX_STOP, "c")->limit_ms, 150000);
            driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
            driver_timer(&d, 6100);
        }
        driver_expect(&d, ARN, "c", EA_FX_PING);
        if (cases[i].engine_lives) {
            driver_ok(&d, ARN, "c");
            assert_error(&d, "DockerTimeoutError",
                         "Could not transition to stopped; timed out after waiting 2m30s");
            assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_STOPPED);
        } else {
            driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
            assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_RUNNING);
            driver_timer(&d, 2000);
            driver_expect(&d, ARN, "c", EA_FX_INSPECT);
        }
        driver_done(&d);
    }
}

static void a_stop_of_what_is_gone_is_done_at_once(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_stop(&d, ARN);
    driver_fail(&d, ARN, "c", EA_NOT_FOUND, "Error response from daemon: No such container");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    assert_null(driver_container(&d, ARN, "c")->error_name);
    driver_done(&d);
}

static void the_first_error_stays_whatever_follows(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_event(&d, ARN, "c", EA_DA_DIE);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 137);
    f.oom_killed = true;
    f.state_error = ea_strdup("other words");
    driver_ok_facts(&d, ARN, "c", &f);
    assert_error(&d, "OutOfMemoryError", "Container killed due to memory usage");
    assert_int_equal(driver_container(&d, ARN, "c")->exit_code.v, 137);
    driver_done(&d);
}

static void what_docker_says_of_an_end_is_told_as_it_stands(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_event(&d, ARN, "c", EA_DA_DIE);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 255);
    f.state_error = ea_strdup("hcsshim: the host ran out of handles");
    driver_ok_facts(&d, ARN, "c", &f);
    assert_error(&d, "DockerStateError", "hcsshim: the host ran out of handles");
    assert_null(driver_task(&d, ARN)->reason); /* the control plane finds its own words */
    driver_done(&d);
}

/* Words of the end, such as those of a kill for memory, are no failure of the stop. */
static void a_stop_that_was_carried_out_is_not_repeated_whatever_the_inspection_tells(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, ARN, "c");
    driver_stop(&d, ARN);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 137);
    f.oom_killed = true;
    driver_ok_facts(&d, ARN, "c", &f);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    assert_int_equal(driver_count(&d, EA_FX_STOP), 0);
    assert_error(&d, "OutOfMemoryError", "Container killed due to memory usage");
    driver_timer(&d, 6100);
    assert_int_equal(driver_count(&d, EA_FX_STOP), 0);
    driver_done(&d);
}

static void each_pull_waits_by_its_own_count_of_failures(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    until(&d, EA_FX_PULL);
    fail_image(&d, EA_FX_PULL, 3, EA_SERVER); /* has waited 1.1, 2.2 and now 4.4 s */
    driver_payload(&d, "[{\"arn\":\"arn:t2\",\"desiredStatus\":\"RUNNING\",\"containers\":[{"
                       "\"name\":\"c\",\"image\":\"other:1\",\"essential\":true}]}]");
    driver_ok(&d, "arn:t2", "c");
    driver_expect(&d, "arn:t2", "c", EA_FX_PULL);
    driver_fail(&d, "arn:t2", "c", EA_SERVER, "no");
    int64_t wait = driver_container(&d, "arn:t2", "c")->retry_at_ms - d.now.mono_ms;
    assert_int_in_range(wait, 1100, 1320);
    driver_done(&d);
}

static void an_image_pulled_up_front_that_is_nowhere_ends_the_task_before_its_turn(void **state)
{
    static const struct {
        const char *why;
        bool upfront, absent, essential, stops;
    } cases[] = {
        { "nowhere", true, true, true, true },
        { "a local one may do", true, false, true, false },
        { "the task can do without it", true, true, false, false },
        { "not up front", false, true, true, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        d.m.settings.pull_dependent_upfront = cases[i].upfront;
        until(&d, EA_FX_PULL);
        struct ea_container *c = driver_container(&d, ARN, "c");
        c->essential = cases[i].essential;
        c->attempts = 5;
        struct ea_event ev = {
            .kind = EA_EV_RESULT, .of = EA_FX_PULL, .op = c->op, .absent = cases[i].absent
        };
        (void)ea_fail(&ev.err, EA_SERVER, "manifest unknown");
        driver_turn(&d, &ev);
        const struct ea_task *t = driver_task(&d, ARN);
        if ((t->known == EA_T_STOPPED) != cases[i].stops ||
            ea_zstr_eq(t->reason, "CannotPullContainerError: manifest unknown") != cases[i].stops)
            fail_msg("%s: %s, %s", cases[i].why, ea_tstate_name(t->known), t->reason);
        driver_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_step_is_told_in_its_own_words),
        cmocka_unit_test(a_time_limit_is_told_as_go_prints_it_once_the_look_up_denies_the_step),
        cmocka_unit_test(a_create_that_timed_out_and_happened_goes_on),
        cmocka_unit_test(a_create_whose_answer_was_lost_is_looked_for_before_it_is_repeated),
        cmocka_unit_test(a_start_of_unknown_outcome_is_inspected_and_never_blindly_repeated),
        cmocka_unit_test(a_failed_start_is_told_even_when_docker_said_it_runs),
        cmocka_unit_test(a_pull_is_tried_five_times_and_then_the_behaviour_decides),
        cmocka_unit_test(an_image_of_another_platform_is_neither_looked_up_again_nor_pulled),
        cmocka_unit_test(a_refusal_by_platform_survives_a_crash),
        cmocka_unit_test(a_digest_that_only_the_pulled_image_tells_is_reported_as_if_looked_up),
        cmocka_unit_test(the_digest_that_was_looked_up_stays_whatever_the_pull_tells),
        cmocka_unit_test(a_task_that_is_stopped_while_its_pull_could_not_begin_says_so),
        cmocka_unit_test(
            a_create_after_a_failed_pull_tells_the_pull_if_it_fails_and_nothing_if_not),
        cmocka_unit_test(a_missing_image_costs_nine_look_ups),
        cmocka_unit_test(attempts_end_with_the_limit_of_the_whole_step),
        cmocka_unit_test(a_refused_login_is_not_tried_again),
        cmocka_unit_test(a_stop_is_tried_five_times_then_a_living_engine_is_believed),
        cmocka_unit_test(a_stop_of_what_is_gone_is_done_at_once),
        cmocka_unit_test(the_first_error_stays_whatever_follows),
        cmocka_unit_test(what_docker_says_of_an_end_is_told_as_it_stands),
        cmocka_unit_test(a_stop_that_was_carried_out_is_not_repeated_whatever_the_inspection_tells),
        cmocka_unit_test(each_pull_waits_by_its_own_count_of_failures),
        cmocka_unit_test(an_image_pulled_up_front_that_is_nowhere_ends_the_task_before_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
