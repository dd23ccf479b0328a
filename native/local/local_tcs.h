/* local_tcs.h - telemetry of agents: checks each frame's signature and shape, acknowledges it, keeps the
 * newest, and takes container health and instance status from it.
 * Thread: loop. Source: control-plane.md section 4, seen from the other side. */
#ifndef EA_LOCAL_LOCAL_TCS_H
#define EA_LOCAL_LOCAL_TCS_H

#include "local.h"

typedef struct ea_lc_tcs ea_lc_tcs;

ea_lc_tcs *ea_lc_tcs_new(ea_local *lc);
void ea_lc_tcs_free(ea_lc_tcs *t); /* after its sessions ended */
/* GET /tcs/ws */
void ea_lc_tcs_serve(ea_lc_tcs *t, ea_http_request *req);
void ea_lc_tcs_end_all(ea_lc_tcs *t);
size_t ea_lc_tcs_count(const ea_lc_tcs *t);
/* GET /local/v1/telemetry: what came last, by container instance. */
void ea_lc_tcs_print(const ea_local *lc, ea_buf *out);

#endif
