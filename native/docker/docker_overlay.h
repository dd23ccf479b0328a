/* docker_overlay.h - lays the payload's raw dockerConfig.config and hostConfig over what the agent
 * built. Pure. Rules (task-engine.md section 3.1): names match without case; objects and maps merge;
 * arrays and scalars replace; null keeps strings, numbers, booleans and by-value objects, but empties
 * arrays, maps and optional members. Unknown members pass, never in two spellings. */
#ifndef EA_DOCKER_DOCKER_OVERLAY_H
#define EA_DOCKER_DOCKER_OVERLAY_H

#include "../base/err.h"
#include "../base/str.h"

struct cJSON;

typedef enum ea_overlay_kind {
    EA_OVERLAY_CONFIG,
    EA_OVERLAY_HOST
} ea_overlay_kind;

/* `raw`: JSON text of an object; empty or null changes nothing. EA_INVALID names the member that
 * has a wrong type. `base` may be half changed after a failure. */
ea_code ea_docker_overlay(struct cJSON *base, ea_overlay_kind kind, ea_str raw,
                          ea_err *err) EA_CHECK;

#endif
