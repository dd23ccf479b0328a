/* route_metadata.h - what a container asks of its own task: /v3/<id> and /v4/<id> with /task,
 * /taskWithTags, /stats, /task/stats and /associations/..., and /v2/metadata and /v2/stats. Shapes,
 * codes and messages: endpoints-and-windows.md sections 2.1 to 2.7. <id> is the endpoint id in the
 * container's ECS_CONTAINER_METADATA_URI and ..._V4, its only secret.
 *
 * Statistics are not collected yet: every container's are told as not yet available, null in
 * version 3 and {} in version 4. The *WithTags routes answer without tags, as when the look-up of
 * the tags fails. The version 2 routes know a task by its own network interface (awsvpc), which no
 * task here has: always 400.
 * Thread: loop. Pure: model and path in, status and body out. */
#ifndef EA_SERVE_ROUTE_METADATA_H
#define EA_SERVE_ROUTE_METADATA_H

#include "../base/buf.h"
#include "../model/model.h"

/* path     unescaped and cleaned; borrowed
 * peer     the caller's address, for messages
 * body     gets JSON: the object, or a bare string that tells the error. What exceeds its limit is
 *          answered by the error of a description that could not be made.
 * status   HTTP status, written when the answer is true
 * Returns  false when no route has this path */
bool ea_route_metadata(const struct ea_model *m, const char *path, const char *peer, ea_buf *body,
                       int *status);

#endif
