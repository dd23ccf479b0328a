/* agent.h - the whole, wired together: who owns what, in which order it starts and stops.
 * Private to agent/. Thread: loop, but for ea_agent_new and ea_agent_run of the main thread. */
#ifndef EA_AGENT_AGENT_H
#define EA_AGENT_AGENT_H

#include "../acs/acs_session.h"
#include "../aws/ecr.h"
#include "../base/loop.h"
#include "../docker/docker_auth.h"
#include "../docker/docker_event.h"
#include "../engine/engine.h"
#include "../report/tcs_session.h"
#include "../serve/serve.h"
#include "../store/store.h"
#include "capabilities.h"
#include "config.h"
#include "log_file.h"
#include "status.h"

struct ea_agent {
    /* fixed after the start */
    ea_loop *loop;
    ea_config *config;
    char *data_dir, *run_dir, *cluster, *region, *log_file;
    int64_t processors, memory_mib;
    ea_time started;
    ea_rng rng; /* jitter and ids outside the engine */

    /* state; written in turns (turn.c) */
    struct ea_model model;
    ea_status status;
    ea_store *store;
    struct ea_turns *turns;
    ea_list stop_watches; /* stop_watch.c */

    /* Docker (docker_link.c) */
    ea_docker *docker;
    struct ea_docker_link *link;
    ea_engine_auth *registry_auth;
    int64_t last_port;                 /* dynamic host port given last */
    ea_map pulls;                      /* image_pulls.c: what is being pulled */
    ea_map looks;                      /* run_image.c: what is being looked for */
    ea_map image_env;                  /* image as written -> ea_strlist *, of the last inspect */
    char *docker_root, *cgroup_driver; /* as the engine said last; NULL not told */
    bool cgroup_v2;
    ea_strlist
        groups_left; /* task_limits.c: control groups of stopped tasks that were still in use */
    ea_strlist volume_plugins;
    const struct ea_gmsa_os *gmsa; /* what gMSA needs of Windows; tests put another in its place */
    struct ea_taskres *resources;  /* task_resources.c; NULL: nothing fetched yet */
    struct ea_metrics_watch *metrics; /* metrics_watch.c; NULL: nothing watched yet, or ever */
    ea_strlist docker_versions;       /* for the capability attributes */
    char *docker_version, *docker_api;

    /* AWS (identity.c, register.c) */
    ea_net *net;
    ea_imds *imds;
    ea_cred_chain *creds;
    ea_aws *ecs;
    ea_ecr *ecr; /* logins of image registries (image_login.c) */
    ea_poll_endpoint *poll;
    struct ea_identity *identity;
    struct ea_registrar *registrar;
    struct ea_caps caps;
    ea_acs *acs;
    ea_tcs *tcs;
    bool connected_once;

    /* serving (serve/, listeners.c, task_endpoint.c) */
    ea_serve *serve;
    struct ea_endpoint *endpoint;
    bool task_role_proven;
    ea_timer *listen_timer; /* for a port that is taken */
    int64_t listen_ms;
    bool creds_listens, introspection_listens, ports_looked_at; /* the last: now, on the pool */

    const char *const *env; /* of the process; borrowed */
    int exit_code;
    ea_err exit_reason; /* when exit_code is not 0 */
    bool stopping;
};

typedef struct ea_agent ea_agent;

/* Reads settings, locks the data directory, opens the store, loads the model. On failure *exit_code
 * is 5 when an operator must act (settings, data directory, another cluster), else 1. */
ea_code ea_agent_new(const char *const *env, ea_agent **out, int *exit_code, ea_err *err) EA_CHECK;
/* Runs until ea_agent_stop(); returns the exit code. */
int ea_agent_run(ea_agent *ag);
void ea_agent_stop(
    void *agent); /* any thread or signal handler context of plat: posts to the loop */
void ea_agent_free(ea_agent *ag);

/* Steps in the order of the start; each calls the next when it is done. */
void ea_agent_identified(ea_agent *ag); /* identity.c: region, instance id and settings are known */
void ea_agent_docker_up(ea_agent *ag);  /* docker_link.c: first answer of the engine */
void ea_agent_registered(ea_agent *ag); /* register.c: ARN in model.meta */
void ea_agent_caps_changed(
    ea_agent *ag); /* docker version or task endpoint changed: promise anew */

/* {"state":...}: see agent_status.c */
void ea_agent_status_json(void *agent, ea_buf *out);

#endif
