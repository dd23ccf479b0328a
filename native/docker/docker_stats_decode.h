/* docker_stats_decode.h - one line of the engine's statistics -> what telemetry wants of it.
 * Thread: any. Pure: no tree is built, and what nobody wants is gone over. A member that comes twice
 * counts once, the first; one of another kind than expected reads as absent; a negative number as 0.
 * Source: Docker Engine API, ContainerStats; control-plane.md section 4.5. */
#ifndef EA_DOCKER_DOCKER_STATS_DECODE_H
#define EA_DOCKER_DOCKER_STATS_DECODE_H

#include "../base/err.h"
#include "../base/str.h"

struct ea_docker_net_sample { /* sums over all of the container's networks */
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

struct ea_docker_sample {
    int64_t read_ns; /* wall, since 1970; 0: the engine read nothing (the container has ended) */
    bool
        has_before; /* with the reading before it (`precpu_stats`): whole for those who reckon a rate */
    uint64_t cpu_total; /* since its start; Linux: ns, Windows: units of 100 ns */
    unsigned cpus;      /* online_cpus, else the length of percpu_usage; 0 unknown */
    bool has_percpu;    /* cgroup v1 without it: the sample is not to be used */
    bool cgroup_v2;
    uint64_t memory_bytes; /* Linux: usage without page cache; Windows: private working set */
    uint64_t memory_peak;  /* max_usage, commitpeakbytes; 0 unknown */
    bool has_storage;
    uint64_t storage_read, storage_write; /* bytes */
    bool has_network;
    struct ea_docker_net_sample net;
};

/* EA_PROTOCOL: not JSON (of at most 64 levels), or no object; *out is zero then. */
ea_code ea_docker_stats_decode(ea_str line, bool windows, struct ea_docker_sample *out,
                               ea_err *err) EA_CHECK;

#endif
