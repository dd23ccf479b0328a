#include "control.h"

#include <inttypes.h>

static void add_str(ea_buf *b, const char *name, const char *value)
{
    if (ea_zstr_empty(value))
        return;
    ea_buf_addf(b, ",\"%s\":", name);
    ea_buf_add_json_str(b, ea_str_of(value));
}

static void add_num(ea_buf *b, const char *name, int64_t value)
{
    if (value)
        ea_buf_addf(b, ",\"%s\":%" PRId64, name, value);
}

static void add_ports(ea_buf *b, const struct ea_container *c)
{
    ea_buf_adds(b, ",\"ports\":[");
    for (size_t i = 0; i < c->bindings.n; i++) {
        const struct ea_binding *p = &c->bindings.v[i];
        ea_buf_addf(b, "%s{\"containerPort\":%" PRId64 ",\"hostPort\":%" PRId64, i ? "," : "",
                    p->container_port, p->host_port);
        add_str(b, "protocol", p->protocol);
        add_str(b, "bindIp", p->bind_ip);
        ea_buf_addc(b, '}');
    }
    for (size_t i = 0; i < c->ports.n && !c->bindings.n; i++) {
        const struct ea_port_mapping *p = &c->ports.v[i];
        ea_buf_addf(
            b, "%s{\"containerPort\":%" PRId64 ",\"hostPort\":%" PRId64 ",\"protocol\":\"%s\"}",
            i ? "," : "", p->container_port, p->host_port ? p->host_port : p->assigned_host_port,
            p->protocol ? p->protocol : "tcp");
    }
    ea_buf_addc(b, ']');
}

static void add_reason(ea_buf *b, const struct ea_container *c)
{
    if (!c->error_name && !c->error_text)
        return;
    ea_buf_adds(b, ",\"reason\":");
    EA_BUF_AUTO text = EA_BUF(8192);
    ea_buf_addf(&text, "%s: %s", c->error_name ? c->error_name : "UnknownError",
                c->error_text ? c->error_text : "");
    ea_buf_add_json_str(b, ea_buf_str(&text));
}

static void add_usage(ea_buf *b, const struct ea_serve_source *source, const struct ea_container *c)
{
    double cpu_percent;
    int64_t memory_mib;

    if (!source->usage || !c->docker_id ||
        !source->usage(source->ctx, c->docker_id, &cpu_percent, &memory_mib))
        return;
    if (cpu_percent >= 0)
        ea_buf_addf(b, ",\"cpuPercent\":%.2f", cpu_percent);
    ea_buf_addf(b, ",\"memoryUsedMib\":%" PRId64, memory_mib);
}

static void add_activity(ea_buf *b, const struct ea_serve_source *source, const struct ea_task *t,
                         const struct ea_container *c)
{
    EA_BUF_AUTO text = EA_BUF(1024);

    if (c->known < EA_C_PULLED && source->pulling &&
        source->pulling(source->ctx, t->arn, c->name, &text))
        add_str(b, "activity", ea_buf_z(&text));
}

static void add_container(ea_buf *b, const struct ea_serve_source *source, const struct ea_task *t,
                          const struct ea_container *c)
{
    const char *known = ea_cstate_wire(c->known), *desired = ea_cstate_wire(c->desired);

    ea_buf_adds(b, "{\"name\":");
    ea_buf_add_json_str(b, ea_str_of(c->name));
    add_str(b, "dockerId", c->docker_id);
    add_str(b, "dockerName", c->docker_id ? c->docker_name : NULL);
    add_str(b, "image", c->image);
    add_str(b, "imageId", c->image_id);
    add_str(b, "knownStatus", known ? known : "PENDING");
    add_str(b, "desiredStatus", desired ? desired : "PENDING");
    if (ea_container_has_health_check(c))
        add_str(b, "health", ea_health_name(c->health.status));
    add_reason(b, c);
    add_activity(b, source, t, c);
    ea_buf_addf(b, ",\"essential\":%s", c->essential ? "true" : "false");
    if (c->exit_code.has)
        ea_buf_addf(b, ",\"exitCode\":%" PRId64, c->exit_code.v);
    add_num(b, "cpu", c->cpu);
    add_num(b, "memory", c->memory_mib);
    add_usage(b, source, c);
    add_num(b, "createdAt", c->created_ms);
    add_num(b, "startedAt", c->started_ms);
    add_num(b, "finishedAt", c->finished_ms);
    add_ports(b, c);
    ea_buf_addc(b, '}');
}

/* Start and end of the task as its containers tell them. */
static void add_task_times(ea_buf *b, const struct ea_task *t)
{
    int64_t started = 0, created = 0;

    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];
        if (c->created_ms && (!created || c->created_ms < created))
            created = c->created_ms;
        if (c->started_ms > started)
            started = c->started_ms;
    }
    add_num(b, "createdAt", created);
    add_num(b, "pullStartedAt", t->pull_started_ms);
    add_num(b, "pullStoppedAt", t->pull_stopped_ms);
    if (t->was_running)
        add_num(b, "startedAt", started);
    if (t->known == EA_T_STOPPED)
        add_num(b, "stoppedAt", t->known_since_ms);
}

static void add_task(ea_buf *b, const struct ea_serve_source *source, const struct ea_task *t)
{
    const struct ea_creds *role = ea_model_creds(source->model, t->credentials_id);
    const char *desired = ea_tstate_wire(t->desired);

    ea_buf_adds(b, "{\"arn\":");
    ea_buf_add_json_str(b, ea_str_of(t->arn));
    add_str(b, "family", t->family);
    add_str(b, "revision", t->version);
    add_str(b, "knownStatus", ea_tstate_wire(t->known) ? ea_tstate_wire(t->known) : "PENDING");
    add_str(b, "desiredStatus", desired ? desired : "PENDING");
    add_str(b, "networkMode", t->network_mode);
    add_str(b, "roleArn", role ? role->role_arn : NULL);
    add_str(b, "stoppedReason", t->reason);
    add_task_times(b, t);
    ea_buf_adds(b, ",\"containers\":[");
    for (size_t i = 0; i < t->containers.n; i++) {
        if (i)
            ea_buf_addc(b, ',');
        add_container(b, source, t, &t->containers.v[i]);
    }
    ea_buf_adds(b, "]}");
}

void ea_view_tasks(const struct ea_serve_source *source, ea_buf *out)
{
    bool first = true;

    ea_buf_adds(out, "{\"tasks\":[");
    EA_LIST_EACH(&source->model->tasks, node)
    {
        if (!first)
            ea_buf_addc(out, ',');
        add_task(out, source, EA_OWNER(node, struct ea_task, node));
        first = false;
    }
    ea_buf_adds(out, "]}");
}
