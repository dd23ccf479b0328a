/* docker_container.h - create, start, stop, remove, inspect and list containers.
 * Thread: loop. Knows: paths and JSON under /containers. Does not know: tasks, retries, the create
 * body (docker_body.h). Handles and `done`: docker.h. Arguments are copied.
 * Source: task-engine.md sections 2.2, 2.4. */
#ifndef EA_DOCKER_DOCKER_CONTAINER_H
#define EA_DOCKER_DOCKER_CONTAINER_H

#include "../model/docker_facts.h"
#include "docker.h"

/* `id` is borrowed, NULL unless EA_OK. EA_CONFLICT: the name is taken. */
typedef void ea_docker_create_done(void *ctx, const char *id, const ea_err *err);
/* `api`: version the payload asked for ("1.24"), NULL or "" for ours; never below ours. EA_UNSUPPORTED
 * when the engine does not have it. */
ea_docker_op *ea_docker_create(ea_docker *dk, const char *api, const char *name, ea_str body,
                               int64_t limit_ms, ea_docker_create_done *done, void *ctx);
/* EA_OK also when it already runs (304). */
ea_docker_op *ea_docker_start(ea_docker *dk, const char *api, const char *id, int64_t limit_ms,
                              ea_docker_done *done, void *ctx);
/* EA_OK also when it is stopped already (304). stop_s: grace before the kill, 0 or more. */
ea_docker_op *ea_docker_stop(ea_docker *dk, const char *id, int64_t stop_s, int64_t limit_ms,
                             ea_docker_done *done, void *ctx);
/* With its anonymous volumes; not forced. EA_NOT_FOUND when it does not exist. */
ea_docker_op *ea_docker_remove(ea_docker *dk, const char *id, int64_t limit_ms,
                               ea_docker_done *done, void *ctx);

/* `facts`: NULL unless EA_OK or EA_NOT_FOUND (then found is false). The receiver may take members and
 * leave *facts zero. */
typedef void ea_docker_facts_done_fn(void *ctx, struct ea_docker_facts *facts, const ea_err *err);
ea_docker_op *ea_docker_inspect(ea_docker *dk, const char *id_or_name, int64_t limit_ms,
                                ea_docker_facts_done_fn *done, void *ctx);
/* The container with these labels, inspected. None: EA_OK and found is false. Of several the one
 * that runs, else the newest. */
ea_docker_op *ea_docker_find(ea_docker *dk, const char *task_arn, const char *container_name,
                             int64_t limit_ms, ea_docker_facts_done_fn *done, void *ctx);

/* Brief facts of all containers of a cluster (NULL: of everybody), stopped ones included. The receiver may take members of
 * each (and leave it zero); the array is borrowed. */
typedef void ea_docker_list_done(void *ctx, struct ea_docker_facts *v, size_t n, const ea_err *err);
ea_docker_op *ea_docker_list(ea_docker *dk, const char *cluster, int64_t limit_ms,
                             ea_docker_list_done *done, void *ctx);

/* --- decoders, pure; `out` is zeroed first, members owned by it ---------------------------------- */
ea_code ea_docker_inspect_decode(ea_str json, struct ea_docker_facts *out, ea_err *err) EA_CHECK;
/* *v: array of ea_alloc, *n entries; the caller frees entries by ea_docker_facts_done, then *v. */
ea_code ea_docker_list_decode(ea_str json, struct ea_docker_facts **v, size_t *n,
                              ea_err *err) EA_CHECK;

#define EA_LABEL_PREFIX    "com.amazonaws.ecs."
#define EA_LABEL_TASK      EA_LABEL_PREFIX "task-arn"
#define EA_LABEL_CONTAINER EA_LABEL_PREFIX "container-name"
#define EA_LABEL_FAMILY    EA_LABEL_PREFIX "task-definition-family"
#define EA_LABEL_VERSION   EA_LABEL_PREFIX "task-definition-version"
#define EA_LABEL_CLUSTER   EA_LABEL_PREFIX "cluster"

#endif
