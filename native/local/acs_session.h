/* acs_session.h - one agent's session, shared by the two files that make it: local_acs.c (who comes,
 * what is heard) and acs_send.c (what is sent and sent again).
 * Thread: loop. */
#ifndef EA_LOCAL_ACS_SESSION_H
#define EA_LOCAL_ACS_SESSION_H

#include "../net/ws_server.h"
#include "local.h"

typedef enum ea_lc_message_kind {
    EA_LC_PAYLOAD,
    EA_LC_CREDENTIALS,
    EA_LC_MANIFEST, /* not sent again: the next session has a new one */
} ea_lc_message_kind;

struct ea_lc_sent_task { /* a task in a payload */
    char *arn;
    bool stop; /* sent with desired status STOPPED */
};

struct ea_lc_sent_creds { /* a set of credentials whose acknowledgement is awaited */
    char *task_arn, *credentials_id, *expiration;
    int64_t expires_ms;
    bool acked;
};

struct ea_lc_message { /* sent, not yet acknowledged in full */
    ea_node node;
    ea_lc_message_kind kind;
    char id[37];
    ea_buf text; /* wiped when freed */
    int64_t sent_ms;
    bool acked; /* the message itself; its credentials may still be awaited */
    struct {
        struct ea_lc_sent_task *v;
        size_t n;
    } tasks;
    struct {
        struct ea_lc_sent_creds *v;
        size_t n;
    } creds;
};

struct ea_lc_session {
    ea_node node;
    struct ea_lc_acs *acs;
    ea_local *lc;
    ea_ws_conn *ws; /* NULL once closed */
    char *instance_arn, *cluster_arn;
    char *manifest_id; /* of the manifest that may still be answered by stop candidates */
    ea_list sent;      /* struct ea_lc_message */
    ea_timer *tick;    /* whatever is due next */
    int64_t heartbeat_due_ms;
    unsigned heartbeats_open; /* sent without an answer */
    bool closing;
};

/* acs_send.c */
void ea_lc_session_pump(struct ea_lc_session *s); /* sends what is missing, arms the timer */
void ea_lc_session_tick(void *session);           /* timer: heartbeat, redelivery, refresh */
void ea_lc_session_manifest(struct ea_lc_session *s);
/* Type and body to one frame. */
void ea_lc_session_send(struct ea_lc_session *s, const char *type, ea_str body);
void ea_lc_message_free(struct ea_lc_message *m);
struct ea_lc_instance *ea_lc_session_instance(const struct ea_lc_session *s);

#endif
