/* docker_auth.h - credentials for a registry as Docker wants them. Pure.
 * Source: task-engine.md sections 2.2 (X-Registry-Auth) and 4.4 (ECS_ENGINE_AUTH_*). */
#ifndef EA_DOCKER_DOCKER_AUTH_H
#define EA_DOCKER_DOCKER_AUTH_H

#include "../base/err.h"

/* base64url (padded) of {"username","password","serveraddress"}, absent members left out; all NULL
 * gives that of {}. The caller frees by ea_secret_free. */
char *ea_docker_auth_header(const char *username, const char *password, const char *server);

typedef struct ea_engine_auth ea_engine_auth; /* what the operator configured */

/* type: "dockercfg" or "docker"; NULL or "": none (*out NULL). `data`: JSON; never logged, never in an
 * error text. EA_SETTINGS when it cannot be read: warn and go on without. */
ea_code ea_engine_auth_new(const char *type, const char *data, ea_engine_auth **out,
                           ea_err *err) EA_CHECK;
void ea_engine_auth_free(ea_engine_auth *a); /* wipes; NULL is fine */
/* Header for an image from what is configured; NULL: anonymous. The caller frees by ea_secret_free. */
char *ea_engine_auth_find(const ea_engine_auth *a, const char *image);

#endif
