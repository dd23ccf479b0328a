/* initialize.h - Initialize-ECSAgent: settings, program, service, and the wait until it is registered,
 * connected and every capability asked for is proven. Thread: the operation's. */
#ifndef EA_MANAGE_INITIALIZE_H
#define EA_MANAGE_INITIALIZE_H

#include "op.h"

int32_t ea_initialize_start(const ecsagent_initialize_params *params, ecsagent_op **op);

#endif
