#include "docker_container.h"

#include "../base/alloc.h"
#include "../base/clock.h"

#include <cJSON.h>

#include <string.h>

#define HEALTH_OUTPUT_MAX 1024

/* ---- the members that are read ---------------------------------------------------------------- */

struct raw_probe {
    int64_t exit_code;
    char *output, *end;
};
struct raw_health {
    char *status;
    struct {
        struct raw_probe *v;
        size_t n;
    } log;
};
struct raw_state {
    bool running, dead, oom_killed;
    int64_t exit_code, pid;
    char *error, *started_at, *finished_at;
    struct raw_health *health;
};
struct raw_config {
    ea_strmap labels;
};
struct raw_inspect {
    char *id, *name, *created, *image;
    struct raw_state state;
    struct raw_config config;
    struct {
        struct ea_mount *v;
        size_t n;
    } mounts;
};
struct raw_endpoint {
    char *ip, *ip6, *gateway, *mac;
};

static const ea_jfield probe_fields[] = {
    EA_JI64(struct raw_probe, exit_code, "ExitCode", 0),
    EA_JSTR(struct raw_probe, output, "Output", 0),
    EA_JSTR(struct raw_probe, end, "End", 0),
};
static const ea_jshape probe_shape = EA_JSHAPE(struct raw_probe, probe_fields);
static const ea_jfield health_fields[] = {
    EA_JSTR(struct raw_health, status, "Status", 0),
    EA_JLIST(struct raw_health, log, "Log", 0, &probe_shape),
};
static const ea_jshape health_shape = EA_JSHAPE(struct raw_health, health_fields);
static const ea_jfield state_fields[] = {
    EA_JBOOL(struct raw_state, running, "Running", 0),
    EA_JBOOL(struct raw_state, dead, "Dead", 0),
    EA_JBOOL(struct raw_state, oom_killed, "OOMKilled", 0),
    EA_JI64(struct raw_state, exit_code, "ExitCode", 0),
    EA_JI64(struct raw_state, pid, "Pid", 0),
    EA_JSTR(struct raw_state, error, "Error", 0),
    EA_JSTR(struct raw_state, started_at, "StartedAt", 0),
    EA_JSTR(struct raw_state, finished_at, "FinishedAt", 0),
    EA_JPTR(struct raw_state, health, "Health", 0, &health_shape),
};
static const ea_jshape state_shape = EA_JSHAPE(struct raw_state, state_fields);
static const ea_jfield config_fields[] = {
    EA_JSTRMAP(struct raw_config, labels, "Labels", 0),
};
static const ea_jshape config_shape = EA_JSHAPE(struct raw_config, config_fields);
static const ea_jfield mount_fields[] = {
    EA_JSTR(struct ea_mount, name, "Name", 0),
    EA_JSTR(struct ea_mount, source, "Source", 0),
    EA_JSTR(struct ea_mount, destination, "Destination", 0),
};
static const ea_jshape mount_shape = EA_JSHAPE(struct ea_mount, mount_fields);
static const ea_jfield inspect_fields[] = {
    EA_JSTR(struct raw_inspect, id, "Id", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct raw_inspect, name, "Name", 0),
    EA_JSTR(struct raw_inspect, created, "Created", 0),
    EA_JSTR(struct raw_inspect, image, "Image", 0),
    EA_JOBJ(struct raw_inspect, state, "State", EA_J_REQUIRED, &state_shape),
    EA_JOBJ(struct raw_inspect, config, "Config", 0, &config_shape),
    EA_JLIST(struct raw_inspect, mounts, "Mounts", 0, &mount_shape),
};
static const ea_jshape inspect_shape = EA_JSHAPE(struct raw_inspect, inspect_fields);
static const ea_jfield endpoint_fields[] = {
    EA_JSTR(struct raw_endpoint, ip, "IPAddress", 0),
    EA_JSTR(struct raw_endpoint, ip6, "GlobalIPv6Address", 0),
    EA_JSTR(struct raw_endpoint, gateway, "Gateway", 0),
    EA_JSTR(struct raw_endpoint, mac, "MacAddress", 0),
};
static const ea_jshape endpoint_shape = EA_JSHAPE(struct raw_endpoint, endpoint_fields);

/* ---- inspect ---------------------------------------------------------------------------------- */

/* A time that cannot be read counts as unknown. */
static int64_t time_of(const char *text)
{
    ea_err ignored = { 0 };
    int64_t ms;

    if (!text || ea_parse_rfc3339(ea_str_of(text), &ms, &ignored))
        return 0;
    return ms;
}

static char *take(char **slot)
{
    char *s = *slot;

    *slot = NULL;
    return s;
}

/* Takes the text; "" becomes NULL. */
static char *take_nonempty(char **slot)
{
    char *s = take(slot);

    if (s && !*s) {
        ea_free(s);
        return NULL;
    }
    return s;
}

static void read_labels(const ea_strmap *labels, struct ea_docker_facts *f)
{
    f->task_arn = ea_strdup(ea_strmap_get(labels, EA_LABEL_TASK));
    f->container_name = ea_strdup(ea_strmap_get(labels, EA_LABEL_CONTAINER));
}

/* Source: task-engine.md section 2.4. */
static void read_state(struct raw_state *s, struct ea_docker_facts *f)
{
    bool has_error = s->error && *s->error;

    f->started_ms = time_of(s->started_at);
    f->finished_ms = time_of(s->finished_at);
    if (s->running)
        f->state = EA_C_RUNNING;
    else if (!s->dead && !f->started_ms && !has_error)
        f->state = EA_C_CREATED;
    else
        f->state = EA_C_STOPPED;
    if (!s->running && f->finished_ms)
        f->exit_code = (ea_opt_i64){ .has = true, .v = s->exit_code };
    f->pid = s->running ? s->pid : 0;
    f->oom_killed = s->oom_killed;
    f->state_error = take_nonempty(&s->error);
}

static void read_health(const struct raw_health *h, struct ea_docker_facts *f)
{
    const struct raw_probe *last;

    if (!h)
        return;
    f->has_health = true;
    if (ea_zstr_eq(h->status, "healthy"))
        f->health.status = EA_HEALTH_HEALTHY;
    else if (ea_zstr_eq(h->status, "unhealthy"))
        f->health.status = EA_HEALTH_UNHEALTHY;
    if (f->health.status == EA_HEALTH_UNKNOWN || !h->log.n)
        return;
    last = &h->log.v[h->log.n - 1];
    if (last->output)
        f->health.output = ea_strndup(
            last->output, ea_utf8_cut(last->output, strlen(last->output), HEALTH_OUTPUT_MAX));
    if (f->health.status == EA_HEALTH_UNHEALTHY)
        f->health.exit_code = (ea_opt_i64){ .has = true, .v = last->exit_code };
    f->health.since_ms = time_of(last->end);
}

static void add_binding(struct ea_docker_facts *f, int64_t port, const char *protocol,
                        const struct cJSON *b)
{
    const char *ip = ea_json_get_str(b, "HostIp");
    const char *host = ea_json_get_str(b, "HostPort");
    ea_err ignored = { 0 };
    uint64_t host_port;
    struct ea_binding *slot;

    /* One port that makes no sense must not hide the others. */
    if (!host || ea_str_to_u64(ea_str_of(host), 1, 65535, &host_port, &ignored))
        return;
    f->bindings.v = ea_realloc_array(f->bindings.v, f->bindings.n + 1, sizeof(*f->bindings.v));
    slot = &f->bindings.v[f->bindings.n++];
    *slot = (struct ea_binding){ .bind_ip = ea_strdup(ip && *ip ? ip : "0.0.0.0"),
                                 .protocol = ea_strdup(protocol),
                                 .container_port = port,
                                 .host_port = (int64_t)host_port };
}

/* "80/tcp": [{ "HostIp", "HostPort" }] or null. */
static void read_ports(const struct cJSON *ports, struct ea_docker_facts *f)
{
    const struct cJSON *p, *b;

    cJSON_ArrayForEach(p, ports)
    {
        ea_str number, protocol = ea_str_cut(ea_str_of(p->string), '/', &number);
        ea_err ignored = { 0 };
        uint64_t port;
        const char *name = NULL;

        if (ea_str_eqz(protocol, "tcp") || protocol.n == 0)
            name = "tcp";
        else if (ea_str_eqz(protocol, "udp"))
            name = "udp";
        if (!name || ea_str_to_u64(number, 1, 65535, &port, &ignored) || !cJSON_IsArray(p))
            continue;
        cJSON_ArrayForEach(b, p) add_binding(f, (int64_t)port, name, b);
    }
}

static ea_code read_networks(const struct cJSON *networks, struct ea_docker_facts *f, ea_err *err)
{
    const struct cJSON *n;

    cJSON_ArrayForEach(n, networks)
    {
        struct raw_endpoint e = { 0 };
        struct ea_network *slot;

        if (cJSON_IsNull(n))
            continue;
        if (ea_json_decode_value(&endpoint_shape, n, n->string, &e, err))
            return err->code;
        f->networks.v = ea_realloc_array(f->networks.v, f->networks.n + 1, sizeof(*f->networks.v));
        slot = &f->networks.v[f->networks.n++];
        *slot = (struct ea_network){ .mode = ea_strdup(n->string),
                                     .ipv4 = take_nonempty(&e.ip),
                                     .ipv6 = take_nonempty(&e.ip6),
                                     .gateway = take_nonempty(&e.gateway),
                                     .mac = take_nonempty(&e.mac) };
        ea_json_free(&endpoint_shape, &e);
    }
    return EA_OK;
}

ea_code ea_docker_inspect_decode(ea_str json, struct ea_docker_facts *out, ea_err *err)
{
    static const char *const wanted[] = { "Id",    "Name",   "Created", "Image",
                                          "State", "Config", "Mounts",  "NetworkSettings" };
    struct raw_inspect raw = { 0 };
    struct cJSON *tree = NULL;
    const struct cJSON *settings;

    *out = (struct ea_docker_facts){ 0 };
    if (ea_json_parse_some(json, wanted, EA_COUNT(wanted), &tree, err))
        return ea_docker_garbled(err, "container");
    if (ea_json_decode_value(&inspect_shape, tree, "", &raw, err)) {
        cJSON_Delete(tree);
        return ea_docker_garbled(err, "container");
    }
    out->found = true;
    out->id = take(&raw.id);
    if (raw.name)
        out->name = ea_strdup(raw.name[0] == '/' ? raw.name + 1 : raw.name);
    out->image_id = take_nonempty(&raw.image);
    out->created_ms = time_of(raw.created);
    read_labels(&raw.config.labels, out);
    read_state(&raw.state, out);
    read_health(raw.state.health, out);
    out->mounts.v = raw.mounts.v;
    out->mounts.n = raw.mounts.n;
    raw.mounts.v = NULL;
    raw.mounts.n = 0;
    settings = ea_json_get(tree, "NetworkSettings");
    read_ports(ea_json_get(settings, "Ports"), out);
    if (read_networks(ea_json_get(settings, "Networks"), out, err)) {
        ea_docker_garbled(err, "container");
        ea_docker_facts_done(out);
    }
    ea_json_free(&inspect_shape, &raw);
    cJSON_Delete(tree);
    return out->found ? EA_OK : err->code;
}

/* ---- list ------------------------------------------------------------------------------------- */

struct raw_listed {
    char *id, *state, *image_id;
    int64_t created_s;
    ea_strlist names;
    ea_strmap labels;
};
static const ea_jfield listed_fields[] = {
    EA_JSTR(struct raw_listed, id, "Id", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct raw_listed, state, "State", 0),
    EA_JSTR(struct raw_listed, image_id, "ImageID", 0),
    EA_JI64(struct raw_listed, created_s, "Created", 0),
    EA_JSTRLIST(struct raw_listed, names, "Names", 0),
    EA_JSTRMAP(struct raw_listed, labels, "Labels", 0),
};
static const ea_jshape listed_shape = EA_JSHAPE(struct raw_listed, listed_fields);

static ea_cstate listed_state(const char *state)
{
    if (ea_zstr_eq(state, "running") || ea_zstr_eq(state, "paused") ||
        ea_zstr_eq(state, "restarting"))
        return EA_C_RUNNING;
    return ea_zstr_eq(state, "created") ? EA_C_CREATED : EA_C_STOPPED;
}

static void listed_facts(struct raw_listed *r, struct ea_docker_facts *f)
{
    *f = (struct ea_docker_facts){ .found = true, .brief = true };
    f->id = take(&r->id);
    f->image_id = take_nonempty(&r->image_id);
    f->state = listed_state(r->state);
    if (r->created_s > 0 && r->created_s < INT64_MAX / 1000)
        f->created_ms = r->created_s * 1000;
    if (r->names.n)
        f->name = ea_strdup(r->names.v[0][0] == '/' ? r->names.v[0] + 1 : r->names.v[0]);
    read_labels(&r->labels, f);
    f->cluster = ea_strdup(ea_strmap_get(&r->labels, EA_LABEL_CLUSTER));
}

ea_code ea_docker_list_decode(ea_str json, struct ea_docker_facts **v, size_t *n, ea_err *err)
{
    struct cJSON *tree = NULL;
    const struct cJSON *item;
    struct ea_docker_facts *all;
    size_t count = 0;

    if (ea_json_parse(json, &tree, err))
        return ea_docker_garbled(err, "containers");
    if (!cJSON_IsArray(tree)) {
        cJSON_Delete(tree);
        return ea_fail(err, EA_PROTOCOL, "containers from Docker: array expected");
    }
    all = ea_alloc_array((size_t)cJSON_GetArraySize(tree) + 1, sizeof(*all));
    cJSON_ArrayForEach(item, tree)
    {
        struct raw_listed r = { 0 };

        if (ea_json_decode_value(&listed_shape, item, "", &r, err)) {
            for (size_t i = 0; i < count; i++)
                ea_docker_facts_done(&all[i]);
            ea_free(all);
            cJSON_Delete(tree);
            return ea_docker_garbled(err, "containers");
        }
        listed_facts(&r, &all[count++]);
        ea_json_free(&listed_shape, &r);
    }
    cJSON_Delete(tree);
    *v = all;
    *n = count;
    return EA_OK;
}
