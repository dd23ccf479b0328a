#include "agent/task_limits.h"
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Settings of control groups exist on Linux alone: here and not among the tests that Wine runs too. */
static void a_task_gets_what_it_states_and_shares_of_its_containers_without_a_quota(void **state)
{
    static const struct {
        const char *why, *pids, *period;
        double cpu;
        int64_t memory_mib, c1, c2;
        struct ea_task_limits want;
    } cases[] = {
        { "nothing stated, nothing set", "", "", 0, 0, 512, 0, { 0 } },
        { "half a processor",
          "",
          "",
          0.5,
          0,
          512,
          0,
          { .cpu_period_us = 100000, .cpu_quota_us = 50000 } },
        { "a shorter period",
          "",
          "10ms",
          2,
          0,
          0,
          0,
          { .cpu_period_us = 10000, .cpu_quota_us = 20000 } },
        { "never below what a kernel takes",
          "",
          "8ms",
          0.01,
          0,
          0,
          0,
          { .cpu_period_us = 8000, .cpu_quota_us = 1000 } },
        { "memory alone: shares of both containers, two for one that states none",
          "",
          "",
          0,
          300,
          512,
          0,
          { .memory_bytes = 300 * 1024 * 1024, .cpu_shares = 514 } },
        { "processes alone", "77", "", 0, 0, 10, 20, { .pids = 77, .cpu_shares = 30 } },
        { "shares end where the kernel's do",
          "77",
          "",
          0,
          0,
          200000,
          200000,
          { .pids = 77, .cpu_shares = 262144 } },
        { "all of it",
          "5",
          "",
          1,
          64,
          1,
          1,
          { .pids = 5,
            .memory_bytes = 64 * 1024 * 1024,
            .cpu_period_us = 100000,
            .cpu_quota_us = 100000 } },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *pids = ea_sprintf_dup("ECS_TASK_PIDS_LIMIT=%s", cases[i].pids);
        EA_FREE_AUTO char *period = ea_sprintf_dup("ECS_CGROUP_CPU_PERIOD=%s", cases[i].period);
        const char *const env[] = { "ECSTOOLS_CONFIG=/dev/null", pids, period, NULL };
        struct ea_container c[2] = { { .cpu = cases[i].c1 }, { .cpu = cases[i].c2 } };
        const struct ea_task t = { .cpu = cases[i].cpu,
                                   .memory_mib = cases[i].memory_mib,
                                   .containers = { c, 2 } };
        ea_config *config = NULL;
        ea_err err = { 0 };

        if (ea_config_load(env, &config, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        struct ea_task_limits got = ea_task_limits_of(config, &t);
        ea_config_free(config);
        if (got.memory_bytes != cases[i].want.memory_bytes || got.pids != cases[i].want.pids ||
            got.cpu_shares != cases[i].want.cpu_shares ||
            got.cpu_quota_us != cases[i].want.cpu_quota_us ||
            got.cpu_period_us != cases[i].want.cpu_period_us)
            fail_msg("%s: memory %lld, pids %lld, shares %lld, quota %lld of %lld", cases[i].why,
                     (long long)got.memory_bytes, (long long)got.pids, (long long)got.cpu_shares,
                     (long long)got.cpu_quota_us, (long long)got.cpu_period_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_gets_what_it_states_and_shares_of_its_containers_without_a_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
