#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plat/win/adapters.h"
#include "plat/win/firewall.h"
#include "plat/win/ghosts.h"
#include "plat/win/port_hold.h"
#include "plat/win/port_proxy.h"

#include <stdio.h>
#include <string.h>

/* What these calls do on a system that lacks most of what they are for (Wine): the registry, the tables of
 * connections and services are there; HNS, reservations of ports and address changes are not. */

static const wchar_t rules[] = L"SYSTEM\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp";

static void look(struct ea_host_facts *facts)
{
    const struct ea_host_ops *ops = ea_plat_host_ops();

    ops->observe(ops->ctx, facts);
}

static void a_host_without_containers_says_what_is_missing(void **state)
{
    struct ea_host_facts facts;

    (void)state;
    look(&facts);
    assert_int_equal(facts.adapter, 0);
    assert_non_null(strstr(facts.no_adapter, "vEthernet (nat)"));
    assert_int_equal(facts.address, EA_ADDRESS_ABSENT);
    assert_int_equal(facts.address_on, 0);
    assert_int_equal(facts.ghosts, 0);
    assert_false(facts.proxy_rule);
    assert_true(ea_plat_host_ops()->needs & EA_HOST_ADAPTER);
}

static void an_address_that_cannot_be_added_is_an_error(void **state)
{
    const struct ea_host_ops *ops = ea_plat_host_ops();
    ea_err err = { 0 };

    (void)state;
    assert_int_not_equal(ops->act(ops->ctx, EA_HOST_ADDRESS_ADD, 42, &err), EA_OK);
    assert_true(err.text[0] != '\0');
}

/* Source: endpoints-and-windows.md section 4.6, row "portproxy fallback". */
static void the_rule_of_the_port_proxy_is_the_value_that_netsh_writes(void **state)
{
    wchar_t value[64] = L"";
    DWORD size = sizeof(value);
    ea_err err = { 0 };

    (void)state;
    assert_false(ea_port_proxy_look());
    /* Wine has no iphlpsvc to tell; the rule is written before. */
    assert_int_not_equal(ea_port_proxy_add(&err), EA_OK);
    assert_non_null(strstr(err.text, "iphlpsvc"));
    assert_true(ea_port_proxy_look());
    assert_int_equal(RegGetValueW(HKEY_LOCAL_MACHINE, rules, L"169.254.170.2/80", RRF_RT_REG_SZ,
                                  NULL, value, &size),
                     ERROR_SUCCESS);
    assert_int_equal(wcscmp(value, L"127.0.0.1/51679"), 0);
    if (ea_port_proxy_remove(&err))
        fail_msg("%s", err.text);
    assert_false(ea_port_proxy_look());
    if (ea_port_proxy_remove(&err)) /* absent: fine */
        fail_msg("%s", err.text);
}

static SOCKET listen_on(uint16_t *port)
{
    struct sockaddr_in where = { .sin_family = AF_INET };
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int n = sizeof(where);

    where.sin_addr.s_addr = htonl(INADDR_ANY);
    assert_int_equal(bind(s, (struct sockaddr *)&where, sizeof(where)), 0);
    assert_int_equal(listen(s, 1), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&where, &n), 0);
    *port = ntohs(where.sin_port);
    return s;
}

static void our_own_listener_is_nobody_in_the_way(void **state)
{
    struct ea_host_port p = { 0 };
    char owner[200];
    SOCKET s = listen_on(&p.port);

    (void)state;
    ea_port_owner(p.port, owner);
    assert_string_equal(owner, "");
    ea_port_look(&p);
    assert_false(p.reserved);
    assert_int_equal(p.first, 0); /* in use is not excluded */
    (void)closesocket(s);
}

struct kept {
    uint16_t first, last, hole;
};

static bool kept_in(const void *ctx, uint16_t port)
{
    const struct kept *k = ctx;

    return port >= k->first && port <= k->last && port != k->hole;
}

static void a_range_that_the_system_keeps_is_found_from_any_port_in_it(void **state)
{
    static const struct {
        const char *why;
        uint16_t port;
        struct kept kept;
        uint16_t first, last;
    } rows[] = {
        { "a block", 51679, { 51600, 51699, 0 }, 51600, 51699 },
        { "its first port", 51679, { 51679, 51778, 0 }, 51679, 51778 },
        { "its last port", 51679, { 51580, 51679, 0 }, 51580, 51679 },
        { "one beside it", 51679, { 51680, 51779, 0 }, 0, 0 },
        { "a listener inside ends it", 51679, { 51600, 51699, 51650 }, 51651, 51699 },
        { "the lowest ports", 80, { 0, 99, 0 }, 1, 99 },
        { "the highest ports", 65500, { 65400, 65535, 0 }, 65400, 65535 },
        { "most of them", 30000, { 1, 65535, 0 }, 29500, 30500 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ea_host_port p = { .port = rows[i].port };

        ea_port_range(&p, kept_in, &rows[i].kept);
        if (p.first != rows[i].first || p.last != rows[i].last)
            fail_msg("%s: %u-%u", rows[i].why, (unsigned)p.first, (unsigned)p.last);
    }
}

static void a_socket_is_owned_before_it_is_bound(void **state)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    BOOL on = FALSE;
    int n = sizeof(on);

    (void)state;
    ea_plat_own_port((intptr_t)s, 51679);
    assert_int_equal(getsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, &n), 0);
    assert_true(on);
    (void)closesocket(s);
}

static void reservations_and_ghosts_that_this_system_lacks_are_errors_or_nothing(void **state)
{
    ea_err err = { 0 };
    unsigned n = 99;

    (void)state;
    assert_int_equal(ea_port_reserve(51679, &err), EA_UNSUPPORTED);
    assert_int_equal(ea_port_unreserve(51679, &err), EA_OK);
    err = (ea_err){ 0 };
    if (ea_ghosts_remove(&n, &err))
        fail_msg("%s", err.text);
    assert_int_equal(n, 0);
}

static void a_firewall_that_is_not_there_is_unknown_and_nothing_to_undo(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_firewall_look(), EA_FACT_UNKNOWN);
    if (ea_firewall_remove(&err))
        fail_msg("%s", err.text);
}

static void undoing_nothing_is_fine(void **state)
{
    ea_err err = { 0 };

    (void)state;
    if (ea_plat_host_undo(&err))
        fail_msg("%s", err.text);
}

static void never(void *arg)
{
    (void)arg;
}

static void a_watch_begins_and_ends(void **state)
{
    (void)state;
    ea_plat_host_watch(never, NULL);
    ea_plat_host_unwatch();
    ea_plat_host_unwatch();
}

static int sockets(void **state)
{
    WSADATA data;

    (void)state;
    return WSAStartup(MAKEWORD(2, 2), &data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_without_containers_says_what_is_missing),
        cmocka_unit_test(an_address_that_cannot_be_added_is_an_error),
        cmocka_unit_test(the_rule_of_the_port_proxy_is_the_value_that_netsh_writes),
        cmocka_unit_test(our_own_listener_is_nobody_in_the_way),
        cmocka_unit_test(a_range_that_the_system_keeps_is_found_from_any_port_in_it),
        cmocka_unit_test(a_socket_is_owned_before_it_is_bound),
        cmocka_unit_test(reservations_and_ghosts_that_this_system_lacks_are_errors_or_nothing),
        cmocka_unit_test(a_firewall_that_is_not_there_is_unknown_and_nothing_to_undo),
        cmocka_unit_test(undoing_nothing_is_fine),
        cmocka_unit_test(a_watch_begins_and_ends),
    };

    return cmocka_run_group_tests(tests, sockets, NULL);
}
