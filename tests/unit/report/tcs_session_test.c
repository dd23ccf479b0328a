/* tcs_session_test.c - the telemetry session against a control plane that checks each frame. */
#include "base/alloc.h"
#include "base/clock.h"
#include "fakes/control_plane.h"
#include "report/tcs_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

#define INSTANCE "arn:aws:ecs:us-west-2:123456789012:container-instance/bench/3b766029f3a54dde"
#define TICK_MS  150

struct world {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *chain;
    ea_aws *aws;
    ea_poll_endpoint *poll;
    ea_tcs *tcs;
    struct cp *cp;
    unsigned collects;
    size_t tasks, sick; /* how many of each the hook gives */
    bool has_creds;
};

static const char *lookup(void *ctx, const char *name)
{
    struct world *w = ctx;

    if (!w->has_creds)
        return NULL;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return TEST_KEY;
    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return TEST_SECRET;
    return strcmp(name, "AWS_SESSION_TOKEN") == 0 ? "session-token" : NULL;
}

static void collect(void *ctx, ea_strlist *metrics, bool *idle, ea_strlist *health)
{
    struct world *w = ctx;

    w->collects++;
    *idle = w->tasks == 0;
    for (size_t i = 0; i < w->tasks; i++)
        ea_strlist_add(metrics, "{\"taskArn\":\"t\"}");
    for (size_t i = 0; i < w->sick; i++)
        ea_strlist_add(health, "{\"taskArn\":\"s\"}");
}

static int setup(void **state)
{
    static const ea_tcs_hooks hooks = { collect, NULL };
    struct world *w = ea_alloc(sizeof(*w));
    char url[64];
    ea_net_config net = { .proxy_http = "", .proxy_https = "" };
    ea_cred_config creds = { .env = lookup, .env_ctx = w };
    ea_aws_config aws = { .endpoint = url,
                          .region = TEST_REGION,
                          .service = "ecs",
                          .target_prefix = EA_ECS_TARGET_PREFIX };
    ea_tcs_config tcs = { "bench", "1.105.1", "a8b3e7d3", "20.10.24+dfsg1", TICK_MS, 7 };
    ea_err err = { 0 };

    w->has_creds = true;
    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->cp = cp_start(w->loop);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", w->cp->port);
    assert_int_equal(ea_net_new(w->loop, &net, &w->net, &err), EA_OK);
    assert_int_equal(ea_cred_chain_new(w->net, NULL, &creds, &w->chain, &err), EA_OK);
    assert_int_equal(ea_aws_new(w->net, w->chain, &aws, &w->aws, &err), EA_OK);
    w->poll = ea_poll_endpoint_new(w->aws, "bench");
    w->tcs = ea_tcs_new(w->aws, w->poll, &tcs, &hooks, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_tcs_free(w->tcs);
    ea_poll_endpoint_free(w->poll);
    ea_aws_free(w->aws);
    ea_cred_chain_free(w->chain);
    assert_int_equal(ea_net_active(w->net), 0);
    ea_net_free(w->net);
    if (w->cp->bad_signatures)
        fail_msg("%u bad signatures, last %s", w->cp->bad_signatures, w->cp->last_bad);
    cp_stop(w->cp);
    cp_settle(w->loop, 20);
    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static size_t count_of(const struct world *w, const char *what)
{
    const ea_strlist *got = &w->cp->side[CP_TCS].got;
    size_t n = 0;

    for (size_t i = 0; i < got->n; i++)
        n += strstr(got->v[i], what) != NULL;
    return n;
}

static void idle_metrics_and_status_come_signed_and_in_their_cadence(void **state)
{
    struct world *w = *state;
    ea_time before;

    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_count(w->loop, &w->cp->side[CP_TCS].opened, 1);
    before = ea_now();
    assert_string_equal(
        w->cp->side[CP_TCS].queries.v[0],
        "agentHash=a8b3e7d3&agentVersion=1.105.1&cluster=bench&containerInstance="
        "arn%3Aaws%3Aecs%3Aus-west-2%3A123456789012%3Acontainer-instance%2Fbench%2F3b766029f3a54dde"
        "&dockerVersion=20.10.24%2Bdfsg1");
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 6);
    assert_true(ea_now().mono_ms - before.mono_ms >= 3 * TICK_MS); /* no burst */
    assert_int_equal(count_of(w, "\"idle\":true"), 5);
    assert_int_equal(count_of(w, "PublishInstanceStatusRequest"), 1); /* until reported, once */
    assert_int_equal(count_of(w, "\"status\":\"INITIALIZING\""), 1);
}

static void tasks_are_published_in_messages_of_ten(void **state)
{
    struct world *w = *state;

    w->tasks = 12;
    w->sick = 1;
    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 3);
    assert_non_null(strstr(w->cp->side[CP_TCS].got.v[0], "\"fin\":false"));
    assert_non_null(strstr(w->cp->side[CP_TCS].got.v[1], "\"fin\":true"));
    assert_non_null(strstr(w->cp->side[CP_TCS].got.v[2], "PublishHealthRequest"));
    for (size_t i = 0; i < 3; i++) {
        cJSON *root = cJSON_Parse(w->cp->side[CP_TCS].got.v[i]);

        assert_non_null(root);
        assert_true(
            cJSON_GetObjectItem(cJSON_GetObjectItem(root, "message"), "timestamp")->valuedouble >
            1.7e9);
        cJSON_Delete(root);
    }
}

static void a_health_check_is_told_at_the_next_tick(void **state)
{
    struct world *w = *state;

    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 3);
    ea_tcs_set_runtime(w->tcs, true);
    while (count_of(w, "\"status\":\"OK\"") == 0)
        cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, w->cp->side[CP_TCS].got.n + 1);
    ea_tcs_set_runtime(w->tcs, false);
    while (count_of(w, "\"status\":\"IMPAIRED\"") == 0)
        cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, w->cp->side[CP_TCS].got.n + 1);
    assert_int_equal(count_of(w, "PublishInstanceStatusRequest"), 3);
}

static void what_was_collected_without_a_connection_is_sent_with_the_next(void **state)
{
    struct world *w = *state;

    w->tasks = 1;
    w->cp->refuse_status = 500;
    w->cp->refuse_body = "{}";
    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_count(w->loop, &w->collects, 4);
    assert_int_equal(w->cp->side[CP_TCS].got.n, 0);
    w->cp->refuse_status = 0;
    cp_wait_count(w->loop, &w->cp->side[CP_TCS].opened, 1);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 4);
}

static void only_so_much_waits_for_a_connection(void **state)
{
    struct world *w = *state;
    unsigned at_open = 0;
    size_t metrics = 0;

    w->tasks = 1;
    w->cp->refuse_status = 500;
    w->cp->refuse_body = "{}";
    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_count(w->loop, &w->collects, 18);
    w->cp->refuse_status = 0;
    cp_wait_count(w->loop, &w->cp->side[CP_TCS].opened, 1);
    at_open = w->collects;
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 18); /* what waited, and new ones behind */
    metrics = count_of(w, "PublishMetricsRequest");
    assert_true(metrics >= 15);
    assert_true(metrics <= 15 + w->collects - at_open);
}

static void missing_credentials_hold_telemetry_back_without_a_wrong_frame(void **state)
{
    struct world *w = *state;
    size_t before = 0;

    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 1);
    w->has_creds = false;
    ea_cred_forget(w->chain);
    cp_settle(w->loop, TICK_MS); /* what was under way */
    before = w->cp->side[CP_TCS].got.n;
    cp_settle(w->loop, 3 * TICK_MS);
    assert_int_equal(w->cp->side[CP_TCS].got.n, before);
    w->has_creds = true;
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, before + 3); /* nothing was lost */
}

static void a_kick_makes_a_new_connection(void **state)
{
    struct world *w = *state;
    ea_session_status s;

    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 1);
    ea_tcs_kick(w->tcs);
    cp_wait_count(w->loop, &w->cp->side[CP_TCS].opened, 2);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 3);
    ea_tcs_status_get(w->tcs, &s);
    assert_int_equal(s.connects, 2);
}

static void inbound_messages_count_as_activity_by_type(void **state)
{
    static const struct {
        const char *text;
        bool counts;
    } cases[] = {
        { "garbage", false },
        { "{\"type\":\"StopTelemetrySessionMessage\",\"message\":{}}", false },
        { "{\"ServerException\":\"x\"}", false },
        { "{\"type\":\"AckPublishMetric\",\"message\":{\"message\":\"ok\"}}", true },
    };
    struct world *w = *state;
    ea_session_status s;
    int64_t accepted_ms = 0;
    const char *refused = NULL;

    ea_tcs_start(w->tcs, INSTANCE);
    cp_wait_messages(w->loop, &w->cp->side[CP_TCS].got, 1);
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        cp_send(w->cp, CP_TCS, cases[i].text);
        cp_settle(w->loop, 50);
        ea_tcs_status_get(w->tcs, &s);
        assert_int_equal(s.last_message_ms != 0, cases[i].counts);
        assert_int_equal(s.state, EA_SESSION_CONNECTED);
        ea_tcs_accepted_get(w->tcs, &accepted_ms, &refused);
        assert_int_equal(accepted_ms != 0, cases[i].counts);
    }
    assert_null(refused);
    cp_send(w->cp, CP_TCS,
            "{\"type\":\"BadRequestException\",\"message\":{\"message\":\"no sum\"}}");
    cp_settle(w->loop, 50);
    ea_tcs_accepted_get(w->tcs, &accepted_ms, &refused);
    assert_true(accepted_ms != 0);
    assert_string_equal(refused, "BadRequestException: no sum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(idle_metrics_and_status_come_signed_and_in_their_cadence),
        T(tasks_are_published_in_messages_of_ten),
        T(a_health_check_is_told_at_the_next_tick),
        T(what_was_collected_without_a_connection_is_sent_with_the_next),
        T(only_so_much_waits_for_a_connection),
        T(missing_credentials_hold_telemetry_back_without_a_wrong_frame),
        T(a_kick_makes_a_new_connection),
        T(inbound_messages_count_as_activity_by_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
