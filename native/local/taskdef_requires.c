/* taskdef_requires.c - what a container instance must be able to do to run a task definition.
 * Source: control-plane.md section 2 (attribute names and what they stand for). */
#include "taskdef.h"

#include "../base/alloc.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEGACY        "com.amazonaws.ecs.capability."
#define CAPABILITY    "ecs.capability."
#define API_MINOR_MIN 18

static void want(ea_strlist *out, const char *fmt, ...) EA_PRINTF(2, 3);

static void want(ea_strlist *out, const char *fmt, ...)
{
    char name[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < out->n; i++)
        if (strcmp(out->v[i], name) == 0)
            return;
    ea_strlist_add(out, name);
}

bool ea_lc_image_is_ecr(const char *image, ea_str *account, ea_str *region)
{
    static const char mark[] = ".dkr.ecr.";
    const char *at = strstr(image, mark);
    const char *slash = strchr(image, '/');
    ea_str rest;

    if (!at || !slash || at > slash || at - image != 12)
        return false;
    *account = (ea_str){ image, 12 };
    rest = (ea_str){ at + strlen(mark), (size_t)(slash - at) - strlen(mark) };
    rest = ea_str_cut(rest, '.', region);
    return ea_str_starts(rest, "amazonaws.com");
}

bool ea_lc_image_is_of(const char *image, const char *registry)
{
    const char *host = registry ? strstr(registry, "://") : NULL;
    size_t n = host ? strcspn(host + 3, "/") : 0;

    return n && strncmp(image, host + 3, n) == 0 && image[n] == '/';
}

static int log_driver_minor(const char *driver)
{
    static const struct {
        const char *name;
        int minor;
    } drivers[] = {
        { "json-file", 18 }, { "syslog", 18 },  { "journald", 19 }, { "gelf", 20 },
        { "fluentd", 20 },   { "awslogs", 19 }, { "splunk", 22 },
    };

    for (size_t i = 0; driver && i < EA_COUNT(drivers); i++)
        if (strcmp(drivers[i].name, driver) == 0)
            return drivers[i].minor;
    return API_MINOR_MIN;
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

int ea_lc_container_api_minor(const cJSON *c)
{
    const cJSON *lp = ea_json_get(c, "linuxParameters");
    int minor = log_driver_minor(ea_json_get_str(ea_json_get(c, "logConfiguration"), "logDriver"));

    if (ea_json_get(c, "memoryReservation"))
        minor = at_least(minor, 21);
    if (ea_json_get(lp, "sharedMemorySize") || ea_json_get(lp, "tmpfs"))
        minor = at_least(minor, 22);
    if (ea_json_get(c, "healthCheck") || cJSON_GetArraySize(ea_json_get(c, "systemControls")) > 0)
        minor = at_least(minor, 24);
    if (ea_lc_bool(lp, "initProcessEnabled", false))
        minor = at_least(minor, 25);
    return minor;
}

static void want_secrets(const cJSON *list, const char *kind, ea_strlist *out)
{
    const cJSON *s;

    cJSON_ArrayForEach(s, list)
    {
        const char *from = ea_json_get_str(s, "valueFrom");
        bool asm_arn = from && strstr(from, ":secretsmanager:");

        want(out, CAPABILITY "secrets.%s.%s", asm_arn ? "asm" : "ssm", kind);
    }
}

static void want_of_container(const cJSON *c, bool execution_role, const char *registry,
                              ea_strlist *out)
{
    const cJSON *log = ea_json_get(c, "logConfiguration"), *port;
    const char *driver = ea_json_get_str(log, "logDriver");
    const char *image = ea_json_get_str(c, "image");
    ea_str account, region;

    want(out, LEGACY "docker-remote-api.1.%d", ea_lc_container_api_minor(c));
    if (driver)
        want(out, LEGACY "logging-driver.%s", driver);
    if (driver && execution_role && strcmp(driver, "awslogs") == 0)
        want(out, CAPABILITY "execution-role-awslogs");
    if (ea_lc_bool(c, "privileged", false))
        want(out, LEGACY "privileged-container");
    if (image &&
        (ea_lc_image_is_ecr(image, &account, &region) || ea_lc_image_is_of(image, registry))) {
        want(out, LEGACY "ecr-auth");
        if (execution_role)
            want(out, CAPABILITY "execution-role-ecr-pull");
    }
    if (ea_json_get(c, "healthCheck"))
        want(out, CAPABILITY "container-health-check");
    if (ea_json_get(c, "repositoryCredentials"))
        want(out, CAPABILITY "private-registry-authentication.secretsmanager");
    if (cJSON_GetArraySize(ea_json_get(c, "dependsOn")) > 0 || ea_json_get(c, "startTimeout") ||
        ea_json_get(c, "stopTimeout"))
        want(out, CAPABILITY "container-ordering");
    if (cJSON_GetArraySize(ea_json_get(c, "environmentFiles")) > 0)
        want(out, CAPABILITY "env-files.s3");
    if (ea_lc_bool(ea_json_get(c, "restartPolicy"), "enabled", false))
        want(out, CAPABILITY "container-restart-policy");
    if (ea_json_get(c, "firelensConfiguration"))
        want(out, CAPABILITY "firelens.%s",
             ea_json_get_str(ea_json_get(c, "firelensConfiguration"), "type"));
    cJSON_ArrayForEach(port,
                       ea_json_get(c, "portMappings")) if (ea_json_get(port, "containerPortRange"))
        want(out, CAPABILITY "network.container-port-range");
    want_secrets(ea_json_get(c, "secrets"), "environment-variables", out);
    want_secrets(ea_json_get(log, "secretOptions"), "bootstrap.log-driver", out);
    if (cJSON_GetArraySize(ea_json_get(c, "credentialSpecs")) > 0)
        want(out, CAPABILITY "gmsa");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void ea_lc_taskdef_requires(const cJSON *body, const char *registry, ea_strlist *out)
{
    bool execution_role = !ea_zstr_empty(ea_json_get_str(body, "executionRoleArn"));
    const cJSON *item;

    if (!ea_zstr_empty(ea_json_get_str(body, "taskRoleArn"))) {
        want(out, LEGACY "task-iam-role");
        if (ea_zstr_eq(ea_json_get_str(body, "networkMode"), "host"))
            want(out, LEGACY "task-iam-role-network-host");
    }
    if (ea_json_get(body, "cpu") || ea_json_get(body, "memory"))
        want(out, CAPABILITY "task-cpu-mem-limit");
    if (ea_json_get(body, "pidMode") || ea_json_get(body, "ipcMode"))
        want(out, CAPABILITY "pid-ipc-namespace-sharing");
    if (ea_lc_bool(body, "enableFaultInjection", false))
        want(out, CAPABILITY "fault-injection");
    cJSON_ArrayForEach(item, ea_json_get(body, "volumes"))
    {
        const cJSON *docker = ea_json_get(item, "dockerVolumeConfiguration");
        const char *driver = ea_json_get_str(docker, "driver");

        if (docker)
            want(out, CAPABILITY "docker-plugin.%s", driver ? driver : "local");
        if (ea_json_get(item, "efsVolumeConfiguration"))
            want(out, CAPABILITY "efs");
        if (ea_json_get(item, "fsxWindowsFileServerVolumeConfiguration"))
            want(out, CAPABILITY "fsxWindowsFileServer");
    }
    cJSON_ArrayForEach(item, ea_json_get(body, "containerDefinitions"))
        want_of_container(item, execution_role, registry, out);
    if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), by_name);
}
