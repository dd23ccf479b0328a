#include "wide.h"

#include "../plat.h"

#include <lm.h>
#include <sddl.h>
#include <string.h>

/* SYSTEM and Administrators change it; services read it, whichever account Container Credential Guard
 * has. */
#define KEY_RIGHTS L"D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;LS)(A;CI;KR;;;NS)"

static char *spec_dir(void *ctx)
{
    (void)ctx;
    return ea_plat_default_path(EA_PATH_CREDENTIAL_SPECS);
}

static LSTATUS open_private(const wchar_t *name, HKEY *key)
{
    SECURITY_ATTRIBUTES access = { .nLength = sizeof(access) };
    LSTATUS number;

    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(KEY_RIGHTS, SDDL_REVISION_1,
                                                              &access.lpSecurityDescriptor, NULL))
        return (LSTATUS)GetLastError();
    number =
        RegCreateKeyExW(HKEY_LOCAL_MACHINE, name, 0, NULL, 0, KEY_SET_VALUE, &access, key, NULL);
    (void)LocalFree(access.lpSecurityDescriptor); /* our own */
    return number;
}

static LSTATUS set_text(HKEY key, const char *name, const char *text)
{
    EA_FREE_AUTO wchar_t *wide_name = ea_wide(name);
    wchar_t *wide = ea_wide(text ? text : "");
    size_t bytes = (wcslen(wide) + 1) * sizeof(*wide);
    LSTATUS number = RegSetValueExW(key, wide_name, 0, REG_SZ, (const BYTE *)wide, (DWORD)bytes);

    ea_secret_wipe(wide, bytes);
    ea_free(wide);
    return number;
}

static ea_code set_texts(void *ctx, const char *name, const ea_kv *values, size_t n, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(name);
    LSTATUS number;
    HKEY key;

    (void)ctx;
    number = open_private(wide, &key);
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, (DWORD)number, "write", name);
    for (size_t i = 0; i < n && number == ERROR_SUCCESS; i++)
        number = set_text(key, values[i].k, values[i].v);
    (void)RegCloseKey(key); /* written above */
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, (DWORD)number, "write", name);
    return EA_OK;
}

static ea_code delete_key(void *ctx, const char *name, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(name);
    LSTATUS number = RegDeleteKeyW(HKEY_LOCAL_MACHINE, wide);

    (void)ctx;
    if (number != ERROR_SUCCESS && number != ERROR_FILE_NOT_FOUND)
        return ea_fail_win(err, (DWORD)number, "remove", name);
    return EA_OK;
}

static bool key_exists(void *ctx, const char *name)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(name);
    HKEY key;

    (void)ctx;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, wide, 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS)
        return false;
    (void)RegCloseKey(key); /* only looked for */
    return true;
}

/* Loaded when asked for: few machines need this library. */
static bool domain_joined(void *ctx)
{
    HMODULE library = LoadLibraryExW(L"netapi32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    NET_API_STATUS(NET_API_FUNCTION * ask)(LPCWSTR, LPWSTR *, PNETSETUP_JOIN_STATUS) = NULL;
    NET_API_STATUS(NET_API_FUNCTION * release)(LPVOID) = NULL;
    NETSETUP_JOIN_STATUS status = NetSetupUnknownStatus;
    FARPROC found;
    LPWSTR name = NULL;

    (void)ctx;
    if (!library)
        return false;
    found = GetProcAddress(library, "NetGetJoinInformation");
    memcpy(&ask, &found, sizeof(ask));
    found = GetProcAddress(library, "NetApiBufferFree");
    memcpy(&release, &found, sizeof(release));
    if (ask && release && ask(NULL, &name, &status) == NERR_Success)
        (void)release(name); /* only the status counts */
    else
        status = NetSetupUnknownStatus;
    (void)FreeLibrary(library); /* loaded above */
    return status == NetSetupDomainName;
}

const struct ea_gmsa_os *ea_plat_gmsa(void)
{
    static const struct ea_gmsa_os windows = { NULL,       spec_dir,   set_texts,
                                               delete_key, key_exists, domain_joined };

    return &windows;
}
