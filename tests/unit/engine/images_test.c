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

/* A task that runs this image. */
static void run(struct driver *d, const char *arn, const char *image, const char *id, bool cached)
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
    pull.image_id = ea_strdup(id);
    driver_turn(d, &pull);
    driver_ok(d, arn, "c");
    driver_ok(d, arn, "c");
}

/* It ends and is forgotten. */
static void forget(struct driver *d, const char *arn)
{
    driver_stop(d, arn);
    driver_ok(d, arn, "c");
    while (driver_task(d, arn)->report_op)
        driver_reported(d, arn, EA_REPORT_SENT);
    driver_timer(d, MINUTE);
    driver_ok(d, arn, "c");
    assert_null(driver_task(d, arn));
}

static void used(struct driver *d, const char *arn, const char *image, bool cached)
{
    EA_FREE_AUTO char *id = ea_sprintf_dup("id-%s", image);

    run(d, arn, image, id, cached);
    forget(d, arn);
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

    init(&d); /* a stop order comes first */
    used(&d, "t1", "nginx:1", false);
    driver_timer(&d, 2 * HOUR);
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, "arn:t1", "c");
    driver_stop(&d, "arn:t1");
    assert_string_equal(driver_container(&d, "arn:t1", "c")->error_name,
                        "TaskStoppedBeforePullBeginError");
    driver_done(&d);
}

/* The rules look at what an image is, not only at what it is called. */
static void an_image_in_use_under_another_name_stays(void **state)
{
    static const struct {
        const char *why, *image, *id;
        bool stays;
    } cases[] = {
        { "with the tag that Docker adds", "app:latest", "id-new", true },
        { "the same image by another name", "mirror/app:1", "id-app", true },
        { "another image", "app:1", "id-other", false },
        { "another repository", "app2", "id-other", false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        init(&d);
        used(&d, "t1", "app", false);
        run(&d, "arn:t1", cases[i].image, cases[i].id, false);
        driver_timer(&d, 2 * HOUR);
        const struct ea_effect *gone = driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL);
        if ((gone == NULL) != cases[i].stays)
            fail_msg("%s: %s", cases[i].why, gone ? gone->text : "stays");
        driver_done(&d);
    }
}

static void a_pull_waits_for_the_removal_of_the_same_name_with_its_tag(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    used(&d, "t1", "nginx", false);
    driver_timer(&d, 2 * HOUR);
    assert_non_null(driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL));
    driver_payload(&d,
                   "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":"
                   "\"c\",\"image\":\"nginx:latest\",\"essential\":true}]}]");
    driver_ok(&d, "arn:t1", "c");
    assert_int_equal(driver_container(&d, "arn:t1", "c")->op, 0);
    answer(&d, "nginx", EA_OK);
    driver_expect(&d, "arn:t1", "c", EA_FX_PULL);
    driver_done(&d);
}

/* `app` is pulled again and is another image by now. The old one has no name any more. */
static void an_image_that_lost_its_name_goes_by_its_id(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    run(&d, "t1", "app", "sha256:old", false);
    run(&d, "t2", "app", "sha256:new", false);
    assert_string_equal(ea_images_find(&d.m.images, "app")->image_id, "sha256:new");
    assert_string_equal(ea_images_find(&d.m.images, "sha256:old")->image_id, "sha256:old");
    driver_timer(&d, 2 * HOUR);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 0); /* its container is there */
    forget(&d, "t1");
    driver_timer(&d, HOUR);
    assert_int_equal(driver_count(&d, EA_FX_IMAGE_REMOVE), 1);
    assert_string_equal(driver_effect(&d, EA_FX_IMAGE_REMOVE, NULL)->text, "sha256:old");
    answer(&d, "sha256:old", EA_OK);
    assert_null(ea_images_find(&d.m.images, "sha256:old"));
    assert_non_null(ea_images_find(&d.m.images, "app"));
    driver_done(&d);
}

static void an_image_that_has_or_gets_another_name_does_not_go_by_its_id(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    run(&d, "t1", "app", "sha256:old", false);
    run(&d, "t2", "app:1", "sha256:old", false);
    run(&d, "t3", "app", "sha256:new", false);
    assert_null(ea_images_find(&d.m.images, "sha256:old")); /* it is app:1 */
    run(&d, "t4", "app", "sha256:newer", false);
    assert_non_null(ea_images_find(&d.m.images, "sha256:new"));
    run(&d, "t5", "app", "sha256:new", false); /* turned back */
    assert_null(ea_images_find(&d.m.images, "sha256:new"));
    assert_non_null(ea_images_find(&d.m.images, "sha256:newer"));
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
        cmocka_unit_test(an_image_in_use_under_another_name_stays),
        cmocka_unit_test(a_pull_waits_for_the_removal_of_the_same_name_with_its_tag),
        cmocka_unit_test(an_image_that_lost_its_name_goes_by_its_id),
        cmocka_unit_test(an_image_that_has_or_gets_another_name_does_not_go_by_its_id),
        cmocka_unit_test(once_means_that_the_agent_pulled_it_itself_before),
        cmocka_unit_test(the_list_of_images_survives_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
