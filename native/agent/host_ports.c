#include "host_ports.h"

#include "../plat/plat.h"

static bool wants_port(const struct ea_port_mapping *p)
{
    return p->container_port > 0 && p->host_port == 0;
}

const struct ea_port_mapping *ea_port_unassigned(const struct ea_container *c)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        if (wants_port(&c->ports.v[i]) && c->ports.v[i].assigned_host_port == 0)
            return &c->ports.v[i];
    }
    return NULL;
}

/* Starts behind the port given last, so that a port just freed is not given again at once. */
static int64_t pick(ea_agent *ag, const char *protocol)
{
    int64_t last = ag->last_port;
    int64_t first = ag->model.settings.port_first;
    int64_t count = ag->model.settings.port_last - first + 1;
    bool udp = ea_zstr_eq(protocol, "udp");

    for (int64_t i = 0; i < count; i++) {
        int64_t port = first + (last < first ? i : (last - first + 1 + i) % count);
        if (ea_engine_port_taken(&ag->model, udp ? "udp" : "tcp", port) ||
            !ea_plat_port_free((uint16_t)port, udp))
            continue;
        ag->last_port = port;
        return port;
    }
    return 0;
}

static void assign(ea_agent *ag, struct ea_task *t, struct ea_container *c)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct ea_port_mapping *p = &c->ports.v[i];
        if (!wants_port(p) || p->assigned_host_port)
            continue;
        p->assigned_host_port = pick(ag, p->protocol);
        t->dirty = true;
    }
}

void ea_assign_ports(ea_agent *ag, const struct ea_effects *effects)
{
    for (size_t i = 0; i < effects->n; i++) {
        const struct ea_effect *fx = &effects->v[i];
        struct ea_task *t;

        if (fx->kind != EA_FX_CREATE)
            continue;
        t = ea_model_task(&ag->model, fx->task->arn);
        if (t && t == fx->task)
            assign(ag, t, ea_task_container(t, fx->container->name));
    }
}
