#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"

#include <string.h>

static void memory_comes_zeroed_and_size_zero_is_a_pointer(void **state)
{
    EA_FREE_AUTO char *a = ea_alloc(64);
    EA_FREE_AUTO char *b = ea_alloc(0);
    EA_FREE_AUTO char *c = ea_try_alloc(64);
    static const char zero[64];

    (void)state;
    assert_non_null(b);
    assert_memory_equal(a, zero, 64);
    assert_memory_equal(c, zero, 64);
}

static jmp_buf out_of_memory;

static void jump_out(size_t size)
{
    (void)size;
    longjmp(out_of_memory, 1);
}

static void a_product_that_overflows_ends_in_the_handler(void **state)
{
    volatile int caught = 0;

    (void)state;
    ea_alloc_set_handler(jump_out);
    if (setjmp(out_of_memory) == 0)
        (void)ea_alloc_array(SIZE_MAX / 2, 3); /* never returns */
    else
        caught++;
    if (setjmp(out_of_memory) == 0)
        (void)ea_realloc_array(NULL, SIZE_MAX / 2, 3); /* never returns */
    else
        caught++;
    ea_alloc_set_handler(NULL);
    assert_int_equal(caught, 2);
}

static void the_chosen_allocation_fails_once(void **state)
{
    void *p;

    (void)state;
    ea_alloc_fail_after(2);
    p = ea_try_alloc(1);
    assert_non_null(p);
    assert_null(ea_try_alloc(1));
    ea_free(p);
    p = ea_try_realloc(NULL, 10);
    assert_non_null(p);
    ea_alloc_fail_after(1);
    assert_null(ea_try_realloc(p, 20)); /* p is still ours */
    ea_free(p);
    ea_alloc_fail_after(0);
}

static void texts_are_copied_to_their_length(void **state)
{
    EA_FREE_AUTO char *a = ea_strdup("abc");
    EA_FREE_AUTO char *b = ea_strndup("abcdef", 2);
    EA_FREE_AUTO char *c = ea_sprintf_dup("%s-%d", "task", 12);
    EA_FREE_AUTO char *d = ea_strndup(NULL, 0);

    (void)state;
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "task-12");
    assert_string_equal(d, "");
    assert_null(ea_strdup(NULL));
}

static void an_owned_string_may_be_set_from_its_own_tail(void **state)
{
    char *s = ea_strdup("task/abc");

    (void)state;
    ea_set_str(&s, s + 5);
    assert_string_equal(s, "abc");
    ea_set_str(&s, NULL);
    assert_null(s);
}

static void a_wiped_secret_is_all_zero(void **state)
{
    char secret[16] = "wJalrXUtnFEMI";
    static const char zero[16];

    (void)state;
    ea_secret_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zero, sizeof(secret));
    ea_secret_wipe(NULL, 5);
    ea_secret_free(NULL);
    ea_secret_free(ea_strdup("x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed_and_size_zero_is_a_pointer),
        cmocka_unit_test(a_product_that_overflows_ends_in_the_handler),
        cmocka_unit_test(the_chosen_allocation_fails_once),
        cmocka_unit_test(texts_are_copied_to_their_length),
        cmocka_unit_test(an_owned_string_may_be_set_from_its_own_tail),
        cmocka_unit_test(a_wiped_secret_is_all_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
