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
        { "a second need behind one that is met",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"portMappings\":[{\"containerPortRange\":\"80-81\"}]},"
          "{\"name\":\"log\",\"image\":\"i\",\"firelensConfiguration\":{\"type\":"
          "\"fluentbit\"}}]}",
          "container log uses firelensConfiguration" },
        { "a range of ports",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\",\"portMappings\":[{\"containerPortRange\":\"80-81\"}]}]}",
          NULL },
        { "nothing special",
          "{\"arn\":\"a\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"web\","
          "\"image\":\"i\"}]}",
          NULL },
    };
    const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", NULL };
    struct ea_caps c = build(env, false);

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_task *t = NULL;
        char text[400] = "";
        ea_err err = { 0 };
        if (ea_json_decode(&ea_task_wire_shape, ea_str_of(cases[i].task), t = ea_task_new(), &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        bool missing = ea_caps_missing(&c, t, text);
        if (missing != (cases[i].word != NULL) || (missing && !strstr(text, cases[i].word)))
            fail_msg("%s: got \"%s\"", cases[i].why, text);
        ea_task_free(t);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_role_is_promised_once_it_is_proven),
        cmocka_unit_test(versions_and_drivers_become_attributes),
        cmocka_unit_test(a_task_that_needs_what_is_withheld_is_named),
        cmocka_unit_test(volume_plugins_are_promised_by_name_and_the_local_one_always),
        cmocka_unit_test(limits_of_tasks_are_promised_where_the_host_can_hold_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
