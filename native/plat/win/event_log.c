#include "../plat.h"

#include "messages.h"
#include "wide.h"

#include <string.h>

/* Windows' application log. The texts are in the message table of ecsagent.dll (messages.mc). */

#define SOURCE_KEY "SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\AmazonECSAgent"

static const struct {
    WORD type;
    DWORD id;
} kinds[EA_EVENT_COUNT] = {
    [EA_EVENT_STARTED] = { EVENTLOG_INFORMATION_TYPE, MSG_STARTED },
    [EA_EVENT_ENDED] = { EVENTLOG_INFORMATION_TYPE, MSG_ENDED },
    [EA_EVENT_REGISTERED] = { EVENTLOG_INFORMATION_TYPE, MSG_REGISTERED },
    [EA_EVENT_DOCKER] = { EVENTLOG_INFORMATION_TYPE, MSG_DOCKER },
    [EA_EVENT_WAIT_OVER] = { EVENTLOG_INFORMATION_TYPE, MSG_WAIT_OVER },
    [EA_EVENT_WARNING] = { EVENTLOG_WARNING_TYPE, MSG_WARNING },
    [EA_EVENT_WAITING] = { EVENTLOG_WARNING_TYPE, MSG_WAITING },
    [EA_EVENT_ERROR] = { EVENTLOG_ERROR_TYPE, MSG_ERROR },
    [EA_EVENT_CANNOT_START] = { EVENTLOG_ERROR_TYPE, MSG_CANNOT_START },
    [EA_EVENT_GAVE_UP] = { EVENTLOG_ERROR_TYPE, MSG_GAVE_UP },
    [EA_EVENT_STORE] = { EVENTLOG_ERROR_TYPE, MSG_STORE },
};

static HANDLE source; /* opened at the first event, for as long as the process lives */

void ea_plat_event(ea_event_id id, const char *text)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(text);
    const wchar_t *texts[1] = { wide };

    if (id == EA_EVENT_NONE)
        return;
    if (!source)
        source = RegisterEventSourceW(NULL, L"AmazonECSAgent");
    if (source) /* a full or broken log is no reason to stop; the log file has the line too */
        (void)ReportEventW(source, kinds[id].type, 0, kinds[id].id, NULL, 1, 0, texts, NULL);
}

static LSTATUS set_values(HKEY key, const wchar_t *file)
{
    DWORD types = EVENTLOG_INFORMATION_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_ERROR_TYPE;
    LSTATUS number = RegSetValueExW(key, L"EventMessageFile", 0, REG_SZ, (const BYTE *)file,
                                    (DWORD)((wcslen(file) + 1) * sizeof(*file)));

    if (number == ERROR_SUCCESS)
        number = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types,
                                sizeof(types));
    return number;
}

ea_code ea_plat_event_source_add(const char *folder, ea_err *err)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s\\ecsagent.dll", folder);
    EA_FREE_AUTO wchar_t *file = NULL;
    EA_FREE_AUTO wchar_t *name = ea_wide(SOURCE_KEY);
    LSTATUS number;
    HKEY key;

    for (char *p = path; *p; p++)
        *p = *p == '/' ? '\\' : *p;
    file = ea_wide(path);
    number = RegCreateKeyExW(HKEY_LOCAL_MACHINE, name, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (number == ERROR_SUCCESS) {
        number = set_values(key, file);
        (void)RegCloseKey(key); /* written above */
    }
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, (DWORD)number, "register", "the event source AmazonECSAgent");
    return EA_OK;
}

ea_code ea_plat_event_source_remove(ea_err *err)
{
    EA_FREE_AUTO wchar_t *name = ea_wide(SOURCE_KEY);
    LSTATUS number = RegDeleteKeyW(HKEY_LOCAL_MACHINE, name);

    if (number != ERROR_SUCCESS && number != ERROR_FILE_NOT_FOUND)
        return ea_fail_win(err, (DWORD)number, "remove", "the event source AmazonECSAgent");
    return EA_OK;
}
