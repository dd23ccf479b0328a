#include "docker_stats.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/clock.h"
#include "docker_lines.h"

#include <cJSON.h>
#include <uv.h>

#define LINE_MAX_BYTES (256 * 1024)
#define SILENCE_MS     18000
#define RETRY_MIN_MS   1000
#define RETRY_MAX_MS   10000
#define ONE_SHOT_API   41
#define NS_PER_MS      1000000LL

/* ---- decoding --------------------------------------------------------------------------------- */

/* Counters are 64 bits wide; a double is exact up to 2^53 and near enough above it. */
static uint64_t number(const struct cJSON *object, const char *name)
{
    const struct cJSON *m = ea_json_get(object, name);

    if (!cJSON_IsNumber(m) || !(m->valuedouble > 0))
        return 0;
    return m->valuedouble >= 18446744073709549568.0 ? UINT64_MAX : (uint64_t)m->valuedouble;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* The time with all the digits that the engine gives: "2026-01-02T03:04:05.123456789Z". */
static int64_t read_time(const char *text)
{
    ea_err ignored = { 0 };
    int64_t ms, below = 0, unit = NS_PER_MS / 10;
    ea_str whole, rest;

    if (!text || ea_parse_rfc3339(ea_str_of(text), &ms, &ignored) || ms <= 0 ||
        ms > INT64_MAX / NS_PER_MS - 1)
        return 0;
    rest = ea_str_cut(ea_str_of(text), '.', &whole);
    for (size_t i = 0; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9'; i++) {
        if (i < 3)
            continue; /* in `ms` already */
        below += (rest.p[i] - '0') * unit;
        unit /= 10;
    }
    return ms * NS_PER_MS + below;
}

static void read_cpu(const struct cJSON *stats, struct ea_docker_sample *out)
{
    const struct cJSON *cpu = ea_json_get(stats, "cpu_stats");
    const struct cJSON *usage = ea_json_get(cpu, "cpu_usage");
    const struct cJSON *each = ea_json_get(usage, "percpu_usage");
    uint64_t online = number(cpu, "online_cpus");
    int n = cJSON_IsArray(each) ? cJSON_GetArraySize(each) : 0;

    out->cpu_total = number(usage, "total_usage");
    out->has_percpu = n > 0;
    out->cpus = online && online < 100000 ? (unsigned)online : (unsigned)n;
}

/* Source: control-plane.md section 4.5, memory bytes. */
static void read_memory(const struct cJSON *stats, bool windows, struct ea_docker_sample *out)
{
    const struct cJSON *memory = ea_json_get(stats, "memory_stats");
    const struct cJSON *detail = ea_json_get(memory, "stats");
    uint64_t usage = number(memory, "usage");
    uint64_t cache = number(detail, "cache"), inactive = number(detail, "inactive_file");

    if (windows) {
        out->memory_bytes = number(memory, "privateworkingset");
        out->memory_peak = number(memory, "commitpeakbytes");
        return;
    }
    /* cgroup v1 tells `cache`, v2 tells `anon` and the like instead. */
    out->cgroup_v2 = cJSON_IsObject(detail) && !ea_json_get(detail, "cache");
    if (out->cgroup_v2)
        cache = inactive;
    out->memory_bytes = cache < usage ? usage - cache : usage;
    out->memory_peak = number(memory, "max_usage");
}

static void read_storage(const struct cJSON *stats, bool windows, struct ea_docker_sample *out)
{
    const struct cJSON *storage = ea_json_get(stats, "storage_stats"), *row;

    if (windows) {
        out->has_storage = cJSON_IsObject(storage);
        out->storage_read = number(storage, "read_size_bytes");
        out->storage_write = number(storage, "write_size_bytes");
        return;
    }
    storage = ea_json_get(ea_json_get(stats, "blkio_stats"), "io_service_bytes_recursive");
    out->has_storage = cJSON_IsArray(storage);
    cJSON_ArrayForEach(row, storage)
    {
        ea_str op = ea_str_of(ea_json_get_str(row, "op"));

        if (ea_str_eq_nocase(op, EA_STR("read")))
            out->storage_read = add(out->storage_read, number(row, "value"));
        else if (ea_str_eq_nocase(op, EA_STR("write")))
            out->storage_write = add(out->storage_write, number(row, "value"));
    }
}

static void read_network(const struct cJSON *stats, struct ea_docker_sample *out)
{
    const struct cJSON *networks = ea_json_get(stats, "networks"), *n;
    struct ea_docker_net_sample *s = &out->net;

    out->has_network = cJSON_IsObject(networks) && networks->child;
    cJSON_ArrayForEach(n, networks)
    {
        s->rx_bytes = add(s->rx_bytes, number(n, "rx_bytes"));
        s->rx_packets = add(s->rx_packets, number(n, "rx_packets"));
        s->rx_errors = add(s->rx_errors, number(n, "rx_errors"));
        s->rx_dropped = add(s->rx_dropped, number(n, "rx_dropped"));
        s->tx_bytes = add(s->tx_bytes, number(n, "tx_bytes"));
        s->tx_packets = add(s->tx_packets, number(n, "tx_packets"));
        s->tx_errors = add(s->tx_errors, number(n, "tx_errors"));
        s->tx_dropped = add(s->tx_dropped, number(n, "tx_dropped"));
    }
}

ea_code ea_docker_stats_decode(ea_str line, bool windows, struct ea_docker_sample *out, ea_err *err)
{
    struct cJSON *tree = NULL;

    *out = (struct ea_docker_sample){ 0 };
    if (ea_json_parse(line, &tree, err))
        return ea_docker_garbled(err, "statistics");
    if (!cJSON_IsObject(tree)) {
        cJSON_Delete(tree);
        return ea_fail(err, EA_PROTOCOL, "statistics from Docker: object expected");
    }
    out->read_ns = read_time(ea_json_get_str(tree, "read"));
    out->has_before = read_time(ea_json_get_str(tree, "preread")) > 0;
    read_cpu(tree, out);
    read_memory(tree, windows, out);
    read_storage(tree, windows, out);
    read_network(tree, out);
    cJSON_Delete(tree);
    return EA_OK;
}

/* ---- the stream ------------------------------------------------------------------------------- */

struct ea_docker_stats {
    ea_docker *dk;
    char *id;
    bool windows;
    ea_docker_stats_fn *fn;
    void (*ended)(void *ctx);
    void *ctx;
    ea_docker_op *op; /* the stream; NULL between tries */
    ea_timer *timer;  /* silence while it is open, the next try while it is not */
    ea_dlines lines;
    int64_t delay_ms; /* before the next try */
    bool good;        /* a sample came since it was opened */
    bool stopped, over;
};

static void open_stream(struct ea_docker_stats *st);

static void free_stats(struct ea_docker_stats *st)
{
    ea_timer_free(st->timer);
    ea_dlines_done(&st->lines);
    ea_free(st->id);
    ea_free(st);
}

static bool on_line(void *ctx, ea_str line)
{
    struct ea_docker_stats *st = ctx;
    struct ea_docker_sample sample;
    ea_err err = { 0 };

    if (ea_docker_stats_decode(line, st->windows, &sample, &err)) {
        ea_docker_abort(st->op, &err); /* what follows cannot be trusted either */
        return false;
    }
    st->good = true;
    st->fn(st->ctx, line, &sample);
    return !st->stopped;
}

static void on_chunk(void *ctx, ea_str data)
{
    struct ea_docker_stats *st = ctx;

    if (st->stopped || !data.n)
        return;
    ea_timer_arm(st->timer, SILENCE_MS);
    ea_dlines_feed(&st->lines, data, on_line, st);
}

static void on_end(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct ea_docker_stats *st = ctx;

    (void)a;
    st->op = NULL;
    if (st->stopped) {
        free_stats(st);
        return;
    }
    ea_buf_clear(&st->lines.line);
    st->lines.skipping = false;
    if (err->code == EA_NOT_FOUND) {
        st->over = true;
        ea_timer_stop(st->timer);
        if (st->ended)
            st->ended(st->ctx);
        return;
    }
    st->delay_ms = st->good || !st->delay_ms ? RETRY_MIN_MS : st->delay_ms * 2;
    if (st->delay_ms > RETRY_MAX_MS)
        st->delay_ms = RETRY_MAX_MS;
    ea_timer_arm(st->timer, st->delay_ms);
}

static void on_timer(void *arg)
{
    struct ea_docker_stats *st = arg;
    ea_err why = { 0 };

    if (!st->op) {
        open_stream(st);
        return;
    }
    ea_fail(&why, EA_TIMEOUT, "no statistics within %d ms", SILENCE_MS);
    ea_docker_abort(st->op, &why);
}

static void stats_path(ea_buf *path, const char *id, const char *query)
{
    ea_buf_adds(path, "/containers/");
    ea_docker_add_ref(path, id);
    ea_buf_adds(path, query);
}

static void open_stream(struct ea_docker_stats *st)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct ea_docker_request rq = { .http = { .method = "GET", .chunk = on_chunk } };
    ea_err err = { 0 };

    st->good = false;
    stats_path(&path, st->id, "/stats?stream=1");
    rq.http.path = ea_buf_z(&path);
    if (ea_buf_check(&path, &err))
        st->op = ea_docker_fail(st->dk, &err, on_end, st);
    else
        st->op = ea_docker_request(st->dk, &rq, on_end, st);
    ea_timer_arm(st->timer, SILENCE_MS);
}

ea_docker_stats *ea_docker_stats_start(ea_docker *dk, const char *id, bool windows,
                                       ea_docker_stats_fn *fn, void (*ended)(void *ctx), void *ctx)
{
    struct ea_docker_stats *st = ea_alloc(sizeof(*st));

    st->dk = dk;
    st->id = ea_strdup(id);
    st->windows = windows;
    st->fn = fn;
    st->ended = ended;
    st->ctx = ctx;
    st->lines = EA_DLINES(LINE_MAX_BYTES);
    st->timer = ea_timer_new(ea_docker_loop(dk), on_timer, st);
    open_stream(st);
    return st;
}

void ea_docker_stats_stop(ea_docker_stats *st)
{
    if (!st || st->stopped)
        return;
    st->stopped = true;
    ea_timer_stop(st->timer);
    if (st->op)
        ea_docker_cancel(st->op); /* its end frees */
    else
        free_stats(st);
}

/* ---- once ------------------------------------------------------------------------------------- */

struct once_call {
    ea_docker_stats_once_done *done;
    void *ctx;
    bool windows;
};

static void on_once(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct once_call *call = ctx;
    struct ea_docker_sample sample;
    ea_err mine = *err;
    ea_str line = { NULL, 0 };

    if (!err->code) {
        line = ea_str_trim(a->body);
        if (ea_docker_stats_decode(line, call->windows, &sample, &mine))
            line = (ea_str){ NULL, 0 };
    }
    call->done(call->ctx, line, mine.code ? NULL : &sample, &mine);
    ea_free(call);
}

ea_docker_op *ea_docker_stats_once(ea_docker *dk, const char *id, bool windows, int64_t limit_ms,
                                   ea_docker_stats_once_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(1024);
    struct once_call *call = ea_alloc(sizeof(*call));
    const struct ea_docker_version *v = ea_docker_version(dk);
    bool cheap = v && ea_docker_api_minor(v->api_version) >= ONE_SHOT_API;
    struct ea_docker_request rq = {
        .http = { .method = "GET", .limit_ms = limit_ms, .max_body = LINE_MAX_BYTES },
        .api = cheap ? ONE_SHOT_API : 0,
    };
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    call->windows = windows;
    stats_path(&path, id, cheap ? "/stats?stream=0&one-shot=1" : "/stats?stream=0");
    if (ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_once, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_once, call);
}
