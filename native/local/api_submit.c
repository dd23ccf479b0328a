/* api_submit.c - what agents report: states of tasks and containers. Source: control-plane.md sections
 * 1.5 to 1.7 and 5. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/log.h"

#include <cJSON.h>
#include <string.h>

#define REASON_MAX 1024
#define ID_MAX     255

static int rank(const char *status)
{
    static const char *const order[] = { "PENDING", "RUNNING", "STOPPED" };

    for (size_t i = 0; status && i < EA_COUNT(order); i++)
        if (strcmp(order[i], status) == 0)
            return (int)i;
    return -1;
}

static struct ea_lc_task *find(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *named = ea_lc_call_str(c, "task");
    struct ea_lc_task *t;

    if (!cluster)
        return NULL;
    t = named ? ea_lc_find_task(&c->lc->state, cluster, named) : NULL;
    if (!t) /* of an event that can never be taken, so that the agent drops it */
        (void)ea_lc_refuse(c, "InvalidParameterException", "The referenced task was not found.");
    return t;
}

static int check_change(ea_lc_call *c, const cJSON *change)
{
    static const struct {
        const char *member;
        size_t max;
    } limits[] = { { "runtimeId", ID_MAX }, { "imageDigest", ID_MAX }, { "reason", REASON_MAX } };
    const char *status = ea_json_get_str(change, "status");

    if (status && rank(status) < 0)
        return ea_lc_refuse(c, "InvalidParameterException", "Invalid container status: %s", status);
    for (size_t i = 0; i < EA_COUNT(limits); i++) {
        const char *text = ea_json_get_str(change, limits[i].member);

        if (text && strlen(text) > limits[i].max)
            return ea_lc_refuse(c, "InvalidParameterException", "%s is longer than %zu.",
                                limits[i].member, limits[i].max);
    }
    return 0;
}

static void set_bindings(struct ea_lc_container *to, const cJSON *list)
{
    const cJSON *b;
    size_t n = 0;

    if (!list || !list->child)
        return;
    for (size_t i = 0; i < to->bindings.n; i++)
        ea_json_free(&ea_lc_binding_shape, &to->bindings.v[i]);
    ea_free(to->bindings.v);
    to->bindings.n = (size_t)cJSON_GetArraySize(list);
    to->bindings.v = ea_alloc_array(to->bindings.n, sizeof(*to->bindings.v));
    cJSON_ArrayForEach(b, list)
    {
        struct ea_lc_binding *x = &to->bindings.v[n++];
        const cJSON *inside = ea_json_get(b, "containerPort"), *host = ea_json_get(b, "hostPort");

        x->bind_ip = ea_strdup(ea_json_get_str(b, "bindIP"));
        x->protocol = ea_strdup(ea_json_get_str(b, "protocol"));
        x->container_port = inside ? (int64_t)inside->valuedouble : 0;
        x->host_port = host ? (int64_t)host->valuedouble : 0;
        x->container_port_range = ea_strdup(ea_json_get_str(b, "containerPortRange"));
        x->host_port_range = ea_strdup(ea_json_get_str(b, "hostPortRange"));
    }
}

static void set_if_there(char **slot, const cJSON *from, const char *member)
{
    const char *text = ea_json_get_str(from, member);

    if (!ea_zstr_empty(text))
        ea_set_str(slot, text);
}

static void apply(struct ea_lc_task *t, const cJSON *change)
{
    struct ea_lc_container *to = ea_lc_task_container(t, ea_json_get_str(change, "containerName"));
    const char *status = ea_json_get_str(change, "status");
    const cJSON *exit_code = ea_json_get(change, "exitCode");

    if (!to) {
        ea_warn("report of an unknown container", EA_S("task", t->arn),
                EA_S("container", ea_json_get_str(change, "containerName")));
        return;
    }
    set_if_there(&to->runtime_id, change, "runtimeId");
    set_if_there(&to->image_digest, change, "imageDigest");
    set_if_there(&to->reason, change, "reason");
    if (exit_code)
        to->exit_code = (ea_opt_i64){ true, (int64_t)exit_code->valuedouble };
    set_bindings(to, ea_json_get(change, "networkBindings"));
    if (rank(status) > rank(to->last_status)) /* a late report never takes a state back */
        ea_set_str(&to->last_status, status);
}

static void set_time(double *slot, const cJSON *from, const char *member)
{
    const cJSON *v = ea_json_get(from, member);

    if (v && v->valuedouble > 0.0)
        *slot = v->valuedouble;
}

static void set_task_status(ea_lc_call *c, struct ea_lc_task *t, const char *status,
                            const char *reason)
{
    if (rank(status) <= rank(t->last))
        return;
    if (strcmp(status, "RUNNING") == 0) {
        ea_set_str(&t->last, status);
        t->started_at = ea_lc_seconds(c->now_ms);
        ea_info("task runs", EA_S("task", t->arn));
        return;
    }
    if (t->started_at <= 0.0)
        ea_lc_set_stopped(c->lc, t, "TaskFailedToStart",
                          ea_zstr_empty(reason) ? "Task failed to start" : reason);
    else
        ea_lc_set_stopped(c->lc, t, "EssentialContainerExited",
                          ea_zstr_empty(reason) ? "Essential container in task exited" : reason);
}

int ea_lc_submit_task_state_change(ea_lc_call *c)
{
    struct ea_lc_task *t = find(c);
    const char *status = ea_lc_call_str(c, "status"), *reason = ea_lc_call_str(c, "reason");
    const cJSON *change;

    if (!t)
        return -1;
    if (status && rank(status) < 0)
        return ea_lc_refuse(c, "InvalidParameterException", "Invalid status: %s", status);
    if (reason && strlen(reason) > REASON_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "reason is longer than %d.",
                            REASON_MAX);
    cJSON_ArrayForEach(change,
                       ea_json_get(c->in, "containers")) if (check_change(c, change)) return -1;
    cJSON_ArrayForEach(change, ea_json_get(c->in, "containers")) apply(t, change);
    set_time(&t->pull_started_at, c->in, "pullStartedAt");
    set_time(&t->pull_stopped_at, c->in, "pullStoppedAt");
    set_time(&t->execution_stopped_at, c->in, "executionStoppedAt");
    t->version++;
    ea_lc_touch(&c->lc->state, EA_LC_TASK, t);
    if (status)
        set_task_status(c, t, status, reason);
    ea_buf_adds(&c->out, "{\"acknowledgment\":\"ACK\"}");
    return 0;
}

int ea_lc_submit_container_state_change(ea_lc_call *c)
{
    struct ea_lc_task *t = find(c);

    if (!t || check_change(c, c->in))
        return -1;
    if (!ea_lc_task_container(t, ea_lc_call_str(c, "containerName")))
        return ea_lc_refuse(c, "InvalidParameterException", "The container was not found.");
    apply(t, c->in);
    t->version++;
    ea_lc_touch(&c->lc->state, EA_LC_TASK, t);
    ea_buf_adds(&c->out, "{\"acknowledgment\":\"ACK\"}");
    return 0;
}

/* Nothing here attaches interfaces or volumes, so nothing can have been attached. */
int ea_lc_submit_attachment_state_changes(ea_lc_call *c)
{
    if (!ea_lc_call_cluster(c))
        return -1;
    return ea_lc_refuse(c, "InvalidParameterException", "The referenced attachment was not found.");
}
