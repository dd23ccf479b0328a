/* secrets.h - what is asked of Secrets Manager and of the SSM Parameter Store, and what they answer.
 * Pure. Knows: forms of valueFrom, bodies of GetSecretValue and GetParameters. Does not know: who is
 * asked with whose credentials, what the values are for.
 * Source: task-engine.md sections 4.4 and 7.5; AWS Secrets Manager and AWS Systems Manager API
 * references, operations GetSecretValue and GetParameters. */
#ifndef EA_AWS_SECRETS_H
#define EA_AWS_SECRETS_H

#include "../base/buf.h"
#include "../base/json.h"

#define EA_ASM_SERVICE       "secretsmanager"
#define EA_ASM_TARGET_PREFIX "secretsmanager."
#define EA_SSM_SERVICE       "ssm"
#define EA_SSM_TARGET_PREFIX "AmazonSSM."
#define EA_SSM_BATCH         10 /* most names of one GetParameters */

/* A secret as a task definition names it. Members are owned; NULL: not given. */
typedef struct ea_asm_ref {
    char *id; /* SecretId: the ARN without the parts that pick from it */
    char *json_key, *version_stage, *version_id;
} ea_asm_ref;
void ea_asm_ref_done(ea_asm_ref *r);
/* arn:<partition>:secretsmanager:<region>:<account>:secret:<id>[:<json key>:<version stage>:<version
 * id>]; the last three stand together, each may be empty. EA_INVALID names the text. */
ea_code ea_asm_ref_parse(const char *value_from, ea_asm_ref *out, ea_err *err) EA_CHECK;
void ea_asm_request(const ea_asm_ref *r, ea_buf *out);
/* The secret's text, or with `json_key` that member of it: strings as they are, numbers and booleans as
 * they were written. EA_NOT_FOUND: it has no text, no such member, or the member is null. *value:
 * ea_secret_free. */
ea_code ea_asm_answer(ea_str body, const char *json_key, char **value, ea_err *err) EA_CHECK;

/* The name that GetParameters is asked for: valueFrom itself; of an ARN as it stands. */
void ea_ssm_request(const char *const *names, size_t n, bool decrypt, ea_buf *out);
typedef struct ea_ssm_parameter {
    char *name, *arn, *value;
} ea_ssm_parameter;
typedef struct ea_ssm_parameters { /* ea_ssm_parameters_done wipes the values */
    struct {
        ea_ssm_parameter *v;
        size_t n;
    } found;
    ea_strlist invalid;
} ea_ssm_parameters;
void ea_ssm_parameters_done(ea_ssm_parameters *p);
ea_code ea_ssm_answer(ea_str body, ea_ssm_parameters *out, ea_err *err) EA_CHECK;
/* The value of what was asked for as `name`: by the returned name, by the ARN, or by the name that
 * stands in an ARN. NULL when it is not there; borrowed. */
const char *ea_ssm_value(const ea_ssm_parameters *p, const char *name);

/* {"username","password"} of a registry, both not empty. Outputs: ea_secret_free. */
ea_code ea_registry_secret(const char *text, char **username, char **password,
                           ea_err *err) EA_CHECK;

#endif
