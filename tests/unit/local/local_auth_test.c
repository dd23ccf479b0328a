#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "local/local_auth.h"
#include "local/state.h"
#include "folder.h"

#include <string.h>

#define NOW INT64_C(1795512376000)
#define URL "http://127.0.0.1:51670/acs/ws?a=1&dockerVersion=DockerVersion%3A%2020.10"

struct world {
    ea_lc_state state;
    ea_lc_creds creds;
    ea_lc_auth auth;
};

static void must(ea_code code, const ea_err *err)
{
    if (code)
        fail_msg("%s", err->text);
}

static int open_world(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_err err = { 0 };

    (void)folder_new();
    must(ea_lc_state_open(&w->state, folder_path("db"), "us-west-2", "000000000000", &err), &err);
    must(ea_lc_creds_open(&w->creds, &w->state, NULL, NULL, &err), &err);
    w->auth = (ea_lc_auth){ &w->creds, "us-west-2" };
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;

    ea_lc_creds_close(&w->creds);
    ea_lc_state_close(&w->state);
    ea_free(w);
    folder_done();
    return 0;
}

/* ---- keys ------------------------------------------------------------------------------------- */

static void issued_keys_are_found_until_they_expire(void **state)
{
    struct world *w = *state;
    ea_lc_identity who;
    ea_lc_keys k;
    ea_err err;

    ea_lc_creds_issue(&w->creds, EA_LC_TASK_ROLE, "arn:aws:iam::000000000000:role/app/web", "task1",
                      NOW + 1000, &k);
    assert_int_equal(strlen(k.access_key_id), 20);
    assert_memory_equal(k.access_key_id, "LOCAL", 5);
    assert_int_equal(
        ea_lc_creds_find(&w->creds, ea_str_of(k.access_key_id), k.token, NOW + 999, &who, &err),
        EA_OK);
    assert_int_equal(who.who, EA_LC_TASK_ROLE);
    assert_string_equal(who.arn, "arn:aws:sts::000000000000:assumed-role/web/task1");
    assert_string_equal(who.secret, k.secret);
    assert_int_equal(
        ea_lc_creds_find(&w->creds, ea_str_of(k.access_key_id), k.token, NOW + 1000, &who, &err),
        EA_TIMEOUT);
}

static void keys_that_were_tampered_with_are_unknown(void **state)
{
    struct world *w = *state;
    ea_lc_identity who;
    ea_lc_keys a, b;
    char token[sizeof(a.token)];
    ea_err err;

    ea_lc_creds_issue(&w->creds, EA_LC_TASK_ROLE, "r", "s", NOW + 1000, &a);
    ea_lc_creds_issue(&w->creds, EA_LC_TASK_ROLE, "r", "s", NOW + 1000, &b);
    assert_string_not_equal(a.access_key_id, b.access_key_id);
    assert_int_equal(
        ea_lc_creds_find(&w->creds, ea_str_of(a.access_key_id), b.token, NOW, &who, &err), EA_AUTH);
    assert_int_equal(ea_lc_creds_find(&w->creds, ea_str_of(a.access_key_id), NULL, NOW, &who, &err),
                     EA_AUTH);
    assert_int_equal(
        ea_lc_creds_find(&w->creds, ea_str_of(a.access_key_id), "x.y", NOW, &who, &err), EA_AUTH);
    for (size_t i = 0; i < strlen(a.token); i++) {
        memcpy(token, a.token, sizeof(token));
        token[i] = token[i] == 'A' ? 'B' : 'A';
        if (strcmp(token, a.token) != 0 && ea_lc_creds_find(&w->creds, ea_str_of(a.access_key_id),
                                                            token, NOW, &who, &err) == EA_OK)
            fail_msg("byte %zu of the token may be changed", i);
    }
}

static void the_operator_has_one_pair_for_ever(void **state)
{
    struct world *w = *state;
    EA_FREE_AUTO char *secret = ea_strdup(w->creds.operator_secret);
    ea_lc_identity who;
    ea_lc_keys k;
    ea_err err = { 0 };

    ea_lc_creds_issue(&w->creds, EA_LC_INSTANCE_ROLE, "r", "s", NOW + 1000, &k);
    ea_lc_creds_close(&w->creds);
    must(ea_lc_creds_open(&w->creds, &w->state, NULL, NULL, &err), &err);
    assert_string_equal(w->creds.operator_secret, secret);
    assert_int_equal(strlen(secret), 40);
    must(ea_lc_creds_find(&w->creds, ea_str_of(k.access_key_id), k.token, NOW, &who, &err), &err);
    ea_lc_creds_close(&w->creds);
    must(ea_lc_creds_open(&w->creds, &w->state, "AKIAOWN", "own", &err), &err);
    must(ea_lc_creds_find(&w->creds, EA_STR("AKIAOWN"), NULL, NOW, &who, &err), &err);
    assert_string_equal(who.secret, "own");
    assert_int_equal(
        ea_lc_creds_find(&w->creds, EA_STR("LOCALOPERATOR0000000"), NULL, NOW, &who, &err),
        EA_AUTH);
}

/* ---- requests --------------------------------------------------------------------------------- */

struct signing { /* what a test changes */
    const char *region, *service, *secret, *key;
    int64_t at_ms;
};

static ea_lc_refusal send(struct world *w, struct signing g, const char *query, ea_err *err)
{
    char *key = ea_strdup(g.key ? g.key : w->creds.operator_id);
    char *secret = ea_strdup(g.secret ? g.secret : w->creds.operator_secret);
    const ea_aws_creds creds = { .access_key_id = key, .secret_access_key = secret };
    ea_http_header headers[3];
    ea_http_request req = { .method = "GET",
                            .raw_path = "/acs/ws",
                            .query = query,
                            .headers = headers,
                            .header_count = EA_COUNT(headers) };
    ea_lc_identity who;
    ea_lc_refusal r;
    ea_signed s;

    must(ea_sigv4_sign("GET", URL, NULL, 0, (ea_str){ NULL, 0 }, g.region ? g.region : "us-west-2",
                       g.service ? g.service : "ecs", &creds, g.at_ms ? g.at_ms : NOW, NULL, &s,
                       err),
         err);
    headers[0] = (ea_http_header){ "Host", s.host };
    headers[1] = (ea_http_header){ "X-Amz-Date", s.amz_date };
    headers[2] = (ea_http_header){ "Authorization", s.authorization };
    r = ea_lc_auth_request(&w->auth, &req, "ecs", NOW, &who, err);
    ea_signed_done(&s);
    ea_free(key);
    ea_secret_free(secret);
    return r;
}

static void requests_are_judged_by_key_scope_clock_and_signature(void **state)
{
    static const struct {
        const char *why;
        struct signing how;
        const char *query;
        ea_lc_refusal refusal;
    } rows[] = {
        { "all is right", { .region = NULL }, NULL, EA_LC_FINE },
        { "a clock five minutes behind", { .at_ms = NOW - 300000 }, NULL, EA_LC_FINE },
        { "a clock further behind", { .at_ms = NOW - 301000 }, NULL, EA_LC_WRONG },
        { "a clock five minutes ahead", { .at_ms = NOW + 300000 }, NULL, EA_LC_FINE },
        { "a clock further ahead", { .at_ms = NOW + 301000 }, NULL, EA_LC_WRONG },
        { "another region", { .region = "eu-west-1" }, NULL, EA_LC_WRONG },
        { "another service", { .service = "s3" }, NULL, EA_LC_WRONG },
        { "a wrong secret", { .secret = "x" }, NULL, EA_LC_WRONG },
        { "an unknown key", { .key = "AKIANOBODY" }, NULL, EA_LC_UNKNOWN_KEY },
        { "another query", { .region = NULL }, "a=2", EA_LC_WRONG },
        { "a blank written as a plus",
          { .region = NULL },
          "a=1&dockerVersion=DockerVersion%3A+20.10",
          EA_LC_FINE },
        { "another order",
          { .region = NULL },
          "dockerVersion=DockerVersion%3A%2020.10&a=1",
          EA_LC_FINE },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_err err = { 0 };
        ea_lc_refusal r =
            send(w, rows[i].how, rows[i].query ? rows[i].query : strchr(URL, '?') + 1, &err);

        if (r != rows[i].refusal)
            fail_msg("%s: got %s %s", rows[i].why, ea_lc_refusal_name(r), err.text);
        assert_int_equal(r != EA_LC_FINE, err.text[0] != '\0');
    }
}

static void a_request_without_a_whole_signature_is_refused(void **state)
{
    static const struct {
        const char *why, *authorization, *date;
        ea_lc_refusal refusal;
    } rows[] = {
        { "no header", NULL, "20261124T092616Z", EA_LC_NO_SIGNATURE },
        { "an empty one", "", "20261124T092616Z", EA_LC_NO_SIGNATURE },
        { "another scheme", "Basic eDp5", "20261124T092616Z", EA_LC_MALFORMED },
        { "no date",
          "AWS4-HMAC-SHA256 Credential=LOCALOPERATOR0000000/20261124/us-west-2/ecs/aws4_request, "
          "SignedHeaders=host, Signature="
          "0000000000000000000000000000000000000000000000000000000000000000",
          NULL, EA_LC_MALFORMED },
        { "host is not signed",
          "AWS4-HMAC-SHA256 Credential=LOCALOPERATOR0000000/20261124/us-west-2/ecs/aws4_request, "
          "SignedHeaders=x-amz-date, Signature="
          "0000000000000000000000000000000000000000000000000000000000000000",
          "20261124T092616Z", EA_LC_MALFORMED },
        { "a signed header that is not there",
          "AWS4-HMAC-SHA256 Credential=LOCALOPERATOR0000000/20261124/us-west-2/ecs/aws4_request, "
          "SignedHeaders=host;x-other, Signature="
          "0000000000000000000000000000000000000000000000000000000000000000",
          "20261124T092616Z", EA_LC_MALFORMED },
        { "the scope of another day",
          "AWS4-HMAC-SHA256 Credential=LOCALOPERATOR0000000/20261123/us-west-2/ecs/aws4_request, "
          "SignedHeaders=host, Signature="
          "0000000000000000000000000000000000000000000000000000000000000000",
          "20261124T092616Z", EA_LC_WRONG },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_http_header headers[3] = { { "Host", "h" } };
        ea_http_request req = {
            .method = "GET", .raw_path = "/", .query = "", .headers = headers, .header_count = 1
        };
        ea_lc_identity who;
        ea_lc_refusal r;
        ea_err err = { 0 };

        if (rows[i].authorization)
            headers[req.header_count++] =
                (ea_http_header){ "authorization", rows[i].authorization };
        if (rows[i].date)
            headers[req.header_count++] = (ea_http_header){ "X-AMZ-DATE", rows[i].date };
        r = ea_lc_auth_request(&w->auth, &req, "ecs", NOW, &who, &err);
        if (r != rows[i].refusal)
            fail_msg("%s: got %s %s", rows[i].why, ea_lc_refusal_name(r), err.text);
    }
}

static void telemetry_frames_carry_their_signature(void **state)
{
    static const char json[] = "{\"type\":\"PublishMetricsRequest\",\"message\":{}}";
    struct world *w = *state;
    const ea_aws_creds creds = { .access_key_id = w->creds.operator_id,
                                 .secret_access_key = w->creds.operator_secret };
    const char *query = strchr(URL, '?') + 1;
    EA_BUF_AUTO frame = EA_BUF(4096);
    ea_str got = { NULL, 0 };
    ea_err err = { 0 };

    must(ea_sigv4_frame(URL, EA_STR(json), "us-west-2", &creds, NOW, &frame, &err), &err);
    assert_int_equal(
        ea_lc_auth_frame(&w->auth, ea_buf_str(&frame), "/acs/ws", query, NOW, &got, &err),
        EA_LC_FINE);
    assert_true(ea_str_eqz(got, json));
    assert_int_equal(
        ea_lc_auth_frame(&w->auth, ea_buf_str(&frame), "/tcs/ws", query, NOW, &got, &err),
        EA_LC_WRONG);
    ea_buf_addc(&frame, ' ');
    assert_int_equal(
        ea_lc_auth_frame(&w->auth, ea_buf_str(&frame), "/acs/ws", query, NOW, &got, &err),
        EA_LC_WRONG);
    assert_int_equal(ea_lc_auth_frame(&w->auth, EA_STR(json), "/acs/ws", query, NOW, &got, &err),
                     EA_LC_MALFORMED);
    assert_int_equal(ea_lc_auth_frame(&w->auth, EA_STR(""), "/acs/ws", query, NOW, &got, &err),
                     EA_LC_MALFORMED);
}

int main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(issued_keys_are_found_until_they_expire),
        IN_WORLD(keys_that_were_tampered_with_are_unknown),
        IN_WORLD(the_operator_has_one_pair_for_ever),
        IN_WORLD(requests_are_judged_by_key_scope_clock_and_signature),
        IN_WORLD(a_request_without_a_whole_signature_is_refused),
        IN_WORLD(telemetry_frames_carry_their_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
