/* aws_client_test.c - signed calls, their retries, the ECS operations and the poll endpoint's cache,
 * against a peer on loopback. */
#include "aws/poll_endpoint.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "fakes/scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cJSON.h>
#include <cmocka.h>

#define PATIENCE_MS 15000
#define ANSWER(status, headers, body)                                                              \
    {                                                                                              \
        .wait = "\r\n\r\n",                                                                        \
        .send = "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body,                \
        .then = PEER_SHUT                                                                          \
    }
#define SCRIPT(...)                                                                                \
    {                                                                                              \
        (const struct peer_step[]){ __VA_ARGS__ }, 1                                               \
    }
#define OK(body) SCRIPT(ANSWER("200 OK", "", body))
#define FAULT(status, code)                                                                        \
    SCRIPT(ANSWER(status, "", "{\"__type\":\"" code "\",\"message\":\"why\"}"))

struct world {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *chain;
    ea_aws *aws;
    struct peer *peer;
    ea_poll_endpoint *poll;
    int key; /* each look-up of the environment gives another key */
    char key_text[32];
    bool done;
    int calls;
    ea_err err;
    ea_aws_fault fault;
    char text[512];
};

static const char *lookup(void *ctx, const char *name)
{
    struct world *w = ctx;

    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return "secret";
    if (strcmp(name, "AWS_ACCESS_KEY_ID") != 0)
        return NULL;
    (void)snprintf(w->key_text, sizeof(w->key_text), "AK%d", ++w->key);
    return w->key_text;
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
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_clock_set_fake(NULL);
    ea_poll_endpoint_free(w->poll);
    ea_aws_free(w->aws);
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
    char url[64];
    ea_aws_config config = { .endpoint = url,
                             .region = "us-west-2",
                             .service = "ecs",
                             .target_prefix = EA_ECS_TARGET_PREFIX,
                             .user_agent = "Agent/1 (linux)",
                             .seed = 5 };
    ea_err err = { 0 };

    w->peer = peer_start_each(w->loop, scripts, n);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", peer_port(w->peer));
    assert_int_equal(ea_aws_new(w->net, w->chain, &config, &w->aws, &err), EA_OK);
}
#define START(w, ...)                                                                              \
    do {                                                                                           \
        const struct peer_script scripts[] = { __VA_ARGS__ };                                      \
        start((w), scripts, EA_COUNT(scripts));                                                    \
    } while (0)

static void on_call(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->calls++;
    w->err = *err;
    w->fault = *fault;
    (void)snprintf(w->text, sizeof(w->text), "%.*s", EA_STR_FMT(body));
}

static void call(struct world *w, const ea_aws_options *o)
{
    ea_err err = { 0 };

    w->done = false;
    w->calls = 0;
    assert_non_null(
        ea_aws_start(w->aws, "CreateCluster", EA_STR("{\"a\":1}"), o, on_call, w, &err));
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

static const ea_aws_options quick = { .retry = EA_RETRY_SUBMIT, .max_attempts = 3 };

static void a_call_is_signed_and_carries_its_target(void **state)
{
    struct world *w = *state;

    START(w, OK("{\"b\":2}"));
    call(w, NULL);
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->text, "{\"b\":2}");
    assert_int_equal(w->fault.status, 200);
    assert_int_equal(count(w, "POST / HTTP/1.1\r\n"), 1);
    assert_int_equal(count(w, "X-Amz-Target: AmazonEC2ContainerServiceV20141113.CreateCluster\r\n"),
                     1);
    assert_int_equal(count(w, "Content-Type: application/x-amz-json-1.1\r\n"), 1);
    assert_int_equal(count(w, "User-Agent: Agent/1 (linux)\r\n"), 1);
    assert_int_equal(
        count(w, "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="), 1);
    assert_int_equal(count(w, "\r\n\r\n{\"a\":1}"), 1);
}

static void what_may_pass_is_tried_again_and_what_may_not_is_told_at_once(void **state)
{
    const struct {
        const char *why;
        const struct peer_script first;
        ea_code want;
        size_t requests;
        const char *code;
    } cases[] = {
        { "server failed", FAULT("500 Oops", "ServerException"), EA_OK, 2, "" },
        { "bad gateway without JSON", SCRIPT(ANSWER("502 Bad", "", "<html>")), EA_OK, 2, "" },
        { "throttled", FAULT("400 Bad", "com.amazonaws#ThrottlingException"), EA_OK, 2, "" },
        { "connection dropped", SCRIPT({ .wait = "\r\n\r\n", .then = PEER_SHUT }), EA_OK, 2, "" },
        { "invalid parameter", FAULT("400 Bad", "InvalidParameterException"), EA_INVALID, 1,
          "InvalidParameterException" },
        { "denied", FAULT("400 Bad", "AccessDeniedException"), EA_DENIED, 1,
          "AccessDeniedException" },
        { "not HTTP", SCRIPT({ .wait = "\r\n\r\n", .send = "hello\r\n", .then = PEER_SHUT }),
          EA_PROTOCOL, 1, "" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const struct peer_script scripts[] = { cases[i].first, OK("{}") };

        start(w, scripts, 2);
        call(w, &quick);
        if (w->err.code != cases[i].want || peer_connections(w->peer) != cases[i].requests ||
            strcmp(w->fault.code, cases[i].code) != 0)
            fail_msg("%s: got %s, code '%s' after %u requests: %s", cases[i].why,
                     ea_code_name(w->err.code), w->fault.code, peer_connections(w->peer),
                     w->err.text);
        if (w->err.code && cases[i].code[0] && !strstr(w->err.text, "CreateCluster: "))
            fail_msg("%s: %s", cases[i].why, w->err.text);
        ea_aws_free(w->aws);
        w->aws = NULL;
        peer_stop(w->peer);
        w->peer = NULL;
    }
}

static void tries_end_at_the_limit_with_the_last_words(void **state)
{
    struct world *w = *state;

    START(w, FAULT("503 Busy", "ServerException"));
    call(w, &quick);
    assert_int_equal(w->err.code, EA_SERVER);
    assert_int_equal(w->err.sys, 503);
    assert_string_equal(w->fault.message, "why");
    assert_int_equal(peer_connections(w->peer), 3);
}

static void no_try_begins_that_could_not_end_in_time(void **state)
{
    const ea_aws_options o = { .retry = EA_RETRY_SUBMIT, .total_ms = 50 }; /* first delay 60 ms */
    struct world *w = *state;

    START(w, FAULT("503 Busy", ""));
    call(w, &o);
    assert_int_equal(w->err.code, EA_SERVER);
    assert_int_equal(peer_connections(w->peer), 1);
}

static void a_clock_that_is_off_is_corrected_once(void **state)
{
    static ea_time now = { .mono_ms = 1000, .wall_ms = 1795504000000 };
    struct world *w = *state;

    ea_clock_set_fake(&now);
    START(w,
          SCRIPT(ANSWER("403 Forbidden", "Date: Tue, 24 Nov 2026 08:06:40 GMT\r\n",
                        "{\"__type\":\"RequestTimeTooSkewed\",\"message\":\"Signature expired\"}")),
          OK("{}"), OK("{}"));
    call(w, &quick);
    assert_int_equal(w->err.code, EA_OK);
    assert_int_equal(count(w, "X-Amz-Date: 20261124T070640Z\r\n"), 1);
    assert_int_equal(count(w, "X-Amz-Date: 20261124T080640Z\r\n"), 1);
    assert_int_equal(ea_aws_skew_ms(w->aws), 3600000);
    call(w, &quick);
    assert_int_equal(count(w, "X-Amz-Date: 20261124T080640Z\r\n"), 2);
}

static void a_date_far_off_in_a_good_answer_is_taken_too(void **state)
{
    static ea_time now = { .mono_ms = 1000, .wall_ms = 1795504000000 };
    struct world *w = *state;

    ea_clock_set_fake(&now);
    START(w, SCRIPT(ANSWER("200 OK", "Date: Tue, 24 Nov 2026 07:06:10 GMT\r\n", "{}")),
          SCRIPT(ANSWER("200 OK", "Date: Tue, 24 Nov 2026 07:01:40 GMT\r\n", "{}")));
    call(w, NULL);
    assert_int_equal(ea_aws_skew_ms(w->aws), 0); /* half a minute is nothing */
    call(w, NULL);
    assert_int_equal(ea_aws_skew_ms(w->aws), -300000);
}

static void refused_credentials_are_fetched_anew_once(void **state)
{
    struct world *w = *state;

    START(w, FAULT("400 Bad", "ExpiredTokenException"), FAULT("400 Bad", "ExpiredTokenException"),
          OK("{}"));
    call(w, &quick);
    assert_int_equal(w->err.code, EA_AUTH);
    assert_int_equal(peer_connections(w->peer), 2);
    assert_int_equal(count(w, "Credential=AK1/"), 1);
    assert_int_equal(count(w, "Credential=AK2/"), 1);
}

static void a_call_can_bring_its_own_credentials(void **state)
{
    char key[] = "TASKKEY", secret[] = "s", token[] = "task-token";
    const ea_aws_creds own = { .access_key_id = key,
                               .secret_access_key = secret,
                               .session_token = token };
    const ea_aws_options o = { .retry = EA_RETRY_NONE, .creds = &own };
    struct world *w = *state;

    START(w, OK("{}"));
    call(w, &o);
    assert_int_equal(w->err.code, EA_OK);
    assert_int_equal(count(w, "Credential=TASKKEY/"), 1);
    assert_int_equal(count(w, "X-Amz-Security-Token: task-token\r\n"), 1);
    assert_int_equal(w->key, 0);
}

static void cancelled_calls_are_told_and_dropped_ones_are_not(void **state)
{
    struct world *w = *state;
    ea_aws_call *c = NULL;
    ea_err err = { 0 };

    START(w, SCRIPT({ .wait = "never" }));
    ea_aws_drop(ea_aws_start(w->aws, "A", EA_STR("{}"), NULL, on_call, w, &err));
    c = ea_aws_start(w->aws, "B", EA_STR("{}"), NULL, on_call, w, &err);
    ea_aws_cancel(c);
    assert_int_equal(w->calls, 0);
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->err.code, EA_CANCELLED);
}

static void faults_are_read_from_header_and_body(void **state)
{
    static const struct {
        const char *why, *type, *body, *code, *message;
    } cases[] = {
        { "body", NULL, "{\"__type\":\"com.amazonaws.ecs#ClientException\",\"message\":\"m\"}",
          "ClientException", "m" },
        { "header wins", "ServerException:http://x/", "{\"__type\":\"Other\",\"Message\":\"M\"}",
          "ServerException", "M" },
        { "code", NULL, "{\"code\":\"Throttling\"}", "Throttling", "" },
        { "no JSON", NULL, "<html>", "", "" },
        { "nothing", NULL, "", "", "" },
        { "wrong types", NULL, "{\"__type\":5,\"message\":{}}", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_httpc_response r = { .status = 400, .body = ea_str_of(cases[i].body) };
        ea_aws_fault f;

        if (cases[i].type)
            ea_strmap_set(&r.headers, "x-amzn-errortype", cases[i].type);
        ea_aws_read_fault(&r, &f);
        if (strcmp(f.code, cases[i].code) != 0 || strcmp(f.message, cases[i].message) != 0 ||
            f.status != 400)
            fail_msg("%s: got '%s' '%s'", cases[i].why, f.code, f.message);
        ea_strmap_free(&r.headers);
    }
}

/* --- operations --- */

static void on_registered(void *ctx, const struct ea_ecs_registered *r, const ea_aws_fault *fault,
                          const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->err = *err;
    w->fault = *fault;
    (void)snprintf(w->text, sizeof(w->text), "%s %zu", r ? r->container_instance_arn : "none",
                   r ? r->attributes.n : 0);
}

static void registration_sends_the_recorded_form_and_reads_the_arn(void **state)
{
    struct world *w = *state;
    struct ea_ecs_register r = { 0 };
    ea_strlist ports = { NULL, 0 };
    ea_err err = { 0 };
    const char *body = NULL;
    cJSON *a = NULL, *b = NULL;

    START(w,
          OK("{\"containerInstance\":{\"containerInstanceArn\":\"arn:i\",\"attributes\":[{\"name\":"
             "\"x\",\"value\":\"1\"}]}}"),
          OK("{\"containerInstance\":{}}"));
    ea_strlist_add(&ports, "22");
    ea_set_str(&r.cluster, "bench");
    ea_set_str(&r.client_token, "tok");
    ea_ecs_register_add_int(&r, "CPU", 2048);
    ea_ecs_register_add_int(&r, "MEMORY", 0);
    ea_ecs_register_add_set(&r, "PORTS", &ports);
    ea_ecs_register_add_set(&r, "PORTS_UDP", NULL);
    ea_ecs_register_add_attribute(&r, "ecs.capability.x", NULL);
    ea_ecs_register_add_attribute(&r, "ecs.os-type", "linux");
    assert_non_null(ea_ecs_register_start(w->aws, &r, on_registered, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_string_equal(w->text, "arn:i 1");
    body = strstr(peer_received(w->peer).p, "\r\n\r\n") + 4;
    a = cJSON_Parse(body);
    b = cJSON_Parse(
        "{\"cluster\":\"bench\",\"instanceIdentityDocument\":\"\","
        "\"instanceIdentityDocumentSignature\":\"\",\"clientToken\":\"tok\","
        "\"attributes\":[{\"name\":\"ecs.capability.x\"},{\"name\":\"ecs.os-type\","
        "\"value\":\"linux\"}],\"totalResources\":[{\"name\":\"CPU\",\"type\":\"INTEGER\","
        "\"integerValue\":2048},{\"name\":\"MEMORY\",\"type\":\"INTEGER\"},{\"name\":\"PORTS\","
        "\"type\":\"STRINGSET\",\"stringSetValue\":[\"22\"]},{\"name\":\"PORTS_UDP\",\"type\":"
        "\"STRINGSET\",\"stringSetValue\":[]}]}");
    if (!cJSON_Compare(a, b, 1))
        fail_msg("got %s", body);
    cJSON_Delete(a);
    cJSON_Delete(b);
    w->done = false;
    assert_non_null(ea_ecs_register_start(w->aws, &r, on_registered, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->err.code, EA_PROTOCOL); /* an answer without the ARN is none */
    assert_string_equal(w->text, "none 0");
    ea_strlist_free(&ports);
    ea_ecs_register_done(&r);
}

static void only_attributes_with_a_value_can_be_missing_from_the_answer(void **state)
{
    struct ea_ecs_register sent = { 0 };
    struct ea_ecs_kv kv[2] = { { NULL, NULL }, { NULL, NULL } };
    struct ea_ecs_registered got = { .attributes = { kv, 2 } };
    char os_type[] = "ecs.os-type", linux_text[] = "linux", empty[] = "", capability[] = "cap";

    (void)state;
    ea_ecs_register_add_attribute(&sent, "name-only", NULL);
    ea_ecs_register_add_attribute(&sent, "cap", "");
    ea_ecs_register_add_attribute(&sent, "ecs.os-type", "linux");
    kv[0] = (struct ea_ecs_kv){ os_type, linux_text };
    kv[1] = (struct ea_ecs_kv){ capability, empty };
    assert_null(ea_ecs_register_mismatch(&sent, &got));
    kv[0].value = empty;
    assert_string_equal(ea_ecs_register_mismatch(&sent, &got), "ecs.os-type");
    got.attributes.n = 0;
    assert_string_equal(ea_ecs_register_mismatch(&sent, &got), "ecs.os-type");
    ea_ecs_register_done(&sent);
}

static void on_op(void *ctx, const char *text, const ea_aws_fault *fault, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->err = *err;
    w->fault = *fault;
    (void)snprintf(w->text, sizeof(w->text), "%s", text ? text : "none");
}

static void the_small_operations_send_their_members(void **state)
{
    struct world *w = *state;
    ea_err err = { 0 };

    START(w, OK("{\"cluster\":{\"clusterName\":\"default\"}}"), OK("{}"), OK("{}"), OK("{}"));
    assert_non_null(ea_ecs_create_cluster_start(w->aws, "default", on_op, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_string_equal(w->text, "default");
    assert_int_equal(count(w, "{\"clusterName\":\"default\"}"), 1);
    w->done = false;
    assert_non_null(
        ea_ecs_submit_attachment_start(w->aws, "c", "arn:a", "ATTACHED", on_op, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(count(w, "{\"cluster\":\"c\",\"attachments\":[{\"attachmentArn\":\"arn:a\","
                              "\"status\":\"ATTACHED\"}]}"),
                     1);
    w->done = false;
    assert_non_null(
        ea_ecs_update_instance_state_start(w->aws, "c", "arn:i", "DRAINING", on_op, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(count(w, "{\"cluster\":\"c\",\"containerInstances\":[\"arn:i\"],\"status\":"
                              "\"DRAINING\"}"),
                     1);
    w->done = false;
    assert_non_null(
        ea_ecs_submit_task_start(w->aws, EA_STR("{\"task\":\"t\"}"), 5000, on_op, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->err.code, EA_OK);
    assert_int_equal(count(w, ".SubmitTaskStateChange\r\n"), 1);
    ea_ecs_drop(ea_ecs_create_cluster_start(w->aws, "x", on_op, w, &err));
}

/* --- poll endpoint --- */

static void on_poll(void *ctx, const char *url, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->calls++;
    w->err = *err;
    (void)snprintf(w->text, sizeof(w->text), "%s", url ? url : "none");
}

static void poll(struct world *w, ea_poll_which which)
{
    w->done = false;
    (void)ea_poll_start(w->poll, which, on_poll, w);
    run_until(w->loop, &w->done, PATIENCE_MS);
}

static void endpoints_are_kept_for_12_hours_and_serve_longer_when_the_call_fails(void **state)
{
    static ea_time now = { .mono_ms = 1000, .wall_ms = 1795504000000 };
    struct world *w = *state;

    now.mono_ms = 1000;
    ea_clock_set_fake(&now);
    START(w, OK("{\"endpoint\":\"https://a/\",\"telemetryEndpoint\":\"https://t/\"}"),
          FAULT("400 Bad", "AccessDeniedException"), OK("{\"endpoint\":\"https://b/\"}"),
          OK("{\"endpoint\":\"https://c/\",\"telemetryEndpoint\":\"https://u/\"}"));
    w->poll = ea_poll_endpoint_new(w->aws, "bench");
    ea_poll_endpoint_set_instance(w->poll, "arn:i");
    poll(w, EA_POLL_ACS);
    assert_string_equal(w->text, "https://a/");
    assert_int_equal(
        count(w, "{\"containerInstance\":\"arn:i\",\"cluster\":\"bench\",\"zoneId\":\"\"}"), 1);
    now.mono_ms += 11 * 3600000;
    poll(w, EA_POLL_TELEMETRY);
    assert_string_equal(w->text, "https://t/");
    assert_int_equal(peer_connections(w->peer), 1);
    now.mono_ms += 2 * 3600000;
    poll(w, EA_POLL_ACS); /* refused: the old one goes on */
    assert_int_equal(w->err.code, EA_OK);
    assert_string_equal(w->text, "https://a/");
    assert_int_equal(peer_connections(w->peer), 2);
    poll(w, EA_POLL_TELEMETRY); /* the new answer lacks it */
    assert_int_equal(w->err.code, EA_PROTOCOL);
    poll(w, EA_POLL_ACS);
    assert_string_equal(w->text, "https://b/");
    assert_int_equal(peer_connections(w->peer), 3);
    poll(w, EA_POLL_TELEMETRY); /* no reason to wait 12 h */
    assert_string_equal(w->text, "https://u/");
    assert_int_equal(peer_connections(w->peer), 4);
}

static void several_waiters_share_one_call_and_another_instance_empties_the_cache(void **state)
{
    struct world *w = *state;

    START(w, OK("{\"endpoint\":\"https://a/\",\"telemetryEndpoint\":\"https://t/\"}"),
          OK("{\"endpoint\":\"https://b/\"}"));
    w->poll = ea_poll_endpoint_new(w->aws, "bench");
    ea_poll_endpoint_set_instance(w->poll, "arn:i");
    (void)ea_poll_start(w->poll, EA_POLL_ACS, on_poll, w);
    (void)ea_poll_start(w->poll, EA_POLL_TELEMETRY, on_poll, w);
    ea_poll_drop(ea_poll_start(w->poll, EA_POLL_ACS, on_poll, w));
    run_until(w->loop, &w->done, PATIENCE_MS);
    assert_int_equal(w->calls, 2);
    assert_int_equal(peer_connections(w->peer), 1);
    ea_poll_endpoint_set_instance(w->poll, "arn:i2");
    poll(w, EA_POLL_ACS);
    assert_string_equal(w->text, "https://b/");
    assert_int_equal(peer_connections(w->peer), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(a_call_is_signed_and_carries_its_target),
        T(what_may_pass_is_tried_again_and_what_may_not_is_told_at_once),
        T(tries_end_at_the_limit_with_the_last_words),
        T(no_try_begins_that_could_not_end_in_time),
        T(a_clock_that_is_off_is_corrected_once),
        T(a_date_far_off_in_a_good_answer_is_taken_too),
        T(refused_credentials_are_fetched_anew_once),
        T(a_call_can_bring_its_own_credentials),
        T(cancelled_calls_are_told_and_dropped_ones_are_not),
        cmocka_unit_test(faults_are_read_from_header_and_body),
        T(registration_sends_the_recorded_form_and_reads_the_arn),
        cmocka_unit_test(only_attributes_with_a_value_can_be_missing_from_the_answer),
        T(the_small_operations_send_their_members),
        T(endpoints_are_kept_for_12_hours_and_serve_longer_when_the_call_fails),
        T(several_waiters_share_one_call_and_another_instance_empties_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
