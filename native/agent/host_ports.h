/* host_ports.h - dynamic host ports: chosen by the agent before the create is committed, so that a
 * restarted container keeps them. Source: task-engine.md section 3.4.
 * Thread: loop. */
#ifndef EA_AGENT_HOST_PORTS_H
#define EA_AGENT_HOST_PORTS_H

#include "agent.h"

/* Gives a host port to each dynamic mapping of the containers that are about to be created. One for
 * which none is free keeps 0: the create then fails and says so. */
void ea_assign_ports(ea_agent *ag, const struct ea_effects *effects);
/* The mapping that has no host port although it wants one; NULL when all have. */
const struct ea_port_mapping *ea_port_unassigned(const struct ea_container *c);

#endif
