#include "acs_dispatch.h"

#include "../aws/envelope.h"
#include "../base/alloc.h"
#include "acs_attach.h"
#include "acs_creds.h"
#include "acs_head.h"
#include "acs_manifest.h"
#include "acs_message.h"
#include "acs_payload.h"
#include "acs_update.h"

#include <cJSON.h>
#include <string.h>

typedef void handler(const struct cJSON *message, ea_acs_result *r);

struct heartbeat {
    char *message_id;
};
static const ea_jfield heartbeat_fields[] = {
    EA_JSTR(struct heartbeat, message_id, "messageId", 0),
};
static const ea_jshape heartbeat_shape = EA_JSHAPE(struct heartbeat, heartbeat_fields);

static void on_heartbeat(const struct cJSON *message, ea_acs_result *r)
{
    struct heartbeat h;
    ea_err err = { 0 };

    if (ea_json_decode_value(&heartbeat_shape, message, "", &h, &err)) {
        r->activity = false;
        ea_acs_drop_message(r, "HeartbeatMessage", err.text);
        return;
    }
    r->reply = ea_acs_heartbeat_ack_text(h.message_id);
    r->heartbeat = true;
    ea_json_free(&heartbeat_shape, &h);
}

/* Said by the control plane; nothing to do but to tell. */
static void on_words(const struct cJSON *message, ea_acs_result *r)
{
    const cJSON *text = ea_acs_member(message, "message");

    (void)ea_fail(&r->note, EA_REFUSED, "%s: %.300s", r->type,
                  cJSON_IsString(text) ? text->valuestring : "no text"); /* for the log */
}

/* clang-format off */
static const struct row {
    const char *type;
    handler *run; /* NULL: counts as activity, and that is all */
} rows[] = { /* control-plane.md section 3.2 */
    { "HeartbeatMessage",                       on_heartbeat },
    { "PayloadMessage",                         ea_acs_on_payload },
    { "IAMRoleCredentialsMessage",              ea_acs_on_creds },
    { "TaskManifestMessage",                    ea_acs_on_manifest },
    { "TaskStopVerificationAck",                ea_acs_on_stop_ack },
    { "AttachTaskNetworkInterfacesMessage",     ea_acs_on_attach_task },
    { "AttachInstanceNetworkInterfacesMessage", ea_acs_on_attach_instance },
    { "ConfirmAttachmentMessage",               ea_acs_on_confirm },
    { "StageUpdateMessage",                     ea_acs_on_update },
    { "PerformUpdateMessage",                   ea_acs_on_update },
    { "CloseMessage",                           on_words },
    { "ErrorMessage",                           on_words },
    { "ServerException",                        on_words },
    { "BadRequestException",                    on_words },
    { "InvalidClusterException",                on_words },
    { "InvalidInstanceException",               on_words },
    { "AccessDeniedException",                  on_words },
    { "InactiveInstanceException",              on_words },
    { "HeartbeatAckRequest",                    NULL },
    { "AckRequest",                             NULL },
    { "NackRequest",                            NULL },
    { "IAMRoleCredentialsAckRequest",           NULL },
    { "TaskStopVerificationMessage",            NULL },
};
/* clang-format on */

void ea_acs_result_done(ea_acs_result *r)
{
    if (r->has_event)
        ea_event_done(&r->event);
    if (r->reply)
        ea_free(r->reply);
    memset(r, 0, sizeof(*r));
}

static void run_row(const struct row *row, const ea_envelope *e, ea_acs_result *r)
{
    r->type = row->type;
    r->activity = true;
    if (e->error_text) { /* only what has words may come in the error form */
        if (row->run == on_words)
            (void)ea_fail(&r->note, EA_REFUSED, "%s: %.300s", row->type, e->error_text); /* log */
        else
            ea_acs_drop_message(r, row->type, "came in the form of an error");
        return;
    }
    if (!e->message || !cJSON_IsObject(e->message)) {
        r->activity = e->message == NULL; /* a wrong type does not decode */
        if (row->run)
            ea_acs_drop_message(r, row->type, "no message in the envelope");
        return;
    }
    if (row->run)
        row->run(e->message, r);
}

void ea_acs_dispatch(ea_str text, ea_acs_result *r)
{
    ea_envelope e = { 0 };

    memset(r, 0, sizeof(*r));
    if (ea_envelope_parse(text, &e, &r->note)) {
        r->dropped = true;
        return;
    }
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        if (strcmp(e.type, rows[i].type) == 0) {
            run_row(&rows[i], &e, r);
            ea_envelope_done(&e);
            return;
        }
    }
    r->dropped = true;
    (void)ea_fail(&r->note, EA_PROTOCOL, "message of unknown type '%.80s' dropped",
                  e.type); /* log */
    ea_envelope_done(&e);
}
