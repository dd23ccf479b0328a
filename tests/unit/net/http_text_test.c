/* http_text_test.c - paths, query parameters and dates as HTTP writes them. */
#include "net/http_text.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void paths_are_cleaned(void **state)
{
    static const struct {
        const char *target, *path, *raw;
    } rows[] = {
        { "/", "/", "/" },
        { "/a", "/a", "/a" },
        { "/a/", "/a/", "/a/" },
        { "//a///b", "/a/b", "//a///b" },
        { "/a/./b/", "/a/b/", "/a/./b/" },
        { "/a/../../etc", "/etc", "/a/../../etc" },
        { "/..", "/", "/.." },
        { "/a/b/..", "/a", "/a/b/.." },
        { "/%2e%2e/x", "/x", "/%2e%2e/x" },
        { "/a%2Fb?q=/../c", "/a/b", "/a%2Fb" },
        { "http://host:80/x/y?z", "/x/y", "/x/y" },
        { "http://host", "/", "/" },
    };
    ea_err err;

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        EA_FREE_AUTO char *path = NULL, *raw = NULL;

        if (ea_http_clean_path(ea_str_of(rows[i].target), &path, &raw, &err))
            fail_msg("%s: %s", rows[i].target, err.text);
        assert_string_equal(path, rows[i].path);
        assert_string_equal(raw, rows[i].raw);
        ea_free(raw);
        raw = NULL;
    }
}

static void query_parameters_are_found_and_unescaped(void **state)
{
    EA_FREE_AUTO char *value = NULL;

    (void)state;
    assert_true(ea_http_query_find("a=1&b%20c=x%2Fy+z&a=2", "b c", &value));
    assert_string_equal(value, "x/y+z");
    ea_free(value);
    value = NULL;
    assert_true(ea_http_query_find("a=1&a=2&flag", "flag", &value));
    assert_string_equal(value, "");
    ea_free(value);
    value = NULL;
    assert_true(ea_http_query_find("a=1&a=2", "a", &value));
    assert_string_equal(value, "1");
    assert_false(ea_http_query_find("a=1", "b", &value));
    assert_false(ea_http_query_find("", "b", &value));
}

static void dates_are_written_as_http_wants_them(void **state)
{
    EA_BUF_AUTO b = EA_BUF(100);

    (void)state;
    ea_http_add_date(&b, INT64_C(784111777000));
    assert_string_equal(ea_buf_z(&b), "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_cleaned),
        cmocka_unit_test(query_parameters_are_found_and_unescaped),
        cmocka_unit_test(dates_are_written_as_http_wants_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
