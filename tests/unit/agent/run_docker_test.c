/* run_docker_test.c - effects on containers against a scripted engine: what a create comes to whose
 * name is taken or whose image nobody has looked at; which images go by their id. */
#include "agent/run_effect.h"
#include "agent/turn.h"
#include "base/alloc.h"
#include "fakes/scripted_peer.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>
#include <uv.h>

#define ARN         "arn:aws:ecs:us-west-2:123456789012:task/c/1"
#define PATIENCE_MS 10000

static char folder[512];

struct fixture {
    ea_agent ag;
    struct peer *engine;
    struct ea_container *c;
};

static int set_up(void **state)
{
    static const char *const env[] = { "ECS_CLUSTER=c", NULL };
    struct fixture *f = ea_alloc(sizeof(*f));
    EA_FREE_AUTO char *path = NULL;
    char temp[256];
    size_t n = sizeof(temp);
    uint64_t salt = 0;
    ea_err err = { 0 };

    ea_plat_random(&salt, sizeof(salt));
    if (uv_os_tmpdir(temp, &n) != 0)
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/ecs-run-%016llx", temp, (unsigned long long)salt);
    path = ea_sprintf_dup("%s/agent.db", folder);
    if (ea_plat_make_dir(folder, &err) || ea_loop_new(&f->ag.loop, &err) ||
        ea_store_open(path, &f->ag.store, &err) || ea_config_load(env, &f->ag.config, &err))
        return -1;
    f->ag.cluster = ea_strdup("c");
    f->ag.region = ea_strdup("us-west-2");
    f->ag.processors = 2;
    ea_rng_seed(&f->ag.rng, 1);
    ea_model_init(&f->ag.model, 1);
    f->ag.turns = ea_turns_new(&f->ag);
    *state = f;
    return 0;
}

static void free_env(void *list)
{
    ea_strlist_free(list);
    ea_free(list);
}

static void forget_images(struct fixture *f)
{
    ea_map_done(&f->ag.image_env, free_env);
    f->ag.image_env = (ea_map){ 0 };
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ea_err err = { 0 };

    ea_docker_free(f->ag.docker);
    if (f->engine)
        peer_stop(f->engine);
    f->ag.stopping = true; /* turns that are due find that there is nothing to do any more */
    ea_loop_stop(f->ag.loop);
    ea_loop_run(f->ag.loop, 100);
    ea_turns_free(f->ag.turns);
    ea_loop_free(f->ag.loop);
    ea_store_close(f->ag.store);
    ea_model_done(&f->ag.model);
    forget_images(f);
    ea_config_free(f->ag.config);
    ea_free(f->ag.cluster);
    ea_free(f->ag.region);
    ea_free(f);
    return ea_plat_remove_tree(folder, &err) == EA_OK ? 0 : -1;
}

/* A task that has sent its create; the engine's answers follow the script. */
static struct ea_effect begin(struct fixture *f, const struct peer_step *steps, size_t n)
{
    cJSON *json = cJSON_Parse("{\"arn\":\"" ARN "\",\"family\":\"f\",\"version\":\"1\","
                              "\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"main\","
                              "\"image\":\"busybox\",\"essential\":true}]}");
    struct ea_docker_options docker = { 0 };
    struct ea_task *t = NULL;
    struct ea_creds role = { 0 }, exec = { 0 };
    EA_FREE_AUTO char *arn = NULL;
    EA_FREE_AUTO char *address = NULL;
    ea_err err = { 0 };

    f->engine = peer_start(f->ag.loop, steps, n);
    address = ea_sprintf_dup("tcp://127.0.0.1:%u", peer_port(f->engine));
    docker.endpoint = address;
    if (ea_docker_new(f->ag.loop, &docker, &f->ag.docker, &err) ||
        ea_task_from_wire(json, &t, &role, &exec, &arn, &err))
        fail_msg("%s", err.text);
    cJSON_Delete(json);
    f->c = &t->containers.v[0];
    ea_set_str(&f->c->docker_name, "ecs-f-1-main-0");
    f->c->known = EA_C_PULLED;
    f->c->desired = EA_C_RUNNING;
    f->c->applied = EA_C_CREATED;
    f->c->op = 7;
    ea_model_add_task(&f->ag.model, t);
    return (struct ea_effect){
        .kind = EA_FX_CREATE, .op = 7, .task = t, .container = f->c, .limit_ms = PATIENCE_MS
    };
}

static void too_late(void *late)
{
    *(bool *)late = true;
}

static bool created(const struct fixture *f)
{
    return f->c->op != 7;
}

static bool image_answered(const struct fixture *f)
{
    return f->ag.model.images.list.n == 0 || !f->ag.model.images.list.v[0].op;
}

static void wait_for(struct fixture *f, bool (*over)(const struct fixture *f))
{
    bool late = false;
    ea_timer *t = ea_timer_new(f->ag.loop, too_late, &late);

    ea_timer_arm(t, PATIENCE_MS);
    while (!over(f) && !late)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_ONCE);
    ea_timer_free(t);
    assert_false(late);
}

static void next_engine(struct fixture *f)
{
    ea_model_remove_task(&f->ag.model, ea_model_task(&f->ag.model, ARN));
    ea_docker_free(f->ag.docker);
    peer_stop(f->engine);
    f->ag.docker = NULL;
    f->engine = NULL;
}

static char *answer(const char *status, const char *body)
{
    return ea_sprintf_dup("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                          body);
}

#define OURS                                                                                       \
    "{\"Id\":\"0123\",\"Name\":\"/ecs-f-1-main-0\",\"State\":{\"Status\":\"created\"},\"Config\":" \
    "{\"Labels\":{\"com.amazonaws.ecs.task-arn\":\"" ARN "\","                                     \
    "\"com.amazonaws.ecs.container-name\":\"main\",\"com.amazonaws.ecs.cluster\":\"c\"}}}"
#define OTHERS                                                                                     \
    "{\"Id\":\"0123\",\"Name\":\"/"                                                                \
    "ecs-f-1-main-0\",\"State\":{\"Status\":\"created\"},\"Config\":{}}"

/* An engine reserves the name before the container can be seen. An agent that starts again within
 * that time, after a crash, meets its own create. */
static void a_taken_name_ends_the_task_only_if_somebody_elses_container_is_seen(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *status, *body;
        ea_cstate known, desired;
        bool looks_again;
    } cases[] = {
        { "a create of an earlier process is under way", "404 Not Found",
          "{\"message\":\"no such container\"}", EA_C_PULLED, EA_C_RUNNING, true },
        { "ours, its answer was lost", "200 OK", OURS, EA_C_CREATED, EA_C_RUNNING, false },
        { "somebody else's", "200 OK", OTHERS, EA_C_STOPPED, EA_C_STOPPED, false },
    };
    EA_FREE_AUTO char *taken = answer("409 Conflict", "{\"message\":\"name in use\"}");
    EA_FREE_AUTO char *plain = answer("200 OK", "{\"Id\":\"sha256:1\",\"Config\":{}}");

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *seen = answer(cases[i].status, cases[i].body);
        const struct peer_step steps[] = {
            { .wait = "/images/busybox/json", .send = plain }, /* once: its environment is kept */
            { .wait = "/containers/create?name=ecs-f-1-main-0", .send = taken },
            { .wait = "/containers/ecs-f-1-main-0/json", .send = seen },
        };
        size_t known = i > 0;
        struct ea_effect fx = begin(f, steps + known, EA_COUNT(steps) - known);

        ea_run_effect(&f->ag, &fx);
        wait_for(f, created);
        if (f->c->known != cases[i].known || f->c->desired != cases[i].desired ||
            f->c->lookup != cases[i].looks_again)
            fail_msg("%s: known %d, desired %d, lookup %d", cases[i].why, (int)f->c->known,
                     (int)f->c->desired, f->c->lookup);
        next_engine(f);
    }
}

/* After a start of the agent nobody has looked at the image, and a failed pull does not either. */
static void
the_environment_of_an_image_that_nobody_looked_at_is_asked_for_before_the_create(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *status, *body;
        bool region;
    } cases[] = {
        { "the image names a region of its own", "200 OK",
          "{\"Id\":\"sha256:1\",\"Config\":{\"Env\":[\"AWS_REGION=elsewhere\"]}}", false },
        { "it names none", "200 OK", "{\"Id\":\"sha256:1\",\"Config\":{\"Env\":[\"A=1\"]}}", true },
        { "it is not there", "404 Not Found", "{\"message\":\"no such image\"}", true },
    };
    EA_FREE_AUTO char *made = answer("201 Created", "{\"Id\":\"0123\",\"Warnings\":[]}");

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *image = answer(cases[i].status, cases[i].body);
        const struct peer_step steps[] = {
            { .wait = "/images/busybox/json", .send = image },
            { .wait = "/containers/create?name=ecs-f-1-main-0", .send = made },
        };
        struct ea_effect fx = begin(f, steps, EA_COUNT(steps));

        ea_run_effect(&f->ag, &fx);
        wait_for(f, created);
        assert_int_equal(f->c->known, EA_C_CREATED);
        EA_FREE_AUTO char *asked = ea_str_dup(peer_received(f->engine));
        if ((strstr(asked, "\"AWS_REGION=us-west-2\"") != NULL) != cases[i].region)
            fail_msg("%s: %s", cases[i].why, asked);
        next_engine(f);
        forget_images(f);
    }
}

/* By its id Docker would take the only name along: then it is somebody's. */
static void an_image_is_removed_by_its_id_only_if_it_has_no_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *status, *body;
        ea_code want;
    } cases[] = {
        { "nameless", "200 OK", "{\"Id\":\"sha256:1\",\"RepoTags\":[]}", EA_OK },
        { "nameless, as old engines say it", "200 OK",
          "{\"Id\":\"sha256:1\",\"RepoTags\":[\"<none>:<none>\"]}", EA_OK },
        { "named", "200 OK", "{\"Id\":\"sha256:1\",\"RepoTags\":[\"mine:1\"]}", EA_CONFLICT },
        { "gone", "404 Not Found", "{\"message\":\"no such image\"}", EA_OK },
    };
    EA_FREE_AUTO char *removed = answer("200 OK", "[]");

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *image = answer(cases[i].status, cases[i].body);
        char id[] = "sha256:1";
        const struct peer_step steps[] = {
            { .wait = "/images/sha256:1/json", .send = image },
            { .wait = "?noprune=1", .send = removed },
        };
        struct ea_effect fx = begin(f, steps, EA_COUNT(steps));

        fx = (struct ea_effect){
            .kind = EA_FX_IMAGE_REMOVE, .op = 8, .text = id, .limit_ms = PATIENCE_MS
        };
        ea_images_add(&f->ag.model.images, id)->op = 8;
        ea_images_find(&f->ag.model.images, id)->pull_succeeded = true;
        f->c->op = 0;
        ea_run_effect(&f->ag, &fx);
        wait_for(f, image_answered);
        const struct ea_image_state *left = ea_images_find(&f->ag.model.images, id);
        if ((left != NULL) != (cases[i].want != EA_OK) || (left && !left->stays))
            fail_msg("%s", cases[i].why);
        ea_images_drop(&f->ag.model.images, id);
        next_engine(f);
    }
}

static void negotiated(void *ctx, const struct ea_docker_version *v, const ea_err *err)
{
    (void)v;
    assert_int_equal(err->code, EA_OK);
    *(bool *)ctx = true;
}

/* The local image that is used then may be another than the one that was looked at last. */
static void a_local_image_that_stands_in_for_a_failed_pull_is_looked_at(void **state)
{
    struct fixture *f = *state;
    EA_FREE_AUTO char *before = answer("200 OK", "{\"Id\":\"sha256:1\",\"Config\":{}}");
    EA_FREE_AUTO char *now =
        answer("200 OK", "{\"Id\":\"sha256:2\",\"Config\":{\"Env\":[\"AWS_REGION=elsewhere\"]}}");
    EA_FREE_AUTO char *made = answer("201 Created", "{\"Id\":\"0123\"}");

    for (int pull_failed = 0; pull_failed < 2; pull_failed++) {
        const struct peer_step steps[] = {
            { .wait = "/images/busybox/json", .send = pull_failed ? now : before },
            { .wait = "/containers/create?name=ecs-f-1-main-0", .send = made },
        };
        struct ea_effect fx = begin(f, steps, EA_COUNT(steps));

        if (pull_failed)
            ea_set_str(&f->c->error_name, "CannotPullContainerError");
        ea_run_effect(&f->ag, &fx);
        wait_for(f, created);
        EA_FREE_AUTO char *asked = ea_str_dup(peer_received(f->engine));
        assert_int_equal(strstr(asked, "\"AWS_REGION=us-west-2\"") != NULL, !pull_failed);
        next_engine(f);
    }
}

static void an_api_version_that_the_engine_lacks_is_named(void **state)
{
    struct fixture *f = *state;
    EA_FREE_AUTO char *version =
        answer("200 OK", "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}");
    EA_FREE_AUTO char *image = answer("404 Not Found", "{\"message\":\"No such image\"}");
    const struct peer_step steps[] = {
        { .wait = "/version", .send = version },
        { .wait = "/images/busybox/json", .send = image },
    };
    struct ea_effect fx = begin(f, steps, EA_COUNT(steps));
    bool told = false;

    (void)ea_docker_negotiate(f->ag.docker, PATIENCE_MS, negotiated, &told);
    run_until(f->ag.loop, &told, PATIENCE_MS);
    ea_set_str(&f->c->docker_config.version, "1.44");
    ea_run_effect(&f->ag, &fx);
    wait_for(f, created);
    assert_string_equal(f->c->error_name, "CannotGetDockerclientError");
    assert_string_equal(f->c->error_text,
                        "(v1.44) - Docker API 1.44 is asked for, the engine speaks up to 1.41");
    next_engine(f);
}

static void a_start_that_was_done_is_not_failed_by_the_look_that_follows(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *status, *body;
        ea_cstate known;
        bool looks_again;
        const char *error;
    } cases[] = {
        { "an engine in trouble", "500 Internal Server Error", "{\"message\":\"busy\"}",
          EA_C_CREATED, true, NULL },
        { "an answer that makes no sense", "200 OK", "{}", EA_C_CREATED, true, NULL },
        { "gone", "404 Not Found", "{\"message\":\"No such container: 0123\"}", EA_C_STOPPED, false,
          "CannotStartContainerError" },
    };
    static const char started[] = "HTTP/1.1 204 No Content\r\n\r\n";

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *seen = answer(cases[i].status, cases[i].body);
        const struct peer_step steps[] = {
            { .wait = "/containers/0123/start", .send = started },
            { .wait = "/containers/0123/json", .send = seen },
        };
        struct ea_effect fx = begin(f, steps, EA_COUNT(steps));

        fx.kind = EA_FX_START;
        f->c->known = EA_C_CREATED;
        f->c->applied = EA_C_RUNNING;
        ea_model_set_docker_id(&f->ag.model, ea_model_task(&f->ag.model, ARN), f->c, "0123");
        ea_run_effect(&f->ag, &fx);
        wait_for(f, created);
        if (f->c->known != cases[i].known || f->c->lookup != cases[i].looks_again ||
            !ea_zstr_eq(f->c->error_name, cases[i].error))
            fail_msg("%s: known %d, lookup %d, %s", cases[i].why, (int)f->c->known, f->c->lookup,
                     f->c->error_name);
        next_engine(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_environment_of_an_image_that_nobody_looked_at_is_asked_for_before_the_create,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_is_removed_by_its_id_only_if_it_has_no_name,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_local_image_that_stands_in_for_a_failed_pull_is_looked_at,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_api_version_that_the_engine_lacks_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_start_that_was_done_is_not_failed_by_the_look_that_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_taken_name_ends_the_task_only_if_somebody_elses_container_is_seen, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
