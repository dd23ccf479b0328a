#include "../plat.h"

#include "../../base/alloc.h"
#include "errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A lock of the open file (not of the process): it ends with this file description, and can be
 * asked about without being taken. The holder's pid stands in the file. */

struct held {
    struct held *next;
    char *dir;
    int fd;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct held *all_held;

static int open_lock(const char *dir, int flags)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/lock", dir);

    return open(path, flags | O_CLOEXEC, 0600);
}

static int64_t pid_in(int fd)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    ea_err err = { 0 };
    int64_t pid;

    if (n <= 0 || ea_str_to_i64(ea_str_trim((ea_str){ text, (size_t)n }), 1, INT32_MAX, &pid, &err))
        return 0;
    return pid;
}

static ea_code refuse(int fd, int number, const char *dir, ea_err *err)
{
    int64_t pid = pid_in(fd);

    if (number != EAGAIN && number != EACCES)
        return ea_fail_errno(err, number, "lock", dir);
    if (pid == 0)
        return ea_fail(err, EA_BUSY, "%s is in use by another process", dir);
    return ea_fail(err, EA_BUSY, "%s is in use by process %" PRId64, dir, pid);
}

ea_code ea_plat_lock_dir(const char *dir, ea_err *err)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = open_lock(dir, O_RDWR | O_CREAT);
    struct held *h;
    char text[24];
    int n;

    if (fd < 0)
        return ea_fail_errno(err, errno, "lock", dir);
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        ea_code code = refuse(fd, errno, dir, err);

        (void)close(fd); /* nothing was written */
        return code;
    }
    n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        ea_code code = ea_fail_errno(err, errno ? errno : EIO, "lock", dir);

        (void)close(fd); /* gives the lock back */
        return code;
    }
    h = ea_alloc(sizeof(*h));
    h->dir = ea_strdup(dir);
    h->fd = fd;
    pthread_mutex_lock(&guard);
    h->next = all_held;
    all_held = h;
    pthread_mutex_unlock(&guard);
    return EA_OK;
}

void ea_plat_unlock_dir(const char *dir)
{
    struct held **at, *h = NULL;

    pthread_mutex_lock(&guard);
    for (at = &all_held; *at; at = &(*at)->next) {
        if (strcmp((*at)->dir, dir) == 0) {
            h = *at;
            *at = h->next;
            break;
        }
    }
    pthread_mutex_unlock(&guard);
    if (!h)
        return;
    if (ftruncate(h->fd, 0) != 0) {
        /* An old pid in an unlocked file misleads nobody: the lock is asked first. */
    }
    (void)close(h->fd); /* gives the lock back */
    ea_free(h->dir);
    ea_free(h);
}

int64_t ea_plat_lock_holder(const char *dir)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = open_lock(dir, O_RDWR);
    int64_t pid = 0;

    if (fd < 0)
        return 0;
    if (fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        pid = pid_in(fd);
    (void)close(fd); /* nothing was written */
    return pid;
}
