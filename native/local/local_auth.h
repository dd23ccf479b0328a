/* local_auth.h - is a request, a websocket handshake or a telemetry frame signed by a key we know, with
 * a clock near ours?
 * Thread: loop. Knows: Signature Version 4. Does not know: what the call may do.
 * The error's code says what a client is told (ea_lc_auth_error). */
#ifndef EA_LOCAL_LOCAL_AUTH_H
#define EA_LOCAL_LOCAL_AUTH_H

#include "../net/http_server.h"
#include "local_creds.h"

typedef enum ea_lc_refusal {
    EA_LC_FINE,
    EA_LC_NO_SIGNATURE,  /* MissingAuthenticationTokenException */
    EA_LC_MALFORMED,     /* IncompleteSignatureException */
    EA_LC_UNKNOWN_KEY,   /* UnrecognizedClientException */
    EA_LC_EXPIRED_TOKEN, /* ExpiredTokenException */
    EA_LC_WRONG,         /* InvalidSignatureException: signature, scope or clock */
} ea_lc_refusal;

typedef struct ea_lc_auth {
    const ea_lc_creds *creds;
    const char *region;
} ea_lc_auth;

/* `service`: name in the credential scope ("ecs"). On refusal the sentence for the client is in
 * err->text. */
ea_lc_refusal ea_lc_auth_request(const ea_lc_auth *a, const ea_http_request *req,
                                 const char *service, int64_t now_ms, ea_lc_identity *who,
                                 ea_err *err);
const char *ea_lc_refusal_name(ea_lc_refusal r); /* the exception's name; "" when fine */

/* A telemetry frame: header block, blank line, JSON; signed as GET of the connection's path and query
 * with the JSON as body. *json views into the frame. Source: control-plane.md section 4.3. */
ea_lc_refusal ea_lc_auth_frame(const ea_lc_auth *a, ea_str frame, const char *path,
                               const char *query, int64_t now_ms, ea_str *json, ea_err *err);

#endif
