/* svc_plan.h - what a service does next: how many tasks it starts and which ones it stops.
 * Thread: any. Pure. Does not know: instances, placement, calls.
 * Source: Amazon ECS developer guide, rolling update (deployment type ECS) and service scheduler: during
 * a deployment no more than maximumPercent (rounded down) of the desired tasks are pending or running,
 * and no fewer than minimumHealthyPercent (rounded up) keep running. */
#ifndef EA_LOCAL_SVC_PLAN_H
#define EA_LOCAL_SVC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ea_lc_svc_task { /* a task that is to run (desired status RUNNING, not stopped) */
    bool newest;                /* of the newest deployment */
    bool running;               /* else still pending */
    bool kept;                  /* protected from scale-in: never chosen by this service */
    bool stop;                  /* out */
} ea_lc_svc_task;

/* `t` in order of arrival. Sets `stop` of those that are to end; answers how many are to start. */
int64_t ea_lc_svc_plan(int64_t desired, int64_t min_percent, int64_t max_percent, ea_lc_svc_task *t,
                       size_t n);

typedef struct ea_lc_svc_past { /* a task of the newest deployment, stopped or not */
    bool failed;                /* stopped without ever running, or soon after its start */
    bool ran;
    int64_t stopped_ms;
} ea_lc_svc_past;

/* When the next start may be: at once, or later the more tasks in a row have failed (1 s, doubled up to
 * 60 s after the last of them). `p` in order of arrival. */
int64_t ea_lc_svc_next_start_ms(const ea_lc_svc_past *p, size_t n);

#endif
