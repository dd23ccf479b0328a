/* http_server.h - HTTP/1.1 server on the loop: TCP on an IPv4 address, unix sockets and Windows named
 * pipes; one handler gets whole requests and answers now or later.
 * Thread: loop. Knows: libuv, llhttp, keep-alive, limits. Does not know: routes, TLS, who may ask.
 *
 *   ea_http_server *s = ea_http_server_new(loop, &limits, handle, ctx);
 *   if (ea_http_listen_tcp(s, "127.0.0.1", 51678, &listener, err)) ...
 *   static void handle(void *ctx, ea_http_request *req) { ea_http_respond_text(req, 404, "no"); }
 *
 * The handler is called on the loop with a whole request and owes exactly one answer: ea_http_respond
 * (or a form of it), or ea_http_take_over. It may answer from inside the call or any time later; until
 * then the request stays valid, also after its peer has gone (the answer is then dropped). */
#ifndef EA_NET_HTTP_SERVER_H
#define EA_NET_HTTP_SERVER_H

#include "../base/err.h"
#include "../base/loop.h"
#include "../base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ea_http_server ea_http_server;
typedef struct ea_http_listener ea_http_listener;
typedef struct ea_http_conn ea_http_conn; /* a connection that was taken over */

typedef struct ea_http_limits { /* 0: the default in brackets */
    size_t head_bytes;          /* request line and headers [16 KiB]; beyond it 431 */
    size_t body_bytes;          /* [1 MiB]; beyond it 413 */
    size_t queue_bytes;         /* unsent bytes of one connection [8 MiB]; beyond it it is closed */
    unsigned connections;       /* of all listeners together [256]; more are closed at once */
    unsigned read_timeout_ms;   /* from a request's first byte to its last [5000] */
    unsigned write_timeout_ms;  /* for an answer to leave [5000] */
    unsigned idle_timeout_ms;   /* connection without a request [5000] */
} ea_http_limits;

typedef struct ea_http_header {
    const char *name, *value;
} ea_http_header;

typedef struct ea_http_request { /* all borrowed until the answer */
    const char *method;          /* "GET" */
    const char *target;          /* request target as sent */
    const char *raw_path;        /* target up to the question mark, still escaped */
    const char *path;  /* unescaped once, then cleaned: no "//", ".", ".."; ends in a slash
                                    if the raw one does */
    const char *query; /* what follows the question mark, still escaped; "" when none */
    const ea_http_header *headers;
    size_t header_count;
    ea_str body;
    char peer[46]; /* IPv4 address in text; "" on a unix socket or pipe */
    uint16_t peer_port;
    char local[46]; /* address the peer connected to; "" likewise */
    uint16_t local_port;
    ea_http_listener *listener; /* where it came in; compare only, it may be closed */
    void *user;                 /* the handler's own; starts NULL */
} ea_http_request;

typedef void ea_http_handler(void *ctx, ea_http_request *req);

typedef struct ea_http_response { /* all copied */
    int status;
    const char *content_type; /* NULL: none */
    const ea_http_header *headers;
    size_t header_count;
    ea_str body;
    bool close; /* end the connection after it */
} ea_http_response;

ea_http_server *ea_http_server_new(ea_loop *loop, const ea_http_limits *limits,
                                   ea_http_handler *handler, void *ctx);
/* Ends it: listeners and idle connections close now, busy ones once they have answered or after
 * drain_ms. The handler is not called any more. The memory frees itself when the last connection is
 * gone; `done` (may be NULL) is called then, later on the loop. */
void ea_http_server_close(ea_http_server *s, unsigned drain_ms, void (*done)(void *ctx), void *ctx);

/* port 0: the system picks one, see ea_http_listener_port(). EA_CONFLICT: address in use; EA_DENIED;
 * EA_NOT_FOUND: the address is not on this machine; else EA_IO. */
ea_code ea_http_listen_tcp(ea_http_server *s, const char *ipv4, uint16_t port,
                           ea_http_listener **out, ea_err *err) EA_CHECK;
/* A unix socket path, which gets `mode` before the first connection is possible and replaces a socket
 * left there, or "\\.\pipe\name" (mode is not used: Windows' default grants all to SYSTEM,
 * Administrators and the owner, and reading to others). */
ea_code ea_http_listen_pipe(ea_http_server *s, const char *path, unsigned mode,
                            ea_http_listener **out, ea_err *err) EA_CHECK;
uint16_t ea_http_listener_port(const ea_http_listener *l);
/* Stops listening; connections that came through it live on. The pointer is dead after this call. */
void ea_http_listener_close(ea_http_listener *l); /* NULL is fine */

/* Value of the first such header, names without case; NULL when absent. */
const char *ea_http_header_get(const ea_http_request *req, const char *name);
/* Unescaped value of a query parameter ('+' stays); caller frees by ea_free. False when absent. */
bool ea_http_query_get(const ea_http_request *req, const char *name, char **value);
/* The peer has gone: nobody will see the answer, which is still owed. */
bool ea_http_request_gone(const ea_http_request *req);

/* The answer. `req` is dead after the call. */
void ea_http_respond(ea_http_request *req, const ea_http_response *resp);
void ea_http_respond_json(ea_http_request *req, int status, ea_str json); /* application/json */
void ea_http_respond_text(ea_http_request *req, int status, const char *text); /* text/plain */

/* ---- connection upgrade ----------------------------------------------------------------------- */

typedef struct ea_http_raw_ops {
    void (*data)(void *ctx, ea_str bytes); /* what the peer sent; borrowed */
    void (*drained)(void *ctx);            /* everything written has left; may be NULL */
    void (*closed)(void *ctx);             /* once, also after ea_http_conn_close(); conn is dead */
} ea_http_raw_ops;

/* Answers with `head` (status line and headers up to the empty line; copied) and hands the connection
 * over: no timeouts any more, all bytes go to `ops` (borrowed for the connection's life). `req` is dead
 * after the call, also on failure. Returns NULL when the peer has gone: then no callback comes. */
ea_http_conn *ea_http_take_over(ea_http_request *req, ea_str head, const ea_http_raw_ops *ops,
                                void *ctx);
/* Copied. EA_LIMIT when more than queue_bytes would wait; EA_UNREACHABLE when it is closing. */
ea_code ea_http_conn_write(ea_http_conn *c, ea_str bytes, ea_err *err) EA_CHECK;
size_t ea_http_conn_queued(const ea_http_conn *c);
/* flush: what is queued leaves first (at most write_timeout_ms). */
void ea_http_conn_close(ea_http_conn *c, bool flush);

const char *ea_http_status_words(int status); /* "Not Found" */

#endif
