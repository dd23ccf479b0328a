/* docker_conn.h - one connection to the Docker Engine: transport and framing. Private to docker/.
 * Thread: loop. Knows: libuv pipes and sockets, llhttp. Does not know: pools, limits of time, what an
 * answer means. Events never come from inside a call of this file, with one exception that says so. */
#ifndef EA_DOCKER_DOCKER_CONN_H
#define EA_DOCKER_DOCKER_CONN_H

#include "../base/err.h"
#include "../base/list.h"
#include "../base/loop.h"
#include "../base/str.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ea_dconn ea_dconn;
typedef struct ea_dendpoint { /* what an address means */
    bool tcp;
    char *path; /* pipe or socket path, NULL for tcp; owned */
    int port;   /* on 127.0.0.1 */
} ea_dendpoint;

ea_code ea_dendpoint_parse(const char *address, ea_dendpoint *out, ea_err *err) EA_CHECK;
void ea_dendpoint_done(ea_dendpoint *ep);

/* What happens on a connection; `owner` is whoever holds it now. After `broke` the connection is
 * closing already and must not be touched again. */
struct ea_dconn_events {
    void (*opened)(void *owner, int uv_status); /* not 0: closing already */
    /* Status line and headers are in. May close the connection. */
    void (*head)(void *owner, unsigned status);
    void (*data)(void *owner, ea_str data); /* may close the connection */
    /* The answer is complete; reusable: another request may follow on this connection. */
    void (*end)(void *owner, bool reusable);
    /* `any`: bytes of the answer had arrived. Also for an idle connection that the peer closed. */
    void (*broke)(void *owner, bool any, const ea_err *err);
};

/* `closed(ctx)` runs when the loop has let go of it: the last sign of life, always exactly one. */
ea_dconn *ea_dconn_open(ea_loop *l, const ea_dendpoint *ep, const struct ea_dconn_events *ev,
                        void *owner, void (*closed)(void *ctx), void *ctx);
void ea_dconn_set_owner(ea_dconn *c, const struct ea_dconn_events *ev, void *owner);
/* Sends a whole request and reads its answer. `request` is copied; `secret`: wiped once sent.
 * `head_only`: answers to HEAD have no body. */
void ea_dconn_send(ea_dconn *c, ea_str request, bool secret, bool head_only);
/* No event comes any more but `closed`. NULL is fine, twice is fine until `closed`. */
void ea_dconn_close(ea_dconn *c);

#endif
