#include "metrics.h"

#include "../base/alloc.h"
#include "../base/json.h"
#include "../base/log.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define PUBLISH_MS 20000
#define MIB        (1024u * 1024u)
#define BASE_MAX   ((uint64_t)INT64_MAX) /* of an integer on the wire; what is above is overflow */

/* The figures that are published as they stand, in the order of the message. */
enum counter {
    STORAGE_READ,
    STORAGE_WRITE,
    RX_BYTES,
    RX_DROPPED,
    RX_ERRORS,
    RX_PACKETS,
    TX_BYTES,
    TX_DROPPED,
    TX_ERRORS,
    TX_PACKETS,
    COUNTERS
};

struct sample {
    int64_t read_ns;
    uint64_t cpu_ns;                     /* of one processor */
    float cpu_percent, rx_rate, tx_rate; /* NaN: unknown */
    uint32_t memory_mib;
    bool has_storage, has_network, sent;
    uint64_t v[COUNTERS];
};

struct raw { /* what a restart brings back to zero */
    uint64_t cpu;
    uint64_t v[COUNTERS];
};

struct ea_metrics {
    struct ea_metrics_options o;
    struct sample *ring;
    size_t first, n;
    bool seen;          /* `last` is filled */
    struct raw last;    /* the newest reading, as it was told */
    struct raw carried; /* totals of the runs before the present one */
    int64_t restarts, restarts_sent;
};

size_t ea_metrics_ring(int64_t poll_ms)
{
    size_t n = poll_ms > 0 ? (size_t)(4 * PUBLISH_MS / poll_ms) : EA_METRICS_RING;

    return n < 2 ? 2 : n > EA_METRICS_RING ? EA_METRICS_RING : n;
}

ea_metrics *ea_metrics_new(const struct ea_metrics_options *options)
{
    ea_metrics *m = ea_alloc(sizeof(*m));

    m->o = *options;
    m->o.ring = options->ring < 2 ? 2 : options->ring;
    m->ring = ea_alloc_array(m->o.ring, sizeof(*m->ring));
    m->restarts = m->restarts_sent = options->restarts_known;
    return m;
}

void ea_metrics_free(ea_metrics *m)
{
    if (!m)
        return;
    ea_free(m->ring);
    ea_free(m);
}

static struct sample *at(const ea_metrics *m, size_t i)
{
    return &m->ring[(m->first + i) % m->o.ring];
}

/* NaN, in a way that all compilers take for both precisions. */
static bool is_unknown(double x)
{
    return !(x >= 0 || x < 0);
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* ---- a reading ---- */

static struct raw raw_of(const struct ea_reading *r)
{
    return (struct raw){
        .cpu = r->cpu_total,
        .v = { [STORAGE_READ] = r->storage_read,
               [STORAGE_WRITE] = r->storage_write,
               [RX_BYTES] = r->net.rx_bytes,
               [RX_DROPPED] = r->net.rx_dropped,
               [RX_ERRORS] = r->net.rx_errors,
               [RX_PACKETS] = r->net.rx_packets,
               [TX_BYTES] = r->net.tx_bytes,
               [TX_DROPPED] = r->net.tx_dropped,
               [TX_ERRORS] = r->net.tx_errors,
               [TX_PACKETS] = r->net.tx_packets },
    };
}

static bool went_back(const struct raw *before, const struct raw *now)
{
    bool back = now->cpu < before->cpu;

    for (int i = 0; i < COUNTERS; i++)
        back = back || now->v[i] < before->v[i];
    return back;
}

/* A restart in place begins the counters anew; what is published goes on from where it was. The
 * counters tell it, not the count of restarts: that may be ahead of the reading. */
static void carry_over(ea_metrics *m, const struct raw *now)
{
    if (!m->seen || !went_back(&m->last, now))
        return;
    m->carried.cpu = plus(m->carried.cpu, m->last.cpu);
    for (int i = 0; i < COUNTERS; i++) {
        /* Errors on Windows are not added up (section 4.5). */
        if (m->o.windows && (i == RX_ERRORS || i == TX_ERRORS))
            continue;
        m->carried.v[i] = plus(m->carried.v[i], m->last.v[i]);
    }
}

static uint64_t cpu_ns(const ea_metrics *m, uint64_t total)
{
    uint64_t n = (uint64_t)m->o.processors;

    if (!m->o.windows)
        return total / n;
    return total > UINT64_MAX / 100 ? UINT64_MAX / n : total * 100 / n;
}

/* `scale` x growth a nanosecond; a counter that went back tells nothing of this step. */
static float rate(uint64_t before, uint64_t now, float step_ns, float scale)
{
    return now < before ? NAN : scale * (float)(now - before) / step_ns;
}

/* Source: control-plane.md section 4.5: single precision, and without a step in time what was. */
static void add_rates(const struct sample *before, struct sample *s)
{
    int64_t step;

    s->cpu_percent = s->rx_rate = s->tx_rate = NAN;
    if (!before)
        return;
    step = s->read_ns - before->read_ns;
    if (step <= 0) {
        s->cpu_percent = before->cpu_percent;
        s->rx_rate = before->rx_rate;
        s->tx_rate = before->tx_rate;
        return;
    }
    s->cpu_percent = rate(before->cpu_ns, s->cpu_ns, (float)step, 100.0f);
    if (s->cpu_percent > EA_METRICS_CPU_MAX)
        ea_warn("CPU use of a container is hard to believe",
                EA_I("percent", (int64_t)s->cpu_percent));
    if (!before->has_network || !s->has_network)
        return;
    s->rx_rate = rate(before->v[RX_BYTES], s->v[RX_BYTES], (float)step, 1e9f);
    s->tx_rate = rate(before->v[TX_BYTES], s->v[TX_BYTES], (float)step, 1e9f);
}

ea_code ea_metrics_add(ea_metrics *m, const struct ea_reading *r, ea_err *err)
{
    struct raw now = raw_of(r);
    struct sample s = { .read_ns = r->read_ns };
    uint64_t mib = r->memory_bytes / MIB;

    if (m->o.processors <= 0)
        return ea_fail(err, EA_INVALID, "the number of processors is not known");
    if (r->cpu_unknown)
        return ea_fail(err, EA_INVALID, "statistics without CPU time");
    if (r->read_ns <= 0)
        return ea_fail(err, EA_INVALID, "statistics without a time");
    if (m->o.restarts)
        carry_over(m, &now);
    m->last = now;
    m->seen = true;
    m->restarts = r->restarts;
    s.cpu_ns = cpu_ns(m, plus(m->carried.cpu, now.cpu));
    s.memory_mib = mib > UINT32_MAX ? UINT32_MAX : (uint32_t)mib;
    s.has_storage = r->has_storage;
    s.has_network = r->has_network && m->o.network;
    for (int i = 0; i < COUNTERS; i++)
        s.v[i] = plus(m->carried.v[i], now.v[i]);
    add_rates(m->n ? at(m, m->n - 1) : NULL, &s);
    if (m->n == m->o.ring) { /* the oldest tells least */
        m->first = (m->first + 1) % m->o.ring;
        m->n--;
    }
    *at(m, m->n++) = s;
    return EA_OK;
}

bool ea_metrics_latest(const ea_metrics *m, double *cpu_percent, int64_t *memory_mib)
{
    const struct sample *s = m->n ? at(m, m->n - 1) : NULL;

    if (!s)
        return false;
    *cpu_percent = is_unknown((double)s->cpu_percent) ? -1.0 : (double)s->cpu_percent;
    *memory_mib = s->memory_mib;
    return true;
}

bool ea_metrics_rates(const ea_metrics *m, double *rx_per_s, double *tx_per_s)
{
    const struct sample *s = m->n ? at(m, m->n - 1) : NULL;

    if (!s || is_unknown((double)s->rx_rate) || is_unknown((double)s->tx_rate))
        return false;
    *rx_per_s = (double)s->rx_rate;
    *tx_per_s = (double)s->tx_rate;
    return true;
}

/* ---- sets ---- */

struct set {
    double min, max, sum;
    int64_t count;
};

static void add_to(struct set *s, double x)
{
    if (is_unknown(x))
        return;
    s->min = s->count == 0 || x < s->min ? x : s->min;
    s->max = s->count == 0 || x > s->max ? x : s->max;
    s->sum += x;
    s->count++;
}

static void print_set(ea_buf *b, const char *name, const struct set *s)
{
    ea_buf_addf(b, "\"%s\":{\"min\":", name);
    ea_json_add_double(b, s->min);
    ea_buf_adds(b, ",\"max\":");
    ea_json_add_double(b, s->max);
    ea_buf_addf(b, ",\"sampleCount\":%" PRId64 ",\"sum\":", s->count);
    ea_json_add_double(b, s->sum);
    ea_buf_addc(b, '}');
}

static void print_number(ea_buf *b, const char *name, int64_t v)
{
    ea_buf_addc(b, '"');
    ea_buf_adds(b, name);
    ea_buf_addc(b, '"');
    ea_buf_addc(b, ':');
    ea_buf_add_i64(b, v);
}

static void print_whole(ea_buf *b, const char *what, const char *over, uint64_t v)
{
    bool fits = v <= BASE_MAX;

    print_number(b, what, (int64_t)(fits ? v : BASE_MAX));
    ea_buf_addc(b, ',');
    print_number(b, over, (int64_t)(fits ? 0 : v % BASE_MAX));
}

/* Which samples a counter is to be found in. */
static bool holds(const struct sample *s, enum counter c)
{
    return c <= STORAGE_WRITE ? s->has_storage : s->has_network;
}

static size_t usable(const ea_metrics *m, enum counter c)
{
    size_t count = 0;

    for (size_t i = 0; i < m->n; i++)
        count += !at(m, i)->sent && holds(at(m, i), c);
    return count;
}

static void print_counter(ea_buf *b, const ea_metrics *m, const char *name, enum counter c)
{
    uint64_t min = UINT64_MAX, max = 0, sum = 0;

    for (size_t i = 0; i < m->n; i++) {
        const struct sample *s = at(m, i);

        if (s->sent || !holds(s, c))
            continue;
        min = s->v[c] < min ? s->v[c] : min;
        max = s->v[c] > max ? s->v[c] : max;
        sum = plus(sum, s->v[c]);
    }
    ea_buf_addf(b, "\"%s\":{", name);
    print_whole(b, "min", "overflowMin", min);
    ea_buf_addc(b, ',');
    print_whole(b, "max", "overflowMax", max);
    ea_buf_addf(b, ",\"sampleCount\":%zu,", usable(m, c));
    print_whole(b, "sum", "overflowSum", sum);
    ea_buf_addc(b, '}');
}

static void print_storage(ea_buf *b, const ea_metrics *m)
{
    if (!usable(m, STORAGE_READ))
        return;
    ea_buf_adds(b, ",\"storageStatsSet\":{");
    print_counter(b, m, "readSizeBytes", STORAGE_READ);
    ea_buf_addc(b, ',');
    print_counter(b, m, "writeSizeBytes", STORAGE_WRITE);
    ea_buf_addc(b, '}');
}

static void print_network(ea_buf *b, const ea_metrics *m)
{
    static const char *const names[COUNTERS] = {
        [RX_BYTES] = "rxBytes",     [RX_DROPPED] = "rxDropped", [RX_ERRORS] = "rxErrors",
        [RX_PACKETS] = "rxPackets", [TX_BYTES] = "txBytes",     [TX_DROPPED] = "txDropped",
        [TX_ERRORS] = "txErrors",   [TX_PACKETS] = "txPackets",
    };
    struct set rx = { 0 }, tx = { 0 };

    for (size_t i = 0; i < m->n; i++) {
        const struct sample *s = at(m, i);

        if (s->sent || !s->has_network)
            continue;
        add_to(&rx, (double)s->rx_rate);
        add_to(&tx, (double)s->tx_rate);
    }
    if (!usable(m, RX_BYTES) || !rx.count || !tx.count)
        return;
    ea_buf_adds(b, ",\"networkStatsSet\":{");
    for (int c = RX_BYTES; c <= TX_PACKETS; c++) {
        print_counter(b, m, names[c], (enum counter)c);
        ea_buf_addc(b, ',');
    }
    print_set(b, "rxBytesPerSecond", &rx);
    ea_buf_addc(b, ',');
    print_set(b, "txBytesPerSecond", &tx);
    ea_buf_addc(b, '}');
}

bool ea_metrics_publish(ea_metrics *m, const char *name, ea_buf *out)
{
    struct set cpu = { 0 }, memory = { 0 };

    for (size_t i = 0; i < m->n; i++) {
        if (at(m, i)->sent)
            continue;
        add_to(&cpu, (double)at(m, i)->cpu_percent);
        add_to(&memory, at(m, i)->memory_mib);
    }
    if (m->n < 2 || !cpu.count || !memory.count)
        return false;
    ea_buf_adds(out, "{\"containerName\":");
    ea_buf_add_json_str(out, ea_str_of(name));
    ea_buf_addc(out, ',');
    print_set(out, "cpuStatsSet", &cpu);
    ea_buf_addc(out, ',');
    print_set(out, "memoryStatsSet", &memory);
    print_storage(out, m);
    print_network(out, m);
    if (m->o.restarts)
        ea_buf_addf(out, ",\"restartStatsSet\":{\"restartCount\":%" PRId64 "}",
                    m->restarts - m->restarts_sent);
    ea_buf_addc(out, '}');
    m->restarts_sent = m->restarts;
    for (size_t i = 0; i < m->n; i++)
        at(m, i)->sent = true; /* kept for the next step */
    return true;
}
