#include "host_ports.h"

#include "../base/alloc.h"
#include "../base/str.h"
#include "../plat/plat.h"
#include "../report/state_change.h"

/* Container ports of a mapping whose host ports the agent chooses; 0: it chooses none. */
static int64_t wanted(const struct ea_port_mapping *p)
{
    ea_str first, last = ea_str_cut(ea_str_of(p->container_port_range), '-', &first);
    uint64_t a = 0, b = 0;
    ea_err err = { 0 };

    if (ea_zstr_empty(p->container_port_range))
        return p->container_port > 0 && p->host_port == 0 ? 1 : 0;
    if (ea_str_to_u64(first, 1, 65535, &a, &err) || ea_str_to_u64(last, a, 65535, &b, &err))
        return 0; /* it was checked when it was read */
    return (int64_t)(b - a) + 1;
}

static bool is_range(const struct ea_port_mapping *p)
{
    return !ea_zstr_empty(p->container_port_range);
}

static bool assigned(const struct ea_port_mapping *p)
{
    return is_range(p) ? !ea_zstr_empty(p->assigned_range) : p->assigned_host_port != 0;
}

bool ea_ports_lacking(const struct ea_container *c, ea_err *err)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct ea_port_mapping *p = &c->ports.v[i];
        int64_t count = wanted(p);

        if (count == 0 || assigned(p))
            continue;
        if (is_range(p))
            (void)ea_fail(err, EA_REFUSED, "%lld contiguous host ports are unavailable",
                          (long long)count);
        else
            (void)ea_fail(err, EA_REFUSED, "a host port is unavailable");
        return true;
    }
    return false;
}

static bool is_free(const ea_agent *ag, bool udp, int64_t port)
{
    return !ea_engine_port_taken(&ag->model, udp ? "udp" : "tcp", port) &&
           ea_plat_port_free((uint16_t)port, udp);
}

bool ea_ports_untold(const struct ea_container *c, ea_err *err)
{
    size_t told = 0;
    bool any_range = false;

    for (size_t i = 0; i < c->ports.n; i++) { /* a range is one binding, as a single port is */
        any_range = any_range || is_range(&c->ports.v[i]);
        told += is_range(&c->ports.v[i]) || c->ports.v[i].container_port > 0;
    }
    if (!any_range || told <= EA_BINDINGS_MAX)
        return false;
    (void)ea_fail(err, EA_REFUSED,
                  "%zu network bindings, more than the maximum of %d that is supported with a "
                  "container port range",
                  told, EA_BINDINGS_MAX);
    return true;
}

/* The first of `count` free ports in a row, 0 when there are none. Starts behind the port given last,
 * so that a port just freed is not given again at once. `anywhere`: the last pick was taken, and those
 * next to it may well have the same owner. */
static int64_t pick(ea_agent *ag, const char *protocol, int64_t count, bool anywhere)
{
    int64_t first = ag->model.settings.port_first, last = ag->model.settings.port_last;
    int64_t at = ag->last_port >= first && ag->last_port < last ? ag->last_port + 1 : first;
    bool udp = ea_zstr_eq(protocol, "udp");
    int64_t row = 0;

    if (anywhere)
        at = first + (int64_t)ea_rng_below(&ag->model.rng, (uint64_t)(last - first) + 1);
    for (int64_t looked = 0; looked < last - first + count; looked++, at++) {
        if (at > last) { /* a row does not reach around the end */
            at = first;
            row = 0;
        }
        row = is_free(ag, udp, at) ? row + 1 : 0;
        if (row < count)
            continue;
        ag->last_port = at;
        return at - count + 1;
    }
    return 0;
}

static void assign(ea_agent *ag, struct ea_task *t, struct ea_container *c)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct ea_port_mapping *p = &c->ports.v[i];
        int64_t count = wanted(p);

        if (count == 0 || assigned(p))
            continue;
        int64_t port = pick(ag, p->protocol, count, c->port_tries > 0);
        if (port == 0)
            continue;
        if (is_range(p))
            p->assigned_range =
                ea_sprintf_dup("%lld-%lld", (long long)port, (long long)(port + count - 1));
        else
            p->assigned_host_port = port;
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
