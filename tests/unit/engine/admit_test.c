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

#define BAD "{\"arn\":\"arn:bad\",\"desiredStatus\":\"SOON\"}"
#define GOOD                                                                                       \
    "{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","           \
    "\"image\":\"i\",\"essential\":true}]}"
#define CREDS(id) "{\"credentialsId\":\"" id "\",\"roleArn\":\"arn:role\",\"expiration\":\"2030\"}"

/* --- payload --- */

static void one_bad_task_keeps_the_whole_message_unanswered(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[" BAD "," GOOD "]");
    assert_null(driver_effect(&d, EA_FX_ACK, NULL));
    driver_expect(&d, ARN, "c", EA_FX_RESOLVE); /* the good one runs all the same */
    const struct ea_task *bad = driver_task(&d, "arn:bad");
    assert_true(bad->rejected);
    assert_true(strncmp(bad->reason, "UnrecogniedTaskError: Error loading task - ", 43) == 0);
    const struct ea_effect *r = driver_effect(&d, EA_FX_REPORT, NULL);
    assert_ptr_equal(r->task, bad);
    assert_int_equal(r->level, EA_T_STOPPED);
    driver_done(&d);
}

static void a_bad_copy_never_touches_the_task_that_is_there(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[" GOOD "]");
    driver_run(&d, ARN, "c");
    driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"SOON\"}]");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_RUNNING);
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_RUNNING);
    assert_null(driver_effect(&d, EA_FX_REPORT, NULL));
    /* A copy that could not even be prepared is not looked at. */
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"networkMode\":\"awsvpc\"}]");
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_RUNNING);
    assert_non_null(driver_effect(&d, EA_FX_ACK, NULL));
    driver_done(&d);
}

static void a_redelivered_payload_is_acknowledged_and_changes_nothing(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[" GOOD "]");
    driver_run(&d, ARN, "c");
    driver_stop(&d, ARN);
    driver_payload(&d, "[" GOOD "]");
    assert_string_equal(driver_effect(&d, EA_FX_ACK, NULL)->message_id, "m3");
    assert_string_equal(driver_effect(&d, EA_FX_ACK, NULL)->cluster_arn, "arn:cluster");
    assert_string_equal(driver_effect(&d, EA_FX_ACK, NULL)->instance_arn, "arn:instance");
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_STOPPED); /* only ever upwards */
    driver_done(&d);
}

static void stops_of_a_message_come_before_its_starts(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"cpu\":2,\"containers\":[{\"name\":"
            "\"c\",\"image\":\"i\",\"essential\":true}]}]");
    driver_payload(
        &d, "[{\"arn\":\"b\",\"desiredStatus\":\"RUNNING\",\"cpu\":2,\"containers\":[{\"name\":"
            "\"c\",\"image\":\"i\",\"essential\":true}]},{\"arn\":\"a\",\"desiredStatus\":"
            "\"STOPPED\"}]");
    assert_int_equal(driver_task(&d, "a")->known, EA_T_STOPPED);
    driver_expect(&d, "b", "c", EA_FX_RESOLVE);
    driver_done(&d);
}

static void a_stop_for_an_unknown_task_runs_straight_to_stopped(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d,
                   "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"STOPPED\",\"containers\":[{\"name\":"
                   "\"c\",\"image\":\"i\",\"essential\":true}]}]");
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    assert_null(driver_task(&d, ARN)->reason);
    assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_STOPPED);
    driver_reported(&d, ARN, EA_REPORT_SENT);
    driver_timer(&d, 10800000);
    assert_null(driver_task(&d, ARN)); /* nothing was made, nothing is removed */
    driver_done(&d);
}

static void a_feature_that_is_not_offered_stops_the_task_with_its_name(void **state)
{
    static const struct {
        const char *member, *words;
    } cases[] = {
        { "\"networkMode\":\"awsvpc\"", "network mode awsvpc" },
        { "\"elasticNetworkInterfaces\":[{\"ec2Id\":\"eni-1\"}]", "network mode awsvpc" },
        { "\"proxyConfiguration\":{\"type\":\"APPMESH\"}", "proxyConfiguration" },
        { "\"associations\":[{\"type\":\"gpu\"}]", "accelerators" },
        { "\"attachments\":[{\"attachmentType\":\"amazonebs\"}]", "volumes attached" },
        { "\"attachments\":[{\"attachmentType\":\"serviceconnectdetail\"}]", "Service Connect" },
        { "\"volumes\":[{\"name\":\"v\",\"type\":\"efs\",\"efsVolumeConfiguration\":{}}]", "EFS" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        char task[512];

        (void)snprintf(
            task, sizeof(task),
            "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",%s,\"containers\":[{\"name\":"
            "\"c\",\"image\":\"i\",\"essential\":true}]}]",
            cases[i].member);
        driver_init(&d);
        driver_payload(&d, task);
        const struct ea_task *t = driver_task(&d, ARN);
        if (t->known != EA_T_STOPPED || !t->reason || !strstr(t->reason, cases[i].words))
            fail_msg("%s: %s", cases[i].member, t->reason);
        driver_done(&d);
    }
}

/* --- credentials --- */

static void credentials_of_a_payload_are_kept_and_acknowledged_each(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\","
                       "\"roleCredentials\":" CREDS("r1") ",\"executionRoleCredentials\":" CREDS(
                           "e1") ",\"containers\":[{"
                                 "\"name\":\"c\",\"image\":\"i\",\"essential\":true}]}]");
    assert_int_equal(driver_count(&d, EA_FX_CREDS_ACK), 2);
    const struct ea_effect *ack = driver_effect(&d, EA_FX_CREDS_ACK, NULL);
    assert_string_equal(ack->message_id, "m1");
    assert_string_equal(ack->credentials_id, "r1");
    assert_string_equal(ack->expiration, "2030");
    assert_string_equal(ea_model_creds(&d.m, "r1")->task_arn, ARN);
    assert_int_equal(ea_model_creds(&d.m, "e1")->role_type, EA_ROLE_EXECUTION);
    driver_run(&d, ARN, "c");
    driver_stop(&d, ARN);
    driver_ok(&d, ARN, "c");
    assert_null(ea_model_creds(&d.m, "r1")); /* those of the execution role live until clean-up */
    assert_non_null(ea_model_creds(&d.m, "e1"));
    driver_done(&d);
}

static void creds_message(struct driver *d, const char *arn, const char *id, ea_role_type type)
{
    struct ea_event ev = { .kind = EA_EV_CREDS };

    ev.message_id = ea_strdup("mc");
    ev.arn = ea_strdup(arn);
    ev.creds.id = ea_strdup(id);
    ev.creds.expiration = ea_strdup("2031");
    ev.creds.role_type = type;
    driver_turn(d, &ev);
}

static void refreshed_credentials_replace_and_an_unknown_task_gets_no_ack(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d,
                   "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"roleCredentials\":" CREDS(
                       "r1") ",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}]");
    creds_message(&d, ARN, "r1", EA_ROLE_TASK);
    assert_string_equal(driver_effect(&d, EA_FX_CREDS_ACK, NULL)->message_id, "mc");
    assert_string_equal(ea_model_creds(&d.m, "r1")->expiration, "2031");
    creds_message(&d, "arn:other", "r2", EA_ROLE_TASK);
    assert_null(driver_effect(&d, EA_FX_CREDS_ACK, NULL));
    assert_non_null(ea_model_creds(&d.m, "r2"));
    driver_done(&d);
}

static void a_pull_that_needs_the_execution_role_waits_for_it_after_a_start(void **state)
{
    struct driver d;
    char why[256];

    (void)state;
    driver_init(&d);
    driver_payload(
        &d,
        "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"executionRoleCredentials\":" CREDS(
            "e1") ",\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"essential\":true,"
                  "\"registryAuthentication\":{\"type\":\"ecr\",\"ecrAuthData\":"
                  "{\"useExecutionRole\":true}}}]}]");
    driver_expect(&d, ARN, "c", EA_FX_RESOLVE);
    driver_crash(&d);
    assert_true(ea_model_creds(&d.m, "e1")->known_only);
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    ea_engine_explain(&d.m, driver_task(&d, ARN), &d.now, why);
    assert_string_equal(why, "c: waits for the credentials of the execution role");
    creds_message(&d, ARN, "e1", EA_ROLE_EXECUTION);
    driver_expect(&d, ARN, "c", EA_FX_RESOLVE);
    driver_done(&d);
}

/* --- manifest --- */

static void manifest(struct driver *d, int64_t timeline, const char *id, const char *running)
{
    struct ea_event ev = { .kind = EA_EV_MANIFEST, .timeline = timeline };

    ev.message_id = ea_strdup(id);
    ev.cluster_arn = ea_strdup("arn:cluster");
    ev.instance_arn = ea_strdup("arn:instance");
    ev.manifest.arn = ea_alloc_array(1, sizeof(char *));
    ev.manifest.running = ea_alloc_array(1, sizeof(bool));
    ev.manifest.arn[0] = ea_strdup(running);
    ev.manifest.running[0] = true;
    ev.manifest.n = 1;
    driver_turn(d, &ev);
}

static void verified(struct driver *d, const char *id)
{
    struct ea_event ev = { .kind = EA_EV_STOP_VERIFIED };

    ev.message_id = ea_strdup(id);
    ea_strlist_add(&ev.arns, ARN);
    driver_turn(d, &ev);
}

static void a_manifest_stops_only_what_was_asked_about_and_confirmed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[" GOOD "]"); /* sequence number 1 */
    manifest(&d, 1, "old", "arn:other");
    assert_null(driver_effect(&d, EA_FX_ACK, NULL));
    assert_false(d.m.meta.dirty);
    manifest(&d, 5, "listed", ARN);
    assert_non_null(driver_effect(&d, EA_FX_ACK, NULL));
    assert_null(driver_effect(&d, EA_FX_STOP_CANDIDATES, NULL));
    assert_int_equal(d.m.meta.manifest_seq, 5);
    assert_true(d.m.meta.dirty);
    manifest(&d, 5, "again", "arn:other");
    assert_null(driver_effect(&d, EA_FX_ACK, NULL));
    manifest(&d, 6, "new", "arn:other");
    const struct ea_effect *ask = driver_effect(&d, EA_FX_STOP_CANDIDATES, NULL);
    assert_string_equal(ask->message_id, "new");
    assert_string_equal(ask->arns.v[0], ARN);
    verified(&d, "listed");
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_RUNNING);
    verified(&d, "new");
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_STOPPED);
    driver_done(&d);
}

static void the_operator_stops_a_task_and_it_says_so(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[" GOOD "]");
    struct ea_event ev = { .kind = EA_EV_STOP_TASK, .arn = ea_strdup(ARN) };
    driver_turn(&d, &ev);
    assert_string_equal(driver_task(&d, ARN)->reason,
                        "Task stopped by the operator of the container instance");
    driver_done(&d);
}

static void
a_container_that_may_use_more_than_its_task_is_refused_where_tasks_have_limits(void **state)
{
    (void)state;
    for (int limits = 0; limits < 2; limits++) {
        struct driver d;

        driver_init(&d);
        d.m.settings.task_limits = limits;
        driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"memory\":64,"
                           "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"memory\":65}]}]");
        const struct ea_task *t = driver_task(&d, "arn:t1");
        assert_int_equal(t->desired, limits ? EA_T_STOPPED : EA_T_RUNNING);
        if (limits)
            assert_non_null(
                strstr(t->reason, "container c: memory of 65 MiB, above the task's 64"));
        driver_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_task_keeps_the_whole_message_unanswered),
        cmocka_unit_test(a_bad_copy_never_touches_the_task_that_is_there),
        cmocka_unit_test(a_redelivered_payload_is_acknowledged_and_changes_nothing),
        cmocka_unit_test(stops_of_a_message_come_before_its_starts),
        cmocka_unit_test(a_stop_for_an_unknown_task_runs_straight_to_stopped),
        cmocka_unit_test(a_feature_that_is_not_offered_stops_the_task_with_its_name),
        cmocka_unit_test(credentials_of_a_payload_are_kept_and_acknowledged_each),
        cmocka_unit_test(refreshed_credentials_replace_and_an_unknown_task_gets_no_ack),
        cmocka_unit_test(a_pull_that_needs_the_execution_role_waits_for_it_after_a_start),
        cmocka_unit_test(a_manifest_stops_only_what_was_asked_about_and_confirmed),
        cmocka_unit_test(the_operator_stops_a_task_and_it_says_so),
        cmocka_unit_test(
            a_container_that_may_use_more_than_its_task_is_refused_where_tasks_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
