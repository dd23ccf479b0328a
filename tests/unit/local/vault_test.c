/* vault_test.c - secrets and parameters that the local control plane keeps: versions, names, limits. */
#include "local/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARN "arn:aws:secretsmanager:us-west-2:1:secret:a/b-0a1b2c"

static const char *value(const struct ea_lc_secret *s, const char *id, const char *stage)
{
    const struct ea_lc_version *v = ea_lc_vault_version(s, id, stage);

    return v ? v->value : "none";
}

static void versions_move_from_stage_to_stage(void **state)
{
    ea_lc_vault *v = ea_lc_vault_new();
    struct ea_lc_secret *s = ea_lc_vault_add_secret(v, "a/b", ARN, 1);

    (void)state;
    assert_string_equal(value(s, NULL, NULL), "none");
    assert_non_null(ea_lc_vault_put_version(s, "v1", "one"));
    assert_string_equal(value(s, NULL, NULL), "one");
    assert_string_equal(value(s, NULL, "AWSPREVIOUS"), "none");
    assert_non_null(ea_lc_vault_put_version(s, "v2", "two"));
    assert_non_null(ea_lc_vault_put_version(s, "", "three"));
    assert_string_equal(value(s, NULL, "AWSCURRENT"), "three");
    assert_string_equal(value(s, NULL, "AWSPREVIOUS"), "two");
    assert_string_equal(value(s, "v1", NULL), "one");
    assert_string_equal(value(s, "v1", "AWSCURRENT"), "none");
    assert_string_equal(value(s, "v9", NULL), "none");
    /* The same request again changes nothing; another value under its id is refused. */
    assert_non_null(ea_lc_vault_put_version(s, "v2", "two"));
    assert_string_equal(value(s, NULL, NULL), "three");
    assert_null(ea_lc_vault_put_version(s, "v2", "other"));
    ea_lc_vault_free(v);
}

static void old_versions_make_room(void **state)
{
    ea_lc_vault *v = ea_lc_vault_new();
    struct ea_lc_secret *s = ea_lc_vault_add_secret(v, "a/b", ARN, 1);
    char id[16];

    (void)state;
    for (int i = 0; i <= EA_LC_VERSIONS_MAX; i++) {
        (void)snprintf(id, sizeof(id), "v%d", i);
        assert_non_null(ea_lc_vault_put_version(s, id, id));
    }
    assert_string_equal(value(s, "v0", NULL), "none");
    assert_string_equal(value(s, "v1", NULL), "v1");
    assert_string_equal(value(s, NULL, NULL), id);
    ea_lc_vault_free(v);
}

static void a_secret_has_a_name_and_two_arns(void **state)
{
    ea_lc_vault *v = ea_lc_vault_new();
    struct ea_lc_secret *s = ea_lc_vault_add_secret(v, "a/b", ARN, 1);

    (void)state;
    assert_ptr_equal(ea_lc_vault_secret(v, "a/b"), s);
    assert_ptr_equal(ea_lc_vault_secret(v, ARN), s);
    assert_ptr_equal(ea_lc_vault_secret(v, "arn:aws:secretsmanager:us-west-2:1:secret:a/b"), s);
    assert_null(ea_lc_vault_secret(v, "arn:aws:secretsmanager:us-west-2:1:secret:a"));
    assert_null(ea_lc_vault_secret(v, ARN "x"));
    assert_null(ea_lc_vault_secret(v, ""));
    ea_lc_vault_remove_secret(v, s);
    assert_null(ea_lc_vault_secret(v, "a/b"));
    ea_lc_vault_free(v);
}

static void a_parameter_counts_its_versions(void **state)
{
    ea_lc_vault *v = ea_lc_vault_new();
    struct ea_lc_parameter *p =
        ea_lc_vault_put_parameter(v, "/p", "arn:p", "SecureString", "one", 1);

    (void)state;
    assert_int_equal(p->version, 1);
    assert_ptr_equal(ea_lc_vault_put_parameter(v, "/p", "arn:p", "String", "two", 2), p);
    assert_int_equal(p->version, 2);
    assert_string_equal(p->value, "two");
    assert_string_equal(p->type, "String");
    assert_ptr_equal(ea_lc_vault_parameter(v, "arn:p"), p);
    ea_lc_vault_remove_parameter(v, p);
    assert_null(ea_lc_vault_parameter(v, "/p"));
    ea_lc_vault_free(v);
}

static void there_is_room_for_so_many(void **state)
{
    ea_lc_vault *v = ea_lc_vault_new();
    char name[16];

    (void)state;
    for (int i = 0; i < EA_LC_SECRETS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        assert_non_null(ea_lc_vault_add_secret(v, name, name, 1));
        assert_non_null(ea_lc_vault_put_parameter(v, name, name, "String", "x", 1));
    }
    assert_null(ea_lc_vault_add_secret(v, "more", "more", 1));
    assert_null(ea_lc_vault_put_parameter(v, "more", "more", "String", "x", 1));
    assert_non_null(ea_lc_vault_put_parameter(v, "n1", "n1", "String", "y", 1));
    ea_lc_vault_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_move_from_stage_to_stage),
        cmocka_unit_test(old_versions_make_room),
        cmocka_unit_test(a_secret_has_a_name_and_two_arns),
        cmocka_unit_test(a_parameter_counts_its_versions),
        cmocka_unit_test(there_is_room_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
