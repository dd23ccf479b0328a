#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static void views_compare_by_content(void **state)
{
    (void)state;
    assert_true(ea_str_eq(EA_STR("abc"), (ea_str){ "abcd", 3 }));
    assert_false(ea_str_eq(EA_STR("abc"), EA_STR("abd")));
    assert_true(ea_str_eq(ea_str_of(NULL), EA_STR("")));
    assert_true(ea_str_eqz(EA_STR("x"), "x"));
    assert_true(ea_str_eq_nocase(EA_STR("taskArn"), EA_STR("TASKARN")));
    assert_false(ea_str_eq_nocase(EA_STR("task_"), EA_STR("taskA")));
    assert_true(ea_str_starts(EA_STR("http://x"), "http://"));
    assert_false(ea_str_starts(EA_STR("ht"), "http"));
    assert_true(ea_str_ends(EA_STR("a.json"), ".json"));
    assert_false(ea_str_ends(EA_STR("n"), ".json"));
    assert_true(ea_zstr_eq(NULL, NULL));
    assert_false(ea_zstr_eq(NULL, ""));
    assert_true(ea_zstr_empty(NULL));
    assert_true(ea_zstr_empty(""));
}

static void cutting_gives_head_and_rest(void **state)
{
    ea_str head, rest;

    (void)state;
    rest = ea_str_cut(EA_STR("a:b:c"), ':', &head);
    assert_true(ea_str_eqz(head, "a"));
    assert_true(ea_str_eqz(rest, "b:c"));
    rest = ea_str_cut(EA_STR("abc"), ':', &head);
    assert_true(ea_str_eqz(head, "abc"));
    assert_null(rest.p);
    rest = ea_str_cut(EA_STR("a:"), ':', &head);
    assert_non_null(rest.p);
    assert_int_equal(rest.n, 0);
    assert_int_equal(ea_str_rfind(EA_STR("a/b/c"), '/'), 3);
    assert_true(ea_str_rfind(EA_STR("abc"), '/') == SIZE_MAX);
    assert_true(ea_str_eqz(ea_str_trim(EA_STR(" \t x y\r\n")), "x y"));
    assert_int_equal(ea_str_trim(EA_STR("  ")).n, 0);
}

static void whole_numbers_are_read_to_the_last_digit_or_refused(void **state)
{
    static const struct {
        const char *why, *text;
        ea_code want;
        int64_t value;
    } cases[] = {
        { "zero", "0", EA_OK, 0 },
        { "plus sign", "+7", EA_OK, 7 },
        { "lowest", "-9223372036854775808", EA_OK, INT64_MIN },
        { "highest", "9223372036854775807", EA_OK, INT64_MAX },
        { "one too high", "9223372036854775808", EA_LIMIT, 0 },
        { "one too low", "-9223372036854775809", EA_LIMIT, 0 },
        { "far too long", "99999999999999999999999999", EA_LIMIT, 0 },
        { "empty", "", EA_INVALID, 0 },
        { "sign alone", "-", EA_INVALID, 0 },
        { "blank in front", " 1", EA_INVALID, 0 },
        { "unit behind", "1s", EA_INVALID, 0 },
        { "point", "1.0", EA_INVALID, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { 0 };
        int64_t v = 0;
        ea_code got = ea_str_to_i64(ea_str_of(cases[i].text), INT64_MIN, INT64_MAX, &v, &err);

        if (got != cases[i].want || v != cases[i].value)
            fail_msg("%s: code %d, value %lld", cases[i].why, (int)got, (long long)v);
    }
}

static void unsigned_numbers_have_bounds_and_no_sign(void **state)
{
    ea_err err = { 0 };
    uint64_t v = 0;

    (void)state;
    assert_int_equal(ea_str_to_u64(EA_STR("18446744073709551615"), 0, UINT64_MAX, &v, &err), EA_OK);
    assert_true(v == UINT64_MAX);
    assert_int_equal(ea_str_to_u64(EA_STR("18446744073709551616"), 0, UINT64_MAX, &v, &err),
                     EA_LIMIT);
    assert_int_equal(ea_str_to_u64(EA_STR("-1"), 0, 10, &v, &err), EA_INVALID);
    assert_int_equal(ea_str_to_u64(EA_STR("0"), 1, 65535, &v, &err), EA_LIMIT);
    assert_string_equal(err.text, "'0' is not between 1 and 65535");
    assert_int_equal(ea_str_to_u64((ea_str){ NULL, 0 }, 0, 1, &v, &err), EA_INVALID);
}

static void booleans_are_read_as_the_reference_does(void **state)
{
    static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True", "  true\n" };
    static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };
    static const char *const neither[] = { "", "yes", "tRUE", "2", "on" };
    ea_err err = { 0 };
    bool v;

    (void)state;
    for (size_t i = 0; i < EA_COUNT(yes); i++) {
        v = false;
        assert_int_equal(ea_str_to_bool(ea_str_of(yes[i]), &v, &err), EA_OK);
        assert_true(v);
    }
    for (size_t i = 0; i < EA_COUNT(no); i++) {
        v = true;
        assert_int_equal(ea_str_to_bool(ea_str_of(no[i]), &v, &err), EA_OK);
        assert_false(v);
    }
    for (size_t i = 0; i < EA_COUNT(neither); i++)
        assert_int_equal(ea_str_to_bool(ea_str_of(neither[i]), &v, &err), EA_INVALID);
}

static void utf8_is_valid_in_its_shortest_form_alone(void **state)
{
    static const struct {
        const char *why, *text;
        bool want;
    } cases[] = {
        { "ASCII", "abc", true },
        { "two bytes", "\xc3\xa9", true },
        { "three bytes", "\xe2\x82\xac", true },
        { "four bytes", "\xf0\x9f\x98\x80", true },
        { "last code point", "\xf4\x8f\xbf\xbf", true },
        { "beyond it", "\xf4\x90\x80\x80", false },
        { "overlong slash", "\xc0\xaf", false },
        { "overlong in three", "\xe0\x80\xaf", false },
        { "overlong in four", "\xf0\x80\x80\xaf", false },
        { "surrogate", "\xed\xa0\x80", false },
        { "continuation alone", "\x80", false },
        { "cut off", "\xe2\x82", false },
        { "lead byte twice", "\xc3\xc3\xa9", false },
        { "Latin-1", "caf\xe9", false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        if (ea_utf8_valid(ea_str_of(cases[i].text)) != cases[i].want)
            fail_msg("%s", cases[i].why);
    }
}

static void a_cut_never_splits_a_character(void **state)
{
    static const struct {
        const char *why, *text;
        size_t max, want;
    } cases[] = {
        { "short enough", "abc", 5, 3 },
        { "plain text", "abcdef", 4, 4 },
        { "before two bytes", "ab\xc3\xa9", 3, 2 },
        { "after two bytes", "ab\xc3\xa9z", 4, 4 },
        { "in the third of four", "\xf0\x9f\x98\x80", 3, 0 },
        { "behind four", "\xf0\x9f\x98\x80!", 4, 4 },
        { "nothing allowed", "\xc3\xa9", 0, 0 },
        { "no UTF-8 at all", "\x80\x80\x80\x80\x80\x80", 5, 5 },
        { "text that is cut off itself", "a\xe2\x82", 9, 1 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        size_t got = ea_utf8_cut(cases[i].text, strlen(cases[i].text), cases[i].max);

        if (got != cases[i].want)
            fail_msg("%s: %zu", cases[i].why, got);
    }
}

static void a_comma_list_gives_its_trimmed_pieces(void **state)
{
    ea_str rest = EA_STR("json-file, none,,awslogs ,"), item;
    static const char *const want[] = { "json-file", "none", "", "awslogs" };
    size_t n = 0;

    (void)state;
    while (ea_str_next_csv(&rest, &item)) {
        assert_true(n < EA_COUNT(want));
        assert_true(ea_str_eqz(item, want[n]));
        n++;
    }
    assert_int_equal(n, EA_COUNT(want));
    rest = EA_STR("");
    assert_false(ea_str_next_csv(&rest, &item));
}

static void a_view_is_copied_with_a_nul(void **state)
{
    EA_FREE_AUTO char *s = ea_str_dup((ea_str){ "abcdef", 3 });

    (void)state;
    assert_string_equal(s, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_content),
        cmocka_unit_test(cutting_gives_head_and_rest),
        cmocka_unit_test(whole_numbers_are_read_to_the_last_digit_or_refused),
        cmocka_unit_test(unsigned_numbers_have_bounds_and_no_sign),
        cmocka_unit_test(booleans_are_read_as_the_reference_does),
        cmocka_unit_test(utf8_is_valid_in_its_shortest_form_alone),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(a_comma_list_gives_its_trimmed_pieces),
        cmocka_unit_test(a_view_is_copied_with_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
