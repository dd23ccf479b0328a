/* acs_session_test.c - the ACS session against a control plane on loopback that checks signatures. */
#include "acs/acs_session.h"
#include "base/alloc.h"
#include "fakes/control_plane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define INSTANCE "arn:aws:ecs:us-west-2:123456789012:container-instance/bench/3b766029f3a54dde"
#define HEAD     "\"messageId\":\"m1\",\"clusterArn\":\"arn:c\",\"containerInstanceArn\":\"arn:i\""

struct world {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *chain;
    ea_aws *aws;
    ea_poll_endpoint *poll;
    ea_acs *acs;
    struct cp *cp;
    unsigned events, heartbeats, opens, inactives, changes;
    ea_ev_kind kind;
    bool connected;
};

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return TEST_KEY;
    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return TEST_SECRET;
    return strcmp(name, "AWS_SESSION_TOKEN") == 0 ? "session-token" : NULL;
}

static void on_event(void *ctx, struct ea_event *ev)
{
    struct world *w = ctx;

    w->events++;
    w->kind = ev->kind;
    ea_event_done(ev);
}

static void on_heartbeat(void *ctx)
{
    ((struct world *)ctx)->heartbeats++;
}

static void on_open(void *ctx)
{
    ((struct world *)ctx)->opens++;
}

static void on_inactive(void *ctx)
{
    ((struct world *)ctx)->inactives++;
}

static void on_changed(void *ctx)
{
    struct world *w = ctx;
    ea_session_status s;

    w->changes++;
    ea_acs_status_get(w->acs, &s);
    w->connected = s.state == EA_SESSION_CONNECTED;
}

static int setup(void **state)
{
    static const ea_acs_hooks hooks = { on_event, on_heartbeat, on_open, on_inactive, on_changed };
    struct world *w = ea_alloc(sizeof(*w));
    char url[64];
    ea_net_config net = { .proxy_http = "", .proxy_https = "" };
    ea_cred_config creds = { .env = lookup };
    ea_aws_config aws = { .endpoint = url,
                          .region = TEST_REGION,
                          .service = "ecs",
                          .target_prefix = EA_ECS_TARGET_PREFIX };
    ea_acs_config acs = { "bench", "1.105.1", "a8b3e7d3", "20.10.24+dfsg1", 7 };
    ea_err err = { 0 };

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    w->cp = cp_start(w->loop);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", w->cp->port);
    assert_int_equal(ea_net_new(w->loop, &net, &w->net, &err), EA_OK);
    assert_int_equal(ea_cred_chain_new(w->net, NULL, &creds, &w->chain, &err), EA_OK);
    assert_int_equal(ea_aws_new(w->net, w->chain, &aws, &w->aws, &err), EA_OK);
    w->poll = ea_poll_endpoint_new(w->aws, "bench");
    w->acs = ea_acs_new(w->aws, w->poll, &acs, &hooks, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_acs_free(w->acs);
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

static void connect_session(struct world *w)
{
    ea_acs_start(w->acs, INSTANCE);
    cp_wait_count(w->loop, &w->opens, w->opens + 1);
}

static void the_handshake_has_the_recorded_query(void **state)
{
    struct world *w = *state;

    connect_session(w);
    assert_int_equal(w->cp->side[CP_ACS].queries.n, 1);
    assert_string_equal(
        w->cp->side[CP_ACS].queries.v[0],
        "agentHash=a8b3e7d3&agentVersion=1.105.1&clusterArn=bench&containerInstanceArn="
        "arn%3Aaws%3Aecs%3Aus-west-2%3A123456789012%3Acontainer-instance%2Fbench%2F3b766029f3a54dde"
        "&dockerVersion=DockerVersion%3A%2020.10.24%2Bdfsg1&protocolVersion=2&seqNum=1"
        "&sendCredentials=true");
    cp_settle(w->loop, 20);
    assert_true(w->connected);
}

static void heartbeats_are_answered_and_told(void **state)
{
    struct world *w = *state;

    connect_session(w);
    cp_send(w->cp, CP_ACS, "{\"type\":\"HeartbeatMessage\",\"message\":{\"messageId\":\"h1\"}}");
    cp_wait_messages(w->loop, &w->cp->side[CP_ACS].got, 1);
    assert_string_equal(w->cp->side[CP_ACS].got.v[0],
                        "{\"type\":\"HeartbeatAckRequest\",\"message\":{\"messageId\":\"h1\"}}");
    assert_int_equal(w->heartbeats, 1);
    assert_int_equal(w->events, 0);
}

static void messages_become_events_and_acks_go_back(void **state)
{
    struct world *w = *state;
    ea_session_status s;
    ea_err err = { 0 };

    connect_session(w);
    cp_send(w->cp, CP_ACS, "{\"type\":\"PayloadMessage\",\"message\":{" HEAD ",\"seqNum\":1}}");
    cp_wait_count(w->loop, &w->events, 1);
    assert_int_equal(w->kind, EA_EV_PAYLOAD);
    assert_int_equal(w->cp->side[CP_ACS].got.n, 0); /* not before it is stored */
    assert_int_equal(ea_acs_ack(w->acs, "m1", "arn:c", "arn:i", &err), EA_OK);
    assert_int_equal(ea_acs_creds_ack(w->acs, "m1", "cid", "2036-01-01T00:00:00Z", &err), EA_OK);
    cp_wait_messages(w->loop, &w->cp->side[CP_ACS].got, 2);
    assert_string_equal(w->cp->side[CP_ACS].got.v[0],
                        "{\"type\":\"AckRequest\",\"message\":{\"cluster\":\"arn:c\","
                        "\"containerInstance\":\"arn:i\",\"messageId\":\"m1\"}}");
    ea_acs_status_get(w->acs, &s);
    assert_true(s.last_message_ms > 0);
    assert_int_equal(s.connects, 1);
}

static void garbage_harms_nothing(void **state)
{
    struct world *w = *state;

    connect_session(w);
    cp_send(w->cp, CP_ACS, "garbage");
    cp_send(w->cp, CP_ACS, "{\"type\":\"Unknown\",\"message\":{}}");
    cp_send(w->cp, CP_ACS, "{\"type\":\"PayloadMessage\",\"message\":{\"messageId\":5}}");
    cp_send(w->cp, CP_ACS, "{\"type\":\"HeartbeatMessage\",\"message\":{\"messageId\":\"h\"}}");
    cp_wait_messages(w->loop, &w->cp->side[CP_ACS].got, 1);
    assert_int_equal(w->events, 0);
    assert_true(w->cp->side[CP_ACS].is_open);
}

static void clean_ends_reconnect_at_once_without_another_look_up(void **state)
{
    struct world *w = *state;

    connect_session(w);
    cp_settle(w->loop, 1100); /* longer than what counts as closed at once */
    cp_close(w->cp, CP_ACS, 1000, "bye");
    cp_wait_count(w->loop, &w->opens, 2);
    cp_settle(w->loop, 1100);
    cp_cut(w->cp, CP_ACS);
    cp_wait_count(w->loop, &w->opens, 3);
    assert_int_equal(w->cp->discovers, 1);
    assert_non_null(strstr(w->cp->side[CP_ACS].queries.v[1], "sendCredentials=false"));
}

static void other_ends_wait_and_say_why(void **state)
{
    struct world *w = *state;
    ea_session_status s;

    connect_session(w);
    cp_close(w->cp, CP_ACS, 1002, "your fault");
    cp_settle(w->loop, 100);
    ea_acs_status_get(w->acs, &s);
    assert_int_equal(s.state, EA_SESSION_WAITING);
    assert_true(s.next_try_ms > s.since_ms);
    if (!strstr(s.last_error.text, "1002") || !strstr(s.last_error.text, "your fault"))
        fail_msg("%s", s.last_error.text);
    cp_wait_count(w->loop, &w->opens, 2);
    ea_acs_status_get(w->acs, &s);
    assert_int_equal(s.last_error.code, EA_OK);
}

static void an_inactive_instance_waits_an_hour_and_is_told(void **state)
{
    struct world *w = *state;
    ea_session_status s;

    w->cp->refuse_status = 400;
    w->cp->refuse_body =
        "{\"type\":\"InactiveInstanceException\",\"message\":{\"message\":\"deregistered\"}}";
    ea_acs_start(w->acs, INSTANCE);
    cp_wait_count(w->loop, &w->inactives, 1);
    ea_acs_status_get(w->acs, &s);
    assert_int_equal(s.state, EA_SESSION_WAITING);
    assert_true(s.inactive);
    assert_true(s.next_try_ms - s.since_ms > 3590000);
    if (!strstr(s.last_error.text, "InactiveInstanceException: deregistered"))
        fail_msg("%s", s.last_error.text);
    w->cp->refuse_status = 0; /* registered again: not an hour's wait */
    ea_acs_kick(w->acs);
    cp_wait_count(w->loop, &w->opens, 1);
}

static void refused_handshakes_and_look_ups_are_tried_again(void **state)
{
    struct world *w = *state;
    ea_session_status s;

    w->cp->discover_status = 400;
    ea_acs_start(w->acs, INSTANCE);
    cp_wait_count(w->loop, &w->cp->discovers, 2);
    ea_acs_status_get(w->acs, &s);
    if (!strstr(s.last_error.text, "ClientException"))
        fail_msg("%s", s.last_error.text);
    w->cp->discover_status = 0;
    w->cp->refuse_status = 403;
    w->cp->refuse_body = "{\"AccessDeniedException\":\"not you\"}";
    cp_wait_count(w->loop, &w->cp->side[CP_ACS].refused, 2);
    ea_acs_status_get(w->acs, &s);
    if (!strstr(s.last_error.text, "AccessDeniedException: not you"))
        fail_msg("%s", s.last_error.text);
    w->cp->refuse_status = 0;
    cp_wait_count(w->loop, &w->opens, 1);
}

static void a_stop_closes_with_a_frame_and_stays_stopped(void **state)
{
    struct world *w = *state;
    ea_session_status s;
    ea_err err = { 0 };

    connect_session(w);
    ea_acs_stop(w->acs);
    cp_settle(w->loop, 400);
    assert_int_equal(w->cp->side[CP_ACS].close_code, 1000);
    assert_false(w->cp->side[CP_ACS].is_open);
    assert_int_equal(w->cp->side[CP_ACS].opened, 1);
    ea_acs_status_get(w->acs, &s);
    assert_int_equal(s.state, EA_SESSION_STOPPED);
    assert_int_equal(ea_acs_ack(w->acs, "m", "c", "i", &err), EA_UNREACHABLE);
    connect_session(w);
    assert_int_equal(w->cp->side[CP_ACS].opened, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(the_handshake_has_the_recorded_query),
        T(heartbeats_are_answered_and_told),
        T(messages_become_events_and_acks_go_back),
        T(garbage_harms_nothing),
        T(clean_ends_reconnect_at_once_without_another_look_up),
        T(other_ends_wait_and_say_why),
        T(an_inactive_instance_waits_an_hour_and_is_told),
        T(refused_handshakes_and_look_ups_are_tried_again),
        T(a_stop_closes_with_a_frame_and_stays_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
