/* http_client.h - one HTTP request over libcurl.
 * Thread: loop. Knows: limits, headers, body, error texts. Does not know: signing, retries, what a
 * status means (every HTTP status is a success here). Redirects are not followed. */
#ifndef EA_NET_HTTP_CLIENT_H
#define EA_NET_HTTP_CLIENT_H

#include "../base/buf.h"
#include "../base/json.h"
#include "curl_loop.h"

typedef struct ea_httpc ea_httpc; /* one request in flight; frees itself after `done` */

typedef struct ea_httpc_header {
    const char *name, *value;
} ea_httpc_header;

typedef struct ea_httpc_request { /* everything is copied */
    const char *method;           /* NULL: GET */
    const char *url;
    const ea_httpc_header *headers; /* sent as given; no Expect header is ever added */
    size_t header_count;
    ea_str body;        /* p NULL: none. Wiped after use */
    int64_t connect_ms; /* TCP and TLS; 0: 30 s */
    int64_t total_ms;   /* whole round trip; 0: 42 s (control-plane.md 0.2) */
    size_t body_max;    /* bytes of the answer's body; more is EA_LIMIT; 0: 1 MiB */
    bool no_proxy;      /* link-local services are asked directly */
} ea_httpc_request;

typedef struct ea_httpc_response { /* borrowed for the callback */
    int status;
    ea_strmap headers; /* names in lower case; a repeated one is joined by ", " */
    ea_str body;       /* followed by a NUL */
    int64_t took_ms;
} ea_httpc_response;

/* Called exactly once, on the loop, never before ea_httpc_start() returns; also after a cancel.
 * err->code EA_OK: `r` is the answer. Else `r` is NULL and err->sys the CURLcode:
 *   EA_UNREACHABLE  name not found, connection refused, reset, closed (texts tell them apart)
 *   EA_TLS          wrong host, expired, unknown CA, protocol version (texts tell them apart)
 *   EA_TIMEOUT  EA_LIMIT  EA_PROTOCOL  EA_CANCELLED  EA_NO_MEMORY */
typedef void ea_httpc_done(void *ctx, const ea_httpc_response *r, const ea_err *err);

/* NULL with EA_INVALID (url, method, header with line break) or EA_NO_MEMORY in *err: then `done`
 * is not called. */
ea_httpc *ea_httpc_start(ea_net *net, const ea_httpc_request *request, ea_httpc_done *done,
                         void *ctx, ea_err *err) EA_CHECK;
void ea_httpc_cancel(ea_httpc *q); /* `done` comes later with EA_CANCELLED */
void ea_httpc_drop(ea_httpc *q);   /* `done` is never called any more; NULL is fine */

const char *ea_httpc_find(const ea_httpc_response *r, const char *lower_name); /* or NULL */
/* The Date header as wall milliseconds; false when absent or not readable. */
bool ea_httpc_date(const ea_httpc_response *r, int64_t *wall_ms);
/* Fills *err from a CURLcode: what failed, at which host, and the next step to take. `detail` is
 * libcurl's own text (may be ""), `os_errno` its CURLINFO_OS_ERRNO. Pure; shared with ws_client.
 * Returns the code. */
ea_code ea_net_explain(int curl_code, const char *url, const char *detail, long os_errno,
                       ea_err *err);

#endif
