#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/model.h"

struct read {
    struct ea_task *task;
    struct ea_creds role, exec;
    char *arn;
    ea_err err;
};

static ea_code read_task(struct read *r, const char *text)
{
    cJSON *value = cJSON_Parse(text);

    memset(r, 0, sizeof(*r));
    assert_non_null(value);
    ea_code code = ea_task_from_wire(value, &r->task, &r->role, &r->exec, &r->arn, &r->err);
    cJSON_Delete(value);
    return code;
}

static void read_done(struct read *r)
{
    ea_task_free(r->task);
    ea_creds_done(&r->role);
    ea_creds_done(&r->exec);
    ea_free(r->arn);
}

static const char full[] =
    "{\"arn\":\"arn:aws:ecs:r:1:task/c/1\",\"desiredStatus\":\"RUNNING\",\"family\":\"web\","
    "\"version\":\"7\",\"cpu\":0.25,\"memory\":512,\"networkMode\":\"bridge\",\"launchType\":"
    "\"EC2\","
    "\"serviceName\":\"svc\",\"group\":\"service:svc\",\"enableFaultInjection\":true,"
    "\"overrides\":\"{}\",\"taskClusterArn\":\"ignored\","
    "\"roleCredentials\":{\"credentialsId\":\"r1\",\"roleArn\":\"arn:role\",\"accessKeyId\":\"AK\","
    "\"secretAccessKey\":\"SK\",\"sessionToken\":\"ST\",\"expiration\":\"2026-01-01T00:00:00Z\"},"
    "\"volumes\":[{\"name\":\"empty\",\"host\":{}},{\"name\":\"d\",\"type\":\"docker\","
    "\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true,\"driverOpts\":"
    "{\"a\":\"b\"}}}],"
    "\"containers\":[{\"name\":\"app\",\"image\":\"nginx:1\",\"cpu\":10,\"memory\":64,"
    "\"essential\":true,\"command\":[\"old\"],\"overrides\":\"{\\\"command\\\":[\\\"new\\\","
    "\\\"2\\\"]}\","
    "\"environment\":{\"K\":\"V\"},\"portMappings\":[{\"containerPort\":80,\"hostPort\":0},"
    "{\"containerPortRange\":\"100-110\",\"protocol\":\"udp\"}],"
    "\"dependsOn\":[{\"containerName\":\"init\",\"condition\":\"SUCCESS\"}],"
    "\"dockerConfig\":{\"version\":\"1.21\",\"config\":\"{}\",\"hostConfig\":\"{}\"},"
    "\"healthCheckType\":\"docker\",\"registryAuthentication\":{\"type\":\"ecr\",\"ecrAuthData\":"
    "{\"registryId\":\"1\",\"useExecutionRole\":true}},\"restartPolicy\":{\"enabled\":true,"
    "\"ignoredExitCodes\":[0,2],\"restartAttemptPeriod\":60}},"
    "{\"name\":\"init\",\"image\":\"i\"}]}";

static void a_task_is_read_with_all_that_the_engine_uses(void **state)
{
    struct read r;

    (void)state;
    assert_int_equal(read_task(&r, full), EA_OK);
    const struct ea_task *t = r.task;
    assert_int_equal(t->desired, EA_T_RUNNING);
    assert_true(t->cpu > 0.249 && t->cpu < 0.251);
    assert_int_equal(t->memory_mib, 512);
    assert_true(ea_task_is_bridge(t));
    assert_string_equal(t->credentials_id, "r1");
    assert_null(t->execution_credentials_id);
    assert_string_equal(r.role.secret_access_key, "SK");
    assert_string_equal(r.role.task_arn, t->arn);
    const struct ea_container *c = ea_task_container(t, "app");
    assert_string_equal(c->command.v[0], "new");
    assert_int_equal(c->command.n, 2);
    assert_null(c->overrides);
    assert_int_equal(c->ports.n, 2);
    assert_string_equal(c->ports.v[1].container_port_range, "100-110");
    assert_int_equal(c->depends_on.v[0].condition, EA_DEP_SUCCESS);
    assert_true(ea_container_has_health_check(c));
    assert_true(c->registry_auth->ecr->use_execution_role);
    assert_int_equal(c->restart_policy->ignored_exit_codes.n, 2);
    assert_non_null(ea_task_volume(t, "empty")->host);
    assert_true(ea_task_volume(t, "d")->docker->autoprovision);
    assert_null(ea_task_container(t, "nobody"));
    read_done(&r);
}

#define C(members) "{\"arn\":\"a\",\"containers\":[{\"name\":\"c\"," members "}]}"
#define V(members) "{\"arn\":\"a\",\"volumes\":[{\"name\":\"v\"" members "}]}"

static void what_breaks_a_rule_is_refused_with_its_name(void **state)
{
    static const struct {
        const char *why, *text, *words;
    } cases[] = {
        { "unknown word", "{\"arn\":\"a\",\"desiredStatus\":\"running\"}", "desiredStatus" },
        { "PULLED has no word", "{\"arn\":\"a\",\"desiredStatus\":\"PULLED\"}", "desiredStatus" },
        { "no arn", "{\"desiredStatus\":\"RUNNING\"}", "arn" },
        { "negative cpu", C("\"cpu\":-1"), "cpu" },
        { "negative memory", C("\"memory\":-1"), "memory" },
        { "negative task memory", "{\"arn\":\"a\",\"memory\":-1}", "memory" },
        { "text for a number", C("\"cpu\":\"1\""), "cpu" },
        { "port beyond 16 bits", C("\"portMappings\":[{\"containerPort\":65536}]"),
          "containerPort" },
        { "negative host port", C("\"portMappings\":[{\"hostPort\":-1}]"), "hostPort" },
        { "protocol in capitals", C("\"portMappings\":[{\"protocol\":\"TCP\"}]"), "protocol" },
        { "range backwards", C("\"portMappings\":[{\"containerPortRange\":\"9-8\"}]"), "Range" },
        { "range without end", C("\"portMappings\":[{\"containerPortRange\":\"9\"}]"), "Range" },
        { "overrides as an object", C("\"overrides\":{\"command\":[\"x\"]}"), "overrides" },
        { "overrides empty", C("\"overrides\":\"\""), "overrides" },
        { "overrides with another key", C("\"overrides\":\"{\\\"cpu\\\":1}\""), "cpu" },
        { "overrides not an object", C("\"overrides\":\"[]\""), "object" },
        { "condition unknown",
          C("\"dependsOn\":[{\"containerName\":\"d\",\"condition\":\"READY\"}]"), "condition" },
        { "environment as a list", C("\"environment\":[]"), "environment" },
        { "two of one name", "{\"arn\":\"a\",\"containers\":[{\"name\":\"c\"},{\"name\":\"c\"}]}",
          "c" },
        { "volume without host", V(""), "host" },
        { "docker volume without its member", V(",\"type\":\"docker\",\"host\":{}"),
          "dockerVolumeConfiguration" },
        { "efs without its member", V(",\"type\":\"efs\""), "efsVolumeConfiguration" },
        { "type that nobody knows", V(",\"type\":\"ebs\",\"host\":{}"), "ebs" },
        { "volume without a name", "{\"arn\":\"a\",\"volumes\":[{\"host\":{}}]}", "name" },
        { "credentials without id", "{\"arn\":\"a\",\"roleCredentials\":{\"credentialsId\":\"\"}}",
          "credentialsId" },
        { "execution credentials without id", "{\"arn\":\"a\",\"executionRoleCredentials\":{}}",
          "executionRoleCredentials" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct read r;

        if (read_task(&r, cases[i].text) != EA_INVALID || !strstr(r.err.text, cases[i].words))
            fail_msg("%s: \"%s\"", cases[i].why, r.err.text);
        if (!ea_zstr_eq(r.arn, strstr(cases[i].text, "\"arn\"") ? "a" : NULL))
            fail_msg("%s: arn %s", cases[i].why, r.arn);
        read_done(&r);
    }
}

static void what_is_unusual_and_right_is_taken(void **state)
{
    static const struct {
        const char *why, *text;
    } cases[] = {
        { "nothing but an arn", "{\"arn\":\"a\"}" },
        { "null counts as absent", "{\"arn\":\"a\",\"desiredStatus\":null,\"containers\":null}" },
        { "an older word", "{\"arn\":\"a\",\"desiredStatus\":\"DEAD\"}" },
        { "null protocol", C("\"portMappings\":[{\"containerPort\":80,\"protocol\":null}]") },
        { "largest port", C("\"portMappings\":[{\"containerPort\":65535,\"hostPort\":65535}]") },
        { "overrides without command", C("\"overrides\":\"{}\"") },
        { "overrides with null", C("\"overrides\":\"{\\\"command\\\":null}\"") },
        { "volume of an attachment",
          "{\"arn\":\"a\",\"volumes\":[{\"name\":\"v\"}],\"attachments\":[{\"attachmentType\":"
          "\"amazonebs\","
          "\"attachmentProperties\":[{\"name\":\"volumeName\",\"value\":\"v\"}]}]}" },
        { "members that nobody knows", "{\"arn\":\"a\",\"shape\":{\"x\":[1]}}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct read r;

        if (read_task(&r, cases[i].text))
            fail_msg("%s: %s", cases[i].why, r.err.text);
        read_done(&r);
    }
}

static void a_row_gives_back_the_task_and_no_secret(void **state)
{
    struct read r;
    char *first = NULL, *second = NULL;
    struct ea_task *again = NULL;

    (void)state;
    assert_int_equal(read_task(&r, full), EA_OK);
    struct ea_task *t = r.task;
    struct ea_container *c = &t->containers.v[0];
    t->known = EA_T_RUNNING;
    t->was_running = t->prepared = t->holds_resources = true;
    t->reason = ea_strdup("why \"not\"");
    t->pull_started_ms = 1700000000123;
    c->known = EA_C_PROVISIONED;
    c->exit_code = (ea_opt_i64){ true, 0 };
    c->ports.v[0].assigned_host_port = 49153;
    c->docker_id = ea_strdup("id");
    c->health.status = EA_HEALTH_UNHEALTHY;
    c->vanished = true;
    t->volumes.v[0].known = EA_R_CREATED;
    t->volumes.v[0].created_by_us = true;
    assert_int_equal(ea_task_to_row(t, &first, &r.err), EA_OK);
    assert_null(strstr(first, "SK"));
    assert_int_equal(ea_task_from_row(ea_str_of(first), &again, &r.err), EA_OK);
    assert_int_equal(ea_task_to_row(again, &second, &r.err), EA_OK);
    assert_string_equal(first, second);
    assert_int_equal(again->containers.v[0].known, EA_C_PROVISIONED);
    assert_true(again->containers.v[0].exit_code.has);
    assert_false(again->containers.v[1].exit_code.has);
    assert_int_equal(again->containers.v[0].ports.v[0].assigned_host_port, 49153);
    assert_int_equal(again->containers.v[0].depends_on.v[0].condition, EA_DEP_SUCCESS);
    assert_non_null(ea_task_volume(again, "empty")->host);
    assert_true(again->volumes.v[0].created_by_us);
    ea_task_free(again);
    ea_free(first);
    ea_free(second);
    read_done(&r);
}

static void a_row_that_is_no_task_is_refused(void **state)
{
    static const char *const rows[] = { "", "{", "[]", "{\"arn\":1}", "{}", "{\"arn\":\"a\"} x" };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        struct ea_task *t = NULL;
        ea_err err = { 0 };

        if (!ea_task_from_row(ea_str_of(rows[i]), &t, &err))
            fail_msg("row %s was taken", rows[i]);
        assert_null(t);
        assert_true(strncmp(err.text, "stored task: ", 13) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_read_with_all_that_the_engine_uses),
        cmocka_unit_test(what_breaks_a_rule_is_refused_with_its_name),
        cmocka_unit_test(what_is_unusual_and_right_is_taken),
        cmocka_unit_test(a_row_gives_back_the_task_and_no_secret),
        cmocka_unit_test(a_row_that_is_no_task_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
