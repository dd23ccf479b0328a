/* cred_chain.h - whose credentials the agent signs with: environment, shared credentials file,
 * container credentials URI, instance role; the first that has any. Kept, and fetched again before
 * they expire. Source: control-plane.md section 6.3.
 * Thread: loop. Knows: the providers. Does not know: signing, what is signed. */
#ifndef EA_AWS_CRED_CHAIN_H
#define EA_AWS_CRED_CHAIN_H

#include "imds.h"
#include "sigv4.h"

typedef struct ea_cred_chain ea_cred_chain;
typedef struct ea_cred_get ea_cred_get;

typedef struct ea_cred_config { /* strings are copied */
    /* Looks a variable up; NULL when unset. Called on the loop at each fetch. */
    const char *(*env)(void *ctx, const char *name);
    void *env_ctx;
    const char *shared_file; /* default place; AWS_SHARED_CREDENTIALS_FILE overrides; may be NULL */
    const char *rotating_file; /* re-read each minute; may be NULL */
    const char *profile;       /* NULL: AWS_PROFILE, else "default" */
    bool external;             /* order: environment, rotating file, shared file, instance role */
} ea_cred_config;

/* Once, later, on the loop. EA_OK: borrowed for the call. EA_AUTH: the text lists what was tried and
 * why each had nothing. */
typedef void ea_cred_done(void *ctx, const ea_aws_creds *creds, const ea_err *err);

ea_code ea_cred_chain_new(ea_net *net, ea_imds *imds, const ea_cred_config *config,
                          ea_cred_chain **out, ea_err *err) EA_CHECK;
void ea_cred_chain_free(ea_cred_chain *c); /* gets in flight are dropped; secrets wiped */
ea_cred_get *ea_cred_start(ea_cred_chain *c, ea_cred_done *done, void *ctx);
void ea_cred_drop(ea_cred_get *g); /* `done` is never called; NULL is fine */
/* What is held now if it is still good; NULL otherwise. Borrowed until the next loop callback. */
const ea_aws_creds *ea_cred_held(const ea_cred_chain *c);
void ea_cred_forget(ea_cred_chain *c); /* the next get fetches anew: the service refused them */

/* Parsers, pure. `profile` section of an INI file; EA_NOT_FOUND when it has no key pair. */
ea_code ea_cred_parse_ini(ea_str text, const char *profile, ea_aws_creds *out,
                          ea_err *err) EA_CHECK;
/* The JSON of an instance role or of a container credentials endpoint. */
ea_code ea_cred_parse_json(ea_str text, ea_aws_creds *out, ea_err *err) EA_CHECK;

#endif
