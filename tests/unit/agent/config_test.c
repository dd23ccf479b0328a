#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/config.h"
#include "base/alloc.h"
#include "base/log.h"
#include "plat/plat.h"

#include <string.h>

static ea_config *load(const char *const *env)
{
    ea_config *c = NULL;
    ea_err err = { 0 };

    if (ea_config_load(env, &c, &err))
        fail_msg("%s", err.text);
    return c;
}

#define NO_FILE "ECSTOOLS_CONFIG=/dev/null"

static void values_of_the_environment_are_read_by_type(void **state)
{
    const char *const env[] = { NO_FILE,
                                "ECS_CLUSTER= prod ",
                                "ECS_ENABLE_TASK_IAM_ROLE=T",
                                "ECS_RESERVED_MEMORY=64",
                                "ECS_CONTAINER_STOP_TIMEOUT=45s",
                                "ECS_RESERVED_PORTS=[22, 443]",
                                NULL };
    ea_config *c = load(env);
    ea_i64list ports = { 0 };

    (void)state;
    assert_string_equal(ea_cfg_str(c, EA_CFG_CLUSTER), "prod");
    assert_true(ea_cfg_bool(c, EA_CFG_TASK_IAM_ROLE));
    assert_int_equal(ea_cfg_int(c, EA_CFG_RESERVED_MEMORY), 64);
    assert_int_equal(ea_cfg_ms(c, EA_CFG_CONTAINER_STOP_TIMEOUT), 45000);
    ea_cfg_i64list(c, EA_CFG_RESERVED_PORTS, &ports);
    assert_int_equal(ports.n, 2);
    assert_int_equal(ports.v[1], 443);
    assert_int_equal(ea_config_source(c, EA_CFG_CLUSTER), EA_FROM_ENVIRONMENT);
    ea_free(ports.v);
    ea_config_free(c);
}

static void a_value_that_does_not_fit_is_left_out_or_raised(void **state)
{
    static const struct {
        const char *why, *pair;
        ea_set_id id;
        int64_t want;
    } cases[] = {
        { "below the least stop time: raised", "ECS_CONTAINER_STOP_TIMEOUT=10ms",
          EA_CFG_CONTAINER_STOP_TIMEOUT, 1000 },
        { "no unit: the default", "ECS_CONTAINER_STOP_TIMEOUT=10", EA_CFG_CONTAINER_STOP_TIMEOUT,
          30000 },
        { "clean-up under a second: the default", "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=1ms",
          EA_CFG_TASK_CLEANUP_WAIT, 3 * 3600 * 1000 },
        { "digest look-up: raised to its least", "ECS_MANIFEST_PULL_TIMEOUT=1s",
          EA_CFG_MANIFEST_PULL_TIMEOUT, 30000 },
        { "polls of statistics: raised to their least", "ECS_POLLING_METRICS_WAIT_DURATION=1s",
          EA_CFG_POLLING_METRICS_WAIT, 5000 },
        { "and lowered to their most", "ECS_POLLING_METRICS_WAIT_DURATION=1h",
          EA_CFG_POLLING_METRICS_WAIT, 20000 },
        { "and as they are in between", "ECS_POLLING_METRICS_WAIT_DURATION=7500ms",
          EA_CFG_POLLING_METRICS_WAIT, 7500 },
        { "no duration: the default", "ECS_POLLING_METRICS_WAIT_DURATION=often",
          EA_CFG_POLLING_METRICS_WAIT, 10000 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const char *const env[] = { NO_FILE, cases[i].pair, NULL };
        ea_config *c = load(env);
        if (ea_cfg_ms(c, cases[i].id) != cases[i].want)
            fail_msg("%s: got %lld", cases[i].why, (long long)ea_cfg_ms(c, cases[i].id));
        ea_config_free(c);
    }
}

static void a_strict_setting_that_does_not_parse_ends_the_start(void **state)
{
    static const char *const bad[] = {
        "ECS_AVAILABLE_LOGGING_DRIVERS=[\"papyrus\"]",
        "ECS_AVAILABLE_LOGGING_DRIVERS=json-file",
        "ECS_INSTANCE_ATTRIBUTES=[1]",
        "ECS_INSTANCE_ATTRIBUTES={\"a\":1}",
        "ECS_CONTAINER_INSTANCE_TAGS={\"a\":",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        const char *const env[] = { NO_FILE, bad[i], NULL };
        ea_config *c = NULL;
        ea_err err = { 0 };
        if (ea_config_load(env, &c, &err) != EA_SETTINGS)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(err.text, "ECS_"));
    }
}

static void a_list_of_reserved_ports_is_never_empty(void **state)
{
    const char *const env[] = { NO_FILE, "ECS_RESERVED_PORTS=[]", NULL };
    ea_config *c = load(env);
    ea_i64list ports = { 0 };

    (void)state;
    ea_cfg_i64list(c, EA_CFG_RESERVED_PORTS, &ports);
    assert_true(ports.n >= 5);
    ea_free(ports.v);
    ea_config_free(c);
}

static void user_data_fills_what_nobody_else_has_set(void **state)
{
    const char *const env[] = { NO_FILE, "ECS_CLUSTER=mine", NULL };
    ea_config *c = load(env);

    (void)state;
    ea_config_user_data(c, EA_STR("{\"ECSAgentConfiguration\":{\"Cluster\":\"theirs\","
                                  "\"TaskIAMRoleEnabled\":true,"
                                  "\"DockerStopTimeout\":60000000000,\"ReservedMemory\":32}}"));
    assert_string_equal(ea_cfg_str(c, EA_CFG_CLUSTER), "mine");
    assert_true(ea_cfg_bool(c, EA_CFG_TASK_IAM_ROLE));
    assert_int_equal(ea_cfg_ms(c, EA_CFG_CONTAINER_STOP_TIMEOUT), 60000);
    assert_int_equal(ea_cfg_int(c, EA_CFG_RESERVED_MEMORY), 32);
    assert_int_equal(ea_config_source(c, EA_CFG_RESERVED_MEMORY), EA_FROM_USER_DATA);
    ea_config_user_data(c, EA_STR("#!/bin/sh\necho a script is no configuration"));
    ea_config_free(c);
}

static void secrets_are_masked_and_settings_to_come_are_named(void **state)
{
    const char *const env[] = { NO_FILE, "ECS_ENGINE_AUTH_DATA={\"r\":{\"password\":\"hunter2\"}}",
                                "ECS_ENABLE_TASK_ENI=true", NULL };
    ea_config *c = load(env);
    EA_BUF_AUTO text = EA_BUF(1024 * 1024);

    (void)state;
    ea_config_print(c, &text);
    assert_null(strstr(ea_buf_z(&text), "hunter2"));
    assert_non_null(strstr(ea_buf_z(&text), "***"));
    assert_true(ea_config_row(EA_CFG_TASK_ENI)->flags & EA_SETF_LATER);
    ea_config_free(c);
}

/* ---- warnings, as the log shows them ---- */

static ea_buf told;

static void keep(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    ea_buf_add(&told, line, n);
}

static const char *warnings_of(ea_config *c)
{
    const ea_log_config to_us = { .level = EA_WARN, .sink = keep }, plain = { .level = EA_INFO };

    ea_buf_done(&told);
    told = EA_BUF(64 * 1024);
    ea_log_configure(&to_us);
    ea_config_log_warnings(c);
    ea_log_configure(&plain);
    return ea_buf_z(&told);
}

static void no_setting_is_without_effect_in_silence(void **state)
{
    static const struct {
        const char *why, *pair, *words; /* NULL: nothing is said */
    } cases[] = {
        { "a slip of the pen", "ECS_CLUSTRE=prod", "ECS_CLUSTRE is not a setting" },
        { "not in this version", "ECS_ENABLE_TASK_ENI=true",
          "ECS_ENABLE_TASK_ENI has no effect in this version (awsvpc network mode)" },
        { "not in this version, nor wanted", "ECS_ENABLE_TASK_ENI=false", NULL },
        { "of the container launcher", "ECS_AGENT_LABELS={}", "the agent is no container" },
        { "of the Linux service for accounts", "CREDENTIALS_FETCHER_HOST=x", "Windows' alone" },
        { "a way to the same end", "ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS=true",
          "ECSTOOLS_INTROSPECTION_ADDRESS" },
        { "not a setting and nobody's mistake", "ECS_AGENT_URI=http://169.254.170.2/api/x", NULL },
        { "somebody else's", "PATH=/bin", NULL },
        { "an unknown word", "ECS_IMAGE_PULL_BEHAVIOR=never",
          "default, always, once or prefer-cached is expected" },
        { "by the hour", "ECS_LOG_ROLLOVER_TYPE=hourly", "by the hour is not in this version" },
        { "not a range", "ECS_DYNAMIC_HOST_PORT_RANGE=5000", "<first>-<last>" },
        { "not a level", "ECS_LOGLEVEL_ON_INSTANCE=loud", "or none is expected" },
        { "a level of the file", "ECS_LOGLEVEL_ON_INSTANCE=none", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const char *const env[] = { NO_FILE, cases[i].pair, NULL };
        ea_config *c = load(env);
        const char *text = warnings_of(c);

        if (cases[i].words ? !strstr(text, cases[i].words) : *text != '\0')
            fail_msg("%s: \"%s\"", cases[i].why, text);
        ea_config_free(c);
    }
    ea_buf_done(&told);
}

static void a_start_may_take_two_minutes_on_windows_at_least(void **state)
{
    const char *const env[] = { NO_FILE, "ECS_CONTAINER_START_TIMEOUT=1m", NULL };
    ea_config *c = load(env);

    (void)state;
    assert_int_equal(ea_cfg_ms(c, EA_CFG_CONTAINER_START_TIMEOUT),
                     ea_plat_is_windows() ? 120000 : 60000);
    ea_config_free(c);
}

static void windows_compares_names_without_case(void **state)
{
    const char *const env[] = { NO_FILE, "ecs_cluster=prod", NULL };
    ea_config *c = load(env);

    (void)state;
    assert_string_equal(ea_cfg_str(c, EA_CFG_CLUSTER), ea_plat_is_windows() ? "prod" : "");
    ea_config_free(c);
}

static void members_of_the_json_file_without_effect_are_named(void **state)
{
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/config_test.%d.json", dir, (int)ea_plat_pid());
    EA_FREE_AUTO char *pair = ea_sprintf_dup("ECS_AGENT_CONFIG_FILE_PATH=%s", path);
    const char *const env[] = { NO_FILE, pair, NULL };
    ea_err err = { 0 };
    ea_config *c;

    (void)state;
    assert_int_equal(ea_plat_write_file(path,
                                        EA_STR("{\"cluster\":\"prod\",\"NoIID\":true,"
                                               "\"TaskCleanupWaitDuration\":600000000000}"),
                                        0600, &err),
                     EA_OK);
    c = load(env);
    assert_string_equal(ea_cfg_str(c, EA_CFG_CLUSTER), "prod");
    assert_int_equal(ea_cfg_ms(c, EA_CFG_TASK_CLEANUP_WAIT), 600000);
    assert_non_null(strstr(warnings_of(c), "member NoIID of the JSON settings has no effect"));
    ea_config_free(c);
    ea_buf_done(&told);
    assert_int_equal(ea_plat_remove_file(path, &err), EA_OK);
}

/* Windows' service has them from there alone, and what a cmdlet copies from its shell lands there. */
static void proxies_may_stand_in_the_file_of_settings(void **state)
{
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/config_test.%d.tmp", dir, (int)ea_plat_pid());
    EA_FREE_AUTO char *pair = ea_sprintf_dup("ECSTOOLS_CONFIG=%s", path);
    const char *const env[] = { pair, NULL };
    EA_BUF_AUTO text = EA_BUF(1024 * 1024);
    ea_err err = { 0 };
    ea_config *c;

    (void)state;
    assert_int_equal(
        ea_plat_write_file(path, EA_STR("HTTPS_PROXY=http://u:hunter2@p:1\n"), 0600, &err), EA_OK);
    c = load(env);
    assert_string_equal(ea_cfg_str(c, EA_CFG_HTTPS_PROXY), "http://u:hunter2@p:1");
    ea_config_print(c, &text);
    assert_null(strstr(ea_buf_z(&text), "hunter2"));
    ea_config_free(c);
    assert_int_equal(ea_plat_remove_file(path, &err), EA_OK);
}

static void a_file_of_settings_is_read_and_the_environment_wins(void **state)
{
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/config_test.%d.tmp", dir, (int)ea_plat_pid());
    EA_FREE_AUTO char *pair = ea_sprintf_dup("ECSTOOLS_CONFIG=%s", path);
    const char *const env[] = { pair, "ECS_LOGLEVEL=debug", NULL };
    ea_err err = { 0 };
    ea_config *c;

    (void)state;
    assert_int_equal(
        ea_plat_write_file(path,
                           EA_STR("# comment\nECS_CLUSTER=fromfile\r\n\n"
                                  "ECS_LOGLEVEL=error\nECS_RESERVED_MEMORY = 7\nnonsense\n"),
                           0600, &err),
        EA_OK);
    c = load(env);
    assert_string_equal(ea_cfg_str(c, EA_CFG_CLUSTER), "fromfile");
    assert_string_equal(ea_cfg_str(c, EA_CFG_LOGLEVEL), "debug");
    assert_int_equal(ea_cfg_int(c, EA_CFG_RESERVED_MEMORY), 7);
    ea_config_free(c);
    assert_int_equal(ea_plat_remove_file(path, &err), EA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_environment_are_read_by_type),
        cmocka_unit_test(a_value_that_does_not_fit_is_left_out_or_raised),
        cmocka_unit_test(a_strict_setting_that_does_not_parse_ends_the_start),
        cmocka_unit_test(a_list_of_reserved_ports_is_never_empty),
        cmocka_unit_test(user_data_fills_what_nobody_else_has_set),
        cmocka_unit_test(secrets_are_masked_and_settings_to_come_are_named),
        cmocka_unit_test(no_setting_is_without_effect_in_silence),
        cmocka_unit_test(a_start_may_take_two_minutes_on_windows_at_least),
        cmocka_unit_test(windows_compares_names_without_case),
        cmocka_unit_test(members_of_the_json_file_without_effect_are_named),
        cmocka_unit_test(proxies_may_stand_in_the_file_of_settings),
        cmocka_unit_test(a_file_of_settings_is_read_and_the_environment_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
