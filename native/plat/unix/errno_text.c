#include "errno_text.h"

#include <errno.h>
#include <uv.h>

static ea_code code_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
        return EA_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return EA_DENIED;
    case EEXIST:
    case EISDIR:
        return EA_CONFLICT;
    case ENOMEM:
        return EA_NO_MEMORY;
    default:
        return EA_IO;
    }
}

/* uv_strerror: static texts, the same in every locale and thread. */
ea_code ea_fail_errno(ea_err *err, int number, const char *doing, const char *what)
{
    return ea_fail_sys(err, code_of(number), number, "%s %s: %s", doing, what,
                       uv_strerror(-number));
}
