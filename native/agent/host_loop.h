/* host_loop.h - keeps the host fit for task credentials: from facts, results and time, the one thing to do
 * next. Pure: no clock, no I/O, no globals. It never gives up; each condition says since when it is not met,
 * the last error and the next try.
 * Thread: that of the owner. Knows: order of the steps, pauses between tries, when the proxy of the system is
 * used instead of a listener. Does not know: how a system does any of it (plat/hostnet.h).
 * Source: design 5; endpoints-and-windows.md sections 4.2-4.7.
 *
 *   for (;;) { look at the facts; step = ea_host_next(&h, &facts, now);
 *              if (step.act == EA_HOST_REST) { wait until step.wake_ms or a notification; continue; }
 *              do it; ea_host_result(&h, step.act, err, now); } */
#ifndef EA_AGENT_HOST_LOOP_H
#define EA_AGENT_HOST_LOOP_H

#include "../plat/hostnet.h"

typedef enum ea_host_cond { /* in the order in which they depend on each other */
    EA_HOST_COND_ADAPTER,   /* adapter of the containers' network */
    EA_HOST_COND_ADDRESS,   /* on it and usable */
    EA_HOST_COND_ROUTE,     /* to the containers' subnet */
    EA_HOST_COND_LISTENER,  /* port 80 of the address is served */
    EA_HOST_COND_PROOF,     /* a GET through it was answered by us */
    /* Told, and nothing waits for them: */
    EA_HOST_COND_PORTS,    /* kept from the system's NAT */
    EA_HOST_COND_FIREWALL, /* lets containers in */
    EA_HOST_COND_INSIDE,   /* each container has its route */
    EA_HOST_COND_COUNT
} ea_host_cond;

struct ea_host_wait { /* one condition */
    bool met;         /* or not needed on this system */
    int64_t since_ms; /* of the present state */
    int64_t next_ms;  /* next try; 0: as soon as what it depends on is met */
    unsigned tries;   /* that failed */
    char error[400];  /* "" before the first try */
};

struct ea_host_try { /* pause of one kind of act */
    unsigned done;   /* without its aim being reached */
    int64_t next_ms; /* not before */
};

struct ea_hostloop { /* plain data; ea_host_init() makes it */
    unsigned needs;
    struct ea_host_wait waits[EA_HOST_COND_COUNT];
    struct ea_host_try tries[EA_HOST_ACT_COUNT];
    bool settled;   /* the first round has an outcome */
    bool proven;    /* containers are served; survives a break of a moment */
    bool listening; /* ours is bound */
    bool by_proxy;  /* the system's proxy serves instead of it */
    bool repair;    /* asked for */
    bool proof_good;
    bool relisten;          /* the address came anew after the listener was bound */
    int64_t proof_due_ms;   /* next proof, while the last one was good */
    int64_t broken_ms;      /* since when it is not proven although it was; 0: it is */
    int64_t tentative_ms;   /* since when the address is; 0: it is not */
    uint64_t address_on;    /* of the last look; 0: nowhere */
    unsigned listen_failed; /* in a row, for a port that somebody else has */
    unsigned proof_failed;  /* in a row */
    char port_owner[200];   /* of the last look */
};

struct ea_host_step {
    ea_host_act act;
    uint64_t number;
    int64_t wake_ms; /* with EA_HOST_REST: look again then, unless something tells earlier */
};

void ea_host_init(struct ea_hostloop *h, unsigned needs, int64_t now_ms);
struct ea_host_step ea_host_next(struct ea_hostloop *h, const struct ea_host_facts *f,
                                 int64_t now_ms);
/* `err` NULL: it was done. */
void ea_host_result(struct ea_hostloop *h, ea_host_act act, const ea_err *err, int64_t now_ms);
/* Somebody asks for a repair: pauses end, and what earlier networks left is removed. */
void ea_host_repair(struct ea_hostloop *h);
/* The first condition that is not met and decides; EA_HOST_COND_COUNT: none. */
ea_host_cond ea_host_blocked(const struct ea_hostloop *h);
/* Says which ports the system's NAT has taken, in which ranges, and how they are freed; false: none. */
bool ea_host_ports_taken(const struct ea_host_port ports[EA_HOST_PORTS_MAX], char out[400]);
const char *ea_host_cond_name(ea_host_cond c); /* "address" */

#endif
