/* op.h - operations behind the exported ABI: a thread of its own does the work and leaves events; the
 * caller's thread takes them. No callback crosses the ABI.
 * Thread: as each function says. Knows: events, cancel, memory of results. Does not know: what an
 * operation does. */
#ifndef EA_MANAGE_OP_H
#define EA_MANAGE_OP_H

#include "../base/err.h"
#include "../ecsagent.h"

#include <stdbool.h>

/* The worker: runs on the operation's thread, ends with exactly one ea_op_result or ea_op_fail.
 * `arg` is freed by `free_arg` after it. */
typedef void ea_op_work(ecsagent_op *op, void *arg);

/* ECSAGENT_STARTED, or ECSAGENT_NO_MEMORY when no thread can be had (then free_arg was called).
 * timeout_s: of the whole operation, for deadlines and seconds_left. */
int32_t ea_op_start(ea_op_work *work, void *arg, void (*free_arg)(void *), uint32_t timeout_s,
                    ecsagent_op **out);

/* ---- for the worker ---- */
void ea_op_progress(ecsagent_op *op, int percent, const char *activity, const char *fmt, ...)
    EA_PRINTF(4, 5);
void ea_op_verbose(ecsagent_op *op, const char *fmt, ...) EA_PRINTF(2, 3);
/* `advice` NULL: none. exit_code: 1 try again, 5 an operator must act. */
void ea_op_fail(ecsagent_op *op, const ea_err *err, int exit_code, const char *advice);
void ea_op_result(ecsagent_op *op, ecsagent_type type, const void *items, uint32_t count,
                  uint32_t stride);
bool ea_op_cancelled(ecsagent_op *op);
int64_t ea_op_left_ms(ecsagent_op *op); /* until the deadline; 0 when it has passed */
/* Sleeps up to ms; false at once when the operation is cancelled or its time is up. */
bool ea_op_sleep(ecsagent_op *op, int64_t ms);

/* Memory that lives as long as the operation. */
void *ea_op_alloc(ecsagent_op *op, size_t size);       /* zeroed */
const char *ea_op_str(ecsagent_op *op, const char *s); /* copy; NULL and "" give NULL */
const char *ea_op_strf(ecsagent_op *op, const char *fmt, ...) EA_PRINTF(2, 3);

/* ---- actions: what an operation does, or would do under what_if ---- */
typedef struct ea_actions {
    ecsagent_action *v;
    uint32_t n;
} ea_actions;
void ea_actions_add(ecsagent_op *op, ea_actions *a, const char *verb, const char *target);
void ea_actions_result(ecsagent_op *op, const ea_actions *a);

#endif
