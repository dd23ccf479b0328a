/* protect.h - task protection: /api/<endpoint id>/task-protection/v1/state. Source: endpoints-and-windows.md
 * section 2.8, control-plane.md section 1.9.
 * Thread: loop. Pure. Knows: route, order of the checks, bodies of both sides. Does not know: how the ECS API is
 * called, who waits for its answer. */
#ifndef EA_SERVE_PROTECT_H
#define EA_SERVE_PROTECT_H

#include "serve.h"

/* The endpoint id in the path; caller frees. NULL: another route. */
char *ea_protect_id(const char *path);

struct ea_protect_call {
    const char *operation;       /* static */
    const struct ea_creds *role; /* of the task; borrowed from the model */
    const char *arn;             /* of the task; borrowed from the model */
    ea_buf body;                 /* of the call; the caller gives its limit and frees it */
};
/* method  of the request; body: what it brought
 * out     written when a call is to be made
 * answer  gets the body of any other answer
 * Returns 0 when a call is to be made, else an HTTP status. */
int ea_protect_ask(const struct ea_model *m, const char *id, const char *method, ea_str body,
                   struct ea_protect_call *out, ea_buf *answer);
/* What the container is told of the ECS API's answer. Returns the HTTP status. */
int ea_protect_answer(const char *arn, const struct ea_serve_reply *reply, ea_buf *answer);

#endif
