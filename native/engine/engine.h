/* engine.h - known state towards desired state. One entry: an event in, a changed model and effects
 * out. Pure: no clock, no I/O, no globals; the same model, event and time give the same result.
 * Includes base and model alone. Rules: task-engine.md section 1. */
#ifndef EA_ENGINE_ENGINE_H
#define EA_ENGINE_ENGINE_H

#include "../model/docker_facts.h"
#include "effects.h"

typedef enum ea_ev_kind {
    EA_EV_START,     /* model loaded from the store: mark what is in flight as unknown */
    EA_EV_DOCKER_UP, /* the engine answers (first time or again): `found` = all our containers */
    EA_EV_DOCKER_DOWN,
    EA_EV_PAYLOAD,
    EA_EV_CREDS,
    EA_EV_MANIFEST,
    EA_EV_STOP_VERIFIED, /* TaskStopVerificationAck */
    EA_EV_DOCKER,        /* one line of the event stream */
    EA_EV_RESULT,        /* answer to a numbered effect */
    EA_EV_REPORTED,      /* answer to EA_FX_REPORT */
    EA_EV_TIMER,
    EA_EV_STOP_TASK, /* operator: stop `arn` */
    EA_EV_DRAIN,     /* operator: start nothing new */
} ea_ev_kind;

typedef enum ea_report_outcome {
    EA_REPORT_SENT,  /* accepted */
    EA_REPORT_DROP,  /* InvalidParameterException: never again */
    EA_REPORT_RETRY, /* everything else */
} ea_report_outcome;

struct ea_payload_task {
    struct ea_task *task;       /* taken by the engine; NULL when it was rejected */
    struct ea_creds role, exec; /* members taken; id NULL when absent */
    char *arn;                  /* of a rejected task; NULL when it had none (then only logged) */
    char *error; /* why it was rejected: "UnrecogniedTaskError: Error loading task - ..." */
    /* readable, and not taken since it needs what is not offered: acked all the same */
    bool refused;
};

struct ea_event {
    ea_ev_kind kind;
    /* messages of the control plane */
    char *message_id, *cluster_arn, *instance_arn;
    int64_t seq_num, timeline;
    struct {
        struct ea_payload_task *v;
        size_t n;
    } payload;
    struct {
        char **arn;
        bool *running;
        size_t n;
    } manifest;            /* running: listed as RUNNING */
    ea_strlist arns;       /* STOP_VERIFIED */
    char *arn;             /* CREDS, STOP_TASK, REPORTED: task ARN */
    struct ea_creds creds; /* CREDS; members taken */
    /* Docker */
    struct {
        struct ea_docker_facts *v;
        size_t n;
    } found; /* DOCKER_UP; SURVEY: all, with the time of the end of those that do not run */
    struct {
        struct ea_image_facts *v;
        size_t n;
    } images; /* SURVEY */
    ea_docker_action action;
    struct ea_docker_facts facts; /* DOCKER: id, labels, exit code as far as the event has them;
                                     RESULT: inspect after create, start, stop, inspect, find */
    int64_t event_ms;             /* wall time of the Docker event */
    /* RESULT and REPORTED */
    uint64_t op;
    ea_fx_kind of; /* what was asked */
    ea_err err;    /* code EA_OK: done. TIMEOUT: the limit ran out (outcome unknown).
                             NOT_FOUND: 404. UNREACHABLE: Docker gone (outcome unknown) */
    char *
        error_name; /* reported instead of the step's own name (HostConfigError, ...); may be NULL */
    char *digest, *image_id; /* RESOLVE, PULL */
    bool cached;             /* RESOLVE, PULL: the image is there and a local one is enough; no pull
                                times are to be kept */
    bool absent;  /* PULL: it failed, and no local image has the name; only looked for with
                     pull_dependent_upfront */
    bool no_room; /* PULL: it failed since the disk is full, or since it will not hold the image */
    int64_t need_bytes;            /* with it: so much has to be free; 0 unknown */
    int64_t disk_free, disk_total; /* DISK, and PULL with `no_room`: bytes; total 0 unknown */
    ea_report_outcome outcome;
    ea_tstate level;
};
void ea_event_done(struct ea_event *ev); /* frees members; NULL-safe on all of them */

/* One turn. Changes the model in place, sets task->dirty / meta.dirty and m->gone for the store,
 * appends effects. Takes what the event says is taken (and sets it to zero there). */
void ea_engine_turn(struct ea_model *m, struct ea_event *ev, const ea_time *now,
                    struct ea_effects *fx);

/* Resources held by tasks now (rebuilt from the model; for introspection and invariants). */
struct ea_held {
    int64_t cpu_units, memory_mib;
    size_t tasks, waiting;
};
void ea_engine_held(const struct ea_model *m, struct ea_held *out);
/* True when a live task holds or was given this host port, the host reserves it, or Docker found it
 * taken a while ago: whoever picks a dynamic port (into assigned_host_port, before the CREATE is
 * committed) skips it. `protocol` "udp", else tcp. */
bool ea_engine_port_taken(const struct ea_model *m, const char *protocol, int64_t port);
/* Why a task is where it is, for the operator: "waits for host port 8080", "pulls nginx:1 (attempt
 * 2)", ...; `out` always ends in NUL. */
void ea_engine_explain(const struct ea_model *m, const struct ea_task *t, const ea_time *now,
                       char out[256]);

#endif
