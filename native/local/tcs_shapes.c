/* tcs_shapes.c - the members of telemetry messages. See tcs_shapes.h.
 * Source: control-plane.md sections 4.4, 4.6 and 4.7. */
#include "tcs_shapes.h"

#define R           EA_LC_REQUIRED
#define SHAPE(list) static const ea_lc_shape list##_shape = EA_LC_SHAPE(list)

static const ea_lc_member metadata[] = {
    EA_LC_S("cluster", R), EA_LC_S("containerInstance", R),
    EA_LC_B("idle", 0),    EA_LC_S("messageId", R),
    EA_LC_B("fin", 0),
};
SHAPE(metadata);
static const ea_lc_member set[] = {
    EA_LC_N("min", R),
    EA_LC_N("max", R),
    EA_LC_I("sampleCount", R),
    EA_LC_N("sum", R),
};
SHAPE(set);
static const ea_lc_member whole_set[] = {
    EA_LC_N("min", R),         EA_LC_N("max", R),         EA_LC_I("sampleCount", R),
    EA_LC_N("sum", R),         EA_LC_N("overflowMin", R), EA_LC_N("overflowMax", R),
    EA_LC_N("overflowSum", R),
};
SHAPE(whole_set);
static const ea_lc_member storage[] = {
    EA_LC_O("readSizeBytes", 0, &whole_set_shape),
    EA_LC_O("writeSizeBytes", 0, &whole_set_shape),
};
SHAPE(storage);
static const ea_lc_member network[] = {
    EA_LC_O("rxBytes", 0, &whole_set_shape),    EA_LC_O("rxDropped", 0, &whole_set_shape),
    EA_LC_O("rxErrors", 0, &whole_set_shape),   EA_LC_O("rxPackets", 0, &whole_set_shape),
    EA_LC_O("txBytes", 0, &whole_set_shape),    EA_LC_O("txDropped", 0, &whole_set_shape),
    EA_LC_O("txErrors", 0, &whole_set_shape),   EA_LC_O("txPackets", 0, &whole_set_shape),
    EA_LC_O("rxBytesPerSecond", 0, &set_shape), EA_LC_O("txBytesPerSecond", 0, &set_shape),
};
SHAPE(network);
static const ea_lc_member restart[] = { EA_LC_I("restartCount", 0) };
SHAPE(restart);
static const ea_lc_member container_metrics[] = {
    EA_LC_S("containerName", R),
    EA_LC_O("cpuStatsSet", R, &set_shape),
    EA_LC_O("memoryStatsSet", R, &set_shape),
    EA_LC_O("storageStatsSet", 0, &storage_shape),
    EA_LC_O("networkStatsSet", 0, &network_shape),
    EA_LC_O("restartStatsSet", 0, &restart_shape),
};
SHAPE(container_metrics);
static const ea_lc_member task_metrics[] = {
    EA_LC_S("taskArn", R),
    EA_LC_S("taskDefinitionFamily", R),
    EA_LC_S("taskDefinitionVersion", R),
    EA_LC_LO("containerMetrics", R, &container_metrics_shape),
};
SHAPE(task_metrics);
static const ea_lc_member publish_metrics[] = {
    EA_LC_O("metadata", R, &metadata_shape),
    EA_LC_LO("taskMetrics", 0, &task_metrics_shape),
    EA_LC_T("timestamp", R),
};
const ea_lc_shape ea_lc_publish_metrics_shape = EA_LC_SHAPE(publish_metrics);

static const ea_lc_member container_health[] = {
    EA_LC_S("containerName", R),
    EA_LC_E("healthStatus", R, "HEALTHY|UNHEALTHY|UNKNOWN"),
    EA_LC_T("statusSince", R),
};
SHAPE(container_health);
static const ea_lc_member task_health[] = {
    EA_LC_S("taskArn", R),
    EA_LC_S("taskDefinitionFamily", R),
    EA_LC_S("taskDefinitionVersion", R),
    EA_LC_LO("containers", R, &container_health_shape),
};
SHAPE(task_health);
static const ea_lc_member publish_health[] = {
    EA_LC_O("metadata", R, &metadata_shape),
    EA_LC_LO("tasks", R, &task_health_shape),
    EA_LC_T("timestamp", R),
};
const ea_lc_shape ea_lc_publish_health_shape = EA_LC_SHAPE(publish_health);

static const ea_lc_member status_metadata[] = {
    EA_LC_S("cluster", R),
    EA_LC_S("containerInstance", R),
    EA_LC_S("requestId", R),
};
SHAPE(status_metadata);
static const ea_lc_member instance_status[] = {
    EA_LC_E("type", R, "ContainerRuntime|Agent|EBSDaemon|ACCELERATED_COMPUTE"),
    EA_LC_E("status", R, "OK|IMPAIRED|INITIALIZING|INSUFFICIENT_DATA"),
    EA_LC_T("lastUpdated", R),
    EA_LC_T("lastStatusChange", R),
};
SHAPE(instance_status);
static const ea_lc_member publish_status[] = {
    EA_LC_O("metadata", R, &status_metadata_shape),
    EA_LC_LO("statuses", R, &instance_status_shape),
    EA_LC_T("timestamp", R),
};
const ea_lc_shape ea_lc_publish_status_shape = EA_LC_SHAPE(publish_status);
