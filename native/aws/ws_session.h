/* ws_session.h - a signed websocket session that keeps itself alive: endpoint, credentials, signed
 * handshake, deadlines, reconnects as session_policy decides. ACS and TCS stand on it.
 * Thread: loop. Knows: policy, poll endpoint, signer, ws_client. Does not know: messages. */
#ifndef EA_AWS_WS_SESSION_H
#define EA_AWS_WS_SESSION_H

#include "poll_endpoint.h"
#include "../net/ws_client.h"
#include "session_policy.h"

typedef struct ea_session ea_session;

typedef struct ea_session_status { /* all times wall ms; 0 none */
    ea_session_state state;
    int64_t since_ms;
    int64_t next_try_ms;
    int64_t connected_ms; /* of the last successful connection */
    int64_t last_message_ms;
    unsigned connects;
    bool inactive;     /* the control plane says the instance is not active */
    ea_err last_error; /* code EA_OK: none since the last connection */
} ea_session_status;

typedef struct ea_session_hooks {
    /* Builds the handshake URL from the poll endpoint's answer: adds "ws?..." to `url`. */
    void (*add_query)(void *ctx, ea_buf *url);
    void (*open)(void *ctx);
    /* True: the message counts as activity. */
    bool (*message)(void *ctx, ea_str text);
    void (*closed)(void *ctx);
    void (*inactive)(void *ctx); /* InactiveInstanceException; may be NULL */
    void (*changed)(void *ctx);  /* status changed; may be NULL */
} ea_session_hooks;

ea_session *ea_session_new(ea_aws *aws, ea_poll_endpoint *poll, ea_poll_which which,
                           const ea_session_params *params, uint64_t seed,
                           const ea_session_hooks *hooks, void *ctx);
void ea_session_free(ea_session *s); /* drops the connection; NULL is fine */
void ea_session_start(ea_session *s);
void ea_session_stop(ea_session *s); /* close frame if connected; no further tries */
void ea_session_kick(ea_session *s); /* waiting: now; connected: connection dropped and made anew */
bool ea_session_is_open(const ea_session *s);
const char *ea_session_url(const ea_session *s); /* of this connection; NULL before one */
ea_code ea_session_send(ea_session *s, ea_str text, ea_err *err) EA_CHECK;
size_t ea_session_queued(const ea_session *s); /* bytes that the peer has not taken yet */
void ea_session_status_get(const ea_session *s, ea_session_status *out);

#endif
