#include "route_introspect.h"

#include "../base/alloc.h"

#include <string.h>

void ea_introspect_metadata(const struct ea_model *m, const char *version, const char *hash,
                            ea_buf *body)
{
    ea_buf_adds(body, "{\"Cluster\":");
    ea_buf_add_json_str(body, ea_str_of(m->meta.cluster));
    ea_buf_adds(body, ",\"ContainerInstanceArn\":");
    if (m->meta.container_instance_arn)
        ea_buf_add_json_str(body, ea_str_of(m->meta.container_instance_arn));
    else
        ea_buf_adds(body, "null");
    ea_buf_addf(body, ",\"Version\":\"Amazon ECS Agent - v%s (%s)\"}", version, hash);
}

static void add_member(ea_buf *b, const char *name, const char *value)
{
    ea_buf_addf(b, ",\"%s\":", name);
    ea_buf_add_json_str(b, ea_str_of(value));
}

static void add_time(ea_buf *b, const char *name, int64_t wall_ms)
{
    char text[EA_RFC3339_MAX];

    if (!wall_ms)
        return;
    ea_format_rfc3339(wall_ms, 1, text);
    add_member(b, name, text);
}

/* Known bindings, or the definition's ports while none is known. */
static void add_ports(const struct ea_container *c, ea_buf *b)
{
    if (!c->bindings.n && !c->ports.n)
        return;
    ea_buf_adds(b, ",\"Ports\":[");
    for (size_t i = 0; i < c->bindings.n; i++)
        ea_buf_addf(b, "%s{\"ContainerPort\":%lld,\"Protocol\":\"%s\",\"HostPort\":%lld}",
                    i ? "," : "", (long long)c->bindings.v[i].container_port,
                    c->bindings.v[i].protocol, (long long)c->bindings.v[i].host_port);
    for (size_t i = 0; i < c->ports.n && !c->bindings.n; i++)
        ea_buf_addf(b, "%s{\"ContainerPort\":%lld,\"Protocol\":\"%s\",\"HostPort\":%lld}",
                    i ? "," : "", (long long)c->ports.v[i].container_port,
                    c->ports.v[i].protocol ? c->ports.v[i].protocol : "tcp",
                    (long long)c->ports.v[i].host_port);
    ea_buf_addc(b, ']');
}

static void add_volumes(const struct ea_container *c, ea_buf *b)
{
    if (!c->docker_mounts.n)
        return;
    ea_buf_adds(b, ",\"Volumes\":[");
    for (size_t i = 0; i < c->docker_mounts.n; i++) {
        const struct ea_mount *v = &c->docker_mounts.v[i];
        ea_buf_adds(b, i ? ",{\"DockerName\":" : "{\"DockerName\":");
        ea_buf_add_json_str(b, ea_str_of(v->name));
        add_member(b, "Source", v->source);
        add_member(b, "Destination", v->destination);
        ea_buf_addc(b, '}');
    }
    ea_buf_addc(b, ']');
}

static void add_container(const struct ea_container *c, ea_buf *b)
{
    ea_buf_adds(b, "{\"DockerId\":");
    ea_buf_add_json_str(b, ea_str_of(c->docker_id));
    add_member(b, "DockerName", c->docker_name);
    add_member(b, "Name", c->name);
    add_member(b, "Image", c->image);
    add_member(b, "ImageID", c->image_id);
    add_time(b, "CreatedAt", c->created_ms);
    add_time(b, "StartedAt", c->started_ms);
    add_ports(c, b);
    add_volumes(c, b);
    if (c->restart_policy && c->restart_policy->enabled)
        ea_buf_addf(b, ",\"RestartCount\":%lld", (long long)c->restart_count);
    ea_buf_addc(b, '}');
}

static void add_task(const struct ea_task *t, ea_buf *b)
{
    const char *known = ea_tstate_wire(t->known), *desired = ea_tstate_wire(t->desired);
    bool contradicts = t->known == EA_T_STOPPED && t->desired != EA_T_STOPPED;
    bool first = true;

    ea_buf_adds(b, "{\"Arn\":");
    ea_buf_add_json_str(b, ea_str_of(t->arn));
    if (desired && !contradicts)
        add_member(b, "DesiredStatus", desired);
    add_member(b, "KnownStatus", known ? known : "PENDING");
    add_member(b, "Family", t->family);
    add_member(b, "Version", t->version);
    ea_buf_adds(b, ",\"Containers\":[");
    for (size_t i = 0; i < t->containers.n; i++) {
        if (t->containers.v[i].is_internal)
            continue;
        if (!first)
            ea_buf_addc(b, ',');
        add_container(&t->containers.v[i], b);
        first = false;
    }
    ea_buf_adds(b, "]}");
}

static int none(int status, ea_buf *body)
{
    ea_buf_adds(body, "{\"Arn\":\"\",\"KnownStatus\":\"\",\"Family\":\"\",\"Version\":\"\","
                      "\"Containers\":null}");
    return status;
}

/* Up to 12 characters are a prefix; two matches are ambiguous. */
static int by_docker_id(const struct ea_model *m, const char *id, ea_buf *body)
{
    const struct ea_task *found = NULL;
    size_t n = strlen(id), matches = 0;

    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, struct ea_task, node);
        for (size_t i = 0; i < t->containers.n; i++) {
            const char *have = t->containers.v[i].docker_id;
            if (!have || n == 0)
                continue;
            if (n <= 12 ? strncmp(have, id, n) == 0 : strcmp(have, id) == 0) {
                found = t;
                matches++;
            }
        }
    }
    if (matches != 1)
        return none(matches ? 400 : 404, body);
    add_task(found, body);
    return 200;
}

int ea_introspect_tasks(const struct ea_model *m, const char *task_arn, const char *docker_id,
                        ea_buf *body)
{
    bool first = true;

    if (task_arn && docker_id)
        return none(400, body);
    if (docker_id)
        return by_docker_id(m, docker_id, body);
    if (task_arn) {
        const struct ea_task *t = ea_model_task(m, task_arn);
        if (!t)
            return none(404, body);
        add_task(t, body);
        return 200;
    }
    ea_buf_adds(body, "{\"Tasks\":[");
    EA_LIST_EACH(&m->tasks, node)
    {
        if (!first)
            ea_buf_addc(body, ',');
        add_task(EA_OWNER(node, struct ea_task, node), body);
        first = false;
    }
    ea_buf_adds(body, "]}");
    return 200;
}
