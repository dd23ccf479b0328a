#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "folder.h"
#include "local/cloudwatch.h"
#include "local/cw_shapes.h"
#include "metrics_world.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define MINUTES 10

static struct metrics_world w;

/* Service "web" of cluster "c": minute i has one task at 10 * i percent of its CPU. */
static int with_points(void **state)
{
    struct ea_lc_task *t;

    (void)state;
    (void)folder_new();
    metrics_world_open(&w, 60);
    t = metrics_world_task(&w, "web", 2048, 4096);
    for (int i = 0; i < MINUTES; i++)
        metrics_world_tell(&w, t, 10.0 * i, 1024.0, NOON + 60 * i + 30);
    (void)ea_lc_metrics_close(w.m, &w.st, (NOON + 60 * MINUTES) * 1000);
    return 0;
}

static int without(void **state)
{
    (void)state;
    metrics_world_close(&w);
    folder_done();
    return 0;
}

/* Runs a call; the answer as text, or "<error>". Caller frees. */
static char *ask(const char *operation, const char *json)
{
    cJSON *in = cJSON_Parse(json);
    ea_lc_cw_call c = { .metrics = w.m, .in = in, .now_ms = (NOON + 60 * MINUTES) * 1000 };
    ea_err err = { 0 };
    char *text, *copy;

    assert_non_null(in);
    if (ea_lc_shape_check(ea_lc_cw_op_find(operation)->input, in, &err))
        fail_msg("%s: %s", json, err.text);
    if (ea_lc_cw_find(operation)(&c)) {
        assert_null(c.out);
        assert_true(c.message[0] != '\0');
        copy = ea_sprintf_dup("<%s>", c.error);
    } else {
        assert_int_equal(ea_lc_shape_check(ea_lc_cw_op_find(operation)->output, c.out, &err),
                         EA_OK);
        text = cJSON_PrintUnformatted(c.out);
        copy = ea_strdup(text);
        cJSON_free(text);
    }
    cJSON_Delete(c.out);
    cJSON_Delete(in);
    return copy;
}

struct row {
    const char *why, *in, *out; /* a part of the answer; "!..." must not be in it */
};

static void check(const char *operation, const char *prefix, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        EA_FREE_AUTO char *json = ea_sprintf_dup("{%s%s}", prefix, rows[i].in);
        EA_FREE_AUTO char *got = ask(operation, json);
        bool not_in = rows[i].out[0] == '!';
        bool found = strstr(got, rows[i].out + not_in) != NULL;

        if (found == not_in)
            fail_msg("%s: %s is %sin %s", rows[i].why, rows[i].out, found ? "" : "not ", got);
    }
}

static void metrics_are_listed_by_filter(void **state)
{
    static const struct row rows[] = {
        { "all", "", "\"MetricName\":\"MemoryReservation\"" },
        { "a service's", "",
          "{\"Namespace\":\"AWS/ECS\",\"MetricName\":\"CPUUtilization\",\"Dimensions\":[{\"Name\":"
          "\"ClusterName\",\"Value\":\"c\"},{\"Name\":\"ServiceName\",\"Value\":\"web\"}]}" },
        { "by name", "\"MetricName\":\"CPUReservation\"", "!MemoryReservation" },
        { "by another namespace", "\"Namespace\":\"AWS/EC2\"", "{\"Metrics\":[]}" },
        { "by a dimension's name", "\"Dimensions\":[{\"Name\":\"ServiceName\"}]",
          "!CPUReservation" },
        { "by its value", "\"Dimensions\":[{\"Name\":\"ServiceName\",\"Value\":\"x\"}]",
          "{\"Metrics\":[]}" },
        { "one of two is enough", "\"Dimensions\":[{\"Name\":\"ClusterName\",\"Value\":\"c\"}]",
          "ServiceName" },
        { "lately", "\"RecentlyActive\":\"PT3H\"", "CPUReservation" },
        { "a token", "\"NextToken\":\"2\"", "Metrics" },
        { "a token of none", "\"NextToken\":\"x\"", "<InvalidParameterValue>" },
        { "an empty name", "\"MetricName\":\"\"", "<InvalidParameterValue>" },
        { "a colon", "\"Namespace\":\":x\"", "<InvalidParameterValue>" },
        { "twice", "\"Dimensions\":[{\"Name\":\"a\"},{\"Name\":\"a\"}]",
          "<InvalidParameterValue>" },
    };

    (void)state;
    check("ListMetrics", "", rows, EA_COUNT(rows));
}

#define CPU                                                                                        \
    "\"Namespace\":\"AWS/ECS\",\"MetricName\":\"CPUUtilization\",\"Dimensions\":[{\"Name\":"       \
    "\"ServiceName\",\"Value\":\"web\"},{\"Name\":\"ClusterName\",\"Value\":\"c\"}]"

static void statistics_are_made_of_points(void **state)
{
    static const struct row rows[] = {
        { "one minute",
          CPU ",\"StartTime\":1700049660,\"EndTime\":1700049720,\"Period\":60,"
              "\"Statistics\":[\"Average\",\"SampleCount\"]",
          "\"Datapoints\":[{\"Timestamp\":1700049660,\"Average\":10,\"SampleCount\":1,\"Unit\":"
          "\"Percent\"}]" },
        { "five minutes are one",
          CPU ",\"StartTime\":1700049600,\"EndTime\":1700049900,"
              "\"Period\":300,\"Statistics\":[\"Minimum\",\"Maximum\","
              "\"Sum\",\"Average\"]",
          "[{\"Timestamp\":1700049600,\"Minimum\":0,\"Maximum\":40,\"Sum\":100,\"Average\":20," },
        { "a begin is rounded down",
          CPU ",\"StartTime\":1700049630.5,\"EndTime\":1700049660,"
              "\"Period\":60,\"Statistics\":[\"Sum\"]",
          "\"Timestamp\":1700049600" },
        { "an end does not count in",
          CPU ",\"StartTime\":1700049600,\"EndTime\":1700049660,"
              "\"Period\":60,\"Statistics\":[\"Sum\"]",
          "!1700049660" },
        { "an end within a minute takes it",
          CPU ",\"StartTime\":1700049600,\"EndTime\":"
              "1700049660.5,\"Period\":60,\"Statistics\":["
              "\"Sum\"]",
          "1700049660" },
        { "all of them",
          CPU ",\"StartTime\":1700000000,\"EndTime\":1700080000,\"Period\":60,"
              "\"Statistics\":[\"Sum\"]",
          "\"Timestamp\":1700050140,\"Sum\":90" },
        { "before", CPU ",\"StartTime\":0,\"EndTime\":60,\"Period\":60,\"Statistics\":[\"Sum\"]",
          "\"Datapoints\":[]" },
        { "after",
          CPU ",\"StartTime\":1700080000,\"EndTime\":1700080060,\"Period\":60,"
              "\"Statistics\":[\"Sum\"]",
          "\"Datapoints\":[]" },
        { "dimensions are exact",
          "\"Namespace\":\"AWS/ECS\",\"MetricName\":\"CPUUtilization\",\"StartTime\":1700049600,"
          "\"EndTime\":1700049660,\"Period\":60,\"Statistics\":[\"Sum\"]",
          "\"Datapoints\":[]" },
        { "another unit",
          CPU ",\"StartTime\":1700049600,\"EndTime\":1700049660,\"Period\":60,"
              "\"Statistics\":[\"Sum\"],\"Unit\":\"Bytes\"",
          "\"Datapoints\":[]" },
        { "a period that is none",
          CPU ",\"StartTime\":1,\"EndTime\":2,\"Period\":90,"
              "\"Statistics\":[\"Sum\"]",
          "<InvalidParameterValue>" },
        { "nought", CPU ",\"StartTime\":1,\"EndTime\":2,\"Period\":0,\"Statistics\":[\"Sum\"]",
          "<InvalidParameterValue>" },
        { "the wrong way round",
          CPU ",\"StartTime\":2,\"EndTime\":2,\"Period\":60,"
              "\"Statistics\":[\"Sum\"]",
          "<InvalidParameterValue>" },
        { "before all time",
          CPU ",\"StartTime\":-2,\"EndTime\":2,\"Period\":60,"
              "\"Statistics\":[\"Sum\"]",
          "<InvalidParameterValue>" },
        { "no statistic", CPU ",\"StartTime\":1,\"EndTime\":2,\"Period\":60",
          "<InvalidParameterCombination>" },
        { "too many points",
          CPU ",\"StartTime\":0,\"EndTime\":86460,\"Period\":60,"
              "\"Statistics\":[\"Sum\"]",
          "<InvalidParameterCombination>" },
    };

    (void)state;
    check("GetMetricStatistics", "", rows, EA_COUNT(rows));
}

#define QUERY(id, stat)                                                                            \
    "{\"Id\":\"" id "\",\"MetricStat\":{\"Metric\":{" CPU "},\"Period\":60,\"Stat\":\"" stat "\"}" \
    "}"
#define DAY "\"StartTime\":1700049600,\"EndTime\":1700050200,\"MetricDataQueries\":["

static void data_comes_newest_first_or_oldest_first(void **state)
{
    static const struct row rows[] = {
        { "newest first", QUERY("a", "Maximum") "]",
          "\"Id\":\"a\",\"Label\":\"CPUUtilization\",\"Timestamps\":[1700050140,1700050080," },
        { "oldest first", QUERY("a", "Sum") "],\"ScanBy\":\"TimestampAscending\"",
          "\"Values\":[0,10,20,30,40,50,60,70,80,90],\"StatusCode\":\"Complete\"" },
        { "a label",
          "{\"Id\":\"a\",\"Label\":\"mine\",\"MetricStat\":{\"Metric\":{" CPU
          "},\"Period\":60,\"Stat\":\"Sum\"}}]",
          "\"Label\":\"mine\"" },
        { "several", QUERY("a", "Sum") "," QUERY("b", "SampleCount") "]",
          "\"Id\":\"b\",\"Label\":\"CPUUtilization\",\"Timestamps\":[1700050140," },
        { "kept back",
          QUERY("a", "Sum") ",{\"Id\":\"b\",\"ReturnData\":false,\"MetricStat\":{"
                            "\"Metric\":{" CPU "},\"Period\":60,\"Stat\":\"Sum\"}}]",
          "!\"Id\":\"b\"" },
        { "nothing asked for",
          "{\"Id\":\"b\",\"ReturnData\":false,\"MetricStat\":{\"Metric\":{" CPU
          "},\"Period\":60,\"Stat\":\"Sum\"}}]",
          "<ValidationError>" },
        { "a page", QUERY("a", "Sum") "],\"MaxDatapoints\":4",
          "\"Values\":[90,80,70,60],\"StatusCode\":\"PartialData\"}],\"NextToken\":\"0.5\"" },
        { "the next", QUERY("a", "Sum") "],\"MaxDatapoints\":4,\"NextToken\":\"0.5\"",
          "\"Values\":[50,40,30,20],\"StatusCode\":\"PartialData\"}],\"NextToken\":\"0.1\"" },
        { "the last", QUERY("a", "Sum") "],\"MaxDatapoints\":4,\"NextToken\":\"0.1\"",
          "\"Values\":[10,0],\"StatusCode\":\"Complete\"}]}" },
        { "pages over queries",
          QUERY("a", "Sum") "," QUERY("b", "Sum") "],\"MaxDatapoints\":12,\"ScanBy\":"
                                                  "\"TimestampAscending\"",
          "\"Id\":\"b\",\"Label\":\"CPUUtilization\",\"Timestamps\":[1700049600,1700049660],"
          "\"Values\":[0,10],\"StatusCode\":\"PartialData\"}],\"NextToken\":\"1.2\"" },
        { "and on",
          QUERY("a", "Sum") "," QUERY("b", "Sum") "],\"NextToken\":\"1.2\",\"ScanBy\":"
                                                  "\"TimestampAscending\"",
          "{\"MetricDataResults\":[{\"Id\":\"b\",\"Label\":\"CPUUtilization\",\"Timestamps\":["
          "1700049720," },
        { "a token of none", QUERY("a", "Sum") "],\"NextToken\":\"9.0\"", "<InvalidNextToken>" },
        { "half a token", QUERY("a", "Sum") "],\"NextToken\":\"0.\"", "<InvalidNextToken>" },
        { "a percentile", QUERY("a", "p99") "]", "<ValidationError>" },
        { "the same id", QUERY("a", "Sum") "," QUERY("a", "Sum") "]", "<ValidationError>" },
        { "an id with a capital", QUERY("A", "Sum") "]", "<ValidationError>" },
        { "neither metric nor math", "{\"Id\":\"a\"}]", "<ValidationError>" },
        { "no queries", "]", "<ValidationError>" },
        { "no points", QUERY("a", "Sum") "],\"MaxDatapoints\":0", "<ValidationError>" },
        { "too many points", QUERY("a", "Sum") "],\"MaxDatapoints\":100801", "<ValidationError>" },
    };

    (void)state;
    check("GetMetricData", DAY, rows, EA_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metrics_are_listed_by_filter, with_points, without),
        cmocka_unit_test_setup_teardown(statistics_are_made_of_points, with_points, without),
        cmocka_unit_test_setup_teardown(data_comes_newest_first_or_oldest_first, with_points,
                                        without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
