#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/rng.h"

#include <stdbool.h>
#include <string.h>

static void one_seed_gives_one_sequence(void **state)
{
    ea_rng a, b, c;
    int same = 0;

    (void)state;
    ea_rng_seed(&a, 42);
    ea_rng_seed(&b, 42);
    ea_rng_seed(&c, 43);
    for (int i = 0; i < 100; i++) {
        uint64_t v = ea_rng_u64(&a);

        assert_true(v == ea_rng_u64(&b));
        same += v == ea_rng_u64(&c);
    }
    assert_int_equal(same, 0);
}

/* State 1, 2, 3, 4 as in the reference code's published outputs. */
static void the_generator_is_xoshiro256_starstar(void **state)
{
    static const uint64_t want[] = { 11520u, 0u, 1509978240u, 1215971899390074240u };
    ea_rng r = { { 1, 2, 3, 4 } };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(want); i++)
        assert_true(ea_rng_u64(&r) == want[i]);
}

static void bounded_numbers_reach_every_value_and_stay_below(void **state)
{
    int seen[6] = { 0 };
    ea_rng r;

    (void)state;
    ea_rng_seed(&r, 1);
    for (int i = 0; i < 6000; i++) {
        uint64_t v = ea_rng_below(&r, 6);

        assert_true(v < 6);
        seen[v]++;
    }
    for (int i = 0; i < 6; i++)
        assert_int_in_range(seen[i], 800, 1200);
    assert_true(ea_rng_below(&r, 0) == 0);
    assert_true(ea_rng_below(&r, 1) == 0);
    for (int i = 0; i < 1000; i++) {
        double u = ea_rng_unit(&r);

        assert_true(u >= 0 && u < 1);
    }
}

static void uuids_are_version_four(void **state)
{
    char a[37], b[37];
    ea_rng r;

    (void)state;
    ea_rng_seed(&r, 5);
    ea_rng_uuid(&r, a);
    ea_rng_uuid(&r, b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        assert_true(dash ? a[i] == '-' : strchr("0123456789abcdef", a[i]) != NULL);
    }
}

static void hex_has_as_many_digits_as_asked(void **state)
{
    char out[34];
    ea_rng r;

    (void)state;
    ea_rng_seed(&r, 5);
    ea_rng_hex(&r, 33, out);
    assert_int_equal(strlen(out), 33);
    assert_int_equal(strspn(out, "0123456789abcdef"), 33);
    ea_rng_hex(&r, 0, out);
    assert_string_equal(out, "");
}

static void backoff_grows_to_its_cap_and_starts_again(void **state)
{
    static const int64_t want[] = { 1000, 2000, 4000, 8000, 10000, 10000 };
    ea_backoff b = EA_BACKOFF(1000, 10000, 0, 2);
    ea_rng r;

    (void)state;
    ea_rng_seed(&r, 1);
    for (size_t i = 0; i < EA_COUNT(want); i++)
        assert_int_equal(ea_backoff_next(&b, &r), want[i]);
    ea_backoff_reset(&b);
    assert_int_equal(ea_backoff_next(&b, &r), 1000);
}

static void jitter_only_adds_and_stays_below_its_share(void **state)
{
    ea_backoff b = EA_BACKOFF(250, 120000, 0.2, 1.5);
    int64_t low = INT64_MAX, high = 0;
    ea_rng r;

    (void)state;
    ea_rng_seed(&r, 3);
    for (int i = 0; i < 2000; i++) {
        int64_t d;

        ea_backoff_reset(&b);
        d = ea_backoff_next(&b, &r);
        low = d < low ? d : low;
        high = d > high ? d : high;
    }
    assert_int_in_range(low, 250, 255);
    assert_int_in_range(high, 295, 299);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_gives_one_sequence),
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(bounded_numbers_reach_every_value_and_stay_below),
        cmocka_unit_test(uuids_are_version_four),
        cmocka_unit_test(hex_has_as_many_digits_as_asked),
        cmocka_unit_test(backoff_grows_to_its_cap_and_starts_again),
        cmocka_unit_test(jitter_only_adds_and_stays_below_its_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
