/* acs_dispatch_test.c - messages of the control plane become events, answers, or are dropped. */
#include "acs/acs_dispatch.h"
#include "acs/acs_message.h"
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                "\"messageId\":\"m1\",\"clusterArn\":\"arn:c\",\"containerInstanceArn\":\"arn:i\""
#define MESSAGE(type, body) "{\"type\":\"" type "\",\"message\":{" body "}}"
#define TASK_ARN            "arn:aws:ecs:us-west-2:123456789012:task/bench/229a1da554b14b6c88c51423c660701b"
#define TASK(more)                                                                                 \
    "{\"arn\":\"" TASK_ARN "\",\"family\":\"f\",\"version\":\"1\",\"desiredStatus\":\"RUNNING\","  \
    "\"containers\":[{\"name\":\"main\",\"image\":\"busybox\",\"essential\":true" more "}]}"
#define CREDS                                                                                      \
    "{\"credentialsId\":\"cid\",\"roleArn\":\"arn:r\",\"accessKeyId\":\"AK\",\"secretAccessKey\":" \
    "\"SK\",\"sessionToken\":\"ST\",\"expiration\":\"2036-01-01T00:00:00Z\"}"

static ea_acs_result run(const char *text)
{
    ea_acs_result r;

    ea_acs_dispatch(ea_str_of(text), &r);
    return r;
}

static void some_messages_are_answered_at_once(void **state)
{
    static const struct {
        const char *why, *text, *reply;
        bool heartbeat;
    } cases[] = {
        { "heartbeat", MESSAGE("HeartbeatMessage", "\"messageId\":\"h1\",\"healthy\":true"),
          "{\"type\":\"HeartbeatAckRequest\",\"message\":{\"messageId\":\"h1\"}}", true },
        { "heartbeat without id", MESSAGE("HeartbeatMessage", ""),
          "{\"type\":\"HeartbeatAckRequest\",\"message\":{}}", true },
        { "update staged", MESSAGE("StageUpdateMessage", HEAD ",\"updateInfo\":{}"),
          "{\"type\":\"NackRequest\",\"message\":{\"cluster\":\"arn:c\",\"containerInstance\":"
          "\"arn:i\",\"messageId\":\"m1\",\"reason\":\"Updates are disabled\"}}",
          false },
        { "update performed", MESSAGE("PerformUpdateMessage", HEAD),
          "{\"type\":\"NackRequest\",\"message\":{\"cluster\":\"arn:c\",\"containerInstance\":"
          "\"arn:i\",\"messageId\":\"m1\",\"reason\":\"Updates are disabled\"}}",
          false },
        { "task interface",
          MESSAGE("AttachTaskNetworkInterfacesMessage",
                  HEAD ",\"taskArn\":\"t\",\"waitTimeoutMs\":1000,\"elasticNetworkInterfaces\":[{"
                       "\"macAddress\":\"0a:00\",\"ec2Id\":\"eni-1\",\"attachmentArn\":\"a\"}]"),
          "{\"type\":\"AckRequest\",\"message\":{\"cluster\":\"arn:c\",\"containerInstance\":"
          "\"arn:i\",\"messageId\":\"m1\"}}",
          false },
        { "instance interface",
          MESSAGE("AttachInstanceNetworkInterfacesMessage",
                  HEAD ",\"waitTimeoutMs\":1,\"elasticNetworkInterfaces\":[{\"macAddress\":\"0a\","
                       "\"ec2Id\":\"e\"}]"),
          "{\"type\":\"AckRequest\",\"message\":{\"cluster\":\"arn:c\",\"containerInstance\":"
          "\"arn:i\",\"messageId\":\"m1\"}}",
          false },
        { "attachment",
          MESSAGE("ConfirmAttachmentMessage",
                  HEAD ",\"attachment\":{\"attachmentArn\":\"a\",\"attachmentType\":\"amazonebs\","
                       "\"attachmentProperties\":[{\"name\":\"volumeId\",\"value\":\"v\"}]}"),
          "{\"type\":\"AckRequest\",\"message\":{\"cluster\":\"arn:c\",\"containerInstance\":"
          "\"arn:i\",\"messageId\":\"m1\"}}",
          false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_acs_result r = run(cases[i].text);

        if (!r.reply || strcmp(r.reply, cases[i].reply) != 0 || r.heartbeat != cases[i].heartbeat ||
            !r.activity || r.dropped || r.has_event)
            fail_msg("%s: got %s (%s)", cases[i].why, r.reply ? r.reply : "no reply", r.note.text);
        ea_acs_result_done(&r);
    }
}

static void what_does_not_decode_is_dropped_without_an_answer(void **state)
{
    static const struct {
        const char *why, *text;
        bool activity;
    } cases[] = {
        { "no JSON", "hello", false },
        { "unknown type", MESSAGE("FutureMessage", ""), false },
        { "types have case", MESSAGE("payloadmessage", HEAD), false },
        { "envelope without message", "{\"type\":\"PayloadMessage\"}", true },
        { "message of another type", "{\"type\":\"PayloadMessage\",\"message\":[1]}", false },
        { "payload in the form of an error", "{\"PayloadMessage\":\"x\"}", true },
        { "no messageId",
          MESSAGE("PayloadMessage", "\"clusterArn\":\"c\",\"containerInstanceArn\":\"i\""), true },
        { "empty clusterArn",
          MESSAGE("PayloadMessage",
                  "\"messageId\":\"m\",\"clusterArn\":\"\",\"containerInstanceArn\":\"i\""),
          true },
        { "messageId a number",
          MESSAGE("PayloadMessage",
                  "\"messageId\":5,\"clusterArn\":\"c\",\"containerInstanceArn\":\"i\""),
          false },
        { "seqNum a string", MESSAGE("PayloadMessage", HEAD ",\"seqNum\":\"5\""), false },
        { "tasks an object", MESSAGE("PayloadMessage", HEAD ",\"tasks\":{}"), false },
        { "heartbeat id a number", MESSAGE("HeartbeatMessage", "\"messageId\":7"), false },
        { "manifest without cluster", MESSAGE("TaskManifestMessage", "\"messageId\":\"m\""), true },
        { "manifest timeline a fraction", MESSAGE("TaskManifestMessage", HEAD ",\"timeline\":1.5"),
          false },
        { "manifest task a string", MESSAGE("TaskManifestMessage", HEAD ",\"tasks\":[\"x\"]"),
          false },
        { "stop ack without id", MESSAGE("TaskStopVerificationAck", "\"stopTasks\":[]"), true },
        { "credentials without task",
          MESSAGE(
              "IAMRoleCredentialsMessage",
              "\"messageId\":\"m\",\"roleType\":\"TaskApplication\",\"roleCredentials\":" CREDS),
          true },
        { "credentials of an unknown role",
          MESSAGE("IAMRoleCredentialsMessage",
                  "\"messageId\":\"m\",\"taskArn\":\"t\",\"roleType\":\"Other\","
                  "\"roleCredentials\":" CREDS),
          true },
        { "credentials without id",
          MESSAGE("IAMRoleCredentialsMessage",
                  "\"messageId\":\"m\",\"taskArn\":\"t\",\"roleType\":\"TaskExecution\","
                  "\"roleCredentials\":{\"roleArn\":\"r\"}"),
          true },
        { "interface without wait",
          MESSAGE("AttachTaskNetworkInterfacesMessage", HEAD ",\"taskArn\":\"t\""), true },
        { "interface without address",
          MESSAGE("AttachInstanceNetworkInterfacesMessage",
                  HEAD ",\"waitTimeoutMs\":5,\"elasticNetworkInterfaces\":[{\"ec2Id\":\"e\"}]"),
          true },
        { "attachment without value",
          MESSAGE("ConfirmAttachmentMessage",
                  HEAD ",\"attachment\":{\"attachmentArn\":\"a\",\"attachmentProperties\":[{"
                       "\"name\":\"n\"}]}"),
          true },
        { "update without id", MESSAGE("StageUpdateMessage", "\"clusterArn\":\"c\""), true },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_acs_result r = run(cases[i].text);

        if (!r.dropped || r.reply || r.has_event || r.heartbeat || r.note.code == EA_OK ||
            r.activity != cases[i].activity)
            fail_msg("%s: dropped %d, activity %d, reply %s, note %s", cases[i].why, r.dropped,
                     r.activity, r.reply ? r.reply : "none", r.note.text);
        ea_acs_result_done(&r);
    }
}

static void a_payload_becomes_an_event_with_its_tasks_and_credentials(void **state)
{
    static const char text[] =
        MESSAGE("PayloadMessage", HEAD
                ",\"seqNum\":7,\"timeline\":9,\"generatedAt\":1,\"tasks\":["
                "{\"arn\":\"" TASK_ARN
                "\",\"family\":\"f\",\"version\":\"3\",\"desiredStatus\":\"RUNNING\","
                "\"containers\":[{\"name\":\"main\",\"image\":\"busybox\",\"essential\":true}],"
                "\"roleCredentials\":" CREDS ",\"futureMember\":{\"x\":[1]}}]");
    ea_acs_result r = run(text);

    (void)state;
    if (!r.has_event)
        fail_msg("%s", r.note.text);
    assert_true(r.activity);
    assert_null(r.reply); /* the ack comes from the engine, once the task is stored */
    assert_int_equal(r.event.kind, EA_EV_PAYLOAD);
    assert_string_equal(r.event.message_id, "m1");
    assert_string_equal(r.event.cluster_arn, "arn:c");
    assert_string_equal(r.event.instance_arn, "arn:i");
    assert_int_equal(r.event.seq_num, 7);
    assert_int_equal(r.event.timeline, 9);
    assert_int_equal(r.event.payload.n, 1);
    assert_null(r.event.payload.v[0].error);
    assert_string_equal(r.event.payload.v[0].task->arn, TASK_ARN);
    assert_string_equal(r.event.payload.v[0].task->version, "3");
    assert_string_equal(r.event.payload.v[0].role.id, "cid");
    assert_null(r.event.payload.v[0].exec.id);
    ea_acs_result_done(&r);
}

static void a_bad_task_is_kept_as_rejected_beside_the_good_ones(void **state)
{
    static const struct {
        const char *why, *task;
        bool has_arn;
    } cases[] = {
        { "negative memory", TASK(",\"memory\":-1"), true },
        { "port out of range", TASK(",\"portMappings\":[{\"containerPort\":70000}]"), true },
        { "unknown override", TASK(",\"overrides\":\"{\\\"cpu\\\":1}\""), true },
        { "no object", "5", false },
        { "null", "null", false },
        { "no arn", "{\"containers\":[]}", false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *text =
            ea_sprintf_dup("{\"type\":\"PayloadMessage\",\"message\":{" HEAD ",\"tasks\":[%s,%s]}}",
                           cases[i].task, TASK(""));
        ea_acs_result r = run(text);
        const struct ea_payload_task *bad = NULL;

        if (!r.has_event || r.event.payload.n != 2)
            fail_msg("%s: %s", cases[i].why, r.note.text);
        bad = &r.event.payload.v[0];
        if (bad->task || !bad->error || (bad->arn != NULL) != cases[i].has_arn ||
            strncmp(bad->error, "UnrecogniedTaskError: Error loading task - ", 43) != 0)
            fail_msg("%s: arn %s, error %s", cases[i].why, bad->arn ? bad->arn : "none",
                     bad->error ? bad->error : "none");
        assert_non_null(r.event.payload.v[1].task);
        ea_acs_result_done(&r);
    }
}

static void a_payload_without_tasks_is_still_an_event(void **state)
{
    ea_acs_result r = run(MESSAGE("PayloadMessage", HEAD ",\"seqNum\":3"));

    (void)state;
    assert_true(r.has_event);
    assert_int_equal(r.event.payload.n, 0);
    ea_acs_result_done(&r);
}

static void member_names_match_without_case(void **state)
{
    ea_acs_result r =
        run("{\"type\":\"PayloadMessage\",\"message\":{\"MessageId\":\"m\",\"clusterarn\":"
            "\"c\",\"ContainerInstanceARN\":\"i\",\"Tasks\":[" TASK("") "]}}");

    (void)state;
    assert_true(r.has_event);
    assert_int_equal(r.event.payload.n, 1);
    assert_non_null(r.event.payload.v[0].task);
    ea_acs_result_done(&r);
}

static void a_manifest_lists_what_should_run(void **state)
{
    ea_acs_result r = run(MESSAGE(
        "TaskManifestMessage",
        HEAD ",\"timeline\":12,\"tasks\":[{\"taskArn\":\"a\",\"desiredStatus\":\"RUNNING\"},"
             "{\"taskArn\":\"b\",\"desiredStatus\":\"STOPPED\"},{\"taskArn\":\"c\"},"
             "{\"desiredStatus\":\"RUNNING\"},{\"taskArn\":\"d\",\"desiredStatus\":\"running\"}]"));

    (void)state;
    assert_true(r.has_event);
    assert_int_equal(r.event.kind, EA_EV_MANIFEST);
    assert_int_equal(r.event.timeline, 12);
    assert_int_equal(r.event.manifest.n, 4);
    assert_string_equal(r.event.manifest.arn[0], "a");
    assert_true(r.event.manifest.running[0]);
    assert_false(r.event.manifest.running[1]);
    assert_false(r.event.manifest.running[2]);
    assert_string_equal(r.event.manifest.arn[3], "d");
    assert_false(r.event.manifest.running[3]); /* exactly RUNNING */
    ea_acs_result_done(&r);
}

static void a_stop_verification_names_its_tasks(void **state)
{
    ea_acs_result r =
        run(MESSAGE("TaskStopVerificationAck",
                    "\"messageId\":\"m9\",\"generatedAt\":1,\"stopTasks\":[{\"taskArn\":"
                    "\"a\",\"taskClusterArn\":\"c\",\"desiredStatus\":\"STOPPED\"},{}]"));

    (void)state;
    assert_true(r.has_event);
    assert_int_equal(r.event.kind, EA_EV_STOP_VERIFIED);
    assert_string_equal(r.event.message_id, "m9");
    assert_int_equal(r.event.arns.n, 1);
    assert_string_equal(r.event.arns.v[0], "a");
    ea_acs_result_done(&r);
}

static void refreshed_credentials_become_an_event(void **state)
{
    ea_acs_result r = run(MESSAGE("IAMRoleCredentialsMessage",
                                  "\"messageId\":\"m2\",\"taskArn\":\"t\",\"taskClusterArn\":\"c\","
                                  "\"roleType\":\"TaskExecution\",\"roleCredentials\":" CREDS));

    (void)state;
    assert_true(r.has_event);
    assert_int_equal(r.event.kind, EA_EV_CREDS);
    assert_string_equal(r.event.message_id, "m2");
    assert_string_equal(r.event.arn, "t");
    assert_string_equal(r.event.creds.id, "cid");
    assert_string_equal(r.event.creds.secret_access_key, "SK");
    assert_string_equal(r.event.creds.expiration, "2036-01-01T00:00:00Z");
    assert_int_equal(r.event.creds.role_type, EA_ROLE_EXECUTION);
    ea_acs_result_done(&r);
}

static void words_of_the_control_plane_are_told_and_count_as_activity(void **state)
{
    static const char *const cases[] = {
        MESSAGE("InvalidClusterException", "\"message\":\"words\""),
        MESSAGE("CloseMessage", "\"Message\":\"words\""),
        "{\"ServerException\":\"words\"}",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_acs_result r = run(cases[i]);

        assert_true(r.activity);
        assert_false(r.dropped);
        assert_null(r.reply);
        assert_non_null(strstr(r.note.text, "words"));
        ea_acs_result_done(&r);
    }
}

static void outbound_messages_have_their_recorded_form(void **state)
{
    ea_strlist arns = { NULL, 0 };
    char *text = NULL;

    (void)state;
    text = ea_acs_creds_ack_text("m", "cid", "2036-01-01T00:00:00Z");
    assert_string_equal(text,
                        "{\"type\":\"IAMRoleCredentialsAckRequest\",\"message\":{\"messageId\":"
                        "\"m\",\"expiration\":\"2036-01-01T00:00:00Z\",\"credentialsId\":"
                        "\"cid\"}}");
    ea_free(text);
    ea_strlist_add(&arns, "a");
    ea_strlist_add(&arns, "b\"");
    text = ea_acs_stop_candidates_text("m", "c", &arns);
    assert_string_equal(
        text, "{\"type\":\"TaskStopVerificationMessage\",\"message\":{\"messageId\":\"m\","
              "\"stopCandidates\":[{\"taskArn\":\"a\",\"taskClusterArn\":\"c\",\"desiredStatus\":"
              "\"STOPPED\"},{\"taskArn\":\"b\\\"\",\"taskClusterArn\":\"c\",\"desiredStatus\":"
              "\"STOPPED\"}]}}");
    ea_free(text);
    ea_strlist_free(&arns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_messages_are_answered_at_once),
        cmocka_unit_test(what_does_not_decode_is_dropped_without_an_answer),
        cmocka_unit_test(a_payload_becomes_an_event_with_its_tasks_and_credentials),
        cmocka_unit_test(a_bad_task_is_kept_as_rejected_beside_the_good_ones),
        cmocka_unit_test(a_payload_without_tasks_is_still_an_event),
        cmocka_unit_test(member_names_match_without_case),
        cmocka_unit_test(a_manifest_lists_what_should_run),
        cmocka_unit_test(a_stop_verification_names_its_tasks),
        cmocka_unit_test(refreshed_credentials_become_an_event),
        cmocka_unit_test(words_of_the_control_plane_are_told_and_count_as_activity),
        cmocka_unit_test(outbound_messages_have_their_recorded_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
