/* docker_http.h - one HTTP/1.1 request to the Docker Engine over a unix socket or a named pipe.
 * Thread: loop. Knows: connections, framing (llhttp), limits, Docker's error bodies. Does not know:
 * API versions, what a path means, retries of a request that was answered.
 * Short requests share a small pool of kept-alive connections; a stream has its own connection.
 * Every limit below is ours: nothing that the peer sends can grow memory past it. */
#ifndef EA_DOCKER_DOCKER_HTTP_H
#define EA_DOCKER_DOCKER_HTTP_H

#include "../base/err.h"
#include "../base/loop.h"
#include "../base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EA_DHTTP_HEADER_MAX (64 * 1024)
#define EA_DHTTP_BODY_MAX   (16 * 1024 * 1024) /* the most a collected answer may ever have */
#define EA_DHTTP_IDLE_MAX   8                  /* connections kept open between requests */

typedef struct ea_dhttp ea_dhttp;         /* one engine's address and its connections */
typedef struct ea_dhttp_req ea_dhttp_req; /* one request in flight; frees itself after `done` */

typedef struct ea_dhttp_answer { /* borrowed for the call */
    unsigned status;
    ea_str body; /* collected; empty for a stream */
} ea_dhttp_answer;

/* Called exactly once, on the loop, never before ea_dhttp_start() returns; also after a cancel.
 * `a` is NULL unless the engine answered with a status. Codes (err->sys: HTTP status or errno):
 * OK (2xx, 304) NOT_FOUND (404) CONFLICT (409) THROTTLED (429) REFUSED (other 4xx) SERVER (5xx), each
 * with the text `Error response from daemon: <message>`; UNREACHABLE (no connection, or it broke:
 * the outcome is unknown, the text ends in EOF), TIMEOUT, LIMIT, PROTOCOL, CANCELLED. */
typedef void ea_dhttp_done(void *ctx, const ea_dhttp_answer *a, const ea_err *err);
/* A stream's next bytes; the request may be cancelled from here. The first call has n == 0 and
 * tells that a good status arrived. */
typedef void ea_dhttp_chunk(void *ctx, ea_str data);

struct ea_dhttp_params {
    const char *method;    /* "GET", "POST", "DELETE", "HEAD" */
    const char *path;      /* with query, escaped; copied */
    const char *auth;      /* X-Registry-Auth, or NULL; copied, wiped with the request */
    ea_str body;           /* JSON; p NULL: none; copied */
    int64_t limit_ms;      /* for the whole request; 0: none */
    int64_t head_ms;       /* stream: until its status; 0: none */
    int64_t begin_ms;      /* stream: until the first body byte; 0: none */
    size_t max_body;       /* of a collected answer; 0: 1 MiB; at most EA_DHTTP_BODY_MAX */
    ea_dhttp_chunk *chunk; /* set: a stream on its own connection */
};

/* `address`: unix:///path, npipe:////./pipe/name or tcp://127.0.0.1:port; copied. */
ea_code ea_dhttp_new(ea_loop *l, const char *address, ea_dhttp **out, ea_err *err) EA_CHECK;
/* Cancels what is in flight (each `done` still comes, with CANCELLED) and closes all connections;
 * the memory goes when the loop has closed them. NULL is fine. */
void ea_dhttp_free(ea_dhttp *h);
const char *ea_dhttp_address(const ea_dhttp *h);

/* Never fails at once and never returns NULL: every error comes through `done`. */
ea_dhttp_req *ea_dhttp_start(ea_dhttp *h, const struct ea_dhttp_params *p, ea_dhttp_done *done,
                             void *ctx);
/* Closes the connection; `done` comes later with CANCELLED. Legal until `done` was called. */
void ea_dhttp_cancel(ea_dhttp_req *rq);
/* The same, but `done` gets this code and text: for limits that only the caller can judge. */
void ea_dhttp_abort(ea_dhttp_req *rq, const ea_err *why);

size_t ea_dhttp_idle(const ea_dhttp *h);      /* kept-alive connections now */
size_t ea_dhttp_in_flight(const ea_dhttp *h); /* requests whose `done` is still to come */

#endif
