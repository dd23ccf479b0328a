/* session_policy_test.c - when sessions connect, close, give up and wait. Time is a number. */
#include "aws/session_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ea_session_do feed(ea_session_policy *s, ea_session_event ev, int64_t now)
{
    return ea_session_step(s, ev, NULL, now);
}

static ea_session_do end_with(ea_session_policy *s, bool opened, int code, bool inactive,
                              int64_t now)
{
    ea_session_end e = { opened, code, inactive };

    return ea_session_step(s, EA_SE_ENDED, &e, now);
}

static void connect_at(ea_session_policy *s, int64_t now)
{
    assert_int_equal(feed(s, EA_SE_LOOKED_UP, now), EA_DO_CONNECT);
    assert_int_equal(feed(s, EA_SE_OPEN, now), EA_DO_NOTHING_NOW);
    assert_int_equal(s->state, EA_SESSION_CONNECTED);
}

static ea_session_policy started(const ea_session_params *p, uint64_t seed)
{
    ea_session_policy s;

    ea_session_policy_init(&s, p, seed);
    assert_int_equal(feed(&s, EA_SE_START, 0), EA_DO_LOOK_UP);
    return s;
}

static void each_end_has_its_delay(void **state)
{
    static const struct {
        const char *why;
        bool opened, inactive;
        int code;
        int64_t low, high; /* delay; -1: at once */
    } cases[] = {
        { "normal close", true, false, 1000, -1, -1 },
        { "going away", true, false, 1001, -1, -1 },
        { "no close frame", true, false, 1006, -1, -1 },
        { "server error", true, false, 1011, -1, -1 },
        { "protocol error", true, false, 1002, 250, 300 },
        { "service restart", true, false, 1012, 250, 300 },
        { "no code", true, false, 1005, 250, 300 },
        { "handshake refused", false, false, 1006, 250, 300 },
        { "inactive at the handshake", false, true, 1006, 3600000, 3600000 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_session_policy s = started(&ea_acs_params, i);
        ea_session_do what;

        assert_int_equal(feed(&s, EA_SE_LOOKED_UP, 10), EA_DO_CONNECT);
        if (cases[i].opened)
            (void)feed(&s, EA_SE_OPEN, 20);
        what = end_with(&s, cases[i].opened, cases[i].code, cases[i].inactive, 5000);
        if (cases[i].low < 0) {
            assert_int_equal(what, EA_DO_LOOK_UP);
            continue;
        }
        if (what != EA_DO_NOTHING_NOW || s.state != EA_SESSION_WAITING ||
            s.next_at_ms - 5000 < cases[i].low || s.next_at_ms - 5000 > cases[i].high)
            fail_msg("%s: waits %lld ms", cases[i].why, (long long)(s.next_at_ms - 5000));
        assert_int_equal(s.inactive, cases[i].inactive);
        assert_int_equal(feed(&s, EA_SE_TIMER, s.next_at_ms - 1), EA_DO_NOTHING_NOW);
        assert_int_equal(feed(&s, EA_SE_TIMER, s.next_at_ms), EA_DO_LOOK_UP);
    }
}

static void failures_in_a_row_wait_longer_up_to_the_limit(void **state)
{
    static const struct {
        const ea_session_params *p;
        int64_t first, limit;
    } cases[] = { { &ea_acs_params, 250, 120000 }, { &ea_tcs_params, 1000, 60000 } };

    (void)state;
    for (size_t k = 0; k < EA_COUNT(cases); k++) {
        ea_session_policy s = started(cases[k].p, 3);
        int64_t now = 0, base = cases[k].first;

        for (int i = 0; i < 40; i++) {
            int64_t delay;

            assert_int_equal(feed(&s, EA_SE_LOOKUP_FAILED, now), EA_DO_NOTHING_NOW);
            delay = s.next_at_ms - now;
            assert_int_in_range(delay, base, base * 12 / 10);
            base = (int64_t)((double)base * cases[k].p->multiple);
            base = base > cases[k].limit ? cases[k].limit : base;
            now = s.next_at_ms;
            assert_int_equal(feed(&s, EA_SE_TIMER, now), EA_DO_LOOK_UP);
        }
        assert_int_equal(base, cases[k].limit);
    }
}

static void silence_drops_acs_and_closes_tcs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        ea_session_policy acs = started(&ea_acs_params, seed);
        ea_session_policy tcs = started(&ea_tcs_params, seed);

        connect_at(&acs, 1000);
        connect_at(&tcs, 1000);
        assert_int_in_range(acs.quiet_at_ms, 61000, 120999);
        assert_int_equal(feed(&acs, EA_SE_MESSAGE, 50000), EA_DO_NOTHING_NOW);
        assert_int_in_range(acs.quiet_at_ms, 110000, 169999);
        for (int64_t t = acs.next_at_ms; t < acs.quiet_at_ms; t = acs.next_at_ms)
            assert_int_equal(feed(&acs, EA_SE_TIMER, t), EA_DO_NOTHING_NOW);
        assert_int_equal(feed(&acs, EA_SE_TIMER, acs.quiet_at_ms), EA_DO_DROP);
        assert_non_null(acs.why);
        /* Dropped by us: not a clean end, although the code says 1006. */
        assert_int_equal(end_with(&acs, true, 1006, false, 200000), EA_DO_NOTHING_NOW);
        assert_int_equal(acs.state, EA_SESSION_WAITING);

        assert_int_equal(feed(&tcs, EA_SE_TIMER, tcs.quiet_at_ms), EA_DO_CLOSE);
        assert_int_equal(end_with(&tcs, true, 1000, false, 200000), EA_DO_LOOK_UP);
    }
}

static void an_old_connection_is_closed_and_made_anew_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        ea_session_policy s = started(&ea_acs_params, seed);
        int64_t now = 0;
        ea_session_do what = EA_DO_NOTHING_NOW;

        connect_at(&s, 0);
        while (what == EA_DO_NOTHING_NOW) { /* a message each 30 s, and every timer at its time */
            now += 30000;
            (void)feed(&s, EA_SE_MESSAGE, now);
            while (what == EA_DO_NOTHING_NOW && s.next_at_ms <= now + 30000)
                what = feed(&s, EA_SE_TIMER, now = s.next_at_ms);
        }
        assert_int_equal(what, EA_DO_CLOSE);
        assert_int_in_range(now, 30 * 60000, 35 * 60000);
        if (seed % 2) { /* the peer does not answer our close frame */
            assert_int_equal(feed(&s, EA_SE_TIMER, s.next_at_ms), EA_DO_DROP);
            assert_int_equal(end_with(&s, true, 1006, false, now + 6000), EA_DO_LOOK_UP);
        } else {
            assert_int_equal(end_with(&s, true, 1000, false, now + 10), EA_DO_LOOK_UP);
        }
    }
}

static void a_connection_that_holds_resets_the_backoff(void **state)
{
    ea_session_policy s = started(&ea_acs_params, 9);
    int64_t now = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)feed(&s, EA_SE_LOOKUP_FAILED, now);
        now = s.next_at_ms;
        assert_int_equal(feed(&s, EA_SE_TIMER, now), EA_DO_LOOK_UP);
    }
    connect_at(&s, now);
    assert_int_equal(end_with(&s, true, 1002, false, now + 2000), EA_DO_NOTHING_NOW);
    assert_true(s.next_at_ms - now > 10000); /* connecting alone does not reset it */
    now = s.next_at_ms;
    assert_int_equal(feed(&s, EA_SE_TIMER, now), EA_DO_LOOK_UP);
    connect_at(&s, now);
    now = s.good_at_ms;
    (void)feed(&s, EA_SE_MESSAGE, now - 1); /* so that silence does not come first */
    assert_int_equal(feed(&s, EA_SE_TIMER, now), EA_DO_NOTHING_NOW);
    assert_int_equal(end_with(&s, true, 1002, false, now + 1), EA_DO_NOTHING_NOW);
    assert_int_in_range(s.next_at_ms - (now + 1), 250, 300);
}

static void a_peer_that_closes_at_once_is_not_asked_without_pause(void **state)
{
    ea_session_policy s = started(&ea_acs_params, 1);
    int64_t now = 0;
    int tries = 0;

    (void)state;
    while (now < 60000) {
        connect_at(&s, now);
        if (end_with(&s, true, 1000, false, now + 5) == EA_DO_NOTHING_NOW) {
            now = s.next_at_ms;
            assert_int_equal(feed(&s, EA_SE_TIMER, now), EA_DO_LOOK_UP);
        }
        tries++;
    }
    assert_int_in_range(tries, 5, 40);
}

static void stop_and_kick_do_what_the_state_needs(void **state)
{
    ea_session_policy s = started(&ea_acs_params, 1);

    (void)state;
    assert_int_equal(feed(&s, EA_SE_KICK, 1), EA_DO_NOTHING_NOW); /* already trying */
    assert_int_equal(feed(&s, EA_SE_STOP, 2), EA_DO_DROP);
    assert_int_equal(feed(&s, EA_SE_TIMER, 3), EA_DO_NOTHING_NOW);
    assert_int_equal(end_with(&s, false, 1006, false, 4), EA_DO_NOTHING_NOW);
    assert_int_equal(s.state, EA_SESSION_STOPPED);

    assert_int_equal(feed(&s, EA_SE_START, 5), EA_DO_LOOK_UP);
    (void)feed(&s, EA_SE_LOOKUP_FAILED, 6);
    assert_int_equal(feed(&s, EA_SE_KICK, 7), EA_DO_LOOK_UP);
    connect_at(&s, 8);
    assert_int_equal(feed(&s, EA_SE_KICK, 9), EA_DO_DROP);
    assert_int_equal(end_with(&s, true, 1006, false, 10), EA_DO_NOTHING_NOW);
    assert_int_equal(s.state, EA_SESSION_WAITING);
    assert_int_equal(feed(&s, EA_SE_TIMER, s.next_at_ms), EA_DO_LOOK_UP);
    connect_at(&s, 1000);
    assert_int_equal(feed(&s, EA_SE_STOP, 1001), EA_DO_CLOSE);
    assert_int_equal(feed(&s, EA_SE_STOP, 1002), EA_DO_NOTHING_NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_its_delay),
        cmocka_unit_test(failures_in_a_row_wait_longer_up_to_the_limit),
        cmocka_unit_test(silence_drops_acs_and_closes_tcs),
        cmocka_unit_test(an_old_connection_is_closed_and_made_anew_at_once),
        cmocka_unit_test(a_connection_that_holds_resets_the_backoff),
        cmocka_unit_test(a_peer_that_closes_at_once_is_not_asked_without_pause),
        cmocka_unit_test(stop_and_kick_do_what_the_state_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
