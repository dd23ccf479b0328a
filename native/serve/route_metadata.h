/* route_metadata.h - what a container asks of its own task: /v3/<id> and /v4/<id> with /task,
 * /taskWithTags, /stats, /task/stats and /associations/..., and /v2/metadata and /v2/stats. Shapes,
 * codes and messages: endpoints-and-windows.md sections 2.1 to 2.7. <id> is the endpoint id in the
 * container's ECS_CONTAINER_METADATA_URI and ..._V4, its only secret.
 *
 * Statistics are the engine's own object, in version 4 with the network's rates added; not yet
 * available they are null in version 3 and {} in version 4. The *WithTags routes answer without tags: serve/tags.h
 * adds them once they have come. The version 2 routes know a task by its own network interface (awsvpc), which no
 * task here has: always 400.
 * Thread: loop. Model and path in, status and body out. */
#ifndef EA_SERVE_ROUTE_METADATA_H
#define EA_SERVE_ROUTE_METADATA_H

#include "serve.h"

typedef enum ea_route {
    EA_ROUTE_NONE, /* no route has this path */
    EA_ROUTE_ANSWERED,
    EA_ROUTE_LATER, /* statistics are on their way: ask again, see ea_serve_stats_came() */
} ea_route;

/* source   its model, and its statistics
 * path     unescaped and cleaned; borrowed
 * peer     the caller's address, for messages
 * body     gets JSON: the object, or a bare string that tells the error. What exceeds its limit is
 *          answered by the error of a description that could not be made.
 * last     never EA_ROUTE_LATER: what is not there now is not available
 * status   HTTP status, written for EA_ROUTE_ANSWERED; otherwise the body is to be thrown away */
ea_route ea_route_metadata(const struct ea_serve_source *source, const char *path, const char *peer,
                           bool last, ea_buf *body, int *status);

#endif
