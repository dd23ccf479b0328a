#include "folder.h"

#include "plat/plat.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static char folder[600], path[800];
static unsigned count;

static void need(ea_code code, const ea_err *err)
{
    if (code == EA_OK)
        return;
    (void)fprintf(stderr, "folder: %s\n", err->text);
    abort();
}

const char *folder_new(void)
{
    char temp[512];
    size_t n = sizeof(temp);
    ea_err err = { 0 };

    if (uv_os_tmpdir(temp, &n) != 0)
        abort();
    (void)snprintf(folder, sizeof(folder), "%s/ea-local-test-%lld-%u", temp,
                   (long long)ea_plat_pid(), count++);
    need(ea_plat_remove_tree(folder, &err), &err);
    need(ea_plat_make_dir(folder, &err), &err);
    return folder;
}

const char *folder_path(const char *name)
{
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

void folder_done(void)
{
    ea_err err = { 0 };

    need(ea_plat_remove_tree(folder, &err), &err);
}
