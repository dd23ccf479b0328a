/* vault.h - secrets and parameters that the local control plane keeps for tasks: what Secrets Manager
 * and the SSM Parameter Store keep at AWS. In memory only: they are gone when this program ends, wiped,
 * and never in its store or its log.
 * Thread: loop. Pure but for ids. Does not know: calls, who may read what. */
#ifndef EA_LOCAL_VAULT_H
#define EA_LOCAL_VAULT_H

#include "../base/list.h"
#include "../base/str.h"

#include <stddef.h>
#include <stdint.h>

#define EA_LC_SECRETS_MAX   500
#define EA_LC_VERSIONS_MAX  20
#define EA_LC_SECRET_MAX    65536 /* bytes of a value */
#define EA_LC_PARAMETER_MAX 4096

struct ea_lc_version {
    char id[65];
    char *value; /* wiped */
    char stage[257];
};

struct ea_lc_secret {
    ea_node node;
    char *name, *arn;
    struct ea_lc_version *v; /* newest last */
    size_t n;
    int64_t created_ms;
};

struct ea_lc_parameter {
    ea_node node;
    char *name, *arn, *type, *value;
    int64_t version, changed_ms;
};

typedef struct ea_lc_vault {
    ea_list secrets, parameters;
    size_t secrets_n, parameters_n;
} ea_lc_vault;

ea_lc_vault *ea_lc_vault_new(void);
void ea_lc_vault_free(ea_lc_vault *v); /* NULL is fine */

/* By name, whole ARN, or ARN without the six letters at its end. */
struct ea_lc_secret *ea_lc_vault_secret(const ea_lc_vault *v, const char *id);
/* New and without a version; NULL when there is no room. Texts copied. */
struct ea_lc_secret *ea_lc_vault_add_secret(ea_lc_vault *v, const char *name, const char *arn,
                                            int64_t now_ms);
/* Makes it the current version; the one before becomes AWSPREVIOUS. `id`: "" for a new one. NULL when
 * the id is taken by another value. */
struct ea_lc_version *ea_lc_vault_put_version(struct ea_lc_secret *s, const char *id,
                                              const char *value);
/* By id, by stage, or both; both NULL: the current one. NULL when there is none. */
const struct ea_lc_version *ea_lc_vault_version(const struct ea_lc_secret *s, const char *id,
                                                const char *stage);
void ea_lc_vault_remove_secret(ea_lc_vault *v, struct ea_lc_secret *s);

struct ea_lc_parameter *ea_lc_vault_parameter(const ea_lc_vault *v, const char *name_or_arn);
/* NULL when there is no room. */
struct ea_lc_parameter *ea_lc_vault_put_parameter(ea_lc_vault *v, const char *name, const char *arn,
                                                  const char *type, const char *value,
                                                  int64_t now_ms);
void ea_lc_vault_remove_parameter(ea_lc_vault *v, struct ea_lc_parameter *p);

#endif
