/* state_change_test.c - bodies of SubmitTaskStateChange, and what an error of it means. */
#include "base/alloc.h"
#include "report/state_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#define ARN    "arn:aws:ecs:us-west-2:123456789012:task/bench/229a1da554b14b6c88c51423c660701b"
#define DIGEST "sha256:be42f8266ee09dcd13776592b7bf6418db9518f6eb2a32da06b7b149ea227dd2"

static const ea_state_change_options options = { .cluster = "bench",
                                                 .exclude_ipv6_bindings = true };

static struct ea_task *task_with(size_t containers)
{
    struct ea_task *t = ea_task_new();

    t->arn = ea_strdup(ARN);
    t->containers.v = ea_alloc_array(containers, sizeof(t->containers.v[0]));
    t->containers.n = containers;
    for (size_t i = 0; i < containers; i++)
        t->containers.v[i].name = ea_sprintf_dup("c%zu", i);
    return t;
}

static void bind_port(struct ea_container *c, const char *ip, const char *protocol, int64_t port,
                      int64_t host)
{
    struct ea_binding *b = NULL;

    c->bindings.v = ea_realloc_array(c->bindings.v, c->bindings.n + 1, sizeof(*b));
    b = &c->bindings.v[c->bindings.n++];
    *b = (struct ea_binding){ .bind_ip = ea_strdup(ip),
                              .protocol = ea_strdup(protocol),
                              .container_port = port,
                              .host_port = host };
}

/* Equal as JSON: the order of members is free. */
static void body_is(const struct ea_task *t, ea_tstate level, const char *want)
{
    EA_FREE_AUTO char *body = NULL;
    ea_err err = { 0 };
    cJSON *a = NULL, *b = cJSON_Parse(want);

    assert_non_null(b);
    assert_int_equal(ea_state_change_body(&options, t, level, &body, &err), EA_OK);
    a = cJSON_Parse(body);
    if (!a || !cJSON_Compare(a, b, 1))
        fail_msg("got  %s\nwant %s", body, want);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void bodies_equal_the_recorded_ones(void **state)
{
    struct ea_task *t = task_with(1);
    struct ea_container *c = &t->containers.v[0];

    (void)state;
    c->image_digest = ea_strdup(DIGEST);
    c->reporting = EA_C_MANIFEST_PULLED;
    body_is(
        t, EA_T_MANIFEST_PULLED,
        "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c0\",\"imageDigest\":\"" DIGEST
        "\",\"status\":\"PENDING\"}],\"reason\":\"\",\"status\":\"PENDING\",\"task\":\"" ARN "\"}");

    c->docker_id = ea_strdup("51ea6b88");
    c->reporting = EA_C_RUNNING;
    c->exit_code =
        (ea_opt_i64){ true, 0 }; /* of the run before a restart: not told while running */
    t->reason = ea_strdup("not told before STOPPED");
    t->pull_started_ms = 1795504019651;
    t->pull_stopped_ms = 1795504019908;
    bind_port(c, "0.0.0.0", "tcp", 80, 18181);
    bind_port(c, "::", "tcp", 80, 18181);
    body_is(
        t, EA_T_RUNNING,
        "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c0\",\"imageDigest\":\"" DIGEST
        "\",\"networkBindings\":[{\"bindIP\":\"0.0.0.0\",\"containerPort\":80,\"hostPort\":18181,"
        "\"protocol\":\"tcp\"}],\"runtimeId\":\"51ea6b88\",\"status\":\"RUNNING\"}],"
        "\"pullStartedAt\":1795504019.651,\"pullStoppedAt\":1795504019.908,\"reason\":\"\","
        "\"status\":\"RUNNING\",\"task\":\"" ARN "\"}");

    c->reporting = EA_C_STOPPED;
    c->exit_code.v = 137;
    c->error_name = ea_strdup("OutOfMemoryError");
    c->error_text = ea_strdup("Container killed due to memory usage");
    t->execution_stopped_ms = 1795504020783;
    body_is(
        t, EA_T_STOPPED,
        "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c0\",\"exitCode\":137,"
        "\"imageDigest\":\"" DIGEST
        "\",\"networkBindings\":[{\"bindIP\":\"0.0.0.0\",\"containerPort\":80,\"hostPort\":18181,"
        "\"protocol\":\"tcp\"}],\"reason\":\"OutOfMemoryError: Container killed due to memory "
        "usage\","
        "\"runtimeId\":\"51ea6b88\",\"status\":\"STOPPED\"}],\"executionStoppedAt\":1795504020.783,"
        "\"pullStartedAt\":1795504019.651,\"pullStoppedAt\":1795504019.908,"
        "\"reason\":\"not told before STOPPED\",\"status\":\"STOPPED\",\"task\":\"" ARN "\"}");
    ea_task_free(t);
}

static void only_containers_that_have_news_are_told(void **state)
{
    struct ea_task *t = task_with(3);

    (void)state;
    t->containers.v[0].reporting = EA_C_NONE;
    t->containers.v[1].reporting = EA_C_RUNNING;
    t->containers.v[1].is_internal = true;
    t->containers.v[2].reporting = EA_C_STOPPED;
    body_is(
        t, EA_T_RUNNING,
        "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c2\",\"status\":\"STOPPED\"}],"
        "\"reason\":\"\",\"status\":\"RUNNING\",\"task\":\"" ARN "\"}");
    t->containers.v[2].reporting = EA_C_NONE;
    body_is(t, EA_T_CREATED,
            "{\"cluster\":\"bench\",\"reason\":\"\",\"status\":\"PENDING\",\"task\":\"" ARN "\"}");
    ea_task_free(t);
}

static void exit_codes_wrap_to_32_bits(void **state)
{
    static const struct {
        int64_t code;
        const char *want;
    } cases[] = { { 0, "0" },
                  { 143, "143" },
                  { -1, "-1" },
                  { 3221225786, "-1073741510" }, /* 0xC000013A, Ctrl+C on Windows */
                  { 4294967295, "-1" } };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with(1);
        char want[400];

        t->containers.v[0].reporting = EA_C_STOPPED;
        t->containers.v[0].exit_code = (ea_opt_i64){ true, cases[i].code };
        (void)snprintf(
            want, sizeof(want),
            "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c0\",\"exitCode\":%s,"
            "\"status\":\"STOPPED\"}],\"reason\":\"\",\"status\":\"STOPPED\",\"task\":\"%s\"}",
            cases[i].want, ARN);
        body_is(t, EA_T_STOPPED, want);
        ea_task_free(t);
    }
}

static void bindings_of_a_port_range_become_one_per_protocol_and_address(void **state)
{
    struct ea_task *t = task_with(1);
    struct ea_container *c = &t->containers.v[0];

    (void)state;
    c->reporting = EA_C_RUNNING;
    c->ports.v = ea_alloc_array(2, sizeof(c->ports.v[0]));
    c->ports.n = 2;
    c->ports.v[0].container_port_range = ea_strdup("100-102");
    c->ports.v[1].container_port_range = ea_strdup("100-101");
    c->ports.v[1].protocol = ea_strdup("udp");
    c->ports.v[1].assigned_range = ea_strdup("40000-40001");
    for (int64_t p = 100; p <= 102; p++) {
        bind_port(c, "0.0.0.0", "tcp", p, 49060 + p);
        bind_port(c, "::", "tcp", p, 49060 + p);
        bind_port(c, "10.0.0.1", "tcp", p, 49060 + p);
    }
    bind_port(c, "0.0.0.0", "udp", 100, 40000);
    bind_port(c, "0.0.0.0", "udp", 101, 40001);
    bind_port(c, "0.0.0.0", "udp", 102, 40002); /* beyond the udp range: stands for itself */
    body_is(
        t, EA_T_RUNNING,
        "{\"cluster\":\"bench\",\"containers\":[{\"containerName\":\"c0\",\"networkBindings\":["
        "{\"bindIP\":\"0.0.0.0\",\"containerPortRange\":\"100-102\",\"hostPortRange\":\"49160-"
        "49162\","
        "\"protocol\":\"tcp\"},"
        "{\"bindIP\":\"10.0.0.1\",\"containerPortRange\":\"100-102\",\"hostPortRange\":\"49160-"
        "49162\","
        "\"protocol\":\"tcp\"},"
        "{\"bindIP\":\"0.0.0.0\",\"containerPortRange\":\"100-101\",\"hostPortRange\":\"40000-"
        "40001\","
        "\"protocol\":\"udp\"},"
        "{\"bindIP\":\"0.0.0.0\",\"containerPort\":102,\"hostPort\":40002,\"protocol\":\"udp\"}],"
        "\"status\":\"RUNNING\"}],\"reason\":\"\",\"status\":\"RUNNING\",\"task\":\"" ARN "\"}");
    ea_task_free(t);
}

static void too_many_bindings_do_not_keep_the_state_from_being_told(void **state)
{
    struct ea_task *t = task_with(1);
    EA_FREE_AUTO char *body = NULL;
    ea_err err = { 0 };
    cJSON *root = NULL;

    (void)state;
    t->containers.v[0].reporting = EA_C_RUNNING;
    for (int i = 1; i <= 150; i++)
        bind_port(&t->containers.v[0], "0.0.0.0", "tcp", i, 1000 + i);
    assert_int_equal(ea_state_change_body(&options, t, EA_T_RUNNING, &body, &err), EA_OK);
    root = cJSON_Parse(body);
    assert_int_equal(
        cJSON_GetArraySize(cJSON_GetObjectItem(
            cJSON_GetArrayItem(cJSON_GetObjectItem(root, "containers"), 0), "networkBindings")),
        EA_BINDINGS_MAX);
    cJSON_Delete(root);
    ea_task_free(t);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct ea_task *t = task_with(1);
    EA_FREE_AUTO char *body = NULL;
    ea_err err = { 0 };
    cJSON *root = NULL;
    const char *reason = NULL;

    (void)state;
    t->reason = ea_alloc(3001);
    for (size_t i = 0; i < 1500; i++) { /* two bytes each, with one in front: 1024 splits one */
        t->reason[2 * i] = (char)0xc3;
        t->reason[2 * i + 1] = (char)0xa9;
    }
    memmove(t->reason + 1, t->reason, 2999);
    t->reason[0] = 'x';
    t->reason[2999] = '\0';
    assert_int_equal(ea_state_change_body(&options, t, EA_T_STOPPED, &body, &err), EA_OK);
    assert_true(ea_utf8_valid(ea_str_of(body)));
    root = cJSON_Parse(body);
    reason = cJSON_GetObjectItem(root, "reason")->valuestring;
    assert_int_equal(strlen(reason), 1023);
    assert_true(ea_utf8_valid(ea_str_of(reason)));
    assert_null(strstr(body, "\xef\xbf\xbd")); /* no replacement character */
    cJSON_Delete(root);
    ea_task_free(t);
}

static void a_rejected_task_is_told_with_its_reason_alone(void **state)
{
    EA_FREE_AUTO char *body = ea_state_change_rejected("bench", ARN, "bad \"task\"");

    (void)state;
    assert_string_equal(body, "{\"cluster\":\"bench\",\"task\":\"" ARN
                              "\",\"status\":\"STOPPED\",\"reason\":\"bad \\\"task\\\"\"}");
}

static void only_an_invalid_parameter_ends_the_tries(void **state)
{
    static const struct {
        ea_code code;
        int status;
        const char *aws;
        ea_report_outcome want;
    } cases[] = {
        { EA_OK, 200, "", EA_REPORT_SENT },
        { EA_INVALID, 400, "InvalidParameterException", EA_REPORT_DROP },
        { EA_INVALID, 400, "invalidparameterexception", EA_REPORT_DROP },
        { EA_DENIED, 400, "AccessDeniedException", EA_REPORT_RETRY },
        { EA_REFUSED, 400, "ClientException", EA_REPORT_RETRY },
        { EA_THROTTLED, 400, "ThrottlingException", EA_REPORT_RETRY },
        { EA_SERVER, 500, "", EA_REPORT_RETRY },
        { EA_TIMEOUT, 0, "", EA_REPORT_RETRY },
        { EA_CANCELLED, 0, NULL, EA_REPORT_RETRY },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        assert_int_equal(ea_report_classify(cases[i].code, cases[i].status, cases[i].aws),
                         cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_equal_the_recorded_ones),
        cmocka_unit_test(only_containers_that_have_news_are_told),
        cmocka_unit_test(exit_codes_wrap_to_32_bits),
        cmocka_unit_test(bindings_of_a_port_range_become_one_per_protocol_and_address),
        cmocka_unit_test(too_many_bindings_do_not_keep_the_state_from_being_told),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(a_rejected_task_is_told_with_its_reason_alone),
        cmocka_unit_test(only_an_invalid_parameter_ends_the_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
