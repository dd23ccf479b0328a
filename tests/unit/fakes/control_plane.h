/* control_plane.h - ECS, ACS and TCS on one loopback port, as strict as AWS about signatures: what the
 * sessions talk to in their tests. One agent, one connection of each kind at a time. */
#ifndef CONTROL_PLANE_H
#define CONTROL_PLANE_H

#include "base/json.h"
#include "base/loop.h"

#define TEST_KEY    "AKTEST"
#define TEST_SECRET "test-secret"
#define TEST_REGION "us-west-2"

typedef enum cp_kind {
    CP_ACS,
    CP_TCS
} cp_kind;

struct cp_side {
    unsigned opened, refused;
    bool is_open;
    ea_strlist queries;  /* of each handshake */
    ea_strlist got;      /* messages; of TCS the JSON behind a header block that was checked */
    unsigned close_code; /* of the last close frame that came */
    char close_reason[128];
};

struct cp {
    struct cp_side side[2];
    unsigned discovers;
    unsigned bad_signatures; /* requests, handshakes and frames */
    char last_bad[256];
    /* what to do */
    int discover_status; /* 0: 200 */
    unsigned tcs_port;   /* where telemetry is said to be; 0: here */
    int refuse_status;   /* handshakes: 0 accept */
    const char *refuse_body;
    unsigned port;
    struct cp_private *p;
};

struct cp *cp_start(ea_loop *loop);
void cp_stop(struct cp *c); /* connections are cut; memory goes as the loop turns */
void cp_send(struct cp *c, cp_kind kind, const char *text);
void cp_close(struct cp *c, cp_kind kind, unsigned code, const char *reason);
void cp_cut(struct cp *c, cp_kind kind); /* the TCP connection, without a close frame */
void cp_forget(struct cp *c);            /* messages, queries and counts */

/* Runs the loop until `*value` is at least `want`, or fails the test. */
void cp_wait_count(ea_loop *loop, const unsigned *value, unsigned want);
void cp_wait_messages(ea_loop *loop, const ea_strlist *list, size_t want);
/* Runs the loop for so long that what is under way arrives; for "nothing came" checks. */
void cp_settle(ea_loop *loop, unsigned ms);

#endif
