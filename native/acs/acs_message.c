#include "acs_message.h"

#include "../base/alloc.h"

#define OUT_MAX (4u * 1024 * 1024)

static void begin(ea_buf *b, const char *type)
{
    ea_buf_addf(b, "{\"type\":\"%s\",\"message\":{", type);
}

/* Adds a member; a NULL value is left out. */
static void member(ea_buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    if (b->n > 0 && b->p[b->n - 1] != '{')
        ea_buf_addc(b, ',');
    ea_buf_addf(b, "\"%s\":", name);
    ea_buf_add_json_str(b, ea_str_of(value));
}

/* The limit is above all that inbound messages can make us repeat; no text could be sent without. */
static char *finish(ea_buf *b)
{
    char *out = NULL;
    ea_err err;

    ea_buf_adds(b, "}}");
    return ea_buf_take(b, &out, &err) ? NULL : out;
}

char *ea_acs_ack_text(const char *cluster, const char *instance, const char *message_id)
{
    EA_BUF_AUTO b = EA_BUF(OUT_MAX);

    begin(&b, "AckRequest");
    member(&b, "cluster", cluster);
    member(&b, "containerInstance", instance);
    member(&b, "messageId", message_id);
    return finish(&b);
}

char *ea_acs_nack_text(const char *cluster, const char *instance, const char *message_id,
                       const char *reason)
{
    EA_BUF_AUTO b = EA_BUF(OUT_MAX);

    begin(&b, "NackRequest");
    member(&b, "cluster", cluster);
    member(&b, "containerInstance", instance);
    member(&b, "messageId", message_id);
    member(&b, "reason", reason);
    return finish(&b);
}

char *ea_acs_heartbeat_ack_text(const char *message_id)
{
    EA_BUF_AUTO b = EA_BUF(OUT_MAX);

    begin(&b, "HeartbeatAckRequest");
    member(&b, "messageId", message_id);
    return finish(&b);
}

char *ea_acs_creds_ack_text(const char *message_id, const char *credentials_id,
                            const char *expiration)
{
    EA_BUF_AUTO b = EA_BUF(OUT_MAX);

    begin(&b, "IAMRoleCredentialsAckRequest");
    member(&b, "messageId", message_id);
    member(&b, "expiration", expiration);
    member(&b, "credentialsId", credentials_id);
    return finish(&b);
}

char *ea_acs_stop_candidates_text(const char *message_id, const char *cluster,
                                  const ea_strlist *task_arns)
{
    EA_BUF_AUTO b = EA_BUF(OUT_MAX);

    begin(&b, "TaskStopVerificationMessage");
    member(&b, "messageId", message_id);
    ea_buf_adds(&b, b.p[b.n - 1] == '{' ? "\"stopCandidates\":[" : ",\"stopCandidates\":[");
    for (size_t i = 0; i < task_arns->n; i++) {
        ea_buf_adds(&b, i ? ",{" : "{");
        member(&b, "taskArn", task_arns->v[i]);
        member(&b, "taskClusterArn", cluster);
        member(&b, "desiredStatus", "STOPPED");
        ea_buf_addc(&b, '}');
    }
    ea_buf_addc(&b, ']');
    return finish(&b);
}
