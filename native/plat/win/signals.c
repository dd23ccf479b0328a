#include "../plat.h"

#include "stop_event.h"
#include "wide.h"

static struct {
    void (*fn)(void *arg);
    void *arg;
    HANDLE asked; /* the named event, and what a console message turns into */
    HANDLE quit;
    HANDLE thread;
    bool on;
    SRWLOCK guard; /* of `asked` and `early` against ea_stop_ask() */
    bool early;    /* asked before a handler was set */
    bool service;
} stop = { .guard = SRWLOCK_INIT };

void ea_stop_as_service(void)
{
    stop.service = true;
}

void ea_stop_ask(void)
{
    AcquireSRWLockExclusive(&stop.guard);
    if (stop.asked)
        (void)SetEvent(stop.asked); /* our own handle */
    else
        stop.early = true;
    ReleaseSRWLockExclusive(&stop.guard);
}

static DWORD WINAPI wait_for_stop(void *arg)
{
    HANDLE either[2] = { stop.asked, stop.quit };

    (void)arg;
    if (WaitForMultipleObjects(2, either, FALSE, INFINITE) == WAIT_OBJECT_0)
        stop.fn(stop.arg);
    return 0;
}

/* Runs on a thread that Windows makes. A sign-off is told to services alone, and is none of theirs. After a close or shut-down message the process lives only as
 * long as this call, so it stays until the agent is done (Windows allows about five seconds). */
static BOOL WINAPI on_console(DWORD kind)
{
    if (kind == CTRL_LOGOFF_EVENT || (stop.service && kind == CTRL_SHUTDOWN_EVENT))
        return TRUE;
    if (kind == CTRL_C_EVENT || kind == CTRL_BREAK_EVENT)
        return WaitForSingleObject(stop.asked, 0) == WAIT_OBJECT_0
                   ? FALSE /* a second one ends it */
                   : SetEvent(stop.asked);
    (void)SetEvent(stop.asked); /* our own handle */
    (void)WaitForSingleObject(stop.quit, 4500);
    return TRUE;
}

static void close_all(void)
{
    AcquireSRWLockExclusive(&stop.guard);
    if (stop.asked)
        (void)CloseHandle(stop.asked);
    if (stop.quit)
        (void)CloseHandle(stop.quit);
    stop.asked = stop.quit = NULL;
    ReleaseSRWLockExclusive(&stop.guard);
}

ea_code ea_plat_on_stop(void (*fn)(void *arg), void *arg, ea_err *err)
{
    wchar_t name[64];
    DWORD number;

    if (stop.on)
        return ea_fail(err, EA_CONFLICT, "a stop handler is set already");
    ea_stop_event_name(ea_plat_pid(), name);
    stop.fn = fn;
    stop.arg = arg;
    AcquireSRWLockExclusive(&stop.guard);
    stop.asked = CreateEventW(NULL, TRUE, stop.early, name);
    ReleaseSRWLockExclusive(&stop.guard);
    stop.quit = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (stop.asked && stop.quit)
        stop.thread = CreateThread(NULL, 0, wait_for_stop, NULL, 0, NULL);
    if (!stop.asked || !stop.quit || !stop.thread) {
        number = GetLastError();
        close_all();
        return ea_fail_win(err, number, "set", "stop handler");
    }
    (void)SetConsoleCtrlHandler(NULL, FALSE); /* a parent may have switched Ctrl+C off */
    (void)SetConsoleCtrlHandler(on_console,
                                TRUE); /* fails without memory alone; the event remains */
    stop.on = true;
    return EA_OK;
}

void ea_plat_off_stop(void)
{
    if (!stop.on)
        return;
    (void)SetConsoleCtrlHandler(on_console, FALSE); /* was set above */
    (void)SetEvent(stop.quit);                      /* our own handle */
    (void)WaitForSingleObject(stop.thread, INFINITE);
    (void)CloseHandle(stop.thread);
    close_all();
    stop.on = false;
}
