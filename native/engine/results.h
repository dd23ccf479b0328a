/* results.h - the answers to the effects of one container. Pure. Source: task-engine.md sections
 * 1.4, 1.6, 1.7. */
#ifndef EA_ENGINE_RESULTS_H
#define EA_ENGINE_RESULTS_H

#include "turn.h"

/* The answer to the effect that `c` had in flight. */
void ea_results_take(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                     const struct ea_event *ev);
/* The pull of `c` found no room and nothing can be removed for it: it has failed, in the words of
 * its doubt. */
void ea_results_no_room(struct ea_turn *turn, struct ea_task *t, struct ea_container *c);
/* The container exists: known becomes CREATED. An earlier error of its image was harmless then. */
void ea_results_created(struct ea_turn *turn, struct ea_task *t, struct ea_container *c);

#endif
