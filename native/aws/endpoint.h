/* endpoint.h - where a service of a region answers. Pure. Source: control-plane.md section 0.3. */
#ifndef EA_AWS_ENDPOINT_H
#define EA_AWS_ENDPOINT_H

#include "../base/err.h"

#include <stdbool.h>

typedef struct ea_endpoint_options {
    const char
        *override_url; /* ECS_BACKEND_HOST; "https://" is put in front when it has no scheme */
    const char *override_name; /* its setting, for errors; NULL: ECS_BACKEND_HOST */
    bool dual_stack, fips;     /* ignored with an override */
} ea_endpoint_options;

/* "https://ecs.us-west-2.amazonaws.com"; the caller frees *out. EA_SETTINGS: no region, or it or
 * the override is malformed. `options` may be NULL. */
ea_code ea_endpoint_resolve(const char *service, const char *region,
                            const ea_endpoint_options *options, char **out, ea_err *err) EA_CHECK;

#endif
