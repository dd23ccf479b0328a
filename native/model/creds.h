/* creds.h - role credentials of tasks. Memory only: never stored, never logged, wiped when freed.
 * Source: control-plane.md sections 3.7 and 3.8. */
#ifndef EA_MODEL_CREDS_H
#define EA_MODEL_CREDS_H

#include "../base/json.h"

typedef enum ea_role_type {
    EA_ROLE_TASK,
    EA_ROLE_EXECUTION
} ea_role_type;
extern const ea_jname ea_role_type_names[]; /* TaskApplication, TaskExecution */

struct ea_creds {
    char *id, *role_arn, *access_key_id, *secret_access_key, *session_token;
    char *expiration; /* RFC 3339 as sent; echoed byte for byte */
    /* added by the agent */
    char *task_arn;
    ea_role_type role_type;
    bool known_only; /* the id stands in a stored task, the secret has not come yet: answer 503 */
};

extern const ea_jshape ea_creds_wire_shape; /* roleCredentials */
void ea_creds_done(struct ea_creds *c);
void ea_creds_free(void *c); /* struct from ea_alloc; for ea_map_done */

#endif
