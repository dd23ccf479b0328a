/* imds_test.c - instance metadata and the credential chain, against a peer on loopback. */
#include "aws/cred_chain.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "fakes/scripted_peer.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 15000
#define ANSWER(status, body)                                                                       \
    {                                                                                              \
        .wait = "\r\n\r\n", .send = "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body,       \
        .then = PEER_SHUT                                                                          \
    }
#define SCRIPT(...)                                                                                \
    {                                                                                              \
        (const struct peer_step[]){ __VA_ARGS__ }, 1                                               \
    }
#define ROLE_JSON(key, expires)                                                                    \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," \
    "\"Expiration\":\"" expires "\"}"

struct world {
    ea_loop *loop;
    ea_net *net;
    struct peer *peer;
    ea_imds *imds;
    ea_cred_chain *chain;
    char endpoint[64];
    const char *vars[16]; /* name, value, ... */
    bool done;
    int calls;
    ea_err err;
    char value[512], key[64], token[64], source[64];
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

    ea_clock_set_fake(NULL);
    ea_cred_chain_free(w->chain);
    ea_imds_free(w->imds);
    if (w->peer)
        peer_stop(w->peer);
    assert_int_equal(ea_net_active(w->net), 0);
    ea_net_free(w->net);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static void start(struct world *w, const struct peer_script *scripts, size_t n,
                  ea_imds_config config)
{
    ea_err err = { 0 };

    w->peer = peer_start_each(w->loop, scripts, n);
    (void)snprintf(w->endpoint, sizeof(w->endpoint), "http://127.0.0.1:%u/", peer_port(w->peer));
    config.endpoint = w->endpoint;
    config.attempt_ms = config.attempt_ms ? config.attempt_ms : 3000;
    assert_int_equal(ea_imds_new(w->net, &config, &w->imds, &err), EA_OK);
}
#define START(w, config, ...)                                                                      \
    do {                                                                                           \
        const struct peer_script scripts[] = { __VA_ARGS__ };                                      \
        start((w), scripts, EA_COUNT(scripts), (config));                                          \
    } while (0)

static void on_value(void *ctx, ea_str value, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->calls++;
    w->err = *err;
    (void)snprintf(w->value, sizeof(w->value), "%.*s", EA_STR_FMT(value));
}

static void get(struct world *w, const char *path, bool retries)
{
    ea_err err = { 0 };

    w->done = false;
    w->calls = 0;
    assert_non_null(ea_imds_start(w->imds, path, retries, on_value, w, &err));
    assert_int_equal(w->calls, 0);
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 1);
}

static size_t count(struct world *w, const char *what)
{
    const char *at = peer_received(w->peer).p;
    size_t n = 0;

    while ((at = strstr(at, what)) != NULL) {
        n++;
        at += strlen(what);
    }
    return n;
}

static void the_token_is_fetched_once_and_sent_with_each_request(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("200 OK", "TOKEN1\n")),
          SCRIPT(ANSWER("200 OK", "i-123")), SCRIPT(ANSWER("200 OK", "us-west-2")));
    get(w, "/latest/meta-data/instance-id", true);
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->value, "i-123");
    get(w, "/latest/meta-data/placement/region", true);
    assert_string_equal(w->value, "us-west-2");
    assert_int_equal(count(w, "PUT /latest/api/token"), 1);
    assert_int_equal(count(w, "x-aws-ec2-metadata-token-ttl-seconds: 300\r\n"), 1);
    assert_int_equal(count(w, "x-aws-ec2-metadata-token: TOKEN1\r\n"), 2);
}

static void without_version_2_the_first_version_serves(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("404 Not Found", "")),
          SCRIPT(ANSWER("200 OK", "a")), SCRIPT(ANSWER("200 OK", "b")));
    get(w, "/x", true);
    assert_string_equal(w->value, "a");
    get(w, "/y", true);
    assert_string_equal(w->value, "b");
    assert_int_equal(count(w, "PUT "), 1); /* the refusal is remembered */
    assert_int_equal(count(w, "x-aws-ec2-metadata-token:"), 0);
}

static void version_1_is_not_used_when_it_is_forbidden(void **state)
{
    struct world *w = *state;

    START(w, ((ea_imds_config){ .v1_disabled = true, .attempts = 2 }),
          SCRIPT(ANSWER("403 Forbidden", "")));
    get(w, "/x", true);
    assert_int_equal(w->err.code, EA_DENIED);
    assert_int_equal(count(w, "GET "), 0);
    assert_int_equal(count(w, "PUT "), 2);
}

static void a_refused_token_is_fetched_again(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("200 OK", "OLD")),
          SCRIPT(ANSWER("401 Unauthorized", "")), SCRIPT(ANSWER("200 OK", "NEW")),
          SCRIPT(ANSWER("200 OK", "fine")));
    get(w, "/x", true);
    assert_string_equal(w->value, "fine");
    assert_int_equal(count(w, "x-aws-ec2-metadata-token: NEW\r\n"), 1);
}

static void only_failures_that_may_pass_are_tried_again(void **state)
{
    const struct {
        const char *why;
        const struct peer_script answer;
        bool retries;
        ea_code want;
        size_t gets;
    } cases[] = {
        { "404", SCRIPT(ANSWER("404 Not Found", "")), true, EA_NOT_FOUND, 1 },
        { "500", SCRIPT(ANSWER("500 Oops", "")), true, EA_SERVER, 3 },
        { "500, one attempt", SCRIPT(ANSWER("500 Oops", "")), false, EA_SERVER, 1 },
        { "dropped", SCRIPT({ .wait = "\r\n\r\n", .then = PEER_SHUT }), true, EA_UNREACHABLE, 3 },
        { "silent, one attempt", SCRIPT({ .wait = "\r\n\r\n" }), false, EA_TIMEOUT, 1 },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct peer_script scripts[] = { SCRIPT(ANSWER("200 OK", "T")), cases[i].answer };

        start(w, scripts, 2, (ea_imds_config){ .attempts = 3, .attempt_ms = 300 });
        get(w, "/x", cases[i].retries);
        if (w->err.code != cases[i].want || count(w, "GET ") != cases[i].gets)
            fail_msg("%s: got %s after %zu requests: %s", cases[i].why, ea_code_name(w->err.code),
                     count(w, "GET "), w->err.text);
        assert_non_null(strstr(w->err.text, "/x"));
        ea_imds_free(w->imds);
        w->imds = NULL;
        peer_stop(w->peer);
        w->peer = NULL;
    }
}

static void switched_off_metadata_say_so_without_a_request(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ .disabled = true }, SCRIPT(ANSWER("200 OK", "x")));
    get(w, "/x", true);
    assert_int_equal(w->err.code, EA_UNSUPPORTED);
    assert_int_equal(peer_connections(w->peer), 0);
    assert_false(ea_imds_enabled(w->imds));
}

/* --- the chain --- */

static const char *lookup(void *ctx, const char *name)
{
    struct world *w = ctx;

    for (size_t i = 0; w->vars[i]; i += 2) {
        if (strcmp(w->vars[i], name) == 0)
            return w->vars[i + 1];
    }
    return NULL;
}

static void on_creds(void *ctx, const ea_aws_creds *c, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->calls++;
    w->err = *err;
    (void)snprintf(w->key, sizeof(w->key), "%s", c ? c->access_key_id : "");
    (void)snprintf(w->token, sizeof(w->token), "%s", c && c->session_token ? c->session_token : "");
    (void)snprintf(w->source, sizeof(w->source), "%s", c ? c->source : "");
}

static void new_chain(struct world *w, const char *shared)
{
    ea_cred_config config = { .env = lookup, .env_ctx = w, .shared_file = shared };
    ea_err err = { 0 };

    assert_int_equal(ea_cred_chain_new(w->net, w->imds, &config, &w->chain, &err), EA_OK);
}

static void creds(struct world *w)
{
    w->done = false;
    w->calls = 0;
    (void)ea_cred_start(w->chain, on_creds, w);
    assert_int_equal(w->calls, 0);
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 1);
}

static void the_environment_goes_first(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("200 OK", "x")));
    w->vars[0] = "AWS_ACCESS_KEY_ID";
    w->vars[1] = "AKENV";
    w->vars[2] = "AWS_SECRET_ACCESS_KEY";
    w->vars[3] = "s";
    w->vars[4] = "AWS_SESSION_TOKEN";
    w->vars[5] = "tok";
    new_chain(w, NULL);
    creds(w);
    assert_string_equal(w->key, "AKENV");
    assert_string_equal(w->token, "tok");
    assert_string_equal(w->source, "environment");
    assert_int_equal(peer_connections(w->peer), 0);
    assert_non_null(ea_cred_held(w->chain));
}

static void the_instance_role_is_fetched_once_and_kept(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("200 OK", "T")),
          SCRIPT(ANSWER("200 OK", "my-role\n")),
          SCRIPT(ANSWER("200 OK", ROLE_JSON("AKROLE", "2099-01-01T00:00:00Z"))));
    new_chain(w, NULL);
    creds(w);
    if (w->err.code)
        fail_msg("%s", w->err.text);
    assert_string_equal(w->key, "AKROLE");
    assert_string_equal(w->token, "t");
    assert_string_equal(w->source, "instance role");
    assert_int_equal(count(w, "GET /latest/meta-data/iam/security-credentials/my-role "), 1);
    creds(w);
    assert_string_equal(w->key, "AKROLE");
    assert_int_equal(peer_connections(w->peer), 3);
    ea_cred_forget(w->chain);
    assert_null(ea_cred_held(w->chain));
}

static void
role_credentials_are_fetched_again_before_they_expire_and_kept_when_that_fails(void **state)
{
    struct world *w = *state;
    ea_time now = { .mono_ms = 1000000, .wall_ms = 1795504000000 }; /* 2026-11-24T07:06:40Z */

    START(w, ((ea_imds_config){ .attempts = 1, .attempt_ms = 1000 }), SCRIPT(ANSWER("200 OK", "T")),
          SCRIPT(ANSWER("200 OK", "r")),
          SCRIPT(ANSWER("200 OK", ROLE_JSON("AK1", "2026-11-24T08:06:40Z"))), /* in 1 h */
          SCRIPT(ANSWER("200 OK", "T2")), SCRIPT(ANSWER("500 Oops", "")),
          SCRIPT(ANSWER("200 OK", "r")),
          SCRIPT(ANSWER("200 OK", ROLE_JSON("AK2", "2026-11-24T10:06:40Z"))));
    ea_clock_set_fake(&now);
    new_chain(w, NULL);
    creds(w);
    assert_string_equal(w->key, "AK1");
    now.wall_ms += 54 * 60000;
    now.mono_ms += 54 * 60000;
    creds(w);
    assert_string_equal(w->key, "AK1");
    assert_int_equal(peer_connections(w->peer), 3);
    now.wall_ms += 2 * 60000; /* 4 min before they expire: refreshed, and that fails */
    now.mono_ms += 2 * 60000;
    creds(w);
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->key, "AK1");
    assert_int_equal(peer_connections(w->peer), 5);
    now.wall_ms += 16 * 60000;
    now.mono_ms += 60000; /* the token is still good */
    creds(w);
    assert_string_equal(w->key, "AK2");
    ea_clock_set_fake(NULL);
}

static void nothing_anywhere_tells_what_was_tried(void **state)
{
    struct world *w = *state;

    START(w, (ea_imds_config){ .attempts = 1 }, SCRIPT(ANSWER("200 OK", "T")),
          SCRIPT(ANSWER("404 Not Found", "")));
    new_chain(w, "no-such-credentials-file");
    creds(w);
    assert_int_equal(w->err.code, EA_AUTH);
    if (!strstr(w->err.text, "AWS_ACCESS_KEY_ID is not set") ||
        !strstr(w->err.text, "no-such-credentials-file") ||
        !strstr(w->err.text, "attach an instance profile"))
        fail_msg("%s", w->err.text);
}

static void the_shared_file_is_read_with_its_profile(void **state)
{
    static const char path[] = "shared-credentials-test.ini";
    struct world *w = *state;
    ea_err err = { 0 };

    START(w, (ea_imds_config){ .disabled = true }, SCRIPT(ANSWER("200 OK", "T")));
    assert_int_equal(ea_plat_write_file(path,
                                        EA_STR("[default]\naws_access_key_id = AKD\n"
                                               "aws_secret_access_key = sd\n[blue]\r\n"
                                               "aws_access_key_id=AKB\r\n"
                                               "aws_secret_access_key=s=b\r\n"),
                                        0600, &err),
                     EA_OK);
    w->vars[0] = "AWS_SHARED_CREDENTIALS_FILE";
    w->vars[1] = path;
    new_chain(w, NULL);
    creds(w);
    assert_string_equal(w->key, "AKD");
    assert_string_equal(w->source, "shared credentials file");
    ea_cred_forget(w->chain);
    w->vars[2] = "AWS_PROFILE";
    w->vars[3] = "blue";
    creds(w);
    assert_string_equal(w->key, "AKB");
    ea_cred_forget(w->chain);
    w->vars[3] = "green";
    creds(w);
    assert_int_equal(w->err.code, EA_AUTH);
    assert_non_null(strstr(w->err.text, "no profile green"));
    assert_int_equal(ea_plat_remove_file(path, &err), EA_OK);
}

static void a_container_credentials_address_must_be_near(void **state)
{
    struct world *w = *state;
    char url[128];

    START(w, (ea_imds_config){ .disabled = true },
          SCRIPT(ANSWER("200 OK", ROLE_JSON("AKC", "2099-01-01T00:00:00Z"))));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/creds", peer_port(w->peer));
    w->vars[0] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    w->vars[1] = url;
    new_chain(w, NULL);
    creds(w);
    assert_string_equal(w->key, "AKC");
    ea_cred_forget(w->chain);
    w->vars[1] = "http://credentials.example.com/";
    creds(w);
    assert_int_equal(w->err.code, EA_AUTH);
    assert_non_null(strstr(w->err.text, "neither https nor of this host"));
}

static void dropped_gets_are_never_told(void **state)
{
    struct world *w = *state;
    ea_err err = { 0 };

    START(w, (ea_imds_config){ 0 }, SCRIPT(ANSWER("200 OK", "T")), SCRIPT(ANSWER("200 OK", "v")));
    new_chain(w, NULL);
    ea_imds_drop(ea_imds_start(w->imds, "/gone", true, on_value, w, &err));
    ea_cred_drop(ea_cred_start(w->chain, on_creds, w));
    get(w, "/x", true);
    assert_string_equal(w->value, "v");
    assert_int_equal(count(w, "/gone"), 0);
}

static void role_answers_are_read_or_refused(void **state)
{
    static const struct {
        const char *why, *json;
        ea_code want;
    } cases[] = {
        { "good", ROLE_JSON("A", "2036-01-01T00:00:00Z"), EA_OK },
        { "code in another case",
          "{\"Code\":\"SUCCESS\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}", EA_OK },
        { "container form", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}",
          EA_OK },
        { "refused", "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\"}", EA_AUTH },
        { "no key", "{\"Code\":\"Success\",\"SecretAccessKey\":\"s\"}", EA_INVALID },
        { "empty key", "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}", EA_INVALID },
        { "bad time", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}",
          EA_INVALID },
        { "no JSON", "<html>", EA_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_aws_creds c = { 0 };
        ea_err err = { 0 };
        ea_code rc = ea_cred_parse_json(ea_str_of(cases[i].json), &c, &err);

        if (rc != cases[i].want)
            fail_msg("%s: got %s: %s", cases[i].why, ea_code_name(rc), err.text);
        ea_aws_creds_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(the_token_is_fetched_once_and_sent_with_each_request),
        T(without_version_2_the_first_version_serves),
        T(version_1_is_not_used_when_it_is_forbidden),
        T(a_refused_token_is_fetched_again),
        T(only_failures_that_may_pass_are_tried_again),
        T(switched_off_metadata_say_so_without_a_request),
        T(the_environment_goes_first),
        T(the_instance_role_is_fetched_once_and_kept),
        T(role_credentials_are_fetched_again_before_they_expire_and_kept_when_that_fails),
        T(nothing_anywhere_tells_what_was_tried),
        T(the_shared_file_is_read_with_its_profile),
        T(a_container_credentials_address_must_be_near),
        T(dropped_gets_are_never_told),
        cmocka_unit_test(role_answers_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
