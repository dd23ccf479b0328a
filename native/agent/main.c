#include "main.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../manage/service.h"
#include "../manage/service_env.h"
#include "../plat/plat.h"
#include "agent.h"
#include "event_log.h"
#include "task_limits.h"
#include "version.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    EXIT_RETRY = 1,
    EXIT_OPERATOR = 5,
    HEALTH_MS = 25000
};

enum action {
    RUN,
    VERSION,
    SETTINGS,
    HEALTHCHECK,
    LICENSE,
    SERVICE,
    ATTRIBUTES,
    BAD
};

struct command {
    enum action action;
    const char *log_level, *file_level;
    bool no_metadata; /* -blackhole-ec2-metadata */
};

static void usage(void)
{
    (void)fputs(
        "usage: ecsagent [-loglevel <level>] [-loglevel-on-instance <level>] "
        "[-blackhole-ec2-metadata]\n"
        "       ecsagent -version | -settings | -ecs-attributes | -healthcheck | -license | "
        "-windows-service\n"
        "Settings come from ECS_* environment variables and the settings file; -settings "
        "lists them.\n",
        stderr);
}

static void parse(int argc, char **argv, struct command *cmd)
{
    static const struct option options[] = {
        { "version", no_argument, NULL, 'v' },
        { "settings", no_argument, NULL, 's' },
        { "healthcheck", no_argument, NULL, 'c' },
        { "license", no_argument, NULL, 'l' },
        { "windows-service", no_argument, NULL, 'w' },
        { "ecs-attributes", no_argument, NULL, 'a' },
        { "loglevel", required_argument, NULL, 'L' },
        { "loglevel-driver", required_argument, NULL, 'L' },
        { "loglevel-on-instance", required_argument, NULL, 'F' },
        { "k", no_argument, NULL, 'k' },
        { "blackhole-ec2-metadata", no_argument, NULL, 'b' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    memset(cmd, 0, sizeof(*cmd));
    opterr = 0;
    optind = 1;
    while ((c = getopt_long_only(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'v':
            cmd->action = VERSION;
            break;
        case 's':
            cmd->action = SETTINGS;
            break;
        case 'c':
            cmd->action = HEALTHCHECK;
            break;
        case 'l':
            cmd->action = LICENSE;
            break;
        case 'w':
            cmd->action = SERVICE;
            break;
        case 'a':
            cmd->action = ATTRIBUTES;
            break;
        case 'L':
            cmd->log_level = optarg;
            break;
        case 'F':
            cmd->file_level = optarg;
            break;
        case 'k':
            (void)fputs("ecsagent: -k: certificates are always verified; AWS_CA_BUNDLE names other "
                        "roots\n",
                        stderr);
            cmd->action = BAD;
            return;
        case 'b':
            cmd->no_metadata = true;
            break;
        default:
            (void)fprintf(stderr, "ecsagent: bad argument %s\n", argv[optind - 1]);
            cmd->action = BAD;
            return;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "ecsagent: unexpected argument %s\n", argv[optind]);
        cmd->action = BAD;
    }
}

static bool has(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; env[i]; i++)
        if (strncmp(env[i], name, n) == 0 && env[i][n] == '=')
            return true;
    return false;
}

/* The environment with what the command line adds; a variable that is set wins over an option. */
static char **environment(const struct command *cmd)
{
    char **env = ea_plat_env();
    bool has_level = has(env, "ECS_LOGLEVEL");
    bool has_file_level = has(env, "ECS_LOGLEVEL_ON_INSTANCE");
    size_t n = 0;

    while (env[n])
        n++;
    env = ea_realloc_array(env, n + 4, sizeof(*env));
    if (cmd->log_level && !has_level)
        env[n++] = ea_sprintf_dup("ECS_LOGLEVEL=%s", cmd->log_level);
    if (cmd->file_level && !has_file_level)
        env[n++] = ea_sprintf_dup("ECS_LOGLEVEL_ON_INSTANCE=%s", cmd->file_level);
    if (cmd->no_metadata)
        env[n++] = ea_strdup("AWS_EC2_METADATA_DISABLED=true");
    env[n] = NULL;
    return env;
}

/* Without a running agent: what a current Docker Engine would let it promise. */
static void build_caps(const ea_config *config, char family[64], struct ea_caps *caps)
{
    ea_strlist versions = { 0 };
    ea_err err = { 0 };
    struct ea_caps_facts facts = { .config = config,
                                   .docker_versions = &versions,
                                   .cgroup_driver = "cgroupfs",
                                   .groups_usable = ea_task_limits_usable(config, &err) == EA_OK,
                                   .os_family = family,
                                   .gmsa = ea_plat_is_windows() ? ea_plat_gmsa() : NULL };

    ea_plat_os_family(family, 64);
    for (int minor = 17; minor < 33; minor++) {
        EA_FREE_AUTO char *version = ea_sprintf_dup("1.%d", minor);
        ea_strlist_add(&versions, version);
    }
    ea_caps_build(&facts, caps);
    ea_strlist_free(&versions);
}

static void print_held_back(const ea_config *config)
{
    struct ea_caps caps = { 0 };
    char family[64];

    build_caps(config, family, &caps);
    (void)puts("\nCapabilities held back (a running agent tells its own: Get-ECSAgent):");
    for (size_t i = 0; i < caps.n; i++) {
        if (!caps.v[i].offered)
            (void)printf("%-64s %s\n", caps.v[i].name, caps.v[i].reason);
    }
    ea_caps_done(&caps);
}

static int print_attributes(const char *const *env)
{
    struct ea_caps caps = { 0 };
    ea_config *config = NULL;
    char family[64];
    ea_err err = { 0 };

    if (ea_config_load(env, &config, &err)) {
        (void)fprintf(stderr, "ecsagent: %s\n", err.text);
        return EXIT_OPERATOR;
    }
    build_caps(config, family, &caps);
    for (size_t i = 0; i < caps.n; i++) {
        if (caps.v[i].offered)
            (void)puts(caps.v[i].name);
    }
    (void)printf("ecs.os-type=%s\necs.os-family=%s\n", ea_plat_is_windows() ? "windows" : "linux",
                 family);
    ea_caps_done(&caps);
    ea_config_free(config);
    return 0;
}

static int print_settings(const char *const *env)
{
    EA_BUF_AUTO text = EA_BUF(1024 * 1024);
    ea_config *config = NULL;
    ea_err err = { 0 };

    if (ea_config_load(env, &config, &err)) {
        (void)fprintf(stderr, "ecsagent: %s\n", err.text);
        return EXIT_OPERATOR;
    }
    ea_config_print(config, &text);
    (void)fputs(ea_buf_z(&text), stdout);
    print_held_back(config);
    ea_config_log_warnings(config);
    ea_config_free(config);
    return 0;
}

/* ---- -healthcheck: any HTTP answer of the introspection port is good ---- */

struct health {
    ea_loop *loop;
    ea_err err;
};

static void health_answered(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    struct health *h = ctx;

    (void)r; /* any status will do */
    h->err = *err;
    ea_loop_stop(h->loop);
}

static int ask_health(struct health *h, const char *host)
{
    const ea_net_config net_config = { 0 };
    EA_FREE_AUTO char *url = ea_sprintf_dup("http://%s:%d/v1/metadata", host, EA_INTROSPECT_PORT);
    const ea_httpc_request request = {
        .method = "HEAD", .url = url, .total_ms = HEALTH_MS, .no_proxy = true
    };
    ea_net *net = NULL;

    if (ea_net_new(h->loop, &net_config, &net, &h->err))
        return EXIT_RETRY;
    if (ea_httpc_start(net, &request, health_answered, h, &h->err))
        ea_loop_run(h->loop, 0);
    ea_net_free(net);
    return h->err.code ? EXIT_RETRY : 0;
}

static int health_check(const char *const *env)
{
    struct health h = { 0 };
    ea_config *config = NULL;
    int code = EXIT_RETRY;

    if (ea_config_load(env, &config, &h.err) == EA_OK && ea_loop_new(&h.loop, &h.err) == EA_OK)
        code = ask_health(&h, ea_cfg_str(config, EA_CFG_HEALTHCHECK_HOST));
    if (code)
        (void)fprintf(stderr, "ecsagent: not healthy: %s\n", h.err.text);
    ea_loop_free(h.loop);
    ea_config_free(config);
    return code;
}

/* ---- the agent in the console ---- */

/* Initialize-ECSAgent and Start-ECSAgent tell why the agent could not start. */
static void leave_note(const char *const *env, int code, const ea_err *err)
{
    static const char name[] = "ECSTOOLS_RUNDIR=";
    EA_FREE_AUTO char *dir = NULL;
    EA_FREE_AUTO char *path = NULL;
    EA_FREE_AUTO char *text = ea_sprintf_dup("%d %s\n", code, err->text);
    ea_err why = { 0 };

    for (size_t i = 0; env[i]; i++) {
        if (strncmp(env[i], name, sizeof(name) - 1) == 0 && env[i][sizeof(name) - 1])
            dir = ea_strdup(env[i] + sizeof(name) - 1);
    }
    if (!dir)
        dir = ea_plat_default_path(EA_PATH_RUN_DIR);
    path = ea_sprintf_dup("%s/last-exit", dir);
    if (ea_plat_own_dir(dir, &why) || ea_plat_write_file(path, ea_str_of(text), 0600, &why))
        ea_warn("the reason of the end is not kept", EA_S("err", why.text));
}

static int run(const char *const *env)
{
    ea_agent *ag = NULL;
    ea_err err = { 0 };
    int code = EXIT_RETRY;

    if (ea_agent_new(env, &ag, &code, &err)) {
        ea_log_file_done(); /* to standard error: whoever started it is looking there */
        ea_crit("the agent cannot start", EA_S("err", err.text), EA_I("sys", err.sys),
                EA_I("exit", code));
        leave_note(env, code, &err);
        return code;
    }
    if (ea_plat_on_stop(ea_agent_stop, ag, &err))
        ea_warn("stop signals are not handled", EA_S("err", err.text));
    code = ea_agent_run(ag);
    ea_plat_off_stop();
    if (code)
        leave_note(env, code, &ag->exit_reason);
    ea_agent_free(ag);
    ea_info("the agent has ended", EA_I("exit", code));
    ea_log_file_done();
    return code;
}

/* ---- the agent as a service ---- */

static int service_body(void *arg)
{
    const char *const *given = arg;
    char **env = ea_service_env(given);
    int code;

    ea_event_log_enable();
    code = run((const char *const *)env);
    ea_plat_env_free(env);
    return code;
}

static int run_as_service(char **env)
{
    ea_err err = { 0 };
    int code = EXIT_RETRY;

    if (ea_plat_service_run(EA_SERVICE_NAME, service_body, env, &code, &err)) {
        (void)fprintf(stderr, "ecsagent: -windows-service: %s\n", err.text);
        return EXIT_OPERATOR;
    }
    return code;
}

int ea_agent_main(int argc, char **argv)
{
    struct command cmd;
    char **env;
    const char *const *view;
    int code = 0;

    ea_plat_harden();
    parse(argc, argv, &cmd);
    env = environment(&cmd);
    view = (const char *const *)env;
    switch (cmd.action) {
    case RUN:
        code = run(view);
        break;
    case VERSION:
        (void)printf("ECSTools %s (wire %s, commit %s)\n", EA_VERSION, EA_WIRE_VERSION, EA_COMMIT);
        break;
    case SETTINGS:
        code = print_settings(view);
        break;
    case ATTRIBUTES:
        code = print_attributes(view);
        break;
    case HEALTHCHECK:
        code = health_check(view);
        break;
    case LICENSE:
        (void)puts("ECSTools is licensed under the Apache License, Version 2.0.");
        break;
    case SERVICE:
        code = run_as_service(env);
        break;
    case BAD:
        usage();
        code = EXIT_OPERATOR;
        break;
    }
    ea_plat_env_free(env);
    return code;
}
