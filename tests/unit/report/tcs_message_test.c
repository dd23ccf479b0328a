/* tcs_message_test.c - telemetry cut into messages, stamped, and instance status. */
#include "base/alloc.h"
#include "report/tcs_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

static const struct ea_tcs_ids ids = { "bench", "arn:i", "16bd0920" };

static void same(const char *got, const char *want)
{
    cJSON *a = cJSON_Parse(got), *b = cJSON_Parse(want);

    if (!a || !b || !cJSON_Compare(a, b, 1))
        fail_msg("got  %s\nwant %s", got, want);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void an_idle_instance_says_so_in_one_message(void **state)
{
    ea_strlist none = { NULL, 0 }, out = { NULL, 0 };
    EA_BUF_AUTO b = EA_BUF(4096);

    (void)state;
    assert_int_equal(ea_tcs_metrics_messages(&ids, &none, true, &out), 0);
    assert_int_equal(out.n, 1);
    ea_tcs_stamp(out.v[0], 1795504016400, &b);
    same(ea_buf_z(&b), "{\"type\":\"PublishMetricsRequest\",\"message\":{\"metadata\":{\"cluster\":"
                       "\"bench\",\"containerInstance\":\"arn:i\",\"fin\":true,\"idle\":true,"
                       "\"messageId\":\"16bd0920\"},\"timestamp\":1795504016.4}}");
    ea_strlist_free(&out);
}

static void no_task_with_data_means_no_message(void **state)
{
    ea_strlist none = { NULL, 0 }, out = { NULL, 0 };

    (void)state;
    assert_int_equal(ea_tcs_metrics_messages(&ids, &none, false, &out), 0);
    assert_int_equal(ea_tcs_health_messages(&ids, &none, &out), 0);
    assert_int_equal(out.n, 0);
}

static void ten_tasks_fill_a_message_and_the_last_says_fin(void **state)
{
    static const struct {
        size_t tasks, messages, last;
    } cases[] = { { 1, 1, 1 }, { 10, 1, 10 }, { 11, 2, 1 }, { 25, 3, 5 } };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_strlist tasks = { NULL, 0 }, out = { NULL, 0 };

        for (size_t k = 0; k < cases[i].tasks; k++)
            ea_strlist_add(&tasks, "{\"taskArn\":\"t\"}");
        assert_int_equal(ea_tcs_metrics_messages(&ids, &tasks, false, &out), 0);
        assert_int_equal(out.n, cases[i].messages);
        for (size_t k = 0; k < out.n; k++) {
            EA_BUF_AUTO b = EA_BUF(65536);
            cJSON *root = NULL, *message = NULL, *meta = NULL;

            ea_tcs_stamp(out.v[k], 1000, &b);
            root = cJSON_Parse(ea_buf_z(&b));
            message = cJSON_GetObjectItem(root, "message");
            meta = cJSON_GetObjectItem(message, "metadata");
            assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(message, "taskMetrics")),
                             k + 1 == out.n ? cases[i].last : 10);
            assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(meta, "fin")), k + 1 == out.n);
            assert_true(cJSON_IsFalse(cJSON_GetObjectItem(meta, "idle")));
            assert_string_equal(cJSON_GetObjectItem(meta, "messageId")->valuestring, "16bd0920");
            cJSON_Delete(root);
        }
        ea_strlist_free(&tasks);
        ea_strlist_free(&out);
    }
}

static void messages_stay_below_a_mebibyte(void **state)
{
    ea_strlist tasks = { NULL, 0 }, out = { NULL, 0 };
    EA_FREE_AUTO char *big = ea_alloc(400001);
    EA_FREE_AUTO char *huge = ea_alloc(EA_TCS_BODY_MAX + 1);

    (void)state;
    memset(big, ' ', 400000);
    memcpy(big, "{}", 2);
    memset(huge, ' ', EA_TCS_BODY_MAX);
    for (int i = 0; i < 5; i++)
        ea_strlist_add(&tasks, i == 2 ? huge : big);
    assert_int_equal(ea_tcs_metrics_messages(&ids, &tasks, false, &out), 1); /* the huge one */
    assert_int_equal(out.n, 2);                                              /* two and two */
    for (size_t i = 0; i < out.n; i++)
        assert_true(strlen(out.v[i]) < EA_TCS_BODY_MAX);
    ea_strlist_free(&tasks);
    ea_strlist_free(&out);
}

static void health_and_status_have_their_recorded_form(void **state)
{
    ea_strlist tasks = { NULL, 0 }, out = { NULL, 0 };
    EA_BUF_AUTO b = EA_BUF(4096);
    EA_BUF_AUTO s = EA_BUF(4096);

    (void)state;
    ea_strlist_add(&tasks, "{\"taskArn\":\"t\"}");
    assert_int_equal(ea_tcs_health_messages(&ids, &tasks, &out), 0);
    ea_tcs_stamp(out.v[0], 1795504159667, &b);
    same(ea_buf_z(&b),
         "{\"type\":\"PublishHealthRequest\",\"message\":{\"metadata\":{\"cluster\":"
         "\"bench\",\"containerInstance\":\"arn:i\",\"fin\":true,\"messageId\":"
         "\"16bd0920\"},\"tasks\":[{\"taskArn\":\"t\"}],\"timestamp\":1795504159.667}}");
    ea_tcs_status_message(&ids, EA_RUNTIME_INITIALIZING, 1795504016381, 1795504016381,
                          1795504036401, &s);
    same(ea_buf_z(&s),
         "{\"type\":\"PublishInstanceStatusRequest\",\"message\":{\"metadata\":{\"cluster\":"
         "\"bench\","
         "\"containerInstance\":\"arn:i\",\"requestId\":\"16bd0920\"},\"statuses\":[{"
         "\"lastStatusChange\":1795504016.381,\"lastUpdated\":1795504016.381,\"status\":"
         "\"INITIALIZING\",\"type\":\"ContainerRuntime\"}],\"timestamp\":1795504036.401}}");
    ea_strlist_free(&tasks);
    ea_strlist_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_instance_says_so_in_one_message),
        cmocka_unit_test(no_task_with_data_means_no_message),
        cmocka_unit_test(ten_tasks_fill_a_message_and_the_last_says_fin),
        cmocka_unit_test(messages_stay_below_a_mebibyte),
        cmocka_unit_test(health_and_status_have_their_recorded_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
