/* local.c - state, port and routes put together. See local.h. */
#include "local.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "local_acs.h"
#include "local_api.h"
#include "local_imds.h"
#include "local_tcs.h"
#include "metrics.h"
#include "svc_keep.h"
#include "vault.h"

#include <stdio.h>
#include <string.h>

#define DRAIN_MS    500
#define STATE_FILE  "ecslocal.db"
#define INSTANCE_ID "instance-id"
#define BORN        "born"

/* ---- commits ---------------------------------------------------------------------------------- */

ea_code ea_local_commit(ea_local *lc, ea_err *err)
{
    if (ea_lc_commit(&lc->state, err))
        return ea_wrap(err, "state not saved");
    ea_lc_acs_pump(lc->acs);
    ea_lc_services_wake(lc->services);
    return EA_OK;
}

void ea_local_commit_quietly(ea_local *lc)
{
    ea_err err;

    if (ea_local_commit(lc, &err))
        ea_error("change not on disk yet", EA_S("err", err.text));
}

/* ---- stopped tasks are forgotten -------------------------------------------------------------- */

static int64_t forget_at(const ea_local *lc, const struct ea_lc_task *t)
{
    return (int64_t)(t->stopped_at * 1000.0) + lc->keep_stopped_ms;
}

static void on_sweep(void *arg)
{
    ea_local *lc = arg;
    int64_t now = ea_now().wall_ms;

    EA_LIST_EACH(&lc->state.tasks, node)
    {
        struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (ea_lc_task_stopped(t) && forget_at(lc, t) <= now) {
            ea_info("stopped task forgotten", EA_S("task", t->arn));
            ea_lc_remove(&lc->state, EA_LC_TASK, t);
        }
    }
    ea_local_commit_quietly(lc);
    ea_local_plan_sweep(lc);
}

void ea_local_plan_sweep(ea_local *lc)
{
    int64_t next = -1, now = ea_now().wall_ms;

    EA_LIST_EACH(&lc->state.tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (ea_lc_task_stopped(t) && (next < 0 || forget_at(lc, t) < next))
            next = forget_at(lc, t);
    }
    if (next >= 0)
        ea_timer_arm(lc->sweep, next - now);
}

/* ---- points of metrics ------------------------------------------------------------------------ */

static void on_point(void *arg)
{
    ea_local *lc = arg;
    int64_t now = ea_now().wall_ms;

    ea_timer_arm(lc->point, ea_lc_metrics_close(lc->metrics, &lc->state, now) - now);
}

/* ---- routes ----------------------------------------------------------------------------------- */

void ea_local_base_url(const ea_local *lc, const ea_http_request *req, ea_buf *out)
{
    const char *host = req ? ea_http_header_get(req, "Host") : NULL;

    if (lc->public_url) {
        ea_buf_adds(out, lc->public_url);
        return;
    }
    /* the name the caller used, when it can stand in a URL and in JSON as it is */
    if (host && host[0] &&
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
            strlen(host))
        ea_buf_addf(out, "http://%s", host);
    else
        ea_buf_addf(out, "http://%s:%u", lc->bind, (unsigned)lc->port);
}

static void add_member(ea_buf *b, const char *name, const char *value)
{
    ea_buf_addf(b, ",\"%s\":", name);
    ea_buf_add_json_str(b, ea_str_of(value));
}

/* What the program is, and the operator's key pair: whoever reaches this port may be operator, as all
 * who may connect are on this machine and could take the instance role's keys as well. */
static void serve_status(ea_local *lc, ea_http_request *req)
{
    EA_SECRET_BUF_AUTO b = EA_BUF(16 * 1024);
    EA_BUF_AUTO base = EA_BUF(1024);
    ea_process self = ea_plat_process_self();

    ea_local_base_url(lc, req, &base);
    ea_buf_addf(&b, "{\"pid\":%lld,\"started\":%lld,\"port\":%u,\"upSinceMs\":%lld",
                (long long)self.pid, (long long)self.started, (unsigned)lc->port,
                (long long)lc->started_ms);
    add_member(&b, "endpoint", ea_buf_z(&base));
    add_member(&b, "imdsEndpoint", ea_buf_z(&base));
    add_member(&b, "region", lc->state.region);
    add_member(&b, "account", lc->state.account);
    add_member(&b, "dataDir", lc->data_dir);
    add_member(&b, "instanceId", lc->instance_id);
    add_member(&b, "accessKeyId", lc->creds.operator_id);
    add_member(&b, "secretAccessKey", lc->creds.operator_secret);
    ea_buf_addf(&b, ",\"agents\":%zu,\"telemetry\":%zu}", ea_lc_acs_count(lc->acs),
                ea_lc_tcs_count(lc->tcs));
    ea_http_respond_json(req, 200, ea_buf_str(&b));
}

static void serve_own(ea_local *lc, ea_http_request *req)
{
    if (strcmp(req->method, "GET") != 0) {
        ea_http_respond_text(req, 405, "GET expected");
    } else if (strcmp(req->path, "/local/v1/status") == 0) {
        serve_status(lc, req);
    } else if (strcmp(req->path, "/local/v1/telemetry") == 0) {
        EA_BUF_AUTO b = EA_BUF(16 * 1024 * 1024);

        ea_lc_tcs_print(lc, &b);
        ea_http_respond_json(req, 200, ea_buf_str(&b));
    } else {
        ea_http_respond_text(req, 404, "not found");
    }
}

/* Keys are told to callers who know that they talk to this machine. A page in a browser that had its
 * own name resolved to loopback would bring that name. */
static bool host_is_own(const ea_local *lc, const ea_http_request *req)
{
    const char *host = ea_http_header_get(req, "Host");
    ea_str name;

    if (!host)
        return true; /* no browser */
    (void)ea_str_cut(ea_str_of(host), ':', &name);
    return ea_str_eq_nocase(name, EA_STR("localhost")) ||
           (ea_str_starts(name, "127.") && strspn(name.p, "0123456789.") >= name.n) ||
           (lc->public_url && strstr(lc->public_url, host) != NULL);
}

static void on_request(void *ctx, ea_http_request *req)
{
    ea_local *lc = ctx;
    ea_str path = ea_str_of(req->path);
    bool tells_keys = ea_str_starts(path, "/latest/") || ea_str_starts(path, "/local/");

    if (tells_keys && !host_is_own(lc, req)) {
        ea_http_respond_text(req, 403, "this name is not served here");
        return;
    }
    if (strcmp(req->path, "/") == 0)
        ea_lc_api_serve(lc, req);
    else if (strcmp(req->path, "/acs/ws") == 0)
        ea_lc_acs_serve(lc->acs, req);
    else if (strcmp(req->path, "/tcs/ws") == 0)
        ea_lc_tcs_serve(lc->tcs, req);
    else if (ea_str_starts(path, "/latest/"))
        ea_lc_imds_serve(lc, req);
    else if (ea_str_starts(path, "/local/"))
        serve_own(lc, req);
    else
        ea_http_respond_text(req, 404, "not found");
}

/* ---- start ------------------------------------------------------------------------------------ */

static ea_code check_options(const ea_local_options *o, ea_err *err)
{
    if (ea_zstr_empty(o->data_dir) || ea_zstr_empty(o->region))
        return ea_fail(err, EA_SETTINGS, "a data directory and a region are needed");
    if (!ea_str_starts(ea_str_of(o->bind), "127."))
        return ea_fail(err, EA_SETTINGS, "%s is no loopback address: this is for one machine",
                       o->bind);
    if (strlen(o->account) != 12 || strspn(o->account, "0123456789") != 12)
        return ea_fail(err, EA_SETTINGS, "an account has 12 digits");
    if (!ea_zstr_empty(o->registry_url) &&
        (ea_zstr_empty(o->registry_password) || !strstr(o->registry_url, "://")))
        return ea_fail(err, EA_SETTINGS,
                       "--registry needs a scheme, and ECSLOCAL_REGISTRY_PASSWORD");
    if (!ea_zstr_empty(o->registry_password) && strchr(o->registry_password, ':'))
        return ea_fail(err, EA_SETTINGS, "ECSLOCAL_REGISTRY_PASSWORD must not hold a colon");
    if (strspn(o->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(o->region) ||
        strlen(o->region) > 40)
        return ea_fail(err, EA_SETTINGS, "'%.60s' is no region", o->region);
    return EA_OK;
}

/* The EC2 instance that this machine plays: made once. */
static ea_code load_instance_id(ea_local *lc, ea_err *err)
{
    EA_FREE_AUTO char *born = NULL;
    char id[EA_LC_ID_BYTES], text[32];

    if (ea_lc_state_get_meta(&lc->state, INSTANCE_ID, &lc->instance_id, err) ||
        ea_lc_state_get_meta(&lc->state, BORN, &born, err))
        return err->code;
    if (born && ea_str_to_i64(ea_str_of(born), 0, INT64_MAX, &lc->born_ms, err))
        return err->code;
    if (lc->instance_id && born)
        return EA_OK;
    ea_lc_new_id(id);
    ea_free(lc->instance_id);
    lc->instance_id = ea_sprintf_dup("i-0%.16s", id);
    lc->born_ms = ea_now().wall_ms;
    (void)snprintf(text, sizeof(text), "%lld", (long long)lc->born_ms);
    if (ea_lc_state_put_meta(&lc->state, BORN, text, err))
        return err->code;
    return ea_lc_state_put_meta(&lc->state, INSTANCE_ID, lc->instance_id, err);
}

static ea_code make_clusters(ea_local *lc, const char *names, ea_err *err)
{
    ea_str rest = ea_str_of(names), item;

    while (names && ea_str_next_csv(&rest, &item)) {
        EA_FREE_AUTO char *name = ea_str_dup(item);

        if (!ea_lc_name_is_sound(name))
            return ea_fail(err, EA_SETTINGS, "'%s' is no cluster name", name);
        if (!ea_lc_find_cluster(&lc->state, name))
            (void)ea_lc_make_cluster(lc, name);
    }
    return ea_lc_commit(&lc->state, err);
}

static bool has_tasks(const ea_local *lc, const char *instance_arn)
{
    EA_LIST_EACH(&lc->state.tasks, node)
    if (strcmp(EA_OWNER(node, struct ea_lc_task, node)->instance_arn, instance_arn) == 0)
        return true;
    return false;
}

/* What was deregistered is told until its tasks are forgotten and this program starts anew. */
static void forget_inactive(ea_local *lc)
{
    EA_LIST_EACH(&lc->state.instances, node)
    {
        struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (strcmp(i->status, "INACTIVE") == 0 && !has_tasks(lc, i->arn))
            ea_lc_remove(&lc->state, EA_LC_INSTANCE, i);
    }
}

static ea_code open_all(ea_local *lc, const ea_local_options *o, ea_err *err)
{
    EA_FREE_AUTO char *file = ea_sprintf_dup("%s/" STATE_FILE, o->data_dir);
    /* an agent and its containers ask in bursts; idle connections of `aws` and SDKs live a while */
    const ea_http_limits limits = { .head_bytes = 32 * 1024,
                                    .body_bytes = 2 * 1024 * 1024,
                                    .idle_timeout_ms = 60000 };

    if (ea_plat_own_dir(o->data_dir, err) || ea_plat_lock_dir(o->data_dir, err))
        return err->code;
    lc->data_dir = ea_strdup(o->data_dir); /* from here on locked: ea_local_free unlocks */
    if (ea_lc_state_open(&lc->state, file, o->region, o->account, err))
        return err->code;
    forget_inactive(lc);
    lc->acs = ea_lc_acs_new(lc);
    lc->tcs = ea_lc_tcs_new(lc);
    lc->services = ea_lc_services_new(lc);
    lc->metrics = ea_lc_metrics_new(o->metric_period_s ? o->metric_period_s : EA_LC_METRIC_PERIOD_S,
                                    lc->started_ms);
    lc->point = ea_timer_new(lc->loop, on_point, lc);
    lc->sweep = ea_timer_new(lc->loop, on_sweep, lc);
    if (ea_lc_creds_open(&lc->creds, &lc->state, o->operator_id, o->operator_secret, err) ||
        load_instance_id(lc, err) || make_clusters(lc, o->clusters, err))
        return err->code;
    lc->auth = (ea_lc_auth){ &lc->creds, lc->state.region };
    lc->server = ea_http_server_new(lc->loop, &limits, on_request, lc);
    if (ea_http_listen_tcp(lc->server, o->bind, (uint16_t)o->port, &lc->listener, err))
        return err->code;
    lc->port = ea_http_listener_port(lc->listener);
    ea_local_plan_sweep(lc);
    ea_lc_services_wake(lc->services);
    on_point(lc);
    return EA_OK;
}

ea_code ea_local_start(ea_local *lc, ea_loop *loop, const ea_local_options *o, ea_err *err)
{
    *lc = (ea_local){ .loop = loop,
                      .create_clusters = o->create_clusters,
                      .started_ms = ea_now().wall_ms };
    lc->heartbeat_ms = o->heartbeat_ms ? o->heartbeat_ms : 30 * 1000;
    lc->redeliver_ms = o->redeliver_ms ? o->redeliver_ms : 20 * 1000;
    lc->credentials_ms = o->credentials_ms ? o->credentials_ms : 3600 * 1000;
    lc->keep_stopped_ms = o->keep_stopped_ms ? o->keep_stopped_ms : 3600 * 1000;
    if (check_options(o, err))
        return err->code;
    lc->bind = ea_strdup(o->bind);
    lc->public_url = ea_strdup(ea_zstr_empty(o->public_url) ? NULL : o->public_url);
    lc->registry_password =
        ea_strdup(ea_zstr_empty(o->registry_password) ? NULL : o->registry_password);
    lc->registry_url =
        ea_zstr_empty(o->registry_url)
            ? ea_sprintf_dup("https://%s.dkr.ecr.%s.amazonaws.com", o->account, o->region)
            : ea_strdup(o->registry_url);
    return open_all(lc, o, err);
}

void ea_local_stop(ea_local *lc, void (*done)(void *ctx), void *ctx)
{
    ea_timer_stop(lc->sweep); /* what is armed would keep the loop from ending */
    ea_timer_stop(lc->point);
    ea_lc_services_stop(lc->services);
    ea_lc_acs_end_all(lc->acs);
    ea_lc_tcs_end_all(lc->tcs);
    ea_http_server_close(lc->server, DRAIN_MS, done, ctx);
    lc->server = NULL;
}

void ea_local_free(ea_local *lc)
{
    ea_timer_free(lc->sweep);
    ea_timer_free(lc->point);
    ea_lc_metrics_free(lc->metrics);
    ea_lc_services_free(lc->services);
    ea_lc_acs_free(lc->acs);
    ea_lc_tcs_free(lc->tcs);
    ea_lc_vault_free(lc->vault);
    ea_lc_creds_close(&lc->creds);
    if (lc->state.store)
        ea_lc_state_close(&lc->state);
    if (lc->data_dir)
        ea_plat_unlock_dir(lc->data_dir);
    ea_free(lc->data_dir);
    ea_free(lc->bind);
    ea_free(lc->public_url);
    ea_free(lc->registry_url);
    ea_secret_free(lc->registry_password);
    ea_free(lc->instance_id);
    *lc = (ea_local){ .loop = NULL };
}
