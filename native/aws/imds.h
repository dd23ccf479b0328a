/* imds.h - EC2 instance metadata, version 2 with its token kept; version 1 where version 2 is not
 * there and not forbidden. Source: control-plane.md section 6.1.
 * Thread: loop. Knows: token, retries, limits. Does not know: what the values mean. */
#ifndef EA_AWS_IMDS_H
#define EA_AWS_IMDS_H

#include "../net/http_client.h"

typedef struct ea_imds ea_imds;
typedef struct ea_imds_get ea_imds_get;

typedef struct ea_imds_config {
    const char
        *endpoint;      /* AWS_EC2_METADATA_SERVICE_ENDPOINT; NULL or "": http://169.254.169.254 */
    bool disabled;      /* AWS_EC2_METADATA_DISABLED, ECS_EXTERNAL, blackhole flag */
    bool v1_disabled;   /* AWS_EC2_METADATA_V1_DISABLED */
    int64_t attempt_ms; /* one request; 0: 1 s */
    unsigned attempts;  /* 0: 5 */
    uint64_t seed;      /* of the retry jitter */
} ea_imds_config;

/* Once, later, on the loop. EA_OK: `value` is the body (borrowed, followed by a NUL).
 * EA_NOT_FOUND: 404. EA_UNSUPPORTED: disabled. EA_SERVER: another status. EA_UNREACHABLE ... */
typedef void ea_imds_done(void *ctx, ea_str value, const ea_err *err);

ea_code ea_imds_new(ea_net *net, const ea_imds_config *config, ea_imds **out, ea_err *err) EA_CHECK;
void ea_imds_free(ea_imds *im); /* gets in flight are dropped */
/* `path` such as "/latest/meta-data/instance-id". `retries` false: one attempt (spot poll). */
ea_imds_get *ea_imds_start(ea_imds *im, const char *path, bool retries, ea_imds_done *done,
                           void *ctx, ea_err *err) EA_CHECK;
void ea_imds_drop(ea_imds_get *g); /* `done` is never called; NULL is fine */
bool ea_imds_enabled(const ea_imds *im);

#endif
