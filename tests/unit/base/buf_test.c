#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"

#include <string.h>

static void content_is_followed_by_a_nul_and_can_be_taken(void **state)
{
    EA_BUF_AUTO b = EA_BUF(100);
    EA_FREE_AUTO char *text = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_string_equal(ea_buf_z(&b), "");
    ea_buf_adds(&b, "GET ");
    ea_buf_adds(&b, NULL);
    ea_buf_addc(&b, '/');
    ea_buf_addf(&b, "v%d.%d", 1, 44);
    assert_string_equal(ea_buf_z(&b), "GET /v1.44");
    assert_int_equal(ea_buf_str(&b).n, 10);
    assert_int_equal(ea_buf_take(&b, &text, &err), EA_OK);
    assert_string_equal(text, "GET /v1.44");
    assert_int_equal(b.n, 0);
    ea_buf_adds(&b, "again");
    assert_string_equal(ea_buf_z(&b), "again");
}

static void an_empty_buffer_is_taken_as_an_empty_text(void **state)
{
    EA_BUF_AUTO b = EA_BUF(0);
    EA_FREE_AUTO char *text = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_buf_take(&b, &text, &err), EA_OK);
    assert_string_equal(text, "");
}

static void the_bound_is_exact_and_its_failure_sticks(void **state)
{
    EA_BUF_AUTO b = EA_BUF(5);
    char *text = NULL;
    ea_err err = { 0 };

    (void)state;
    ea_buf_adds(&b, "12345");
    assert_int_equal(ea_buf_check(&b, &err), EA_OK);
    ea_buf_addc(&b, '6');
    ea_buf_clear(&b);
    ea_buf_addf(&b, "%d", 123456);
    ea_buf_adds(&b, "x");
    assert_int_equal(b.n, 0);
    assert_int_equal(ea_buf_check(&b, &err), EA_LIMIT);
    assert_int_equal(ea_buf_take(&b, &text, &err), EA_LIMIT);
    assert_string_equal(err.text, "more than 5 bytes");
    assert_null(text);
}

static void missing_memory_sticks_too(void **state)
{
    EA_BUF_AUTO b = EA_BUF(5000);
    ea_err err = { 0 };

    (void)state;
    ea_buf_adds(&b, "kept");
    ea_alloc_fail_after(1);
    ea_buf_addf(&b, "%1000d", 1);
    ea_alloc_fail_after(0);
    assert_int_equal(ea_buf_check(&b, &err), EA_NO_MEMORY);
    assert_string_equal(ea_buf_z(&b), "kept");
}

static void formatting_grows_to_what_it_needs(void **state)
{
    EA_BUF_AUTO b = EA_BUF(100000);

    (void)state;
    for (int i = 0; i < 100; i++)
        ea_buf_addf(&b, "%0500d", i);
    assert_int_equal(b.n, 50000);
    assert_int_equal(strlen(ea_buf_z(&b)), 50000);
    assert_memory_equal(b.p + 49998, "99", 3);
}

static void a_url_keeps_only_unreserved_characters(void **state)
{
    EA_BUF_AUTO b = EA_BUF(200);

    (void)state;
    ea_buf_add_urlenc(&b, "a/b c+~\xc3\xa9%");
    assert_string_equal(ea_buf_z(&b), "a%2Fb%20c%2B~%C3%A9%25");
    ea_buf_clear(&b);
    ea_buf_add_urlenc_path(&b, "/a b/-_.");
    assert_string_equal(ea_buf_z(&b), "/a%20b/-_.");
}

static void base64_follows_rfc_4648_both_ways(void **state)
{
    static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
    static const char *const coded[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(plain); i++) {
        EA_BUF_AUTO b = EA_BUF(20);
        EA_BUF_AUTO back = EA_BUF(20);

        ea_buf_add_base64(&b, plain[i], strlen(plain[i]));
        assert_string_equal(ea_buf_z(&b), coded[i]);
        assert_int_equal(ea_base64_decode(ea_str_of(coded[i]), 20, &back, &err), EA_OK);
        assert_string_equal(ea_buf_z(&back), plain[i]);
    }
}

static void base64_for_urls_has_its_own_alphabet(void **state)
{
    EA_BUF_AUTO b = EA_BUF(20);
    EA_BUF_AUTO back = EA_BUF(20);
    ea_err err = { 0 };

    (void)state;
    ea_buf_add_base64url(&b, "\xfb\xff\xfe\xff", 4);
    assert_string_equal(ea_buf_z(&b), "-__-_w==");
    assert_int_equal(ea_base64_decode(EA_STR("-__-_w"), 20, &back, &err), EA_OK);
    assert_memory_equal(back.p, "\xfb\xff\xfe\xff", 4);
}

static void base64_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "A", "AAAAA", "AA=", "AAAA=", "A===", "=", "A A=", "Zm9v\n"
    };
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(bad); i++) {
        EA_BUF_AUTO out = EA_BUF(20);

        if (ea_base64_decode(ea_str_of(bad[i]), 20, &out, &err) != EA_INVALID)
            fail_msg("accepted: %s", bad[i]);
    }
    EA_BUF_AUTO out = EA_BUF(20);
    assert_int_equal(ea_base64_decode(EA_STR("Zm9vYmFy"), 5, &out, &err), EA_LIMIT);
}

static void hexadecimal_is_read_whole_or_not_at_all(void **state)
{
    unsigned char out[2] = { 7, 7 };
    EA_BUF_AUTO b = EA_BUF(20);
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_hex_decode(EA_STR("0g00"), out, 2, &err), EA_INVALID);
    assert_int_equal(ea_hex_decode(EA_STR("000"), out, 2, &err), EA_INVALID);
    assert_int_equal(out[0], 7);
    assert_int_equal(ea_hex_decode(EA_STR("aF09"), out, 2, &err), EA_OK);
    ea_buf_add_hex(&b, out, 2);
    assert_string_equal(ea_buf_z(&b), "af09");
}

static void json_strings_escape_what_must_be_and_mend_bad_utf8(void **state)
{
    static const struct {
        const char *why;
        ea_str in;
        const char *plain, *html;
    } cases[] = {
        { "nothing to do", { "abc", 3 }, "\"abc\"", "\"abc\"" },
        { "empty", { "", 0 }, "\"\"", "\"\"" },
        { "quotes", { "a\"b\\c", 5 }, "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"" },
        { "controls",
          { "\n\r\t\x01\0", 5 },
          "\"\\n\\r\\t\\u0001\\u0000\"",
          "\"\\n\\r\\t\\u0001\\u0000\"" },
        { "markup", { "<a&b>", 5 }, "\"<a&b>\"", "\"\\u003ca\\u0026b\\u003e\"" },
        { "UTF-8", { "\xc3\xa9", 2 }, "\"\xc3\xa9\"", "\"\xc3\xa9\"" },
        { "bad bytes",
          { "a\xff\xc3", 3 },
          "\"a\xef\xbf\xbd\xef\xbf\xbd\"",
          "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "line separator", { "\xe2\x80\xa8", 3 }, "\"\xe2\x80\xa8\"", "\"\\u2028\"" },
        { "paragraph separator", { "x\xe2\x80\xa9y", 5 }, "\"x\xe2\x80\xa9y\"", "\"x\\u2029y\"" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO a = EA_BUF(100);
        EA_BUF_AUTO b = EA_BUF(100);

        ea_buf_add_json_str(&a, cases[i].in);
        ea_buf_add_json_str_html(&b, cases[i].in);
        if (strcmp(ea_buf_z(&a), cases[i].plain) != 0 || strcmp(ea_buf_z(&b), cases[i].html) != 0)
            fail_msg("%s: %s, %s", cases[i].why, ea_buf_z(&a), ea_buf_z(&b));
    }
}

static void the_front_can_be_dropped(void **state)
{
    EA_BUF_AUTO b = EA_BUF(10);

    (void)state;
    ea_buf_adds(&b, "abcdef");
    ea_buf_drop_front(&b, 0);
    ea_buf_drop_front(&b, 2);
    assert_string_equal(ea_buf_z(&b), "cdef");
    ea_buf_drop_front(&b, 9);
    assert_string_equal(ea_buf_z(&b), "");
}

static void integers_are_written_to_both_ends(void **state)
{
    static const struct {
        int64_t v;
        const char *want;
    } cases[] = {
        { 0, "0" },
        { 7, "7" },
        { -10, "-10" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO b = EA_BUF(20);

        ea_buf_add_i64(&b, cases[i].v);
        assert_string_equal(ea_buf_z(&b), cases[i].want);
        assert_int_equal(b.failed, EA_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_followed_by_a_nul_and_can_be_taken),
        cmocka_unit_test(an_empty_buffer_is_taken_as_an_empty_text),
        cmocka_unit_test(the_bound_is_exact_and_its_failure_sticks),
        cmocka_unit_test(missing_memory_sticks_too),
        cmocka_unit_test(formatting_grows_to_what_it_needs),
        cmocka_unit_test(a_url_keeps_only_unreserved_characters),
        cmocka_unit_test(base64_follows_rfc_4648_both_ways),
        cmocka_unit_test(base64_for_urls_has_its_own_alphabet),
        cmocka_unit_test(base64_that_is_none_is_refused),
        cmocka_unit_test(hexadecimal_is_read_whole_or_not_at_all),
        cmocka_unit_test(json_strings_escape_what_must_be_and_mend_bad_utf8),
        cmocka_unit_test(the_front_can_be_dropped),
        cmocka_unit_test(integers_are_written_to_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
