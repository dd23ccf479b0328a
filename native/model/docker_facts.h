/* docker_facts.h - what the Docker Engine says of one container, as the engine wants to hear it:
 * the answer of docker/ to inspect, list and event. Plain data, no I/O.
 * Strings are owned by the struct; NULL means absent. Source: task-engine.md sections 2.3, 2.4. */
#ifndef EA_MODEL_DOCKER_FACTS_H
#define EA_MODEL_DOCKER_FACTS_H

#include "container.h"

/* What Docker says of one container (inspect, or a list entry with `brief` set). */
struct ea_docker_facts {
    bool found;                                  /* false: Docker answered that it does not exist */
    bool brief;                                  /* only id, labels and state are known */
    char *id, *name, *task_arn, *container_name; /* the last two from its labels */
    char *cluster;                               /* label; of a list entry alone */
    ea_cstate state; /* CREATED, RUNNING or STOPPED (task-engine.md section 2.4) */
    ea_opt_i64 exit_code;
    bool oom_killed;
    char *state_error; /* State.Error, NULL when empty */
    char *image_id;
    int64_t pid;                                 /* of its first process while it runs; 0 unknown */
    int64_t created_ms, started_ms, finished_ms; /* wall; 0 unknown */
    struct {
        struct ea_binding *v;
        size_t n;
    } bindings;
    struct {
        struct ea_network *v;
        size_t n;
    } networks;
    struct {
        struct ea_mount *v;
        size_t n;
    } mounts;
    bool has_health;
    struct ea_health_state health;
};
/* Frees the members and leaves the struct zero; NULL is fine. */
void ea_docker_facts_done(struct ea_docker_facts *f);

/* One entry of the list of images. */
struct ea_image_facts {
    char *id;
    ea_strlist tags; /* "repository:tag"; empty for a dangling one */
    int64_t size, created_ms;
};
void ea_image_facts_done(struct ea_image_facts *f);

typedef enum ea_docker_action {
    EA_DA_CREATE,
    EA_DA_START,
    EA_DA_DIE,
    EA_DA_OOM,
    EA_DA_HEALTHY,
    EA_DA_UNHEALTHY,
    EA_DA_DESTROY,
} ea_docker_action;

#endif
