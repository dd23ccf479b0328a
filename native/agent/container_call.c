#include "container_call.h"

#include "../base/alloc.h"
#include "agent.h"

enum {
    LIMIT_MS = 4000 /* the server has 5 s for an answer */
};

struct call {
    ea_aws_call *aws;
    ea_serve_replied *done;
    void *ctx;
};

static void answered(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct call *c = ctx;
    const struct ea_serve_reply reply = { .err = err,
                                          .body = body,
                                          .status = fault->status,
                                          .code = fault->code,
                                          .message = fault->message,
                                          .request_id = fault->request_id };
    ea_serve_replied *done = c->done;
    void *done_ctx = c->ctx;

    ea_free(c);
    done(done_ctx, &reply);
}

void *ea_container_call(void *agent, const char *operation, ea_str body,
                        const struct ea_creds *creds, ea_serve_replied *done, void *done_ctx,
                        ea_err *err)
{
    ea_agent *ag = agent;
    const ea_aws_creds own = creds ? (ea_aws_creds){ .access_key_id = creds->access_key_id,
                                                     .secret_access_key = creds->secret_access_key,
                                                     .session_token = creds->session_token }
                                   : (ea_aws_creds){ 0 };
    const ea_aws_options options = { .retry = EA_RETRY_STANDARD,
                                     .total_ms = LIMIT_MS,
                                     .round_trip_ms = LIMIT_MS,
                                     .creds = creds ? &own : NULL };
    struct call *c;

    if (!ag->ecs) {
        (void)ea_fail(err, EA_UNREACHABLE, /* NULL tells it */
                      "the agent does not know its region and endpoint yet");
        return NULL;
    }
    c = ea_alloc(sizeof(*c));
    c->done = done;
    c->ctx = done_ctx;
    c->aws = ea_aws_start(ag->ecs, operation, body, &options, answered, c, err);
    if (c->aws)
        return c;
    ea_free(c);
    return NULL;
}

void ea_container_call_drop(void *agent, void *call)
{
    struct call *c = call;

    (void)agent;
    ea_aws_drop(c->aws);
    ea_free(c);
}
