#include "../ecsagent.h"

#include "../manage/initialize.h"
#include "../manage/local_cluster.h"
#include "../manage/service_ops.h"
#include "main.h"
#include "version.h"

#include <stddef.h>

/* A params struct of an older caller is shorter: what it lacks is zero. One that is shorter than its
 * first members is a mistake of the caller. */
#define CHECKED(type, params, op)                                                                  \
    type full = { .size = sizeof(full) };                                                          \
    if (!(params) || !(op) || (params)->size < offsetof(type, env) + sizeof(full.env))             \
        return ECSAGENT_MISUSE;                                                                    \
    copy(&full, sizeof(full), (params), (params)->size)

static void copy(void *to, size_t to_size, const void *from, uint32_t from_size)
{
    const unsigned char *source = from;
    unsigned char *target = to;

    for (size_t i = sizeof(uint32_t); i < to_size && i < from_size; i++)
        target[i] = source[i];
}

uint32_t ecsagent_abi_version(void)
{
    return ECSAGENT_ABI_VERSION;
}

const char *ecsagent_version(void)
{
    return EA_VERSION;
}

const char *ecsagent_commit(void)
{
    return EA_COMMIT;
}

int32_t ecsagent_main(int32_t argc, char **argv)
{
    return ea_agent_main(argc, argv);
}

int32_t ecsagent_initialize_start(const ecsagent_initialize_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_initialize_params, params, op);
    return ea_initialize_start(&full, op);
}

int32_t ecsagent_service_start(const ecsagent_service_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_service_params, params, op);
    if (full.action < ECSAGENT_SERVICE_START || full.action > ECSAGENT_SERVICE_RESTART)
        return ECSAGENT_MISUSE;
    return ea_service_op_start(&full, op);
}

int32_t ecsagent_uninstall_start(const ecsagent_uninstall_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_uninstall_params, params, op);
    return ea_uninstall_op_start(&full, op);
}

int32_t ecsagent_status_start(const ecsagent_status_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_status_params, params, op);
    return ea_status_op_start(&full, op);
}

int32_t ecsagent_tasks_start(const ecsagent_tasks_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_tasks_params, params, op);
    return ea_tasks_op_start(&full, op);
}

int32_t ecsagent_stop_task_start(const ecsagent_stop_task_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_stop_task_params, params, op);
    if (!full.task || !full.task[0])
        return ECSAGENT_MISUSE;
    return ea_stop_task_op_start(&full, op);
}

int32_t ecsagent_local_up_start(const ecsagent_local_up_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_local_up_params, params, op);
    return ea_local_up_start(&full, op);
}

int32_t ecsagent_local_down_start(const ecsagent_local_down_params *params, ecsagent_op **op)
{
    CHECKED(ecsagent_local_down_params, params, op);
    return ea_local_down_start(&full, op);
}
