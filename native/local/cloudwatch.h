/* cloudwatch.h - the calls of Amazon CloudWatch that scaling lives on: ListMetrics, GetMetricStatistics,
 * GetMetricData, answered from the kept metrics.
 * Thread: loop. Pure. Knows: metrics.h, trees that were checked against their table. Does not know: HTTP,
 * protocols, signatures.
 * Source: Amazon CloudWatch API reference 2010-08-01, the call of each function's name. A begin is
 * rounded down to the minute (to the period for periods under a minute) and counts in; an end does not. */
#ifndef EA_LOCAL_CLOUDWATCH_H
#define EA_LOCAL_CLOUDWATCH_H

#include "metrics.h"

#define EA_LC_CW_LIST_PAGE   500    /* metrics in one answer */
#define EA_LC_CW_STATISTICS  1440   /* points that GetMetricStatistics may be asked for */
#define EA_LC_CW_DATA_POINTS 100800 /* the most of MaxDatapoints, and its default */
#define EA_LC_CW_QUERIES     500    /* of one GetMetricData */
#define EA_LC_CW_RECENT_S    (3 * 3600)

typedef struct ea_lc_cw_call {
    const ea_lc_metrics *metrics; /* borrowed */
    const struct cJSON *in;       /* checked; borrowed */
    int64_t now_ms;
    struct cJSON *out; /* an object when answered; the caller deletes it */
    const char *error; /* of a refusal: "InvalidParameterValue", ...; static */
    char message[512];
} ea_lc_cw_call;

/* 0: answered in `out`; -1: refused. */
typedef int ea_lc_cw_fn(ea_lc_cw_call *c);
ea_lc_cw_fn *ea_lc_cw_find(const char *operation); /* NULL: not served */

#endif
