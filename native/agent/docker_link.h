/* docker_link.h - keeps in touch with the Docker Engine: version, event stream, and after each gap the
 * list of our containers, told to the engine as DOCKER_UP and DOCKER_DOWN.
 * Thread: loop. Knows: order of the steps, backoff. Does not know: tasks. */
#ifndef EA_AGENT_DOCKER_LINK_H
#define EA_AGENT_DOCKER_LINK_H

#include "agent.h"

struct ea_docker_link *ea_docker_link_start(ea_agent *ag);
void ea_docker_link_stop(struct ea_docker_link *l); /* no more steps; NULL is fine */
void ea_docker_link_free(struct ea_docker_link *l); /* after the loop ended; NULL is fine */
bool ea_docker_link_is_up(const struct ea_docker_link *l);

#endif
