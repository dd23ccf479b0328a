/* api_instance.c - container instances: tell, list, drain, deregister. Source: Amazon ECS API
 * reference, the call of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "place.h"
#include "place_expr.h"

#include <cJSON.h>
#include <string.h>

#define DESCRIBE_MAX 100

/* ---- telling ---------------------------------------------------------------------------------- */

struct held { /* what the tasks of an instance hold */
    ea_lc_candidate free;
    int64_t running, pending;
};

static void count_held(const ea_lc_state *st, const struct ea_lc_instance *i, struct held *h)
{
    *h = (struct held){ .running = 0 };
    ea_lc_candidate_init(&h->free, i);
    EA_LIST_EACH(&st->tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (ea_lc_task_stopped(t) || strcmp(t->instance_arn, i->arn) != 0)
            continue;
        ea_lc_candidate_take(&h->free, t, NULL);
        if (strcmp(t->last, "RUNNING") == 0)
            h->running++;
        else
            h->pending++;
    }
}

static void add_number(ea_buf *out, const char *name, int64_t value)
{
    ea_buf_addf(out,
                "{\"name\":\"%s\",\"type\":\"INTEGER\",\"doubleValue\":0.0,\"longValue\":0,"
                "\"integerValue\":%lld}",
                name, (long long)value);
}

static void add_ports(ea_buf *out, const char *name, const ea_i64list *ports)
{
    ea_buf_addf(out,
                "{\"name\":\"%s\",\"type\":\"STRINGSET\",\"doubleValue\":0.0,\"longValue\":0,"
                "\"integerValue\":0,\"stringSetValue\":[",
                name);
    for (size_t i = 0; i < ports->n; i++)
        ea_buf_addf(out, "%s\"%lld\"", i ? "," : "", (long long)ports->v[i]);
    ea_buf_adds(out, "]}");
}

static void add_resources(ea_buf *out, const char *member, const ea_lc_candidate *c)
{
    ea_buf_addf(out, ",\"%s\":[", member);
    add_number(out, "CPU", c->cpu);
    ea_buf_addc(out, ',');
    add_number(out, "MEMORY", c->memory_mib);
    ea_buf_addc(out, ',');
    add_ports(out, "PORTS", &c->tcp);
    ea_buf_addc(out, ',');
    add_ports(out, "PORTS_UDP", &c->udp);
    ea_buf_addc(out, ']');
}

static void add_text(ea_buf *out, const char *member, const char *value)
{
    if (!value)
        return;
    ea_buf_addf(out, ",\"%s\":", member);
    ea_buf_add_json_str(out, ea_str_of(value));
}

static void add_health(ea_buf *out, const struct ea_lc_instance_health *h)
{
    const char *status = h->status ? h->status : "INSUFFICIENT_DATA";

    ea_buf_addf(out, ",\"healthStatus\":{\"overallStatus\":\"%s\",\"details\":[", status);
    if (h->status)
        ea_buf_addf(out,
                    "{\"type\":\"CONTAINER_RUNTIME\",\"status\":\"%s\",\"lastUpdated\":%.3f,"
                    "\"lastStatusChange\":%.3f}",
                    status, h->last_updated, h->last_change);
    ea_buf_adds(out, "]}");
}

void ea_lc_add_instance(ea_local *lc, ea_buf *out, const struct ea_lc_instance *i, bool tags,
                        bool health)
{
    ea_lc_candidate whole;
    struct held h;

    count_held(&lc->state, i, &h);
    ea_lc_candidate_init(&whole, i);
    ea_buf_adds(out, "{\"containerInstanceArn\":");
    ea_buf_add_json_str(out, ea_str_of(i->arn));
    add_text(out, "ec2InstanceId", i->ec2_id);
    ea_buf_addf(out, ",\"version\":%lld,\"versionInfo\":{", (long long)i->version);
    if (i->agent_version) {
        ea_buf_adds(out, "\"agentVersion\":");
        ea_buf_add_json_str(out, ea_str_of(i->agent_version));
        add_text(out, "agentHash", i->agent_hash);
        add_text(out, "dockerVersion", i->docker_version);
    }
    ea_buf_adds(out, "}");
    add_resources(out, "remainingResources", &h.free);
    add_resources(out, "registeredResources", &whole);
    ea_buf_addf(out,
                ",\"status\":\"%s\",\"agentConnected\":%s,\"runningTasksCount\":%lld,"
                "\"pendingTasksCount\":%lld,\"registeredAt\":%.3f,\"attributes\":[",
                i->status, i->connected ? "true" : "false", (long long)h.running,
                (long long)h.pending, i->registered_at);
    for (size_t k = 0; k < i->attributes.n; k++) {
        if (k)
            ea_buf_addc(out, ',');
        ea_json_encode(&ea_lc_attribute_shape, &i->attributes.v[k], EA_J_WIRE, out);
    }
    ea_buf_adds(out, "],\"attachments\":[],\"tags\":");
    if (tags)
        ea_lc_add_tags(out, &i->tags);
    else
        ea_buf_adds(out, "[]");
    if (health)
        add_health(out, &i->health);
    ea_buf_addc(out, '}');
    ea_lc_candidate_done(&whole);
    ea_lc_candidate_done(&h.free);
}

static void add_missing(ea_lc_call *c, ea_buf *failures, const struct ea_lc_cluster *cluster,
                        const char *named)
{
    EA_FREE_AUTO char *arn =
        ea_lc_arn(&c->lc->state, "container-instance/%s/%.200s", cluster->name, ea_arn_id(named));

    if (failures->n)
        ea_buf_addc(failures, ',');
    ea_lc_add_failure(failures, arn, "MISSING", NULL);
}

int ea_lc_describe_container_instances(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const cJSON *list = ea_json_get(c->in, "containerInstances"), *item;
    EA_BUF_AUTO failures = EA_BUF(256 * 1024);
    size_t found = 0;

    if (!cluster)
        return -1;
    if (cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > DESCRIBE_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Container instances should be between 1 and %d.", DESCRIBE_MAX);
    ea_buf_adds(&c->out, "{\"containerInstances\":[");
    cJSON_ArrayForEach(item, list)
    {
        const struct ea_lc_instance *i =
            ea_lc_find_instance(&c->lc->state, cluster, item->valuestring);

        if (!i) {
            add_missing(c, &failures, cluster, item->valuestring);
            continue;
        }
        if (found++)
            ea_buf_addc(&c->out, ',');
        ea_lc_add_instance(c->lc, &c->out, i, ea_lc_call_includes(c, "TAGS"),
                           ea_lc_call_includes(c, "CONTAINER_INSTANCE_HEALTH"));
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}

int ea_lc_list_container_instances(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *status = ea_lc_call_str(c, "status"), *filter = ea_lc_call_str(c, "filter");
    ea_lc_page p;
    ea_err err;

    if (!cluster)
        return -1;
    if (!ea_zstr_empty(filter)) {
        const struct ea_lc_instance nobody = { .arn = NULL };
        const ea_lc_subject s = { &nobody, 0, NULL };
        bool holds;

        if (ea_lc_expr_matches(filter, &s, &holds, &err))
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid filter: %s", err.text);
    }
    if (ea_lc_page_begin(c, "containerInstanceArns", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.instances, node)
    {
        const struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);
        bool holds = strcmp(i->cluster_arn, cluster->arn) == 0 &&
                     (status ? strcmp(i->status, status) == 0 : strcmp(i->status, "INACTIVE") != 0);

        if (holds && !ea_zstr_empty(filter)) {
            struct held h;
            ea_lc_subject s;

            count_held(&c->lc->state, i, &h);
            s = (ea_lc_subject){ i, h.running, &h.free.groups };
            holds = ea_lc_expr_matches(filter, &s, &holds, &err) == EA_OK && holds;
            ea_lc_candidate_done(&h.free);
        }
        if (holds)
            ea_lc_page_add(&p, i->arn);
    }
    ea_lc_page_end(&p);
    return 0;
}

/* ---- changing --------------------------------------------------------------------------------- */

void ea_lc_drop_instance(ea_local *lc, struct ea_lc_instance *i, const char *reason)
{
    EA_LIST_EACH(&lc->state.tasks, node)
    {
        struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (strcmp(t->instance_arn, i->arn) == 0)
            ea_lc_set_stopped(lc, t, "TerminationNotice", reason);
    }
    ea_set_str(&i->status, "INACTIVE");
    i->version++;
    ea_lc_touch(&lc->state, EA_LC_INSTANCE, i);
    ea_info("container instance deregistered", EA_S("instance", i->arn), EA_S("reason", reason));
}

int ea_lc_deregister_container_instance(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    struct ea_lc_instance *i;
    struct held h;
    bool force = cJSON_IsTrue(ea_json_get(c->in, "force"));

    if (!cluster)
        return -1;
    i = ea_lc_find_instance(&c->lc->state, cluster, ea_lc_call_str(c, "containerInstance"));
    if (!i || strcmp(i->status, "INACTIVE") == 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The referenced container instance was not found.");
    count_held(&c->lc->state, i, &h);
    ea_lc_candidate_done(&h.free);
    if (!force && h.running + h.pending > 0)
        return ea_lc_refuse(c, "InvalidParameterException", "Found running tasks on the instance.");
    ea_lc_drop_instance(c->lc, i, "Container instance was deregistered forcibly by user.");
    ea_buf_adds(&c->out, "{\"containerInstance\":");
    ea_lc_add_instance(c->lc, &c->out, i, true, false);
    ea_buf_addc(&c->out, '}');
    return 0;
}

int ea_lc_update_container_instances_state(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *status = ea_lc_call_str(c, "status");
    const cJSON *item;
    EA_BUF_AUTO failures = EA_BUF(64 * 1024);
    size_t found = 0;

    if (!cluster)
        return -1;
    if (strcmp(status, "ACTIVE") != 0 && strcmp(status, "DRAINING") != 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Container instance status should be one of [ACTIVE, DRAINING].");
    ea_buf_adds(&c->out, "{\"containerInstances\":[");
    cJSON_ArrayForEach(item, ea_json_get(c->in, "containerInstances"))
    {
        struct ea_lc_instance *i = ea_lc_find_instance(&c->lc->state, cluster, item->valuestring);

        if (!i || strcmp(i->status, "INACTIVE") == 0) {
            add_missing(c, &failures, cluster, item->valuestring);
            continue;
        }
        if (strcmp(i->status, status) != 0) {
            ea_set_str(&i->status, status);
            i->version++;
            ea_lc_touch(&c->lc->state, EA_LC_INSTANCE, i);
        }
        if (found++)
            ea_buf_addc(&c->out, ',');
        ea_lc_add_instance(c->lc, &c->out, i, true, false);
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}
