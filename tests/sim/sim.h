/* sim.h - a simulated world around the real engine: one 64-bit seed, one world, the same every time.
 * Docker, control plane, store and clock are simulated; model and engine are the production code.
 * Design: design.md sections 3 and 7. */
#ifndef EA_SIM_H
#define EA_SIM_H

#include "aws/session_policy.h"
#include "engine/engine.h"
#include "report/publish_queue.h"

#include <stdio.h>

enum {
    SIM_TASKS = 12,
    SIM_CONTAINERS = 5,
    SIM_DOCKER_MAX = 256,
    SIM_TEXT = 512,
    LINK_TRIES = 40 /* attempts a minute: far above what the backoff allows, far below a spin */
};

struct sim;

/* --- time: a queue of things to happen ------------------------------------------------------ */
struct item {
    int64_t at_ms;
    uint64_t seq; /* ties break in order of planning */
    void (*fn)(struct sim *s, struct item *it);
    unsigned life; /* the agent's life it is meant for; 0 any */
    int64_t a, b;
    void *p; /* owned by whoever planned it; fn frees it */
    void (*drop)(void *p);
};

/* --- what a world is made of ------------------------------------------------------------------ */
struct profile {           /* how one container behaves */
    int64_t exit_after_ms; /* -1: runs until it is stopped */
    int64_t exit_code;
    int64_t term_ms;   /* from SIGTERM to its end; above the grace it is killed */
    int64_t health_ms; /* after a start until healthy; -1 never */
    int64_t mute_ms;   /* from its first start on Docker cannot describe it for so long */
    unsigned deaf;     /* so many stops are answered and have no effect */
    bool start_fails, image_missing, image_local, pull_broken, volume_busy;
    bool flaps;        /* its health changes every now and then */
    bool oom;          /* its own end is the kernel's doing */
    bool stale_start;  /* the look that follows its first start still shows it as created */
    bool image_pulled; /* takes room on Docker's disk */
};

struct plan_container {
    char name[24];
    struct profile p;
    bool essential, has_check, restarts, ignores_zero;
    int64_t period_ms; /* of its restart policy */
    /* the agent's calls for it in this life */
    uint64_t busy_op;
    int busy_kind;
    int64_t lost_ms[16]; /* by kind: when one was last answered "Docker is gone"; 0 never */
    unsigned quick;      /* calls without a pause, in a row */
    unsigned refused_n;  /* starts refused since its host port was somebody else's */
    unsigned refused_life;
    const struct dcontainer *refused;
    int64_t refused_port, refused_ms; /* the last of them */
    ea_cstate seen, wanted;
};

struct plan_task { /* the control plane's view */
    char arn[64];
    char *json_running; /* the task object, wanted RUNNING */
    bool bad;           /* its payload cannot be read */
    bool impossible;    /* it can never run: refused with a reason */
    bool left_out;      /* not in this run of a shrunk world */
    size_t n;
    struct plan_container c[SIM_CONTAINERS];
    bool has_role, needs_exec, fargate;
    unsigned listed; /* in the manifest sent last: 0 not, 1 to stop, 2 running */
    /* what happened */
    bool placed, sent_once, acked, stop_wanted, stop_acked, stop_by_operator;
    bool stored, ends, held;
    int64_t held_ms;    /* since when */
    bool late_creds;    /* credentials came after its end */
    ea_tstate accepted; /* highest level whose acceptance the agent heard in this life */
    size_t accepted_n;  /* containers told by it */
    int64_t sent_ms;
    ea_tstate told; /* highest status that arrived */
    bool told_any, dropped, cleaned;
    ea_cstate c_told[SIM_CONTAINERS];
    uint64_t creds_version;
};

struct dcontainer { /* a container of the simulated Docker */
    bool exists;
    char id[40], name[160], task_arn[64], cname[24];
    int task, container; /* indexes into the plan; -1 foreign */
    ea_cstate state;
    int64_t created_ms, started_ms, finished_ms, exit_code;
    int64_t made_ms; /* simulated time of its creation */
    int64_t port;    /* the host port that the agent picked for it; 0 none */
    bool has_exit, foreign, healthy, unhealthy, start_failed;
    bool ever_healthy, ever_started, ever_ended, ever_ended_well, meddled, unheard, oom, stale,
        late;
    unsigned stray; /* starts that nobody waited for any more */
    char error[64];
    uint64_t run; /* counts starts; an exit planned for an earlier run is void */
    unsigned deaf_calls, agent_runs;
    int64_t mute_until_ms, run_ms; /* run_ms: simulated time of its last start */
};

struct row {
    char arn[64];
    char *json;
};

/* One websocket session of the agent and its peer. */
struct link {
    ea_session_policy policy; /* production code */
    bool busy, open, stalls;
    uint64_t turn; /* counts attempts: what was planned for an earlier one is void */
    uint64_t timer_seq, tries;
    int64_t opened_ms, silent_ms, closing_ms;
    int64_t inactive_ms; /* when it was told so; 0: not, or asked again since */
    int64_t tries_ms[LINK_TRIES];
};

struct chaos { /* chances in thousandths; all zero once faults stop */
    unsigned call_error, call_lost, call_timeout, event_lost, event_twice, commit_fails, crash,
        report_fails, report_lost, report_refused, ack_lost, meddle, outage, slow, bad_copy,
        store_full, plane_away, clock_jump, quit, operator_stop, drain, no_id, late_call,
        crash_between, link_refused, link_inactive, link_drops, link_stalls, link_kick;
};

/* What a run keeps of a world: all of it, or what a failure needs. */
struct spec {
    uint64_t seed;
    unsigned tasks;         /* bit n: task n is kept; 0: all */
    const uint32_t *faults; /* ascending numbers of the faults that happen; NULL: all */
    size_t faults_n;
};

struct sim {
    const struct spec *spec;
    uint32_t faults; /* counts those that were about to happen */
    size_t next_fault;
    ea_rng rng;
    int64_t now_ms, wall0_ms;
    struct item **heap;
    size_t heap_n, heap_cap;
    uint64_t seq, events;
    FILE *trace;
    bool failed;
    char why[SIM_TEXT];
    struct chaos chaos;
    bool calm; /* faults have stopped */

    struct plan_task plan[SIM_TASKS];
    size_t plan_n;
    int64_t plane_seq;
    bool plane_stops_all;
    struct link links[2]; /* ACS, TCS */
    struct telemetry {
        struct ea_publish_queue queue; /* production code */
        ea_map watched;                /* "<task>/<container>" -> anything */
        unsigned ticks;                /* of this life */
        int64_t said, sent;            /* numbers of publishes */
    } telemetry;
    int64_t plane_away_until_ms, store_full_until_ms;
    bool draining;
    int64_t clock_jumps;

    struct dcontainer docker[SIM_DOCKER_MAX];
    size_t docker_n;
    bool docker_up;
    unsigned docker_life; /* counts outages: calls under way die with it */
    bool untracked_cleanup;
    int64_t foreign_first,
        foreign_last;    /* host ports of somebody else, which the agent cannot see */
    int64_t disk_images; /* pulled images that fit on the disk; 0: any number */
    char volumes[64][96];
    size_t volumes_n;
    uint64_t next_id;

    /* store */
    struct row rows[SIM_TASKS * 2];
    size_t rows_n;
    int64_t stored_manifest_seq;
    char *stored_images;

    /* agent process */
    bool agent_up, held, turns_planned, commit_waits, linked;
    int64_t linked_ms; /* when the agent last heard that Docker answers */
    unsigned life;
    struct ea_model m;
    int64_t mono0_ms;
    struct ea_event *queue;
    size_t queue_n, queue_cap;
    struct ea_effects fx;
    int64_t wake_ms;
    ea_pull_behavior pull;
    struct ea_host host;
    bool windows;
    struct {
        char arn[64]; /* task whose secrets this life holds, or is being told */
        uint64_t op;  /* 0: held */
    } fetched[SIM_TASKS * 2];
    size_t fetched_n;
    /* monotony inside one life */
    struct {
        ea_tstate known, desired;
        char arn[64];
    } seen[SIM_TASKS * 2];
    size_t seen_n;
};

/* world.c */
void sim_init(struct sim *s, const struct spec *spec, FILE *trace);
void sim_done(struct sim *s);
struct item *sim_at(struct sim *s, int64_t in_ms, void (*fn)(struct sim *, struct item *));
bool sim_step(struct sim *s); /* false: nothing left */
bool sim_chance(struct sim *s, unsigned thousandths);
bool sim_fault(struct sim *s, unsigned thousandths); /* as a chance; a shrunk world has fewer */
int64_t sim_between(struct sim *s, int64_t low, int64_t high);
void sim_log(struct sim *s, const char *fmt, ...) EA_PRINTF(2, 3);
void sim_fail(struct sim *s, const char *fmt, ...) EA_PRINTF(2, 3);
int64_t sim_wall(const struct sim *s);
struct plan_task *sim_plan(struct sim *s, const char *arn);
struct plan_container *sim_plan_container(struct sim *s, const char *arn, const char *name);

/* gen.c: tasks and chances of a world */
void sim_generate(struct sim *s);

/* calls.c: what the agent asks of Docker */
void sim_docker_run(struct sim *s, const struct ea_effect *fx);
void sim_docker_remove_image(struct sim *s, const struct ea_effect *fx);
void sim_docker_survey(struct sim *s, const struct ea_effect *fx);
void sim_docker_remove_untracked(struct sim *s, const struct ea_effect *fx);
void sim_docker_look_at_disk(struct sim *s, const struct ea_effect *fx);

/* docker.c: containers, events, outages */
struct dcontainer *sim_docker_by_id(struct sim *s, const char *id_or_name);
struct ea_docker_facts sim_docker_facts(struct sim *s, const struct dcontainer *d);
void sim_docker_emit(struct sim *s, struct dcontainer *d, ea_docker_action action);
void sim_docker_starts(struct sim *s, struct dcontainer *d);
void sim_docker_ends_in(struct sim *s, struct dcontainer *d, int64_t in_ms, int64_t code);
bool sim_docker_mute(const struct sim *s, const struct dcontainer *d);
void sim_docker_link(struct sim *s); /* the agent connects: list, then events */
void sim_docker_outage(struct sim *s);
void sim_docker_meddle(struct sim *s);
struct dcontainer *sim_docker_of(struct sim *s, const char *arn, const char *name);

/* fetch.c */
void sim_fetch(struct sim *s, const struct ea_effect *fx);
void sim_fetch_forget(struct sim *s, const char *arn);
void sim_fetch_check_create(struct sim *s, const struct ea_effect *fx);

/* plane.c */
void sim_plane_start(struct sim *s);
void sim_plane_connected(struct sim *s); /* the agent opened its session */
void sim_plane_run(struct sim *s, const struct ea_effect *fx);
void sim_plane_stop_all(struct sim *s);
void sim_plane_manifest(struct sim *s);
void sim_plane_operator_stop(struct sim *s);

/* session.c */
void sim_telemetry_start(struct sim *s); /* a new life: what waited is gone */
void sim_telemetry_done(struct sim *s);
void sim_telemetry_watch(struct sim *s, const struct ea_effect *fx);
void sim_telemetry_flush(struct sim *s);
void sim_telemetry_settled(struct sim *s);
void sim_session_start(struct sim *s);
void sim_session_stop(struct sim *s);
void sim_session_kick(struct sim *s);
bool sim_session_open(const struct sim *s); /* the one that brings messages */
void sim_session_check(struct sim *s);
void sim_session_settled(struct sim *s);

/* agent.c */
void sim_agent_start(struct sim *s);
void sim_agent_crash(struct sim *s, const char *where);
void sim_agent_quit(struct sim *s); /* an orderly end: saved, and effects not carried out */
void sim_agent_post(struct sim *s, struct ea_event *ev); /* members taken */

/* check.c */
void sim_check_model(struct sim *s); /* after each turn */
void sim_check_world(struct sim *s); /* after each event */
void sim_check_life(struct sim *s);  /* the agent starts */
/* Docker is about to start it; timely: the agent that asked still waits for the answer. */
void sim_check_start(struct sim *s, const struct dcontainer *d, bool timely);
void sim_check_call(struct sim *s, const struct ea_effect *fx); /* the agent asks Docker */
void sim_check_answer(struct sim *s, const struct ea_event *ev, const char *arn, const char *name);
void sim_check_refused(struct sim *s, const struct dcontainer *d, struct plan_container *p);
void sim_check_volume_gone(struct sim *s, const char *arn, const char *volume, int64_t asked_ms);
void sim_check_stop(struct sim *s, const struct dcontainer *d); /* the agent stops it */
void sim_check_settled(struct sim *s);                          /* faults stopped a while ago */
void sim_check_empty(struct sim *s); /* everything was stopped and cleaned */

/* run.c: one whole world */
struct outcome {
    char why[SIM_TEXT]; /* of a failure */
    uint64_t events;
    int64_t simulated_ms;
    uint32_t faults;
};
bool sim_world(const struct spec *spec, FILE *trace, struct outcome *out); /* false: it failed */

/* shrink.c: the least of a failing world that still fails. `out` owns its list of faults. */
void sim_shrink(uint64_t seed, const char *why, struct spec *out);

#endif
