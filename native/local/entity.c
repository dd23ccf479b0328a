/* entity.c - shapes and small helpers of what is kept. See entity.h.
 * Source of the wire names: Amazon ECS API reference 2014-11-13. */
#include "entity.h"

#include "../base/alloc.h"

#include <string.h>

/* clang-format off */
static const ea_jfield tag_fields[] = {
    EA_JSTR(struct ea_lc_tag, key,   "key",   EA_J_ALWAYS),
    EA_JSTR(struct ea_lc_tag, value, "value", EA_J_ALWAYS),
};
const ea_jshape ea_lc_tag_shape = EA_JSHAPE(struct ea_lc_tag, tag_fields);

static const ea_jfield attribute_fields[] = {
    EA_JSTR(struct ea_lc_attribute, name,  "name",  0),
    EA_JSTR(struct ea_lc_attribute, value, "value", 0),
};
const ea_jshape ea_lc_attribute_shape = EA_JSHAPE(struct ea_lc_attribute, attribute_fields);

static const ea_jfield resource_fields[] = {
    EA_JSTR    (struct ea_lc_resource, name,    "name",           0),
    EA_JSTR    (struct ea_lc_resource, type,    "type",           0),
    EA_JI64    (struct ea_lc_resource, integer, "integerValue",   EA_J_ALWAYS),
    EA_JSTRLIST(struct ea_lc_resource, set,     "stringSetValue", 0),
};
const ea_jshape ea_lc_resource_shape = EA_JSHAPE(struct ea_lc_resource, resource_fields);

static const ea_jfield cluster_fields[] = {
    EA_JSTR (struct ea_lc_cluster, arn,      "arn",      EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_cluster, name,     "name",     EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_cluster, status,   "status",   EA_J_REQUIRED),
    EA_JLIST(struct ea_lc_cluster, tags,     "tags",     0, &ea_lc_tag_shape),
    EA_JRAW (struct ea_lc_cluster, settings, "settings", 0),
};
const ea_jshape ea_lc_cluster_store_shape = EA_JSHAPE(struct ea_lc_cluster, cluster_fields);

static const ea_jfield taskdef_fields[] = {
    EA_JSTR (struct ea_lc_taskdef, arn,             "arn",            EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_taskdef, family,          "family",         EA_J_REQUIRED),
    EA_JI64 (struct ea_lc_taskdef, revision,        "revision",       EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_taskdef, status,          "status",         EA_J_REQUIRED),
    EA_JRAW (struct ea_lc_taskdef, body,            "body",           EA_J_REQUIRED),
    EA_JF64 (struct ea_lc_taskdef, registered_at,   "registeredAt",   0),
    EA_JF64 (struct ea_lc_taskdef, deregistered_at, "deregisteredAt", 0),
    EA_JSTR (struct ea_lc_taskdef, registered_by,   "registeredBy",   0),
    EA_JLIST(struct ea_lc_taskdef, tags,            "tags",           0, &ea_lc_tag_shape),
};
const ea_jshape ea_lc_taskdef_store_shape = EA_JSHAPE(struct ea_lc_taskdef, taskdef_fields);

static const ea_jfield instance_fields[] = {
    EA_JSTR (struct ea_lc_instance, arn,            "arn",           EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_instance, cluster_arn,    "clusterArn",    EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_instance, ec2_id,         "ec2InstanceId", 0),
    EA_JI64 (struct ea_lc_instance, version,        "version",       0),
    EA_JSTR (struct ea_lc_instance, agent_version,  "agentVersion",  0),
    EA_JSTR (struct ea_lc_instance, agent_hash,     "agentHash",     0),
    EA_JSTR (struct ea_lc_instance, docker_version, "dockerVersion", 0),
    EA_JLIST(struct ea_lc_instance, resources,      "resources",     0, &ea_lc_resource_shape),
    EA_JSTR (struct ea_lc_instance, status,         "status",        EA_J_REQUIRED),
    EA_JLIST(struct ea_lc_instance, attributes,     "attributes",    0, &ea_lc_attribute_shape),
    EA_JF64 (struct ea_lc_instance, registered_at,  "registeredAt",  0),
    EA_JLIST(struct ea_lc_instance, tags,           "tags",          0, &ea_lc_tag_shape),
    EA_JSTR (struct ea_lc_instance, client_token,   "clientToken",   0),
    EA_JI64 (struct ea_lc_instance, seq,            "seq",           0),
};
const ea_jshape ea_lc_instance_store_shape = EA_JSHAPE(struct ea_lc_instance, instance_fields);

static const ea_jfield binding_fields[] = {
    EA_JSTR(struct ea_lc_binding, bind_ip,              "bindIP",             0),
    EA_JI64(struct ea_lc_binding, container_port,       "containerPort",      0),
    EA_JI64(struct ea_lc_binding, host_port,            "hostPort",           0),
    EA_JSTR(struct ea_lc_binding, protocol,             "protocol",           0),
    EA_JSTR(struct ea_lc_binding, container_port_range, "containerPortRange", 0),
    EA_JSTR(struct ea_lc_binding, host_port_range,      "hostPortRange",      0),
};
const ea_jshape ea_lc_binding_shape = EA_JSHAPE(struct ea_lc_binding, binding_fields);

static const ea_jfield container_fields[] = {
    EA_JSTR   (struct ea_lc_container, arn,                "containerArn",      0),
    EA_JSTR   (struct ea_lc_container, task_arn,           "taskArn",           0),
    EA_JSTR   (struct ea_lc_container, name,               "name",              0),
    EA_JSTR   (struct ea_lc_container, image,              "image",             0),
    EA_JSTR   (struct ea_lc_container, image_digest,       "imageDigest",       0),
    EA_JSTR   (struct ea_lc_container, runtime_id,         "runtimeId",         0),
    EA_JSTR   (struct ea_lc_container, last_status,        "lastStatus",        0),
    EA_JOPTI64(struct ea_lc_container, exit_code,          "exitCode",          0),
    EA_JSTR   (struct ea_lc_container, reason,             "reason",            0),
    EA_JLIST  (struct ea_lc_container, bindings,           "networkBindings",   EA_J_ALWAYS, &ea_lc_binding_shape),
    EA_JSTR   (struct ea_lc_container, health_status,      "healthStatus",      0),
    EA_JSTR   (struct ea_lc_container, cpu,                "cpu",               0),
    EA_JSTR   (struct ea_lc_container, memory,             "memory",            0),
    EA_JSTR   (struct ea_lc_container, memory_reservation, "memoryReservation", 0),
};
static const ea_jshape container_wire_shape = EA_JSHAPE(struct ea_lc_container, container_fields);
static const ea_jfield container_store_fields[] = {
    EA_JBOOL(struct ea_lc_container, essential,        "essential",      0),
    EA_JBOOL(struct ea_lc_container, has_health_check, "hasHealthCheck", 0),
};
static const ea_jshape container_store_shape =
    EA_JSHAPE_ON(struct ea_lc_container, container_store_fields, &container_wire_shape);

/* All but the containers, which the store keeps with more than the wire shows. */
static const ea_jfield task_common_fields[] = {
    EA_JSTR(struct ea_lc_task, arn,                  "taskArn",              0),
    EA_JSTR(struct ea_lc_task, cluster_arn,          "clusterArn",           0),
    EA_JSTR(struct ea_lc_task, taskdef_arn,          "taskDefinitionArn",    0),
    EA_JSTR(struct ea_lc_task, instance_arn,         "containerInstanceArn", 0),
    EA_JSTR(struct ea_lc_task, zone,                 "availabilityZone",     0),
    EA_JSTR(struct ea_lc_task, desired,              "desiredStatus",        0),
    EA_JSTR(struct ea_lc_task, last,                 "lastStatus",           0),
    EA_JSTR(struct ea_lc_task, cpu,                  "cpu",                  0),
    EA_JSTR(struct ea_lc_task, memory,               "memory",               0),
    EA_JSTR(struct ea_lc_task, group,                "group",                0),
    EA_JSTR(struct ea_lc_task, launch_type,          "launchType",           0),
    EA_JSTR(struct ea_lc_task, started_by,           "startedBy",            0),
    EA_JSTR(struct ea_lc_task, health_status,        "healthStatus",         0),
    EA_JRAW(struct ea_lc_task, overrides,            "overrides",            0),
    EA_JSTR(struct ea_lc_task, stop_code,            "stopCode",             0),
    EA_JSTR(struct ea_lc_task, stopped_reason,       "stoppedReason",        0),
    EA_JSTR(struct ea_lc_task, connectivity,         "connectivity",         0),
    EA_JF64(struct ea_lc_task, created_at,           "createdAt",            0),
    EA_JF64(struct ea_lc_task, connectivity_at,      "connectivityAt",       0),
    EA_JF64(struct ea_lc_task, pull_started_at,      "pullStartedAt",        0),
    EA_JF64(struct ea_lc_task, pull_stopped_at,      "pullStoppedAt",        0),
    EA_JF64(struct ea_lc_task, started_at,           "startedAt",            0),
    EA_JF64(struct ea_lc_task, stopping_at,          "stoppingAt",           0),
    EA_JF64(struct ea_lc_task, stopped_at,           "stoppedAt",            0),
    EA_JF64(struct ea_lc_task, execution_stopped_at, "executionStoppedAt",   0),
    EA_JI64(struct ea_lc_task, version,              "version",              0),
};
static const ea_jshape task_common_shape = EA_JSHAPE(struct ea_lc_task, task_common_fields);

static const ea_jfield task_wire_fields[] = {
    EA_JLIST(struct ea_lc_task, containers, "containers", EA_J_ALWAYS, &container_wire_shape),
};
const ea_jshape ea_lc_task_wire_shape =
    EA_JSHAPE_ON(struct ea_lc_task, task_wire_fields, &task_common_shape);

static const ea_jfield role_fields[] = {
    EA_JSTR(struct ea_lc_role, credentials_id,  "credentialsId", 0),
    EA_JSTR(struct ea_lc_role, role_arn,        "roleArn",       0),
    EA_JI64(struct ea_lc_role, acked_expiry_ms, "ackedExpiry",   0),
};
static const ea_jshape role_shape = EA_JSHAPE(struct ea_lc_role, role_fields);

static const ea_jfield task_store_fields[] = {
    EA_JLIST   (struct ea_lc_task, containers,       "containers",      0, &container_store_shape),
    EA_JLIST   (struct ea_lc_task, tags,             "tags",            0, &ea_lc_tag_shape),
    EA_JSTR    (struct ea_lc_task, client_token,     "clientToken",     0),
    EA_JSTR    (struct ea_lc_task, acked,            "acked",           0),
    EA_JI64    (struct ea_lc_task, cpu_units,        "cpuUnits",        0),
    EA_JI64    (struct ea_lc_task, memory_mib,       "memoryMib",       0),
    EA_JI64LIST(struct ea_lc_task, tcp,              "tcp",             0),
    EA_JI64LIST(struct ea_lc_task, udp,              "udp",             0),
    EA_JOBJ    (struct ea_lc_task, role,             "role",            0, &role_shape),
    EA_JOBJ    (struct ea_lc_task, execution_role,   "executionRole",   0, &role_shape),
    EA_JBOOL   (struct ea_lc_task, protection,       "protection",      0),
    EA_JF64    (struct ea_lc_task, protection_until, "protectionUntil", 0),
};
const ea_jshape ea_lc_task_store_shape =
    EA_JSHAPE_ON(struct ea_lc_task, task_store_fields, &task_common_shape);

static const ea_jfield event_fields[] = {
    EA_JSTR(struct ea_lc_event, id,         "id",        EA_J_REQUIRED),
    EA_JF64(struct ea_lc_event, created_at, "createdAt", EA_J_ALWAYS),
    EA_JSTR(struct ea_lc_event, message,    "message",   EA_J_ALWAYS),
};
static const ea_jshape event_shape = EA_JSHAPE(struct ea_lc_event, event_fields);

static const ea_jfield service_fields[] = {
    EA_JSTR (struct ea_lc_service, arn,          "serviceArn",     EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_service, name,         "serviceName",    EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_service, cluster_arn,  "clusterArn",     EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_service, taskdef_arn,  "taskDefinition", EA_J_REQUIRED),
    EA_JSTR (struct ea_lc_service, status,       "status",         EA_J_REQUIRED),
    EA_JI64 (struct ea_lc_service, desired,      "desiredCount",   0),
    EA_JI64 (struct ea_lc_service, min_percent,  "minimumPercent", 0),
    EA_JI64 (struct ea_lc_service, max_percent,  "maximumPercent", 0),
    EA_JRAW (struct ea_lc_service, constraints,  "constraints",    0),
    EA_JRAW (struct ea_lc_service, strategy,     "strategy",       0),
    EA_JSTR (struct ea_lc_service, propagate,    "propagateTags",  0),
    EA_JSTR (struct ea_lc_service, client_token, "clientToken",    0),
    EA_JSTR (struct ea_lc_service, deployment,   "deployment",     EA_J_REQUIRED),
    EA_JF64 (struct ea_lc_service, created_at,   "createdAt",      0),
    EA_JF64 (struct ea_lc_service, deployed_at,  "deployedAt",     0),
    EA_JF64 (struct ea_lc_service, changed_at,   "changedAt",      0),
    EA_JBOOL(struct ea_lc_service, steady,       "steady",         0),
    EA_JLIST(struct ea_lc_service, tags,         "tags",           0, &ea_lc_tag_shape),
    EA_JLIST(struct ea_lc_service, events,       "events",         0, &event_shape),
};
const ea_jshape ea_lc_service_store_shape = EA_JSHAPE(struct ea_lc_service, service_fields);
/* clang-format on */

struct ea_lc_cluster *ea_lc_cluster_new(void)
{
    return ea_alloc(sizeof(struct ea_lc_cluster));
}

struct ea_lc_taskdef *ea_lc_taskdef_new(void)
{
    return ea_alloc(sizeof(struct ea_lc_taskdef));
}

struct ea_lc_instance *ea_lc_instance_new(void)
{
    return ea_alloc(sizeof(struct ea_lc_instance));
}

struct ea_lc_task *ea_lc_task_new(void)
{
    return ea_alloc(sizeof(struct ea_lc_task));
}

struct ea_lc_service *ea_lc_service_new(void)
{
    return ea_alloc(sizeof(struct ea_lc_service));
}

void ea_lc_cluster_free(struct ea_lc_cluster *c)
{
    if (c)
        ea_json_free(&ea_lc_cluster_store_shape, c);
    ea_free(c);
}

void ea_lc_taskdef_free(struct ea_lc_taskdef *d)
{
    if (d)
        ea_json_free(&ea_lc_taskdef_store_shape, d);
    ea_free(d);
}

void ea_lc_instance_free(struct ea_lc_instance *i)
{
    if (i) {
        ea_free(i->health.status);
        ea_free(i->last_metrics);
        ea_free(i->last_health);
        ea_json_free(&ea_lc_instance_store_shape, i);
    }
    ea_free(i);
}

void ea_lc_task_free(struct ea_lc_task *t)
{
    if (t)
        ea_json_free(&ea_lc_task_store_shape, t);
    ea_free(t);
}

void ea_lc_service_free(struct ea_lc_service *s)
{
    if (s)
        ea_json_free(&ea_lc_service_store_shape, s);
    ea_free(s);
}

struct ea_lc_container *ea_lc_task_container(struct ea_lc_task *t, const char *name)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (ea_zstr_eq(t->containers.v[i].name, name))
            return &t->containers.v[i];
    return NULL;
}

const struct ea_lc_attribute *ea_lc_attribute_find(const ea_lc_attributes *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (ea_zstr_eq(a->v[i].name, name))
            return &a->v[i];
    return NULL;
}

void ea_lc_attribute_set(ea_lc_attributes *a, const char *name, const char *value)
{
    for (size_t i = 0; i < a->n; i++) {
        if (ea_zstr_eq(a->v[i].name, name)) {
            ea_set_str(&a->v[i].value, value);
            return;
        }
    }
    a->v = ea_realloc_array(a->v, a->n + 1, sizeof(*a->v));
    a->v[a->n].name = ea_strdup(name);
    a->v[a->n].value = ea_strdup(value);
    a->n++;
}

void ea_lc_attribute_remove(ea_lc_attributes *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++) {
        if (ea_zstr_eq(a->v[i].name, name)) {
            ea_free(a->v[i].name);
            ea_free(a->v[i].value);
            a->n--;
            memmove(a->v + i, a->v + i + 1, (a->n - i) * sizeof(*a->v));
            return;
        }
    }
}

void ea_lc_tag_set(ea_lc_tags *t, const char *key, const char *value)
{
    for (size_t i = 0; i < t->n; i++) {
        if (ea_zstr_eq(t->v[i].key, key)) {
            ea_set_str(&t->v[i].value, value);
            return;
        }
    }
    t->v = ea_realloc_array(t->v, t->n + 1, sizeof(*t->v));
    t->v[t->n].key = ea_strdup(key);
    t->v[t->n].value = ea_strdup(value);
    t->n++;
}

void ea_lc_tag_remove(ea_lc_tags *t, const char *key)
{
    for (size_t i = 0; i < t->n; i++) {
        if (ea_zstr_eq(t->v[i].key, key)) {
            ea_free(t->v[i].key);
            ea_free(t->v[i].value);
            t->n--;
            memmove(t->v + i, t->v + i + 1, (t->n - i) * sizeof(*t->v));
            return;
        }
    }
}

void ea_lc_i64_add(ea_i64list *l, int64_t v)
{
    l->v = ea_realloc_array(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = v;
}

bool ea_lc_i64_has(const ea_i64list *l, int64_t v)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == v)
            return true;
    return false;
}

bool ea_lc_task_stopped(const struct ea_lc_task *t)
{
    return ea_zstr_eq(t->last, "STOPPED");
}

bool ea_lc_task_wanted(const struct ea_lc_task *t)
{
    return ea_zstr_eq(t->desired, "RUNNING") && !ea_lc_task_stopped(t);
}
