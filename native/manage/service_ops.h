/* service_ops.h - start, stop, restart and uninstall the service; status and tasks of the agent.
 * Thread: the operation's. */
#ifndef EA_MANAGE_SERVICE_OPS_H
#define EA_MANAGE_SERVICE_OPS_H

#include "op.h"

int32_t ea_service_op_start(const ecsagent_service_params *params, ecsagent_op **op);
int32_t ea_uninstall_op_start(const ecsagent_uninstall_params *params, ecsagent_op **op);
int32_t ea_status_op_start(const ecsagent_status_params *params, ecsagent_op **op);
int32_t ea_stop_task_op_start(const ecsagent_stop_task_params *params, ecsagent_op **op);
int32_t ea_tasks_op_start(const ecsagent_tasks_params *params, ecsagent_op **op);

#endif
