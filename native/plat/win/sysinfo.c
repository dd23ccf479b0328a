#include "../plat.h"

#include "wide.h"

#include <bcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t ea_plat_pid(void)
{
    return GetCurrentProcessId();
}

bool ea_plat_emulates(void)
{
    return false;
}

int64_t ea_plat_processors(void)
{
    DWORD n = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

    return n > 0 ? n : 1;
}

int64_t ea_plat_memory_bytes(void)
{
    MEMORYSTATUSEX m = { .dwLength = sizeof(m) };

    return GlobalMemoryStatusEx(&m) ? (int64_t)m.ullTotalPhys : 0;
}

/* GetVersionEx answers what the manifest allows; this one tells the truth. */
static RTL_OSVERSIONINFOW version(void)
{
    typedef LONG(WINAPI * get_version)(RTL_OSVERSIONINFOW *);
    RTL_OSVERSIONINFOW v = { .dwOSVersionInfoSize = sizeof(v) };
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC address = ntdll ? GetProcAddress(ntdll, "RtlGetVersion") : NULL;
    get_version call;

    if (address) {
        memcpy(&call, &address, sizeof(call));
        (void)call(&v); /* always succeeds for this size */
    }
    return v;
}

void ea_plat_os_family(char *out, size_t n)
{
    static const struct {
        DWORD build;
        const char *name;
    } servers[] = {
        { 14393, "2016" }, { 17763, "2019" }, { 19041, "2004" },
        { 19042, "20H2" }, { 20348, "2022" }, { 26100, "2025" },
    };
    wchar_t type[64] = L"";
    DWORD size = sizeof(type);
    const char *edition = NULL;
    DWORD build = version().dwBuildNumber;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
                     L"InstallationType", RRF_RT_REG_SZ, NULL, type, &size) == ERROR_SUCCESS) {
        if (wcscmp(type, L"Server") == 0)
            edition = "FULL";
        else if (wcscmp(type, L"Server Core") == 0)
            edition = "CORE";
    }
    (void)snprintf(out, n, "windows"); /* the caller's size is his limit */
    for (size_t i = 0; edition && i < EA_COUNT(servers); i++) {
        if (servers[i].build == build)
            (void)snprintf(out, n, "WINDOWS_SERVER_%s_%s", servers[i].name, edition); /* the same */
    }
}

void ea_plat_os_version(char *out, size_t n)
{
    RTL_OSVERSIONINFOW v = version();

    (void)snprintf(out, n, "%lu.%lu.%lu", v.dwMajorVersion, v.dwMinorVersion,
                   v.dwBuildNumber); /* the same */
}

void ea_plat_hostname(char *out, size_t n)
{
    wchar_t name[256] = L"";
    DWORD size = EA_COUNT(name);
    char *text;

    if (!GetComputerNameExW(ComputerNameDnsHostname, name, &size))
        name[0] = L'\0';
    text = ea_narrow(name);
    (void)snprintf(out, n, "%s", text); /* the same */
    ea_free(text);
}

void ea_plat_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        ULONG part = n > 65536 ? 65536 : (ULONG)n;

        if (!BCRYPT_SUCCESS(BCryptGenRandom(NULL, p, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG))) {
            (void)fprintf(stderr, "ecsagent: no random numbers from the system\n"); /* last words */
            abort();
        }
        p += part;
        n -= part;
    }
}

static char *folder_of(HMODULE module)
{
    wchar_t path[32768];
    DWORD n = GetModuleFileNameW(module, path, EA_COUNT(path));

    if (n == 0 || n >= EA_COUNT(path))
        return NULL;
    while (n > 0 && path[n - 1] != L'\\' && path[n - 1] != L'/')
        n--;
    if (n == 0)
        return NULL;
    path[n - 1] = L'\0';
    return ea_narrow(path);
}

char *ea_plat_exe_dir(void)
{
    return folder_of(NULL);
}

static const char here; /* an address inside this library */

char *ea_plat_lib_dir(void)
{
    HMODULE module = NULL;

    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const wchar_t *)(const void *)&here, &module))
        return ea_plat_exe_dir();
    return folder_of(module);
}

bool ea_plat_is_admin(void)
{
    SID_IDENTIFIER_AUTHORITY nt = { SECURITY_NT_AUTHORITY };
    PSID admins = NULL;
    BOOL member = FALSE;

    if (!AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0,
                                  0, 0, 0, 0, 0, &admins))
        return false;
    if (!CheckTokenMembership(NULL, admins, &member))
        member = FALSE;
    FreeSid(admins);
    return member != FALSE;
}
