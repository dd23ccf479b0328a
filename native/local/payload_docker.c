/* payload_docker.c - Docker's Config and HostConfig from a container definition. See payload.h.
 * Source: Docker Engine API, ContainerCreate; Amazon ECS developer guide, which names the Docker option
 * of each task definition parameter. */
#include "payload.h"
#include "taskdef.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define MIB       1048576.0
#define SECOND_NS 1000000000.0

static void copy_text(const cJSON *from, const char *name, cJSON *to, const char *as)
{
    const char *text = ea_json_get_str(from, name);

    if (!ea_zstr_empty(text))
        (void)cJSON_AddStringToObject(to, as, text);
}

static void copy_true(const cJSON *from, const char *name, cJSON *to, const char *as)
{
    if (ea_lc_bool(from, name, false))
        (void)cJSON_AddTrueToObject(to, as);
}

static void copy_value(const cJSON *from, const char *name, cJSON *to, const char *as)
{
    const cJSON *v = ea_json_get(from, name);

    if (v && v->child)
        (void)cJSON_AddItemToObject(to, as, cJSON_Duplicate(v, true));
}

static void add_health(const cJSON *h, cJSON *config)
{
    cJSON *to;

    if (!h)
        return;
    to = cJSON_AddObjectToObject(config, "Healthcheck");
    (void)cJSON_AddItemToObject(to, "Test", cJSON_Duplicate(ea_json_get(h, "command"), true));
    (void)cJSON_AddNumberToObject(to, "Interval", (double)ea_lc_int(h, "interval", 30) * SECOND_NS);
    (void)cJSON_AddNumberToObject(to, "Timeout", (double)ea_lc_int(h, "timeout", 5) * SECOND_NS);
    (void)cJSON_AddNumberToObject(to, "Retries", (double)ea_lc_int(h, "retries", 3));
    (void)cJSON_AddNumberToObject(to, "StartPeriod",
                                  (double)ea_lc_int(h, "startPeriod", 0) * SECOND_NS);
}

cJSON *ea_lc_docker_config(const cJSON *c)
{
    cJSON *config = cJSON_CreateObject();

    copy_text(c, "user", config, "User");
    copy_text(c, "workingDirectory", config, "WorkingDir");
    copy_text(c, "hostname", config, "Hostname");
    copy_true(c, "disableNetworking", config, "NetworkDisabled");
    copy_true(c, "pseudoTerminal", config, "Tty");
    copy_true(c, "interactive", config, "OpenStdin");
    copy_value(c, "dockerLabels", config, "Labels");
    add_health(ea_json_get(c, "healthCheck"), config);
    return config;
}

static void add_ulimits(const cJSON *list, cJSON *host)
{
    const cJSON *u;
    cJSON *to;

    if (cJSON_GetArraySize(list) == 0)
        return;
    to = cJSON_AddArrayToObject(host, "Ulimits");
    cJSON_ArrayForEach(u, list)
    {
        cJSON *item = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(item, "Name", ea_json_get_str(u, "name"));
        (void)cJSON_AddNumberToObject(item, "Soft", (double)ea_lc_int(u, "softLimit", 0));
        (void)cJSON_AddNumberToObject(item, "Hard", (double)ea_lc_int(u, "hardLimit", 0));
        (void)cJSON_AddItemToArray(to, item);
    }
}

static void add_log(const cJSON *log, cJSON *host)
{
    const cJSON *options = ea_json_get(log, "options");
    cJSON *to;

    if (!log)
        return;
    to = cJSON_AddObjectToObject(host, "LogConfig");
    (void)cJSON_AddStringToObject(to, "Type", ea_json_get_str(log, "logDriver"));
    (void)cJSON_AddItemToObject(to, "Config",
                                options ? cJSON_Duplicate(options, true) : cJSON_CreateObject());
}

static void add_extra_hosts(const cJSON *list, cJSON *host)
{
    const cJSON *h;
    cJSON *to;

    if (cJSON_GetArraySize(list) == 0)
        return;
    to = cJSON_AddArrayToObject(host, "ExtraHosts");
    cJSON_ArrayForEach(h, list)
    {
        char text[512];

        (void)snprintf(text, sizeof(text), "%.250s:%.60s", ea_json_get_str(h, "hostname"),
                       ea_json_get_str(h, "ipAddress"));
        (void)cJSON_AddItemToArray(to, cJSON_CreateString(text));
    }
}

static void add_devices(const cJSON *list, cJSON *host)
{
    const cJSON *d, *p;
    cJSON *to;

    if (cJSON_GetArraySize(list) == 0)
        return;
    to = cJSON_AddArrayToObject(host, "Devices");
    cJSON_ArrayForEach(d, list)
    {
        const char *inside = ea_json_get_str(d, "containerPath");
        const cJSON *permissions = ea_json_get(d, "permissions");
        char letters[8] = "";
        cJSON *item = cJSON_CreateObject();

        cJSON_ArrayForEach(p, permissions)
        {
            const char letter[2] = { p->valuestring[0], '\0' }; /* read, write, mknod */

            if (!strstr(letters, letter) && strlen(letters) < 3)
                (void)snprintf(letters + strlen(letters), sizeof(letters) - strlen(letters), "%s",
                               letter);
        }
        (void)cJSON_AddStringToObject(item, "PathOnHost", ea_json_get_str(d, "hostPath"));
        (void)cJSON_AddStringToObject(item, "PathInContainer",
                                      ea_zstr_empty(inside) ? ea_json_get_str(d, "hostPath")
                                                            : inside);
        (void)cJSON_AddStringToObject(item, "CgroupPermissions", letters[0] ? letters : "rwm");
        (void)cJSON_AddItemToArray(to, item);
    }
}

static void add_tmpfs(const cJSON *list, cJSON *host)
{
    const cJSON *t, *option;
    cJSON *to;

    if (cJSON_GetArraySize(list) == 0)
        return;
    to = cJSON_AddObjectToObject(host, "Tmpfs");
    cJSON_ArrayForEach(t, list)
    {
        EA_BUF_AUTO b = EA_BUF(4096);

        cJSON_ArrayForEach(option, ea_json_get(t, "mountOptions"))
            ea_buf_addf(&b, "%s%s", b.n ? "," : "", option->valuestring);
        ea_buf_addf(&b, "%ssize=%lldm", b.n ? "," : "", (long long)ea_lc_int(t, "size", 0));
        (void)cJSON_AddStringToObject(to, ea_json_get_str(t, "containerPath"), ea_buf_z(&b));
    }
}

static void add_linux(const cJSON *c, cJSON *host)
{
    const cJSON *lp = ea_json_get(c, "linuxParameters");
    const cJSON *caps = ea_json_get(lp, "capabilities");
    int64_t memory = ea_lc_int(c, "memory", 0), swap = ea_lc_int(lp, "maxSwap", -1);

    copy_value(caps, "add", host, "CapAdd");
    copy_value(caps, "drop", host, "CapDrop");
    add_devices(ea_json_get(lp, "devices"), host);
    add_tmpfs(ea_json_get(lp, "tmpfs"), host);
    copy_true(lp, "initProcessEnabled", host, "Init");
    if (ea_lc_int(lp, "sharedMemorySize", 0) > 0)
        (void)cJSON_AddNumberToObject(host, "ShmSize",
                                      (double)ea_lc_int(lp, "sharedMemorySize", 0) * MIB);
    if (swap >= 0 && memory > 0) /* Docker's value counts memory and swap together */
        (void)cJSON_AddNumberToObject(host, "MemorySwap", (double)(memory + swap) * MIB);
    if (ea_json_get(lp, "swappiness"))
        (void)cJSON_AddNumberToObject(host, "MemorySwappiness",
                                      (double)ea_lc_int(lp, "swappiness", 60));
}

static void add_sysctls(const cJSON *list, cJSON *host)
{
    const cJSON *s;
    cJSON *to;

    if (cJSON_GetArraySize(list) == 0)
        return;
    to = cJSON_AddObjectToObject(host, "Sysctls");
    cJSON_ArrayForEach(s, list)
    {
        const char *name = ea_json_get_str(s, "namespace"), *value = ea_json_get_str(s, "value");

        if (!ea_zstr_empty(name))
            (void)cJSON_AddStringToObject(to, name, value ? value : "");
    }
}

cJSON *ea_lc_docker_host_config(const cJSON *body, const cJSON *c)
{
    const char *mode = ea_json_get_str(body, "networkMode");
    cJSON *host = cJSON_CreateObject();

    /* Without a mode the engine's default stands: bridge on Linux, nat on Windows. */
    if (!ea_zstr_empty(mode))
        (void)cJSON_AddStringToObject(host, "NetworkMode", mode);
    if (ea_lc_int(c, "memoryReservation", 0) > 0)
        (void)cJSON_AddNumberToObject(host, "MemoryReservation",
                                      (double)ea_lc_int(c, "memoryReservation", 0) * MIB);
    copy_true(c, "privileged", host, "Privileged");
    copy_true(c, "readonlyRootFilesystem", host, "ReadonlyRootfs");
    copy_value(c, "dnsServers", host, "Dns");
    copy_value(c, "dnsSearchDomains", host, "DnsSearch");
    copy_value(c, "dockerSecurityOptions", host, "SecurityOpt");
    add_extra_hosts(ea_json_get(c, "extraHosts"), host);
    add_ulimits(ea_json_get(c, "ulimits"), host);
    add_log(ea_json_get(c, "logConfiguration"), host);
    add_sysctls(ea_json_get(c, "systemControls"), host);
    add_linux(c, host);
    return host;
}
