/* ecr.h - logins for Amazon ECR registries: GetAuthorizationToken, kept for each role, region and
 * registry until some time before it expires. Who asks for one that is being fetched shares the call.
 * Thread: loop. Knows: the call and the token. Does not know: images, Docker, tasks.
 * Source: task-engine.md section 4.4; Amazon ECR API 2015-09-21, GetAuthorizationToken. Secrets are
 * wiped when dropped, never logged, never in an error text. */
#ifndef EA_AWS_ECR_H
#define EA_AWS_ECR_H

#include "aws_json.h"

typedef struct ea_ecr ea_ecr;

#define EA_ECR_KEPT_MAX 100 /* logins; beyond it the one used least lately goes */

typedef struct ea_ecr_config { /* strings are copied */
    ea_net *net;               /* borrowed; outlives it */
    ea_cred_chain *creds;      /* of the instance role; borrowed; outlives it */
    const char *user_agent;    /* may be NULL */
    uint64_t seed;
} ea_ecr_config;

typedef struct ea_ecr_ask {  /* all borrowed for the call */
    const char *registry_id; /* account */
    const char *region;
    const char *endpoint; /* "https://" is put in front of a bare name; NULL or "": the region's */
    const char *role;     /* ARN, or what else tells roles apart; NULL: instance role */
    const ea_aws_creds *creds; /* of that role; NULL with the instance role */
} ea_ecr_ask;

typedef struct ea_ecr_login { /* borrowed for the call */
    const char *username, *password;
    const char *server; /* proxy endpoint with its scheme */
} ea_ecr_login;

/* Exactly once, later, on the loop; with EA_CANCELLED from ea_ecr_free(). `login` is NULL unless
 * EA_OK. */
typedef void ea_ecr_done(void *ctx, const ea_ecr_login *login, const ea_err *err);

ea_ecr *ea_ecr_new(ea_loop *loop, const ea_ecr_config *config);
void ea_ecr_free(ea_ecr *e); /* NULL is fine */
void ea_ecr_login_start(ea_ecr *e, const ea_ecr_ask *ask, ea_ecr_done *done, void *ctx);
/* The registry refused what is kept for this: the next one is fetched. */
void ea_ecr_forget(ea_ecr *e, const ea_ecr_ask *ask);

/* Answer of the call -> owned texts, pure. EA_PROTOCOL unless it holds exactly one usable login. The
 * caller frees by ea_free, the password by ea_secret_free. expires_ms: wall; 0 when not told. */
ea_code ea_ecr_decode(ea_str body, char **username, char **password, char **server,
                      int64_t *expires_ms, ea_err *err) EA_CHECK;

#endif
