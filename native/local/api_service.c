/* api_service.c - services: create, change, end, tell. What they do is in svc_keep.c. Source: Amazon ECS
 * API reference, the call of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "svc_keep.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define DESIRED_MAX     1000
#define PERCENT_MAX     1000
#define DESCRIBE_MAX    10
#define DEPLOYMENTS_MAX 10

/* ---- telling ---------------------------------------------------------------------------------- */

struct counts { /* of one deployment, or of all */
    const char *id, *taskdef;
    int64_t running, pending, failed;
    double since;
};

static void count_task(struct counts *n, const struct ea_lc_task *t)
{
    n->running += strcmp(t->last, "RUNNING") == 0;
    n->pending += strcmp(t->last, "PENDING") == 0 && ea_lc_task_wanted(t);
    n->failed += ea_lc_task_stopped(t) && t->started_at <= 0.0 &&
                 !ea_zstr_eq(t->stop_code, "ServiceSchedulerInitiated");
}

struct telling {
    struct counts all;
    struct counts deployments[DEPLOYMENTS_MAX]; /* the newest first */
    size_t n;
};

static struct counts *deployment_of(struct telling *told, const struct ea_lc_task *t)
{
    for (size_t i = 0; i < told->n; i++)
        if (ea_zstr_eq(told->deployments[i].id, t->started_by))
            return &told->deployments[i];
    if (told->n == DEPLOYMENTS_MAX || ea_lc_task_stopped(t))
        return NULL;
    told->deployments[told->n] =
        (struct counts){ .id = t->started_by, .taskdef = t->taskdef_arn, .since = t->created_at };
    return &told->deployments[told->n++];
}

static struct telling count(const ea_lc_state *st, const struct ea_lc_service *s)
{
    struct telling told = { .deployments = { { .id = s->deployment,
                                               .taskdef = s->taskdef_arn,
                                               .since = s->deployed_at } },
                            .n = 1 };

    EA_LIST_EACH(&st->tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);
        struct counts *of;

        if (!ea_lc_service_owns(s, t))
            continue;
        count_task(&told.all, t);
        of = deployment_of(&told, t);
        if (of)
            count_task(of, t);
    }
    return told;
}

static void add_text(ea_buf *out, const char *name, const char *value)
{
    ea_buf_addf(out, ",\"%s\":", name);
    ea_buf_add_json_str(out, ea_str_of(value));
}

static void add_deployment(ea_buf *out, const struct ea_lc_service *s, const struct counts *d,
                           bool primary)
{
    ea_buf_addf(out, "{\"status\":\"%s\"", primary ? "PRIMARY" : "ACTIVE");
    add_text(out, "id", d->id);
    add_text(out, "taskDefinition", d->taskdef);
    ea_buf_addf(out,
                ",\"desiredCount\":%lld,\"pendingCount\":%lld,\"runningCount\":%lld,"
                "\"failedTasks\":%lld,\"createdAt\":%.3f,\"updatedAt\":%.3f,"
                "\"launchType\":\"EC2\",\"rolloutState\":\"%s\"}",
                (long long)(primary ? s->desired : 0), (long long)d->pending, (long long)d->running,
                (long long)d->failed, d->since, s->changed_at,
                s->steady || !primary ? "COMPLETED" : "IN_PROGRESS");
}

static void add_events(ea_buf *out, const struct ea_lc_service *s)
{
    ea_buf_adds(out, ",\"events\":[");
    for (size_t i = s->events.n; i-- > 0;) { /* the newest first */
        const struct ea_lc_event *e = &s->events.v[i];

        ea_buf_addf(out, "%s{\"createdAt\":%.3f", i + 1 < s->events.n ? "," : "", e->created_at);
        add_text(out, "id", e->id);
        add_text(out, "message", e->message);
        ea_buf_addc(out, '}');
    }
    ea_buf_addc(out, ']');
}

static void add_service(ea_lc_call *c, const struct ea_lc_service *s, bool tags)
{
    struct telling told = count(&c->lc->state, s);
    ea_buf *out = &c->out;

    ea_buf_adds(out, "{\"loadBalancers\":[],\"serviceRegistries\":[],\"launchType\":\"EC2\","
                     "\"schedulingStrategy\":\"REPLICA\",\"deploymentController\":{\"type\":"
                     "\"ECS\"},\"enableECSManagedTags\":false,\"enableExecuteCommand\":false");
    add_text(out, "serviceArn", s->arn);
    add_text(out, "serviceName", s->name);
    add_text(out, "clusterArn", s->cluster_arn);
    add_text(out, "status", s->status);
    add_text(out, "taskDefinition", s->taskdef_arn);
    add_text(out, "propagateTags", s->propagate ? s->propagate : "NONE");
    ea_buf_addf(out,
                ",\"desiredCount\":%lld,\"runningCount\":%lld,\"pendingCount\":%lld,"
                "\"createdAt\":%.3f,\"deploymentConfiguration\":{\"minimumHealthyPercent\":%lld,"
                "\"maximumPercent\":%lld},\"placementConstraints\":%s,\"placementStrategy\":%s,"
                "\"deployments\":[",
                (long long)s->desired, (long long)told.all.running, (long long)told.all.pending,
                s->created_at, (long long)s->min_percent, (long long)s->max_percent,
                s->constraints ? s->constraints : "[]", s->strategy ? s->strategy : "[]");
    for (size_t i = 0; i < told.n && strcmp(s->status, "INACTIVE") != 0; i++) {
        if (i)
            ea_buf_addc(out, ',');
        add_deployment(out, s, &told.deployments[i], i == 0);
    }
    ea_buf_addc(out, ']');
    add_events(out, s);
    if (tags) {
        ea_buf_adds(out, ",\"tags\":");
        ea_lc_add_tags(out, &s->tags);
    }
    ea_buf_addc(out, '}');
}

static int answer(ea_lc_call *c, const struct ea_lc_service *s)
{
    ea_buf_adds(&c->out, "{\"service\":");
    add_service(c, s, true);
    ea_buf_addc(&c->out, '}');
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void new_deployment(struct ea_lc_service *s, double now)
{
    unsigned char raw[8];
    uint64_t n = 0;
    char id[32];

    ea_plat_random(raw, sizeof(raw));
    for (size_t i = 0; i < sizeof(raw); i++)
        n = n << 8 | raw[i];
    (void)snprintf(id, sizeof(id), "ecs-svc/%019llu",
                   (unsigned long long)(n % 10000000000000000000ULL));
    ea_set_str(&s->deployment, id);
    s->deployed_at = s->changed_at = now;
    s->steady = false;
}

/* What both calls may say, over what was there. Nothing is kept on a refusal. */
struct wishes {
    int64_t desired, min_percent, max_percent;
    const struct ea_lc_taskdef *taskdef; /* NULL: not named */
};

static int read_wishes(ea_lc_call *c, struct wishes *w)
{
    const cJSON *config = ea_json_get(c->in, "deploymentConfiguration");
    const cJSON *least = ea_json_get(config, "minimumHealthyPercent");
    const cJSON *most = ea_json_get(config, "maximumPercent");
    const char *named = ea_lc_call_str(c, "taskDefinition");

    w->desired = ea_lc_call_int(c, "desiredCount", w->desired);
    if (w->desired < 0 || w->desired > DESIRED_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "desiredCount should be between 0 and %d.", DESIRED_MAX);
    if (least)
        w->min_percent = (int64_t)least->valuedouble;
    if (most)
        w->max_percent = (int64_t)most->valuedouble;
    if (w->min_percent < 0 || w->min_percent > 100 || w->max_percent < 100 ||
        w->max_percent > PERCENT_MAX || w->max_percent <= w->min_percent)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "minimumHealthyPercent is 0 to 100 and below maximumPercent, which is "
                            "100 to %d.",
                            PERCENT_MAX);
    if (!ea_zstr_empty(named)) {
        w->taskdef = ea_lc_find_taskdef(&c->lc->state, named);
        if (!w->taskdef)
            return ea_lc_refuse(c, "ClientException", "TaskDefinition not found.");
        if (strcmp(w->taskdef->status, "ACTIVE") != 0)
            return ea_lc_refuse(c, "ClientException", "TaskDefinition is inactive");
    }
    return 0;
}

static void keep_list(const ea_lc_call *c, const char *member, char **slot)
{
    const cJSON *list = ea_json_get(c->in, member);
    char *text;

    if (!list)
        return;
    text = cJSON_PrintUnformatted(list);
    ea_set_str(slot, text);
    cJSON_free(text);
}

static void keep_propagation(const ea_lc_call *c, struct ea_lc_service *s)
{
    const char *propagate = ea_lc_call_str(c, "propagateTags");

    if (propagate)
        ea_set_str(&s->propagate, strcmp(propagate, "NONE") == 0 ? NULL : propagate);
}

/* The service that the request names; NULL after a refusal. */
static struct ea_lc_service *call_service(ea_lc_call *c)
{
    const struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    struct ea_lc_service *s =
        cluster ? ea_lc_find_service(&c->lc->state, cluster, ea_lc_call_str(c, "service")) : NULL;

    if (cluster && !s)
        (void)ea_lc_refuse(c, "ServiceNotFoundException", "Service not found.");
    return s;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static int check_new(ea_lc_call *c)
{
    const char *type = ea_lc_call_str(c, "launchType");
    const char *scheduling = ea_lc_call_str(c, "schedulingStrategy");
    const char *controller = ea_json_get_str(ea_json_get(c->in, "deploymentController"), "type");

    if (!ea_lc_name_is_sound(ea_lc_call_str(c, "serviceName")))
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Identifier was unexpected length or contains invalid characters.");
    if (type && strcmp(type, "EC2") != 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The local control plane runs launch type EC2 alone.");
    if (scheduling && strcmp(scheduling, "REPLICA") != 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The local control plane schedules REPLICA services alone.");
    if (controller && strcmp(controller, "ECS") != 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The local control plane has the deployment controller ECS alone.");
    return 0;
}

static struct ea_lc_service *make(ea_lc_call *c, const struct ea_lc_cluster *cluster,
                                  const struct wishes *w)
{
    struct ea_lc_service *s = ea_lc_service_new();
    const char *name = ea_lc_call_str(c, "serviceName");

    s->arn = ea_lc_arn(&c->lc->state, "service/%s/%s", cluster->name, name);
    s->name = ea_strdup(name);
    s->cluster_arn = ea_strdup(cluster->arn);
    s->taskdef_arn = ea_strdup(w->taskdef->arn);
    s->status = ea_strdup("ACTIVE");
    s->client_token = ea_strdup(ea_lc_call_str(c, "clientToken"));
    s->desired = w->desired;
    s->min_percent = w->min_percent;
    s->max_percent = w->max_percent;
    s->created_at = ea_lc_seconds(c->now_ms);
    keep_list(c, "placementConstraints", &s->constraints);
    keep_list(c, "placementStrategy", &s->strategy);
    keep_propagation(c, s);
    new_deployment(s, s->created_at);
    return s;
}

int ea_lc_create_service(ea_lc_call *c)
{
    const struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    struct wishes w = { .desired = -1, .min_percent = 100, .max_percent = 200 };
    struct ea_lc_service *s, *before;
    ea_lc_tags tags;

    if (!cluster || check_new(c))
        return -1;
    before = ea_lc_find_service(&c->lc->state, cluster, ea_lc_call_str(c, "serviceName"));
    if (before && strcmp(before->status, "INACTIVE") != 0) {
        const char *token = ea_lc_call_str(c, "clientToken");

        if (!ea_zstr_empty(token) && ea_zstr_eq(token, before->client_token))
            return answer(c, before);
        return ea_lc_refuse(c, "InvalidParameterException",
                            strcmp(before->status, "DRAINING") == 0
                                ? "Unable to Start a service that is still Draining."
                                : "Creation of service was not idempotent.");
    }
    if (!ea_json_get(c->in, "desiredCount"))
        return ea_lc_refuse(c, "InvalidParameterException",
                            "desiredCount is needed for a REPLICA service.");
    if (ea_lc_check_placement(c) || read_wishes(c, &w))
        return -1;
    if (!w.taskdef)
        return ea_lc_refuse(c, "InvalidParameterException", "TaskDefinition can not be blank.");
    if (ea_lc_call_tags(c, &tags))
        return -1;
    if (before)
        ea_lc_remove(&c->lc->state, EA_LC_SERVICE, before);
    s = make(c, cluster, &w);
    s->tags = tags;
    ea_lc_add(&c->lc->state, EA_LC_SERVICE, s);
    ea_info("service created", EA_S("service", s->name), EA_I("desired", s->desired));
    return answer(c, s);
}

int ea_lc_update_service(ea_lc_call *c)
{
    struct ea_lc_service *s = call_service(c);
    bool again = cJSON_IsTrue(ea_json_get(c->in, "forceNewDeployment"));
    double now = ea_lc_seconds(c->now_ms);
    struct wishes w;

    if (!s)
        return -1;
    if (strcmp(s->status, "ACTIVE") != 0)
        return ea_lc_refuse(c, "ServiceNotActiveException", "Service was not ACTIVE.");
    w = (struct wishes){ .desired = s->desired,
                         .min_percent = s->min_percent,
                         .max_percent = s->max_percent };
    if (ea_lc_check_placement(c) || read_wishes(c, &w))
        return -1;
    if (w.desired != s->desired)
        s->steady = false;
    s->desired = w.desired;
    s->min_percent = w.min_percent;
    s->max_percent = w.max_percent;
    s->changed_at = now;
    keep_list(c, "placementConstraints", &s->constraints);
    keep_list(c, "placementStrategy", &s->strategy);
    keep_propagation(c, s);
    if (again || (w.taskdef && strcmp(w.taskdef->arn, s->taskdef_arn) != 0)) {
        if (w.taskdef)
            ea_set_str(&s->taskdef_arn, w.taskdef->arn);
        new_deployment(s, now);
    }
    ea_lc_touch(&c->lc->state, EA_LC_SERVICE, s);
    ea_info("service changed", EA_S("service", s->name), EA_I("desired", s->desired));
    return answer(c, s);
}

int ea_lc_delete_service(ea_lc_call *c)
{
    struct ea_lc_service *s = call_service(c);

    if (!s)
        return -1;
    if (strcmp(s->status, "ACTIVE") != 0)
        return ea_lc_refuse(c, "ServiceNotFoundException", "Service not found.");
    if (s->desired > 0 && !cJSON_IsTrue(ea_json_get(c->in, "force")))
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The service cannot be stopped while it is scaled above 0.");
    ea_set_str(&s->status, "DRAINING");
    s->desired = 0;
    s->changed_at = ea_lc_seconds(c->now_ms);
    ea_lc_touch(&c->lc->state, EA_LC_SERVICE, s);
    ea_info("service is to end", EA_S("service", s->name));
    return answer(c, s);
}

int ea_lc_describe_services(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const cJSON *list = ea_json_get(c->in, "services"), *item;
    EA_BUF_AUTO failures = EA_BUF(64 * 1024);
    size_t found = 0;

    if (!cluster)
        return -1;
    if (cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > DESCRIBE_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "services has 1 to %d items.",
                            DESCRIBE_MAX);
    ea_buf_adds(&c->out, "{\"services\":[");
    cJSON_ArrayForEach(item, list)
    {
        const struct ea_lc_service *s =
            ea_lc_find_service(&c->lc->state, cluster, item->valuestring);

        if (!s) {
            EA_FREE_AUTO char *arn = ea_lc_arn(&c->lc->state, "service/%s/%.200s", cluster->name,
                                               ea_arn_id(item->valuestring));

            if (failures.n)
                ea_buf_addc(&failures, ',');
            ea_lc_add_failure(&failures, arn, "MISSING", NULL);
            continue;
        }
        if (found++)
            ea_buf_addc(&c->out, ',');
        add_service(c, s, ea_lc_call_includes(c, "TAGS"));
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}

int ea_lc_list_services(ea_lc_call *c)
{
    const struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *type = ea_lc_call_str(c, "launchType");
    const char *scheduling = ea_lc_call_str(c, "schedulingStrategy");
    bool none =
        (type && strcmp(type, "EC2") != 0) || (scheduling && strcmp(scheduling, "REPLICA") != 0);
    ea_lc_page p;

    if (!cluster || ea_lc_page_begin(c, "serviceArns", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.services, node)
    {
        const struct ea_lc_service *s = EA_OWNER(node, struct ea_lc_service, node);

        if (!none && strcmp(s->cluster_arn, cluster->arn) == 0 &&
            strcmp(s->status, "INACTIVE") != 0)
            ea_lc_page_add(&p, s->arn);
    }
    ea_lc_page_end(&p);
    return 0;
}
