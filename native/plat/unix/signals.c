#include "../plat.h"

#include "errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* The handler may do next to nothing, so it writes a byte; a thread of our own reads it and calls. */
static struct {
    void (*fn)(void *arg);
    void *arg;
    int pipe[2]; /* read, write */
    pthread_t thread;
    struct sigaction old_term, old_int, old_pipe;
    bool on;
} stop;

static void on_signal(int number)
{
    int saved = errno;
    char byte = 's';

    (void)number;
    (void)!write(stop.pipe[1], &byte, 1); /* a full pipe already holds the news */
    errno = saved;
}

static void *wait_for_signal(void *arg)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    char byte = 0;
    ssize_t n;

    (void)arg;
    do {
        n = read(stop.pipe[0], &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1 && byte == 's') {
        (void)sigaction(SIGINT, &standard, NULL); /* a second Ctrl+C ends at once; cannot fail */
        stop.fn(stop.arg);
    }
    return NULL;
}

ea_code ea_plat_on_stop(void (*fn)(void *arg), void *arg, ea_err *err)
{
    struct sigaction note = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t all, before;
    int number;

    if (stop.on)
        return ea_fail(err, EA_CONFLICT, "a stop handler is set already");
    if (pipe2(stop.pipe, O_CLOEXEC) != 0)
        return ea_fail_errno(err, errno, "set", "stop handler");
    stop.fn = fn;
    stop.arg = arg;
    /* The thread takes no signals: they interrupt whom they always did. */
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&stop.thread, NULL, wait_for_signal, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        (void)close(stop.pipe[0]); /* unused */
        (void)close(stop.pipe[1]);
        return ea_fail_errno(err, number, "set", "stop handler");
    }
    (void)sigaction(SIGTERM, &note, &stop.old_term); /* these cannot fail: the numbers are valid */
    (void)sigaction(SIGINT, &note, &stop.old_int);
    (void)sigaction(SIGPIPE, &ignore, &stop.old_pipe);
    stop.on = true;
    return EA_OK;
}

void ea_plat_off_stop(void)
{
    char byte = 'q';

    if (!stop.on)
        return;
    (void)sigaction(SIGTERM, &stop.old_term, NULL); /* these cannot fail: the numbers are valid */
    (void)sigaction(SIGINT, &stop.old_int, NULL);
    (void)!write(stop.pipe[1], &byte, 1); /* into an empty pipe, or the thread is gone already */
    (void)pthread_join(stop.thread, NULL);
    (void)close(stop.pipe[0]); /* nobody else has them */
    (void)close(stop.pipe[1]);
    stop.on = false;
}
