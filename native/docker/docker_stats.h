/* docker_stats.h - what a container uses: the engine's statistics, as a stream or asked for once.
 * Thread: loop. Knows: /containers/{id}/stats, reopening. Does not know: rings of samples,
 * percentages, tasks. Source: task-engine.md section 2.5, control-plane.md section 4.5. */
#ifndef EA_DOCKER_DOCKER_STATS_H
#define EA_DOCKER_DOCKER_STATS_H

#include "docker.h"
#include "docker_stats_decode.h"

/* One answer: `line` is the engine's JSON object as it came, `sample` what was read from it; both
 * borrowed for the call. */
typedef void ea_docker_stats_fn(void *ctx, ea_str line, const struct ea_docker_sample *sample);

typedef struct ea_docker_stats ea_docker_stats;
/* A stream of about one answer a second. Silent for 18 s, broken or unreadable: it is closed and opened
 * again after 1 s, then doubling up to 10 s. `ended` (may be NULL) is called once when the engine knows
 * the container no longer; then only the stop is left to do. Never calls back from inside. `id` copied.
 * `windows`: flavour of the engine. */
ea_docker_stats *ea_docker_stats_start(ea_docker *dk, const char *id, bool windows,
                                       ea_docker_stats_fn *fn, void (*ended)(void *ctx), void *ctx);
/* No callback comes any more; legal from inside one. Before ea_docker_free(). NULL is fine. */
void ea_docker_stats_stop(ea_docker_stats *st);

/* Asks once. Cheap (no second reading by the engine, one second later) from API 1.41 on. `sample` NULL unless EA_OK. */
typedef void ea_docker_stats_once_done(void *ctx, ea_str line,
                                       const struct ea_docker_sample *sample, const ea_err *err);
ea_docker_op *ea_docker_stats_once(ea_docker *dk, const char *id, bool windows, int64_t limit_ms,
                                   ea_docker_stats_once_done *done, void *ctx);
/* Asking once is cheap with this engine; false before its version is known. */
bool ea_docker_stats_once_is_cheap(const ea_docker *dk);

#endif
