/* local.h - the local control plane as a whole: what its parts share.
 * Thread: loop. One port on a loopback address serves all of it, told apart by path:
 *   POST /                      Amazon ECS API, AWS JSON 1.1; CloudWatch's reading calls (Query, JSON
 *                               1.0); STS GetCallerIdentity; parts of Secrets Manager, Systems
 *                               Manager and Amazon ECR
 *   GET  /acs/ws, /tcs/ws       websockets of agents
 *   /latest/...                 instance metadata (IMDSv2)
 *   GET  /local/v1/...          status of this program itself, unsigned */
#ifndef EA_LOCAL_LOCAL_H
#define EA_LOCAL_LOCAL_H

#include "../base/loop.h"
#include "../net/http_server.h"
#include "local_auth.h"
#include "local_creds.h"
#include "state.h"

struct ea_lc_acs;
struct ea_lc_tcs;
struct ea_lc_services;
struct ea_lc_vault;
struct ea_lc_metrics;

typedef struct ea_local_options { /* all borrowed for the call that takes them */
    const char *data_dir;
    const char *region, *account;
    const char *bind; /* an address of 127.0.0.0/8 */
    unsigned port;    /* 0: the system picks one */
    const char
        *public_url; /* how agents reach it when something stands in front; NULL: as they came */
    const char *operator_id, *operator_secret; /* NULL: made once and kept */
    const char *clusters; /* comma separated names made at start when missing; NULL none */
    bool create_clusters; /* registration in an unknown cluster makes it */
    /* A real registry that plays Amazon ECR: its address with scheme (NULL: the account's own name),
     * and the password that it takes from user AWS (NULL: none is played). */
    const char *registry_url, *registry_password;
    int64_t heartbeat_ms;    /* of ACS and TCS; 0: 30 s */
    int64_t redeliver_ms;    /* unacknowledged messages are sent again after this; 0: 20 s */
    int64_t credentials_ms;  /* life of task-role credentials; 0: 1 h */
    int64_t keep_stopped_ms; /* stopped tasks are forgotten after this; 0: 1 h */
    int64_t metric_period_s; /* of tests that cannot wait a minute for a point; 0: 60 */
} ea_local_options;

typedef struct ea_local {
    ea_loop *loop;
    ea_http_server *server;
    ea_http_listener *listener;
    ea_lc_state state;
    ea_lc_creds creds;
    ea_lc_auth auth;
    struct ea_lc_acs *acs;
    struct ea_lc_tcs *tcs;
    struct ea_lc_services *services;
    struct ea_lc_vault *vault; /* secrets and parameters; memory only; NULL: none yet */
    struct ea_lc_metrics *metrics;
    char *data_dir, *bind, *public_url;
    char *registry_url, *registry_password; /* see the options */
    char *instance_id; /* EC2 instance that IMDS tells about; kept in the state */
    int64_t born_ms;   /* when it was first started */
    uint16_t port;
    bool create_clusters;
    int64_t heartbeat_ms, redeliver_ms, credentials_ms, keep_stopped_ms;
    ea_timer *sweep; /* next forgetting of a stopped task */
    ea_timer *point; /* end of the open period of metrics */
    int64_t started_ms;
} ea_local;

/* Opens state and port and serves from then on. EA_BUSY: another process has the data directory. */
ea_code ea_local_start(ea_local *lc, ea_loop *loop, const ea_local_options *options,
                       ea_err *err) EA_CHECK;
/* Ends sessions and connections, then calls done, later on the loop; ea_local_free() after that. */
void ea_local_stop(ea_local *lc, void (*done)(void *ctx), void *ctx);
void ea_local_free(ea_local *lc);

/* "http://127.0.0.1:4580" as the request came, or the public URL; without a slash at the end. */
void ea_local_base_url(const ea_local *lc, const ea_http_request *req, ea_buf *out);
/* Commits what was touched, then lets sessions send what follows from it. */
ea_code ea_local_commit(ea_local *lc, ea_err *err) EA_CHECK;
/* Commit for callers without anybody to answer: a failure is logged, the change stays for the next. */
void ea_local_commit_quietly(ea_local *lc);
/* A stopped task is to be forgotten some day: arms the timer. */
void ea_local_plan_sweep(ea_local *lc);

#endif
