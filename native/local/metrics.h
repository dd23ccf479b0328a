/* metrics.h - what agents publish of their tasks, made into the metrics of the namespace AWS/ECS: one
 * statistic set (minimum, maximum, sum, count) a period and series, a minute unless a test says else.
 * Thread: loop. Pure: the caller tells the time. Knows: tasks, instances, published messages. Does not
 * know: sessions, CloudWatch's calls.
 * Lives in memory alone: it ends with the program and the state file does not grow by it. Bounds:
 * EA_LC_SERIES_MAX series, the one that is longest without a point goes first; EA_LC_POINTS_MAX points
 * a series, none older than EA_LC_POINTS_AGE_S; of the open period one entry for each task and container
 * that this program itself knows.
 *
 * Definitions (source: Amazon ECS developer guide, "Amazon ECS CloudWatch metrics", "service utilization
 * metrics", "cluster utilization metrics", "cluster reservation metrics"; all in percent):
 *   CPUUtilization    {ClusterName, ServiceName}  CPU units used by the tasks of the service, of those
 *                     that their definition specifies. One sample for each task that was measured:
 *                     SampleCount of one period is the number of tasks, Minimum and Maximum are those of
 *                     single tasks, Average that of all.
 *   MemoryUtilization {ClusterName, ServiceName}  the same of MiB; of the soft limit (memoryReservation)
 *                     where a container has one, else of the hard limit (memory).
 *   CPUUtilization, MemoryUtilization {ClusterName}  used by all tasks of the cluster, of what its ACTIVE
 *                     and DRAINING container instances registered. One sample a period.
 *   CPUReservation, MemoryReservation {ClusterName}  held by all tasks of the cluster, of the same.
 * CPU units used are the published share of the whole host (100 % = all processors) of the CPU that the
 * instance registered. A series gets a point only in a period in which tasks ran; utilisation only of
 * tasks whose agent published something. Tasks whose definition specifies no CPU (or no memory) have
 * nothing to be compared with and are in no service's CPUUtilization (MemoryUtilization). */
#ifndef EA_LOCAL_METRICS_H
#define EA_LOCAL_METRICS_H

#include "state.h"

struct cJSON;

#define EA_LC_SERIES_MAX       512
#define EA_LC_POINTS_MAX       1440
#define EA_LC_POINTS_AGE_S     (24 * 3600)
#define EA_LC_METRIC_PERIOD_S  60
#define EA_LC_METRIC_NAMESPACE "AWS/ECS"

typedef enum ea_lc_metric {
    EA_LC_CPU_UTILIZATION,
    EA_LC_MEMORY_UTILIZATION,
    EA_LC_CPU_RESERVATION,
    EA_LC_MEMORY_RESERVATION,
    EA_LC_METRICS
} ea_lc_metric;
const char *ea_lc_metric_name(ea_lc_metric m); /* "CPUUtilization" */

typedef struct ea_lc_point { /* a statistic set */
    int64_t at_s;            /* begin of its period, seconds since 1970 */
    double min, max, sum;
    int64_t count; /* samples; 0: none */
} ea_lc_point;

typedef struct ea_lc_series {
    char *cluster, *service; /* names; service NULL: of the cluster as a whole */
    ea_lc_metric metric;
    ea_lc_point *points; /* ring; see ea_lc_series_sum */
    size_t first, n, cap;
    int64_t last_s; /* begin of the newest point */
} ea_lc_series;

typedef struct ea_lc_metrics ea_lc_metrics;

ea_lc_metrics *ea_lc_metrics_new(int64_t period_s, int64_t now_ms); /* at least 1 s */
void ea_lc_metrics_free(ea_lc_metrics *m);                          /* NULL is fine */

/* One PublishMetricsRequest of an instance, its shape checked. Periods that are over are closed before.
 * Tasks and containers that are not the instance's are left out, and figures that are none. */
void ea_lc_metrics_take(ea_lc_metrics *m, const ea_lc_state *st, const struct ea_lc_instance *i,
                        const struct cJSON *message, int64_t now_ms);
/* Makes the points of a period that is over, drops old ones. Answers when the open period ends. */
int64_t ea_lc_metrics_close(ea_lc_metrics *m, const ea_lc_state *st, int64_t now_ms);

size_t ea_lc_metrics_count(const ea_lc_metrics *m);
const ea_lc_series *ea_lc_metrics_at(const ea_lc_metrics *m,
                                     size_t i); /* in order of their making */
/* All points of [from_s, to_s) as one. False when there are none. */
bool ea_lc_series_sum(const ea_lc_series *s, int64_t from_s, int64_t to_s, ea_lc_point *out);
int64_t ea_lc_series_first_s(const ea_lc_series *s); /* begin of the oldest point; 0: none */

#endif
