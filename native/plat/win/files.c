#include "../plat.h"

#include "../file_handle.h"
#include "access.h"
#include "folder.h"
#include "wide.h"

#include <inttypes.h>
/* Windows' own order: the ids are defined here, not only declared. */
#include <initguid.h>
#include <knownfolders.h>
#include <shlobj.h>
#include <stdio.h>
#include <string.h>

/* --- places ------------------------------------------------------------------------------------ */

static char *env_folder(const wchar_t *name, const char *otherwise)
{
    wchar_t value[32767];
    DWORD n = GetEnvironmentVariableW(name, value, EA_COUNT(value));

    return n > 0 && n < EA_COUNT(value) ? ea_narrow(value) : ea_strdup(otherwise);
}

/* A folder of the machine: a service and the shell that sets it up must mean the same one, whatever their
 * environments say. */
static char *machine_path(const KNOWNFOLDERID *id, const wchar_t *name, const char *otherwise,
                          const char *rest)
{
    wchar_t *found = NULL;
    EA_FREE_AUTO char *base = NULL;

    if (SUCCEEDED(SHGetKnownFolderPath(id, 0, NULL, &found)))
        base = ea_narrow(found);
    else
        base = env_folder(name, otherwise);
    CoTaskMemFree(found);
    return ea_sprintf_dup("%s%s", base, rest);
}

static char *data_path(const char *rest)
{
    return machine_path(&FOLDERID_ProgramData, L"ProgramData", "C:\\ProgramData", rest);
}

static char *profile_path(const char *rest)
{
    EA_FREE_AUTO char *base = env_folder(L"USERPROFILE", NULL);

    return base ? ea_sprintf_dup("%s%s", base, rest) : NULL;
}

char *ea_plat_default_path(ea_path_id id)
{
    switch (id) {
    case EA_PATH_CONFIG_FILE:
        return data_path("\\Amazon\\ECS\\ecs.config");
    case EA_PATH_CONFIG_JSON: {
        EA_FREE_AUTO char *drive = env_folder(L"SystemDrive", "C:");
        return ea_sprintf_dup("%s\\etc\\ecs_container_agent\\config.json", drive);
    }
    case EA_PATH_DATA_DIR:
        return data_path("\\Amazon\\ECS\\data");
    case EA_PATH_LOG_DIR:
        return data_path("\\Amazon\\ECS\\log");
    case EA_PATH_AUDIT_FILE:
        return data_path("\\Amazon\\ECS\\log\\audit.log");
    case EA_PATH_RUN_DIR:
        return data_path("\\Amazon\\ECS\\run");
    case EA_PATH_LOCAL_DIR:
        return data_path("\\Amazon\\ECS\\local");
    case EA_PATH_PROGRAM_DIR:
        return machine_path(&FOLDERID_ProgramFiles, L"ProgramFiles", "C:\\Program Files",
                            "\\Amazon\\ECS");
    case EA_PATH_CREDENTIAL_SPECS:
        return data_path("\\docker\\credentialspecs");
    case EA_PATH_SHARED_CREDENTIALS:
        return profile_path("\\.aws\\credentials");
    }
    return NULL;
}

/* One machine has one agent, hence one pipe; a redirected run folder gets a pipe of its own. */
char *ea_plat_control_path(const char *run_dir)
{
    EA_FREE_AUTO char *usual = ea_plat_default_path(EA_PATH_RUN_DIR);
    uint32_t h = 2166136261u; /* FNV-1a */

    if (!run_dir || ea_str_eq_nocase(ea_str_of(run_dir), ea_str_of(usual)))
        return ea_strdup("\\\\.\\pipe\\AmazonECS\\control");
    for (const char *p = run_dir; *p; p++) {
        char c = *p == '/' ? '\\' : *p;

        h = (h ^ (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c)) * 16777619u;
    }
    return ea_sprintf_dup("\\\\.\\pipe\\AmazonECS\\control-%08" PRIx32, h);
}

/* --- who may read ------------------------------------------------------------------------------ */

/* Opens for writing; `mode` as in ea_plat_write_file. INVALID_HANDLE_VALUE with GetLastError(). */
static HANDLE create(const wchar_t *path, unsigned mode, DWORD how, DWORD access_wanted)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    struct ea_access a = { 0 };
    HANDLE h;
    DWORD number;

    if ((mode & 077) == 0 && !ea_access_make(EA_ACCESS_FILE, &a))
        return INVALID_HANDLE_VALUE;
    h = CreateFileW(path, access_wanted, share, a.descriptor ? &a.attributes : NULL, how,
                    FILE_ATTRIBUTE_NORMAL, NULL);
    number = GetLastError();
    ea_access_done(&a);
    SetLastError(number);
    return h;
}

/* --- reading and writing ----------------------------------------------------------------------- */

static HANDLE open_to_read(const char *path)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);

    return CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

ea_code ea_plat_read_file(const char *path, size_t max, ea_buf *out, ea_err *err)
{
    HANDLE h = open_to_read(path);
    ea_code code = EA_OK;
    size_t total = 0;

    if (h == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "read", path);
    for (;;) {
        char piece[8192];
        DWORD n = 0;

        if (!ReadFile(h, piece, sizeof(piece), &n, NULL)) {
            code = ea_fail_win(err, GetLastError(), "read", path);
            break;
        }
        if (n == 0)
            break;
        total += n;
        if (total > max) {
            code = ea_fail(err, EA_LIMIT, "read %s: larger than %zu bytes", path, max);
            ea_secret_wipe(piece, n);
            break;
        }
        ea_buf_add(out, piece, n);
        ea_secret_wipe(piece, n); /* settings and keys come this way */
    }
    (void)CloseHandle(h); /* only read */
    if (code == EA_OK && ea_buf_check(out, err))
        code = ea_wrap(err, "read %s", path);
    return code;
}

static DWORD write_all(HANDLE h, const char *p, size_t n)
{
    while (n > 0) {
        DWORD part = n > 1048576 ? 1048576 : (DWORD)n, done = 0;

        if (!WriteFile(h, p, part, &done, NULL))
            return GetLastError();
        if (done == 0)
            return ERROR_WRITE_FAULT;
        p += done;
        n -= done;
    }
    return ERROR_SUCCESS;
}

/* An unfinished sibling of `path`, open for writing. */
static HANDLE open_sibling(const char *path, unsigned mode, wchar_t **name)
{
    EA_FREE_AUTO char *text = NULL;
    uint64_t salt;

    ea_plat_random(&salt, sizeof(salt));
    text = ea_sprintf_dup("%s.%016" PRIx64 ".tmp", path, salt);
    *name = ea_wide_path(text);
    return create(*name, mode, CREATE_NEW, GENERIC_WRITE);
}

/* Flushes, closes and puts the sibling in its place; removes it after a failure. */
static ea_code finish_sibling(HANDLE h, DWORD failed, const wchar_t *name, const char *path,
                              ea_err *err)
{
    EA_FREE_AUTO wchar_t *to = ea_wide_path(path);
    DWORD number = failed;

    if (number == ERROR_SUCCESS && !FlushFileBuffers(h))
        number = GetLastError();
    if (!CloseHandle(h) && number == ERROR_SUCCESS)
        number = GetLastError();
    if (number == ERROR_SUCCESS &&
        !MoveFileExW(name, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        number = GetLastError();
    if (number == ERROR_SUCCESS)
        return EA_OK;
    (void)DeleteFileW(name); /* nobody else knows the name */
    return ea_fail_win(err, number, "write", path);
}

ea_code ea_plat_write_file(const char *path, ea_str content, unsigned mode, ea_err *err)
{
    EA_FREE_AUTO wchar_t *name = NULL;
    HANDLE h = open_sibling(path, mode, &name);

    if (h == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "write", path);
    return finish_sibling(h, write_all(h, content.p, content.n), name, path, err);
}

ea_code ea_plat_copy_file(const char *from, const char *to, unsigned mode, ea_err *err)
{
    EA_FREE_AUTO wchar_t *name = NULL;
    HANDLE in = open_to_read(from), out;
    DWORD failed = ERROR_SUCCESS;

    if (in == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "copy", from);
    out = open_sibling(to, mode, &name);
    if (out == INVALID_HANDLE_VALUE) {
        (void)ea_fail_win(err, GetLastError(), "write", to); /* returned below */
        (void)CloseHandle(in);                               /* only read */
        return err->code;
    }
    while (failed == ERROR_SUCCESS) {
        char piece[65536];
        DWORD n = 0;

        if (!ReadFile(in, piece, sizeof(piece), &n, NULL))
            failed = GetLastError();
        if (n == 0)
            break;
        failed = write_all(out, piece, n);
    }
    (void)CloseHandle(in); /* only read */
    return finish_sibling(out, failed, name, to, err);
}

ea_code ea_plat_private_file(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);
    HANDLE h = create(wide, 0600, OPEN_ALWAYS, GENERIC_READ | GENERIC_WRITE | WRITE_DAC);
    struct ea_access a;

    if (h == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "open", path);
    if (GetLastError() == ERROR_ALREADY_EXISTS && ea_access_make(EA_ACCESS_FILE, &a)) {
        (void)SetKernelObjectSecurity(
            h, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
            a.descriptor); /* FAT volumes have no rights to set */
        ea_access_done(&a);
    }
    (void)CloseHandle(h); /* nothing was written */
    return EA_OK;
}

char *ea_plat_native_path(const char *path)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);

    return ea_narrow(wide);
}

ea_code ea_plat_rename(const char *from, const char *to, ea_err *err)
{
    EA_FREE_AUTO wchar_t *a = ea_wide_path(from);
    EA_FREE_AUTO wchar_t *b = ea_wide_path(to);

    if (!MoveFileExW(a, b, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return ea_fail_win(err, GetLastError(), "rename", from);
    return EA_OK;
}

/* --- folders ----------------------------------------------------------------------------------- */

ea_code ea_plat_make_dir(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);
    wchar_t *begin = wide + (wcsncmp(wide, EA_LONG_PATH, EA_LONG_PATH_N) == 0 ? EA_LONG_PATH_N : 0);
    DWORD number = ea_make_one_dir(wide);

    for (wchar_t *p = begin; number == ERROR_PATH_NOT_FOUND && *p; p++) {
        wchar_t separator = *p;
        DWORD step;

        if ((separator != L'\\' && separator != L'/') || p == begin || p[-1] == L':')
            continue;
        *p = L'\0';
        step = ea_make_one_dir(wide);
        *p = separator;
        if (step != ERROR_SUCCESS && step != ERROR_PATH_NOT_FOUND)
            return ea_fail_win(err, step, "make folder", path);
    }
    if (number == ERROR_PATH_NOT_FOUND)
        number = ea_make_one_dir(wide);
    return number == ERROR_SUCCESS ? EA_OK : ea_fail_win(err, number, "make folder", path);
}

static bool is_absent(DWORD number)
{
    return number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND;
}

ea_code ea_plat_remove_file(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);

    if (!DeleteFileW(wide) && !is_absent(GetLastError()))
        return ea_fail_win(err, GetLastError(), "remove", path);
    return EA_OK;
}

static DWORD remove_any(const wchar_t *path, unsigned depth);

static bool remove_child(wchar_t *path, DWORD attributes, unsigned depth, void *number)
{
    (void)attributes;
    *(DWORD *)number = remove_any(path, depth);
    return *(DWORD *)number == ERROR_SUCCESS;
}

static DWORD remove_content(const wchar_t *path, unsigned depth)
{
    DWORD number = ERROR_SUCCESS;

    if (!ea_each_child(path, depth, remove_child, &number) && number == ERROR_SUCCESS)
        number = GetLastError();
    return number;
}

/* A link or junction is removed, never followed. */
static DWORD remove_any(const wchar_t *path, unsigned depth)
{
    DWORD attributes = GetFileAttributesW(path), number = ERROR_SUCCESS;

    if (attributes == INVALID_FILE_ATTRIBUTES)
        return is_absent(GetLastError()) ? ERROR_SUCCESS : GetLastError();
    if (attributes & FILE_ATTRIBUTE_READONLY)
        (void)SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL); /* a refusal shows just below */
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return DeleteFileW(path) ? ERROR_SUCCESS : GetLastError();
    if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT))
        number = depth == 0 ? ERROR_DIRECTORY : remove_content(path, depth);
    if (number == ERROR_SUCCESS && !RemoveDirectoryW(path))
        number = GetLastError();
    return number;
}

ea_code ea_plat_remove_empty_dir(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);
    DWORD number = RemoveDirectoryW(wide) ? ERROR_SUCCESS : GetLastError();

    if (number == ERROR_SUCCESS || number == ERROR_DIR_NOT_EMPTY ||
        number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND)
        return EA_OK;
    return ea_fail_win(err, number, "remove", path);
}

ea_code ea_plat_remove_tree(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_long_path(path); /* what is inside may be deep */
    DWORD number = remove_any(wide, 64);

    return number == ERROR_SUCCESS ? EA_OK : ea_fail_win(err, number, "remove", path);
}

bool ea_plat_exists(const char *path)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);

    return GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
}

/* --- appending --------------------------------------------------------------------------------- */

ea_code ea_file_open_append(const char *path, intptr_t *handle, int64_t *size, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);
    HANDLE h =
        create(wide, 0600, OPEN_ALWAYS, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE);
    LARGE_INTEGER now;

    if (h == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "append to", path);
    *handle = (intptr_t)h;
    *size = GetFileSizeEx(h, &now) ? now.QuadPart : 0;
    return EA_OK;
}

ea_code ea_file_write(intptr_t handle, ea_str text, const char *path, ea_err *err)
{
    DWORD number = write_all((HANDLE)handle, text.p, text.n);

    return number == ERROR_SUCCESS ? EA_OK : ea_fail_win(err, number, "append to", path);
}

void ea_file_close(intptr_t handle)
{
    (void)CloseHandle((HANDLE)handle); /* each line was written before */
}

void ea_file_move(const char *from, const char *to)
{
    EA_FREE_AUTO wchar_t *a = ea_wide_path(from);
    EA_FREE_AUTO wchar_t *b = ea_wide_path(to);

    (void)MoveFileExW(a, b, MOVEFILE_REPLACE_EXISTING); /* as its header says */
}
