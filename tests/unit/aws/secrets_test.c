/* secrets_test.c - what is asked of Secrets Manager and of the Parameter Store, and how their answers
 * are read. */
#include "aws/secrets.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ARN "arn:aws:secretsmanager:us-west-2:123456789012:secret:app/db-AbCdEf"

static void every_form_of_an_arn_becomes_its_request(void **state)
{
    static const struct {
        const char *why, *from, *body, *key;
    } cases[] = {
        { "the whole secret", ARN, "{\"SecretId\":\"" ARN "\"}", NULL },
        { "one key", ARN ":user::", "{\"SecretId\":\"" ARN "\"}", "user" },
        { "an older version", ARN "::AWSPREVIOUS:",
          "{\"SecretId\":\"" ARN "\",\"VersionStage\":\"AWSPREVIOUS\"}", NULL },
        { "a version by id", ARN ":k::v-1", "{\"SecretId\":\"" ARN "\",\"VersionId\":\"v-1\"}",
          "k" },
        { "all three empty", ARN ":::", "{\"SecretId\":\"" ARN "\"}", NULL },
        { "another partition", "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a",
          "{\"SecretId\":\"arn:aws-cn:secretsmanager:cn-north-1:1:secret:a\"}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO body = EA_BUF(4096);
        ea_asm_ref ref = { 0 };
        ea_err err = { 0 };

        if (ea_asm_ref_parse(cases[i].from, &ref, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        ea_asm_request(&ref, &body);
        if (strcmp(ea_buf_z(&body), cases[i].body) != 0 || !ea_zstr_eq(ref.json_key, cases[i].key))
            fail_msg("%s: %s, key %s", cases[i].why, ea_buf_z(&body), ref.json_key);
        ea_asm_ref_done(&ref);
    }
}

static void other_forms_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "name",
        "arn:aws:secretsmanager:us-west-2:1:secret",
        "arn:aws:secretsmanager:us-west-2:1:secret:",
        "arn:aws:secretsmanager:us-west-2:1:secret:a:k",
        "arn:aws:secretsmanager:us-west-2:1:secret:a:k:s",
        "arn:aws:secretsmanager:us-west-2:1:secret:a:k:s:v:more",
        "arn:aws:ssm:us-west-2:1:parameter/a",
        "arn:aws:secretsmanager:us-west-2:1:thing:a",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_asm_ref ref = { 0 };
        ea_err err = { 0 };

        if (ea_asm_ref_parse(cases[i], &ref, &err) == EA_OK)
            fail_msg("%s is taken", cases[i]);
        assert_null(ref.id);
    }
}

static void a_key_of_a_secret_is_told_as_it_is_written(void **state)
{
#define TEXT                                                                                       \
    "{\"SecretString\":\"{ \\\"s\\\" : \\\"a\\\\nb, }\\\",\\\"n\\\":12345678901234567890 ,"        \
    "\\\"f\\\":1.50,\\\"b\\\":true,\\\"z\\\":null,\\\"o\\\":{\\\"s\\\":[1, "                       \
    "2]},\\\"e\\\":\\\"\\\"}\"}"
    static const struct {
        const char *key, *want;
        ea_code code;
    } cases[] = {
        { "s", "a\nb, }", EA_OK },
        { "n", "12345678901234567890", EA_OK },
        { "f", "1.50", EA_OK },
        { "b", "true", EA_OK },
        { "o", "{\"s\":[1, 2]}", EA_OK },
        { "e", "", EA_OK },
        { "z", NULL, EA_NOT_FOUND },
        { "S", NULL, EA_NOT_FOUND },
        { "missing", NULL, EA_NOT_FOUND },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_SECRET_AUTO char *got = NULL;
        ea_err err = { 0 };
        ea_code code = ea_asm_answer(EA_STR(TEXT), cases[i].key, &got, &err);

        if (code != cases[i].code || !ea_zstr_eq(got, cases[i].want))
            fail_msg("%s: %s, %s", cases[i].key, got, err.text);
        assert_null(strstr(err.text, "1234567"));
    }
}

static void a_secret_without_text_is_an_error_that_tells_nothing_of_it(void **state)
{
    static const struct {
        const char *why, *body, *key;
        ea_code code;
    } cases[] = {
        { "binary", "{\"SecretBinary\":\"SEKRIT\"}", NULL, EA_NOT_FOUND },
        { "no object", "{\"SecretString\":\"SEKRIT\"}", "k", EA_NOT_FOUND },
        { "a list", "{\"SecretString\":\"[\\\"SEKRIT\\\"]\"}", "k", EA_NOT_FOUND },
        { "cut", "{\"SecretString\":\"SEKRIT", NULL, EA_PROTOCOL },
        { "a number", "{\"SecretString\":5}", NULL, EA_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_SECRET_AUTO char *got = NULL;
        ea_err err = { 0 };

        if (ea_asm_answer(ea_str_of(cases[i].body), cases[i].key, &got, &err) != cases[i].code)
            fail_msg("%s: %s", cases[i].why, err.text);
        assert_null(got);
        assert_null(strstr(err.text, "SEKRIT"));
    }
}

static void parameters_are_found_by_name_or_arn(void **state)
{
    static const char *const names[] = { "/a/b", "plain" };
    EA_BUF_AUTO body = EA_BUF(4096);
    ea_ssm_parameters p = { 0 };
    ea_err err = { 0 };

    (void)state;
    ea_ssm_request(names, 2, true, &body);
    assert_string_equal(ea_buf_z(&body),
                        "{\"Names\":[\"/a/b\",\"plain\"],\"WithDecryption\":true}");
    assert_int_equal(
        ea_ssm_answer(
            EA_STR("{\"Parameters\":[{\"Name\":\"/a/b\",\"Value\":\"1\",\"ARN\":\"arn:aws:"
                   "ssm:r:1:parameter/a/b\"},{\"Name\":\"plain\",\"Value\":\"2\"}],"
                   "\"InvalidParameters\":[\"gone\"]}"),
            &p, &err),
        EA_OK);
    assert_string_equal(ea_ssm_value(&p, "/a/b"), "1");
    assert_string_equal(ea_ssm_value(&p, "arn:aws:ssm:r:1:parameter/a/b"), "1");
    assert_string_equal(ea_ssm_value(&p, "arn:aws:ssm:r:1:parameter/plain"), "2");
    assert_string_equal(ea_ssm_value(&p, "plain"), "2");
    assert_null(ea_ssm_value(&p, "b"));
    assert_null(ea_ssm_value(&p, "gone"));
    assert_int_equal(p.invalid.n, 1);
    ea_ssm_parameters_done(&p);
    assert_int_equal(ea_ssm_answer(EA_STR("[]"), &p, &err), EA_PROTOCOL);
}

static void a_registry_login_has_both_parts(void **state)
{
    static const char *const bad[] = { "",
                                       "x",
                                       "[]",
                                       "{}",
                                       "{\"username\":\"u\"}",
                                       "{\"username\":\"u\",\"password\":\"\"}",
                                       "{\"username\":5,\"password\":\"SEKRIT\"}" };
    EA_SECRET_AUTO char *user = NULL;
    EA_SECRET_AUTO char *password = NULL;
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        if (ea_registry_secret(bad[i], &user, &password, &err) != EA_AUTH)
            fail_msg("%s is taken", bad[i]);
        assert_null(strstr(err.text, "SEKRIT"));
        assert_null(user);
    }
    assert_int_equal(ea_registry_secret("{\"password\":\"p\",\"username\":\"u\",\"more\":1}", &user,
                                        &password, &err),
                     EA_OK);
    assert_string_equal(user, "u");
    assert_string_equal(password, "p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_an_arn_becomes_its_request),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_key_of_a_secret_is_told_as_it_is_written),
        cmocka_unit_test(a_secret_without_text_is_an_error_that_tells_nothing_of_it),
        cmocka_unit_test(parameters_are_found_by_name_or_arn),
        cmocka_unit_test(a_registry_login_has_both_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
