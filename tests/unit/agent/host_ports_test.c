/* host_ports_test.c - which host ports the agent picks for dynamic mappings and ranges. The ports lie
 * above those that a Linux kernel gives away by itself. */
#include "agent/host_ports.h"
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FIRST 61740
#define LAST  61749

/* A task that is about to be created, with these port mappings (JSON). */
static struct ea_task *add_task(ea_agent *ag, const char *arn, const char *mappings)
{
    EA_FREE_AUTO char *json = ea_sprintf_dup(
        "{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\",\"portMappings\":%s}]}",
        arn, mappings);
    struct ea_task *t = ea_task_new();
    ea_err err = { 0 };

    if (ea_json_decode(&ea_task_wire_shape, ea_str_of(json), t, &err))
        fail_msg("%s", err.text);
    ea_model_add_task(&ag->model, t);
    return t;
}

static struct ea_container *assigned(ea_agent *ag, const char *arn, const char *mappings)
{
    struct ea_task *t = add_task(ag, arn, mappings);
    struct ea_effects fx = { 0 };
    struct ea_effect *e = ea_effects_add(&fx, EA_FX_CREATE);

    e->task = t;
    e->container = &t->containers.v[0];
    ea_assign_ports(ag, &fx);
    ea_effects_done(&fx);
    return &t->containers.v[0];
}

static int set_up(void **state)
{
    ea_agent *ag = ea_alloc(sizeof(*ag));

    ea_model_init(&ag->model, 1);
    ag->model.settings.port_first = FIRST;
    ag->model.settings.port_last = LAST;
    *state = ag;
    return 0;
}

static int tear_down(void **state)
{
    ea_agent *ag = *state;

    ea_model_done(&ag->model);
    ea_free(ag->model.host.reserved_tcp.v);
    ea_free(ag);
    return 0;
}

static void a_range_gets_as_many_host_ports_in_a_row(void **state)
{
    ea_agent *ag = *state;
    struct ea_container *c =
        assigned(ag, "a", "[{\"containerPort\":80},{\"containerPortRange\":\"8000-8003\"}]");
    ea_err err = { 0 };

    assert_int_equal(c->ports.v[0].assigned_host_port, FIRST);
    assert_string_equal(c->ports.v[1].assigned_range, "61741-61744");
    assert_false(ea_ports_lacking(c, &err));
    assert_true(ea_model_task(&ag->model, "a")->dirty);
}

static void a_row_does_not_reach_around_the_end_nor_over_a_port_in_use(void **state)
{
    ea_agent *ag = *state;
    struct ea_container *c;

    (void)assigned(ag, "first", "[{\"containerPort\":80}]"); /* takes the first */
    ag->last_port = LAST - 2;
    c = assigned(ag, "b", "[{\"containerPortRange\":\"8000-8003\"}]");
    assert_string_equal(c->ports.v[0].assigned_range, "61741-61744");
    c = assigned(ag, "c", "[{\"containerPortRange\":\"8000-8003\",\"protocol\":\"udp\"}]");
    assert_string_equal(c->ports.v[0].assigned_range, "61745-61748"); /* another protocol is free */
}

static void ports_that_are_not_to_be_had_are_told_by_their_number(void **state)
{
    ea_agent *ag = *state;
    struct ea_container *c;
    ea_err err = { 0 };

    c = assigned(ag, "a", "[{\"containerPortRange\":\"1-11\"}]");
    assert_true(ea_ports_lacking(c, &err));
    assert_string_equal(err.text, "11 contiguous host ports are unavailable");
    (void)assigned(ag, "b", "[{\"containerPortRange\":\"1-10\"}]");
    c = assigned(ag, "c", "[{\"containerPort\":1}]");
    assert_true(ea_ports_lacking(c, &err));
    assert_string_equal(err.text, "a host port is unavailable");
}

static void beyond_a_hundred_bindings_a_range_is_refused_by_number(void **state)
{
    static const struct {
        const char *why;
        int singles;
        bool range, refused;
    } cases[] = {
        { "a hundred", 99, true, false },
        { "one more", 100, true, true },
        { "without a range the first hundred are told", 120, false, false },
    };
    ea_agent *ag = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO b = EA_BUF(65536);
        EA_FREE_AUTO char *mappings = NULL;
        EA_FREE_AUTO char *arn = ea_sprintf_dup("t%zu", i);
        ea_err err = { 0 };

        ea_buf_adds(&b, cases[i].range ? "[{\"containerPortRange\":\"1000-1200\"}" : "[");
        for (int j = 1; j <= cases[i].singles; j++)
            ea_buf_addf(&b, "%s{\"containerPort\":%d,\"hostPort\":%d}", b.n > 1 ? "," : "", j, j);
        ea_buf_adds(&b, "]");
        assert_int_equal(ea_buf_take(&b, &mappings, &err), EA_OK);
        const struct ea_container *c = &add_task(ag, arn, mappings)->containers.v[0];
        if (ea_ports_untold(c, &err) != cases[i].refused)
            fail_msg("%s", cases[i].why);
        if (cases[i].refused)
            assert_string_equal(err.text, "101 network bindings, more than the maximum of 100 that "
                                          "is supported with a container port range");
    }
}

static void after_a_taken_port_the_next_is_looked_for_anywhere(void **state)
{
    ea_agent *ag = *state;
    struct ea_task *t = add_task(ag, "a", "[{\"containerPort\":80}]");
    struct ea_container *c = &t->containers.v[0];
    bool seen[LAST - FIRST + 1] = { false };
    size_t different = 0;

    for (int i = 0; i < 200; i++) {
        struct ea_effects fx = { 0 };
        struct ea_effect *e = ea_effects_add(&fx, EA_FX_CREATE);

        e->task = t;
        e->container = c;
        c->port_tries = 1;
        c->ports.v[0].assigned_host_port = 0;
        ag->last_port = FIRST;
        ea_assign_ports(ag, &fx);
        ea_effects_done(&fx);
        assert_int_in_range(c->ports.v[0].assigned_host_port, FIRST, LAST);
        seen[c->ports.v[0].assigned_host_port - FIRST] = true;
    }
    for (size_t i = 0; i < EA_COUNT(seen); i++)
        different += seen[i];
    assert_true(different > 5);
}

static void a_create_that_is_tried_again_keeps_its_ports(void **state)
{
    ea_agent *ag = *state;
    struct ea_container *c = assigned(ag, "a", "[{\"containerPortRange\":\"8000-8001\"}]");
    struct ea_effects fx = { 0 };
    struct ea_effect *e = ea_effects_add(&fx, EA_FX_CREATE);

    e->task = ea_model_task(&ag->model, "a");
    e->container = c;
    ea_assign_ports(ag, &fx);
    ea_effects_done(&fx);
    assert_string_equal(c->ports.v[0].assigned_range, "61740-61741");
}

static void reserved_ports_and_explicit_ones_of_live_tasks_are_left_out(void **state)
{
    ea_agent *ag = *state;
    int64_t *reserved = ea_alloc_array(1, sizeof(*reserved));

    reserved[0] = FIRST + 1;
    ag->model.host.reserved_tcp = (ea_i64list){ reserved, 1 };
    (void)add_task(ag, "x", "[{\"containerPort\":80,\"hostPort\":61744}]");
    struct ea_container *c = assigned(ag, "a", "[{\"containerPortRange\":\"1-3\"}]");
    assert_string_equal(c->ports.v[0].assigned_range, "61745-61747");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_range_gets_as_many_host_ports_in_a_row, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_row_does_not_reach_around_the_end_nor_over_a_port_in_use,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(ports_that_are_not_to_be_had_are_told_by_their_number,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(beyond_a_hundred_bindings_a_range_is_refused_by_number,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_taken_port_the_next_is_looked_for_anywhere, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_create_that_is_tried_again_keeps_its_ports, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reserved_ports_and_explicit_ones_of_live_tasks_are_left_out,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
