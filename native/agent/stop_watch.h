/* stop_watch.h - how a container ends while it is being stopped, as the event stream tells it.
 * Thread: loop. Knows: the events of containers whose stop is under way. Does not know: tasks, what
 * follows from an end.
 *
 * After a stop the engine wants exit code and time of the end. The `die` event has both, and the
 * Docker Engine sends it when it answers the stop; an inspect would have to wait until the engine has
 * also taken the container's network apart, some ten milliseconds under its lock. So the event is the
 * answer where it says all that an inspect would, and Docker is asked where it does not:
 * - no event within STOP_EVENT_MS: the container had ended before, or the stream is down;
 * - the container publishes ports: the wait for the lock is needed, else its ports would be given to
 *   the next task while Docker still holds them;
 * - it may not have run (a start of unknown outcome), it ran out of memory at any time, or its exit
 *   code can stand for a kill by the kernel or for an error of the engine: an inspect tells the cause;
 * - it was started again after the event, or the event is older than the stop: not its end.
 * Source: Docker Engine API, POST /containers/{id}/stop (ContainerStop), GET /events (SystemEvents);
 * the order of event, answer and clean-up was read in moby daemon/monitor.go and seen. */
#ifndef EA_AGENT_STOP_WATCH_H
#define EA_AGENT_STOP_WATCH_H

#include "agent.h"

enum {
    STOP_EVENT_MS = 300
};

typedef struct ea_stop_watch ea_stop_watch;
/* Once, on the loop, never from inside ea_stop_watch_answer(). `end`: members may be taken; NULL: ask
 * Docker. The watch is gone then. */
typedef void ea_stop_watch_done(void *ctx, struct ea_docker_facts *end);

/* Before the stop is sent. NULL: this container's end has to be asked for. */
ea_stop_watch *ea_stop_watch_begin(ea_agent *ag, const struct ea_container *c);
/* The stop was carried out: `done` follows with the event, or at the latest after STOP_EVENT_MS. */
void ea_stop_watch_answer(ea_stop_watch *w, ea_stop_watch_done *done, void *ctx);
/* The stop failed; nothing follows. NULL is fine. */
void ea_stop_watch_drop(ea_stop_watch *w);
/* Every event of the stream; *ev is only read. */
void ea_stop_watch_event(ea_agent *ag, const struct ea_docker_event *ev);
/* At the stop of the agent: those that wait for an event are told to ask Docker. */
void ea_stop_watch_end_all(ea_agent *ag);

#endif
