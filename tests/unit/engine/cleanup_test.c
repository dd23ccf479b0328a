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

#define ARN "arn:t1"

#define HOUR ((int64_t)3600 * 1000)

/* A task that ran and ended; `told`: STOPPED was accepted. */
static void ended(struct driver *d, const char *task, bool told)
{
    driver_init(d);
    driver_payload(d, task);
    driver_run(d, ARN, "c");
    driver_stop(d, ARN);
    driver_ok(d, ARN, "c");
    while (told && driver_task(d, ARN)->report_op)
        driver_reported(d, ARN, EA_REPORT_SENT);
}

static void the_row_stays_until_stopped_was_told(void **state)
{
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, false);
    driver_timer(&d, 4 * HOUR);
    assert_null(driver_effect(&d, EA_FX_REMOVE, NULL));
    driver_timer(&d, 68 * HOUR); /* after 72 hours the container goes, the row does not */
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_non_null(driver_task(&d, ARN));
    while (driver_task(&d, ARN) && driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void a_removal_that_fails_is_tried_for_minutes_and_given_up(void **state)
{
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    driver_timer(&d, 3 * HOUR);
    for (int i = 0; i < 10; i++) { /* the pauses double, up to some five minutes */
        int64_t pause_ms = INT64_C(1300) << i;

        driver_expect(&d, ARN, "c", EA_FX_REMOVE);
        driver_fail(&d, ARN, "c", EA_SERVER, "device busy");
        if (i == 9)
            break;
        driver_timer(&d, pause_ms / 2);
        assert_null(driver_effect(&d, EA_FX_REMOVE, NULL));
        driver_timer(&d, pause_ms);
    }
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void what_runs_again_is_stopped_before_it_is_removed(void **state)
{
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    driver_timer(&d, 3 * HOUR);
    driver_fail(&d, ARN, "c", EA_CONFLICT, "You cannot remove a running container");
    driver_timer(&d, 2000);
    driver_expect(&d, ARN, "c", EA_FX_STOP);
    driver_ok(&d, ARN, "c");
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void a_container_that_may_exist_under_its_name_is_looked_for(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, DRIVER_ONE);
    for (int i = 0; i < 2; i++)
        driver_ok(&d, ARN, "c");
    driver_fail(&d, ARN, "c", EA_SERVER, "create failed");
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    driver_timer(&d, 3 * HOUR);
    driver_expect(&d, ARN, "c", EA_FX_FIND);
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_CREATED, 0);
    driver_ok_facts(&d, ARN, "c", &f);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_done(&d);
}

static void finds(struct driver *d, const char *id)
{
    struct ea_docker_facts f = { .found = id != NULL, .brief = true, .state = EA_C_CREATED };

    f.id = ea_strdup(id);
    driver_expect(d, ARN, "c", EA_FX_FIND);
    driver_ok_facts(d, ARN, "c", &f);
}

/* Somebody removed the container, Docker then carried out a create of a dead process, and its event was
 * lost. */
static void where_the_container_was_gone_another_one_is_looked_for(void **state)
{
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    driver_timer(&d, 3 * HOUR);
    driver_fail(&d, ARN, "c", EA_NOT_FOUND, "No such container");
    finds(&d, "second");
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    assert_string_equal(driver_container(&d, ARN, "c")->docker_id, "second");
    driver_ok(&d, ARN, "c");
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void where_the_container_was_gone_and_no_other_is_there_one_look_is_enough(void **state)
{
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    driver_timer(&d, 3 * HOUR);
    driver_fail(&d, ARN, "c", EA_NOT_FOUND, "No such container");
    finds(&d, NULL);
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void a_container_that_docker_lists_and_does_not_have_is_given_up(void **state)
{
    struct driver d;
    int calls = 0;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    driver_timer(&d, 3 * HOUR);
    while (driver_task(&d, ARN) && ++calls < 100) {
        driver_expect(&d, ARN, "c", EA_FX_REMOVE);
        driver_fail(&d, ARN, "c", EA_NOT_FOUND, "No such container");
        if (driver_task(&d, ARN))
            finds(&d, "id-arn:t1-c");
    }
    assert_int_equal(calls, 6);
    driver_done(&d);
}

/* A create of a dead process may be carried out while the clean-up waits for its task to be told. */
static void what_docker_makes_after_the_clean_up_had_looked_goes_as_well(void **state)
{
    struct driver d;
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };

    (void)state;
    ended(&d, DRIVER_ONE, false);
    driver_timer(&d, 72 * HOUR);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    driver_event(&d, ARN, "c", EA_DA_CREATE);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0);
    up.found.v = ea_alloc_array(1, sizeof(*up.found.v));
    up.found.n = 1;
    up.found.v[0] =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_CREATED, 0);
    driver_turn(&d, &up);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_done(&d);
}

static void volumes_of_the_task_go_and_shared_ones_stay(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"family\":\"f\",\"version\":\"1\","
            "\"volumes\":[{\"name\":\"own\",\"host\":{}},{\"name\":\"path\",\"host\":"
            "{\"sourcePath\":\"/p\"}},{\"name\":\"all\",\"type\":\"docker\","
            "\"dockerVolumeConfiguration\":{\"scope\":\"shared\",\"autoprovision\":true}}],"
            "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"essential\":true,\"mountPoints\":[{"
            "\"sourceVolume\":\"own\",\"containerPath\":\"/x\"}]}]}]");
    const struct ea_volume *own = ea_task_volume(driver_task(&d, ARN), "own");
    const struct ea_volume *all = ea_task_volume(driver_task(&d, ARN), "all");
    assert_true(strncmp(own->docker_name, "ecs-f-1-own-", 12) == 0);
    assert_string_equal(all->docker_name, "all");
    driver_ok(&d, ARN, "c");                                 /* digest */
    assert_int_equal(driver_container(&d, ARN, "c")->op, 0); /* its volume is not there yet */
    struct ea_event absent = { .kind = EA_EV_RESULT, .op = all->op, .of = EA_FX_VOLUME_INSPECT };
    (void)ea_fail(&absent.err, EA_NOT_FOUND, "no such volume");
    driver_turn(&d, &absent);
    assert_ptr_equal(driver_effect(&d, EA_FX_VOLUME_CREATE, NULL)->volume, all);
    struct ea_event made = { .kind = EA_EV_RESULT, .op = own->op, .of = EA_FX_VOLUME_CREATE };
    driver_turn(&d, &made);
    driver_expect(&d, ARN, "c", EA_FX_PULL);
    for (int i = 0; i < 3; i++)
        driver_ok(&d, ARN, "c");
    driver_stop(&d, ARN);
    driver_ok(&d, ARN, "c");
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    driver_timer(&d, 3 * HOUR);
    driver_ok(&d, ARN, "c");
    assert_int_equal(driver_count(&d, EA_FX_VOLUME_REMOVE), 1);
    assert_ptr_equal(driver_effect(&d, EA_FX_VOLUME_REMOVE, NULL)->volume, own);
    struct ea_event gone = { .kind = EA_EV_RESULT, .op = own->op, .of = EA_FX_VOLUME_REMOVE };
    driver_turn(&d, &gone);
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

static void a_volume_that_must_exist_and_does_not_fails_the_task(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(
        &d, "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"volumes\":[{\"name\":\"all\","
            "\"type\":\"docker\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\"}}],"
            "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"essential\":true}]}]");
    const struct ea_volume *all = ea_task_volume(driver_task(&d, ARN), "all");
    struct ea_event absent = { .kind = EA_EV_RESULT, .op = all->op, .of = EA_FX_VOLUME_INSPECT };
    (void)ea_fail(&absent.err, EA_NOT_FOUND, "no such volume");
    driver_turn(&d, &absent);
    assert_int_equal(driver_task(&d, ARN)->known, EA_T_STOPPED);
    assert_string_equal(driver_task(&d, ARN)->reason,
                        "CannotInspectVolumeError: volume all: no such volume");
    driver_done(&d);
}

static void jitter_spreads_the_clean_up(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    d.m.settings.task_cleanup_jitter_ms = 1000;
    driver_stop(&d, ARN);
    int64_t wait = driver_task(&d, ARN)->cleanup_at_ms - d.now.wall_ms;
    assert_true(wait >= 3 * HOUR && wait < 3 * HOUR + 1000);
    driver_done(&d);
}

static void what_came_due_while_the_agent_was_away_is_cleaned_up_at_once(void **state)
{
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    struct driver d;

    (void)state;
    ended(&d, DRIVER_ONE, true);
    d.now.wall_ms += 4 * HOUR; /* nobody counted them */
    driver_crash(&d);
    assert_null(driver_effect(&d, EA_FX_REMOVE, NULL));
    driver_turn(&d, &up);
    driver_expect(&d, ARN, "c", EA_FX_REMOVE);
    driver_ok(&d, ARN, "c");
    assert_null(driver_task(&d, ARN));
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_stays_until_stopped_was_told),
        cmocka_unit_test(a_removal_that_fails_is_tried_for_minutes_and_given_up),
        cmocka_unit_test(what_runs_again_is_stopped_before_it_is_removed),
        cmocka_unit_test(a_container_that_may_exist_under_its_name_is_looked_for),
        cmocka_unit_test(where_the_container_was_gone_another_one_is_looked_for),
        cmocka_unit_test(where_the_container_was_gone_and_no_other_is_there_one_look_is_enough),
        cmocka_unit_test(a_container_that_docker_lists_and_does_not_have_is_given_up),
        cmocka_unit_test(what_docker_makes_after_the_clean_up_had_looked_goes_as_well),
        cmocka_unit_test(volumes_of_the_task_go_and_shared_ones_stay),
        cmocka_unit_test(a_volume_that_must_exist_and_does_not_fails_the_task),
        cmocka_unit_test(jitter_spreads_the_clean_up),
        cmocka_unit_test(what_came_due_while_the_agent_was_away_is_cleaned_up_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
