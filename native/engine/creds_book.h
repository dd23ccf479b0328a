/* creds_book.h - role credentials of tasks inside the model: taken in, announced, forgotten. Pure.
 * Source: control-plane.md sections 3.7, 3.8; task-engine.md section 6.1. */
#ifndef EA_ENGINE_CREDS_BOOK_H
#define EA_ENGINE_CREDS_BOOK_H

#include "turn.h"

/* Stores credentials (members taken) and points the task at them. Nothing happens without an id. `t` may be NULL: a task that is not known. */
void ea_creds_book_put(struct ea_turn *turn, struct ea_task *t, struct ea_creds *creds);
/* After a start: ids that stored tasks name are known, their secrets have not come yet. */
void ea_creds_book_announce(struct ea_model *m);
/* The task is over: its role credentials go; with `all` those of its execution role too. */
void ea_creds_book_forget(struct ea_model *m, const struct ea_task *t, bool all);

#endif
