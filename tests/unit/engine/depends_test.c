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
#define TASK(containers)                                                                           \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[" containers "]}]"
#define BOX(name, more) "{\"name\":\"" name "\",\"image\":\"i\",\"essential\":false" more "}"
#define NEEDS(name, condition)                                                                     \
    ",\"dependsOn\":[{\"containerName\":\"" name "\",\"condition\":\"" condition "\"}]"

static void a_task_that_cannot_be_ordered_stops_with_its_reason(void **state)
{
    static const struct {
        const char *why, *task, *reason;
    } cases[] = {
        { "cycle", TASK(BOX("a", NEEDS("b", "START")) "," BOX("b", NEEDS("a", "START"))),
          "Task dependencies cannot be resolved, taskArn: arn:t1" },
        { "itself", TASK(BOX("a", NEEDS("a", "START"))),
          "Task dependencies cannot be resolved, taskArn: arn:t1" },
        { "missing", TASK(BOX("a", NEEDS("x", "START"))),
          "Task dependencies cannot be resolved, taskArn: arn:t1" },
        { "HEALTHY without a check", TASK(BOX("a", NEEDS("b", "HEALTHY")) "," BOX("b", "")),
          "Task dependencies cannot be resolved, taskArn: arn:t1" },
        { "link to nobody", TASK(BOX("a", ",\"links\":[\"x:y\"]")),
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: container "
          "a: "
          "link to unknown container x" },
        { "link with two colons", TASK(BOX("a", ",\"links\":[\"b:c:d\"]") "," BOX("b", "")),
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: container "
          "a: "
          "invalid link b:c:d" },
        { "volumes from nobody", TASK(BOX("a", ",\"volumesFrom\":[{\"sourceContainer\":\"x\"}]")),
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: container "
          "a: "
          "volumesFrom names unknown container x" },
        { "links make a cycle too",
          TASK(BOX("a", ",\"links\":[\"b\"]") "," BOX("b", ",\"links\":[\"a\"]")),
          "Task dependencies cannot be resolved, taskArn: arn:t1" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, cases[i].task);
        const struct ea_task *t = driver_task(&d, ARN);
        if (t->known != EA_T_STOPPED || !ea_zstr_eq(t->reason, cases[i].reason))
            fail_msg("%s: %s, %s", cases[i].why, ea_tstate_name(t->known), t->reason);
        assert_non_null(driver_effect(&d, EA_FX_ACK, NULL)); /* still a good payload */
        assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_STOPPED);
        driver_done(&d);
    }
}

/* Runs a up to `kind` in flight; then b is at PULL or waits. */
static void digests(struct driver *d)
{
    driver_ok(d, ARN, "a");
    driver_ok(d, ARN, "b");
}

static bool idle(const struct driver *d, const char *name)
{
    return driver_container(d, ARN, name)->op == 0;
}

static void the_image_waits_for_the_dependency_and_the_digest_does_not(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(BOX("a", "") "," BOX("b", NEEDS("a", "START"))));
    driver_expect(&d, ARN, "b", EA_FX_RESOLVE);
    digests(&d);
    assert_true(idle(&d, "b"));
    driver_ok(&d, ARN, "a");
    driver_ok(&d, ARN, "a");
    assert_true(idle(&d, "b"));
    driver_ok(&d, ARN, "a");
    driver_expect(&d, ARN, "b", EA_FX_PULL);
    driver_done(&d);

    driver_init(&d);
    d.m.settings.pull_dependent_upfront = true;
    driver_payload(&d, TASK(BOX("a", "") "," BOX("b", NEEDS("a", "START"))));
    digests(&d);
    driver_expect(&d, ARN, "b", EA_FX_PULL);
    driver_ok(&d, ARN, "b");
    assert_true(idle(&d, "b"));
    driver_done(&d);
}

static void conditions_are_met_or_fail_by_how_the_dependency_ends(void **state)
{
    static const struct {
        const char *condition;
        int64_t exit_code;
        bool starts;
    } cases[] = {
        { "START", 1, true },   { "COMPLETE", 0, true }, { "COMPLETE", 7, true },
        { "SUCCESS", 0, true }, { "SUCCESS", 7, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        char task[512];

        (void)snprintf(task, sizeof(task), TASK(BOX("a", "") "," BOX("b", NEEDS("a", "%s"))),
                       cases[i].condition);
        driver_init(&d);
        driver_payload(&d, task);
        digests(&d);
        for (int n = 0; n < 3; n++)
            driver_ok(&d, ARN, "a");
        assert_int_equal(idle(&d, "b"), strcmp(cases[i].condition, "START") != 0);
        driver_exit(&d, ARN, "a", cases[i].exit_code);
        const struct ea_container *b = driver_container(&d, ARN, "b");
        if (cases[i].starts) {
            driver_expect(&d, ARN, "b", EA_FX_PULL);
        } else {
            assert_int_equal(b->known, EA_C_STOPPED);
            assert_int_equal(b->exit_code.v, 143);
            assert_string_equal(b->error_name, "CannotStartContainerError");
            assert_string_equal(b->error_text,
                                "dependency graph: failed dependency: a exited with 7");
        }
        driver_done(&d);
    }
}

static void healthy_is_believed_only_from_an_inspection(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, TASK(BOX("a", ",\"healthCheckType\":\"docker\"") "," BOX("b", NEEDS("a", "HEALTHY"))));
    digests(&d);
    for (int n = 0; n < 3; n++)
        driver_ok(&d, ARN, "a");
    driver_event(&d, ARN, "a", EA_DA_HEALTHY);
    assert_true(idle(&d, "b"));
    driver_expect(&d, ARN, "a", EA_FX_INSPECT);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "a"), EA_C_RUNNING, 0);
    f.has_health = true;
    f.health.status = EA_HEALTH_HEALTHY;
    f.health.output = ea_strdup("fine");
    driver_ok_facts(&d, ARN, "a", &f);
    driver_expect(&d, ARN, "b", EA_FX_PULL);
    assert_string_equal(driver_container(&d, ARN, "a")->health.output, "fine");
    driver_done(&d);
}

static void a_dependency_has_its_start_timeout_and_no_longer(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(BOX("a", ",\"startTimeout\":20") "," BOX("b", NEEDS("a", "COMPLETE"))));
    digests(&d);
    for (int n = 0; n < 3; n++)
        driver_ok(&d, ARN, "a");
    int64_t wake = driver_effect(&d, EA_FX_WAKE, NULL)->at_ms - d.now.mono_ms;
    assert_int_equal(wake, 20001);
    driver_timer(&d, 20000);
    assert_int_equal(driver_container(&d, ARN, "b")->desired, EA_C_RUNNING);
    driver_timer(&d, 1);
    assert_int_equal(driver_container(&d, ARN, "b")->known, EA_C_STOPPED);
    assert_string_equal(driver_container(&d, ARN, "b")->error_text,
                        "dependency graph: container start timed out: a (condition COMPLETE)");
    driver_done(&d);
}

static void what_never_starts_takes_its_dependents_with_it(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(BOX("a", "") "," BOX("b", NEEDS("a", "START"))));
    digests(&d);
    driver_ok(&d, ARN, "a");
    driver_fail(&d, ARN, "a", EA_SERVER, "no");
    const struct ea_container *b = driver_container(&d, ARN, "b");
    assert_string_equal(b->error_text, "dependency graph: container will never start: a");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_done(&d);
}

static void stops_go_in_reverse_order_and_otherwise_together(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(BOX("a", "") "," BOX("b", NEEDS("a", "START")) "," BOX(
                           "c", ",\"links\":[\"a\"]") "," BOX("x", "")));
    for (const char *const *n = (const char *const[]){ "a", "x", "b", "c", NULL }; *n; n++)
        driver_ok(&d, ARN, *n);
    for (int i = 0; i < 3; i++)
        driver_ok(&d, ARN, "a");
    for (int i = 0; i < 3; i++)
        for (const char *const *n = (const char *const[]){ "x", "b", "c", NULL }; *n; n++)
            driver_ok(&d, ARN, *n);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_RUNNING);
    driver_stop(&d, ARN);
    assert_int_equal(driver_count(&d, EA_FX_STOP), 3);
    assert_true(idle(&d, "a"));
    driver_ok(&d, ARN, "b");
    assert_true(idle(&d, "a"));
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "a", EA_FX_STOP);
    driver_done(&d);
}

static void an_essential_exit_stops_the_rest_and_another_does_not(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":["
                       "{\"name\":\"a\",\"image\":\"i\",\"essential\":true},"
                       "{\"name\":\"b\",\"image\":\"i\",\"essential\":false},"
                       "{\"name\":\"c\",\"image\":\"i\",\"essential\":false}]}]");
    for (int i = 0; i < 4; i++)
        for (const char *const *n = (const char *const[]){ "a", "b", "c", NULL }; *n; n++)
            driver_ok(&d, ARN, *n);
    driver_exit(&d, ARN, "b", 3);
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_RUNNING);
    assert_int_equal(driver_task(&d, ARN)->execution_stopped_ms, 0);
    d.now.wall_ms += 5;
    driver_exit(&d, ARN, "a", 0);
    assert_int_equal(driver_task(&d, ARN)->execution_stopped_ms, d.now.wall_ms);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_RUNNING); /* c is still there */
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_cannot_be_ordered_stops_with_its_reason),
        cmocka_unit_test(the_image_waits_for_the_dependency_and_the_digest_does_not),
        cmocka_unit_test(conditions_are_met_or_fail_by_how_the_dependency_ends),
        cmocka_unit_test(healthy_is_believed_only_from_an_inspection),
        cmocka_unit_test(a_dependency_has_its_start_timeout_and_no_longer),
        cmocka_unit_test(what_never_starts_takes_its_dependents_with_it),
        cmocka_unit_test(stops_go_in_reverse_order_and_otherwise_together),
        cmocka_unit_test(an_essential_exit_stops_the_rest_and_another_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
