/* s3_test.c - one object of S3: its address, the bucket's own region, retries, and what failures say. */
#include "aws/s3.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "fakes/scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 15000
#define HTTP(status, headers, body)                                                                \
    {                                                                                              \
        (const struct peer_step[]){ { .wait = "\r\n\r\n",                                          \
                                      .send = "HTTP/1.1 " status                                   \
                                              "\r\nConnection: close\r\n" headers "\r\n" body,     \
                                      .then = PEER_SHUT } },                                       \
            1                                                                                      \
    }

struct world {
    ea_loop *loop;
    ea_net *net;
    struct peer *peer;
    bool done;
    int calls;
    ea_err err;
    char text[256];
};

static int setup(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_net_config config = { .proxy_http = "", .proxy_https = "" };
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    assert_int_equal(ea_net_new(w->loop, &config, &w->net, &err), EA_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    if (w->peer)
        peer_stop(w->peer);
    assert_int_equal(ea_net_active(w->net), 0);
    ea_net_free(w->net);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static void on_object(void *ctx, ea_str object, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->calls++;
    w->err = *err;
    (void)snprintf(w->text, sizeof(w->text), "%.*s", (int)object.n, object.p ? object.p : "");
}

static ea_s3_get *start(struct world *w, const char *arn, const struct peer_script *scripts,
                        size_t n)
{
    static char key[] = "AK", secret[] = "secret", token[] = "token";
    const ea_aws_creds creds = { .access_key_id = key,
                                 .secret_access_key = secret,
                                 .session_token = token };
    char url[64];
    ea_s3_ask ask = { .arn = arn,
                      .region = "us-west-2",
                      .endpoint = url,
                      .creds = &creds,
                      .max = 100,
                      .each_ms = PATIENCE_MS };
    ea_err err = { 0 };

    w->peer = peer_start_each(w->loop, scripts, n);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", peer_port(w->peer));
    ea_s3_get *g = ea_s3_start(w->net, &ask, on_object, w, &err);
    if (!g)
        fail_msg("%s", err.text);
    assert_false(w->done);
    return g;
}
#define GET(w, arn, ...)                                                                           \
    do {                                                                                           \
        const struct peer_script scripts[] = { __VA_ARGS__ };                                      \
        (void)start((w), (arn), scripts, EA_COUNT(scripts));                                       \
        run_until((w)->loop, &(w)->done, PATIENCE_MS);                                             \
        assert_int_equal((w)->calls, 1);                                                           \
    } while (0)

static bool heard(const struct world *w, const char *text)
{
    EA_FREE_AUTO char *all = ea_str_dup(peer_received(w->peer));

    return strstr(all, text) != NULL;
}

static void an_object_is_read_with_a_signature_and_its_key_escaped_once(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::my-bucket/a b/../c+d.env", HTTP("200 OK", "", "A=1\n"));
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->text, "A=1\n");
    assert_true(heard(w, "GET /my-bucket/a%20b/../c%2Bd.env HTTP/1.1\r\n"));
    assert_true(heard(w, "x-amz-content-sha256: " EA_EMPTY_SHA256));
    assert_true(heard(w, "/us-west-2/s3/aws4_request"));
    assert_true(
        heard(w, "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"));
}

static void a_bucket_elsewhere_is_asked_there_once(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k",
        HTTP("301 Moved", "x-amz-bucket-region: eu-west-1\r\n",
             "<Error><Code>PermanentRedirect</Code><Message>there</Message></Error>"),
        HTTP("200 OK", "", "there"));
    assert_string_equal(w->text, "there");
    assert_true(heard(w, "/eu-west-1/s3/aws4_request"));
}

static void two_buckets_that_point_at_each_other_end(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k",
        HTTP("301 Moved", "x-amz-bucket-region: eu-west-1\r\n", "<Error><Code>P</Code></Error>"),
        HTTP("301 Moved", "x-amz-bucket-region: us-west-2\r\n", "<Error><Code>P</Code></Error>"));
    assert_int_not_equal(w->err.code, EA_OK);
    assert_int_equal(peer_connections(w->peer), 2);
}

static void failures_name_the_object_and_the_reason(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k.env",
        HTTP("404 Not Found", "",
             "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The specified key does "
             "not exist.</Message></Error>"));
    assert_int_equal(w->err.code, EA_NOT_FOUND);
    assert_string_equal(w->err.text,
                        "object s3://bucket/k.env: NoSuchKey: The specified key does not exist. "
                        "(HTTP status 404)");
    assert_int_equal(peer_connections(w->peer), 1);
}

static void a_refusal_without_words_is_told_by_its_number(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k", HTTP("403 Forbidden", "", ""));
    assert_int_equal(w->err.code, EA_DENIED);
    assert_string_equal(w->err.text, "object s3://bucket/k: no reason given (HTTP status 403)");
}

static void what_may_pass_is_tried_again(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k", HTTP("503 Slow Down", "", "<Code>SlowDown</Code>"),
        HTTP("200 OK", "", "late"));
    assert_string_equal(w->text, "late");
    assert_int_equal(peer_connections(w->peer), 2);
}

static void an_object_over_the_limit_is_not_read(void **state)
{
    struct world *w = *state;

    GET(w, "arn:aws:s3:::bucket/k",
        HTTP("200 OK", "",
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
             "56789012345678901234567890"));
    assert_int_equal(w->err.code, EA_LIMIT);
    assert_int_equal(peer_connections(w->peer), 1);
}

static void a_dropped_get_never_answers(void **state)
{
    struct world *w = *state;
    const struct peer_script scripts[] = { HTTP("200 OK", "", "x") };
    ea_s3_get *g = start(w, "arn:aws:s3:::bucket/k", scripts, 1);

    ea_s3_drop(g);
    ea_s3_drop(NULL);
    assert_false(w->done);
}

static void addresses_follow_bucket_region_and_endpoint(void **state)
{
    static const struct {
        const char *bucket, *key, *region, *endpoint, *url;
    } cases[] = {
        { "b-1", "k", "us-west-2", NULL, "https://b-1.s3.us-west-2.amazonaws.com/k" },
        { "b-1", "a/b c", "cn-north-1", "", "https://b-1.s3.cn-north-1.amazonaws.com.cn/a/b%20c" },
        { "my.dots", "k", "us-west-2", NULL, "https://s3.us-west-2.amazonaws.com/my.dots/k" },
        { "Old_Name", "k", "us-east-1", NULL, "https://s3.us-east-1.amazonaws.com/Old_Name/k" },
        { "b", "k", "us-west-2", "http://127.0.0.1:9", "http://127.0.0.1:9/b/k" },
        { "b", "k", "Bad Region", NULL, NULL },
        { "b", "k", "us-west-2", "ftp://x", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO url = EA_BUF(4096);
        ea_err err = { 0 };
        ea_code code = ea_s3_url(cases[i].bucket, cases[i].key, cases[i].region, cases[i].endpoint,
                                 &url, &err);

        if ((code == EA_OK) != (cases[i].url != NULL) ||
            (cases[i].url && strcmp(ea_buf_z(&url), cases[i].url) != 0))
            fail_msg("%s: %s %s", cases[i].bucket, ea_buf_z(&url), err.text);
    }
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "bucket/key",
        "arn:aws:s3:::bucket",
        "arn:aws:s3:::bucket/",
        "arn:aws:s3:::/key",
        "arn:aws:ssm:::bucket/key",
        "arn:aws:s3:::bu cket/k",
        "arn:aws:s3:::bucket/a\nb",
        "arn:aws:s3:::b@host/k",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        char *bucket = NULL, *key = NULL;
        ea_err err = { 0 };

        if (ea_s3_parse_arn(cases[i], &bucket, &key, &err) != EA_INVALID)
            fail_msg("%s is taken", cases[i]);
        assert_null(bucket);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_read_with_a_signature_and_its_key_escaped_once),
        TEST(a_bucket_elsewhere_is_asked_there_once),
        TEST(two_buckets_that_point_at_each_other_end),
        TEST(failures_name_the_object_and_the_reason),
        TEST(a_refusal_without_words_is_told_by_its_number),
        TEST(what_may_pass_is_tried_again),
        TEST(an_object_over_the_limit_is_not_read),
        TEST(a_dropped_get_never_answers),
        cmocka_unit_test(addresses_follow_bucket_region_and_endpoint),
        cmocka_unit_test(what_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
