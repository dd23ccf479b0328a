#include "answer.h"

#include "../base/arn.h"
#include "../base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

/* ---- members, each absent or of another type: its zero value ---- */

static const char *text(ecsagent_op *op, const cJSON *o, const char *name)
{
    return ea_op_str(op, ea_json_get_str(o, name));
}

static int64_t number(const cJSON *o, const char *name)
{
    const cJSON *v = ea_json_get(o, name);

    if (!cJSON_IsNumber(v) || !(v->valuedouble >= -9e15 && v->valuedouble <= 9e15))
        return 0;
    return (int64_t)v->valuedouble;
}

static uint32_t flag(const cJSON *o, const char *name)
{
    return cJSON_IsTrue(ea_json_get(o, name)) ? 1 : 0;
}

static uint32_t small(const cJSON *o, const char *name)
{
    int64_t n = number(o, name);

    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static const cJSON *array(const cJSON *o, const char *name, uint32_t *count)
{
    const cJSON *a = ea_json_get(o, name);
    int n = cJSON_IsArray(a) ? cJSON_GetArraySize(a) : 0;

    *count = (uint32_t)n;
    return n ? a->child : NULL;
}

static ecsagent_list list_of(ecsagent_type type, const void *items, uint32_t count, size_t stride)
{
    return (ecsagent_list){ sizeof(ecsagent_list), (uint32_t)(count ? type : ECSAGENT_TYPE_NONE),
                            count, (uint32_t)stride, count ? items : NULL };
}

/* ---- status ---- */

static uint32_t state_of(const char *word)
{
    static const struct {
        const char *word;
        uint32_t state;
    } words[] = {
        { "WAITING", ECSAGENT_STATE_WAITING },     { "REGISTERED", ECSAGENT_STATE_REGISTERED },
        { "CONNECTED", ECSAGENT_STATE_CONNECTED }, { "DRAINING", ECSAGENT_STATE_DRAINING },
        { "STOPPING", ECSAGENT_STATE_STOPPING },
    };

    for (size_t i = 0; i < EA_COUNT(words); i++) {
        if (ea_zstr_eq(word, words[i].word))
            return words[i].state;
    }
    return ECSAGENT_STATE_UNKNOWN;
}

static ecsagent_list waits_of(ecsagent_op *op, const cJSON *o)
{
    uint32_t n;
    const cJSON *item = array(o, "waits", &n);
    ecsagent_wait *v = ea_op_alloc(op, n * sizeof(*v));

    for (uint32_t i = 0; i < n; i++, item = item->next) {
        v[i].size = sizeof(v[i]);
        v[i].attempts = small(item, "attempts");
        v[i].name = text(op, item, "name");
        v[i].what = text(op, item, "what");
        v[i].last_error = text(op, item, "lastError");
        v[i].since_ms = number(item, "since");
        v[i].next_try_ms = number(item, "nextTry");
    }
    return list_of(ECSAGENT_TYPE_WAIT, v, n, sizeof(*v));
}

static ecsagent_list capabilities_of(ecsagent_op *op, const cJSON *o)
{
    uint32_t n;
    const cJSON *item = array(o, "capabilities", &n);
    ecsagent_capability *v = ea_op_alloc(op, n * sizeof(*v));

    for (uint32_t i = 0; i < n; i++, item = item->next) {
        v[i].size = sizeof(v[i]);
        v[i].offered = flag(item, "offered");
        v[i].name = text(op, item, "name");
        v[i].reason = text(op, item, "reason");
    }
    return list_of(ECSAGENT_TYPE_CAPABILITY, v, n, sizeof(*v));
}

static void fill_status(ecsagent_op *op, const cJSON *o, ecsagent_status *s)
{
    const cJSON *tasks = ea_json_get(o, "tasks");

    s->size = sizeof(*s);
    s->state = state_of(ea_json_get_str(o, "state"));
    s->pid = (int32_t)number(o, "pid");
    s->task_role_ready = flag(o, "taskRoleReady");
    s->tasks_pending = small(tasks, "pending");
    s->tasks_running = small(tasks, "running");
    s->tasks_stopped = small(tasks, "stopped");
    s->cluster = text(op, o, "cluster");
    s->container_instance_arn = text(op, o, "containerInstanceArn");
    s->version = text(op, o, "version");
    s->wire_version = text(op, o, "wireVersion");
    s->docker_version = text(op, o, "dockerVersion");
    s->docker_api_version = text(op, o, "dockerApiVersion");
    s->ec2_instance_id = text(op, o, "ec2InstanceId");
    s->region = text(op, o, "region");
    s->endpoint = text(op, o, "endpoint");
    s->data_dir = text(op, o, "dataDir");
    s->log_file = text(op, o, "logFile");
    s->started_ms = number(o, "startedAt");
    s->uptime_s = number(o, "uptime");
    s->acs_connected_ms = number(o, "acsConnectedAt");
    s->last_metrics_ms = number(o, "lastMetricsAt");
    s->waits = waits_of(op, o);
    s->capabilities = capabilities_of(op, o);
    s->metrics_reason = text(op, o, "metricsReason");
}

ea_code ea_answer_status(ecsagent_op *op, ea_str json, ecsagent_status *out, ea_err *err)
{
    cJSON *root = NULL;

    if (ea_json_parse(json, &root, err))
        return ea_wrap(err, "status of the agent");
    fill_status(op, root, out);
    cJSON_Delete(root);
    return EA_OK;
}

/* ---- tasks ---- */

static ecsagent_list ports_of(ecsagent_op *op, const cJSON *o)
{
    uint32_t n;
    const cJSON *item = array(o, "ports", &n);
    ecsagent_port *v = ea_op_alloc(op, n * sizeof(*v));

    for (uint32_t i = 0; i < n; i++, item = item->next) {
        v[i].size = sizeof(v[i]);
        v[i].container_port = small(item, "containerPort");
        v[i].host_port = small(item, "hostPort");
        v[i].protocol = text(op, item, "protocol");
        v[i].bind_ip = text(op, item, "bindIp");
    }
    return list_of(ECSAGENT_TYPE_PORT, v, n, sizeof(*v));
}

static void fill_usage(const cJSON *o, ecsagent_container *c)
{
    const cJSON *cpu = ea_json_get(o, "cpuPercent"), *used = ea_json_get(o, "memoryUsedMib");

    c->has_cpu_percent = cJSON_IsNumber(cpu) ? 1 : 0;
    c->has_memory_used = cJSON_IsNumber(used) ? 1 : 0;
    c->cpu_percent = c->has_cpu_percent ? cpu->valuedouble : 0.0;
    c->memory_used_mib = number(o, "memoryUsedMib");
}

static ecsagent_list containers_of(ecsagent_op *op, const cJSON *o)
{
    uint32_t n;
    const cJSON *item = array(o, "containers", &n);
    ecsagent_container *v = ea_op_alloc(op, n * sizeof(*v));

    for (uint32_t i = 0; i < n; i++, item = item->next) {
        v[i].size = sizeof(v[i]);
        v[i].essential = flag(item, "essential");
        v[i].has_exit_code = cJSON_IsNumber(ea_json_get(item, "exitCode")) ? 1 : 0;
        v[i].exit_code = (int32_t)(uint32_t)number(item, "exitCode");
        v[i].name = text(op, item, "name");
        v[i].docker_id = text(op, item, "dockerId");
        v[i].docker_name = text(op, item, "dockerName");
        v[i].image = text(op, item, "image");
        v[i].image_id = text(op, item, "imageId");
        v[i].known_status = text(op, item, "knownStatus");
        v[i].desired_status = text(op, item, "desiredStatus");
        v[i].health = text(op, item, "health");
        v[i].reason = text(op, item, "reason");
        v[i].cpu = number(item, "cpu");
        v[i].memory_mib = number(item, "memory");
        v[i].created_ms = number(item, "createdAt");
        v[i].started_ms = number(item, "startedAt");
        v[i].finished_ms = number(item, "finishedAt");
        v[i].ports = ports_of(op, item);
        v[i].activity = text(op, item, "activity");
        fill_usage(item, &v[i]);
    }
    return list_of(ECSAGENT_TYPE_CONTAINER, v, n, sizeof(*v));
}

static void fill_task(ecsagent_op *op, const cJSON *o, ecsagent_task *t)
{
    const char *arn = ea_json_get_str(o, "arn");

    t->size = sizeof(*t);
    t->arn = ea_op_str(op, arn);
    t->id = arn ? ea_op_str(op, ea_arn_id(arn)) : NULL;
    t->family = text(op, o, "family");
    t->revision = text(op, o, "revision");
    t->known_status = text(op, o, "knownStatus");
    t->desired_status = text(op, o, "desiredStatus");
    t->network_mode = text(op, o, "networkMode");
    t->role_arn = text(op, o, "roleArn");
    t->stopped_reason = text(op, o, "stoppedReason");
    t->created_ms = number(o, "createdAt");
    t->pull_started_ms = number(o, "pullStartedAt");
    t->pull_stopped_ms = number(o, "pullStoppedAt");
    t->started_ms = number(o, "startedAt");
    t->stopped_ms = number(o, "stoppedAt");
    t->containers = containers_of(op, o);
}

ea_code ea_answer_tasks(ecsagent_op *op, ea_str json, ecsagent_task **items, uint32_t *count,
                        ea_err *err)
{
    cJSON *root = NULL;
    const cJSON *item;

    if (ea_json_parse(json, &root, err))
        return ea_wrap(err, "tasks of the agent");
    item = array(root, "tasks", count);
    *items = ea_op_alloc(op, *count * sizeof(**items));
    for (uint32_t i = 0; i < *count; i++, item = item->next)
        fill_task(op, item, &(*items)[i]);
    cJSON_Delete(root);
    return EA_OK;
}
