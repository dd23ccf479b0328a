/* resources_test.c - what a task needs fetched: asked for once, waited for, and its failure told. */
#include "driver.h"

#include "base/alloc.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ARN  "arn:t1"
#define EXEC ",\"executionRoleCredentials\":{\"credentialsId\":\"x1\",\"expiration\":\"e\"}"
#define SECRETS                                                                                    \
    ",\"secrets\":[{\"name\":\"S\",\"valueFrom\":\"p\",\"provider\":\"ssm\",\"region\":\"r\"}]"
#define LOGIN                                                                                      \
    ",\"registryAuthentication\":{\"type\":\"asm\",\"asmAuthData\":{\"credentialsParameter\":"     \
    "\"a\",\"region\":\"r\"}}"
#define TASK(members, container)                                                                   \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\"" members ",\"containers\":[{\"name\":"     \
    "\"c\",\"image\":\"i\",\"essential\":true" container "}]}]"

static void answer(struct driver *d, ea_code code, const char *text)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_PREPARE };

    ev.op = driver_task(d, ARN)->prep_op;
    assert_int_not_equal(ev.op, 0);
    if (code)
        (void)ea_fail(&ev.err, code, "%s", text);
    driver_turn(d, &ev);
}

static void secrets_are_fetched_beside_the_pull_and_before_the_create(void **state)
{
    struct driver d;
    char why[256];

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, SECRETS));
    assert_non_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    assert_int_equal(driver_effect(&d, EA_FX_PREPARE, NULL)->limit_ms, 180000);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_count(&d, EA_FX_PREPARE), 0);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_container(&d, ARN, "c")->known, EA_C_PULLED);
    assert_null(driver_effect(&d, EA_FX_CREATE, NULL));
    ea_engine_explain(&d.m, driver_task(&d, ARN), &d.now, why);
    assert_string_equal(why, "c: waits for secrets and files of its task");
    answer(&d, EA_OK, NULL);
    assert_non_null(driver_effect(&d, EA_FX_CREATE, "c"));
    driver_done(&d);
}

static void a_registry_login_is_waited_for_before_the_digest_is_looked_up(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, LOGIN));
    assert_non_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    assert_null(driver_effect(&d, EA_FX_RESOLVE, NULL));
    answer(&d, EA_OK, NULL);
    assert_non_null(driver_effect(&d, EA_FX_RESOLVE, "c"));
    driver_done(&d);
}

static void a_task_that_needs_nothing_asks_for_nothing(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, ""));
    assert_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    driver_run(&d, ARN, "c");
    driver_done(&d);
}

static void without_an_execution_role_it_is_asked_at_once_and_told_why_not(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK("", ",\"credentialSpecs\":[\"credentialspec:arn:aws:s3:::b/k\"]"));
    assert_non_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    answer(&d, EA_AUTH, "no role");
    assert_string_equal(
        driver_task(&d, ARN)->reason,
        "ResourceInitializationError: resource cannot be initialized for task arn:t1: no role");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_done(&d);
}

static void a_credential_spec_in_the_raw_configuration_counts(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK("", ",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":["
                                "\\\"credentialspec:file://a.json\\\"]}\"}"));
    assert_non_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    driver_done(&d);
}

static void every_failure_stops_the_task_with_its_words(void **state)
{
    static const struct {
        const char *why;
        ea_code code;
        const char *text, *reason;
    } cases[] = {
        { "refused", EA_DENIED, "AccessDenied",
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: "
          "AccessDenied" },
        { "in several lines", EA_DENIED, "  not allowed:\n\t secret \r\n",
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: not "
          "allowed: secret" },
        { "out of reach", EA_UNREACHABLE, "no answer",
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: no "
          "answer" },
        { "too slow", EA_TIMEOUT, "limit",
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: timed out "
          "after waiting 3m0s" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        driver_init(&d);
        driver_payload(&d, TASK(EXEC, SECRETS));
        answer(&d, cases[i].code, cases[i].text);
        if (!ea_zstr_eq(driver_task(&d, ARN)->reason, cases[i].reason))
            fail_msg("%s: %s", cases[i].why, driver_task(&d, ARN)->reason);
        assert_int_equal(driver_task(&d, ARN)->desired, EA_T_STOPPED);
        assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
        assert_non_null(driver_effect(&d, EA_FX_TASK_ENDED, NULL));
        driver_done(&d);
    }
}

static void a_stop_does_not_wait_for_the_answer(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, SECRETS));
    uint64_t op = driver_task(&d, ARN)->prep_op;
    driver_stop(&d, ARN);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    struct ea_event late = { .kind = EA_EV_RESULT, .of = EA_FX_PREPARE, .op = op };
    (void)ea_fail(&late.err, EA_CANCELLED, "the task has ended");
    driver_turn(&d, &late);
    assert_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    assert_null(driver_task(&d, ARN)->reason);
    driver_done(&d);
}

static void after_a_crash_it_is_asked_again_once_the_credentials_are_back(void **state)
{
    struct driver d;
    char why[256];

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, SECRETS));
    answer(&d, EA_OK, NULL);
    driver_ok(&d, ARN, "c");
    driver_crash(&d);
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    assert_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    driver_ok(&d, ARN, "c");
    ea_engine_explain(&d.m, driver_task(&d, ARN), &d.now, why);
    assert_string_equal(why, "c: waits for the credentials of the execution role");
    struct ea_event creds = { .kind = EA_EV_CREDS };
    creds.arn = ea_strdup(ARN);
    creds.message_id = ea_strdup("m");
    creds.creds.id = ea_strdup("x1");
    creds.creds.role_type = EA_ROLE_EXECUTION;
    driver_turn(&d, &creds);
    assert_non_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    answer(&d, EA_OK, NULL);
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    driver_done(&d);
}

static void what_was_created_needs_nothing_after_a_crash(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TASK(EXEC, SECRETS));
    answer(&d, EA_OK, NULL);
    driver_run(&d, ARN, "c");
    driver_crash(&d);
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    assert_null(driver_effect(&d, EA_FX_PREPARE, NULL));
    assert_int_equal(driver_task(&d, ARN)->prep, EA_PREP_NONE);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_fetched_beside_the_pull_and_before_the_create),
        cmocka_unit_test(a_registry_login_is_waited_for_before_the_digest_is_looked_up),
        cmocka_unit_test(a_task_that_needs_nothing_asks_for_nothing),
        cmocka_unit_test(without_an_execution_role_it_is_asked_at_once_and_told_why_not),
        cmocka_unit_test(a_credential_spec_in_the_raw_configuration_counts),
        cmocka_unit_test(every_failure_stops_the_task_with_its_words),
        cmocka_unit_test(a_stop_does_not_wait_for_the_answer),
        cmocka_unit_test(after_a_crash_it_is_asked_again_once_the_credentials_are_back),
        cmocka_unit_test(what_was_created_needs_nothing_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
