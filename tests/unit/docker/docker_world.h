/* docker_world.h - a loop, a scripted engine and our client connected to it, for one test. */
#ifndef EA_TESTS_DOCKER_DOCKER_WORLD_H
#define EA_TESTS_DOCKER_DOCKER_WORLD_H

#include "docker/docker.h"
#include "fake_engine.h"

struct docker_world {
    ea_loop *loop;
    fake_engine *fe;
    ea_docker *dk; /* a test that frees it itself sets it to NULL */
};

int docker_world_set_up(void **state);
int docker_world_tear_down(void **state); /* fails when a request is still in flight */

struct plain_result {
    bool done;
    unsigned times;
    ea_err err;
};
void plain_done(void *ctx, const ea_err *err); /* an ea_docker_done */

#define IN_DOCKER_WORLD(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, docker_world_set_up, docker_world_tear_down)

#endif
