/* acs_send.c - payloads, credentials, manifests and heartbeats, each sent until it is acknowledged.
 * Source: control-plane.md sections 3.6 to 3.9, seen from the other side. */
#include "acs_session.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "payload.h"

#include <string.h>

#define MESSAGE_MAX         (2 * 1024 * 1024)
#define PAYLOAD_BYTES       (512 * 1024) /* no further task goes into a payload of this size */
#define PAYLOAD_TASKS       50
#define HEARTBEATS_OPEN_MAX 3
#define REFRESH_PART        3 /* credentials are renewed when a third of their life is left */

/* ---- messages under way ----------------------------------------------------------------------- */

void ea_lc_message_free(struct ea_lc_message *m)
{
    if (!m)
        return;
    ea_list_remove(&m->node);
    for (size_t i = 0; i < m->tasks.n; i++)
        ea_free(m->tasks.v[i].arn);
    for (size_t i = 0; i < m->creds.n; i++) {
        ea_free(m->creds.v[i].task_arn);
        ea_free(m->creds.v[i].credentials_id);
        ea_free(m->creds.v[i].expiration);
    }
    ea_free(m->tasks.v);
    ea_free(m->creds.v);
    ea_buf_done_secret(&m->text);
    ea_free(m);
}

static struct ea_lc_message *message_new(ea_lc_message_kind kind)
{
    struct ea_lc_message *m = ea_alloc(sizeof(*m));

    m->kind = kind;
    m->text = EA_BUF(MESSAGE_MAX);
    ea_lc_new_uuid(m->id);
    return m;
}

static void note_task(struct ea_lc_message *m, const struct ea_lc_task *t)
{
    m->tasks.v = ea_realloc_array(m->tasks.v, m->tasks.n + 1, sizeof(*m->tasks.v));
    m->tasks.v[m->tasks.n++] =
        (struct ea_lc_sent_task){ ea_strdup(t->arn), strcmp(t->desired, "STOPPED") == 0 };
}

static void note_creds(struct ea_lc_message *m, const struct ea_lc_task *t,
                       const struct ea_lc_role *role, const ea_lc_keys *keys)
{
    m->creds.v = ea_realloc_array(m->creds.v, m->creds.n + 1, sizeof(*m->creds.v));
    m->creds.v[m->creds.n++] =
        (struct ea_lc_sent_creds){ ea_strdup(t->arn), ea_strdup(role->credentials_id),
                                   ea_strdup(keys->expiration), keys->expires_ms, false };
}

struct ea_lc_instance *ea_lc_session_instance(const struct ea_lc_session *s)
{
    return ea_lc_by_arn(&s->lc->state, EA_LC_INSTANCE, s->instance_arn);
}

static void send_text(struct ea_lc_session *s, ea_str text)
{
    ea_err err;

    if (!s->ws || s->closing)
        return;
    if (ea_ws_send(s->ws, text, &err)) /* it is still kept as not acknowledged */
        ea_warn("message not sent", EA_S("instance", s->instance_arn), EA_S("err", err.text));
}

void ea_lc_session_send(struct ea_lc_session *s, const char *type, ea_str body)
{
    EA_BUF_AUTO b = EA_BUF(MESSAGE_MAX);

    ea_buf_addf(&b, "{\"type\":\"%s\",\"message\":", type);
    ea_buf_add(&b, body.p, body.n);
    ea_buf_addc(&b, '}');
    send_text(s, ea_buf_str(&b));
}

static void add_ids(ea_buf *b, const struct ea_lc_session *s, const char *id, int64_t now_ms)
{
    ea_buf_addf(b, "\"messageId\":\"%s\",\"clusterArn\":", id);
    ea_buf_add_json_str(b, ea_str_of(s->cluster_arn));
    ea_buf_adds(b, ",\"containerInstanceArn\":");
    ea_buf_add_json_str(b, ea_str_of(s->instance_arn));
    ea_buf_addf(b, ",\"generatedAt\":%lld", (long long)now_ms);
}

/* The number of the next payload or manifest, kept before it is sent; 0 when that fails. */
static int64_t next_seq(struct ea_lc_session *s)
{
    struct ea_lc_instance *i = ea_lc_session_instance(s);
    ea_err err;

    if (!i)
        return 0;
    i->seq++;
    ea_lc_touch(&s->lc->state, EA_LC_INSTANCE, i);
    if (ea_lc_commit(&s->lc->state, &err)) {
        ea_error("state not saved, message held back", EA_S("err", err.text));
        return 0;
    }
    return i->seq;
}

/* Keeps the message until it is acknowledged, and sends it. */
static void post(struct ea_lc_session *s, struct ea_lc_message *m)
{
    ea_err err;

    if (ea_buf_check(&m->text, &err)) {
        ea_error("message not made", EA_S("err", err.text));
        ea_lc_message_free(m);
        return;
    }
    m->sent_ms = ea_now().mono_ms;
    ea_list_append(&s->sent, &m->node);
    send_text(s, ea_buf_str(&m->text));
}

/* ---- payloads --------------------------------------------------------------------------------- */

static bool payload_under_way(const struct ea_lc_session *s, const struct ea_lc_task *t)
{
    bool stop = strcmp(t->desired, "STOPPED") == 0;

    EA_LIST_EACH(&s->sent, node)
    {
        const struct ea_lc_message *m = EA_OWNER(node, struct ea_lc_message, node);

        for (size_t i = 0; m->kind == EA_LC_PAYLOAD && i < m->tasks.n; i++)
            if (m->tasks.v[i].stop == stop && strcmp(m->tasks.v[i].arn, t->arn) == 0)
                return true;
    }
    return false;
}

static bool needs_payload(const struct ea_lc_session *s, const struct ea_lc_task *t)
{
    return strcmp(t->instance_arn, s->instance_arn) == 0 && !ea_lc_task_stopped(t) &&
           !ea_zstr_eq(t->desired, t->acked) && !payload_under_way(s, t);
}

static bool issue(const struct ea_lc_session *s, const struct ea_lc_task *t,
                  const struct ea_lc_role *role, ea_lc_keys *out)
{
    const char *id = strrchr(t->arn, '/') + 1;

    if (!role->credentials_id)
        return false;
    ea_lc_creds_issue(&s->lc->creds, EA_LC_TASK_ROLE, role->role_arn, id,
                      ea_now().wall_ms + s->lc->credentials_ms, out);
    return true;
}

static bool add_task(struct ea_lc_session *s, struct ea_lc_message *m, const struct ea_lc_task *t)
{
    EA_FREE_AUTO char *own = ea_sprintf_dup("http://%s:%u", s->lc->bind, s->lc->port);
    const char *base = s->lc->public_url ? s->lc->public_url : own;
    ea_lc_payload_in in = { .task = t,
                            .region = s->lc->state.region,
                            .account = s->lc->state.account,
                            .registry_url = s->lc->registry_url,
                            .ecr_endpoint = s->lc->registry_password ? base : NULL };
    bool stop = strcmp(t->desired, "STOPPED") == 0;
    ea_lc_keys role, execution;
    ea_code code;
    ea_err err;

    in.taskdef = ea_lc_by_arn(&s->lc->state, EA_LC_TASKDEF, t->taskdef_arn);
    if (!in.taskdef)
        return false;
    if (!stop && issue(s, t, &t->role, &role))
        in.role = &role;
    if (!stop && issue(s, t, &t->execution_role, &execution))
        in.execution_role = &execution;
    if (m->tasks.n)
        ea_buf_addc(&m->text, ',');
    code = ea_lc_payload_task(&in, &m->text, &err);
    if (code) {
        ea_error("task cannot be sent", EA_S("task", t->arn), EA_S("err", err.text));
    } else {
        note_task(m, t);
        if (in.role)
            note_creds(m, t, &t->role, &role);
        if (in.execution_role)
            note_creds(m, t, &t->execution_role, &execution);
    }
    ea_secret_wipe(&role, sizeof(role));
    ea_secret_wipe(&execution, sizeof(execution));
    return code == EA_OK;
}

static void send_payloads(struct ea_lc_session *s)
{
    struct ea_lc_message *m = NULL;

    EA_LIST_EACH(&s->lc->state.tasks, node)
    {
        struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (!needs_payload(s, t))
            continue;
        if (!m) {
            int64_t seq = next_seq(s);

            if (!seq)
                return;
            m = message_new(EA_LC_PAYLOAD);
            ea_buf_adds(&m->text, "{\"type\":\"PayloadMessage\",\"message\":{");
            add_ids(&m->text, s, m->id, ea_now().wall_ms);
            ea_buf_addf(&m->text, ",\"seqNum\":%lld,\"tasks\":[", (long long)seq);
        }
        if (!add_task(s, m, t)) {
            ea_lc_message_free(m);
            return;
        }
        if (m->tasks.n == PAYLOAD_TASKS || m->text.n > PAYLOAD_BYTES) {
            ea_buf_adds(&m->text, "]}}");
            post(s, m);
            m = NULL;
        }
    }
    if (m) {
        ea_buf_adds(&m->text, "]}}");
        post(s, m);
    }
}

/* ---- credentials ------------------------------------------------------------------------------ */

static bool creds_under_way(const struct ea_lc_session *s, const struct ea_lc_role *role)
{
    EA_LIST_EACH(&s->sent, node)
    {
        const struct ea_lc_message *m = EA_OWNER(node, struct ea_lc_message, node);

        for (size_t i = 0; i < m->creds.n; i++)
            if (!m->creds.v[i].acked &&
                ea_zstr_eq(m->creds.v[i].credentials_id, role->credentials_id))
                return true;
    }
    return false;
}

/* When the set that the agent has must be renewed; 0: nothing to renew. */
static int64_t refresh_at(const struct ea_lc_session *s, const struct ea_lc_task *t,
                          const struct ea_lc_role *role)
{
    int64_t at = role->acked_expiry_ms - s->lc->credentials_ms / REFRESH_PART;

    if (!role->credentials_id || !t->acked || !ea_lc_task_wanted(t) ||
        strcmp(t->instance_arn, s->instance_arn) != 0)
        return 0;
    return at > 0 ? at : 1;
}

static void send_role(struct ea_lc_session *s, const struct ea_lc_task *t,
                      const struct ea_lc_role *role, const char *type)
{
    int64_t at = refresh_at(s, t, role), now = ea_now().wall_ms;
    struct ea_lc_message *m;
    ea_lc_keys keys;

    if (!at || at > now || creds_under_way(s, role) || !issue(s, t, role, &keys))
        return;
    m = message_new(EA_LC_CREDENTIALS);
    ea_buf_addf(&m->text,
                "{\"type\":\"IAMRoleCredentialsMessage\",\"message\":{\"messageId\":\"%s\","
                "\"taskArn\":",
                m->id);
    ea_buf_add_json_str(&m->text, ea_str_of(t->arn));
    ea_buf_adds(&m->text, ",\"taskClusterArn\":");
    ea_buf_add_json_str(&m->text, ea_str_of(t->cluster_arn));
    ea_buf_addf(&m->text, ",\"roleType\":\"%s\",\"roleCredentials\":", type);
    ea_lc_payload_credentials(role, &keys, &m->text);
    ea_buf_adds(&m->text, "}}");
    m->acked = true; /* only the set itself is acknowledged */
    note_creds(m, t, role, &keys);
    ea_secret_wipe(&keys, sizeof(keys));
    post(s, m);
}

static void send_credentials(struct ea_lc_session *s)
{
    EA_LIST_EACH(&s->lc->state.tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        send_role(s, t, &t->role, "TaskApplication");
        send_role(s, t, &t->execution_role, "TaskExecution");
    }
}

/* ---- manifest --------------------------------------------------------------------------------- */

void ea_lc_session_manifest(struct ea_lc_session *s)
{
    int64_t seq = next_seq(s);
    struct ea_lc_message *m;
    size_t n = 0;

    if (!seq)
        return;
    m = message_new(EA_LC_MANIFEST);
    ea_set_str(&s->manifest_id, m->id);
    ea_buf_adds(&m->text, "{\"type\":\"TaskManifestMessage\",\"message\":{");
    add_ids(&m->text, s, m->id, ea_now().wall_ms);
    ea_buf_addf(&m->text, ",\"timeline\":%lld,\"tasks\":[", (long long)seq);
    EA_LIST_EACH(&s->lc->state.tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (!ea_lc_task_wanted(t) || strcmp(t->instance_arn, s->instance_arn) != 0)
            continue;
        ea_buf_addf(&m->text, "%s{\"taskArn\":", n++ ? "," : "");
        ea_buf_add_json_str(&m->text, ea_str_of(t->arn));
        ea_buf_adds(&m->text, ",\"taskClusterArn\":");
        ea_buf_add_json_str(&m->text, ea_str_of(t->cluster_arn));
        ea_buf_adds(&m->text, ",\"desiredStatus\":\"RUNNING\"}");
    }
    ea_buf_adds(&m->text, "]}}");
    post(s, m);
}

/* ---- time ------------------------------------------------------------------------------------- */

static void heartbeat(struct ea_lc_session *s)
{
    EA_BUF_AUTO b = EA_BUF(256);
    char id[37];

    if (s->heartbeats_open >= HEARTBEATS_OPEN_MAX) {
        ea_warn("agent does not answer heartbeats", EA_S("instance", s->instance_arn));
        s->closing = true;
        ea_ws_close(s->ws, 1001, "heartbeats not acknowledged");
        return;
    }
    ea_lc_new_uuid(id);
    ea_buf_addf(&b, "{\"healthy\":true,\"messageId\":\"%s\"}", id);
    ea_lc_session_send(s, "HeartbeatMessage", ea_buf_str(&b));
    s->heartbeats_open++;
}

/* Sends again what waits for too long. What only lacks the acknowledgement of its credentials is let
 * go: a fresh set replaces them. */
static void redeliver(struct ea_lc_session *s, int64_t now_ms)
{
    EA_LIST_EACH(&s->sent, node)
    {
        struct ea_lc_message *m = EA_OWNER(node, struct ea_lc_message, node);

        if (now_ms - m->sent_ms < s->lc->redeliver_ms)
            continue;
        if (m->acked || m->kind == EA_LC_MANIFEST) {
            ea_lc_message_free(m);
            continue;
        }
        ea_info("message sent again", EA_S("instance", s->instance_arn), EA_S("message", m->id));
        m->sent_ms = now_ms;
        send_text(s, ea_buf_str(&m->text));
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void arm(struct ea_lc_session *s)
{
    ea_time now = ea_now();
    int64_t wait = s->heartbeat_due_ms - now.mono_ms;

    EA_LIST_EACH(&s->sent, node)
    wait = sooner(wait, EA_OWNER(node, struct ea_lc_message, node)->sent_ms + s->lc->redeliver_ms -
                            now.mono_ms);
    EA_LIST_EACH(&s->lc->state.tasks, tnode)
    {
        const struct ea_lc_task *t = EA_OWNER(tnode, struct ea_lc_task, node);
        int64_t at[2] = { refresh_at(s, t, &t->role), refresh_at(s, t, &t->execution_role) };

        for (size_t i = 0; i < EA_COUNT(at); i++)
            if (at[i] > now.wall_ms) /* what is due already is under way */
                wait = sooner(wait, at[i] - now.wall_ms);
    }
    ea_timer_arm(s->tick, wait < 0 ? 0 : wait);
}

void ea_lc_session_pump(struct ea_lc_session *s)
{
    if (s->closing || !s->ws)
        return;
    send_payloads(s);
    send_credentials(s);
    arm(s);
}

void ea_lc_session_tick(void *session)
{
    struct ea_lc_session *s = session;
    int64_t now = ea_now().mono_ms;

    if (s->closing || !s->ws)
        return;
    if (now >= s->heartbeat_due_ms) {
        s->heartbeat_due_ms = now + s->lc->heartbeat_ms;
        heartbeat(s);
    }
    redeliver(s, now);
    ea_lc_session_pump(s);
}
