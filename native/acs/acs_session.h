/* acs_session.h - the agent communication session: the control plane's messages in, as events for
 * the engine; acks out.
 * Thread: loop. Knows: messages and their acks. Does not know: tasks' life, storage: acks of what
 * must be durable come from the engine as effects (ea_acs_ack and the like). */
#ifndef EA_ACS_ACS_SESSION_H
#define EA_ACS_ACS_SESSION_H

#include "../engine/engine.h"
#include "../aws/ws_session.h"

typedef struct ea_acs ea_acs;

typedef struct ea_acs_config { /* strings are copied */
    const char *cluster;       /* configured, as is */
    const char *agent_version, *agent_hash;
    const char *docker_version; /* NULL: unknown, left out; ea_acs_set_docker_version later */
    uint64_t seed;
} ea_acs_config;

typedef struct ea_acs_hooks {
    /* One decoded message for the engine (PAYLOAD, CREDS, MANIFEST, STOP_VERIFIED). `ev` stands on
     * the caller's stack; its members are taken: moved away or freed by ea_event_done(). */
    void (*event)(void *ctx, struct ea_event *ev);
    void (*heartbeat)(
        void *ctx);          /* already acked; run the health check, then tell TCS. May be NULL */
    void (*open)(void *ctx); /* connected; may be NULL */
    void (*inactive)(void *ctx); /* the instance is not active: the TCS connection is to go */
    void (*changed)(void *ctx);  /* ea_acs_status_get has news; may be NULL */
} ea_acs_hooks;

ea_acs *ea_acs_new(ea_aws *aws, ea_poll_endpoint *poll, const ea_acs_config *config,
                   const ea_acs_hooks *hooks, void *ctx);
void ea_acs_free(ea_acs *a); /* NULL is fine */
/* Connects and stays connected. `instance_arn` copied. */
void ea_acs_start(ea_acs *a, const char *instance_arn);
void ea_acs_stop(ea_acs *a);
void ea_acs_kick(ea_acs *a);
void ea_acs_set_docker_version(ea_acs *a, const char *version);
void ea_acs_status_get(const ea_acs *a, ea_session_status *out);

/* Effects of the engine. Not connected: EA_UNREACHABLE; the control plane sends the message again. */
ea_code ea_acs_ack(ea_acs *a, const char *message_id, const char *cluster_arn,
                   const char *instance_arn, ea_err *err) EA_CHECK;
ea_code ea_acs_creds_ack(ea_acs *a, const char *message_id, const char *credentials_id,
                         const char *expiration, ea_err *err) EA_CHECK;
ea_code ea_acs_stop_candidates(ea_acs *a, const char *message_id, const char *cluster_arn,
                               const ea_strlist *task_arns, ea_err *err) EA_CHECK;

#endif
