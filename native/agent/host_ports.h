/* host_ports.h - dynamic host ports: chosen by the agent before the create is committed, so that a
 * restarted container keeps them. Source: task-engine.md section 3.4.
 * Thread: loop. */
#ifndef EA_AGENT_HOST_PORTS_H
#define EA_AGENT_HOST_PORTS_H

#include "agent.h"

/* Gives host ports to each dynamic mapping and each range of the containers that are about to be
 * created. One for which none are free keeps none: the create then fails and says so. */
void ea_assign_ports(ea_agent *ag, const struct ea_effects *effects);
/* True when a mapping has no host port although it wants one; *err then says which. */
bool ea_ports_lacking(const struct ea_container *c, ea_err *err);
/* True when the container has a port range and more bindings than the control plane takes: there its
 * RUNNING could not be told whole (control-plane.md section 5.5). */
bool ea_ports_untold(const struct ea_container *c, ea_err *err);

#endif
