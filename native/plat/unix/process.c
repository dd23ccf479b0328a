#include "../plat.h"

#include "../../base/alloc.h"
#include "errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- who a process is -------------------------------------------------------------------------- */

/* 16 bits that differ from boot to boot: ticks since boot alone would repeat. */
static int64_t boot_mark(void)
{
    EA_BUF_AUTO text = EA_BUF(64);
    ea_err err = { 0 };
    uint32_t h = 2166136261u; /* FNV-1a */

    if (ea_plat_read_file("/proc/sys/kernel/random/boot_id", 64, &text, &err))
        return 0;
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 16777619u;
    return (int64_t)((h ^ (h >> 16)) & 0xffff);
}

/* State letter and start time of /proc/<pid>/stat (fields 3 and 22; the name in field 2 may hold
 * blanks and parentheses, so counting starts behind its last one). */
static bool read_stat(int64_t pid, char *letter, int64_t *started)
{
    EA_BUF_AUTO text = EA_BUF(4096);
    char path[48];
    ea_err err = { 0 };
    ea_str rest, word = { NULL, 0 };
    size_t end;

    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid); /* always fits */
    if (ea_plat_read_file(path, 4096, &text, &err))
        return false;
    rest = ea_buf_str(&text);
    end = ea_str_rfind(rest, ')');
    if (end == SIZE_MAX || end + 2 >= rest.n)
        return false;
    rest = (ea_str){ rest.p + end + 2, rest.n - end - 2 };
    *letter = rest.p[0];
    for (int field = 3; field <= 22; field++)
        rest = ea_str_cut(rest, ' ', &word);
    return ea_str_to_i64(word, 0, INT64_MAX, started, &err) == EA_OK;
}

/* Below 2^53, so that it survives as a JSON number. */
static int64_t start_of(int64_t pid)
{
    int64_t ticks = 0;
    char letter;

    if (!read_stat(pid, &letter, &ticks))
        return 0;
    return (boot_mark() << 36) | (ticks & (((int64_t)1 << 36) - 1));
}

bool ea_plat_process_alive(const ea_process *p)
{
    int64_t ticks;
    char letter;

    if (p->pid <= 0 || !read_stat(p->pid, &letter, &ticks) || letter == 'Z' || letter == 'X')
        return false;
    return p->started == 0 || start_of(p->pid) == p->started;
}

ea_process ea_plat_process_self(void)
{
    return (ea_process){ getpid(), start_of(getpid()) };
}

static ea_code send_signal(const ea_process *p, int number, const char *doing, ea_err *err)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "process %" PRId64, p->pid); /* always fits */
    if (!ea_plat_process_alive(p))
        return ea_fail(err, EA_NOT_FOUND, "%s is gone", name);
    if (kill((pid_t)p->pid, number) != 0)
        return ea_fail_errno(err, errno, doing, name);
    return EA_OK;
}

ea_code ea_plat_process_stop(const ea_process *p, ea_err *err)
{
    return send_signal(p, SIGTERM, "stop", err);
}

ea_code ea_plat_process_kill(const ea_process *p, ea_err *err)
{
    return send_signal(p, SIGKILL, "kill", err);
}

/* --- starting a daemon ------------------------------------------------------------------------- */

struct birth { /* what the new process tells its starter */
    pid_t pid;
    int number; /* errno of a failed step; 0 when only `pid` is told */
};

struct plan { /* all that the child needs, made before the fork */
    const struct ea_spawn *spawn;
    char *const *argv, *const *env;
    int null_fd, log_fd, news_fd;
    unsigned fd_limit;
};

/* Between fork and exec only async-signal-safe calls: the starter may have many threads. */
static void close_inherited(const struct plan *pl)
{
    long rc = -1;

#ifdef SYS_close_range
    if (pl->news_fd > 3)
        rc = syscall(SYS_close_range, 3u, (unsigned)pl->news_fd - 1, 0u);
    else
        rc = 0;
    if (rc == 0)
        rc = syscall(SYS_close_range, (unsigned)pl->news_fd + 1, ~0u, 0u);
#endif
    for (unsigned fd = 3; rc != 0 && fd < pl->fd_limit; fd++) {
        if ((int)fd != pl->news_fd)
            (void)close((int)fd); /* most of them are not open */
    }
}

static void tell(int fd, struct birth b)
{
    (void)!write(fd, &b, sizeof(b)); /* less than PIPE_BUF: whole or not at all */
}

static _Noreturn void become(const struct plan *pl)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    struct birth b = { .pid = getpid() };
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* refused for KILL and STOP alone */
    (void)sigemptyset(&none);                     /* cannot fail */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(pl->null_fd, 0) < 0 || dup2(pl->log_fd, 1) < 0 || dup2(pl->log_fd, 2) < 0 ||
        chdir(pl->spawn->dir ? pl->spawn->dir : "/") != 0) {
        b.number = errno;
        tell(pl->news_fd, b);
        _exit(127);
    }
    close_inherited(pl);
    tell(pl->news_fd, b);
    (void)execve(pl->spawn->program, pl->argv, pl->env);
    b.number = errno;
    tell(pl->news_fd, b);
    _exit(127);
}

/* Two forks: the daemon leads no session (no terminal can become its own) and has init as parent. */
static int fork_twice(const struct plan *pl)
{
    pid_t child = fork();
    int status;

    if (child < 0)
        return errno;
    if (child == 0) {
        pid_t grandchild;

        (void)setsid(); /* fails for a group leader alone, which a new process is not */
        grandchild = fork();
        if (grandchild == 0)
            become(pl);
        if (grandchild < 0)
            tell(pl->news_fd, (struct birth){ .pid = 0, .number = errno });
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return 0;
}

/* Reads until the pipe closes, which execve() or the end of the child does. */
static int read_birth(int fd, struct birth *out)
{
    struct birth b;
    ssize_t n;

    *out = (struct birth){ 0 };
    for (;;) {
        n = read(fd, &b, sizeof(b));
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof(b))
            return n < 0 ? errno : 0;
        *out = b;
    }
}

/* Descriptors 0 to 2 may be closed in the starter: ours must not take their numbers. */
static int above_standard(int fd)
{
    int moved = fd >= 0 && fd < 3 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;

    if (moved != fd)
        (void)close(fd); /* the copy stays */
    return moved;
}

static int open_ends(struct plan *pl, int *read_end)
{
    const char *log = pl->spawn->log_file;
    int ends[2];

    pl->null_fd = above_standard(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (pl->null_fd < 0)
        return errno;
    pl->log_fd = log ? above_standard(open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600))
                     : pl->null_fd;
    if (pl->log_fd < 0)
        return errno;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    *read_end = above_standard(ends[0]);
    pl->news_fd = above_standard(ends[1]);
    return *read_end < 0 || pl->news_fd < 0 ? errno : 0;
}

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    char **copy;

    while (list[n])
        n++;
    copy = ea_alloc_array(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = ea_strdup(list[i]);
    return copy;
}

ea_code ea_plat_spawn(const struct ea_spawn *spawn, ea_process *out, ea_err *err)
{
    char **argv = copy_list(spawn->argv);
    char **env = spawn->env ? copy_list(spawn->env) : ea_plat_env();
    long limit = sysconf(_SC_OPEN_MAX);
    struct plan pl = { .spawn = spawn,
                       .argv = argv,
                       .env = env,
                       .null_fd = -1,
                       .log_fd = -1,
                       .news_fd = -1,
                       .fd_limit = limit > 0 && limit < 65536 ? (unsigned)limit : 65536 };
    struct birth b = { 0 };
    int read_end = -1, number = open_ends(&pl, &read_end);

    if (number == 0)
        number = fork_twice(&pl);
    if (pl.news_fd >= 0)
        (void)close(pl.news_fd); /* so that the pipe ends with the child's copy */
    if (number == 0)
        number = read_birth(read_end, &b);
    if (read_end >= 0)
        (void)close(read_end); /* only read */
    if (pl.log_fd >= 0 && pl.log_fd != pl.null_fd)
        (void)close(pl.log_fd); /* the child has its own */
    if (pl.null_fd >= 0)
        (void)close(pl.null_fd); /* the same */
    ea_plat_env_free(argv);
    ea_plat_env_free(env);
    if (number == 0)
        number = b.number;
    if (number != 0)
        return ea_fail_errno(err, number, "start", spawn->program);
    if (b.pid == 0)
        return ea_fail(err, EA_IO, "start %s: it ended before it began", spawn->program);
    *out = (ea_process){ b.pid, start_of(b.pid) };
    return EA_OK;
}

void ea_plat_harden(void)
{
    /* $ORIGIN and the system's folders are all that is searched; glibc's malloc checks by itself */
}
