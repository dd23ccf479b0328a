/* image_pulls_test.c - agent/image_pulls.c beside the scripted engine that it needs: who shares a pull,
 * what each is told, and when a pull is given up. */
#include "agent/image_pulls.h"
#include "base/alloc.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#define SHA   "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ARN   "arn:aws:ecs:us-west-2:123456789012:task/c/1"
#define OPEN  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define PULL  "POST /v1.24/images/create?fromImage=host%3A1%2Fapp&tag="
#define LONG  10000
#define LAYER "{\"status\":\"Pulling fs layer\",\"id\":\"aa\"}\n"
#define FLOWS                                                                                      \
    "{\"status\":\"Downloading\",\"id\":\"aa\",\"progressDetail\":{\"current\":1024,\"total\":"    \
    "4096}}\n"
#define DONE   "{\"status\":\"Status: Downloaded newer image\"}\n"
#define REFUSE "{\"error\":\"unauthorized: no\"}\n"

static ea_agent ag; /* what a pull needs of it */
static unsigned told;

struct answer {
    bool done;
    unsigned times, order; /* order: among all that were told in this test */
    ea_err err;
    char id[100];
};

static void on_done(void *ctx, const struct ea_pull_got *got, const ea_err *err)
{
    struct answer *a = ctx;

    a->done = true;
    a->times++;
    a->order = ++told;
    a->err = *err;
    if (got->image)
        (void)snprintf(a->id, sizeof(a->id), "%s", got->image->id);
}

static int set_up(void **state)
{
    static const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null",
                                       "ECSTOOLS_IMAGE_DISK_RESERVE_MIB=0", NULL };
    struct docker_world *w;
    ea_err err = { 0 };

    if (docker_world_set_up(state) || ea_config_load(env, &ag.config, &err))
        return -1;
    w = *state;
    ag.loop = w->loop;
    ag.docker = w->dk;
    return 0;
}

static int tear_down(void **state)
{
    if (ea_map_count(&ag.pulls))
        return -1;
    ea_map_done(&ag.pulls, NULL);
    ea_config_free(ag.config);
    ag = (ea_agent){ .loop = NULL };
    return docker_world_tear_down(state);
}

/* A pull's stream: these lines, and its end unless it is to stay open. */
static void streams(struct docker_world *w, const char *tag, const char *lines, bool stays)
{
    EA_FREE_AUTO char *request = ea_sprintf_dup("%s%s ", PULL, tag);
    EA_FREE_AUTO char *chunk =
        ea_sprintf_dup("%zx\r\n%s\r\n%s", strlen(lines), lines, stays ? "" : "0\r\n\r\n");
    fake_step steps[] = { { .send = OPEN }, { .send = chunk }, { .send = NULL } };

    fake_engine_on(w->fe, request, true, steps);
}

static void want(struct answer *a, const char *container, const char *digest, const char *auth,
                 int64_t limit_ms)
{
    const struct ea_pull_want p = { .image = "host:1/app:2",
                                    .digest = digest,
                                    .auth = auth,
                                    .limit_ms = limit_ms,
                                    .task_arn = ARN,
                                    .container = container };

    ea_pulls_get(&ag, &p, on_done, a);
    assert_false(a->done);
}

static size_t asked(const struct docker_world *w, const char *what)
{
    size_t n = 0;

    for (size_t i = 0; i < fake_engine_requests(w->fe); i++)
        if (strncmp(fake_engine_request(w->fe, i), what, strlen(what)) == 0)
            n++;
    return n;
}

static void image_is_there(struct docker_world *w)
{
    fake_engine_json(w->fe, "GET /v1.24/images/host:1/app:2/json ", true, "200 OK",
                     "{\"Id\":\"sha256:aa\",\"RepoTags\":[],\"RepoDigests\":[]}");
    fake_engine_json(w->fe, "POST /v1.24/images/host:1/app@" SHA "/tag?repo=host%3A1%2Fapp&tag=2 ",
                     true, "201 Created", "");
}

static void one_pull_serves_all_who_want_the_same_by_the_same_login(void **state)
{
    struct docker_world *w = *state;
    struct answer a[3] = { { false } };

    streams(w, "sha256%3A0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", DONE,
            false);
    image_is_there(w);
    for (size_t i = 0; i < 3; i++)
        want(&a[i], "c", SHA, "bG9naW4=", LONG);
    for (size_t i = 0; i < 3; i++) {
        fake_wait(w->loop, &a[i].done, "the image");
        assert_int_equal(a[i].err.code, EA_OK);
        assert_string_equal(a[i].id, "sha256:aa");
        assert_int_equal(a[i].times, 1);
    }
    assert_int_equal(asked(w, PULL), 1);
    assert_int_equal(asked(w, "POST /v1.24/images/host:1/app@"), 1);
    assert_int_equal(asked(w, "GET /v1.24/images/"), 1);
    a[0] = (struct answer){ false }; /* who comes after the end has a pull of his own */
    want(&a[0], "c", SHA, "bG9naW4=", LONG);
    fake_wait(w->loop, &a[0].done, "the image");
    assert_int_equal(asked(w, PULL), 2);
}

/* What was pulled by its digest and has not got the image's name would not be found by the create. */
static void a_pull_whose_name_cannot_be_given_has_failed(void **state)
{
    struct docker_world *w = *state;
    struct answer a = { false };

    streams(w, "sha256%3A0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", DONE,
            false);
    fake_engine_json(w->fe, "POST /v1.24/images/host:1/app@" SHA "/tag?repo=host%3A1%2Fapp&tag=2 ",
                     true, "500 Internal Server Error", "{\"message\":\"no room for a tag\"}");
    want(&a, "c", SHA, NULL, LONG);
    fake_wait(w->loop, &a.done, "the failure");
    assert_int_equal(a.err.code, EA_SERVER);
    assert_non_null(strstr(a.err.text, "no room for a tag"));
    assert_string_equal(a.id, "");
    assert_int_equal(asked(w, "GET /v1.24/images/"), 0);
}

static void another_login_or_digest_is_another_pull(void **state)
{
    struct docker_world *w = *state;
    struct answer a[3] = { { false } };

    streams(w, "2", DONE, false);
    streams(w, "sha256%3A0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", DONE,
            false);
    image_is_there(w);
    want(&a[0], "c", NULL, "b25l", LONG);
    want(&a[1], "c", NULL, NULL, LONG);
    want(&a[2], "c", SHA, NULL, LONG);
    for (size_t i = 0; i < 3; i++)
        fake_wait(w->loop, &a[i].done, "the image");
    assert_int_equal(asked(w, PULL), 3);
}

static void a_failure_is_told_to_all_and_ends_the_pull(void **state)
{
    struct docker_world *w = *state;
    struct answer a[2] = { { false } };

    streams(w, "2", REFUSE, false);
    want(&a[0], "c", NULL, NULL, LONG);
    want(&a[1], "d", NULL, NULL, LONG);
    for (size_t i = 0; i < 2; i++) {
        fake_wait(w->loop, &a[i].done, "the failure");
        assert_int_equal(a[i].err.code, EA_SERVER);
        assert_string_equal(a[i].err.text, "unauthorized: no");
    }
    assert_int_equal(asked(w, "GET /v1.24/images/"), 0);
}

static bool nothing_is_open(void *engine)
{
    return fake_engine_open(engine) == 0;
}

static void each_has_his_own_limit_and_the_last_to_go_ends_the_pull(void **state)
{
    struct docker_world *w = *state;
    struct answer soon = { false }, later = { false };

    streams(w, "2", LAYER FLOWS, true);
    want(&later, "d", NULL, NULL, 400);
    want(&soon, "c", NULL, NULL, 50);
    fake_wait(w->loop, &soon.done, "the first limit");
    assert_int_equal(soon.err.code, EA_TIMEOUT);
    assert_string_equal(soon.err.text,
                        "Could not transition to pulled; timed out after waiting 50ms");
    fake_wait(w->loop, &later.done, "the second limit");
    assert_string_equal(later.err.text,
                        "Could not transition to pulled; timed out after waiting 400ms");
    assert_true(soon.order < later.order);
    fake_wait_for(w->loop, nothing_is_open, w->fe, "the pull to be given up");
    assert_int_equal(asked(w, PULL), 1);
}

static bool flows(void *arg)
{
    EA_BUF_AUTO b = EA_BUF(512);

    (void)arg;
    return ea_pulls_describe(&ag, ARN, "c", &b) && strstr(ea_buf_z(&b), "1 of 4 KiB");
}

static void how_far_it_is_is_told_for_those_who_wait(void **state)
{
    struct docker_world *w = *state;
    struct answer a = { false };
    EA_BUF_AUTO b = EA_BUF(512);

    streams(w, "2", LAYER FLOWS, true);
    want(&a, "c", NULL, NULL, LONG);
    fake_wait_for(w->loop, flows, NULL, "the layer to be told");
    assert_true(ea_pulls_describe(&ag, ARN, "c", &b));
    assert_string_equal(ea_buf_z(&b), "pulling host:1/app:2: 0 of 1 layers, 1 of 4 KiB");
    assert_false(ea_pulls_describe(&ag, ARN, "d", &b));
    assert_false(ea_pulls_describe(&ag, "arn:other", "c", &b));
    ea_docker_free(w->dk); /* the end of the agent is the end of its pulls */
    w->dk = NULL;
    fake_wait(w->loop, &a.done, "the end");
    assert_int_equal(a.err.code, EA_CANCELLED);
    assert_false(ea_pulls_describe(&ag, ARN, "c", &b));
}

int main(void)
{
#define WITH_ENGINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_ENGINE(one_pull_serves_all_who_want_the_same_by_the_same_login),
        WITH_ENGINE(a_pull_whose_name_cannot_be_given_has_failed),
        WITH_ENGINE(another_login_or_digest_is_another_pull),
        WITH_ENGINE(a_failure_is_told_to_all_and_ends_the_pull),
        WITH_ENGINE(each_has_his_own_limit_and_the_last_to_go_ends_the_pull),
        WITH_ENGINE(how_far_it_is_is_told_for_those_who_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
