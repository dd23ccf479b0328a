#include "../plat.h"

#include "errno_text.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

ea_code ea_plat_trusted_file(const char *path, ea_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ea_fail_errno(err, errno, "look at", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return ea_fail(
            err, EA_DENIED,
            "%s belongs to user %u, not to root: look at what is in it, then chown root %s", path,
            (unsigned)st.st_uid, path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return ea_fail(
            err, EA_DENIED,
            "%s may be written by others than its owner (mode %o): look at what is in it, "
            "then chmod go-w %s",
            path, (unsigned)(st.st_mode & 07777), path);
    return EA_OK;
}

/* Who may make folders where an agent keeps its state is root here. */
ea_code ea_plat_own_dir(const char *path, ea_err *err)
{
    return ea_plat_make_dir(path, err);
}

ea_code ea_plat_shared_dir(const char *path, ea_err *err)
{
    if (ea_plat_make_dir(path, err))
        return err->code;
    return chmod(path, 0755) == 0 ? EA_OK : ea_fail_errno(err, errno, "open to readers", path);
}
