/* model.h - all that the agent knows. The engine alone changes it, inside a turn; everybody else
 * reads. Plain data, no I/O. */
#ifndef EA_MODEL_MODEL_H
#define EA_MODEL_MODEL_H

#include "../base/clock.h"
#include "../base/map.h"
#include "../base/rng.h"
#include "image.h"
#include "task.h"

typedef enum ea_pull_behavior {
    EA_PULL_DEFAULT,
    EA_PULL_ALWAYS,
    EA_PULL_ONCE,
    EA_PULL_PREFER_CACHED
} ea_pull_behavior;

/* Settings that the engine reads (task-engine.md section 8). Filled by agent/config.c. */
struct ea_engine_settings {
    ea_pull_behavior pull_behavior;
    bool windows;
    bool task_iam_role; /* ECS_ENABLE_TASK_IAM_ROLE */
    bool no_zone;       /* ECS_DISABLE_TASK_METADATA_AZ */
    bool pull_dependent_upfront;
    bool task_limits;       /* a task's own CPU and memory are limits, not only accounted for */
    bool untracked_cleanup; /* ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP */
    int64_t untracked_min_age_ms, containers_per_cycle;
    bool image_cleanup; /* false: ECS_DISABLE_IMAGE_CLEANUP */
    int64_t manifest_pull_ms, image_pull_ms, image_pull_inactivity_ms;
    int64_t create_ms, start_ms, stop_s;
    int64_t task_cleanup_ms, task_cleanup_jitter_ms;
    int64_t image_cleanup_interval_ms, image_min_age_ms;
    int64_t images_per_cycle;
    int64_t disk_high_percent, disk_low_percent; /* use of Docker's disk: images go from the high
                                                    one down to the low one; high 0: never */
    const char *images_kept;       /* comma separated names that stay; borrowed, may be NULL */
    int64_t port_first, port_last; /* dynamic host ports */
};

/* What the host offers to tasks; registered as such (task-engine.md section 1.9). */
struct ea_host {
    int64_t cpu_units;  /* logical processors x 1024; 0 not known: no limit (also memory) */
    int64_t memory_mib; /* after ECS_RESERVED_MEMORY */
    ea_i64list reserved_tcp, reserved_udp;
};

/* One row each in the store's `meta` table. */
struct ea_meta {
    char *cluster; /* as configured when the ARN was given */
    char *container_instance_arn;
    char *ec2_instance_id;
    char *availability_zone;
    char *docker_version;      /* memory only */
    int64_t manifest_seq;      /* last accepted manifest timeline; -1 none (stored) */
    int64_t payload_seq;       /* memory only: highest payload seqNum */
    char *manifest_message_id; /* memory only: manifest that waits for its verification */
    bool dirty;
};

/* Room on the disk where Docker keeps images, as far as it was told. Memory only. */
struct ea_disk {
    int64_t free_bytes, total_bytes; /* of the last reading; total 0: none yet */
    int64_t need_bytes;              /* what waiting pulls want to be free; 0: none waits */
    uint64_t op;                     /* a reading is under way */
    uint64_t freed;                  /* images removed so far in this process */
    uint64_t freed_before;           /* the same when the present pressure began */
    bool pressed;                    /* images go until there is room */
    bool surveyed; /* under the present pressure untracked images were looked for */
    bool over;     /* the high watermark was reached */
};

/* Host ports that the agent had picked and that Docker found taken: not picked again before this
 * moment. Memory only; in order of time. */
enum {
    EA_BUSY_PORTS = 32
};
struct ea_busy_ports {
    int64_t first, last, until_ms; /* monotonic */
    bool udp;
};

struct ea_model {
    struct ea_engine_settings settings;
    struct ea_host host;
    struct ea_meta meta;
    ea_list tasks;    /* struct ea_task.node, arrival order: also the order of the waiting queue */
    ea_map by_arn;    /* task ARN -> struct ea_task * (borrowed from the list) */
    ea_map by_docker; /* Docker id -> struct ea_task * that has a container with it */
    ea_map creds;     /* credentials id -> struct ea_creds *, owned */
    struct ea_images images; /* pulled by the agent; one text in the store's `meta` table */
    struct ea_disk disk;
    struct ea_busy_ports busy[EA_BUSY_PORTS];
    size_t busy_n;
    uint64_t survey_op;    /* memory only: a look at all that Docker has is under way */
    int64_t survey_images; /* memory only: how many names of images may go after it */
    int64_t images_at_ms;  /* memory only, monotonic: next clean-up of images; 0 not planned */
    ea_strlist gone;       /* ARNs whose rows are to be deleted in this turn */
    ea_rng rng;            /* names, ids and jitter; seeded by the caller */
    uint64_t next_op;      /* numbers effects; never 0 */
    bool docker_up;        /* the last answer of the engine was good */
    bool draining;         /* operator asked: no new containers are started */
};

void ea_model_init(struct ea_model *m, uint64_t seed);
void ea_model_done(struct ea_model *m);
struct ea_task *ea_model_task(const struct ea_model *m, const char *arn);
void ea_model_add_task(struct ea_model *m, struct ea_task *t); /* taken */
/* Takes it out of list and maps, frees it, and notes its row for deletion. */
void ea_model_remove_task(struct ea_model *m, struct ea_task *t);
/* Records the Docker id of a container and keeps by_docker in step. */
void ea_model_set_docker_id(struct ea_model *m, struct ea_task *t, struct ea_container *c,
                            const char *docker_id);
const struct ea_creds *ea_model_creds(const struct ea_model *m, const char *id);
void ea_model_put_creds(struct ea_model *m, struct ea_creds *c); /* members taken, replaces */
/* Finds task and container by the endpoint id of the metadata URIs; false when unknown. */
bool ea_model_by_endpoint(const struct ea_model *m, const char *endpoint_id, struct ea_task **t,
                          struct ea_container **c);

#endif
