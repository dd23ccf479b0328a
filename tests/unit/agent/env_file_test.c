/* env_file_test.c - environment files: which lines count, and who wins. */
#include "agent/env_file.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(ea_strmap *env, const char *text)
{
    ea_err err = { 0 };

    if (ea_env_file_check(ea_str_of(text), &err))
        fail_msg("%s", err.text);
    ea_env_file_add(ea_str_of(text), env);
}

static void each_line_is_taken_as_it_is(void **state)
{
    static const struct {
        const char *why, *text, *name, *value;
    } cases[] = {
        { "plain", "A=1", "A", "1" },
        { "the end of a line on Windows", "A=1\r\nB=2\r\n", "B", "2" },
        { "a carriage return inside stays", "A=1\r2\n", "A", "1\r2" },
        { "split at the first sign", "A=b=c", "A", "b=c" },
        { "empty value", "A=\n", "A", "" },
        { "nothing is trimmed", " A = x \n", " A ", " x " },
        { "nothing is unquoted", "A=\"x\"\n", "A", "\"x\"" },
        { "nothing is expanded", "A=$HOME\n", "A", "$HOME" },
        { "a comment", "#A=1\n", "#A", NULL },
        { "a comment that is none", " #A=1\n", " #A", "1" },
        { "no sign", "A\n", "A", NULL },
        { "no name", "=1\n", "", NULL },
        { "no end at the end", "X=0\nA=1", "A", "1" },
        { "empty lines", "\n\n\r\nA=1\n\n", "A", "1" },
        { "the last of a file wins", "A=1\nA=2\n", "A", "2" },
        { "no text at all", "", "A", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_strmap env = { 0 };

        add(&env, cases[i].text);
        if (!ea_zstr_eq(ea_strmap_get(&env, cases[i].name), cases[i].value))
            fail_msg("%s: got %s", cases[i].why, ea_strmap_get(&env, cases[i].name));
        ea_strmap_free(&env);
    }
}

static void the_earlier_file_wins(void **state)
{
    ea_strmap env = { 0 };

    (void)state;
    add(&env, "A=first\nB=first\n");
    add(&env, "A=second\nC=second\nC=third\n");
    assert_string_equal(ea_strmap_get(&env, "A"), "first");
    assert_string_equal(ea_strmap_get(&env, "B"), "first");
    assert_string_equal(ea_strmap_get(&env, "C"), "third");
    assert_int_equal(env.n, 3);
    ea_strmap_free(&env);
}

static void what_is_no_text_is_refused_with_its_line(void **state)
{
    char *longest = ea_alloc(EA_ENV_LINE_MAX + 16);
    ea_err err = { 0 };

    (void)state;
    memcpy(longest, "A=1\nB=", 6);
    memset(longest + 6, 'x', EA_ENV_LINE_MAX - 2);
    assert_int_equal(ea_env_file_check(ea_str_of(longest), &err), EA_OK);
    longest[strlen(longest)] = 'x';
    assert_int_equal(ea_env_file_check(ea_str_of(longest), &err), EA_INVALID);
    assert_string_equal(err.text, "line 2 is longer than 65536 bytes");
    ea_free(longest);
    assert_int_equal(ea_env_file_check((ea_str){ "A=\0b\n", 5 }, &err), EA_INVALID);
    assert_string_equal(err.text, "line 1 is not text in UTF-8");
    assert_int_equal(ea_env_file_check(EA_STR("A=1\nB=\xff\n"), &err), EA_INVALID);
    assert_string_equal(err.text, "line 2 is not text in UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_taken_as_it_is),
        cmocka_unit_test(the_earlier_file_wins),
        cmocka_unit_test(what_is_no_text_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
