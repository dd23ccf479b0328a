/* local_acs.c - agents that connect, and what they say. See local_acs.h.
 * Source: control-plane.md section 3, seen from the other side. */
#include "local_acs.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "acs_session.h"

#include <cJSON.h>
#include <string.h>

#define FULL_SYNC  "ecs.capability.full-sync"
#define ANSWER_MAX (256 * 1024)

struct ea_lc_acs {
    ea_local *lc;
    ea_list sessions;
    size_t count;
};

ea_lc_acs *ea_lc_acs_new(ea_local *lc)
{
    ea_lc_acs *a = ea_alloc(sizeof(*a));

    a->lc = lc;
    ea_list_init(&a->sessions);
    return a;
}

void ea_lc_acs_free(ea_lc_acs *a)
{
    ea_free(a);
}

size_t ea_lc_acs_count(const ea_lc_acs *a)
{
    return a->count;
}

/* ---- acknowledgements ------------------------------------------------------------------------- */

static struct ea_lc_message *find_message(struct ea_lc_session *s, const char *id)
{
    EA_LIST_EACH(&s->sent, node)
    {
        struct ea_lc_message *m = EA_OWNER(node, struct ea_lc_message, node);

        if (id && strcmp(m->id, id) == 0)
            return m;
    }
    return NULL;
}

static void free_if_done(struct ea_lc_message *m)
{
    bool open = !m->acked;

    for (size_t i = 0; i < m->creds.n; i++)
        open = open || !m->creds.v[i].acked;
    if (!open)
        ea_lc_message_free(m);
}

static void on_ack(struct ea_lc_session *s, const cJSON *in)
{
    struct ea_lc_message *m = find_message(s, ea_json_get_str(in, "messageId"));

    if (!m)
        return; /* of a message that was sent twice and is done with */
    m->acked = true;
    for (size_t i = 0; i < m->tasks.n; i++) {
        struct ea_lc_task *t = ea_lc_by_arn(&s->lc->state, EA_LC_TASK, m->tasks.v[i].arn);

        /* the acknowledgement of an earlier RUNNING may come after that of the STOPPED */
        if (!t || (ea_zstr_eq(t->acked, "STOPPED") && !m->tasks.v[i].stop))
            continue;
        ea_set_str(&t->acked, m->tasks.v[i].stop ? "STOPPED" : "RUNNING");
        ea_lc_touch(&s->lc->state, EA_LC_TASK, t);
    }
    free_if_done(m);
    ea_local_commit_quietly(s->lc);
}

static struct ea_lc_role *role_of(struct ea_lc_task *t, const char *credentials_id)
{
    if (ea_zstr_eq(t->role.credentials_id, credentials_id))
        return &t->role;
    return ea_zstr_eq(t->execution_role.credentials_id, credentials_id) ? &t->execution_role : NULL;
}

static void on_creds_ack(struct ea_lc_session *s, const cJSON *in)
{
    struct ea_lc_message *m = find_message(s, ea_json_get_str(in, "messageId"));
    const char *id = ea_json_get_str(in, "credentialsId");
    const char *expiration = ea_json_get_str(in, "expiration");

    for (size_t i = 0; m && i < m->creds.n; i++) {
        struct ea_lc_sent_creds *c = &m->creds.v[i];
        struct ea_lc_task *t;
        struct ea_lc_role *role;

        if (!ea_zstr_eq(c->credentials_id, id) || !ea_zstr_eq(c->expiration, expiration))
            continue;
        c->acked = true;
        t = ea_lc_by_arn(&s->lc->state, EA_LC_TASK, c->task_arn);
        role = t ? role_of(t, id) : NULL;
        if (role && role->acked_expiry_ms < c->expires_ms) {
            role->acked_expiry_ms = c->expires_ms;
            ea_lc_touch(&s->lc->state, EA_LC_TASK, t);
        }
    }
    if (m)
        free_if_done(m);
    ea_local_commit_quietly(s->lc);
}

/* The agent runs tasks that the manifest did not list: those that should indeed not run are named. */
static void on_stop_candidates(struct ea_lc_session *s, const cJSON *in)
{
    const char *id = ea_json_get_str(in, "messageId");
    EA_BUF_AUTO b = EA_BUF(ANSWER_MAX);
    const cJSON *item;
    size_t n = 0;

    if (!ea_zstr_eq(id, s->manifest_id))
        return;
    ea_buf_addf(&b, "{\"messageId\":\"%s\",\"generatedAt\":%lld,\"stopTasks\":[", s->manifest_id,
                (long long)ea_now().wall_ms);
    cJSON_ArrayForEach(item, ea_json_get(in, "stopCandidates"))
    {
        const char *arn = ea_json_get_str(item, "taskArn");
        const struct ea_lc_task *t = arn ? ea_lc_by_arn(&s->lc->state, EA_LC_TASK, arn) : NULL;

        if (!arn || (t && ea_lc_task_wanted(t) && strcmp(t->instance_arn, s->instance_arn) == 0))
            continue;
        ea_buf_addf(&b, "%s{\"taskArn\":", n++ ? "," : "");
        ea_buf_add_json_str(&b, ea_str_of(arn));
        ea_buf_adds(&b, ",\"taskClusterArn\":");
        ea_buf_add_json_str(&b, ea_str_of(s->cluster_arn));
        ea_buf_adds(&b, ",\"desiredStatus\":\"STOPPED\"}");
        ea_info("agent is told to stop a task it should not run", EA_S("task", arn));
    }
    ea_buf_adds(&b, "]}");
    ea_lc_session_send(s, "TaskStopVerificationAck", ea_buf_str(&b));
    ea_set_str(&s->manifest_id, NULL);
}

static void on_message(void *ctx, ea_str text)
{
    struct ea_lc_session *s = ctx;
    cJSON *frame = NULL;
    const char *type;
    const cJSON *in;
    ea_err err;

    if (ea_json_parse(text, &frame, &err)) {
        ea_warn("agent sent no JSON", EA_S("instance", s->instance_arn), EA_S("err", err.text));
        return;
    }
    type = ea_json_get_str(frame, "type");
    in = ea_json_get(frame, "message");
    if (!type || !cJSON_IsObject(in)) {
        ea_warn("agent sent a frame without type or message", EA_S("instance", s->instance_arn));
    } else if (strcmp(type, "AckRequest") == 0) {
        on_ack(s, in);
    } else if (strcmp(type, "IAMRoleCredentialsAckRequest") == 0) {
        on_creds_ack(s, in);
    } else if (strcmp(type, "HeartbeatAckRequest") == 0) {
        s->heartbeats_open = 0;
    } else if (strcmp(type, "TaskStopVerificationMessage") == 0) {
        on_stop_candidates(s, in);
    } else if (strcmp(type, "NackRequest") == 0) {
        ea_warn("agent refuses a message", EA_S("instance", s->instance_arn),
                EA_S("message", ea_json_get_str(in, "messageId")),
                EA_S("reason", ea_json_get_str(in, "reason")));
    } else {
        ea_warn("agent sent an unknown message", EA_S("instance", s->instance_arn),
                EA_S("type", type));
    }
    cJSON_Delete(frame);
}

/* ---- sessions --------------------------------------------------------------------------------- */

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    struct ea_lc_session *s = ctx;
    struct ea_lc_instance *i = ea_lc_session_instance(s);
    bool other = false;

    s->ws = NULL;
    ea_list_remove(&s->node);
    s->acs->count--;
    EA_LIST_EACH(&s->acs->sessions, node)
    other = other ||
            strcmp(EA_OWNER(node, struct ea_lc_session, node)->instance_arn, s->instance_arn) == 0;
    if (i && !other) {
        i->connected = false;
        ea_info("agent disconnected", EA_S("instance", s->instance_arn), EA_I("code", code),
                EA_S("reason", reason));
    }
    EA_LIST_EACH(&s->sent, mnode)
    ea_lc_message_free(EA_OWNER(mnode, struct ea_lc_message, node));
    ea_timer_free(s->tick);
    ea_free(s->instance_arn);
    ea_free(s->cluster_arn);
    ea_free(s->manifest_id);
    ea_free(s);
}

static const ea_ws_ops ops = { on_message, on_closed };

static void end(struct ea_lc_session *s, unsigned code, const char *reason)
{
    if (s->closing || !s->ws)
        return;
    s->closing = true;
    ea_ws_close(s->ws, code, reason);
}

static void end_older(ea_lc_acs *a, const char *instance_arn)
{
    EA_LIST_EACH(&a->sessions, node)
    {
        struct ea_lc_session *s = EA_OWNER(node, struct ea_lc_session, node);

        if (strcmp(s->instance_arn, instance_arn) == 0)
            end(s, 1000, "another session of this container instance began");
    }
}

void ea_lc_acs_end_all(ea_lc_acs *a)
{
    EA_LIST_EACH(&a->sessions, node)
    end(EA_OWNER(node, struct ea_lc_session, node), 1001, "the control plane ends");
}

/* True when the instance was deregistered: then its agent is told so and the session ends. */
static bool ended_as_inactive(struct ea_lc_session *s)
{
    const struct ea_lc_instance *i = ea_lc_session_instance(s);

    if (i && strcmp(i->status, "INACTIVE") != 0)
        return false;
    ea_lc_session_send(s, "InactiveInstanceException",
                       EA_STR("{\"message\":\"Container instance is inactive.\"}"));
    end(s, 1000, "InactiveInstanceException");
    return true;
}

void ea_lc_acs_pump(ea_lc_acs *a)
{
    EA_LIST_EACH(&a->sessions, node)
    {
        struct ea_lc_session *s = EA_OWNER(node, struct ea_lc_session, node);

        if (!s->closing && s->ws && !ended_as_inactive(s))
            ea_lc_session_pump(s);
    }
}

/* ---- handshake -------------------------------------------------------------------------------- */

static void refuse(ea_http_request *req, int status, const char *name, const char *message)
{
    EA_BUF_AUTO b = EA_BUF(2048);

    ea_info("agent refused", EA_S("error", name), EA_S("err", message));
    ea_buf_addf(&b, "{\"%s\":", name);
    ea_buf_add_json_str(&b, ea_str_of(message));
    ea_buf_addc(&b, '}');
    ea_http_respond_json(req, status, ea_buf_str(&b));
}

/* What the handshake's query says of the agent; texts are freed by the caller. */
struct visitor {
    char *cluster, *instance, *version, *hash, *docker, *protocol, *credentials;
};

static void visitor_done(struct visitor *v)
{
    char *all[] = { v->cluster, v->instance, v->version,    v->hash,
                    v->docker,  v->protocol, v->credentials };

    for (size_t i = 0; i < EA_COUNT(all); i++)
        ea_free(all[i]);
}

static void read_visitor(const ea_http_request *req, struct visitor *v)
{
    *v = (struct visitor){ .cluster = NULL };
    (void)ea_http_query_get(req, "clusterArn", &v->cluster); /* absent ones stay NULL */
    (void)ea_http_query_get(req, "containerInstanceArn", &v->instance);
    (void)ea_http_query_get(req, "agentVersion", &v->version);
    (void)ea_http_query_get(req, "agentHash", &v->hash);
    (void)ea_http_query_get(req, "dockerVersion", &v->docker);
    (void)ea_http_query_get(req, "protocolVersion", &v->protocol);
    (void)ea_http_query_get(req, "sendCredentials", &v->credentials);
}

static void note_agent(struct ea_lc_instance *i, const struct visitor *v)
{
    i->connected = true;
    ea_set_str(&i->agent_version, v->version);
    ea_set_str(&i->agent_hash, v->hash);
    ea_set_str(&i->docker_version, v->docker);
}

/* An agent that has just started holds no credentials: all its sets count as not delivered. */
static void forget_delivered(ea_local *lc, const struct ea_lc_instance *i)
{
    EA_LIST_EACH(&lc->state.tasks, node)
    {
        struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (strcmp(t->instance_arn, i->arn) != 0 || !ea_lc_task_wanted(t))
            continue;
        t->role.acked_expiry_ms = t->execution_role.acked_expiry_ms = 0;
        ea_lc_touch(&lc->state, EA_LC_TASK, t);
    }
}

static void open_session(ea_lc_acs *a, ea_http_request *req, struct ea_lc_instance *i,
                         const struct visitor *v)
{
    struct ea_lc_session *s = ea_alloc(sizeof(*s));

    end_older(a, i->arn);
    s->acs = a;
    s->lc = a->lc;
    s->instance_arn = ea_strdup(i->arn);
    s->cluster_arn = ea_strdup(i->cluster_arn);
    ea_list_init(&s->sent);
    s->tick = ea_timer_new(a->lc->loop, ea_lc_session_tick, s);
    s->heartbeat_due_ms = ea_now().mono_ms + a->lc->heartbeat_ms;
    s->ws = ea_ws_accept(a->lc->loop, req, NULL, &ops, s);
    if (!s->ws) {
        ea_timer_free(s->tick);
        ea_free(s->instance_arn);
        ea_free(s->cluster_arn);
        ea_free(s);
        return;
    }
    ea_list_append(&a->sessions, &s->node);
    a->count++;
    ea_timer_arm(s->tick, a->lc->heartbeat_ms);
    note_agent(i, v);
    if (ea_zstr_eq(v->credentials, "true"))
        forget_delivered(a->lc, i);
    ea_lc_touch(&a->lc->state, EA_LC_INSTANCE, i);
    ea_info("agent connected", EA_S("instance", i->arn), EA_S("version", v->version));
    if (ea_lc_attribute_find(&i->attributes, FULL_SYNC))
        ea_lc_session_manifest(s);
    ea_local_commit_quietly(a->lc);
}

void ea_lc_acs_serve(ea_lc_acs *a, ea_http_request *req)
{
    ea_lc_identity who;
    struct visitor v;
    struct ea_lc_cluster *cluster;
    struct ea_lc_instance *i;
    ea_lc_refusal refusal;
    ea_err err;

    refusal = ea_lc_auth_request(&a->lc->auth, req, "ecs", ea_now().wall_ms, &who, &err);
    if (refusal) {
        refuse(req, 403, "AccessDeniedException", err.text);
        return;
    }
    read_visitor(req, &v);
    cluster = v.cluster ? ea_lc_find_cluster(&a->lc->state, v.cluster) : NULL;
    i = v.instance ? ea_lc_by_arn(&a->lc->state, EA_LC_INSTANCE, v.instance) : NULL;
    if (!cluster)
        refuse(req, 400, "InvalidClusterException", "Cluster not found.");
    else if (!i || strcmp(i->cluster_arn, cluster->arn) != 0)
        refuse(req, 400, "InvalidInstanceException", "Container instance not found.");
    else if (strcmp(i->status, "INACTIVE") == 0)
        refuse(req, 400, "InactiveInstanceException", "Container instance is inactive.");
    else if (!ea_zstr_eq(v.protocol, "2") || ea_zstr_empty(v.version))
        refuse(req, 400, "BadRequestException", "protocolVersion 2 and agentVersion are needed.");
    else
        open_session(a, req, i, &v);
    visitor_done(&v);
}
