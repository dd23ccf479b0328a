/* volumes_test.c - volumes that cannot be had, each with its words. What becomes of the others at the end
 * of their task: cleanup_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "driver.h"

#include <stdio.h>

#define ARN "arn:t1"

static const struct ea_volume *begin(struct driver *d, const char *config)
{
    char task[512];

    (void)snprintf(
        task, sizeof(task),
        "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"volumes\":[{\"name\":\"v\","
        "\"type\":\"docker\",\"dockerVolumeConfiguration\":{%s}}],\"containers\":[{"
        "\"name\":\"c\",\"image\":\"i@sha256:12\",\"essential\":true,\"mountPoints\":[{"
        "\"sourceVolume\":\"v\",\"containerPath\":\"/v\"}]}]}]",
        config);
    driver_init(d);
    driver_payload(d, task);
    return ea_task_volume(driver_task(d, ARN), "v");
}

static void answer(struct driver *d, const struct ea_volume *v, ea_code code, const char *text)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .op = v->op };

    assert_true(v->op != 0);
    ev.of = d->kind_of[v->op];
    if (code)
        (void)ea_fail(&ev.err, code, "%s", text);
    driver_turn(d, &ev);
}

static void what_is_wrong_with_a_volume_stops_the_task_with_its_words(void **state)
{
    static const struct {
        const char *why, *config;
        bool asked; /* of the engine, which then answers: */
        ea_code code;
        const char *text, *reason;
    } cases[] = {
        { "one of the task's own that is to exist already",
          "\"scope\":\"task\",\"autoprovision\":true", false, EA_OK, NULL,
          "ResourceInitializationError: resource cannot be initialized for task arn:t1: volume v: "
          "task scoped volume could not be autoprovisioned" },
        { "refused by its driver", "\"scope\":\"task\",\"driver\":\"rexray\"", true, EA_SERVER,
          "Error response from daemon: plugin \"rexray\" not found",
          "CannotCreateVolumeError: volume v: Error response from daemon: plugin \"rexray\" not "
          "found" },
        { "not made in time", "\"scope\":\"task\"", true, EA_TIMEOUT, "no answer",
          "DockerTimeoutError: Could not transition to creating volume; timed out after waiting "
          "5m0s" },
        { "a shared one that is not there", "\"scope\":\"shared\"", true, EA_NOT_FOUND,
          "Error response from daemon: get v: no such volume",
          "CannotInspectVolumeError: volume v: Error response from daemon: get v: no such volume" },
        { "a shared one that is not told in time", "\"scope\":\"shared\",\"autoprovision\":true",
          true, EA_TIMEOUT, "no answer",
          "DockerTimeoutError: Could not transition to inspecting volume; timed out after waiting "
          "5m0s" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct driver d;
        const struct ea_volume *v = begin(&d, cases[i].config);

        if ((v->op != 0) != cases[i].asked)
            fail_msg("%s: %s", cases[i].why, cases[i].asked ? "not asked for" : "asked for");
        if (cases[i].asked)
            answer(&d, v, cases[i].code, cases[i].text);
        const struct ea_task *t = driver_task(&d, ARN);
        if (t->known != EA_T_STOPPED || !ea_zstr_eq(t->reason, cases[i].reason))
            fail_msg("%s: %s, %s", cases[i].why, ea_tstate_name(t->known), t->reason);
        driver_done(&d);
    }
}

static void a_volume_is_asked_for_again_after_an_outage_and_the_image_waits_for_it(void **state)
{
    struct driver d;
    const struct ea_volume *v = begin(&d, "\"scope\":\"task\"");

    (void)state;
    answer(&d, v, EA_UNREACHABLE, "connection refused");
    assert_int_equal(driver_task(&d, ARN)->desired, EA_T_RUNNING);
    driver_timer(&d, 1300);
    assert_non_null(driver_effect(&d, EA_FX_VOLUME_CREATE, NULL));
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    answer(&d, v, EA_OK, NULL);
    driver_expect(&d, ARN, "c", EA_FX_PULL);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_volume_stops_the_task_with_its_words),
        cmocka_unit_test(a_volume_is_asked_for_again_after_an_outage_and_the_image_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
