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
#define HOUR   (60 * MINUTE)

static void init(struct driver *d)
{
    driver_init(d);
    d->m.settings.image_cleanup = true;
    d->m.settings.image_cleanup_interval_ms = 30 * MINUTE;
    d->m.settings.image_min_age_ms = HOUR;
    d->m.settings.images_per_cycle = 2;
    d->m.settings.task_cleanup_ms = MINUTE;
}

/* A task with this image that runs, ends and is forgotten. */
static void used(struct driver *d, const char *arn, const char *image, bool cached)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "[{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","
                   "\"image\":\"%s\",\"essential\":true}]}]",
                   arn, image);
    driver_payload(d, text);
    driver_ok(d, arn, "c");
    struct ea_event pull = { .kind = EA_EV_RESULT,
                             .op = driver_container(d, arn, "c")->op,
                             .of = EA_FX_PULL,
                             .cached = cached };
    pull.image_id = ea_sprintf_dup("id-%s", image);
    driver_turn(d, &pull);
    driver_ok(d, arn, "c");
    driver_ok(d, arn, "c");
    driver_stop(d, arn);
    driver_ok(d, arn, "c");
    while (driver_task(d, arn)->report_op)
        driver_reported(d, arn, EA_REPORT_SENT);
    driver_timer(d, MINUTE);
    driver_ok(d, arn, "c");
    assert_null(driver_task(d, arn));
}

static void answer(struct driver *d, const char *image, ea_code code)
{
    struct ea_event ev = { .kind = EA_EV_RESULT,
                           .op = ea_images_find(&d->m.images, image)->op,
                           .of = EA_FX_IMAGE_REMOVE };

    if (code)
        (void)ea_fail(&ev.err, code, "conflict");
    driver_turn(d, &ev);
}

static void the_least_used_go_first_and_some_at_a_time(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    used(&d, "t1", "one", false);
    used(&d, "t2", "two", false);
    used(&d, "t3", "three", false);
    assert_true(d.m.images.dirty);
    driver_timer(&d, 2 * HOUR);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 2);
    assert_string_equal(driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL)->text, "one");
    answer(&d, "one", EA_OK);
    answer(&d, "two", EA_CONFLICT); /* somebody else uses it: next time again */
    assert_null(ea_images_find(&d.m.images, "one"));
    assert_non_null(ea_images_find(&d.m.images, "two"));
    driver_timer(&d, 30 * MINUTE);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 2);
    driver_done(&d);
}

static void some_images_stay(void **state)
{
    static const struct {
        const char *why;
        bool cached, young, kept, off;
        ea_pull_behavior behavior;
    } cases[] = {
        { "was on the host before", true, false, false, false, EA_PULL_DEFAULT },
        { "too young", false, true, false, false, EA_PULL_DEFAULT },
        { "named by the operator", false, false, true, false, EA_PULL_DEFAULT },
        { "switched off", false, false, false, true, EA_PULL_DEFAULT },
        { "prefer-cached keeps all", false, false, false, false, EA_PULL_PREFER_CACHED },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        init(&d);
        d.m.settings.image_cleanup = !cases[i].off;
        d.m.settings.pull_behavior = cases[i].behavior;
        d.m.settings.images_kept = cases[i].kept ? "other, one" : "other";
        if (cases[i].young)
            d.m.settings.image_min_age_ms = 9 * HOUR;
        used(&d, "t1", "one", cases[i].cached);
        driver_timer(&d, 2 * HOUR);
        if (driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL))
            fail_msg("%s: removed", cases[i].why);
        driver_done(&d);
    }
}

static void an_image_in_use_stays_and_a_pull_waits_for_its_removal(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    used(&d, "t1", "nginx:1", false);
    driver_payload(&d, DRIVER_ONE); /* the same image, and nothing done yet */
    driver_timer(&d, 2 * HOUR);
    assert_null(driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL));
    driver_done(&d);

    init(&d);
    used(&d, "t1", "nginx:1", false);
    driver_timer(&d, 2 * HOUR);
    assert_non_null(driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL));
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, "arn:t1", "c");
    assert_int_equal(driver_container(&d, "arn:t1", "c")->op, 0);
    answer(&d, "nginx:1", EA_OK);
    driver_expect(&d, "arn:t1", "c", EA_FX_PULL);
    driver_done(&d);
}

static void once_means_that_the_agent_pulled_it_itself_before(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    d.m.settings.pull_behavior = EA_PULL_ONCE;
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, "arn:t1", "c");
    assert_false(driver_effect(&d, EA_FX_PULL, "c")->local);
    driver_done(&d);
    init(&d);
    d.m.settings.pull_behavior = EA_PULL_ONCE;
    used(&d, "t1", "nginx:1", false);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, "arn:t1", "c");
    assert_true(driver_effect(&d, EA_FX_PULL, "c")->local);
    driver_done(&d);
}

#define AFTER_ANOTHER                                                                              \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"a\","          \
    "\"image\":\"nginx:1\",\"essential\":true},{\"name\":\"c\",\"image\":\"nginx:1\","             \
    "\"essential\":true,\"dependsOn\":[{\"containerName\":\"a\",\"condition\":\"START\"}]}]}]"

/* One look for digest and image. It counts for the turn that it arrives in, and for settings that
 * take local images. */
static void an_image_that_the_digest_s_look_up_saw_is_not_looked_for_again(void **state)
{
    static const struct {
        const char *why;
        ea_pull_behavior behavior;
        bool cached, waits;
        ea_fx_kind next;
    } cases[] = {
        { "seen", EA_PULL_PREFER_CACHED, true, false, EA_FX_CREATE },
        { "not there: the registry told the digest", EA_PULL_PREFER_CACHED, false, false,
          EA_FX_PULL },
        { "seen a while ago", EA_PULL_PREFER_CACHED, true, true, EA_FX_PULL },
        { "a local one is not enough", EA_PULL_ALWAYS, true, false, EA_FX_PULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        struct ea_container *c;
        struct ea_event ev = { .kind = EA_EV_RESULT,
                               .of = EA_FX_RESOLVE,
                               .cached = cases[i].cached };

        init(&d);
        d.m.settings.pull_behavior = cases[i].behavior;
        driver_payload(&d, cases[i].waits ? AFTER_ANOTHER : DRIVER_ONE);
        c = driver_container(&d, "arn:t1", "c");
        ev.op = c->op;
        ev.image_id = cases[i].cached ? ea_strdup("sha256:2222") : NULL;
        driver_turn(&d, &ev);
        if (cases[i].waits) {
            driver_timer(&d, 1);
            driver_run(&d, "arn:t1", "a");
        }
        if (!c->op || d.kind_of[c->op] != cases[i].next)
            fail_msg("%s: %s, not %s", cases[i].why,
                     c->op ? ea_fx_name(d.kind_of[c->op]) : "nothing", ea_fx_name(cases[i].next));
        if (cases[i].next == EA_FX_CREATE)
            assert_string_equal(c->image_id, "sha256:2222");
        driver_done(&d);
    }
}

static void the_list_of_images_survives_as_text(void **state)
{
    struct driver d;
    struct ea_images again = { 0 };
    char *json = NULL;
    ea_err err = { 0 };

    (void)state;
    init(&d);
    used(&d, "t1", "one", false);
    assert_int_equal(ea_images_to_json(&d.m.images, &json, &err), EA_OK);
    assert_int_equal(ea_images_from_json(&again, ea_str_of(json), &err), EA_OK);
    assert_string_equal(again.list.v[0].name, "one");
    assert_string_equal(again.list.v[0].image_id, "id-one");
    assert_true(again.list.v[0].pull_succeeded);
    assert_int_equal(again.list.v[0].last_used_ms, d.m.images.list.v[0].last_used_ms);
    assert_int_equal(ea_images_from_json(&again, EA_STR("{\"images\":[{}]}"), &err), EA_INVALID);
    assert_int_equal(again.list.n, 1); /* what was there stays */
    ea_free(json);
    ea_images_done(&again);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_that_the_digest_s_look_up_saw_is_not_looked_for_again),
        cmocka_unit_test(the_least_used_go_first_and_some_at_a_time),
        cmocka_unit_test(some_images_stay),
        cmocka_unit_test(an_image_in_use_stays_and_a_pull_waits_for_its_removal),
        cmocka_unit_test(once_means_that_the_agent_pulled_it_itself_before),
        cmocka_unit_test(the_list_of_images_survives_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
