#include "docker/docker.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "docker/docker_container.h"
#include "docker/docker_volume.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void the_version_both_speak_is_chosen(void **state)
{
    static const struct {
        const char *why;
        int min, max, want;
    } cases[] = {
        { "an engine of 2022", 12, 41, 24 },
        { "one that tells no oldest version", 0, 30, 24 },
        { "one that dropped everything below 1.44", 44, 51, 44 },
        { "too old", 12, 23, -1 },
        { "too new", EA_DOCKER_API_MAX + 1, EA_DOCKER_API_MAX + 9, -1 },
        { "just new enough", EA_DOCKER_API_MAX, EA_DOCKER_API_MAX + 9, EA_DOCKER_API_MAX },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        if (ea_docker_api_choose(cases[i].min, cases[i].max) != cases[i].want)
            fail_msg("%s", cases[i].why);
    assert_int_equal(ea_docker_api_minor("1.41"), 41);
    assert_int_equal(ea_docker_api_minor("1.0"), 0);
    assert_int_equal(ea_docker_api_minor("2.0"), -1);
    assert_int_equal(ea_docker_api_minor("1."), -1);
    assert_int_equal(ea_docker_api_minor("1.4x"), -1);
    assert_int_equal(ea_docker_api_minor(NULL), -1);
}

static void capabilities_are_those_the_reference_tells(void **state)
{
    static const struct {
        const char *why;
        int max;
        bool windows;
        const char *want;
    } cases[] = {
        { "Linux, 20.10", 41, false,
          "1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.28 1.29 1.30 1.32 " },
        { "Windows", 41, true, "1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.28 1.29 1.30 " },
        { "an old engine", 24, false, "1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 " },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO got = EA_BUF(1000);
        const char *v[32];
        size_t n = ea_docker_api_capabilities(cases[i].max, cases[i].windows, v, EA_COUNT(v));

        for (size_t k = 0; k < n; k++)
            ea_buf_addf(&got, "%s ", v[k]);
        if (strcmp(ea_buf_z(&got), cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].why, ea_buf_z(&got));
    }
    assert_int_equal(ea_docker_api_capabilities(41, false, (const char *[1]){ NULL }, 1), 1);
}

struct version_result {
    bool done;
    ea_err err;
    char version[32], os[32];
};

static void version_done(void *ctx, const struct ea_docker_version *v, const ea_err *err)
{
    struct version_result *r = ctx;

    r->done = true;
    r->err = *err;
    if (v) {
        strncpy(r->version, v->version, sizeof(r->version) - 1);
        strncpy(r->os, v->os ? v->os : "", sizeof(r->os) - 1);
    }
}

static void negotiate(struct docker_world *w, const char *answer, struct version_result *r)
{
    *r = (struct version_result){ 0 };
    fake_engine_json(w->fe, "GET /version ", false, "200 OK", answer);
    ea_docker_negotiate(w->dk, 5000, version_done, r);
    assert_false(r->done);
    fake_wait(w->loop, &r->done, "the version");
}

static void calls_use_the_negotiated_version(void **state)
{
    struct docker_world *w = *state;
    struct version_result v;
    struct plain_result r = { 0 };

    assert_null(ea_docker_version(w->dk));
    fake_engine_json(w->fe, "POST ", true, "204 No Content", "");
    ea_docker_stop(w->dk, "abc", 3, 5000, plain_done, &r); /* before anything is known */
    fake_wait(w->loop, &r.done, "a stop");
    negotiate(w,
              "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\","
              "\"Os\":\"linux\",\"Arch\":\"amd64\",\"Components\":[]}",
              &v);
    assert_int_equal(v.err.code, EA_OK);
    assert_string_equal(v.version, "20.10.24");
    assert_string_equal(v.os, "linux");
    assert_string_equal(ea_docker_version(w->dk)->api_version, "1.41");
    r = (struct plain_result){ 0 };
    ea_docker_start(w->dk, "1.18", "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "a start");
    r = (struct plain_result){ 0 };
    ea_docker_start(w->dk, "1.30", "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "a start");
    r = (struct plain_result){ 0 };
    ea_docker_start(w->dk, "1.42", "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "a start");
    assert_int_equal(r.err.code, EA_UNSUPPORTED);
    negotiate(w, "{\"Version\":\"29.0\",\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", &v);
    r = (struct plain_result){ 0 };
    ea_docker_start(w->dk, "1.30", "abc", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "a start");

    assert_non_null(strstr(fake_engine_request(w->fe, 0), "POST /v1.24/containers/abc/stop?t=3 "));
    assert_non_null(strstr(fake_engine_request(w->fe, 2), "POST /v1.24/containers/abc/start "));
    assert_non_null(strstr(fake_engine_request(w->fe, 3), "POST /v1.30/containers/abc/start "));
    assert_non_null(strstr(fake_engine_request(w->fe, 5), "POST /v1.44/containers/abc/start "));
}

static void an_engine_that_cannot_be_used_is_told(void **state)
{
    static const struct {
        const char *why, *answer;
        ea_code want;
        const char *text;
    } cases[] = {
        { "newer than we know",
          "{\"Version\":\"99\",\"ApiVersion\":\"1.99\",\"MinAPIVersion\":"
          "\"1.90\"}",
          EA_UNSUPPORTED, "1.90 to 1.99" },
        { "older than we speak", "{\"Version\":\"1.9\",\"ApiVersion\":\"1.21\"}", EA_UNSUPPORTED,
          "1.21" },
        { "another numbering", "{\"ApiVersion\":\"2.0\"}", EA_PROTOCOL, "1.x" },
        { "no version at all", "{}", EA_PROTOCOL, "ApiVersion" },
        { "no JSON", "ok", EA_PROTOCOL, "version" },
    };
    struct docker_world *w = *state;
    struct version_result v;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        negotiate(w, cases[i].answer, &v);
        if (v.err.code != cases[i].want || !strstr(v.err.text, cases[i].text))
            fail_msg("%s: %s %s", cases[i].why, ea_code_name(v.err.code), v.err.text);
    }
    assert_null(ea_docker_version(w->dk));
}

static void any_answer_to_a_ping_is_life(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r = { 0 };

    fake_engine_json(w->fe, "GET /_ping ", false, "200 OK", "OK");
    fake_engine_json(w->fe, "GET /_ping ", false, "500 Internal Server Error", "{}");
    fake_engine_on(w->fe, "GET /_ping ", false, (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    for (int i = 0; i < 2; i++) {
        r = (struct plain_result){ 0 };
        ea_docker_ping(w->dk, 5000, plain_done, &r);
        fake_wait(w->loop, &r.done, "a ping");
        assert_int_equal(r.err.code, EA_OK);
    }
    r = (struct plain_result){ 0 };
    ea_docker_ping(w->dk, 50, plain_done, &r);
    fake_wait(w->loop, &r.done, "a ping");
    assert_int_equal(r.err.code, EA_TIMEOUT);
}

struct info_result {
    bool done;
    ea_err err;
    int64_t cpus;
    size_t security, logs, volumes;
    char os[64];
};

static void info_done(void *ctx, const struct ea_docker_info *info, const ea_err *err)
{
    struct info_result *r = ctx;

    r->done = true;
    r->err = *err;
    if (info) {
        r->cpus = info->cpus;
        r->security = info->security_options.n;
        r->logs = info->plugins.log.n;
        r->volumes = info->plugins.volume.n;
        strncpy(r->os, info->operating_system, sizeof(r->os) - 1);
    }
}

static void info_is_read(void **state)
{
    struct docker_world *w = *state;
    struct info_result r = { 0 };

    fake_engine_json(w->fe, "GET /v1.24/info ", false, "200 OK",
                     "{\"OSType\":\"linux\",\"NCPU\":2,\"MemTotal\":8348528640,"
                     "\"OperatingSystem\":\"Debian\",\"SecurityOptions\":[\"name=seccomp\"],"
                     "\"Plugins\":{\"Volume\":[\"local\"],\"Log\":[\"awslogs\",\"json-file\"],"
                     "\"Network\":null},\"Containers\":3}");
    ea_docker_info(w->dk, 5000, info_done, &r);
    fake_wait(w->loop, &r.done, "info");
    assert_int_equal(r.err.code, EA_OK);
    assert_int_equal(r.cpus, 2);
    assert_int_equal(r.security, 1);
    assert_int_equal(r.logs, 2);
    assert_int_equal(r.volumes, 1);
    assert_string_equal(r.os, "Debian");
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

static void heavy_requests_wait_for_their_turn(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r[5] = { { 0 } }, stop = { 0 };
    struct some two = { w->fe, 2 };
    ea_docker_op *last = NULL;

    fake_engine_on(w->fe, "POST /v1.24/containers/a/start ", true,
                   (const fake_step[]){
                       { .pause_ms = 60 }, { .send = "HTTP/1.1 204 No Content\r\n\r\n" }, { 0 } });
    fake_engine_json(w->fe, "POST /v1.24/containers/a/stop", true, "204 No Content", "");
    for (size_t i = 0; i < EA_COUNT(r); i++)
        last = ea_docker_start(w->dk, NULL, "a", 5000, plain_done, &r[i]);
    fake_wait_for(w->loop, has_requests, &two, "two starts");
    ea_docker_cancel(last);                                 /* while it waits */
    ea_docker_stop(w->dk, "a", 1, 5000, plain_done, &stop); /* not held up by them */
    fake_wait(w->loop, &stop.done, "the stop");
    assert_false(r[2].done);
    assert_int_equal(fake_engine_requests(w->fe), 3);
    for (size_t i = 0; i < EA_COUNT(r); i++) {
        fake_wait(w->loop, &r[i].done, "a start");
        assert_int_equal(r[i].times, 1);
        assert_int_equal(r[i].err.code, i == 4 ? EA_CANCELLED : EA_OK);
    }
    assert_int_equal(fake_engine_requests(w->fe), 5);
}

/* Twelve at a time are faster than fifty at once; yet one that uses its grace must not hold up others. */
static void stops_take_turns_and_a_turn_ends_without_an_answer(void **state)
{
    struct docker_world *w = *state;
    struct ea_docker_options options = { .stops_max = 2, .stop_turn_ms = 20 };
    struct plain_result r[3] = { { 0 } }, slow[5] = { { 0 } };
    struct some two = { w->fe, 2 }, all = { w->fe, 8 };
    ea_docker *dk;
    ea_err err = { 0 };

    fake_engine_on(w->fe, "POST /v1.24/containers/a/stop", true,
                   (const fake_step[]){
                       { .pause_ms = 60 }, { .send = "HTTP/1.1 204 No Content\r\n\r\n" }, { 0 } });
    for (size_t i = 0; i < EA_COUNT(r); i++)
        ea_docker_stop(w->dk, "a", 1, 5000, plain_done, &r[i]);
    fake_wait_for(w->loop, has_requests, &two, "two stops");
    assert_false(r[0].done || r[1].done);
    assert_int_equal(fake_engine_requests(w->fe), 2);
    for (size_t i = 0; i < EA_COUNT(r); i++)
        fake_wait(w->loop, &r[i].done, "a stop");

    fake_engine_on(w->fe, "POST /v1.24/containers/b/stop", true,
                   (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    options.endpoint = fake_engine_address(w->fe);
    assert_int_equal(ea_docker_new(w->loop, &options, &dk, &err), EA_OK);
    for (size_t i = 0; i < EA_COUNT(slow); i++)
        ea_docker_stop(dk, "b", 30, 60000, plain_done, &slow[i]);
    fake_wait_for(w->loop, has_requests, &all, "five stops that nobody answers");
    ea_docker_free(dk);
    for (size_t i = 0; i < EA_COUNT(slow); i++)
        fake_wait(w->loop, &slow[i].done, "the end");
}

static void freeing_ends_what_runs_and_what_waits(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r[4] = { { 0 } };
    struct some two = { w->fe, 2 };

    fake_engine_on(w->fe, "POST ", true, (const fake_step[]){ { .pause_ms = 9000 }, { 0 } });
    for (size_t i = 0; i < EA_COUNT(r); i++)
        ea_docker_start(w->dk, NULL, "a", 5000, plain_done, &r[i]);
    fake_wait_for(w->loop, has_requests, &two, "two starts");
    ea_docker_free(w->dk);
    w->dk = NULL;
    for (size_t i = 0; i < EA_COUNT(r); i++) {
        fake_wait(w->loop, &r[i].done, "the end");
        assert_int_equal(r[i].err.code, EA_CANCELLED);
        assert_int_equal(r[i].times, 1);
    }
}

struct volume_result {
    bool done;
    ea_err err;
    ea_code same;
};

static void volume_done(void *ctx, const struct ea_docker_volume *v, const ea_err *err)
{
    struct volume_result *r = ctx;
    ea_strmap labels = { 0 };
    ea_err why = { 0 };

    r->done = true;
    r->err = *err;
    if (!v)
        return;
    ea_strmap_set(&labels, "team", "a");
    r->same = ea_docker_volume_compare(v, NULL, NULL, &labels, &why);
    ea_strmap_free(&labels);
}

static void a_volume_is_compared_in_full_and_the_first_difference_is_told(void **state)
{
    static const struct {
        const char *driver, *option, *label, *other_label; /* "k=v" of one entry; NULL none */
        const char *told;                                  /* NULL: the same */
    } cases[] = {
        { "local", "type=tmpfs", "team=a", NULL, NULL },
        { NULL, "type=tmpfs", "team=a", NULL, NULL },
        { "nfs", "type=tmpfs", "team=a", NULL, "its driver is local, not nfs" },
        { NULL, "type=nfs", "team=a", NULL, "its option type is tmpfs, not nfs" },
        { NULL, NULL, "team=a", NULL, "it has the option type besides" },
        { NULL, "type=tmpfs", "team=b", NULL, "its label team is a, not b" },
        { NULL, "type=tmpfs", "team=a", "more=b", "it has no label more" },
    };
    char local[] = "local";
    struct ea_docker_volume v = { .driver = local };

    (void)state;
    ea_strmap_set(&v.options, "type", "tmpfs");
    ea_strmap_set(&v.labels, "team", "a");
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const char *const pairs[] = { cases[i].option, cases[i].label, cases[i].other_label };
        ea_strmap options = { 0 }, labels = { 0 };
        ea_err err = { 0 };

        for (size_t j = 0; j < EA_COUNT(pairs); j++) {
            ea_str key, value = ea_str_cut(ea_str_of(pairs[j]), '=', &key);
            EA_FREE_AUTO char *k = ea_str_dup(key);
            EA_FREE_AUTO char *text = ea_str_dup(value);
            if (pairs[j])
                ea_strmap_set(j ? &labels : &options, k, text);
        }
        ea_code code = ea_docker_volume_compare(&v, cases[i].driver, &options, &labels, &err);
        if (code != (cases[i].told ? EA_CONFLICT : EA_OK) ||
            (cases[i].told && strcmp(err.text, cases[i].told) != 0))
            fail_msg("case %zu: %s", i, err.text);
        ea_strmap_free(&options);
        ea_strmap_free(&labels);
    }
    ea_strmap_free(&v.options);
    ea_strmap_free(&v.labels);
}

static void volumes_are_created_inspected_and_removed(void **state)
{
    struct docker_world *w = *state;
    struct plain_result r = { 0 };
    struct volume_result v = { 0 };
    ea_strmap options = { 0 }, labels = { 0 };

    ea_strmap_set(&options, "type", "tmpfs");
    ea_strmap_set(&labels, "a\"b", "c");
    fake_engine_json(w->fe, "POST /v1.24/volumes/create ", true, "201 Created", "{\"Name\":\"x\"}");
    fake_engine_json(w->fe, "GET /v1.24/volumes/x%2Fy ", true, "200 OK",
                     "{\"Name\":\"x\",\"Driver\":\"local\",\"Labels\":{\"team\":\"a\"},"
                     "\"Options\":null}");
    fake_engine_json(w->fe, "DELETE /v1.24/volumes/x ", true, "404 Not Found",
                     "{\"message\":\"no such volume\"}");
    ea_docker_volume_create(w->dk, "x", NULL, &options, &labels, 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "create");
    assert_int_equal(r.err.code, EA_OK);
    assert_non_null(
        strstr(fake_engine_request(w->fe, 0),
               "{\"Name\":\"x\",\"Driver\":\"local\",\"DriverOpts\":{\"type\":\"tmpfs\"},"
               "\"Labels\":{\"a\\\"b\":\"c\"}}"));
    ea_docker_volume_inspect(w->dk, "x/y", 5000, volume_done, &v);
    fake_wait(w->loop, &v.done, "inspect");
    assert_int_equal(v.err.code, EA_OK);
    assert_int_equal(v.same, EA_OK);
    r = (struct plain_result){ 0 };
    ea_docker_volume_remove(w->dk, "x", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "remove");
    assert_int_equal(r.err.code, EA_NOT_FOUND);
    ea_strmap_free(&options);
    ea_strmap_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_both_speak_is_chosen),
        cmocka_unit_test(capabilities_are_those_the_reference_tells),
        IN_DOCKER_WORLD(calls_use_the_negotiated_version),
        IN_DOCKER_WORLD(an_engine_that_cannot_be_used_is_told),
        IN_DOCKER_WORLD(any_answer_to_a_ping_is_life),
        IN_DOCKER_WORLD(info_is_read),
        IN_DOCKER_WORLD(heavy_requests_wait_for_their_turn),
        IN_DOCKER_WORLD(stops_take_turns_and_a_turn_ends_without_an_answer),
        IN_DOCKER_WORLD(freeing_ends_what_runs_and_what_waits),
        IN_DOCKER_WORLD(volumes_are_created_inspected_and_removed),
        cmocka_unit_test(a_volume_is_compared_in_full_and_the_first_difference_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
