/* session_policy.h - when a websocket session connects, gives up, closes, waits and tries again. Pure:
 * events and times in, one action out; the simulator drives it too. ACS and TCS differ in the
 * parameters alone. Source: control-plane.md sections 3.4, 3.5, 4.1. */
#ifndef EA_AWS_SESSION_POLICY_H
#define EA_AWS_SESSION_POLICY_H

#include "../base/backoff.h"
#include "../base/clock.h"
#include "../base/err.h"
#include "../base/rng.h"

#include <stdbool.h>

typedef struct ea_session_params {
    const char *name;                  /* "acs", "tcs": for texts */
    int64_t quiet_ms, quiet_jitter_ms; /* no message for that long ends the session */
    bool quiet_closes;               /* true: by a close frame; false: by dropping the connection */
    int64_t age_ms, age_jitter_ms;   /* then it is closed by a close frame and made anew */
    int64_t close_ms;                /* the peer's answer to a close frame */
    int64_t good_ms, good_jitter_ms; /* connected that long: backoff starts again; 0: never */
    int64_t inactive_ms;             /* after InactiveInstanceException */
    int64_t min_ms, max_ms;          /* backoff */
    double jitter, multiple;
} ea_session_params;

extern const ea_session_params ea_acs_params, ea_tcs_params;

#define EA_CLOSE_REASON "ConnectionExpired: Reconnect to continue"

typedef enum ea_session_state {
    EA_SESSION_STOPPED,    /* not started, or ended by the owner */
    EA_SESSION_WAITING,    /* until next_at_ms */
    EA_SESSION_LOOKING_UP, /* endpoint and credentials */
    EA_SESSION_CONNECTING,
    EA_SESSION_CONNECTED,
    EA_SESSION_CLOSING, /* close frame sent */
} ea_session_state;
const char *ea_session_state_name(ea_session_state s);

typedef enum ea_session_do {
    EA_DO_NOTHING_NOW,
    EA_DO_LOOK_UP, /* endpoint, credentials */
    EA_DO_CONNECT,
    EA_DO_CLOSE, /* 1000, EA_CLOSE_REASON */
    EA_DO_DROP,  /* drop the connection and report EA_SE_ENDED with the policy's `why` */
} ea_session_do;

typedef enum ea_session_event {
    EA_SE_START,
    EA_SE_STOP,
    EA_SE_LOOKED_UP, /* have endpoint and credentials */
    EA_SE_LOOKUP_FAILED,
    EA_SE_OPEN,
    EA_SE_MESSAGE, /* a decoded message that counts as activity */
    EA_SE_ENDED,   /* `end` tells how */
    EA_SE_TIMER,   /* next_at_ms passed */
    EA_SE_KICK,    /* owner: try now if waiting; end the connection if there is one */
} ea_session_event;

typedef struct ea_session_end {
    bool opened;
    int close_code; /* as ea_wsc_end.code */
    bool inactive;  /* InactiveInstanceException was in the answer */
} ea_session_end;

typedef struct ea_session_policy {
    ea_session_params p;
    ea_rng rng;
    ea_backoff backoff;
    ea_session_state state;
    int64_t since_ms;                           /* mono: of the state */
    int64_t next_at_ms;                         /* mono: when EA_SE_TIMER is wanted; -1 none */
    int64_t quiet_at_ms, age_at_ms, good_at_ms; /* mono; -1 none */
    const char *why; /* static text: reason of the last close or drop by us */
    bool inactive;   /* waits because the instance is not active */
} ea_session_policy;

void ea_session_policy_init(ea_session_policy *s, const ea_session_params *params, uint64_t seed);
/* One step. `end` is read for EA_SE_ENDED alone, and may be NULL otherwise. Sets next_at_ms. */
ea_session_do ea_session_step(ea_session_policy *s, ea_session_event ev, const ea_session_end *end,
                              int64_t mono_ms);

#endif
