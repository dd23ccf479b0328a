#include "acs_head.h"

#include <cJSON.h>

/* clang-format off */
static const ea_jfield head_fields[] = { /* control-plane.md section 3.7 */
    EA_JSTR(struct ea_acs_head, message_id,   "messageId",            0),
    EA_JSTR(struct ea_acs_head, cluster_arn,  "clusterArn",           0),
    EA_JSTR(struct ea_acs_head, instance_arn, "containerInstanceArn", 0),
    EA_JI64(struct ea_acs_head, seq_num,      "seqNum",               0),
    EA_JI64(struct ea_acs_head, timeline,     "timeline",             0),
};
/* clang-format on */
const ea_jshape ea_acs_head_shape = EA_JSHAPE(struct ea_acs_head, head_fields);

void ea_acs_drop_message(ea_acs_result *r, const char *type, const char *why)
{
    r->dropped = true;
    (void)ea_fail(&r->note, EA_PROTOCOL, "%s dropped: %s", type, why); /* for the log */
}

bool ea_acs_read_head(const struct cJSON *message, const char *type, struct ea_acs_head *head,
                      ea_acs_result *r)
{
    ea_err err = { 0 };

    if (ea_json_decode_value(&ea_acs_head_shape, message, "", head, &err)) {
        r->activity = false; /* a body that does not decode is no activity (3.2, rule 3) */
        ea_acs_drop_message(r, type, err.text);
        return false;
    }
    if (!ea_zstr_empty(head->message_id) && !ea_zstr_empty(head->cluster_arn) &&
        !ea_zstr_empty(head->instance_arn))
        return true;
    ea_json_free(&ea_acs_head_shape, head);
    ea_acs_drop_message(r, type, "messageId, clusterArn or containerInstanceArn is missing");
    return false;
}

const struct cJSON *ea_acs_member(const struct cJSON *object, const char *name)
{
    const cJSON *found = NULL;

    if (!cJSON_IsObject(object))
        return NULL;
    found = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!found)
        found = cJSON_GetObjectItem(object, name);
    return found && !cJSON_IsNull(found) ? found : NULL;
}
