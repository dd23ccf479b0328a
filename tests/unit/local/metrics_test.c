#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "folder.h"
#include "metrics_world.h"

#include <stdio.h>
#include <string.h>

static int in_folder(void **state)
{
    (void)state;
    (void)folder_new();
    return 0;
}

static int out_of_folder(void **state)
{
    (void)state;
    folder_done();
    return 0;
}

/* service NULL: of the cluster. NULL when there is none. */
static const ea_lc_series *find(const struct metrics_world *w, const char *service,
                                ea_lc_metric metric)
{
    for (size_t i = 0; i < ea_lc_metrics_count(w->m); i++) {
        const ea_lc_series *s = ea_lc_metrics_at(w->m, i);

        if (s->metric == metric && strcmp(s->cluster, "c") == 0 && ea_zstr_eq(s->service, service))
            return s;
    }
    return NULL;
}

static void expect(const struct metrics_world *w, const char *service, ea_lc_metric metric,
                   int64_t at_s, double min, double max, double average, int64_t count)
{
    const ea_lc_series *s = find(w, service, metric);
    ea_lc_point p;

    if (!s || !ea_lc_series_sum(s, at_s, at_s + 60, &p))
        fail_msg("no point of %s at %d", ea_lc_metric_name(metric), (int)(at_s - NOON));
    assert_int_equal(p.count, count);
    assert_double_equal(p.min, min, 1e-9);
    assert_double_equal(p.max, max, 1e-9);
    assert_double_equal(p.sum / (double)p.count, average, 1e-9);
}

static bool has(const struct metrics_world *w, const char *service, ea_lc_metric metric)
{
    return find(w, service, metric) != NULL;
}

static void utilisation_is_measured_against_what_was_specified(void **state)
{
    struct metrics_world w;
    struct ea_lc_task *a, *b;

    (void)state;
    metrics_world_open(&w, 60);
    a = metrics_world_task(&w, "web", 256, 200);
    b = metrics_world_task(&w, "web", 256, 200);
    (void)metrics_world_task(&w, NULL, 512, 1024);     /* held, not measured */
    metrics_world_tell(&w, a, 5.0, 50.0, NOON + 10);   /* 102.4 units */
    metrics_world_tell(&w, a, 7.5, 150.0, NOON + 30);  /* 153.6 */
    metrics_world_tell(&w, b, 12.5, 100.0, NOON + 31); /* 256 */
    assert_int_equal(ea_lc_metrics_count(w.m), 0);
    assert_int_equal(ea_lc_metrics_close(w.m, &w.st, (NOON + 61) * 1000), (NOON + 120) * 1000);
    expect(&w, "web", EA_LC_CPU_UTILIZATION, NOON, 50.0, 100.0, 75.0, 2);
    expect(&w, "web", EA_LC_MEMORY_UTILIZATION, NOON, 50.0, 50.0, 50.0, 2);
    expect(&w, NULL, EA_LC_CPU_UTILIZATION, NOON, 18.75, 18.75, 18.75, 1);
    expect(&w, NULL, EA_LC_MEMORY_UTILIZATION, NOON, 4.8828125, 4.8828125, 4.8828125, 1);
    expect(&w, NULL, EA_LC_CPU_RESERVATION, NOON, 50.0, 50.0, 50.0, 1);
    expect(&w, NULL, EA_LC_MEMORY_RESERVATION, NOON, 34.765625, 34.765625, 34.765625, 1);
    assert_int_equal(ea_lc_metrics_count(w.m), 6);
    metrics_world_close(&w);
}

static void a_period_without_figures_has_reservation_alone(void **state)
{
    struct metrics_world w;
    struct ea_lc_task *t;
    ea_lc_point p;

    (void)state;
    metrics_world_open(&w, 60);
    t = metrics_world_task(&w, "web", 1024, 1024);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60) * 1000);
    assert_false(has(&w, NULL, EA_LC_CPU_UTILIZATION));
    assert_false(has(&w, "web", EA_LC_CPU_UTILIZATION));
    expect(&w, NULL, EA_LC_CPU_RESERVATION, NOON, 50.0, 50.0, 50.0, 1);
    ea_set_str(&t->last, "STOPPED"); /* nothing runs: nothing at all */
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 120) * 1000);
    assert_false(
        ea_lc_series_sum(find(&w, NULL, EA_LC_CPU_RESERVATION), NOON + 60, NOON + 120, &p));
    metrics_world_close(&w);
}

static void what_specifies_nothing_is_in_no_service_metric(void **state)
{
    struct metrics_world w;
    struct ea_lc_task *t;

    (void)state;
    metrics_world_open(&w, 60);
    t = metrics_world_task(&w, "web", 0, 64);
    metrics_world_tell(&w, t, 25.0, 32.0, NOON + 1);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60) * 1000);
    assert_false(has(&w, "web", EA_LC_CPU_UTILIZATION));
    expect(&w, "web", EA_LC_MEMORY_UTILIZATION, NOON, 50.0, 50.0, 50.0, 1);
    expect(&w, NULL, EA_LC_CPU_UTILIZATION, NOON, 25.0, 25.0, 25.0, 1);
    metrics_world_close(&w);
}

static void foreign_and_wrong_figures_are_left_out(void **state)
{
    static const char *const messages[] = {
        "{}",
        "{\"taskMetrics\":[]}",
        "{\"taskMetrics\":[{\"taskArn\":\"arn:aws:ecs:us-west-2:000000000000:task/c/none\","
        "\"containerMetrics\":[]}]}",
        "{\"taskMetrics\":[{\"taskArn\":\"%s\",\"containerMetrics\":[{\"containerName\":\"other\","
        "\"cpuStatsSet\":{\"sum\":5,\"sampleCount\":1}}]}]}",
        "{\"taskMetrics\":[{\"taskArn\":\"%s\",\"containerMetrics\":[{\"containerName\":\"main\","
        "\"cpuStatsSet\":{\"sum\":-5,\"sampleCount\":1},\"memoryStatsSet\":{\"sum\":1e999,"
        "\"sampleCount\":1}}]}]}",
        "{\"taskMetrics\":[{\"taskArn\":\"%s\",\"containerMetrics\":[{\"containerName\":\"main\","
        "\"cpuStatsSet\":{\"sum\":5,\"sampleCount\":0},\"memoryStatsSet\":{\"sum\":5}}]}]}",
    };
    struct metrics_world w;
    struct ea_lc_task *t;

    (void)state;
    metrics_world_open(&w, 60);
    t = metrics_world_task(&w, "web", 256, 64);
    for (size_t i = 0; i < EA_COUNT(messages); i++) {
        const char *mark = strstr(messages[i], "%s");
        char text[1024];

        (void)snprintf(text, sizeof(text), "%.*s%s%s",
                       mark ? (int)(mark - messages[i]) : (int)strlen(messages[i]), messages[i],
                       mark ? t->arn : "", mark ? mark + 2 : "");
        metrics_world_say(&w, text, NOON + 1);
    }
    ea_set_str(&t->instance_arn, "another"); /* told by an instance that does not run it */
    metrics_world_tell(&w, t, 25.0, 32.0, NOON + 1);
    ea_set_str(&t->instance_arn, w.instance->arn);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60) * 1000);
    assert_false(has(&w, "web", EA_LC_CPU_UTILIZATION));
    assert_false(has(&w, "web", EA_LC_MEMORY_UTILIZATION));
    assert_false(has(&w, NULL, EA_LC_CPU_UTILIZATION));
    metrics_world_close(&w);
}

static void points_are_bounded_by_number_and_age(void **state)
{
    struct metrics_world w;
    const ea_lc_series *s;
    struct ea_lc_task *t;
    ea_lc_point p;

    (void)state;
    metrics_world_open(&w, 1);
    t = metrics_world_task(&w, "web", 1024, 1024);
    for (int64_t i = 1; i <= 2 * EA_LC_POINTS_MAX; i++)
        (void)ea_lc_metrics_close(w.m, &w.st, (NOON + i) * 1000);
    s = find(&w, NULL, EA_LC_CPU_RESERVATION);
    assert_int_equal(ea_lc_series_first_s(s), NOON + EA_LC_POINTS_MAX);
    assert_int_equal(s->last_s, NOON + 2 * EA_LC_POINTS_MAX - 1);
    assert_true(ea_lc_series_sum(s, 0, INT64_MAX, &p));
    assert_int_equal(p.count, EA_LC_POINTS_MAX);
    assert_false(ea_lc_series_sum(s, 0, NOON + EA_LC_POINTS_MAX, &p));
    assert_true(ea_lc_series_sum(s, NOON + EA_LC_POINTS_MAX, NOON + EA_LC_POINTS_MAX + 7, &p));
    assert_int_equal(p.count, 7);
    ea_set_str(&t->last, "STOPPED");
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + EA_LC_POINTS_AGE_S + 4000) * 1000);
    assert_int_equal(ea_lc_metrics_count(w.m), 0);
    metrics_world_close(&w);
}

static void the_stalest_series_goes_when_there_are_too_many(void **state)
{
    struct metrics_world w;
    char name[32];

    (void)state;
    metrics_world_open(&w, 60);
    for (int i = 0; i < EA_LC_SERIES_MAX; i++) {
        struct ea_lc_task *t;

        (void)snprintf(name, sizeof(name), "s%d", i);
        t = metrics_world_task(&w, name, 0, 64);
        metrics_world_tell(&w, t, 1.0, 1.0, NOON + 60 * i + 1);
        ea_set_str(&t->last, "STOPPED");
    }
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60LL * EA_LC_SERIES_MAX) * 1000);
    assert_int_equal(ea_lc_metrics_count(w.m), EA_LC_SERIES_MAX);
    assert_false(has(&w, "s3", EA_LC_MEMORY_UTILIZATION));
    assert_true(has(&w, "s4", EA_LC_MEMORY_UTILIZATION));
    assert_true(has(&w, NULL, EA_LC_MEMORY_UTILIZATION));
    metrics_world_close(&w);
}

static void a_clock_that_goes_back_leaves_order(void **state)
{
    struct metrics_world w;
    const ea_lc_series *s;
    ea_lc_point p;

    (void)state;
    metrics_world_open(&w, 60);
    (void)metrics_world_task(&w, NULL, 1024, 1024);
    for (int i = 1; i <= 5; i++)
        (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60 * i) * 1000);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 125) * 1000);
    s = find(&w, NULL, EA_LC_CPU_RESERVATION);
    assert_int_equal(s->last_s, NOON + 60);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 180) * 1000);
    assert_true(ea_lc_series_sum(s, NOON, NOON + 600, &p));
    assert_int_equal(p.count, 3);
    metrics_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(utilisation_is_measured_against_what_was_specified,
                                        in_folder, out_of_folder),
        cmocka_unit_test_setup_teardown(a_period_without_figures_has_reservation_alone, in_folder,
                                        out_of_folder),
        cmocka_unit_test_setup_teardown(what_specifies_nothing_is_in_no_service_metric, in_folder,
                                        out_of_folder),
        cmocka_unit_test_setup_teardown(foreign_and_wrong_figures_are_left_out, in_folder,
                                        out_of_folder),
        cmocka_unit_test_setup_teardown(points_are_bounded_by_number_and_age, in_folder,
                                        out_of_folder),
        cmocka_unit_test_setup_teardown(the_stalest_series_goes_when_there_are_too_many, in_folder,
                                        out_of_folder),
        cmocka_unit_test_setup_teardown(a_clock_that_goes_back_leaves_order, in_folder,
                                        out_of_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
