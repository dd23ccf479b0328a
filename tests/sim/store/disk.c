#include "disk.h"

#include "base/alloc.h"

#include <sqlite3.h>
#include <string.h>

enum {
    SECTOR = 512,
    FILES = 8,
    NAME = 256
};

struct change { /* since the last flush: bytes, or a new length when `bytes` is NULL */
    int64_t at;
    size_t n;
    unsigned char *bytes;
};

struct content {
    unsigned char *v;
    int64_t n;
};

struct file {
    char name[NAME];
    bool exists, durable; /* durable: its name survives a crash */
    struct content now, disk;
    struct change *changes;
    size_t changes_n;
    bool gone_unsynced; /* deleted, and a crash may bring it back */
};

struct handle {
    sqlite3_file base;
    struct file *f;
};

static struct {
    struct file files[FILES];
    struct disk_faults faults;
    ea_rng rng;
    int64_t calls;
    bool crashed;
    unsigned open;
    FILE *trace;
} disk;

static bool chance(unsigned of_ten_thousand)
{
    return of_ten_thousand > 0 && ea_rng_below(&disk.rng, 10000) < of_ten_thousand;
}

/* --- contents --------------------------------------------------------------------------------- */

static void set_length(struct content *c, int64_t n)
{
    if (n > c->n) {
        c->v = ea_realloc_array(c->v, (size_t)n, 1);
        memset(c->v + c->n, 0, (size_t)(n - c->n));
    }
    c->n = n;
}

static void put(struct content *c, int64_t at, const unsigned char *bytes, size_t n)
{
    if (at + (int64_t)n > c->n)
        set_length(c, at + (int64_t)n);
    memcpy(c->v + at, bytes, n);
}

static void copy(struct content *to, const struct content *from)
{
    ea_free(to->v);
    *to = (struct content){ .v = ea_alloc_array((size_t)from->n + 1, 1), .n = from->n };
    if (from->n)
        memcpy(to->v, from->v, (size_t)from->n);
}

static void forget_changes(struct file *f)
{
    for (size_t i = 0; i < f->changes_n; i++)
        ea_free(f->changes[i].bytes);
    ea_free(f->changes);
    f->changes = NULL;
    f->changes_n = 0;
}

static void note(struct file *f, int64_t at, const unsigned char *bytes, size_t n)
{
    struct change c = { .at = at, .n = n };

    if (bytes) {
        c.bytes = ea_alloc_array(n + 1, 1);
        memcpy(c.bytes, bytes, n);
    }
    f->changes = ea_realloc_array(f->changes, f->changes_n + 1, sizeof(c));
    f->changes[f->changes_n++] = c;
}

static int64_t used(void)
{
    int64_t sum = 0;

    for (size_t i = 0; i < FILES; i++)
        sum += disk.files[i].exists ? disk.files[i].now.n : 0;
    return sum;
}

static struct file *find(const char *name, bool make)
{
    struct file *spare = NULL;

    for (size_t i = 0; i < FILES; i++) {
        struct file *f = &disk.files[i];

        if (f->name[0] && strcmp(f->name, name) == 0)
            return f;
        if (!f->name[0] && !spare)
            spare = f;
    }
    if (!make || !spare)
        return NULL;
    (void)snprintf(spare->name, NAME, "%s", name);
    return spare;
}

/* Each call counts; at the chosen one the machine stops and nothing works any more. */
static bool stopped(const char *what, const struct file *f)
{
    disk.calls++;
    if (!disk.crashed && disk.faults.crash_at && disk.calls >= disk.faults.crash_at) {
        disk.crashed = true;
        if (disk.trace)
            (void)fprintf(disk.trace, "%6lld crash at %s\n", (long long)disk.calls, what);
    }
    if (disk.trace && !disk.crashed)
        (void)fprintf(disk.trace, "%6lld %s %s\n", (long long)disk.calls, what, f ? f->name : "");
    return disk.crashed;
}

static int told(int rc)
{
    if (disk.trace)
        (void)fprintf(disk.trace, "       fails with %d\n", rc);
    return rc;
}

/* --- SQLite's file calls ---------------------------------------------------------------------- */

static int f_close(sqlite3_file *file)
{
    (void)file;
    disk.open--;
    return SQLITE_OK;
}

static int f_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
    struct file *f = ((struct handle *)file)->f;
    int64_t have = f->now.n > at ? f->now.n - at : 0;

    if (stopped("read", f))
        return SQLITE_IOERR_READ;
    if (chance(disk.faults.read_fails))
        return told(SQLITE_IOERR_READ);
    if (have >= n) {
        memcpy(to, f->now.v + at, (size_t)n);
        return SQLITE_OK;
    }
    if (have)
        memcpy(to, f->now.v + at, (size_t)have);
    memset((char *)to + have, 0, (size_t)(n - have));
    return SQLITE_IOERR_SHORT_READ;
}

static int f_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
    struct file *f = ((struct handle *)file)->f;
    int64_t more = at + n > f->now.n ? at + n - f->now.n : 0;

    if (stopped("write", f)) {
        note(f, at, from, (size_t)n); /* it was under way: any part of it may arrive */
        return SQLITE_IOERR_WRITE;
    }
    if (disk.faults.room && more && used() + more > disk.faults.room)
        return told(SQLITE_FULL);
    if (chance(disk.faults.write_fails)) {
        size_t part = (size_t)ea_rng_below(&disk.rng, (uint64_t)n);
        put(&f->now, at, from, part);
        note(f, at, from, part);
        return told(SQLITE_IOERR_WRITE);
    }
    put(&f->now, at, from, (size_t)n);
    note(f, at, from, (size_t)n);
    return SQLITE_OK;
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    struct file *f = ((struct handle *)file)->f;

    if (stopped("truncate", f))
        return SQLITE_IOERR_TRUNCATE;
    if (chance(disk.faults.write_fails))
        return told(SQLITE_IOERR_TRUNCATE);
    set_length(&f->now, n);
    note(f, n, NULL, 0);
    return SQLITE_OK;
}

static int f_sync(sqlite3_file *file, int flags)
{
    struct file *f = ((struct handle *)file)->f;

    (void)flags;
    if (stopped("sync", f))
        return SQLITE_IOERR_FSYNC;
    if (chance(disk.faults.sync_fails))
        return told(
            SQLITE_IOERR_FSYNC); /* and the system tries again: what it holds is not forgotten */
    for (size_t i = 0; i < f->changes_n; i++) {
        const struct change *c = &f->changes[i];
        if (c->bytes)
            put(&f->disk, c->at, c->bytes, c->n);
        else
            set_length(&f->disk, c->at);
    }
    forget_changes(f);
    f->durable = true;
    return SQLITE_OK;
}

static int f_size(sqlite3_file *file, sqlite3_int64 *out)
{
    *out = ((struct handle *)file)->f->now.n;
    return SQLITE_OK;
}

static int f_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int f_reserved(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int f_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int f_sector(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int f_device(sqlite3_file *file)
{
    (void)file;
    return 0; /* it promises nothing */
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_lock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_device,
};

static int v_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
    struct handle *h = (struct handle *)(void *)file;

    (void)vfs;
    file->pMethods = NULL;
    if (!name || stopped("open", NULL))
        return SQLITE_CANTOPEN;
    h->f = find(name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!h->f || (!h->f->exists && !(flags & SQLITE_OPEN_CREATE)))
        return SQLITE_CANTOPEN;
    if (!h->f->exists && h->f->disk.n)
        note(h->f, 0, NULL, 0); /* what stood there before goes with the first flush */
    h->f->exists = true;
    disk.open++;
    file->pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct file *f = find(name, false);

    (void)vfs;
    if (stopped("delete", f))
        return SQLITE_IOERR_DELETE;
    if (!f || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    f->exists = false;
    f->gone_unsynced = !sync_folder && f->durable;
    set_length(&f->now, 0);
    forget_changes(f);
    if (!f->gone_unsynced) {
        set_length(&f->disk, 0);
        f->durable = false;
    }
    return SQLITE_OK;
}

static int v_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct file *f = find(name, false);

    (void)vfs;
    (void)flags;
    *out = f && f->exists;
    return SQLITE_OK;
}

static int v_full(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    (void)snprintf(out, (size_t)n, "%s", name);
    return SQLITE_OK;
}

static int v_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    for (int i = 0; i < n; i++)
        out[i] = (char)ea_rng_below(&disk.rng, 256);
    return n;
}

static int v_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int v_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2460000.5;
    return SQLITE_OK;
}

void disk_install(void)
{
    static sqlite3_vfs vfs = { .iVersion = 1,
                               .szOsFile = sizeof(struct handle),
                               .mxPathname = NAME - 1,
                               .zName = "sim-disk",
                               .xOpen = v_open,
                               .xDelete = v_delete,
                               .xAccess = v_access,
                               .xFullPathname = v_full,
                               .xRandomness = v_random,
                               .xSleep = v_sleep,
                               .xCurrentTime = v_time };

    (void)sqlite3_vfs_register(&vfs, 1);
}

/* --- the machine ------------------------------------------------------------------------------ */

void disk_done(void)
{
    for (size_t i = 0; i < FILES; i++) {
        forget_changes(&disk.files[i]);
        ea_free(disk.files[i].now.v);
        ea_free(disk.files[i].disk.v);
    }
    memset(&disk, 0, sizeof(disk));
}

void disk_format(uint64_t seed, FILE *trace)
{
    disk_done();
    ea_rng_seed(&disk.rng, seed);
    sqlite3_randomness(0, NULL); /* its own numbers begin anew as well */
    disk.trace = trace;
}

void disk_set(const struct disk_faults *f)
{
    disk.faults = *f;
    if (disk.faults.crash_at)
        disk.faults.crash_at += disk.calls;
}

bool disk_crashed(void)
{
    return disk.crashed;
}

int64_t disk_calls(void)
{
    return disk.calls;
}

unsigned disk_leaks(void)
{
    return disk.open;
}

/* Of a change that was not flushed, each sector arrives or does not; at most one arrives torn. */
static void arrive(struct file *f, const struct change *c, bool *tear)
{
    unsigned keep = (unsigned)ea_rng_below(&disk.rng, 3) * 5000; /* none, some, all */

    if (!c->bytes) {
        if (chance(5000))
            set_length(&f->disk, c->at);
        return;
    }
    for (size_t at = 0; at < c->n;) {
        size_t n = SECTOR - (size_t)(c->at + (int64_t)at) % SECTOR;
        n = n > c->n - at ? c->n - at : n;
        size_t whole = n;

        if (chance(keep)) {
            if (*tear && chance(1000)) {
                n = (size_t)ea_rng_below(&disk.rng, n + 1);
                *tear = false;
            }
            if (n)
                put(&f->disk, c->at + (int64_t)at, c->bytes + at, n);
        }
        at += whole;
    }
}

void disk_restart(void)
{
    bool tear = chance(5000);

    for (size_t i = 0; i < FILES; i++) {
        struct file *f = &disk.files[i];

        if (f->gone_unsynced && !f->exists && chance(5000))
            f->exists = true; /* its deletion did not arrive */
        else if (!f->exists || (!f->durable && chance(5000)))
            f->exists = f->durable = false; /* its creation did not */
        if (disk.trace && f->name[0])
            (void)fprintf(disk.trace,
                          "       after the restart %s is %s; %zu changes were unwritten\n",
                          f->name, f->exists ? "there" : "not there", f->changes_n);
        for (size_t j = 0; j < f->changes_n && f->exists; j++)
            arrive(f, &f->changes[j], &tear);
        forget_changes(f);
        if (!f->exists)
            set_length(&f->disk, 0);
        f->durable = f->exists;
        f->gone_unsynced = false;
        copy(&f->now, &f->disk);
    }
    disk.crashed = false;
    disk.faults = (struct disk_faults){ 0 };
}

bool disk_damage(const char *ending)
{
    for (size_t i = 0; i < FILES; i++) {
        struct file *f = &disk.files[i];
        size_t n = strlen(f->name), m = strlen(ending);

        if (!f->exists || n < m || strcmp(f->name + n - m, ending) != 0 || f->now.n < SECTOR)
            continue;
        int64_t at = (int64_t)ea_rng_below(&disk.rng, (uint64_t)(f->now.n / SECTOR)) * SECTOR;
        bool zero = chance(5000);
        for (int64_t j = at; j < at + SECTOR; j++)
            f->now.v[j] = zero ? 0 : (unsigned char)ea_rng_below(&disk.rng, 256);
        copy(&f->disk, &f->now);
        if (disk.trace)
            (void)fprintf(disk.trace, "       sector at %lld is %s\n", (long long)at,
                          zero ? "zero" : "garbage");
        return true;
    }
    return false;
}
