/* image_login.h - the one place where the login of a pull comes from: Amazon ECR or a secret that was
 * fetched for the task when the payload says so (registryAuthentication), else what the operator configured (ECS_ENGINE_AUTH_*), else none.
 * A further kind is one more row of the table in image_login.c.
 * Private to agent/. Thread: loop. Does not know: what the login is used for.
 * Source: task-engine.md sections 1.7, 4.4. */
#ifndef EA_AGENT_IMAGE_LOGIN_H
#define EA_AGENT_IMAGE_LOGIN_H

#include "agent.h"

typedef struct ea_login ea_login; /* one container's way to its login */

/* `auth`: X-Registry-Auth, NULL for an anonymous pull and on an error. On an error `error_name` is what
 * the control plane is told; the code is EA_AUTH (no login can be had now: not tried again) or
 * EA_CANCELLED. Both borrowed for the call. */
typedef void ea_login_done(void *ctx, const char *auth, const char *error_name, const ea_err *err);

/* Copies what it needs of task and container. */
ea_login *ea_login_new(ea_agent *ag, const struct ea_task *t, const struct ea_container *c);
void ea_login_free(ea_login *l); /* not while a get is under way; NULL is fine */
/* Exactly one `done`, later, on the loop. One get at a time. */
void ea_login_get(ea_login *l, ea_login_done *done, void *ctx);
/* What Docker said when the login was used: one that the registry refused is not handed out again. */
void ea_login_used(ea_login *l, const ea_err *err);

#endif
