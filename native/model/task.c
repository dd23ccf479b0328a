#include "task.h"

#include "../base/alloc.h"
#include "../base/str.h"

#include <cjson/cJSON.h>
#include <string.h>

enum {
    ROW_MAX_BYTES = 16 * 1024 * 1024,
    CONTAINERS_MAX = 1000
};

/* clang-format off */
static const ea_jfield docker_volume_fields[] = {
    EA_JSTR   (struct ea_docker_volume_config, scope,         "scope",         0),
    EA_JBOOL  (struct ea_docker_volume_config, autoprovision, "autoprovision", 0),
    EA_JSTR   (struct ea_docker_volume_config, driver,        "driver",        0),
    EA_JSTRMAP(struct ea_docker_volume_config, driver_opts,   "driverOpts",    0),
    EA_JSTRMAP(struct ea_docker_volume_config, labels,        "labels",        0),
};
static const ea_jshape docker_volume_shape =
    EA_JSHAPE(struct ea_docker_volume_config, docker_volume_fields);

static const ea_jfield host_volume_fields[] = {
    /* Written even when absent: the object itself is what makes the volume one of the host. */
    EA_JSTR(struct ea_host_volume, source_path, "sourcePath", EA_J_ALWAYS),
};
static const ea_jshape host_volume_shape = EA_JSHAPE(struct ea_host_volume, host_volume_fields);

static const ea_jfield volume_wire_fields[] = {
    EA_JSTR(struct ea_volume, name,   "name",                                   EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_volume, type,   "type",                                   0),
    EA_JPTR(struct ea_volume, host,   "host",                                   0, &host_volume_shape),
    EA_JPTR(struct ea_volume, docker, "dockerVolumeConfiguration",              0, &docker_volume_shape),
    EA_JRAW(struct ea_volume, efs,    "efsVolumeConfiguration",                 0),
    EA_JRAW(struct ea_volume, fsx,    "fsxWindowsFileServerVolumeConfiguration", 0),
};
static const ea_jshape volume_wire_shape = EA_JSHAPE(struct ea_volume, volume_wire_fields);

static const ea_jfield volume_store_fields[] = {
    EA_JSTR (struct ea_volume, docker_name,   "dockerName",  0),
    EA_JENUM(struct ea_volume, known,         "knownStatus", 0, ea_rstate_names),
    EA_JBOOL(struct ea_volume, created_by_us, "createdByUs", 0),
};
static const ea_jshape volume_store_shape =
    EA_JSHAPE_ON(struct ea_volume, volume_store_fields, &volume_wire_shape);

static const ea_jfield common_fields[] = {
    EA_JSTR (struct ea_task, arn,                    "arn",                      EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JENUM(struct ea_task, desired,                "desiredStatus",            0, ea_tstate_names),
    EA_JSTR (struct ea_task, family,                 "family",                   0),
    EA_JSTR (struct ea_task, version,                "version",                  0),
    EA_JSTR (struct ea_task, network_mode,           "networkMode",              0),
    EA_JSTR (struct ea_task, pid_mode,               "pidMode",                  0),
    EA_JSTR (struct ea_task, ipc_mode,               "ipcMode",                  0),
    EA_JSTR (struct ea_task, launch_type,            "launchType",               0),
    EA_JSTR (struct ea_task, service_name,           "serviceName",              0),
    EA_JSTR (struct ea_task, group,                  "group",                    0),
    EA_JF64 (struct ea_task, cpu,                    "cpu",                      EA_J_NONNEG), /* vCPU */
    EA_JI64 (struct ea_task, memory_mib,             "memory",                   EA_J_NONNEG),
    EA_JBOOL(struct ea_task, enable_fault_injection, "enableFaultInjection",     0),
    EA_JRAW (struct ea_task, enis,                   "elasticNetworkInterfaces", 0),
    EA_JRAW (struct ea_task, proxy,                  "proxyConfiguration",       0),
    EA_JRAW (struct ea_task, associations,           "associations",             0),
    EA_JRAW (struct ea_task, attachments,            "attachments",              0),
};
static const ea_jshape common_shape = EA_JSHAPE(struct ea_task, common_fields);

static const ea_jfield wire_fields[] = {
    EA_JLIST(struct ea_task, containers, "containers", 0, &ea_container_wire_shape),
    EA_JLIST(struct ea_task, volumes,    "volumes",    0, &volume_wire_shape),
};
const ea_jshape ea_task_wire_shape = EA_JSHAPE_ON(struct ea_task, wire_fields, &common_shape);

static const ea_jfield store_fields[] = {
    EA_JLIST(struct ea_task, containers,               "containers",             0, &ea_container_store_shape),
    EA_JLIST(struct ea_task, volumes,                  "volumes",                0, &volume_store_shape),
    EA_JENUM(struct ea_task, known,                    "knownStatus",            0, ea_tstate_names),
    EA_JENUM(struct ea_task, sent,                     "sentStatus",             0, ea_tstate_names),
    EA_JBOOL(struct ea_task, was_running,              "wasRunning",             0),
    EA_JI64 (struct ea_task, known_since_ms,           "knownSinceMs",           0),
    EA_JI64 (struct ea_task, pull_started_ms,          "pullStartedMs",          0),
    EA_JI64 (struct ea_task, pull_stopped_ms,          "pullStoppedMs",          0),
    EA_JI64 (struct ea_task, execution_stopped_ms,     "executionStoppedMs",     0),
    EA_JSTR (struct ea_task, reason,                   "reason",                 0),
    EA_JSTR (struct ea_task, credentials_id,           "credentialsId",          0),
    EA_JSTR (struct ea_task, execution_credentials_id, "executionCredentialsId", 0),
    EA_JBOOL(struct ea_task, rejected,                 "rejected",               0),
    EA_JBOOL(struct ea_task, prepared,                 "prepared",               0),
    EA_JBOOL(struct ea_task, holds_resources,          "holdsResources",         0),
};
static const ea_jshape store_shape = EA_JSHAPE_ON(struct ea_task, store_fields, &common_shape);

static const ea_jfield prop_fields[] = {
    EA_JSTR(struct ea_attachment_prop, name,  "name",  0),
    EA_JSTR(struct ea_attachment_prop, value, "value", 0),
};
static const ea_jshape prop_shape = EA_JSHAPE(struct ea_attachment_prop, prop_fields);
static const ea_jfield attachment_fields[] = {
    EA_JSTR (struct ea_attachment, arn,        "attachmentArn",        0),
    EA_JSTR (struct ea_attachment, type,       "attachmentType",       0),
    EA_JLIST(struct ea_attachment, properties, "attachmentProperties", 0, &prop_shape),
};
static const ea_jshape attachment_shape = EA_JSHAPE(struct ea_attachment, attachment_fields);
/* clang-format on */

struct ea_task *ea_task_new(void)
{
    return ea_alloc(sizeof(struct ea_task));
}

void ea_task_free(struct ea_task *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->containers.n; i++)
        ea_container_done(&t->containers.v[i]); /* also what the tables do not list */
    ea_json_free(&store_shape, t);
    ea_free(t);
}

/* A volume without a type may be one that an attachment (EBS, S3 files) provides by name. */
static ea_code attachment_names(const struct ea_task *t, const char *volume, bool *named,
                                ea_err *err)
{
    cJSON *tree = NULL;
    ea_code code = EA_OK;

    *named = false;
    if (!t->attachments)
        return EA_OK;
    if (ea_json_parse(ea_str_of(t->attachments), &tree, err))
        return err->code;
    for (const cJSON *item = cJSON_IsArray(tree) ? tree->child : NULL; item && !code;
         item = item->next) {
        struct ea_attachment a;
        code = ea_json_decode_value(&attachment_shape, item, "attachments", &a, err);
        if (code)
            break;
        for (size_t i = 0; i < a.properties.n; i++)
            if (ea_zstr_eq(a.properties.v[i].name, "volumeName") &&
                ea_zstr_eq(a.properties.v[i].value, volume))
                *named = true;
        ea_json_free(&attachment_shape, &a);
    }
    cJSON_Delete(tree);
    return code;
}

static ea_code check_volume(const struct ea_task *t, const struct ea_volume *v, ea_err *err)
{
    const char *need = NULL;
    bool there = true;

    if (ea_zstr_empty(v->type) || strcmp(v->type, "host") == 0) {
        need = "host";
        there = v->host != NULL;
        if (!there && ea_zstr_empty(v->type) && attachment_names(t, v->name, &there, err))
            return err->code;
    } else if (strcmp(v->type, "docker") == 0) {
        need = "dockerVolumeConfiguration";
        there = v->docker != NULL;
    } else if (strcmp(v->type, "efs") == 0) {
        need = "efsVolumeConfiguration";
        there = v->efs != NULL;
    } else if (strcmp(v->type, "fsxWindowsFileServer") == 0) {
        need = "fsxWindowsFileServerVolumeConfiguration";
        there = v->fsx != NULL;
    } else {
        return ea_fail(err, EA_INVALID, "volume %s: unknown type %.64s", v->name, v->type);
    }
    if (!there)
        return ea_fail(err, EA_INVALID, "volume %s: %s missing", v->name, need);
    return EA_OK;
}

static ea_code check_task(struct ea_task *t, ea_err *err)
{
    if (t->containers.n > CONTAINERS_MAX)
        return ea_fail(err, EA_INVALID, "%zu containers", t->containers.n);
    /* Not isfinite(): that of mingw-w64 narrows its argument. The comparison refuses NaN as well. */
    if (!(t->cpu >= -1e6 && t->cpu <= 1e6))
        return ea_fail(err, EA_INVALID, "cpu out of range");
    for (size_t i = 0; i < t->containers.n; i++) {
        if (ea_container_check(&t->containers.v[i], err))
            return err->code;
        for (size_t j = 0; j < i; j++)
            if (strcmp(t->containers.v[i].name, t->containers.v[j].name) == 0)
                return ea_fail(err, EA_INVALID, "two containers named %s", t->containers.v[i].name);
    }
    for (size_t i = 0; i < t->volumes.n; i++)
        if (check_volume(t, &t->volumes.v[i], err))
            return err->code;
    return EA_OK;
}

static ea_code decode_creds(const cJSON *task, const char *member, ea_role_type type,
                            const char *task_arn, struct ea_creds *out, ea_err *err)
{
    const cJSON *value = ea_json_get(task, member);

    if (!value)
        return EA_OK;
    if (ea_json_decode_value(&ea_creds_wire_shape, value, member, out, err))
        return err->code;
    out->task_arn = ea_strdup(task_arn);
    out->role_type = type;
    return EA_OK;
}

static ea_code decode_all(const cJSON *value, struct ea_task *t, struct ea_creds *role,
                          struct ea_creds *exec, ea_err *err)
{
    if (ea_json_decode_value(&ea_task_wire_shape, value, "task", t, err) || check_task(t, err) ||
        decode_creds(value, "roleCredentials", EA_ROLE_TASK, t->arn, role, err) ||
        decode_creds(value, "executionRoleCredentials", EA_ROLE_EXECUTION, t->arn, exec, err))
        return err->code;
    t->credentials_id = ea_strdup(role->id);
    t->execution_credentials_id = ea_strdup(exec->id);
    return EA_OK;
}

ea_code ea_task_from_wire(const struct cJSON *value, struct ea_task **out, struct ea_creds *role,
                          struct ea_creds *exec, char **arn_out, ea_err *err)
{
    struct ea_task *t = ea_task_new();
    struct ea_creds r = { 0 }, e = { 0 };

    if (decode_all(value, t, &r, &e, err)) {
        const char *arn = ea_json_get_str(value, "arn");

        if (!ea_zstr_empty(arn))
            *arn_out = ea_strdup(arn);
        ea_creds_done(&r);
        ea_creds_done(&e);
        ea_task_free(t);
        return err->code;
    }
    *role = r;
    *exec = e;
    *out = t;
    return EA_OK;
}

ea_code ea_task_to_row(const struct ea_task *t, char **json, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(ROW_MAX_BYTES);

    ea_json_encode(&store_shape, t, EA_J_STORE, &b);
    if (ea_buf_take(&b, json, err))
        return ea_wrap(err, "encode task %s", t->arn);
    return EA_OK;
}

ea_code ea_task_from_row(ea_str json, struct ea_task **out, ea_err *err)
{
    struct ea_task *t = ea_task_new();

    if (ea_json_decode(&store_shape, json, t, err)) {
        ea_task_free(t);
        return ea_wrap(err, "stored task");
    }
    *out = t;
    return EA_OK;
}

struct ea_container *ea_task_container(const struct ea_task *t, const char *name)
{
    for (size_t i = 0; name && i < t->containers.n; i++)
        if (strcmp(t->containers.v[i].name, name) == 0)
            return &t->containers.v[i];
    return NULL;
}

struct ea_container *ea_task_by_docker_id(const struct ea_task *t, const char *docker_id)
{
    for (size_t i = 0; docker_id && i < t->containers.n; i++)
        if (ea_zstr_eq(t->containers.v[i].docker_id, docker_id))
            return &t->containers.v[i];
    return NULL;
}

struct ea_volume *ea_task_volume(const struct ea_task *t, const char *name)
{
    for (size_t i = 0; name && i < t->volumes.n; i++)
        if (ea_zstr_eq(t->volumes.v[i].name, name))
            return &t->volumes.v[i];
    return NULL;
}

bool ea_task_is_bridge(const struct ea_task *t)
{
    return ea_zstr_empty(t->network_mode) || strcmp(t->network_mode, "bridge") == 0;
}
