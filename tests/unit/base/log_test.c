#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <cJSON.h>
#include <string.h>

static ea_buf got;
static int extra_lines;

static void keep(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    ea_buf_clear(&got);
    ea_buf_add(&got, line, n);
}

static void count(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    (void)line;
    (void)n;
    extra_lines++;
}

static const ea_time noon = { 0, 1767323045120 };

static int set_up(void **state)
{
    ea_log_config c = { .level = EA_INFO, .sink = keep };

    (void)state;
    got = EA_BUF(100000);
    ea_clock_set_fake(&noon);
    ea_log_configure(&c);
    return 0;
}

static int tear_down(void **state)
{
    ea_log_config c = { .level = EA_INFO };

    (void)state;
    ea_log_configure(&c);
    ea_clock_set_fake(NULL);
    ea_buf_done(&got);
    return 0;
}

static void a_line_has_level_time_message_module_and_fields(void **state)
{
    (void)state;
    ea_info("container started", EA_S("task", "arn:aws:ecs:r:1:task/a"), EA_S("why", "it \"ran\""),
            EA_I("took_ms", -7), EA_B("last", true), EA_S("none", NULL));
    assert_string_equal(ea_buf_z(&got),
                        "level=info time=2026-01-02T03:04:05.12Z msg=\"container started\" "
                        "module=log_test.c task=arn:aws:ecs:r:1:task/a why=\"it \\\"ran\\\"\" "
                        "took_ms=-7 last=true none=\"\"\n");
}

static void json_lines_are_json(void **state)
{
    ea_log_config c = { .level = EA_INFO, .json = true, .sink = keep };
    cJSON *tree;

    (void)state;
    ea_log_configure(&c);
    ea_crit("port taken", EA_S("err", "line\nbreak"), EA_I("sys", 98));
    tree = cJSON_Parse(ea_buf_z(&got));
    assert_non_null(tree);
    assert_string_equal(cJSON_GetObjectItem(tree, "level")->valuestring, "critical");
    assert_string_equal(cJSON_GetObjectItem(tree, "module")->valuestring, "log_test.c");
    assert_string_equal(cJSON_GetObjectItem(tree, "err")->valuestring, "line\nbreak");
    assert_int_equal(cJSON_GetObjectItem(tree, "sys")->valueint, 98);
    cJSON_Delete(tree);
    assert_ptr_equal(strchr(ea_buf_z(&got), '\n'), ea_buf_z(&got) + got.n - 1);
}

static void a_value_cannot_forge_a_second_line(void **state)
{
    (void)state;
    ea_warn("odd\nmessage", EA_S("image", "x\nlevel=error msg=\"forged\""));
    assert_ptr_equal(strchr(ea_buf_z(&got), '\n'), ea_buf_z(&got) + got.n - 1);
}

static void lines_above_the_level_are_dropped_and_the_extra_receiver_gets_the_rest(void **state)
{
    ea_log_config c = { .level = EA_WARN, .sink = keep, .extra = count };

    (void)state;
    extra_lines = 0;
    ea_log_configure(&c);
    ea_buf_clear(&got);
    ea_info("not seen");
    ea_debug("not seen");
    assert_int_equal(got.n, 0);
    ea_error("seen");
    ea_warn("seen");
    assert_int_equal(extra_lines, 2);
    assert_true(ea_log_enabled(EA_ERROR));
    assert_false(ea_log_enabled(EA_INFO));
}

static void long_values_are_cut_and_the_line_stays_whole(void **state)
{
    char longer[6000];

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ea_info("long", EA_S("a", longer), EA_S("b", longer), EA_S("c", longer), EA_S("d", longer),
            EA_S("e", longer), EA_I("f", 1));
    assert_true(got.n < 17000);
    assert_string_equal(ea_buf_z(&got) + got.n - 10, " cut=true\n");
}

static void level_words_are_known(void **state)
{
    ea_level l = EA_LEVEL_COUNT;

    (void)state;
    assert_true(ea_level_parse("WARN", &l));
    assert_int_equal(l, EA_WARN);
    assert_true(ea_level_parse("crit", &l));
    assert_int_equal(l, EA_CRIT);
    assert_true(ea_level_parse("critical", &l));
    assert_false(ea_level_parse("none", &l));
    assert_false(ea_level_parse("", &l));
    assert_false(ea_level_parse(NULL, &l));
    assert_string_equal(ea_level_name(EA_CRIT), "critical");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_level_time_message_module_and_fields, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(json_lines_are_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_cannot_forge_a_second_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            lines_above_the_level_are_dropped_and_the_extra_receiver_gets_the_rest, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(long_values_are_cut_and_the_line_stays_whole, set_up,
                                        tear_down),
        cmocka_unit_test(level_words_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
