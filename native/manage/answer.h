/* answer.h - JSON of the control channel -> the structs of ecsagent.h, in the operation's memory.
 * Thread: the operation's. Knows: both shapes (serve/control.h, agent/agent_status.c). */
#ifndef EA_MANAGE_ANSWER_H
#define EA_MANAGE_ANSWER_H

#include "../base/str.h"
#include "op.h"

ea_code ea_answer_status(ecsagent_op *op, ea_str json, ecsagent_status *out, ea_err *err) EA_CHECK;
/* *items: array of *count records. */
ea_code ea_answer_tasks(ecsagent_op *op, ea_str json, ecsagent_task **items, uint32_t *count,
                        ea_err *err) EA_CHECK;

#endif
