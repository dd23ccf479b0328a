#include "../plat.h"

#include "wide.h"

#include <sddl.h>
#include <string.h>

/* The manager's side: what is registered and how it is started and stopped. Values: endpoints-and-windows.md
 * section 3.1. */

enum {
    RESET_S = 300,
    CONFIG_BYTES = 8192,
    VALUE_BYTES = 64 * 1024
};

bool ea_plat_has_services(void)
{
    return true;
}

static ea_code fail(ea_err *err, DWORD number, const char *doing, const char *name)
{
    if (number == ERROR_SERVICE_MARKED_FOR_DELETE)
        return ea_fail_sys(
            err, EA_BUSY, (int)number,
            "%s service %s: its removal waits until every window that shows it is closed", doing,
            name);
    if (number == ERROR_SERVICE_DEPENDENCY_FAIL || number == ERROR_SERVICE_DEPENDENCY_DELETED)
        return ea_fail_sys(err, EA_IO, (int)number,
                           "%s service %s: a service it depends on did not start", doing, name);
    if (number == ERROR_SERVICE_DISABLED)
        return ea_fail_sys(err, EA_DENIED, (int)number, "%s service %s: it is disabled", doing,
                           name);
    if (number == ERROR_SERVICE_DOES_NOT_EXIST)
        return ea_fail_sys(err, EA_NOT_FOUND, (int)number,
                           "%s service %s: there is none of this name", doing, name);
    (void)ea_fail_win(err, number, doing, name); /* returned by the wrap */
    return ea_wrap(err, "service");
}

/* The service, NULL with *number set. The manager's own handle is not needed for longer. */
static SC_HANDLE open_service(const char *name, DWORD wanted, DWORD *number)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(name);
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;

    *number = manager ? ERROR_SUCCESS : GetLastError();
    if (!manager)
        return NULL;
    service = OpenServiceW(manager, wide, wanted);
    *number = service ? ERROR_SUCCESS : GetLastError();
    (void)CloseServiceHandle(manager); /* only asked */
    return service;
}

/* ---- registration ---- */

/* "a", "b" as a\0b\0\0; NULL and none give \0\0, which takes an earlier list away. */
static wchar_t *multi(const char *const *list, size_t *bytes)
{
    wchar_t *out = ea_alloc_array(2, sizeof(*out));
    size_t used = 0;

    for (size_t i = 0; list && list[i]; i++) {
        EA_FREE_AUTO wchar_t *one = ea_wide(list[i]);
        size_t n = wcslen(one) + 1;

        if (n == 1)
            continue; /* it would end the list */
        out = ea_realloc_array(out, used + n + 2, sizeof(*out));
        wmemcpy(out + used, one, n);
        used += n;
    }
    out[used] = out[used + 1] = L'\0';
    *bytes = (used + (used ? 1 : 2)) * sizeof(*out);
    return out;
}

/* A level that this system does not know is done without; any other failure is one. */
static DWORD set_config(SC_HANDLE service, DWORD level, void *info)
{
    DWORD number = ChangeServiceConfig2W(service, level, info) ? ERROR_SUCCESS : GetLastError();

    return number == ERROR_INVALID_LEVEL || number == ERROR_CALL_NOT_IMPLEMENTED ? ERROR_SUCCESS
                                                                                 : number;
}

static DWORD set_extras(SC_HANDLE service, const struct ea_service_spec *spec)
{
    EA_FREE_AUTO wchar_t *text = ea_wide(spec->description);
    SERVICE_DESCRIPTIONW description = { text };
    SERVICE_DELAYED_AUTO_START_INFO delayed = { TRUE };
    SERVICE_FAILURE_ACTIONS_FLAG also_codes = { TRUE };
    SERVICE_PRESHUTDOWN_INFO preshutdown = { spec->preshutdown_ms };
    SC_ACTION actions[3];
    SERVICE_FAILURE_ACTIONSW failure = { .dwResetPeriod = RESET_S,
                                         .cActions = 3,
                                         .lpsaActions = actions };
    DWORD number = set_config(service, SERVICE_CONFIG_DESCRIPTION, &description);

    if (number == ERROR_SUCCESS)
        number = set_config(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed);
    if (number == ERROR_SUCCESS && spec->restart_s) {
        for (size_t i = 0; i < EA_COUNT(actions); i++)
            actions[i] = (SC_ACTION){ SC_ACTION_RESTART, (*spec->restart_s)[i] * 1000 };
        number = set_config(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure);
        if (number == ERROR_SUCCESS)
            number = set_config(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_codes);
    }
    if (number == ERROR_SUCCESS)
        number = set_config(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown);
    return number;
}

/* SYSTEM runs it, administrators control it, users may ask how it is. */
static DWORD set_rights(SC_HANDLE service)
{
    PSECURITY_DESCRIPTOR d = NULL;
    DWORD number = ERROR_SUCCESS;

    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            L"D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLORC;;;"
            L"BU)",
            SDDL_REVISION_1, &d, NULL))
        return GetLastError();
    if (!SetServiceObjectSecurity(service, DACL_SECURITY_INFORMATION, d))
        number = GetLastError();
    (void)LocalFree(d); /* our own */
    return number == ERROR_CALL_NOT_IMPLEMENTED ? ERROR_SUCCESS : number;
}

static char *key_of(const char *name)
{
    return ea_sprintf_dup("SYSTEM\\CurrentControlSet\\Services\\%s", name);
}

/* The manager merges these into the environment of the process at each start. */
static DWORD set_env(const char *name, const char *const *env)
{
    EA_FREE_AUTO char *path = key_of(name);
    EA_FREE_AUTO wchar_t *wide = ea_wide(path);
    size_t bytes = 0;
    EA_FREE_AUTO wchar_t *block = multi(env, &bytes);
    LSTATUS number;
    HKEY key;

    number = RegOpenKeyExW(HKEY_LOCAL_MACHINE, wide, 0, KEY_SET_VALUE, &key);
    if (number != ERROR_SUCCESS)
        return (DWORD)number;
    if (env && env[0])
        number =
            RegSetValueExW(key, L"Environment", 0, REG_MULTI_SZ, (const BYTE *)block, (DWORD)bytes);
    else if ((number = RegDeleteValueW(key, L"Environment")) == ERROR_FILE_NOT_FOUND)
        number = ERROR_SUCCESS;
    (void)RegCloseKey(key); /* written above */
    return (DWORD)number;
}

/* An administrator's "disabled" stays. */
static DWORD start_type(SC_HANDLE service)
{
    QUERY_SERVICE_CONFIGW *now = ea_alloc(CONFIG_BYTES);
    DWORD n = 0, type = SERVICE_AUTO_START;

    if (QueryServiceConfigW(service, now, CONFIG_BYTES, &n) && now->dwStartType == SERVICE_DISABLED)
        type = SERVICE_DISABLED;
    ea_free(now);
    return type;
}

struct wide_spec {
    wchar_t *name, *display, *path, *depends;
};

static SC_HANDLE create_or_change(const struct wide_spec *w, DWORD *number)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    SC_HANDLE service = NULL;

    if (!manager) {
        *number = GetLastError();
        return NULL;
    }
    service = CreateServiceW(manager, w->name, w->display, SERVICE_ALL_ACCESS,
                             SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                             w->path, NULL, NULL, w->depends, NULL, NULL);
    *number = service ? ERROR_SUCCESS : GetLastError();
    if (*number == ERROR_SERVICE_EXISTS) {
        service = OpenServiceW(manager, w->name, SERVICE_ALL_ACCESS);
        *number = ERROR_SUCCESS;
        if (!service || !ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS,
                                              start_type(service), SERVICE_ERROR_NORMAL, w->path,
                                              NULL, NULL, w->depends, NULL, NULL, w->display))
            *number = GetLastError();
    }
    (void)CloseServiceHandle(manager); /* only asked */
    return service;
}

ea_code ea_plat_service_install(const struct ea_service_spec *spec, ea_err *err)
{
    EA_FREE_AUTO char *line = ea_sprintf_dup("\"%s\" %s", spec->program, spec->arguments);
    struct wide_spec w = { ea_wide(spec->name), ea_wide(spec->display_name), NULL, NULL };
    size_t bytes;
    SC_HANDLE service;
    DWORD number;

    for (char *p = line; *p;
         p++) /* paths are joined with '/' above; the manager shows what it is given */
        *p = *p == '/' ? '\\' : *p;
    w.path = ea_wide(line);
    w.depends = multi(spec->depends, &bytes);
    service = create_or_change(&w, &number);
    if (number == ERROR_SUCCESS)
        number = set_extras(service, spec);
    if (number == ERROR_SUCCESS)
        number = set_rights(service);
    if (number == ERROR_SUCCESS)
        number = set_env(spec->name, spec->env);
    if (service)
        (void)CloseServiceHandle(service); /* the registration stays */
    ea_free(w.name);
    ea_free(w.display);
    ea_free(w.path);
    ea_free(w.depends);
    return number == ERROR_SUCCESS ? EA_OK : fail(err, number, "register", spec->name);
}

ea_code ea_plat_service_remove(const char *name, ea_err *err)
{
    DWORD number;
    SC_HANDLE service = open_service(name, DELETE, &number);

    if (service && !DeleteService(service))
        number = GetLastError();
    if (service)
        (void)CloseServiceHandle(service); /* the last handle lets it go */
    if (number == ERROR_SUCCESS || number == ERROR_SERVICE_DOES_NOT_EXIST ||
        number == ERROR_SERVICE_MARKED_FOR_DELETE)
        return EA_OK;
    return fail(err, number, "remove", name);
}

/* ---- state ---- */

static ea_service_state state_of(DWORD state)
{
    switch (state) {
    case SERVICE_START_PENDING:
        return EA_SERVICE_STARTING;
    case SERVICE_RUNNING:
    case SERVICE_PAUSED:
    case SERVICE_PAUSE_PENDING:
    case SERVICE_CONTINUE_PENDING:
        return EA_SERVICE_RUNNING;
    case SERVICE_STOP_PENDING:
        return EA_SERVICE_STOPPING;
    default:
        return EA_SERVICE_STOPPED;
    }
}

ea_code ea_plat_service_query(const char *name, struct ea_service_info *out, ea_err *err)
{
    SERVICE_STATUS_PROCESS s = { 0 };
    DWORD number, n;
    SC_HANDLE service = open_service(name, SERVICE_QUERY_STATUS, &number);

    if (number == ERROR_SERVICE_DOES_NOT_EXIST) {
        *out = (struct ea_service_info){ .state = EA_SERVICE_ABSENT };
        return EA_OK;
    }
    if (service &&
        !QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&s, sizeof(s), &n))
        number = GetLastError();
    if (service)
        (void)CloseServiceHandle(service); /* only asked */
    if (number != ERROR_SUCCESS)
        return fail(err, number, "query", name);
    *out = (struct ea_service_info){ .state = state_of(s.dwCurrentState), .pid = s.dwProcessId };
    out->exit_code = s.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR
                         ? (int)s.dwServiceSpecificExitCode
                         : (int)s.dwWin32ExitCode;
    if (out->state == EA_SERVICE_STOPPED)
        out->pid = 0;
    return EA_OK;
}

ea_code ea_plat_service_start(const char *name, ea_err *err)
{
    DWORD number;
    SC_HANDLE service = open_service(name, SERVICE_START, &number);

    if (service && !StartServiceW(service, 0, NULL))
        number = GetLastError();
    if (service)
        (void)CloseServiceHandle(service); /* it has been told */
    if (number == ERROR_SUCCESS || number == ERROR_SERVICE_ALREADY_RUNNING)
        return EA_OK;
    return fail(err, number, "start", name);
}

ea_code ea_plat_service_stop(const char *name, ea_err *err)
{
    SERVICE_STATUS status;
    DWORD number;
    SC_HANDLE service = open_service(name, SERVICE_STOP, &number);

    if (service && !ControlService(service, SERVICE_CONTROL_STOP, &status))
        number = GetLastError();
    if (service)
        (void)CloseServiceHandle(service); /* it has been told */
    /* CANNOT_ACCEPT_CTRL: on its way down already */
    if (number == ERROR_SUCCESS || number == ERROR_SERVICE_NOT_ACTIVE ||
        number == ERROR_SERVICE_CANNOT_ACCEPT_CTRL || number == ERROR_SERVICE_DOES_NOT_EXIST)
        return EA_OK;
    return fail(err, number, "stop", name);
}

/* ---- environment ---- */

static void add_line(ea_strlist *out, const wchar_t *line)
{
    char *text = ea_narrow(line);

    ea_strlist_add(out, text);
    ea_secret_free(text);
}

ea_code ea_plat_service_env(const char *name, ea_strlist *out, ea_err *err)
{
    EA_FREE_AUTO char *path = key_of(name);
    EA_FREE_AUTO wchar_t *wide = ea_wide(path);
    wchar_t *block = ea_alloc(VALUE_BYTES);
    DWORD size = VALUE_BYTES - 2 * sizeof(wchar_t);
    LSTATUS number = RegGetValueW(HKEY_LOCAL_MACHINE, wide, L"Environment", RRF_RT_REG_MULTI_SZ,
                                  NULL, block, &size);

    if (number == ERROR_SUCCESS) {
        for (const wchar_t *p = block; *p; p += wcslen(p) + 1)
            add_line(out, p);
    }
    ea_secret_wipe(block, VALUE_BYTES);
    ea_free(block);
    if (number == ERROR_SUCCESS || number == ERROR_FILE_NOT_FOUND)
        return EA_OK;
    return ea_fail_win(err, (DWORD)number, "read the environment of service", name);
}

static void add_machine_value(HKEY key, const wchar_t *name, wchar_t *value, ea_strlist *out)
{
    DWORD size = VALUE_BYTES - sizeof(wchar_t);

    /* an expandable one comes expanded, and counts as plain text */
    if (RegGetValueW(key, NULL, name, RRF_RT_REG_SZ, NULL, value, &size) == ERROR_SUCCESS) {
        EA_FREE_AUTO char *left = ea_narrow(name);
        EA_SECRET_AUTO char *right = ea_narrow(value);
        EA_SECRET_AUTO char *line = ea_sprintf_dup("%s=%s", left, right);

        ea_strlist_add(out, line);
    }
}

ea_code ea_plat_machine_env(ea_strlist *out, ea_err *err)
{
    wchar_t name[256], *value;
    LSTATUS number;
    HKEY key;

    number = RegOpenKeyExW(HKEY_LOCAL_MACHINE,
                           L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment", 0,
                           KEY_READ, &key);
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, (DWORD)number, "read", "the machine's environment");
    value = ea_alloc(VALUE_BYTES);
    for (DWORD i = 0; number == ERROR_SUCCESS; i++) {
        DWORD n = EA_COUNT(name);

        number = RegEnumValueW(key, i, name, &n, NULL, NULL, NULL, NULL);
        if (number == ERROR_SUCCESS)
            add_machine_value(key, name, value, out);
    }
    ea_secret_wipe(value, VALUE_BYTES);
    ea_free(value);
    (void)RegCloseKey(key); /* only read */
    return EA_OK;
}
