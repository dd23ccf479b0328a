#include "../ecsagent.h"

#include "main.h"
#include "version.h"

#include <stddef.h>

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
