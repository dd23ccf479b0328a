/* state.h - the only writers of states, errors and reasons. States go up only; the first error and
 * the first reason win. Pure. Source: task-engine.md sections 1.1, 1.2, 1.6. */
#ifndef EA_ENGINE_STATE_H
#define EA_ENGINE_STATE_H

#include "turn.h"

/* Raises what is known of a container; a lower or equal state changes nothing. */
void ea_container_set_known(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                            ea_cstate state, const char *why);
void ea_container_set_desired(struct ea_task *t, struct ea_container *c, ea_cstate state);
/* Keeps the error if it is the first; both texts are copied. */
void ea_container_set_error(struct ea_task *t, struct ea_container *c, const char *name,
                            const char *text);
/* An error that stands only if the next look-up shows that the step did not happen. */
void ea_container_set_doubt(struct ea_container *c, const char *name, const char *text);
void ea_container_clear_doubt(struct ea_container *c);
/* Forgets attempts and delays: the container is about to take another step. */
void ea_container_new_step(struct ea_container *c);

void ea_task_set_desired(struct ea_task *t, ea_tstate state);
void ea_task_set_reason(struct ea_task *t, const char *reason);
/* Stops a task that can never run, with its reason; containers that did nothing stop at once. */
void ea_task_fail(struct ea_turn *turn, struct ea_task *t, const char *reason);
/* Derives desired states of the containers and the task's own states. True when one changed. */
bool ea_task_derive(struct ea_turn *turn, struct ea_task *t);

/* True when the container has reached or passed its steady state once or is stopped. */
bool ea_container_is_running(const struct ea_container *c);

#endif
