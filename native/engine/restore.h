/* restore.h - what is true after a start or an outage: the stored model, then what Docker says.
 * Pure. Source: task-engine.md section 6.1. */
#ifndef EA_ENGINE_RESTORE_H
#define EA_ENGINE_RESTORE_H

#include "turn.h"

/* Model loaded from the store: nothing is in flight, whatever was is unknown. */
void ea_restore_start(struct ea_turn *turn);
/* The engine answers; `found` holds all containers with our labels, found by label and not only by
 * saved id, so that one whose create was never seen to end is neither lost nor made twice. */
void ea_restore_docker_up(struct ea_turn *turn, const struct ea_event *ev);
void ea_restore_docker_down(struct ea_turn *turn);

#endif
