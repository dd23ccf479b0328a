#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "local/payload.h"
#include "local/taskdef.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

static cJSON *parse(const char *json)
{
    cJSON *tree = NULL;
    ea_err err;

    if (ea_json_parse(ea_str_of(json), &tree, &err))
        fail_msg("%s in %s", err.text, json);
    return tree;
}

/* A definition with one container made of these members. */
static cJSON *definition(const char *container, const char *more)
{
    EA_FREE_AUTO char *json = ea_sprintf_dup(
        "{\"family\":\"f\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\","
        "\"memory\":32%s}]%s}",
        container, more);

    return parse(json);
}

static void sizes_are_read_with_their_units(void **state)
{
    static const struct {
        const char *text;
        int64_t cpu, memory; /* -1: refused */
    } rows[] = {
        { "256", 256, 256 },      { "0.5 vCPU", 512, -1 }, { "1vcpu", 1024, -1 },
        { "2 GB", -1, 2048 },     { "0.5GB", -1, 512 },    { "512 MB", -1, 512 },
        { "127", -1, 127 },       { "3", -1, -1 },         { "much", -1, -1 },
        { "-256", -1, -1 },       { "256x", -1, -1 },      { "1e300", -1, -1 },
        { "196609", -1, 196609 }, { "nan", -1, -1 },       { "", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        int64_t cpu = 7, memory = 7;
        ea_err err;

        if (ea_lc_parse_cpu(rows[i].text, &cpu, &err))
            cpu = -1;
        if (ea_lc_parse_memory(rows[i].text, &memory, &err))
            memory = -1;
        if (cpu != rows[i].cpu || memory != rows[i].memory)
            fail_msg("'%s': got %lld, %lld", rows[i].text, (long long)cpu, (long long)memory);
    }
}

static void defaults_are_filled_in(void **state)
{
    cJSON *request = definition(",\"portMappings\":[{\"containerPort\":80}],\"unknown\":1,"
                                "\"healthCheck\":{\"command\":[\"CMD\",\"x\"]}",
                                ",\"cpu\":\"0.25 vCPU\",\"memory\":\"1 GB\",\"volumes\":[{\"name\":"
                                "\"v\"}],\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]");
    cJSON *body = NULL;
    char *text;
    ea_err err;

    (void)state;
    if (ea_lc_taskdef_make(request, NULL, &body, &err))
        fail_msg("%s", err.text);
    text = cJSON_PrintUnformatted(body);
    assert_string_equal(
        text,
        "{\"family\":\"f\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\",\"memory\":32,"
        "\"portMappings\":[{\"containerPort\":80,\"hostPort\":0,\"protocol\":\"tcp\"}],"
        "\"healthCheck\":{\"command\":[\"CMD\",\"x\"],\"interval\":30,\"timeout\":5,\"retries\":3},"
        "\"cpu\":0,\"essential\":true,\"environment\":[],\"mountPoints\":[],\"volumesFrom\":[],"
        "\"systemControls\":[]}],\"cpu\":\"256\",\"memory\":\"1024\",\"volumes\":[{\"name\":\"v\","
        "\"host\":{}}],\"placementConstraints\":[],\"compatibilities\":[\"EXTERNAL\",\"EC2\"],"
        "\"requiresAttributes\":[{\"name\":\"com.amazonaws.ecs.capability.docker-remote-api.1.24\"}"
        ","
        "{\"name\":\"ecs.capability.container-health-check\"},"
        "{\"name\":\"ecs.capability.task-cpu-mem-limit\"}]}");
    cJSON_free(text);
    cJSON_Delete(body);
    cJSON_Delete(request);
}

static void a_definition_asks_for_what_it_uses(void **state)
{
    static const struct {
        const char *why, *container, *more, *wants;
    } rows[] = {
        { "nothing special", "", "", "com.amazonaws.ecs.capability.docker-remote-api.1.18" },
        { "a reservation", ",\"memoryReservation\":16", "",
          "com.amazonaws.ecs.capability.docker-remote-api.1.21" },
        { "an init process", ",\"linuxParameters\":{\"initProcessEnabled\":true}", "",
          "com.amazonaws.ecs.capability.docker-remote-api.1.25" },
        { "shared memory", ",\"linuxParameters\":{\"sharedMemorySize\":64}", "",
          "com.amazonaws.ecs.capability.docker-remote-api.1.22" },
        { "a log driver", ",\"logConfiguration\":{\"logDriver\":\"gelf\"}", "",
          "com.amazonaws.ecs.capability.logging-driver.gelf" },
        { "logs with the execution role", ",\"logConfiguration\":{\"logDriver\":\"awslogs\"}",
          ",\"executionRoleArn\":\"r\"", "ecs.capability.execution-role-awslogs" },
        { "a task role", "", ",\"taskRoleArn\":\"r\"",
          "com.amazonaws.ecs.capability.task-iam-role" },
        { "a task role on the host's network", "",
          ",\"taskRoleArn\":\"r\",\"networkMode\":\"host\"",
          "com.amazonaws.ecs.capability.task-iam-role-network-host" },
        { "privileges", ",\"privileged\":true", "",
          "com.amazonaws.ecs.capability.privileged-container" },
        { "a secret of Secrets Manager",
          ",\"secrets\":[{\"name\":\"S\",\"valueFrom\":"
          "\"arn:aws:secretsmanager:us-west-2:1:secret:x\"}]",
          "", "ecs.capability.secrets.asm.environment-variables" },
        { "a parameter by name", ",\"secrets\":[{\"name\":\"S\",\"valueFrom\":\"x\"}]", "",
          "ecs.capability.secrets.ssm.environment-variables" },
        { "a timeout", ",\"stopTimeout\":5", "", "ecs.capability.container-ordering" },
        { "a restart policy", ",\"restartPolicy\":{\"enabled\":true}", "",
          "ecs.capability.container-restart-policy" },
        { "a range of ports", ",\"portMappings\":[{\"containerPortRange\":\"80-90\"}]", "",
          "ecs.capability.network.container-port-range" },
        { "a file of variables", ",\"environmentFiles\":[{\"type\":\"s3\",\"value\":\"a\"}]", "",
          "ecs.capability.env-files.s3" },
        { "a volume of Docker", "",
          ",\"volumes\":[{\"name\":\"v\",\"dockerVolumeConfiguration\":{\"scope\":\"task\"}}]",
          "ecs.capability.docker-plugin.local" },
        { "a size of the task", "", ",\"cpu\":\"256\"", "ecs.capability.task-cpu-mem-limit" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        cJSON *request = definition(rows[i].container, rows[i].more), *body = NULL;
        ea_strlist names = { NULL, 0 };
        bool found = false;
        ea_err err;

        if (ea_lc_taskdef_make(request, NULL, &body, &err))
            fail_msg("%s: %s", rows[i].why, err.text);
        ea_lc_taskdef_requires(body, NULL, &names);
        for (size_t k = 0; k < names.n; k++)
            found = found || strcmp(names.v[k], rows[i].wants) == 0;
        if (!found)
            fail_msg("%s does not ask for %s", rows[i].why, rows[i].wants);
        ea_strlist_free(&names);
        cJSON_Delete(body);
        cJSON_Delete(request);
    }
}

static void images_of_the_registry_that_plays_ecr_ask_for_its_login(void **state)
{
    static const struct {
        const char *why, *registry, *image;
        bool login;
    } rows[] = {
        { "its own", "http://127.0.0.1:5000", "127.0.0.1:5000/app:1", true },
        { "its own, said with a slash", "https://registry.test:5443/", "registry.test:5443/app",
          true },
        { "another port", "http://127.0.0.1:5000", "127.0.0.1:50001/app", false },
        { "another host", "http://127.0.0.1:5000", "x.127.0.0.1:5000/app", false },
        { "no registry named", "http://127.0.0.1:5000", "busybox", false },
        { "none plays", NULL, "127.0.0.1:5000/app:1", false },
        { "Amazon's, with one that plays", "http://127.0.0.1:5000",
          "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", true },
    };
    static const char auth[] = "com.amazonaws.ecs.capability.ecr-auth",
                      role[] = "ecs.capability.execution-role-ecr-pull";

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        cJSON *request = definition("", ",\"executionRoleArn\":\"r\""), *body = NULL;
        ea_strlist names = { NULL, 0 };
        size_t found = 0;
        char *text;
        ea_err err;

        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
            cJSON_GetArrayItem(ea_json_get(request, "containerDefinitions"), 0), "image",
            cJSON_CreateString(rows[i].image)));
        if (ea_lc_taskdef_make(request, rows[i].registry, &body, &err))
            fail_msg("%s: %s", rows[i].why, err.text);
        ea_lc_taskdef_requires(body, rows[i].registry, &names);
        for (size_t k = 0; k < names.n; k++)
            found += strcmp(names.v[k], auth) == 0 || strcmp(names.v[k], role) == 0;
        text = cJSON_PrintUnformatted(ea_json_get(body, "requiresAttributes"));
        if (found != (rows[i].login ? 2U : 0U) || (strstr(text, auth) != NULL) != rows[i].login)
            fail_msg("%s: %s", rows[i].why, text);
        cJSON_free(text);
        ea_strlist_free(&names);
        cJSON_Delete(body);
        cJSON_Delete(request);
    }
}

static void images_of_ecr_are_known_by_their_host(void **state)
{
    static const struct {
        const char *image, *region; /* region NULL: none of ECR */
    } rows[] = {
        { "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", "eu-west-1" },
        { "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "cn-north-1" },
        { "12345.dkr.ecr.eu-west-1.amazonaws.com/app", NULL },
        { "x/123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", NULL },
        { "123456789012.dkr.ecr.eu-west-1.example.com/app", NULL },
        { "busybox", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_str account, region = { NULL, 0 };
        bool is = ea_lc_image_is_ecr(rows[i].image, &account, &region);

        if (is != (rows[i].region != NULL) || (is && !ea_str_eqz(region, rows[i].region)))
            fail_msg("%s", rows[i].image);
    }
}

static void docker_gets_what_the_agent_does_not_model(void **state)
{
    static const struct {
        const char *why, *container, *body, *config, *host;
    } rows[] = {
        { "nothing", "", "", "{}", "{}" },
        { "who and where", ",\"user\":\"u\",\"workingDirectory\":\"/w\",\"hostname\":\"h\"", "",
          "{\"User\":\"u\",\"WorkingDir\":\"/w\",\"Hostname\":\"h\"}", "{}" },
        { "a terminal", ",\"pseudoTerminal\":true,\"interactive\":true", "",
          "{\"Tty\":true,\"OpenStdin\":true}", "{}" },
        { "no network", ",\"disableNetworking\":true", ",\"networkMode\":\"none\"",
          "{\"NetworkDisabled\":true}", "{\"NetworkMode\":\"none\"}" },
        { "names", ",\"dnsServers\":[\"1.1.1.1\"],\"dnsSearchDomains\":[\"d\"]", "", "{}",
          "{\"Dns\":[\"1.1.1.1\"],\"DnsSearch\":[\"d\"]}" },
        { "empty lists", ",\"dnsServers\":[],\"ulimits\":[],\"extraHosts\":[]", "", "{}", "{}" },
        { "security options", ",\"dockerSecurityOptions\":[\"credentialspec:file://x.json\"]", "",
          "{}", "{\"SecurityOpt\":[\"credentialspec:file://x.json\"]}" },
        { "kernel settings", ",\"systemControls\":[{\"namespace\":\"net.x\",\"value\":\"1\"}]", "",
          "{}", "{\"Sysctls\":{\"net.x\":\"1\"}}" },
        { "devices",
          ",\"linuxParameters\":{\"devices\":[{\"hostPath\":\"/dev/a\",\"permissions\":[\"read\","
          "\"mknod\"]},{\"hostPath\":\"/dev/b\",\"containerPath\":\"/dev/c\"}]}",
          "", "{}",
          "{\"Devices\":[{\"PathOnHost\":\"/dev/a\",\"PathInContainer\":\"/dev/a\","
          "\"CgroupPermissions\":\"rm\"},{\"PathOnHost\":\"/dev/b\",\"PathInContainer\":\"/dev/c\","
          "\"CgroupPermissions\":\"rwm\"}]}" },
        { "memory file systems",
          ",\"linuxParameters\":{\"tmpfs\":[{\"containerPath\":\"/t\",\"size\":8,"
          "\"mountOptions\":[\"rw\",\"noexec\"]}]}",
          "", "{}", "{\"Tmpfs\":{\"/t\":\"rw,noexec,size=8m\"}}" },
        { "swap counts with memory", ",\"linuxParameters\":{\"maxSwap\":16,\"swappiness\":0}", "",
          "{}", "{\"MemorySwap\":50331648,\"MemorySwappiness\":0}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        cJSON *body = definition(rows[i].container, rows[i].body);
        const cJSON *c = ea_json_get(body, "containerDefinitions")->child;
        cJSON *config = ea_lc_docker_config(c), *host = ea_lc_docker_host_config(body, c);
        char *a = cJSON_PrintUnformatted(config), *b = cJSON_PrintUnformatted(host);

        if (strcmp(a, rows[i].config) != 0 || strcmp(b, rows[i].host) != 0)
            fail_msg("%s: got %s and %s", rows[i].why, a, b);
        cJSON_free(a);
        cJSON_free(b);
        cJSON_Delete(config);
        cJSON_Delete(host);
        cJSON_Delete(body);
    }
}

static void a_payload_holds_the_task_with_its_overrides(void **state)
{
    struct ea_lc_task *t = ea_lc_task_new();
    struct ea_lc_taskdef *d = ea_lc_taskdef_new();
    ea_lc_payload_in in = { .task = t, .taskdef = d, .region = "us-west-2", .account = "1" };
    EA_BUF_AUTO out = EA_BUF(64 * 1024);
    ea_err err;

    (void)state;
    t->arn = ea_strdup("arn:t");
    t->cluster_arn = ea_strdup("arn:c");
    t->desired = ea_strdup("RUNNING");
    t->cpu = ea_strdup("512");
    t->memory = ea_strdup("64");
    t->overrides = ea_strdup("{\"containerOverrides\":[{\"name\":\"a\",\"cpu\":7,\"memory\":40,"
                             "\"memoryReservation\":20,\"environment\":[{\"name\":\"E\",\"value\":"
                             "\"2\"}]}]}");
    d->family = ea_strdup("f");
    d->revision = 3;
    d->body = ea_strdup("{\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\",\"cpu\":1,"
                        "\"memory\":32,\"memoryReservation\":16,\"essential\":false,"
                        "\"environment\":[{\"name\":\"E\",\"value\":\"1\"}],"
                        "\"links\":[\"b\"]}],\"volumes\":[{\"name\":\"v\",\"host\":{\"sourcePath\":"
                        "\"/s\"}}]}");
    if (ea_lc_payload_task(&in, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(
        ea_buf_z(&out),
        "{\"arn\":\"arn:t\",\"taskClusterArn\":\"arn:c\",\"desiredStatus\":\"RUNNING\","
        "\"family\":\"f\",\"version\":\"3\",\"taskDefinitionAccountId\":\"1\",\"launchType\":"
        "\"EC2\","
        "\"cpu\":0.5,\"memory\":64,\"overrides\":\"{}\",\"containers\":[{\"name\":\"a\","
        "\"image\":\"i\",\"cpu\":7,\"memory\":40,\"essential\":false,"
        "\"environment\":{\"AWS_EXECUTION_ENV\":\"AWS_ECS_EC2\",\"E\":\"2\"},\"overrides\":\"{}\","
        "\"portMappings\":[],\"mountPoints\":[],\"volumesFrom\":[],\"links\":[\"b\"],"
        "\"dockerConfig\":{\"version\":\"1.21\",\"config\":\"{}\","
        "\"hostConfig\":\"{\\\"MemoryReservation\\\":20971520}\"}}],"
        "\"volumes\":[{\"name\":\"v\",\"type\":\"host\",\"host\":{\"sourcePath\":\"/s\"}}]}");
    ea_lc_task_free(t);
    ea_lc_taskdef_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_with_their_units),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(a_definition_asks_for_what_it_uses),
        cmocka_unit_test(images_of_the_registry_that_plays_ecr_ask_for_its_login),
        cmocka_unit_test(images_of_ecr_are_known_by_their_host),
        cmocka_unit_test(docker_gets_what_the_agent_does_not_model),
        cmocka_unit_test(a_payload_holds_the_task_with_its_overrides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
