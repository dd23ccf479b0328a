#include "local_cluster.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/json.h"
#include "../base/loop.h"
#include "../docker/docker_http.h"
#include "../plat/plat.h"
#include "leftovers.h"
#include "place.h"
#include "program.h"

#include <cjson/cJSON.h>
#include <string.h>

enum {
    DEFAULT_PORT = 51670,
    ASK_MS = 2000,
    POLL_MS = 50,
    RETRY = 1,
    OPERATOR = 5
};

static const char default_region[] = "us-west-2";
static const char activity[] = "Starting the local control plane";

struct local_request {
    ea_envs env;
    char *program_dir, *data_dir, *registry;
    uint32_t port, timeout_s;
    bool what_if, remove_data;
};

static void request_free(void *arg)
{
    struct local_request *r = arg;

    ea_envs_free(&r->env);
    ea_free(r->program_dir);
    ea_free(r->data_dir);
    ea_free(r->registry);
    ea_free(r);
}

static struct local_request *request_new(const char *const *env, uint32_t count,
                                         const char *data_dir)
{
    struct local_request *r = ea_alloc(sizeof(*r));
    struct ea_place place = { 0 };

    ea_envs_copy(&r->env, env, count);
    ea_place_of(&r->env, NULL, &place);
    r->data_dir = ea_strdup(data_dir ? data_dir : place.local_dir);
    ea_place_done(&place);
    return r;
}

/* ---- its own account of itself: GET /local/v1/status ---- */

struct ask {
    ea_loop *loop;
    ea_buf *out;
    ea_err err;
};

static void answered(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct ask *q = ctx;

    q->err = *err;
    if (err->code == EA_OK)
        ea_buf_add(q->out, a->body.p, a->body.n);
    ea_loop_stop(q->loop);
}

static ea_code ask_status(uint32_t port, ea_buf *out, ea_err *err)
{
    EA_FREE_AUTO char *address = ea_sprintf_dup("tcp://127.0.0.1:%u", port);
    const struct ea_dhttp_params params = {
        .method = "GET", .path = "/local/v1/status", .limit_ms = ASK_MS, .max_body = 64 * 1024
    };
    struct ask q = { .out = out };
    ea_dhttp *http = NULL;

    if (ea_loop_new(&q.loop, err))
        return err->code;
    if (ea_dhttp_new(q.loop, address, &http, err)) {
        ea_loop_free(q.loop);
        return err->code;
    }
    (void)ea_dhttp_start(http, &params, answered, &q); /* every error comes through `answered` */
    ea_loop_run(q.loop, 0);
    ea_dhttp_free(http);
    ea_loop_free(q.loop);
    if (q.err.code)
        *err = q.err;
    return q.err.code;
}

/* ---- the record of the result ---- */

static void add_variable(ecsagent_op *op, ecsagent_local *l, const char *name, const char *value)
{
    uint32_t n = l->variables.count;
    ecsagent_variable *v = ea_op_alloc(op, (n + 1) * sizeof(*v));

    if (n)
        memcpy(v, l->variables.items, n * sizeof(*v));
    v[n].size = sizeof(*v);
    v[n].name = ea_op_str(op, name);
    v[n].value = ea_op_str(op, value);
    l->variables =
        (ecsagent_list){ sizeof(l->variables), ECSAGENT_TYPE_VARIABLE, n + 1, sizeof(*v), v };
}

static void add_line(ecsagent_op *op, ecsagent_local *l, const char *text)
{
    uint32_t n = l->lines.count;
    ecsagent_line *v = ea_op_alloc(op, (n + 1) * sizeof(*v));

    if (n)
        memcpy(v, l->lines.items, n * sizeof(*v));
    v[n].size = sizeof(*v);
    v[n].text = text;
    l->lines = (ecsagent_list){ sizeof(l->lines), ECSAGENT_TYPE_LINE, n + 1, sizeof(*v), v };
}

/* The variables lead an agent here. The operator's `aws` also needs a key pair, which opens nothing but
 * this control plane: it is printed, not set, since it would hide the operator's own. */
static void fill(ecsagent_op *op, const cJSON *json, const struct local_request *r,
                 ecsagent_local *l)
{
    const char *key = ea_json_get_str(json, "accessKeyId");
    const char *secret = ea_json_get_str(json, "secretAccessKey");
    const cJSON *pid = ea_json_get(json, "pid");

    l->size = sizeof(*l);
    l->pid = cJSON_IsNumber(pid) ? (int32_t)pid->valuedouble : 0;
    l->port = r->port;
    l->endpoint = ea_op_strf(op, "http://127.0.0.1:%u", r->port);
    l->imds_endpoint = l->endpoint;
    l->region = ea_op_str(op, ea_json_get_str(json, "region"));
    l->data_dir = ea_op_str(op, r->data_dir);
    l->log_file = ea_op_strf(op, "%s/ecslocal.log", r->data_dir);
    l->variables.size = l->lines.size = sizeof(ecsagent_list);
    add_variable(op, l, "ECS_BACKEND_HOST", l->endpoint);
    add_variable(op, l, "AWS_DEFAULT_REGION", l->region);
    add_variable(op, l, "AWS_EC2_METADATA_SERVICE_ENDPOINT", l->endpoint);
    add_variable(op, l, "AWS_ENDPOINT_URL_SECRETS_MANAGER", l->endpoint);
    add_variable(op, l, "AWS_ENDPOINT_URL_SSM", l->endpoint);
    add_variable(op, l, "ECS_IMAGE_PULL_BEHAVIOR", "prefer-cached");
    if (!key || !secret)
        return;
    add_line(op, l,
             ea_op_strf(op,
                        "export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s "
                        "AWS_DEFAULT_REGION=%s",
                        key, secret, l->region));
    add_line(op, l,
             ea_op_strf(op,
                        "$env:AWS_ACCESS_KEY_ID='%s'; $env:AWS_SECRET_ACCESS_KEY='%s'; "
                        "$env:AWS_DEFAULT_REGION='%s'",
                        key, secret, l->region));
    add_line(op, l, ea_op_strf(op, "aws ecs list-clusters --endpoint-url %s", l->endpoint));
}

static ea_code read_record(ecsagent_op *op, const struct local_request *r, ecsagent_local *l,
                           ea_err *err)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(64 * 1024);
    cJSON *json = NULL;
    const char *dir;

    if (ask_status(r->port, &text, err) || ea_json_parse(ea_buf_str(&text), &json, err))
        return err->code;
    dir = ea_json_get_str(json, "dataDir");
    if (!ea_zstr_eq(dir, r->data_dir)) {
        (void)ea_fail(err, EA_CONFLICT, /* its code is returned below */
                      "port %u is served by a local control plane with its data in %s, not %s",
                      r->port, dir ? dir : "(unknown)", r->data_dir);
        cJSON_Delete(json);
        return err->code;
    }
    fill(op, json, r, l);
    cJSON_Delete(json);
    return EA_OK;
}

/* ---- start ---- */

static ea_code launch(const struct local_request *r, ea_process *process, ea_err *err)
{
    EA_FREE_AUTO char *exe = ea_program_local(r->program_dir);
    EA_FREE_AUTO char *port = ea_sprintf_dup("%u", r->port);
    EA_FREE_AUTO char *log = ea_sprintf_dup("%s/ecslocal.log", r->data_dir);
    const char *region = ea_envs_get(&r->env, "AWS_DEFAULT_REGION");
    const char *const argv[] = { exe,
                                 "--data-dir",
                                 r->data_dir,
                                 "--port",
                                 port,
                                 "--region",
                                 region ? region : default_region,
                                 r->registry ? "--registry" : NULL,
                                 r->registry,
                                 NULL };
    /* Variables of the caller's session: a shell keeps them apart from those of its process. */
    const struct ea_spawn spawn = {
        .program = exe, .argv = argv, .env = (const char *const *)r->env.v, .log_file = log
    };

    if (!ea_plat_exists(exe))
        return ea_fail(err, EA_NOT_FOUND, "%s is missing: build it with make", exe);
    if (r->registry && !ea_envs_get(&r->env, "ECSLOCAL_REGISTRY_PASSWORD"))
        return ea_fail(err, EA_SETTINGS,
                       "a registry needs ECSLOCAL_REGISTRY_PASSWORD, what it takes from user AWS");
    if (ea_plat_make_dir(r->data_dir, err) || ea_plat_spawn(&spawn, process, err))
        return ea_wrap(err, "start the local control plane");
    return EA_OK;
}

/* Our process has its port: it writes its pid down once it listens. Before that nobody asks the port, since a
 * client of a port without a listener may be connected to itself. */
static bool listens(const struct local_request *r, const ea_process *process)
{
    EA_FREE_AUTO char *file = ea_sprintf_dup("%s/ecslocal.pid", r->data_dir);
    EA_BUF_AUTO text = EA_BUF(256);
    int64_t pid = 0;
    ea_str head;
    ea_err err = { 0 };

    if (ea_plat_read_file(file, 256, &text, &err))
        return false;
    (void)ea_str_cut(ea_buf_str(&text), ' ', &head);
    return ea_str_to_i64(head, 1, INT64_MAX, &pid, &err) == EA_OK && pid == process->pid;
}

static ea_code wait_until_up(ecsagent_op *op, const struct local_request *r,
                             const ea_process *process, ecsagent_local *l, ea_err *err)
{
    ea_err why = { .text = "it does not listen yet" };

    for (;;) {
        bool alive = ea_plat_process_alive(process);

        if ((!alive || listens(r, process)) && read_record(op, r, l, &why) == EA_OK)
            return EA_OK;
        if (why.code == EA_CONFLICT || !alive)
            return ea_fail(err, why.code == EA_CONFLICT ? EA_CONFLICT : EA_IO,
                           "the local control plane did not start (see %s/ecslocal.log): %s",
                           r->data_dir, why.text);
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the local control plane does not answer: %s", why.text);
    }
}

static void fail_up(ecsagent_op *op, const ea_err *err)
{
    bool taken = err->code == EA_CONFLICT;

    ea_op_fail(op, err, taken || err->code == EA_SETTINGS ? OPERATOR : RETRY,
               taken ? "Use another -Port, or stop the other one." : NULL);
}

static void up_work(ecsagent_op *op, void *arg)
{
    struct local_request *r = arg;
    ecsagent_local *l = ea_op_alloc(op, sizeof(*l));
    ea_process process;
    ea_err err = { 0 };
    ea_code code = ea_plat_lock_holder(r->data_dir) ? read_record(op, r, l, &err) : EA_NOT_FOUND;

    if (r->what_if) {
        ea_actions actions = { 0 };
        if (code != EA_OK)
            ea_actions_add(op, &actions, "Start local cluster", r->data_dir);
        ea_actions_result(op, &actions);
        return;
    }
    if (code == EA_OK) {
        l->already_running = 1;
    } else if (code == EA_CONFLICT) {
        fail_up(op, &err);
        return;
    } else {
        ea_op_progress(op, 20, activity, "Waiting for port %u to answer", r->port);
        if (launch(r, &process, &err) || wait_until_up(op, r, &process, l, &err)) {
            fail_up(op, &err);
            return;
        }
    }
    ea_op_result(op, ECSAGENT_TYPE_LOCAL, l, 1, sizeof(*l));
}

int32_t ea_local_up_start(const ecsagent_local_up_params *p, ecsagent_op **op)
{
    struct local_request *r = request_new(p->env, p->env_count, p->data_dir);

    r->program_dir = p->program_dir ? ea_strdup(p->program_dir) : ea_plat_lib_dir();
    r->registry = ea_strdup(ea_zstr_empty(p->registry) ? NULL : p->registry);
    r->port = p->port ? p->port : DEFAULT_PORT;
    r->timeout_s = p->timeout_s ? p->timeout_s : 30;
    r->what_if = p->what_if != 0;
    return ea_op_start(up_work, r, request_free, r->timeout_s, op);
}

/* ---- stop ---- */

/* Whoever holds the lock of the data directory is the one to end, whatever its port. */
static ea_code end(ecsagent_op *op, const struct local_request *r, int64_t pid, ea_err *err)
{
    ea_process process = { .pid = pid };

    if (ea_plat_process_stop(&process, err))
        return ea_wrap(err, "stop the local control plane (process %d)", (int)pid);
    while (ea_plat_lock_holder(r->data_dir) == pid) {
        if (!ea_op_sleep(op, POLL_MS))
            return ea_fail(err, ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT,
                           "the local control plane (process %d) did not end in time", (int)pid);
    }
    return EA_OK;
}

static void down_work(ecsagent_op *op, void *arg)
{
    struct local_request *r = arg;
    int64_t pid = ea_plat_lock_holder(r->data_dir);
    ecsagent_local *l = ea_op_alloc(op, sizeof(*l));
    ea_actions actions = { 0 };
    ea_err err = { 0 };

    if (r->what_if) {
        if (pid)
            ea_actions_add(op, &actions, "Stop local cluster", r->data_dir);
        if (r->remove_data && ea_plat_exists(r->data_dir))
            ea_actions_add(op, &actions, "Remove local cluster data", r->data_dir);
        ea_actions_result(op, &actions);
        return;
    }
    if (!pid || read_record(op, r, l, &err)) { /* it does not answer: what is known without it */
        memset(l, 0, sizeof(*l));
        l->size = sizeof(*l);
        l->data_dir = ea_op_str(op, r->data_dir);
        l->variables.size = l->lines.size = sizeof(ecsagent_list);
    }
    l->pid = (int32_t)pid;
    if ((pid && end(op, r, pid, &err)) ||
        (r->remove_data && ea_leftovers_local(r->data_dir, &err))) {
        ea_op_fail(op, &err, RETRY, NULL);
        return;
    }
    if (r->remove_data)
        ea_leftovers_folders();
    ea_op_result(op, ECSAGENT_TYPE_LOCAL, l, 1, sizeof(*l));
}

int32_t ea_local_down_start(const ecsagent_local_down_params *p, ecsagent_op **op)
{
    struct local_request *r = request_new(p->env, p->env_count, p->data_dir);

    r->port = DEFAULT_PORT;
    r->timeout_s = p->timeout_s ? p->timeout_s : 30;
    r->what_if = p->what_if != 0;
    r->remove_data = p->remove_data != 0;
    return ea_op_start(down_work, r, request_free, r->timeout_s, op);
}
