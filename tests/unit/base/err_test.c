#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static void a_failure_fills_code_number_and_text(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_fail_sys(&err, EA_IO, 28, "write %s", "a.db"), EA_IO);
    assert_int_equal(err.code, EA_IO);
    assert_int_equal(err.sys, 28);
    assert_string_equal(err.text, "write a.db");
    assert_int_equal(ea_fail(&err, EA_LIMIT, "%d bytes", 5), EA_LIMIT);
    assert_int_equal(err.sys, 0);
}

static void wrapping_grows_the_sentence_in_front_and_keeps_code_and_number(void **state)
{
    ea_err err = { 0 };

    (void)state;
    (void)ea_fail_sys(&err, EA_TIMEOUT, 110, "no progress for %d s", 60);
    assert_int_equal(ea_wrap(&err, "pull %s", "nginx"), EA_TIMEOUT);
    assert_int_equal(ea_wrap(&err, "task %s", "a1b2"), EA_TIMEOUT);
    assert_string_equal(err.text, "task a1b2: pull nginx: no progress for 60 s");
    assert_int_equal(err.sys, 110);
}

static void the_text_of_an_error_may_be_built_from_itself(void **state)
{
    ea_err err = { 0 };

    (void)state;
    (void)ea_fail(&err, EA_IO, "disk full");
    (void)ea_fail(&err, EA_STORE, "%s (was %s)", "not saved", err.text);
    assert_string_equal(err.text, "not saved (was disk full)");
}

static void a_text_too_long_is_cut_between_characters(void **state)
{
    ea_err err = { 0 };
    char longer[900];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
        memcpy(longer + i, "\xc3\xa9", 2);
    longer[sizeof(longer) - 2] = '\0';
    (void)ea_fail(&err, EA_INVALID, "x%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_true(ea_utf8_valid(ea_str_of(err.text)));
    (void)ea_fail(&err, EA_INVALID, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 2);
    (void)ea_wrap(&err, "%s", longer);
    assert_true(ea_utf8_valid(ea_str_of(err.text)));
    (void)ea_wrap(&err, "front");
    assert_memory_equal(err.text, "front: ", 7);
    assert_true(ea_utf8_valid(ea_str_of(err.text)));
    assert_true(strlen(err.text) < sizeof(err.text));
}

static void every_code_has_name_words_and_category(void **state)
{
    (void)state;
    for (int c = 0; c < EA_CODE_COUNT; c++) {
        assert_true(ea_code_name((ea_code)c)[0]);
        assert_true(ea_code_words((ea_code)c)[0]);
        assert_true(ea_code_category((ea_code)c)[0]);
    }
    assert_string_equal(ea_code_name(EA_TIMEOUT), "TIMEOUT");
    assert_string_equal(ea_code_words(EA_TIMEOUT), "timed out");
    assert_string_equal(ea_code_category(EA_TIMEOUT), "OperationTimeout");
    assert_true(ea_code_retryable(EA_TIMEOUT));
    assert_false(ea_code_retryable(EA_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_fills_code_number_and_text),
        cmocka_unit_test(wrapping_grows_the_sentence_in_front_and_keeps_code_and_number),
        cmocka_unit_test(the_text_of_an_error_may_be_built_from_itself),
        cmocka_unit_test(a_text_too_long_is_cut_between_characters),
        cmocka_unit_test(every_code_has_name_words_and_category),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
