#include "leftovers.h"

#include "../base/alloc.h"
#include "../plat/plat.h"
#include "program.h"

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
