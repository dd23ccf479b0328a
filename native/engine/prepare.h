/* prepare.h - makes a new task ready: names, ids, implicit dependencies, volumes; refuses what this
 * agent cannot run. Pure. Source: task-engine.md sections 1.5, 3.2, 3.3. */
#ifndef EA_ENGINE_PREPARE_H
#define EA_ENGINE_PREPARE_H

#include "turn.h"

/* Names and ids are chosen here, so they are stored before anything is created under them. A task
 * that cannot run becomes STOPPED with its reason. */
void ea_prepare_task(struct ea_turn *turn, struct ea_task *t);

#endif
