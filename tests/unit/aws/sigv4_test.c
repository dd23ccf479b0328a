/* sigv4_test.c - the signer against signatures that botocore made, and the checks of the other side. */
#include "aws/sigv4.h"
#include "base/alloc.h"
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sigv4_vectors.h"

#define WHEN_MS 1767323045000 /* 2026-01-02T03:04:05Z */
#define SECRET  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* "Name: value\n" lines -> headers; views into `text`. */
static size_t split_headers(const char *text, ea_sign_header *out)
{
    ea_str rest = ea_str_of(text), line = { NULL, 0 };
    size_t n = 0;

    while (rest.n > 0) {
        rest = ea_str_cut(rest, '\n', &line);
        out[n].value = ea_str_cut(line, ':', &out[n].name);
        n++;
    }
    return n;
}

static ea_aws_creds creds_of(const struct vector *v)
{
    ea_aws_creds c = { .access_key_id = ea_strdup("AKIDEXAMPLE"),
                       .secret_access_key = ea_strdup(SECRET),
                       .session_token = ea_strdup(v->token) };
    return c;
}

static void signatures_equal_those_of_botocore(void **state)
{
    ea_sign_key kept = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        ea_sign_header h[8];
        size_t n = split_headers(v->headers, h);
        ea_aws_creds creds = creds_of(v);
        ea_signed s = { 0 };
        ea_err err = { 0 };

        if (v->plus_literal) { /* the signer itself never writes a raw plus */
            ea_aws_creds_done(&creds);
            continue;
        }
        if (ea_sigv4_sign(v->method, v->url, h, n, ea_str_of(v->body), "us-west-2", "ecs", &creds,
                          WHEN_MS, &kept, &s, &err))
            fail_msg("%s: %s", v->why, err.text);
        if (strcmp(s.authorization, v->authorization) != 0)
            fail_msg("%s:\n got %s\nwant %s", v->why, s.authorization, v->authorization);
        assert_string_equal(s.amz_date, "20260102T030405Z");
        ea_signed_done(&s);
        ea_aws_creds_done(&creds);
    }
    ea_sign_key_done(&kept);
}

/* What the receiving side has: the wire's parts and the Authorization header. */
static bool verify(const struct vector *v, const char *secret, const char *body)
{
    ea_sign_header h[12];
    size_t n = split_headers(v->headers, h);
    ea_sigv4_auth a;
    ea_url u;
    ea_err err = { 0 };
    EA_BUF_AUTO host = EA_BUF(256);
    char hash[EA_SHA256_HEX];
    ea_sign_input in = { .method = ea_str_of(v->method),
                         .headers = h,
                         .body_sha256 = hash,
                         .region = "us-west-2",
                         .service = "ecs",
                         .amz_date = "20260102T030405Z" };

    assert_int_equal(ea_sigv4_parse(ea_str_of(v->authorization), &a, &err), EA_OK);
    assert_true(ea_str_eqz(a.access_key_id, "AKIDEXAMPLE"));
    assert_true(ea_str_eqz(a.date, "20260102"));
    assert_true(ea_str_eqz(a.region, "us-west-2"));
    assert_true(ea_str_eqz(a.service, "ecs"));
    assert_int_equal(ea_url_parse(ea_str_of(v->url), &u, &err), EA_OK);
    ea_url_add_host(&host, &u);
    h[n++] = (ea_sign_header){ EA_STR("Host"), ea_buf_str(&host) };
    h[n++] = (ea_sign_header){ EA_STR("X-Amz-Date"), EA_STR("20260102T030405Z") };
    if (v->token)
        h[n++] = (ea_sign_header){ EA_STR("X-Amz-Security-Token"), ea_str_of(v->token) };
    in.header_count = n;
    in.path = u.path;
    in.query = u.query;
    ea_sha256_hex(ea_str_of(body), hash);
    return ea_sigv4_matches(&in, secret, a.signature);
}

static void the_other_side_accepts_them_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < EA_COUNT(vectors); i++) {
        if (!verify(&vectors[i], SECRET, vectors[i].body))
            fail_msg("%s: refused", vectors[i].why);
        if (verify(&vectors[i], SECRET "x", vectors[i].body))
            fail_msg("%s: accepted with another secret", vectors[i].why);
        if (verify(&vectors[i], SECRET, "another body"))
            fail_msg("%s: accepted with another body", vectors[i].why);
    }
}

static void malformed_authorizations_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "Basic abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20260102/r/ecs/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A/20260102/r/ecs/aws4_request, SignedHeaders=host, "
        "Signature=ab",
        "AWS4-HMAC-SHA256 Credential=A/2026/r/ecs/aws4_request, SignedHeaders=host, Signature="
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "AWS4-HMAC-SHA256 Credential=A/20260102/r/ecs, SignedHeaders=host, Signature="
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "AWS4-HMAC-SHA256 Credential=A/20260102/r/ecs/aws4_request/x, SignedHeaders=host, "
        "Signature="
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_sigv4_auth a;
        ea_err err = { 0 };

        if (ea_sigv4_parse(ea_str_of(cases[i]), &a, &err) != EA_INVALID)
            fail_msg("accepted: %s", cases[i]);
    }
}

static void a_frame_is_a_header_block_and_the_json(void **state)
{
    const struct vector *v = NULL;
    EA_BUF_AUTO out = EA_BUF(8192);
    EA_BUF_AUTO want = EA_BUF(8192);
    ea_aws_creds creds;
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(vectors); i++) {
        if (strstr(vectors[i].why, "TCS frame"))
            v = &vectors[i];
    }
    assert_non_null(v);
    creds = creds_of(v);
    assert_int_equal(
        ea_sigv4_frame(v->url, ea_str_of(v->body), "us-west-2", &creds, WHEN_MS, &out, &err),
        EA_OK);
    ea_buf_addf(&want,
                "Authorization: %s\r\nHost: ecs-t-1.us-west-2.amazonaws.com\r\n"
                "X-Amz-Date: 20260102T030405Z\r\nX-Amz-Security-Token: %s\r\n\r\n%s",
                v->authorization, v->token, v->body);
    assert_string_equal(ea_buf_z(&out), ea_buf_z(&want));
    ea_aws_creds_done(&creds);
}

static void nothing_is_signed_without_credentials_or_address(void **state)
{
    ea_aws_creds none = { 0 };
    ea_aws_creds some = { .access_key_id = ea_strdup("A"), .secret_access_key = ea_strdup("s") };
    ea_signed s = { 0 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_sigv4_sign("GET", "https://x/", NULL, 0, EA_STR(""), "r", "ecs", &none,
                                   WHEN_MS, NULL, &s, &err),
                     EA_AUTH);
    assert_int_equal(ea_sigv4_sign("GET", "nowhere", NULL, 0, EA_STR(""), "r", "ecs", &some,
                                   WHEN_MS, NULL, &s, &err),
                     EA_INVALID);
    assert_null(s.authorization);
    ea_aws_creds_done(&some);
}

static void a_kept_key_serves_its_own_secret_day_region_and_service_alone(void **state)
{
    static const struct {
        const char *why, *secret, *region, *service;
        int64_t at_ms;
    } cases[] = {
        { "the first", "s", "r", "ecs", WHEN_MS },
        { "the same again", "s", "r", "ecs", WHEN_MS + 1000 },
        { "another day", "s", "r", "ecs", WHEN_MS + 86400000 },
        { "another secret", "t", "r", "ecs", WHEN_MS + 86400000 },
        { "another region", "t", "q", "ecs", WHEN_MS + 86400000 },
        { "another service", "t", "q", "ssm", WHEN_MS + 86400000 },
        { "the first, after others", "s", "r", "ecs", WHEN_MS },
    };
    ea_sign_key kept = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_aws_creds creds = { .access_key_id = ea_strdup("A"),
                               .secret_access_key = ea_strdup(cases[i].secret) };
        ea_signed with = { 0 }, without = { 0 };
        ea_err err = { 0 };

        if (ea_sigv4_sign("GET", "https://x/", NULL, 0, EA_STR(""), cases[i].region,
                          cases[i].service, &creds, cases[i].at_ms, &kept, &with, &err) ||
            ea_sigv4_sign("GET", "https://x/", NULL, 0, EA_STR(""), cases[i].region,
                          cases[i].service, &creds, cases[i].at_ms, NULL, &without, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (strcmp(with.authorization, without.authorization) != 0)
            fail_msg("%s: %s is not %s", cases[i].why, with.authorization, without.authorization);
        ea_signed_done(&with);
        ea_signed_done(&without);
        ea_aws_creds_done(&creds);
    }
    ea_sign_key_done(&kept);
    assert_null(kept.of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_equal_those_of_botocore),
        cmocka_unit_test(the_other_side_accepts_them_and_nothing_else),
        cmocka_unit_test(malformed_authorizations_are_refused),
        cmocka_unit_test(a_frame_is_a_header_block_and_the_json),
        cmocka_unit_test(nothing_is_signed_without_credentials_or_address),
        cmocka_unit_test(a_kept_key_serves_its_own_secret_day_region_and_service_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
