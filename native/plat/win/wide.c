#include "wide.h"

#include <string.h>
#include <uv.h>

wchar_t *ea_wide(const char *utf8)
{
    wchar_t *wide;
    int n;

    if (!utf8)
        return NULL;
    n = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    wide = ea_alloc_array(n > 0 ? (size_t)n : 1, sizeof(*wide));
    if (n > 0)
        (void)MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, n); /* measured just now */
    return wide;
}

char *ea_narrow(const wchar_t *wide)
{
    char *utf8;
    int n;

    if (!wide)
        return NULL;
    n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    utf8 = ea_alloc(n > 0 ? (size_t)n : 1);
    if (n > 0)
        (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, n, NULL, NULL); /* the same */
    return utf8;
}

enum {
    SHORT_MAX = 230 /* room for the names that are made beside a file */
};

/* The form without a limit takes neither slashes nor dots nor relative paths. */
wchar_t *ea_long_path(const char *path)
{
    wchar_t *wide = ea_wide(path), *out;
    DWORD n = wcsncmp(wide, L"\\\\", 2) == 0 ? 0 : GetFullPathNameW(wide, 0, NULL, NULL);

    if (n == 0)
        return wide; /* a pipe, a share, this form already */
    out = ea_alloc_array(EA_LONG_PATH_N + (size_t)n + 1, sizeof(*out));
    wmemcpy(out, EA_LONG_PATH, EA_LONG_PATH_N);
    if (GetFullPathNameW(wide, n, out + EA_LONG_PATH_N, NULL) == 0) {
        ea_free(out);
        return wide;
    }
    ea_free(wide);
    return out;
}

wchar_t *ea_wide_path(const char *path)
{
    return strlen(path) > SHORT_MAX ? ea_long_path(path) : ea_wide(path);
}

static ea_code code_of(DWORD number)
{
    switch (number) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_DRIVE:
    case ERROR_NOT_FOUND:
        return EA_NOT_FOUND;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
    case ERROR_WRITE_PROTECT:
        return EA_DENIED;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
    case ERROR_DIRECTORY:
        return EA_CONFLICT;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return EA_BUSY;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return EA_NO_MEMORY;
    default:
        return EA_IO;
    }
}

ea_code ea_fail_win(ea_err *err, DWORD number, const char *doing, const char *what)
{
    int known = uv_translate_sys_error((int)number);

    if (known == UV_UNKNOWN)
        return ea_fail_sys(err, code_of(number), (int)number, "%s %s: Windows error %lu", doing,
                           what, (unsigned long)number);
    return ea_fail_sys(err, code_of(number), (int)number, "%s %s: %s", doing, what,
                       uv_strerror(known));
}
