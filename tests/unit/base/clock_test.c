#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <string.h>

static void the_fake_clock_stands_until_it_is_moved(void **state)
{
    ea_time fake = { 5, 1000 }, a, b;

    (void)state;
    ea_clock_set_fake(&fake);
    assert_int_equal(ea_now().mono_ms, 5);
    fake.wall_ms = 2000;
    assert_int_equal(ea_now().wall_ms, 2000);
    ea_clock_set_fake(NULL);
    a = ea_now();
    b = ea_now();
    assert_true(b.mono_ms >= a.mono_ms);
    assert_true(a.wall_ms > 1700000000000);
}

static void rfc3339_times_are_printed_and_read_back(void **state)
{
    static const struct {
        int64_t ms;
        int with_ms;
        const char *text;
    } cases[] = {
        { 0, 1, "1970-01-01T00:00:00Z" },
        { 1767323045000, 0, "2026-01-02T03:04:05Z" },
        { 1767323045120, 1, "2026-01-02T03:04:05.12Z" },
        { 1767323045120, 0, "2026-01-02T03:04:05Z" },
        { 1767323045007, 1, "2026-01-02T03:04:05.007Z" },
        { 951782400000, 1, "2000-02-29T00:00:00Z" },
        { 4107542399999, 1, "2100-02-28T23:59:59.999Z" },
        { -1, 1, "1969-12-31T23:59:59.999Z" },
        { 253402300799999, 1, "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, 1, "9999-12-31T23:59:59.999Z" },
        { INT64_MIN, 1, "0000-01-01T00:00:00Z" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        char text[EA_RFC3339_MAX];
        ea_err err = { 0 };
        int64_t back = 1;

        ea_format_rfc3339(cases[i].ms, cases[i].with_ms, text);
        if (strcmp(text, cases[i].text) != 0)
            fail_msg("%lld: %s, want %s", (long long)cases[i].ms, text, cases[i].text);
        assert_int_equal(ea_parse_rfc3339(ea_str_of(text), &back, &err), EA_OK);
        if (cases[i].with_ms && cases[i].ms != INT64_MAX && cases[i].ms != INT64_MIN)
            assert_int_equal(back, cases[i].ms);
    }
}

static void rfc3339_accepts_what_docker_and_aws_send(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "0001-01-01T00:00:00Z", 0 },
        { "2026-01-02T03:04:05.123456789Z", 1767323045123 },
        { "2026-01-02T03:04:05.9999Z", 1767323045999 },
        { "2026-01-02T05:04:05+02:00", 1767323045000 },
        { "2026-01-01T21:34:05-05:30", 1767323045000 },
        { "2016-12-31T23:59:60Z", 1483228800000 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { 0 };
        int64_t ms = -1;

        assert_int_equal(ea_parse_rfc3339(ea_str_of(cases[i].text), &ms, &err), EA_OK);
        if (ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static void rfc3339_refuses_what_is_no_time(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx",
        "2026-01-02T03:04:05+2:00",
        "2026-01-02T03:04:05+24:00",
        "20260102T030405Z",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        ea_err err = { 0 };
        int64_t ms;

        if (ea_parse_rfc3339(ea_str_of(bad[i]), &ms, &err) != EA_INVALID)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void the_signer_gets_its_own_date_form(void **state)
{
    char out[17];

    (void)state;
    ea_format_amz_date(1767323045999, out);
    assert_string_equal(out, "20260102T030405Z");
}

static void durations_are_read_as_go_reads_them(void **state)
{
    static const struct {
        const char *text;
        ea_code want;
        int64_t ms;
    } cases[] = {
        { "0", EA_OK, 0 },
        { "1h30m", EA_OK, 5400000 },
        { "500ms", EA_OK, 500 },
        { "1.5s", EA_OK, 1500 },
        { ".5s", EA_OK, 500 },
        { "0.3s", EA_OK, 300 },
        { "1m0.001s", EA_OK, 60001 },
        { "-2m", EA_OK, -120000 },
        { "+3h", EA_OK, 10800000 },
        { "1500us", EA_OK, 1 },
        { "2000\xc2\xb5s", EA_OK, 2 },
        { "3000000ns", EA_OK, 3 },
        { "30", EA_INVALID, 0 },
        { "", EA_INVALID, 0 },
        { "-", EA_INVALID, 0 },
        { "s", EA_INVALID, 0 },
        { "1d", EA_INVALID, 0 },
        { "1h ", EA_INVALID, 0 },
        { ".s", EA_INVALID, 0 },
        { "300000000h", EA_LIMIT, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { 0 };
        int64_t ms = 0;
        ea_code got = ea_parse_go_duration(ea_str_of(cases[i].text), &ms, &err);

        if (got != cases[i].want || ms != cases[i].ms)
            fail_msg("'%s': code %d, %lld ms", cases[i].text, (int)got, (long long)ms);
    }
}

static void durations_are_printed_as_go_prints_them(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "0s" },
        { 1, "1ms" },
        { 999, "999ms" },
        { 1000, "1s" },
        { 1500, "1.5s" },
        { 1050, "1.05s" },
        { 1001, "1.001s" },
        { 60500, "1m0.5s" },
        { 150000, "2m30s" },
        { 240000, "4m0s" },
        { 3600000, "1h0m0s" },
        { -1500, "-1.5s" },
        { 90061001, "25h1m1.001s" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        char text[EA_RFC3339_MAX];

        ea_format_go_duration(cases[i].ms, text);
        if (strcmp(text, cases[i].text) != 0)
            fail_msg("%lld: %s, want %s", (long long)cases[i].ms, text, cases[i].text);
    }
}

static void epoch_seconds_take_their_shortest_form(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 1751303000100, "1751303000.1" },
        { 1751303000123, "1751303000.123" },
        { 1751303000000, "1751303000" },
        { 1751303000020, "1751303000.02" },
        { 0, "0" },
        { -1500, "-1.5" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO b = EA_BUF(40);

        ea_buf_add_epoch(&b, cases[i].ms);
        assert_string_equal(ea_buf_z(&b), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fake_clock_stands_until_it_is_moved),
        cmocka_unit_test(rfc3339_times_are_printed_and_read_back),
        cmocka_unit_test(rfc3339_accepts_what_docker_and_aws_send),
        cmocka_unit_test(rfc3339_refuses_what_is_no_time),
        cmocka_unit_test(the_signer_gets_its_own_date_form),
        cmocka_unit_test(durations_are_read_as_go_reads_them),
        cmocka_unit_test(durations_are_printed_as_go_prints_them),
        cmocka_unit_test(epoch_seconds_take_their_shortest_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
