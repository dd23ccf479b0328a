/* win_tool.c - what the tests need of Windows and Linux cannot do.
 *   stay           says "ready" and sleeps for ever
 *   stop PID       sets the stop event of an agent
 *   clean FOLDER   removes a folder with all that is in it
 *   reg-list KEY   the values of a key below HKEY_LOCAL_MACHINE, one a line
 *   query NAME     a service's state, its process, exit codes and checkpoint
 *   control NAME N sends a control code to a service (5 SHUTDOWN is only for the SCM: it is refused)
 *   start NAME     starts a service, as Start-Service does
 *   change-path NAME PATH   breaks a registration
 *   delete NAME    removes a registration
 *   config NAME    what was registered for a service
 *   message DLL ID TEXT   an event as the event viewer shows it: the DLL's message with the text put in */
#include <windows.h>
#include <shellapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
    (void)printf("%s: error %lu\n", what, GetLastError());
    return 1;
}

static int stop(const char *pid)
{
    char name[64];
    HANDLE event;

    (void)snprintf(name, sizeof(name), "Global\\AmazonECS-stop-%s", pid);
    event = OpenEventA(EVENT_MODIFY_STATE, FALSE, name);
    return event && SetEvent(event) ? 0 : fail("stop");
}

static int clean(const char *folder)
{
    char from[MAX_PATH + 2] = { 0 };
    SHFILEOPSTRUCTA op = { .wFunc = FO_DELETE, .pFrom = from, .fFlags = FOF_NO_UI };

    if (GetFileAttributesA(folder) == INVALID_FILE_ATTRIBUTES)
        return 0;
    (void)snprintf(from, MAX_PATH, "%s", folder); /* a second NUL ends the list */
    return SHFileOperationA(&op) == 0 ? 0 : fail("clean");
}

static void print_value(const char *name, DWORD type, const BYTE *data, DWORD n)
{
    DWORD number = 0;

    (void)printf("%s=", name);
    if (type == REG_SZ || type == REG_EXPAND_SZ) {
        (void)printf("%s", (const char *)data);
    } else if (type == REG_MULTI_SZ) {
        for (const char *p = (const char *)data; *p; p += strlen(p) + 1)
            (void)printf("%s|", p);
    } else if (type == REG_DWORD && n == sizeof(number)) {
        memcpy(&number, data, sizeof(number));
        (void)printf("%lu", number);
    } else {
        for (DWORD i = 0; i < n; i++)
            (void)printf("%02x", data[i]);
    }
    (void)printf("\n");
}

static int reg_list(const char *path)
{
    HKEY key;

    if (RegOpenKeyExA(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key) != ERROR_SUCCESS) {
        (void)puts("no key");
        return 1;
    }
    for (DWORD i = 0;; i++) {
        static BYTE data[65536];
        char name[256];
        DWORD name_n = sizeof(name), n = sizeof(data) - 2, type = 0;

        memset(data, 0, sizeof(data));
        if (RegEnumValueA(key, i, name, &name_n, NULL, &type, data, &n) != ERROR_SUCCESS)
            break;
        print_value(name, type, data, n);
    }
    (void)RegCloseKey(key);
    return 0;
}

static SC_HANDLE open_service(const char *name, DWORD wanted)
{
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);

    return manager ? OpenServiceA(manager, name, wanted) : NULL;
}

static int query(const char *name)
{
    SC_HANDLE service = open_service(name, SERVICE_QUERY_STATUS);
    SERVICE_STATUS_PROCESS s;
    DWORD n;

    if (!service) {
        (void)printf("error=%lu\n", GetLastError());
        return 0;
    }
    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&s, sizeof(s), &n))
        return fail("query");
    (void)printf("state=%lu accepts=%lu exit=%lu specific=%lu pid=%lu checkpoint=%lu\n",
                 s.dwCurrentState, s.dwControlsAccepted, s.dwWin32ExitCode,
                 s.dwServiceSpecificExitCode, s.dwProcessId, s.dwCheckPoint);
    return 0;
}

static int control(const char *name, const char *code)
{
    SC_HANDLE service = open_service(name, SERVICE_ALL_ACCESS);
    SERVICE_STATUS s;

    if (!service || !ControlService(service, strtoul(code, NULL, 10), &s))
        return fail("control");
    (void)printf("state=%lu\n", s.dwCurrentState);
    return 0;
}

static int start(const char *name)
{
    SC_HANDLE service = open_service(name, SERVICE_START);

    return service && StartServiceA(service, 0, NULL) ? 0 : fail("start");
}

static int change_path(const char *name, const char *path)
{
    SC_HANDLE service = open_service(name, SERVICE_CHANGE_CONFIG);

    return service && ChangeServiceConfigA(service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
                                           SERVICE_NO_CHANGE, path, NULL, NULL, NULL, NULL, NULL,
                                           "broken")
               ? 0
               : fail("change");
}

static int delete_service(const char *name)
{
    SC_HANDLE service = open_service(name, DELETE);

    return service && DeleteService(service) ? 0 : fail("delete");
}

static void *config2(SC_HANDLE service, DWORD level)
{
    static BYTE data[8192];
    DWORD n;

    memset(data, 0, sizeof(data));
    return QueryServiceConfig2A(service, level, data, sizeof(data), &n) ? data : NULL;
}

static int config(const char *name)
{
    static BYTE data[8192];
    SC_HANDLE service = open_service(name, SERVICE_QUERY_CONFIG);
    QUERY_SERVICE_CONFIGA *c = (QUERY_SERVICE_CONFIGA *)(void *)data;
    const SERVICE_DESCRIPTIONA *description;
    const SERVICE_PRESHUTDOWN_INFO *preshutdown;
    DWORD n;

    if (!service || !QueryServiceConfigA(service, c, sizeof(data), &n))
        return fail("config");
    (void)printf(
        "path=%s\ndisplay=%s\nstart=%lu\ntype=%lu\naccount=%s\ndepends=", c->lpBinaryPathName,
        c->lpDisplayName, c->dwStartType, c->dwServiceType, c->lpServiceStartName);
    for (const char *p = c->lpDependencies; p && *p; p += strlen(p) + 1)
        (void)printf("%s|", p);
    description = config2(service, SERVICE_CONFIG_DESCRIPTION);
    (void)printf("\ndescription=%s\n",
                 description && description->lpDescription ? description->lpDescription : "");
    preshutdown = config2(service, SERVICE_CONFIG_PRESHUTDOWN_INFO);
    (void)printf("preshutdown_ms=%lu\n", preshutdown ? preshutdown->dwPreshutdownTimeout : 0);
    return 0;
}

static int message(const char *dll, const char *id, char *text)
{
    HMODULE module = LoadLibraryExA(dll, NULL, LOAD_LIBRARY_AS_DATAFILE);
    DWORD_PTR texts[1] = { (DWORD_PTR)text };
    char out[4096];

    if (!module ||
        !FormatMessageA(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, module,
                        strtoul(id, NULL, 0), 0, out, sizeof(out), (va_list *)(void *)texts))
        return fail("message");
    (void)puts(out);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";

    if (strcmp(verb, "stay") == 0) {
        (void)puts("ready");
        (void)fflush(stdout);
        Sleep(INFINITE);
    }
    if (strcmp(verb, "stop") == 0)
        return stop(name);
    if (strcmp(verb, "clean") == 0)
        return clean(name);
    if (strcmp(verb, "reg-list") == 0)
        return reg_list(name);
    if (strcmp(verb, "query") == 0)
        return query(name);
    if (strcmp(verb, "control") == 0 && argc > 3)
        return control(name, argv[3]);
    if (strcmp(verb, "start") == 0)
        return start(name);
    if (strcmp(verb, "change-path") == 0 && argc > 3)
        return change_path(name, argv[3]);
    if (strcmp(verb, "delete") == 0)
        return delete_service(name);
    if (strcmp(verb, "config") == 0)
        return config(name);
    if (strcmp(verb, "message") == 0 && argc > 4)
        return message(name, argv[3], argv[4]);
    return 2;
}
