/* room_test.c - images that go since the disk is full, and pulls that wait for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <stdio.h>
#include <string.h>

#define MINUTE ((int64_t)60000)
#define NEW    "arn:t1"

static void init(struct driver *d)
{
    driver_init(d);
    d->m.settings.image_cleanup = true;
    d->m.settings.image_cleanup_interval_ms = 30 * MINUTE;
    d->m.settings.image_min_age_ms = 600 * MINUTE;
    d->m.settings.images_per_cycle = 5;
    d->m.settings.disk_high_percent = 85;
    d->m.settings.disk_low_percent = 75;
}

/* An image that the agent pulled so many minutes ago and that no task uses. */
static void pulled(struct driver *d, const char *name, int64_t minutes_ago)
{
    struct ea_image_state *s = ea_images_add(&d->m.images, name);

    s->pull_succeeded = true;
    s->pulled_ms = s->last_used_ms = d->now.wall_ms - minutes_ago * MINUTE;
}

static void tell_disk(struct driver *d, int64_t free_bytes, ea_code code)
{
    struct ea_event ev = { .kind = EA_EV_RESULT,
                           .of = EA_FX_DISK,
                           .op = d->m.disk.op,
                           .disk_free = free_bytes,
                           .disk_total = 100 };

    assert_int_not_equal(ev.op, 0);
    if (code)
        (void)ea_fail(&ev.err, code, "no");
    driver_turn(d, &ev);
}

static void removal(struct driver *d, const char *image, ea_code code)
{
    struct ea_event ev = { .kind = EA_EV_RESULT,
                           .op = ea_images_find(&d->m.images, image)->op,
                           .of = EA_FX_IMAGE_REMOVE };

    if (ev.op == 0)
        fail_msg("%s is not being removed", image);
    if (code)
        (void)ea_fail(&ev.err, code, "conflict");
    driver_turn(d, &ev);
}

/* A new task whose pull finds no room. */
static void finds_no_room(struct driver *d, int64_t need)
{
    if (!driver_task(d, NEW)) {
        driver_payload(d, DRIVER_ONE);
        driver_ok(d, NEW, "c");
    }
    driver_expect(d, NEW, "c", EA_FX_PULL);
    struct ea_event ev = { .kind = EA_EV_RESULT,
                           .op = driver_container(d, NEW, "c")->op,
                           .of = EA_FX_PULL,
                           .no_room = true,
                           .need_bytes = need,
                           .disk_free = 30,
                           .disk_total = 100 };
    (void)ea_fail(&ev.err, EA_LIMIT, "insufficient disk space");
    driver_turn(d, &ev);
}

static void above_the_high_mark_images_go_one_by_one_down_to_the_low_mark(void **state)
{
    static const ea_pull_behavior behaviors[] = { EA_PULL_DEFAULT, EA_PULL_PREFER_CACHED };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(behaviors); i++) {
        struct driver d;

        init(&d);
        d.m.settings.pull_behavior = behaviors[i];
        d.m.settings.images_kept = "kept";
        pulled(&d, "kept", 50);
        pulled(&d, "young", 1);
        pulled(&d, "older", 20);
        driver_timer(&d, 0); /* the clean-up is planned */
        driver_timer(&d, 30 * MINUTE);
        assert_int_equal(driver_count(&d, EA_FX_DISK), 1);
        tell_disk(&d, 16, EA_OK);
        assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 0); /* 84 of 100 used */
        driver_timer(&d, 30 * MINUTE);
        tell_disk(&d, 15, EA_OK);
        assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 1);
        removal(&d, "older", EA_OK);
        tell_disk(&d, 24, EA_OK); /* 76 used */
        removal(&d, "young", EA_OK);
        tell_disk(&d, 26, EA_OK);
        assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 0);
        assert_false(d.m.disk.pressed);
        assert_non_null(ea_images_find(&d.m.images, "kept"));
        driver_done(&d);
    }
}

static void after_a_pull_the_disk_is_looked_at(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    pulled(&d, "old", 5);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, NEW, "c");
    driver_ok(&d, NEW, "c");
    assert_int_equal(driver_count(&d, EA_FX_DISK), 1);
    tell_disk(&d, 5, EA_OK);
    removal(&d, "old", EA_OK);
    tell_disk(&d, 6, EA_OK); /* what is left is in use: no more to do */
    assert_false(d.m.disk.pressed);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 0);
    driver_done(&d);
}

static void a_pull_without_room_waits_for_images_to_go_and_runs_then(void **state)
{
    struct driver d;
    char why[256];

    (void)state;
    init(&d);
    pulled(&d, "b", 3);
    pulled(&d, "a", 9);
    finds_no_room(&d, 60);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 1);
    ea_engine_explain(&d.m, driver_task(&d, NEW), &d.now, why);
    assert_non_null(strstr(why, "waits for images to be removed from the full disk"));
    removal(&d, "a", EA_OK);
    tell_disk(&d, 50, EA_OK); /* not yet what the pull needs */
    assert_int_equal(driver_container(&d, NEW, "c")->op, 0);
    removal(&d, "b", EA_OK);
    tell_disk(&d, 60, EA_OK);
    driver_expect(&d, NEW, "c", EA_FX_PULL);
    for (int step = 0; step < 3; step++)
        driver_ok(&d, NEW, "c");
    assert_int_equal(driver_container(&d, NEW, "c")->known, EA_C_RUNNING);
    assert_null(driver_container(&d, NEW, "c")->error_name);
    driver_done(&d);
}

static void a_pull_for_which_nothing_can_go_fails_in_its_own_words(void **state)
{
    static const struct {
        const char *why;
        bool off, image, refused;
        int64_t need;
    } cases[] = {
        { "no image is left", false, false, false, 60 },
        { "clean-up is switched off", true, true, false, 60 },
        { "Docker keeps the only one", false, true, true, 60 },
        { "it would not fit on an empty disk", false, true, false, 101 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        init(&d);
        d.m.settings.pull_behavior = EA_PULL_ALWAYS;
        d.m.settings.image_cleanup = !cases[i].off;
        if (cases[i].image)
            pulled(&d, "a", 9);
        finds_no_room(&d, cases[i].need);
        if (cases[i].refused) {
            removal(&d, "a", EA_CONFLICT);
            tell_disk(&d, 30, EA_OK);
        }
        const struct ea_container *c = driver_container(&d, NEW, "c");
        if (!ea_zstr_eq(c->error_name, "CannotPullContainerError") ||
            !ea_zstr_eq(c->error_text, "insufficient disk space") || c->known != EA_C_STOPPED)
            fail_msg("%s: %s: %s", cases[i].why, c->error_name, c->error_text);
        driver_done(&d);
    }
}

static void a_second_pull_that_meets_the_same_disk_ends_it(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    d.m.settings.pull_behavior = EA_PULL_ONCE;
    pulled(&d, "a", 9);
    finds_no_room(&d, 0); /* Docker itself ran out of room: how much is needed is not known */
    removal(&d, "a", EA_OK);
    tell_disk(&d, 40, EA_OK);
    driver_expect(&d, NEW, "c", EA_FX_PULL);
    finds_no_room(&d, 0);
    assert_int_equal(driver_container(&d, NEW, "c")->known, EA_C_STOPPED);
    driver_done(&d);
}

static void a_disk_that_cannot_be_looked_at_lets_the_pull_try_after_each_removal(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    pulled(&d, "a", 9);
    pulled(&d, "b", 8);
    finds_no_room(&d, 60);
    removal(&d, "a", EA_OK);
    tell_disk(&d, 0, EA_IO);
    driver_expect(&d, NEW, "c", EA_FX_PULL);
    finds_no_room(&d, 60);
    removal(&d, "b", EA_OK);
    tell_disk(&d, 0, EA_IO);
    driver_expect(&d, NEW, "c", EA_FX_PULL);
    driver_done(&d);
}

static void a_task_that_is_stopped_while_it_waits_for_room_stops_at_once(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    pulled(&d, "a", 9);
    finds_no_room(&d, 60);
    driver_stop(&d, NEW);
    assert_int_equal(driver_container(&d, NEW, "c")->known, EA_C_STOPPED);
    assert_null(driver_container(&d, NEW, "c")->error_name);
    removal(&d, "a", EA_OK);
    tell_disk(&d, 99, EA_OK);
    assert_false(d.m.disk.pressed);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(above_the_high_mark_images_go_one_by_one_down_to_the_low_mark),
        cmocka_unit_test(after_a_pull_the_disk_is_looked_at),
        cmocka_unit_test(a_pull_without_room_waits_for_images_to_go_and_runs_then),
        cmocka_unit_test(a_pull_for_which_nothing_can_go_fails_in_its_own_words),
        cmocka_unit_test(a_second_pull_that_meets_the_same_disk_ends_it),
        cmocka_unit_test(a_disk_that_cannot_be_looked_at_lets_the_pull_try_after_each_removal),
        cmocka_unit_test(a_task_that_is_stopped_while_it_waits_for_room_stops_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
