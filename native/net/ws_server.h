/* ws_server.h - server side of a websocket (RFC 6455) on a connection of http_server.
 * Thread: loop. Knows: the opening handshake, frames (wslay), ping, close. Does not know: what the
 * messages mean, who may connect: the caller has decided that before it accepts. */
#ifndef EA_NET_WS_SERVER_H
#define EA_NET_WS_SERVER_H

#include "http_server.h"

typedef struct ea_ws_conn ea_ws_conn;

typedef struct ea_ws_ops {
    /* A whole text or binary message; borrowed for the call. */
    void (*message)(void *ctx, ea_str text);
    /* Once, at the end of the connection's life; `conn` is dead after it. code: what the peer's close
     * frame said, 1005 without a code, 1006 when the connection ended without one. */
    void (*closed)(void *ctx, unsigned code, const char *reason);
} ea_ws_ops;

typedef struct ea_ws_limits { /* 0: the default in brackets */
    size_t message_bytes;     /* of one received message [1 MiB]; beyond it close 1009 */
    size_t queue_bytes;       /* not yet taken by the peer [4 MiB] */
    unsigned close_wait_ms;   /* for the peer's close frame after ours [3000] */
} ea_ws_limits;

/* Answers 101 and takes the connection over, or answers 400/426 when it is no websocket request; `req`
 * is dead after the call. `ops` is borrowed for the connection's life. NULL: refused, or the peer has
 * gone; then no callback comes. */
ea_ws_conn *ea_ws_accept(ea_loop *loop, ea_http_request *req, const ea_ws_limits *limits,
                         const ea_ws_ops *ops, void *ctx);
/* One text message, copied. EA_LIMIT: the peer reads too slowly; EA_UNREACHABLE: it is closing. */
ea_code ea_ws_send(ea_ws_conn *c, ea_str text, ea_err *err) EA_CHECK;
/* Sends a close frame (reason: at most 123 bytes, cut) and waits for the peer's; `closed` follows. */
void ea_ws_close(ea_ws_conn *c, unsigned code, const char *reason);
/* Ends the TCP connection without a close frame; `closed` follows. */
void ea_ws_abort(ea_ws_conn *c);

#endif
