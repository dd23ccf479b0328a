/* volumes.h - the volumes of a task that Docker has to provide. Pure. Source: task-engine.md
 * section 3.3. */
#ifndef EA_ENGINE_VOLUMES_H
#define EA_ENGINE_VOLUMES_H

#include "turn.h"

/* Gives names to volumes that are created by the agent; refuses what cannot be. */
ea_code ea_volumes_prepare(struct ea_model *m, struct ea_task *t, ea_err *err) EA_CHECK;
/* True when all volumes that the container mounts are there. */
bool ea_volumes_ready(const struct ea_task *t, const struct ea_container *c);
/* Asks for what is missing. True when the model changed without an effect. */
bool ea_volumes_step(struct ea_turn *turn, struct ea_task *t);
void ea_volumes_result(struct ea_turn *turn, struct ea_task *t, struct ea_volume *v,
                       const struct ea_event *ev);
/* Clean-up: asks for removal of the task's own volumes; true when none is left. */
bool ea_volumes_remove(struct ea_turn *turn, struct ea_task *t);

#endif
