#include "tcs_session.h"

#include "../aws/envelope.h"
#include "../base/alloc.h"
#include "../base/json.h"
#include "../base/log.h"
#include "../net/url.h"
#include "publish_queue.h"

#include <string.h>

#define PUBLISH_MS 20000
#define FRAME_MAX  (EA_TCS_BODY_MAX + 64u * 1024)
#define AGAIN_MS   1000

struct ea_tcs {
    ea_aws *aws;
    ea_session *session;
    ea_poll_endpoint *poll;
    ea_tcs_hooks hooks;
    void *ctx;
    char *cluster, *agent_version, *agent_hash, *docker_version, *instance_arn;
    ea_rng rng;
    ea_timer *tick, *again;
    int64_t publish_ms, next_tick_ms; /* mono */
    struct ea_publish_queue queue;    /* not yet stamped */
    ea_cred_get *cred_get;
    /* instance status */
    ea_runtime_status runtime;
    int64_t checked_ms, changed_ms; /* wall */
    bool status_due;
    int64_t accepted_ms; /* wall */
    char *refused;       /* since then */
};

/* Source: control-plane.md section 4.1. */
static void add_query(void *ctx, ea_buf *url)
{
    const ea_tcs *t = ctx;

    ea_url_add_param(url, "agentHash", t->agent_hash);
    ea_url_add_param(url, "agentVersion", t->agent_version);
    ea_url_add_param(url, "cluster", t->cluster);
    ea_url_add_param(url, "containerInstance", t->instance_arn);
    if (!ea_zstr_empty(t->docker_version))
        ea_url_add_param(url, "dockerVersion", t->docker_version);
}

/* --- sending --- */

static ea_code send_signed(ea_tcs *t, ea_str json, const ea_aws_creds *creds, ea_err *err)
{
    EA_SECRET_BUF_AUTO frame = EA_BUF(FRAME_MAX);

    if (ea_sigv4_frame(ea_session_url(t->session), json, ea_aws_region(t->aws), creds,
                       ea_now().wall_ms + ea_aws_skew_ms(t->aws), &frame, err))
        return ea_wrap(err, "tcs frame");
    return ea_session_send(t->session, ea_buf_str(&frame), err);
}

static ea_code send_publish(ea_tcs *t, const ea_strlist *messages, const ea_aws_creds *creds,
                            ea_err *err)
{
    for (size_t i = 0; i < messages->n; i++) {
        EA_BUF_AUTO json = EA_BUF(FRAME_MAX);

        ea_tcs_stamp(messages->v[i], ea_now().wall_ms, &json);
        if (ea_buf_check(&json, err) || send_signed(t, ea_buf_str(&json), creds, err))
            return err->code;
    }
    return EA_OK;
}

static ea_code send_status(ea_tcs *t, const ea_aws_creds *creds, ea_err *err)
{
    EA_BUF_AUTO json = EA_BUF(64 * 1024);
    char id[37];
    const struct ea_tcs_ids ids = { t->cluster, t->instance_arn, id };

    ea_rng_uuid(&t->rng, id);
    ea_tcs_status_message(&ids, t->runtime, t->checked_ms, t->changed_ms, ea_now().wall_ms, &json);
    if (ea_buf_check(&json, err) || send_signed(t, ea_buf_str(&json), creds, err))
        return err->code;
    t->status_due = false;
    return EA_OK;
}

static void flush(ea_tcs *t);

static void on_creds(void *ctx, const ea_aws_creds *creds, const ea_err *err)
{
    ea_tcs *t = ctx;

    t->cred_get = NULL;
    if (creds)
        flush(t);
    else
        ea_warn("telemetry waits for credentials", EA_S("err", err->text));
}

/* The connection is there and takes what is sent. */
static bool flows(const ea_tcs *t)
{
    return ea_session_is_open(t->session) && ea_session_queued(t->session) <= EA_PUBLISH_UNREAD_MAX;
}

/* Sends what waits, as far as connection, peer and credentials allow. */
static void flush(ea_tcs *t)
{
    const ea_aws_creds *creds = NULL;
    ea_strlist messages;
    ea_err err = { 0 };

    if (!ea_session_is_open(t->session) || t->queue.n == 0)
        return;
    creds = ea_cred_held(ea_aws_creds_of(t->aws));
    if (!creds) {
        if (!t->cred_get)
            t->cred_get = ea_cred_start(ea_aws_creds_of(t->aws), on_creds, t);
        return;
    }
    while (ea_publish_queue_next(&t->queue, ea_session_is_open(t->session),
                                 ea_session_queued(t->session), &messages)) {
        if (send_publish(t, &messages, creds, &err))
            ea_warn("telemetry not sent", EA_S("err", err.text));
        ea_strlist_free(&messages);
    }
    if (t->queue.n && ea_session_is_open(t->session))
        ea_timer_arm(t->again, AGAIN_MS);
}

static void on_again(void *arg)
{
    flush(arg);
}

/* --- the tick --- */

static void publish(ea_tcs *t)
{
    ea_strlist metrics = { NULL, 0 }, health = { NULL, 0 }, messages = { NULL, 0 };
    bool idle = true;
    char id[37];
    const struct ea_tcs_ids ids = { t->cluster, t->instance_arn, id };
    size_t left_out = 0;

    if (t->hooks.collect)
        t->hooks.collect(t->ctx, &metrics, &idle, &health);
    ea_rng_uuid(&t->rng, id);
    left_out = ea_tcs_metrics_messages(&ids, &metrics, idle, &messages);
    ea_rng_uuid(&t->rng, id);
    left_out += ea_tcs_health_messages(&ids, &health, &messages);
    if (left_out)
        ea_warn("telemetry of a task is too large to be sent", EA_I("tasks", left_out));
    ea_strlist_free(&metrics);
    ea_strlist_free(&health);
    ea_publish_queue_add(&t->queue, &messages);
}

static void tell_status(ea_tcs *t)
{
    const ea_aws_creds *creds = ea_cred_held(ea_aws_creds_of(t->aws));
    ea_err err = { 0 };

    if (t->status_due && creds && flows(t) && send_status(t, creds, &err))
        ea_warn("instance status not sent", EA_S("err", err.text));
}

static void on_tick(void *arg)
{
    ea_tcs *t = arg;
    int64_t now = ea_now().mono_ms;

    t->next_tick_ms += t->publish_ms;
    if (t->next_tick_ms <= now) /* after a pause of the machine: no burst */
        t->next_tick_ms = now + t->publish_ms;
    ea_timer_arm(t->tick, t->next_tick_ms - now);
    publish(t);
    flush(t);
    tell_status(t);
}

/* --- the session --- */

static void on_open(void *ctx)
{
    flush(ctx);
}

/* Only these re-arm the timer of silence (control-plane.md section 4.1). */
static bool is_activity(const char *type)
{
    static const char *const types[] = { "HeartbeatMessage", "AckPublishMetric", "AckPublishHealth",
                                         "AckPublishInstanceStatus" };

    for (size_t i = 0; i < EA_COUNT(types); i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}

static bool on_message(void *ctx, ea_str text)
{
    ea_envelope e;
    ea_err err = { 0 };
    bool activity = false;
    ea_tcs *t = ctx; /* no answer is ever due */

    if (ea_envelope_parse(text, &e, &err)) {
        ea_warn("tcs message", EA_S("err", err.text));
        return false;
    }
    activity = is_activity(e.type) && !e.error_text;
    if (!activity) {
        const char *said = e.error_text ? e.error_text : ea_json_get_str(e.message, "message");

        ea_warn("tcs message", EA_S("type", e.type), EA_S("text", said));
        ea_free(t->refused);
        t->refused = ea_sprintf_dup("%.100s: %.300s", e.type, said ? said : "no reason given");
    } else if (strcmp(e.type, "AckPublishMetric") == 0) {
        t->accepted_ms = ea_now().wall_ms;
        ea_set_str(&t->refused, NULL);
    }
    ea_envelope_done(&e);
    return activity;
}

static void on_closed(void *ctx)
{
    (void)ctx; /* what was sent is not sent again; what waits goes out with the next connection */
}

static void on_changed(void *ctx)
{
    ea_tcs *t = ctx;

    if (t->hooks.changed)
        t->hooks.changed(t->ctx);
}

/* --- what the owner asks for --- */

ea_tcs *ea_tcs_new(ea_aws *aws, ea_poll_endpoint *poll, const ea_tcs_config *config,
                   const ea_tcs_hooks *hooks, void *ctx)
{
    static const ea_session_hooks session_hooks = { add_query, on_open, on_message,
                                                    on_closed, NULL,    on_changed };
    ea_tcs *t = ea_alloc(sizeof(*t));

    t->aws = aws;
    t->poll = poll;
    t->hooks = *hooks;
    t->ctx = ctx;
    t->cluster = ea_strdup(config->cluster);
    t->agent_version = ea_strdup(config->agent_version);
    t->agent_hash = ea_strdup(config->agent_hash);
    t->docker_version = ea_strdup(config->docker_version);
    t->publish_ms = config->publish_ms > 0 ? config->publish_ms : PUBLISH_MS;
    ea_rng_seed(&t->rng, config->seed);
    ea_publish_queue_init(&t->queue);
    t->tick = ea_timer_new(ea_net_loop(ea_aws_net(aws)), on_tick, t);
    t->again = ea_timer_new(ea_net_loop(ea_aws_net(aws)), on_again, t);
    t->runtime = EA_RUNTIME_INITIALIZING;
    t->checked_ms = t->changed_ms = ea_now().wall_ms;
    t->session = ea_session_new(aws, poll, EA_POLL_TELEMETRY, &ea_tcs_params,
                                config->seed ^ 0x7463u, &session_hooks, t);
    return t;
}

void ea_tcs_free(ea_tcs *t)
{
    if (!t)
        return;
    ea_cred_drop(t->cred_get);
    ea_session_free(t->session);
    ea_timer_free(t->tick);
    ea_timer_free(t->again);
    ea_publish_queue_done(&t->queue);
    ea_free(t->refused);
    ea_free(t->cluster);
    ea_free(t->agent_version);
    ea_free(t->agent_hash);
    ea_free(t->docker_version);
    ea_free(t->instance_arn);
    ea_free(t);
}

void ea_tcs_start(ea_tcs *t, const char *instance_arn)
{
    ea_set_str(&t->instance_arn, instance_arn);
    ea_poll_endpoint_set_instance(t->poll, instance_arn);
    t->status_due = true;
    t->next_tick_ms = ea_now().mono_ms;
    ea_timer_arm(t->tick, 0); /* published once at the start */
    ea_session_start(t->session);
}

void ea_tcs_stop(ea_tcs *t)
{
    ea_timer_stop(t->tick);
    ea_timer_stop(t->again);
    ea_session_stop(t->session);
}

void ea_tcs_kick(ea_tcs *t)
{
    if (ea_session_is_open(t->session)) /* one that waits goes on waiting by its own rules */
        ea_session_kick(t->session);
}

void ea_tcs_set_docker_version(ea_tcs *t, const char *version)
{
    ea_set_str(&t->docker_version, version);
}

void ea_tcs_set_runtime(ea_tcs *t, bool healthy)
{
    ea_runtime_status now = healthy ? EA_RUNTIME_OK : EA_RUNTIME_IMPAIRED;

    t->checked_ms = ea_now().wall_ms;
    if (now != t->runtime)
        t->changed_ms = t->checked_ms;
    t->runtime = now;
    t->status_due = true;
}

void ea_tcs_status_get(const ea_tcs *t, ea_session_status *out)
{
    ea_session_status_get(t->session, out);
}

void ea_tcs_accepted_get(const ea_tcs *t, int64_t *accepted_ms, const char **refused)
{
    *accepted_ms = t->accepted_ms;
    *refused = t->refused;
}
