#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "driver.h"

#include <string.h>

#define ARN "arn:t1"

#define TWO                                                                                        \
    "[{\"arn\":\"arn:t1\",\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"c\","          \
    "\"image\":"                                                                                   \
    "\"nginx:1\",\"essential\":false},{\"name\":\"b\",\"image\":\"i\",\"essential\":true,"         \
    "\"dependsOn\":"                                                                               \
    "[{\"containerName\":\"c\",\"condition\":\"COMPLETE\"}]}]}]"

static void expect(const struct driver *d, const char *want)
{
    char why[256];

    ea_engine_explain(&d->m, driver_task(d, ARN), &d->now, why);
    if (strcmp(why, want) != 0)
        fail_msg("\"%s\", want \"%s\"", why, want);
}

static void each_wait_has_words(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d);
    driver_payload(&d, TWO);
    expect(&d, "c: looks up the digest of nginx:1 (attempt 1)");
    driver_ok(&d, ARN, "b");
    driver_ok(&d, ARN, "c");
    expect(&d, "c: pulls nginx:1 (attempt 1)");
    driver_fail(&d, ARN, "c", EA_SERVER, "busy");
    int64_t wait = driver_container(&d, ARN, "c")->retry_at_ms - d.now.mono_ms;
    assert_true(wait >= 1100 && wait <= 1320);
    driver_timer(&d, wait);
    expect(&d, "c: pulls nginx:1 (attempt 2)");
    driver_ok(&d, ARN, "c");
    expect(&d, "c: creates the container from nginx:1 (attempt 1)");
    struct ea_event down = { .kind = EA_EV_DOCKER_DOWN };
    driver_turn(&d, &down);
    driver_ok(&d, ARN, "c");
    expect(&d, "c: waits for Docker");
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(&d, &up);
    expect(&d, "c: asks Docker for its state");
    struct ea_docker_facts f =
        driver_facts(&d, driver_task(&d, ARN), driver_container(&d, ARN, "c"), EA_C_RUNNING, 0);
    driver_ok_facts(&d, ARN, "c", &f);
    expect(&d, "b: waits for container c (condition COMPLETE)");
    driver_exit(&d, ARN, "c", 0);
    for (int i = 0; i < 3; i++)
        driver_ok(&d, ARN, "b");
    expect(&d, "runs");
    driver_stop(&d, ARN);
    expect(&d, "b: stops (attempt 1)");
    driver_ok(&d, ARN, "b");
    expect(&d, "stopped; the control plane has not been told yet");
    while (driver_task(&d, ARN)->report_op)
        driver_reported(&d, ARN, EA_REPORT_SENT);
    expect(&d, "stopped");
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wait_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
