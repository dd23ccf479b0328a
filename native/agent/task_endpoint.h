/* task_endpoint.h - keeps the host ready for task credentials, as a reconcile loop: the address
 * 169.254.170.2 is on the host, the listener is bound to its port 80, a GET through it is answered.
 * Looked at when started, every 30 s, and on request; no deadline after which it gives up.
 * Thread: loop. Knows: the order and the proof. Does not know: how an OS adds an address (plat). */
#ifndef EA_AGENT_TASK_ENDPOINT_H
#define EA_AGENT_TASK_ENDPOINT_H

#include "agent.h"

struct ea_endpoint *ea_endpoint_start(ea_agent *ag);
void ea_endpoint_free(struct ea_endpoint *e);  /* the address stays: containers get "refused" */
void ea_endpoint_check(struct ea_endpoint *e); /* now; NULL is fine */
/* The first round has an outcome, good or bad: the registration waits for that. */
bool ea_endpoint_settled(const struct ea_endpoint *e);
/* May this peer use the task endpoint: local addresses and subnets of local bridges. */
bool ea_endpoint_source_allowed(void *agent, const char *peer);

#endif
