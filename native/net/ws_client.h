/* ws_client.h - one client websocket (RFC 6455). libcurl brings TCP, TLS and the proxy tunnel
 * (CONNECT_ONLY=1); handshake and frames are done here, because libcurl's own websocket client gives
 * away the body of a refused upgrade, and that body names InactiveInstanceException.
 * Thread: loop. Knows: handshake, reassembly, ping and pong, close handshake, a send queue with
 * partial sends, deadlines. Does not know: signing, reconnects, messages' meaning. */
#ifndef EA_NET_WS_CLIENT_H
#define EA_NET_WS_CLIENT_H

#include "http_client.h"

typedef struct ea_wsc ea_wsc; /* one connection; frees itself after `closed` */

#define EA_WS_MESSAGE_MAX (4u * 1024 * 1024)
#define EA_WS_QUEUE_MAX   (8u * 1024 * 1024)

typedef struct ea_wsc_request {     /* everything is copied */
    const char *url;                /* ws:// or wss:// */
    const ea_httpc_header *headers; /* signed headers of the upgrade request */
    size_t header_count;
    int64_t connect_ms; /* TCP, TLS and the upgrade's answer; 0: 30 s */
    int64_t read_ms;    /* no whole message for that long ends it with EA_TIMEOUT; 0: 180 s */
    int64_t write_ms;   /* one frame not written for that long ends it; 0: 180 s */
    int64_t close_ms;   /* wait for the peer's close frame; 0: 5 s */
    size_t message_max; /* bytes of one message; 0: EA_WS_MESSAGE_MAX */
    size_t queue_max;   /* bytes waiting to be sent; 0: EA_WS_QUEUE_MAX */
} ea_wsc_request;

typedef struct ea_wsc_end { /* borrowed for the callback */
    ea_err err;             /* EA_OK only when the close handshake was completed */
    bool opened;            /* the handshake had succeeded */
    int code;           /* peer's close code; 1005 none in its frame; 1006 ended without a frame */
    const char *reason; /* peer's text, "" if none */
    int http_status;    /* the answer that refused the upgrade; 0 when there was none */
    ea_str body;        /* its body, at most 64 KiB */
    int64_t date_ms;    /* its Date header, wall; 0 none */
} ea_wsc_end;

typedef struct ea_wsc_hooks {
    void (*open)(void *ctx);                 /* the upgrade was answered with 101 */
    void (*message)(void *ctx, ea_str text); /* one whole message, text or binary; borrowed */
    /* Exactly once and last, never from inside a call of this header. */
    void (*closed)(void *ctx, const ea_wsc_end *end);
} ea_wsc_hooks;

/* NULL with EA_INVALID or EA_NO_MEMORY in *err: then no hook is called. `hooks` is copied. */
ea_wsc *ea_wsc_start(ea_net *net, const ea_wsc_request *request, const ea_wsc_hooks *hooks,
                     void *ctx, ea_err *err) EA_CHECK;
/* Queues one text frame (copied). EA_LIMIT: queue full; EA_UNREACHABLE: not open (any more). */
ea_code ea_wsc_send(ea_wsc *ws, ea_str text, ea_err *err) EA_CHECK;
/* Starts the close handshake after what is queued: sends `code` with `reason` (at most 123 bytes),
 * then waits close_ms for the peer. Before the handshake: the same as abort. */
void ea_wsc_close(ea_wsc *ws, int code, const char *reason);
/* Ends the connection without a close frame; `closed` comes later with a copy of *why. */
void ea_wsc_abort(ea_wsc *ws, const ea_err *why);
void ea_wsc_drop(ea_wsc *ws); /* no hook is called any more; the connection goes; NULL is fine */
size_t ea_wsc_queued(const ea_wsc *ws); /* bytes not yet given to the socket */

#endif
