#include "metadata_json.h"

#include "../base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

/* A comma, unless an object or array has just begun. No text ends in a bare brace: it is quoted. */
static void comma(ea_buf *b)
{
    if (b->n && b->p[b->n - 1] != '{' && b->p[b->n - 1] != '[')
        ea_buf_addc(b, ',');
}

static void add_text(ea_buf *b, const char *value)
{
    ea_buf_add_json_str_html(b, ea_str_of(value));
}

static void add_key(ea_buf *b, const char *name)
{
    comma(b);
    ea_buf_addf(b, "\"%s\":", name);
}

static void add_str(ea_buf *b, const char *name, const char *value)
{
    add_key(b, name);
    add_text(b, value);
}

static void add_set_str(ea_buf *b, const char *name, const char *value)
{
    if (!ea_zstr_empty(value))
        add_str(b, name, value);
}

static void add_num(ea_buf *b, const char *name, int64_t value)
{
    add_key(b, name);
    ea_buf_addf(b, "%" PRId64, value);
}

static void add_set_num(ea_buf *b, const char *name, int64_t value)
{
    if (value)
        add_num(b, name, value);
}

static void add_set_time(ea_buf *b, const char *name, int64_t wall_ms)
{
    char text[EA_RFC3339_MAX];

    if (!wall_ms)
        return;
    ea_format_rfc3339(wall_ms, 1, text);
    add_str(b, name, text);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ea_kv *)a)->k, ((const ea_kv *)b)->k);
}

/* Sorted by key, as Go prints maps. */
static void add_set_map(ea_buf *b, const char *name, ea_strmap *map)
{
    if (!map->n)
        return;
    qsort(map->v, map->n, sizeof(*map->v), by_key);
    add_key(b, name);
    ea_buf_addc(b, '{');
    for (size_t i = 0; i < map->n; i++) {
        comma(b);
        add_text(b, map->v[i].k);
        ea_buf_addc(b, ':');
        add_text(b, map->v[i].v);
    }
    ea_buf_addc(b, '}');
}

/* ---- what stands in the raw Docker settings ---- */

struct raw_config {
    ea_strmap labels;
};
struct raw_log {
    char *type;
    ea_strmap options;
};
struct raw_host {
    struct raw_log log;
};

/* clang-format off */
static const ea_jfield config_fields[] = { /* Docker Engine API, ContainerConfig */
    EA_JSTRMAP(struct raw_config, labels, "Labels", 0),
};
static const ea_jshape config_shape = EA_JSHAPE(struct raw_config, config_fields);
static const ea_jfield log_fields[] = { /* Docker Engine API, HostConfig.LogConfig */
    EA_JSTR   (struct raw_log, type,    "Type",   0),
    EA_JSTRMAP(struct raw_log, options, "Config", 0),
};
static const ea_jshape log_shape = EA_JSHAPE(struct raw_log, log_fields);
static const ea_jfield host_fields[] = {
    EA_JOBJ(struct raw_host, log, "LogConfig", 0, &log_shape),
};
static const ea_jshape host_shape = EA_JSHAPE(struct raw_host, host_fields);
/* clang-format on */

/* Those of the task definition, then the agent's own, which win as in docker/docker_body.c. */
static void add_labels(const struct ea_model *m, const struct ea_task *t,
                       const struct ea_container *c, ea_buf *b)
{
    struct raw_config raw = { 0 };
    ea_err ignored = { 0 };

    if (!c->docker_id)
        return;
    /* Docker refuses what cannot be read here; the agent's own labels stand without it. */
    if (c->docker_config.config &&
        ea_json_decode(&config_shape, ea_str_of(c->docker_config.config), &raw, &ignored))
        raw = (struct raw_config){ 0 };
    ea_strmap_set(&raw.labels, "com.amazonaws.ecs.cluster", m->meta.cluster ? m->meta.cluster : "");
    ea_strmap_set(&raw.labels, "com.amazonaws.ecs.container-name", c->name ? c->name : "");
    ea_strmap_set(&raw.labels, "com.amazonaws.ecs.task-arn", t->arn ? t->arn : "");
    ea_strmap_set(&raw.labels, "com.amazonaws.ecs.task-definition-family",
                  t->family ? t->family : "");
    ea_strmap_set(&raw.labels, "com.amazonaws.ecs.task-definition-version",
                  t->version ? t->version : "");
    add_set_map(b, "Labels", &raw.labels);
    ea_json_free(&config_shape, &raw);
}

/* What the task definition names; the engine's default driver is not known here. */
static void add_log(const struct ea_container *c, ea_buf *b)
{
    struct raw_host raw = { 0 };
    ea_err ignored = { 0 };

    if (!c->docker_id || !c->docker_config.host_config ||
        ea_json_decode(&host_shape, ea_str_of(c->docker_config.host_config), &raw, &ignored))
        return;
    add_set_str(b, "LogDriver", raw.log.type);
    add_set_map(b, "LogOptions", &raw.log.options);
    ea_json_free(&host_shape, &raw);
}

/* ---- container ---- */

bool ea_metadata_has_record(const struct ea_container *c)
{
    return c->docker_id || c->applied == EA_C_CREATED;
}

bool ea_metadata_awaits_network(const struct ea_container *c)
{
    return ea_metadata_has_record(c) && c->known < EA_C_RUNNING && !c->networks.n;
}

static void add_ports(const struct ea_container *c, int version, ea_buf *b)
{
    if (!c->bindings.n)
        return;
    add_key(b, "Ports");
    ea_buf_addc(b, '[');
    for (size_t i = 0; i < c->bindings.n; i++) {
        const struct ea_binding *p = &c->bindings.v[i];

        comma(b);
        ea_buf_addc(b, '{');
        add_set_num(b, "ContainerPort", p->container_port);
        add_set_str(b, "Protocol", p->protocol);
        add_set_num(b, "HostPort", p->host_port);
        if (version == 4)
            add_set_str(b, "HostIp", p->bind_ip);
        ea_buf_addc(b, '}');
    }
    ea_buf_addc(b, ']');
}

/* One address each, also the empty one of network mode "host". */
static void add_networks(const struct ea_container *c, int version, ea_buf *b)
{
    if (!c->networks.n)
        return;
    add_key(b, "Networks");
    ea_buf_addc(b, '[');
    for (size_t i = 0; i < c->networks.n; i++) {
        const struct ea_network *n = &c->networks.v[i];

        comma(b);
        ea_buf_addc(b, '{');
        add_set_str(b, "NetworkMode", n->mode);
        add_key(b, "IPv4Addresses");
        ea_buf_addc(b, '[');
        add_text(b, n->ipv4);
        ea_buf_addc(b, ']');
        if (version == 4 && !ea_zstr_empty(n->ipv6)) {
            add_key(b, "IPv6Addresses");
            ea_buf_addc(b, '[');
            add_text(b, n->ipv6);
            ea_buf_addc(b, ']');
        }
        ea_buf_addc(b, '}');
    }
    ea_buf_addc(b, ']');
}

static void add_health(const struct ea_container *c, ea_buf *b)
{
    if (!ea_container_has_health_check(c))
        return;
    add_key(b, "Health");
    ea_buf_addc(b, '{');
    if (c->health.status != EA_HEALTH_UNKNOWN)
        add_str(b, "status", ea_health_name(c->health.status));
    add_set_time(b, "statusSince", c->health.since_ms);
    if (c->health.exit_code.has)
        add_set_num(b, "exitCode", c->health.exit_code.v);
    add_set_str(b, "output", c->health.output);
    ea_buf_addc(b, '}');
}

static void add_volumes(const struct ea_container *c, ea_buf *b)
{
    if (!c->docker_mounts.n)
        return;
    add_key(b, "Volumes");
    ea_buf_addc(b, '[');
    for (size_t i = 0; i < c->docker_mounts.n; i++) {
        const struct ea_mount *v = &c->docker_mounts.v[i];

        comma(b);
        ea_buf_addc(b, '{');
        add_set_str(b, "DockerName", v->name);
        add_set_str(b, "Source", v->source);
        add_set_str(b, "Destination", v->destination);
        ea_buf_addc(b, '}');
    }
    ea_buf_addc(b, ']');
}

void ea_metadata_container(const struct ea_model *m, const struct ea_task *t,
                           const struct ea_container *c, int version, ea_buf *out)
{
    comma(out);
    ea_buf_addc(out, '{');
    add_str(out, "DockerId", c->docker_id);
    add_str(out, "Name", c->name);
    add_str(out, "DockerName", ea_metadata_has_record(c) ? c->docker_name : NULL);
    add_str(out, "Image", c->image);
    add_str(out, "ImageID", c->image_id);
    add_ports(c, version, out);
    add_labels(m, t, c, out);
    add_str(out, "DesiredStatus", ea_cstate_name(c->desired));
    add_str(out, "KnownStatus", ea_cstate_name(c->known));
    if (c->exit_code.has)
        add_num(out, "ExitCode", c->exit_code.v);
    /* The kernel knows no share below 2: docker/docker_hostconfig.c asks for no less. */
    ea_buf_addf(out, ",\"Limits\":{\"CPU\":%" PRId64 ",\"Memory\":%" PRId64 "}",
                c->cpu < 2 ? 2 : c->cpu, c->memory_mib);
    add_set_time(out, "CreatedAt", c->created_ms);
    add_set_time(out, "StartedAt", c->started_ms);
    add_set_time(out, "FinishedAt", c->finished_ms);
    add_str(out, "Type", c->is_internal ? "CNI_PAUSE" : "NORMAL");
    add_networks(c, version, out);
    add_health(c, out);
    add_volumes(c, out);
    if (version == 4) {
        add_log(c, out);
        add_set_str(out, "ContainerARN", c->container_arn);
        if (c->restart_policy && c->restart_policy->enabled)
            add_num(out, "RestartCount", c->restart_count);
    }
    ea_buf_addc(out, '}');
}

/* ---- task ---- */

/* Pulled, and Docker has not been asked for it. */
static bool only_pulled(const struct ea_container *c)
{
    return c->known == EA_C_PULLED && !ea_metadata_has_record(c);
}

static void add_containers(const struct ea_model *m, const struct ea_task *t, int version,
                           ea_buf *b)
{
    bool any = false;

    for (size_t i = 0; i < t->containers.n; i++)
        any = any || ea_metadata_has_record(&t->containers.v[i]) ||
              (version == 4 && only_pulled(&t->containers.v[i]));
    if (!any)
        return;
    add_key(b, "Containers");
    ea_buf_addc(b, '[');
    for (size_t i = 0; i < t->containers.n; i++)
        if (ea_metadata_has_record(&t->containers.v[i]))
            ea_metadata_container(m, t, &t->containers.v[i], version, b);
    for (size_t i = 0; i < t->containers.n && version == 4; i++)
        if (only_pulled(&t->containers.v[i]))
            ea_metadata_container(m, t, &t->containers.v[i], version, b);
    ea_buf_addc(b, ']');
}

static void add_task_limits(const struct ea_task *t, ea_buf *b)
{
    bool cpu = t->cpu > 0;

    if (!cpu && !t->memory_mib)
        return;
    add_key(b, "Limits");
    ea_buf_addc(b, '{');
    if (cpu) {
        add_key(b, "CPU");
        ea_json_add_double(b, t->cpu);
    }
    add_set_num(b, "Memory", t->memory_mib);
    ea_buf_addc(b, '}');
}

void ea_metadata_task(const struct ea_model *m, const struct ea_task *t, int version, ea_buf *out)
{
    ea_buf_addc(out, '{');
    add_str(out, "Cluster", m->meta.cluster);
    add_str(out, "TaskARN", t->arn);
    add_str(out, "Family", t->family);
    add_str(out, "Revision", t->version);
    add_str(out, "DesiredStatus", ea_tstate_name(t->desired));
    add_str(out, "KnownStatus", ea_tstate_name(t->known));
    add_containers(m, t, version, out);
    add_task_limits(t, out);
    add_set_time(out, "PullStartedAt", t->pull_started_ms);
    add_set_time(out, "PullStoppedAt", t->pull_stopped_ms);
    add_set_time(out, "ExecutionStoppedAt", t->execution_stopped_ms);
    if (!m->settings.no_zone)
        add_set_str(out, "AvailabilityZone", m->meta.availability_zone);
    if (version == 4) {
        add_set_str(out, "LaunchType", t->launch_type);
        add_set_str(out, "ServiceName", t->service_name);
        ea_buf_addf(out, ",\"FaultInjectionEnabled\":%s",
                    t->enable_fault_injection ? "true" : "false");
    }
    ea_buf_addc(out, '}');
}
