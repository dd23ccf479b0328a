/* ports_test.c - a host port that the agent picked and that Docker finds taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <stdio.h>
#include <string.h>

#define ARN "arn:t1"
#define TAKEN(port)                                                                                \
    "Error response from daemon: driver failed programming external connectivity on endpoint "     \
    "ecs-web-3-c-0 (12ab): Bind for 0.0.0.0:" #port " failed: port is already allocated"

static struct ea_container *c_of(const struct driver *d)
{
    return driver_container(d, ARN, "c");
}

/* What the agent does before a create is committed. */
static void pick(struct driver *d, int64_t port)
{
    for (size_t i = 0; i < c_of(d)->ports.n; i++) {
        struct ea_port_mapping *p = &c_of(d)->ports.v[i];

        if (p->container_port_range && !p->assigned_range)
            p->assigned_range = ea_sprintf_dup("%lld-%lld", (long long)port, (long long)port + 9);
        else if (!p->container_port_range && !p->host_port && !p->assigned_host_port)
            p->assigned_host_port = port;
    }
}

/* Brings a container with these mappings to the moment at which its start is in flight; its first
 * dynamic port is 49153. */
static void starting(struct driver *d, const char *mappings)
{
    EA_FREE_AUTO char *task = ea_sprintf_dup(
        "[{\"arn\":\"" ARN "\",\"desiredStatus\":\"RUNNING\",\"family\":\"web\",\"version\":\"3\","
        "\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1\",\"essential\":true,"
        "\"portMappings\":%s}]}]",
        mappings);

    driver_init(d);
    driver_payload(d, task);
    driver_ok(d, ARN, "c");
    driver_ok(d, ARN, "c");
    driver_expect(d, ARN, "c", EA_FX_CREATE);
    pick(d, 49153);
    driver_ok(d, ARN, "c");
    driver_expect(d, ARN, "c", EA_FX_START);
}

#define DYNAMIC "[{\"containerPort\":80,\"hostPort\":0}]"

static void created_as(struct driver *d, const char *id)
{
    struct ea_docker_facts f = { .found = true, .brief = true, .state = EA_C_CREATED };

    f.id = ea_strdup(id);
    driver_ok_facts(d, ARN, "c", &f);
}

static void a_taken_port_is_given_back_and_the_container_made_again_with_another(void **state)
{
    struct driver d;

    (void)state;
    starting(&d, DYNAMIC);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    assert_int_equal(c_of(&d)->ports.v[0].assigned_host_port, 0);
    assert_true(ea_engine_port_taken(&d.m, "tcp", 49153));
    assert_false(ea_engine_port_taken(&d.m, "udp", 49153));
    assert_false(ea_engine_port_taken(&d.m, "tcp", 49154));
    driver_expect(&d, ARN, "c", EA_FX_REMOVE); /* first the old one goes */
    assert_int_equal(driver_count(&d, EA_FX_CREATE), 0);
    assert_string_equal(driver_effect(&d, EA_FX_REMOVE, "c")->container->docker_id, "id-arn:t1-c");
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    assert_null(c_of(&d)->docker_id);
    pick(&d, 49200);
    created_as(&d, "second");
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_ok(&d, ARN, "c");
    assert_int_equal(c_of(&d)->known, EA_C_RUNNING);
    assert_string_equal(c_of(&d)->docker_id, "second");
    assert_null(c_of(&d)->error_name);
    driver_timer(&d, 300000); /* whoever had it may have let it go */
    assert_false(ea_engine_port_taken(&d.m, "tcp", 49153));
    driver_done(&d);
}

static void the_third_taken_port_is_the_end(void **state)
{
    struct driver d;

    (void)state;
    starting(&d, DYNAMIC);
    for (int i = 0; i < 2; i++) {
        driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
        driver_ok(&d, ARN, "c");
        pick(&d, 49153);
        created_as(&d, i ? "third" : "second");
        driver_expect(&d, ARN, "c", EA_FX_START);
    }
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    assert_int_equal(c_of(&d)->desired, EA_C_STOPPED);
    assert_string_equal(c_of(&d)->error_name, "CannotStartContainerError");
    assert_string_equal(c_of(&d)->error_text, TAKEN(49153));
    driver_done(&d);
}

static void only_ports_that_the_agent_picked_are_replaced(void **state)
{
    static const struct {
        const char *why, *mappings, *text;
        bool again;
        bool given_back[2];
    } cases[] = {
        { "named by the definition",
          "[{\"containerPort\":80,\"hostPort\":8080}]",
          TAKEN(8080),
          false,
          { false, false } },
        { "one of each, the named one",
          "[{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":81}]",
          TAKEN(8080),
          false,
          { false, false } },
        { "one of each, the picked one",
          "[{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":81}]",
          TAKEN(49153),
          true,
          { false, true } },
        { "one of a range",
          "[{\"containerPortRange\":\"80-89\"}]",
          TAKEN(49160),
          true,
          { true, false } },
        { "behind a range",
          "[{\"containerPortRange\":\"80-89\"}]",
          TAKEN(49163),
          true,
          { true, false } }, /* not one of ours: all that was picked goes back */
        { "a socket, with the container's address behind it",
          DYNAMIC,
          "failed to bind host port for 0.0.0.0:49153:172.17.0.2:80/tcp: address already in use",
          true,
          { true, false } },
        { "IPv6",
          DYNAMIC,
          "listen tcp6 [::]:49153: bind: address already in use",
          true,
          { true, false } },
        { "Windows, which names no port",
          DYNAMIC,
          "failed to create endpoint x on network nat: hnsCall failed in Win32: O arquivo (0x20).",
          true,
          { true, false } },
        { "Windows, and it may be the named one",
          "[{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":81}]",
          "failed to create endpoint x on network nat: HNS failed with error : The process cannot "
          "access the file because it is being used by another process.",
          false,
          { false, false } },
        { "something else",
          DYNAMIC,
          "OCI runtime create failed: 0.0.0.0:49153",
          false,
          { false, false } },
        { "no ports at all", "[]", TAKEN(49153), false, { false, false } },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        starting(&d, cases[i].mappings);
        driver_fail(&d, ARN, "c", EA_SERVER, cases[i].text);
        if ((d.kind_of[c_of(&d)->op] == EA_FX_REMOVE) != cases[i].again)
            fail_msg("%s: %s in flight", cases[i].why, ea_fx_name(d.kind_of[c_of(&d)->op]));
        assert_int_equal(c_of(&d)->error_name != NULL, !cases[i].again);
        for (size_t j = 0; j < c_of(&d)->ports.n; j++) {
            const struct ea_port_mapping *p = &c_of(&d)->ports.v[j];
            bool has = p->host_port || p->assigned_host_port || p->assigned_range;

            if (has == cases[i].given_back[j])
                fail_msg("%s: mapping %zu", cases[i].why, j);
        }
        driver_done(&d);
    }
}

static void a_create_that_is_refused_for_a_port_leaves_nothing_to_remove(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[{\"arn\":\"" ARN "\",\"desiredStatus\":\"RUNNING\",\"containers\":["
                       "{\"name\":\"c\",\"image\":\"i\",\"essential\":true,"
                       "\"portMappings\":" DYNAMIC "}]}]");
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    pick(&d, 49153);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    assert_int_equal(c_of(&d)->ports.v[0].assigned_host_port, 0);
    driver_done(&d);
}

/* The crash comes at each step; what is there is never doubled. */
static void a_crash_on_the_way_loses_nothing_and_doubles_nothing(void **state)
{
    (void)state;
    for (int at = 0; at < 4; at++) {
        struct driver d;

        starting(&d, DYNAMIC);
        if (at == 0) { /* Docker refused the start, and nobody heard of it */
            driver_crash(&d);
            struct ea_event up = { .kind = EA_EV_DOCKER_UP };
            driver_turn(&d, &up);
            driver_expect(&d, ARN, "c", EA_FX_INSPECT);
            struct ea_docker_facts f =
                driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_STOPPED, 128);
            f.started_ms = 0;
            f.state_error = ea_strdup(TAKEN(49153));
            driver_ok_facts(&d, ARN, "c", &f);
        } else {
            driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
        }
        if (at == 1) { /* the removal was asked for and perhaps carried out */
            driver_crash(&d);
            struct ea_event up = { .kind = EA_EV_DOCKER_UP };
            driver_turn(&d, &up);
            driver_expect(&d, ARN, "c", EA_FX_INSPECT);
            struct ea_docker_facts f =
                driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_STOPPED, 128);
            f.started_ms = 0;
            f.state_error = ea_strdup(TAKEN(49153));
            driver_ok_facts(&d, ARN, "c", &f);
        }
        driver_expect(&d, ARN, "c", EA_FX_REMOVE);
        driver_ok(&d, ARN, "c");
        driver_expect(&d, ARN, "c", EA_FX_CREATE);
        pick(&d, 49200);
        if (at == 2) { /* the second create was asked for and carried out */
            driver_crash(&d);
            struct ea_event up = { .kind = EA_EV_DOCKER_UP };
            driver_turn(&d, &up);
            driver_expect(&d, ARN, "c", EA_FX_FIND);
            struct ea_docker_facts f =
                driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_CREATED, 0);
            driver_ok_facts(&d, ARN, "c", &f);
            driver_expect(&d, ARN, "c", EA_FX_REMOVE); /* nobody knows what was put into it */
            driver_ok(&d, ARN, "c");
        }
        if (at == 3) { /* asked for and not carried out */
            driver_crash(&d);
            struct ea_event up = { .kind = EA_EV_DOCKER_UP };
            driver_turn(&d, &up);
            driver_expect(&d, ARN, "c", EA_FX_FIND);
            struct ea_docker_facts none = { .found = false };
            driver_ok_facts(&d, ARN, "c", &none);
        }
        driver_expect(&d, ARN, "c", EA_FX_CREATE);
        pick(&d, 49200);
        created_as(&d, "second");
        driver_expect(&d, ARN, "c", EA_FX_START);
        driver_ok(&d, ARN, "c");
        assert_int_equal(c_of(&d)->known, EA_C_RUNNING);
        assert_null(c_of(&d)->error_name);
        driver_done(&d);
    }
}

static void a_removal_that_fails_is_asked_again_and_given_up_at_last(void **state)
{
    struct driver d;
    int asked = 0;

    (void)state;
    starting(&d, DYNAMIC);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    while (c_of(&d)->desired != EA_C_STOPPED && asked < 100) {
        if (!c_of(&d)->op) {
            driver_timer(&d, 36000);
            continue;
        }
        if (d.kind_of[c_of(&d)->op] == EA_FX_INSPECT) {
            struct ea_docker_facts f =
                driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_CREATED, 0);
            driver_ok_facts(&d, ARN, "c", &f);
            continue;
        }
        driver_expect(&d, ARN, "c", EA_FX_REMOVE);
        assert_int_equal(driver_count(&d, EA_FX_CREATE), 0);
        asked++;
        driver_fail(&d, ARN, "c", asked % 2 ? EA_SERVER : EA_UNREACHABLE, "cannot be removed");
    }
    assert_int_equal(asked, 9); /* those that found no Docker do not count */
    assert_string_equal(c_of(&d)->error_name, "CannotRemoveContainerError");
    driver_done(&d);
}

static void a_stop_order_on_the_way_makes_nothing_anew(void **state)
{
    struct driver d;

    (void)state;
    for (int removed = 0; removed < 2; removed++) {
        starting(&d, DYNAMIC);
        driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
        if (removed) {
            driver_ok(&d, ARN, "c");
            driver_expect(&d, ARN, "c", EA_FX_CREATE);
            driver_stop(&d, ARN);
            driver_fail(&d, ARN, "c", EA_UNREACHABLE, "gone");
            driver_timer(&d, 40000);
            driver_expect(&d, ARN, "c", EA_FX_FIND);
            struct ea_docker_facts none = { .found = false };
            driver_ok_facts(&d, ARN, "c", &none);
        } else {
            driver_stop(&d, ARN);
            driver_ok(&d, ARN, "c"); /* the removal */
        }
        assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
        assert_int_equal(driver_count(&d, EA_FX_CREATE), 0);
        driver_done(&d);
    }
}

static void one_that_runs_all_the_same_is_kept(void **state)
{
    struct driver d;

    (void)state;
    starting(&d, DYNAMIC);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    driver_fail(&d, ARN, "c", EA_CONFLICT, "cannot remove a running container");
    driver_timer(&d, 2000);
    driver_expect(&d, ARN, "c", EA_FX_INSPECT);
    struct ea_docker_facts f = driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_RUNNING, 0);
    driver_ok_facts(&d, ARN, "c", &f);
    assert_int_equal(c_of(&d)->known, EA_C_RUNNING);
    assert_int_equal(c_of(&d)->op, 0);
    driver_done(&d);
}

/* Docker has carried out a create of a dead process, whose port nobody remembers. */
static void one_that_stands_under_the_name_goes_before_another_is_made(void **state)
{
    struct driver d;

    (void)state;
    starting(&d, "[{\"containerPort\":80,\"hostPort\":0},{\"containerPort\":81,\"hostPort\":81}]");
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    driver_ok(&d, ARN, "c"); /* removed */
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    pick(&d, 49200);
    struct ea_docker_facts f = { .found = true, .state = EA_C_CREATED };

    f.id = ea_strdup("late");
    driver_ok_facts(&d, ARN, "c", &f);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    assert_string_equal(driver_effect(&d, EA_FX_REMOVE, "c")->container->docker_id, "late");
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    created_as(&d, "own");
    driver_expect(&d, ARN, "c", EA_FX_START);
    assert_string_equal(c_of(&d)->docker_id, "own");
    driver_done(&d);
}

static void a_restart_in_place_keeps_the_port_that_was_told(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d,
                   "[{\"arn\":\"" ARN "\",\"desiredStatus\":\"RUNNING\",\"containers\":["
                   "{\"name\":\"c\",\"image\":\"i\",\"essential\":true,\"portMappings\":" DYNAMIC
                   ",\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":0}}]}]");
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    pick(&d, 49153);
    driver_ok(&d, ARN, "c");
    driver_ok(&d, ARN, "c");
    driver_exit(&d, ARN, "c", 1);
    driver_expect(&d, ARN, "c", EA_FX_START);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    assert_int_equal(c_of(&d)->ports.v[0].assigned_host_port, 49153);
    assert_string_equal(c_of(&d)->error_name, "CannotStartContainerError");
    driver_done(&d);
}

/* Docker's news of the earlier container may come late and be taken for the later one. */
static void clean_up_looks_whether_what_was_made_last_is_gone(void **state)
{
    struct driver d;

    (void)state;
    starting(&d, DYNAMIC);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    driver_ok(&d, ARN, "c");
    pick(&d, 49200);
    created_as(&d, "second");
    driver_ok(&d, ARN, "c");
    driver_stop(&d, ARN);
    driver_ok(&d, ARN, "c");
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    struct ea_event late = { .kind = EA_EV_DOCKER, .action = EA_DA_CREATE };
    late.facts = driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_NONE, 0);
    ea_set_str(&late.facts.id, "first");
    driver_turn(&d, &late);
    assert_string_equal(c_of(&d)->docker_id, "first");
    driver_timer(&d, d.m.settings.task_cleanup_ms);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    struct ea_docker_facts f = { .found = true, .brief = true, .state = EA_C_STOPPED };
    f.id = ea_strdup("second");
    driver_ok_facts(&d, ARN, "c", &f);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    assert_string_equal(c_of(&d)->docker_id, "second");
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    struct ea_docker_facts none = { .found = false };
    driver_ok_facts(&d, ARN, "c", &none);
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

/* Which port the late one has cannot be told, so it goes; but not for ever. */
static void creates_that_run_into_their_time_limit_on_the_way_come_to_an_end(void **state)
{
    struct driver d;
    int asked = 0;

    (void)state;
    starting(&d, DYNAMIC);
    driver_fail(&d, ARN, "c", EA_SERVER, TAKEN(49153));
    while (c_of(&d)->desired != EA_C_STOPPED && asked < 100) {
        driver_ok(&d, ARN, "c");
        driver_expect(&d, ARN, "c", EA_FX_CREATE);
        asked++;
        driver_fail(&d, ARN, "c", EA_TIMEOUT, "no answer");
        driver_timer(&d, 40000);
        driver_expect(&d, ARN, "c", EA_FX_FIND);
        struct ea_docker_facts f = { .found = true, .state = EA_C_CREATED };
        f.id = ea_strdup("late");
        driver_ok_facts(&d, ARN, "c", &f);
        if (c_of(&d)->desired != EA_C_STOPPED)
            driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    }
    assert_int_equal(asked, 5);
    assert_int_equal(c_of(&d)->known, EA_C_STOPPED);
    assert_string_equal(c_of(&d)->error_name, "DockerTimeoutError");
    assert_string_equal(c_of(&d)->docker_id, "late"); /* for the clean-up */
    driver_done(&d);
}

static void the_one_made_again_has_mounts_of_its_own(void **state)
{
    struct driver d;
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };

    (void)state;
    starting(&d, DYNAMIC);
    driver_crash(&d);
    driver_turn(&d, &up);
    struct ea_docker_facts f = driver_facts(&d, driver_task(&d, ARN), c_of(&d), EA_C_STOPPED, 128);
    f.started_ms = 0;
    f.state_error = ea_strdup(TAKEN(49153));
    f.mounts.v = ea_alloc_array(1, sizeof(*f.mounts.v));
    f.mounts.n = 1;
    f.mounts.v[0].name = ea_strdup("anonymous-1");
    driver_ok_facts(&d, ARN, "c", &f);
    assert_int_equal(c_of(&d)->docker_mounts.n, 1);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_int_equal(c_of(&d)->docker_mounts.n, 0);
    driver_expect(&d, ARN, "c", EA_FX_CREATE);
    driver_done(&d);
}

static void the_list_of_taken_ports_is_bounded(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    for (int64_t i = 0; i < EA_BUSY_PORTS + 3; i++) {
        EA_FREE_AUTO char *arn = ea_sprintf_dup("arn:n%lld", (long long)i);
        EA_FREE_AUTO char *task = ea_sprintf_dup(
            "[{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
            "\"image\":\"i\",\"essential\":true,\"portMappings\":" DYNAMIC "}]}]",
            arn);

        driver_payload(&d, task);
        driver_ok(&d, arn, "c");
        driver_ok(&d, arn, "c");
        driver_container(&d, arn, "c")->ports.v[0].assigned_host_port = 50000 + i;
        driver_ok(&d, arn, "c");
        driver_fail(&d, arn, "c", EA_SERVER, "address already in use");
    }
    assert_false(ea_engine_port_taken(&d.m, "tcp", 50000));
    assert_true(ea_engine_port_taken(&d.m, "tcp", 50000 + EA_BUSY_PORTS + 2));
    assert_int_equal(d.m.busy_n, EA_BUSY_PORTS);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_port_is_given_back_and_the_container_made_again_with_another),
        cmocka_unit_test(the_third_taken_port_is_the_end),
        cmocka_unit_test(only_ports_that_the_agent_picked_are_replaced),
        cmocka_unit_test(a_create_that_is_refused_for_a_port_leaves_nothing_to_remove),
        cmocka_unit_test(a_crash_on_the_way_loses_nothing_and_doubles_nothing),
        cmocka_unit_test(a_removal_that_fails_is_asked_again_and_given_up_at_last),
        cmocka_unit_test(a_stop_order_on_the_way_makes_nothing_anew),
        cmocka_unit_test(one_that_runs_all_the_same_is_kept),
        cmocka_unit_test(one_that_stands_under_the_name_goes_before_another_is_made),
        cmocka_unit_test(a_restart_in_place_keeps_the_port_that_was_told),
        cmocka_unit_test(clean_up_looks_whether_what_was_made_last_is_gone),
        cmocka_unit_test(creates_that_run_into_their_time_limit_on_the_way_come_to_an_end),
        cmocka_unit_test(the_one_made_again_has_mounts_of_its_own),
        cmocka_unit_test(the_list_of_taken_ports_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
