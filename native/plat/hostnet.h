/* hostnet.h - what the host must offer so that containers reach the task endpoint, as facts that can be
 * looked at and single acts that change one of them. One table of functions a system: plat/unix and
 * plat/win have theirs, tests a scripted one.
 * Thread: any one at a time; calls may take seconds (a service of the system that restarts): never on the
 * loop. Knows: what this system needs. Does not know: what to do next (agent/host_loop.c), listeners,
 * containers. Source: endpoints-and-windows.md sections 4.2-4.7, task-engine.md section 7.8. */
#ifndef EA_PLAT_HOSTNET_H
#define EA_PLAT_HOSTNET_H

#include "../base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define EA_TASK_ADDRESS    "169.254.170.2"
#define EA_INTROSPECT_PORT 51678
#define EA_CREDS_PORT      51679

/* What this system needs beside the address and the listener. */
enum {
    EA_HOST_ADAPTER = 1,  /* the address goes on an adapter that Docker's network brings along */
    EA_HOST_PORTS = 2,    /* a NAT takes blocks of ports for itself: ours are reserved */
    EA_HOST_PROXY = 4,    /* there is a proxy of the system for an endpoint that cannot be bound */
    EA_HOST_FIREWALL = 8, /* connections of containers must be allowed */
    EA_HOST_ROUTE = 16,   /* the containers' subnet needs a route on the adapter (Server 2016) */
    EA_HOST_INSIDE = 32   /* each container needs a route of its own */
};

typedef enum ea_address_state {
    EA_ADDRESS_ABSENT,
    EA_ADDRESS_TENTATIVE, /* added, and duplicate detection is not over */
    EA_ADDRESS_DUPLICATE, /* another host of that network answered for it */
    EA_ADDRESS_USABLE
} ea_address_state;

typedef enum ea_fact {
    EA_FACT_UNKNOWN, /* cannot be asked: the service behind it does not run */
    EA_FACT_NO,
    EA_FACT_YES
} ea_fact;

enum {
    EA_HOST_PORTS_MAX = 3
};
struct ea_host_port {
    uint16_t port;
    bool wanted;          /* it shall be reserved; else only looked at */
    bool reserved;        /* for us, over restarts */
    uint16_t first, last; /* range of somebody else that it lies in; 0, 0: none */
};

struct ea_host_facts { /* plain data */
    uint64_t adapter;  /* the one the address belongs on; 0: none now */
    char adapter_name[128];
    char no_adapter[200]; /* why there is none */
    unsigned ghosts;      /* adapters of earlier networks that are still registered */
    ea_address_state address;
    uint64_t address_on; /* adapter; 0: nowhere */
    struct ea_host_port ports[EA_HOST_PORTS_MAX];
    bool proxy_rule;  /* the system's proxy is told to serve the address */
    ea_fact firewall; /* a rule lets containers in */
    ea_fact route;
    unsigned unrouted;    /* containers without a route of their own */
    char port_owner[200]; /* who holds port 80 of all addresses; "" nobody that can be seen */
};

typedef enum ea_host_act {
    EA_HOST_REST,           /* nothing to do before the next look */
    EA_HOST_ADDRESS_ADD,    /* number: adapter */
    EA_HOST_ADDRESS_REMOVE, /* number: adapter it is on */
    EA_HOST_PORT_RESERVE,   /* number: port */
    EA_HOST_PROXY_ADD,
    EA_HOST_PROXY_REMOVE,
    EA_HOST_FIREWALL_ADD,
    EA_HOST_ROUTE_ADD,     /* number: adapter */
    EA_HOST_INSIDE_ADD,    /* to every container that lacks it */
    EA_HOST_GHOSTS_REMOVE, /* only when somebody asked for a repair */
    /* the agent's own: */
    EA_HOST_LISTEN,
    EA_HOST_UNLISTEN,
    EA_HOST_PROVE,
    EA_HOST_ACT_COUNT
} ea_host_act;

struct ea_host_ops {
    void *ctx;
    unsigned needs; /* EA_HOST_... */
    void (*observe)(void *ctx, struct ea_host_facts *out);
    /* Of these facts the ports alone; with EA_HOST_PORTS, else NULL. */
    void (*ports)(void *ctx, struct ea_host_port out[EA_HOST_PORTS_MAX]);
    /* Idempotent; a success may still need time to show. Never one of the agent's own. */
    ea_code (*act)(void *ctx, ea_host_act act, uint64_t number, ea_err *err);
};
const struct ea_host_ops *ea_plat_host_ops(void); /* static */

/* Takes away all that the acts above made and that outlives the agent. What is absent is fine. */
ea_code ea_plat_host_undo(ea_err *err) EA_CHECK;

/* Calls fn(arg) on any thread, where only posting to a loop is allowed, whenever an address, a route or a
 * container network changed; and never again once ea_plat_host_unwatch() has returned. One at a time. A
 * system that cannot tell never calls. */
void ea_plat_host_watch(void (*fn)(void *arg), void *arg);
void ea_plat_host_unwatch(void);

/* For a TCP socket (of the system's kind) that is about to be bound to `port`: nobody else may bind the same,
 * and a reservation of ours is used. */
void ea_plat_own_port(intptr_t socket, uint16_t port);

#endif
