#include "config_names.h"

#include <stdio.h>

/* Those of the reference that mean nothing here, and why. NULL: not a setting, nothing to tell. */
static const struct {
    const char *name, *why;
} elsewhere[] = {
    { "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS",
      "the introspection port is bound to ECSTOOLS_INTROSPECTION_ADDRESS" },
    { "ECS_OFFHOST_INTROSPECTION_INTERFACE_NAME",
      "the introspection port is bound to ECSTOOLS_INTROSPECTION_ADDRESS" },
    { "ECS_SKIP_LOCALHOST_TRAFFIC_FILTER", "no packet filter is set up" },
    { "ECS_AGENT_LABELS", "the agent is no container" },
    { "ECS_AGENT_APPARMOR_PROFILE", "the agent is no container" },
    { "ECS_AGENT_PID_NAMESPACE_HOST", "the agent is no container" },
    { "ECS_INIT_DOCKER_LOG_FILE_SIZE", "the agent is no container" },
    { "ECS_INIT_DOCKER_LOG_FILE_NUM", "the agent is no container" },
    { "CREDENTIALS_FETCHER_HOST", "group managed service accounts are Windows' alone" },
    { "CREDENTIALS_FETCHER_HOST_DIR", "group managed service accounts are Windows' alone" },
    { "CREDENTIALS_FETCHER_SECRET_NAME_FOR_DOMAINLESS_GMSA",
      "group managed service accounts are Windows' alone" },
    { "ECS_DOMAIN_JOINED_LINUX_INSTANCE", "group managed service accounts are Windows' alone" },
    { "ECS_CONTAINER_METADATA_URI", NULL }, /* the agent runs in a task's container */
    { "ECS_CONTAINER_METADATA_URI_V4", NULL },
    { "ECS_CONTAINER_METADATA_FILE", NULL },
    { "ECS_AGENT_URI", NULL },
    { "ECSTOOLS_CACHE", NULL }, /* of the build and of the cmdlets */
    { "ECSTOOLS_LOCAL_DIR", NULL },
    { "ECSTOOLS_LOG_DIR", NULL },
    { "ECSTOOLS_OUT", NULL },
    { "ECSTOOLS_PROGRAM_DIR", NULL },
    { "ECSTOOLS_SERVICE_DEPENDS", NULL },
    { "ECSTOOLS_TEST_SYSTEMD", NULL },
    { "ECSTOOLS_WINEPREFIX", NULL },
};

static bool looks_like_a_setting(ea_str name)
{
    static const char *const heads[] = { "ECS_", "ECSTOOLS_", "CREDENTIALS_FETCHER_", "NON_ECS_",
                                         "NONECS_" };

    for (size_t i = 0; i < EA_COUNT(heads); i++)
        if (ea_str_starts(name, heads[i]))
            return true;
    return false;
}

bool ea_config_stranger(ea_str name, char text[200])
{
    if (!looks_like_a_setting(name))
        return false;
    for (size_t i = 0; i < EA_COUNT(elsewhere); i++) {
        if (!ea_str_eqz(name, elsewhere[i].name))
            continue;
        if (elsewhere[i].why)
            (void)snprintf(text, 200, "%s has no effect: %s", elsewhere[i].name,
                           elsewhere[i].why); /* fits */
        return elsewhere[i].why != NULL;
    }
    (void)snprintf(text, 200,
                   "%.*s is not a setting of this agent and has no effect (-settings lists them)",
                   name.n > 100 ? 100 : (int)name.n, name.p); /* fits */
    return true;
}
