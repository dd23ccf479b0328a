#include "docker/docker_body.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cJSON.h>
#include <cmocka.h>
#include <string.h>

#define UUID "0a535d94-675c-4b7b-beff-098c8ac7b60d"
#define ARN  "arn:aws:ecs:us-west-2:123456789012:task/bench/a3b4e5e429b04a738c9a357f1cc759be"

/* ---- comparing bodies ------------------------------------------------------------------------- */

/* Docker reads an absent member as its default: both sides lose what is null, empty, zero or false. */
static bool is_default(const cJSON *v)
{
    const cJSON *m;

    if (cJSON_IsArray(v)) {
        cJSON_ArrayForEach(m, v)
        {
            if (!cJSON_IsNumber(m) || !is_default(m))
                return false;
        }
        return true;
    }
    return cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsNumber(v) && v->valuedouble == 0) ||
           (cJSON_IsString(v) && !*v->valuestring) || (cJSON_IsObject(v) && !v->child);
}

/* Entries of these maps mean something by being there. */
static bool keeps_empty(const char *name)
{
    return name && (strcmp(name, "ExposedPorts") == 0 || strcmp(name, "Volumes") == 0 ||
                    strcmp(name, "Labels") == 0 || strcmp(name, "Config") == 0);
}

static void prune(cJSON *v)
{
    for (cJSON *m = v->child, *next; m; m = next) {
        next = m->next;
        if (!keeps_empty(v->string))
            prune(m);
        if (cJSON_IsObject(v) && is_default(m) && !keeps_empty(v->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(v, m));
    }
}

static bool has_text(const cJSON *list, const char *text)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, list)
    {
        if (cJSON_IsString(m) && strcmp(m->valuestring, text) == 0)
            return true;
    }
    return false;
}

/* Env is a set. */
static bool same_env(const cJSON *a, const cJSON *b)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, a)
    {
        if (!has_text(b, m->valuestring))
            return false;
    }
    return cJSON_GetArraySize(a) == cJSON_GetArraySize(b);
}

static void assert_body(const char *why, const char *got, const char *want)
{
    cJSON *a = cJSON_Parse(got), *b = cJSON_Parse(want);

    assert_non_null(a);
    if (!b)
        fail_msg("%s: the expectation is no JSON", why);
    prune(a);
    prune(b);
    if (!same_env(cJSON_GetObjectItem(a, "Env"), cJSON_GetObjectItem(b, "Env")))
        fail_msg("%s: environment differs in %s", why, got);
    cJSON_DeleteItemFromObject(a, "Env");
    cJSON_DeleteItemFromObject(b, "Env");
    if (!cJSON_Compare(a, b, true)) {
        char *shown_a = cJSON_PrintUnformatted(a), *shown_b = cJSON_PrintUnformatted(b);

        fail_msg("%s:\ngot  %s\nwant %s", why, shown_a, shown_b);
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
}

/* ---- making tasks ----------------------------------------------------------------------------- */

static struct ea_task *task_of(const char *json)
{
    cJSON *tree = cJSON_Parse(json);
    struct ea_task *t = NULL;
    struct ea_creds role = { 0 }, exec = { 0 };
    char *arn = NULL;
    ea_err err = { 0 };

    if (!tree)
        fail_msg("no JSON: %s", json);
    if (ea_task_from_wire(tree, &t, &role, &exec, &arn, &err))
        fail_msg("%s: %s", err.text, json);
    for (size_t i = 0; i < t->containers.n; i++)
        ea_set_str(&t->containers.v[i].endpoint_id, UUID);
    ea_creds_done(&role);
    ea_creds_done(&exec);
    ea_free(arn);
    cJSON_Delete(tree);
    return t;
}

/* A task of one container with these members besides the needed ones. */
static struct ea_task *task_with(const char *task_members, const char *container_members)
{
    EA_FREE_AUTO char *json = ea_sprintf_dup(
        "{\"arn\":\"" ARN "\",\"family\":\"f\",\"version\":\"7\",\"desiredStatus\":\"RUNNING\"%s,"
        "\"containers\":[{\"name\":\"web\",\"image\":\"img\",\"essential\":true%s}]}",
        task_members, container_members);

    return task_of(json);
}

static char *body_of(const struct ea_task *t, size_t i, const struct ea_body_settings *set)
{
    const char *name = NULL;
    char *json = NULL;
    ea_err err = { 0 };

    if (ea_docker_body(t, &t->containers.v[i], set, &json, &name, &err))
        fail_msg("%s: %s", name, err.text);
    return json;
}

static const struct ea_body_settings linux_set = { .cluster = "bench", .region = "us-west-2" };
static const struct ea_body_settings windows_set = {
    .windows = true, .cluster = "bench", .region = "us-west-2", .processors = 4
};

#define URIS                                                                                       \
    "\"ECS_AGENT_URI=http://169.254.170.2/api/" UUID "\","                                         \
    "\"ECS_CONTAINER_METADATA_URI=http://169.254.170.2/v3/" UUID "\","                             \
    "\"ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/" UUID "\""
#define REGION "\"AWS_REGION=us-west-2\",\"AWS_DEFAULT_REGION=us-west-2\""
#define LABELS(container, family, version)                                                         \
    "\"Labels\":{\"com.amazonaws.ecs.cluster\":\"bench\","                                         \
    "\"com.amazonaws.ecs.container-name\":\"" container "\","                                      \
    "\"com.amazonaws.ecs.task-arn\":\"" ARN "\","                                                  \
    "\"com.amazonaws.ecs.task-definition-family\":\"" family "\","                                 \
    "\"com.amazonaws.ecs.task-definition-version\":\"" version "\"}"
#define USUAL "\"Image\":\"img\",\"Env\":[" URIS "," REGION "]," LABELS("web", "f", "7")

/* ---- tests ------------------------------------------------------------------------------------ */

/* What the reference agent sent for the same payload (observed.md, create-ports-env). */
static void a_recorded_task_gives_the_recorded_body(void **state)
{
    static const char payload[] =
        "{\"arn\":\"" ARN "\",\"family\":\"bench\",\"version\":\"1\",\"desiredStatus\":\"RUNNING\","
        "\"networkMode\":\"bridge\",\"overrides\":\"{}\",\"volumes\":[],\"containers\":[{"
        "\"command\":[\"sh\",\"-c\",\"trap 'exit 0' TERM; sleep 100000 & wait\"],\"cpu\":10,"
        "\"dockerConfig\":{\"config\":\"{}\",\"hostConfig\":\"{\\\"NetworkMode\\\": "
        "\\\"bridge\\\"}\","
        "\"version\":\"1.18\"},\"environment\":{\"A\":\"one with space\",\"B\":\"two\","
        "\"EMPTY\":\"\"},\"essential\":true,\"image\":\"127.0.0.1:5000/tiny:1\",\"links\":[],"
        "\"memory\":16,\"mountPoints\":[],\"name\":\"web\",\"overrides\":\"{}\","
        "\"portMappings\":[{\"containerPort\":80,\"hostPort\":18181,\"protocol\":\"tcp\"},"
        "{\"containerPort\":53,\"hostPort\":0,\"protocol\":\"udp\"}],\"volumesFrom\":[]}]}";
    struct ea_task *t = task_of(payload);
    char *json;

    (void)state;
    t->containers.v[0].ports.v[1].assigned_host_port = 32768;
    json = body_of(t, 0, &linux_set);
    assert_body(
        "ports and environment", json,
        "{\"Cmd\":[\"sh\",\"-c\",\"trap 'exit 0' TERM; sleep 100000 & wait\"],"
        "\"Env\":[" URIS "," REGION ",\"A=one with space\",\"B=two\",\"EMPTY=\"],"
        "\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}},\"Image\":\"127.0.0.1:5000/tiny:1\","
        "\"HostConfig\":{\"CpuShares\":10,\"Memory\":16777216,\"NetworkMode\":\"bridge\","
        "\"ConsoleSize\":[0,0],\"PortBindings\":{"
        "\"53/udp\":[{\"HostIp\":\"\",\"HostPort\":\"32768\"}],"
        "\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"18181\"}]}}," LABELS("web", "bench", "1") "}");
    ea_free(json);
    ea_task_free(t);
}

static void a_health_check_from_the_raw_configuration_is_kept(void **state)
{
    struct ea_task *t = task_with(
        "", ",\"healthCheckType\":\"docker\",\"cpu\":10,\"dockerConfig\":{\"config\":"
            "\"{\\\"Healthcheck\\\": {\\\"Test\\\": [\\\"CMD-SHELL\\\", \\\"true\\\"], "
            "\\\"Interval\\\": 30000000000, \\\"Timeout\\\": 2000000000, \\\"Retries\\\": 3, "
            "\\\"StartPeriod\\\": 0}}\",\"hostConfig\":\"{}\"}");
    char *json = body_of(t, 0, &linux_set);

    (void)state;
    assert_body("health check", json,
                "{" USUAL ",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
                "\"Interval\":30000000000,\"Timeout\":2000000000,\"Retries\":3},"
                "\"HostConfig\":{\"CpuShares\":10}}");
    assert_non_null(strstr(json, "\"Interval\":30000000000,")); /* never with an exponent */
    ea_free(json);
    ea_task_free(t);
}

static void limits_follow_the_rules_of_each_system(void **state)
{
    static const struct {
        const char *why, *task, *container;
        bool windows, cpu_unbounded, memory_unbounded, propagate;
        int64_t processors;
        const char *host; /* members of HostConfig */
    } cases[] = {
        { "Linux: no limits", "", "", 0, 0, 0, 0, 4, "\"CpuShares\":2" },
        { "Linux: memory has a least value", "", ",\"memory\":1,\"cpu\":1", 0, 0, 0, 0, 4,
          "\"Memory\":4194304,\"CpuShares\":2" },
        { "Linux: shares have a greatest value", "", ",\"cpu\":999999", 0, 0, 0, 0, 4,
          "\"CpuShares\":262144" },
        { "Linux: the task's memory is not the container's", ",\"memory\":64", "", 0, 0, 0, 0, 4,
          "\"CpuShares\":2" },
        { "Linux: unless it is to be", ",\"memory\":64", "", 0, 0, 0, 1, 4,
          "\"CpuShares\":2,\"Memory\":67108864" },
        { "Linux: a container's own limit goes first", ",\"memory\":64", ",\"memory\":32", 0, 0, 0,
          1, 4, "\"CpuShares\":2,\"Memory\":33554432" },
        { "Windows: unset CPU is one percent", "", "", 1, 0, 0, 0, 4, "\"CpuPercent\":1" },
        { "Windows: unbounded", "", "", 1, 1, 0, 0, 4, "" },
        { "Windows: unbounded, but one unit asked for", "", ",\"cpu\":1", 1, 1, 0, 0, 4,
          "\"CpuPercent\":1" },
        { "Windows: shares become percent", "", ",\"cpu\":1024", 1, 0, 0, 0, 4,
          "\"CpuPercent\":25" },
        { "Windows: rounded down", "", ",\"cpu\":1700", 1, 0, 0, 0, 2, "\"CpuPercent\":83" },
        { "Windows: but not to nothing", "", ",\"cpu\":10", 1, 0, 0, 0, 64, "\"CpuPercent\":1" },
        { "Windows: memory has a least value", "", ",\"memory\":16", 1, 0, 0, 0, 4,
          "\"Memory\":268435456,\"CpuPercent\":1" },
        { "Windows: more than that is kept", "", ",\"memory\":512", 1, 0, 0, 0, 4,
          "\"Memory\":536870912,\"CpuPercent\":1" },
        { "Windows: raw shares count", "",
          ",\"cpu\":10,\"dockerConfig\":{\"hostConfig\":\"{\\\"CpuShares\\\":2048}\"}", 1, 0, 0, 0,
          4, "\"CpuPercent\":50" },
        { "Windows: a reservation passes", "",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"MemoryReservation\\\":1048576}\"}", 1, 0, 0, 0,
          4, "\"MemoryReservation\":1048576,\"CpuPercent\":1" },
        { "Windows: not when memory is to be unbounded", "",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"MemoryReservation\\\":1048576}\"}", 1, 0, 1, 0,
          4, "\"CpuPercent\":1" },
        { "Windows: unless there is a limit", "",
          ",\"memory\":512,\"dockerConfig\":{\"hostConfig\":"
          "\"{\\\"MemoryReservation\\\":1048576}\"}",
          1, 0, 1, 0, 4, "\"Memory\":536870912,\"MemoryReservation\":1048576,\"CpuPercent\":1" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with(cases[i].task, cases[i].container);
        struct ea_body_settings set = { .windows = cases[i].windows,
                                        .cluster = "bench",
                                        .region = "us-west-2",
                                        .processors = cases[i].processors,
                                        .cpu_unbounded = cases[i].cpu_unbounded,
                                        .memory_unbounded = cases[i].memory_unbounded,
                                        .propagate_task_memory = cases[i].propagate };
        EA_FREE_AUTO char *json = body_of(t, 0, &set);
        EA_FREE_AUTO char *want = ea_sprintf_dup("{" USUAL ",\"HostConfig\":{%s}}", cases[i].host);

        assert_body(cases[i].why, json, want);
        ea_task_free(t);
    }
}

static void
the_group_of_a_task_replaces_one_of_the_raw_configuration_and_exists_on_linux(void **state)
{
    static const struct {
        const char *why, *group, *want; /* "" none */
        bool windows;
    } cases[] = {
        { "limits of the task", "/ecs/1", "/ecs/1", false },
        { "none", "", "/raw", false },
        { "Windows", "/ecs/1", "/raw", true },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with("", ",\"dockerConfig\":{\"hostConfig\":"
                                          "\"{\\\"CgroupParent\\\":\\\"/raw\\\"}\"}");
        const struct ea_body_settings set = { .windows = cases[i].windows,
                                              .cluster = "bench",
                                              .processors = 2,
                                              .cgroup_parent = cases[i].group };
        EA_FREE_AUTO char *json = body_of(t, 0, &set);
        EA_FREE_AUTO char *want = ea_sprintf_dup("\"CgroupParent\":\"%s\"", cases[i].want);

        if (!strstr(json, want))
            fail_msg("%s: %s", cases[i].why, json);
        ea_task_free(t);
    }
}

static void networks_are_named_as_each_system_names_them(void **state)
{
    static const struct {
        const char *why;
        bool windows;
        const char *task, *raw, *want; /* NetworkMode; "" absent */
    } cases[] = {
        { "Linux bridge", 0, "bridge", "bridge", "bridge" },
        { "Linux host", 0, "host", "host", "host" },
        { "Linux none", 0, "none", "none", "none" },
        { "Linux, said by the task alone", 0, "host", "", "host" },
        { "Linux, said by nobody", 0, "", "", "" },
        { "Windows bridge is nat", 1, "bridge", "bridge", "nat" },
        { "Windows default stays", 1, "", "default", "default" },
        { "Windows empty stays", 1, "", "", "" },
        { "Windows none stays", 1, "none", "none", "none" },
        { "Windows: a network of its own", 1, "bridge", "l2bridge", "l2bridge" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *task = *cases[i].task
                                      ? ea_sprintf_dup(",\"networkMode\":\"%s\"", cases[i].task)
                                      : ea_strdup("");
        EA_FREE_AUTO char *container = ea_sprintf_dup(
            ",\"cpu\":1024,\"dockerConfig\":{\"hostConfig\":\"{\\\"NetworkMode\\\":\\\"%s\\\"}\"}",
            cases[i].raw);
        struct ea_task *t = task_with(task, container);
        EA_FREE_AUTO char *json = body_of(t, 0, cases[i].windows ? &windows_set : &linux_set);
        EA_FREE_AUTO char *want = ea_sprintf_dup(
            "{" USUAL ",\"HostConfig\":{%s,\"NetworkMode\":\"%s\"}}",
            cases[i].windows ? "\"CpuPercent\":25" : "\"CpuShares\":1024", cases[i].want);

        assert_body(cases[i].why, json, want);
        ea_task_free(t);
    }
}

static void mounts_links_and_volumes_name_what_docker_knows(void **state)
{
    static const char payload[] =
        "{\"arn\":\"" ARN "\",\"family\":\"f\",\"version\":\"7\",\"desiredStatus\":\"RUNNING\","
        "\"volumes\":[{\"name\":\"host\",\"host\":{\"sourcePath\":\"/srv/data\"}},"
        "{\"name\":\"scratch\",\"host\":{}},{\"name\":\"own\",\"type\":\"docker\","
        "\"dockerVolumeConfiguration\":{\"scope\":\"shared\"}}],"
        "\"containers\":[{\"name\":\"web\",\"image\":\"img\",\"essential\":true,"
        "\"links\":[\"db:database\",\"cache\"],"
        "\"volumesFrom\":[{\"sourceContainer\":\"db\",\"readOnly\":true},"
        "{\"sourceContainer\":\"cache\",\"readOnly\":false}],"
        "\"mountPoints\":[{\"sourceVolume\":\"host\",\"containerPath\":\"/"
        "data\",\"readOnly\":true},"
        "{\"sourceVolume\":\"scratch\",\"containerPath\":\"/tmp/s\"},"
        "{\"sourceVolume\":\"own\",\"containerPath\":\"/own\"}]},"
        "{\"name\":\"db\",\"image\":\"img\",\"essential\":true},"
        "{\"name\":\"cache\",\"image\":\"img\",\"essential\":true}]}";
    struct ea_task *t = task_of(payload);
    char *json;

    (void)state;
    ea_set_str(&t->containers.v[1].docker_name, "ecs-f-7-db-00");
    ea_set_str(&t->containers.v[2].docker_name, "ecs-f-7-cache-00");
    ea_set_str(&t->volumes.v[1].docker_name, "ecs-f-7-scratch-00");
    ea_set_str(&t->volumes.v[2].docker_name, "own");
    json = body_of(t, 0, &linux_set);
    assert_body("all of them", json,
                "{" USUAL ",\"HostConfig\":{\"CpuShares\":2,"
                "\"Links\":[\"ecs-f-7-db-00:database\",\"ecs-f-7-cache-00:cache\"],"
                "\"VolumesFrom\":[\"ecs-f-7-db-00:ro\",\"ecs-f-7-cache-00\"],"
                "\"Binds\":[\"/srv/data:/data:ro\",\"ecs-f-7-scratch-00:/tmp/s\",\"own:/own\"]}}");
    ea_free(json);
    ea_task_free(t);
}

static void windows_mounts_have_canonical_paths(void **state)
{
    struct ea_task *t = task_with(
        ",\"volumes\":[{\"name\":\"a\",\"host\":{\"sourcePath\":\"C:/Data/../Logs/\"}},"
        "{\"name\":\"p\",\"host\":{\"sourcePath\":\"\\\\\\\\.\\\\pipe\\\\Docker_Engine\"}},"
        "{\"name\":\"d\",\"host\":{\"sourcePath\":\"D:\"}},{\"name\":\"Own\",\"host\":{}}]",
        ",\"mountPoints\":[{\"sourceVolume\":\"a\",\"containerPath\":\"C:\\\\App\\\\Logs\","
        "\"readOnly\":true},{\"sourceVolume\":\"p\",\"containerPath\":"
        "\"\\\\\\\\.\\\\pipe\\\\Docker_Engine\"},{\"sourceVolume\":\"d\",\"containerPath\":\"D:\"},"
        "{\"sourceVolume\":\"Own\",\"containerPath\":\"C:\\\\Own\"}]");
    char *json;

    (void)state;
    ea_set_str(&t->volumes.v[3].docker_name, "ecs-f-7-Own-00");
    json = body_of(t, 0, &windows_set);
    assert_body("paths", json,
                "{" USUAL ",\"HostConfig\":{\"CpuPercent\":1,\"Binds\":["
                "\"c:\\\\logs:c:\\\\app\\\\logs:ro\","
                "\"\\\\\\\\.\\\\pipe\\\\docker_engine:\\\\\\\\.\\\\pipe\\\\docker_engine\","
                "\"d::d:\",\"ecs-f-7-Own-00:c:\\\\own\"]}}");
    ea_free(json);
    ea_task_free(t);
}

static void port_ranges_are_spread_and_equal_ports_collected(void **state)
{
    struct ea_task *t = task_with(
        "", ",\"portMappings\":[{\"containerPortRange\":\"8000-8002\",\"protocol\":\"udp\"},"
            "{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":80,\"hostPort\":8081}]");
    char *json;

    (void)state;
    ea_set_str(&t->containers.v[0].ports.v[0].assigned_range, "49160-49162");
    json = body_of(t, 0, &windows_set);
    assert_body("range", json,
                "{" USUAL ",\"ExposedPorts\":{\"8000/udp\":{},\"8001/udp\":{},\"8002/udp\":{},"
                "\"80/tcp\":{}},\"HostConfig\":{\"CpuPercent\":1,\"PortBindings\":{"
                "\"8000/udp\":[{\"HostPort\":\"49160\"}],\"8001/udp\":[{\"HostPort\":\"49161\"}],"
                "\"8002/udp\":[{\"HostPort\":\"49162\"}],"
                "\"80/tcp\":[{\"HostPort\":\"8080\"},{\"HostPort\":\"8081\"}]}}}");
    ea_free(json);
    ea_task_free(t);
}

static void one_environment_overrides_another(void **state)
{
    static const struct {
        const char *why;
        const char *container;
        const char *credentials;
        ea_kv file[2], secret[2];
        const char *image; /* one entry of the image's Env */
        const char *want;
    } cases[] = {
        { "a task role",
          "",
          "id-1",
          { { 0 } },
          { { 0 } },
          NULL,
          URIS "," REGION ",\"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/id-1\"" },
        { "what the agent sets cannot be set by the task",
          ",\"environment\":{\"ECS_AGENT_URI\":\"mine\"}",
          NULL,
          { { 0 } },
          { { 0 } },
          NULL,
          URIS "," REGION },
        { "files are the lowest",
          ",\"environment\":{\"A\":\"task\"}",
          NULL,
          { { (char *)(uintptr_t) "A", (char *)(uintptr_t) "file" },
            { (char *)(uintptr_t) "B", (char *)(uintptr_t) "file" } },
          { { 0 } },
          NULL,
          URIS "," REGION ",\"A=task\",\"B=file\"" },
        { "secrets are above the task",
          ",\"environment\":{\"A\":\"task\"}",
          NULL,
          { { 0 } },
          { { (char *)(uintptr_t) "A", (char *)(uintptr_t) "secret=1" },
            { (char *)(uintptr_t) "EMPTY", NULL } },
          NULL,
          URIS "," REGION ",\"A=secret=1\",\"EMPTY=\"" },
        { "a region of the task's own",
          ",\"environment\":{\"AWS_REGION\":\"eu-west-1\"}",
          NULL,
          { { 0 } },
          { { 0 } },
          NULL,
          URIS ",\"AWS_REGION=eu-west-1\"" },
        { "a region of the image's own",
          "",
          NULL,
          { { 0 } },
          { { 0 } },
          "AWS_DEFAULT_REGION=eu-west-1",
          URIS },
        { "a variable that only begins so",
          "",
          NULL,
          { { 0 } },
          { { 0 } },
          "AWS_REGION_X=1",
          URIS "," REGION },
        { "a value with every odd character",
          ",\"environment\":{\"Q\":\"a\\\"b\\\\c\\n\\u00fc=\"}",
          NULL,
          { { 0 } },
          { { 0 } },
          NULL,
          URIS "," REGION ",\"Q=a\\\"b\\\\c\\n\\u00fc=\"" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with("", cases[i].container);
        ea_kv file[2] = { cases[i].file[0], cases[i].file[1] };
        ea_kv secret[2] = { cases[i].secret[0], cases[i].secret[1] };
        ea_strmap files = { file, file[0].k ? 2 : 0 }, secrets = { secret, secret[0].k ? 2 : 0 };
        ea_strlist image = { 0 };
        struct ea_body_settings set = linux_set;
        EA_FREE_AUTO char *json = NULL;
        EA_FREE_AUTO char *want = NULL;

        if (cases[i].image)
            ea_strlist_add(&image, cases[i].image);
        ea_set_str(&t->credentials_id, cases[i].credentials);
        set.file_env = &files;
        set.secret_env = &secrets;
        set.image_env = &image;
        json = body_of(t, 0, &set);
        want = ea_sprintf_dup("{\"Image\":\"img\",\"Env\":[%s]," LABELS(
                                  "web", "f", "7") ","
                                                   "\"HostConfig\":{\"CpuShares\":2}}",
                              cases[i].want);
        assert_body(cases[i].why, json, want);
        ea_strlist_free(&image);
        ea_task_free(t);
    }
}

static void log_options_are_completed(void **state)
{
    static const struct {
        const char *why, *container, *region, *want;
    } cases[] = {
        { "awslogs needs nothing where Docker knows the region",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"LogConfig\\\":{\\\"Type\\\":\\\"awslogs\\\","
          "\\\"Config\\\":{\\\"awslogs-group\\\":\\\"g\\\"}}}\"}",
          "us-west-2", "\"Type\":\"awslogs\",\"Config\":{\"awslogs-group\":\"g\"}" },
        { "awslogs in a region that Docker does not know",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"LogConfig\\\":{\\\"Type\\\":\\\"awslogs\\\","
          "\\\"Config\\\":null}}\"}",
          "us-iso-east-1",
          "\"Type\":\"awslogs\",\"Config\":{\"awslogs-endpoint\":"
          "\"https://logs.us-iso-east-1.c2s.ic.gov\"}" },
        { "the execution role's credentials",
          ",\"logsAuthStrategy\":\"ExecutionRole\",\"dockerConfig\":{\"hostConfig\":"
          "\"{\\\"LogConfig\\\":{\\\"Type\\\":\\\"awslogs\\\"}}\"}",
          "us-west-2",
          "\"Type\":\"awslogs\",\"Config\":{\"awslogs-credentials-endpoint\":"
          "\"/v2/credentials/exec-1\"}" },
        { "a buffer for non-blocking logs",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"logconfig\\\":{\\\"type\\\":\\\"json-file\\\","
          "\\\"config\\\":{\\\"mode\\\":\\\"non-blocking\\\"}}}\"}",
          "us-west-2",
          "\"Type\":\"json-file\",\"Config\":{\"mode\":\"non-blocking\","
          "\"max-buffer-size\":\"10m\"}" },
        { "unless one is given",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"LogConfig\\\":{\\\"Type\\\":\\\"json-file\\\","
          "\\\"Config\\\":{\\\"mode\\\":\\\"non-blocking\\\",\\\"max-buffer-size\\\":\\\"4m\\\"}}}"
          "\"}",
          "us-west-2",
          "\"Type\":\"json-file\",\"Config\":{\"mode\":\"non-blocking\","
          "\"max-buffer-size\":\"4m\"}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with("", cases[i].container);
        struct ea_body_settings set = { .cluster = "bench", .region = cases[i].region };
        EA_FREE_AUTO char *json = NULL;
        EA_FREE_AUTO char *want = ea_sprintf_dup(
            "{\"Image\":\"img\",\"Env\":[" URIS ",\"AWS_REGION=%s\","
            "\"AWS_DEFAULT_REGION=%s\"]," LABELS(
                "web", "f", "7") ","
                                 "\"HostConfig\":{\"CpuShares\":2,\"LogConfig\":{%s}}}",
            cases[i].region, cases[i].region, cases[i].want);

        ea_set_str(&t->execution_credentials_id, "exec-1");
        json = body_of(t, 0, &set);
        assert_body(cases[i].why, json, want);
        ea_task_free(t);
    }
}

static void labels_are_written_last(void **state)
{
    struct ea_task *t = task_with(
        "", ",\"dockerConfig\":{\"config\":\"{\\\"labels\\\":{"
            "\\\"com.amazonaws.ecs.task-arn\\\":\\\"forged\\\",\\\"team\\\":\\\"a\\\"},"
            "\\\"HostConfig\\\":{\\\"Privileged\\\":true},\\\"hostconfig\\\":{\\\"x\\\":1}}\"}");
    char *json = body_of(t, 0, &linux_set);

    (void)state;
    assert_null(strstr(json, "forged"));
    assert_non_null(strstr(json, "\"team\":\"a\""));
    assert_null(strstr(json, "Privileged")); /* the other half has its own member */
    assert_null(strstr(json, "\"x\":1"));
    ea_free(json);
    ea_task_free(t);
}

static void bodies_that_cannot_be_built_have_a_name_and_a_reason(void **state)
{
    static const struct {
        const char *why, *task, *container, *name, *text; /* a part of it */
    } cases[] = {
        { "mount of no volume", "",
          ",\"mountPoints\":[{\"sourceVolume\":\"v\",\"containerPath\":\"/x\"}]", "HostConfigError",
          "invalid path" },
        { "mount to nowhere", ",\"volumes\":[{\"name\":\"v\",\"host\":{\"sourcePath\":\"/x\"}}]",
          ",\"mountPoints\":[{\"sourceVolume\":\"v\",\"containerPath\":\"\"}]", "HostConfigError",
          "invalid path" },
        { "volume that Docker has no name for", ",\"volumes\":[{\"name\":\"v\",\"host\":{}}]",
          ",\"mountPoints\":[{\"sourceVolume\":\"v\",\"containerPath\":\"/x\"}]", "HostConfigError",
          "invalid path" },
        { "link to nobody", "", ",\"links\":[\"db\"]", "HostConfigError", "db" },
        { "raw host configuration that is no JSON", "", ",\"dockerConfig\":{\"hostConfig\":\"{\"}",
          "HostConfigError", "hostConfig" },
        { "raw host configuration of a wrong type", "",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"Memory\\\":\\\"1g\\\"}\"}", "HostConfigError",
          "Memory: whole number expected" },
        { "raw configuration that is a list", "", ",\"dockerConfig\":{\"config\":\"[]\"}",
          "DockerClientConfigError", "object expected" },
        { "health check without a check", "", ",\"healthCheckType\":\"docker\"",
          "DockerClientConfigError", "health check" },
        { "log credentials of a role that is not there", "",
          ",\"logsAuthStrategy\":\"ExecutionRole\"", "HostConfigError", "execution role" },
        { "task network", ",\"networkMode\":\"awsvpc\"", "", "HostConfigError", "awsvpc" },
        { "process namespace of the task", ",\"pidMode\":\"task\"", "", "HostConfigError",
          "PidMode" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with(cases[i].task, cases[i].container);
        const char *name = NULL;
        char *json = NULL;
        ea_err err = { 0 };

        if (!ea_docker_body(t, &t->containers.v[0], &linux_set, &json, &name, &err))
            fail_msg("%s: a body came out: %s", cases[i].why, json);
        if (strcmp(name, cases[i].name) != 0 || !strstr(err.text, cases[i].text))
            fail_msg("%s: %s: %s", cases[i].why, name, err.text);
        assert_null(json);
        ea_task_free(t);
    }
}

static void a_range_without_host_ports_says_how_many(void **state)
{
    struct ea_task *t = task_with("", ",\"portMappings\":[{\"containerPortRange\":\"80-89\"}]");
    const char *name = NULL;
    char *json = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_not_equal(ea_docker_body(t, &t->containers.v[0], &linux_set, &json, &name, &err),
                         EA_OK);
    assert_string_equal(err.text, "10 contiguous host ports are unavailable");
    ea_task_free(t);
}

static void a_credential_spec_takes_the_place_of_what_the_task_calls_it(void **state)
{
    static const struct {
        const char *why, *options, *want;
    } cases[] = {
        { "none of its own", "", "\"SecurityOpt\":[\"credentialspec=file://s.json\"]" },
        { "the task's name for it",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":[\\\"credentialspec:file://"
          "s.json\\\"]}\"}",
          "\"SecurityOpt\":[\"credentialspec=file://s.json\"]" },
        { "a domainless one, others stay",
          ",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":[\\\"a=b\\\","
          "\\\"credentialspecdomainless:file://s\\\",\\\"credentialspec:x\\\",\\\"c=d\\\"]}\"}",
          "\"SecurityOpt\":[\"a=b\",\"c=d\",\"credentialspec=file://s.json\"]" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_with("", cases[i].options);
        struct ea_body_settings set = linux_set;
        EA_FREE_AUTO char *json = NULL;

        set.windows = true;
        set.credential_spec = "credentialspec=file://s.json";
        json = body_of(t, 0, &set);
        if (!strstr(json, cases[i].want))
            fail_msg("%s: %s", cases[i].why, json);
        ea_task_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_task_gives_the_recorded_body),
        cmocka_unit_test(a_health_check_from_the_raw_configuration_is_kept),
        cmocka_unit_test(limits_follow_the_rules_of_each_system),
        cmocka_unit_test(networks_are_named_as_each_system_names_them),
        cmocka_unit_test(mounts_links_and_volumes_name_what_docker_knows),
        cmocka_unit_test(windows_mounts_have_canonical_paths),
        cmocka_unit_test(port_ranges_are_spread_and_equal_ports_collected),
        cmocka_unit_test(one_environment_overrides_another),
        cmocka_unit_test(log_options_are_completed),
        cmocka_unit_test(labels_are_written_last),
        cmocka_unit_test(bodies_that_cannot_be_built_have_a_name_and_a_reason),
        cmocka_unit_test(a_range_without_host_ports_says_how_many),
        cmocka_unit_test(
            the_group_of_a_task_replaces_one_of_the_raw_configuration_and_exists_on_linux),
        cmocka_unit_test(a_credential_spec_takes_the_place_of_what_the_task_calls_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
