/* poll_endpoint.h - where ACS and TCS are: one DiscoverPollEndpoint answer, kept 12 h and shared; an
 * expired one still serves when the call fails. Source: control-plane.md section 1.2.
 * Thread: loop. Knows: the cache. Does not know: sessions. */
#ifndef EA_AWS_POLL_ENDPOINT_H
#define EA_AWS_POLL_ENDPOINT_H

#include "ecs_api.h"

typedef struct ea_poll_endpoint ea_poll_endpoint;
typedef struct ea_poll_get ea_poll_get;
typedef enum ea_poll_which {
    EA_POLL_ACS,
    EA_POLL_TELEMETRY
} ea_poll_which;

/* Once, later, on the loop. EA_OK: `url` is borrowed. EA_PROTOCOL: the answer lacks it. */
typedef void ea_poll_done(void *ctx, const char *url, const ea_err *err);

ea_poll_endpoint *ea_poll_endpoint_new(ea_aws *a, const char *cluster); /* cluster copied */
void ea_poll_endpoint_free(ea_poll_endpoint *p);
/* A changed ARN empties the cache. Copied. */
void ea_poll_endpoint_set_instance(ea_poll_endpoint *p, const char *instance_arn);
ea_poll_get *ea_poll_start(ea_poll_endpoint *p, ea_poll_which which, ea_poll_done *done, void *ctx);
void ea_poll_drop(ea_poll_get *g); /* `done` is never called; NULL is fine */

#endif
