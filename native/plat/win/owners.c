#include "../plat.h"

#include "access.h"
#include "folder.h"
#include "wide.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_DEPTH = 16 /* of folders that are looked into */
};

/* --- what is made ------------------------------------------------------------------------------ */

/* What an administrator makes belongs to the group, whatever the policy for owners is: the service, which is
 * another user, trusts that. */
bool ea_access_make(const wchar_t *sddl, struct ea_access *a)
{
    wchar_t text[128];

    *a = (struct ea_access){ 0 };
    (void)swprintf(text, EA_COUNT(text), L"%ls%ls", ea_plat_is_admin() ? L"O:BA" : L"", sddl);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &a->descriptor,
                                                              NULL))
        return false;
    a->attributes.nLength = sizeof(a->attributes);
    a->attributes.lpSecurityDescriptor = a->descriptor;
    return true;
}

void ea_access_done(struct ea_access *a)
{
    if (a->descriptor)
        (void)LocalFree(a->descriptor); /* our own */
}

DWORD ea_make_one_dir(const wchar_t *path)
{
    struct ea_access a;
    DWORD number = ERROR_SUCCESS, attributes;

    if (!ea_access_make(EA_ACCESS_DIR, &a))
        return GetLastError();
    if (!CreateDirectoryW(path, &a.attributes))
        number = GetLastError();
    ea_access_done(&a);
    if (number == ERROR_SUCCESS)
        return number;
    /* A drive's root answers "access denied", an existing folder "exists". */
    attributes = GetFileAttributesW(path);
    if (attributes != INVALID_FILE_ATTRIBUTES)
        return attributes & FILE_ATTRIBUTE_DIRECTORY ? ERROR_SUCCESS : ERROR_ALREADY_EXISTS;
    return number;
}

/* --- who owns it ------------------------------------------------------------------------------- */

static bool is_this_user(PSID owner)
{
    union {
        TOKEN_USER user;
        BYTE bytes[256];
    } u;
    HANDLE token;
    DWORD n;
    bool same;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return false;
    same = GetTokenInformation(token, TokenUser, &u, sizeof(u), &n) &&
           EqualSid(owner, u.user.User.Sid);
    (void)CloseHandle(token); /* only read */
    return same;
}

/* What belongs to somebody else than these may have been put there by anybody. */
static bool is_trusted(PSID owner, const char *sid)
{
    static const char installer[] = /* NT SERVICE\TrustedInstaller, who owns C:\ */
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

    return owner && (IsWellKnownSid(owner, WinBuiltinAdministratorsSid) ||
                     IsWellKnownSid(owner, WinLocalSystemSid) ||
                     IsWellKnownSid(owner, WinAccountAdministratorSid) ||
                     strcmp(sid, installer) == 0 || is_this_user(owner));
}

struct owner { /* ea_free(sid) after use */
    char *sid;
    bool trusted;
    bool closed; /* its access list takes nothing from the folder above */
    bool single; /* has no other name */
};

/* Of a link it is the link's own owner. */
static DWORD owner_of(const wchar_t *path, struct owner *out)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    BY_HANDLE_FILE_INFORMATION about;
    PSID owner = NULL;
    wchar_t *text = NULL;
    DWORD number, revision;
    HANDLE h =
        CreateFileW(path, READ_CONTROL | FILE_READ_ATTRIBUTES,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);

    *out = (struct owner){ 0 };
    if (h == INVALID_HANDLE_VALUE)
        return GetLastError();
    number =
        GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                        &owner, NULL, NULL, NULL, &descriptor);
    out->single = GetFileInformationByHandle(h, &about) && about.nNumberOfLinks == 1;
    (void)CloseHandle(h); /* only read */
    if (number != ERROR_SUCCESS)
        return number;
    if (owner && ConvertSidToStringSidW(owner, &text))
        out->sid = ea_narrow(text);
    else
        out->sid = ea_strdup("nobody");
    out->trusted = is_trusted(owner, out->sid);
    out->closed = GetSecurityDescriptorControl(descriptor, &control, &revision) &&
                  (control & SE_DACL_PROTECTED) != 0;
    (void)LocalFree(text);       /* NULL is fine */
    (void)LocalFree(descriptor); /* the system's, now ours */
    return ERROR_SUCCESS;
}

ea_code ea_plat_trusted_file(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide_path(path);
    struct owner o;
    DWORD number = owner_of(wide, &o);

    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, "look at the owner of", path);
    if (!o.trusted)
        (void)ea_fail(err, EA_DENIED, /* returned below */
                      "%s belongs to %s, not to Administrators: look at what is in it, then "
                      "icacls \"%s\" /setowner *S-1-5-32-544",
                      path, o.sid, path);
    ea_free(o.sid);
    return o.trusted ? EA_OK : err->code;
}

/* --- folders of our own ------------------------------------------------------------------------ */

static const wchar_t *shown(const wchar_t *path)
{
    return wcsncmp(path, EA_LONG_PATH, EA_LONG_PATH_N) == 0 ? path + EA_LONG_PATH_N : path;
}

static ea_code fail_at(ea_err *err, DWORD number, const char *doing, const wchar_t *path)
{
    EA_FREE_AUTO char *name = ea_narrow(shown(path));

    return ea_fail_win(err, number, doing, name);
}

static ea_code refuse(ea_err *err, const wchar_t *path, const char *sid)
{
    EA_FREE_AUTO char *name = ea_narrow(shown(path));

    return ea_fail(err, EA_DENIED,
                   "%s belongs to %s, who may have put anything there: look at it, then remove it "
                   "or takeown /F \"%s\" /A /R /D Y",
                   name, sid, name);
}

/* What else is in it is not the agent's affair. */
static ea_code refuse_above(ea_err *err, const wchar_t *path, const char *sid)
{
    EA_FREE_AUTO char *name = ea_narrow(shown(path));

    return ea_fail(err, EA_DENIED,
                   "%s belongs to %s, who may put another folder in its place: "
                   "icacls \"%s\" /setowner *S-1-5-32-544",
                   name, sid, name);
}

static bool is_folder(DWORD attributes)
{
    return (attributes & FILE_ATTRIBUTE_DIRECTORY) && !(attributes & FILE_ATTRIBUTE_REPARSE_POINT);
}

/* Folders alone; a file ends it. */
static bool remove_hollow(wchar_t *path, DWORD attributes, unsigned depth, void *ctx)
{
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY) || depth == 0)
        return false;
    if (is_folder(attributes) && !ea_each_child(path, depth, remove_hollow, ctx))
        return false;
    return RemoveDirectoryW(path); /* of a link the link */
}

static DWORD set_access(const wchar_t *path, const wchar_t *sddl)
{
    struct ea_access a;
    DWORD number = ERROR_SUCCESS;

    if (!ea_access_make(sddl, &a))
        return GetLastError();
    if (!SetFileSecurityW(path, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                          a.descriptor))
        number = GetLastError();
    ea_access_done(&a);
    return number;
}

struct look {
    ea_err *err;
    bool failed;
};

static void look_into(wchar_t *path, unsigned depth, struct look *l);

/* A file with a second name elsewhere is no affair of ours, nor is what a link leads to. */
static bool close_child(wchar_t *path, DWORD attributes, unsigned depth, void *ctx)
{
    struct look *l = ctx;
    bool folder = is_folder(attributes);
    struct owner o;
    DWORD number = owner_of(path, &o);

    if (number == ERROR_SUCCESS && o.trusted && !(attributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
        (folder || o.single))
        number = set_access(path, folder ? EA_ACCESS_DIR : EA_ACCESS_FILE);
    l->failed = number != ERROR_SUCCESS || !o.trusted;
    if (number != ERROR_SUCCESS)
        (void)fail_at(l->err, number, "close to others", path); /* told by `failed` */
    else if (!o.trusted)
        (void)refuse(l->err, path, o.sid); /* the same */
    ea_free(o.sid);
    if (!l->failed && folder)
        look_into(path, depth, l);
    return !l->failed;
}

/* What cannot be looked at is not taken for clean. */
static void look_into(wchar_t *path, unsigned depth, struct look *l)
{
    EA_FREE_AUTO char *name = ea_narrow(shown(path));

    if (depth > 0 && (ea_each_child(path, depth, close_child, l) || l->failed))
        return;
    l->failed = true;
    (void)ea_fail(l->err, EA_DENIED, /* told by `failed` */
                  depth > 0 ? "%s cannot be looked into: remove it"
                            : "%s lies too deep to be looked into: remove it",
                  name);
}

/* From now on nobody else gets in; what others put there while they could is found. */
static ea_code close_to_others(wchar_t *path, ea_err *err)
{
    struct look l = { .err = err };
    DWORD number = set_access(path, EA_ACCESS_DIR);

    if (number != ERROR_SUCCESS)
        return fail_at(err, number, "close to others", path);
    look_into(path, MAX_DEPTH, &l);
    return l.failed ? err->code : EA_OK;
}

/* Makes it, or takes what somebody else made and left empty out of his hands: whoever still has it open keeps
 * its name from being given to ours. */
static ea_code claim(wchar_t *path, bool above, struct owner *o, ea_err *err)
{
    DWORD number = ea_make_one_dir(path);

    if (number == ERROR_SUCCESS)
        number = owner_of(path, o);
    if (number == ERROR_SUCCESS && !o->trusted &&
        remove_hollow(path, GetFileAttributesW(path), MAX_DEPTH, NULL)) {
        ea_free(o->sid);
        *o = (struct owner){ 0 };
        number = ea_make_one_dir(path);
        if (number == ERROR_SUCCESS)
            number = owner_of(path, o);
    }
    if (number != ERROR_SUCCESS)
        return fail_at(err, number, "make folder", path);
    if (o->trusted)
        return EA_OK;
    return above ? refuse_above(err, path, o->sid) : refuse(err, path, o->sid);
}

/* Where the first folder begins in "\\?\C:\folder"; NULL on a share, or on a volume that knows no rights. */
static wchar_t *first_folder(wchar_t *path)
{
    wchar_t root[] = L"?:\\", *drive = path + EA_LONG_PATH_N;
    DWORD flags = 0;

    if (wcsncmp(path, EA_LONG_PATH, EA_LONG_PATH_N) != 0 || drive[0] == L'\0' || drive[1] != L':' ||
        drive[2] != L'\\')
        return NULL;
    root[0] = drive[0];
    if (!GetVolumeInformationW(root, NULL, 0, NULL, NULL, &flags, NULL, 0) ||
        !(flags & FILE_PERSISTENT_ACLS))
        return NULL;
    return drive + 3;
}

ea_code ea_plat_own_dir(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_long_path(path);
    wchar_t *p = first_folder(wide);
    struct owner o = { 0 };
    ea_code code = EA_OK;

    if (!p)
        return ea_plat_make_dir(path, err);
    for (; code == EA_OK && *p; p++) { /* who owns a folder above may put another in its place */
        if (*p != L'\\' || p[1] == L'\0')
            continue;
        *p = L'\0';
        code = claim(wide, true, &o, err);
        *p = L'\\';
        ea_free(o.sid);
        o = (struct owner){ 0 };
    }
    if (code == EA_OK)
        code = claim(wide, false, &o, err);
    if (code == EA_OK && !o.closed)
        code = close_to_others(wide, err);
    ea_free(o.sid);
    return code;
}

ea_code ea_plat_shared_dir(const char *path, ea_err *err)
{
    EA_FREE_AUTO wchar_t *wide = ea_long_path(path);
    DWORD number;

    if (ea_plat_make_dir(path, err))
        return err->code;
    number = set_access(wide, EA_ACCESS_SHARED);
    return number == ERROR_SUCCESS ? EA_OK : fail_at(err, number, "open to readers", wide);
}
