/* untracked_test.c - which containers and images that are no task's go, and which never do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <string.h>

#define HOUR ((int64_t)3600000)

static void init(struct driver *d)
{
    driver_init(d);
    ea_set_str(&d->m.meta.cluster, "c");
    d->m.settings.image_cleanup = true;
    d->m.settings.image_cleanup_interval_ms = HOUR / 2;
    d->m.settings.image_min_age_ms = HOUR;
    d->m.settings.images_per_cycle = 3;
    d->m.settings.untracked_cleanup = true;
    d->m.settings.untracked_min_age_ms = HOUR;
    d->m.settings.containers_per_cycle = 2;
    d->m.settings.task_cleanup_ms = 3 * HOUR;
}

/* The clean-up is due: answers the op of the survey, 0 when none was asked for. */
static uint64_t due(struct driver *d)
{
    driver_timer(d, 0);
    driver_timer(d, HOUR / 2);
    const struct ea_effect *e = driver_effect(d, EA_FX_SURVEY, NULL);

    return e ? e->op : 0;
}

struct seen_container {
    const char *why, *id, *task_arn, *cluster, *image_id;
    ea_cstate state;
    int64_t created_h, finished_h; /* hours ago; 0 never */
    bool goes;
};
struct seen_image {
    const char *why, *id, *tags[3];
    int64_t size, age_h;
};

static struct ea_event survey(const struct driver *d, uint64_t op, const struct seen_container *c,
                              size_t n, const struct seen_image *im, size_t images)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_SURVEY, .op = op };

    ev.found.v = ea_alloc_array(n + 1, sizeof(*ev.found.v));
    ev.found.n = n;
    for (size_t i = 0; i < n; i++) {
        struct ea_docker_facts *f = &ev.found.v[i];

        f->found = f->brief = true;
        f->id = ea_strdup(c[i].id);
        f->task_arn = ea_strdup(c[i].task_arn);
        f->cluster = ea_strdup(c[i].cluster);
        f->image_id = ea_strdup(c[i].image_id);
        f->state = c[i].state;
        f->created_ms = c[i].created_h ? d->now.wall_ms - c[i].created_h * HOUR : 0;
        f->finished_ms = c[i].finished_h ? d->now.wall_ms - c[i].finished_h * HOUR : 0;
    }
    ev.images.v = ea_alloc_array(images + 1, sizeof(*ev.images.v));
    ev.images.n = images;
    for (size_t i = 0; i < images; i++) {
        struct ea_image_facts *f = &ev.images.v[i];

        f->id = ea_strdup(im[i].id);
        f->size = im[i].size;
        f->created_ms = d->now.wall_ms - im[i].age_h * HOUR;
        for (size_t j = 0; j < EA_COUNT(im[i].tags) && im[i].tags[j]; j++)
            ea_strlist_add(&f->tags, im[i].tags[j]);
    }
    return ev;
}

static void only_containers_that_ended_long_ago_and_are_nobodys_go(void **state)
{
    static const struct seen_container cases[] = {
        { "runs", "1", NULL, NULL, NULL, EA_C_RUNNING, 9, 0, false },
        { "ended lately", "2", NULL, NULL, NULL, EA_C_STOPPED, 9, 2, false },
        { "ended long ago", "3", NULL, NULL, NULL, EA_C_STOPPED, 9, 4, true },
        { "never started, made just now", "4", NULL, NULL, NULL, EA_C_CREATED, 1, 0, false },
        { "never started, made long ago", "5", NULL, NULL, NULL, EA_C_CREATED, 4, 0, true },
        { "of a task that is here", "6", "arn:t1", "c", NULL, EA_C_STOPPED, 9, 4, false },
        { "of a task that was forgotten", "7", "arn:old", "c", NULL, EA_C_STOPPED, 9, 4, true },
        { "of another agent's cluster", "8", "arn:x", "other", NULL, EA_C_STOPPED, 9, 4, false },
        { "whose end is not known", "9", NULL, NULL, NULL, EA_C_STOPPED, 0, 0, false },
        { "that could not be looked at", "10", NULL, NULL, NULL, EA_C_NONE, 9, 9, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        init(&d);
        driver_payload(&d, DRIVER_ONE);
        uint64_t op = due(&d);
        struct ea_event ev = survey(&d, op, &cases[i], 1, NULL, 0);
        driver_turn(&d, &ev);
        const struct ea_effect *e = driver_effect(&d, EA_FX_UNTRACKED_REMOVE, NULL);
        if ((e != NULL) != cases[i].goes || (e && strcmp(e->text, cases[i].id) != 0))
            fail_msg("%s: %s", cases[i].why, e ? "removed" : "stays");
        driver_done(&d);
    }
}

static void a_container_of_a_task_by_its_docker_id_is_tracked_without_labels(void **state)
{
    const struct seen_container mine = { "", "id1", NULL, NULL, NULL, EA_C_STOPPED, 9, 9, false };
    struct driver d;

    (void)state;
    init(&d);
    driver_payload(&d, DRIVER_ONE);
    struct ea_task *t = driver_task(&d, "arn:t1");
    ea_model_set_docker_id(&d.m, t, &t->containers.v[0], "id1");
    struct ea_event ev = survey(&d, due(&d), &mine, 1, NULL, 0);
    driver_turn(&d, &ev);
    assert_int_equal(driver_count(&d, EA_FX_UNTRACKED_REMOVE), 0);
    driver_done(&d);
}

static void so_many_in_a_cycle_and_the_smallest_images_first(void **state)
{
    const struct seen_container ended = { "", "1", NULL, NULL, "used", EA_C_STOPPED, 9, 9, true };
    const struct seen_container c[] = { ended, ended, ended };
    static const struct seen_image im[] = {
        { "large", "a", { "a:1" }, 300, 5 },
        { "small, two names", "b", { "b:1", "b:2" }, 100, 5 },
        { "small and nameless", "d", { NULL }, 50, 5 },
        { "next", "e", { "e:1" }, 200, 5 },
        { "too young", "f", { "f:1" }, 1, 1 },
        { "has a container", "used", { "g:1" }, 2, 5 },
        { "excluded", "h", { "other:1", "kept:1" }, 3, 5 },
        { "named by a task", "i", { "nginx:1" }, 4, 5 },
        { "a task's, by another name", "same", { "mirror/nginx:1" }, 4, 5 },
        { "pulled by the agent", "ours", { "ours:1" }, 5, 5 },
        { "the reference agent", "j", { "amazon/amazon-ecs-agent:latest" }, 6, 5 },
        { "and its pause container", "k", { "amazon/amazon-ecs-pause:0.1.0" }, 7, 5 },
    };
    static const char *const want[] = { "d", "b:1", "b:2" };
    struct driver d;
    size_t n = 0;

    (void)state;
    init(&d);
    d.m.settings.images_kept = "kept:1";
    driver_payload(&d, DRIVER_ONE);
    ea_set_str(&driver_container(&d, "arn:t1", "c")->image_id, "same");
    struct ea_image_state *ours = ea_images_add(&d.m.images, "ours:0");
    ea_set_str(&ours->image_id, "ours");
    struct ea_event ev = survey(&d, due(&d), c, EA_COUNT(c), im, EA_COUNT(im));
    driver_turn(&d, &ev);
    assert_int_equal(driver_count(&d, EA_FX_UNTRACKED_REMOVE), 2);
    for (size_t i = 0; i < d.fx.n; i++)
        if (d.fx.v[i].kind == EA_FX_IMAGE_REMOVE) {
            assert_true(n < EA_COUNT(want));
            assert_string_equal(d.fx.v[i].text, want[n]);
            n++;
        }
    assert_int_equal(n, EA_COUNT(want));
    /* While it leaves, a pull of it waits; then it is forgotten, however that ended. */
    for (size_t i = 0; i < EA_COUNT(want); i++) {
        struct ea_event gone = { .kind = EA_EV_RESULT,
                                 .of = EA_FX_IMAGE_REMOVE,
                                 .op = ea_images_find(&d.m.images, want[i])->op };
        if (i == 1)
            (void)ea_fail(&gone.err, EA_CONFLICT, "in use");
        driver_turn(&d, &gone);
        assert_null(ea_images_find(&d.m.images, want[i]));
    }
    driver_done(&d);
}

static void nothing_is_asked_unless_the_operator_wants_it(void **state)
{
    static const struct {
        const char *why;
        bool wanted, cleanup;
        ea_pull_behavior behavior;
    } cases[] = {
        { "not asked for", false, true, EA_PULL_DEFAULT },
        { "all clean-up is off", true, false, EA_PULL_DEFAULT },
        { "prefer-cached keeps images", true, true, EA_PULL_PREFER_CACHED },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;

        init(&d);
        d.m.settings.untracked_cleanup = cases[i].wanted;
        d.m.settings.image_cleanup = cases[i].cleanup;
        d.m.settings.pull_behavior = cases[i].behavior;
        if (due(&d))
            fail_msg("%s: asked", cases[i].why);
        driver_done(&d);
    }
}

static void a_failed_look_is_tried_again_in_the_next_cycle(void **state)
{
    struct driver d;

    (void)state;
    init(&d);
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_SURVEY, .op = due(&d) };
    (void)ea_fail(&ev.err, EA_UNREACHABLE, "gone");
    driver_turn(&d, &ev);
    driver_timer(&d, HOUR / 2);
    assert_int_equal(driver_count(&d, EA_FX_SURVEY), 1);
    driver_done(&d);
}

static void under_pressure_they_go_too_once_none_of_the_agents_own_is_left(void **state)
{
    static const struct seen_image im[] = { { "", "a", { "a:1" }, 300, 5 } };
    struct driver d;

    (void)state;
    init(&d);
    d.m.settings.pull_behavior = EA_PULL_PREFER_CACHED;
    driver_payload(&d, DRIVER_ONE);
    driver_ok(&d, "arn:t1", "c");
    struct ea_event full = { .kind = EA_EV_RESULT,
                             .op = driver_container(&d, "arn:t1", "c")->op,
                             .of = EA_FX_PULL,
                             .no_room = true,
                             .need_bytes = 60,
                             .disk_free = 30,
                             .disk_total = 100 };
    (void)ea_fail(&full.err, EA_LIMIT, "no room");
    driver_turn(&d, &full);
    const struct ea_effect *e = driver_effect(&d, EA_FX_SURVEY, NULL);
    assert_non_null(e);
    struct ea_event ev = survey(&d, e->op, NULL, 0, im, 1);
    driver_turn(&d, &ev);
    assert_int_equal(driver_container(&d, "arn:t1", "c")->op, 0);
    struct ea_event gone = { .kind = EA_EV_RESULT,
                             .of = EA_FX_IMAGE_REMOVE,
                             .op = ea_images_find(&d.m.images, "a:1")->op };
    driver_turn(&d, &gone);
    struct ea_event disk = { .kind = EA_EV_RESULT,
                             .of = EA_FX_DISK,
                             .op = d.m.disk.op,
                             .disk_free = 70,
                             .disk_total = 100 };
    driver_turn(&d, &disk);
    driver_expect(&d, "arn:t1", "c", EA_FX_PULL);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_containers_that_ended_long_ago_and_are_nobodys_go),
        cmocka_unit_test(a_container_of_a_task_by_its_docker_id_is_tracked_without_labels),
        cmocka_unit_test(so_many_in_a_cycle_and_the_smallest_images_first),
        cmocka_unit_test(nothing_is_asked_unless_the_operator_wants_it),
        cmocka_unit_test(a_failed_look_is_tried_again_in_the_next_cycle),
        cmocka_unit_test(under_pressure_they_go_too_once_none_of_the_agents_own_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
