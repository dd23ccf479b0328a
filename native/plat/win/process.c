#include "../plat.h"

#include "stop_event.h"
#include "wide.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- who a process is -------------------------------------------------------------------------- */

/* Milliseconds since 1601; 0 when it cannot be read. */
static int64_t start_of(HANDLE h)
{
    FILETIME made, gone, kernel, user;

    if (!GetProcessTimes(h, &made, &gone, &kernel, &user))
        return 0;
    return (int64_t)((((uint64_t)made.dwHighDateTime << 32) | made.dwLowDateTime) / 10000);
}

/* A handle to that very process while it lives; NULL otherwise. */
static HANDLE open_process(const ea_process *p, DWORD access_wanted)
{
    HANDLE h;

    if (p->pid <= 0 || p->pid > UINT32_MAX)
        return NULL;
    h = OpenProcess(access_wanted | SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
                    (DWORD)p->pid);
    if (h && (WaitForSingleObject(h, 0) != WAIT_TIMEOUT ||
              (p->started != 0 && start_of(h) != p->started))) {
        (void)CloseHandle(h); /* it has ended, or is another one */
        h = NULL;
    }
    return h;
}

bool ea_plat_process_alive(const ea_process *p)
{
    HANDLE h = open_process(p, 0);

    if (!h)
        return false;
    (void)CloseHandle(h); /* only asked */
    return true;
}

ea_process ea_plat_process_self(void)
{
    return (ea_process){ GetCurrentProcessId(), start_of(GetCurrentProcess()) };
}

ea_code ea_plat_process_stop(const ea_process *p, ea_err *err)
{
    wchar_t name[64];
    HANDLE event;
    DWORD number = ERROR_SUCCESS;

    if (!ea_plat_process_alive(p))
        return ea_fail(err, EA_NOT_FOUND, "process %" PRId64 " is gone", p->pid);
    ea_stop_event_name(p->pid, name);
    event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    if (!event) {
        number = GetLastError();
        if (number == ERROR_FILE_NOT_FOUND)
            return ea_fail(err, EA_UNSUPPORTED, "process %" PRId64 " takes no request to stop",
                           p->pid);
        return ea_fail_win(err, number, "stop", "process");
    }
    if (!SetEvent(event))
        number = GetLastError();
    (void)CloseHandle(event); /* the event is the other process's too */
    return number == ERROR_SUCCESS ? EA_OK : ea_fail_win(err, number, "stop", "process");
}

ea_code ea_plat_process_kill(const ea_process *p, ea_err *err)
{
    HANDLE h = open_process(p, PROCESS_TERMINATE);
    DWORD number = ERROR_SUCCESS;

    if (!h)
        return ea_fail(err, EA_NOT_FOUND, "process %" PRId64 " is gone, or access to it is denied",
                       p->pid);
    if (!TerminateProcess(h, 1))
        number = GetLastError();
    (void)CloseHandle(h); /* no longer used */
    return number == ERROR_SUCCESS ? EA_OK : ea_fail_win(err, number, "kill", "process");
}

/* --- starting a daemon ------------------------------------------------------------------------- */

/* Quotes one argument so that CommandLineToArgvW and the C runtime read it back the same: backslashes
 * count only in front of a quote. */
static void add_argument(ea_buf *b, const char *arg)
{
    size_t slashes = 0;

    if (b->n)
        ea_buf_addc(b, ' ');
    if (arg[0] && !strpbrk(arg, " \t\n\v\"")) {
        ea_buf_adds(b, arg);
        return;
    }
    ea_buf_addc(b, '"');
    for (; *arg; arg++) {
        if (*arg == '\\') {
            slashes++;
            continue;
        }
        for (size_t i = 0; i < (*arg == '"' ? 2 * slashes + 1 : slashes); i++)
            ea_buf_addc(b, '\\');
        slashes = 0;
        ea_buf_addc(b, *arg);
    }
    for (size_t i = 0; i < 2 * slashes; i++)
        ea_buf_addc(b, '\\');
    ea_buf_addc(b, '"');
}

static wchar_t *command_line(const char *const *argv, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(32000);
    wchar_t *wide;

    for (size_t i = 0; argv[i]; i++)
        add_argument(&b, argv[i]);
    if (ea_buf_check(&b, err))
        return NULL;
    wide = ea_wide(ea_buf_z(&b));
    return wide;
}

/* NAME=value, NUL, ..., NUL NUL; NULL to inherit. */
static wchar_t *environment_block(const char *const *env)
{
    size_t used = 0;
    wchar_t *block = NULL;

    if (!env)
        return NULL;
    for (size_t i = 0; env[i]; i++) {
        EA_FREE_AUTO wchar_t *one = ea_wide(env[i]);
        size_t n = wcslen(one) + 1;

        block = ea_realloc_array(block, used + n, sizeof(*block));
        wmemcpy(block + used, one, n);
        used += n;
        ea_secret_wipe(one, n * sizeof(*one));
    }
    block = ea_realloc_array(block, used + 2, sizeof(*block));
    block[used] = block[used + 1] = L'\0';
    return block;
}

static void free_block(wchar_t *block)
{
    wchar_t *p = block;

    while (p && *p)
        p += wcslen(p) + 1;
    if (block)
        ea_secret_wipe(block, (size_t)(p - block) * sizeof(*block));
    ea_free(block);
}

static HANDLE open_inheritable(const char *path, DWORD access_wanted, DWORD how)
{
    EA_FREE_AUTO wchar_t *wide = ea_wide(path);
    SECURITY_ATTRIBUTES inherit = { .nLength = sizeof(inherit), .bInheritHandle = TRUE };

    return CreateFileW(wide, access_wanted, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       &inherit, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

struct start {
    const struct ea_spawn *spawn;
    wchar_t *program, *command, *dir, *block;
    HANDLE handles[2]; /* null device, log */
};

/* Only the two handles of the list are inherited, whatever else in this process could be. */
static DWORD create(struct start *st, DWORD flags, PROCESS_INFORMATION *made)
{
    STARTUPINFOEXW si = { .StartupInfo = { .cb = sizeof(si), .dwFlags = STARTF_USESTDHANDLES } };
    DWORD count = st->handles[0] == st->handles[1] ? 1 : 2, number = ERROR_SUCCESS;
    SIZE_T size = 0;

    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size); /* tells the size by failing */
    si.lpAttributeList = ea_alloc(size);
    if (!InitializeProcThreadAttributeList(si.lpAttributeList, 1, 0, &size)) {
        number = GetLastError();
        ea_free(si.lpAttributeList);
        return number;
    }
    si.StartupInfo.hStdInput = st->handles[0];
    si.StartupInfo.hStdOutput = si.StartupInfo.hStdError = st->handles[1];
    if (!UpdateProcThreadAttribute(si.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   st->handles, count * sizeof(HANDLE), NULL, NULL) ||
        !CreateProcessW(st->program, st->command, NULL, NULL, TRUE,
                        flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT |
                            DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
                        st->block, st->dir, &si.StartupInfo, made))
        number = GetLastError();
    DeleteProcThreadAttributeList(si.lpAttributeList);
    ea_free(si.lpAttributeList);
    return number;
}

static wchar_t *root_of_drive(void)
{
    wchar_t path[MAX_PATH] = L"C:\\";
    wchar_t *root = ea_alloc_array(4, sizeof(*root));

    (void)GetSystemWindowsDirectoryW(path, MAX_PATH); /* else the usual drive */
    wmemcpy(root, path, 3);
    return root;
}

static ea_code open_ends(struct start *st, ea_err *err)
{
    const char *log = st->spawn->log_file;

    st->handles[0] = open_inheritable("NUL", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING);
    if (st->handles[0] == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "open", "the null device");
    st->handles[1] =
        log ? open_inheritable(log, FILE_APPEND_DATA | SYNCHRONIZE, OPEN_ALWAYS) : st->handles[0];
    if (st->handles[1] == INVALID_HANDLE_VALUE)
        return ea_fail_win(err, GetLastError(), "open", log);
    return EA_OK;
}

static void done_start(struct start *st)
{
    if (st->handles[1] != st->handles[0] && st->handles[1] != INVALID_HANDLE_VALUE)
        (void)CloseHandle(st->handles[1]); /* the child has its own */
    if (st->handles[0] != INVALID_HANDLE_VALUE)
        (void)CloseHandle(st->handles[0]); /* the same */
    ea_free(st->program);
    ea_free(st->command);
    ea_free(st->dir);
    free_block(st->block);
}

ea_code ea_plat_spawn(const struct ea_spawn *spawn, ea_process *out, ea_err *err)
{
    struct start st = { .spawn = spawn, .handles = { INVALID_HANDLE_VALUE, INVALID_HANDLE_VALUE } };
    PROCESS_INFORMATION made = { 0 };
    ea_code code = EA_OK;
    DWORD number;

    st.program = ea_wide(spawn->program);
    st.command = command_line(spawn->argv, err);
    st.dir = spawn->dir ? ea_wide(spawn->dir) : root_of_drive();
    st.block = environment_block(spawn->env);
    if (!st.command || open_ends(&st, err)) {
        code = err->code;
    } else {
        /* Out of the starter's job, which may end with the shell; not every job lets go. */
        number = create(&st, CREATE_BREAKAWAY_FROM_JOB, &made);
        if (number == ERROR_ACCESS_DENIED)
            number = create(&st, 0, &made);
        if (number != ERROR_SUCCESS)
            code = ea_fail_win(err, number, "start", spawn->program);
    }
    if (code == EA_OK) {
        *out = (ea_process){ made.dwProcessId, start_of(made.hProcess) };
        (void)CloseHandle(made.hThread); /* nobody waits for it */
        (void)CloseHandle(made.hProcess);
    }
    done_start(&st);
    return code;
}

/* Each call may be unknown to an old system: what it offers is taken. ecsagent.dll itself is loaded before
 * this runs, from the folder of the executable, which only administrators may write. */
void ea_plat_harden(void)
{
    PROCESS_MITIGATION_IMAGE_LOAD_POLICY images = { 0 };
    PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY extensions = { 0 };

    images.NoRemoteImages = 1;
    images.NoLowMandatoryLabelImages = 1;
    images.PreferSystem32Images = 1;
    extensions.DisableExtensionPoints = 1;
    (void)HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
    (void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    (void)SetProcessMitigationPolicy(ProcessImageLoadPolicy, &images, sizeof(images));
    (void)SetProcessMitigationPolicy(ProcessExtensionPointDisablePolicy, &extensions,
                                     sizeof(extensions));
}
