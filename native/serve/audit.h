/* audit.h - one line per credentials request (endpoints-and-windows.md section 1.5). The credentials
 * id never reaches the disk. Thread: loop. */
#ifndef EA_SERVE_AUDIT_H
#define EA_SERVE_AUDIT_H

#include "../base/buf.h"
#include "../model/creds.h"

#include <stdint.h>

struct ea_audit_entry {
    int64_t wall_ms;
    int status;
    const char *peer;
    uint16_t peer_port;
    const char *path; /* as asked; shortened here */
    const char *user_agent;
    const struct ea_creds *creds; /* NULL when the request failed */
    const char *cluster, *instance_arn;
};

/* Adds the line with its newline: 10 fields, or 6 and a blank for a failed request. */
void ea_audit_line(const struct ea_audit_entry *e, ea_buf *out);

#endif
