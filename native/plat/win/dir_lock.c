#include "../plat.h"

#include "wide.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The holder has <dir>\lock open for writing and shares it for reading alone, so nobody else can
 * open it for writing until the handle is closed, which the end of the process does too. The
 * holder's pid stands in the file. */

struct held {
    struct held *next;
    char *dir;
    HANDLE h;
};

static SRWLOCK guard = SRWLOCK_INIT;
static struct held *all_held;

static HANDLE open_lock(const char *dir, DWORD access_wanted, DWORD share, DWORD how)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s\\lock", dir);
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);

    return CreateFileW(wide, access_wanted, share, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

static int64_t pid_in(const char *dir)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s\\lock", dir);
    EA_BUF_AUTO text = EA_BUF(24);
    ea_err err = { 0 };
    int64_t pid;

    if (ea_plat_read_file(path, 24, &text, &err) ||
        ea_str_to_i64(ea_str_trim(ea_buf_str(&text)), 1, UINT32_MAX, &pid, &err))
        return 0;
    return pid;
}

static ea_code refuse(const char *dir, DWORD number, ea_err *err)
{
    int64_t pid = pid_in(dir);

    if (number != ERROR_SHARING_VIOLATION)
        return ea_fail_win(err, number, "lock", dir);
    if (pid == 0)
        return ea_fail(err, EA_BUSY, "%s is in use by another process", dir);
    return ea_fail(err, EA_BUSY, "%s is in use by process %" PRId64, dir, pid);
}

ea_code ea_plat_lock_dir(const char *dir, ea_err *err)
{
    struct held *m;
    char text[24];
    DWORD done = 0;
    HANDLE h = INVALID_HANDLE_VALUE;
    int n;

    /* Someone who asks for the holder has the file open for a moment: that is no reason to fail. */
    for (int attempt = 0; attempt < 5 && h == INVALID_HANDLE_VALUE; attempt++) {
        if (attempt > 0)
            Sleep(10);
        h = open_lock(dir, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, OPEN_ALWAYS);
        if (h == INVALID_HANDLE_VALUE && GetLastError() != ERROR_SHARING_VIOLATION)
            break;
    }
    if (h == INVALID_HANDLE_VALUE)
        return refuse(dir, GetLastError(), err);
    n = snprintf(text, sizeof(text), "%lu\n", GetCurrentProcessId());
    if (!SetEndOfFile(h) || !WriteFile(h, text, (DWORD)n, &done, NULL)) {
        (void)ea_fail_win(err, GetLastError(), "lock", dir); /* returned below */
        (void)CloseHandle(h);                                /* gives the lock back */
        return err->code;
    }
    m = ea_alloc(sizeof(*m));
    m->dir = ea_strdup(dir);
    m->h = h;
    AcquireSRWLockExclusive(&guard);
    m->next = all_held;
    all_held = m;
    ReleaseSRWLockExclusive(&guard);
    return EA_OK;
}

void ea_plat_unlock_dir(const char *dir)
{
    struct held **at, *m = NULL;

    AcquireSRWLockExclusive(&guard);
    for (at = &all_held; *at; at = &(*at)->next) {
        if (strcmp((*at)->dir, dir) == 0) {
            m = *at;
            *at = m->next;
            break;
        }
    }
    ReleaseSRWLockExclusive(&guard);
    if (!m)
        return;
    (void)CloseHandle(m->h); /* gives the lock back */
    ea_free(m->dir);
    ea_free(m);
}

int64_t ea_plat_lock_holder(const char *dir)
{
    HANDLE h = open_lock(dir, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING);

    if (h != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(h); /* nothing was written */
        return 0;
    }
    return GetLastError() == ERROR_SHARING_VIOLATION ? pid_in(dir) : 0;
}
