/* control_client.h - asks a running agent over its control channel and waits for the answer.
 * Thread: any but a loop's own; runs a loop of its own meanwhile. */
#ifndef EA_MANAGE_CONTROL_CLIENT_H
#define EA_MANAGE_CONTROL_CLIENT_H

#include "../base/buf.h"
#include "../base/err.h"

#include <stdint.h>

/* `body` NULL: none. EA_UNREACHABLE: nobody listens. EA_TIMEOUT. Else the agent's own words. */
ea_code ea_control_call(const char *run_dir, const char *method, const char *path, const char *body,
                        int64_t limit_ms, ea_buf *out, ea_err *err) EA_CHECK;

#endif
