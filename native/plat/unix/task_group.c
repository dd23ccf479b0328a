#include "../plat.h"

#include "errno_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 1024
};

static ea_code join(char out[PATH_SIZE], const char *a, const char *b, const char *c, ea_err *err)
{
    int n = snprintf(out, PATH_SIZE, "%s%s%s", a, b, c);

    if (n < 0 || n >= PATH_SIZE)
        return ea_fail(err, EA_LIMIT, "control group: path too long");
    return EA_OK;
}

static bool is_v2(const char *root)
{
    char path[PATH_SIZE];
    ea_err ignored = { 0 };

    return !join(path, root, "/cgroup.controllers", "", &ignored) && access(path, R_OK) == 0;
}

/* The kernel's files exist: none is ever created. */
static ea_code put(const char *dir, const char *file, const char *text, ea_err *err)
{
    char path[PATH_SIZE];
    int fd, number;
    ssize_t n;

    if (join(path, dir, file, "", err))
        return err->code;
    fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
    if (fd < 0)
        return ea_fail_errno(err, errno, "write", path);
    n = write(fd, text, strlen(text));
    number = errno;
    (void)close(fd); /* written at once or not at all */
    return n < 0 ? ea_fail_errno(err, number, "write", path) : EA_OK;
}

static ea_code put_number(const char *dir, const char *file, int64_t value, ea_err *err)
{
    char text[32];

    if (value <= 0)
        return EA_OK;
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return put(dir, file, text, err);
}

typedef ea_code above_fn(const char *dir, ea_err *err);

/* Makes each folder of `path` below `base` that is not there; `above` is called for all but the last. */
static ea_code make_folders(const char *base, const char *path, above_fn *above,
                            char out[PATH_SIZE], ea_err *err)
{
    if (join(out, base, path, "", err))
        return err->code;
    for (char *p = out + strlen(base) + 1;; p++) {
        char end = *p;

        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        if (mkdir(out, 0755) && errno != EEXIST)
            return ea_fail_errno(err, errno, "make", out);
        if (end == '\0')
            return EA_OK;
        if (above && above(out, err))
            return err->code;
        *p = end;
    }
}

/* ---- version 1: one tree a controller ---- */

static ea_code count_children(const char *dir, ea_err *err)
{
    ea_err ignored = { 0 };

    (void)err;
    (void)put(dir, "/memory.use_hierarchy", "1", &ignored); /* newer kernels always do */
    return EA_OK;
}

static ea_code v1_group(const char *root, const char *controller, const char *path,
                        char out[PATH_SIZE], ea_err *err)
{
    char base[PATH_SIZE];

    if (join(base, root, controller, "", err))
        return err->code;
    return make_folders(base, path, strcmp(controller, "/memory") == 0 ? count_children : NULL, out,
                        err);
}

static ea_code make_v1(const char *root, const char *path, const struct ea_task_limits *l,
                       ea_err *err)
{
    char dir[PATH_SIZE];

    if (l->cpu_quota_us > 0 || l->cpu_shares > 0) {
        if (v1_group(root, "/cpu", path, dir, err) ||
            put_number(dir, "/cpu.shares", l->cpu_shares, err) ||
            put_number(dir, "/cpu.cfs_period_us", l->cpu_period_us, err) ||
            put_number(dir, "/cpu.cfs_quota_us", l->cpu_quota_us, err))
            return err->code;
    }
    if (l->memory_bytes > 0 && (v1_group(root, "/memory", path, dir, err) ||
                                put_number(dir, "/memory.limit_in_bytes", l->memory_bytes, err)))
        return err->code;
    if (l->pids > 0 &&
        (v1_group(root, "/pids", path, dir, err) || put_number(dir, "/pids.max", l->pids, err)))
        return err->code;
    return EA_OK;
}

/* ---- version 2: one tree; a controller is handed down level by level ---- */

static ea_code hand_down(const char *dir, ea_err *err)
{
    return put(dir, "/cgroup.subtree_control", "+cpu +memory +pids", err);
}

/* Shares of version 1 (2 to 262144) to weights of version 2 (1 to 10000), as container runtimes do. */
static int64_t weight_of(int64_t shares)
{
    return shares > 0 ? 1 + (shares - 2) * 9999 / 262142 : 0;
}

static ea_code make_v2(const char *root, const char *path, const struct ea_task_limits *l,
                       ea_err *err)
{
    char dir[PATH_SIZE], text[64];

    if (hand_down(root, err) || make_folders(root, path, hand_down, dir, err))
        return err->code;
    (void)snprintf(text, sizeof(text), "%lld %lld", (long long)l->cpu_quota_us,
                   (long long)l->cpu_period_us);
    if (l->cpu_quota_us > 0 && put(dir, "/cpu.max", text, err))
        return err->code;
    if (put_number(dir, "/cpu.weight", weight_of(l->cpu_shares), err) ||
        put_number(dir, "/memory.max", l->memory_bytes, err) ||
        put_number(dir, "/pids.max", l->pids, err))
        return err->code;
    return EA_OK;
}

/* ---- both ---- */

ea_code ea_plat_task_groups_usable(const char *root, ea_err *err)
{
    static const char *const v1[] = { "/cpu/cpu.cfs_quota_us", "/memory/memory.limit_in_bytes",
                                      "/pids/cgroup.procs" };
    static const char *const v2[] = { "/cgroup.subtree_control" };
    bool two = is_v2(root);
    size_t n = two ? EA_COUNT(v2) : EA_COUNT(v1);
    char path[PATH_SIZE];

    for (size_t i = 0; i < n; i++) {
        if (join(path, root, two ? v2[i] : v1[i], "", err))
            return err->code;
        if (access(path, W_OK))
            return ea_fail_errno(err, errno, "write", path);
    }
    return EA_OK;
}

ea_code ea_plat_task_group_make(const char *root, const char *path,
                                const struct ea_task_limits *limits, ea_err *err)
{
    return is_v2(root) ? make_v2(root, path, limits, err) : make_v1(root, path, limits, err);
}

static ea_code remove_one(const char *tree, const char *path, ea_err *err)
{
    char dir[PATH_SIZE];

    if (join(dir, tree, path, "", err))
        return err->code;
    if (rmdir(dir) == 0 || errno == ENOENT || errno == ENOTDIR)
        return EA_OK;
    if (errno == EBUSY || errno == ENOTEMPTY)
        return ea_fail_sys(err, EA_BUSY, errno, "control group %s is in use", dir);
    return ea_fail_errno(err, errno, "remove", dir);
}

/* A container's runtime makes the group in every tree of version 1, not only in those of our limits. */
ea_code ea_plat_task_group_remove(const char *root, const char *path, ea_err *err)
{
    DIR *trees;
    const struct dirent *tree;
    ea_code code = EA_OK;

    if (is_v2(root))
        return remove_one(root, path, err);
    trees = opendir(root);
    if (!trees)
        return ea_fail_errno(err, errno, "read", root);
    while ((tree = readdir(trees)) != NULL) {
        char base[PATH_SIZE];
        ea_err why = { 0 };

        if (tree->d_name[0] == '.' || join(base, root, "/", tree->d_name, &why) ||
            remove_one(base, path, &why) == EA_OK)
            continue;
        *err = why;
        code = why.code;
    }
    (void)closedir(trees);
    return code;
}
