#include "../plat.h"

#include "errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_MAX = 32 * 1024, /* a memory.stat has 2 KiB, a net/dev 120 bytes an interface */
    PATH_MAX_LEN = 1024,
};
#define NS_PER_S 1000000000LL

enum kept { /* what is held open, by its place in ea_cgroup_place.kept */
    KEPT_CPU,
    KEPT_USAGE,
    KEPT_STAT,
    KEPT_STORAGE,
    KEPT_PROCESS /* the folder: it is of that very process, whoever has its number later */
};

/* ---- reading and finding words ---- */

/* The whole of a small file of the kernel's, in one piece of the caller's. `folder`: AT_FDCWD or the
 * folder that `path` begins in. */
static ea_code slurp(int folder, const char *path, char *out, size_t max, ea_str *text, ea_err *err)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;

    if (fd < 0)
        return ea_fail_errno(err, errno, "read", path);
    while (n < max) {
        ssize_t got = read(fd, out + n, max - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int number = errno;

            (void)close(fd); /* only read */
            return ea_fail_errno(err, number, "read", path);
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    (void)close(fd); /* only read */
    if (n == max)
        return ea_fail(err, EA_LIMIT, "read %s: larger than %zu bytes", path, max - 1);
    *text = (ea_str){ out, n };
    return EA_OK;
}

static uint64_t number(ea_str s)
{
    ea_err ignored = { 0 };
    uint64_t n = 0;

    return ea_str_to_u64(ea_str_trim(s), 0, UINT64_MAX, &n, &ignored) ? 0 : n;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* The next word of a line; empty at its end. */
static ea_str word(ea_str *rest)
{
    ea_str w;

    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        rest->p++;
        rest->n--;
    }
    w = (ea_str){ rest->p, 0 };
    while (w.n < rest->n && rest->p[w.n] != ' ' && rest->p[w.n] != '\t')
        w.n++;
    rest->p += w.n;
    rest->n -= w.n;
    return w;
}

/* Value of the line "<name> <number>"; 0 without one. */
static uint64_t named(ea_str text, const char *name)
{
    while (text.n) {
        ea_str line;

        text = ea_str_cut(text, '\n', &line);
        if (ea_str_eqz(word(&line), name))
            return number(line);
    }
    return 0;
}

static bool fits(int n, size_t size)
{
    return n > 0 && (size_t)n < size;
}

static ea_code read_in(const char *dir, const char *name, char *out, ea_str *text, ea_err *err)
{
    char path[PATH_MAX_LEN];

    if (!fits(snprintf(path, sizeof(path), "%s/%s", dir, name), sizeof(path)))
        return ea_fail(err, EA_LIMIT, "control group: path too long");
    return slurp(AT_FDCWD, path, out, FILE_MAX, text, err);
}

/* Holds a descriptor for later, or not: other work needs some as well. */
static bool keep(struct ea_cgroup_place *p, enum kept what, int fd)
{
    static rlim_t most; /* the limit does not change */
    struct rlimit r;

    if (!most)
        most = getrlimit(RLIMIT_NOFILE, &r) ? 64 : r.rlim_cur / 2;
    if ((rlim_t)fd >= most)
        return false;
    p->kept[what] = fd + 1;
    return true;
}

/* A file of a control group: one call tells all of it, each time anew. Of one that was removed with its
 * group it fails. */
static ea_code read_kept(struct ea_cgroup_place *p, enum kept what, const char *dir,
                         const char *name, char *out, ea_str *text, ea_err *err)
{
    int fd = p->kept[what] - 1, number;
    bool close_it = false;
    char path[PATH_MAX_LEN];
    ssize_t n;

    if (fd < 0) {
        if (!fits(snprintf(path, sizeof(path), "%s/%s", dir, name), sizeof(path)))
            return ea_fail(err, EA_LIMIT, "control group: path too long");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return ea_fail_errno(err, errno, "read", path);
        close_it = !keep(p, what, fd);
    }
    do
        n = pread(fd, out, FILE_MAX, 0);
    while (n < 0 && errno == EINTR);
    number = errno;
    if (close_it)
        (void)close(fd); /* only read */
    if (n < 0)
        return ea_fail_errno(err, number, "read", name);
    if (n == FILE_MAX)
        return ea_fail(err, EA_LIMIT, "read %s: larger than %d bytes", name, FILE_MAX - 1);
    *text = (ea_str){ out, (size_t)n };
    return EA_OK;
}

static bool exists_in(const char *dir, const char *name)
{
    char path[PATH_MAX_LEN];

    return fits(snprintf(path, sizeof(path), "%s/%s", dir, name), sizeof(path)) &&
           access(path, R_OK) == 0;
}

/* ---- where the files are ---- */

/* Does this line of /proc/<pid>/cgroup, "4:memory:/a/b", belong to the controller? Version 2: "0::/a". */
static bool is_line_of(ea_str controllers, const char *controller)
{
    ea_str item;

    if (!*controller)
        return controllers.n == 0;
    while (ea_str_next_csv(&controllers, &item)) {
        if (ea_str_eqz(item, controller))
            return true;
    }
    return false;
}

/* Path of the group in its hierarchy. A path that does not hold the container's id is somebody
 * else's: the pid was of another namespace, or is used again. */
static ea_str path_of(ea_str table, const char *controller, const char *id)
{
    while (table.n) {
        ea_str line, head, controllers;

        table = ea_str_cut(table, '\n', &line);
        line = ea_str_cut(line, ':', &head);
        line = ea_str_cut(line, ':', &controllers);
        if (!line.p || !is_line_of(controllers, controller))
            continue;
        for (size_t n = strlen(id), i = 0; i + n <= line.n; i++) {
            const char *end;

            if (memcmp(line.p + i, id, n) != 0)
                continue;
            /* A process may have moved itself to a group below: the container's is the one. */
            end = memchr(line.p + i, '/', line.n - i);
            return end ? (ea_str){ line.p, (size_t)(end - line.p) } : line;
        }
    }
    return (ea_str){ NULL, 0 };
}

struct look { /* what is looked for, and where */
    const char *root, *id;
    ea_str table; /* /proc/<pid>/cgroup; empty without a pid */
    bool v2;
};

/* The folder of a controller that has `file` in it: as the process tells, else under the places that
 * Docker's two cgroup drivers use. */
static bool find_dir(const struct look *l, const char *controller, const char *file, char *out,
                     size_t size)
{
    static const char *const usual[] = { "/docker/%s", "/system.slice/docker-%s.scope" };
    ea_str told = path_of(l->table, l->v2 ? "" : controller, l->id);
    const char *slash = l->v2 ? "" : "/";
    const char *name = l->v2 ? "" : controller;
    char tail[256];

    if (told.n &&
        fits(
            snprintf(out, size, "%s/sys/fs/cgroup%s%s%.*s", l->root, slash, name, EA_STR_FMT(told)),
            size) &&
        exists_in(out, file))
        return true;
    for (size_t i = 0; i < EA_COUNT(usual); i++) {
        ea_str head, rest = ea_str_cut(ea_str_of(usual[i]), '%', &head);

        if (fits(snprintf(tail, sizeof(tail), "%.*s%s%.*s", EA_STR_FMT(head), l->id,
                          (int)(rest.n - 1), rest.p + 1),
                 sizeof(tail)) &&
            fits(snprintf(out, size, "%s/sys/fs/cgroup%s%s%s", l->root, slash, name, tail), size) &&
            exists_in(out, file))
            return true;
    }
    *out = '\0';
    return false;
}

static void close_one(struct ea_cgroup_place *p, enum kept what)
{
    if (p->kept[what])
        (void)close(p->kept[what] - 1); /* only read */
    p->kept[what] = 0;
}

void ea_plat_cgroup_close(struct ea_cgroup_place *place)
{
    for (int i = 0; i < EA_CGROUP_FILES; i++)
        close_one(place, (enum kept)i);
    *place = (struct ea_cgroup_place){ 0 };
}

/* Holds the folder of a process and reads the table of its groups; empty when there is none. */
static ea_str open_process(const char *root, int64_t pid, struct ea_cgroup_place *p, char *buffer)
{
    ea_str table = { NULL, 0 };
    char path[PATH_MAX_LEN];
    ea_err ignored = { 0 };
    int fd;

    if (pid <= 0 ||
        !fits(snprintf(path, sizeof(path), "%s/proc/%" PRId64, root, pid), sizeof(path)))
        return table;
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return table;
    if (slurp(fd, "cgroup", buffer, FILE_MAX, &table, &ignored))
        table = (ea_str){ NULL, 0 };
    if (!keep(p, KEPT_PROCESS, fd))
        (void)close(fd); /* nothing was written */
    return table;
}

static int64_t first_process(const char *dir)
{
    char text[FILE_MAX];
    ea_err ignored = { 0 };
    ea_str all, line;

    if (read_in(dir, "cgroup.procs", text, &all, &ignored))
        return 0;
    (void)ea_str_cut(all, '\n', &line);
    return (int64_t)(number(line) & INT32_MAX);
}

/* Only one of them counts; the first that the kernel has. */
static void find_storage(const struct look *l, struct ea_cgroup_place *out)
{
    static const char *const files[] = { "blkio.bfq.io_service_bytes_recursive",
                                         "blkio.io_service_bytes_recursive",
                                         "blkio.throttle.io_service_bytes_recursive",
                                         "blkio.throttle.io_service_bytes" };

    for (size_t i = 0; i < EA_COUNT(files) && !out->storage_file; i++) {
        if (find_dir(l, "blkio", files[i], out->storage, sizeof(out->storage)))
            out->storage_file = files[i];
    }
}

ea_code ea_plat_cgroup_find(const char *root, const char *id, int64_t pid,
                            struct ea_cgroup_place *out, ea_err *err)
{
    struct ea_cgroup_place place = { 0 };
    char table[FILE_MAX], path[PATH_MAX_LEN];
    struct look l = { .root = root, .id = id };
    bool found;

    if (strlen(id) < 12 || strlen(id) > 128 || strspn(id, "0123456789abcdef") != strlen(id))
        return ea_fail(err, EA_INVALID, "control group: %.20s is no id of a container", id);
    l.table = open_process(root, pid, &place, table);
    (void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup", root); /* too long: not found below */
    l.v2 = place.v2 = exists_in(path, "cgroup.controllers");
    if (l.v2) {
        found = find_dir(&l, "", "cpu.stat", place.cpu, sizeof(place.cpu)) &&
                find_dir(&l, "", "memory.current", place.memory, sizeof(place.memory));
        if (find_dir(&l, "", "io.stat", place.storage, sizeof(place.storage)))
            place.storage_file = "io.stat";
    } else {
        found = find_dir(&l, "cpuacct", "cpuacct.usage", place.cpu, sizeof(place.cpu)) &&
                find_dir(&l, "memory", "memory.usage_in_bytes", place.memory, sizeof(place.memory));
        find_storage(&l, &place);
    }
    place.pid = pid;
    if (!path_of(l.table, l.v2 ? "" : "cpuacct", id).n) {
        close_one(&place, KEPT_PROCESS);
        place.pid = found ? first_process(place.cpu) : 0;
        (void)open_process(root, place.pid, &place, table); /* it is in the group, by the group */
    }
    if (found &&
        fits(snprintf(place.net, sizeof(place.net), "%s/proc/%" PRId64 "/net/dev", root, place.pid),
             sizeof(place.net))) {
        *out = place;
        return EA_OK;
    }
    close_one(&place, KEPT_PROCESS);
    return ea_fail(err, EA_NOT_FOUND, "no control group of container %.12s under %s", id, path);
}

/* ---- figures ---- */

static ea_code read_cpu(struct ea_cgroup_place *p, char *buffer, struct ea_cgroup_figures *out,
                        ea_err *err)
{
    struct timespec now;
    ea_str text;

    if (read_kept(p, KEPT_CPU, p->cpu, p->v2 ? "cpu.stat" : "cpuacct.usage", buffer, &text, err))
        return err->code;
    /* The time belongs to the CPU figure: its rate is the one that matters. */
    if (clock_gettime(CLOCK_REALTIME, &now))
        return ea_fail_errno(err, errno, "read", "the clock");
    out->read_ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
    out->cpu_ns = p->v2 ? named(text, "usage_usec") * 1000 : number(text);
    return EA_OK;
}

/* Use without page cache, as the engine counts it (control-plane.md section 4.5). */
static ea_code read_memory(struct ea_cgroup_place *p, char *buffer, struct ea_cgroup_figures *out,
                           ea_err *err)
{
    uint64_t usage, cache;
    ea_str text;

    if (read_kept(p, KEPT_USAGE, p->memory, p->v2 ? "memory.current" : "memory.usage_in_bytes",
                  buffer, &text, err))
        return err->code;
    usage = number(text);
    if (read_kept(p, KEPT_STAT, p->memory, "memory.stat", buffer, &text, err))
        return err->code;
    cache = named(text, p->v2 ? "inactive_file" : "cache");
    out->memory_bytes = cache < usage ? usage - cache : usage;
    return EA_OK;
}

/* Version 1: "8:0 Read 4096"; version 2: "8:0 rbytes=4096 wbytes=0 rios=1 ...". */
static void add_storage_line(ea_str line, bool v2, struct ea_cgroup_figures *out)
{
    ea_str w = word(&line), name, value;

    if (!v2) {
        w = word(&line);
        if (ea_str_eq_nocase(w, EA_STR("read")))
            out->storage_read = plus(out->storage_read, number(line));
        else if (ea_str_eq_nocase(w, EA_STR("write")))
            out->storage_write = plus(out->storage_write, number(line));
        return;
    }
    for (w = word(&line); w.n; w = word(&line)) {
        value = ea_str_cut(w, '=', &name);
        if (ea_str_eqz(name, "rbytes"))
            out->storage_read = plus(out->storage_read, number(value));
        else if (ea_str_eqz(name, "wbytes"))
            out->storage_write = plus(out->storage_write, number(value));
    }
}

static ea_code read_storage(struct ea_cgroup_place *p, char *buffer, struct ea_cgroup_figures *out,
                            ea_err *err)
{
    ea_str text, line;

    if (!p->storage_file)
        return EA_OK; /* the kernel counts none: zero, as the engine tells it */
    if (read_kept(p, KEPT_STORAGE, p->storage, p->storage_file, buffer, &text, err))
        return err->code;
    while (text.n) {
        text = ea_str_cut(text, '\n', &line);
        add_storage_line(line, p->v2, out);
    }
    return EA_OK;
}

/* The file is opened each time: held open it would keep a network alive that nobody is in.
 * "  eth0: 1 2 3 4 5 6 7 8 9 ...": received bytes, packets, errors, dropped, four others, then sent. */
static ea_code read_network(const struct ea_cgroup_place *p, char *buffer,
                            struct ea_cgroup_figures *out, ea_err *err)
{
    enum {
        COLUMNS = 12
    };
    static const unsigned char sent = 8;
    ea_str text, line;

    if (!p->pid)
        return EA_OK;
    if (p->kept[KEPT_PROCESS]
            ? slurp(p->kept[KEPT_PROCESS] - 1, "net/dev", buffer, FILE_MAX, &text, err)
            : slurp(AT_FDCWD, p->net, buffer, FILE_MAX, &text, err))
        return err->code;
    while (text.n) {
        uint64_t v[COLUMNS];
        ea_str name;

        text = ea_str_cut(text, '\n', &line);
        line = ea_str_cut(line, ':', &name);
        if (!line.p || ea_str_eqz(ea_str_trim(name), "lo"))
            continue;
        for (size_t i = 0; i < COLUMNS; i++)
            v[i] = number(word(&line));
        out->has_network = true;
        out->rx_bytes = plus(out->rx_bytes, v[0]);
        out->rx_packets = plus(out->rx_packets, v[1]);
        out->rx_errors = plus(out->rx_errors, v[2]);
        out->rx_dropped = plus(out->rx_dropped, v[3]);
        out->tx_bytes = plus(out->tx_bytes, v[sent]);
        out->tx_packets = plus(out->tx_packets, v[sent + 1]);
        out->tx_errors = plus(out->tx_errors, v[sent + 2]);
        out->tx_dropped = plus(out->tx_dropped, v[sent + 3]);
    }
    return EA_OK;
}

ea_code ea_plat_cgroup_read(struct ea_cgroup_place *place, bool network,
                            struct ea_cgroup_figures *out, ea_err *err)
{
    struct ea_cgroup_figures f = { 0 };
    char buffer[FILE_MAX];

    if (read_cpu(place, buffer, &f, err) || read_memory(place, buffer, &f, err) ||
        read_storage(place, buffer, &f, err) || (network && read_network(place, buffer, &f, err)))
        return err->code;
    *out = f;
    return EA_OK;
}
