/* hostres.h - CPU, memory and host ports that tasks hold, and who waits for them. Pure; the books
 * are the model itself: what is held is the sum over tasks with `holds_resources`, so nothing can
 * get out of step. Source: task-engine.md section 1.9.
 *
 * Order of the waiting queue: arrival. The reference starts nobody while the first does not fit.
 * Here a waiting task counts as holding what it needs for all behind it: a later one passes when
 * everything still fits, or when it needs none of what those before it lack. Nobody is delayed by
 * a later task, and a task that waits for port 8080 does not stop one that needs another port. */
#ifndef EA_ENGINE_HOSTRES_H
#define EA_ENGINE_HOSTRES_H

#include "turn.h"

/* Lets waiting tasks in. True when the model changed (somebody was let in or can never fit). */
bool ea_hostres_admit(struct ea_turn *turn);
/* True for a task that waits in the queue. */
bool ea_hostres_waiting(const struct ea_task *t);
/* Rebuilds `holds_resources` after a start: whoever had begun holds what he needs. */
void ea_hostres_rebuild(struct ea_model *m);
/* What a task waits for: "waits for host port 8080/tcp"; false when it does not wait. */
bool ea_hostres_explain(const struct ea_model *m, const struct ea_task *t, char why[256]);
/* "a-b" of a range that the agent gave; false, and nothing written, without one. */
bool ea_hostres_given_range(const struct ea_port_mapping *p, int64_t *first, int64_t *last);

#endif
