/* metrics.h - readings of one container's counters -> the sets that telemetry publishes.
 * Thread: any; one owner. Pure: no clock, no I/O. Knows: percentages, sums, overflow, what was sent
 * already. Does not know: where readings come from, tasks, messages.
 * Source: control-plane.md sections 4.4 and 4.5. Where it differs from the reference on purpose:
 *   - a reading of a zero time (the engine read nothing) is refused for every container;
 *   - a counter that went back without a restart gives no rate for that step, not a huge one. */
#ifndef EA_REPORT_METRICS_H
#define EA_REPORT_METRICS_H

#include "../base/buf.h"

#define EA_METRICS_RING 80

struct ea_net_counters { /* since the container started; all its interfaces together */
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

struct ea_reading {     /* counters as the system tells them */
    int64_t read_ns;    /* wall, since 1970; 0: nothing was read */
    uint64_t cpu_total; /* all processors; Linux: ns, Windows: units of 100 ns */
    bool cpu_unknown;   /* Linux, cgroup v1: no figures of the processors */
    uint64_t memory_bytes;
    bool has_storage, has_network;
    uint64_t storage_read, storage_write; /* bytes since the start */
    struct ea_net_counters net;
    int64_t restarts; /* of the container by its policy, so far */
};

struct ea_metrics_options {
    bool windows;
    int64_t processors;     /* of this machine: 100 % is all of them */
    bool network;           /* its own counters are published */
    bool restarts;          /* it has a restart policy */
    int64_t restarts_known; /* restarts that were told already when sampling began */
    size_t ring;            /* samples kept, see ea_metrics_ring() */
};

typedef struct ea_metrics ea_metrics;

/* Samples to keep: 80 of a stream (poll_ms 0), else what four publishes of 20 s hold. */
size_t ea_metrics_ring(int64_t poll_ms);

ea_metrics *ea_metrics_new(const struct ea_metrics_options *options); /* copied */
void ea_metrics_free(ea_metrics *m);                                  /* NULL is fine */

/* Takes a reading into the ring. EA_INVALID: it is of no use, and the source that gave it is to be
 * opened again. */
ea_code ea_metrics_add(ea_metrics *m, const struct ea_reading *reading, ea_err *err) EA_CHECK;

/* Appends {"containerName":..,"cpuStatsSet":..,...} over the samples not sent yet and flags them
 * sent. False, and nothing appended: no CPU or no memory set is to be had. */
bool ea_metrics_publish(ea_metrics *m, const char *name, ea_buf *out);

/* The newest figures: percent of the whole machine (negative while unknown), and whole MiB. False
 * before the first reading. */
bool ea_metrics_latest(const ea_metrics *m, double *cpu_percent, int64_t *memory_mib);

/* The newest rates of the network, bytes a second. False while they are unknown. */
bool ea_metrics_rates(const ea_metrics *m, double *rx_per_s, double *tx_per_s);

/* Largest percentage that is believed without a word in the log. */
#define EA_METRICS_CPU_MAX 1048576.0f

#endif
