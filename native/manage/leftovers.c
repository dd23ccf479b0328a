#include "leftovers.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "program.h"

#include <string.h>

static ea_code remove_rolled(const char *path, ea_err *err)
{
    for (unsigned i = 1;; i++) {
        EA_FREE_AUTO char *old = ea_sprintf_dup("%s.%u", path, i);
        if (!ea_plat_exists(old))
            return EA_OK;
        if (ea_plat_remove_file(old, err))
            return err->code;
    }
}

/* `names` ends with NULL. The folder goes too if nothing is left in it. */
static ea_code remove_named(const char *dir, const char *const *names, ea_err *err)
{
    for (size_t i = 0; names[i]; i++) {
        EA_FREE_AUTO char *path = ea_sprintf_dup("%s/%s", dir, names[i]);
        if (remove_rolled(path, err) || ea_plat_remove_file(path, err))
            return err->code;
    }
    return ea_plat_remove_empty_dir(dir, err);
}

ea_code ea_leftovers_state(const char *data_dir, ea_err *err)
{
    static const char *const names[] = { "ecsagent.db",
                                         "ecsagent.db-wal",
                                         "ecsagent.db-shm",
                                         "ecsagent.db.key",
                                         "ecsagent.db.key.old",
                                         "lock",
                                         NULL };

    return remove_named(data_dir, names, err);
}

ea_code ea_leftovers_logs(const char *log_dir, ea_err *err)
{
    static const char *const names[] = { "ecs-agent.log", "audit.log", "ecsagent.out", NULL };

    return remove_named(log_dir, names, err);
}

ea_code ea_leftovers_local(const char *local_dir, ea_err *err)
{
    static const char *const names[] = {
        "ecslocal.db", "ecslocal.db-wal", "ecslocal.db-shm", "ecslocal.pid", "ecslocal.log", "lock",
        NULL
    };

    return remove_named(local_dir, names, err);
}

ea_code ea_leftovers_program(const char *program_root, ea_err *err)
{
    EA_FREE_AUTO char *ours = ea_plat_default_path(EA_PATH_PROGRAM_DIR);
    EA_FREE_AUTO char *dir = ea_program_dir(program_root);

    if (ea_zstr_eq(program_root, ours))
        return ea_plat_remove_tree(program_root, err);
    if (ea_program_remove(dir, err))
        return err->code;
    return ea_plat_remove_empty_dir(program_root, err);
}

static void cut_last(char *path)
{
    char *end = strrchr(path, '/');

    if (!end)
        end = strrchr(path, '\\');
    if (end)
        *end = '\0';
}

void ea_leftovers_folders(void)
{
    char *places[] = { ea_plat_default_path(EA_PATH_RUN_DIR),
                       ea_plat_default_path(EA_PATH_CONFIG_FILE),
                       ea_plat_default_path(EA_PATH_DATA_DIR) };

    cut_last(places[1]);
    cut_last(places[2]);
    for (size_t i = 0; i < EA_COUNT(places); i++) {
        ea_err err = { 0 };

        if (ea_plat_remove_empty_dir(places[i], &err))
            ea_debug("an empty folder stays", EA_S("err", err.text));
        ea_free(places[i]);
    }
}
