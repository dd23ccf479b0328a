/* local_imds.h - instance metadata service, version 2: who this "EC2 instance" is and the keys of its
 * role, so that an agent takes the same path as on EC2.
 * Thread: loop. Source: control-plane.md section 6. Requests without a session token get 401. */
#ifndef EA_LOCAL_LOCAL_IMDS_H
#define EA_LOCAL_LOCAL_IMDS_H

#include "local.h"

#define EA_LC_ROLE_NAME "ecslocal-instance-role"

/* Any request below /latest/. */
void ea_lc_imds_serve(ea_local *lc, ea_http_request *req);
/* The signature of the instance identity document, as this program makes and knows it. */
void ea_lc_imds_signature(const ea_local *lc, ea_str document, char out[45]);

#endif
