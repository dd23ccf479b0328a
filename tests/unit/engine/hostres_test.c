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

static void task(char out[512], unsigned n, int cpu, int memory, int port)
{
    (void)snprintf(
        out, 512,
        "[{\"arn\":\"arn:t%u\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\",\"essential\":true,\"cpu\":%d,\"memory\":%d,\"portMappings\":["
        "{\"containerPort\":80,\"hostPort\":%d}]}]}]",
        n, cpu, memory, port);
}

/* Host of the driver: 2048 CPU units, 4096 MiB. */
static void later_tasks_pass_when_they_take_nothing_that_those_before_lack(void **state)
{
    static const struct {
        const char *why;
        struct {
            int cpu, memory, port;
            bool runs;
        } tasks[4];
    } cases[] = {
        { "all fit", { { 512, 1024, 0, true }, { 512, 1024, 0, true }, { 0, 0, 0, true } } },
        { "a small one does not pass a big one that waits for the same",
          { { 1500, 10, 0, true }, { 1000, 10, 0, false }, { 100, 10, 0, false } } },
        { "one that needs none of what is lacking passes",
          { { 1500, 10, 0, true }, { 1000, 10, 0, false }, { 0, 10, 0, true } } },
        { "waiting for a port stops nobody who needs another",
          { { 10, 10, 80, true }, { 10, 10, 80, false }, { 10, 10, 81, true } } },
        { "what a waiting one needs is kept for it",
          { { 1000, 10, 80, true }, { 600, 10, 80, false }, { 600, 10, 0, false } } },
        { "memory", { { 0, 4000, 0, true }, { 0, 97, 0, false }, { 9, 0, 0, true } } },
        { "exactly full", { { 2048, 4096, 0, true }, { 0, 0, 0, true }, { 1, 0, 0, false } } },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        char text[512], arn[16];

        driver_init(&d);
        for (unsigned n = 0; n < 3; n++) {
            task(text, n, cases[i].tasks[n].cpu, cases[i].tasks[n].memory, cases[i].tasks[n].port);
            driver_payload(&d, text);
            (void)snprintf(arn, sizeof(arn), "arn:t%u", n);
            bool runs = driver_container(&d, arn, "c")->op != 0;
            if (runs != cases[i].tasks[n].runs)
                fail_msg("%s: task %u %s", cases[i].why, n, runs ? "started" : "waits");
        }
        driver_done(&d);
    }
}

static void a_stopped_task_gives_back_exactly_what_it_held(void **state)
{
    struct driver d;
    struct ea_held held;
    char text[512], why[256];

    (void)state;
    driver_init(&d);
    task(text, 1, 100, 64, 8080);
    driver_payload(&d, text);
    driver_run(&d, "arn:t1", "c");
    task(text, 2, 100, 64, 8080);
    driver_payload(&d, text);
    task(text, 3, 100, 64, 9090);
    driver_payload(&d, text);
    ea_engine_explain(&d.m, driver_task(&d, "arn:t2"), &d.now, why);
    assert_string_equal(why, "waits for host port 8080/tcp");
    ea_engine_held(&d.m, &held);
    assert_int_equal(held.cpu_units, 200);
    assert_int_equal(held.waiting, 1);
    driver_stop(&d, "arn:t1");
    assert_int_equal(driver_container(&d, "arn:t2", "c")->op, 0);
    driver_ok(&d, "arn:t1", "c");
    driver_expect(&d, "arn:t2", "c", EA_FX_RESOLVE);
    assert_true(ea_engine_port_taken(&d.m, "tcp", 9090)); /* not lost with the other one's */
    assert_true(ea_engine_port_taken(&d.m, NULL, 8080));
    assert_false(ea_engine_port_taken(&d.m, "udp", 8080));
    driver_done(&d);
}

static void a_task_that_can_never_fit_stops_with_a_reason(void **state)
{
    static int64_t reserved[] = { 22 };
    static const struct {
        const char *why;
        int cpu, memory, port;
        const char *lacking;
    } cases[] = {
        { "cpu", 4096, 0, 0, "4096 CPU units (2048 of 2048 are free)" },
        { "memory", 0, 9000, 0, "9000 MiB of memory (4096 of 4096 are free)" },
        { "a reserved port", 0, 0, 22, "host port 22/tcp" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        char text[512], want[256];

        driver_init(&d);
        d.m.host.reserved_tcp.v = reserved;
        d.m.host.reserved_tcp.n = 1;
        task(text, 1, cases[i].cpu, cases[i].memory, cases[i].port);
        driver_payload(&d, text);
        (void)snprintf(
            want, sizeof(want),
            "ResourceInitializationError: resource cannot be initialized for task arn:t1: "
            "the host can never provide %s",
            cases[i].lacking);
        assert_string_equal(driver_task(&d, "arn:t1")->reason, want);
        assert_int_equal(driver_task(&d, "arn:t1")->known, EA_T_STOPPED);
        d.m.host.reserved_tcp = (ea_i64list){ NULL, 0 };
        driver_done(&d);
    }
}

static void task_limits_and_reservations_count_before_container_limits(void **state)
{
    static const struct {
        const char *why, *task;
        int64_t cpu, memory;
    } cases[] = {
        { "task limits win",
          "[{\"arn\":\"t\",\"desiredStatus\":\"RUNNING\",\"cpu\":0.25,\"memory\":512,"
          "\"containers\":[{"
          "\"name\":\"c\",\"image\":\"i\",\"cpu\":10,\"memory\":64}]}]",
          256, 512 },
        { "reservation instead of the limit",
          "[{\"arn\":\"t\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\",\"image\":"
          "\"i\","
          "\"cpu\":10,\"memory\":64,\"dockerConfig\":{\"hostConfig\":\"{\\\"MemoryReservation\\\":"
          "33554432}\"}}]}]",
          10, 32 },
        { "in any spelling, as when it is laid over",
          "[{\"arn\":\"t\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\",\"image\":"
          "\"i\","
          "\"memory\":64,\"dockerConfig\":{\"hostConfig\":\"{\\\"memoryreservation\\\":33554432}\"}"
          "}]}"
          "]",
          0, 32 },
        { "text that cannot be read counts as none",
          "[{\"arn\":\"t\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\",\"image\":"
          "\"i\","
          "\"memory\":64,\"dockerConfig\":{\"hostConfig\":\"{\"}}]}]",
          0, 64 },
        { "Fargate is not ours to count",
          "[{\"arn\":\"t\",\"desiredStatus\":\"RUNNING\",\"launchType\":\"FARGATE\",\"cpu\":1,"
          "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}]",
          0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        struct ea_held held;

        driver_init(&d);
        driver_payload(&d, cases[i].task);
        ea_engine_held(&d.m, &held);
        if (held.cpu_units != cases[i].cpu || held.memory_mib != cases[i].memory)
            fail_msg("%s: %lld, %lld", cases[i].why, (long long)held.cpu_units,
                     (long long)held.memory_mib);
        driver_done(&d);
    }
}

static void a_drained_agent_starts_nothing_new(void **state)
{
    struct driver d;
    char why[256];

    (void)state;
    driver_init(&d);
    struct ea_event drain = { .kind = EA_EV_DRAIN };
    driver_turn(&d, &drain);
    driver_payload(&d, DRIVER_ONE);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->op, 0);
    ea_engine_explain(&d.m, driver_task(&d, "arn:t1"), &d.now, why);
    assert_string_equal(why, "waits: the agent is draining");
    driver_stop(&d, "arn:t1");
    assert_int_equal(driver_task(&d, "arn:t1")->known, EA_T_STOPPED);
    driver_done(&d);
}

static void a_port_that_the_agent_gave_away_is_waited_for_like_any_other(void **state)
{
    static const struct {
        const char *why, *range;
        int64_t port;
    } cases[] = {
        { "a single one", NULL, 49160 },
        { "one inside a range", "49158-49162", 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        char text[512];

        driver_init(&d);
        task(text, 1, 10, 10, 0);
        driver_payload(&d, text);
        struct ea_port_mapping *p = &driver_container(&d, "arn:t1", "c")->ports.v[0];
        p->assigned_host_port = cases[i].port;
        p->assigned_range = ea_strdup(cases[i].range);
        driver_run(&d, "arn:t1", "c");
        task(text, 2, 10, 10, 49160);
        driver_payload(&d, text);
        if (driver_container(&d, "arn:t2", "c")->op)
            fail_msg("%s: started", cases[i].why);
        driver_exit(&d, "arn:t1", "c", 0);
        if (!driver_container(&d, "arn:t2", "c")->op)
            fail_msg("%s: still waits", cases[i].why);
        driver_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_tasks_pass_when_they_take_nothing_that_those_before_lack),
        cmocka_unit_test(a_stopped_task_gives_back_exactly_what_it_held),
        cmocka_unit_test(a_task_that_can_never_fit_stops_with_a_reason),
        cmocka_unit_test(task_limits_and_reservations_count_before_container_limits),
        cmocka_unit_test(a_drained_agent_starts_nothing_new),
        cmocka_unit_test(a_port_that_the_agent_gave_away_is_waited_for_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
