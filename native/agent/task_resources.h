/* task_resources.h - what tasks need fetched before their containers are made, and the values while the
 * task lives: secrets of Secrets Manager and of the SSM Parameter Store, environment files from S3, registry
 * logins.
 * Thread: loop. Knows: which service has what, the execution role's credentials, which value belongs to
 * which container. Does not know: when to fetch (engine/resources.c), how a create body is made.
 * Values are in memory only, wiped when the task ends, and in no log and no error text.
 * Source: task-engine.md sections 4.4 and 7. */
#ifndef EA_AGENT_TASK_RESOURCES_H
#define EA_AGENT_TASK_RESOURCES_H

#include "agent.h"

/* Carries out EA_FX_PREPARE. The effect is borrowed. */
void ea_taskres_prepare(ea_agent *ag, const struct ea_effect *fx);
/* The task has ended: its values are wiped; a fetch under way answers EA_CANCELLED. */
void ea_taskres_forget(ea_agent *ag, const struct ea_task *t);
/* At the stop: calls are dropped, everything is wiped. */
void ea_taskres_free(struct ea_taskres *all); /* NULL is fine */

struct ea_fetched { /* for one create; owned, ea_fetched_done() wipes it */
    ea_strmap file_env, secret_env, secret_log;
    char *credential_spec; /* "credentialspec=file://..."; NULL: none */
};
/* EA_REFUSED when a value that the container needs is not there: it is never created without. *out is
 * to be given to ea_fetched_done() in any case. */
ea_code ea_taskres_of(const ea_agent *ag, const struct ea_task *t, const struct ea_container *c,
                      struct ea_fetched *out, ea_err *err) EA_CHECK;
void ea_fetched_done(struct ea_fetched *f);
/* X-Registry-Auth of the login that was fetched for the task; NULL when it was not. The caller frees by
 * ea_secret_free. */
char *ea_taskres_registry_auth(const ea_agent *ag, const char *task_arn, const char *region,
                               const char *parameter);

#endif
