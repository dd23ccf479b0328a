/* cw_serve.h - Amazon CloudWatch over HTTP: the Query protocol (form in, XML out), as the command line
 * speaks it, and AWS JSON 1.0, as newer clients do. POST / of the server.
 * Thread: loop. Knows: signatures, both protocols. Does not know: metrics.
 * Source: AWS Query and AWS JSON 1.0 protocols; error names: Amazon CloudWatch API reference, common
 * errors and those of each call. */
#ifndef EA_LOCAL_CW_SERVE_H
#define EA_LOCAL_CW_SERVE_H

#include "local.h"

/* Answers the request when it is for CloudWatch; false: it is not, and nothing was done. */
bool ea_lc_cw_serve(ea_local *lc, ea_http_request *req);

#endif
