#include "docker/docker_container.h"

#include "base/alloc.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define ZERO "0001-01-01T00:00:00Z"

/* ---- decoders --------------------------------------------------------------------------------- */

static void the_state_of_a_container_is_read(void **state)
{
    static const struct {
        const char *why, *json; /* State */
        ea_cstate want;
        bool has_code;
        int64_t code;
        const char *error;
    } cases[] = {
        { "made, not started",
          "\"Status\":\"created\",\"Running\":false,\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":"
          "\"" ZERO "\",\"FinishedAt\":\"" ZERO "\"",
          EA_C_CREATED, false, 0, NULL },
        { "runs",
          "\"Running\":true,\"ExitCode\":0,\"StartedAt\":\"2026-01-02T03:04:05.5Z\",\"FinishedAt\":"
          "\"" ZERO "\"",
          EA_C_RUNNING, false, 0, NULL },
        { "ran, ended, runs again: the old code is none",
          "\"Running\":true,\"ExitCode\":3,\"StartedAt\":\"2026-01-02T03:04:05Z\",\"FinishedAt\":"
          "\"2026-01-02T03:00:00Z\"",
          EA_C_RUNNING, false, 0, NULL },
        { "ended",
          "\"Running\":false,\"ExitCode\":3,\"StartedAt\":\"2026-01-02T03:04:05Z\",\"FinishedAt\":"
          "\"2026-01-02T03:05:00Z\"",
          EA_C_STOPPED, true, 3, NULL },
        { "ended on Windows by Ctrl+C",
          "\"Running\":false,\"ExitCode\":3221225786,\"StartedAt\":\"2026-01-02T03:04:05Z\","
          "\"FinishedAt\":\"2026-01-02T03:05:00Z\"",
          EA_C_STOPPED, true, 3221225786, NULL },
        { "could not start",
          "\"Running\":false,\"ExitCode\":127,\"Error\":\"exec: not found\",\"StartedAt\":\"" ZERO
          "\",\"FinishedAt\":\"" ZERO "\"",
          EA_C_STOPPED, false, 0, "exec: not found" },
        { "dead",
          "\"Dead\":true,\"ExitCode\":0,\"StartedAt\":\"" ZERO "\",\"FinishedAt\":\"" ZERO "\"",
          EA_C_STOPPED, false, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *json =
            ea_sprintf_dup("{\"Id\":\"abc\",\"Name\":\"/n\",\"State\":{%s}}", cases[i].json);
        struct ea_docker_facts f;
        ea_err err = { 0 };

        if (ea_docker_inspect_decode(ea_str_of(json), &f, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (f.state != cases[i].want || f.exit_code.has != cases[i].has_code ||
            (f.exit_code.has && f.exit_code.v != cases[i].code) ||
            !ea_zstr_eq(f.state_error, cases[i].error))
            fail_msg("%s: %s", cases[i].why, ea_cstate_name(f.state));
        assert_string_equal(f.name, "n");
        ea_docker_facts_done(&f);
    }
}

static const char full_inspect[] =
    "{\"Id\":\"abc\",\"Created\":\"2026-01-02T03:04:00Z\",\"Image\":\"sha256:11\",\"Name\":\"/"
    "web\","
    "\"State\":{\"Running\":true,\"OOMKilled\":true,\"ExitCode\":0,\"StartedAt\":"
    "\"2026-01-02T03:04:05.123456789Z\",\"FinishedAt\":\"" ZERO "\",\"Health\":{\"Status\":"
    "\"unhealthy\",\"FailingStreak\":3,\"Log\":[{\"ExitCode\":0,\"Output\":\"fine\"},{\"Start\":"
    "\"2026-01-02T03:05:00Z\",\"End\":\"2026-01-02T03:05:01Z\",\"ExitCode\":7,\"Output\":\"bad\"}]}"
    "},"
    "\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"v\",\"Source\":\"/s\",\"Destination\":\"/d\","
    "\"Mode\":\"z\",\"RW\":true,\"Propagation\":\"\"}],"
    "\"Config\":{\"Labels\":{\"com.amazonaws.ecs.task-arn\":\"arn\","
    "\"com.amazonaws.ecs.container-name\":\"web\",\"x\":\"y\"}},"
    "\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"32768\"},"
    "{\"HostIp\":\"::\",\"HostPort\":\"32768\"}],\"53/"
    "udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":"
    "\"53\"}],\"81/tcp\":null,\"9/sctp\":[{\"HostIp\":\"\",\"HostPort\":\"9\"}],"
    "\"82/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}],\"x/tcp\":[{\"HostPort\":\"1\"}]},"
    "\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.0.2\",\"Gateway\":\"172.17.0.1\","
    "\"GlobalIPv6Address\":\"\",\"MacAddress\":\"02:42:ac:11:00:02\",\"Links\":null}}}}";

static void everything_the_backend_is_told_is_read(void **state)
{
    struct ea_docker_facts f;
    ea_err err = { 0 };

    (void)state;
    if (ea_docker_inspect_decode(EA_STR(full_inspect), &f, &err))
        fail_msg("%s", err.text);
    assert_true(f.found);
    assert_false(f.brief);
    assert_string_equal(f.id, "abc");
    assert_string_equal(f.task_arn, "arn");
    assert_string_equal(f.container_name, "web");
    assert_string_equal(f.image_id, "sha256:11");
    assert_true(f.oom_killed);
    assert_int_equal(f.created_ms, 1767323040000);
    assert_int_equal(f.started_ms, 1767323045123);
    assert_int_equal(f.finished_ms, 0);
    assert_int_equal(f.bindings.n, 3);
    assert_string_equal(f.bindings.v[0].bind_ip, "0.0.0.0");
    assert_int_equal(f.bindings.v[0].container_port, 80);
    assert_int_equal(f.bindings.v[0].host_port, 32768);
    assert_string_equal(f.bindings.v[1].bind_ip, "::");
    assert_string_equal(f.bindings.v[2].protocol, "udp");
    assert_int_equal(f.networks.n, 1);
    assert_string_equal(f.networks.v[0].mode, "bridge");
    assert_string_equal(f.networks.v[0].ipv4, "172.17.0.2");
    assert_null(f.networks.v[0].ipv6);
    assert_int_equal(f.mounts.n, 1);
    assert_string_equal(f.mounts.v[0].destination, "/d");
    assert_true(f.has_health);
    assert_int_equal(f.health.status, EA_HEALTH_UNHEALTHY);
    assert_string_equal(f.health.output, "bad");
    assert_int_equal(f.health.exit_code.v, 7);
    assert_int_equal(f.health.since_ms, 1767323101000);
    ea_docker_facts_done(&f);
}

static void health_counts_only_once_it_is_known(void **state)
{
    static const struct {
        const char *why, *health;
        ea_health want;
        const char *output;
    } cases[] = {
        { "no check", "", EA_HEALTH_UNKNOWN, NULL },
        { "starting", ",\"Health\":{\"Status\":\"starting\",\"Log\":[{\"Output\":\"x\"}]}",
          EA_HEALTH_UNKNOWN, NULL },
        { "none", ",\"Health\":{\"Status\":\"none\",\"Log\":null}", EA_HEALTH_UNKNOWN, NULL },
        { "null", ",\"Health\":null", EA_HEALTH_UNKNOWN, NULL },
        { "healthy",
          ",\"Health\":{\"Status\":\"healthy\",\"Log\":[{\"ExitCode\":0,\"Output\":\"ok\"}]}",
          EA_HEALTH_HEALTHY, "ok" },
        { "healthy without a log", ",\"Health\":{\"Status\":\"healthy\",\"Log\":[]}",
          EA_HEALTH_HEALTHY, NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *json =
            ea_sprintf_dup("{\"Id\":\"abc\",\"State\":{\"Running\":true%s}}", cases[i].health);
        struct ea_docker_facts f;
        ea_err err = { 0 };

        assert_int_equal(ea_docker_inspect_decode(ea_str_of(json), &f, &err), EA_OK);
        if (f.health.status != cases[i].want || !ea_zstr_eq(f.health.output, cases[i].output) ||
            f.health.exit_code.has)
            fail_msg("%s", cases[i].why);
        ea_docker_facts_done(&f);
    }
}

static void a_long_output_of_a_check_is_cut(void **state)
{
    char output[3000];
    EA_FREE_AUTO char *json = NULL;
    struct ea_docker_facts f;
    ea_err err = { 0 };

    (void)state;
    memset(output, 'a', sizeof(output));
    memcpy(output + 1023, "\xc3\xbc", 2); /* the limit falls into a character */
    output[sizeof(output) - 1] = '\0';
    json = ea_sprintf_dup("{\"Id\":\"a\",\"State\":{\"Health\":{\"Status\":\"healthy\",\"Log\":"
                          "[{\"Output\":\"%s\"}]}}}",
                          output);
    assert_int_equal(ea_docker_inspect_decode(ea_str_of(json), &f, &err), EA_OK);
    assert_int_equal(strlen(f.health.output), 1023);
    ea_docker_facts_done(&f);
}

static void answers_that_make_no_sense_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"Id\":\"\",\"State\":{}}",
        "{\"Id\":\"a\"}",
        "{\"Id\":\"a\",\"State\":[]}",
        "{\"Id\":\"a\",\"State\":{\"Running\":\"yes\"}}",
        "{\"Id\":\"a\",\"State\":{\"ExitCode\":1.5}}",
        "{\"Id\":\"a\",\"State\":{}}x",
        "{\"Id\":\"a\",\"State\":{},\"NetworkSettings\":{\"Networks\":{\"b\":7}}}",
        "{\"Id\":\"a\",\"State\":{},\"Config\":{\"Labels\":{\"x\":1}}}",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        struct ea_docker_facts f, *v = NULL;
        size_t n = 0;
        ea_err err = { 0 };

        if (ea_docker_inspect_decode(ea_str_of(bad[i]), &f, &err) != EA_PROTOCOL)
            fail_msg("%s: %s", bad[i], err.text);
        assert_false(f.found);
        err = (ea_err){ 0 };
        if (strcmp(bad[i], "[]") != 0 &&
            ea_docker_list_decode(ea_str_of(bad[i]), &v, &n, &err) != EA_PROTOCOL)
            fail_msg("%s as a list: %s", bad[i], err.text);
        assert_null(v);
    }
}

/* ---- calls ------------------------------------------------------------------------------------ */

struct create_result {
    bool done;
    ea_err err;
    char id[80];
};

static void create_done(void *ctx, const char *id, const ea_err *err)
{
    struct create_result *r = ctx;

    r->done = true;
    r->err = *err;
    if (id)
        strncpy(r->id, id, sizeof(r->id) - 1);
}

static void a_container_is_created_under_its_name(void **state)
{
    struct docker_world *w = *state;
    struct create_result r = { 0 };

    fake_engine_json(w->fe, "POST /v1.24/containers/create?name=ecs-f-1-web-00 ", true,
                     "201 Created", "{\"Id\":\"abc\",\"Warnings\":[\"no swap limit\"]}");
    fake_engine_json(w->fe, "POST /v1.24/containers/create?name=taken ", true, "409 Conflict",
                     "{\"message\":\"Conflict. The name is in use\"}");
    fake_engine_json(w->fe, "POST /v1.24/containers/create?name=odd ", true, "201 Created", "{}");
    ea_docker_create(w->dk, "", "ecs-f-1-web-00", EA_STR("{\"Image\":\"x\"}"), 5000, create_done,
                     &r);
    fake_wait(w->loop, &r.done, "create");
    assert_int_equal(r.err.code, EA_OK);
    assert_string_equal(r.id, "abc");
    assert_non_null(strstr(fake_engine_request(w->fe, 0), "\r\n\r\n{\"Image\":\"x\"}"));

    r = (struct create_result){ 0 };
    ea_docker_create(w->dk, NULL, "taken", EA_STR("{}"), 5000, create_done, &r);
    fake_wait(w->loop, &r.done, "create");
    assert_int_equal(r.err.code, EA_CONFLICT);
    assert_string_equal(r.id, "");

    r = (struct create_result){ 0 };
    ea_docker_create(w->dk, NULL, "odd", EA_STR("{}"), 5000, create_done, &r);
    fake_wait(w->loop, &r.done, "create");
    assert_int_equal(r.err.code, EA_PROTOCOL);

    r = (struct create_result){ 0 };
    ea_docker_create(w->dk, "newest", "n", EA_STR("{}"), 5000, create_done, &r);
    assert_false(r.done);
    fake_wait(w->loop, &r.done, "create");
    assert_int_equal(r.err.code, EA_INVALID);
}

static void what_is_already_so_is_no_error(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r = { 0 };

    fake_engine_on(w->fe, "POST ", true,
                   (const fake_step[]){ { .send = "HTTP/1.1 304 Not Modified\r\n\r\n" }, { 0 } });
    fake_engine_json(w->fe, "DELETE /v1.24/containers/abc?v=1 ", true, "404 Not Found",
                     "{\"message\":\"No such container: abc\"}");
    ea_docker_start(w->dk, NULL, "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "start");
    assert_int_equal(r.err.code, EA_OK);
    r = (struct plain_result){ 0 };
    ea_docker_stop(w->dk, "abc", -1, 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "stop");
    assert_int_equal(r.err.code, EA_OK);
    assert_non_null(strstr(fake_engine_request(w->fe, 1), "/stop?t=0 "));
    r = (struct plain_result){ 0 };
    ea_docker_remove(w->dk, "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "remove");
    assert_int_equal(r.err.code, EA_NOT_FOUND);
}

static void an_id_cannot_leave_its_place_in_the_path(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r = { 0 };

    fake_engine_json(w->fe, "DELETE ", true, "204 No Content", "");
    ea_docker_remove(w->dk, "a?force=1#b c%", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "remove");
    assert_non_null(strstr(fake_engine_request(w->fe, 0),
                           "DELETE /v1.24/containers/a%3Fforce%3D1%23b%20c%25?v=1 HTTP/1.1\r\n"));
}

struct facts_result {
    bool done, has_facts;
    ea_err err;
    struct ea_docker_facts f;
};

static void facts_done(void *ctx, struct ea_docker_facts *f, const ea_err *err)
{
    struct facts_result *r = ctx;

    r->done = true;
    r->err = *err;
    r->has_facts = f != NULL;
    if (f) {
        r->f = *f; /* taken */
        *f = (struct ea_docker_facts){ 0 };
    }
}

static void an_inspect_tells_what_is_there_and_what_is_not(void **state)
{
    struct docker_world *w = *state;
    struct facts_result r = { 0 };

    fake_engine_json(w->fe, "GET /v1.24/containers/abc/json ", true, "200 OK", full_inspect);
    fake_engine_json(w->fe, "GET /v1.24/containers/none/json ", true, "404 Not Found",
                     "{\"message\":\"No such container: none\"}");
    fake_engine_json(w->fe, "GET /v1.24/containers/odd/json ", true, "200 OK", "{\"Id\":7}");
    ea_docker_inspect(w->dk, "abc", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "inspect");
    assert_int_equal(r.err.code, EA_OK);
    assert_string_equal(r.f.id, "abc");
    ea_docker_facts_done(&r.f);

    r = (struct facts_result){ 0 };
    ea_docker_inspect(w->dk, "none", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "inspect");
    assert_int_equal(r.err.code, EA_NOT_FOUND);
    assert_true(r.has_facts);
    assert_false(r.f.found);

    r = (struct facts_result){ 0 };
    ea_docker_inspect(w->dk, "odd", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "inspect");
    assert_int_equal(r.err.code, EA_PROTOCOL);
    assert_false(r.has_facts);
}

#define FIND                                                                                       \
    "GET "                                                                                         \
    "/v1.24/containers/json?all=1&filters=%7B%22label%22%3A%5B%22com.amazonaws.ecs.task-arn%3Darn"

static void a_container_is_found_by_its_labels(void **state)
{
    struct docker_world *w = *state;
    struct facts_result r = { 0 };

    fake_engine_json(w->fe, FIND "1", true, "200 OK",
                     "[{\"Id\":\"old\",\"State\":\"exited\",\"Created\":100,\"Names\":[\"/o\"]},"
                     "{\"Id\":\"abc\",\"State\":\"running\",\"Created\":50,\"Names\":[\"/n\"]},"
                     "{\"Id\":\"new\",\"State\":\"created\",\"Created\":200,\"Names\":[\"/m\"]}]");
    fake_engine_json(w->fe, FIND "2", true, "200 OK", "[]");
    fake_engine_json(w->fe, FIND "3", true, "200 OK",
                     "[{\"Id\":\"old\",\"State\":\"exited\",\"Created\":100},"
                     "{\"Id\":\"gone\",\"State\":\"exited\",\"Created\":101}]");
    fake_engine_json(w->fe, FIND "4", true, "500 Internal Server Error", "{\"message\":\"boom\"}");
    fake_engine_json(w->fe, "GET /v1.24/containers/abc/json ", true, "200 OK", full_inspect);
    fake_engine_json(w->fe, "GET /v1.24/containers/gone/json ", true, "404 Not Found", "{}");

    ea_docker_find(w->dk, "arn1", "web", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "find");
    assert_int_equal(r.err.code, EA_OK);
    assert_string_equal(r.f.id, "abc"); /* the one that runs */
    assert_int_equal(r.f.bindings.n, 3);
    ea_docker_facts_done(&r.f);

    r = (struct facts_result){ 0 };
    ea_docker_find(w->dk, "arn2", "web", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "find");
    assert_int_equal(r.err.code, EA_OK);
    assert_true(r.has_facts);
    assert_false(r.f.found);

    r = (struct facts_result){ 0 };
    ea_docker_find(w->dk, "arn3", "web", 5000, facts_done, &r); /* the newest, gone meanwhile */
    fake_wait(w->loop, &r.done, "find");
    assert_int_equal(r.err.code, EA_OK);
    assert_false(r.f.found);

    r = (struct facts_result){ 0 };
    ea_docker_find(w->dk, "arn4", "web", 5000, facts_done, &r);
    fake_wait(w->loop, &r.done, "find");
    assert_int_equal(r.err.code, EA_SERVER);
    assert_false(r.has_facts);
}

struct some {
    fake_engine *fe;
    size_t n;
};

static bool has_requests(void *arg)
{
    const struct some *s = arg;

    return fake_engine_requests(s->fe) >= s->n;
}

static void a_search_can_be_cancelled_in_its_second_half(void **state)
{
    struct docker_world *w = *state;
    struct facts_result r = { 0 };
    struct some two = { w->fe, 2 };
    ea_docker_op *op;

    fake_engine_json(w->fe, "GET /v1.24/containers/json", true, "200 OK",
                     "[{\"Id\":\"abc\",\"State\":\"running\",\"Created\":50}]");
    fake_engine_on(w->fe, "GET /v1.24/containers/abc/json ", true,
                   (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    op = ea_docker_find(w->dk, "arn", "web", 5000, facts_done, &r);
    fake_wait_for(w->loop, has_requests, &two, "the inspect");
    ea_docker_cancel(op);
    fake_wait(w->loop, &r.done, "the end");
    assert_int_equal(r.err.code, EA_CANCELLED);
}

struct list_result {
    bool done;
    ea_err err;
    size_t n;
    ea_cstate states[8];
    char *id, *arn;
};

static void list_done(void *ctx, struct ea_docker_facts *v, size_t n, const ea_err *err)
{
    struct list_result *r = ctx;

    r->done = true;
    r->err = *err;
    r->n = n;
    for (size_t i = 0; i < n && i < EA_COUNT(r->states); i++) {
        assert_true(v[i].brief && v[i].found);
        r->states[i] = v[i].state;
    }
    if (n) {
        r->id = v[0].id;
        r->arn = v[0].task_arn;
        v[0].id = v[0].task_arn = NULL; /* taken */
    }
}

static void all_containers_of_a_cluster_are_listed(void **state)
{
    struct docker_world *w = *state;
    struct list_result r = { 0 };

    fake_engine_json(
        w->fe,
        "GET /v1.24/containers/json?all=1&filters=%7B%22label%22%3A%5B%22com.amazonaws.ecs.cluster"
        "%3Dmy%26cluster%22%5D%7D ",
        true, "200 OK",
        "[{\"Id\":\"a\",\"Names\":[\"/x\"],\"Labels\":{\"com.amazonaws.ecs.task-arn\":\"arn\"},"
        "\"State\":\"running\",\"Status\":\"Up\",\"Created\":1767323040,\"Ports\":[]},"
        "{\"Id\":\"b\",\"Names\":null,\"Labels\":null,\"State\":\"paused\"},"
        "{\"Id\":\"c\",\"State\":\"created\"},{\"Id\":\"d\",\"State\":\"exited\"},"
        "{\"Id\":\"e\",\"State\":\"dead\"},{\"Id\":\"f\",\"State\":\"removing\"},"
        "{\"Id\":\"g\",\"State\":\"restarting\"}]");
    ea_docker_list(w->dk, "my&cluster", 5000, list_done, &r);
    fake_wait(w->loop, &r.done, "list");
    assert_int_equal(r.err.code, EA_OK);
    assert_int_equal(r.n, 7);
    assert_int_equal(r.states[0], EA_C_RUNNING);
    assert_int_equal(r.states[1], EA_C_RUNNING);
    assert_int_equal(r.states[2], EA_C_CREATED);
    assert_int_equal(r.states[3], EA_C_STOPPED);
    assert_int_equal(r.states[4], EA_C_STOPPED);
    assert_int_equal(r.states[5], EA_C_STOPPED);
    assert_int_equal(r.states[6], EA_C_RUNNING);
    assert_string_equal(r.id, "a");
    assert_string_equal(r.arn, "arn");
    ea_free(r.id);
    ea_free(r.arn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_of_a_container_is_read),
        cmocka_unit_test(everything_the_backend_is_told_is_read),
        cmocka_unit_test(health_counts_only_once_it_is_known),
        cmocka_unit_test(a_long_output_of_a_check_is_cut),
        cmocka_unit_test(answers_that_make_no_sense_are_refused),
        IN_DOCKER_WORLD(a_container_is_created_under_its_name),
        IN_DOCKER_WORLD(what_is_already_so_is_no_error),
        IN_DOCKER_WORLD(an_id_cannot_leave_its_place_in_the_path),
        IN_DOCKER_WORLD(an_inspect_tells_what_is_there_and_what_is_not),
        IN_DOCKER_WORLD(a_container_is_found_by_its_labels),
        IN_DOCKER_WORLD(a_search_can_be_cancelled_in_its_second_half),
        IN_DOCKER_WORLD(all_containers_of_a_cluster_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
