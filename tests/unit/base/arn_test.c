#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arn.h"

#include <string.h>

static void an_arn_falls_into_its_parts(void **state)
{
    ea_err err = { 0 };
    ea_arn a;

    (void)state;
    assert_int_equal(ea_arn_parse("arn:aws-cn:ecs:cn-north-1:123456789012:task/web/0a:1", &a, &err),
                     EA_OK);
    assert_true(ea_str_eqz(a.partition, "aws-cn"));
    assert_true(ea_str_eqz(a.service, "ecs"));
    assert_true(ea_str_eqz(a.region, "cn-north-1"));
    assert_true(ea_str_eqz(a.account, "123456789012"));
    assert_true(ea_str_eqz(a.resource, "task/web/0a:1"));
    assert_int_equal(ea_arn_parse("arn:aws:iam:::role/x", &a, &err), EA_OK);
    assert_int_equal(a.region.n, 0);
}

static void what_is_no_arn_is_refused(void **state)
{
    static const char *const bad[] = {
        "",          "task/x",           "arn:aws:ecs:r:a",  "arn:aws:ecs",
        "arn:::::x", "arn:aws:ecs:r:a:", "ARN:aws:ecs:r:a:x"
    };
    ea_err err = { 0 };
    ea_arn a;

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        if (ea_arn_parse(bad[i], &a, &err) != EA_INVALID)
            fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(ea_arn_parse(NULL, &a, &err), EA_INVALID);
}

static void the_id_stands_after_the_last_slash(void **state)
{
    (void)state;
    assert_string_equal(ea_arn_id("arn:aws:ecs:r:a:task/web/0a1b"), "0a1b");
    assert_string_equal(ea_arn_id("plain"), "plain");
    assert_null(ea_arn_id(NULL));
    assert_string_equal(ea_cluster_name("arn:aws:ecs:r:a:cluster/web"), "web");
    assert_string_equal(ea_cluster_name("web"), "web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arn_falls_into_its_parts),
        cmocka_unit_test(what_is_no_arn_is_refused),
        cmocka_unit_test(the_id_stands_after_the_last_slash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
