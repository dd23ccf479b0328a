#include "acs_update.h"

#include "acs_head.h"
#include "acs_message.h"

/* The service manager updates this agent, never the control plane (ECS_UPDATES_ENABLED false). */
#define REASON "Updates are disabled"

void ea_acs_on_update(const struct cJSON *message, ea_acs_result *r)
{
    struct ea_acs_head h;
    ea_err err = { 0 };

    if (ea_json_decode_value(&ea_acs_head_shape, message, "", &h, &err)) {
        ea_acs_drop_message(r, "update message", err.text);
        r->activity = false;
        return;
    }
    if (ea_zstr_empty(h.message_id))
        ea_acs_drop_message(r, "update message", "messageId is missing");
    else
        r->reply = ea_acs_nack_text(h.cluster_arn, h.instance_arn, h.message_id, REASON);
    ea_json_free(&ea_acs_head_shape, &h);
}
