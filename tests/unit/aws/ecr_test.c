/* ecr_test.c - logins of image registries: what is asked, what is kept and how long, against a peer on
 * loopback. */
#include "aws/ecr.h"
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
#define HOUR_MS     (3600 * 1000)
#define NOW_MS      1767323040000
#define ANSWER(status, body)                                                                       \
    {                                                                                              \
        (const struct peer_step[]){ { .wait = "]}",                                                \
                                      .send =                                                      \
                                          "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body, \
                                      .then = PEER_SHUT } },                                       \
            1                                                                                      \
    }
/* base64 of AWS:first and AWS:second; 12 h after NOW_MS */
#define TOKEN(text)                                                                                \
    "{\"authorizationData\":[{\"authorizationToken\":\"" text "\",\"expiresAt\":1767366240.5,"     \
    "\"proxyEndpoint\":\"https://r.example\"}]}"
#define FIRST  TOKEN("QVdTOmZpcnN0")
#define SECOND TOKEN("QVdTOnNlY29uZA==")

struct world {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *chain;
    ea_ecr *ecr;
    struct peer *peer;
    ea_time now;
    char url[64];
    unsigned wanted, told;
    bool done; /* all that were wanted were told */
    ea_err err;
    char user[32], password[32], server[64];
};

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return "secret";
    return strcmp(name, "AWS_ACCESS_KEY_ID") == 0 ? "INSTANCEKEY" : NULL;
}

static int setup(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_net_config config = { .proxy_http = "", .proxy_https = "" };
    ea_cred_config creds = { .env = lookup, .env_ctx = w };
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    assert_int_equal(ea_net_new(w->loop, &config, &w->net, &err), EA_OK);
    assert_int_equal(ea_cred_chain_new(w->net, NULL, &creds, &w->chain, &err), EA_OK);
    w->ecr = ea_ecr_new(w->loop, &(ea_ecr_config){ .net = w->net, .creds = w->chain, .seed = 7 });
    w->now = (ea_time){ .mono_ms = 1000, .wall_ms = NOW_MS };
    ea_clock_set_fake(&w->now);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_clock_set_fake(NULL);
    ea_ecr_free(w->ecr);
    ea_cred_chain_free(w->chain);
    if (w->peer)
        peer_stop(w->peer);
    assert_int_equal(ea_net_active(w->net), 0);
    ea_net_free(w->net);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static void start(struct world *w, const struct peer_script *scripts, size_t n)
{
    w->peer = peer_start_each(w->loop, scripts, n);
    (void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", peer_port(w->peer));
}
#define START(w, ...)                                                                              \
    do {                                                                                           \
        const struct peer_script scripts[] = { __VA_ARGS__ };                                      \
        start((w), scripts, EA_COUNT(scripts));                                                    \
    } while (0)

static void on_login(void *ctx, const ea_ecr_login *login, const ea_err *err)
{
    struct world *w = ctx;

    w->err = *err;
    if (login) {
        (void)snprintf(w->user, sizeof(w->user), "%s", login->username);
        (void)snprintf(w->password, sizeof(w->password), "%s", login->password);
        (void)snprintf(w->server, sizeof(w->server), "%s", login->server);
    }
    w->done = ++w->told == w->wanted;
}

static ea_ecr_ask ask_of(const struct world *w)
{
    return (ea_ecr_ask){ .registry_id = "123456789012", .region = "eu-west-1", .endpoint = w->url };
}

/* Asks `times` times at once. */
static void ask(struct world *w, const ea_ecr_ask *a, unsigned times)
{
    w->wanted = times;
    w->told = 0;
    w->done = false;
    w->password[0] = '\0';
    for (unsigned i = 0; i < times; i++)
        ea_ecr_login_start(w->ecr, a, on_login, w);
    assert_int_equal(w->told, 0);
    run_until(w->loop, &w->done, PATIENCE_MS);
}

static bool asked_with(const struct world *w, const char *text)
{
    ea_str got = peer_received(w->peer);
    EA_FREE_AUTO char *all = ea_str_dup(got);

    return strstr(all, text) != NULL;
}

static void many_who_ask_at_once_share_one_call(void **state)
{
    struct world *w = *state;
    const ea_ecr_ask *a;
    ea_ecr_ask mine;

    START(w, ANSWER("200 OK", FIRST), ANSWER("500 no", ""));
    mine = ask_of(w);
    a = &mine;
    ask(w, a, 20);
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->user, "AWS");
    assert_string_equal(w->password, "first");
    assert_string_equal(w->server, "https://r.example");
    assert_int_equal(peer_connections(w->peer), 1);
    assert_true(asked_with(w, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken\r\n"));
    assert_true(asked_with(w, "/eu-west-1/ecr/aws4_request"));
    assert_true(asked_with(w, "Credential=INSTANCEKEY/"));
    assert_true(asked_with(w, "{\"registryIds\":[\"123456789012\"]}"));
}

static void a_login_is_kept_until_half_an_hour_to_an_hour_before_it_expires(void **state)
{
    struct world *w = *state;
    ea_ecr_ask a;

    START(w, ANSWER("200 OK", FIRST), ANSWER("200 OK", SECOND));
    a = ask_of(w);
    ask(w, &a, 1);
    w->now.wall_ms = NOW_MS + 11 * HOUR_MS - 1000; /* an hour and a second is left */
    ask(w, &a, 1);
    assert_string_equal(w->password, "first");
    assert_int_equal(peer_connections(w->peer), 1);
    w->now.wall_ms = NOW_MS + 11 * HOUR_MS + HOUR_MS / 2 + 1000; /* less than half an hour */
    ask(w, &a, 1);
    assert_string_equal(w->password, "second");
    assert_int_equal(peer_connections(w->peer), 2);
}

static void each_role_region_registry_and_endpoint_has_its_own_login(void **state)
{
    struct world *w = *state;
    char key[] = "TASKKEY", secret[] = "s", token[] = "token-of-role";
    const ea_aws_creds task = { .access_key_id = key,
                                .secret_access_key = secret,
                                .session_token = token };
    ea_ecr_ask a;

    START(w, ANSWER("200 OK", FIRST));
    a = ask_of(w);
    ask(w, &a, 1);
    a.role = "id arn:aws:iam::1:role/pull";
    a.creds = &task;
    ask(w, &a, 1);
    assert_int_equal(peer_connections(w->peer), 2);
    assert_true(asked_with(w, "Credential=TASKKEY/"));
    assert_true(asked_with(w, "token-of-role"));
    a.region = "us-west-2";
    ask(w, &a, 1);
    a.registry_id = "999999999999";
    ask(w, &a, 1);
    assert_int_equal(peer_connections(w->peer), 4);
    ask(w, &a, 3);
    assert_int_equal(peer_connections(w->peer), 4);
}

static void what_the_registry_refused_is_fetched_again(void **state)
{
    struct world *w = *state;
    ea_ecr_ask a;

    START(w, ANSWER("200 OK", FIRST), ANSWER("200 OK", SECOND));
    a = ask_of(w);
    ask(w, &a, 1);
    ea_ecr_forget(w->ecr, &a);
    ask(w, &a, 1);
    assert_string_equal(w->password, "second");
}

static void the_login_used_least_lately_goes_when_there_are_too_many(void **state)
{
    struct world *w = *state;
    char id[16];
    ea_ecr_ask a;

    START(w, ANSWER("200 OK", FIRST));
    a = ask_of(w);
    a.registry_id = id;
    for (int i = 0; i < EA_ECR_KEPT_MAX; i++) {
        (void)snprintf(id, sizeof(id), "%012d", i);
        ask(w, &a, 1);
    }
    (void)snprintf(id, sizeof(id), "%012d", 0);
    ask(w, &a, 1); /* used again: the second one is the oldest now */
    (void)snprintf(id, sizeof(id), "%012d", EA_ECR_KEPT_MAX);
    ask(w, &a, 1);
    assert_int_equal(peer_connections(w->peer), EA_ECR_KEPT_MAX + 1);
    (void)snprintf(id, sizeof(id), "%012d", 0);
    ask(w, &a, 1);
    assert_int_equal(peer_connections(w->peer), EA_ECR_KEPT_MAX + 1);
    (void)snprintf(id, sizeof(id), "%012d", 1);
    ask(w, &a, 1);
    assert_int_equal(peer_connections(w->peer), EA_ECR_KEPT_MAX + 2);
}

static void a_refusal_is_told_in_the_services_words_and_not_kept(void **state)
{
    struct world *w = *state;
    ea_ecr_ask a;

    START(w,
          ANSWER("400 Bad", "{\"__type\":\"AccessDeniedException\",\"message\":\"User: x is not "
                            "authorized to perform: ecr:GetAuthorizationToken\"}"),
          ANSWER("200 OK", FIRST));
    a = ask_of(w);
    ask(w, &a, 2);
    assert_int_equal(w->err.code, EA_DENIED);
    assert_non_null(strstr(w->err.text, "not authorized to perform: ecr:GetAuthorizationToken"));
    ask(w, &a, 1);
    assert_string_equal(w->password, "first");
}

static void an_endpoint_without_sense_is_told_later_too(void **state)
{
    struct world *w = *state;
    ea_ecr_ask a = { .registry_id = "1", .region = "eu-west-1", .endpoint = "ftp://x" };

    ask(w, &a, 1);
    assert_int_equal(w->err.code, EA_SETTINGS);
    a.endpoint = NULL;
    a.region = NULL;
    ask(w, &a, 1);
    assert_int_equal(w->err.code, EA_INVALID);
}

static void who_waits_when_it_ends_is_told_so(void **state)
{
    struct world *w = *state;
    ea_ecr_ask a;

    START(w, { (const struct peer_step[]){ { .wait = "]}", .then = PEER_STAY } }, 1 });
    a = ask_of(w);
    w->wanted = 2;
    ea_ecr_login_start(w->ecr, &a, on_login, w);
    ea_ecr_login_start(w->ecr, &a, on_login, w);
    ea_ecr_free(w->ecr);
    w->ecr = NULL;
    assert_true(w->done);
    assert_int_equal(w->err.code, EA_CANCELLED);
}

static void only_one_usable_login_is_an_answer(void **state)
{
    static const struct {
        const char *why, *body;
        ea_code want;
        int64_t expires_ms;
    } cases[] = {
        { "as it should be", FIRST, EA_OK, 1767366240500 },
        { "no end told",
          "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnB3\",\"proxyEndpoint\":\"x\"}]}",
          EA_OK, 0 },
        { "an end beyond reason",
          "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnB3\",\"proxyEndpoint\":\"x\","
          "\"expiresAt\":1e300}]}",
          EA_OK, 0 },
        { "none", "{\"authorizationData\":[]}", EA_PROTOCOL, 0 },
        { "two", "{\"authorizationData\":[{},{}]}", EA_PROTOCOL, 0 },
        { "no list", "{}", EA_PROTOCOL, 0 },
        { "no registry", "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnB3\"}]}",
          EA_PROTOCOL, 0 },
        { "no password",
          "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOg==\",\"proxyEndpoint\":\"x\"}]}",
          EA_PROTOCOL, 0 },
        { "no colon",
          "{\"authorizationData\":[{\"authorizationToken\":\"QVdT\",\"proxyEndpoint\":\"x\"}]}",
          EA_PROTOCOL, 0 },
        { "not base64",
          "{\"authorizationData\":[{\"authorizationToken\":\"*hunter2*\",\"proxyEndpoint\":\"x\"}]"
          "}",
          EA_PROTOCOL, 0 },
        { "no JSON", "hunter2", EA_PROTOCOL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *user = NULL;
        EA_SECRET_AUTO char *password = NULL;
        EA_FREE_AUTO char *server = NULL;
        int64_t expires_ms = -1;
        ea_err err = { 0 };
        ea_code got =
            ea_ecr_decode(ea_str_of(cases[i].body), &user, &password, &server, &expires_ms, &err);

        if (got != cases[i].want || strstr(err.text, "hunter2") ||
            (got == EA_OK && expires_ms != cases[i].expires_ms))
            fail_msg("%s: %s, %lld", cases[i].why, err.text, (long long)expires_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_who_ask_at_once_share_one_call, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_login_is_kept_until_half_an_hour_to_an_hour_before_it_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(each_role_region_registry_and_endpoint_has_its_own_login,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_registry_refused_is_fetched_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_login_used_least_lately_goes_when_there_are_too_many,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_is_told_in_the_services_words_and_not_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_endpoint_without_sense_is_told_later_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_waits_when_it_ends_is_told_so, setup, teardown),
        cmocka_unit_test(only_one_usable_login_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
