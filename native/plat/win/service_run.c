#include "../plat.h"

#include "stop_event.h"
#include "wide.h"

#include <string.h>

/* The process's side of the service control manager (endpoints-and-windows.md section 3.3). The manager is
 * answered before anything else is done: RUNNING at once, since the agent waits for Docker, metadata and the
 * control plane by itself and tells so. */

enum {
    HINT_MS = 10000,
    BEAT_MS = 1000
};

static struct {
    wchar_t *name;
    int (*body)(void *arg);
    void *arg;
    int exit_code;
    SERVICE_STATUS_HANDLE handle;
    SRWLOCK guard; /* of `status`: the handler runs on the manager's thread */
    SERVICE_STATUS status;
    HANDLE asked; /* a stop was asked for */
    DWORD failed; /* registering the handler */
} service = { .guard = SRWLOCK_INIT };

/* STOPPED is the last word: nothing may be said after it. */
static void tell(DWORD state, DWORD exit_code)
{
    SERVICE_STATUS *s = &service.status;

    AcquireSRWLockExclusive(&service.guard);
    if (s->dwCurrentState != SERVICE_STOPPED &&
        !(s->dwCurrentState == SERVICE_STOP_PENDING && state == SERVICE_RUNNING)) {
        bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;

        s->dwServiceType = SERVICE_WIN32_OWN_PROCESS;
        s->dwCheckPoint = pending ? s->dwCheckPoint + 1 : 0;
        s->dwWaitHint = pending ? HINT_MS : 0;
        s->dwCurrentState = state;
        s->dwControlsAccepted =
            state == SERVICE_RUNNING
                ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN
                : 0;
        s->dwWin32ExitCode = exit_code ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
        s->dwServiceSpecificExitCode = exit_code;
        (void)SetServiceStatus(service.handle, s); /* nobody else could be told */
    }
    ReleaseSRWLockExclusive(&service.guard);
}

static DWORD WINAPI on_control(DWORD control, DWORD event, void *data, void *ctx)
{
    (void)event;
    (void)data;
    (void)ctx;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
    case SERVICE_CONTROL_PRESHUTDOWN:
        tell(SERVICE_STOP_PENDING, 0);
        (void)SetEvent(service.asked); /* our own handle */
        ea_stop_ask();
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        AcquireSRWLockExclusive(&service.guard);
        (void)SetServiceStatus(service.handle, &service.status); /* says again what was said */
        ReleaseSRWLockExclusive(&service.guard);
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static DWORD WINAPI run_body(void *unused)
{
    (void)unused;
    service.exit_code = service.body(service.arg);
    return 0;
}

/* Waits for the body's end; between stop and end the checkpoint moves, so that the manager sees life. */
static void wait_for(HANDLE thread)
{
    HANDLE either[2] = { thread, service.asked };

    if (WaitForMultipleObjects(2, either, FALSE, INFINITE) == WAIT_OBJECT_0)
        return;
    while (WaitForSingleObject(thread, BEAT_MS) == WAIT_TIMEOUT)
        tell(SERVICE_STOP_PENDING, 0);
}

static void WINAPI service_main(DWORD argc, wchar_t **argv)
{
    HANDLE thread;

    (void)argc;
    (void)argv;
    service.handle = RegisterServiceCtrlHandlerExW(service.name, on_control, NULL);
    if (!service.handle) {
        service.failed = GetLastError();
        return;
    }
    tell(SERVICE_START_PENDING, 0);
    thread = CreateThread(NULL, 0, run_body, NULL, 0, NULL);
    if (!thread) {
        service.exit_code = 1;
        tell(SERVICE_STOPPED, 1);
        return;
    }
    tell(SERVICE_RUNNING, 0);
    wait_for(thread);
    (void)CloseHandle(thread); /* it has ended */
    tell(SERVICE_STOPPED, (DWORD)service.exit_code);
}

ea_code ea_plat_service_run(const char *name, int (*body)(void *arg), void *arg, int *exit_code,
                            ea_err *err)
{
    SERVICE_TABLE_ENTRYW table[2] = { { NULL, service_main }, { NULL, NULL } };
    DWORD number = ERROR_SUCCESS;

    service.name = ea_wide(name);
    service.body = body;
    service.arg = arg;
    service.asked = CreateEventW(NULL, TRUE, FALSE, NULL);
    table[0].lpServiceName = service.name;
    ea_stop_as_service();
    if (!service.asked || !StartServiceCtrlDispatcherW(table))
        number = GetLastError();
    else
        number = service.failed;
    if (service.asked)
        (void)CloseHandle(
            service.asked); /* the dispatcher has returned: no control comes any more */
    service.asked = NULL;
    ea_free(service.name);
    service.name = NULL;
    if (number == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
        return ea_fail_sys(err, EA_REFUSED, (int)number,
                           "this process was not started by the service control manager");
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "run as service", name);
    *exit_code = service.exit_code;
    return EA_OK;
}
