/* docker.h - the Docker Engine as the agent sees it: address, API version, requests in flight.
 * Thread: loop. Knows: versions, who waits for his turn. Does not know: tasks, retries.
 * Every call that starts work returns a handle that is valid until its `done` was called. None fails
 * at once: an invalid argument comes through `done` as well. `done` is called exactly once, on the
 * loop, never from inside the starting call; after a cancel with EA_CANCELLED. */
#ifndef EA_DOCKER_DOCKER_H
#define EA_DOCKER_DOCKER_H

#include "../base/json.h"
#include "docker_http.h"

#define EA_DOCKER_API_MIN 24 /* minor numbers: 1.24 is the oldest that we speak, */
#define EA_DOCKER_API_MAX 52 /* 1.52 the newest whose answers we know how to read */

typedef struct ea_docker ea_docker;
typedef struct ea_docker_op ea_docker_op;

/* The usual end of a call without a result. */
typedef void ea_docker_done(void *ctx, const ea_err *err);

/* More requests at the same time only wait inside Docker, where those that came later slow down those
 * that came first. How many was measured (tests/bench): fifty stops at once end a sixth later than
 * twelve at a time. A container may use its whole grace period, so a stop's turn has an end: those
 * that ignore the signal delay others by seconds, never by their grace. */
struct ea_docker_options {
    const char *endpoint; /* DOCKER_HOST; copied */
    unsigned heavy_max;   /* creates and starts at the same time; 0: 8  */
    unsigned stops_max;   /* stops in their turn at the same time; 0: 12 */
    int64_t stop_turn_ms; /* a stop that takes longer lets the next one go; 0: 1000 */
    int64_t stream_ms;    /* until a stream without `begin_ms` has its status; 0: 15000 */
};

ea_code ea_docker_new(ea_loop *l, const struct ea_docker_options *options, ea_docker **out,
                      ea_err *err) EA_CHECK;
/* Cancels everything (each `done` still comes, with CANCELLED); the memory goes when the loop has
 * closed the connections. NULL is fine. */
void ea_docker_free(ea_docker *dk);
void ea_docker_cancel(ea_docker_op *op);
size_t ea_docker_in_flight(const ea_docker *dk);
const char *ea_docker_endpoint(const ea_docker *dk);

struct ea_docker_version {
    char *version;     /* "20.10.24" */
    char *api_version; /* newest it speaks, "1.41" */
    char *min_api_version;
    char *os, *arch; /* "windows" "amd64" */
    char *kernel;    /* "6.1.0-18-amd64", "10.0 20348 (20348.1.amd64fre...)" */
};
/* `v`: borrowed, NULL unless EA_OK; members that the engine does not tell are NULL. */
typedef void ea_docker_version_done(void *ctx, const struct ea_docker_version *v,
                                    const ea_err *err);
/* GET /version without a version prefix; from then on calls use max(1.24, MinAPIVersion). Repeat it
 * after each outage: the engine may have been replaced. EA_UNSUPPORTED when there is no version in
 * common. Source: task-engine.md section 2.1. */
ea_docker_op *ea_docker_negotiate(ea_docker *dk, int64_t limit_ms, ea_docker_version_done *done,
                                  void *ctx);
/* What the last negotiation said; NULL before the first. Borrowed until the next one. */
const struct ea_docker_version *ea_docker_version(const ea_docker *dk);

/* GET /_ping: EA_OK for any answer, 500 included. */
ea_docker_op *ea_docker_ping(ea_docker *dk, int64_t limit_ms, ea_docker_done *done, void *ctx);

struct ea_docker_info { /* GET /info; members that the engine does not tell are NULL, 0, empty */
    char *os_type, *architecture, *operating_system, *server_version, *storage_driver;
    char *cgroup_version, *cgroup_driver, *isolation, *logging_driver;
    char *root_dir; /* where it keeps images and containers, as its host names it */
    int64_t cpus, memory_bytes;
    ea_strlist security_options;
    struct ea_docker_plugins {
        ea_strlist log, volume;
    } plugins; /* names of drivers */
};
/* `info`: borrowed, NULL unless EA_OK. */
typedef void ea_docker_info_done(void *ctx, const struct ea_docker_info *info, const ea_err *err);
ea_docker_op *ea_docker_info(ea_docker *dk, int64_t limit_ms, ea_docker_info_done *done, void *ctx);

/* --- versions, pure ---------------------------------------------------------------------------- */
/* "1.41" -> 41; -1 when it is not 1.<0..999>. */
int ea_docker_api_minor(const char *version);
/* Minor to use for calls; -1 when there is none in common. */
int ea_docker_api_choose(int engine_min, int engine_max);
/* Versions X of the attributes `com.amazonaws.ecs.capability.docker-remote-api.X` for an engine that
 * speaks up to `engine_max`; the strings are static, `out` gets at most `max`, the answer is how many.
 * A payload that asks for an older version than we speak is served by ours. */
size_t ea_docker_api_capabilities(int engine_max, bool windows, const char **out, size_t max);

/* --- for the other files of docker/ ------------------------------------------------------------ */
typedef enum ea_docker_lane {
    EA_LANE_NONE,  /* goes at once */
    EA_LANE_HEAVY, /* creates and starts */
    EA_LANE_STOP,
    EA_LANES
} ea_docker_lane;

struct ea_docker_request {
    struct ea_dhttp_params
        http;            /* http.path without the version prefix, "/containers/json?all=1" */
    int api;             /* wanted minor; 0: the negotiated one; never below that */
    ea_docker_lane lane; /* in which it waits for its turn; the time limit starts when it is sent */
    bool bare;           /* no version prefix */
};
ea_docker_op *ea_docker_request(ea_docker *dk, const struct ea_docker_request *rq,
                                ea_dhttp_done *done, void *ctx);
/* From inside `done` of `op`: the same handle goes on with another request. */
void ea_docker_request_next(ea_docker_op *op, const struct ea_docker_request *rq,
                            ea_dhttp_done *done, void *ctx);
/* A request whose answer nobody reads. `path`: NULL when rq->http.path is set; its failure is told. */
struct ea_buf;
ea_docker_op *ea_docker_plain(ea_docker *dk, struct ea_docker_request *rq,
                              const struct ea_buf *path, ea_docker_done *done, void *ctx);
/* An answer that could not be read: EA_PROTOCOL, "<what> from Docker: ...". Returns err->code. */
ea_code ea_docker_garbled(ea_err *err, const char *what);
/* An op that fails: `done` comes later with *err (copied). */
ea_docker_op *ea_docker_fail(ea_docker *dk, const ea_err *err, ea_dhttp_done *done, void *ctx);
/* Aborts with another code and text than CANCELLED. */
void ea_docker_abort(ea_docker_op *op, const ea_err *why);
ea_loop *ea_docker_loop(const ea_docker *dk);

/* Adds an id, a name or an image reference as one path piece; slashes, colons and @ are kept as the
 * API wants them, everything that could end the path is escaped. */
void ea_docker_add_ref(struct ea_buf *b, const char *ref);

#endif
