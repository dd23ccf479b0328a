#include "creds.h"

#include "../base/alloc.h"

const ea_jname ea_role_type_names[] = {
    { "TaskApplication", EA_ROLE_TASK },
    { "TaskExecution", EA_ROLE_EXECUTION },
    { NULL, 0 },
};

/* clang-format off */
static const ea_jfield creds_fields[] = { /* IAMRoleCredentials, control-plane.md section 3.7 */
    EA_JSTR(struct ea_creds, id,                "credentialsId",   EA_J_REQUIRED | EA_J_NONEMPTY | EA_J_NOSTORE),
    EA_JSTR(struct ea_creds, role_arn,          "roleArn",         EA_J_NOSTORE),
    EA_JSTR(struct ea_creds, access_key_id,     "accessKeyId",     EA_J_SECRET | EA_J_NOSTORE),
    EA_JSTR(struct ea_creds, secret_access_key, "secretAccessKey", EA_J_SECRET | EA_J_NOSTORE),
    EA_JSTR(struct ea_creds, session_token,     "sessionToken",    EA_J_SECRET | EA_J_NOSTORE),
    EA_JSTR(struct ea_creds, expiration,        "expiration",      EA_J_NOSTORE),
};
/* clang-format on */
const ea_jshape ea_creds_wire_shape = EA_JSHAPE(struct ea_creds, creds_fields);

void ea_creds_done(struct ea_creds *c)
{
    if (!c)
        return;
    ea_free(c->task_arn);
    ea_json_free(&ea_creds_wire_shape, c);
    *c = (struct ea_creds){ 0 };
}

void ea_creds_free(void *c)
{
    ea_creds_done(c);
    ea_free(c);
}
