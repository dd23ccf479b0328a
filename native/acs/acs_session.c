#include "acs_session.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../net/url.h"
#include "acs_dispatch.h"
#include "acs_message.h"

struct ea_acs {
    ea_session *session;
    ea_poll_endpoint *poll;
    ea_acs_hooks hooks;
    void *ctx;
    char *cluster, *agent_version, *agent_hash, *docker_version, *instance_arn;
    bool was_connected; /* in this process: from then on credentials need not come again */
};

/* Source: control-plane.md section 3.1, observed.md. */
static void add_query(void *ctx, ea_buf *url)
{
    const ea_acs *a = ctx;

    ea_url_add_param(url, "agentHash", a->agent_hash);
    ea_url_add_param(url, "agentVersion", a->agent_version);
    ea_url_add_param(url, "clusterArn", a->cluster);
    ea_url_add_param(url, "containerInstanceArn", a->instance_arn);
    if (!ea_zstr_empty(a->docker_version)) {
        EA_FREE_AUTO char *text = ea_sprintf_dup("DockerVersion: %s", a->docker_version);

        ea_url_add_param(url, "dockerVersion", text);
    }
    ea_url_add_param(url, "protocolVersion", "2");
    ea_url_add_param(url, "seqNum", "1");
    ea_url_add_param(url, "sendCredentials", a->was_connected ? "false" : "true");
}

static ea_code send_text(ea_acs *a, char *text, ea_err *err)
{
    ea_code rc = EA_OK;

    if (!text)
        return ea_fail(err, EA_LIMIT, "acs: message too large to be sent");
    rc = ea_session_send(a->session, ea_str_of(text), err);
    ea_free(text);
    return rc;
}

static void on_open(void *ctx)
{
    ea_acs *a = ctx;

    a->was_connected = true;
    if (a->hooks.open)
        a->hooks.open(a->ctx);
}

static void log_result(const ea_acs_result *r)
{
    if (r->note.code != EA_OK)
        ea_warn("acs message", EA_S("err", r->note.text));
    else
        ea_debug("acs message", EA_S("type", r->type));
}

static bool on_message(void *ctx, ea_str text)
{
    ea_acs *a = ctx;
    ea_acs_result r;
    ea_err err = { 0 };
    bool activity = false, heartbeat = false;

    ea_acs_dispatch(text, &r);
    log_result(&r);
    activity = r.activity;
    heartbeat = r.heartbeat;
    if (r.reply && send_text(a, r.reply, &err))
        ea_warn("acs answer not sent", EA_S("type", r.type), EA_S("err", err.text));
    r.reply = NULL; /* send_text freed it */
    if (r.has_event) {
        r.has_event = false;
        a->hooks.event(a->ctx, &r.event); /* takes its members */
    }
    ea_acs_result_done(&r);
    if (heartbeat && a->hooks.heartbeat)
        a->hooks.heartbeat(a->ctx);
    return activity;
}

static void on_closed(void *ctx)
{
    (void)
        ctx; /* the control plane repeats what was not acknowledged: nothing is kept per connection */
}

static void on_inactive(void *ctx)
{
    ea_acs *a = ctx;

    ea_error("the control plane does not know this container instance as active; asked again in an "
             "hour",
             EA_S("instance", a->instance_arn));
    if (a->hooks.inactive)
        a->hooks.inactive(a->ctx);
}

static void on_changed(void *ctx)
{
    ea_acs *a = ctx;

    if (a->hooks.changed)
        a->hooks.changed(a->ctx);
}

ea_acs *ea_acs_new(ea_aws *aws, ea_poll_endpoint *poll, const ea_acs_config *config,
                   const ea_acs_hooks *hooks, void *ctx)
{
    static const ea_session_hooks session_hooks = { add_query, on_open,     on_message,
                                                    on_closed, on_inactive, on_changed };
    ea_acs *a = ea_alloc(sizeof(*a));

    a->poll = poll;
    a->hooks = *hooks;
    a->ctx = ctx;
    a->cluster = ea_strdup(config->cluster);
    a->agent_version = ea_strdup(config->agent_version);
    a->agent_hash = ea_strdup(config->agent_hash);
    a->docker_version = ea_strdup(config->docker_version);
    a->session =
        ea_session_new(aws, poll, EA_POLL_ACS, &ea_acs_params, config->seed, &session_hooks, a);
    return a;
}

void ea_acs_free(ea_acs *a)
{
    if (!a)
        return;
    ea_session_free(a->session);
    ea_free(a->cluster);
    ea_free(a->agent_version);
    ea_free(a->agent_hash);
    ea_free(a->docker_version);
    ea_free(a->instance_arn);
    ea_free(a);
}

void ea_acs_start(ea_acs *a, const char *instance_arn)
{
    ea_set_str(&a->instance_arn, instance_arn);
    ea_poll_endpoint_set_instance(a->poll, instance_arn);
    ea_session_start(a->session);
}

void ea_acs_stop(ea_acs *a)
{
    ea_session_stop(a->session);
}

void ea_acs_kick(ea_acs *a)
{
    ea_session_kick(a->session);
}

void ea_acs_set_docker_version(ea_acs *a, const char *version)
{
    ea_set_str(&a->docker_version, version);
}

void ea_acs_status_get(const ea_acs *a, ea_session_status *out)
{
    ea_session_status_get(a->session, out);
}

ea_code ea_acs_ack(ea_acs *a, const char *message_id, const char *cluster_arn,
                   const char *instance_arn, ea_err *err)
{
    return send_text(a, ea_acs_ack_text(cluster_arn, instance_arn, message_id), err);
}

ea_code ea_acs_creds_ack(ea_acs *a, const char *message_id, const char *credentials_id,
                         const char *expiration, ea_err *err)
{
    return send_text(a, ea_acs_creds_ack_text(message_id, credentials_id, expiration), err);
}

ea_code ea_acs_stop_candidates(ea_acs *a, const char *message_id, const char *cluster_arn,
                               const ea_strlist *task_arns, ea_err *err)
{
    return send_text(a, ea_acs_stop_candidates_text(message_id, cluster_arn, task_arns), err);
}
