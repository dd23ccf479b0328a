/* room.h - room on the disk where Docker keeps images: when images have to go although they are young,
 * and pulls that wait for that. Pure. Ours; the reference has clean-up by age alone.
 *
 * Two things press for room: the disk is used up to the high watermark, or a pull finds that its image
 * does not fit. Then unused images go, the least lately used first and whatever their age, one by one with
 * a look at the disk after each, until the low watermark is reached and waiting pulls have what they need.
 * Those that are not the agent's own follow, if the operator wants that (untracked.h).
 * This holds for every pull behaviour. Excluded and used images stay; nothing goes while clean-up is
 * switched off. A pull for which nothing could be removed fails with the words of its first failure. */
#ifndef EA_ENGINE_ROOM_H
#define EA_ENGINE_ROOM_H

#include "turn.h"

/* Asks for a look at the disk unless one is under way; the answer comes to ea_room_result(). */
void ea_room_ask(struct ea_turn *turn);
/* The answer to a look; false when the op is none of ours. */
bool ea_room_result(struct ea_turn *turn, const struct ea_event *ev);
/* The pull of `c` found no room (its doubt says so). True: it waits for images to be removed. */
bool ea_room_wait(struct ea_turn *turn, const struct ea_task *t, struct ea_container *c,
                  const struct ea_event *ev);
/* True while the pull of `c` waits. */
bool ea_room_waits(const struct ea_model *m, const struct ea_container *c);
/* Called for a container that does not wait (any more). True once after a wait in which nothing was
 * removed: trying again would meet the same disk. */
bool ea_room_lacks(const struct ea_model *m, struct ea_container *c);
/* Removes the next image if there is pressure. True when the pressure has ended since nothing is left to
 * remove: waiting pulls have to be looked at again. */
bool ea_room_press(struct ea_turn *turn);

#endif
