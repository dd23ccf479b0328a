/* metrics_watch.h - samples the containers that run and hands their figures to telemetry.
 * One sampler a container, from EA_FX_WATCH to EA_FX_UNWATCH. Its source is either the Docker Engine's
 * statistics (a stream, or asked for once in a while with ECS_POLL_METRICS), or on Linux the container's
 * control group, read directly: the same counters at a fraction of the cost, for the engine spends
 * four times what the agent does on a stream (ECSTOOLS_STATS_SOURCE; auto takes the control group
 * where it is to be seen and the engine, asked once, tells the same; else the engine). On Windows auto
 * asks the engine every 5 s, the shortest time that ECS_POLL_METRICS allows, where one reading answers
 * (API 1.41): a stream costs it five times as many readings, and the sums come to the same.
 * Thread: loop. Knows: which source, when, when to open it again. Does not know: the arithmetic
 * (report/metrics.h). Source: control-plane.md section 4.5, task-engine.md section 2.5. */
#ifndef EA_AGENT_METRICS_WATCH_H
#define EA_AGENT_METRICS_WATCH_H

#include "../docker/docker_stats.h"
#include "../report/metrics.h"
#include "agent.h"

/* Container runs, told again after an outage of the engine; ended. Nothing happens with
 * ECS_DISABLE_METRICS. */
void ea_metrics_watch(ea_agent *ag, const struct ea_task *t, const struct ea_container *c);
void ea_metrics_unwatch(ea_agent *ag, const struct ea_container *c);
/* Adds one JSON object a task that has news; *idle becomes false when any container is watched. */
void ea_metrics_collect(ea_agent *ag, ea_strlist *metrics, bool *idle);
/* Newest figures of a container; for ea_serve_source.usage. */
bool ea_metrics_usage(void *agent, const char *docker_id, double *cpu_percent, int64_t *memory_mib);
/* What the engine told last of a container; for ea_serve_source.stats. Where no stream of the engine's is
 * read already, one is opened by the first question and read until nobody has asked for a minute. */
ea_stats_state ea_metrics_document(void *agent, const char *docker_id,
                                   struct ea_stats_document *out);
void ea_metrics_stop(ea_agent *ag); /* before the Docker client goes; ends all samplers */

/* Pure: what the engine told, as the arithmetic wants it. */
void ea_metrics_reading(const struct ea_docker_sample *s, bool windows, int64_t restarts,
                        struct ea_reading *out);

#endif
