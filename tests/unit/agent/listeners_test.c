#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/listeners.h"
#include "base/loop.h"
#include "fakes/fake_host.h"

#include <string.h>
#include <uv.h>

struct world {
    ea_loop *loop;
    ea_timer *timer;
    struct fake_host host;
    struct ea_host_ops ops; /* what the fake has, with a look that waits */
    uv_sem_t let_go;
    unsigned told;
    struct ea_host_port ports[EA_HOST_PORTS_MAX];
};

/* Takes until the loop has done something else: on the loop itself it would never end. */
static void slow_look(void *ctx, struct ea_host_port out[EA_HOST_PORTS_MAX])
{
    struct world *w = ctx;

    uv_sem_wait(&w->let_go);
    uv_sem_post(&w->let_go); /* later looks are quick */
    w->host.ops.ports(w->host.ops.ctx, out);
}

static ea_code act(void *ctx, ea_host_act what, uint64_t number, ea_err *err)
{
    struct world *w = ctx;

    return w->host.ops.act(w->host.ops.ctx, what, number, err);
}

static void let_go(void *arg)
{
    struct world *w = arg;

    assert_int_equal(w->told, 0);
    uv_sem_post(&w->let_go);
}

static void told(void *ctx, const struct ea_host_port ports[EA_HOST_PORTS_MAX])
{
    struct world *w = ctx;

    w->told++;
    memcpy(w->ports, ports, sizeof(w->ports));
    ea_loop_stop(w->loop);
}

static void begin(struct world *w)
{
    ea_err err = { 0 };

    memset(w, 0, sizeof(*w));
    if (ea_loop_new(&w->loop, &err))
        fail_msg("%s", err.text);
    fake_host_init(&w->host, EA_HOST_ADAPTER | EA_HOST_PORTS);
    w->ops = (struct ea_host_ops){
        .ctx = w, .needs = w->host.ops.needs, .ports = slow_look, .act = act
    };
    assert_int_equal(uv_sem_init(&w->let_go, 0), 0);
    w->timer = ea_timer_new(w->loop, let_go, w);
}

static void end(struct world *w)
{
    ea_timer_free(w->timer);
    ea_loop_free(w->loop);
    uv_sem_destroy(&w->let_go);
}

static void the_loop_goes_on_while_the_ports_are_looked_at_and_reserved(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ea_ports_keep(w.loop, &w.ops, told, &w);
    assert_int_equal(w.told, 0);
    ea_timer_arm(w.timer, 1);
    ea_loop_run(w.loop, 1000);
    assert_int_equal(w.told, 1);
    assert_true(w.ports[0].reserved && w.ports[1].reserved);
    assert_false(w.ports[2].reserved); /* port 80 is only looked at */
    end(&w);
}

static void a_port_that_the_nat_has_is_told_and_the_other_one_reserved(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    w.host.ports[1].first = 51600;
    w.host.ports[1].last = 51699;
    ea_ports_keep(w.loop, &w.ops, told, &w);
    ea_timer_arm(w.timer, 1);
    ea_loop_run(w.loop, 1000);
    assert_true(w.ports[0].reserved);
    assert_false(w.ports[1].reserved);
    assert_int_equal(w.ports[1].first, 51600);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_goes_on_while_the_ports_are_looked_at_and_reserved),
        cmocka_unit_test(a_port_that_the_nat_has_is_told_and_the_other_one_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
