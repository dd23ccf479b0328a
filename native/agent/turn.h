/* turn.h - events -> engine -> one commit -> effects. Nothing leaves before it is on disk: a failed
 * commit withholds the effects, says why, and is tried again; events wait meanwhile.
 * Thread: loop.
 *
 * A commit that lets nothing out may wait up to EA_COMMIT_WAIT_MS for the next one. Turns that only
 * remember (a report was accepted) or only look have no effects but wake-ups and questions to Docker,
 * which change nothing outside; a third of all commits was theirs. Why a crash in that time loses nothing:
 * - Whatever such turns took in, they could always lose, by a crash between the event and the end of
 *   its commit. The engine, and the one who sent the event, live with that: an answered report is
 *   told again, a container is looked at again. The wait makes that time longer and adds no case.
 * - Nothing outside depends on what waits: an effect of a later turn commits everything before it
 *   leaves, in the order of the events, for one transaction takes all that is dirty.
 * - Messages that want an acknowledgement have one as an effect, and are committed at once.
 * The stop of the agent commits what waits. tests/sim follows the same rule (ea_effects_may_wait),
 * so that its crashes fall into the wait as well. */
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
