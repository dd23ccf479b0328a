/* route_creds.h - role credentials for tasks: /v1/credentials?id= and /v2/credentials/<id>. Bodies,
 * codes and messages: endpoints-and-windows.md section 1.
 * Thread: loop. Pure: model and request in, answer out. */
#ifndef EA_SERVE_ROUTE_CREDS_H
#define EA_SERVE_ROUTE_CREDS_H

#include "../base/buf.h"
#include "../model/model.h"

struct ea_creds_answer {
    int status;
    const struct ea_creds *creds; /* when status is 200; borrowed from the model */
};

/* version  1 or 2, for the messages
 * id       NULL or "" when the request has none
 * peer     address of the caller; a container is given only its own task's credentials, and another
 *          id reads as unknown. An address that no container has (host network, loopback) decides
 *          nothing.
 * body     gets the JSON: credentials (a secret) or error */
void ea_route_creds(const struct ea_model *m, int version, const char *id, const char *peer,
                    ea_buf *body, struct ea_creds_answer *out);

#endif
