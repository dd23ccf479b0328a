#include "port_proxy.h"

#include "wide.h"

static const wchar_t rules[] = L"SYSTEM\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp";
static const wchar_t rule[] = L"169.254.170.2/80";
static const wchar_t target[] = L"127.0.0.1/51679";

bool ea_port_proxy_look(void)
{
    wchar_t value[64];
    DWORD size = sizeof(value);
    LSTATUS number =
        RegGetValueW(HKEY_LOCAL_MACHINE, rules, rule, RRF_RT_REG_SZ, NULL, value, &size);

    return number == ERROR_SUCCESS || number == ERROR_MORE_DATA;
}

/* The IP Helper service reads its rules again. Absent or stopped while nothing is wanted of it: fine. */
static DWORD tell_service(bool must_run)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service = NULL;
    SERVICE_STATUS status;
    DWORD number = ERROR_SUCCESS;

    if (!manager)
        return GetLastError();
    service = OpenServiceW(manager, L"iphlpsvc",
                           SERVICE_PAUSE_CONTINUE | SERVICE_START | SERVICE_QUERY_STATUS);
    if (!service)
        number = GetLastError();
    else if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status))
        number = GetLastError();
    if (number == ERROR_SERVICE_NOT_ACTIVE && must_run) /* it reads them when it starts */
        number = StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();
    if (!must_run && (number == ERROR_SERVICE_NOT_ACTIVE || number == ERROR_SERVICE_DOES_NOT_EXIST))
        number = ERROR_SUCCESS;
    if (service)
        (void)CloseServiceHandle(service); /* it has been told */
    (void)CloseServiceHandle(manager);     /* only asked */
    return number;
}

ea_code ea_port_proxy_add(ea_err *err)
{
    HKEY key;
    DWORD number = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, rules, 0, NULL, 0, KEY_SET_VALUE,
                                          NULL, &key, NULL);

    if (number == ERROR_SUCCESS) {
        number = (DWORD)RegSetValueExW(key, rule, 0, REG_SZ, (const BYTE *)target, sizeof(target));
        (void)RegCloseKey(key); /* written above */
    }
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "write", "the rule of the port proxy");
    number = tell_service(true);
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "tell the service", "iphlpsvc");
    return EA_OK;
}

ea_code ea_port_proxy_remove(ea_err *err)
{
    HKEY key;
    DWORD number = (DWORD)RegOpenKeyExW(HKEY_LOCAL_MACHINE, rules, 0, KEY_SET_VALUE, &key);

    if (number == ERROR_SUCCESS) {
        number = (DWORD)RegDeleteValueW(key, rule);
        (void)RegCloseKey(key); /* written above */
    }
    if (number == ERROR_FILE_NOT_FOUND)
        return EA_OK;
    if (number == ERROR_SUCCESS)
        number = tell_service(false);
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "remove", "the rule of the port proxy");
    return EA_OK;
}
