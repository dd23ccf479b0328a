#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/capabilities.h"
#include "base/alloc.h"
#include "plat/plat.h"

#include <string.h>

static const char *driver = "cgroupfs"; /* as the engine tells it */
static bool groups = true;              /* can be made on this host */
static const char *family;              /* of Windows */
static const struct ea_gmsa_os *accounts;

static struct ea_caps build(const char *const *env, bool proven)
{
    char local[] = "local", other[] = "rexray/ebs:latest";
    char *names[] = { local, other };
    ea_strlist plugins = { names, 2 };
    ea_config *config = NULL;
    ea_strlist versions = { 0 };
    struct ea_caps caps = { 0 };
    ea_err err = { 0 };

    assert_int_equal(ea_config_load(env, &config, &err), EA_OK);
    ea_strlist_add(&versions, "1.24");
    ea_strlist_add(&versions, "1.26");
    ea_strlist_add(&versions, "1.41");
    struct ea_caps_facts facts = { .config = config,
                                   .docker_versions = &versions,
                                   .volume_plugins = &plugins,
                                   .cgroup_driver = driver,
                                   .groups_usable = groups,
                                   .os_family = family,
                                   .gmsa = accounts,
                                   .task_role_proven = proven };
    ea_caps_build(&facts, &caps);
    ea_strlist_free(&versions);
    ea_config_free(config);
    return caps;
}

static bool offers(const struct ea_caps *c, const char *name)
{
    const struct ea_cap *cap = ea_caps_find(c, name);

    return cap && cap->offered;
}

static void a_task_role_is_promised_once_it_is_proven(void **state)
{
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", "ECS_ENABLE_TASK_IAM_ROLE=true",
                                NULL };
    struct ea_caps before = build(env, false), after = build(env, true);
    static const char role[] = "com.amazonaws.ecs.capability.task-iam-role";

    (void)state;
    assert_false(offers(&before, role));
    assert_non_null(ea_caps_find(&before, role)->reason);
    assert_true(offers(&after, role));
    assert_false(ea_caps_same(&before, &after));
    assert_true(ea_caps_same(&after, &after));
    ea_caps_done(&before);
    ea_caps_done(&after);
}

/* The endpoint's address is the host's own, so a container in the host's network reaches it as well. */
static void a_task_role_in_the_hosts_network_is_promised_where_it_is_asked_for(void **state)
{
    static const char role[] = "com.amazonaws.ecs.capability.task-iam-role-network-host";
    const char *const asked[] = { "ECSTOOLS_CONFIG=/dev/null", "ECS_ENABLE_TASK_IAM_ROLE=true",
                                  "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST=true", NULL };
    const char *const not_asked[] = { "ECSTOOLS_CONFIG=/dev/null", "ECS_ENABLE_TASK_IAM_ROLE=true",
                                      NULL };
    struct ea_caps proven = build(asked, true), unproven = build(asked, false),
                   without = build(not_asked, true);

    (void)state;
    assert_int_equal(offers(&proven, role), !ea_plat_is_windows());
    assert_false(offers(&unproven, role));
    assert_false(offers(&without, role));
    ea_caps_done(&proven);
    ea_caps_done(&unproven);
    ea_caps_done(&without);
}

/* The Docker Engine asks the task endpoint for the role itself. */
static void logs_by_the_execution_role_are_promised_where_asked_for_and_proven(void **state)
{
    static const char logs[] = "ecs.capability.execution-role-awslogs";
    const char *const asked[] = { "ECSTOOLS_CONFIG=/dev/null",
                                  "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true", NULL };
    const char *const not_asked[] = { "ECSTOOLS_CONFIG=/dev/null", NULL };
    struct ea_caps proven = build(asked, true), unproven = build(asked, false),
                   without = build(not_asked, true);

    (void)state;
    assert_true(offers(&proven, logs));
    assert_false(offers(&unproven, logs));
    assert_false(offers(&without, logs));
    ea_caps_done(&proven);
    ea_caps_done(&unproven);
    ea_caps_done(&without);
}

static void versions_and_drivers_become_attributes(void **state)
{
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null",
                                "ECS_AVAILABLE_LOGGING_DRIVERS=[\"json-file\",\"logentries\"]",
                                NULL };
    struct ea_caps c = build(env, false);

    (void)state;
    assert_true(offers(&c, "com.amazonaws.ecs.capability.docker-remote-api.1.24"));
    assert_null(ea_caps_find(&c, "com.amazonaws.ecs.capability.docker-remote-api.1.26"));
    assert_null(ea_caps_find(&c, "com.amazonaws.ecs.capability.docker-remote-api.1.41"));
    assert_false(offers(&c, "com.amazonaws.ecs.capability.logging-driver.logentries"));
    assert_true(offers(&c, "ecs.capability.container-health-check"));
    ea_caps_done(&c);
}

#define PRIVILEGED(yes)                                                                            \
    "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","              \
    "\"image\":\"i\",\"dockerConfig\":{\"hostConfig\":\"{\\\"Privileged\\\":" yes "}\"}}]}"

static struct ea_task *task_of(const char *json)
{
    struct ea_task *t = ea_task_new();
    ea_err err = { 0 };

    if (ea_json_decode(&ea_task_wire_shape, ea_str_of(json), t, &err))
        fail_msg("%s: %s", json, err.text);
    return t;
}

static void a_privileged_container_is_refused_where_the_operator_wants_none(void **state)
{
    static const struct {
        const char *why, *task;
        bool refused;
    } cases[] = {
        { "privileged", PRIVILEGED("true"), true },
        { "said to be none", PRIVILEGED("false"), false },
        { "the other spelling",
          "{\"arn\":\"a\",\"containers\":[{\"name\":\"web\",\"dockerConfig\":{\"hostConfig\":"
          "\"{\\\"privileged\\\":true}\"}}]}",
          true },
        { "text that nobody can read",
          "{\"arn\":\"a\",\"containers\":[{\"name\":\"web\","
          "\"dockerConfig\":{\"hostConfig\":\"{\"}}]}",
          false },
    };
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", "ECS_DISABLE_PRIVILEGED=true", NULL };
    struct ea_caps c = build(env, false);

    (void)state;
    assert_false(offers(&c, "com.amazonaws.ecs.capability.privileged-container"));
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_of(cases[i].task);
        char text[400] = "";

        if (ea_caps_missing(&c, t, text) != cases[i].refused)
            fail_msg("%s: \"%s\"", cases[i].why, text);
        if (cases[i].refused)
            assert_string_equal(text,
                                "UnsupportedFeatureError: container web uses privileged, which "
                                "needs com.amazonaws.ecs.capability.privileged-container: "
                                "ECS_DISABLE_PRIVILEGED is true");
        ea_task_free(t);
    }
    ea_caps_done(&c);
}

static void a_task_that_needs_what_is_withheld_is_named(void **state)
{
    static const struct {
        const char *why, *task, *word;
    } cases[] = {
        { "secrets of both kinds and places",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"secrets\":[{\"name\":\"S\",\"valueFrom\":\"v\",\"provider\":\"ssm\"},"
          "{\"name\":\"T\",\"valueFrom\":\"v\",\"provider\":\"asm\",\"target\":\"LOG_DRIVER\"}]}]}",
          NULL },
        { "what is offered does not hide what is not",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"secrets\":[{\"name\":\"S\",\"valueFrom\":\"v\",\"provider\":\"ssm\"}],"
          "\"firelensConfiguration\":{\"type\":\"fluentd\"}}]}",
          "container web uses firelensConfiguration" },
        { "a credential spec in the raw configuration",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":["
          "\\\"credentialspec:file://a.json\\\"]}\"}}]}",
          "container web uses credentialSpecs" },
        { "awsvpc",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"networkMode\":\"awsvpc\",\"containers\":["
          "]}",
          "task-eni" },
        { "ECR",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\","
          "\"registryAuthentication\":{\"type\":\"ecr\",\"ecrAuthData\":{\"registryId\":\"1\","
          "\"useExecutionRole\":true}}}]}",
          NULL },
        { "FSx for Windows File Server",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"volumes\":[{\"name\":\"v\",\"type\":"
          "\"fsxWindowsFileServer\",\"fsxWindowsFileServerVolumeConfiguration\":{}}],"
          "\"containers\":[]}",
          "fsxWindowsFileServer" },
        { "ECS Exec",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"managedAgents\":[{\"name\":\"ExecuteCommandAgent\"}]}]}",
          "ecs.capability.execute-command" },
        { "EFS",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"volumes\":[{\"name\":\"v\",\"type\":"
          "\"efs\",\"efsVolumeConfiguration\":{}}],\"containers\":[]}",
          "ecs.capability.efs" },
        { "App Mesh",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"proxyConfiguration\":{\"type\":"
          "\"APPMESH\"},\"containers\":[]}",
          "ecs.capability.aws-appmesh" },
        { "a namespace of the task",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"ipcMode\":\"task\",\"containers\":[]}",
          "ecs.capability.pid-ipc-namespace-sharing" },
        { "privileged where it is promised", PRIVILEGED("true"), NULL },
        { "a range of ports",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"portMappings\":[{\"containerPortRange\":\"80-81\"}]}]}",
          NULL },
        { "logs by the execution role",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"logsAuthStrategy\":\"ExecutionRole\"}]}",
          "container web uses logsAuthStrategy, which needs "
          "ecs.capability.execution-role-awslogs" },
        { "faults on demand",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"enableFaultInjection\":true,"
          "\"containers\":[]}",
          "the task uses enableFaultInjection, which needs ecs.capability.fault-injection" },
        { "nothing special",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\"}]}",
          NULL },
    };
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", NULL };
    struct ea_caps c = build(env, false);

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = task_of(cases[i].task);
        char text[400] = "";
        bool missing = ea_caps_missing(&c, t, text);
        if (missing != (cases[i].word != NULL) || (missing && !strstr(text, cases[i].word)))
            fail_msg("%s: got \"%s\"", cases[i].why, text);
        ea_task_free(t);
    }
    ea_caps_done(&c);
}

static void features_that_are_withheld_are_never_promised(void **state)
{
    static const char *const names[] = {
        "ecs.capability.task-eni",
        "ecs.capability.firelens.fluentbit",
        "ecs.capability.firelens.fluentd",
        "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
        "ecs.capability.efs",
        "ecs.capability.fsxWindowsFileServer",
        "ecs.capability.execute-command",
        "ecs.capability.service-connect-v1",
        "ecs.capability.aws-appmesh",
        "ecs.capability.pid-ipc-namespace-sharing",
        "ecs.capability.fault-injection",
        "ecs.capability.task-eia",
        "ecs.capability.storage.ebs-task-volume-attach",
    };
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", "ECS_ENABLE_TASK_ENI=true",
                                "ECS_FSX_WINDOWS_FILE_SERVER_SUPPORTED=true",
                                "ECS_AVAILABLE_LOGGING_DRIVERS=[\"awsfirelens\"]", NULL };
    struct ea_caps c = build(env, true);

    (void)state;
    for (size_t i = 0; i < EA_COUNT(names); i++) {
        const struct ea_cap *cap = ea_caps_find(&c, names[i]);
        if (!cap || cap->offered || !cap->reason)
            fail_msg("%s", names[i]);
    }
    ea_caps_done(&c);
}

static void volume_plugins_are_promised_by_name_and_the_local_one_always(void **state)
{
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", NULL };
    struct ea_caps c = build(env, false);
    size_t local = 0;

    (void)state;
    for (size_t i = 0; i < c.n; i++)
        local += strcmp(c.v[i].name, "ecs.capability.docker-plugin.local") == 0;
    assert_int_equal(local, 1);
    assert_true(offers(&c, "ecs.capability.docker-plugin.rexray/ebs"));
    ea_caps_done(&c);
}

static void limits_of_tasks_are_promised_where_the_host_can_hold_them(void **state)
{
    static const char on[] = "ECS_ENABLE_TASK_CPU_MEM_LIMIT=true",
                      off[] = "ECS_ENABLE_TASK_CPU_MEM_LIMIT=false";
    static const struct {
        const char *why, *setting, *driver;
        bool groups, offered;
    } cases[] = {
        { "by default", "X=1", "cgroupfs", true, true },
        { "asked for", on, "cgroupfs", true, true },
        { "switched off", off, "cgroupfs", true, false },
        { "another driver", on, "systemd", true, false },
        { "a driver that nobody told", on, NULL, true, false },
        { "no control groups", on, "cgroupfs", false, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", cases[i].setting, NULL };

        driver = cases[i].driver;
        groups = cases[i].groups;
        struct ea_caps c = build(env, false);
        bool want = cases[i].offered && !ea_plat_is_windows();
        if (offers(&c, EA_CAP_TASK_LIMITS) != want)
            fail_msg("%s: %s", cases[i].why, ea_caps_find(&c, EA_CAP_TASK_LIMITS)->reason);
        ea_caps_done(&c);
    }
    driver = "cgroupfs";
    groups = true;
}

static bool joined(void *ctx)
{
    return *(bool *)ctx;
}

static bool has_plugin(void *ctx, const char *key)
{
    assert_non_null(strstr(key, "CCG\\COMClasses\\{859E1386-BDB4-49E8-85C7-3070B13920E1}"));
    return ((bool *)ctx)[1];
}

static void service_accounts_are_promised_where_windows_has_them(void **state)
{
    static const struct {
        const char *why, *setting, *skip, *family;
        bool windows, joined, plugin, gmsa, domainless;
    } cases[] = {
        { "in a domain", NULL, NULL, "WINDOWS_SERVER_2022_FULL", true, true, true, true, false },
        { "asked for", "ECS_GMSA_SUPPORTED=true", NULL, "WINDOWS_SERVER_2022_CORE", true, true,
          true, true, true },
        { "outside of one", "ECS_GMSA_SUPPORTED=true", NULL, "WINDOWS_SERVER_2019_CORE", true,
          false, true, false, true },
        { "without the plug-in", "ECS_GMSA_SUPPORTED=true", NULL, "WINDOWS_SERVER_2025_CORE", true,
          true, false, true, false },
        { "2016", "ECS_GMSA_SUPPORTED=true", NULL, "WINDOWS_SERVER_2016_FULL", true, true, true,
          true, false },
        { "switched off", "ECS_GMSA_SUPPORTED=false", NULL, "WINDOWS_SERVER_2022_FULL", true, true,
          true, false, false },
        { "the check left out", "ECS_GMSA_SUPPORTED=true",
          "ZZZ_SKIP_DOMAIN_JOIN_CHECK_NOT_SUPPORTED_IN_PRODUCTION=true", "windows", true, false,
          true, true, true },
        { "Linux", "ECS_GMSA_SUPPORTED=true", NULL, NULL, false, true, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        bool facts[] = { cases[i].joined, cases[i].plugin };
        const struct ea_gmsa_os os = { .ctx = facts,
                                       .domain_joined = joined,
                                       .key_exists = has_plugin };
        const char *env[] = { "ECSTOOLS_CONFIG=/dev/null", cases[i].setting, cases[i].skip, NULL };

        if (!env[1])
            env[1] = "ECS_CLUSTER=c";
        family = cases[i].family;
        accounts = cases[i].windows ? &os : NULL;
        struct ea_caps c = build(env, false);
        /* Without a default that says so, the setting is off on this platform. */
        bool wanted = cases[i].setting != NULL || ea_plat_is_windows();
        if (offers(&c, "ecs.capability.gmsa") != (cases[i].gmsa && wanted) ||
            offers(&c, "ecs.capability.gmsa-domainless") != cases[i].domainless)
            fail_msg("%s", cases[i].why);
        ea_caps_done(&c);
    }
    family = NULL;
    accounts = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_role_is_promised_once_it_is_proven),
        cmocka_unit_test(a_task_role_in_the_hosts_network_is_promised_where_it_is_asked_for),
        cmocka_unit_test(logs_by_the_execution_role_are_promised_where_asked_for_and_proven),
        cmocka_unit_test(versions_and_drivers_become_attributes),
        cmocka_unit_test(a_task_that_needs_what_is_withheld_is_named),
        cmocka_unit_test(a_privileged_container_is_refused_where_the_operator_wants_none),
        cmocka_unit_test(volume_plugins_are_promised_by_name_and_the_local_one_always),
        cmocka_unit_test(limits_of_tasks_are_promised_where_the_host_can_hold_them),
        cmocka_unit_test(features_that_are_withheld_are_never_promised),
        cmocka_unit_test(service_accounts_are_promised_where_windows_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
