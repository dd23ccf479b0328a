#include "capabilities.h"

#include "../base/alloc.h"
#include "../base/str.h"
#include "../plat/plat.h"
#include "cred_spec.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define C "com.amazonaws.ecs.capability."
#define E "ecs.capability."

typedef const char *condition(const struct ea_caps_facts *f); /* NULL: offered; else the reason */

static const char *works(const struct ea_caps_facts *f)
{
    (void)f;
    return NULL;
}

static const char *not_yet(const struct ea_caps_facts *f)
{
    (void)f;
    return "not in this version";
}

static bool serves(const struct ea_caps_facts *f, const char *version)
{
    for (size_t i = 0; i < f->docker_versions->n; i++) {
        if (strcmp(f->docker_versions->v[i], version) == 0)
            return true;
    }
    return false;
}

static const char *privileged(const struct ea_caps_facts *f)
{
    return ea_cfg_bool(f->config, EA_CFG_DISABLE_PRIVILEGED) ? "ECS_DISABLE_PRIVILEGED is true"
                                                             : NULL;
}

static const char *selinux(const struct ea_caps_facts *f)
{
    return ea_cfg_bool(f->config, EA_CFG_SELINUX) ? NULL : "ECS_SELINUX_CAPABLE is not true";
}

static const char *apparmor(const struct ea_caps_facts *f)
{
    return ea_cfg_bool(f->config, EA_CFG_APPARMOR) ? NULL : "ECS_APPARMOR_CAPABLE is not true";
}

static const char *task_iam_role(const struct ea_caps_facts *f)
{
    if (!ea_cfg_bool(f->config, EA_CFG_TASK_IAM_ROLE))
        return "ECS_ENABLE_TASK_IAM_ROLE is not true";
    return f->task_role_proven ? NULL : "the task endpoint 169.254.170.2 has not answered yet";
}

static const char *task_iam_role_host(const struct ea_caps_facts *f)
{
    if (ea_plat_is_windows())
        return "Windows containers have no host network";
    if (!ea_cfg_bool(f->config, EA_CFG_TASK_IAM_ROLE_HOST))
        return "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST is not true";
    return task_iam_role(f);
}

/* The Docker Engine fetches the role's credentials from the task endpoint, from the host itself
 * (endpoints-and-windows.md section 1.5). */
static const char *execution_role_logs(const struct ea_caps_facts *f)
{
    if (!ea_cfg_bool(f->config, EA_CFG_AWSLOGS_EXECUTION_ROLE))
        return "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE is not true";
    return f->task_role_proven ? NULL : "the task endpoint 169.254.170.2 has not answered yet";
}

static const char *task_limits(const struct ea_caps_facts *f)
{
    if (ea_plat_is_windows())
        return "Windows has no limits for whole tasks";
    if (!ea_cfg_bool(f->config, EA_CFG_TASK_CPU_MEM_LIMIT))
        return "ECS_ENABLE_TASK_CPU_MEM_LIMIT is false";
    if (!f->cgroup_driver)
        return "the Docker Engine has not told its cgroup driver";
    if (!ea_zstr_eq(f->cgroup_driver, "cgroupfs"))
        return "the Docker Engine's cgroup driver is not cgroupfs";
    return f->groups_usable ? NULL : "the control groups below ECS_CGROUP_PATH cannot be used";
}

static const char *health_check(const struct ea_caps_facts *f)
{
    if (ea_cfg_bool(f->config, EA_CFG_DISABLE_HEALTH_CHECK))
        return "ECS_DISABLE_DOCKER_HEALTH_CHECK is true";
    return serves(f, "1.24") ? NULL : "the Docker Engine does not serve API 1.24";
}

static const char *gmsa(const struct ea_caps_facts *f)
{
    if (!f->gmsa)
        return "Windows only";
    if (!ea_cfg_bool(f->config, EA_CFG_GMSA))
        return "ECS_GMSA_SUPPORTED is false";
    if (!ea_cfg_bool(f->config, EA_CFG_GMSA_SKIP_JOIN) && !f->gmsa->domain_joined(f->gmsa->ctx))
        return "this machine is not joined to a domain";
    return NULL;
}

/* The plug-in registers a COM class for Container Credential Guard (endpoints-and-windows.md 3.8). */
#define CCG_PLUGIN                                                                                 \
    "SYSTEM\\CurrentControlSet\\Control\\CCG\\COMClasses\\{859E1386-BDB4-49E8-85C7-3070B13920E1}"

static const char *gmsa_domainless(const struct ea_caps_facts *f)
{
    if (!f->gmsa)
        return "Windows only";
    if (ea_config_source(f->config, EA_CFG_GMSA) == EA_FROM_DEFAULT ||
        !ea_cfg_bool(f->config, EA_CFG_GMSA))
        return "ECS_GMSA_SUPPORTED is not set to true";
    if (!f->os_family || strstr(f->os_family, "_2016_"))
        return "Windows Server 2016 has no domainless accounts";
    return f->gmsa->key_exists(f->gmsa->ctx, CCG_PLUGIN)
               ? NULL
               : "the plug-in for domainless accounts is not installed";
}

/* Emission order of control-plane.md section 2; rows with a version or driver in their name are
 * added where `multi` says so. */
enum multi {
    ONE,
    API_VERSIONS,
    LOG_DRIVERS,
    PLUGINS
};
static const struct {
    const char *name;
    condition *when;
    enum multi multi;
} rows[] = {
    /* clang-format off */
    { E "private-registry-authentication.secretsmanager", works,         ONE },
    { E "secrets.ssm.environment-variables",              works,         ONE },
    { E "secrets.ssm.bootstrap.log-driver",               works,         ONE },
    { E "ecr-endpoint",                                   works,         ONE },
    { E "secrets.asm.environment-variables",              works,         ONE },
    { E "secrets.asm.bootstrap.log-driver",               works,         ONE },
    { E "container-ordering",                             works,         ONE },
    { E "full-sync",                                      works,         ONE },
    { E "env-files.s3",                                   works,         ONE },
    { E "network.container-port-range",                   works,         ONE },
    { E "container-restart-policy",                       works,         ONE },
    { C "privileged-container",                           privileged,    ONE },
    { C "docker-remote-api.",                             works,         API_VERSIONS },
    { C "logging-driver.",                                works,         LOG_DRIVERS },
    { C "selinux",                                        selinux,       ONE },
    { C "apparmor",                                       apparmor,      ONE },
    { C "task-iam-role",                                  task_iam_role, ONE },
    { C "task-iam-role-network-host",                     task_iam_role_host, ONE },
    { EA_CAP_TASK_LIMITS,                                 task_limits,   ONE },
    { E "task-eni",                                       not_yet,       ONE },
    { C "ecr-auth",                                       works,         ONE },
    { E "execution-role-ecr-pull",                        works,         ONE },
    { E "container-health-check",                         health_check,  ONE },
    { E "execution-role-awslogs",                         execution_role_logs, ONE },
    { E "docker-plugin.",                                 works,         PLUGINS },
    { E "pid-ipc-namespace-sharing",                      not_yet,       ONE },
    { E "aws-appmesh",                                    not_yet,       ONE },
    { E "task-eia",                                       not_yet,       ONE },
    { E "firelens.fluentd",                               not_yet,       ONE },
    { E "firelens.fluentbit",                             not_yet,       ONE },
    { C "logging-driver.awsfirelens",                     not_yet,       ONE },
    { E "efs",                                            not_yet,       ONE },
    { E "gmsa",                                           gmsa,          ONE },
    { E "gmsa-domainless",                                gmsa_domainless, ONE },
    { E "fsxWindowsFileServer",                           not_yet,       ONE },
    { E "execute-command",                                not_yet,       ONE },
    { E "service-connect-v1",                             not_yet,       ONE },
    { E "storage.ebs-task-volume-attach",                 not_yet,       ONE },
    { E "external",                                       not_yet,       ONE },
    { E "fault-injection",                                not_yet,       ONE },
    { E "ipv6-only",                                      not_yet,       ONE },
    /* clang-format on */
};

/* Least Docker API version of a log driver (task-engine.md section 3.10). */
static const struct {
    const char *driver, *version;
} driver_versions[] = {
    { "json-file", "1.18" },  { "syslog", "1.18" },    { "journald", "1.19" }, { "none", "1.19" },
    { "gelf", "1.20" },       { "fluentd", "1.20" },   { "awslogs", "1.21" },  { "splunk", "1.22" },
    { "logentries", "1.25" }, { "sumologic", "1.29" },
};

static void add(struct ea_caps *out, char *name, const char *reason)
{
    out->v = ea_realloc_array(out->v, out->n + 1, sizeof(*out->v));
    out->v[out->n++] = (struct ea_cap){ .name = name, .offered = reason == NULL, .reason = reason };
}

/* Everything up to 1.32 is told, but for three versions that the backend does not know. */
static void add_versions(const char *prefix, const ea_strlist *versions, struct ea_caps *out)
{
    for (size_t i = 0; i < versions->n; i++) {
        const char *v = versions->v[i];
        int64_t minor = 0;
        ea_err err = { 0 };

        if (strncmp(v, "1.", 2) != 0 ||
            ea_str_to_i64(ea_str_of(v + 2), 0, 1000, &minor, &err) != EA_OK)
            continue;
        if (minor < 17 || minor >= 33 || minor == 26 || minor == 27 || minor == 31)
            continue;
        add(out, ea_sprintf_dup("%s%s", prefix, v), NULL);
    }
}

static const char *driver_reason(const struct ea_caps_facts *f, const char *driver)
{
    for (size_t i = 0; i < EA_COUNT(driver_versions); i++) {
        if (strcmp(driver_versions[i].driver, driver) == 0)
            return serves(f, driver_versions[i].version)
                       ? NULL
                       : "the Docker Engine is too old for this log driver";
    }
    return "not in this version";
}

static void add_drivers(const struct ea_caps_facts *f, const char *prefix, struct ea_caps *out)
{
    ea_strlist drivers = { 0 };

    ea_cfg_strlist(f->config, EA_CFG_LOGGING_DRIVERS, &drivers);
    for (size_t i = 0; i < drivers.n; i++) {
        if (strcmp(drivers.v[i], "awsfirelens") != 0)
            add(out, ea_sprintf_dup("%s%s", prefix, drivers.v[i]), driver_reason(f, drivers.v[i]));
    }
    ea_strlist_free(&drivers);
}

/* Volume drivers of the engine; "local" is always there. A plugin's tag is no part of its name. */
static void add_plugins(const struct ea_caps_facts *f, const char *prefix, struct ea_caps *out)
{
    add(out, ea_sprintf_dup("%slocal", prefix), NULL);
    for (size_t i = 0; f->volume_plugins && i < f->volume_plugins->n; i++) {
        ea_str name;

        (void)ea_str_cut(ea_str_of(f->volume_plugins->v[i]), ':', &name);
        char *cap = ea_sprintf_dup("%s%.*s", prefix, EA_STR_FMT(name));
        if (ea_caps_find(out, cap))
            ea_free(cap);
        else
            add(out, cap, NULL);
    }
}

void ea_caps_build(const struct ea_caps_facts *facts, struct ea_caps *out)
{
    ea_caps_done(out);
    out->task_role_wanted = ea_cfg_bool(facts->config, EA_CFG_TASK_IAM_ROLE);
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        switch (rows[i].multi) {
        case ONE:
            add(out, ea_strdup(rows[i].name), rows[i].when(facts));
            break;
        case API_VERSIONS:
            add_versions(rows[i].name, facts->docker_versions, out);
            break;
        case LOG_DRIVERS:
            add_drivers(facts, rows[i].name, out);
            break;
        case PLUGINS:
            add_plugins(facts, rows[i].name, out);
            break;
        }
    }
}

void ea_caps_done(struct ea_caps *c)
{
    for (size_t i = 0; i < c->n; i++) {
        ea_free(c->v[i].name);
        ea_free(c->v[i].value);
    }
    ea_free(c->v);
    memset(c, 0, sizeof(*c));
}

const struct ea_cap *ea_caps_find(const struct ea_caps *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->v[i].name, name) == 0)
            return &c->v[i];
    }
    return NULL;
}

bool ea_caps_offers(const struct ea_caps *c, const char *name)
{
    const struct ea_cap *cap = ea_caps_find(c, name);

    return cap && cap->offered;
}

static bool offered_also_in(const struct ea_caps *a, const struct ea_caps *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct ea_cap *other = ea_caps_find(b, a->v[i].name);
        if (a->v[i].offered && (!other || !other->offered))
            return false;
    }
    return true;
}

bool ea_caps_same(const struct ea_caps *a, const struct ea_caps *b)
{
    return offered_also_in(a, b) && offered_also_in(b, a);
}

/* ---- what a task needs ---- */

/* What is looked at while the needs of a task are gone through, and the first that is not met. */
struct needs {
    const struct ea_caps *caps;
    const char *container; /* NULL: the task as a whole */
    char *text;            /* 400 bytes */
    bool found;
};

static bool offered(const struct ea_caps *caps, const char *name)
{
    const struct ea_cap *cap = ea_caps_find(caps, name);

    return cap && cap->offered;
}

static void need(struct needs *n, bool uses, const char *word, const char *name)
{
    if (!uses || n->found)
        return;
    if (offered(n->caps, name))
        return;
    const struct ea_cap *cap = ea_caps_find(n->caps, name);
    n->found = true;
    (void)snprintf(n->text, 400, "UnsupportedFeatureError: %s%s uses %s, which needs %s: %s",
                   n->container ? "container " : "the task", n->container ? n->container : "", word,
                   name, cap && cap->reason ? cap->reason : "not offered by this agent");
}

/* Which of the two a container asks for; the backend passes security options on inside the raw
 * configuration. NULL: none. */
static const char *credential_spec_need(const struct ea_container *c)
{
    EA_FREE_AUTO char *spec = ea_cred_spec_of(c);

    if (!spec)
        return NULL;
    return ea_str_starts(ea_str_of(spec), "credentialspecdomainless:") ? E "gmsa-domainless"
                                                                       : E "gmsa";
}

/* Said in the raw configuration alone; text that cannot be read is told at creation. */
static bool is_privileged(const struct ea_container *c)
{
    cJSON *tree = NULL;
    ea_err err = { 0 };
    bool yes;

    if (ea_zstr_empty(c->docker_config.host_config) ||
        ea_json_parse(ea_str_of(c->docker_config.host_config), &tree, &err))
        return false;
    yes = cJSON_IsTrue(cJSON_GetObjectItem(tree, "Privileged"));
    cJSON_Delete(tree);
    return yes;
}

static void need_secret(struct needs *n, const struct ea_secret_ref *s)
{
    bool asm_ = ea_zstr_eq(s->provider, "asm");

    if (ea_zstr_eq(s->target, "LOG_DRIVER"))
        need(n, true, "secrets",
             asm_ ? E "secrets.asm.bootstrap.log-driver" : E "secrets.ssm.bootstrap.log-driver");
    else
        need(n, true, "secrets",
             asm_ ? E "secrets.asm.environment-variables" : E "secrets.ssm.environment-variables");
}

static void container_needs(struct needs *n, const struct ea_container *c)
{
    const struct ea_registry_auth *auth = c->registry_auth;

    n->container = c->name;
    for (size_t i = 0; i < c->secrets.n; i++)
        need_secret(n, &c->secrets.v[i]);
    need(n, auth && ea_zstr_eq(auth->type, "asm"), "registryAuthentication",
         E "private-registry-authentication.secretsmanager");
    need(n, auth && auth->ecr, "registryAuthentication",
         auth && auth->ecr && auth->ecr->use_execution_role ? E "execution-role-ecr-pull"
                                                            : C "ecr-auth");
    need(n, c->environment_files.n > 0, "environmentFiles", E "env-files.s3");
    const char *spec = credential_spec_need(c);
    need(n, spec != NULL, "credentialSpecs", spec);
    need(n, c->managed_agents.n > 0, "execute command (managedAgents)", E "execute-command");
    need(n, c->firelens != NULL, "firelensConfiguration", E "firelens.fluentbit");
    need(n, !ea_zstr_empty(c->logs_auth_strategy), "logsAuthStrategy", E "execution-role-awslogs");
    if (!offered(n->caps, C "privileged-container")) /* else nobody needs to read it */
        need(n, is_privileged(c), "privileged", C "privileged-container");
    for (size_t i = 0; i < c->ports.n; i++)
        need(n, !ea_zstr_empty(c->ports.v[i].container_port_range), "containerPortRange",
             E "network.container-port-range");
}

static void task_needs(struct needs *n, const struct ea_task *t)
{
    need(n, ea_zstr_eq(t->network_mode, "awsvpc"), "networkMode awsvpc", E "task-eni");
    need(n, ea_zstr_eq(t->pid_mode, "task") || ea_zstr_eq(t->ipc_mode, "task"),
         "pidMode or ipcMode task", E "pid-ipc-namespace-sharing");
    need(n, !ea_zstr_empty(t->proxy), "proxyConfiguration", E "aws-appmesh");
    for (size_t i = 0; i < t->volumes.n; i++) {
        need(n, ea_zstr_eq(t->volumes.v[i].type, "efs"), "an EFS volume", E "efs");
        need(n, ea_zstr_eq(t->volumes.v[i].type, "fsxWindowsFileServer"),
             "an FSx for Windows File Server volume", E "fsxWindowsFileServer");
    }
    need(n, t->enable_fault_injection, "enableFaultInjection", E "fault-injection");
    need(n, t->credentials_id && n->caps->task_role_wanted, "a task role", C "task-iam-role");
}

bool ea_caps_missing(const struct ea_caps *c, const struct ea_task *t, char text[400])
{
    struct needs n = { .caps = c, .text = text };

    task_needs(&n, t);
    for (size_t i = 0; i < t->containers.n; i++)
        container_needs(&n, &t->containers.v[i]);
    return n.found;
}
