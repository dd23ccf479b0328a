#include "../plat.h"

#include "../../base/alloc.h"
#include "../file_handle.h"
#include "errno_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- places ------------------------------------------------------------------------------------ */

char *ea_plat_default_path(ea_path_id id)
{
    const char *home;

    switch (id) {
    case EA_PATH_CONFIG_FILE:
        return ea_strdup("/etc/ecs/ecs.config");
    case EA_PATH_CONFIG_JSON:
        return ea_strdup("/etc/ecs_container_agent/config.json");
    case EA_PATH_DATA_DIR:
        return ea_strdup("/var/lib/ecs/data");
    case EA_PATH_LOG_DIR:
        return ea_strdup("/var/log/ecs");
    case EA_PATH_AUDIT_FILE:
        return ea_strdup("/var/log/ecs/audit.log");
    case EA_PATH_RUN_DIR:
        return ea_strdup("/run/ecs");
    case EA_PATH_LOCAL_DIR:
        return ea_strdup("/var/lib/ecs/local");
    case EA_PATH_PROGRAM_DIR:
        return ea_strdup("/usr/local/libexec/ecs");
    case EA_PATH_CREDENTIAL_SPECS:
        return NULL;
    case EA_PATH_SHARED_CREDENTIALS:
        home = getenv("HOME");
        return ea_zstr_empty(home) ? NULL : ea_sprintf_dup("%s/.aws/credentials", home);
    }
    return NULL;
}

char *ea_plat_control_path(const char *run_dir)
{
    return ea_sprintf_dup("%s/control.sock", run_dir);
}

/* --- reading and writing ----------------------------------------------------------------------- */

ea_code ea_plat_read_file(const char *path, size_t max, ea_buf *out, ea_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ea_code code = EA_OK;
    size_t total = 0;

    if (fd < 0)
        return ea_fail_errno(err, errno, "read", path);
    for (;;) {
        char piece[8192];
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = ea_fail_errno(err, errno, "read", path);
        if (n <= 0)
            break;
        total += (size_t)n;
        if (total > max) {
            code = ea_fail(err, EA_LIMIT, "read %s: larger than %zu bytes", path, max);
            ea_secret_wipe(piece, (size_t)n);
            break;
        }
        ea_buf_add(out, piece, (size_t)n);
        ea_secret_wipe(piece, (size_t)n); /* settings and keys come this way */
    }
    (void)close(fd); /* only read */
    if (code == EA_OK && ea_buf_check(out, err))
        code = ea_wrap(err, "read %s", path);
    return code;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* The name in a folder is durable only once the folder itself was flushed. */
static void sync_parent(const char *path)
{
    EA_FREE_AUTO char *dir = ea_file_parent(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd); /* some file systems refuse it for folders; nothing more can be done */
        (void)close(fd); /* only read */
    }
}

/* An unfinished sibling of `path`, open for writing. */
static int open_sibling(const char *path, unsigned mode, char **name)
{
    uint64_t salt;
    int fd;

    ea_plat_random(&salt, sizeof(salt));
    *name = ea_sprintf_dup("%s.%016" PRIx64 ".tmp", path, salt);
    fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)(mode & 0777));
    if (fd >= 0 && fchmod(fd, (mode_t)(mode & 0777)) != 0) { /* whatever the umask says */
        int number = errno;

        (void)close(fd); /* empty and removed at once */
        (void)unlink(*name);
        errno = number;
        return -1;
    }
    return fd;
}

/* Flushes, closes and puts the sibling in its place; removes it after a failure. */
static ea_code finish_sibling(int fd, int failed, const char *name, const char *path, ea_err *err)
{
    int number = failed;

    if (number == 0 && fsync(fd) != 0)
        number = errno;
    if (close(fd) != 0 && number == 0)
        number = errno;
    if (number == 0 && rename(name, path) != 0)
        number = errno;
    if (number != 0) {
        (void)unlink(name); /* nobody else knows the name */
        return ea_fail_errno(err, number, "write", path);
    }
    sync_parent(path);
    return EA_OK;
}

ea_code ea_plat_write_file(const char *path, ea_str content, unsigned mode, ea_err *err)
{
    EA_FREE_AUTO char *name = NULL;
    int fd = open_sibling(path, mode, &name);

    if (fd < 0)
        return ea_fail_errno(err, errno, "write", path);
    return finish_sibling(fd, write_all(fd, content.p, content.n), name, path, err);
}

ea_code ea_plat_copy_file(const char *from, const char *to, unsigned mode, ea_err *err)
{
    EA_FREE_AUTO char *name = NULL;
    int in = open(from, O_RDONLY | O_CLOEXEC), out, failed = 0;
    ea_code code;

    if (in < 0)
        return ea_fail_errno(err, errno, "copy", from);
    out = open_sibling(to, mode, &name);
    if (out < 0) {
        code = ea_fail_errno(err, errno, "write", to);
        (void)close(in); /* only read */
        return code;
    }
    for (;;) {
        char piece[65536];
        ssize_t n = read(in, piece, sizeof(piece));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            failed = errno;
        if (n <= 0)
            break;
        failed = write_all(out, piece, (size_t)n);
        if (failed)
            break;
    }
    (void)close(in); /* only read */
    return finish_sibling(out, failed, name, to, err);
}

ea_code ea_plat_private_file(const char *path, ea_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int number = fd < 0 ? errno : 0;

    if (fd >= 0 && fchmod(fd, 0600) != 0)
        number = errno;
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
    return number ? ea_fail_errno(err, number, "open", path) : EA_OK;
}

char *ea_plat_native_path(const char *path)
{
    return ea_strdup(path);
}

ea_code ea_plat_rename(const char *from, const char *to, ea_err *err)
{
    if (rename(from, to) != 0)
        return ea_fail_errno(err, errno, "rename", from);
    sync_parent(to);
    return EA_OK;
}

/* --- folders ----------------------------------------------------------------------------------- */

static int make_one(const char *path)
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return errno;
    if (stat(path, &st) != 0)
        return errno;
    return S_ISDIR(st.st_mode) ? 0 : EEXIST;
}

ea_code ea_plat_make_dir(const char *path, ea_err *err)
{
    EA_FREE_AUTO char *copy = ea_strdup(path);
    int number = make_one(copy);

    for (char *p = copy + 1; number == ENOENT && *copy && *p; p++) {
        int step;

        if (*p != '/')
            continue;
        *p = '\0';
        step = make_one(copy);
        *p = '/';
        if (step != 0)
            return ea_fail_errno(err, step, "make folder", path);
    }
    if (number == ENOENT)
        number = make_one(copy);
    return number ? ea_fail_errno(err, number, "make folder", path) : EA_OK;
}

ea_code ea_plat_remove_file(const char *path, ea_err *err)
{
    if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
        return ea_fail_errno(err, errno, "remove", path);
    return EA_OK;
}

/* Removes `name` in the open folder `at`; a link is removed, never followed. */
static int remove_at(int at, const char *name, unsigned depth)
{
    int number = 0, fd;
    DIR *dir;

    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    if (depth == 0)
        return ELOOP;
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    dir = fdopendir(fd);
    if (!dir) {
        number = errno;
        (void)close(fd); /* only read */
        return number;
    }
    for (struct dirent *e; number == 0 && (errno = 0, e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            number = remove_at(dirfd(dir), e->d_name, depth - 1);
    }
    (void)closedir(dir); /* only read */
    if (number == 0 && unlinkat(at, name, AT_REMOVEDIR) != 0)
        number = errno;
    return number;
}

ea_code ea_plat_remove_empty_dir(const char *path, ea_err *err)
{
    if (rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
        return EA_OK;
    return ea_fail_errno(err, errno, "remove", path);
}

ea_code ea_plat_remove_tree(const char *path, ea_err *err)
{
    int number = remove_at(AT_FDCWD, path, 64);

    return number && number != ENOTDIR ? ea_fail_errno(err, number, "remove", path) : EA_OK;
}

bool ea_plat_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* --- appending --------------------------------------------------------------------------------- */

ea_code ea_file_open_append(const char *path, intptr_t *handle, int64_t *size, ea_err *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0)
        return ea_fail_errno(err, errno, "append to", path);
    *handle = fd;
    *size = fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
    return EA_OK;
}

ea_code ea_file_write(intptr_t handle, ea_str text, const char *path, ea_err *err)
{
    int number = write_all((int)handle, text.p, text.n);

    return number ? ea_fail_errno(err, number, "append to", path) : EA_OK;
}

void ea_file_close(intptr_t handle)
{
    (void)close((int)handle); /* each line was written before */
}

void ea_file_move(const char *from, const char *to)
{
    (void)rename(from, to); /* as its header says */
}
