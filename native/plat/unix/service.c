#include "../plat.h"

#include "../../base/alloc.h"
#include "run_command.h"

#include <stdlib.h>
#include <string.h>

/* A unit of systemd where systemd runs, told by its folder (sd_booted(3) looks there too). Elsewhere a daemon
 * of the agent is a process that its lock identifies (manage/service.c), and what starts it at boot is the
 * operator's choice. */

enum {
    ASK_MS = 20 * 1000,
    START_MS = 60 * 1000, /* what the unit wants, Docker, starts first */
    STOP_MS = 60 * 1000,
    MAX_ANSWER = 16 * 1024,
    MAX_UNIT = 16 * 1024
};

/* ---- where systemd is ---- */

/* Tests keep a stand-in for it in a folder of their own. */
static char *place(const char *in_test, const char *usual)
{
    const char *root = secure_getenv("ECSTOOLS_TEST_SYSTEMD");

    return ea_zstr_empty(root) ? ea_strdup(usual) : ea_sprintf_dup("%s/%s", root, in_test);
}

bool ea_plat_has_services(void)
{
    EA_FREE_AUTO char *dir = place("run", "/run/systemd/system");

    return ea_plat_exists(dir);
}

static ea_code need_manager(ea_err *err)
{
    if (ea_plat_has_services())
        return EA_OK;
    return ea_fail(err, EA_UNSUPPORTED, "this system has no service manager: systemd does not run");
}

/* "docker" and "docker.service" are the same to systemctl; a unit file wants the whole name. */
static ea_code unit_of(const char *name, char **out, ea_err *err)
{
    static const char *const kinds[] = { ".service", ".socket", ".target",
                                         ".mount",   ".path",   ".timer" };
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.@-";

    if (!*name || *name == '-' || name[strspn(name, allowed)])
        return ea_fail(err, EA_INVALID, "%s is no name of a systemd unit", name);
    for (size_t i = 0; i < EA_COUNT(kinds); i++) {
        if (ea_str_ends(ea_str_of(name), kinds[i])) {
            *out = ea_strdup(name);
            return EA_OK;
        }
    }
    *out = ea_sprintf_dup("%s.service", name);
    return EA_OK;
}

static char *file_of(const char *unit)
{
    EA_FREE_AUTO char *dir = place("units", "/etc/systemd/system");

    return ea_sprintf_dup("%s/%s", dir, unit);
}

/* ---- systemctl ---- */

/* Exit codes of systemctl that mean more than "failed": systemd.exec(5), LSB part. */
static ea_code code_of(int exit_code, ea_code otherwise)
{
    switch (exit_code) {
    case 4: /* not permitted */
        return EA_DENIED;
    case 5: /* no such unit */
        return EA_NOT_FOUND;
    case 6: /* its file cannot be used */
        return EA_SETTINGS;
    default:
        return otherwise;
    }
}

/* systemctl VERB... UNIT; `unit` NULL: none. */
static ea_code systemctl(const char *const *verb, const char *unit, int64_t limit_ms, ea_buf *out,
                         ea_err *err)
{
    static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                       "SYSTEMD_COLORS=0", NULL };
    const char *argv[8] = { "systemctl", "--no-ask-password" };
    EA_FREE_AUTO char *program = place("systemctl", "/usr/bin/systemctl");
    size_t n = 2;
    int exit_code;

    if (!ea_plat_exists(program))
        ea_set_str(&program, "/bin/systemctl"); /* where /usr is apart */
    for (size_t i = 0; verb[i] && n < EA_COUNT(argv) - 2; i++)
        argv[n++] = verb[i];
    argv[n++] = unit;
    argv[n] = NULL;
    if (ea_run_command(program, argv, env, limit_ms, out, &exit_code, err))
        err->code = code_of(exit_code, err->code);
    else
        return EA_OK;
    return err->code;
}

#define VERB(...) ((const char *const[]){ __VA_ARGS__, NULL })

static ea_code tell(const char *const *verb, const char *unit, int64_t limit_ms, ea_err *err)
{
    EA_BUF_AUTO words = EA_BUF(MAX_ANSWER);

    return systemctl(verb, unit, limit_ms, &words, err);
}

struct shown { /* systemctl show; org.freedesktop.systemd1(5) */
    char load[32], active[32], file[32];
    int64_t pid, main_code, main_status;
    bool stale; /* the unit file is not the one that systemd has read */
};

static void keep(ea_str value, char out[32])
{
    size_t n = value.n < 31 ? value.n : 31;

    memcpy(out, value.p, n);
    out[n] = '\0';
}

static void take_property(ea_str name, ea_str value, struct shown *s)
{
    ea_err err = { 0 };
    int64_t number = 0;

    if (ea_str_eqz(name, "LoadState"))
        keep(value, s->load);
    else if (ea_str_eqz(name, "ActiveState"))
        keep(value, s->active);
    else if (ea_str_eqz(name, "UnitFileState"))
        keep(value, s->file);
    else if (ea_str_eqz(name, "NeedDaemonReload"))
        s->stale = ea_str_eqz(value, "yes");
    else if (ea_str_to_i64(value, 0, INT32_MAX, &number, &err))
        return; /* a number that is none counts as 0 */
    else if (ea_str_eqz(name, "MainPID"))
        s->pid = number;
    else if (ea_str_eqz(name, "ExecMainCode"))
        s->main_code = number;
    else if (ea_str_eqz(name, "ExecMainStatus"))
        s->main_status = number;
}

static ea_code show(const char *unit, struct shown *out, ea_err *err)
{
    EA_BUF_AUTO answer = EA_BUF(MAX_ANSWER);
    struct shown s = { 0 };
    ea_str rest;

    if (systemctl(VERB("show", "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,"
                               "MainPID,ExecMainCode,ExecMainStatus"),
                  unit, ASK_MS, &answer, err))
        return err->code;
    rest = ea_buf_str(&answer);
    while (rest.n > 0) {
        ea_str line, name, value;

        rest = ea_str_cut(rest, '\n', &line);
        value = ea_str_cut(line, '=', &name);
        if (value.p)
            take_property(name, value, &s);
    }
    if (!s.load[0] || !s.active[0])
        return ea_fail(err, EA_PROTOCOL, "systemctl show %s: no state in its answer", unit);
    *out = s;
    return EA_OK;
}

/* ---- registration ---- */

/* A line break would begin another directive. */
static ea_code check_text(const char *what, const char *text, ea_err *err)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ')
            return ea_fail(err, EA_INVALID, "%s has a control character", what);
    }
    return EA_OK;
}

/* Percent signs are specifiers nearly everywhere: systemd.unit(5). */
static void add_plain(ea_buf *b, const char *text)
{
    for (const char *p = text; *p; p++)
        ea_buf_adds(b, *p == '%' ? "%%" : (const char[]){ *p, '\0' });
}

/* One quoted word: systemd.syntax(7). */
static void add_quoted(ea_buf *b, const char *text)
{
    ea_buf_addc(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            ea_buf_addc(b, '\\');
        if (*p == '%')
            ea_buf_addc(b, '%');
        ea_buf_addc(b, *p);
    }
    ea_buf_addc(b, '"');
}

static ea_code add_depends(ea_buf *b, const char *key, const char *first,
                           const char *const *depends, ea_err *err)
{
    if (!*first && (!depends || !depends[0]))
        return EA_OK;
    ea_buf_addf(b, "%s=%s", key, first);
    for (size_t i = 0; depends && depends[i]; i++) {
        EA_FREE_AUTO char *unit = NULL;

        if (unit_of(depends[i], &unit, err))
            return ea_wrap(err, "a service to run first");
        ea_buf_addf(b, "%s%s", i || *first ? " " : "", unit);
    }
    ea_buf_addc(b, '\n');
    return EA_OK;
}

static ea_code add_service(ea_buf *b, const struct ea_service_spec *spec, ea_err *err)
{
    /* User: HOME as for a login of root, the folder of the shared credentials */
    ea_buf_adds(b, "\n[Service]\nType=simple\nUser=root\n");
    for (size_t i = 0; spec->env && spec->env[i]; i++) {
        if (check_text("the service's environment", spec->env[i], err))
            return err->code;
        ea_buf_adds(b, "Environment=");
        add_quoted(b, spec->env[i]);
        ea_buf_addc(b, '\n');
    }
    if (spec->env_file) {
        if (check_text("the settings file's path", spec->env_file, err))
            return err->code;
        ea_buf_adds(b, "EnvironmentFile=-"); /* absent: fine; the rest of the line is the path */
        add_plain(b, spec->env_file);
        ea_buf_addc(b, '\n');
    }
    ea_buf_adds(b, "ExecStart=");
    add_quoted(b, spec->program);
    if (*spec->arguments)
        ea_buf_addf(b, " %s", spec->arguments);
    ea_buf_addf(b, "\nRestart=on-failure\nRestartSec=%u\n",
                spec->restart_s ? (*spec->restart_s)[0] : 0);
    if (spec->final_exit)
        ea_buf_addf(b, "RestartPreventExitStatus=%d\n", spec->final_exit);
    /* process: a stop touches nothing but the program itself */
    ea_buf_addf(b, "KillMode=process\nTimeoutStopSec=%u\n", (spec->preshutdown_ms + 999) / 1000);
    ea_buf_adds(b, "StandardOutput=journal\nStandardError=journal\n");
    return EA_OK;
}

static ea_code write_unit(const struct ea_service_spec *spec, ea_buf *b, ea_err *err)
{
    if (strpbrk(spec->program, "\"'\\")) /* quoted or not, systemd runs none of these */
        return ea_fail(err, EA_INVALID, "systemd runs no program whose path has quotes or '\\': %s",
                       spec->program);
    if (check_text("the program's path", spec->program, err) ||
        check_text("the program's arguments", spec->arguments, err) ||
        check_text("the description", spec->description, err))
        return err->code;
    ea_buf_addf(b,
                "# Written anew by each start of the service through its cmdlets; additions go to "
                "%s.service.d/*.conf.\n[Unit]\nDescription=",
                spec->name);
    add_plain(b, spec->display_name);
    ea_buf_adds(b, ": ");
    add_plain(b, spec->description);
    ea_buf_addc(b, '\n');
    /* network: it ends before the network does */
    if (add_depends(b, "Wants", "", spec->depends, err) ||
        add_depends(b, "After", "network.target", spec->depends, err))
        return err->code;
    ea_buf_adds(b, "StartLimitIntervalSec=0\n"); /* a start is never refused for its frequency */
    if (add_service(b, spec, err))
        return err->code;
    ea_buf_adds(b, "\n[Install]\nWantedBy=multi-user.target\n");
    return ea_buf_check(b, err);
}

static bool same_content(const char *path, const ea_buf *text)
{
    EA_BUF_AUTO now = EA_BUF(MAX_UNIT);
    ea_err err = { 0 };

    return ea_plat_read_file(path, MAX_UNIT, &now, &err) == EA_OK &&
           ea_str_eq(ea_buf_str(&now), ea_buf_str(text));
}

static ea_code put_unit(const char *unit, const char *path, const ea_buf *text, ea_err *err)
{
    bool fresh = !ea_plat_exists(path), same = !fresh && same_content(path, text);
    struct shown now = { 0 };
    ea_err ignored = { 0 };

    if (!fresh && show(unit, &now, err))
        return err->code;
    if (strcmp(now.load, "masked") == 0) /* its file is a link to nothing, which stays */
        return ea_fail(err, EA_DENIED, "an administrator has masked %s", unit);
    if (!same && ea_plat_write_file(path, ea_buf_str(text), 0644, err))
        return err->code;
    if ((same && !now.stale) || tell(VERB("daemon-reload"), NULL, ASK_MS, err) == EA_OK) {
        /* one that was there and is disabled has been disabled by an administrator */
        if (!fresh || tell(VERB("enable"), unit, ASK_MS, err) == EA_OK)
            return EA_OK;
    }
    if (fresh &&
        ea_plat_remove_file(path, &ignored) == EA_OK) /* so that the next time enables it */
        (void)tell(VERB("daemon-reload"), NULL, ASK_MS, &ignored); /* the first failure is told */
    return err->code;
}

ea_code ea_plat_service_install(const struct ea_service_spec *spec, ea_err *err)
{
    EA_BUF_AUTO text = EA_BUF(MAX_UNIT);
    EA_FREE_AUTO char *unit = NULL;
    EA_FREE_AUTO char *path = NULL;

    if (need_manager(err) || unit_of(spec->name, &unit, err) || write_unit(spec, &text, err))
        return ea_wrap(err, "register service %s", spec->name);
    path = file_of(unit);
    if (put_unit(unit, path, &text, err))
        return ea_wrap(err, "register service %s", spec->name);
    return EA_OK;
}

ea_code ea_plat_service_remove(const char *name, ea_err *err)
{
    EA_FREE_AUTO char *unit = NULL;
    EA_FREE_AUTO char *path = NULL;
    ea_err ignored = { 0 };

    if (need_manager(err) || unit_of(name, &unit, err))
        return ea_wrap(err, "remove service %s", name);
    path = file_of(unit);
    if (!ea_plat_exists(path))
        return EA_OK;
    if ((tell(VERB("stop"), unit, STOP_MS, err) && err->code != EA_NOT_FOUND) ||
        tell(VERB("disable"), unit, ASK_MS, err) || ea_plat_remove_file(path, err) ||
        tell(VERB("daemon-reload"), NULL, ASK_MS, err))
        return ea_wrap(err, "remove service %s", name);
    /* the memory of a failure would keep the name in systemd's lists; mostly there is none */
    (void)tell(VERB("reset-failed"), unit, ASK_MS, &ignored);
    return EA_OK;
}

/* ---- state ---- */

static ea_service_state state_of(const struct shown *s)
{
    if (strcmp(s->active, "active") == 0 || strcmp(s->active, "reloading") == 0)
        return EA_SERVICE_RUNNING;
    if (strcmp(s->active, "activating") == 0) /* the wait before another try, too */
        return EA_SERVICE_STARTING;
    if (strcmp(s->active, "deactivating") == 0)
        return EA_SERVICE_STOPPING;
    return strcmp(s->load, "not-found") == 0 ? EA_SERVICE_ABSENT : EA_SERVICE_STOPPED;
}

ea_code ea_plat_service_query(const char *name, struct ea_service_info *out, ea_err *err)
{
    enum {
        EXITED = 1 /* CLD_EXITED; else ended by the signal in ExecMainStatus */
    };
    EA_FREE_AUTO char *unit = NULL;
    struct shown s;

    if (need_manager(err) || unit_of(name, &unit, err) || show(unit, &s, err))
        return ea_wrap(err, "query service %s", name);
    *out = (struct ea_service_info){ .state = state_of(&s), .pid = s.pid };
    if (s.main_code)
        out->exit_code = (int)(s.main_code == EXITED ? s.main_status : 128 + s.main_status);
    if (out->state == EA_SERVICE_ABSENT || out->state == EA_SERVICE_STOPPED)
        out->pid = 0;
    return EA_OK;
}

/* Blocks for what must run first alone: a simple unit has started once its process is there. */
ea_code ea_plat_service_start(const char *name, ea_err *err)
{
    EA_FREE_AUTO char *unit = NULL;

    if (need_manager(err) || unit_of(name, &unit, err) || tell(VERB("start"), unit, START_MS, err))
        return ea_wrap(err, "start service %s", name);
    return EA_OK;
}

ea_code ea_plat_service_stop(const char *name, ea_err *err)
{
    EA_FREE_AUTO char *unit = NULL;

    if (need_manager(err) || unit_of(name, &unit, err) ||
        (tell(VERB("--no-block", "stop"), unit, ASK_MS, err) && err->code != EA_NOT_FOUND))
        return ea_wrap(err, "stop service %s", name);
    return EA_OK;
}

/* ---- what systemd has done already when the program starts ---- */

ea_code ea_plat_service_env(const char *name, ea_strlist *out, ea_err *err)
{
    (void)out;
    return ea_fail(err, EA_UNSUPPORTED, "the environment of service %s is its process's own", name);
}

ea_code ea_plat_machine_env(ea_strlist *out, ea_err *err)
{
    (void)out;
    return ea_fail(err, EA_UNSUPPORTED, "this system has no environment of the machine");
}

ea_code ea_plat_service_run(const char *name, int (*body)(void *arg), void *arg, int *exit_code,
                            ea_err *err)
{
    (void)body;
    (void)arg;
    (void)exit_code;
    return ea_fail(err, EA_UNSUPPORTED,
                   "service %s needs no dispatcher here: run the program without it", name);
}
