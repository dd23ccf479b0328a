/* source_cache_test.c - for how long, and for whom, an answer about a source counts. */
#include "serve/source_cache.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_answer_counts_for_its_connection_and_for_a_second(void **state)
{
    static const struct {
        const char *why, *peer;
        uint16_t port;
        int64_t later_ms;
        bool known;
    } cases[] = {
        { "the next request", "172.17.0.2", 40000, 0, true },
        { "within the second", "172.17.0.2", 40000, 999, true },
        { "after it", "172.17.0.2", 40000, 1000, false },
        { "another container from the same port", "172.17.0.3", 40000, 0, false },
        { "another connection", "172.17.0.2", 40001, 0, false },
        { "another connection in the same place", "172.17.0.2", 40016, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++)
        for (int allowed = 0; allowed < 2; allowed++) {
            struct ea_source_cache c = { 0 };
            bool told = !allowed;

            assert_false(ea_source_known(&c, "172.17.0.2", 40000, 5000, &told));
            ea_source_keep(&c, "172.17.0.2", 40000, 5000, allowed);
            if (ea_source_known(&c, cases[i].peer, cases[i].port, 5000 + cases[i].later_ms,
                                &told) != cases[i].known)
                fail_msg("%s: %s", cases[i].why, cases[i].known ? "not known" : "known");
            assert_int_equal(told, cases[i].known ? allowed : !allowed);
        }
}

static void the_newer_connection_takes_the_place(void **state)
{
    struct ea_source_cache c = { 0 };
    bool told = true;

    (void)state;
    ea_source_keep(&c, "172.17.0.2", 40000, 5000, true);
    ea_source_keep(&c, "10.0.0.9", 40000 + EA_SOURCES, 5000, false);
    assert_false(ea_source_known(&c, "172.17.0.2", 40000, 5000, &told));
    assert_true(ea_source_known(&c, "10.0.0.9", 40000 + EA_SOURCES, 5000, &told));
    assert_false(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_counts_for_its_connection_and_for_a_second),
        cmocka_unit_test(the_newer_connection_takes_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
