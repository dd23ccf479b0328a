/* upstream.h - requests of containers that wait for the ECS API: task protection, signed with the task's own role,
 * and tags, signed as the instance. Others are answered meanwhile.
 * Thread: loop. Knows: which route needs which calls, who waits. Does not know: how a call is made
 * (ea_serve_source), what the bodies mean (protect.h, tags.h). */
#ifndef EA_SERVE_UPSTREAM_H
#define EA_SERVE_UPSTREAM_H

#include "../net/http_server.h"
#include "serve.h"

typedef struct ea_upstream ea_upstream;
/* Answers `req` by JSON; called once for each request that was taken. */
typedef void ea_upstream_answer(void *ctx, ea_http_request *req, int status, ea_str body);

ea_upstream *ea_upstream_new(ea_loop *loop, const struct ea_serve_source *source,
                             ea_upstream_answer *answer, void *ctx); /* source: borrowed */
/* False: the path is none of its routes, or the source has nobody who calls. */
bool ea_upstream_handle(ea_upstream *u, ea_http_request *req);
void ea_upstream_free(
    ea_upstream *u); /* who still waits is told that the agent ends; NULL is fine */

#endif
