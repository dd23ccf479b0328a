/* main.c - ecslocal: arguments, signals, and the loop's life. */
#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "api_ecr.h"
#include "api_shapes.h"
#include "api_vault.h"
#include "cw_shapes.h"
#include "local.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_PORT    51670
#define DEFAULT_REGION  "us-west-2"
#define DEFAULT_ACCOUNT "000000000000"
#define PID_FILE        "ecslocal.pid"
#define FINISH_MS       5000

static const char usage[] =
    "ecslocal: Amazon ECS control plane for one machine: ECS API, agent sessions, instance "
    "metadata\n"
    "  --data-dir DIR        state, created when missing (default: the machine's own place)\n"
    "  --port N              TCP port, 0 for any (51670)\n"
    "  --bind ADDRESS        loopback address (127.0.0.1)\n"
    "  --region NAME         (us-west-2)\n"
    "  --account DIGITS      (000000000000)\n"
    "  --cluster A,B         clusters made at start when missing\n"
    "  --known-clusters-only registration in an unknown cluster is refused, as AWS does\n"
    "  --public-url URL      what agents are told to connect to, when something stands in front\n"
    "  --registry URL        registry that plays Amazon ECR (the account's own name)\n"
    "  --heartbeat-s N       of agent sessions (30)\n"
    "  --redeliver-s N       unacknowledged messages are sent again after this (20)\n"
    "  --credentials-s N     life of task-role credentials (3600)\n"
    "  --keep-stopped-s N    stopped tasks are forgotten after this (3600)\n"
    "  --log-level LEVEL     crit, error, warn, info, debug (info)\n"
    "  --foreground          accepted; it never detaches by itself\n"
    "  --test-metric-period-s N  seconds between points of metrics, for tests that cannot wait "
    "(60)\n"
    "  --shapes SERVICE      prints the tables of its calls as JSON and ends: cloudwatch, ecr, "
    "ecs,\n"
    "                        secretsmanager, ssm\n"
    "The operator's key pair is ECSLOCAL_ACCESS_KEY_ID and ECSLOCAL_SECRET_ACCESS_KEY of the\n"
    "environment, or one that is made once; GET /local/v1/status tells it.\n"
    "ECSLOCAL_REGISTRY_PASSWORD is what the registry takes from user AWS: with it, logins for "
    "images\n"
    "of Amazon ECR and of --registry are given out by ecr GetAuthorizationToken.\n";

struct run {
    ea_loop *loop;
    ea_local local;
    bool stopping;
    char *pid_file;
};

/* ---- arguments -------------------------------------------------------------------------------- */

static bool number(const char *text, int64_t min, int64_t max, int64_t scale, int64_t *out)
{
    ea_err err;

    if (!text || ea_str_to_i64(ea_str_of(text), min, max, out, &err))
        return false;
    *out *= scale;
    return true;
}

/* One option with a value; false when it is unknown or its value is unfit. */
static bool take_option(ea_local_options *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **slot;
    } texts[] = {
        { "--data-dir", &o->data_dir },     { "--bind", &o->bind },
        { "--region", &o->region },         { "--account", &o->account },
        { "--cluster", &o->clusters },      { "--public-url", &o->public_url },
        { "--registry", &o->registry_url },
    };
    const struct {
        const char *name;
        int64_t *slot;
    } seconds[] = {
        { "--heartbeat-s", &o->heartbeat_ms },
        { "--redeliver-s", &o->redeliver_ms },
        { "--credentials-s", &o->credentials_ms },
        { "--keep-stopped-s", &o->keep_stopped_ms },
    };
    int64_t port = 0;

    if (!value)
        return false;
    for (size_t i = 0; i < EA_COUNT(texts); i++)
        if (strcmp(texts[i].name, name) == 0)
            return *texts[i].slot = value, true;
    for (size_t i = 0; i < EA_COUNT(seconds); i++)
        if (strcmp(seconds[i].name, name) == 0)
            return number(value, 1, 7 * 24 * 3600, 1000, seconds[i].slot);
    if (strcmp(name, "--test-metric-period-s") == 0)
        return number(value, 1, 3600, 1, &o->metric_period_s);
    if (strcmp(name, "--port") == 0 && number(value, 0, 65535, 1, &port)) {
        o->port = (unsigned)port;
        return true;
    }
    return false;
}

/* False: no such service. */
static bool print_shapes(const char *service)
{
    static const struct {
        const char *name;
        void (*print)(ea_buf *out);
    } rows[] = {
        { "cloudwatch", ea_lc_cw_ops_print }, { "ecr", ea_lc_ecr_print },
        { "ecs", ea_lc_op_shapes_print },     { "secretsmanager", ea_lc_secrets_print },
        { "ssm", ea_lc_ssm_print },
    };
    EA_BUF_AUTO b = EA_BUF(1024 * 1024);

    for (size_t i = 0; service && i < EA_COUNT(rows); i++)
        if (strcmp(rows[i].name, service) == 0) {
            rows[i].print(&b);
            (void)fputs(ea_buf_z(&b), stdout);
            return true;
        }
    return false;
}

/* -1: go on; else the exit code. */
static int read_arguments(int argc, char **argv, ea_local_options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        ea_level level;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return (void)fputs(usage, stdout), 0;
        if (strcmp(argv[i], "--shapes") == 0 && print_shapes(value))
            return 0;
        if (strcmp(argv[i], "--foreground") == 0)
            continue;
        if (strcmp(argv[i], "--known-clusters-only") == 0) {
            o->create_clusters = false;
        } else if (strcmp(argv[i], "--log-level") == 0 && value && ea_level_parse(value, &level)) {
            ea_log_configure(&(ea_log_config){ .level = level });
            i++;
        } else if (take_option(o, argv[i], value)) {
            i++;
        } else {
            (void)fprintf(stderr, "ecslocal: what is '%s%s%s'?\n%s", argv[i], value ? " " : "",
                          value ? value : "", usage);
            return 5;
        }
    }
    return -1;
}

/* A variable of the environment; NULL when it is not set. Borrowed. */
static const char *variable(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------- */

static void on_stopped(void *ctx)
{
    struct run *r = ctx;

    ea_loop_stop(r->loop);
}

static void begin_stop(void *arg)
{
    struct run *r = arg;

    if (r->stopping)
        return;
    r->stopping = true;
    ea_info("stopping");
    ea_local_stop(&r->local, on_stopped, r);
}

/* Any thread. */
static void on_stop_signal(void *arg)
{
    struct run *r = arg;
    ea_err err;

    if (ea_loop_post(r->loop, begin_stop, r, &err))
        return; /* the loop has ended anyway */
}

static void write_pid(struct run *r)
{
    ea_process self = ea_plat_process_self();
    char text[64];
    ea_err err;

    (void)snprintf(text, sizeof(text), "%lld %lld\n", (long long)self.pid, (long long)self.started);
    r->pid_file = ea_sprintf_dup("%s/" PID_FILE, r->local.data_dir);
    if (ea_plat_write_file(r->pid_file, ea_str_of(text), 0600, &err))
        ea_warn("pid file not written", EA_S("err", err.text));
}

static int serve(struct run *r, const ea_local_options *o)
{
    ea_err err;

    if (ea_loop_new(&r->loop, &err)) {
        ea_crit("no event loop", EA_S("err", err.text));
        return 1;
    }
    if (ea_local_start(&r->local, r->loop, o, &err)) {
        int code =
            err.code == EA_SETTINGS || err.code == EA_BUSY || err.code == EA_CONFLICT ? 5 : 1;

        ea_crit("not started", EA_S("err", err.text));
        ea_http_server_close(r->local.server, 0, NULL, NULL);
        r->local.server = NULL;
        ea_local_free(&r->local);
        ea_loop_free(r->loop);
        return code;
    }
    if (ea_plat_on_stop(on_stop_signal, r, &err))
        ea_warn("signals are not watched", EA_S("err", err.text));
    write_pid(r);
    ea_info("ready", EA_I("port", r->local.port), EA_S("region", r->local.state.region),
            EA_S("data", r->local.data_dir));
    ea_loop_run(r->loop, FINISH_MS);
    ea_plat_off_stop();
    if (ea_plat_remove_file(r->pid_file, &err))
        ea_warn("pid file stays", EA_S("err", err.text));
    ea_local_free(&r->local);
    ea_loop_free(r->loop);
    ea_free(r->pid_file);
    ea_info("stopped");
    return 0;
}

int main(int argc, char **argv)
{
    ea_local_options o = { .region = DEFAULT_REGION,
                           .account = DEFAULT_ACCOUNT,
                           .bind = "127.0.0.1",
                           .port = DEFAULT_PORT,
                           .create_clusters = true };
    struct run r = { .loop = NULL };
    EA_FREE_AUTO char *data_dir = ea_plat_default_path(EA_PATH_LOCAL_DIR);
    char **env = ea_plat_env();
    int code;

    o.data_dir = data_dir;
    o.operator_id = variable(env, "ECSLOCAL_ACCESS_KEY_ID");
    o.operator_secret = variable(env, "ECSLOCAL_SECRET_ACCESS_KEY");
    o.registry_password = variable(env, "ECSLOCAL_REGISTRY_PASSWORD");
    code = read_arguments(argc, argv, &o);
    if (code < 0)
        code = serve(&r, &o);
    ea_plat_env_free(env);
    return code;
}
