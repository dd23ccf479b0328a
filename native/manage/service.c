#include "service.h"

#include "../base/alloc.h"
#include "../plat/plat.h"
#include "answer.h"
#include "control_client.h"
#include "program.h"
#include "settings_file.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

enum { MAX_ANSWER = 16 * 1024 * 1024, POLL_MS = 50 };

int64_t ea_service_pid(const struct ea_place *p)
{
    return ea_plat_lock_holder(p->data_dir);
}

bool ea_service_installed(const struct ea_place *p)
{
    EA_FREE_AUTO char *dir = ea_program_dir(p->program_root);
    EA_FREE_AUTO char *exe = ea_program_exe(dir);

    return ea_plat_exists(exe) && ea_plat_exists(p->config_file);
}

/* What a service sees: search path, where it lives, and every line of its settings file. Keys of the
 * caller do not get there. */
static void service_env(const struct ea_place *p, const ea_envs *env, const ea_strmap *settings,
                        ea_strlist *out)
{
    static const char *const passed[] = { "PATH", "HOME", "SystemRoot", "ProgramData",
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
        EA_SECRET_AUTO char *pair =
            ea_sprintf_dup("%s=%s", settings->v[i].k, settings->v[i].v);
        ea_strlist_add(out, pair);
    }
}

ea_code ea_service_launch(const struct ea_place *p, const ea_envs *env, ea_err *err)
{
    EA_FREE_AUTO char *dir = ea_program_dir(p->program_root);
    EA_FREE_AUTO char *exe = ea_program_exe(dir);
    EA_FREE_AUTO char *log = ea_sprintf_dup("%s/ecsagent.out", p->log_dir);
    EA_FREE_AUTO const char **envp = NULL;
    ea_strmap settings = { 0 };
    ea_strlist list = { 0 };
    ea_process process;
    ea_code code;

    if (ea_settings_read(p->config_file, &settings, err) || ea_plat_make_dir(p->log_dir, err) ||
        ea_plat_make_dir(p->run_dir, err) || ea_plat_remove_file(p->exit_note, err)) {
        ea_strmap_free(&settings);
        return ea_wrap(err, "start the service");
    }
    service_env(p, env, &settings, &list);
    envp = ea_alloc_array(list.n + 1, sizeof(*envp));
    for (size_t i = 0; i < list.n; i++)
        envp[i] = list.v[i];
    const char *const argv[] = { exe, NULL };
    const struct ea_spawn spawn = { .program = exe, .argv = argv, .env = envp, .log_file = log };
    code = ea_plat_spawn(&spawn, &process, err);
    ea_strmap_free(&settings);
    ea_strlist_free(&list);
    return code ? ea_wrap(err, "start the service") : EA_OK;
}

ea_code ea_service_end(ecsagent_op *op, const struct ea_place *p, ea_err *err)
{
    ea_process process = { .pid = ea_service_pid(p) };

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

bool ea_service_exit_note(const struct ea_place *p, int *exit_code, char text[512])
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
