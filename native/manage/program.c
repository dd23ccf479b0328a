#include "program.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../plat/plat.h"
#include "version.h"

#include <string.h>

enum {
    MAX_PROGRAM = 64 * 1024 * 1024
};

static const char *const unix_files[] = { "ecsagent", "libecsagent.so" };
static const char *const windows_files[] = { "ecsagent.exe", "ecsagent.dll" };

static const char *file(size_t i)
{
    return ea_plat_is_windows() ? windows_files[i] : unix_files[i];
}

static char *in(const char *dir, const char *name)
{
    return ea_sprintf_dup("%s/%s", dir, name);
}

char *ea_program_dir(const char *root)
{
    return in(root, EA_VERSION);
}

char *ea_program_exe(const char *dir)
{
    return in(dir, file(0));
}

char *ea_program_local(const char *dir)
{
    return in(dir, ea_plat_is_windows() ? "ecslocal.exe" : "ecslocal");
}

static bool same_bytes(const char *a, const char *b)
{
    EA_BUF_AUTO left = EA_BUF(MAX_PROGRAM);
    EA_BUF_AUTO right = EA_BUF(MAX_PROGRAM);
    ea_err err = { 0 };

    return ea_plat_read_file(a, MAX_PROGRAM, &left, &err) == EA_OK &&
           ea_plat_read_file(b, MAX_PROGRAM, &right, &err) == EA_OK &&
           ea_str_eq(ea_buf_str(&left), ea_buf_str(&right));
}

bool ea_program_current(const char *source_dir, const char *dir)
{
    for (size_t i = 0; i < EA_COUNT(unix_files); i++) {
        EA_FREE_AUTO char *from = in(source_dir, file(i));
        EA_FREE_AUTO char *to = in(dir, file(i));
        if (!same_bytes(from, to))
            return false;
    }
    return true;
}

ea_code ea_program_install(const char *source_dir, const char *dir, ea_err *err)
{
    if (ea_plat_make_dir(dir, err))
        return ea_wrap(err, "install folder");
    for (size_t i = EA_COUNT(unix_files); i-- > 0;) { /* the library before who needs it */
        EA_FREE_AUTO char *from = in(source_dir, file(i));
        EA_FREE_AUTO char *to = in(dir, file(i));
        if (!same_bytes(from, to) && ea_plat_copy_file(from, to, 0755, err))
            return ea_wrap(err, "install %s", file(i));
    }
    return EA_OK;
}

ea_code ea_program_remove(const char *dir, ea_err *err)
{
    for (size_t i = 0; i < EA_COUNT(unix_files); i++) {
        EA_FREE_AUTO char *path = in(dir, file(i));
        if (ea_plat_remove_file(path, err))
            return err->code;
    }
    return ea_plat_remove_empty_dir(dir, err);
}
