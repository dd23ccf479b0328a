#include "fake_host.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUND_MAX = 50 /* acts without a rest */
};

static const char *const act_names[EA_HOST_ACT_COUNT] = {
    [EA_HOST_REST] = "rest",
    [EA_HOST_ADDRESS_ADD] = "add",
    [EA_HOST_ADDRESS_REMOVE] = "remove",
    [EA_HOST_PORT_RESERVE] = "reserve",
    [EA_HOST_PROXY_ADD] = "proxy",
    [EA_HOST_PROXY_REMOVE] = "unproxy",
    [EA_HOST_FIREWALL_ADD] = "allow",
    [EA_HOST_ROUTE_ADD] = "route",
    [EA_HOST_INSIDE_ADD] = "inside",
    [EA_HOST_GHOSTS_REMOVE] = "exorcise",
    [EA_HOST_LISTEN] = "listen",
    [EA_HOST_UNLISTEN] = "unlisten",
    [EA_HOST_PROVE] = "prove",
};

static void note(struct fake_host *f, ea_host_act act, bool good)
{
    size_t n = strlen(f->trace);

    f->acts++;
    (void)snprintf(f->trace + n, sizeof(f->trace) - n, " %s%s", act_names[act], good ? "" : "!");
}

static ea_address_state state_of(const struct fake_host *f)
{
    if (!f->address_on)
        return EA_ADDRESS_ABSENT;
    if (f->now_ms < f->usable_ms)
        return EA_ADDRESS_TENTATIVE;
    return f->duplicate ? EA_ADDRESS_DUPLICATE : EA_ADDRESS_USABLE;
}

static void look_at_ports(void *ctx, struct ea_host_port out[EA_HOST_PORTS_MAX])
{
    const struct fake_host *f = ctx;

    memcpy(out, f->ports, sizeof(f->ports));
}

static void observe(void *ctx, struct ea_host_facts *out)
{
    struct fake_host *f = ctx;

    *out = (struct ea_host_facts){
        .adapter = f->hns_up ? f->network : 0,
        .ghosts = f->ghosts,
        .address = state_of(f),
        .address_on = f->address_on,
        .proxy_rule = f->proxy_rule,
        .firewall = f->firewall,
        .route = f->route,
        .unrouted = f->unrouted,
    };
    memcpy(out->ports, f->ports, sizeof(out->ports));
    if (!f->hns_up)
        (void)snprintf(out->no_adapter, sizeof(out->no_adapter), "HNS does not answer");
    else if (!f->network)
        (void)snprintf(out->no_adapter, sizeof(out->no_adapter), "no NAT network");
    if (f->port80 == HTTP_SYS)
        (void)snprintf(out->port_owner, sizeof(out->port_owner), "http.sys serves port 80");
    else if (f->port80 == OTHER_PROGRAM)
        (void)snprintf(out->port_owner, sizeof(out->port_owner), "process 4711 listens there");
}

static ea_code refuse(ea_err *err)
{
    return ea_fail(err, EA_DENIED, "needs the rights of an administrator");
}

static ea_code address_add(struct fake_host *f, uint64_t adapter, ea_err *err)
{
    if ((f->ops.needs & EA_HOST_ADAPTER) && adapter != f->network)
        return ea_fail(err, EA_NOT_FOUND, "no such adapter");
    f->address_on = adapter ? adapter : 1;
    f->usable_ms = f->now_ms + f->dad_ms;
    f->made++;
    return EA_OK;
}

static ea_code proxy_add(struct fake_host *f, ea_err *err)
{
    if (f->proxy_denied)
        return ea_fail(err, EA_IO, "iphlpsvc does not run");
    f->proxy_rule = true;
    /* It listens on what is there when it is told (endpoints-and-windows.md section 4.2, step 4). */
    f->proxy_made =
        state_of(f) == EA_ADDRESS_USABLE && f->port80 != OTHER_PROGRAM && !f->listener_made
            ? f->made
            : 0;
    return EA_OK;
}

static ea_code reserve(struct fake_host *f, uint64_t port, ea_err *err)
{
    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        if (f->ports[i].port != port)
            continue;
        if (f->ports[i].first)
            return ea_fail(err, EA_CONFLICT, "port %u is excluded", (unsigned)port);
        f->ports[i].reserved = true;
    }
    return EA_OK;
}

static ea_code change(struct fake_host *f, ea_host_act act, uint64_t number, ea_err *err)
{
    if (f->denied)
        return refuse(err);
    switch (act) {
    case EA_HOST_ADDRESS_ADD:
        return address_add(f, number, err);
    case EA_HOST_ADDRESS_REMOVE:
        fake_host_address_gone(f);
        return EA_OK;
    case EA_HOST_PORT_RESERVE:
        return reserve(f, number, err);
    case EA_HOST_PROXY_ADD:
        return proxy_add(f, err);
    case EA_HOST_PROXY_REMOVE:
        f->proxy_rule = false;
        f->proxy_made = 0;
        return EA_OK;
    case EA_HOST_FIREWALL_ADD:
        if (f->firewall_denied)
            return refuse(err);
        f->firewall = EA_FACT_YES;
        return EA_OK;
    case EA_HOST_ROUTE_ADD:
        f->route = EA_FACT_YES;
        return EA_OK;
    case EA_HOST_INSIDE_ADD:
        f->unrouted = 0;
        return EA_OK;
    case EA_HOST_GHOSTS_REMOVE:
        f->ghosts = 0;
        return EA_OK;
    case EA_HOST_REST:
    case EA_HOST_LISTEN:
    case EA_HOST_UNLISTEN:
    case EA_HOST_PROVE:
    case EA_HOST_ACT_COUNT:
        break;
    }
    return ea_fail(err, EA_INVALID, "%s is the agent's own", act_names[act]);
}

static ea_code act_on(void *ctx, ea_host_act act, uint64_t number, ea_err *err)
{
    return change(ctx, act, number, err);
}

/* ---- the agent's own acts ---- */

static ea_code bind_listener(struct fake_host *f, ea_err *err)
{
    if (state_of(f) != EA_ADDRESS_USABLE)
        return ea_fail(err, EA_NOT_FOUND, "the address is not on this machine");
    if (f->port80 == OTHER_PROGRAM || f->proxy_made == f->made)
        return ea_fail(err, EA_CONFLICT, "address in use");
    if (f->port80 == HTTP_SYS)
        return ea_fail(err, EA_DENIED, "access denied");
    f->listener_made = f->made;
    return EA_OK;
}

bool fake_host_serves(const struct fake_host *f)
{
    return state_of(f) == EA_ADDRESS_USABLE &&
           (f->listener_made == f->made || f->proxy_made == f->made);
}

static ea_code own(struct fake_host *f, ea_host_act act, ea_err *err)
{
    if (act == EA_HOST_LISTEN)
        return bind_listener(f, err);
    if (act == EA_HOST_UNLISTEN) {
        f->listener_made = 0;
        return EA_OK;
    }
    if (fake_host_serves(f))
        return EA_OK;
    return ea_fail(err, EA_UNREACHABLE, "no answer");
}

int64_t fake_host_round(struct fake_host *f, struct ea_hostloop *h)
{
    for (int i = 0; i < ROUND_MAX; i++) {
        struct ea_host_facts facts;
        struct ea_host_step step;
        ea_err err = { 0 };

        observe(f, &facts);
        step = ea_host_next(h, &facts, f->now_ms);
        if (step.act == EA_HOST_REST)
            return step.wake_ms;
        if (step.act == EA_HOST_LISTEN || step.act == EA_HOST_UNLISTEN || step.act == EA_HOST_PROVE)
            (void)own(f, step.act, &err); /* told by err */
        else
            (void)f->ops.act(f, step.act, step.number, &err); /* told by err */
        note(f, step.act, err.code == EA_OK);
        ea_host_result(h, step.act, err.code ? &err : NULL, f->now_ms);
    }
    return f->now_ms; /* it does not come to rest */
}

void fake_host_run(struct fake_host *f, struct ea_hostloop *h, int64_t until_ms)
{
    for (;;) {
        int64_t wake_ms = fake_host_round(f, h);

        if (wake_ms > until_ms)
            break;
        f->now_ms = wake_ms;
    }
    f->now_ms = until_ms;
}

/* ---- what happens to it ---- */

void fake_host_init(struct fake_host *f, unsigned needs)
{
    *f = (struct fake_host){ .hns_up = true, .dad_ms = 0, .firewall = EA_FACT_NO };
    f->ops = (struct ea_host_ops){
        .ctx = f, .needs = needs, .observe = observe, .ports = look_at_ports, .act = act_on
    };
    f->route = needs & EA_HOST_ROUTE ? EA_FACT_NO : EA_FACT_UNKNOWN;
    if (needs & EA_HOST_PORTS) {
        f->ports[0] = (struct ea_host_port){ .port = EA_INTROSPECT_PORT, .wanted = true };
        f->ports[1] = (struct ea_host_port){ .port = EA_CREDS_PORT, .wanted = true };
        f->ports[2] = (struct ea_host_port){ .port = 80 };
    }
}

void fake_host_address_gone(struct fake_host *f)
{
    f->address_on = 0;
    f->duplicate = false;
}

void fake_host_network_gone(struct fake_host *f)
{
    if (f->address_on == f->network)
        fake_host_address_gone(f);
    f->network = 0;
    if (f->ops.needs & EA_HOST_ROUTE)
        f->route = EA_FACT_NO;
}

void fake_host_network(struct fake_host *f, uint64_t adapter)
{
    fake_host_network_gone(f);
    f->network = adapter;
}
