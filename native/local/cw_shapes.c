/* cw_shapes.c - the members of each call. See cw_shapes.h. Source: Amazon CloudWatch API reference
 * 2010-08-01. */
#include "cw_shapes.h"

#include <string.h>

#define R           EA_LC_REQUIRED
#define NO          EA_LC_REFUSED
#define SHAPE(list) static const ea_lc_shape list##_shape = EA_LC_SHAPE(list)
#define UNITS                                                                                      \
    "Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|"        \
    "Kilobits|Megabits|Gigabits|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|"             \
    "Megabytes/Second|Gigabytes/Second|Terabytes/Second|Bits/Second|Kilobits/Second|"              \
    "Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None"

/* ---- requests --------------------------------------------------------------------------------- */

static const ea_lc_member dimension_filter[] = { EA_LC_S("Name", R), EA_LC_S("Value", 0) };
SHAPE(dimension_filter);
static const ea_lc_member list_metrics[] = {
    EA_LC_S("Namespace", 0),
    EA_LC_S("MetricName", 0),
    EA_LC_LO("Dimensions", 0, &dimension_filter_shape),
    EA_LC_S("NextToken", 0),
    EA_LC_E("RecentlyActive", 0, "PT3H"),
    EA_LC_B("IncludeLinkedAccounts", NO),
    EA_LC_S("OwningAccount", NO),
};
SHAPE(list_metrics);

static const ea_lc_member dimension[] = { EA_LC_S("Name", R), EA_LC_S("Value", R) };
SHAPE(dimension);
static const ea_lc_member get_metric_statistics[] = {
    EA_LC_S("Namespace", R),
    EA_LC_S("MetricName", R),
    EA_LC_LO("Dimensions", 0, &dimension_shape),
    EA_LC_T("StartTime", R),
    EA_LC_T("EndTime", R),
    EA_LC_I("Period", R),
    EA_LC_LE("Statistics", 0, "SampleCount|Average|Sum|Minimum|Maximum"),
    EA_LC_LS("ExtendedStatistics", NO), /* percentiles need single samples; sets are kept */
    EA_LC_E("Unit", 0, UNITS),
};
SHAPE(get_metric_statistics);

static const ea_lc_member metric[] = {
    EA_LC_S("Namespace", 0),
    EA_LC_S("MetricName", 0),
    EA_LC_LO("Dimensions", 0, &dimension_shape),
};
SHAPE(metric);
static const ea_lc_member metric_stat[] = {
    EA_LC_O("Metric", R, &metric_shape),
    EA_LC_I("Period", R),
    EA_LC_S("Stat", R),
    EA_LC_E("Unit", 0, UNITS),
};
SHAPE(metric_stat);
static const ea_lc_member metric_data_query[] = {
    EA_LC_S("Id", R),          EA_LC_O("MetricStat", 0, &metric_stat_shape),
    EA_LC_S("Expression", NO), /* metric math and SQL */
    EA_LC_S("Label", 0),       EA_LC_B("ReturnData", 0),
    EA_LC_I("Period", NO),     EA_LC_S("AccountId", NO),
};
SHAPE(metric_data_query);
static const ea_lc_member label_options[] = { EA_LC_S("Timezone", NO) };
SHAPE(label_options);
static const ea_lc_member get_metric_data[] = {
    EA_LC_LO("MetricDataQueries", R, &metric_data_query_shape),
    EA_LC_T("StartTime", R),
    EA_LC_T("EndTime", R),
    EA_LC_S("NextToken", 0),
    EA_LC_E("ScanBy", 0, "TimestampDescending|TimestampAscending"),
    EA_LC_I("MaxDatapoints", 0),
    EA_LC_O("LabelOptions", 0, &label_options_shape),
};
SHAPE(get_metric_data);

/* ---- answers ---------------------------------------------------------------------------------- */

static const ea_lc_member list_metrics_answer[] = {
    EA_LC_LO("Metrics", 0, &metric_shape),
    EA_LC_S("NextToken", 0),
    EA_LC_LS("OwningAccounts", 0),
};
SHAPE(list_metrics_answer);
static const ea_lc_member datapoint[] = {
    EA_LC_T("Timestamp", 0),   EA_LC_N("SampleCount", 0),
    EA_LC_N("Average", 0),     EA_LC_N("Sum", 0),
    EA_LC_N("Minimum", 0),     EA_LC_N("Maximum", 0),
    EA_LC_E("Unit", 0, UNITS), EA_LC_M("ExtendedStatistics", 0),
};
SHAPE(datapoint);
static const ea_lc_member statistics_answer[] = {
    EA_LC_S("Label", 0),
    EA_LC_LO("Datapoints", 0, &datapoint_shape),
};
SHAPE(statistics_answer);
static const ea_lc_member message_data[] = { EA_LC_S("Code", 0), EA_LC_S("Value", 0) };
SHAPE(message_data);
static const ea_lc_member metric_data_result[] = {
    EA_LC_S("Id", 0),
    EA_LC_S("Label", 0),
    EA_LC_LT("Timestamps", 0),
    EA_LC_LN("Values", 0),
    EA_LC_E("StatusCode", 0, "Complete|InternalError|PartialData|Forbidden"),
    EA_LC_LO("Messages", 0, &message_data_shape),
};
SHAPE(metric_data_result);
static const ea_lc_member metric_data_answer[] = {
    EA_LC_LO("MetricDataResults", 0, &metric_data_result_shape),
    EA_LC_S("NextToken", 0),
    EA_LC_LO("Messages", 0, &message_data_shape),
};
SHAPE(metric_data_answer);

static const ea_lc_cw_op ops[] = {
    { "ListMetrics", &list_metrics_shape, &list_metrics_answer_shape },
    { "GetMetricStatistics", &get_metric_statistics_shape, &statistics_answer_shape },
    { "GetMetricData", &get_metric_data_shape, &metric_data_answer_shape },
};

const ea_lc_cw_op *ea_lc_cw_op_find(const char *name)
{
    for (size_t i = 0; i < EA_COUNT(ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

void ea_lc_cw_ops_print(ea_buf *out)
{
    ea_buf_addc(out, '{');
    for (size_t i = 0; i < EA_COUNT(ops); i++) {
        ea_buf_addf(out, "%s\"%s\":{\"input\":", i ? ",\n" : "", ops[i].name);
        ea_lc_shape_print(ops[i].input, out);
        ea_buf_adds(out, ",\"output\":");
        ea_lc_shape_print(ops[i].output, out);
        ea_buf_addc(out, '}');
    }
    ea_buf_adds(out, "}\n");
}
