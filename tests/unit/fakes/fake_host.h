/* fake_host.h - a Windows or Linux host as the set-up loop sees it: plain data that a script or a simulated
 * world changes at will, behind the table of plat/hostnet.h. Time is told to it. Pure. */
#ifndef EA_FAKES_FAKE_HOST_H
#define EA_FAKES_FAKE_HOST_H

#include "agent/host_loop.h"

enum holder { /* of port 80 */
    NOBODY,
    OTHER_PROGRAM, /* on the task address itself: nobody else can have it */
    HTTP_SYS       /* on all addresses: a program is refused, the system's proxy is not */
};

struct fake_host {
    int64_t now_ms;
    /* the world */
    bool hns_up;
    uint64_t network; /* adapter of the containers' network; 0: not made yet */
    unsigned ghosts;
    uint64_t address_on; /* 0: nowhere */
    bool duplicate;      /* another host has the address */
    int64_t usable_ms;   /* when it becomes so */
    int64_t dad_ms;      /* how long that takes */
    unsigned made;       /* how often the address was added: a listener belongs to one of them */
    enum holder port80;
    bool proxy_rule;
    unsigned proxy_made; /* `made` when the proxy began to listen; 0: it does not */
    bool proxy_denied;   /* its service is disabled */
    ea_fact firewall, route;
    unsigned unrouted; /* containers that lack their route */
    bool firewall_denied;
    struct ea_host_port ports[EA_HOST_PORTS_MAX];
    bool denied; /* no rights */
    /* the agent's side */
    unsigned listener_made; /* `made` when it was bound; 0: not bound */
    /* what was done */
    char trace[2000]; /* names of the acts, a blank before each; '!' behind one that failed */
    unsigned acts;
    struct ea_host_ops ops;
};

/* `needs` as in hostnet.h. A Windows host has all its services and no network yet. */
void fake_host_init(struct fake_host *f, unsigned needs);
/* Docker's network is made anew: another adapter, addresses on the old one gone with it. */
void fake_host_network(struct fake_host *f, uint64_t adapter);
void fake_host_network_gone(struct fake_host *f);
void fake_host_address_gone(struct fake_host *f);
/* Containers reach the endpoint. */
bool fake_host_serves(const struct fake_host *f);
/* The loop on this host from f->now_ms until `until_ms`; as the agent drives it, without notifications. */
void fake_host_run(struct fake_host *f, struct ea_hostloop *h, int64_t until_ms);
/* One look and all that follows until the loop rests; the time to wake, which is now when it never does. */
int64_t fake_host_round(struct fake_host *f, struct ea_hostloop *h);

#endif
