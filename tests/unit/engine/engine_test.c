#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <string.h>

static void a_payload_runs_reports_stops_and_is_forgotten(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    assert_string_equal(driver_effect(&d, EA_FX_ACK, NULL)->message_id, "m1");
    driver_expect(&d, "arn:t1", "c", EA_FX_RESOLVE);
    assert_int_equal(driver_effect(&d, EA_FX_RESOLVE, "c")->limit_ms, 60000);
    driver_ok(&d, "arn:t1", "c");
    assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_MANIFEST_PULLED);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->reporting, EA_C_MANIFEST_PULLED);
    driver_reported(&d, "arn:t1", EA_REPORT_SENT);

    driver_expect(&d, "arn:t1", "c", EA_FX_PULL);
    d.now.wall_ms += 500;
    driver_ok(&d, "arn:t1", "c");
    const struct ea_task *t = driver_task(&d, "arn:t1");
    assert_int_equal(t->pull_stopped_ms - t->pull_started_ms, 500);
    driver_expect(&d, "arn:t1", "c", EA_FX_CREATE);
    assert_true(strncmp(driver_container(&d, "arn:t1", "c")->docker_name, "ecs-web-3-c-", 12) == 0);
    driver_ok(&d, "arn:t1", "c");
    assert_string_equal(driver_container(&d, "arn:t1", "c")->docker_id, "id-arn:t1-c");
    driver_expect(&d, "arn:t1", "c", EA_FX_START);
    driver_ok(&d, "arn:t1", "c");
    assert_non_null(driver_effect(&d, EA_FX_WATCH, "c"));
    assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_RUNNING);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->reporting, EA_C_RUNNING);
    driver_reported(&d, "arn:t1", EA_REPORT_SENT);
    assert_int_equal(t->sent, EA_T_RUNNING);

    driver_stop(&d, "arn:t1");
    driver_expect(&d, "arn:t1", "c", EA_FX_STOP);
    assert_int_equal(driver_effect(&d, EA_FX_STOP, "c")->stop_s, 30);
    driver_ok(&d, "arn:t1", "c");
    assert_non_null(driver_effect(&d, EA_FX_UNWATCH, "c"));
    assert_non_null(driver_effect(&d, EA_FX_TASK_ENDED, NULL));
    assert_int_equal(driver_effect(&d, EA_FX_REPORT, NULL)->level, EA_T_STOPPED);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->exit_code.v, 137);
    assert_true(t->execution_stopped_ms > 0);
    driver_reported(&d, "arn:t1", EA_REPORT_SENT);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->sent, EA_C_STOPPED);

    const struct ea_effect *wake = driver_effect(&d, EA_FX_WAKE, NULL);
    assert_int_equal(wake->at_ms - d.now.mono_ms, 10800000);
    driver_timer(&d, 10800000);
    driver_expect(&d, "arn:t1", "c", EA_FX_REMOVE);
    driver_ok(&d, "arn:t1", "c");
    assert_null(driver_task(&d, "arn:t1"));
    assert_int_equal(d.m.gone.n, 1);
    assert_string_equal(d.m.gone.v[0], "arn:t1");
    driver_done(&d);
}

/* Whoever stops it later has to ask how it ended: the event of the end does not say that. */
static void want_of_memory_is_remembered_from_an_event_and_from_a_look(void **state)
{
    struct driver d;
    struct ea_container *c;
    struct ea_docker_facts seen;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, "arn:t1", "c");
    c = driver_container(&d, "arn:t1", "c");
    assert_false(c->oom_seen);
    driver_event(&d, "arn:t1", "c", EA_DA_OOM);
    assert_true(c->oom_seen);
    driver_crash(&d); /* the event is forgotten, Docker is not */
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    c = driver_container(&d, "arn:t1", "c");
    assert_false(c->oom_seen);
    driver_expect(&d, "arn:t1", "c", EA_FX_INSPECT);
    seen = driver_facts(&d, driver_task(&d, "arn:t1"), c, EA_C_RUNNING, 0);
    seen.oom_killed = true;
    driver_ok_facts(&d, "arn:t1", "c", &seen);
    assert_true(c->oom_seen);
    driver_done(&d);
}

/* An event may be lost: what runs is asked for all the same. */
static void a_steady_task_is_looked_at_every_five_minutes(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, "arn:t1", "c");
    while (driver_task(&d, "arn:t1")->report_op)
        driver_reported(&d, "arn:t1", EA_REPORT_SENT);
    for (int round = 0; round < 2; round++) {
        int64_t wait = driver_effect(&d, EA_FX_WAKE, NULL)->at_ms - d.now.mono_ms;

        assert_int_in_range(wait, 300000, 330000);
        driver_timer(&d, wait - 1);
        assert_int_equal(driver_count(&d, EA_FX_INSPECT), 0);
        driver_timer(&d, 1);
        driver_expect(&d, "arn:t1", "c", EA_FX_INSPECT);
        struct ea_docker_facts seen = driver_facts(
            &d, driver_task(&d, "arn:t1"), driver_container(&d, "arn:t1", "c"), EA_C_RUNNING, 0);
        driver_ok_facts(&d, "arn:t1", "c", &seen);
    }
    driver_done(&d);
}

/* One look at a container that runs, with its health. */
static const struct ea_health_state *look(struct driver *d, ea_health status, const char *output,
                                          int64_t exit_code)
{
    struct ea_container *c = driver_container(d, "arn:t1", "c");

    d->now.wall_ms += 1000;
    driver_event(d, "arn:t1", "c", EA_DA_UNHEALTHY);
    struct ea_docker_facts seen = driver_facts(d, driver_task(d, "arn:t1"), c, EA_C_RUNNING, 0);
    seen.has_health = true;
    seen.health.status = status;
    seen.health.output = ea_strdup(output);
    if (status == EA_HEALTH_UNHEALTHY)
        seen.health.exit_code = (ea_opt_i64){ true, exit_code };
    driver_ok_facts(d, "arn:t1", "c", &seen);
    return &c->health;
}

static void health_is_news_when_its_status_changes(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{"
                       "\"name\":\"c\",\"image\":\"i\",\"essential\":true,"
                       "\"healthCheckType\":\"docker\"}]}]");
    driver_run(&d, "arn:t1", "c");
    const struct ea_health_state *h = look(&d, EA_HEALTH_UNHEALTHY, "no page", 7);
    int64_t since = h->since_ms;
    assert_int_equal(since, d.now.wall_ms);
    assert_string_equal(h->output, "no page");
    h = look(&d, EA_HEALTH_UNHEALTHY, "still none", 8);
    assert_int_equal(h->since_ms, since);
    assert_string_equal(h->output, "no page");
    h = look(&d, EA_HEALTH_HEALTHY, "a page", 0);
    assert_int_equal(h->since_ms, d.now.wall_ms);
    assert_string_equal(h->output, "a page");
    assert_int_equal(h->exit_code.v, 8);      /* that of the last failure stays */
    h = look(&d, EA_HEALTH_UNKNOWN, NULL, 0); /* it starts anew */
    assert_int_equal(h->status, EA_HEALTH_UNKNOWN);
    assert_null(h->output);
    driver_done(&d);
}

static void the_first_start_and_the_first_bindings_stay(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    driver_run(&d, "arn:t1", "c");
    struct ea_container *c = driver_container(&d, "arn:t1", "c");
    int64_t first = c->started_ms;
    for (int64_t port = 32768; port < 32770; port++) {
        driver_event(&d, "arn:t1", "c", EA_DA_START);
        struct ea_docker_facts seen =
            driver_facts(&d, driver_task(&d, "arn:t1"), c, EA_C_RUNNING, 0);
        seen.started_ms = first + port;
        seen.bindings.v = ea_alloc_array(1, sizeof(*seen.bindings.v));
        seen.bindings.n = 1;
        seen.bindings.v[0] =
            (struct ea_binding){ ea_strdup("0.0.0.0"), ea_strdup("tcp"), 80, port };
        driver_ok_facts(&d, "arn:t1", "c", &seen);
    }
    assert_int_equal(c->started_ms, first);
    assert_int_equal(c->bindings.n, 1);
    assert_int_equal(c->bindings.v[0].host_port, 32768);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(want_of_memory_is_remembered_from_an_event_and_from_a_look),
        cmocka_unit_test(a_steady_task_is_looked_at_every_five_minutes),
        cmocka_unit_test(health_is_news_when_its_status_changes),
        cmocka_unit_test(the_first_start_and_the_first_bindings_stay),
        cmocka_unit_test(a_payload_runs_reports_stops_and_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
