#include "docker_world.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

int docker_world_set_up(void **state)
{
    struct docker_world *w = ea_alloc(sizeof(*w));
    struct ea_docker_options options = { .heavy_max = 2, .stops_max = 2, .stop_turn_ms = 60000 };
    ea_err err = { 0 };

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->fe = fake_engine_new(w->loop);
    options.endpoint = fake_engine_address(w->fe);
    assert_int_equal(ea_docker_new(w->loop, &options, &w->dk, &err), EA_OK);
    *state = w;
    return 0;
}

int docker_world_tear_down(void **state)
{
    struct docker_world *w = *state;

    if (w->dk)
        assert_int_equal(ea_docker_in_flight(w->dk), 0);
    ea_docker_free(w->dk);
    fake_engine_free(w->fe);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

void plain_done(void *ctx, const ea_err *err)
{
    struct plain_result *r = ctx;

    r->done = true;
    r->times++;
    r->err = *err;
}
