/* metrics_world.h - for tests: a cluster "c" with one container instance of 2048 CPU units and 4096 MiB,
 * its tasks, and what its agent publishes. Needs folder.h's folder. */
#ifndef EA_TEST_LOCAL_METRICS_WORLD_H
#define EA_TEST_LOCAL_METRICS_WORLD_H

#include "local/metrics.h"

#define NOON 1700049600LL /* s; a whole minute */

struct metrics_world {
    ea_lc_state st;
    struct ea_lc_cluster *cluster;
    struct ea_lc_instance *instance;
    ea_lc_metrics *m;
    int tasks;
};

void metrics_world_open(struct metrics_world *w, int64_t period_s); /* the clock says NOON */
void metrics_world_close(struct metrics_world *w);
/* A running task of one container "main"; service NULL: of none. Borrowed. */
struct ea_lc_task *metrics_world_task(struct metrics_world *w, const char *service, int64_t cpu,
                                      int64_t memory);
/* Publishes one sample of the container: percent of the host, MiB. */
void metrics_world_tell(struct metrics_world *w, const struct ea_lc_task *t, double cpu,
                        double memory, int64_t at_s);
/* Publishes any message. */
void metrics_world_say(struct metrics_world *w, const char *json, int64_t at_s);

#endif
