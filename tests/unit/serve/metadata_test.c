#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "serve/route_metadata.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <string.h>

#define ARN    "arn:aws:ecs:us-west-2:1:task/prod/t1"
#define DOCKER "d0c4e5"

/* A task whose first container runs, whose second is pulled only. */
static struct ea_model *model(void)
{
    static struct ea_model m;
    struct ea_task *t = ea_task_new();
    struct ea_container *web, *side;

    ea_model_init(&m, 1);
    ea_set_str(&m.meta.cluster, "prod");
    t->arn = ea_strdup(ARN);
    t->family = ea_strdup("shop");
    t->version = ea_strdup("7");
    t->known = t->desired = EA_T_RUNNING;
    t->containers.n = 2;
    t->containers.v = ea_alloc_array(2, sizeof(*t->containers.v));
    web = &t->containers.v[0];
    web->name = ea_strdup("web");
    web->image = ea_strdup("shop:1");
    web->image_id = ea_strdup("sha256:1");
    web->docker_name = ea_strdup("ecs-shop-7-web-00");
    web->endpoint_id = ea_strdup("one");
    web->known = web->desired = EA_C_RUNNING;
    web->cpu = 100;
    web->memory_mib = 64;
    web->networks.n = 1;
    web->networks.v = ea_alloc_array(1, sizeof(*web->networks.v));
    web->networks.v[0].mode = ea_strdup("bridge");
    web->networks.v[0].ipv4 = ea_strdup("172.17.0.2");
    side = &t->containers.v[1];
    side->name = ea_strdup("side");
    side->image = ea_strdup("log:1");
    side->docker_name = ea_strdup("ecs-shop-7-side-00");
    side->endpoint_id = ea_strdup("two");
    side->known = EA_C_PULLED;
    side->desired = EA_C_RUNNING;
    side->memory_mib = 32;
    ea_model_add_task(&m, t);
    ea_model_set_docker_id(&m, t, web, DOCKER);
    return &m;
}

static struct ea_task *task_of(struct ea_model *m)
{
    return ea_model_task(m, ARN);
}

static struct ea_container *web_of(struct ea_model *m)
{
    return &task_of(m)->containers.v[0];
}

/* What is known of every container's statistics. */
static struct {
    ea_stats_state state;
    struct ea_stats_document document;
} told;

static ea_stats_state stats(void *ctx, const char *docker_id, struct ea_stats_document *out)
{
    (void)ctx;
    assert_string_equal(docker_id, DOCKER);
    if (told.state == EA_STATS_HERE)
        *out = told.document;
    return told.state;
}

static void telling(ea_stats_state state, const char *json, bool has_rates)
{
    told.state = state;
    told.document = (struct ea_stats_document){ ea_str_of(json), has_rates, 1.5, 200 };
}

static ea_route route(const struct ea_model *m, const char *path, const char *peer, ea_buf *body,
                      int *status)
{
    const struct ea_serve_source source = { .model = m, .stats = stats };

    return ea_route_metadata(&source, path, peer, true, body, status);
}

/* Asks and compares; `why` names the row. */
static void expect(const struct ea_model *m, const char *why, const char *path, int status,
                   const char *body)
{
    EA_BUF_AUTO got = EA_BUF(64 * 1024);
    int code = 0;

    if (route(m, path, "172.17.0.2", &got, &code) != EA_ROUTE_ANSWERED)
        fail_msg("%s: no route %s", why, path);
    if (code != status || strcmp(ea_buf_z(&got), body) != 0)
        fail_msg("%s: %s\n got %d %s\nwant %d %s", why, path, code, ea_buf_z(&got), status, body);
}

/* The parsed answer of a request that succeeds; caller frees by cJSON_Delete. */
static cJSON *ask(const struct ea_model *m, const char *path)
{
    EA_BUF_AUTO got = EA_BUF(64 * 1024);
    int code = 0;
    cJSON *tree;

    assert_int_equal(route(m, path, "172.17.0.2", &got, &code), EA_ROUTE_ANSWERED);
    if (code != 200)
        fail_msg("%s: %d %s", path, code, ea_buf_z(&got));
    tree = cJSON_Parse(ea_buf_z(&got));
    assert_non_null(tree);
    return tree;
}

/* One member of an answer's object as compact text; "" when it is absent. */
static void member_is(const struct ea_model *m, const char *path, const char *name,
                      const char *want)
{
    cJSON *tree = ask(m, path);
    EA_BUF_AUTO text = EA_BUF(8192);
    const cJSON *value = ea_json_get(tree, name);

    if (value)
        ea_json_add_value(&text, value);
    if (strcmp(ea_buf_z(&text), want) != 0)
        fail_msg("%s %s: got %s, want %s", path, name, ea_buf_z(&text), want);
    cJSON_Delete(tree);
}

#define NO_ID   "unable to get docker ID from v3 endpoint ID: "
#define NO_TASK "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: "

static void every_error_has_its_status_and_words(void **state)
{
    static const char v2_words[] = "\"Unable to get task arn from request: unable to associate "
                                   "'172.17.0.2' with task\"";
    static const struct {
        const char *why, *path;
        int status;
        const char *body;
    } cases[] = {
        { "v3 container, unknown", "/v3/no", 500,
          "\"V3 container metadata handler: unable to get container ID from request: " NO_ID
          "no\"" },
        { "v3 task, unknown", "/v3/no/task", 500, "\"V3 task metadata handler: " NO_TASK "no\"" },
        { "v3 task with tags, unknown", "/v3/no/taskWithTags", 500,
          "\"V3 task metadata handler: " NO_TASK "no\"" },
        { "v3 container stats, unknown", "/v3/no/stats", 400,
          "\"V3 container stats handler: " NO_TASK "no\"" },
        { "v3 task stats, unknown", "/v3/no/task/stats", 400,
          "\"V3 task stats handler: " NO_TASK "no\"" },
        { "v3 associations, unknown", "/v3/no/associations/x", 400,
          "\"V3 container associations handler: unable to get container id from request: " NO_ID
          "no\"" },
        { "v3 association, unknown", "/v3/no/associations/x/y", 400,
          "\"V3 container associations handler: " NO_TASK "no\"" },
        { "v4 container, unknown", "/v4/no", 404,
          "\"V4 container metadata handler: unable to get container ID from request: " NO_ID
          "no\"" },
        { "v4 task, unknown", "/v4/no/task", 404, "\"V4 task metadata handler: " NO_TASK "no\"" },
        { "v4 task with tags, unknown", "/v4/no/taskWithTags", 404,
          "\"V4 task metadata handler: " NO_TASK "no\"" },
        { "v4 container stats, unknown", "/v4/no/stats", 404,
          "\"V4 container stats handler: " NO_TASK "no\"" },
        { "v4 task stats, unknown", "/v4/no/task/stats", 404,
          "\"V4 task stats handler: " NO_TASK "no\"" },
        { "v4 associations, unknown", "/v4/no/associations/x", 400,
          "\"V4 container associations handler: unable to get container id from request: " NO_ID
          "no\"" },
        { "v4 association, unknown", "/v4/no/associations/x/y", 400,
          "\"V4 container associations handler: " NO_TASK "no\"" },
        { "an empty id is an unknown one", "/v4/", 404,
          "\"V4 container metadata handler: unable to get container ID from request: " NO_ID "\"" },
        { "Go-style escapes in an error", "/v4/<a&\"", 404,
          "\"V4 container metadata handler: unable to get container ID from request: " NO_ID
          "\\u003ca\\u0026\\\"\"" },
        { "v3, Docker has no container yet", "/v3/two", 500,
          "\"V3 container metadata handler: unable to get container ID from request: " NO_ID
          "two\"" },
        { "v4, Docker has no container yet", "/v4/two", 404,
          "\"V4 container metadata handler: unable to get container ID from request: " NO_ID
          "two\"" },
        { "stats, Docker has no container yet", "/v4/two/stats", 404,
          "\"V4 container stats handler: unable to get container ID from request: " NO_ID "two\"" },
        { "association without a name", "/v3/one/associations/x/", 400,
          "\"V3 container associations handler: unable to get association name from request\"" },
        { "the same in version 4", "/v4/one/associations/x/", 400,
          "\"V4 container associations handler: unable to get association name from request\"" },
        { "association that is not there", "/v4/one/associations/x/a/b", 400,
          "\"Unable to write container association response: unable to get association from "
          "association type x and association name a/b\"" },
        { "v2 task", "/v2/metadata", 400, v2_words },
        { "v2 task, slash", "/v2/metadata/", 400, v2_words },
        { "v2 container", "/v2/metadata/" DOCKER, 400, v2_words },
        { "v2 task with tags", "/v2/metadataWithTags", 400, v2_words },
        { "v2 task with tags, slash", "/v2/metadataWithTags/", 400, v2_words },
        { "v2 stats", "/v2/stats", 400, v2_words },
        { "v2 stats, slash", "/v2/stats/", 400, v2_words },
        { "v2 stats of one", "/v2/stats/" DOCKER, 400, v2_words },
    };
    struct ea_model *m = model();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        expect(m, cases[i].why, cases[i].path, cases[i].status, cases[i].body);
    ea_model_done(m);
}

static void other_paths_are_no_routes(void **state)
{
    static const char *const paths[] = {
        "/",
        "/v3",
        "/v4",
        "/v5/one",
        "/v3/one/",
        "/v4/one/task/",
        "/v4/one/tasks",
        "/v4/one/task/stats/x",
        "/v4/one/associations",
        "/v4/one/Task",
        "/v2/metadataWithTags/x",
        "/v2/statsx",
        "/api/one/task-protection/v1/state",
        "/api/one/fault/v1/network-latency/start",
    };
    struct ea_model *m = model();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(paths); i++) {
        EA_BUF_AUTO body = EA_BUF(4096);
        int status = -1;

        if (route(m, paths[i], "1.2.3.4", &body, &status) != EA_ROUTE_NONE)
            fail_msg("%s was answered: %d %s", paths[i], status, ea_buf_z(&body));
        assert_int_equal(status, -1);
        assert_int_equal(body.n, 0);
    }
    ea_model_done(m);
}

static void what_is_not_available_yet_is_said_so(void **state)
{
    static const struct {
        const char *why, *path, *body;
    } cases[] = {
        { "v3 container stats", "/v3/one/stats", "null" },
        { "v4 container stats", "/v4/one/stats", "{}" },
        { "v3 task stats", "/v3/one/task/stats", "{\"" DOCKER "\":null}" },
        { "v4 task stats, asked by a container to come", "/v4/two/task/stats",
          "{\"" DOCKER "\":{}}" },
        { "no associations", "/v3/one/associations/x", "{\"Associations\":null}" },
        { "no associations of no type", "/v4/one/associations/", "{\"Associations\":null}" },
    };
    struct ea_model *m = model();

    (void)state;
    telling(EA_STATS_NONE, "", false);
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        expect(m, cases[i].why, cases[i].path, 200, cases[i].body);
    ea_set_str(&web_of(m)->docker_id, NULL);
    expect(m, "v3, no container made", "/v3/one/task/stats", 400,
           "\"Unable to get task stats for: " ARN "\"");
    expect(m, "v4, no container made", "/v4/one/task/stats", 500,
           "\"Unable to get task stats for: " ARN "\"");
    ea_model_done(m);
}

static void statistics_are_the_engines_object_and_in_version_4_its_rates(void **state)
{
    static const struct {
        const char *why, *path, *json;
        bool has_rates;
        const char *body;
    } cases[] = {
        { "v3", "/v3/one/stats", "{\"a\": 1}", true, "{\"a\": 1}" },
        { "v4", "/v4/one/stats", "{\"a\": 1 }", true,
          "{\"a\": 1,\"network_rate_stats\":{\"rx_bytes_per_sec\":1.5,\"tx_bytes_per_sec\":200}}" },
        { "v4, one sample so far", "/v4/one/stats", "{\"a\": 1}", false, "{\"a\": 1}" },
        { "v4, nothing in it", "/v4/one/stats", "{ }", true,
          "{\"network_rate_stats\":{\"rx_bytes_per_sec\":1.5,\"tx_bytes_per_sec\":200}}" },
        { "v3 task", "/v3/two/task/stats", "{}", true, "{\"" DOCKER "\":{}}" },
        { "v4 task", "/v4/two/task/stats", "{\"a\":1}", true,
          "{\"" DOCKER "\":{\"a\":1,\"network_rate_stats\":{\"rx_bytes_per_sec\":1.5,"
          "\"tx_bytes_per_sec\":200}}}" },
    };
    struct ea_model *m = model();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        telling(EA_STATS_HERE, cases[i].json, cases[i].has_rates);
        expect(m, cases[i].why, cases[i].path, 200, cases[i].body);
    }
    ea_model_done(m);
}

static void statistics_that_nobody_takes_are_an_error_of_the_container(void **state)
{
    struct ea_model *m = model();

    (void)state;
    telling(EA_STATS_UNWATCHED, "", false);
    expect(m, "v3", "/v3/one/stats", 400, "\"Unable to get container stats for: " DOCKER "\"");
    expect(m, "v4", "/v4/one/stats", 500, "\"Unable to get container stats for: " DOCKER "\"");
    expect(m, "v3 task", "/v3/one/task/stats", 200, "{\"" DOCKER "\":null}");
    expect(m, "v4 task", "/v4/one/task/stats", 200, "{\"" DOCKER "\":{}}");
    ea_model_done(m);
}

static void statistics_on_their_way_are_waited_for_but_not_for_ever(void **state)
{
    static const char *const paths[] = { "/v3/one/stats", "/v4/one/stats", "/v3/one/task/stats",
                                         "/v4/two/task/stats" };
    struct ea_model *m = model();
    const struct ea_serve_source source = { .model = m, .stats = stats };

    (void)state;
    telling(EA_STATS_LATER, "", false);
    for (size_t i = 0; i < EA_COUNT(paths); i++) {
        EA_BUF_AUTO body = EA_BUF(4096);
        int status = -1;

        assert_int_equal(ea_route_metadata(&source, paths[i], "", false, &body, &status),
                         EA_ROUTE_LATER);
        assert_int_equal(status, -1);
        ea_buf_clear(&body);
        assert_int_equal(ea_route_metadata(&source, paths[i], "", true, &body, &status),
                         EA_ROUTE_ANSWERED);
        assert_int_equal(status, 200);
    }
    ea_model_done(m);
}

#define WEB_HEAD                                                                                   \
    "{\"DockerId\":\"" DOCKER "\",\"Name\":\"web\",\"DockerName\":\"ecs-shop-7-web-00\","          \
    "\"Image\":\"shop:1\",\"ImageID\":\"sha256:1\",\"Labels\":{"                                   \
    "\"com.amazonaws.ecs.cluster\":\"prod\",\"com.amazonaws.ecs.container-name\":\"web\","         \
    "\"com.amazonaws.ecs.task-arn\":\"" ARN "\","                                                  \
    "\"com.amazonaws.ecs.task-definition-family\":\"shop\","                                       \
    "\"com.amazonaws.ecs.task-definition-version\":\"7\"},\"DesiredStatus\":\"RUNNING\","          \
    "\"KnownStatus\":\"RUNNING\",\"Limits\":{\"CPU\":100,\"Memory\":64},\"Type\":\"NORMAL\""
#define WEB                                                                                        \
    WEB_HEAD ",\"Networks\":[{\"NetworkMode\":\"bridge\",\"IPv4Addresses\":[\"172.17.0.2\"]}]}"
#define SIDE                                                                                       \
    "{\"DockerId\":\"\",\"Name\":\"side\",\"DockerName\":\"\",\"Image\":\"log:1\","                \
    "\"ImageID\":\"\",\"DesiredStatus\":\"RUNNING\",\"KnownStatus\":\"PULLED\","                   \
    "\"Limits\":{\"CPU\":2,\"Memory\":32},\"Type\":\"NORMAL\"}"
#define TASK_HEAD                                                                                  \
    "{\"Cluster\":\"prod\",\"TaskARN\":\"" ARN "\",\"Family\":\"shop\",\"Revision\":\"7\","        \
    "\"DesiredStatus\":\"RUNNING\",\"KnownStatus\":\"RUNNING\""

static void the_plainest_objects_are_told_byte_for_byte(void **state)
{
    static const struct {
        const char *why, *path, *body;
    } cases[] = {
        { "v3 container", "/v3/one", WEB },
        { "v4 container", "/v4/one", WEB },
        { "v3 task lists what Docker has", "/v3/one/task", TASK_HEAD ",\"Containers\":[" WEB "]}" },
        { "with tags there are none", "/v3/one/taskWithTags",
          TASK_HEAD ",\"Containers\":[" WEB "]}" },
        { "v4 task lists what is only pulled after it", "/v4/two/task",
          TASK_HEAD ",\"Containers\":[" WEB "," SIDE "],\"FaultInjectionEnabled\":false}" },
        { "the same with tags", "/v4/two/taskWithTags",
          TASK_HEAD ",\"Containers\":[" WEB "," SIDE "],\"FaultInjectionEnabled\":false}" },
    };
    struct ea_model *m = model();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        expect(m, cases[i].why, cases[i].path, 200, cases[i].body);
    ea_model_done(m);
}

static void networks_that_are_not_known_yet_are_missed_as_each_version_does(void **state)
{
    struct ea_model *m = model();
    struct ea_container *web = web_of(m);

    (void)state;
    ea_json_free(&ea_network_shape, &web->networks.v[0]);
    web->networks.n = 0;
    web->known = EA_C_CREATED;
    expect(m, "v3 container", "/v3/one", 500,
           "\"unable to generate network response for container '" DOCKER "'\"");
    expect(m, "v4 container", "/v4/one", 500,
           "\"unable to generate network response for container '" DOCKER "'\"");
    expect(m, "v3 task", "/v3/two/task", 500,
           "\"unable to generate network response for container '" DOCKER "'\"");
    member_is(m, "/v4/two/task", "KnownStatus", "\"RUNNING\"");
    web->known = EA_C_STOPPED;
    member_is(m, "/v3/one", "Networks", "");
    member_is(m, "/v3/one/task", "TaskARN", "\"" ARN "\"");
    task_of(m)->containers.v[1].applied = EA_C_CREATED;
    expect(m, "a create is under way", "/v3/one/task", 500, "\"unable to find container ''\"");
    member_is(m, "/v4/one/task", "TaskARN", "\"" ARN "\"");
    ea_model_done(m);
}

static void what_does_not_fit_is_told_as_metadata_that_could_not_be_made(void **state)
{
    static const struct {
        const char *path, *body;
    } cases[] = {
        { "/v3/one", "\"Unable to generate metadata for container '" DOCKER "'\"" },
        { "/v4/one", "\"unable to generate metadata for container '" DOCKER "'\"" },
        { "/v3/one/task", "\"Unable to generate metadata for task: '" ARN "'\"" },
        { "/v4/one/task", "\"Unable to generate metadata for v4 task: '" ARN "'\"" },
    };
    struct ea_model *m = model();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO body = EA_BUF(128);
        int status = 0;

        assert_int_equal(route(m, cases[i].path, "", &body, &status), EA_ROUTE_ANSWERED);
        assert_int_equal(status, 500);
        assert_string_equal(ea_buf_z(&body), cases[i].body);
    }
    ea_model_done(m);
}

static void fill_web(struct ea_container *c)
{
    static struct ea_restart_policy policy = { .enabled = true };

    c->bindings.n = 1;
    c->bindings.v = ea_alloc_array(1, sizeof(*c->bindings.v));
    c->bindings.v[0] = (struct ea_binding){ ea_strdup("0.0.0.0"), ea_strdup("tcp"), 80, 8080 };
    c->docker_mounts.n = 1;
    c->docker_mounts.v = ea_alloc_array(1, sizeof(*c->docker_mounts.v));
    c->docker_mounts.v[0] =
        (struct ea_mount){ .source = ea_strdup("/etc"), .destination = ea_strdup("/host-etc") };
    c->networks.v[0].ipv6 = ea_strdup("2001:db8::2");
    c->networks.v[0].mac = ea_strdup("02:42:ac:11:00:02");
    c->exit_code = (ea_opt_i64){ .has = true, .v = 0 };
    c->created_ms = 1767323045123;
    c->started_ms = 1767323046100;
    c->finished_ms = 1767323047000;
    c->health_check_type = ea_strdup("docker");
    c->container_arn = ea_strdup("arn:container");
    c->restart_policy = ea_alloc(sizeof(policy));
    *c->restart_policy = policy;
    c->docker_config.config =
        ea_strdup("{\"Labels\":{\"team\":\"a<b\",\"com.amazonaws.ecs.cluster\":\"forged\"}}");
    c->docker_config.host_config = ea_strdup(
        "{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1m\"}},\"CapAdd\":[]}");
}

static void members_of_a_container_appear_as_each_version_has_them(void **state)
{
    static const struct {
        const char *why, *name, *v3, *v4;
    } cases[] = {
        { "the address is version 4's", "Ports",
          "[{\"ContainerPort\":80,\"Protocol\":\"tcp\",\"HostPort\":8080}]",
          "[{\"ContainerPort\":80,\"Protocol\":\"tcp\",\"HostPort\":8080,\"HostIp\":\"0.0.0.0\"}"
          "]" },
        { "zero is an exit code too", "ExitCode", "0", "0" },
        { "milliseconds", "CreatedAt", "\"2026-01-02T03:04:05.123Z\"",
          "\"2026-01-02T03:04:05.123Z\"" },
        { "trailing zeros are cut", "StartedAt", "\"2026-01-02T03:04:06.1Z\"",
          "\"2026-01-02T03:04:06.1Z\"" },
        { "no fraction", "FinishedAt", "\"2026-01-02T03:04:07Z\"", "\"2026-01-02T03:04:07Z\"" },
        { "IPv6 is version 4's, the MAC address nobody's", "Networks",
          "[{\"NetworkMode\":\"bridge\",\"IPv4Addresses\":[\"172.17.0.2\"]}]",
          "[{\"NetworkMode\":\"bridge\",\"IPv4Addresses\":[\"172.17.0.2\"],"
          "\"IPv6Addresses\":[\"2001:db8::2\"]}]" },
        { "an unknown health has no status", "Health", "{}", "{}" },
        { "a bind has no name", "Volumes", "[{\"Source\":\"/etc\",\"Destination\":\"/host-etc\"}]",
          "[{\"Source\":\"/etc\",\"Destination\":\"/host-etc\"}]" },
        { "log driver", "LogDriver", "", "\"json-file\"" },
        { "log options", "LogOptions", "", "{\"max-size\":\"1m\"}" },
        { "ARN", "ContainerARN", "", "\"arn:container\"" },
        { "restarts, also none", "RestartCount", "", "0" },
    };
    struct ea_model *m = model();

    (void)state;
    fill_web(web_of(m));
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        member_is(m, "/v3/one", cases[i].name, cases[i].v3);
        member_is(m, "/v4/one", cases[i].name, cases[i].v4);
    }
    ea_model_done(m);
}

static void labels_of_the_definition_stand_beside_the_agents_own(void **state)
{
    struct ea_model *m = model();
    cJSON *tree;
    const cJSON *labels;

    (void)state;
    fill_web(web_of(m));
    tree = ask(m, "/v4/one");
    labels = ea_json_get(tree, "Labels");
    assert_int_equal(cJSON_GetArraySize(labels), 6);
    assert_string_equal(ea_json_get_str(labels, "team"), "a<b");
    assert_string_equal(ea_json_get_str(labels, "com.amazonaws.ecs.cluster"), "prod");
    cJSON_Delete(tree);
    ea_set_str(&web_of(m)->docker_config.config, "{\"Labels\":7");
    tree = ask(m, "/v4/one");
    assert_int_equal(cJSON_GetArraySize(ea_json_get(tree, "Labels")), 5);
    cJSON_Delete(tree);
    ea_model_done(m);
}

static void health_tells_what_is_known(void **state)
{
    static const struct {
        const char *why;
        ea_health status;
        int64_t since_ms;
        ea_opt_i64 exit_code;
        const char *output, *want;
    } cases[] = {
        { "not probed yet", EA_HEALTH_UNKNOWN, 0, { 0 }, NULL, "{}" },
        { "healthy, exit code 0 left out",
          EA_HEALTH_HEALTHY,
          1767323045000,
          { true, 0 },
          "ok",
          "{\"status\":\"HEALTHY\",\"statusSince\":\"2026-01-02T03:04:05Z\",\"output\":\"ok\"}" },
        { "unhealthy",
          EA_HEALTH_UNHEALTHY,
          1767323045000,
          { true, 1 },
          NULL,
          "{\"status\":\"UNHEALTHY\",\"statusSince\":\"2026-01-02T03:04:05Z\",\"exitCode\":1}" },
    };
    struct ea_model *m = model();
    struct ea_container *c = web_of(m);

    (void)state;
    member_is(m, "/v4/one", "Health", "");
    c->health_check_type = ea_strdup("docker");
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        c->health.status = cases[i].status;
        c->health.since_ms = cases[i].since_ms;
        c->health.exit_code = cases[i].exit_code;
        ea_set_str(&c->health.output, cases[i].output);
        member_is(m, "/v4/one", "Health", cases[i].want);
    }
    ea_model_done(m);
}

static void members_of_a_task_appear_as_each_version_has_them(void **state)
{
    static const struct {
        const char *name, *v3, *v4;
    } cases[] = {
        { "Limits", "{\"CPU\":0.25,\"Memory\":512}", "{\"CPU\":0.25,\"Memory\":512}" },
        { "PullStartedAt", "\"2026-01-02T03:04:05Z\"", "\"2026-01-02T03:04:05Z\"" },
        { "PullStoppedAt", "\"2026-01-02T03:04:06Z\"", "\"2026-01-02T03:04:06Z\"" },
        { "ExecutionStoppedAt", "\"2026-01-02T03:04:07Z\"", "\"2026-01-02T03:04:07Z\"" },
        { "AvailabilityZone", "\"us-west-2a\"", "\"us-west-2a\"" },
        { "DesiredStatus", "\"STOPPED\"", "\"STOPPED\"" },
        { "LaunchType", "", "\"EC2\"" },
        { "ServiceName", "", "\"front\"" },
        { "FaultInjectionEnabled", "", "true" },
        { "VPCID", "", "" },
        { "TaskTags", "", "" },
        { "Group", "", "" },
    };
    struct ea_model *m = model();
    struct ea_task *t = task_of(m);

    (void)state;
    t->desired = EA_T_STOPPED;
    t->cpu = 0.25;
    t->memory_mib = 512;
    t->pull_started_ms = 1767323045000;
    t->pull_stopped_ms = 1767323046000;
    t->execution_stopped_ms = 1767323047000;
    t->launch_type = ea_strdup("EC2");
    t->service_name = ea_strdup("front");
    t->group = ea_strdup("service:front");
    t->enable_fault_injection = true;
    ea_set_str(&m->meta.availability_zone, "us-west-2a");
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        member_is(m, "/v3/one/task", cases[i].name, cases[i].v3);
        member_is(m, "/v4/one/task", cases[i].name, cases[i].v4);
    }
    t->memory_mib = 0;
    member_is(m, "/v4/one/task", "Limits", "{\"CPU\":0.25}");
    t->cpu = 0;
    member_is(m, "/v4/one/task", "Limits", "");
    ea_model_done(m);
}

static void associations_are_told_to_the_containers_they_name(void **state)
{
    static const struct {
        const char *why, *path;
        int status;
        const char *body;
    } cases[] = {
        { "two of the type, one of them its own", "/v3/one/associations/x", 200,
          "{\"Associations\":[\"a/b\"]}" },
        { "another type", "/v4/one/associations/y", 200, "{\"Associations\":null}" },
        { "content goes through as it is, slashes in the name", "/v4/one/associations/x/a/b", 200,
          "{\"k\": 1}" },
        { "another container's is the task's too", "/v3/one/associations/x/c", 200, "2" },
        { "right name, wrong type", "/v3/one/associations/y/c", 400,
          "\"Unable to write container association response: unable to get association from "
          "association type y and association name c\"" },
    };
    struct ea_model *m = model();

    (void)state;
    task_of(m)->associations = ea_strdup(
        "[{\"type\":\"x\",\"name\":\"a/b\",\"containers\":[\"web\"],\"content\":{\"encoding\":"
        "\"identity\",\"value\":\"{\\\"k\\\": 1}\"}},{\"type\":\"x\",\"name\":\"c\","
        "\"containers\":[\"side\"],\"content\":{\"value\":\"2\"}}]");
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        expect(m, cases[i].why, cases[i].path, cases[i].status, cases[i].body);
    ea_model_done(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_status_and_words),
        cmocka_unit_test(other_paths_are_no_routes),
        cmocka_unit_test(what_is_not_available_yet_is_said_so),
        cmocka_unit_test(statistics_are_the_engines_object_and_in_version_4_its_rates),
        cmocka_unit_test(statistics_that_nobody_takes_are_an_error_of_the_container),
        cmocka_unit_test(statistics_on_their_way_are_waited_for_but_not_for_ever),
        cmocka_unit_test(the_plainest_objects_are_told_byte_for_byte),
        cmocka_unit_test(networks_that_are_not_known_yet_are_missed_as_each_version_does),
        cmocka_unit_test(what_does_not_fit_is_told_as_metadata_that_could_not_be_made),
        cmocka_unit_test(members_of_a_container_appear_as_each_version_has_them),
        cmocka_unit_test(labels_of_the_definition_stand_beside_the_agents_own),
        cmocka_unit_test(health_tells_what_is_known),
        cmocka_unit_test(members_of_a_task_appear_as_each_version_has_them),
        cmocka_unit_test(associations_are_told_to_the_containers_they_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
