/* route_introspect.h - the introspection port's answers, reference-shaped: /v1/metadata, /v1/tasks
 * [?taskarn= | ?dockerid=], /license (endpoints-and-windows.md section 2.9).
 * Thread: loop. Pure: model and query in, status and body out. */
#ifndef EA_SERVE_ROUTE_INTROSPECT_H
#define EA_SERVE_ROUTE_INTROSPECT_H

#include "../base/buf.h"
#include "../model/model.h"

void ea_introspect_metadata(const struct ea_model *m, const char *version, const char *hash,
                            ea_buf *body);
/* `task_arn`, `docker_id`: NULL when not asked for; both given is 400. Returns the HTTP status. */
int ea_introspect_tasks(const struct ea_model *m, const char *task_arn, const char *docker_id,
                        ea_buf *body);

#endif
