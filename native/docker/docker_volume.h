/* docker_volume.h - create, inspect and remove volumes.
 * Thread: loop. Knows: paths and JSON under /volumes. Does not know: scopes, who may remove what.
 * Handles and `done`: docker.h. Arguments are copied. Source: task-engine.md sections 2.2, 3.3. */
#ifndef EA_DOCKER_DOCKER_VOLUME_H
#define EA_DOCKER_DOCKER_VOLUME_H

#include "../base/json.h"
#include "docker.h"

struct ea_docker_volume { /* borrowed for the call */
    char *name, *driver, *mountpoint;
    ea_strmap labels, options;
};

/* `driver` NULL or "": local. `options` and `labels` may be NULL. Docker answers with the existing
 * volume when there is one of that name and driver. */
ea_docker_op *ea_docker_volume_create(ea_docker *dk, const char *name, const char *driver,
                                      const ea_strmap *options, const ea_strmap *labels,
                                      int64_t limit_ms, ea_docker_done *done, void *ctx);
/* `volume` is NULL unless EA_OK. */
typedef void ea_docker_volume_done(void *ctx, const struct ea_docker_volume *volume,
                                   const ea_err *err);
ea_docker_op *ea_docker_volume_inspect(ea_docker *dk, const char *name, int64_t limit_ms,
                                       ea_docker_volume_done *done, void *ctx);
/* Not forced. EA_NOT_FOUND, EA_CONFLICT (in use). */
ea_docker_op *ea_docker_volume_remove(ea_docker *dk, const char *name, int64_t limit_ms,
                                      ea_docker_done *done, void *ctx);

/* Is it what a task describes: driver ("" is local), options and labels, absent and empty being the same
 * (ECS_SHARED_VOLUME_MATCH_FULL_CONFIG)? EA_CONFLICT with the first difference. Pure. */
ea_code ea_docker_volume_compare(const struct ea_docker_volume *volume, const char *driver,
                                 const ea_strmap *options, const ea_strmap *labels,
                                 ea_err *err) EA_CHECK;

#endif
