/* entity.h - what the local control plane keeps: clusters, task definitions, container instances, tasks
 * and services, as plain data. The wire shape of each is what Describe calls answer; the store shape adds what
 * only this program needs.
 * Thread: loop. Pure. Does not know: where they are kept, who asks. */
#ifndef EA_LOCAL_ENTITY_H
#define EA_LOCAL_ENTITY_H

#include "../base/json.h"
#include "../base/list.h"

#include <stdint.h>

struct ea_lc_tag {
    char *key, *value;
};
typedef struct ea_lc_tags {
    struct ea_lc_tag *v;
    size_t n;
} ea_lc_tags;

struct ea_lc_attribute {
    char *name, *value; /* value NULL: a name alone */
};
typedef struct ea_lc_attributes {
    struct ea_lc_attribute *v;
    size_t n;
} ea_lc_attributes;

struct ea_lc_cluster {
    ea_node node;
    char *arn, *name;
    char *status; /* ACTIVE; INACTIVE ones are forgotten */
    ea_lc_tags tags;
    char *settings; /* JSON text */
};

struct ea_lc_taskdef {
    ea_node node;
    char *arn, *family;
    int64_t revision;
    char *status; /* ACTIVE or INACTIVE */
    char *body; /* JSON text: the answer's taskDefinition without arn, revision, status and times */
    double registered_at, deregistered_at;
    char *registered_by;
    ea_lc_tags tags;
};

struct ea_lc_resource { /* as RegisterContainerInstance tells it */
    char *name, *type;
    int64_t integer;
    ea_strlist set;
};

struct ea_lc_instance_health {
    char *status; /* OK, IMPAIRED, INITIALIZING, INSUFFICIENT_DATA; NULL not yet told */
    double last_updated, last_change;
};

struct ea_lc_instance {
    ea_node node;
    char *arn, *cluster_arn, *ec2_id;
    int64_t version;
    char *agent_version, *agent_hash, *docker_version;
    struct {
        struct ea_lc_resource *v;
        size_t n;
    } resources;  /* registered */
    char *status; /* ACTIVE, DRAINING, INACTIVE */
    ea_lc_attributes attributes;
    double registered_at;
    ea_lc_tags tags;
    char *client_token;
    int64_t seq; /* last sequence number of payloads and manifests together */
    /* memory only */
    bool connected;
    struct ea_lc_instance_health health;
    char *last_metrics, *last_health; /* newest telemetry messages, JSON text */
    int64_t metrics_count, health_count, status_count;
};

struct ea_lc_binding {
    char *bind_ip, *protocol, *container_port_range, *host_port_range;
    int64_t container_port, host_port;
};

struct ea_lc_container {
    char *arn, *task_arn, *name, *image, *image_digest, *runtime_id, *last_status;
    ea_opt_i64 exit_code;
    char *reason;
    struct {
        struct ea_lc_binding *v;
        size_t n;
    } bindings;
    char *health_status;
    char *cpu, *memory, *memory_reservation; /* text, as the API tells them */
    bool essential, has_health_check;
};

struct ea_lc_role { /* role credentials of a task */
    char *credentials_id, *role_arn;
    int64_t acked_expiry_ms; /* expiry of the newest set that the agent has acknowledged */
};

struct ea_lc_task {
    ea_node node;
    char *arn, *cluster_arn, *taskdef_arn, *instance_arn, *zone;
    char *desired, *last; /* PENDING, RUNNING, STOPPED */
    struct {
        struct ea_lc_container *v;
        size_t n;
    } containers;
    char *cpu, *memory;
    char *group, *launch_type, *started_by, *health_status;
    char *overrides; /* JSON text */
    char *stop_code, *stopped_reason;
    char *connectivity;
    double created_at, connectivity_at, pull_started_at, pull_stopped_at, started_at, stopping_at,
        stopped_at, execution_stopped_at;
    int64_t version;
    ea_lc_tags tags;
    /* not told */
    char *client_token;
    char *acked;                   /* desired status that the agent has acknowledged; NULL none */
    int64_t cpu_units, memory_mib; /* held on the instance */
    ea_i64list tcp, udp;           /* fixed host ports held */
    struct ea_lc_role role, execution_role;
    bool protection;
    double protection_until;
};

struct ea_lc_event { /* of a service, for operators */
    char *id, *message;
    double created_at;
};

struct ea_lc_service {
    ea_node node;
    char *arn, *name, *cluster_arn, *taskdef_arn;
    char *status; /* ACTIVE, DRAINING (its tasks end), INACTIVE */
    int64_t desired;
    int64_t min_percent, max_percent; /* of desired, while tasks are replaced */
    char *constraints, *strategy;     /* JSON lists as the request had them; NULL: none */
    char *propagate;                  /* SERVICE or TASK_DEFINITION; NULL: tags stay here */
    char *client_token;
    char *deployment; /* startedBy of the tasks that are wanted: "ecs-svc/<19 digits>" */
    double created_at, deployed_at, changed_at;
    bool steady; /* the newest deployment has been whole once */
    ea_lc_tags tags;
    struct {
        struct ea_lc_event *v;
        size_t n;
    } events; /* oldest first */
};

extern const ea_jshape ea_lc_cluster_store_shape, ea_lc_taskdef_store_shape,
    ea_lc_instance_store_shape, ea_lc_task_store_shape, ea_lc_service_store_shape;
extern const ea_jshape ea_lc_task_wire_shape, ea_lc_tag_shape, ea_lc_attribute_shape,
    ea_lc_resource_shape, ea_lc_binding_shape;

struct ea_lc_cluster *ea_lc_cluster_new(void);
struct ea_lc_taskdef *ea_lc_taskdef_new(void);
struct ea_lc_instance *ea_lc_instance_new(void);
struct ea_lc_task *ea_lc_task_new(void);
struct ea_lc_service *ea_lc_service_new(void);
void ea_lc_cluster_free(struct ea_lc_cluster *c); /* NULL is fine, also below */
void ea_lc_taskdef_free(struct ea_lc_taskdef *d);
void ea_lc_instance_free(struct ea_lc_instance *i);
void ea_lc_task_free(struct ea_lc_task *t);
void ea_lc_service_free(struct ea_lc_service *s);

struct ea_lc_container *ea_lc_task_container(struct ea_lc_task *t, const char *name);
const struct ea_lc_attribute *ea_lc_attribute_find(const ea_lc_attributes *a, const char *name);
void ea_lc_attribute_set(ea_lc_attributes *a, const char *name, const char *value); /* replaces */
void ea_lc_attribute_remove(ea_lc_attributes *a, const char *name);
void ea_lc_tag_set(ea_lc_tags *t, const char *key, const char *value); /* replaces */
void ea_lc_tag_remove(ea_lc_tags *t, const char *key);
void ea_lc_i64_add(ea_i64list *l, int64_t v);
bool ea_lc_i64_has(const ea_i64list *l, int64_t v);
bool ea_lc_task_stopped(const struct ea_lc_task *t); /* lastStatus STOPPED */
bool ea_lc_task_wanted(const struct ea_lc_task *t);  /* desiredStatus RUNNING, not yet stopped */

#endif
