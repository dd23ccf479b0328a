/* local_creds.h - keys that the local control plane issues and later recognises: the operator's static
 * pair, the instance role's and the task roles'.
 * Thread: loop. Knows: one root key, kept in the state. Issued sets are not stored: the session token
 * carries what they are for, under a MAC, and the secret follows from the root key; so they outlive a
 * restart of this program.
 * Access keys begin with LOCAL: they open nothing anywhere else. */
#ifndef EA_LOCAL_LOCAL_CREDS_H
#define EA_LOCAL_LOCAL_CREDS_H

#include "../aws/sigv4.h"
#include "../base/clock.h"
#include "state.h"

typedef enum ea_lc_who {
    EA_LC_OPERATOR,
    EA_LC_INSTANCE_ROLE,
    EA_LC_TASK_ROLE,
} ea_lc_who;

typedef struct ea_lc_creds {
    unsigned char root[32];
    char *operator_id, *operator_secret;
    char *account, *partition;
} ea_lc_creds;

typedef struct ea_lc_keys { /* one issued set; wipe after use */
    char access_key_id[24];
    char secret[48];
    char token[1024];
    char expiration[EA_RFC3339_MAX];
    int64_t expires_ms;
} ea_lc_keys;

typedef struct ea_lc_identity { /* who signed */
    ea_lc_who who;
    char arn[512];    /* "arn:aws:sts::<account>:assumed-role/<role>/<session>" */
    char secret[128]; /* wipe after use */
} ea_lc_identity;

/* Loads or makes the root key. Operator's pair: the given one (copied), or one made from the root. */
ea_code ea_lc_creds_open(ea_lc_creds *c, ea_lc_state *st, const char *operator_id,
                         const char *operator_secret, ea_err *err) EA_CHECK;
void ea_lc_creds_close(ea_lc_creds *c);
/* A set for a role ("arn:aws:iam::...:role/path/name") and session name, valid until expires_ms. */
void ea_lc_creds_issue(const ea_lc_creds *c, ea_lc_who who, const char *role_arn,
                       const char *session, int64_t expires_ms, ea_lc_keys *out);
/* Who has this access key (with this session token, NULL without) at now_ms, and the secret it signs
 * with. EA_AUTH: unknown; EA_TIMEOUT: expired. */
ea_code ea_lc_creds_find(const ea_lc_creds *c, ea_str access_key_id, const char *token,
                         int64_t now_ms, ea_lc_identity *out, ea_err *err) EA_CHECK;
/* MAC of a text under the root, base64url: for other tokens of this program. `use` keeps kinds apart. */
void ea_lc_creds_mac(const ea_lc_creds *c, const char *use, ea_str text, char out[45]);
bool ea_lc_same(const char *a, const char *b); /* equal, in constant time for equal lengths */

#endif
