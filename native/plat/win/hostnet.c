#include "../hostnet.h"

#include "../plat.h"
#include "adapters.h"
#include "compartments.h"
#include "firewall.h"
#include "ghosts.h"
#include "hns.h"
#include "port_hold.h"
#include "port_proxy.h"

#include <stdio.h>
#include <string.h>

enum {
    BUILD_2019 = 17763 /* from here on containers reach any address of the gateway's adapter */
};

static IN_ADDR task_ip(void)
{
    IN_ADDR ip = { 0 };

    (void)inet_pton(AF_INET, EA_TASK_ADDRESS, &ip); /* our own constant */
    return ip;
}

static long build(void)
{
    char version[32] = "";
    const char *dot;

    ea_plat_os_version(version, sizeof(version)); /* "10.0.20348" */
    dot = strrchr(version, '.');
    return dot ? strtol(dot + 1, NULL, 10) : 0;
}

/* ---- looks and acts ---- */

static void look_at_ports(void *ctx, struct ea_host_port out[EA_HOST_PORTS_MAX])
{
    static const struct ea_host_port ports[EA_HOST_PORTS_MAX] = {
        { .port = EA_INTROSPECT_PORT, .wanted = true },
        { .port = EA_CREDS_PORT, .wanted = true },
        /* Only looked at: a container may publish port 80 of the host's other addresses. */
        { .port = 80 },
    };

    (void)ctx;
    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        out[i] = ports[i];
        ea_port_look(&out[i]);
    }
}

static void observe(void *ctx, struct ea_host_facts *out)
{
    struct ea_nat_adapter adapter = { 0 };
    NET_LUID on;

    *out = (struct ea_host_facts){ 0 };
    if (ea_nat_adapter_find(&adapter, out->no_adapter)) {
        out->adapter = adapter.luid.Value;
        memcpy(out->adapter_name, adapter.name, sizeof(adapter.name));
        out->route = ea_route_look(&adapter);
        out->unrouted = ea_compartments_unrouted(ea_compartments_system(), &adapter, task_ip());
    }
    out->ghosts = ea_nat_adapter_ghosts();
    out->address = ea_address_look(task_ip(), &on);
    out->address_on = on.Value;
    look_at_ports(ctx, out->ports);
    out->proxy_rule = ea_port_proxy_look();
    out->firewall = ea_firewall_look();
    ea_port_owner(80, out->port_owner);
}

static ea_code route_add(bool inside, ea_err *err)
{
    struct ea_nat_adapter adapter;
    char why[200];

    if (!ea_nat_adapter_find(&adapter, why))
        return ea_fail(err, EA_NOT_FOUND, "%s", why);
    return inside ? ea_compartments_route(ea_compartments_system(), &adapter, task_ip(), err)
                  : ea_route_add(&adapter, err);
}

static ea_code act(void *ctx, ea_host_act what, uint64_t number, ea_err *err)
{
    const NET_LUID luid = { .Value = number };
    unsigned n;

    (void)ctx;
    switch (what) {
    case EA_HOST_ADDRESS_ADD:
        return ea_address_add(task_ip(), &luid, err);
    case EA_HOST_ADDRESS_REMOVE:
        return ea_address_remove(task_ip(), err);
    case EA_HOST_PORT_RESERVE:
        return ea_port_reserve((uint16_t)number, err);
    case EA_HOST_PROXY_ADD:
        return ea_port_proxy_add(err);
    case EA_HOST_PROXY_REMOVE:
        return ea_port_proxy_remove(err);
    case EA_HOST_FIREWALL_ADD:
        return ea_firewall_add(err);
    case EA_HOST_ROUTE_ADD:
        return route_add(false, err);
    case EA_HOST_INSIDE_ADD:
        return route_add(true, err);
    case EA_HOST_GHOSTS_REMOVE:
        return ea_ghosts_remove(&n, err);
    case EA_HOST_REST:
    case EA_HOST_LISTEN:
    case EA_HOST_UNLISTEN:
    case EA_HOST_PROVE:
    case EA_HOST_ACT_COUNT:
        break;
    }
    return ea_fail(err, EA_INVALID, "this step is the agent's own");
}

const struct ea_host_ops *ea_plat_host_ops(void)
{
    static struct ea_host_ops ops = { .observe = observe, .ports = look_at_ports, .act = act };

    ops.needs = EA_HOST_ADAPTER | EA_HOST_PORTS | EA_HOST_PROXY | EA_HOST_FIREWALL | EA_HOST_INSIDE;
    if (build() < BUILD_2019)
        ops.needs |= EA_HOST_ROUTE;
    return &ops;
}

/* Each is tried; the first failure is told. */
ea_code ea_plat_host_undo(ea_err *err)
{
    static const uint16_t ports[] = { EA_INTROSPECT_PORT, EA_CREDS_PORT };
    ea_err first = { 0 }, next = { 0 };

    if (ea_port_proxy_remove(&next))
        first = next;
    if (ea_firewall_remove(&next) && !first.code)
        first = next;
    for (size_t i = 0; i < EA_COUNT(ports); i++) {
        if (ea_port_unreserve(ports[i], &next) && !first.code)
            first = next;
    }
    if (ea_address_remove(task_ip(), &next) && !first.code)
        first = next;
    if (!first.code)
        return EA_OK;
    *err = first;
    return err->code;
}

/* ---- notifications ---- */

static struct {
    void (*fn)(void *arg);
    void *arg;
    HANDLE address, route;
    void *hns;
} watch;

static void WINAPI address_changed(void *ctx, PMIB_UNICASTIPADDRESS_ROW row,
                                   MIB_NOTIFICATION_TYPE type)
{
    (void)ctx;
    (void)row;
    (void)type;
    watch.fn(watch.arg);
}

static void WINAPI route_changed(void *ctx, PMIB_IPFORWARD_ROW2 row, MIB_NOTIFICATION_TYPE type)
{
    (void)ctx;
    (void)row;
    (void)type;
    watch.fn(watch.arg);
}

static void hns_changed(void *ctx)
{
    (void)ctx;
    watch.fn(watch.arg);
}

void ea_plat_host_watch(void (*fn)(void *arg), void *arg)
{
    watch.fn = fn;
    watch.arg = arg;
    /* Without them the look every half minute is left. */
    (void)NotifyUnicastIpAddressChange(AF_INET, address_changed, NULL, FALSE, &watch.address);
    (void)NotifyRouteChange2(AF_INET, route_changed, NULL, FALSE, &watch.route);
    watch.hns = ea_hns_watch(hns_changed, NULL);
}

void ea_plat_host_unwatch(void)
{
    NETIO_STATUS(NETIOAPI_API_ * cancel)(HANDLE handle) = NULL;
    HMODULE library = GetModuleHandleW(L"iphlpapi.dll"); /* imported above */
    FARPROC address = library ? GetProcAddress(library, "CancelMibChangeNotify2") : NULL;

    memcpy(&cancel, &address, sizeof(address));
    if (watch.address && cancel)
        (void)cancel(watch.address); /* waits for a call under way */
    if (watch.route && cancel)
        (void)cancel(watch.route); /* likewise */
    ea_hns_unwatch(watch.hns);
    memset(&watch, 0, sizeof(watch));
}
