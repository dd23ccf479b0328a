/* resources.h - what a task needs fetched before its containers are made: values of secrets,
 * environment files, a registry login from Secrets Manager, credential specs. One effect a task
 * (EA_FX_PREPARE); the values stay with whoever carries it out. Pure.
 * Source: task-engine.md sections 1.5 (gates), 1.6 and 7. What was fetched is never stored: after a
 * start it is asked for again while a container that needs it is still to be pulled or created. */
#ifndef EA_ENGINE_RESOURCES_H
#define EA_ENGINE_RESOURCES_H

#include "turn.h"

/* Asks for what is missing, once it is wanted and the execution role's credentials have come. */
void ea_resources_step(struct ea_turn *turn, struct ea_task *t);
/* May the container take the step into `target` as far as fetched things go? */
bool ea_resources_ready(const struct ea_task *t, const struct ea_container *c, ea_cstate target);
/* True while the answer waits for the execution role's credentials. */
bool ea_resources_lack_creds(const struct ea_model *m, const struct ea_task *t);
/* The answer to EA_FX_PREPARE; false when the op is none of ours. */
bool ea_resources_result(struct ea_turn *turn, const struct ea_event *ev);

#endif
