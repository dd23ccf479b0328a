/* local_cluster.h - the local control plane (ecslocal) as a process: start, wait until it answers,
 * stop. Thread: the operation's. */
#ifndef EA_MANAGE_LOCAL_CLUSTER_H
#define EA_MANAGE_LOCAL_CLUSTER_H

#include "op.h"

int32_t ea_local_up_start(const ecsagent_local_up_params *params, ecsagent_op **op);
int32_t ea_local_down_start(const ecsagent_local_down_params *params, ecsagent_op **op);

#endif
