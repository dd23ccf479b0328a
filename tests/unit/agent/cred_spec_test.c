/* cred_spec_test.c - credential specs: how a task names one, its file, and what completes it. */
#include "agent/cred_spec.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TASK "arn:aws:ecs:us-west-2:1:task/c/0123456789abcdef"
#define SSM  "arn:aws:ssm:us-west-2:1:parameter/specs/web"

static void each_form_has_its_source_and_file(void **state)
{
    static const struct {
        const char *text;
        ea_spec_source source;
        bool domainless, made;
        const char *file;
    } cases[] = {
        { "credentialspec:file://web.json", EA_SPEC_FILE, false, false, "web.json" },
        { "credentialspec:file://a/b\\web.json", EA_SPEC_FILE, false, false, "a/b\\web.json" },
        { "credentialspec:arn:aws:s3:::bucket/dir/web.json", EA_SPEC_S3, false, true,
          "s3_0123456789abcdef_web.json" },
        { "credentialspec:" SSM, EA_SPEC_SSM, false, true,
          "919565d78d1c9e22738300774b3d2e13231f99e660f3b8ce5ee5cfe66a3a6637" },
        { "credentialspecdomainless:file://dir/web.json", EA_SPEC_FILE, true, true,
          "0123456789abcdef_main_web.json" },
        { "credentialspecdomainless:arn:aws-cn:s3:::bucket/web.json", EA_SPEC_S3, true, true,
          "s3_0123456789abcdef_web.json" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_cred_spec spec = { 0 };
        ea_err err = { 0 };
        bool made = false;

        if (ea_cred_spec_parse(cases[i].text, &spec, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        EA_FREE_AUTO char *file = ea_cred_spec_file(&spec, TASK, "main", &made);
        if (spec.source != cases[i].source || spec.domainless != cases[i].domainless ||
            made != cases[i].made || strcmp(file, cases[i].file) != 0)
            fail_msg("%s: file %s", cases[i].text, file);
    }
}

static void other_forms_and_files_outside_the_folder_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "credentialspec=file://web.json",
        "credentialspec:",
        "credentialspec:web.json",
        "credentialspec:file://",
        "credentialspec:file://../web.json",
        "credentialspec:file://a\\..\\..\\web.json",
        "credentialspec:file://C:\\web.json",
        "credentialspec:file:///web.json",
        "credentialspec:file://a//b.json",
        "credentialspec:file://web.json:stream",
        "credentialspec:file://web.json.",
        "credentialspec:file://we\tb.json",
        "credentialspec:arn:aws:secretsmanager:us-west-2:1:secret:x",
        "credentialspec:arn:aws:ssm:us-west-2:1:document/x",
        "credentialspec:arn:aws:s3:::bucket/dir/",
        "credentialspec:arn:aws:s3:::bucket/a?b",
        "credentialspecdomainless:https://x/y",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_cred_spec spec = { 0 };
        ea_err err = { 0 };

        if (ea_cred_spec_parse(cases[i], &spec, &err) != EA_INVALID)
            fail_msg("%s is taken", cases[i]);
    }
}

static void a_container_names_it_in_one_of_two_places(void **state)
{
    static const struct {
        const char *why, *json, *want;
    } cases[] = {
        { "nothing", "{\"name\":\"c\",\"image\":\"i\"}", NULL },
        { "of its own",
          "{\"name\":\"c\",\"image\":\"i\",\"credentialSpecs\":[\"credentialspec:file://a\"],"
          "\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":[\\\"credentialspec:file://"
          "b\\\"]}\"}}",
          "credentialspec:file://a" },
        { "a security option",
          "{\"name\":\"c\",\"image\":\"i\",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":"
          "[\\\"other\\\",\\\"credentialspecdomainless:file://b\\\"]}\"}}",
          "credentialspecdomainless:file://b" },
        { "Docker's own form needs nobody",
          "{\"name\":\"c\",\"image\":\"i\",\"dockerConfig\":{\"hostConfig\":\"{\\\"SecurityOpt\\\":"
          "[\\\"credentialspec=file://b\\\"]}\"}}",
          NULL },
        { "the word elsewhere",
          "{\"name\":\"c\",\"image\":\"i\",\"dockerConfig\":{\"hostConfig\":\"{\\\"Binds\\\":"
          "[\\\"/credentialspec:/x\\\"]}\"}}",
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_container c = { 0 };
        ea_err err = { 0 };

        if (ea_json_decode(&ea_container_wire_shape, ea_str_of(cases[i].json), &c, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        EA_FREE_AUTO char *got = ea_cred_spec_of(&c);
        if (!ea_zstr_eq(got, cases[i].want))
            fail_msg("%s: %s", cases[i].why, got);
        ea_container_done(&c);
    }
}

static void a_domainless_spec_is_completed_and_keeps_all_else(void **state)
{
    static const char in[] =
        "{\"CmsPlugins\":[\"ActiveDirectory\"],\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{"
        "\"PortableCcgVersion\":\"1\",\"PluginGUID\":\"{859E}\",\"PluginInput\":\"{"
        "\\\"credentialArn"
        "\\\":\\\"arn:x\\\",\\\"more\\\":1}\"}},\"unknown\":[1.5,null]}";
    static const char want[] =
        "{\"CmsPlugins\":[\"ActiveDirectory\"],\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{"
        "\"PortableCcgVersion\":\"1\",\"PluginGUID\":\"{859E}\",\"PluginInput\":\"{"
        "\\\"credentialArn"
        "\\\":\\\"arn:x\\\",\\\"more\\\":1,\\\"regKeyPath\\\":\\\"HKEY_LOCAL_MACHINE\\\\\\\\System"
        "\\\\\\\\CurrentControlSet\\\\\\\\Services\\\\\\\\AmazonECSCCGPlugin\\\\\\\\" TASK
        "\\\"}\"}},\"unknown\":[1.5,null]}";
    EA_FREE_AUTO char *out = NULL;
    EA_FREE_AUTO char *again = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_cred_spec_complete(EA_STR(in), TASK, &out, &err), EA_OK);
    assert_string_equal(out, want);
    assert_int_equal(ea_cred_spec_complete(ea_str_of(out), TASK, &again, &err), EA_OK);
    assert_string_equal(again, want);
}

static void what_has_no_plug_in_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"ActiveDirectoryConfig\":{}}",
        "{\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{}}}",
        "{\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{\"PluginInput\":{}}}}",
        "{\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{\"PluginInput\":\"[]\"}}}",
        "{\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{\"PluginInput\":\"x\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        char *out = NULL;
        ea_err err = { 0 };

        if (ea_cred_spec_complete(ea_str_of(cases[i]), TASK, &out, &err) != EA_INVALID || out)
            fail_msg("%s is taken", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_its_source_and_file),
        cmocka_unit_test(other_forms_and_files_outside_the_folder_are_refused),
        cmocka_unit_test(a_container_names_it_in_one_of_two_places),
        cmocka_unit_test(a_domainless_spec_is_completed_and_keeps_all_else),
        cmocka_unit_test(what_has_no_plug_in_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
