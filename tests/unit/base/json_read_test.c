#include "base/json_read.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ea_code over(const char *text, ea_err *err)
{
    struct ea_jread r = ea_jread_of(ea_str_of(text));

    ea_jread_skip(&r);
    return ea_jread_end(&r, err);
}

static void whole_texts_are_gone_over(void **state)
{
    static const char *const good[] = {
        "0",
        "-0",
        "-1.5e+300",
        "10",
        "1E2",
        "true",
        " false ",
        "null\n",
        "\"\"",
        "\"\\u00e9\\n\\\\\\\"\\/\"",
        "{}",
        "[]",
        "[ ]",
        "[[],[{}],{\"a\":[]}]",
        "{\"a\":1,\"b\":{\"c\":[1,2,{\"d\":null}]},\"a\":\"twice\"}",
        "\t[\r\n1 , 2 ]",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(good); i++) {
        ea_err err = { 0 };

        if (over(good[i], &err))
            fail_msg("%s: %s", good[i], err.text);
    }
}

static void mistakes_are_told_wherever_they_are(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "True",
        "NaN",
        "-Infinity",
        "Infinity",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "0x10",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"a\nb\"",
        "'a'",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1]",
        "[1}",
        "{} {}",
        "1 1",
        "[NaN]",
        "{\"a\":-}",
        "{\"a\":\"b}",
        "{\"a\":[1,{]}",
        "]",
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        ea_err err = { 0 };

        if (over(bad[i], &err) != EA_INVALID)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void numbers_are_whole_and_never_below_zero(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } cases[] = {
        { "0", 0 },
        { "9007199254740993", 9007199254740993 }, /* a double has no such number */
        { "18446744073709551615", UINT64_MAX },
        { "18446744073709551616", UINT64_MAX },
        { "99999999999999999999999999999999999999999999999999999999999999999999999", UINT64_MAX },
        { "1e300", UINT64_MAX },
        { "1e999", UINT64_MAX },
        { "1.8446744073709552e19", UINT64_MAX },
        { "2.9", 2 },
        { "5e-1", 0 },
        { "12e2", 1200 },
        { "-5", 0 },
        { "-1e300", 0 },
        { "\"7\"", 0 },
        { "[7]", 0 },
        { "{\"a\":7}", 0 },
        { "null", 0 },
        { "true", 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_jread r = ea_jread_of(ea_str_of(cases[i].text));
        ea_err err = { 0 };

        if (ea_jread_u64(&r) != cases[i].want || ea_jread_end(&r, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

static void the_depth_is_bounded(void **state)
{
    (void)state;
    for (size_t depth = 1; depth <= 100000; depth = depth < 60   ? 60
                                                    : depth < 70 ? depth + 1
                                                                 : 100000) {
        EA_BUF_AUTO text = EA_BUF(1 << 20);
        ea_err err = { 0 };
        ea_code got;

        for (size_t i = 0; i < depth; i++)
            ea_buf_adds(&text, i % 2 ? "{\"a\":" : "[");
        ea_buf_adds(&text, "1");
        for (size_t i = depth; i-- > 0;)
            ea_buf_addc(&text, i % 2 ? '}' : ']');
        got = over(ea_buf_z(&text), &err);
        if ((got == EA_OK) != (depth <= EA_JREAD_DEPTH))
            fail_msg("%zu levels: %d %s", depth, (int)got, err.text);
        if (depth == 100000)
            break;
    }
}

static void members_are_told_in_their_order_and_names_count_once(void **state)
{
    static const char text[] =
        "{\"x\":{\"a\":3},\"a\":1,\"list\":[1,\"b\",[2]],\"a\":2,\"b\":\"v\\\"w\",\"\\u0061\":9}";
    static const char *const words[] = { "a", "b" };
    static const size_t want[] = { 2, 0, 2, 2, 1, 2 };
    struct ea_jread r = ea_jread_of(ea_str_of(text));
    unsigned seen = 0;
    size_t i = 0;
    ea_str name;
    ea_err err = { 0 };

    (void)state;
    assert_true(ea_jread_object(&r));
    while (ea_jread_member(&r, &name)) {
        size_t which = ea_jread_which(name, words, 2, &seen);

        assert_int_equal(which, want[i++]);
        if (which == 0)
            assert_int_equal(ea_jread_u64(&r), 1);
        else if (which == 1)
            assert_true(ea_str_eqz(ea_jread_str(&r), "v\\\"w"));
        else if (ea_jread_peek(&r) == '[') {
            size_t n = 0;

            assert_true(ea_jread_array(&r));
            for (; ea_jread_item(&r); n++)
                ea_jread_skip(&r);
            assert_int_equal(n, 3);
        } else
            ea_jread_skip(&r);
    }
    assert_int_equal(i, EA_COUNT(want));
    assert_int_equal(ea_jread_end(&r, &err), EA_OK);
}

static void a_text_cut_anywhere_ends_the_loops(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u0041\"},-2.5e3],\"c\":{\"d\":null}}";

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        EA_FREE_AUTO char *part =
            ea_strndup(text, n); /* so that a sanitizer sees reading past it */
        struct ea_jread r = ea_jread_of((ea_str){ part, n });
        unsigned turns = 0;
        ea_str name;
        ea_err err = { 0 };

        if (ea_jread_object(&r)) {
            while (ea_jread_member(&r, &name)) {
                ea_jread_skip(&r);
                assert_true(++turns < 10);
            }
        }
        if (ea_jread_end(&r, &err) != EA_INVALID)
            fail_msg("%zu bytes were taken", n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_texts_are_gone_over),
        cmocka_unit_test(mistakes_are_told_wherever_they_are),
        cmocka_unit_test(numbers_are_whole_and_never_below_zero),
        cmocka_unit_test(the_depth_is_bounded),
        cmocka_unit_test(members_are_told_in_their_order_and_names_count_once),
        cmocka_unit_test(a_text_cut_anywhere_ends_the_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
