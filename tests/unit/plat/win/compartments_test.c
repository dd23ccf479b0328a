#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plat/win/compartments.h"

#include <string.h>

/* Scripted from endpoints-and-windows.md section 4.6, row "Route inside a container": no Windows has said these. */

enum {
    MAX = 4
};

struct script {
    unsigned n; /* containers, with ids from 2 on */
    bool routed[MAX];
    DWORD ask[MAX], add[MAX]; /* numbers that the calls answer */
    DWORD thread;             /* that was inside */
    unsigned added;
    IN_ADDR gateway;
};

static unsigned list(void *ctx, const struct ea_nat_adapter *nat, struct ea_compartment *out,
                     unsigned max)
{
    const struct script *s = ctx;

    (void)nat;
    for (unsigned i = 0; i < s->n && i < max; i++)
        out[i] = (struct ea_compartment){ .id = i + 2 };
    return s->n;
}

static DWORD has_route(void *ctx, const struct ea_compartment *c, IN_ADDR to, bool *has)
{
    struct script *s = ctx;

    (void)to;
    s->thread = GetCurrentThreadId();
    *has = s->routed[c->id - 2];
    return s->ask[c->id - 2];
}

static DWORD add_route(void *ctx, const struct ea_compartment *c, IN_ADDR to, IN_ADDR gateway)
{
    struct script *s = ctx;

    (void)to;
    s->gateway = gateway;
    if (s->add[c->id - 2])
        return s->add[c->id - 2];
    s->routed[c->id - 2] = true;
    s->added++;
    return ERROR_SUCCESS;
}

static void each_container_that_lacks_the_route_gets_it_by_the_networks_gateway(void **state)
{
    struct script s = { .n = 3, .routed = { false, true, false } };
    const struct ea_compartment_calls calls = { &s, list, has_route, add_route };
    const struct ea_nat_adapter nat = { .gateway.s_addr = 0x01801500, .bits = 20 };
    const IN_ADDR to = { .s_addr = 0x02aafea9 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_compartments_unrouted(&calls, &nat, to), 2);
    if (ea_compartments_route(&calls, &nat, to, &err))
        fail_msg("%s", err.text);
    assert_int_equal(s.added, 2);
    assert_int_equal(s.gateway.s_addr, nat.gateway.s_addr);
    assert_int_equal(ea_compartments_unrouted(&calls, &nat, to), 0);
    assert_int_not_equal(s.thread,
                         GetCurrentThreadId()); /* never on a thread that does other things */
}

static void a_container_that_ends_meanwhile_is_no_error_and_a_refusal_is(void **state)
{
    struct script s = { .n = 3, .ask = { ERROR_NOT_FOUND }, .add = { 0, ERROR_ACCESS_DENIED, 0 } };
    const struct ea_compartment_calls calls = { &s, list, has_route, add_route };
    const struct ea_nat_adapter nat = { .bits = 20 };
    const IN_ADDR to = { .s_addr = 0x02aafea9 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_compartments_route(&calls, &nat, to, &err), EA_DENIED);
    assert_int_equal(s.added, 1); /* the others have theirs */
    s.add[1] = ERROR_INVALID_PARAMETER;
    err = (ea_err){ 0 };
    if (ea_compartments_route(&calls, &nat, to, &err))
        fail_msg("%s", err.text);
}

static void a_system_without_compartments_says_so(void **state)
{
    const struct ea_nat_adapter nat = { .bits = 20 };
    const IN_ADDR to = { .s_addr = 0x02aafea9 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_compartments_unrouted(NULL, &nat, to), 0);
    assert_int_equal(ea_compartments_route(NULL, &nat, to, &err), EA_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_container_that_lacks_the_route_gets_it_by_the_networks_gateway),
        cmocka_unit_test(a_container_that_ends_meanwhile_is_no_error_and_a_refusal_is),
        cmocka_unit_test(a_system_without_compartments_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
