#include "initialize.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/clock.h"
#include "../plat/plat.h"
#include "answer.h"
#include "control_client.h"
#include "program.h"
#include "service.h"
#include "settings_file.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char activity[] = "Initializing the Amazon ECS agent";

enum {
    DEFAULT_TIMEOUT_S = 600,
    ASK_MS = 5000,
    POLL_MS = 100,
    SLOW_POLL_MS = 500,
    RETRY = 1,
    OPERATOR = 5
};

struct init {
    ea_envs env;
    char *program_dir, *cluster, *logging_drivers;
    uint32_t enable_task_iam_role;
    bool what_if, force;
    uint32_t timeout_s;
    /* while it runs */
    struct ea_place place;
    ea_strmap settings;
    ea_actions actions;
    bool settings_changed, program_changed;
    int exit_code;      /* for a failure */
    const char *advice; /* static or of the operation */
};

static void free_init(void *arg)
{
    struct init *in = arg;

    ea_envs_free(&in->env);
    ea_free(in->program_dir);
    ea_free(in->cluster);
    ea_free(in->logging_drivers);
    ea_place_done(&in->place);
    ea_strmap_free(&in->settings);
    ea_free(in);
}

/* ---- what is to be done ---- */

static ea_code check_drivers(const char *text, ea_err *err)
{
    cJSON *json = NULL;
    ea_err why = { 0 };

    if (!text)
        return EA_OK;
    if (ea_json_parse(ea_str_of(text), &json, &why) || text[strspn(text, " \t")] != '[') {
        cJSON_Delete(json);
        return ea_fail(err, EA_SETTINGS, "-LoggingDrivers is not a JSON array: %s", text);
    }
    cJSON_Delete(json);
    return EA_OK;
}

static ea_code plan_settings(struct init *in, ea_err *err)
{
    EA_FREE_AUTO char *log = NULL;
    ea_strmap *s = &in->settings;
    bool changed;

    if (check_drivers(in->logging_drivers, err) || ea_settings_read(in->place.config_file, s, err))
        return err->code;
    changed = ea_settings_from_env(s, &in->env);
    if (in->cluster)
        changed = ea_settings_set(s, "ECS_CLUSTER", in->cluster) || changed;
    if (in->logging_drivers)
        changed =
            ea_settings_set(s, "ECS_AVAILABLE_LOGGING_DRIVERS", in->logging_drivers) || changed;
    if (in->enable_task_iam_role != ECSAGENT_KEEP)
        changed = ea_settings_set(s, "ECS_ENABLE_TASK_IAM_ROLE",
                                  in->enable_task_iam_role == ECSAGENT_ON ? "true" : "false") ||
                  changed;
    if (!ea_strmap_get(s, "ECS_LOGFILE")) {
        log = ea_sprintf_dup("%s/ecs-agent.log", in->place.log_dir);
        changed = ea_settings_set(s, "ECS_LOGFILE", log) || changed;
    }
    in->settings_changed = changed || !ea_plat_exists(in->place.config_file);
    return EA_OK;
}

static void list_actions(ecsagent_op *op, struct init *in, const char *target_dir, bool running)
{
    if (in->settings_changed)
        ea_actions_add(op, &in->actions, "Write settings", in->place.config_file);
    if (in->program_changed)
        ea_actions_add(op, &in->actions, "Install program", target_dir);
    if (!ea_service_registered())
        ea_actions_add(op, &in->actions, "Install service", EA_SERVICE_NAME);
    if (!running)
        ea_actions_add(op, &in->actions, "Start service", "AmazonECS");
    else if (in->settings_changed || in->program_changed)
        ea_actions_add(op, &in->actions, "Restart service", "AmazonECS");
}

/* ---- another cluster than the stored one: -Force leaves the old one in order ---- */

static bool other_cluster(const struct init *in, const ecsagent_status *now)
{
    const char *wanted = ea_strmap_get(&in->settings, "ECS_CLUSTER");

    wanted = ea_zstr_empty(wanted) ? "default" : wanted;
    return now->container_instance_arn && now->cluster &&
           !ea_zstr_eq(ea_cluster_name(now->cluster), ea_cluster_name(wanted));
}

static ea_code stop_each_task(const struct init *in, const ecsagent_task *tasks, uint32_t n,
                              ea_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        EA_BUF_AUTO body = EA_BUF(4096);
        EA_BUF_AUTO answer = EA_BUF(4096);
        ea_err why = { 0 };

        if (ea_zstr_eq(tasks[i].known_status, "STOPPED"))
            continue;
        ea_buf_adds(&body, "{\"taskArn\":");
        ea_buf_add_json_str(&body, ea_str_of(tasks[i].arn));
        ea_buf_addc(&body, '}');
        if (ea_control_call(in->place.run_dir, "POST", "/v1/stop-task", ea_buf_z(&body), ASK_MS,
                            &answer, &why) &&
            why.code != EA_NOT_FOUND) {
            *err = why;
            return err->code;
        }
    }
    return EA_OK;
}

static ea_code leave_cluster(ecsagent_op *op, struct init *in, const ecsagent_status *now,
                             ea_err *err)
{
    ecsagent_status s = *now;
    EA_BUF_AUTO json = EA_BUF(16 * 1024 * 1024);
    ecsagent_task *tasks = NULL;
    uint32_t n = 0;
    EA_FREE_AUTO char *db = ea_sprintf_dup("%s/ecsagent.db", in->place.data_dir);
    static const char *const parts[] = { "", "-wal", "-shm" };

    if (ea_control_call(in->place.run_dir, "GET", "/v1/tasks", NULL, ASK_MS, &json, err) ||
        ea_answer_tasks(op, ea_buf_str(&json), &tasks, &n, err) ||
        stop_each_task(in, tasks, n, err))
        return ea_wrap(err, "leave cluster %s", now->cluster);
    while (s.tasks_pending + s.tasks_running > 0) {
        ea_op_progress(op, 20, activity, "Leaving cluster %s: %u tasks are still stopping",
                       now->cluster, s.tasks_pending + s.tasks_running);
        if (!ea_op_sleep(op, SLOW_POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "tasks of cluster %s did not stop in time", now->cluster);
        if (ea_service_status(op, &in->place, ASK_MS, &s, err))
            return err->code;
    }
    if (ea_service_end(op, &in->place, err))
        return err->code;
    for (size_t i = 0; i < EA_COUNT(parts); i++) {
        EA_FREE_AUTO char *path = ea_sprintf_dup("%s%s", db, parts[i]);
        if (ea_plat_remove_file(path, err))
            return ea_wrap(err, "forget the registration with cluster %s", now->cluster);
    }
    return EA_OK;
}

/* ---- the wait ---- */

static const ecsagent_wait *first_wait(const ecsagent_status *s)
{
    static const char *const order[] = { "store",         "metadata", "docker", "credentials",
                                         "task-iam-role", "register", "acs" };
    const ecsagent_wait *v = s->waits.items;

    for (size_t k = 0; k < EA_COUNT(order); k++) {
        for (uint32_t i = 0; i < s->waits.count; i++) {
            if (ea_zstr_eq(v[i].name, order[k]))
                return &v[i];
        }
    }
    return NULL;
}

static bool arrived(const struct init *in, const ecsagent_status *s)
{
    bool roles = ea_zstr_eq(ea_strmap_get(&in->settings, "ECS_ENABLE_TASK_IAM_ROLE"), "true");

    return s->state == ECSAGENT_STATE_CONNECTED && (!roles || s->task_role_ready);
}

static ea_code too_late(ecsagent_op *op, struct init *in, const ecsagent_status *s, ea_err *err)
{
    const ecsagent_wait *w = first_wait(s);
    char next[EA_RFC3339_MAX] = "when something changes";

    if (ea_op_cancelled(op))
        return ea_fail(err, EA_CANCELLED,
                       "cancelled; the service AmazonECS stays and keeps trying, see Get-ECSAgent");
    in->advice = ea_op_strf(op,
                            "The service stays and keeps trying: Get-ECSAgent shows the state, %s "
                            "the log.",
                            ea_strmap_get(&in->settings, "ECS_LOGFILE"));
    if (!w)
        return ea_fail(err, EA_TIMEOUT, "the agent did not answer within %u s", in->timeout_s);
    if (w->next_try_ms)
        ea_format_rfc3339(w->next_try_ms, 0, next);
    return ea_fail(err, EA_TIMEOUT, "after %u s the agent still waits for %s: %s (next try: %s)",
                   in->timeout_s, w->what, w->last_error ? w->last_error : "no answer yet", next);
}

static void show(ecsagent_op *op, const ecsagent_status *s, char last[256])
{
    const ecsagent_wait *w = first_wait(s);
    char text[256];
    int percent = s->state == ECSAGENT_STATE_CONNECTED    ? 90
                  : s->state == ECSAGENT_STATE_REGISTERED ? 75
                  : s->docker_version                     ? 60
                                                          : 40;

    if (w && w->last_error)
        (void)snprintf(text, sizeof(text), "Waiting for %s: %s", w->what, w->last_error);
    else
        (void)snprintf(text, sizeof(text), "Waiting for %s", w ? w->what : "the agent to answer");
    if (strcmp(text, last) == 0)
        return;
    (void)snprintf(last, 256, "%s", text); /* both 256 */
    ea_op_progress(op, percent, activity, "%s", text);
}

static ea_code wait_until_ready(ecsagent_op *op, struct init *in, ecsagent_status *s, ea_err *err)
{
    ea_service_watch watch = { 0 };
    char last[256] = "";

    for (unsigned round = 0;; round++) {
        if (ea_service_watch_look(op, &in->place, ASK_MS, &watch, s, err)) {
            in->exit_code = watch.exit_code;
            if (watch.ended && !watch.exit_code)
                in->advice = ea_op_strf(op, "Look also into %s.",
                                        ea_strmap_get(&in->settings, "ECS_LOGFILE"));
            return err->code;
        }
        if (arrived(in, s))
            return EA_OK;
        show(op, s, last);
        if (!ea_op_sleep(op, round < 50 ? POLL_MS : SLOW_POLL_MS))
            return too_late(op, in, s, err);
    }
}

/* ---- the operation ---- */

static ea_code may_change(struct init *in, ea_err *err)
{
    if (ea_plat_is_admin())
        return EA_OK;
    in->exit_code = OPERATOR;
    in->advice = ea_plat_is_windows() ? "Run PowerShell as administrator." : "Run it as root.";
    return ea_fail(err, EA_DENIED, "setting up the service AmazonECS needs administrator rights");
}

/* The agent looks at the host's set-up anew, and removes what earlier networks left. */
static void ask_for_repair(ecsagent_op *op, const struct init *in)
{
    EA_BUF_AUTO answer = EA_BUF(4096);
    ea_err err = { 0 };

    if (ea_control_call(in->place.run_dir, "POST", "/v1/repair", NULL, ASK_MS, &answer, &err))
        ea_op_verbose(op, "The agent was not asked for a repair: %s", err.text);
}

static ea_code change_host(ecsagent_op *op, struct init *in, const char *target, ecsagent_status *s,
                           ea_err *err)
{
    bool running = s->pid != 0;

    if (in->settings_changed) {
        ea_op_progress(op, 10, activity, "Writing settings to %s", in->place.config_file);
        if (ea_settings_write(in->place.config_file, &in->settings, err))
            return err->code;
    }
    if (running &&
        (in->settings_changed || in->program_changed)) { /* Windows keeps running files */
        ea_op_progress(op, 15, activity, "Stopping the service AmazonECS to use what changed");
        if (ea_service_end(op, &in->place, err))
            return err->code;
        running = false;
    }
    if (in->program_changed) {
        ea_op_progress(op, 20, activity, "Installing the program into %s", target);
        if (ea_program_install(in->program_dir, target, err))
            return err->code;
    }
    if (running) {
        ask_for_repair(op, in);
        return ea_service_register(&in->place, &in->env,
                                   err); /* repairs what was changed by hand */
    }
    ea_op_progress(op, 30, activity, "Starting the service AmazonECS");
    return ea_service_launch(&in->place, &in->env, err);
}

static ea_code initialize(ecsagent_op *op, struct init *in, ecsagent_status *s, ea_err *err)
{
    EA_FREE_AUTO char *target = NULL;

    ea_place_of(&in->env, NULL, &in->place);
    if (!in->program_dir)
        in->program_dir = ea_plat_lib_dir();
    target = ea_program_dir(in->place.program_root);
    if ((!in->what_if && may_change(in, err)) || plan_settings(in, err))
        return err->code;
    if (ea_service_status(op, &in->place, ASK_MS, s, err))
        return err->code;
    in->program_changed = !ea_program_current(in->program_dir, target);
    if (other_cluster(in, s)) {
        if (!in->force) {
            in->exit_code = OPERATOR;
            return ea_fail(
                err, EA_CONFLICT,
                "this host is an instance of cluster %s; use -Force to leave it (its tasks "
                "are stopped) and join %s",
                s->cluster, ea_strmap_get(&in->settings, "ECS_CLUSTER"));
        }
        ea_actions_add(op, &in->actions, "Stop all tasks and leave cluster", s->cluster);
        if (!in->what_if) {
            if (leave_cluster(op, in, s, err) || ea_service_status(op, &in->place, ASK_MS, s, err))
                return err->code;
        }
    }
    list_actions(op, in, target, s->pid != 0);
    if (in->what_if)
        return EA_OK;
    for (uint32_t i = 0; i < in->actions.n; i++)
        ea_op_verbose(op, "%s: %s", in->actions.v[i].verb, in->actions.v[i].target);
    if (change_host(op, in, target, s, err))
        return err->code;
    return wait_until_ready(op, in, s, err);
}

static void work(ecsagent_op *op, void *arg)
{
    struct init *in = arg;
    ecsagent_status *s = ea_op_alloc(op, sizeof(*s));
    ea_err err = { 0 };

    if (initialize(op, in, s, &err)) {
        int code = err.code == EA_SETTINGS || err.code == EA_DENIED ? OPERATOR : RETRY;
        ea_op_fail(op, &err, in->exit_code ? in->exit_code : code, in->advice);
        return;
    }
    if (in->what_if) {
        ea_actions_result(op, &in->actions);
        return;
    }
    ea_op_progress(op, 100, activity, "Registered and connected");
    ea_op_result(op, ECSAGENT_TYPE_STATUS, s, 1, sizeof(*s));
}

int32_t ea_initialize_start(const ecsagent_initialize_params *p, ecsagent_op **op)
{
    struct init *in = ea_alloc(sizeof(*in));

    ea_envs_copy(&in->env, p->env, p->env_count);
    in->program_dir = ea_strdup(p->program_dir);
    in->cluster = ea_strdup(p->cluster);
    in->logging_drivers = ea_strdup(p->logging_drivers);
    in->enable_task_iam_role = p->enable_task_iam_role;
    in->what_if = p->what_if != 0;
    in->force = p->force != 0;
    in->timeout_s = p->timeout_s ? p->timeout_s : DEFAULT_TIMEOUT_S;
    return ea_op_start(work, in, free_init, in->timeout_s, op);
}
