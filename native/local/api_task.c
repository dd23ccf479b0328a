/* api_task.c - tasks that exist: tell, list, stop, protect. Source: Amazon ECS API reference, the call
 * of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "svc_keep.h"

#include <cJSON.h>
#include <string.h>

#define REASON_MAX   1024
#define DESCRIBE_MAX 100

void ea_lc_add_task(ea_buf *out, const struct ea_lc_task *t, bool with_tags)
{
    EA_BUF_AUTO body = EA_BUF(1024 * 1024);

    ea_json_encode(&ea_lc_task_wire_shape, t, EA_J_WIRE, &body);
    ea_buf_adds(out, "{\"attachments\":[],\"attributes\":[],\"enableExecuteCommand\":false,"
                     "\"inferenceAccelerators\":[],\"tags\":");
    if (with_tags)
        ea_lc_add_tags(out, &t->tags);
    else
        ea_buf_adds(out, "[]");
    if (!t->overrides)
        ea_buf_adds(out, ",\"overrides\":{\"containerOverrides\":[],"
                         "\"inferenceAcceleratorOverrides\":[]}");
    ea_buf_addf(out, ",%s", ea_buf_z(&body) + 1); /* the shape always has members */
}

void ea_lc_want_stopped(ea_local *lc, struct ea_lc_task *t, const char *code, const char *reason)
{
    if (strcmp(t->desired, "STOPPED") == 0)
        return;
    ea_set_str(&t->desired, "STOPPED");
    ea_set_str(&t->stop_code, code);
    ea_set_str(&t->stopped_reason, reason);
    t->stopping_at = ea_lc_seconds(ea_now().wall_ms);
    t->version++;
    ea_lc_touch(&lc->state, EA_LC_TASK, t);
    ea_info("task is to stop", EA_S("task", t->arn), EA_S("reason", reason));
}

void ea_lc_set_stopped(ea_local *lc, struct ea_lc_task *t, const char *code, const char *reason)
{
    double now = ea_lc_seconds(ea_now().wall_ms);

    if (ea_lc_task_stopped(t))
        return;
    if (!t->stop_code)
        ea_set_str(&t->stop_code, code);
    if (ea_zstr_empty(t->stopped_reason))
        ea_set_str(&t->stopped_reason, reason);
    if (t->stopping_at <= 0.0)
        t->stopping_at = now;
    if (t->execution_stopped_at <= 0.0)
        t->execution_stopped_at = now;
    t->stopped_at = now;
    ea_set_str(&t->desired, "STOPPED");
    ea_set_str(&t->last, "STOPPED");
    for (size_t i = 0; i < t->containers.n; i++)
        ea_set_str(&t->containers.v[i].last_status, "STOPPED");
    t->version++;
    ea_lc_touch(&lc->state, EA_LC_TASK, t);
    ea_local_plan_sweep(lc);
    ea_info("task stopped", EA_S("task", t->arn), EA_S("reason", t->stopped_reason));
}

int ea_lc_stop_task(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *reason = ea_lc_call_str(c, "reason");
    struct ea_lc_task *t;
    const struct ea_lc_instance *i;

    if (!cluster)
        return -1;
    if (reason && strlen(reason) > REASON_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "Reason must be at most %d characters.",
                            REASON_MAX);
    t = ea_lc_find_task(&c->lc->state, cluster, ea_lc_call_str(c, "task"));
    if (!t)
        return ea_lc_refuse(c, "InvalidParameterException", "The referenced task was not found.");
    if (!ea_lc_task_stopped(t)) {
        ea_lc_want_stopped(c->lc, t, "UserInitiated", reason ? reason : "Task stopped by user");
        i = ea_lc_by_arn(&c->lc->state, EA_LC_INSTANCE, t->instance_arn);
        if (!i || strcmp(i->status, "INACTIVE") == 0)
            ea_lc_set_stopped(c->lc, t, "UserInitiated", "Task stopped by user");
    }
    ea_buf_adds(&c->out, "{\"task\":");
    ea_lc_add_task(&c->out, t, true);
    ea_buf_addc(&c->out, '}');
    return 0;
}

/* The family in ".../family:revision". */
static bool is_of_family(const struct ea_lc_task *t, const char *family)
{
    const char *name = ea_arn_id(t->taskdef_arn);
    size_t n = strlen(family);

    return strncmp(name, family, n) == 0 && name[n] == ':';
}

int ea_lc_list_tasks(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *instance = ea_lc_call_str(c, "containerInstance");
    const char *family = ea_lc_call_str(c, "family");
    const char *started_by = ea_lc_call_str(c, "startedBy");
    const char *desired = ea_lc_call_str(c, "desiredStatus");
    const char *type = ea_lc_call_str(c, "launchType");
    const struct ea_lc_instance *i = NULL;
    const struct ea_lc_service *s = NULL;
    ea_lc_page p;

    if (!cluster)
        return -1;
    if (!ea_zstr_empty(ea_lc_call_str(c, "serviceName"))) {
        s = ea_lc_find_service(&c->lc->state, cluster, ea_lc_call_str(c, "serviceName"));
        if (!s)
            return ea_lc_refuse(c, "ServiceNotFoundException", "Service not found.");
    }
    if (!ea_zstr_empty(instance)) {
        i = ea_lc_find_instance(&c->lc->state, cluster, instance);
        if (!i)
            return ea_lc_refuse(c, "InvalidParameterException",
                                "The referenced container instance was not found.");
    }
    if (ea_lc_page_begin(c, "taskArns", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (strcmp(t->cluster_arn, cluster->arn) == 0 &&
            strcmp(t->desired, desired ? desired : "RUNNING") == 0 &&
            (!i || strcmp(t->instance_arn, i->arn) == 0) && (!s || ea_lc_service_owns(s, t)) &&
            (ea_zstr_empty(family) || is_of_family(t, family)) &&
            (ea_zstr_empty(started_by) || ea_zstr_eq(t->started_by, started_by)) &&
            (!type || ea_zstr_eq(t->launch_type, type)))
            ea_lc_page_add(&p, t->arn);
    }
    ea_lc_page_end(&p);
    return 0;
}

/* A failure for what is not there, named by its full ARN as AWS does. */
static void add_missing(ea_lc_call *c, ea_buf *failures, const struct ea_lc_cluster *cluster,
                        const char *named)
{
    EA_FREE_AUTO char *arn =
        ea_lc_arn(&c->lc->state, "task/%s/%.200s", cluster->name, ea_arn_id(named));

    if (failures->n)
        ea_buf_addc(failures, ',');
    ea_lc_add_failure(failures, arn, "MISSING", NULL);
}

int ea_lc_describe_tasks(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const cJSON *list = ea_json_get(c->in, "tasks"), *item;
    EA_BUF_AUTO failures = EA_BUF(256 * 1024);
    size_t found = 0;

    if (!cluster)
        return -1;
    if (cJSON_GetArraySize(list) == 0)
        return ea_lc_refuse(c, "InvalidParameterException", "Tasks cannot be empty.");
    if (cJSON_GetArraySize(list) > DESCRIBE_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "tasks can have at most %d items.",
                            DESCRIBE_MAX);
    ea_buf_adds(&c->out, "{\"tasks\":[");
    cJSON_ArrayForEach(item, list)
    {
        const struct ea_lc_task *t = ea_lc_find_task(&c->lc->state, cluster, item->valuestring);

        if (!t) {
            add_missing(c, &failures, cluster, item->valuestring);
            continue;
        }
        if (found++)
            ea_buf_addc(&c->out, ',');
        ea_lc_add_task(&c->out, t, ea_lc_call_includes(c, "TAGS"));
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}

/* ---- protection from scale-in ----------------------------------------------------------------- */

static void add_protection(ea_lc_call *c, const struct ea_lc_task *t, size_t *n)
{
    bool on = t->protection && t->protection_until > ea_lc_seconds(c->now_ms);

    if ((*n)++)
        ea_buf_addc(&c->out, ',');
    ea_buf_adds(&c->out, "{\"taskArn\":");
    ea_buf_add_json_str(&c->out, ea_str_of(t->arn));
    ea_buf_addf(&c->out, ",\"protectionEnabled\":%s", on ? "true" : "false");
    if (on)
        ea_buf_addf(&c->out, ",\"expirationDate\":%.3f", t->protection_until);
    ea_buf_addc(&c->out, '}');
}

/* AWS protects tasks of services alone; here every running task may be protected, so that what the agent offers to containers can be seen to work. */
static int protect(ea_lc_call *c, bool change)
{
    const cJSON *list = ea_json_get(c->in, "tasks"), *item;
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    bool on = cJSON_IsTrue(ea_json_get(c->in, "protectionEnabled"));
    int64_t minutes = ea_lc_call_int(c, "expiresInMinutes", 120);
    EA_BUF_AUTO failures = EA_BUF(64 * 1024);
    size_t n = 0;

    if (!cluster)
        return -1;
    if (minutes < 1 || minutes > 2880)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "expiresInMinutes must be between 1 and 2880.");
    ea_buf_adds(&c->out, "{\"protectedTasks\":[");
    cJSON_ArrayForEach(item, list)
    {
        struct ea_lc_task *t = ea_lc_find_task(&c->lc->state, cluster, item->valuestring);

        if (!t) {
            add_missing(c, &failures, cluster, item->valuestring);
            continue;
        }
        if (!ea_lc_task_wanted(t)) {
            if (failures.n)
                ea_buf_addc(&failures, ',');
            ea_lc_add_failure(&failures, t->arn, "TASK_NOT_VALID",
                              "The task is stopped or stopping.");
            continue;
        }
        if (change) {
            t->protection = on;
            t->protection_until = on ? ea_lc_seconds(c->now_ms + minutes * 60000) : 0.0;
            ea_lc_touch(&c->lc->state, EA_LC_TASK, t);
        }
        add_protection(c, t, &n);
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}

int ea_lc_get_task_protection(ea_lc_call *c)
{
    return protect(c, false);
}

int ea_lc_update_task_protection(ea_lc_call *c)
{
    return protect(c, true);
}
