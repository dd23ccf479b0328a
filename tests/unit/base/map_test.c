#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/rng.h"

#include <stdio.h>
#include <string.h>

static void what_is_put_is_found_until_it_is_removed(void **state)
{
    ea_map m = { 0 };
    int a = 1, b = 2;

    (void)state;
    assert_null(ea_map_get(&m, "x"));
    assert_null(ea_map_put(&m, "x", &a));
    assert_ptr_equal(ea_map_put(&m, "x", &b), &a);
    assert_ptr_equal(ea_map_get(&m, "x"), &b);
    assert_null(ea_map_get(&m, NULL));
    assert_int_equal(ea_map_count(&m), 1);
    assert_ptr_equal(ea_map_remove(&m, "x"), &b);
    assert_null(ea_map_remove(&m, "x"));
    assert_int_equal(ea_map_count(&m), 0);
    ea_map_done(&m, NULL);
}

static void steps_follow_insertion_and_survive_removal_of_the_present_entry(void **state)
{
    ea_map m = { 0 };
    char seen[8] = "";
    size_t i = 0;
    int v = 0;

    (void)state;
    ea_map_put(&m, "c", &v);
    ea_map_put(&m, "a", &v);
    ea_map_put(&m, "b", &v);
    ea_map_put(&m, "d", &v);
    ea_map_remove(&m, "a");
    for (ea_map_entry *e; (e = ea_map_next(&m, &i)) != NULL;) {
        strncat(seen, e->key, 1);
        if (seen[strlen(seen) - 1] == 'b')
            ea_map_remove(&m, "b");
    }
    assert_string_equal(seen, "cbd");
    assert_int_equal(ea_map_count(&m), 2);
    ea_map_done(&m, NULL);
}

/* A plain array beside the map, many random puts and removals: both must agree at the end. */
static void many_changes_leave_the_map_as_a_plain_table_would_be(void **state)
{
    enum {
        KEYS = 500,
        CHANGES = 20000
    };
    static int values[KEYS];
    static void *want[KEYS];
    ea_map m = { 0 };
    ea_rng r;
    size_t live = 0;

    (void)state;
    ea_rng_seed(&r, 7);
    memset(want, 0, sizeof(want));
    for (int n = 0; n < CHANGES; n++) {
        size_t k = (size_t)ea_rng_below(&r, KEYS);
        char key[24];

        (void)snprintf(key, sizeof(key), "task/%zu", k);
        if (ea_rng_below(&r, 2)) {
            assert_ptr_equal(ea_map_put(&m, key, &values[k]), want[k]);
            want[k] = &values[k];
        } else {
            assert_ptr_equal(ea_map_remove(&m, key), want[k]);
            want[k] = NULL;
        }
    }
    for (size_t k = 0; k < KEYS; k++) {
        char key[24];

        (void)snprintf(key, sizeof(key), "task/%zu", k);
        assert_ptr_equal(ea_map_get(&m, key), want[k]);
        live += want[k] != NULL;
    }
    assert_int_equal(ea_map_count(&m), live);
    assert_true(m.cap < 4 * KEYS);
    ea_map_done(&m, NULL);
}

static void the_end_frees_the_values_that_are_left(void **state)
{
    ea_map m = { 0 };
    char key[16];

    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        ea_map_put(&m, key, ea_alloc(1));
    }
    ea_free(ea_map_remove(&m, "7"));
    ea_map_done(&m, ea_free);
    assert_int_equal(ea_map_count(&m), 0);
    assert_null(ea_map_get(&m, "8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_until_it_is_removed),
        cmocka_unit_test(steps_follow_insertion_and_survive_removal_of_the_present_entry),
        cmocka_unit_test(many_changes_leave_the_map_as_a_plain_table_would_be),
        cmocka_unit_test(the_end_frees_the_values_that_are_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
