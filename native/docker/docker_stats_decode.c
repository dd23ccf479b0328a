#include "docker_stats_decode.h"

#include "../base/clock.h"
#include "../base/json_read.h"
#include "docker.h"

#define NS_PER_MS 1000000LL

static uint64_t add(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* The time with all the digits that the engine gives: "2026-01-02T03:04:05.123456789Z". */
static int64_t read_time(ea_str text)
{
    ea_err ignored = { 0 };
    int64_t ms, below = 0, unit = NS_PER_MS / 10;
    ea_str whole, rest;

    if (!text.n || ea_parse_rfc3339(text, &ms, &ignored) || ms <= 0 ||
        ms > INT64_MAX / NS_PER_MS - 1)
        return 0;
    rest = ea_str_cut(text, '.', &whole);
    for (size_t i = 0; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9'; i++) {
        if (i < 3)
            continue; /* in `ms` already */
        below += (rest.p[i] - '0') * unit;
        unit /= 10;
    }
    return ms * NS_PER_MS + below;
}

/* Reads the numbers of an object into `out`, by the names of `words`. */
static void read_numbers(struct ea_jread *r, const char *const *words, size_t n, uint64_t *out)
{
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        size_t which = ea_jread_which(name, words, n, &seen);

        if (which < n)
            out[which] = ea_jread_u64(r);
        else
            ea_jread_skip(r);
    }
}

static unsigned count_items(struct ea_jread *r)
{
    unsigned n = 0;

    if (!ea_jread_array(r))
        return 0;
    while (ea_jread_item(r)) {
        ea_jread_skip(r);
        n++;
    }
    return n;
}

static void read_cpu_usage(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "total_usage", "percpu_usage" };
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        switch (ea_jread_which(name, words, EA_COUNT(words), &seen)) {
        case 0:
            out->cpu_total = ea_jread_u64(r);
            break;
        case 1:
            out->cpus = count_items(r);
            out->has_percpu = out->cpus > 0;
            break;
        default:
            ea_jread_skip(r);
        }
    }
}

static void read_cpu(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "cpu_usage", "online_cpus" };
    uint64_t online = 0;
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        switch (ea_jread_which(name, words, EA_COUNT(words), &seen)) {
        case 0:
            read_cpu_usage(r, out);
            break;
        case 1:
            online = ea_jread_u64(r);
            break;
        default:
            ea_jread_skip(r);
        }
    }
    if (online && online < 100000)
        out->cpus = (unsigned)online;
}

struct memory {
    uint64_t usage, max, working_set, commit_peak, cache, inactive;
    bool has_detail, has_cache;
};

static void read_memory_detail(struct ea_jread *r, struct memory *m)
{
    static const char *const words[] = { "cache", "inactive_file" };
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    m->has_detail = true;
    while (ea_jread_member(r, &name)) {
        switch (ea_jread_which(name, words, EA_COUNT(words), &seen)) {
        case 0:
            m->has_cache = ea_jread_peek(r) != 'n'; /* null: absent */
            m->cache = ea_jread_u64(r);
            break;
        case 1:
            m->inactive = ea_jread_u64(r);
            break;
        default:
            ea_jread_skip(r);
        }
    }
}

/* Source: control-plane.md section 4.5, memory bytes. */
static void read_memory(struct ea_jread *r, bool windows, struct ea_docker_sample *out)
{
    static const char *const words[] = { "usage", "max_usage", "privateworkingset",
                                         "commitpeakbytes", "stats" };
    struct memory m = { 0 };
    uint64_t *const into[] = { &m.usage, &m.max, &m.working_set, &m.commit_peak };
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        size_t which = ea_jread_which(name, words, EA_COUNT(words), &seen);

        if (which < EA_COUNT(into))
            *into[which] = ea_jread_u64(r);
        else if (which < EA_COUNT(words))
            read_memory_detail(r, &m);
        else
            ea_jread_skip(r);
    }
    if (windows) {
        out->memory_bytes = m.working_set;
        out->memory_peak = m.commit_peak;
        return;
    }
    /* cgroup v1 tells `cache`, v2 tells `anon` and the like instead. */
    out->cgroup_v2 = m.has_detail && !m.has_cache;
    if (out->cgroup_v2)
        m.cache = m.inactive;
    out->memory_bytes = m.cache < m.usage ? m.usage - m.cache : m.usage;
    out->memory_peak = m.max;
}

static void read_storage_row(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "op", "value" };
    ea_str name, op = { NULL, 0 };
    uint64_t value = 0;
    unsigned seen = 0;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        switch (ea_jread_which(name, words, EA_COUNT(words), &seen)) {
        case 0:
            op = ea_jread_str(r);
            break;
        case 1:
            value = ea_jread_u64(r);
            break;
        default:
            ea_jread_skip(r);
        }
    }
    if (ea_str_eq_nocase(op, EA_STR("read")))
        out->storage_read = add(out->storage_read, value);
    else if (ea_str_eq_nocase(op, EA_STR("write")))
        out->storage_write = add(out->storage_write, value);
}

static void read_blkio(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "io_service_bytes_recursive" };
    unsigned seen = 0;
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        if (ea_jread_which(name, words, EA_COUNT(words), &seen)) {
            ea_jread_skip(r);
            continue;
        }
        if (!ea_jread_array(r))
            continue;
        out->has_storage = true;
        while (ea_jread_item(r))
            read_storage_row(r, out);
    }
}

static void read_windows_storage(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "read_size_bytes", "write_size_bytes" };
    uint64_t v[EA_COUNT(words)] = { 0 };

    out->has_storage = ea_jread_peek(r) == '{';
    read_numbers(r, words, EA_COUNT(words), v);
    out->storage_read = v[0];
    out->storage_write = v[1];
}

static void read_network(struct ea_jread *r, struct ea_docker_sample *out)
{
    static const char *const words[] = { "rx_bytes", "rx_packets", "rx_errors", "rx_dropped",
                                         "tx_bytes", "tx_packets", "tx_errors", "tx_dropped" };
    struct ea_docker_net_sample *s = &out->net;
    uint64_t *const sums[] = { &s->rx_bytes, &s->rx_packets, &s->rx_errors, &s->rx_dropped,
                               &s->tx_bytes, &s->tx_packets, &s->tx_errors, &s->tx_dropped };
    ea_str name;

    if (!ea_jread_object(r))
        return;
    while (ea_jread_member(r, &name)) {
        uint64_t v[EA_COUNT(words)] = { 0 };

        out->has_network = true;
        read_numbers(r, words, EA_COUNT(words), v);
        for (size_t i = 0; i < EA_COUNT(sums); i++)
            *sums[i] = add(*sums[i], v[i]);
    }
}

static void read_member(struct ea_jread *r, ea_str name, bool windows, unsigned *seen,
                        struct ea_docker_sample *out)
{
    static const char *const words[] = { "read",         "preread",     "cpu_stats",
                                         "memory_stats", "blkio_stats", "storage_stats",
                                         "networks" };

    switch (ea_jread_which(name, words, EA_COUNT(words), seen)) {
    case 0:
        out->read_ns = read_time(ea_jread_str(r));
        return;
    case 1:
        out->has_before = read_time(ea_jread_str(r)) > 0;
        return;
    case 2:
        read_cpu(r, out);
        return;
    case 3:
        read_memory(r, windows, out);
        return;
    case 4:
        if (!windows) {
            read_blkio(r, out);
            return;
        }
        break;
    case 5:
        if (windows) {
            read_windows_storage(r, out);
            return;
        }
        break;
    case 6:
        read_network(r, out);
        return;
    default:
        break;
    }
    ea_jread_skip(r);
}

ea_code ea_docker_stats_decode(ea_str line, bool windows, struct ea_docker_sample *out, ea_err *err)
{
    struct ea_jread r = ea_jread_of(line);
    bool object = ea_jread_object(&r);
    unsigned seen = 0;
    ea_str name;

    *out = (struct ea_docker_sample){ 0 };
    while (object && ea_jread_member(&r, &name))
        read_member(&r, name, windows, &seen, out);
    if (ea_jread_end(&r, err)) {
        *out = (struct ea_docker_sample){ 0 };
        return ea_docker_garbled(err, "statistics");
    }
    return object ? EA_OK : ea_fail(err, EA_PROTOCOL, "statistics from Docker: object expected");
}
