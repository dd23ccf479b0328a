/* api_vault.h - the smallest useful part of the Secrets Manager and Systems Manager APIs: what tasks
 * read, and what an operator needs to put it there.
 * Thread: loop. The instance role may call none of them; roles of tasks read, the operator does all.
 * The tables of their members are written for these calls; a test compares names, types and required
 * flags with the models of the installed client. */
#ifndef EA_LOCAL_API_VAULT_H
#define EA_LOCAL_API_VAULT_H

#include "local_api.h"
#include "shape.h"

#define EA_LC_SECRETS_TARGET "secretsmanager."
#define EA_LC_SSM_TARGET     "AmazonSSM."

ea_lc_fn *ea_lc_secrets_find(const char *operation);
const ea_lc_shape *ea_lc_secrets_shape(const char *operation);
ea_lc_fn *ea_lc_ssm_find(const char *operation);
const ea_lc_shape *ea_lc_ssm_shape(const char *operation);
/* All of a service's as one JSON object by operation name. */
void ea_lc_secrets_print(ea_buf *out);
void ea_lc_ssm_print(ea_buf *out);

#endif
