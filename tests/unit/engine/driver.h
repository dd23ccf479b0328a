/* driver.h - a small world around the engine for unit tests: feeds events, keeps the effects of the
 * last turn, answers what is in flight. */
#ifndef EA_TEST_ENGINE_DRIVER_H
#define EA_TEST_ENGINE_DRIVER_H

#include "engine/engine.h"

enum {
    DRIVER_OPS = 4096
};

struct driver {
    struct ea_model m;
    ea_time now;
    struct ea_effects fx; /* of the last turn */
    ea_fx_kind kind_of[DRIVER_OPS];
    int64_t seq;
};

/* Docker is up, two CPUs and 4 GiB, settings as the defaults of Linux. */
void driver_init(struct driver *d);
void driver_done(struct driver *d);
/* Runs one turn; the event's members are freed. */
void driver_turn(struct driver *d, struct ea_event *ev);
void driver_timer(struct driver *d, int64_t later_ms);
/* One payload: `tasks` is a JSON list as in PayloadMessage.tasks. Tasks that cannot be read become
 * rejected ones, as the dispatcher makes them. */
void driver_payload(struct driver *d, const char *tasks);

/* The first effect of the last turn of this kind (for this container, unless NULL), or NULL. */
const struct ea_effect *driver_effect(const struct driver *d, ea_fx_kind kind,
                                      const char *container);
size_t driver_count(const struct driver *d, ea_fx_kind kind);
struct ea_task *driver_task(const struct driver *d, const char *arn);
struct ea_container *driver_container(const struct driver *d, const char *arn, const char *name);

/* Answers what the container has in flight: with success ... */
void driver_ok(struct driver *d, const char *arn, const char *container);
/* ... with success and these facts (members taken) ... */
void driver_ok_facts(struct driver *d, const char *arn, const char *container,
                     struct ea_docker_facts *facts);
/* ... or with an error. */
void driver_fail(struct driver *d, const char *arn, const char *container, ea_code code,
                 const char *text);
void driver_reported(struct driver *d, const char *arn, ea_report_outcome outcome);
/* The container's op is for this kind of effect; fails the test otherwise. */
void driver_expect(const struct driver *d, const char *arn, const char *container, ea_fx_kind kind);
/* Answers with success until the container runs. */
void driver_run(struct driver *d, const char *arn, const char *container);
void driver_exit(struct driver *d, const char *arn, const char *container, int64_t exit_code);
void driver_event(struct driver *d, const char *arn, const char *container,
                  ea_docker_action action);
struct ea_docker_facts driver_facts(const struct driver *d, const struct ea_task *t,
                                    const struct ea_container *c, ea_cstate state,
                                    int64_t exit_code);
void driver_stop(struct driver *d, const char *arn); /* payload that wants it STOPPED */
/* Crash and start: rows are written and read again, everything else is forgotten. */
void driver_crash(struct driver *d);

#define DRIVER_ONE                                                                                 \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"family\":\"web\",\"version\":\"3\","     \
    "\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1\",\"essential\":true}]}]"

#endif
