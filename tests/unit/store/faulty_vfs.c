#include "faulty_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static sqlite3_vfs *real;
static int changes, countdown, fail_code;

struct file { /* ours, followed in memory by the real one */
    sqlite3_file base;
};

static sqlite3_file *inner(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)((char *)f + sizeof(struct file));
}

static int fault(void)
{
    changes++;
    if (countdown > 1) {
        countdown--;
        return SQLITE_OK;
    }
    return countdown == 1 ? fail_code : SQLITE_OK;
}

#define PASS(name, declared, given)                                                                \
    static int pass_##name declared                                                                \
    {                                                                                              \
        return inner(f)->pMethods->name given;                                                     \
    }
/* clang-format off */
PASS(xClose, (sqlite3_file *f), (inner(f)))
PASS(xRead, (sqlite3_file *f, void *p, int n, sqlite3_int64 at), (inner(f), p, n, at))
PASS(xFileSize, (sqlite3_file *f, sqlite3_int64 *size), (inner(f), size))
PASS(xLock, (sqlite3_file *f, int level), (inner(f), level))
PASS(xUnlock, (sqlite3_file *f, int level), (inner(f), level))
PASS(xCheckReservedLock, (sqlite3_file *f, int *out), (inner(f), out))
PASS(xFileControl, (sqlite3_file *f, int op, void *arg), (inner(f), op, arg))
PASS(xSectorSize, (sqlite3_file *f), (inner(f)))
PASS(xDeviceCharacteristics, (sqlite3_file *f), (inner(f)))
/* clang-format on */

static int faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = fault();

    return rc ? rc : inner(f)->pMethods->xWrite(inner(f), p, n, at);
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fault();

    return rc ? rc : inner(f)->pMethods->xTruncate(inner(f), size);
}

static int faulty_sync(sqlite3_file *f, int flags)
{
    int rc = fault();

    return rc ? rc : inner(f)->pMethods->xSync(inner(f), flags);
}

/* Version 1: no shared memory, which the store must do without anyway. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = pass_xClose,
    .xRead = pass_xRead,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = pass_xFileSize,
    .xLock = pass_xLock,
    .xUnlock = pass_xUnlock,
    .xCheckReservedLock = pass_xCheckReservedLock,
    .xFileControl = pass_xFileControl,
    .xSectorSize = pass_xSectorSize,
    .xDeviceCharacteristics = pass_xDeviceCharacteristics,
};

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                       int *out)
{
    int rc = real->xOpen(real, name, inner(f), flags, out);

    (void)vfs;
    f->pMethods = rc == SQLITE_OK ? &methods : NULL;
    return rc;
}

void faulty_vfs_install(void)
{
    static sqlite3_vfs ours;

    real = sqlite3_vfs_find(NULL);
    if (!real)
        abort();
    ours = *real;
    ours.zName = "faulty";
    ours.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    ours.xOpen = faulty_open;
    if (sqlite3_vfs_register(&ours, 1) != SQLITE_OK)
        abort();
}

void faulty_vfs_fail_from(int n, int code)
{
    countdown = code ? n : 0;
    fail_code = code;
}

int faulty_vfs_changes(void)
{
    return changes;
}
