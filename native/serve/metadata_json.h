/* metadata_json.h - task and container objects of the metadata endpoint, versions 3 and 4
 * (endpoints-and-windows.md sections 2.4 and 2.5).
 * Thread: loop. Pure: model in, JSON out, escaped as Go does it. Knows: keys and when they are
 * there. Does not know: routes, status codes, tags, network interfaces of tasks (awsvpc). */
#ifndef EA_SERVE_METADATA_JSON_H
#define EA_SERVE_METADATA_JSON_H

#include "../base/buf.h"
#include "../model/model.h"

/* Docker has the container, or is asked to make it: such ones stand in both versions' tasks. */
bool ea_metadata_has_record(const struct ea_container *c);
/* It does, and what it says of the container's networks has not been heard yet. A container that
 * never ran and never will (STOPPED) waits for nothing. */
bool ea_metadata_awaits_network(const struct ea_container *c);

/* version  3 or 4. Adds one object. */
void ea_metadata_container(const struct ea_model *m, const struct ea_task *t,
                           const struct ea_container *c, int version, ea_buf *out);
/* The same for the task with its containers; version 4 appends those that are pulled only. */
void ea_metadata_task(const struct ea_model *m, const struct ea_task *t, int version, ea_buf *out);

#endif
