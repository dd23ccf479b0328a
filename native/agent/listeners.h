/* listeners.h - the agent's listeners for containers and operators on 127.0.0.1, ports 51679 and 51678. A port that
 * is taken is waited for: never fatal, never silent. Where a NAT of the system takes ports for itself, ours are
 * looked at and reserved first, on the pool; one that it has already is told with its range.
 * Thread: loop. Knows: order, pauses between tries. Does not know: the task endpoint's address
 * (task_endpoint.h), how a system reserves (plat/hostnet.h). */
#ifndef EA_AGENT_LISTENERS_H
#define EA_AGENT_LISTENERS_H

#include "../plat/hostnet.h"
#include "agent.h"

void ea_listeners_start(ea_agent *ag);
void ea_listeners_check(ea_agent *ag); /* tries now what is not there yet */
void ea_listeners_stop(ea_agent *ag);  /* no more tries; what listens is the server's */

/* Reserves what is wanted and free, on the pool; then calls done(ctx) on the loop, once, also while that stops.
 * `ports`: the last look, borrowed for the call. `ops` has EA_HOST_PORTS. */
typedef void ea_ports_kept(void *ctx, const struct ea_host_port ports[EA_HOST_PORTS_MAX]);
void ea_ports_keep(ea_loop *loop, const struct ea_host_ops *ops, ea_ports_kept *done, void *ctx);

#endif
