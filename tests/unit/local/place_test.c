#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "local/place.h"
#include "local/place_expr.h"

#include <string.h>

static struct ea_lc_instance *instance(const char *arn, int64_t cpu, int64_t memory)
{
    struct ea_lc_instance *i = ea_lc_instance_new();

    i->arn = ea_strdup(arn);
    i->connected = true;
    i->ec2_id = ea_strdup("i-1");
    i->agent_version = ea_strdup("1.105.1");
    i->resources.n = 3;
    i->resources.v = ea_alloc_array(3, sizeof(*i->resources.v));
    i->resources.v[0].name = ea_strdup("CPU");
    i->resources.v[0].integer = cpu;
    i->resources.v[1].name = ea_strdup("MEMORY");
    i->resources.v[1].integer = memory;
    i->resources.v[2].name = ea_strdup("PORTS");
    ea_strlist_add(&i->resources.v[2].set, "22");
    ea_lc_attribute_set(&i->attributes, "ecs.availability-zone", "z1");
    ea_lc_attribute_set(&i->attributes, "stack", "prod");
    ea_lc_attribute_set(&i->attributes, "ecs.capability.x", NULL);
    return i;
}

static struct ea_lc_task *task(int64_t cpu, int64_t memory, int64_t port, const char *group)
{
    struct ea_lc_task *t = ea_lc_task_new();

    t->cpu_units = cpu;
    t->memory_mib = memory;
    t->group = ea_strdup(group);
    if (port)
        ea_lc_i64_add(&t->tcp, port);
    return t;
}

static void expressions_are_answered(void **state)
{
    static const struct {
        const char *expression;
        int answer; /* -1: cannot be read */
    } rows[] = {
        { "attribute:stack == prod", 1 },
        { "attribute:stack equals prod", 1 },
        { "attribute:stack==prod", 1 },
        { "attribute:stack == \"prod\"", 1 },
        { "attribute:stack != prod", 0 },
        { "attribute:none != prod", 1 },
        { "attribute:none == prod", 0 },
        { "attribute:stack exists", 1 },
        { "attribute:stack !exists", 0 },
        { "attribute:none not_exists", 1 },
        { "attribute:ecs.capability.x exists", 1 },
        { "attribute:stack in [test, prod]", 1 },
        { "attribute:stack not_in [test, prod]", 0 },
        { "attribute:stack !in [test]", 1 },
        { "attribute:stack =~ pr.*", 1 },
        { "attribute:stack =~ pr", 0 },
        { "attribute:stack !~ p[a-r]od", 0 },
        { "agentConnected == true", 1 },
        { "agentVersion == 1.105.1", 1 },
        { "ec2InstanceId in ['i-1', 'i-2']", 1 },
        { "runningTasksCount < 3", 1 },
        { "runningTasksCount >= 10", 0 },
        { "task:group == g1", 1 },
        { "task:group != g1", 0 },
        { "task:group == g9", 0 },
        { "attribute:stack == prod and attribute:none exists", 0 },
        { "attribute:stack == prod && not(attribute:none exists)", 1 },
        { "attribute:none exists or attribute:stack exists", 1 },
        { "attribute:none exists || attribute:none exists", 0 },
        { "attribute:stack == x or attribute:stack == prod and attribute:none exists", 0 },
        { "(attribute:stack == prod or attribute:stack == x) and runningTasksCount == 2", 1 },
        { "", -1 },
        { "attribute:stack", -1 },
        { "attribute:stack ==", -1 },
        { "attribute:stack == prod prod", -1 },
        { "attribute:stack in [prod", -1 },
        { "attribute:stack in []", -1 },
        { "(attribute:stack exists", -1 },
        { "attribute:stack == 'prod", -1 },
        { "nothing == 1", -1 },
        { "not", -1 },
    };
    struct ea_lc_instance *i = instance("a", 1, 1);
    ea_strlist groups = { NULL, 0 };
    ea_lc_subject s = { i, 2, &groups };

    (void)state;
    ea_strlist_add(&groups, "g1");
    for (size_t k = 0; k < EA_COUNT(rows); k++) {
        bool answer = false;
        ea_err err;
        int got = ea_lc_expr_matches(rows[k].expression, &s, &answer, &err) ? -1 : answer;

        if (got != rows[k].answer)
            fail_msg("'%s': got %d", rows[k].expression, got);
    }
    ea_strlist_free(&groups);
    ea_lc_instance_free(i);
}

static void deep_nesting_is_refused(void **state)
{
    char deep[1000];
    struct ea_lc_instance *i = instance("a", 1, 1);
    ea_lc_subject s = { i, 0, NULL };
    bool answer;
    ea_err err;

    (void)state;
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(ea_lc_expr_matches(deep, &s, &answer, &err), EA_INVALID);
    assert_non_null(strstr(err.text, "nested"));
    ea_lc_instance_free(i);
}

static void patterns_match_whole_values(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        { "abc", "abc", true },
        { "abc", "abcd", false },
        { "a.c", "axc", true },
        { "a.*", "a", true },
        { "a.+", "a", false },
        { "a?b", "b", true },
        { "a?b", "aab", false },
        { "[a-c]+", "abcabc", true },
        { "[^a]", "a", false },
        { "[^a]", "b", true },
        { "t[23]\\.large", "t3.large", true },
        { "t[23]\\.large", "t3xlarge", false },
        { ".*x.*y", "aaxbby", true },
        { "", "", true },
        { "a*", "", true },
        { "[", "[", true },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++)
        if (ea_lc_pattern_matches(rows[i].pattern, rows[i].text) != rows[i].matches)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

static void what_does_not_fit_has_a_reason(void **state)
{
    struct ea_lc_instance *i = instance("a", 100, 200);
    struct ea_lc_task *t = task(40, 50, 80, "g");
    ea_strlist known = { NULL, 0 }, unknown = { NULL, 0 };
    ea_i64list p80 = { NULL, 0 }, p22 = { NULL, 0 }, p81 = { NULL, 0 };
    ea_lc_candidate c;

    (void)state;
    ea_strlist_add(&known, "ecs.capability.x");
    ea_strlist_add(&unknown, "ecs.capability.y");
    ea_lc_i64_add(&p80, 80);
    ea_lc_i64_add(&p22, 22);
    ea_lc_i64_add(&p81, 81);
    ea_lc_candidate_init(&c, i);
    ea_lc_candidate_take(&c, t, "g");
    {
        const struct {
            const char *why;
            ea_lc_demand d;
            const char *reason;
        } rows[] = {
            { "fills what is left", { .cpu = 60, .memory_mib = 150, .tcp = &p81 }, NULL },
            { "one unit too many", { .cpu = 61 }, "RESOURCE:CPU" },
            { "one MiB too many", { .memory_mib = 151 }, "RESOURCE:MEMORY" },
            { "a port that a task has", { .tcp = &p80 }, "RESOURCE:PORTS" },
            { "a reserved port", { .tcp = &p22 }, "RESOURCE:PORTS" },
            { "udp is counted apart", { .udp = &p80 }, NULL },
            { "a capability it has", { .requires = &known }, NULL },
            { "a capability it lacks", { .requires = &unknown }, "ATTRIBUTE" },
            { "one of the group is there",
              { .distinct = true },
              "DistinctInstance placement constraint unsatisfied." },
            { "an expression that holds",
              { .expressions = { "attribute:stack exists" }, .expression_count = 1 },
              NULL },
            { "an expression that does not",
              { .expressions = { "attribute:stack exists", "attribute:none exists" },
                .expression_count = 2 },
              "MemberOf placement constraint unsatisfied." },
        };

        for (size_t k = 0; k < EA_COUNT(rows); k++) {
            const char *reason = ea_lc_place_unfit(&c, &rows[k].d);

            if (!ea_zstr_eq(reason, rows[k].reason))
                fail_msg("%s: got %s", rows[k].why, reason ? reason : "nothing");
        }
    }
    i->connected = false;
    assert_string_equal(ea_lc_place_unfit(&c, &(ea_lc_demand){ .cpu = 1 }), "AGENT");
    ea_lc_candidate_done(&c);
    ea_free(p80.v);
    ea_free(p22.v);
    ea_free(p81.v);
    ea_strlist_free(&known);
    ea_strlist_free(&unknown);
    ea_lc_task_free(t);
    ea_lc_instance_free(i);
}

static void strategies_order_what_fits(void **state)
{
    static const struct {
        const char *why;
        ea_lc_demand d;
        size_t best;
    } rows[] = {
        { "spread over zones first", { .cpu = 1 }, 2 },
        { "least memory left",
          { .strategies = { { EA_LC_BINPACK, "memory" } }, .strategy_count = 1 },
          1 },
        { "least processor left",
          { .strategies = { { EA_LC_BINPACK, "cpu" } }, .strategy_count = 1 },
          0 },
        { "the fullest one that has room",
          { .memory_mib = 150, .strategies = { { EA_LC_BINPACK, "memory" } }, .strategy_count = 1 },
          0 },
        { "fewest of the group",
          { .strategies = { { EA_LC_SPREAD, "instanceId" }, { EA_LC_BINPACK, "memory" } },
            .strategy_count = 2 },
          1 },
        { "nobody has room", { .cpu = 100000 }, SIZE_MAX },
    };
    struct ea_lc_instance *i[3] = { instance("a", 100, 200), instance("b", 200, 100),
                                    instance("c", 300, 300) };
    struct ea_lc_task *t = task(0, 0, 0, "g");
    ea_lc_candidate c[3];
    ea_rng rng;

    (void)state;
    ea_lc_attribute_set(&i[2]->attributes, "ecs.availability-zone", "z2");
    for (size_t k = 0; k < 3; k++)
        ea_lc_candidate_init(&c[k], i[k]);
    ea_lc_candidate_take(&c[0], t, "g"); /* zone z1 has one */
    for (size_t k = 0; k < EA_COUNT(rows); k++) {
        size_t best;

        ea_rng_seed(&rng, k);
        best = ea_lc_place_pick(c, 3, &rows[k].d, &rng);
        if (best != rows[k].best)
            fail_msg("%s: got %zu", rows[k].why, best);
    }
    for (size_t k = 0; k < 3; k++) {
        ea_lc_candidate_done(&c[k]);
        ea_lc_instance_free(i[k]);
    }
    ea_lc_task_free(t);
}

static void equal_candidates_are_chosen_evenly(void **state)
{
    struct ea_lc_instance *i[3] = { instance("a", 9, 9), instance("b", 9, 9), instance("c", 9, 9) };
    const ea_lc_demand d = { .strategies = { { EA_LC_RANDOM, NULL } }, .strategy_count = 1 };
    ea_lc_candidate c[3];
    unsigned got[3] = { 0, 0, 0 };
    ea_rng rng;

    (void)state;
    ea_rng_seed(&rng, 7);
    for (size_t k = 0; k < 3; k++)
        ea_lc_candidate_init(&c[k], i[k]);
    for (unsigned n = 0; n < 3000; n++)
        got[ea_lc_place_pick(c, 3, &d, &rng)]++;
    for (size_t k = 0; k < 3; k++) {
        assert_uint_in_range(got[k], 850, 1150);
        ea_lc_candidate_done(&c[k]);
        ea_lc_instance_free(i[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_answered),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(patterns_match_whole_values),
        cmocka_unit_test(what_does_not_fit_has_a_reason),
        cmocka_unit_test(strategies_order_what_fits),
        cmocka_unit_test(equal_candidates_are_chosen_evenly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
