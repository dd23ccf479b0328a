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

#define TWO                                                                                        \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"a\","          \
    "\"image\":"                                                                                   \
    "\"i\",\"essential\":true},{\"name\":\"b\",\"image\":\"i\",\"essential\":false}]}]"

static ea_tstate level(const struct driver *d)
{
    const struct ea_effect *e = driver_effect(d, EA_FX_REPORT, NULL);

    return e ? e->level : EA_T_NONE;
}

static void running_is_told_before_stopped_however_late(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, ARN, "c");
    assert_int_equal(level(&d), EA_T_MANIFEST_PULLED);
    driver_ok(&d, ARN, "c"); /* PENDING is still under way all the time */
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    driver_exit(&d, ARN, "c", 0);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    assert_int_equal(driver_count(&d, EA_FX_REPORT), 0);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_int_equal(level(&d), EA_T_RUNNING);
    assert_int_equal(driver_container(&d, ARN, "c")->reporting, EA_C_RUNNING);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_int_equal(level(&d), EA_T_STOPPED);
    assert_int_equal(driver_container(&d, ARN, "c")->reporting, EA_C_STOPPED);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_int_equal(level(&d), EA_T_NONE);
    driver_done(&d);
}

static void a_container_that_ends_at_once_has_run(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    for (int i = 0; i < 3; i++)
        driver_ok(&d, ARN, "c");
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_STOPPED, 0);
    driver_ok_facts(&d, ARN, "c", &f); /* the start's own inspection sees the end already */
    assert_true(driver_task(&d, ARN)->was_running);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_int_equal(level(&d), EA_T_RUNNING);
    driver_done(&d);
}

static void without_a_digest_of_our_own_pending_is_not_told(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
            "\"image\":\"i@sha256:12\",\"essential\":true}]}]");
    driver_expect(&d, ARN, "c", EA_FX_PULL);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_MANIFEST_PULLED);
    assert_int_equal(level(&d), EA_T_NONE);
    driver_done(&d);
}

static void failed_submissions_wait_longer_each_time_and_refused_ones_are_over(void **state)
{
    struct driver d;
    int64_t least = 1000;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, ARN, "c");
    for (int i = 0; i < 15; i++) {
        driver_reported(&d, ARN, EA_REPORT_RETRY);
        int64_t wait = driver_task(&d, ARN)->report_at_ms - d.now.mono_ms;
        if (wait < least || wait >= least + least / 5 + 1)
            fail_msg("attempt %d waits %lld ms, want %lld and up to a fifth more", i,
                     (long long)wait, (long long)least);
        least = least * 13 / 10 < 30000 ? least * 13 / 10 : 30000;
        driver_timer(&d, wait - 1);
        assert_int_equal(level(&d), EA_T_NONE);
        driver_timer(&d, 1);
        assert_int_equal(level(&d), EA_T_MANIFEST_PULLED);
    }
    driver_reported(&d, ARN, EA_REPORT_DROP);
    assert_int_equal(driver_task(&d, ARN)->sent, EA_T_MANIFEST_PULLED);
    assert_int_equal(driver_task(&d, ARN)->report_delay_ms, 0);
    driver_done(&d);
}

static void at_most_ten_submissions_are_under_way(void **state)
{
    struct driver d;
    char text[256];
    size_t out = 0;

    (void)state;
    driver_init(&d);
    for (int i = 0; i < 14; i++) {
        (void)snprintf(text, sizeof(text), "[{\"arn\":\"arn:t%d\",\"desiredStatus\":\"STOPPED\"}]",
                       i);
        driver_payload(&d, text);
        out += driver_count(&d, EA_FX_REPORT);
    }
    assert_int_equal(out, 10);
    driver_reported(&d, "arn:t0", EA_REPORT_RETRY);
    assert_string_equal(driver_effect(&d, EA_FX_REPORT, NULL)->task->arn, "arn:t10");
    driver_done(&d);
}

static void a_container_change_alone_is_told_after_a_while(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TWO);
    for (int i = 0; i < 4; i++) {
        driver_ok(&d, ARN, "a");
        driver_ok(&d, ARN, "b");
    }
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_int_equal(driver_task(&d, ARN)->sent, EA_T_RUNNING);
    driver_exit(&d, ARN, "b", 4);
    assert_int_equal(level(&d), EA_T_NONE);
    driver_timer(&d, 9999);
    assert_int_equal(level(&d), EA_T_NONE);
    driver_timer(&d, 20001);
    assert_int_equal(level(&d), EA_T_RUNNING);
    assert_int_equal(driver_container(&d, ARN, "a")->reporting, EA_C_NONE);
    assert_int_equal(driver_container(&d, ARN, "b")->reporting, EA_C_STOPPED);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    driver_timer(&d, 60000);
    assert_int_equal(level(&d), EA_T_NONE);
    driver_done(&d);
}

static void pull_times_are_those_of_real_pulls(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TWO);
    driver_ok(&d, ARN, "a");
    driver_ok(&d, ARN, "b");
    const struct ea_container *a = driver_container(&d, ARN, "a");
    struct ea_event cached = {
        .kind = EA_EV_RESULT, .op = a->op, .of = EA_FX_PULL, .cached = true
    };
    driver_turn(&d, &cached);
    assert_int_equal(driver_task(&d, ARN)->pull_started_ms, 0);
    int64_t began = d.now.wall_ms;
    d.now.wall_ms += 70;
    driver_fail(&d, ARN, "b", EA_SERVER, "again please");
    driver_timer(&d, 5000);
    driver_ok(&d, ARN, "b");
    assert_int_equal(driver_task(&d, ARN)->pull_started_ms, began);
    assert_int_equal(driver_task(&d, ARN)->pull_stopped_ms, d.now.wall_ms);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_is_told_before_stopped_however_late),
        cmocka_unit_test(a_container_that_ends_at_once_has_run),
        cmocka_unit_test(without_a_digest_of_our_own_pending_is_not_told),
        cmocka_unit_test(failed_submissions_wait_longer_each_time_and_refused_ones_are_over),
        cmocka_unit_test(at_most_ten_submissions_are_under_way),
        cmocka_unit_test(a_container_change_alone_is_told_after_a_while),
        cmocka_unit_test(pull_times_are_those_of_real_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
