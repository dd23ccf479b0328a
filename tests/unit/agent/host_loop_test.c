#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/fake_host.h"

#include <stdlib.h>
#include <string.h>

/* Each sequence names in its first line where it is taken from; those that say "assumed" are listed in
 * tests/README.md. Times are milliseconds of a clock that begins at 1000000. */

enum {
    WINDOWS = EA_HOST_ADAPTER | EA_HOST_PORTS | EA_HOST_PROXY | EA_HOST_FIREWALL | EA_HOST_INSIDE,
    WINDOWS_2016 = WINDOWS | EA_HOST_ROUTE,
    BEGIN = 1000000,
    SECOND = 1000,
    MINUTE = 60000
};

struct world {
    struct fake_host f;
    struct ea_hostloop h;
};

static void begin(struct world *w, unsigned needs)
{
    fake_host_init(&w->f, needs);
    w->f.now_ms = BEGIN;
    ea_host_init(&w->h, needs, BEGIN);
}

static void run(struct world *w, int64_t ms)
{
    fake_host_run(&w->f, &w->h, w->f.now_ms + ms);
}

/* What was done since the last question. */
static void did(struct world *w, const char *want)
{
    if (strcmp(w->f.trace, want) != 0)
        fail_msg("did '%s', not '%s'", w->f.trace, want);
    w->f.trace[0] = '\0';
}

static void serves(struct world *w)
{
    ea_host_cond c = ea_host_blocked(&w->h);

    if (!w->h.proven || c != EA_HOST_COND_COUNT)
        fail_msg("waits for %s: %s (did%s)", ea_host_cond_name(c),
                 c < EA_HOST_COND_COUNT ? w->h.waits[c].error : "", w->f.trace);
    assert_true(fake_host_serves(&w->f));
}

static void waits_for(struct world *w, ea_host_cond want, const char *word)
{
    ea_host_cond c = ea_host_blocked(&w->h);

    if (c != want)
        fail_msg("waits for %s, not %s (did%s)", ea_host_cond_name(c), ea_host_cond_name(want),
                 w->f.trace);
    if (!strstr(w->h.waits[c].error, word))
        fail_msg("%s: '%s' does not say '%s'", ea_host_cond_name(c), w->h.waits[c].error, word);
    assert_false(w->h.proven);
    assert_true(w->h.settled);
}

static void forget(struct world *w)
{
    w->f.trace[0] = '\0';
    w->f.acts = 0;
}

/* ---- the way up ---- */

static void a_linux_host_gets_the_address_a_listener_and_a_proof(void **state)
{
    /* Source: design 5, "Linux". */
    struct world w;

    (void)state;
    begin(&w, 0);
    run(&w, 0);
    did(&w, " add listen prove");
    serves(&w);
    run(&w, 95 * SECOND);
    did(&w, " prove prove prove");
}

static void a_windows_host_is_set_up_in_order(void **state)
{
    /* Source: endpoints-and-windows.md section 4.2 steps 4 and 6 and section 4.6 (direct bind). */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.dad_ms = 1500;
    run(&w, 0);
    did(&w, " reserve add allow");
    waits_for(&w, EA_HOST_COND_ADDRESS, "not usable yet");
    run(&w, 4 * SECOND);
    did(&w, " listen prove reserve");
    serves(&w);
    assert_int_equal(w.f.address_on, 7);
    assert_true(w.h.waits[EA_HOST_COND_PORTS].met && w.h.waits[EA_HOST_COND_FIREWALL].met);
}

static void server_2016_gets_a_route_to_the_containers_as_well(void **state)
{
    /* Source: endpoints-and-windows.md section 4.2 step 5. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS_2016);
    fake_host_network(&w.f, 7);
    run(&w, 3 * SECOND);
    did(&w, " reserve add route listen prove allow reserve");
    serves(&w);
}

static void an_adapter_that_comes_ten_minutes_late_is_waited_for(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 1. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    run(&w, 10 * MINUTE);
    waits_for(&w, EA_HOST_COND_ADAPTER, "no NAT network");
    assert_int_equal(w.h.waits[EA_HOST_COND_ADAPTER].since_ms, BEGIN);
    fake_host_network(&w.f, 9);
    run(&w, 6 * SECOND);
    serves(&w);
    assert_int_equal(w.f.address_on, 9);
}

static void without_rights_it_tries_on_and_says_so(void **state)
{
    /* Source: assumed: an administrator may grant them while the agent runs. */
    struct world w;

    (void)state;
    begin(&w, 0);
    w.f.denied = true;
    run(&w, 10 * MINUTE);
    waits_for(&w, EA_HOST_COND_ADDRESS, "administrator");
    assert_int_in_range(w.f.acts, 20, 30); /* 2, 4, 8, 16, 30, 30 ... seconds */
    assert_true(w.h.waits[EA_HOST_COND_ADDRESS].next_ms > w.f.now_ms);
    assert_int_equal(w.h.waits[EA_HOST_COND_ADDRESS].tries, w.f.acts);
    w.f.denied = false;
    run(&w, 31 * SECOND);
    serves(&w);
}

/* ---- what rots ---- */

static void an_address_that_was_removed_comes_back_with_a_new_listener(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 4. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    run(&w, 5 * SECOND);
    forget(&w);
    fake_host_address_gone(&w.f);
    run(&w, 29 * SECOND);
    did(&w, " add unlisten listen prove");
    serves(&w);
}

static void an_address_that_was_removed_and_added_by_hand_is_bound_anew(void **state)
{
    /* Source: assumed: a socket does not follow an address that went and came between two looks. */
    struct world w;

    (void)state;
    begin(&w, 0);
    run(&w, 0);
    forget(&w);
    w.f.made++; /* nothing shows but that the listener hears nothing */
    run(&w, 30 * SECOND);
    assert_true(w.h.proven); /* a moment's break takes nothing away */
    run(&w, 3 * SECOND);
    did(&w, " prove! unlisten listen prove");
    serves(&w);
}

static void a_network_that_hns_makes_anew_gets_the_address(void **state)
{
    /* Source: endpoints-and-windows.md section 4.3, the network is rebuilt with another adapter. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    run(&w, 5 * SECOND);
    w.f.hns_up = false;
    fake_host_network_gone(&w.f);
    run(&w, 2 * MINUTE);
    waits_for(&w, EA_HOST_COND_ADAPTER, "HNS does not answer");
    w.f.hns_up = true;
    fake_host_network(&w.f, 8);
    run(&w, 10 * SECOND);
    serves(&w);
    assert_int_equal(w.f.address_on, 8);
}

static void an_address_on_a_ghost_moves_to_the_adapter_of_the_network(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 2. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.ghosts = 2;
    w.f.address_on = 3; /* put there by an earlier set-up */
    w.f.made = 1;
    run(&w, 5 * SECOND);
    did(&w, " reserve remove add listen prove allow reserve");
    serves(&w);
    assert_int_equal(w.f.ghosts, 2); /* left alone until somebody asks */
    ea_host_repair(&w.h);
    run(&w, 0);
    did(&w, " exorcise prove");
    serves(&w);
}

static void an_hns_that_cannot_be_asked_does_not_break_what_works(void **state)
{
    /* Source: assumed: HNS restarts now and then without touching its networks. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    run(&w, 5 * SECOND);
    forget(&w);
    w.f.hns_up = false;
    run(&w, 10 * MINUTE);
    serves(&w);
    assert_null(strstr(w.f.trace, "add"));
}

static void after_a_reboot_everything_is_made_again(void **state)
{
    /* Source: endpoints-and-windows.md section 4.3: network, adapter and addresses are rebuilt at each boot. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    run(&w, 5 * SECOND);
    fake_host_network_gone(&w.f);
    w.f.listener_made = 0;
    ea_host_init(&w.h, WINDOWS, w.f.now_ms);
    run(&w, 90 * SECOND);
    waits_for(&w, EA_HOST_COND_ADAPTER, "no NAT network");
    fake_host_network(&w.f, 11);
    run(&w, 6 * SECOND);
    serves(&w);
}

static void an_address_that_stays_tentative_or_is_a_duplicate_is_added_again(void **state)
{
    /* Source: endpoints-and-windows.md section 4.2 step 4; that a new try helps is assumed. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.dad_ms = 10 * MINUTE;
    run(&w, 20 * SECOND);
    waits_for(&w, EA_HOST_COND_ADDRESS, "not usable yet");
    forget(&w);
    w.f.dad_ms = 0;
    run(&w, 15 * SECOND);
    did(&w, " remove add listen prove");
    serves(&w);
    w.f.duplicate = true;
    run(&w, 29 * SECOND);
    did(&w, " remove add unlisten listen prove");
    serves(&w);
}

static void containers_get_a_route_of_their_own_as_they_start(void **state)
{
    /* Source: endpoints-and-windows.md section 4.4 and section 4.6, row "Route inside a container". */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.unrouted = 3; /* of an earlier run */
    run(&w, 5 * SECOND);
    did(&w, " reserve add inside listen prove allow reserve");
    serves(&w);
    for (int i = 0; i < 3; i++) {
        w.f.unrouted = 1;
        run(&w, 150); /* as after a start that was told */
        did(&w, " inside");
    }
    w.f.denied = true; /* one that cannot be routed takes nothing from the others */
    w.f.unrouted = 1;
    run(&w, 5 * MINUTE);
    serves(&w);
    assert_false(w.h.waits[EA_HOST_COND_INSIDE].met);
    assert_non_null(strstr(w.h.waits[EA_HOST_COND_INSIDE].error, "administrator"));
}

/* ---- the port ---- */

static void a_port_of_http_sys_is_served_by_the_proxy(void **state)
{
    /* Source: endpoints-and-windows.md section 4.6, rows "Serve port 80" and "portproxy fallback". */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.port80 = HTTP_SYS;
    run(&w, 1 * SECOND);
    waits_for(&w, EA_HOST_COND_LISTENER, "access denied: http.sys serves port 80");
    run(&w, 10 * SECOND);
    did(&w, " reserve add listen! allow reserve listen! listen! proxy prove");
    serves(&w);
    assert_true(w.h.by_proxy);
    fake_host_address_gone(&w.f); /* the proxy's listener is stale afterwards */
    run(&w, 5 * MINUTE);
    serves(&w);
}

static void a_stolen_port_is_named_and_taken_when_it_is_free(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 5. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.port80 = OTHER_PROGRAM;
    run(&w, 20 * MINUTE);
    assert_true(!w.h.proven && w.h.settled);
    assert_non_null(strstr(w.h.waits[ea_host_blocked(&w.h)].error, "process 4711"));
    assert_int_in_range(w.f.acts, 20, 130);
    w.f.port80 = NOBODY;
    run(&w, 3 * MINUTE);
    serves(&w);
    assert_true(w.f.proxy_rule == w.h.by_proxy); /* one way, not both */
}

static void on_linux_a_stolen_port_is_tried_on(void **state)
{
    /* Source: design 5, "Linux". */
    struct world w;

    (void)state;
    begin(&w, 0);
    w.f.port80 = OTHER_PROGRAM;
    run(&w, 10 * MINUTE);
    waits_for(&w, EA_HOST_COND_LISTENER, "address in use");
    w.f.port80 = NOBODY;
    run(&w, 31 * SECOND);
    serves(&w);
}

static void a_proxy_rule_of_an_earlier_time_is_removed_first(void **state)
{
    /* Source: endpoints-and-windows.md section 4.6: rules survive a reboot, the address does not. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.proxy_rule = true;
    run(&w, 3 * SECOND);
    did(&w, " reserve add unproxy listen prove allow reserve");
    serves(&w);
    assert_false(w.f.proxy_rule);
}

static void ports_inside_an_exclusion_are_told_and_reserved_later(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 3. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.ports[1].first = 51600;
    w.f.ports[1].last = 51699;
    run(&w, 2 * MINUTE);
    serves(&w); /* the listeners say themselves when they cannot be bound */
    assert_false(w.h.waits[EA_HOST_COND_PORTS].met);
    assert_non_null(strstr(w.h.waits[EA_HOST_COND_PORTS].error, "port 51679 lies in 51600-51699"));
    assert_non_null(strstr(w.h.waits[EA_HOST_COND_PORTS].error, "net stop winnat"));
    assert_true(w.f.ports[0].reserved);
    w.f.ports[1].first = w.f.ports[1].last = 0;
    run(&w, 31 * SECOND);
    assert_true(w.h.waits[EA_HOST_COND_PORTS].met && w.f.ports[1].reserved);
    assert_false(w.f.ports[2].reserved); /* a container may publish port 80 of other addresses */
}

static void every_port_of_ours_that_the_nat_has_is_told_with_its_range(void **state)
{
    /* Source: endpoints-and-windows.md section 4.7 item 3. */
    struct ea_host_port ports[EA_HOST_PORTS_MAX] = {
        { .port = 51678, .wanted = true, .first = 51600, .last = 51699 },
        { .port = 51679, .wanted = true, .first = 51600, .last = 51699 },
        { .port = 80, .first = 80, .last = 179 },
    };
    char text[400] = "";

    (void)state;
    assert_true(ea_host_ports_taken(ports, text));
    assert_ptr_equal(strstr(text, "port 51678 lies in 51600-51699, port 51679 lies in 51600-51699, "
                                  "port 80 lies in 80-179, kept by"),
                     text);
    assert_non_null(strstr(text, "or restart the machine")); /* not cut */
    assert_true(strlen("port reservation: ") + strlen(text) < sizeof(((ea_err *)0)->text));
    ports[0].reserved = true;
    ports[1].first = ports[1].last = 0;
    assert_true(ea_host_ports_taken(ports, text));
    assert_ptr_equal(strstr(text, "port 80 lies in 80-179"), text);
    ports[2].first = ports[2].last = 0;
    assert_false(ea_host_ports_taken(ports, text));
}

static void a_firewall_that_cannot_be_asked_or_changed_keeps_nothing_up(void **state)
{
    /* Source: endpoints-and-windows.md section 4.6, row "Firewall": service off, warn only. */
    struct world w;

    (void)state;
    begin(&w, WINDOWS);
    fake_host_network(&w.f, 7);
    w.f.firewall = EA_FACT_UNKNOWN;
    run(&w, 3 * SECOND);
    did(&w, " reserve add listen prove reserve");
    serves(&w);
    w.f.firewall = EA_FACT_NO;
    w.f.firewall_denied = true;
    run(&w, 5 * MINUTE);
    serves(&w);
    assert_non_null(strstr(w.h.waits[EA_HOST_COND_FIREWALL].error, "administrator"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linux_host_gets_the_address_a_listener_and_a_proof),
        cmocka_unit_test(a_windows_host_is_set_up_in_order),
        cmocka_unit_test(server_2016_gets_a_route_to_the_containers_as_well),
        cmocka_unit_test(an_adapter_that_comes_ten_minutes_late_is_waited_for),
        cmocka_unit_test(without_rights_it_tries_on_and_says_so),
        cmocka_unit_test(an_address_that_was_removed_comes_back_with_a_new_listener),
        cmocka_unit_test(an_address_that_was_removed_and_added_by_hand_is_bound_anew),
        cmocka_unit_test(a_network_that_hns_makes_anew_gets_the_address),
        cmocka_unit_test(an_address_on_a_ghost_moves_to_the_adapter_of_the_network),
        cmocka_unit_test(an_hns_that_cannot_be_asked_does_not_break_what_works),
        cmocka_unit_test(after_a_reboot_everything_is_made_again),
        cmocka_unit_test(an_address_that_stays_tentative_or_is_a_duplicate_is_added_again),
        cmocka_unit_test(containers_get_a_route_of_their_own_as_they_start),
        cmocka_unit_test(a_port_of_http_sys_is_served_by_the_proxy),
        cmocka_unit_test(a_stolen_port_is_named_and_taken_when_it_is_free),
        cmocka_unit_test(on_linux_a_stolen_port_is_tried_on),
        cmocka_unit_test(a_proxy_rule_of_an_earlier_time_is_removed_first),
        cmocka_unit_test(ports_inside_an_exclusion_are_told_and_reserved_later),
        cmocka_unit_test(every_port_of_ours_that_the_nat_has_is_told_with_its_range),
        cmocka_unit_test(a_firewall_that_cannot_be_asked_or_changed_keeps_nothing_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
