#include "audit.h"

#include "../base/clock.h"

#include <string.h>

static const char *or_dash(const char *s)
{
    return s && *s ? s : "-";
}

/* Blanks, quotes and control characters of a peer's text must not make new fields or lines. */
static void add_quoted(ea_buf *out, const char *s)
{
    ea_buf_addc(out, '"');
    for (s = or_dash(s); *s; s++)
        ea_buf_addc(out, (unsigned char)*s < 0x20 || *s == '"' || *s == 0x7f ? '_' : *s);
    ea_buf_addc(out, '"');
}

void ea_audit_line(const struct ea_audit_entry *e, ea_buf *out)
{
    static const char v2[] = "/v2/credentials/";
    char time[EA_RFC3339_MAX];

    ea_format_rfc3339(e->wall_ms, 0, time);
    ea_buf_addf(out, "%s %d %s:%u ", time, e->status, or_dash(e->peer), e->peer_port);
    add_quoted(out, strncmp(e->path, v2, sizeof(v2) - 1) == 0 ? "/v2/credentials" : e->path);
    ea_buf_addc(out, ' ');
    add_quoted(out, e->user_agent);
    if (!e->creds) {
        ea_buf_adds(out, " - \n");
        return;
    }
    ea_buf_addf(out, " %s %s 2 %s %s\n", or_dash(e->creds->task_arn),
                e->creds->role_type == EA_ROLE_TASK ? "GetCredentials"
                                                    : "GetCredentialsExecutionRole",
                or_dash(e->cluster), or_dash(e->instance_arn));
}
