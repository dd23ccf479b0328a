#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "local/svc_plan.h"

#include <string.h>

/* One letter a task, in order of arrival: R, P running and pending of the newest deployment; r, p of an
 * older one; K running of the newest and protected. `stops` marks those that end with x. */
static void counts_follow_the_desired_number(void **state)
{
    static const struct {
        const char *why;
        int64_t desired, least, most;
        const char *tasks, *stops;
        int64_t start;
    } rows[] = {
        { "a new service starts all at once", 3, 100, 200, "", "", 3 },
        { "what is pending counts", 3, 100, 200, "PP", "..", 1 },
        { "at its goal it rests", 2, 100, 200, "RR", "..", 0 },
        { "scale-in takes the youngest", 1, 100, 200, "RRR", ".xx", 0 },
        { "scale-in takes pending ones first", 2, 100, 200, "PRR", "x..", 0 },
        { "to nothing", 0, 100, 200, "RPR", "xxx", 0 },
        { "protected ones stay", 1, 100, 200, "RKK", "x..", 0 },
        { "only protected ones: nothing ends", 0, 100, 200, "KK", "..", 0 },
        { "a deployment adds up to the maximum", 2, 100, 200, "rr", "..", 2 },
        { "older ones end as newer run", 2, 100, 200, "rrRP", ".x..", 0 },
        { "and the last when all newer run", 2, 100, 200, "rRR", "x..", 0 },
        { "older ones that never ran end at once", 2, 100, 200, "rpp", ".xx", 1 },
        { "a minimum of 0 ends the older first", 2, 0, 100, "rr", "xx", 0 },
        { "minimum rounds up", 3, 50, 100, "rrr", "..x", 0 },
        { "maximum rounds down", 3, 100, 150, "rrr", "...", 1 },
        { "a maximum of 100 does not hinder the first start", 1, 0, 100, "", "", 1 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_lc_svc_task t[8];
        char got[9] = "";
        size_t n = strlen(rows[i].tasks);
        int64_t start;

        for (size_t k = 0; k < n; k++) {
            char c = rows[i].tasks[k];

            t[k] = (ea_lc_svc_task){ .newest = strchr("RPK", c) != NULL,
                                     .running = strchr("RrK", c) != NULL,
                                     .kept = c == 'K',
                                     .stop = true };
        }
        start = ea_lc_svc_plan(rows[i].desired, rows[i].least, rows[i].most, t, n);
        for (size_t k = 0; k < n; k++)
            got[k] = t[k].stop ? 'x' : '.';
        got[n] = '\0';
        if (strcmp(got, rows[i].stops) != 0 || start != rows[i].start)
            fail_msg("%s: stops %s (not %s), starts %d (not %d)", rows[i].why, got, rows[i].stops,
                     (int)start, (int)rows[i].start);
    }
}

/* Every answer that is carried out leads to the goal, whatever was there. */
static void a_deployment_ends_whatever_its_limits(void **state)
{
    (void)state;
    for (int64_t desired = 1; desired <= 5; desired++) {
        for (int64_t least = 0; least <= 100; least += 25) {
            ea_lc_svc_task t[16];
            size_t n = (size_t)desired;
            int64_t most = 100 + (least == 100 ? 100 : least);
            bool done = false;

            for (size_t i = 0; i < n; i++)
                t[i] = (ea_lc_svc_task){ .running = true };
            for (int round = 0; round < 40 && !done; round++) {
                int64_t start = ea_lc_svc_plan(desired, least, most, t, n);
                int64_t running = 0;
                size_t kept = 0, newest = 0;

                for (size_t i = 0; i < n; i++)
                    if (!t[i].stop)
                        t[kept++] = t[i];
                for (size_t i = 0; i < kept; i++)
                    running += t[i].running;
                assert_true(running * 100 >= desired * least || running >= desired);
                n = kept;
                for (; start > 0; start--)
                    t[n++] = (ea_lc_svc_task){ .newest = true };
                assert_true((int64_t)n * 100 <= desired * most);
                for (size_t i = kept; i < n; i++)
                    t[i].running = true; /* the next round finds them so */
                for (size_t i = 0; i < n; i++)
                    newest += t[i].newest;
                done = n == (size_t)desired && newest == n;
            }
            if (!done && desired * most / 100 > desired)
                fail_msg("desired %d, minimum %d, maximum %d: no end", (int)desired, (int)least,
                         (int)most);
        }
    }
}

static void starts_that_fail_are_tried_less_and_less_often(void **state)
{
    ea_lc_svc_past p[12] = { { .failed = false } };

    (void)state;
    assert_int_equal(ea_lc_svc_next_start_ms(p, 0), 0);
    for (size_t i = 0; i < 12; i++)
        p[i] = (ea_lc_svc_past){ .failed = true, .stopped_ms = 1000000 };
    assert_int_equal(ea_lc_svc_next_start_ms(p, 1), 1001000);
    assert_int_equal(ea_lc_svc_next_start_ms(p, 3), 1004000);
    assert_int_equal(ea_lc_svc_next_start_ms(p, 12), 1060000);
    p[5] = (ea_lc_svc_past){ .ran = true };
    assert_int_equal(ea_lc_svc_next_start_ms(p, 6), 0);
    assert_int_equal(ea_lc_svc_next_start_ms(p, 7), 1001000);
    p[6] = (ea_lc_svc_past){ .failed = false }; /* pending: tells nothing yet */
    assert_int_equal(ea_lc_svc_next_start_ms(p, 8), 1001000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_follow_the_desired_number),
        cmocka_unit_test(a_deployment_ends_whatever_its_limits),
        cmocka_unit_test(starts_that_fail_are_tried_less_and_less_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
