#include "acs_creds.h"

#include "../base/alloc.h"
#include "acs_head.h"

struct refresh {
    char *message_id, *task_arn, *cluster_arn;
    int role; /* ea_role_type */
    struct ea_creds *creds;
};
/* clang-format off */
static const ea_jfield refresh_fields[] = { /* control-plane.md section 3.8 */
    EA_JSTR (struct refresh, message_id,  "messageId",       EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR (struct refresh, task_arn,    "taskArn",         EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR (struct refresh, cluster_arn, "taskClusterArn",  0),
    EA_JENUM(struct refresh, role,        "roleType",        EA_J_REQUIRED, ea_role_type_names),
    EA_JPTR (struct refresh, creds,       "roleCredentials", EA_J_REQUIRED, &ea_creds_wire_shape),
};
/* clang-format on */
static const ea_jshape refresh_shape = EA_JSHAPE(struct refresh, refresh_fields);

void ea_acs_on_creds(const struct cJSON *message, ea_acs_result *r)
{
    static const char type[] = "IAMRoleCredentialsMessage";
    struct ea_event *ev = &r->event;
    struct refresh m;
    ea_err err = { 0 };

    if (ea_json_decode_value(&refresh_shape, message, "", &m, &err)) {
        ea_acs_drop_message(r, type, err.text);
        return;
    }
    if (ea_zstr_empty(m.creds->id)) {
        ea_acs_drop_message(r, type, "credentialsId is missing");
        ea_json_free(&refresh_shape, &m);
        return;
    }
    ev->kind = EA_EV_CREDS;
    ev->message_id = m.message_id;
    ev->cluster_arn = m.cluster_arn;
    ev->arn = m.task_arn;
    ev->creds = *m.creds;
    ev->creds.role_type = (ea_role_type)m.role;
    ea_free(ev->creds.task_arn);
    ev->creds.task_arn = ea_strdup(m.task_arn);
    ea_free(m.creds); /* its members moved */
    r->has_event = true;
}
