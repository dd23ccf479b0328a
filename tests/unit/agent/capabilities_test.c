#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/capabilities.h"
#include "base/alloc.h"

#include <string.h>

static struct ea_caps build(const char *const *env, bool proven)
{
    ea_config *config = NULL;
    ea_strlist versions = { 0 };
    struct ea_caps caps = { 0 };
    ea_err err = { 0 };

    assert_int_equal(ea_config_load(env, &config, &err), EA_OK);
    ea_strlist_add(&versions, "1.24");
    ea_strlist_add(&versions, "1.26");
    ea_strlist_add(&versions, "1.41");
    struct ea_caps_facts facts = { config, &versions, proven };
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
          "\"registryAuthentication\":{\"type\":\"ecr\"}}]}",
          "ecr-auth" },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_role_is_promised_once_it_is_proven),
        cmocka_unit_test(versions_and_drivers_become_attributes),
        cmocka_unit_test(a_task_that_needs_what_is_withheld_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
