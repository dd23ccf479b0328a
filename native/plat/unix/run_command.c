#include "run_command.h"

#include "../../base/alloc.h"
#include "../../base/clock.h"
#include "../plat.h"
#include "errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICK_MS = 5, /* how late the end of a program is seen that closed its output before */
    MAX_WORDS = 300
};

static char **copy(const char *const *list)
{
    size_t n = 0;
    char **out;

    while (list[n])
        n++;
    out = ea_alloc_array(n + 1, sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = ea_strdup(list[i]);
    return out;
}

/* errno of a failed step, or 0. The standard input comes last: the pipe may be descriptor 0. */
static int launch(const char *program, char **argv, char **env, int to, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int number = posix_spawn_file_actions_init(&files);

    if (number != 0)
        return number;
    number = posix_spawnattr_init(&attr);
    if (number != 0) {
        (void)posix_spawn_file_actions_destroy(&files); /* nothing can be done about it */
        return number;
    }
    (void)sigemptyset(&none); /* cannot fail */
    (void)sigfillset(&all);   /* the same */
    if ((number = posix_spawn_file_actions_adddup2(&files, to, 1)) == 0 &&
        (number = posix_spawn_file_actions_adddup2(&files, to, 2)) == 0 &&
        (number = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (number = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
        (number = posix_spawnattr_setsigdefault(&attr, &all)) == 0 &&
        (number = posix_spawnattr_setpgroup(&attr, 0)) == 0 &&
        (number = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETPGROUP)) == 0)
        number = posix_spawn(pid, program, &files, &attr, argv, env);
    (void)posix_spawnattr_destroy(&attr);           /* nothing can be done about it */
    (void)posix_spawn_file_actions_destroy(&files); /* the same */
    return number;
}

/* All that can be read now; false when there is nothing more to come. */
static bool drain(int fd, ea_buf *out)
{
    char piece[4096];

    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        size_t room = out->max > out->n + 1 ? out->max - out->n - 1 : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        ea_buf_add(out, piece, (size_t)n < room ? (size_t)n : room);
    }
}

/* The wait status once it has ended; -1 when the time was over (killed then), or with *number set when
 * somebody else has taken the status. */
static int follow(pid_t pid, int fd, int64_t limit_ms, ea_buf *out, int *number)
{
    int64_t end = ea_now().mono_ms + limit_ms;
    int status = -1;

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        pid_t got;

        (void)poll(&p, 1, TICK_MS); /* a failure is looked at in the next round */
        if (fd >= 0 && !drain(fd, out))
            fd = -1; /* poll() passes over it and only waits */
        got = waitpid(pid, &status, WNOHANG);
        if (got == pid) {
            if (fd >= 0)
                (void)drain(fd, out); /* what a child of its own still writes is not waited for */
            return status;
        }
        if (got < 0 && errno != EINTR) {
            *number = errno;
            return -1;
        }
        if (ea_now().mono_ms >= end)
            break;
    }
    (void)kill(-pid, SIGKILL); /* with what it has started; at least the program itself is there */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return -1;
}

/* Its last words on one line. */
static char *words_of(const ea_buf *out)
{
    ea_str text = ea_str_trim(ea_buf_str(out));
    size_t n = text.n > MAX_WORDS ? ea_utf8_cut(text.p, text.n, MAX_WORDS) : text.n;
    char *words;

    if (n == 0)
        return ea_strdup("it said nothing");
    words = ea_strndup(text.p, n);
    for (char *p = words; *p; p++)
        *p = (unsigned char)*p < ' ' ? ' ' : *p;
    return words;
}

static char *line_of(const char *const *argv)
{
    char *line = ea_strdup(argv[0]);

    for (size_t i = 1; argv[i]; i++) {
        char *longer = ea_sprintf_dup("%s %s", line, argv[i]);

        ea_free(line);
        line = longer;
    }
    return line;
}

static ea_code told(const char *line, int status, const ea_buf *out, int *exit_code, ea_err *err)
{
    EA_FREE_AUTO char *words = words_of(out);

    if (WIFSIGNALED(status))
        return ea_fail(err, EA_IO, "%s: ended by signal %d: %s", line, WTERMSIG(status), words);
    *exit_code = WEXITSTATUS(status);
    if (*exit_code != 0)
        return ea_fail(err, EA_IO, "%s: exit code %d: %s", line, *exit_code, words);
    return EA_OK;
}

ea_code ea_run_command(const char *program, const char *const *argv, const char *const *env,
                       int64_t limit_ms, ea_buf *out, int *exit_code, ea_err *err)
{
    EA_FREE_AUTO char *line = line_of(argv);
    char **own_argv, **own_env;
    int ends[2], number = 0, status;
    pid_t pid;

    *exit_code = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ea_fail_errno(err, errno, "run", line);
    own_argv = copy(argv);
    own_env = copy(env);
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        number = errno;
    else
        number = launch(program, own_argv, own_env, ends[1], &pid);
    ea_plat_env_free(own_argv);
    ea_plat_env_free(own_env);
    (void)close(ends[1]); /* so that the pipe ends with the program's copy */
    if (number != 0) {
        (void)close(ends[0]); /* nothing was written */
        return ea_fail_errno(err, number, "run", program);
    }
    status = follow(pid, ends[0], limit_ms, out, &number);
    (void)close(ends[0]); /* only read */
    if (number != 0)
        return ea_fail_errno(err, number, "wait for the end of", line);
    if (status < 0)
        return ea_fail(err, EA_TIMEOUT, "%s: no end within %lld ms", line, (long long)limit_ms);
    return told(line, status, out, exit_code, err);
}
