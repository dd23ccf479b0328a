/* metrics_test.c - readings of containers and the sets made of them; a second implementation
 * (metrics_oracle.py) says what the streams of metrics_vectors.h come to. */
#include "agent/metrics_watch.h"
#include "base/alloc.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

struct step { /* a line of the engine, or without one a publish */
    const char *line;
    int64_t restarts;
    bool taken;
    const char *want; /* NULL: nothing to publish */
};
struct scenario {
    const char *name;
    struct ea_metrics_options options;
    const struct step *steps;
    size_t n;
};
#include "metrics_vectors.h"

#define SECOND 1000000000LL

static const struct ea_metrics_options plain = { .processors = 2, .network = true, .ring = 80 };

/* Equal to the last bit: both sides round where the protocol does. */
static bool same(const cJSON *a, const cJSON *b)
{
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
        return memcmp(&a->valuedouble, &b->valuedouble, sizeof(double)) == 0;
    if (!cJSON_IsObject(a) || !cJSON_IsObject(b))
        return cJSON_Compare(a, b, 1);
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return false;
    for (const cJSON *m = a->child; m; m = m->next) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, m->string);

        if (!other || !same(m, other))
            return false;
    }
    return true;
}

static cJSON *published(ea_metrics *m)
{
    EA_BUF_AUTO b = EA_BUF(65536);

    return ea_metrics_publish(m, "c", &b) ? cJSON_Parse(ea_buf_z(&b)) : NULL;
}

static void take_step(ea_metrics *m, const struct scenario *s, size_t i)
{
    const struct step *step = &s->steps[i];
    struct ea_docker_sample sample;
    struct ea_reading r;
    ea_err err = { 0 };
    cJSON *got, *want;

    if (step->line) {
        assert_int_equal(
            ea_docker_stats_decode(ea_str_of(step->line), s->options.windows, &sample, &err),
            EA_OK);
        ea_metrics_reading(&sample, s->options.windows, step->restarts, &r);
        if ((ea_metrics_add(m, &r, &err) == EA_OK) != step->taken)
            fail_msg("%s, step %zu: %s", s->name, i, err.text);
        return;
    }
    got = published(m);
    want = step->want ? cJSON_Parse(step->want) : NULL;
    if (!got != !want || (got && !same(got, want))) {
        char *text = got ? cJSON_PrintUnformatted(got) : NULL;

        fail_msg("%s, step %zu:\ngot  %s\nwant %s", s->name, i, text ? text : "nothing",
                 step->want ? step->want : "nothing");
    }
    cJSON_Delete(got);
    cJSON_Delete(want);
}

static void a_second_implementation_comes_to_the_same(void **state)
{
    (void)state;
    assert_true(EA_COUNT(scenarios) >= 12);
    for (size_t i = 0; i < EA_COUNT(scenarios); i++) {
        ea_metrics *m = ea_metrics_new(&scenarios[i].options);

        for (size_t k = 0; k < scenarios[i].n; k++)
            take_step(m, &scenarios[i], k);
        ea_metrics_free(m);
    }
}

static void add(ea_metrics *m, const struct ea_reading *r)
{
    ea_err err = { 0 };

    if (ea_metrics_add(m, r, &err))
        fail_msg("%s", err.text);
}

static double member(const cJSON *metrics, const char *set, const char *name)
{
    const cJSON *v = cJSON_GetObjectItem(cJSON_GetObjectItem(metrics, set), name);

    assert_true(cJSON_IsNumber(v));
    return v->valuedouble;
}

static void a_day_of_samples_neither_drifts_nor_runs_over(void **state)
{
    struct ea_metrics_options o = plain;
    struct ea_reading r = { .read_ns = 1767323045 * SECOND,
                            .memory_bytes = 700u << 20,
                            .has_network = true,
                            .has_storage = true };
    ea_metrics *m = NULL;
    size_t sets = 0;

    (void)state;
    o.processors = 8;
    m = ea_metrics_new(&o);
    for (unsigned i = 1; i <= 24 * 3600; i++) {
        r.read_ns += SECOND;
        r.cpu_total += 2 * SECOND;    /* two of eight processors */
        r.net.rx_bytes += 1250000000; /* ten gigabits a second */
        r.storage_write = UINT64_MAX - 1;
        add(m, &r);
        if (i % 20 == 0) {
            cJSON *got = published(m);

            assert_non_null(got);
            assert_int_equal((int)member(got, "memoryStatsSet", "sampleCount"), 20);
            assert_int_equal((int)member(got, "memoryStatsSet", "sum"), 14000);
            assert_int_equal((int)member(got, "cpuStatsSet", "sampleCount"), i == 20 ? 19 : 20);
            assert_float_equal(member(got, "cpuStatsSet", "min"), 25.0, 1e-5);
            assert_float_equal(member(got, "cpuStatsSet", "max"), 25.0, 1e-5);
            cJSON_Delete(got);
            sets++;
        }
    }
    assert_int_equal(sets, 4320);
    ea_metrics_free(m);
}

/* A day of somebody else's doing: uneven steps, outages of the engine in which nothing is read, readings
 * of no use, restarts in place that begin the counters anew. */
static void a_day_of_trouble_counts_each_byte_and_restart_once(void **state)
{
    struct ea_metrics_options o = plain;
    struct ea_reading r = { .read_ns = 1767323045 * SECOND,
                            .has_network = true,
                            .has_storage = true };
    int64_t end = r.read_ns + 24 * 3600 * SECOND, next = r.read_ns + 20 * SECOND;
    double total = 0, before = 0, restarts = 0, samples = 0, taken = 0;
    ea_metrics *m = NULL;
    ea_rng rng;

    (void)state;
    ea_rng_seed(&rng, 6);
    o.restarts = true;
    m = ea_metrics_new(&o);
    while (r.read_ns < end) {
        int64_t step = SECOND / 2 + (int64_t)ea_rng_below(&rng, (uint64_t)SECOND);
        uint64_t bytes = ea_rng_below(&rng, 1000000);
        struct ea_reading useless = r;
        ea_err err = { 0 };

        if (ea_rng_below(&rng, 5000) == 0)
            step += (int64_t)ea_rng_below(&rng, 60) * SECOND; /* the engine is away */
        if (ea_rng_below(&rng, 3000) == 0) {                  /* ended with the last reading */
            r.restarts++;
            r.cpu_total = r.net.rx_bytes = r.storage_write = 0;
        }
        r.read_ns += step;
        r.cpu_total += (uint64_t)step / 2; /* half of one of two processors */
        r.net.rx_bytes += bytes;
        r.storage_write += bytes;
        total += (double)bytes;
        add(m, &r);
        taken++;
        useless.read_ns = 0;
        assert_int_equal(ea_metrics_add(m, &useless, &err), EA_INVALID);
        if (r.read_ns >= next) {
            cJSON *got = published(m);

            next = r.read_ns + 20 * SECOND;
            assert_non_null(got);
            assert_true(member(got, "cpuStatsSet", "min") >= 0);
            assert_true(member(got, "cpuStatsSet", "max") <= 25.01);
            assert_true(member(cJSON_GetObjectItem(got, "networkStatsSet"), "rxBytes", "min") >=
                        before);
            before = member(cJSON_GetObjectItem(got, "networkStatsSet"), "rxBytes", "max");
            assert_true(before <= total);
            assert_float_equal(
                member(cJSON_GetObjectItem(got, "storageStatsSet"), "writeSizeBytes", "max"),
                before, 0);
            restarts += member(got, "restartStatsSet", "restartCount");
            samples += member(got, "memoryStatsSet", "sampleCount");
            cJSON_Delete(got);
            assert_float_equal(before, total, 0);
            assert_float_equal(restarts, (double)r.restarts, 0);
            assert_float_equal(samples, taken, 0);
        }
    }
    assert_true(restarts > 5);
    ea_metrics_free(m);
}

static void what_was_sent_is_not_sent_again(void **state)
{
    ea_metrics *m = ea_metrics_new(&plain);
    struct ea_reading r = { .read_ns = SECOND };
    cJSON *got;

    (void)state;
    add(m, &r);
    assert_null(published(m));
    r.read_ns += SECOND;
    add(m, &r);
    got = published(m);
    assert_int_equal((int)member(got, "memoryStatsSet", "sampleCount"), 2);
    assert_null(cJSON_GetObjectItem(got, "storageStatsSet"));
    assert_null(cJSON_GetObjectItem(got, "networkStatsSet"));
    cJSON_Delete(got);
    assert_null(published(m));
    r.read_ns += SECOND;
    r.cpu_total += SECOND; /* measured against a sample that was sent */
    add(m, &r);
    got = published(m);
    assert_int_equal((int)member(got, "cpuStatsSet", "sampleCount"), 1);
    assert_float_equal(member(got, "cpuStatsSet", "sum"), 50.0, 1e-5);
    cJSON_Delete(got);
    ea_metrics_free(m);
}

static void the_ring_keeps_the_newest(void **state)
{
    static const struct {
        int64_t poll_ms;
        size_t ring;
    } cases[] = { { 0, 80 },    { 5000, 16 }, { 10000, 8 }, { 15000, 5 },
                  { 20000, 4 }, { 1, 80 },    { 90000, 2 } };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_metrics_options o = plain;
        struct ea_reading r = { .read_ns = SECOND };
        ea_metrics *m = NULL;
        cJSON *got;

        o.ring = ea_metrics_ring(cases[i].poll_ms);
        assert_int_equal(o.ring, cases[i].ring);
        m = ea_metrics_new(&o);
        for (unsigned k = 0; k < 200; k++) {
            r.read_ns += SECOND;
            r.memory_bytes = (uint64_t)k << 20;
            add(m, &r);
        }
        got = published(m);
        assert_int_equal((int)member(got, "memoryStatsSet", "sampleCount"), (int)o.ring);
        assert_int_equal((int)member(got, "memoryStatsSet", "max"), 199);
        assert_int_equal((int)member(got, "memoryStatsSet", "min"), 200 - (int)o.ring);
        cJSON_Delete(got);
        ea_metrics_free(m);
    }
}

static void readings_of_no_use_are_refused(void **state)
{
    static const struct {
        const char *why;
        int64_t processors;
        struct ea_reading r;
    } cases[] = {
        { "processors unknown", 0, { .read_ns = 1 } },
        { "no CPU time", 2, { .read_ns = 1, .cpu_unknown = true } },
        { "nothing was read", 2, { .read_ns = 0 } },
        { "before 1970", 2, { .read_ns = INT64_MIN } },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_metrics_options o = plain;
        ea_metrics *m = NULL;
        ea_err err = { 0 };
        double cpu;
        int64_t memory;

        o.processors = cases[i].processors;
        m = ea_metrics_new(&o);
        if (ea_metrics_add(m, &cases[i].r, &err) != EA_INVALID)
            fail_msg("%s: taken", cases[i].why);
        assert_false(ea_metrics_latest(m, &cpu, &memory));
        ea_metrics_free(m);
    }
}

static void the_newest_figures_are_at_hand(void **state)
{
    ea_metrics *m = ea_metrics_new(&plain);
    struct ea_reading r = { .read_ns = SECOND, .memory_bytes = (5u << 20) - 1 };
    double cpu = 0;
    int64_t memory = 0;

    (void)state;
    add(m, &r);
    assert_true(ea_metrics_latest(m, &cpu, &memory));
    assert_true(cpu < 0);
    assert_int_equal(memory, 4);
    r.read_ns += SECOND / 2;
    r.cpu_total += SECOND / 4;
    add(m, &r);
    assert_true(ea_metrics_latest(m, &cpu, &memory));
    assert_float_equal(cpu, 25.0, 1e-5);
    ea_metrics_free(m);
}

static void restarts_known_at_the_start_are_not_told_again(void **state)
{
    struct ea_metrics_options o = plain;
    struct ea_reading r = { .read_ns = SECOND, .restarts = 5 };
    ea_metrics *m = NULL;
    cJSON *got;

    (void)state;
    o.restarts = true;
    o.restarts_known = 5;
    m = ea_metrics_new(&o);
    for (int i = 0; i < 2; i++) {
        add(m, &r);
        r.read_ns += SECOND;
        r.restarts = 7;
    }
    got = published(m);
    assert_int_equal((int)member(got, "restartStatsSet", "restartCount"), 2);
    cJSON_Delete(got);
    ea_metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_implementation_comes_to_the_same),
        cmocka_unit_test(a_day_of_samples_neither_drifts_nor_runs_over),
        cmocka_unit_test(a_day_of_trouble_counts_each_byte_and_restart_once),
        cmocka_unit_test(what_was_sent_is_not_sent_again),
        cmocka_unit_test(the_ring_keeps_the_newest),
        cmocka_unit_test(readings_of_no_use_are_refused),
        cmocka_unit_test(the_newest_figures_are_at_hand),
        cmocka_unit_test(restarts_known_at_the_start_are_not_told_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
