#include "docker/image_ref.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "docker/docker_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define SHA "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void references_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *name, *tag, *digest;
    } cases[] = {
        { "nginx", "nginx", "", "" },
        { "nginx:1.25", "nginx", "1.25", "" },
        { "user/app:latest", "user/app", "latest", "" },
        { "127.0.0.1:5000/tiny", "127.0.0.1:5000/tiny", "", "" },
        { "127.0.0.1:5000/tiny:1", "127.0.0.1:5000/tiny", "1", "" },
        { "host:5000/a/b/c:x", "host:5000/a/b/c", "x", "" },
        { "nginx@" SHA, "nginx", "", SHA },
        { "nginx:1.25@" SHA, "nginx", "1.25", SHA },
        { "[::1]:5000/a:b", "[::1]:5000/a", "b", "" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_image_ref r;
        ea_err err = { 0 };

        if (ea_image_ref_parse(cases[i].text, &r, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        if (!ea_str_eqz(r.name, cases[i].name) || !ea_str_eqz(r.tag, cases[i].tag) ||
            !ea_str_eqz(r.digest, cases[i].digest))
            fail_msg("%s: %.*s | %.*s | %.*s", cases[i].text, EA_STR_FMT(r.name), EA_STR_FMT(r.tag),
                     EA_STR_FMT(r.digest));
    }
}

static void what_is_no_reference_is_refused(void **state)
{
    static const char *const bad[] = { "",        "a b",         "a\n",      "a?b=c",
                                       "/a",      "a/",          "a//b",     "a:",
                                       "a:b c",   "a@sha256:12", "a@latest", "<none>@<none>",
                                       "a&tag=x", "a%2fb",       ":1" };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        ea_image_ref r;
        ea_err err = { 0 };

        if (!ea_image_ref_parse(bad[i], &r, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, EA_INVALID);
    }
}

static void names_have_a_full_and_a_familiar_form(void **state)
{
    static const struct {
        const char *name, *full, *familiar;
    } cases[] = {
        { "nginx", "docker.io/library/nginx", "nginx" },
        { "user/app", "docker.io/user/app", "user/app" },
        { "docker.io/nginx", "docker.io/library/nginx", "nginx" },
        { "docker.io/library/nginx", "docker.io/library/nginx", "nginx" },
        { "index.docker.io/user/app", "docker.io/user/app", "user/app" },
        { "library/nginx", "docker.io/library/nginx", "nginx" },
        { "localhost/app", "localhost/app", "localhost/app" },
        { "host.example/app", "host.example/app", "host.example/app" },
        { "host:5000/app", "host:5000/app", "host:5000/app" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *full = ea_image_ref_full(ea_str_of(cases[i].name));
        EA_FREE_AUTO char *familiar = ea_image_ref_familiar(ea_str_of(cases[i].name));

        assert_string_equal(full, cases[i].full);
        assert_string_equal(familiar, cases[i].familiar);
    }
}

static void a_pull_names_repository_and_tag_or_digest(void **state)
{
    static const struct {
        const char *image, *from, *tag;
    } cases[] = {
        { "nginx", "nginx", "latest" },
        { "docker.io/library/nginx:1", "nginx", "1" },
        { "127.0.0.1:5000/tiny", "127.0.0.1:5000/tiny", "latest" },
        { "nginx:1@" SHA, "nginx", SHA },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *from = NULL;
        EA_FREE_AUTO char *tag = NULL;
        ea_err err = { 0 };

        assert_int_equal(ea_image_ref_pull_args(cases[i].image, &from, &tag, &err), EA_OK);
        assert_string_equal(from, cases[i].from);
        assert_string_equal(tag, cases[i].tag);
    }
}

static void the_digest_of_the_same_repository_is_picked(void **state)
{
    char other[] = "host.example/nginx@sha256:"
                   "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    char none[] = "<none>@<none>", ours[] = "nginx@" SHA;
    char *const digests[] = { other, none, ours };

    (void)state;
    assert_string_equal(ea_image_ref_pick_digest("nginx:1", digests, 3), SHA);
    assert_string_equal(ea_image_ref_pick_digest("docker.io/library/nginx", digests, 3), SHA);
    assert_null(ea_image_ref_pick_digest("user/nginx", digests, 3));
    assert_null(ea_image_ref_pick_digest("nginx", digests, 2));
    assert_null(ea_image_ref_pick_digest("", digests, 3));
}

static char *decoded(const char *header)
{
    EA_BUF_AUTO std = EA_BUF(10000);
    EA_BUF_AUTO out = EA_BUF(10000);
    char *text = NULL;
    ea_err err = { 0 };

    for (const char *p = header; *p; p++) /* back to the usual alphabet */
        ea_buf_addc(&std, *p == '-' ? '+' : *p == '_' ? '/' : *p);
    assert_int_equal(ea_base64_decode(ea_buf_str(&std), 10000, &out, &err), EA_OK);
    assert_int_equal(ea_buf_take(&out, &text, &err), EA_OK);
    return text;
}

static void credentials_become_a_header(void **state)
{
    static const struct {
        const char *user, *password, *server, *want;
    } cases[] = {
        { "AWS", "p\"w\\", "https://host.example",
          "{\"username\":\"AWS\",\"password\":\"p\\\"w\\\\\","
          "\"serveraddress\":\"https://host.example\"}" },
        { NULL, NULL, NULL, "{}" },
        { "u", "~~~?>?>?>", NULL, "{\"username\":\"u\",\"password\":\"~~~?>?>?>\"}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_SECRET_AUTO char *header =
            ea_docker_auth_header(cases[i].user, cases[i].password, cases[i].server);
        EA_FREE_AUTO char *json = decoded(header);

        assert_null(strpbrk(header, "+/ \r\n"));
        assert_int_equal(strlen(header) % 4, 0);
        assert_string_equal(json, cases[i].want);
    }
}

static void the_operators_credentials_are_found_by_image(void **state)
{
    static const char cfg[] =
        "{\"https://index.docker.io/v1/\":{\"auth\":\"aHViOnB3\",\"email\":\"x\"},"
        "\"host.example\":{\"auth\":\"cm9vdDpwdw==\"},"
        "\"host.example/team\":{\"auth\":\"dGVhbTpwOnc=\"},"
        "\"other.example/a\":{\"auth\":\"YTpwdw==\"}}";
    static const struct {
        const char *image, *user; /* NULL: anonymous */
    } cases[] = {
        { "nginx", "\"username\":\"hub\",\"password\":\"pw\"" },
        { "user/app:1", "\"username\":\"hub\"" },
        { "docker.io/library/nginx", "\"username\":\"hub\"" },
        { "host.example/x", "\"username\":\"root\"" },
        { "host.example/team/x:1", "\"username\":\"team\",\"password\":\"p:w\"" },
        { "other.example/a/b", "\"username\":\"a\"" },
        { "other.example/c", NULL }, /* another path of the same host is not ours */
        { "host.example.org/x", NULL },
        { "host:5000/x", NULL },
        { "not an image", NULL },
    };
    ea_engine_auth *a = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_engine_auth_new("dockercfg", cfg, &a, &err), EA_OK);
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_SECRET_AUTO char *header = ea_engine_auth_find(a, cases[i].image);
        EA_FREE_AUTO char *json = header ? decoded(header) : NULL;

        if (!header != !cases[i].user || (json && !strstr(json, cases[i].user)))
            fail_msg("%s: %s", cases[i].image, json ? json : "anonymous");
    }
    ea_engine_auth_free(a);

    assert_int_equal(ea_engine_auth_new("docker",
                                        "{\"http://host:5000\":{\"username\":\"u\",\"password\":"
                                        "\"p\",\"email\":\"e\",\"serveraddress\":\"s\"}}",
                                        &a, &err),
                     EA_OK);
    {
        EA_SECRET_AUTO char *header = ea_engine_auth_find(a, "host:5000/x");
        EA_FREE_AUTO char *json = decoded(header);

        assert_string_equal(json,
                            "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"s\"}");
    }
    ea_engine_auth_free(a);
}

static void bad_credentials_are_refused_without_being_quoted(void **state)
{
    static const struct {
        const char *type, *data;
    } bad[] = {
        { "dockercfg", "{\"h\":{\"auth\":\"aGlkZGVu\"}}" }, /* no colon in it */
        { "dockercfg", "{\"h\":{\"auth\":\"hidden!!\"}}" },
        { "dockercfg", "{\"h\":\"hidden\"}" },
        { "docker", "hidden" },
        { "docker", "[\"hidden\"]" },
        { "docker", "{\"h\":{\"password\":\"hidden\"" },
        { "basic", "{}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        ea_engine_auth *a = NULL;
        ea_err err = { 0 };

        assert_int_equal(ea_engine_auth_new(bad[i].type, bad[i].data, &a, &err), EA_SETTINGS);
        assert_null(a);
        assert_null(strstr(err.text, "hidden"));
    }
    {
        ea_engine_auth *a = NULL;
        ea_err err = { 0 };

        assert_int_equal(ea_engine_auth_new(NULL, NULL, &a, &err), EA_OK);
        assert_null(a);
        assert_null(ea_engine_auth_find(NULL, "nginx"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_taken_apart),
        cmocka_unit_test(what_is_no_reference_is_refused),
        cmocka_unit_test(names_have_a_full_and_a_familiar_form),
        cmocka_unit_test(a_pull_names_repository_and_tag_or_digest),
        cmocka_unit_test(the_digest_of_the_same_repository_is_picked),
        cmocka_unit_test(credentials_become_a_header),
        cmocka_unit_test(the_operators_credentials_are_found_by_image),
        cmocka_unit_test(bad_credentials_are_refused_without_being_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
