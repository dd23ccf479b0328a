/* aws_json.h - one signed call in the AWS JSON 1.1 protocol, with retries, a retry budget and clock
 * skew correction. Source: control-plane.md sections 0.1, 0.5, 1.
 * Thread: loop. Knows: signing, error form, which failures are tried again. Does not know: what an
 * operation means. */
#ifndef EA_AWS_AWS_JSON_H
#define EA_AWS_AWS_JSON_H

#include "aws_retry.h"
#include "cred_chain.h"

typedef struct ea_aws ea_aws;
typedef struct ea_aws_call ea_aws_call;

typedef struct ea_aws_config { /* strings are copied */
    const char *endpoint;      /* "https://ecs.us-west-2.amazonaws.com" */
    const char *region, *service;
    const char *target_prefix; /* "AmazonEC2ContainerServiceV20141113." */
    const char *user_agent;    /* replaces libcurl's; may be NULL */
    uint64_t seed;             /* of the retry jitter */
} ea_aws_config;

typedef struct ea_aws_fault { /* the service's own words; borrowed for the callback */
    int status;               /* HTTP; 0 when no answer came */
    char code[128];           /* "InvalidParameterException"; "" when none was given */
    char message[1024];
    char request_id[80];
} ea_aws_fault;

typedef struct ea_aws_options {
    ea_retry_class retry;
    unsigned max_attempts;     /* 0: the class's own */
    int64_t total_ms;          /* over all attempts; 0: none */
    int64_t round_trip_ms;     /* of one attempt; 0: 42 s */
    const ea_aws_creds *creds; /* in place of the chain's (task role); copied; may be NULL */
} ea_aws_options;

/* Once, later, on the loop. EA_OK: `body` is the JSON text (borrowed). Else `fault` (never NULL)
 * tells what the service said; err->sys is the HTTP status, or a CURLcode when no answer came. */
typedef void ea_aws_done(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err);

/* `creds` is borrowed and must outlive it; NULL when each call brings its own. */
ea_code ea_aws_new(ea_net *net, ea_cred_chain *creds, const ea_aws_config *config, ea_aws **out,
                   ea_err *err) EA_CHECK;
void ea_aws_free(ea_aws *a); /* calls in flight are dropped */
/* `body` is copied. NULL options: EA_RETRY_STANDARD. */
ea_aws_call *ea_aws_start(ea_aws *a, const char *operation, ea_str body,
                          const ea_aws_options *options, ea_aws_done *done, void *ctx,
                          ea_err *err) EA_CHECK;
void ea_aws_cancel(ea_aws_call *c); /* `done` comes later with EA_CANCELLED */
void ea_aws_drop(ea_aws_call *c);   /* `done` is never called; NULL is fine */

/* Server time minus ours, ms; 0 until a difference showed. Sessions sign with it too. */
int64_t ea_aws_skew_ms(const ea_aws *a);
/* A Date header seen elsewhere (websocket handshake): takes the offset if it is far off (more than
 * 4 min) or `refused` (a signature was refused for its time). True when it changed. */
bool ea_aws_note_date(ea_aws *a, int64_t date_ms, bool refused);
ea_cred_chain *ea_aws_creds_of(ea_aws *a);
const char *ea_aws_region(const ea_aws *a);
const char *ea_aws_endpoint(const ea_aws *a);
ea_net *ea_aws_net(ea_aws *a);

/* The error in an HTTP answer: X-Amzn-ErrorType or __type / code, message or Message. Pure. */
void ea_aws_read_fault(const ea_httpc_response *r, ea_aws_fault *out);

#endif
