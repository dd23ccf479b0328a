/* http_server_private.h - what the parts of the server share: http_server.c (listeners, life of the server),
 * http_conn.c (bytes, timers, one connection), http_request.c (a request being parsed), http_answer.c (answers
 * and upgrades). Not for others.
 * Thread: loop.
 *
 * A connection reads until a request is whole, then waits for its answer (what the peer sends meanwhile is
 * kept, bounded), then goes on with what it kept. One timer a connection holds whatever limit applies in its
 * present state. */
#ifndef EA_NET_HTTP_SERVER_PRIVATE_H
#define EA_NET_HTTP_SERVER_PRIVATE_H

#include "../base/buf.h"
#include "../base/list.h"
#include "http_server.h"

#include <llhttp.h>
#include <uv.h>

#define EA_HTTP_READ_BYTES  8192
#define EA_HTTP_HEADERS_MAX 100

typedef enum ea_hconn_state {
    EA_HCONN_READING,  /* between requests, or inside one */
    EA_HCONN_HANDLING, /* a request is out */
    EA_HCONN_RAW,      /* taken over */
    EA_HCONN_LINGER,   /* last answer sent; what still comes is thrown away */
    EA_HCONN_CLOSING,  /* uv_close called */
} ea_hconn_state;

struct ea_hrequest { /* what ea_http_request points into */
    ea_http_request pub;
    ea_http_conn *conn; /* NULL: the connection has gone */
    ea_buf head;        /* target, names and values, each ended by a NUL */
    ea_buf body;
    struct {
        size_t name, value;
    } at[EA_HTTP_HEADERS_MAX]; /* offsets in head */
    size_t count;
    ea_http_header headers[EA_HTTP_HEADERS_MAX];
    char *path, *raw_path;
    bool is_head, keep_alive, upgrade;
};

struct ea_http_conn {
    ea_node node;
    ea_http_server *server;
    ea_http_listener *listener;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } u;
    bool is_pipe;
    ea_hconn_state state;
    llhttp_t parser;
    struct ea_hrequest *req; /* the one being read or handled */
    int refuse;              /* status that ends the request being read; 0 none */
    bool complete;           /* the parser saw the whole request */
    bool started;            /* bytes of the request being read have come */
    bool parsing;            /* parse() is on the stack */
    bool eof;                /* the peer will send no more */
    bool reading;
    bool close_when_sent;
    unsigned writes; /* uv_write in flight */
    size_t queued;   /* their bytes */
    ea_buf ahead;    /* bytes after the request in work */
    ea_timer *timer;
    const ea_http_raw_ops *raw;
    void *raw_ctx;
    char peer[46], local[46];
    uint16_t peer_port, local_port;
    char rbuf[EA_HTTP_READ_BYTES];
};

struct ea_http_listener {
    ea_node node;
    ea_http_server *server;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } u;
    bool is_pipe;
    uint16_t port;
};

struct ea_http_server {
    ea_loop *loop;
    ea_http_limits limits;
    ea_http_handler *handler;
    void *ctx;
    ea_list conns, listeners;
    size_t conn_count;     /* until their close callback */
    size_t listener_count; /* likewise */
    bool closing;
    ea_timer *drain;
    void (*done)(void *ctx);
    void *done_ctx;
    llhttp_settings_t settings;
};

/* http_request.c */
struct ea_hrequest *ea_hrequest_new(ea_http_conn *c);
void ea_hrequest_free(struct ea_hrequest *r); /* wiped; NULL is fine; the connection forgets it */
/* Fills `pub` of a request that is whole. False: its target cannot be read. */
bool ea_hrequest_finish(struct ea_hrequest *r);
void ea_hrequest_settings(llhttp_settings_t *s);

/* http_conn.c */
void ea_hconn_accept(uv_stream_t *listener, int status); /* libuv's connection callback */
void ea_hconn_close(ea_http_conn *c);                    /* at once; may be repeated */
void ea_hconn_write(ea_http_conn *c, const char *p, size_t n);
void ea_hconn_sent(ea_http_conn *c);  /* looks whether all has left that was written, and goes on */
void ea_hconn_rearm(ea_http_conn *c); /* the timer of the present state */
void ea_hconn_read_on(ea_http_conn *c); /* reads again, if it had stopped */
void ea_hconn_address(const struct sockaddr_storage *sa, char out[46], uint16_t *port);

/* http_server.c */
void ea_hserver_maybe_free(ea_http_server *s); /* closing, and nothing is left of it */

#endif
