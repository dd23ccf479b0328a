#include "docker_hostconfig.h"

#include "../base/alloc.h"
#include "docker_json.h"
#include "docker_overlay.h"
#include "win_path.h"

#include <cJSON.h>

#include <stdio.h>
#include <string.h>

#define MIB             (1024 * 1024)
#define LINUX_MIN_MIB   4
#define WINDOWS_MIN_MIB 256
#define SHARES_MIN      2
#define SHARES_MAX      262144
#define SHARES_PER_CPU  1024

/* ---- ports ------------------------------------------------------------------------------------ */

static ea_code parse_range(const char *text, int64_t *first, int64_t *last, ea_err *err)
{
    ea_str head, rest = ea_str_cut(ea_str_of(text), '-', &head);
    uint64_t a, b;

    if (ea_str_to_u64(head, 1, 65535, &a, err) || ea_str_to_u64(rest, 1, 65535, &b, err))
        return ea_wrap(err, "port range %s", text);
    if (a > b)
        return ea_fail(err, EA_INVALID, "port range %s: the end lies before the start", text);
    *first = (int64_t)a;
    *last = (int64_t)b;
    return EA_OK;
}

static ea_code port_range(const struct ea_port_mapping *m, const char *protocol, ea_port_fn *fn,
                          void *ctx, ea_err *err)
{
    int64_t first, last, host = 0, host_last = 0;
    char key[32];

    if (parse_range(m->container_port_range, &first, &last, err))
        return err->code;
    if (ea_zstr_empty(m->assigned_range))
        return ea_fail(err, EA_INVALID, "%lld contiguous host ports are unavailable",
                       (long long)(last - first + 1));
    if (parse_range(m->assigned_range, &host, &host_last, err))
        return err->code;
    if (host_last - host != last - first)
        return ea_fail(err, EA_INVALID, "host ports %s do not fit container ports %s",
                       m->assigned_range, m->container_port_range);
    for (int64_t p = first; p <= last; p++) {
        snprintf(key, sizeof(key), "%lld/%s", (long long)p, protocol);
        fn(ctx, key, host + (p - first));
    }
    return EA_OK;
}

ea_code ea_docker_ports(const struct ea_container *c, ea_port_fn *fn, void *ctx, ea_err *err)
{
    char key[32];

    for (size_t i = 0; i < c->ports.n; i++) {
        const struct ea_port_mapping *m = &c->ports.v[i];
        const char *protocol = ea_zstr_eq(m->protocol, "udp") ? "udp" : "tcp";

        if (!ea_zstr_empty(m->container_port_range)) {
            if (port_range(m, protocol, fn, ctx, err))
                return err->code;
            continue;
        }
        if (m->container_port < 1 || m->container_port > 65535)
            return ea_fail(err, EA_INVALID, "container port %lld is out of range",
                           (long long)m->container_port);
        snprintf(key, sizeof(key), "%lld/%s", (long long)m->container_port, protocol);
        fn(ctx, key, m->host_port > 0 ? m->host_port : m->assigned_host_port);
    }
    return EA_OK;
}

struct binding_sink {
    struct cJSON *bindings;
    bool *oom;
};

static void add_port_binding(void *ctx, const char *key, int64_t host_port)
{
    struct binding_sink *sink = ctx;
    struct cJSON *one = cJSON_CreateObject();
    char text[24] = "";

    if (host_port > 0)
        snprintf(text, sizeof(text), "%lld", (long long)host_port);
    if (one)
        ea_jt_set_str(one, "HostPort", text, sink->oom);
    ea_jt_push(ea_jt_array(sink->bindings, key, sink->oom), one, sink->oom);
}

/* ---- links, volumes --------------------------------------------------------------------------- */

static ea_code docker_name_of(const struct ea_task *t, const char *name, const char *what,
                              const char **out, ea_err *err)
{
    const struct ea_container *c = ea_task_container(t, name);

    if (!c || ea_zstr_empty(c->docker_name))
        return ea_fail(err, EA_INVALID, "%s container %s has not been created", what, name);
    *out = c->docker_name;
    return EA_OK;
}

static ea_code add_links(const struct ea_task *t, const struct ea_container *c, struct cJSON *links,
                         bool *oom, ea_err *err)
{
    for (size_t i = 0; i < c->links.n; i++) {
        ea_str name, alias = ea_str_cut(ea_str_of(c->links.v[i]), ':', &name);
        EA_FREE_AUTO char *target = ea_str_dup(name);
        EA_FREE_AUTO char *text = NULL;
        const char *docker_name;

        if (docker_name_of(t, target, "linked", &docker_name, err))
            return err->code;
        if (alias.n == 0)
            alias = name;
        text = ea_sprintf_dup("%s:%.*s", docker_name, EA_STR_FMT(alias));
        ea_jt_push_str(links, text, oom);
    }
    return EA_OK;
}

static ea_code add_volumes_from(const struct ea_task *t, const struct ea_container *c,
                                struct cJSON *list, bool *oom, ea_err *err)
{
    for (size_t i = 0; i < c->volumes_from.n; i++) {
        const struct ea_volume_from *v = &c->volumes_from.v[i];
        EA_FREE_AUTO char *text = NULL;
        const char *docker_name;

        if (docker_name_of(t, v->source_container, "volumesFrom", &docker_name, err))
            return err->code;
        text = ea_sprintf_dup("%s%s", docker_name, v->read_only ? ":ro" : "");
        ea_jt_push_str(list, text, oom);
    }
    return EA_OK;
}

/* Where a mount's data lives; the caller frees. NULL: nowhere. */
static char *mount_source(const struct ea_volume *v, bool windows)
{
    if (!v)
        return NULL;
    if (v->host && !ea_zstr_empty(v->host->source_path))
        return windows ? ea_win_path(v->host->source_path) : ea_strdup(v->host->source_path);
    return ea_zstr_empty(v->docker_name) ? NULL : ea_strdup(v->docker_name);
}

static ea_code add_binds(const struct ea_task *t, const struct ea_container *c, bool windows,
                         struct cJSON *binds, bool *oom, ea_err *err)
{
    for (size_t i = 0; i < c->mounts.n; i++) {
        const struct ea_mount_point *m = &c->mounts.v[i];
        EA_FREE_AUTO char *source = mount_source(ea_task_volume(t, m->source_volume), windows);
        EA_FREE_AUTO char *target =
            windows ? ea_win_path(m->container_path) : ea_strdup(m->container_path);
        EA_FREE_AUTO char *text = NULL;

        if (!source || ea_zstr_empty(target))
            return ea_fail(err, EA_INVALID,
                           "mount of container %s has an invalid path: volume %s -> %s", c->name,
                           m->source_volume ? m->source_volume : "", target ? target : "");
        text = ea_sprintf_dup("%s:%s%s", source, target, m->read_only ? ":ro" : "");
        ea_jt_push_str(binds, text, oom);
    }
    return EA_OK;
}

/* ---- limits ----------------------------------------------------------------------------------- */

static int64_t memory_bytes(const struct ea_task *t, const struct ea_container *c,
                            const struct ea_body_settings *set)
{
    int64_t least = set->windows ? WINDOWS_MIN_MIB : LINUX_MIN_MIB;
    int64_t mib = c->memory_mib;

    if (mib <= 0 && !set->windows && set->propagate_task_memory)
        mib = t->memory_mib;
    if (mib <= 0)
        return 0;
    if (mib < least)
        mib = least;
    return mib > INT64_MAX / MIB ? INT64_MAX : mib * MIB;
}

static int64_t cpu_shares(const struct ea_container *c, const struct ea_body_settings *set)
{
    if (set->windows)
        return c->cpu <= 1 && !set->cpu_unbounded ? SHARES_MIN : c->cpu;
    if (c->cpu < SHARES_MIN)
        return SHARES_MIN;
    return c->cpu > SHARES_MAX ? SHARES_MAX : c->cpu;
}

/* After the raw configuration was laid over. Source: task-engine.md section 3.5. */
static void windows_rules(const struct ea_body_settings *set, struct cJSON *host, bool *oom)
{
    int64_t shares = ea_jt_int(host, "CpuShares");
    int64_t processors = set->processors > 0 ? set->processors : 1;
    int64_t percent = 0;

    if (shares > 0)
        percent = shares > INT64_MAX / 100 ? 100 : shares * 100 / (processors * SHARES_PER_CPU);
    if (percent == 0 && shares != 0)
        percent = 1;
    ea_jt_set_int(host, "CpuPercent", percent, oom);
    ea_jt_set_int(host, "CpuShares", 0, oom);
    if (set->memory_unbounded && ea_jt_int(host, "Memory") <= 0)
        ea_jt_set_int(host, "MemoryReservation", 0, oom);
}

/* ---- namespaces ------------------------------------------------------------------------------- */

static ea_code shared_namespace(const char *mode, const char *member, struct cJSON *host, bool *oom,
                                ea_err *err)
{
    if (ea_zstr_empty(mode))
        return EA_OK;
    if (ea_zstr_eq(mode, "task"))
        return ea_fail(err, EA_UNSUPPORTED, "%s task is not supported", member);
    ea_jt_set_str(host, member, mode, oom);
    return EA_OK;
}

static ea_code network_rules(const struct ea_task *t, const struct ea_container *c,
                             const struct ea_body_settings *set, struct cJSON *host, bool *oom,
                             ea_err *err)
{
    const char *mode;

    if (ea_zstr_eq(t->network_mode, "awsvpc"))
        return ea_fail(err, EA_UNSUPPORTED, "networkMode awsvpc is not supported");
    if (c->is_internal)
        ea_jt_set_str(host, "NetworkMode", "none", oom);
    mode = ea_json_get_str(host, "NetworkMode");
    /* The backend states the mode in the raw configuration. Should it not, the task's own counts. */
    if (ea_zstr_empty(mode) &&
        (ea_zstr_eq(t->network_mode, "host") || ea_zstr_eq(t->network_mode, "none")))
        ea_jt_set_str(host, "NetworkMode", t->network_mode, oom);
    else if (set->windows && ea_zstr_eq(mode, "bridge"))
        ea_jt_set_str(host, "NetworkMode", "nat", oom);
    if (set->windows)
        return EA_OK;
    if (shared_namespace(t->pid_mode, "PidMode", host, oom, err))
        return err->code;
    return shared_namespace(t->ipc_mode, "IpcMode", host, oom, err);
}

/* ---- logs ------------------------------------------------------------------------------------- */

/* Regions whose endpoints a Docker Engine does not know. Source: task-engine.md section 3.1, step 8;
 * the suffixes are those of the partitions. */
static const struct {
    const char *region, *suffix;
} far_regions[] = {
    { "us-iso-east-1", "c2s.ic.gov" },       { "us-iso-west-1", "c2s.ic.gov" },
    { "us-isob-east-1", "sc2s.sgov.gov" },   { "us-isob-west-1", "sc2s.sgov.gov" },
    { "us-isof-south-1", "csp.hci.ic.gov" }, { "us-isof-east-1", "csp.hci.ic.gov" },
    { "eu-isoe-west-1", "cloud.adc-e.uk" },  { "eusc-de-east-1", "amazonaws.eu" },
};

static void awslogs_endpoint(const char *region, struct cJSON *options, bool *oom)
{
    for (size_t i = 0; i < EA_COUNT(far_regions); i++) {
        EA_FREE_AUTO char *url = NULL;

        if (!ea_zstr_eq(region, far_regions[i].region))
            continue;
        url = ea_sprintf_dup("https://logs.%s.%s", region, far_regions[i].suffix);
        ea_jt_set_str(options, "awslogs-endpoint", url, oom);
    }
}

static ea_code log_rules(const struct ea_task *t, const struct ea_container *c,
                         const struct ea_body_settings *set, struct cJSON *host, bool *oom,
                         ea_err *err)
{
    struct cJSON *log = cJSON_GetObjectItemCaseSensitive(host, "LogConfig");
    const char *type = ea_json_get_str(log, "Type");
    struct cJSON *options;

    if (ea_zstr_eq(c->logs_auth_strategy, "ExecutionRole")) {
        EA_FREE_AUTO char *uri = NULL;

        if (ea_zstr_empty(t->execution_credentials_id))
            return ea_fail(
                err, EA_INVALID,
                "the log driver is to use the task execution role, and the task has none");
        uri = ea_sprintf_dup("/v2/credentials/%s", t->execution_credentials_id);
        log = ea_jt_object(host, "LogConfig", oom);
        ea_jt_set_str(ea_jt_object(log, "Config", oom), "awslogs-credentials-endpoint", uri, oom);
        type = ea_json_get_str(log, "Type");
    }
    if (!log)
        return EA_OK;
    if (ea_zstr_eq(type, "awslogs"))
        awslogs_endpoint(set->region, ea_jt_object(log, "Config", oom), oom);
    options = cJSON_GetObjectItemCaseSensitive(log, "Config");
    if (ea_zstr_eq(ea_json_get_str(options, "mode"), "non-blocking") &&
        !ea_json_get(options, "max-buffer-size"))
        ea_jt_set_str(options, "max-buffer-size", "10m", oom);
    for (size_t i = 0; set->secret_log && !ea_zstr_empty(type) && i < set->secret_log->n; i++)
        if (!ea_zstr_empty(set->secret_log->v[i].v))
            ea_jt_set_str(ea_jt_object(log, "Config", oom), set->secret_log->v[i].k,
                          set->secret_log->v[i].v, oom);
    return EA_OK;
}

/* ---- security options ------------------------------------------------------------------------- */

/* What the task calls it (with a colon, a domainless one included) means nothing to Docker. */
static void credential_spec(const char *mapping, struct cJSON *host, bool *oom)
{
    struct cJSON *options = ea_jt_array(host, "SecurityOpt", oom), *option, *next;

    for (option = options ? options->child : NULL; option; option = next) {
        next = option->next;
        if (cJSON_IsString(option) &&
            ea_str_starts(ea_str_of(option->valuestring), "credentialspec"))
            cJSON_Delete(cJSON_DetachItemViaPointer(options, option));
    }
    ea_jt_push_str(options, mapping, oom);
}

/* ---- all of it -------------------------------------------------------------------------------- */

ea_code ea_docker_hostconfig(const struct ea_task *t, const struct ea_container *c,
                             const struct ea_body_settings *set, struct cJSON *body, bool *oom,
                             ea_err *err)
{
    struct cJSON *host = ea_jt_object(body, "HostConfig", oom);
    struct binding_sink sink = { ea_jt_object(host, "PortBindings", oom), oom };
    int64_t memory = memory_bytes(t, c, set);

    if (add_links(t, c, ea_jt_array(host, "Links", oom), oom, err) ||
        add_binds(t, c, set->windows, ea_jt_array(host, "Binds", oom), oom, err) ||
        ea_docker_ports(c, add_port_binding, &sink, err) ||
        add_volumes_from(t, c, ea_jt_array(host, "VolumesFrom", oom), oom, err))
        return err->code;
    ea_jt_set_int(host, "Memory", memory, oom);
    ea_jt_set_int(host, "CpuShares", cpu_shares(c, set), oom);
    if (*oom)
        return EA_OK;
    if (ea_docker_overlay(host, EA_OVERLAY_HOST, ea_str_of(c->docker_config.host_config), err))
        return ea_wrap(err, "dockerConfig.hostConfig");
    if (set->windows)
        windows_rules(set, host, oom);
    else if (!ea_zstr_empty(set->cgroup_parent))
        ea_jt_set_str(host, "CgroupParent", set->cgroup_parent, oom);
    if (network_rules(t, c, set, host, oom, err))
        return err->code;
    if (!ea_zstr_empty(set->metadata_bind))
        ea_jt_push_str(ea_jt_array(host, "Binds", oom), set->metadata_bind, oom);
    if (set->credential_spec)
        credential_spec(set->credential_spec, host, oom);
    return log_rules(t, c, set, host, oom, err);
}
