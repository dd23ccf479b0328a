/* task_limits.h - CPU, memory and process limits of a task as a whole, on Linux.
 * Thread: loop. Knows: what the task states, the settings, the group's name. Does not know: how a kernel
 * keeps limits (plat). Source: task-engine.md section 3.6. A task that states none gets no group. */
#ifndef EA_AGENT_TASK_LIMITS_H
#define EA_AGENT_TASK_LIMITS_H

#include "../plat/plat.h"
#include "agent.h"

enum {
    EA_TASK_GROUP_MAX = 160
};

/* What the task states and the settings add; 0: no limit. Without a CPU limit of its own a group that has
 * another one gets the shares of all its containers. Pure. */
struct ea_task_limits ea_task_limits_of(const ea_config *config, const struct ea_task *t);
/* May this host hold groups for tasks? */
ea_code ea_task_limits_usable(const ea_config *config, ea_err *err) EA_CHECK;
/* Sets the limits of the task and writes the name of its group, "" when it has no limits or when they are
 * not promised on this host. Idempotent: called before each create and each start, since an empty group
 * does not outlive a restart of the machine. */
ea_code ea_task_limits_apply(const ea_agent *ag, const struct ea_task *t,
                             char group[EA_TASK_GROUP_MAX], ea_err *err) EA_CHECK;
/* The task has stopped: removes its group, and those of earlier tasks that were still in use then. */
void ea_task_limits_remove(ea_agent *ag, const struct ea_task *t);

#endif
