/* container.h - one container of a task: what the payload said, and what is known of it.
 * Plain data, no I/O. Wire members: control-plane.md section 3.7; stored members: task-engine.md
 * section 6. Strings are owned by the struct; NULL means absent. */
#ifndef EA_MODEL_CONTAINER_H
#define EA_MODEL_CONTAINER_H

#include "../base/json.h"
#include "status.h"

struct ea_port_mapping {
    int64_t container_port, host_port; /* 0: absent; host 0: dynamic */
    char *container_port_range;        /* "a-b" */
    char *protocol;                    /* "tcp" (also absent) or "udp" */
    int64_t assigned_host_port;        /* chosen by the agent for a dynamic one; 0 none; stored */
    char *assigned_range;              /* chosen for a range, "a-b"; stored */
};
struct ea_mount_point {
    char *source_volume, *container_path;
    bool read_only;
};
struct ea_volume_from {
    char *source_container;
    bool read_only;
};
struct ea_depends_on {
    char *container_name;
    ea_condition condition;
};
struct ea_secret_ref {
    char *name, *value_from, *region, *container_path, *type, *provider, *target;
};
struct ea_env_file {
    char *value, *type;
};
struct ea_docker_config { /* `config` and `host_config` are JSON texts, overlaid at create */
    char *version, *config, *host_config;
};
struct ea_ecr_auth {
    char *registry_id, *region, *endpoint_override;
    bool use_execution_role;
};
struct ea_asm_auth {
    char *credentials_parameter, *region;
};
struct ea_registry_auth {
    char *type; /* "ecr" or "asm" */
    struct ea_ecr_auth *ecr;
    struct ea_asm_auth *asm_;
};
struct ea_restart_policy {
    bool enabled;
    ea_i64list ignored_exit_codes;
    int64_t attempt_period_s;
};
struct ea_managed_agent {
    char *name;
    ea_strmap properties;
};
struct ea_firelens {
    char *type;
    ea_strmap options;
};

struct ea_binding { /* one published port as Docker reports it */
    char *bind_ip, *protocol;
    int64_t container_port, host_port;
};
struct ea_network { /* one entry of NetworkSettings.Networks */
    char *mode;     /* the network's name */
    char *ipv4, *ipv6, *gateway, *mac;
};
struct ea_mount { /* one entry of Mounts */
    char *name, *source, *destination;
};
struct ea_health_state {
    ea_health status;
    int64_t since_ms;
    char *output; /* at most 1024 bytes */
    ea_opt_i64 exit_code;
};

struct ea_container {
    /* --- from the payload --- */
    char *name, *image;
    int64_t cpu, memory_mib;
    bool essential;
    ea_strlist command, entry_point;
    ea_strmap environment;
    struct {
        struct ea_env_file *v;
        size_t n;
    } environment_files;
    char *overrides; /* JSON text, see ea_container_check() */
    struct {
        struct ea_port_mapping *v;
        size_t n;
    } ports;
    struct {
        struct ea_mount_point *v;
        size_t n;
    } mounts;
    struct {
        struct ea_volume_from *v;
        size_t n;
    } volumes_from;
    ea_strlist links; /* "name" or "name:alias" */
    struct {
        struct ea_depends_on *v;
        size_t n;
    } depends_on;
    int64_t start_timeout_s, stop_timeout_s; /* 0: the setting */
    struct {
        struct ea_secret_ref *v;
        size_t n;
    } secrets;
    ea_strlist credential_specs;
    struct ea_docker_config docker_config;
    char *health_check_type; /* "docker" or absent */
    struct ea_registry_auth *registry_auth;
    char *logs_auth_strategy; /* "ExecutionRole" or absent */
    struct ea_firelens *firelens;
    struct {
        struct ea_managed_agent *v;
        size_t n;
    } managed_agents;
    struct ea_restart_policy *restart_policy;
    char *container_arn;

    /* --- known; stored --- */
    ea_cstate known, desired, sent; /* written by ea_container_set_*() of the engine alone */
    char *docker_id, *docker_name;  /* the name is chosen and stored before create is sent */
    char *endpoint_id;              /* UUID of the metadata and agent URIs */
    char *image_id, *image_digest;
    ea_opt_i64 exit_code;
    char *error_name, *error_text; /* first error wins: reported as "<name>: <text>" */
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
    } docker_mounts;
    struct ea_health_state health;
    int64_t restart_count, last_restart_ms;
    bool is_internal; /* pause and the like: never reported */
    bool vanished;    /* Docker does not have docker_id any more; the id is kept for the report */

    /* --- in flight; memory only --- */
    int64_t pid;         /* of its first process, as Docker told it last; 0 unknown */
    ea_cstate applied;   /* EA_C_NONE: idle; else the state an effect is under way to */
    uint64_t op;         /* number of the effect in flight; 0 none */
    int64_t retry_at_ms; /* monotonic; 0 none */
    unsigned attempts;   /* of the present step */
    bool resolved_by_us; /* digest came from our own look-up: worth a PENDING report */
    bool stop_once_done; /* the one stop for a container that came back after STOPPED */
    bool lookup;         /* ask Docker (inspect, or find without an id) before any other step */
    char *doubt_name,
        *doubt_text;       /* error that stands if the look-up tells the step did not happen */
    int64_t step_began_ms; /* monotonic; first attempt of the present step; 0 none */
    int64_t pull_began_ms; /* wall; first attempt of the present pull */
    bool pull_held;        /* its pull was next and could not begin */
    int64_t image_seen_ms; /* monotonic; the digest's look-up found a local image; 0: it did not */
    bool no_room; /* its pull found the disk full and waits for images to go; `doubt` says why */
    uint64_t room_freed; /* ea_disk.freed when that was */
    bool may_run;        /* a start of unknown outcome: stopped although known is below RUNNING */
    bool restarting;     /* the restart policy's start is wanted or in flight; stored */
    bool remake; /* a port that the agent picked was taken: what docker_id names goes, then another
                    one is made; stored */
    int64_t port_tries;    /* picked ports that were taken so far; stored */
    unsigned wasted_calls; /* removals on that way that failed, creates whose answer never came */
    bool oom_seen;         /* Docker told that it ran out of memory, in this run or another */
    bool revived;          /* Docker runs it although it is STOPPED here */
    bool removed;          /* clean-up is done with it */
    ea_cstate reporting; /* what the submission in flight tells of it; EA_C_NONE: left out of it */
};

extern const ea_jshape ea_container_wire_shape;  /* payload members */
extern const ea_jshape ea_container_store_shape; /* payload and known members */
extern const ea_jshape ea_binding_shape, ea_network_shape, ea_mount_shape;

/* Cross-field rules after decoding: ports in range, protocol known, overrides hold `command` alone
 * (then it replaces `command`), no negative cpu or memory. EA_INVALID names the member. */
ea_code ea_container_check(struct ea_container *c, ea_err *err) EA_CHECK;
void ea_container_done(struct ea_container *c); /* frees members */
/* The state in which the container has arrived: RUNNING (PROVISIONED for a pause container). */
ea_cstate ea_container_steady(const struct ea_container *c);
bool ea_container_has_health_check(const struct ea_container *c);

#endif
