/* local_acs.h - sessions with agents: sends tasks, credentials and manifests, hears their
 * acknowledgements, stops what an agent should not run.
 * Thread: loop. Source: control-plane.md section 3, seen from the other side.
 * What was not acknowledged is sent again: after redeliver_ms, and first thing in the next session. */
#ifndef EA_LOCAL_LOCAL_ACS_H
#define EA_LOCAL_LOCAL_ACS_H

#include "local.h"

typedef struct ea_lc_acs ea_lc_acs;

ea_lc_acs *ea_lc_acs_new(ea_local *lc);
void ea_lc_acs_free(ea_lc_acs *a); /* after its sessions ended */
/* GET /acs/ws: checks signature, cluster and instance, then opens the session. */
void ea_lc_acs_serve(ea_lc_acs *a, ea_http_request *req);
/* Sends what the state asks for and no message under way covers; ends sessions of instances that were
 * deregistered. Called after every commit. */
void ea_lc_acs_pump(ea_lc_acs *a);
/* Ends all sessions: close 1001 to each. */
void ea_lc_acs_end_all(ea_lc_acs *a);
size_t ea_lc_acs_count(const ea_lc_acs *a);

#endif
