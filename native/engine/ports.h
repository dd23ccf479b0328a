/* ports.h - a host port that the agent had picked, and that Docker finds taken when the container is to
 * start: the port is given back, the container is removed, and another one is made with another port.
 * Never two at a time: the new one is asked for once the removal of the old one was answered. A port
 * that the task definition names is not replaced: its failure is final. Pure.
 * Source: Docker's texts, task-engine.md section 3.4 (HAZARD of the race until Docker publishes). */
#ifndef EA_ENGINE_PORTS_H
#define EA_ENGINE_PORTS_H

#include "turn.h"

/* True when `text` (of a failed create or start, or State.Error; may be NULL) says that a port which
 * the agent picked for this container is taken, and another is to be tried: it was given back. */
bool ea_ports_clash(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                    const char *text);
/* Answer to the removal of the container that had the port. */
void ea_ports_removed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                      const struct ea_event *ev);
/* One stands there, not started, while another one is to be made: the one that had the port, or one of
 * a create whose answer never came; which port that one has cannot be told, so it goes as well. */
void ea_ports_found(struct ea_task *t, struct ea_container *c);
/* Ports that were found taken count as free again after a while. */
void ea_ports_expire(struct ea_turn *turn);

#endif
