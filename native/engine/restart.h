/* restart.h - the restart policy of a container. Pure. Source: task-engine.md section 1.5. The same
 * rule holds for an exit that happened while the agent was away. */
#ifndef EA_ENGINE_RESTART_H
#define EA_ENGINE_RESTART_H

#include "turn.h"

/* Asked for each exit that is seen before it becomes known. True: the policy starts the container
 * again; the restart is counted before it is tried, and known stays as it is. */
bool ea_restart_wanted(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                       const struct ea_docker_facts *f);

#endif
