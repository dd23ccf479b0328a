#include "service.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../plat/plat.h"
#include "answer.h"
#include "control_client.h"
#include "program.h"
#include "settings_file.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_ANSWER = 16 * 1024 * 1024,
    POLL_MS = 50,
    ABSENT_MS = 2000,
    OPERATOR = 5 /* exit code: another try is of no use */
};

/* What the service manager says; absent where there is no manager, or none that answers. */
static struct ea_service_info managed(void)
{
    struct ea_service_info info = { .state = EA_SERVICE_ABSENT };
    ea_err err = { 0 };

    if (ea_plat_has_services() && ea_plat_service_query(EA_SERVICE_NAME, &info, &err))
        info = (struct ea_service_info){ .state = EA_SERVICE_ABSENT };
    return info;
}

/* The lock comes a moment after the start, and goes a moment before the end. */
int64_t ea_service_pid(const struct ea_place *p)
{
    int64_t pid = ea_plat_lock_holder(p->data_dir);

    return pid ? pid : managed().pid;
}

bool ea_service_registered(void)
{
    return !ea_plat_has_services() || managed().state != EA_SERVICE_ABSENT;
}

bool ea_service_installed(const struct ea_place *p)
{
    EA_FREE_AUTO char *dir = ea_program_dir(p->program_root);
    EA_FREE_AUTO char *exe = ea_program_exe(dir);

    return ea_plat_exists(exe) && ea_plat_exists(p->config_file) && ea_service_registered();
}

/* ---- with a service manager ---- */

/* Docker, if it is a service here under its usual name; an installation may say otherwise. */
static void dependencies(const ea_envs *env, const ea_strmap *settings, ea_strlist *out)
{
    static const char key[] = "ECSTOOLS_SERVICE_DEPENDS";
    const char *usual = ea_plat_is_windows() ? "Docker" : "docker";
    const char *told = ea_envs_get(env, key);
    struct ea_service_info docker;
    ea_err err = { 0 };
    ea_str rest, one;

    if (!told)
        told = ea_strmap_get(settings, key);
    if (!told) {
        if (ea_plat_service_query(usual, &docker, &err) == EA_OK &&
            docker.state != EA_SERVICE_ABSENT)
            ea_strlist_add(out, usual);
        return;
    }
    rest = ea_str_of(ea_zstr_eq(told, "none") ? "" : told);
    while (rest.n > 0) {
        rest = ea_str_cut(rest, ',', &one);
        EA_FREE_AUTO char *name = ea_str_dup(ea_str_trim(one));
        if (*name)
            ea_strlist_add(out, name);
    }
}

static const char **view(const ea_strlist *list)
{
    const char **v = ea_alloc_array(list->n + 1, sizeof(*v));

    for (size_t i = 0; i < list->n; i++)
        v[i] = list->v[i];
    return v;
}

/* Adds NAME=value unless it is what the agent takes anyway. */
static void add_place(ea_strlist *out, const char *name, const char *value, ea_path_id id)
{
    EA_FREE_AUTO char *usual = ea_plat_default_path(id);
    EA_FREE_AUTO char *line = ea_sprintf_dup("%s=%s", name, value);

    if (!ea_str_eq_nocase(ea_str_of(usual), ea_str_of(value)))
        ea_strlist_add(out, line);
}

/* The settings themselves stay in their file, which only administrators read: Windows' service reads it
 * (service_env.h), systemd reads it for the process. */
ea_code ea_service_register(const struct ea_place *p, const ea_envs *env, ea_err *err)
{
    static const unsigned restart_s[3] = { 5, 30, 60 };
    EA_FREE_AUTO char *dir = ea_program_dir(p->program_root);
    EA_FREE_AUTO char *exe = ea_program_exe(dir);
    EA_FREE_AUTO const char **depends = NULL;
    EA_FREE_AUTO const char **own_env = NULL;
    ea_strmap settings = { 0 };
    ea_strlist names = { 0 }, places = { 0 };
    struct ea_service_spec spec = {
        .name = EA_SERVICE_NAME,
        .display_name = "Amazon ECS",
        .description = "Runs the tasks that Amazon ECS places on this machine.",
        .program = exe,
        .arguments = ea_plat_is_windows() ? "-windows-service" : "",
        .env_file = p->config_file, /* proxies are read from the environment alone */
        .restart_s = &restart_s,
        .final_exit = OPERATOR,
        .preshutdown_ms = 30000,
    };
    ea_code code;

    if (!ea_plat_has_services())
        return EA_OK;
    if (ea_settings_read(p->config_file, &settings, err)) {
        ea_strmap_free(&settings);
        return err->code;
    }
    dependencies(env, &settings, &names);
    ea_strmap_free(&settings);
    depends = view(&names);
    spec.depends = depends;
    add_place(&places, "ECSTOOLS_CONFIG", p->config_file, EA_PATH_CONFIG_FILE);
    add_place(&places, "ECSTOOLS_RUNDIR", p->run_dir, EA_PATH_RUN_DIR);
    own_env = view(&places);
    spec.env = own_env;
    code = ea_plat_service_install(&spec, err);
    if (code == EA_OK && ea_plat_event_source_add(dir, err))
        code = err->code;
    ea_strlist_free(&names);
    ea_strlist_free(&places);
    return code;
}

static ea_code start_managed(const struct ea_place *p, const ea_envs *env, ea_err *err)
{
    if (ea_service_register(p, env, err) || ea_plat_service_start(EA_SERVICE_NAME, err))
        return ea_wrap(err, "start the service");
    return EA_OK;
}

/* Its files are free only when its process is gone. */
static ea_code end_managed(ecsagent_op *op, ea_err *err)
{
    ea_process process = { .pid = managed().pid };

    for (;;) {
        struct ea_service_info now = managed();

        if (now.state == EA_SERVICE_ABSENT || now.state == EA_SERVICE_STOPPED) {
            if (!process.pid || !ea_plat_process_alive(&process))
                return EA_OK;
        } else {
            process.pid = now.pid ? now.pid : process.pid;
            if (now.state != EA_SERVICE_STOPPING && ea_plat_service_stop(EA_SERVICE_NAME, err))
                return ea_wrap(err, "stop the service");
        }
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the service (process %d) did not end in time", (int)process.pid);
    }
}

/* ---- without one: a daemon ---- */

/* What a service sees: search path, where it lives, and every line of its settings file. Keys of the
 * caller do not get there. */
static void service_env(const struct ea_place *p, const ea_envs *env, const ea_strmap *settings,
                        ea_strlist *out)
{
    static const char *const passed[] = { "PATH",         "HOME", "SystemRoot", "ProgramData",
                                          "ProgramFiles", "TEMP", "TMP" };
    EA_FREE_AUTO char *config = ea_sprintf_dup("ECSTOOLS_CONFIG=%s", p->config_file);
    EA_FREE_AUTO char *run = ea_sprintf_dup("ECSTOOLS_RUNDIR=%s", p->run_dir);

    for (size_t i = 0; i < EA_COUNT(passed); i++) {
        const char *value = ea_envs_get(env, passed[i]);
        if (value) {
            EA_FREE_AUTO char *pair = ea_sprintf_dup("%s=%s", passed[i], value);
            ea_strlist_add(out, pair);
        }
    }
    ea_strlist_add(out, config);
    ea_strlist_add(out, run);
    for (size_t i = 0; i < settings->n; i++) {
        if (strncmp(settings->v[i].k, "ECSTOOLS_RUNDIR", 15) == 0)
            continue;
        EA_SECRET_AUTO char *pair = ea_sprintf_dup("%s=%s", settings->v[i].k, settings->v[i].v);
        ea_strlist_add(out, pair);
    }
}

static char *own_output(const struct ea_place *p)
{
    return ea_sprintf_dup("%s/ecsagent.out", p->log_dir);
}

/* Where an agent that ended before it had its log file has said why: a file, or what shows it. */
static const char *output_of(ecsagent_op *op, const struct ea_place *p)
{
    EA_FREE_AUTO char *file = own_output(p);

    if (!ea_plat_has_services())
        return ea_op_str(op, file);
    return ea_plat_is_windows() ? "the Application event log" : "journalctl -u " EA_SERVICE_NAME;
}

/* An operator's own folder for logs may be shared. */
static ea_code make_log_dir(const struct ea_place *p, ea_err *err)
{
    EA_FREE_AUTO char *usual = ea_plat_default_path(EA_PATH_LOG_DIR);

    return ea_str_eq_nocase(ea_str_of(p->log_dir), ea_str_of(usual))
               ? ea_plat_own_dir(p->log_dir, err)
               : ea_plat_make_dir(p->log_dir, err);
}

ea_code ea_service_launch(const struct ea_place *p, const ea_envs *env, ea_err *err)
{
    EA_FREE_AUTO char *dir = ea_program_dir(p->program_root);
    EA_FREE_AUTO char *exe = ea_program_exe(dir);
    EA_FREE_AUTO char *log = own_output(p);
    EA_FREE_AUTO const char **envp = NULL;
    ea_strmap settings = { 0 };
    ea_strlist list = { 0 };
    ea_process process;
    ea_code code;

    if (make_log_dir(p, err) || ea_plat_own_dir(p->run_dir, err) ||
        ea_plat_remove_file(p->exit_note, err))
        return ea_wrap(err, "start the service");
    if (ea_plat_has_services())
        return start_managed(p, env, err);
    if (ea_settings_read(p->config_file, &settings, err)) {
        ea_strmap_free(&settings);
        return ea_wrap(err, "start the service");
    }
    service_env(p, env, &settings, &list);
    envp = view(&list);
    const char *const argv[] = { exe, NULL };
    const struct ea_spawn spawn = { .program = exe, .argv = argv, .env = envp, .log_file = log };
    code = ea_plat_spawn(&spawn, &process, err);
    ea_strmap_free(&settings);
    ea_strlist_free(&list);
    return code ? ea_wrap(err, "start the service") : EA_OK;
}

ea_code ea_service_end(ecsagent_op *op, const struct ea_place *p, ea_err *err)
{
    ea_process process;

    if (ea_plat_has_services() && end_managed(op, err))
        return err->code;
    process = (ea_process){ .pid = ea_service_pid(p) }; /* an agent in a console, too */
    if (!process.pid)
        return EA_OK;
    if (ea_plat_process_stop(&process, err))
        return ea_wrap(err, "stop the service (process %d)", (int)process.pid);
    while (ea_service_pid(p) == process.pid) {
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the service (process %d) did not end in time", (int)process.pid);
    }
    return EA_OK;
}

static void status_without_agent(ecsagent_op *op, const struct ea_place *p, int64_t pid,
                                 ecsagent_status *s)
{
    ea_strmap settings = { 0 };
    ea_err err = { 0 };

    memset(s, 0, sizeof(*s));
    s->size = sizeof(*s);
    s->pid = (int32_t)pid;
    s->version = EA_VERSION;
    s->wire_version = EA_WIRE_VERSION;
    s->waits.size = s->capabilities.size = sizeof(ecsagent_list);
    if (pid)
        s->state = ECSAGENT_STATE_STARTING;
    else
        s->state = ea_service_installed(p) ? ECSAGENT_STATE_STOPPED : ECSAGENT_STATE_NOT_INSTALLED;
    s->data_dir = ea_op_str(op, p->data_dir);
    if (ea_settings_read(p->config_file, &settings, &err) == EA_OK) {
        s->cluster = ea_op_str(op, ea_strmap_get(&settings, "ECS_CLUSTER"));
        s->log_file = ea_op_str(op, ea_strmap_get(&settings, "ECS_LOGFILE"));
        s->region = ea_op_str(op, ea_strmap_get(&settings, "AWS_DEFAULT_REGION"));
    }
    ea_strmap_free(&settings);
}

ea_code ea_service_status(ecsagent_op *op, const struct ea_place *p, int64_t limit_ms,
                          ecsagent_status *out, ea_err *err)
{
    EA_BUF_AUTO json = EA_BUF(MAX_ANSWER);
    ea_err why = { 0 };

    if (ea_control_call(p->run_dir, "GET", "/v1/status", NULL, limit_ms, &json, &why) == EA_OK)
        return ea_answer_status(op, ea_buf_str(&json), out, err);
    if (why.code != EA_UNREACHABLE) {
        *err = why;
        return err->code;
    }
    status_without_agent(op, p, ea_service_pid(p), out);
    return EA_OK;
}

/* An agent that could not start left a note: true, its exit code and words. */
static bool exit_note(const struct ea_place *p, int *exit_code, char text[512])
{
    EA_BUF_AUTO note = EA_BUF(4096);
    ea_err err = { 0 };
    ea_str head, rest;
    int64_t code = 1;

    if (ea_plat_read_file(p->exit_note, 4096, &note, &err))
        return false;
    rest = ea_str_cut(ea_buf_str(&note), ' ', &head);
    if (ea_str_to_i64(head, 0, 255, &code, &err))
        return false;
    *exit_code = (int)code;
    rest = ea_str_trim(rest);
    (void)snprintf(text, 512, "%.*s", EA_STR_FMT(rest)); /* longer notes are cut */
    return true;
}

ea_code ea_service_watch_look(ecsagent_op *op, const struct ea_place *p, int64_t limit_ms,
                              ea_service_watch *watch, ecsagent_status *out, ea_err *err)
{
    int64_t now = ea_now().mono_ms;
    char words[512];

    if (ea_service_status(op, p, limit_ms, out, err))
        return err->code;
    if (out->pid) {
        watch->gone_since_ms = 0;
        return EA_OK;
    }
    if (!watch->gone_since_ms)
        watch->gone_since_ms = now;
    /* the lock comes a moment after the launch: only a lasting absence is an end */
    if (now - watch->gone_since_ms < ABSENT_MS && !ea_plat_exists(p->exit_note))
        return EA_OK;
    watch->ended = true;
    if (exit_note(p, &watch->exit_code, words))
        return ea_fail(err, watch->exit_code == OPERATOR ? EA_SETTINGS : EA_IO,
                       "the agent could not start: %s", words);
    return ea_fail(err, EA_IO, "the agent ended right after its start, see %s", output_of(op, p));
}
