/* observe.h - what Docker says, by answers, events and inspection, becomes what is known. Pure.
 * Source: task-engine.md sections 1.3, 1.6, 2.3, 2.4.
 *
 * Two rules keep late, early, doubled and lost messages harmless: an event never changes a state by
 * itself, it only makes the engine look; and an answer of unknown outcome (time limit, Docker gone)
 * is cleared up by a look before anything is repeated. */
#ifndef EA_ENGINE_OBSERVE_H
#define EA_ENGINE_OBSERVE_H

#include "turn.h"

void ea_observe_result(struct ea_turn *turn, const struct ea_event *ev);
void ea_observe_docker(struct ea_turn *turn, const struct ea_event *ev);
/* One inspected container. Facts of another Docker id than the container's own are ignored. */
void ea_observe_facts(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                      const struct ea_docker_facts *f);
/* Docker answered definitely that the container does not exist any more. */
void ea_observe_vanished(struct ea_turn *turn, struct ea_task *t, struct ea_container *c);
/* May a container of Docker with another id and our labels take this one's place? Names are unique
 * at Docker, so its own is gone by then, or it never had one. Below CREATED an id was only read off a
 * list: it may be of one that somebody removed since. */
bool ea_observe_may_adopt(const struct ea_container *c);
/* Copies what Docker says beside the state: times, ports, networks, mounts, health. */
void ea_observe_metadata(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                         const struct ea_docker_facts *f);

#endif
