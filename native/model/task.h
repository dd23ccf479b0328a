/* task.h - one task: what the payload said, what is known of it, its resources and credentials.
 * Plain data, no I/O. Source: control-plane.md section 3.7, task-engine.md sections 1, 3 and 6. */
#ifndef EA_MODEL_TASK_H
#define EA_MODEL_TASK_H

#include "../base/list.h"
#include "container.h"
#include "creds.h"

struct ea_docker_volume_config {
    char *scope; /* "task" or "shared" */
    bool autoprovision;
    char *driver;
    ea_strmap driver_opts, labels;
};
struct ea_host_volume {
    char *source_path; /* absent or "": agent-managed volume */
};
struct ea_volume {
    char *name, *type; /* absent or "host", "docker", "efs", "fsxWindowsFileServer" */
    struct ea_host_volume *host;
    struct ea_docker_volume_config *docker;
    char *efs, *fsx; /* JSON text of the modelled member; their feature comes later */
    /* stored */
    char *docker_name; /* Docker's name of a volume that the agent creates or uses */
    ea_rstate known;
    bool created_by_us; /* removed at clean-up */
    /* memory only */
    uint64_t op;
    bool asked;          /* shared with autoprovision: inspected, and it does not exist */
    int64_t retry_at_ms; /* monotonic; 0 none */
    unsigned attempts;
    bool removed; /* clean-up is done with it */
};
struct ea_eni_address {
    char *address;
    bool primary;
};
struct ea_eni { /* decoded and kept; its feature comes later */
    char *mac, *attachment_arn, *ec2_id;
    char *raw; /* whole JSON */
};
struct ea_attachment_prop {
    char *name, *value;
};
struct ea_attachment {
    char *arn, *type;
    struct {
        struct ea_attachment_prop *v;
        size_t n;
    } properties;
};
struct ea_association {
    char *name, *type, *content;
    ea_strlist containers;
};

/* What was fetched for its containers (engine/resources.h). */
typedef enum ea_prep {
    EA_PREP_NONE, /* not asked for */
    EA_PREP_ASKED,
    EA_PREP_DONE,
} ea_prep;

struct ea_task {
    ea_node node; /* in ea_model.tasks, arrival order */

    /* --- from the payload --- */
    char *arn, *family, *version;
    char *network_mode, *pid_mode, *ipc_mode, *launch_type, *service_name, *group;
    double cpu;         /* vCPU; 0: no task limit */
    int64_t memory_mib; /* 0: no task limit */
    bool enable_fault_injection;
    struct {
        struct ea_container *v;
        size_t n;
    } containers;
    struct {
        struct ea_volume *v;
        size_t n;
    } volumes;
    char *enis, *proxy, *associations, *attachments; /* JSON text; features that come later */

    /* --- known; stored --- */
    ea_tstate known, desired, sent; /* written by the engine alone */
    bool was_running;               /* reached RUNNING: the backend is told so before STOPPED */
    int64_t known_since_ms;         /* wall */
    int64_t pull_started_ms, pull_stopped_ms, execution_stopped_ms; /* wall; 0 unknown */
    char *reason; /* first terminal reason; kept until sent */
    char *credentials_id, *execution_credentials_id;
    bool rejected; /* the payload's copy could not be used: reported STOPPED, no containers */
    bool prepared; /* names, endpoint ids, implicit dependencies are set */
    bool holds_resources; /* counted in the host's books; rebuilt at start */

    /* --- memory only --- */
    bool dirty;         /* row differs from the store */
    uint64_t report_op; /* submission in flight; 0 none */
    ea_tstate report_level;
    int64_t report_at_ms;    /* monotonic; next try after a failed submission; 0 none */
    int64_t report_delay_ms; /* last backoff delay; 0: start again */
    int64_t cleanup_at_ms;   /* wall; 0 not yet decided */
    bool cleaning;           /* removal of its containers under way */
    int64_t poll_at_ms;      /* monotonic; next inspection of a steady task; 0 not set */
    int64_t drain_at_ms;     /* monotonic; when waiting container states are told anyway; 0 none */
    bool ended;              /* EA_FX_TASK_ENDED went out */
    ea_prep prep;
    uint64_t prep_op;         /* EA_FX_PREPARE in flight; 0 none */
    int64_t prep_retry_at_ms; /* monotonic; 0 none */
};

extern const ea_jshape ea_task_wire_shape; /* as in PayloadMessage.tasks[]; credentials apart */

struct ea_task *ea_task_new(void);
void ea_task_free(struct ea_task *t); /* NULL is fine */
/* The payload's task object -> new task, checked. Credentials go to *role and *exec (zero when
 * absent; caller frees by ea_creds_done). On EA_INVALID *arn_out has the ARN if there was one
 * (caller frees), so that the task can be reported STOPPED. */
ea_code ea_task_from_wire(const struct cJSON *value, struct ea_task **out, struct ea_creds *role,
                          struct ea_creds *exec, char **arn_out, ea_err *err) EA_CHECK;
ea_code ea_task_to_row(const struct ea_task *t, char **json, ea_err *err) EA_CHECK; /* ea_free */
ea_code ea_task_from_row(ea_str json, struct ea_task **out, ea_err *err) EA_CHECK;

struct ea_container *ea_task_container(const struct ea_task *t, const char *name);
struct ea_container *ea_task_by_docker_id(const struct ea_task *t, const char *docker_id);
struct ea_volume *ea_task_volume(const struct ea_task *t, const char *name);
bool ea_task_is_bridge(const struct ea_task *t); /* networkMode bridge, empty or absent */

#endif
