/* scripted_peer.h - a TCP server on the loop that does to its clients what a script says. */
#ifndef SCRIPTED_PEER_H
#define SCRIPTED_PEER_H

#include "base/buf.h"
#include "base/loop.h"

struct peer_step {
    const char *wait;  /* text that must have come since the step before; NULL: none */
    size_t wait_bytes; /* or so many bytes; 0: none */
    const char
        *send;     /* "$ACCEPT" stands for the handshake's answer to the client's key, "$PORT" for
                          the peer's port; both only when send_n is 0 */
    size_t send_n; /* 0: up to the NUL */
    enum {
        PEER_STAY,
        PEER_SHUT,
        PEER_RESET
    } then;
};

struct peer;
/* Every connection runs the script from its start. Steps are copied, their texts borrowed. */
struct peer *peer_start(ea_loop *loop, const struct peer_step *steps, size_t n);
struct peer_script {
    const struct peer_step *steps;
    size_t n;
};
/* The first connection runs the first script, and so on; further ones run the last. Steps
 * are copied, their texts borrowed. */
struct peer *peer_start_each(ea_loop *loop, const struct peer_script *scripts, size_t n);
unsigned peer_port(const struct peer *p);
unsigned peer_connections(const struct peer *p);
ea_str peer_received(const struct peer *p); /* from all connections, in order */
void peer_pause(struct peer *p);            /* reads nothing of what comes */
void peer_resume(struct peer *p);
void peer_stop(struct peer *p);
unsigned peer_unused_port(void); /* a port where nothing listens */

/* Runs the loop until *flag, or fails the test after `limit_ms`. */
void run_until(ea_loop *loop, const bool *flag, unsigned limit_ms);

#define ONE_STEP(...) (const struct peer_step[]){ { __VA_ARGS__ } }, 1

#endif
