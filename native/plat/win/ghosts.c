#include "ghosts.h"

#include "wide.h"

#include "../../base/log.h"

#include <cfgmgr32.h>
#include <setupapi.h>
#include <stdio.h>
#include <string.h>

/* Class Net; the same in the registry below. */
static const GUID class_net = {
    0x4d36e972, 0xe325, 0x11ce, { 0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18 }
};
#define NETWORK_KEY                                                                                \
    L"SYSTEM\\CurrentControlSet\\Control\\Network\\"                                               \
    L"{4D36E972-E325-11CE-BFC1-08002BE10318}\\%.60ls\\Connection"

struct setup {
    HMODULE library;
    HDEVINFO(WINAPI *list)(const GUID *of_class, PCWSTR enumerator, HWND parent, DWORD flags);
    WINBOOL(WINAPI *item)(HDEVINFO set, DWORD i, SP_DEVINFO_DATA *out);
    HKEY(WINAPI *key)
    (HDEVINFO set, SP_DEVINFO_DATA *device, DWORD scope, DWORD profile, DWORD type, REGSAM rights);
    WINBOOL(WINAPI *install)(DI_FUNCTION function, HDEVINFO set, SP_DEVINFO_DATA *device);
    WINBOOL(WINAPI *free)(HDEVINFO set);
    CONFIGRET(WINAPI *status)(PULONG status, PULONG problem, DEVINST device, ULONG flags);
};

static bool find(HMODULE library, const char *name, void *to)
{
    FARPROC address = GetProcAddress(library, name);

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

static bool load(struct setup *s)
{
    *s = (struct setup){ .library =
                             LoadLibraryExW(L"setupapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32) };
    return s->library && find(s->library, "SetupDiGetClassDevsW", &s->list) &&
           find(s->library, "SetupDiEnumDeviceInfo", &s->item) &&
           find(s->library, "SetupDiOpenDevRegKey", &s->key) &&
           find(s->library, "SetupDiCallClassInstaller", &s->install) &&
           find(s->library, "SetupDiDestroyDeviceInfoList", &s->free) &&
           find(s->library, "CM_Get_DevNode_Status", &s->status);
}

/* The name of the connection that the device was, as the network control panel shows it. */
static bool connection_of(const struct setup *s, HDEVINFO set, SP_DEVINFO_DATA *device,
                          wchar_t out[256])
{
    HKEY key = s->key(set, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, KEY_READ);
    wchar_t id[64], path[256];
    DWORD size = sizeof(id);
    LSTATUS number;

    if (key == INVALID_HANDLE_VALUE)
        return false;
    number = RegGetValueW(key, NULL, L"NetCfgInstanceId", RRF_RT_REG_SZ, NULL, id, &size);
    (void)RegCloseKey(key); /* only read */
    if (number != ERROR_SUCCESS)
        return false;
    (void)swprintf(path, EA_COUNT(path), NETWORK_KEY, id); /* fits */
    size = 256 * sizeof(wchar_t);
    return RegGetValueW(HKEY_LOCAL_MACHINE, path, L"Name", RRF_RT_REG_SZ, NULL, out, &size) ==
           ERROR_SUCCESS;
}

static bool is_ghost(const struct setup *s, HDEVINFO set, SP_DEVINFO_DATA *device)
{
    static const wchar_t usual[] = L"vEthernet (nat)";
    wchar_t name[256];
    ULONG status = 0, problem = 0;

    return s->status(&status, &problem, device->DevInst, 0) == CR_NO_SUCH_DEVINST &&
           connection_of(s, set, device, name) && _wcsnicmp(name, usual, EA_COUNT(usual) - 1) == 0;
}

ea_code ea_ghosts_remove(unsigned *removed, ea_err *err)
{
    struct setup s;
    SP_DEVINFO_DATA device = { .cbSize = sizeof(device) };
    HDEVINFO set = INVALID_HANDLE_VALUE;
    DWORD number = ERROR_SUCCESS;
    unsigned n = 0;

    if (load(&s))
        set = s.list(&class_net, NULL, NULL, 0); /* absent ones too */
    if (set == INVALID_HANDLE_VALUE)
        number = s.library ? GetLastError() : ERROR_CALL_NOT_IMPLEMENTED;
    for (DWORD i = 0; number == ERROR_SUCCESS && s.item(set, i, &device); i++) {
        if (!is_ghost(&s, set, &device))
            continue;
        if (s.install(DIF_REMOVE, set, &device))
            n++;
        else
            number = GetLastError();
    }
    if (set != INVALID_HANDLE_VALUE)
        (void)s.free(set); /* ours */
    if (s.library)
        (void)FreeLibrary(s.library); /* counted */
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "remove", "adapters of earlier NAT networks");
    if (n)
        ea_info("adapters of earlier NAT networks removed", EA_I("count", n));
    *removed = n;
    return EA_OK;
}
