/* container_call.h - calls of the ECS API that containers ask for through the metadata endpoint: tags with the
 * instance's credentials, task protection with the task's own (control-plane.md sections 1.9 and 1.10).
 * Thread: loop. Knows: the time limit. Does not know: routes, bodies. The two functions fit ea_serve_source. */
#ifndef EA_AGENT_CONTAINER_CALL_H
#define EA_AGENT_CONTAINER_CALL_H

#include "../serve/serve.h"

void *ea_container_call(void *agent, const char *operation, ea_str body,
                        const struct ea_creds *creds, ea_serve_replied *done, void *done_ctx,
                        ea_err *err);
void ea_container_call_drop(void *agent, void *call);

#endif
