#include "agent.h"

#include "../aws/endpoint.h"
#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "container_call.h"
#include "docker_link.h"
#include "identity.h"
#include "image_pulls.h"
#include "listeners.h"
#include "metrics_watch.h"
#include "register.h"
#include "sessions.h"
#include "stop_watch.h"
#include "task_endpoint.h"
#include "task_limits.h"
#include "task_resources.h"
#include "turn.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

enum {
    EXIT_RETRY = 1,
    EXIT_OPERATOR = 5,
    DRAIN_MS = 600
};

/* ---- before the loop: settings, directories, state ---- */

static char *dir_setting(const ea_config *c, ea_set_id id, ea_path_id fallback)
{
    const char *set = ea_cfg_str(c, id);

    return *set ? ea_strdup(set) : ea_plat_default_path(fallback);
}

static ea_code open_state(ea_agent *ag, ea_err *err)
{
    EA_FREE_AUTO char *db = NULL;

    if (ea_plat_own_dir(ag->data_dir, err))
        return ea_wrap(err, "data directory %s", ag->data_dir);
    if (ea_plat_lock_dir(ag->data_dir, err))
        return ea_wrap(err, "data directory %s", ag->data_dir);
    db = ea_sprintf_dup("%s/ecsagent.db", ag->data_dir);
    if (ea_store_open(db, &ag->store, err))
        return err->code;
    return ea_store_load(ag->store, &ag->model, err);
}

/* Without a setting the stored cluster goes on: user data, where it may have come from, can be out of
 * reach at this start. */
static const char *configured_cluster(const ea_agent *ag)
{
    const char *set = ea_cfg_str(ag->config, EA_CFG_CLUSTER), *stored = ag->model.meta.cluster;

    if (*set)
        return set;
    return stored && ag->model.meta.container_instance_arn ? stored : "default";
}

/* The stored cluster may be a name where the setting has an ARN, or the other way round. */
static ea_code check_cluster(const ea_agent *ag, ea_err *err)
{
    const char *stored = ag->model.meta.cluster, *wanted = configured_cluster(ag);

    if (!stored || !ag->model.meta.container_instance_arn ||
        ea_zstr_eq(ea_cluster_name(stored), ea_cluster_name(wanted)))
        return EA_OK;
    return ea_fail(
        err, EA_SETTINGS,
        "ECS_CLUSTER is %s, but this data directory (%s) belongs to an instance of cluster "
        "%s: set it back, or join the new cluster by Initialize-ECSAgent -Cluster %s -Force",
        wanted, ag->data_dir, stored, wanted);
}

static void read_host(ea_agent *ag)
{
    struct ea_host *h = &ag->model.host;
    int64_t memory = ea_plat_memory_bytes() / (1024 * 1024);

    ag->processors = ea_plat_processors();
    ag->memory_mib = memory - ea_cfg_int(ag->config, EA_CFG_RESERVED_MEMORY);
    h->cpu_units = ag->processors * 1024;
    h->memory_mib = ag->memory_mib > 0 ? ag->memory_mib : 0;
    ea_cfg_i64list(ag->config, EA_CFG_RESERVED_PORTS, &h->reserved_tcp);
    ea_cfg_i64list(ag->config, EA_CFG_RESERVED_PORTS_UDP, &h->reserved_udp);
}

ea_code ea_agent_new(const char *const *env, ea_agent **out, int *exit_code, ea_err *err)
{
    ea_agent *ag = ea_alloc(sizeof(*ag));
    uint64_t seed = 0;

    *exit_code = EXIT_OPERATOR;
    ag->env = env;
    ag->gmsa = ea_plat_gmsa();
    ag->started = ea_now();
    ea_plat_random(&seed, sizeof(seed));
    ea_rng_seed(&ag->rng, seed);
    ea_model_init(&ag->model, ea_rng_u64(&ag->rng));
    if (ea_config_load(env, &ag->config, err))
        goto bad;
    ea_log_file_configure(ag->config);
    ea_config_log_warnings(ag->config);
    ag->data_dir = dir_setting(ag->config, EA_CFG_DATADIR, EA_PATH_DATA_DIR);
    ag->run_dir = dir_setting(ag->config, EA_CFG_RUNDIR, EA_PATH_RUN_DIR);
    ag->log_file = ea_strdup(ea_cfg_str(ag->config, EA_CFG_LOGFILE));
    ea_config_engine(ag->config, &ag->model.settings);
    if (open_state(ag, err)) { /* a full or failing disk may be mended while we try again */
        if (err->code == EA_STORE && !ea_store_is_damage(err))
            *exit_code = EXIT_RETRY;
        goto bad;
    }
    *exit_code = EXIT_RETRY;
    ag->cluster = ea_strdup(configured_cluster(ag)); /* until the identity is known */
    read_host(ag);
    if (ea_loop_new(&ag->loop, err))
        goto bad;
    ea_list_init(&ag->stop_watches);
    ag->turns = ea_turns_new(ag);
    *out = ag;
    return EA_OK;
bad:
    ea_agent_free(ag);
    return err->code;
}

/* ---- modules on the loop ---- */

static const char *env_get(void *ctx, const char *name)
{
    const ea_agent *ag = ctx;
    size_t n = strlen(name);

    for (size_t i = 0; ag->env[i]; i++) {
        if (strncmp(ag->env[i], name, n) == 0 && ag->env[i][n] == '=')
            return ag->env[i] + n + 1;
    }
    return NULL;
}

static void user_agent(char out[256])
{
    char family[64];

    ea_plat_os_family(family, sizeof(family));
    (void)snprintf(out, 256, "ECSTools/%s Amazon ECS Agent - v%s (%s) (%s; %s)", EA_VERSION,
                   EA_WIRE_VERSION, EA_COMMIT, ea_plat_is_windows() ? "windows" : "linux", family);
}

/* The lower-case name goes first, as with curl and Go. NULL: none. */
static const char *proxy(ea_agent *ag, const char *lower, ea_set_id id)
{
    const char *given = env_get(ag, lower), *set = ea_cfg_str(ag->config, id);

    return !ea_zstr_empty(given) ? given : *set ? set : NULL;
}

static ea_code new_net(ea_agent *ag, ea_err *err)
{
    ea_net_config net = { .ca_file = ea_cfg_str(ag->config, EA_CFG_CA_BUNDLE),
                          .machine_roots = true,
                          .proxy_http = proxy(ag, "http_proxy", EA_CFG_HTTP_PROXY),
                          .proxy_https = proxy(ag, "https_proxy", EA_CFG_HTTPS_PROXY),
                          .no_proxy = proxy(ag, "no_proxy", EA_CFG_NO_PROXY) };
    const char *docker = strstr(ea_cfg_str(ag->config, EA_CFG_DOCKER_HOST), "://");

    net.docker_host = docker ? docker + 3 : NULL;
    return ea_net_new(ag->loop, &net, &ag->net, err);
}

static ea_code new_aws(ea_agent *ag, ea_err *err)
{
    const ea_imds_config imds = {
        .endpoint = ea_cfg_str(ag->config, EA_CFG_IMDS_ENDPOINT),
        .disabled = ea_cfg_bool(ag->config, EA_CFG_IMDS_DISABLED),
        .attempts = 3,
        .seed = ea_rng_u64(&ag->rng),
    };
    EA_FREE_AUTO char *shared = ea_plat_default_path(EA_PATH_SHARED_CREDENTIALS);
    const char *profile = ea_cfg_str(ag->config, EA_CFG_CREDENTIAL_PROFILE);
    const ea_cred_config creds = {
        .env = env_get, .env_ctx = ag, .shared_file = shared, .profile = *profile ? profile : NULL
    };

    if (ea_imds_new(ag->net, &imds, &ag->imds, err))
        return err->code;
    return ea_cred_chain_new(ag->net, ag->imds, &creds, &ag->creds, err);
}

/* ---- serving ---- */

static void settings_text(void *ctx, ea_buf *out)
{
    const ea_agent *ag = ctx;

    ea_config_print(ag->config, out);
}

static ea_code operator_stop(void *ctx, const char *arn, ea_err *err)
{
    ea_agent *ag = ctx;
    struct ea_event ev = { .kind = EA_EV_STOP_TASK };

    if (!ea_model_task(&ag->model, arn))
        return ea_fail(err, EA_NOT_FOUND, "no task %s here", arn);
    ev.arn = ea_strdup(arn);
    ea_turn_post(ag, &ev);
    return EA_OK;
}

static void operator_drain(void *ctx)
{
    struct ea_event ev = { .kind = EA_EV_DRAIN };

    ea_turn_post(ctx, &ev);
}

static void operator_repair(void *ctx)
{
    ea_agent *ag = ctx;

    ea_info("repair asked for: the host's set-up is looked at anew");
    ea_listeners_check(ag);
    ea_endpoint_repair(ag->endpoint);
    ea_registrar_kick(ag->registrar);
}

static void rate_limit(const ea_agent *ag, unsigned *steady, unsigned *burst)
{
    ea_str head,
        tail = ea_str_cut(ea_str_of(ea_cfg_str(ag->config, EA_CFG_METADATA_RPS)), ',', &head);
    ea_err err = { 0 };
    int64_t a = 40, b = 60;

    if (ea_str_to_i64(ea_str_trim(head), 1, 1000000, &a, &err) != EA_OK ||
        ea_str_to_i64(ea_str_trim(tail), 1, 1000000, &b, &err) != EA_OK) {
        ea_warn("ECS_TASK_METADATA_RPS_LIMIT must be <steady>,<burst>: 40,60 is used");
        a = 40;
        b = 60;
    }
    *steady = (unsigned)a;
    *burst = (unsigned)b;
}

static void new_serve(ea_agent *ag)
{
    const char *audit_set = ea_cfg_str(ag->config, EA_CFG_AUDIT_LOGFILE);
    EA_FREE_AUTO char *audit =
        *audit_set ? ea_strdup(audit_set) : ea_plat_default_path(EA_PATH_AUDIT_FILE);
    const struct ea_serve_source source = {
        .ctx = ag,
        .model = &ag->model,
        .status_json = ea_agent_status_json,
        .settings_text = settings_text,
        .stop_task = operator_stop,
        .drain = operator_drain,
        .repair = operator_repair,
        .source_allowed = ea_endpoint_source_allowed,
        .usage = ea_metrics_usage,
        .stats = ea_metrics_document,
        .pulling = ea_pulls_describe,
        .call = ea_container_call,
        .drop = ea_container_call_drop,
    };
    struct ea_serve_config config = {
        .audit_file = ea_cfg_bool(ag->config, EA_CFG_AUDIT_DISABLED) ? NULL : audit,
        .version = EA_WIRE_VERSION,
        .hash = EA_COMMIT,
        .audit_max_bytes = ea_log_file_max(ag->config),
        .audit_keep = (unsigned)ea_cfg_int(ag->config, EA_CFG_LOG_MAX_ROLL),
    };

    rate_limit(ag, &config.rps, &config.burst);
    ag->serve = ea_serve_new(ag->loop, &source, &config);
}

static ea_code listen_control(ea_agent *ag, ea_err *err)
{
    EA_FREE_AUTO char *path = NULL;

    if (ea_plat_own_dir(ag->run_dir, err))
        return ea_wrap(err, "run directory %s", ag->run_dir);
    path = ea_plat_control_path(ag->run_dir);
    if (ea_serve_control(ag->serve, path, err))
        return ea_wrap(err, "control channel %s", path);
    return EA_OK;
}

/* ---- steps of the start ---- */

static ea_code start_modules(ea_agent *ag, ea_err *err)
{
    const struct ea_docker_options docker = {
        .endpoint = ea_cfg_str(ag->config, EA_CFG_DOCKER_HOST),
    };
    ea_err why = { 0 };

    if (ea_engine_auth_new(ea_cfg_str(ag->config, EA_CFG_ENGINE_AUTH_TYPE),
                           ea_cfg_str(ag->config, EA_CFG_ENGINE_AUTH_DATA), &ag->registry_auth,
                           &why))
        ea_warn("ECS_ENGINE_AUTH_DATA is not used: images are pulled without credentials",
                EA_S("err", why.text));
    if (new_net(ag, err) || new_aws(ag, err))
        return err->code;
    if (ea_docker_new(ag->loop, &docker, &ag->docker, err))
        return ea_wrap(err, "DOCKER_HOST");
    new_serve(ag);
    if (listen_control(ag, err))
        return err->code;
    ea_listeners_start(ag);
    if (ag->model.settings.task_iam_role && ea_cfg_bool(ag->config, EA_CFG_TASK_ENDPOINT))
        ag->endpoint = ea_endpoint_start(ag);
    ag->identity = ea_identity_start(ag);
    return EA_OK;
}

/* State of another machine (an image made from this one): begin anew. */
static void forget_if_moved(ea_agent *ag)
{
    struct ea_meta *meta = &ag->model.meta;
    const char *now = ag->identity->instance_id;

    if (!now || !meta->ec2_instance_id || strcmp(now, meta->ec2_instance_id) == 0)
        return;
    ea_warn("the state belongs to another EC2 instance and is dropped",
            EA_S("stored", meta->ec2_instance_id), EA_S("now", now));
    EA_LIST_EACH(&ag->model.tasks, node)
    {
        ea_model_remove_task(&ag->model, EA_OWNER(node, struct ea_task, node));
    }
    ea_images_done(
        &ag->model.images); /* here they were part of the machine's image: not ours to remove */
    ag->model.images.dirty = true;
    ea_set_str(&meta->container_instance_arn, NULL);
    ea_set_str(&meta->ec2_instance_id, now);
    meta->manifest_seq = -1;
    meta->dirty = true;
}

static ea_code new_ecs(ea_agent *ag, ea_err *err)
{
    const ea_endpoint_options options = { .override_url =
                                              ea_cfg_str(ag->config, EA_CFG_BACKEND_HOST) };
    EA_FREE_AUTO char *url = NULL;
    char agent_text[256];
    ea_aws_config config = { .region = ag->region,
                             .service = "ecs",
                             .target_prefix = EA_ECS_TARGET_PREFIX,
                             .seed = ea_rng_u64(&ag->rng) };

    if (ea_endpoint_resolve("ecs", ag->region, &options, &url, err))
        return err->code;
    user_agent(agent_text);
    config.endpoint = url;
    config.user_agent = agent_text;
    if (ea_aws_new(ag->net, ag->creds, &config, &ag->ecs, err))
        return err->code;
    ag->ecr = ea_ecr_new(ag->loop, &(ea_ecr_config){ .net = ag->net,
                                                     .creds = ag->creds,
                                                     .user_agent = agent_text,
                                                     .seed = ea_rng_u64(&ag->rng) });
    ag->poll = ea_poll_endpoint_new(ag->ecs, ag->cluster);
    return EA_OK;
}

static void give_up(ea_agent *ag, int exit_code, const ea_err *err)
{
    ea_crit("the agent ends", EA_S("err", err->text), EA_I("exit", exit_code));
    ag->exit_code = exit_code;
    ag->exit_reason = *err;
    ea_agent_stop(ag);
}

void ea_agent_identified(ea_agent *ag)
{
    struct ea_event start = { .kind = EA_EV_START };
    ea_err err = { 0 };

    forget_if_moved(ag);
    ea_config_log_warnings(ag->config);
    ea_config_engine(ag->config, &ag->model.settings); /* user data may have added to them */
    if (check_cluster(ag, &err)) {
        give_up(ag, EXIT_OPERATOR, &err);
        return;
    }
    ea_set_str(&ag->cluster, configured_cluster(ag));
    ea_set_str(&ag->model.meta.cluster, ag->cluster);
    if (new_ecs(ag, &err)) {
        give_up(ag, EXIT_OPERATOR, &err);
        return;
    }
    ea_turn_post(ag, &start);
    ag->link = ea_docker_link_start(ag);
    ag->registrar = ea_registrar_start(ag);
}

void ea_agent_caps_changed(ea_agent *ag)
{
    char family[64];
    ea_err err = { 0 };
    const struct ea_caps_facts facts = {
        .config = ag->config,
        .docker_versions = &ag->docker_versions,
        .volume_plugins = &ag->volume_plugins,
        .cgroup_driver = ag->cgroup_driver,
        .groups_usable = ea_task_limits_usable(ag->config, &err) == EA_OK,
        .task_role_proven = ag->task_role_proven,
        .os_family = family,
        .gmsa = ea_plat_is_windows() ? ag->gmsa : NULL,
    };

    if (err.code)
        ea_debug("tasks get no limits of their own", EA_S("err", err.text));
    ea_plat_os_family(family, sizeof(family));
    ea_caps_build(&facts, &ag->caps);
    ag->model.settings.task_limits = ea_caps_offers(&ag->caps, EA_CAP_TASK_LIMITS);
    ea_registrar_kick(ag->registrar);
}

void ea_agent_docker_up(ea_agent *ag)
{
    ea_set_str(&ag->model.meta.docker_version, ag->docker_version);
    ea_info("Docker Engine answers", EA_S("version", ag->docker_version),
            EA_S("api", ag->docker_api));
    ea_sessions_docker_version(ag);
    ea_endpoint_check(ag->endpoint); /* its network may have come with it */
    ea_agent_caps_changed(ag);
}

void ea_agent_registered(ea_agent *ag)
{
    ea_sessions_start(ag);
}

/* ---- run and stop ---- */

static void stop_on_loop(void *arg)
{
    ea_agent *ag = arg;

    if (ag->stopping)
        return;
    ea_info("the agent stops; containers keep running");
    ea_turns_flush(ag);
    ag->stopping = true;
    ea_sessions_stop(ag);
    ea_docker_link_stop(ag->link);
    ea_stop_watch_end_all(ag);
    ea_listeners_stop(ag);
    ea_serve_close(ag->serve);
    ag->serve = NULL;
    ea_endpoint_free(ag->endpoint);
    ag->endpoint = NULL;
    ea_registrar_free(ag->registrar);
    ag->registrar = NULL;
    ea_sessions_free(ag);
    ea_poll_endpoint_free(ag->poll);
    ea_taskres_free(ag->resources);
    ag->resources = NULL;
    ea_aws_free(ag->ecs);
    ea_ecr_free(ag->ecr);
    ag->ecr = NULL;
    ag->poll = NULL;
    ag->ecs = NULL;
    ea_cred_chain_free(ag->creds);
    ea_imds_free(ag->imds);
    ag->creds = NULL;
    ag->imds = NULL;
    ea_net_free(ag->net);
    ag->net = NULL;
    ea_metrics_stop(ag);
    ea_docker_free(ag->docker);
    ag->docker = NULL;
    ea_loop_stop(ag->loop);
}

void ea_agent_stop(void *agent)
{
    ea_agent *ag = agent;
    ea_err err = { 0 };

    if (ea_loop_post(ag->loop, stop_on_loop, ag, &err))
        ea_debug("stop", EA_S("err", err.text)); /* the loop has ended already */
}

static void start_on_loop(void *arg)
{
    ea_agent *ag = arg;
    ea_err err = { 0 };

    if (start_modules(ag, &err))
        give_up(ag, EXIT_RETRY, &err);
}

int ea_agent_run(ea_agent *ag)
{
    ea_info("the agent starts", EA_S("version", EA_VERSION), EA_S("wire", EA_WIRE_VERSION),
            EA_S("commit", EA_COMMIT), EA_S("data", ag->data_dir), EA_I("pid", ea_plat_pid()));
    ea_loop_defer(ag->loop, start_on_loop, ag);
    ea_loop_run(ag->loop, DRAIN_MS);
    return ag->exit_code;
}

static void free_env_list(void *list)
{
    ea_strlist_free(list);
    ea_free(list);
}

void ea_agent_free(ea_agent *ag)
{
    if (!ag)
        return;
    ea_docker_link_free(ag->link);
    ea_identity_free(ag->identity);
    ea_turns_free(ag->turns);
    ea_loop_free(ag->loop);
    ea_store_close(ag->store);
    if (ag->data_dir)
        ea_plat_unlock_dir(ag->data_dir);
    ea_engine_auth_free(ag->registry_auth);
    ea_map_done(&ag->image_env, free_env_list);
    ea_map_done(&ag->pulls, NULL); /* empty: each has ended with the engine's client */
    ea_map_done(&ag->looks, NULL); /* so have these */
    ea_strlist_free(&ag->docker_versions);
    ea_caps_done(&ag->caps);
    ea_model_done(&ag->model);
    ea_free(ag->docker_version);
    ea_free(ag->docker_api);
    ea_free(ag->docker_root);
    ea_free(ag->cgroup_driver);
    ea_strlist_free(&ag->volume_plugins);
    ea_strlist_free(&ag->groups_left);
    ea_free(ag->data_dir);
    ea_free(ag->run_dir);
    ea_free(ag->cluster);
    ea_free(ag->region);
    ea_free(ag->log_file);
    ea_config_free(ag->config);
    ea_free(ag);
}
