#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/loop.h"

#include <string.h>
#include <uv.h>

struct world {
    ea_loop *loop;
    char trace[64]; /* one letter an event, in order */
    ea_timer *timer;
    int64_t armed_ms, fired_ms;
    bool inside; /* a call is running that must not run others */
    int posts;
};

static void note(struct world *w, char c)
{
    size_t n = strlen(w->trace);

    assert_true(n + 1 < sizeof(w->trace));
    w->trace[n] = c;
}

static void setup_world(struct world *w)
{
    ea_err err = { 0 };

    *w = (struct world){ 0 };
    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
}

static void post(struct world *w, void (*fn)(void *))
{
    ea_err err = { 0 };

    assert_int_equal(ea_loop_post(w->loop, fn, w, &err), EA_OK);
}

static void end_loop(void *arg)
{
    struct world *w = arg;

    note(w, 's');
    ea_loop_stop(w->loop);
}

static void deferred_b(void *arg)
{
    struct world *w = arg;

    assert_false(w->inside);
    note(w, 'b');
    end_loop(w);
}

static void deferred_a(void *arg)
{
    struct world *w = arg;

    assert_false(w->inside);
    note(w, 'a');
    w->inside = true;
    ea_loop_defer(w->loop, deferred_b, w);
    w->inside = false;
}

static void posted(void *arg)
{
    struct world *w = arg;

    note(w, 'p');
    w->inside = true;
    ea_loop_defer(w->loop, deferred_a, w);
    w->inside = false;
}

static void deferred_calls_run_later_in_order_and_never_from_inside(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    post(&w, posted);
    ea_loop_run(w.loop, 1000);
    assert_string_equal(w.trace, "pabs");
    ea_loop_free(w.loop);
}

static void count_post(void *arg)
{
    struct world *w = arg;

    if (++w->posts == 4000)
        ea_loop_stop(w->loop);
}

static void post_many(void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < 1000; i++)
        post(w, count_post);
}

static void posts_of_four_threads_all_arrive(void **state)
{
    uv_thread_t t[4];
    struct world w;

    (void)state;
    setup_world(&w);
    for (int i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&t[i], post_many, &w), 0);
    ea_loop_run(w.loop, 1000);
    for (int i = 0; i < 4; i++)
        uv_thread_join(&t[i]);
    assert_int_equal(w.posts, 4000);
    ea_loop_free(w.loop);
}

static void posts_are_refused_once_the_loop_has_ended(void **state)
{
    ea_err err = { 0 };
    struct world w;

    (void)state;
    setup_world(&w);
    post(&w, end_loop);
    ea_loop_run(w.loop, 1000);
    assert_int_equal(ea_loop_post(w.loop, end_loop, &w, &err), EA_CANCELLED);
    assert_string_equal(w.trace, "s");
    ea_loop_free(w.loop);
}

static void fired(void *arg)
{
    struct world *w = arg;

    w->fired_ms = ea_now().mono_ms;
    note(w, 't');
    ea_loop_stop(w->loop);
}

static void arm(void *arg)
{
    struct world *w = arg;

    w->armed_ms = ea_now().mono_ms;
    ea_timer_arm(w->timer, 3600000);
    ea_timer_arm(w->timer, 20);
}

static void a_timer_fires_once_and_not_before_its_time(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    w.timer = ea_timer_new(w.loop, fired, &w);
    post(&w, arm);
    ea_loop_run(w.loop, 1000);
    assert_string_equal(w.trace, "t");
    assert_true(w.fired_ms - w.armed_ms >= 20);
    ea_timer_free(w.timer);
    ea_timer_free(NULL);
    ea_loop_free(w.loop);
}

static void free_timer_then_stop(void *arg)
{
    struct world *w = arg;

    ea_timer_arm(w->timer, 0);
    ea_timer_free(w->timer);
    ea_loop_defer(w->loop, deferred_b, w);
}

static void a_freed_timer_stays_silent(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    w.timer = ea_timer_new(w.loop, fired, &w);
    post(&w, free_timer_then_stop);
    ea_loop_run(w.loop, 1000);
    assert_string_equal(w.trace, "bs");
    ea_loop_free(w.loop);
}

static void arm_long_and_end(void *arg)
{
    struct world *w = arg;

    ea_timer_arm(w->timer, 3600000);
    end_loop(w);
}

static void the_drain_ends_at_its_limit_when_a_handle_stays_open(void **state)
{
    struct world w;
    int64_t before, took;

    (void)state;
    setup_world(&w);
    w.timer = ea_timer_new(w.loop, fired, &w);
    post(&w, arm_long_and_end);
    before = ea_now().mono_ms;
    ea_loop_run(w.loop, 30);
    took = ea_now().mono_ms - before;
    assert_true(took >= 29 && took < 10000);
    assert_string_equal(w.trace, "s");
    ea_timer_free(w.timer);
    ea_loop_free(w.loop);
}

static void work(void *arg)
{
    struct world *w = arg;

    note(w, 'w'); /* the loop thread sleeps until `done`, so the trace has one writer */
}

static void done(void *arg)
{
    struct world *w = arg;

    note(w, 'd');
}

static void start_work_and_stop(void *arg)
{
    struct world *w = arg;

    ea_loop_work(w->loop, work, done, w);
    ea_loop_stop(w->loop);
}

static void pool_work_ends_on_the_loop_even_while_it_stops(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    post(&w, start_work_and_stop);
    ea_loop_run(w.loop, 10000);
    assert_string_equal(w.trace, "wd");
    ea_loop_free(w.loop);
}

static void a_post_to_a_loop_that_never_ran_is_run_when_it_is_freed(void **state)
{
    struct world w;

    (void)state;
    setup_world(&w);
    post(&w, end_loop);
    ea_loop_defer(w.loop, end_loop, &w);
    ea_loop_free(w.loop);
    assert_string_equal(w.trace, "ss");
    ea_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deferred_calls_run_later_in_order_and_never_from_inside),
        cmocka_unit_test(posts_of_four_threads_all_arrive),
        cmocka_unit_test(posts_are_refused_once_the_loop_has_ended),
        cmocka_unit_test(a_timer_fires_once_and_not_before_its_time),
        cmocka_unit_test(a_freed_timer_stays_silent),
        cmocka_unit_test(the_drain_ends_at_its_limit_when_a_handle_stays_open),
        cmocka_unit_test(pool_work_ends_on_the_loop_even_while_it_stops),
        cmocka_unit_test(a_post_to_a_loop_that_never_ran_is_run_when_it_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
