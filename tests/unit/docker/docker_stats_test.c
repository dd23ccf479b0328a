#include "docker/docker_stats.h"

#include "base/alloc.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <uv.h>

#define OPEN "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* ---- decoding --------------------------------------------------------------------------------- */

static void samples_are_read_as_each_system_tells_them(void **state)
{
    static const struct {
        const char *why, *line;
        bool windows;
        struct ea_docker_sample want;
    } cases[] = {
        { "Linux, cgroup v1",
          "{\"read\":\"2026-01-02T03:04:05.123456789Z\",\"preread\":\"2026-01-02T03:04:04Z\","
          "\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5000000000,\"percpu_usage\":[1,2]},"
          "\"online_cpus\":2},\"memory_stats\":{\"usage\":1000,\"max_usage\":2000,\"stats\":{"
          "\"cache\":300,\"inactive_file\":100}},\"blkio_stats\":{\"io_service_bytes_recursive\":["
          "{\"major\":8,\"op\":\"Read\",\"value\":10},{\"op\":\"Write\",\"value\":20},"
          "{\"op\":\"Read\",\"value\":5},{\"op\":\"Total\",\"value\":35}]},\"networks\":{\"eth0\":{"
          "\"rx_bytes\":1,\"rx_packets\":2,\"rx_errors\":3,\"rx_dropped\":4,\"tx_bytes\":5,"
          "\"tx_packets\":6,\"tx_errors\":7,\"tx_dropped\":8},\"eth1\":{\"rx_bytes\":100}}}",
          false,
          { .read_ns = 1767323045123456789,
            .cpu_total = 5000000000,
            .cpus = 2,
            .has_percpu = true,
            .memory_bytes = 700,
            .memory_peak = 2000,
            .has_storage = true,
            .storage_read = 15,
            .storage_write = 20,
            .has_network = true,
            .net = { 101, 2, 3, 4, 5, 6, 7, 8 } } },
        { "Linux, cgroup v2",
          "{\"read\":\"2026-01-02T03:04:05Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":7},"
          "\"online_cpus\":4},\"memory_stats\":{\"usage\":1000,\"stats\":{\"anon\":1,"
          "\"inactive_file\":100}},\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":"
          "\"read\","
          "\"value\":10}]}}",
          false,
          { .read_ns = 1767323045000000000,
            .cpu_total = 7,
            .cpus = 4,
            .cgroup_v2 = true,
            .memory_bytes = 900,
            .has_storage = true,
            .storage_read = 10 } },
        { "more cache than use",
          "{\"read\":\"2026-01-02T03:04:05Z\",\"memory_stats\":{\"usage\":1000,\"stats\":{"
          "\"cache\":"
          "2000}}}",
          false,
          { .read_ns = 1767323045000000000, .memory_bytes = 1000 } },
        { "Windows",
          "{\"read\":\"2026-01-02T03:04:05.5Z\",\"num_procs\":4,\"cpu_stats\":{\"cpu_usage\":{"
          "\"total_usage\":31250000}},\"memory_stats\":{\"commitbytes\":9,\"commitpeakbytes\":99,"
          "\"privateworkingset\":104857600},\"storage_stats\":{\"read_size_bytes\":11,"
          "\"write_size_bytes\":12},\"networks\":{\"a\":{\"tx_dropped\":1}}}",
          true,
          { .read_ns = 1767323045500000000,
            .cpu_total = 31250000,
            .memory_bytes = 104857600,
            .memory_peak = 99,
            .has_storage = true,
            .storage_read = 11,
            .storage_write = 12,
            .has_network = true,
            .net = { .tx_dropped = 1 } } },
        { "of a container that has ended",
          "{\"read\":\"0001-01-01T00:00:00Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":0}},"
          "\"memory_stats\":{},\"blkio_stats\":{\"io_service_bytes_recursive\":null},\"networks\":{"
          "}}",
          false,
          { 0 } },
        { "nonsense is nothing",
          "{\"read\":5,\"cpu_stats\":[],\"memory_stats\":{\"usage\":-5},\"networks\":7,"
          "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":7,\"value\":\"x\"},3]}}",
          false,
          { .has_storage = true } },
        { "numbers beyond all bounds",
          "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1e300}}}",
          false,
          { .cpu_total = UINT64_MAX } },
        { "numbers to the last digit",
          "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":9007199254740993}}}",
          false,
          { .cpu_total = 9007199254740993 } },
        { "what comes twice counts once, the first",
          "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":5,\"total_usage\":6}},\"cpu_stats\":{"
          "\"cpu_usage\":{\"total_usage\":7}},\"memory_stats\":null,\"memory_stats\":{\"usage\":9},"
          "\"networks\":{\"a\":{\"rx_bytes\":1},\"a\":{\"rx_bytes\":2,\"rx_bytes\":4}}}",
          false,
          { .cpu_total = 5, .has_network = true, .net = { .rx_bytes = 3 } } },
        { "sums that would run over",
          "{\"networks\":{\"a\":{\"rx_bytes\":18446744073709551615},\"b\":{\"rx_bytes\":9}},"
          "\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"READ\",\"value\":1e19},{"
          "\"op\":"
          "\"read\",\"value\":1e19}]}}",
          false,
          { .has_storage = true,
            .storage_read = UINT64_MAX,
            .has_network = true,
            .net = { .rx_bytes = UINT64_MAX } } },
        { "the reading before",
          "{\"preread\":\"2026-01-02T03:04:04.1Z\",\"precpu_stats\":{\"cpu_usage\":{"
          "\"total_usage\":3}}}",
          false,
          { .has_before = true } },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const struct ea_docker_sample *w = &cases[i].want;
        struct ea_docker_sample s;
        ea_err err = { 0 };

        if (ea_docker_stats_decode(ea_str_of(cases[i].line), cases[i].windows, &s, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (s.has_before != (w->has_before || strstr(cases[i].line, "\"preread\":\"2026")))
            fail_msg("%s: the reading before differs", cases[i].why);
        if (s.read_ns != w->read_ns || s.cpu_total != w->cpu_total || s.cpus != w->cpus ||
            s.has_percpu != w->has_percpu || s.cgroup_v2 != w->cgroup_v2)
            fail_msg("%s: time or processor differ", cases[i].why);
        if (s.memory_bytes != w->memory_bytes || s.memory_peak != w->memory_peak)
            fail_msg("%s: memory differs", cases[i].why);
        if (s.has_storage != w->has_storage || s.storage_read != w->storage_read ||
            s.storage_write != w->storage_write)
            fail_msg("%s: storage differs", cases[i].why);
        if (s.has_network != w->has_network || memcmp(&s.net, &w->net, sizeof(s.net)) != 0)
            fail_msg("%s: network differs", cases[i].why);
    }
}

static void lines_that_are_no_statistics_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "[]",
                                       "null",
                                       "{",
                                       "{}x",
                                       "{\"read\":\"2026-01-02T03:04:05Z\"",
                                       "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":NaN}}}",
                                       "{\"memory_stats\":{\"usage\":-Infinity}}",
                                       "{\"other\":[1,2}" };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        struct ea_docker_sample s;
        ea_err err = { 0 };

        if (ea_docker_stats_decode(ea_str_of(bad[i]), false, &s, &err) != EA_PROTOCOL)
            fail_msg("%s: %s", bad[i], err.text);
    }
}

/* ---- the stream ------------------------------------------------------------------------------- */

struct seen {
    ea_docker_stats *st;
    unsigned samples, ends;
    uint64_t last_cpu;
    bool stop_at_sample;
};

static void on_sample(void *ctx, ea_str line, const struct ea_docker_sample *sample)
{
    struct seen *s = ctx;

    assert_int_equal(line.p[0], '{');
    s->samples++;
    s->last_cpu = sample->cpu_total;
    if (s->stop_at_sample)
        ea_docker_stats_stop(s->st);
}

static void on_ended(void *ctx)
{
    struct seen *s = ctx;

    s->ends++;
}

static bool has_ended(void *arg)
{
    return ((struct seen *)arg)->ends > 0;
}

static void finish(struct docker_world *w, struct seen *s)
{
    ea_docker_stats_stop(s->st);
    while (ea_docker_in_flight(w->dk))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
}

#define CPU(n) "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":" #n "}}}\n"

static char *chunk(const char *text)
{
    return ea_sprintf_dup("%zx\r\n%s\r\n", strlen(text), text);
}

static void a_stream_is_opened_again_until_the_container_is_gone(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { 0 };
    EA_FREE_AUTO char *two = chunk(CPU(1) CPU(2));
    EA_FREE_AUTO char *bad = chunk(CPU(3) "garbage\n" CPU(4));
    uint64_t began = uv_hrtime();

    fake_engine_on(
        w->fe, "GET /v1.24/containers/abc/stats?stream=1 ", false,
        (const fake_step[]){
            { .send = OPEN }, { .send = two, .pause_ms = 10 }, { .close = true }, { 0 } });
    fake_engine_on(
        w->fe, "GET /v1.24/containers/abc/stats?stream=1 ", false,
        (const fake_step[]){ { .send = OPEN }, { .send = bad, .pause_ms = 9000 }, { 0 } });
    fake_engine_json(w->fe, "GET /v1.24/containers/abc/stats?stream=1 ", false, "404 Not Found",
                     "{\"message\":\"No such container: abc\"}");
    s.st = ea_docker_stats_start(w->dk, "abc", false, on_sample, on_ended, &s);
    assert_int_equal(s.samples, 0);
    fake_wait_for(w->loop, has_ended, &s, "the end");
    assert_int_equal(s.samples, 3); /* nothing after the garbage */
    assert_int_equal(s.last_cpu, 3);
    assert_int_equal(s.ends, 1);
    assert_int_equal(fake_engine_requests(w->fe), 3);
    assert_true((uv_hrtime() - began) / 1000000 >= 2000); /* a second before each new try */
    finish(w, &s);
}

static void a_stream_can_be_stopped_from_its_own_sample(void **state)
{
    struct docker_world *w = *state;
    struct seen s = { .stop_at_sample = true };
    EA_FREE_AUTO char *two = chunk(CPU(1) CPU(2));

    fake_engine_on(
        w->fe, "GET ", true,
        (const fake_step[]){ { .send = OPEN }, { .send = two, .pause_ms = 9000 }, { 0 } });
    s.st = ea_docker_stats_start(w->dk, "abc", false, on_sample, on_ended, &s);
    while (ea_docker_in_flight(w->dk))
        uv_run(ea_loop_uv(w->loop), UV_RUN_ONCE);
    assert_int_equal(s.samples, 1);
    assert_int_equal(s.ends, 0);
}

struct once {
    bool done, has_sample;
    ea_err err;
};

static void once_done(void *ctx, ea_str line, const struct ea_docker_sample *sample,
                      const ea_err *err)
{
    struct once *o = ctx;

    o->done = true;
    o->err = *err;
    o->has_sample = sample != NULL;
    assert_true((line.n > 0) == o->has_sample);
}

static void statistics_can_be_asked_for_once(void **state)
{
    struct docker_world *w = *state;
    struct once o = { 0 };

    fake_engine_json(w->fe, "GET /v1.24/containers/abc/stats?stream=0 ", false, "200 OK", CPU(1));
    fake_engine_json(w->fe, "GET /v1.24/containers/abc/stats?stream=0 ", false, "200 OK", "[]");
    fake_engine_json(w->fe, "GET /v1.24/containers/abc/stats?stream=0 ", false, "404 Not Found",
                     "{}");
    ea_docker_stats_once(w->dk, "abc", false, 5000, once_done, &o);
    fake_wait(w->loop, &o.done, "statistics");
    assert_int_equal(o.err.code, EA_OK);
    assert_true(o.has_sample);
    o = (struct once){ 0 };
    ea_docker_stats_once(w->dk, "abc", false, 5000, once_done, &o);
    fake_wait(w->loop, &o.done, "statistics");
    assert_int_equal(o.err.code, EA_PROTOCOL);
    assert_false(o.has_sample);
    o = (struct once){ 0 };
    ea_docker_stats_once(w->dk, "abc", false, 5000, once_done, &o);
    fake_wait(w->loop, &o.done, "statistics");
    assert_int_equal(o.err.code, EA_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_read_as_each_system_tells_them),
        cmocka_unit_test(lines_that_are_no_statistics_are_refused),
        IN_DOCKER_WORLD(a_stream_is_opened_again_until_the_container_is_gone),
        IN_DOCKER_WORLD(a_stream_can_be_stopped_from_its_own_sample),
        IN_DOCKER_WORLD(statistics_can_be_asked_for_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
