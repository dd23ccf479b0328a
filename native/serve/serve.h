/* serve.h - the agent's own HTTP servers: credentials and metadata for tasks, introspection for
 * operators, the control channel for the cmdlets. They listen before the registration; credentials
 * that have not come yet are answered by 503.
 * Thread: loop. Knows: listeners, routes, limits, audit. Does not know: how the model changes. */
#ifndef EA_SERVE_SERVE_H
#define EA_SERVE_SERVE_H

#include "../base/buf.h"
#include "../base/loop.h"
#include "../model/model.h"
#include "../plat/hostnet.h"

typedef struct ea_serve ea_serve;

/* The newest statistics of a container, as the engine told them. */
struct ea_stats_document {
    ea_str json; /* one object; borrowed until the next turn of the loop */
    bool has_rates;
    double rx_per_s, tx_per_s; /* bytes, of all its networks */
};
typedef enum ea_stats_state {
    EA_STATS_UNWATCHED, /* nobody samples the container */
    EA_STATS_NONE,      /* nothing was told yet */
    EA_STATS_LATER,     /* asked for now; ea_serve_stats_came() follows */
    EA_STATS_HERE,
} ea_stats_state;

/* What the ECS API said to a call for a container; borrowed for the callback. */
struct ea_serve_reply {
    const ea_err *err; /* EA_OK: `body` is its JSON */
    ea_str body;
    int status; /* of a refusal; 0: no answer came */
    const char *code, *message, *request_id;
};
typedef void ea_serve_replied(void *ctx, const struct ea_serve_reply *r);

/* What the servers ask their owner for. */
struct ea_serve_source {
    void *ctx;
    const struct ea_model *model; /* borrowed; outlives the servers */
    /* Whole objects of the control channel and of /v1/status. */
    void (*status_json)(void *ctx, ea_buf *out);
    void (*settings_text)(void *ctx, ea_buf *out);
    /* EA_NOT_FOUND: no such task. */
    ea_code (*stop_task)(void *ctx, const char *arn, ea_err *err);
    void (*drain)(void *ctx);
    void (*repair)(void *ctx); /* look at the host's set-up now */
    /* May a request from this address use the task endpoint? Local addresses and bridge subnets. */
    bool (*source_allowed)(void *ctx, const char *peer);
    /* What a container uses now: percent of the whole machine, negative while unknown; whole MiB.
     * False: not known. NULL: nobody knows. */
    bool (*usage)(void *ctx, const char *docker_id, double *cpu_percent, int64_t *memory_mib);
    /* `out` is written for EA_STATS_HERE alone. NULL: nobody samples. */
    ea_stats_state (*stats)(void *ctx, const char *docker_id, struct ea_stats_document *out);
    /* Adds what a container's pull is at: "pulling nginx:1: 3 of 7 layers, 41 of 120 MiB". False: it
     * waits for none. NULL: nobody knows. */
    bool (*pulling)(void *ctx, const char *task_arn, const char *container, ea_buf *out);
    /* A call of the ECS API that takes 4 s at most, signed with `creds`, or as the instance when NULL; body and
     * credentials are copied. `done` once, later, on the loop. NULL with *err: it could not be made. The pointer
     * itself may be NULL: nobody calls. */
    void *(*call)(void *ctx, const char *operation, ea_str body, const struct ea_creds *creds,
                  ea_serve_replied *done, void *done_ctx, ea_err *err);
    void (*drop)(void *ctx, void *call); /* `done` is never called */
};

struct ea_serve_config {
    unsigned rps, burst;        /* ECS_TASK_METADATA_RPS_LIMIT */
    const char *audit_file;     /* NULL: no audit; copied */
    const char *version, *hash; /* for /v1/metadata; copied */
    int64_t audit_max_bytes;    /* at which the audit file rolls */
    unsigned audit_keep;        /* rolled files kept */
};

ea_serve *ea_serve_new(ea_loop *loop, const struct ea_serve_source *source,
                       const struct ea_serve_config *config);
void ea_serve_close(ea_serve *s); /* frees itself when the connections are gone; NULL is fine */
/* Statistics that were not there are now: requests that wait for them are looked at again. A request
 * waits for at most 3.5 s, then it is told that there are none. NULL is fine. */
void ea_serve_stats_came(ea_serve *s);

/* Each may be called again after a failure; a second success is an error of the caller. */
ea_code ea_serve_credentials(ea_serve *s, ea_err *err) EA_CHECK;   /* 127.0.0.1:51679 */
ea_code ea_serve_task_endpoint(ea_serve *s, ea_err *err) EA_CHECK; /* 169.254.170.2:80 */
void ea_serve_drop_task_endpoint(ea_serve *s); /* the address went away: listen anew */
ea_code ea_serve_introspection(ea_serve *s, const char *address, ea_err *err) EA_CHECK;
/* A unix socket path or a pipe name. */
ea_code ea_serve_control(ea_serve *s, const char *path, ea_err *err) EA_CHECK;

#endif
