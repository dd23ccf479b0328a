#include "docker_overlay.h"

#include "../base/json.h"
#include "docker_json.h"

#include <cJSON.h>
#include <math.h>

/* What a member is, as far as laying over is concerned. Source: Docker Engine API, ContainerConfig and
 * HostConfig; task-engine.md section 3.1 for the effect of null. */
typedef enum kind {
    K_STR, /* null keeps, all others replace */
    K_INT,
    K_BOOL,
    K_OBJ,     /* by value: null keeps, members merge */
    K_OPT_OBJ, /* pointer: null empties, members merge */
    K_OPT_INT, /* pointer: null empties */
    K_OPT_BOOL,
    K_STRS,  /* texts; null empties, others replace */
    K_WORDS, /* the same; a single text counts as a list of one */
    K_LIST,  /* of anything */
    K_MAP,   /* entries merge; null empties */
} kind;

struct row {
    const char *name;
    kind kind;
    const struct row *sub;
};

/* clang-format off */
static const struct row health_rows[] = {
    { "Test", K_STRS, NULL },       { "Interval", K_INT, NULL },      { "Timeout", K_INT, NULL },
    { "StartPeriod", K_INT, NULL }, { "StartInterval", K_INT, NULL }, { "Retries", K_INT, NULL },
    { NULL, K_STR, NULL },
};
static const struct row config_rows[] = {
    { "Hostname", K_STR, NULL },       { "Domainname", K_STR, NULL },   { "User", K_STR, NULL },
    { "AttachStdin", K_BOOL, NULL },   { "AttachStdout", K_BOOL, NULL }, { "AttachStderr", K_BOOL, NULL },
    { "ExposedPorts", K_MAP, NULL },   { "Tty", K_BOOL, NULL },         { "OpenStdin", K_BOOL, NULL },
    { "StdinOnce", K_BOOL, NULL },     { "Env", K_STRS, NULL },         { "Cmd", K_WORDS, NULL },
    { "Healthcheck", K_OPT_OBJ, health_rows },                          { "ArgsEscaped", K_BOOL, NULL },
    { "Image", K_STR, NULL },          { "Volumes", K_MAP, NULL },      { "WorkingDir", K_STR, NULL },
    { "Entrypoint", K_WORDS, NULL },   { "NetworkDisabled", K_BOOL, NULL }, { "MacAddress", K_STR, NULL },
    { "OnBuild", K_STRS, NULL },       { "Labels", K_MAP, NULL },       { "StopSignal", K_STR, NULL },
    { "StopTimeout", K_OPT_INT, NULL }, { "Shell", K_WORDS, NULL },
    { NULL, K_STR, NULL },
};
static const struct row log_rows[] = {
    { "Type", K_STR, NULL }, { "Config", K_MAP, NULL }, { NULL, K_STR, NULL },
};
static const struct row restart_rows[] = {
    { "Name", K_STR, NULL }, { "MaximumRetryCount", K_INT, NULL }, { NULL, K_STR, NULL },
};
static const struct row host_rows[] = {
    { "Binds", K_STRS, NULL },         { "ContainerIDFile", K_STR, NULL },
    { "LogConfig", K_OBJ, log_rows },  { "NetworkMode", K_STR, NULL },
    { "PortBindings", K_MAP, NULL },   { "RestartPolicy", K_OBJ, restart_rows },
    { "AutoRemove", K_BOOL, NULL },    { "VolumeDriver", K_STR, NULL },
    { "VolumesFrom", K_STRS, NULL },   { "ConsoleSize", K_LIST, NULL },
    { "Annotations", K_MAP, NULL },    { "CapAdd", K_WORDS, NULL },
    { "CapDrop", K_WORDS, NULL },      { "CgroupnsMode", K_STR, NULL },
    { "Dns", K_STRS, NULL },           { "DnsOptions", K_STRS, NULL },
    { "DnsSearch", K_STRS, NULL },     { "ExtraHosts", K_STRS, NULL },
    { "GroupAdd", K_STRS, NULL },      { "IpcMode", K_STR, NULL },
    { "Cgroup", K_STR, NULL },         { "Links", K_STRS, NULL },
    { "OomScoreAdj", K_INT, NULL },    { "PidMode", K_STR, NULL },
    { "Privileged", K_BOOL, NULL },    { "PublishAllPorts", K_BOOL, NULL },
    { "ReadonlyRootfs", K_BOOL, NULL }, { "SecurityOpt", K_STRS, NULL },
    { "StorageOpt", K_MAP, NULL },     { "Tmpfs", K_MAP, NULL },
    { "UTSMode", K_STR, NULL },        { "UsernsMode", K_STR, NULL },
    { "ShmSize", K_INT, NULL },        { "Sysctls", K_MAP, NULL },
    { "Runtime", K_STR, NULL },        { "Isolation", K_STR, NULL },
    { "CpuShares", K_INT, NULL },      { "Memory", K_INT, NULL },
    { "NanoCpus", K_INT, NULL },       { "CgroupParent", K_STR, NULL },
    { "BlkioWeight", K_INT, NULL },    { "BlkioWeightDevice", K_LIST, NULL },
    { "BlkioDeviceReadBps", K_LIST, NULL },   { "BlkioDeviceWriteBps", K_LIST, NULL },
    { "BlkioDeviceReadIOps", K_LIST, NULL },  { "BlkioDeviceWriteIOps", K_LIST, NULL },
    { "CpuPeriod", K_INT, NULL },      { "CpuQuota", K_INT, NULL },
    { "CpuRealtimePeriod", K_INT, NULL }, { "CpuRealtimeRuntime", K_INT, NULL },
    { "CpusetCpus", K_STR, NULL },     { "CpusetMems", K_STR, NULL },
    { "Devices", K_LIST, NULL },       { "DeviceCgroupRules", K_STRS, NULL },
    { "DeviceRequests", K_LIST, NULL }, { "KernelMemory", K_INT, NULL },
    { "KernelMemoryTCP", K_INT, NULL }, { "MemoryReservation", K_INT, NULL },
    { "MemorySwap", K_INT, NULL },     { "MemorySwappiness", K_OPT_INT, NULL },
    { "OomKillDisable", K_OPT_BOOL, NULL }, { "PidsLimit", K_OPT_INT, NULL },
    { "Ulimits", K_LIST, NULL },       { "CpuCount", K_INT, NULL },
    { "CpuPercent", K_INT, NULL },     { "IOMaximumIOps", K_INT, NULL },
    { "IOMaximumBandwidth", K_INT, NULL }, { "Mounts", K_LIST, NULL },
    { "MaskedPaths", K_STRS, NULL },   { "ReadonlyPaths", K_STRS, NULL },
    { "Init", K_OPT_BOOL, NULL },
    { NULL, K_STR, NULL },
};
/* clang-format on */

static const struct row *row_of(const struct row *rows, const char *name)
{
    for (const struct row *r = rows; r && r->name; r++)
        if (ea_str_eq_nocase(ea_str_of(r->name), ea_str_of(name)))
            return r;
    return NULL;
}

static bool all_texts(const cJSON *array)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, array)
    {
        if (!cJSON_IsString(m))
            return false;
    }
    return true;
}

/* What is wrong with a value of this kind; NULL: nothing. */
static const char *complaint(kind k, const cJSON *v)
{
    switch (k) {
    case K_STR:
        return cJSON_IsString(v) ? NULL : "text expected";
    case K_INT:
    case K_OPT_INT:
        return cJSON_IsNumber(v) && floor(v->valuedouble) == v->valuedouble
                   ? NULL
                   : "whole number expected";
    case K_BOOL:
    case K_OPT_BOOL:
        return cJSON_IsBool(v) ? NULL : "true or false expected";
    case K_OBJ:
    case K_OPT_OBJ:
    case K_MAP:
        return cJSON_IsObject(v) ? NULL : "object expected";
    case K_WORDS:
        if (cJSON_IsString(v))
            return NULL;
        return cJSON_IsArray(v) && all_texts(v) ? NULL : "list of texts expected";
    case K_STRS:
        return cJSON_IsArray(v) && all_texts(v) ? NULL : "list of texts expected";
    case K_LIST:
        return cJSON_IsArray(v) ? NULL : "list expected";
    }
    return NULL;
}

static bool null_keeps(kind k)
{
    return k == K_STR || k == K_INT || k == K_BOOL || k == K_OBJ;
}

static void merge_map(cJSON *into, const cJSON *from, bool *oom)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, from) ea_jt_set(into, m->string, cJSON_Duplicate(m, true), oom);
}

static ea_code lay_over(cJSON *base, const struct row *rows, const cJSON *raw, bool *oom,
                        ea_err *err);

static ea_code lay_known(cJSON *base, const struct row *r, const cJSON *v, bool *oom, ea_err *err)
{
    const char *wrong;

    if (cJSON_IsNull(v)) {
        if (!null_keeps(r->kind))
            cJSON_DeleteItemFromObjectCaseSensitive(base, r->name);
        return EA_OK;
    }
    wrong = complaint(r->kind, v);
    if (wrong)
        return ea_fail(err, EA_INVALID, "%s: %s", r->name, wrong);
    if (r->sub) {
        if (lay_over(ea_jt_object(base, r->name, oom), r->sub, v, oom, err))
            return ea_wrap(err, "%s", r->name);
    } else if (r->kind == K_MAP) {
        merge_map(ea_jt_object(base, r->name, oom), v, oom);
    } else if (r->kind == K_WORDS && cJSON_IsString(v)) {
        ea_jt_set(base, r->name, cJSON_CreateArray(), oom);
        ea_jt_push_str(ea_jt_array(base, r->name, oom), v->valuestring, oom);
    } else {
        ea_jt_set(base, r->name, cJSON_Duplicate(v, true), oom);
    }
    return EA_OK;
}

/* A member that no table knows passes, under the first spelling it came in. */
static void lay_unknown(cJSON *base, const cJSON *v, bool *oom)
{
    const cJSON *m;
    const char *name = v->string;

    if (cJSON_IsNull(v))
        return;
    cJSON_ArrayForEach(m, base)
    {
        if (ea_str_eq_nocase(ea_str_of(m->string), ea_str_of(v->string)))
            name = m->string;
    }
    if (name == v->string) {
        ea_jt_set(base, name, cJSON_Duplicate(v, true), oom);
    } else { /* the name must outlive the member that holds it */
        cJSON *copy = cJSON_Duplicate(v, true);

        if (!copy || !cJSON_ReplaceItemInObjectCaseSensitive(base, name, copy)) {
            cJSON_Delete(copy);
            *oom = true;
        }
    }
}

static ea_code lay_over(cJSON *base, const struct row *rows, const cJSON *raw, bool *oom,
                        ea_err *err)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, raw)
    {
        const struct row *r = row_of(rows, v->string);

        if (!base) /* no memory for it: told by the caller */
            return EA_OK;
        if (!r)
            lay_unknown(base, v, oom);
        else if (lay_known(base, r, v, oom, err))
            return err->code;
    }
    return EA_OK;
}

ea_code ea_docker_overlay(struct cJSON *base, ea_overlay_kind kind_, ea_str raw, ea_err *err)
{
    cJSON *tree = NULL;
    bool oom = false;
    ea_code rc = EA_OK;

    if (ea_str_trim(raw).n == 0)
        return EA_OK;
    if (ea_json_parse(raw, &tree, err))
        return err->code;
    if (cJSON_IsObject(tree))
        rc = lay_over(base, kind_ == EA_OVERLAY_CONFIG ? config_rows : host_rows, tree, &oom, err);
    else if (!cJSON_IsNull(tree))
        rc = ea_fail(err, EA_INVALID, "object expected");
    ea_jt_wipe(tree);
    if (!rc && oom)
        rc = ea_fail(err, EA_NO_MEMORY, "no memory for a container's configuration");
    return rc;
}
