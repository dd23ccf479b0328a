/* engine.h - known state towards desired state. One entry: an event in, a changed model and effects
 * out. Pure: no clock, no I/O, no globals; the same model, event and time give the same result.
 * Includes base and model alone. Rules: task-engine.md section 1. */
#ifndef EA_ENGINE_ENGINE_H
#define EA_ENGINE_ENGINE_H

#include "effects.h"

/* What Docker says of one container (inspect, or a list entry with `brief` set). */
struct ea_docker_facts {
    bool found;  /* false: Docker answered that it does not exist */
    bool brief;  /* only id, labels and state are known */
    char *id, *name, *task_arn, *container_name; /* the last two from its labels */
    ea_cstate state; /* CREATED, RUNNING or STOPPED (task-engine.md section 2.4) */
    ea_opt_i64 exit_code;
    bool oom_killed;
    char *state_error; /* State.Error, NULL when empty */
    char *image_id;
    int64_t created_ms, started_ms, finished_ms; /* wall; 0 unknown */
    struct { struct ea_binding *v; size_t n; } bindings;
    struct { struct ea_network *v; size_t n; } networks;
    struct { struct ea_mount *v; size_t n; } mounts;
    bool has_health;
    struct ea_health_state health;
};
void ea_docker_facts_done(struct ea_docker_facts *f);

typedef enum ea_ev_kind {
    EA_EV_START,         /* model loaded from the store: mark what is in flight as unknown */
    EA_EV_DOCKER_UP,     /* the engine answers (first time or again): `found` = all our containers */
    EA_EV_DOCKER_DOWN,
    EA_EV_PAYLOAD,
    EA_EV_CREDS,
    EA_EV_MANIFEST,
    EA_EV_STOP_VERIFIED, /* TaskStopVerificationAck */
    EA_EV_DOCKER,        /* one line of the event stream */
    EA_EV_RESULT,        /* answer to a numbered effect */
    EA_EV_REPORTED,      /* answer to EA_FX_REPORT */
    EA_EV_TIMER,
    EA_EV_STOP_TASK,     /* operator: stop `arn` */
    EA_EV_DRAIN,         /* operator: start nothing new */
} ea_ev_kind;

typedef enum ea_docker_action {
    EA_DA_CREATE, EA_DA_START, EA_DA_DIE, EA_DA_OOM, EA_DA_HEALTHY, EA_DA_UNHEALTHY,
    EA_DA_DESTROY,
} ea_docker_action;

typedef enum ea_report_outcome {
    EA_REPORT_SENT,  /* accepted */
    EA_REPORT_DROP,  /* InvalidParameterException: never again */
    EA_REPORT_RETRY, /* everything else */
} ea_report_outcome;

struct ea_payload_task {
    struct ea_task *task; /* taken by the engine; NULL when it was rejected */
    struct ea_creds role, exec; /* members taken; id NULL when absent */
    char *arn;            /* of a rejected task; NULL when it had none (then only logged) */
    char *error;          /* why it was rejected: "UnrecogniedTaskError: Error loading task - ..." */
};

struct ea_event {
    ea_ev_kind kind;
    /* messages of the control plane */
    char *message_id, *cluster_arn, *instance_arn;
    int64_t seq_num, timeline;
    struct { struct ea_payload_task *v; size_t n; } payload;
    struct { char **arn; bool *running; size_t n; } manifest; /* running: listed as RUNNING */
    ea_strlist arns;      /* STOP_VERIFIED */
    char *arn;            /* CREDS, STOP_TASK, REPORTED: task ARN */
    struct ea_creds creds; /* CREDS; members taken */
    /* Docker */
    struct { struct ea_docker_facts *v; size_t n; } found; /* DOCKER_UP */
    ea_docker_action action;
    struct ea_docker_facts facts; /* DOCKER: id, labels, exit code as far as the event has them;
                                     RESULT: inspect after create, start, stop, inspect, find */
    int64_t event_ms;     /* wall time of the Docker event */
    /* RESULT and REPORTED */
    uint64_t op;
    ea_fx_kind of;        /* what was asked */
    ea_err err;           /* code EA_OK: done. TIMEOUT: the limit ran out (outcome unknown).
                             NOT_FOUND: 404. UNREACHABLE: Docker gone (outcome unknown) */
    char *digest, *image_id; /* RESOLVE, PULL */
    bool cached;          /* PULL: a local image was enough; no pull times are to be kept */
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
/* Why a task is where it is, for the operator: "waits for host port 8080", "pulls nginx:1 (attempt
 * 2)", ...; `out` always ends in NUL. */
void ea_engine_explain(const struct ea_model *m, const struct ea_task *t, const ea_time *now,
                       char out[256]);

#endif
