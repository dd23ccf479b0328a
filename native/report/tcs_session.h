/* tcs_session.h - the telemetry session: metrics, health and instance status out, every frame
 * signed. Source: control-plane.md section 4. At most 15 publishes wait, for a connection or for a peer
 * that does not read; what was given to a connection is never sent again.
 * Thread: loop. Knows: cadence, batching, signing, what waits while disconnected. Does not know: how
 * metrics are made (hook). */
#ifndef EA_REPORT_TCS_SESSION_H
#define EA_REPORT_TCS_SESSION_H

#include "../aws/ws_session.h"
#include "tcs_message.h"

typedef struct ea_tcs ea_tcs;

typedef struct ea_tcs_config { /* strings are copied */
    const char *cluster, *agent_version, *agent_hash;
    const char *docker_version; /* bare; NULL unknown */
    int64_t publish_ms;         /* 0: 20 s */
    uint64_t seed;
} ea_tcs_config;

typedef struct ea_tcs_hooks {
    /* Each publish_ms: JSON objects as text, one a task (report/metrics.c makes them). Both lists
     * arrive empty and are freed by the session. `idle` arrives true: set it to false when any
     * container is watched. NULL hook: always idle. */
    void (*collect)(void *ctx, ea_strlist *metrics, bool *idle, ea_strlist *health);
    void (*changed)(void *ctx); /* status has news; may be NULL */
} ea_tcs_hooks;

ea_tcs *ea_tcs_new(ea_aws *aws, ea_poll_endpoint *poll, const ea_tcs_config *config,
                   const ea_tcs_hooks *hooks, void *ctx);
void ea_tcs_free(ea_tcs *t); /* NULL is fine */
void ea_tcs_start(ea_tcs *t, const char *instance_arn);
void ea_tcs_stop(ea_tcs *t);
void ea_tcs_kick(
    ea_tcs *t); /* instance inactive: drop the connection, connect again by the rules */
void ea_tcs_set_docker_version(ea_tcs *t, const char *version);
/* Result of a health check (Docker ping after an ACS heartbeat): published at the next tick. */
void ea_tcs_set_runtime(ea_tcs *t, bool healthy);
void ea_tcs_status_get(const ea_tcs *t, ea_session_status *out);
/* When the last metrics message was acknowledged (wall ms; 0 never), and what the service has said against
 * a message since (borrowed until the next message; NULL: nothing). */
void ea_tcs_accepted_get(const ea_tcs *t, int64_t *accepted_ms, const char **refused);

#endif
