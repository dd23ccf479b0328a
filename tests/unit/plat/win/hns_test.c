#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plat/win/hns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scripted from endpoints-and-windows.md sections 4.6 and 4.7 and the published schema of HCN networks: no HNS
 * has said these. */

struct script {
    const wchar_t *list; /* NULL: fails with `number` */
    const wchar_t *networks[3];
    DWORD number;
    int out; /* texts given and not released */
};

static wchar_t *give(struct script *s, const wchar_t *text)
{
    if (text)
        s->out++;
    return text ? _wcsdup(text) : NULL;
}

static wchar_t *list(void *ctx, DWORD *number)
{
    struct script *s = ctx;

    *number = s->list ? ERROR_SUCCESS : s->number;
    return give(s, s->list);
}

/* Ids are "0", "1", "2". */
static wchar_t *properties(void *ctx, const wchar_t *id, DWORD *number)
{
    struct script *s = ctx;
    const wchar_t *text = id[0] >= L'0' && id[0] <= L'2' ? s->networks[id[0] - L'0'] : NULL;

    *number = text ? ERROR_SUCCESS : ERROR_NOT_FOUND;
    return give(s, text);
}

static void release(void *ctx, wchar_t *text)
{
    struct script *s = ctx;

    s->out--;
    (free)(text); /* _wcsdup's */
}

/* clang-format off */
#define NETWORK(name, type, gateway)                                                              \
    L"{\"ID\":\"x\",\"Name\":\"" name L"\",\"Type\":\"" type                                      \
    L"\",\"Ipams\":[{\"Type\":\"Static\",\"Subnets\":[{\"IpAddressPrefix\":\"172.21.128.0/20\","  \
    L"\"Routes\":[{\"NextHop\":\"" gateway L"\",\"DestinationPrefix\":\"0.0.0.0/0\"}]}]}],"       \
    L"\"SchemaVersion\":{\"Major\":2,\"Minor\":0}}"
/* clang-format on */

static void gateways_of_nat_networks_are_told_dockers_first(void **state)
{
    static const struct {
        const char *why;
        struct script script;
        const char *want; /* joined by blanks */
    } rows[] = {
        { "the usual host",
          { .list = L"[\"0\"]", .networks = { NETWORK(L"nat", L"NAT", L"172.21.128.1") } },
          "172.21.128.1" },
        { "Docker's after another one",
          { .list = L"[\"0\",\"1\"]",
            .networks = { NETWORK(L"Default Switch", L"NAT", L"172.30.0.1"),
                          NETWORK(L"nat", L"NAT", L"172.21.128.1") } },
          "172.21.128.1 172.30.0.1" },
        { "no NAT network yet",
          { .list = L"[\"0\"]", .networks = { NETWORK(L"external", L"Transparent", L"10.0.0.1") } },
          "" },
        { "none at all", { .list = L"[]" }, "" },
        { "one went since the list",
          { .list = L"[\"0\",\"1\"]", .networks = { NULL, NETWORK(L"nat", L"nat", L"1.2.3.4") } },
          "1.2.3.4" },
        { "one is garbage",
          { .list = L"[\"0\",\"1\"]",
            .networks = { L"<html>", NETWORK(L"nat", L"NAT", L"1.2.3.4") } },
          "1.2.3.4" },
        { "a ghost without routes",
          { .list = L"[\"0\",\"1\"]",
            .networks = { L"{\"Name\":\"nat\",\"Type\":\"NAT\",\"Ipams\":[{\"Subnets\":[{"
                          L"\"Routes\":null}]}]}",
                          NETWORK(L"nat", L"NAT", L"1.2.3.4") } },
          "1.2.3.4" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        struct script script = rows[i].script;
        const struct ea_hns_calls calls = { &script, NULL, list, properties, release };
        ea_strlist found = { 0 };
        ea_err err = { 0 };
        char joined[256] = "";

        if (ea_hns_nat_gateways(&calls, &found, &err))
            fail_msg("%s: %s", rows[i].why, err.text);
        for (size_t k = 0; k < found.n; k++)
            (void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
                           k ? " " : "", found.v[k]);
        if (strcmp(joined, rows[i].want) != 0 || script.out != 0)
            fail_msg("%s: got '%s', %d texts kept", rows[i].why, joined, script.out);
        ea_strlist_free(&found);
    }
}

static void an_hns_that_does_not_answer_is_an_error_with_its_number(void **state)
{
    struct script script = { .number = ERROR_SERVICE_NOT_ACTIVE };
    const struct ea_hns_calls calls = { &script, NULL, list, properties, release };
    ea_strlist found = { 0 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_hns_nat_gateways(&calls, &found, &err), EA_IO);
    assert_int_equal(err.sys, ERROR_SERVICE_NOT_ACTIVE);
    script.list = L"service is busy";
    assert_int_equal(ea_hns_nat_gateways(&calls, &found, &err), EA_PROTOCOL);
    assert_int_equal(script.out, 0);
    assert_int_equal(found.n, 0);
}

static wchar_t *all(void *ctx, DWORD *number)
{
    return list(ctx, number);
}

static void server_2016_tells_all_networks_in_one_answer(void **state)
{
    static const struct {
        const char *why;
        const wchar_t *answer;
        ea_code code;
        const char *want; /* first gateway, or part of the error */
    } rows[] = {
        { "Docker's network and another",
          L"{\"Success\":true,\"Output\":[{\"Name\":\"other\",\"Type\":\"NAT\",\"Subnets\":[{"
          L"\"AddressPrefix\":\"172.30.0.0/20\",\"GatewayAddress\":\"172.30.0.1\"}]},{\"Name\":"
          L"\"nat\",\"Type\":\"nat\",\"Subnets\":[{\"AddressPrefix\":\"172.22.0.0/20\","
          L"\"GatewayAddress\":\"172.22.0.1\"}]}]}",
          EA_OK, "172.22.0.1" },
        { "a transparent network alone",
          L"{\"Success\":true,\"Output\":[{\"Name\":\"t\",\"Type\":\"Transparent\"}]}", EA_OK, "" },
        { "a refusal", L"{\"Success\":false,\"Error\":\"access is denied\"}", EA_IO,
          "access is denied" },
        { "garbage", L"busy", EA_PROTOCOL, "networks of HNS" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        struct script script = { .list = rows[i].answer };
        const struct ea_hns_calls calls = { .ctx = &script, .all = all, .release = release };
        ea_strlist found = { 0 };
        ea_err err = { 0 };
        ea_code code = ea_hns_nat_gateways(&calls, &found, &err);
        const char *got = code ? err.text : found.n ? found.v[0] : "";

        if (code != rows[i].code || script.out != 0 || !strstr(got, rows[i].want) ||
            (!rows[i].want[0] && got[0]))
            fail_msg("%s: %d '%s', %d texts kept", rows[i].why, (int)code, got, script.out);
        ea_strlist_free(&found);
    }
}

static void a_system_without_hns_says_so(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_null(ea_hns_system(&err)); /* Wine has none */
    assert_int_equal(err.code, EA_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateways_of_nat_networks_are_told_dockers_first),
        cmocka_unit_test(an_hns_that_does_not_answer_is_an_error_with_its_number),
        cmocka_unit_test(server_2016_tells_all_networks_in_one_answer),
        cmocka_unit_test(a_system_without_hns_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
