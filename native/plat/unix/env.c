#include "../plat.h"

#include "../../base/alloc.h"

#include <string.h>
#include <unistd.h>

char **ea_plat_env(void)
{
    size_t n = 0;
    char **copy;

    while (environ && environ[n])
        n++;
    copy = ea_alloc_array(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = ea_strdup(environ[i]);
    return copy;
}

void ea_plat_env_free(char **env)
{
    for (size_t i = 0; env && env[i]; i++)
        ea_secret_free(env[i]);
    ea_free(env);
}
