#include "service_ops.h"

#include "../base/alloc.h"
#include "../plat/hostnet.h"
#include "../plat/plat.h"
#include "answer.h"
#include "control_client.h"
#include "leftovers.h"
#include "service.h"
#include "settings_file.h"

#include <string.h>

enum {
    POLL_MS = 50,
    RETRY = 1,
    OPERATOR = 5,
    MAX_ANSWER = 16 * 1024 * 1024
};

struct request {
    ea_envs env;
    struct ea_place place;
    uint32_t action, timeout_s;
    bool what_if, keep_data;
    char *task; /* of stop-task */
};

static struct request *request_new(const char *const *env, uint32_t count, uint32_t timeout_s)
{
    struct request *r = ea_alloc(sizeof(*r));
    ea_strmap settings = { 0 };
    struct ea_place first = { 0 };
    ea_err err = { 0 };

    ea_envs_copy(&r->env, env, count);
    ea_place_of(&r->env, NULL, &first);
    if (ea_settings_read(first.config_file, &settings, &err))
        ea_strmap_free(&settings); /* unreadable: the environment and the defaults must do */
    ea_place_of(&r->env, &settings, &r->place);
    ea_place_done(&first);
    ea_strmap_free(&settings);
    r->timeout_s = timeout_s;
    return r;
}

static void request_free(void *arg)
{
    struct request *r = arg;

    ea_envs_free(&r->env);
    ea_place_done(&r->place);
    ea_free(r->task);
    ea_free(r);
}

static void fail(ecsagent_op *op, const ea_err *err, const char *advice)
{
    int code = err->code == EA_DENIED || err->code == EA_SETTINGS || err->code == EA_NOT_FOUND
                   ? OPERATOR
                   : RETRY;

    ea_op_fail(op, err, code, advice);
}

static ea_code need_admin(const char *what, ea_err *err)
{
    if (ea_plat_is_admin())
        return EA_OK;
    return ea_fail(err, EA_DENIED, "%s needs administrator rights", what);
}

/* ---- start, stop, restart ---- */

static ea_code launch(ecsagent_op *op, struct request *r, ecsagent_status *s, ea_err *err)
{
    ea_service_watch watch = { 0 };

    if (!ea_service_installed(&r->place))
        return ea_fail(err, EA_NOT_FOUND,
                       "the service AmazonECS is not installed: run Initialize-ECSAgent");
    if (ea_service_launch(&r->place, &r->env, err))
        return err->code;
    for (;;) {
        if (ea_service_watch_look(op, &r->place, 5000, &watch, s, err))
            return err->code;
        if (s->state >= ECSAGENT_STATE_WAITING)
            return EA_OK;
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the agent did not answer within %u s", r->timeout_s);
    }
}

static void service_work(ecsagent_op *op, void *arg)
{
    struct request *r = arg;
    ecsagent_status *s = ea_op_alloc(op, sizeof(*s));
    bool running = ea_service_pid(&r->place) != 0;
    bool ends = r->action != ECSAGENT_SERVICE_START && running;
    bool begins =
        r->action == ECSAGENT_SERVICE_RESTART || (r->action == ECSAGENT_SERVICE_START && !running);
    ea_actions actions = { 0 };
    ea_err err = { 0 };

    if (r->what_if) {
        if (ends)
            ea_actions_add(op, &actions, "Stop service", "AmazonECS");
        if (begins)
            ea_actions_add(op, &actions, "Start service", "AmazonECS");
        ea_actions_result(op, &actions);
        return;
    }
    if (need_admin("starting and stopping the service AmazonECS", &err) ||
        (ends && ea_service_end(op, &r->place, &err)) || (begins && launch(op, r, s, &err)) ||
        ea_service_status(op, &r->place, 5000, s, &err)) {
        fail(op, &err, NULL);
        return;
    }
    ea_op_result(op, ECSAGENT_TYPE_STATUS, s, 1, sizeof(*s));
}

int32_t ea_service_op_start(const ecsagent_service_params *p, ecsagent_op **op)
{
    struct request *r = request_new(p->env, p->env_count, p->timeout_s ? p->timeout_s : 60);

    r->action = p->action;
    r->what_if = p->what_if != 0;
    return ea_op_start(service_work, r, request_free, r->timeout_s, op);
}

/* ---- uninstall ---- */

static void uninstall_work(ecsagent_op *op, void *arg)
{
    struct request *r = arg;
    const struct ea_place *p = &r->place;
    ea_actions actions = { 0 };
    ea_err err = { 0 };

    if (r->what_if) {
        if (ea_service_pid(p))
            ea_actions_add(op, &actions, "Stop service", "AmazonECS");
        if (ea_plat_has_services() && ea_service_registered())
            ea_actions_add(op, &actions, "Remove service", "AmazonECS");
        if (ea_plat_exists(p->program_root))
            ea_actions_add(op, &actions, "Remove program", p->program_root);
        if (ea_plat_task_address_present(EA_TASK_ADDRESS))
            ea_actions_add(op, &actions, "Remove address", EA_TASK_ADDRESS);
        if (!r->keep_data && ea_plat_exists(p->data_dir))
            ea_actions_add(op, &actions, "Remove state", p->data_dir);
        if (!r->keep_data && ea_plat_exists(p->config_file))
            ea_actions_add(op, &actions, "Remove settings", p->config_file);
        if (!r->keep_data && ea_plat_exists(p->log_dir))
            ea_actions_add(op, &actions, "Remove logs", p->log_dir);
        ea_actions_result(op, &actions);
        return;
    }
    if (need_admin("removing the service AmazonECS", &err) || ea_service_end(op, p, &err) ||
        (ea_plat_has_services() && ea_plat_service_remove(EA_SERVICE_NAME, &err)) ||
        ea_plat_event_source_remove(&err) || ea_plat_host_undo(&err) ||
        ea_leftovers_program(p->program_root, &err) ||
        (!r->keep_data &&
         (ea_leftovers_state(p->data_dir, &err) || ea_plat_remove_file(p->config_file, &err) ||
          ea_leftovers_logs(p->log_dir, &err)))) {
        fail(op, &err, NULL);
        return;
    }
    if (!r->keep_data)
        ea_leftovers_folders();
    ea_actions_result(op, &actions);
}

int32_t ea_uninstall_op_start(const ecsagent_uninstall_params *p, ecsagent_op **op)
{
    struct request *r = request_new(p->env, p->env_count, p->timeout_s ? p->timeout_s : 60);

    r->keep_data = p->keep_data != 0;
    r->what_if = p->what_if != 0;
    return ea_op_start(uninstall_work, r, request_free, r->timeout_s, op);
}

/* ---- status and tasks ---- */

static void status_work(ecsagent_op *op, void *arg)
{
    struct request *r = arg;
    ecsagent_status *s = ea_op_alloc(op, sizeof(*s));
    ea_err err = { 0 };

    if (ea_service_status(op, &r->place, (int64_t)r->timeout_s * 1000, s, &err)) {
        fail(op, &err, NULL);
        return;
    }
    ea_op_result(op, ECSAGENT_TYPE_STATUS, s, 1, sizeof(*s));
}

int32_t ea_status_op_start(const ecsagent_status_params *p, ecsagent_op **op)
{
    struct request *r = request_new(p->env, p->env_count, p->timeout_s ? p->timeout_s : 10);

    return ea_op_start(status_work, r, request_free, r->timeout_s + 1, op);
}

/* A call of the control channel; that no agent runs is told in these words. */
static ea_code ask(ecsagent_op *op, const struct request *r, const char *method, const char *path,
                   const char *body, ea_buf *json, ea_err *err)
{
    if (ea_control_call(r->place.run_dir, method, path, body, ea_op_left_ms(op), json, err) ==
        EA_UNREACHABLE)
        (void)ea_fail(err, EA_UNREACHABLE,
                      "the agent does not run"); /* the text is what is wanted */
    return err->code;
}

static void fail_asked(ecsagent_op *op, const ea_err *err)
{
    fail(op, err,
         err->code == EA_UNREACHABLE
             ? "Start it with Start-ECSAgent, or set it up with Initialize-ECSAgent."
             : NULL);
}

static ea_code all_tasks(ecsagent_op *op, const struct request *r, ecsagent_task **items,
                         uint32_t *count, ea_err *err)
{
    EA_BUF_AUTO json = EA_BUF(MAX_ANSWER);

    if (ask(op, r, "GET", "/v1/tasks", NULL, &json, err))
        return err->code;
    return ea_answer_tasks(op, ea_buf_str(&json), items, count, err);
}

static void tasks_work(ecsagent_op *op, void *arg)
{
    struct request *r = arg;
    ecsagent_task *items = NULL;
    uint32_t count = 0;
    ea_err err = { 0 };

    if (all_tasks(op, r, &items, &count, &err))
        fail_asked(op, &err);
    else
        ea_op_result(op, ECSAGENT_TYPE_TASK, items, count, sizeof(*items));
}

int32_t ea_tasks_op_start(const ecsagent_tasks_params *p, ecsagent_op **op)
{
    struct request *r = request_new(p->env, p->env_count, p->timeout_s ? p->timeout_s : 10);

    return ea_op_start(tasks_work, r, request_free, r->timeout_s + 1, op);
}

/* ---- stop a task ---- */

static ea_code find_task(ecsagent_op *op, const struct request *r, ecsagent_task **out, ea_err *err)
{
    ecsagent_task *items = NULL;
    uint32_t count = 0;

    if (all_tasks(op, r, &items, &count, err))
        return err->code;
    for (uint32_t i = 0; i < count; i++) {
        if (ea_zstr_eq(items[i].arn, r->task) || ea_zstr_eq(items[i].id, r->task)) {
            *out = &items[i];
            return EA_OK;
        }
    }
    return ea_fail(err, EA_NOT_FOUND, "the agent holds no task %s", r->task);
}

static ea_code ask_to_stop(ecsagent_op *op, const struct request *r, ecsagent_task **task,
                           ea_err *err)
{
    EA_BUF_AUTO body = EA_BUF(8192);
    EA_BUF_AUTO answer = EA_BUF(8192);

    ea_buf_adds(&body, "{\"taskArn\":");
    ea_buf_add_json_str(&body, ea_str_of((*task)->arn));
    ea_buf_addc(&body, '}');
    if (ask(op, r, "POST", "/v1/stop-task", ea_buf_z(&body), &answer, err))
        return err->code;
    while (!ea_zstr_eq((*task)->desired_status, "STOPPED")) { /* its turn comes soon */
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the agent has not taken it in within %u s", r->timeout_s);
        if (find_task(op, r, task, err))
            return err->code;
    }
    return EA_OK;
}

static void stop_task_work(ecsagent_op *op, void *arg)
{
    struct request *r = arg;
    ecsagent_task *task = NULL;
    ea_actions actions = { 0 };
    ea_err err = { 0 };

    if (find_task(op, r, &task, &err)) {
        fail_asked(op, &err);
        return;
    }
    if (r->what_if) {
        if (!ea_zstr_eq(task->desired_status, "STOPPED"))
            ea_actions_add(op, &actions, "Stop task", task->arn);
        ea_actions_result(op, &actions);
        return;
    }
    if (!ea_zstr_eq(task->desired_status, "STOPPED") && ask_to_stop(op, r, &task, &err))
        fail_asked(op, &err);
    else
        ea_op_result(op, ECSAGENT_TYPE_TASK, task, 1, sizeof(*task));
}

int32_t ea_stop_task_op_start(const ecsagent_stop_task_params *p, ecsagent_op **op)
{
    struct request *r = request_new(p->env, p->env_count, p->timeout_s ? p->timeout_s : 10);

    r->task = ea_strdup(p->task);
    r->what_if = p->what_if != 0;
    return ea_op_start(stop_task_work, r, request_free, r->timeout_s, op);
}
