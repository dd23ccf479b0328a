#include "container.h"

#include "../base/alloc.h"
#include "../base/str.h"

#include <cjson/cJSON.h>
#include <string.h>

/* clang-format off */
static const ea_jfield port_wire_fields[] = {
    EA_JI64 (struct ea_port_mapping, container_port,       "containerPort",      0),
    EA_JI64 (struct ea_port_mapping, host_port,            "hostPort",           0),
    EA_JSTR (struct ea_port_mapping, container_port_range, "containerPortRange", 0),
    EA_JSTR (struct ea_port_mapping, protocol,             "protocol",           0),
};
static const ea_jshape port_wire_shape = EA_JSHAPE(struct ea_port_mapping, port_wire_fields);

static const ea_jfield port_store_fields[] = {
    EA_JI64 (struct ea_port_mapping, assigned_host_port, "assignedHostPort", 0),
    EA_JSTR (struct ea_port_mapping, assigned_range,     "assignedRange",    0),
};
static const ea_jshape port_store_shape =
    EA_JSHAPE_ON(struct ea_port_mapping, port_store_fields, &port_wire_shape);

static const ea_jfield mount_point_fields[] = {
    EA_JSTR (struct ea_mount_point, source_volume,  "sourceVolume",  0),
    EA_JSTR (struct ea_mount_point, container_path, "containerPath", 0),
    EA_JBOOL(struct ea_mount_point, read_only,      "readOnly",      0),
};
static const ea_jshape mount_point_shape = EA_JSHAPE(struct ea_mount_point, mount_point_fields);

static const ea_jfield volume_from_fields[] = {
    EA_JSTR (struct ea_volume_from, source_container, "sourceContainer", 0),
    EA_JBOOL(struct ea_volume_from, read_only,        "readOnly",        0),
};
static const ea_jshape volume_from_shape = EA_JSHAPE(struct ea_volume_from, volume_from_fields);

static const ea_jfield depends_on_fields[] = {
    EA_JSTR (struct ea_depends_on, container_name, "containerName", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JENUM(struct ea_depends_on, condition,      "condition",     EA_J_REQUIRED | EA_J_ALWAYS,
             ea_condition_names),
};
static const ea_jshape depends_on_shape = EA_JSHAPE(struct ea_depends_on, depends_on_fields);

static const ea_jfield secret_fields[] = {
    EA_JSTR(struct ea_secret_ref, name,           "name",          0),
    EA_JSTR(struct ea_secret_ref, value_from,     "valueFrom",     0),
    EA_JSTR(struct ea_secret_ref, region,         "region",        0),
    EA_JSTR(struct ea_secret_ref, container_path, "containerPath", 0),
    EA_JSTR(struct ea_secret_ref, type,           "type",          0),
    EA_JSTR(struct ea_secret_ref, provider,       "provider",      0),
    EA_JSTR(struct ea_secret_ref, target,         "target",        0),
};
static const ea_jshape secret_shape = EA_JSHAPE(struct ea_secret_ref, secret_fields);

static const ea_jfield env_file_fields[] = {
    EA_JSTR(struct ea_env_file, value, "value", 0),
    EA_JSTR(struct ea_env_file, type,  "type",  0),
};
static const ea_jshape env_file_shape = EA_JSHAPE(struct ea_env_file, env_file_fields);

static const ea_jfield docker_config_fields[] = {
    EA_JSTR(struct ea_docker_config, version,     "version",    0),
    EA_JSTR(struct ea_docker_config, config,      "config",     0),
    EA_JSTR(struct ea_docker_config, host_config, "hostConfig", 0),
};
static const ea_jshape docker_config_shape =
    EA_JSHAPE(struct ea_docker_config, docker_config_fields);

static const ea_jfield ecr_fields[] = {
    EA_JSTR (struct ea_ecr_auth, registry_id,        "registryId",       0),
    EA_JSTR (struct ea_ecr_auth, region,             "region",           0),
    EA_JSTR (struct ea_ecr_auth, endpoint_override,  "endpointOverride", 0),
    EA_JBOOL(struct ea_ecr_auth, use_execution_role, "useExecutionRole", 0),
};
static const ea_jshape ecr_shape = EA_JSHAPE(struct ea_ecr_auth, ecr_fields);

static const ea_jfield asm_fields[] = {
    EA_JSTR(struct ea_asm_auth, credentials_parameter, "credentialsParameter", 0),
    EA_JSTR(struct ea_asm_auth, region,                "region",               0),
};
static const ea_jshape asm_shape = EA_JSHAPE(struct ea_asm_auth, asm_fields);

static const ea_jfield registry_auth_fields[] = {
    EA_JSTR(struct ea_registry_auth, type, "type",        0),
    EA_JPTR(struct ea_registry_auth, ecr,  "ecrAuthData", 0, &ecr_shape),
    EA_JPTR(struct ea_registry_auth, asm_, "asmAuthData", 0, &asm_shape),
};
static const ea_jshape registry_auth_shape =
    EA_JSHAPE(struct ea_registry_auth, registry_auth_fields);

static const ea_jfield restart_fields[] = {
    EA_JBOOL   (struct ea_restart_policy, enabled,            "enabled",              0),
    EA_JI64LIST(struct ea_restart_policy, ignored_exit_codes, "ignoredExitCodes",     0),
    EA_JI64    (struct ea_restart_policy, attempt_period_s,   "restartAttemptPeriod", EA_J_NONNEG),
};
static const ea_jshape restart_shape = EA_JSHAPE(struct ea_restart_policy, restart_fields);

static const ea_jfield managed_agent_fields[] = {
    EA_JSTR   (struct ea_managed_agent, name,       "name",       0),
    EA_JSTRMAP(struct ea_managed_agent, properties, "properties", 0),
};
static const ea_jshape managed_agent_shape =
    EA_JSHAPE(struct ea_managed_agent, managed_agent_fields);

static const ea_jfield firelens_fields[] = {
    EA_JSTR   (struct ea_firelens, type,    "type",    0),
    EA_JSTRMAP(struct ea_firelens, options, "options", 0),
};
static const ea_jshape firelens_shape = EA_JSHAPE(struct ea_firelens, firelens_fields);

static const ea_jfield binding_fields[] = {
    EA_JSTR(struct ea_binding, bind_ip,        "bindIP",        0),
    EA_JSTR(struct ea_binding, protocol,       "protocol",      0),
    EA_JI64(struct ea_binding, container_port, "containerPort", 0),
    EA_JI64(struct ea_binding, host_port,      "hostPort",      0),
};
const ea_jshape ea_binding_shape = EA_JSHAPE(struct ea_binding, binding_fields);

static const ea_jfield network_fields[] = {
    EA_JSTR(struct ea_network, mode,    "mode",    0),
    EA_JSTR(struct ea_network, ipv4,    "ipv4",    0),
    EA_JSTR(struct ea_network, ipv6,    "ipv6",    0),
    EA_JSTR(struct ea_network, gateway, "gateway", 0),
    EA_JSTR(struct ea_network, mac,     "mac",     0),
};
const ea_jshape ea_network_shape = EA_JSHAPE(struct ea_network, network_fields);

static const ea_jfield mount_fields[] = {
    EA_JSTR(struct ea_mount, name,        "name",        0),
    EA_JSTR(struct ea_mount, source,      "source",      0),
    EA_JSTR(struct ea_mount, destination, "destination", 0),
};
const ea_jshape ea_mount_shape = EA_JSHAPE(struct ea_mount, mount_fields);

static const ea_jfield health_fields[] = {
    EA_JENUM  (struct ea_health_state, status,    "status",   0, ea_health_names),
    EA_JI64   (struct ea_health_state, since_ms,  "sinceMs",  0),
    EA_JSTR   (struct ea_health_state, output,    "output",   0),
    EA_JOPTI64(struct ea_health_state, exit_code, "exitCode", 0),
};
static const ea_jshape health_shape = EA_JSHAPE(struct ea_health_state, health_fields);

/* All payload members but the ports, whose stored rows hold more than the wire's. */
static const ea_jfield common_fields[] = {
    EA_JSTR    (struct ea_container, name,               "name",                   EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR    (struct ea_container, image,              "image",                  0),
    EA_JI64    (struct ea_container, cpu,                "cpu",                    EA_J_NONNEG),
    EA_JI64    (struct ea_container, memory_mib,         "memory",                 EA_J_NONNEG),
    EA_JBOOL   (struct ea_container, essential,          "essential",              0),
    EA_JSTRLIST(struct ea_container, command,            "command",                0),
    EA_JSTRLIST(struct ea_container, entry_point,        "entryPoint",             0),
    EA_JSTRMAP (struct ea_container, environment,        "environment",            0),
    EA_JLIST   (struct ea_container, environment_files,  "environmentFiles",       0, &env_file_shape),
    EA_JSTR    (struct ea_container, overrides,          "overrides",              0), /* JSON as text */
    EA_JLIST   (struct ea_container, mounts,             "mountPoints",            0, &mount_point_shape),
    EA_JLIST   (struct ea_container, volumes_from,       "volumesFrom",            0, &volume_from_shape),
    EA_JSTRLIST(struct ea_container, links,              "links",                  0),
    EA_JLIST   (struct ea_container, depends_on,         "dependsOn",              0, &depends_on_shape),
    EA_JI64    (struct ea_container, start_timeout_s,    "startTimeout",           0),
    EA_JI64    (struct ea_container, stop_timeout_s,     "stopTimeout",            0), /* absent: the setting */
    EA_JLIST   (struct ea_container, secrets,            "secrets",                0, &secret_shape),
    EA_JSTRLIST(struct ea_container, credential_specs,   "credentialSpecs",        0),
    EA_JOBJ    (struct ea_container, docker_config,      "dockerConfig",           0, &docker_config_shape),
    EA_JSTR    (struct ea_container, health_check_type,  "healthCheckType",        0),
    EA_JPTR    (struct ea_container, registry_auth,      "registryAuthentication", 0, &registry_auth_shape),
    EA_JSTR    (struct ea_container, logs_auth_strategy, "logsAuthStrategy",       0),
    EA_JPTR    (struct ea_container, firelens,           "firelensConfiguration",  0, &firelens_shape),
    EA_JLIST   (struct ea_container, managed_agents,     "managedAgents",          0, &managed_agent_shape),
    EA_JPTR    (struct ea_container, restart_policy,     "restartPolicy",          0, &restart_shape),
    EA_JSTR    (struct ea_container, container_arn,      "containerArn",           0),
};
static const ea_jshape common_shape = EA_JSHAPE(struct ea_container, common_fields);

static const ea_jfield wire_fields[] = {
    EA_JLIST(struct ea_container, ports, "portMappings", 0, &port_wire_shape),
};
const ea_jshape ea_container_wire_shape =
    EA_JSHAPE_ON(struct ea_container, wire_fields, &common_shape);

static const ea_jfield store_fields[] = {
    EA_JLIST  (struct ea_container, ports,           "portMappings",  0, &port_store_shape),
    EA_JENUM  (struct ea_container, known,           "knownStatus",   0, ea_cstate_names),
    EA_JENUM  (struct ea_container, desired,         "desiredStatus", 0, ea_cstate_names),
    EA_JENUM  (struct ea_container, sent,            "sentStatus",    0, ea_cstate_names),
    EA_JSTR   (struct ea_container, docker_id,       "dockerId",      0),
    EA_JSTR   (struct ea_container, docker_name,     "dockerName",    0),
    EA_JSTR   (struct ea_container, endpoint_id,     "endpointId",    0),
    EA_JSTR   (struct ea_container, image_id,        "imageId",       0),
    EA_JSTR   (struct ea_container, image_digest,    "imageDigest",   0),
    EA_JBOOL  (struct ea_container, resolved_by_us,  "digestResolved", 0),
    EA_JOPTI64(struct ea_container, exit_code,       "exitCode",      0),
    EA_JSTR   (struct ea_container, error_name,      "errorName",     0),
    EA_JSTR   (struct ea_container, error_text,      "errorText",     0),
    EA_JI64   (struct ea_container, created_ms,      "createdMs",     0),
    EA_JI64   (struct ea_container, started_ms,      "startedMs",     0),
    EA_JI64   (struct ea_container, finished_ms,     "finishedMs",    0),
    EA_JLIST  (struct ea_container, bindings,        "bindings",      0, &ea_binding_shape),
    EA_JLIST  (struct ea_container, networks,        "networks",      0, &ea_network_shape),
    EA_JLIST  (struct ea_container, docker_mounts,   "dockerMounts",  0, &ea_mount_shape),
    EA_JOBJ   (struct ea_container, health,          "health",        0, &health_shape),
    EA_JI64   (struct ea_container, restart_count,   "restartCount",  0),
    EA_JI64   (struct ea_container, last_restart_ms, "lastRestartMs", 0),
    EA_JBOOL  (struct ea_container, restarting,      "restarting",    0),
    EA_JBOOL  (struct ea_container, remake,          "remake",        0),
    EA_JI64   (struct ea_container, port_tries,      "portTries",     0),
    EA_JBOOL  (struct ea_container, stop_once_done,  "stopOnceDone",  0),
    EA_JBOOL  (struct ea_container, is_internal,     "isInternal",    0),
    EA_JBOOL  (struct ea_container, vanished,        "vanished",      0),
};
const ea_jshape ea_container_store_shape =
    EA_JSHAPE_ON(struct ea_container, store_fields, &common_shape);
/* clang-format on */

/* `overrides` is a JSON object as text; `command` is its only known key, and it replaces the
 * container's own (control-plane.md section 3.7). */
struct overrides {
    ea_strlist command;
};
static const ea_jfield override_fields[] = {
    EA_JSTRLIST(struct overrides, command, "command", 0),
};
static const ea_jshape override_shape = EA_JSHAPE(struct overrides, override_fields);

static ea_code apply_overrides(struct ea_container *c, ea_err *err)
{
    cJSON *tree = NULL;
    struct overrides o = { 0 };

    if (!c->overrides)
        return EA_OK;
    if (ea_json_parse(ea_str_of(c->overrides), &tree, err))
        return ea_wrap(err, "container %s: overrides", c->name);
    ea_code code = EA_OK;
    if (!cJSON_IsObject(tree))
        code = ea_fail(err, EA_INVALID, "container %s: overrides: object expected", c->name);
    for (const cJSON *m = code ? NULL : tree->child; m && !code; m = m->next)
        if (!ea_str_eq_nocase(ea_str_of(m->string), EA_STR("command")))
            code = ea_fail(err, EA_INVALID, "container %s: overrides: unknown member %.64s",
                           c->name, m->string);
    if (!code && ea_json_decode_value(&override_shape, tree, "overrides", &o, err))
        code = ea_wrap(err, "container %s", c->name);
    if (!code && o.command.n) {
        ea_strlist_free(&c->command);
        c->command = o.command;
        o.command = (ea_strlist){ NULL, 0 };
    }
    ea_json_free(&override_shape, &o);
    cJSON_Delete(tree);
    if (!code)
        ea_set_str(&c->overrides, NULL);
    return code;
}

static ea_code check_range(const struct ea_container *c, const char *text, ea_err *err)
{
    ea_str first;
    ea_str last = ea_str_cut(ea_str_of(text), '-', &first);
    uint64_t a = 0, b = 0;

    if (ea_str_to_u64(first, 1, 65535, &a, err) || ea_str_to_u64(last, 1, 65535, &b, err))
        return ea_wrap(err, "container %s: containerPortRange", c->name);
    if (a > b)
        return ea_fail(err, EA_INVALID, "container %s: containerPortRange %s ends before it starts",
                       c->name, text);
    return EA_OK;
}

static ea_code check_port(const struct ea_container *c, const struct ea_port_mapping *p,
                          ea_err *err)
{
    if (p->container_port < 0 || p->container_port > 65535)
        return ea_fail(err, EA_INVALID, "container %s: containerPort %lld out of range", c->name,
                       (long long)p->container_port);
    if (p->host_port < 0 || p->host_port > 65535)
        return ea_fail(err, EA_INVALID, "container %s: hostPort %lld out of range", c->name,
                       (long long)p->host_port);
    if (p->protocol && strcmp(p->protocol, "tcp") != 0 && strcmp(p->protocol, "udp") != 0)
        return ea_fail(err, EA_INVALID, "container %s: unrecognized protocol %.32s", c->name,
                       p->protocol);
    return ea_zstr_empty(p->container_port_range) ? EA_OK
                                                  : check_range(c, p->container_port_range, err);
}

ea_code ea_container_check(struct ea_container *c, ea_err *err)
{
    if (c->cpu < 0 || c->memory_mib < 0)
        return ea_fail(err, EA_INVALID, "container %s: negative cpu or memory", c->name);
    if (c->start_timeout_s < 0 || c->stop_timeout_s < 0)
        return ea_fail(err, EA_INVALID, "container %s: negative timeout", c->name);
    for (size_t i = 0; i < c->ports.n; i++)
        if (check_port(c, &c->ports.v[i], err))
            return err->code;
    return apply_overrides(c, err);
}

void ea_container_done(struct ea_container *c)
{
    if (!c)
        return;
    ea_free(c->doubt_name);
    ea_free(c->doubt_text);
    ea_json_free(&ea_container_store_shape, c);
    *c = (struct ea_container){ 0 };
}

ea_cstate ea_container_steady(const struct ea_container *c)
{
    (void)c; /* pause containers, whose steady state is PROVISIONED, come with awsvpc */
    return EA_C_RUNNING;
}

bool ea_container_has_health_check(const struct ea_container *c)
{
    return c->health_check_type && strcmp(c->health_check_type, "docker") == 0;
}
