/* task_endpoint.h - carries out what host_loop.h decides: looks at the host and changes it on the pool, binds
 * the listener and proves it on the loop, publishes what is waited for. Looked at when started, when the system
 * says that something changed, every 30 s, and on request; no deadline after which it gives up.
 * Thread: loop. Knows: which call belongs to which step. Does not know: what comes next (host_loop.h), how an OS
 * adds an address (plat/hostnet.h). */
#ifndef EA_AGENT_TASK_ENDPOINT_H
#define EA_AGENT_TASK_ENDPOINT_H

#include "agent.h"

struct ea_endpoint *ea_endpoint_start(ea_agent *ag);
/* Before the loop is freed. The address stays: containers get "refused". */
void ea_endpoint_free(struct ea_endpoint *e);
void ea_endpoint_check(struct ea_endpoint *e);             /* soon; NULL is fine */
void ea_endpoint_container_started(struct ea_endpoint *e); /* it may need a route; NULL is fine */
void ea_endpoint_repair(struct ea_endpoint *e); /* also what the loop leaves alone otherwise */
/* The first round has an outcome, good or bad: the registration waits for that. */
bool ea_endpoint_settled(const struct ea_endpoint *e);
/* May this peer use the task endpoint: local addresses and subnets of local bridges. */
bool ea_endpoint_source_allowed(void *agent, const char *peer);

#endif
