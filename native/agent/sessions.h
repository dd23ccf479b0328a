/* sessions.h - the two connections to the control plane, ACS and TCS, wired to the engine, Docker and
 * the status. Thread: loop. */
#ifndef EA_AGENT_SESSIONS_H
#define EA_AGENT_SESSIONS_H

#include "agent.h"

void ea_sessions_start(ea_agent *ag);          /* once registered */
void ea_sessions_docker_version(ea_agent *ag); /* it became known or changed */
void ea_sessions_stop(ea_agent *ag);           /* close frames */
void ea_sessions_free(ea_agent *ag);

#endif
