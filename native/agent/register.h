/* register.h - RegisterContainerInstance: at the start, with the stored ARN after it, and again when
 * a capability is gained or lost, at most once a minute. Every refusal is a published reason with
 * backoff to 5 min. Source: control-plane.md section 1.3. Thread: loop. */
#ifndef EA_AGENT_REGISTER_H
#define EA_AGENT_REGISTER_H

#include "agent.h"

struct ea_registrar *ea_registrar_start(ea_agent *ag);
void ea_registrar_free(struct ea_registrar *r); /* NULL is fine */
/* Something it depends on changed (Docker, task endpoint, identity): look again. NULL is fine. */
void ea_registrar_kick(struct ea_registrar *r);
bool ea_registrar_registered(const struct ea_registrar *r); /* in this process */

#endif
