#include "../plat.h"

#include "wide.h"

#include <string.h>

char **ea_plat_env(void)
{
    wchar_t *block = GetEnvironmentStringsW();
    size_t n = 0, used = 0;
    char **copy;

    for (const wchar_t *p = block; p && *p; p += wcslen(p) + 1)
        n++;
    copy = ea_alloc_array(n + 1, sizeof(*copy));
    for (const wchar_t *p = block; p && *p; p += wcslen(p) + 1) {
        if (*p != L'=') /* "=C:=C:\dir": a drive's current folder, no variable */
            copy[used++] = ea_narrow(p);
    }
    if (block)
        (void)FreeEnvironmentStringsW(block); /* our own copy */
    return copy;
}

void ea_plat_env_free(char **env)
{
    for (size_t i = 0; env && env[i]; i++)
        ea_secret_free(env[i]);
    ea_free(env);
}
