/* turn.h - events -> engine -> one commit -> effects. Nothing leaves before it is on disk: a failed
 * commit withholds the effects, says why, and is tried again; events wait meanwhile.
 * Thread: loop. */
#ifndef EA_AGENT_TURN_H
#define EA_AGENT_TURN_H

#include "agent.h"

struct ea_turns *ea_turns_new(ea_agent *ag);
void ea_turns_free(struct ea_turns *t); /* events that wait are dropped; NULL is fine */
/* Members of *ev are taken. The turn runs later on the loop, together with what else has come. */
void ea_turn_post(ea_agent *ag, struct ea_event *ev);
/* Last commit at the stop. With `stopping` set right after it, no effects leave any more: what is in
 * the queue is found again at the next start. */
void ea_turns_flush(ea_agent *ag);

#endif
