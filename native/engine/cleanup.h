/* cleanup.h - when a stopped task is forgotten: its containers, its own volumes, then its row. Pure.
 * Source: task-engine.md section 5. The row stays until STOPPED was told; after 72 hours its
 * containers and volumes go all the same. */
#ifndef EA_ENGINE_CLEANUP_H
#define EA_ENGINE_CLEANUP_H

#include "turn.h"

/* One task's clean-up, as far as it can go now. True when the task is gone (pointer invalid). */
bool ea_cleanup_task(struct ea_turn *turn, struct ea_task *t);
void ea_cleanup_removed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                        const struct ea_event *ev);
/* The answer to a look at a container while its task is cleaned up. */
void ea_cleanup_looked(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                       const struct ea_event *ev, bool absent);

#endif
