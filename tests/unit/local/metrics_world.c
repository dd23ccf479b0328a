#include "metrics_world.h"

#include "base/alloc.h"
#include "folder.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static void need(ea_code code, const ea_err *err)
{
    if (code == EA_OK)
        return;
    (void)fprintf(stderr, "metrics world: %s\n", err->text);
    abort();
}

void metrics_world_open(struct metrics_world *w, int64_t period_s)
{
    ea_err err = { 0 };

    *w = (struct metrics_world){ .tasks = 0 };
    need(ea_lc_state_open(&w->st, folder_path("db"), "us-west-2", "000000000000", &err), &err);
    w->cluster = ea_lc_cluster_new();
    w->cluster->arn = ea_lc_arn(&w->st, "cluster/c");
    w->cluster->name = ea_strdup("c");
    w->cluster->status = ea_strdup("ACTIVE");
    ea_lc_add(&w->st, EA_LC_CLUSTER, w->cluster);
    w->instance = ea_lc_instance_new();
    w->instance->arn = ea_lc_arn(&w->st, "container-instance/c/i");
    w->instance->cluster_arn = ea_strdup(w->cluster->arn);
    w->instance->status = ea_strdup("ACTIVE");
    w->instance->resources.n = 2;
    w->instance->resources.v = ea_alloc_array(2, sizeof(*w->instance->resources.v));
    w->instance->resources.v[0].name = ea_strdup("CPU");
    w->instance->resources.v[0].integer = 2048;
    w->instance->resources.v[1].name = ea_strdup("MEMORY");
    w->instance->resources.v[1].integer = 4096;
    ea_lc_add(&w->st, EA_LC_INSTANCE, w->instance);
    w->m = ea_lc_metrics_new(period_s, NOON * 1000);
}

void metrics_world_close(struct metrics_world *w)
{
    ea_lc_metrics_free(w->m);
    ea_lc_state_close(&w->st);
}

struct ea_lc_task *metrics_world_task(struct metrics_world *w, const char *service, int64_t cpu,
                                      int64_t memory)
{
    struct ea_lc_task *t = ea_lc_task_new();

    t->arn = ea_lc_arn(&w->st, "task/c/%d", w->tasks++);
    t->cluster_arn = ea_strdup(w->cluster->arn);
    t->instance_arn = ea_strdup(w->instance->arn);
    t->group = service ? ea_sprintf_dup("service:%s", service) : ea_strdup("family:f");
    t->desired = ea_strdup("RUNNING");
    t->last = ea_strdup("RUNNING");
    t->cpu_units = cpu;
    t->memory_mib = memory;
    t->containers.n = 1;
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.v[0].name = ea_strdup("main");
    ea_lc_add(&w->st, EA_LC_TASK, t);
    return t;
}

void metrics_world_say(struct metrics_world *w, const char *json, int64_t at_s)
{
    cJSON *tree = cJSON_Parse(json);

    if (!tree)
        abort();
    ea_lc_metrics_take(w->m, &w->st, w->instance, tree, at_s * 1000);
    cJSON_Delete(tree);
}

void metrics_world_tell(struct metrics_world *w, const struct ea_lc_task *t, double cpu,
                        double memory, int64_t at_s)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "{\"taskMetrics\":[{\"taskArn\":\"%s\",\"containerMetrics\":[{"
                   "\"containerName\":\"main\",\"cpuStatsSet\":{\"min\":0,\"max\":9,\"sum\":%f,"
                   "\"sampleCount\":2},\"memoryStatsSet\":{\"min\":0,\"max\":9,\"sum\":%f,"
                   "\"sampleCount\":1}}]}]}",
                   t->arn, cpu * 2.0, memory);
    metrics_world_say(w, text, at_s);
}
