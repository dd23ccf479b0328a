/* docker_event.h - the engine's event stream: reopened by itself, resumed where it broke.
 * Thread: loop. Knows: /events, reconnecting, decoding. Does not know: tasks, what follows from an
 * event. Source: task-engine.md section 2.3; Docker Engine API, GET /events (SystemEvents). */
#ifndef EA_DOCKER_DOCKER_EVENT_H
#define EA_DOCKER_DOCKER_EVENT_H

#include "../model/docker_facts.h"
#include "docker.h"

typedef struct ea_docker_events ea_docker_events;

struct ea_docker_event {
    ea_docker_action action;
    struct ea_docker_facts facts; /* brief: id, name, labels, state; exit code with EA_DA_DIE */
    int64_t when_ms;              /* wall */
    int64_t when_ns;
};

struct ea_docker_event_handlers {
    /* The receiver may take members of ev->facts and leave it zero. */
    void (*event)(void *ctx, struct ea_docker_event *ev);
    /* The stream broke, or a try to open it failed for the first time; once until `open`. */
    void (*lost)(void *ctx, const ea_err *err);
    /* The stream is open (again). Now is the time to list containers: what happened in a gap longer
     * than the engine's memory of 256 events is not sent again. */
    void (*open)(void *ctx);
};

/* `cluster`: only containers with this cluster label; NULL: all. Copied. Tries for ever, after 100 ms,
 * then doubling up to 5 s. Never calls back from inside. */
ea_docker_events *ea_docker_events_start(ea_docker *dk, const char *cluster,
                                         const struct ea_docker_event_handlers *handlers,
                                         void *ctx);
/* Ends the stream; no callback comes any more. Must be called before ea_docker_free(). NULL is fine. */
void ea_docker_events_stop(ea_docker_events *es);
/* Next try, monotonic by uv_now; 0 while the stream is open or being opened. For the status object. */
int64_t ea_docker_events_retry_in_ms(const ea_docker_events *es);

/* Pure. EA_OK and *wanted false: an event that does not concern us. `out` is zeroed first; the caller
 * frees out->facts. Reads Action/Actor, and the legacy status/id of old engines. */
ea_code ea_docker_event_decode(ea_str line, struct ea_docker_event *out, bool *wanted,
                               ea_err *err) EA_CHECK;

#endif
