/* identity.h - who this instance is: region, instance id, identity document and signature, user data,
 * from instance metadata. What is not there is left empty; only the region is waited for, and for a moment
 * the id, while the stored state is of an instance.
 * Source: control-plane.md section 6.2. Thread: loop. */
#ifndef EA_AGENT_IDENTITY_H
#define EA_AGENT_IDENTITY_H

#include "agent.h"

struct ea_identity {
    ea_agent *ag;
    ea_timer *retry;
    unsigned pending; /* gets under way */
    int64_t delay_ms; /* of the last retry */
    unsigned owner_tries;
    bool asked_region, asked_addresses;
    char *instance_id, *document, *signature, *user_data, *region;
    char *outpost_arn;                     /* NULL: not on an Outpost */
    char *local_ipv4, *public_ipv4, *ipv6; /* for metadata files; NULL where none are wanted */
    ea_err last;
};

/* Calls ea_agent_identified() once, when all is answered and the region is known. */
struct ea_identity *ea_identity_start(ea_agent *ag);
void ea_identity_free(struct ea_identity *id); /* NULL is fine */

#endif
