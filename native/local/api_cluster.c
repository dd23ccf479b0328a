/* api_cluster.c - clusters. Source: Amazon ECS API reference, the call of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"

#include <cJSON.h>
#include <string.h>

#define NAME_MAX_BYTES   255
#define DEFAULT_SETTINGS "[{\"name\":\"containerInsights\",\"value\":\"disabled\"}]"

bool ea_lc_name_is_sound(const char *name)
{
    size_t n = name ? strlen(name) : 0;

    if (n == 0 || n > NAME_MAX_BYTES)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

struct ea_lc_cluster *ea_lc_make_cluster(ea_local *lc, const char *name)
{
    struct ea_lc_cluster *c = ea_lc_cluster_new();

    c->arn = ea_lc_arn(&lc->state, "cluster/%s", name);
    c->name = ea_strdup(name);
    c->status = ea_strdup("ACTIVE");
    c->settings = ea_strdup(DEFAULT_SETTINGS);
    ea_lc_add(&lc->state, EA_LC_CLUSTER, c);
    return c;
}

struct counts {
    int64_t instances, running, pending, services;
};

static struct counts count(const ea_local *lc, const struct ea_lc_cluster *c)
{
    struct counts n = { 0, 0, 0, 0 };

    EA_LIST_EACH(&lc->state.instances, node)
    {
        const struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (strcmp(i->cluster_arn, c->arn) == 0 && strcmp(i->status, "INACTIVE") != 0)
            n.instances++;
    }
    EA_LIST_EACH(&lc->state.tasks, tnode)
    {
        const struct ea_lc_task *t = EA_OWNER(tnode, struct ea_lc_task, node);

        if (strcmp(t->cluster_arn, c->arn) != 0)
            continue;
        n.running += strcmp(t->last, "RUNNING") == 0;
        n.pending += strcmp(t->last, "PENDING") == 0;
    }
    EA_LIST_EACH(&lc->state.services, snode)
    {
        const struct ea_lc_service *s = EA_OWNER(snode, struct ea_lc_service, node);

        n.services += strcmp(s->cluster_arn, c->arn) == 0 && strcmp(s->status, "ACTIVE") == 0;
    }
    return n;
}

static void add_cluster(const ea_local *lc, ea_buf *out, const struct ea_lc_cluster *c,
                        const char *status, bool tags, bool settings, bool statistics)
{
    struct counts n = count(lc, c);

    ea_buf_adds(out, "{\"clusterArn\":");
    ea_buf_add_json_str(out, ea_str_of(c->arn));
    ea_buf_adds(out, ",\"clusterName\":");
    ea_buf_add_json_str(out, ea_str_of(c->name));
    ea_buf_addf(
        out,
        ",\"status\":\"%s\",\"registeredContainerInstancesCount\":%lld,"
        "\"runningTasksCount\":%lld,\"pendingTasksCount\":%lld,\"activeServicesCount\":%lld,"
        "\"statistics\":",
        status, (long long)n.instances, (long long)n.running, (long long)n.pending,
        (long long)n.services);
    if (statistics)
        ea_buf_addf(out,
                    "[{\"name\":\"runningEC2TasksCount\",\"value\":\"%lld\"},"
                    "{\"name\":\"pendingEC2TasksCount\",\"value\":\"%lld\"}]",
                    (long long)n.running, (long long)n.pending);
    else
        ea_buf_adds(out, "[]");
    ea_buf_adds(out, ",\"tags\":");
    if (tags)
        ea_lc_add_tags(out, &c->tags);
    else
        ea_buf_adds(out, "[]");
    ea_buf_addf(out,
                ",\"settings\":%s,\"capacityProviders\":[],"
                "\"defaultCapacityProviderStrategy\":[]}",
                settings && c->settings ? c->settings : "[]");
}

/* The request's settings as text to keep; NULL without any. */
static int read_settings(ea_lc_call *c, char **out)
{
    const cJSON *list = ea_json_get(c->in, "settings"), *s;
    char *text;

    *out = NULL;
    cJSON_ArrayForEach(s, list)
    {
        const char *value = ea_json_get_str(s, "value");

        if (!ea_json_get(s, "name") || !value ||
            (strcmp(value, "enabled") != 0 && strcmp(value, "disabled") != 0 &&
             strcmp(value, "enhanced") != 0))
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid cluster setting.");
    }
    if (!list || !list->child)
        return 0;
    text = cJSON_PrintUnformatted(list);
    *out = ea_strdup(text);
    cJSON_free(text);
    return 0;
}

int ea_lc_create_cluster(ea_lc_call *c)
{
    const char *name = ea_lc_call_str(c, "clusterName");
    struct ea_lc_cluster *cluster;
    ea_lc_tags tags;
    char *settings;

    if (ea_zstr_empty(name))
        name = "default";
    if (!ea_lc_name_is_sound(name))
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Identifier was unexpected length or contains invalid characters.");
    if (read_settings(c, &settings))
        return -1;
    if (ea_lc_call_tags(c, &tags)) {
        ea_free(settings);
        return -1;
    }
    cluster = ea_lc_find_cluster(&c->lc->state, name);
    if (!cluster) { /* creating what is there answers it as it is */
        cluster = ea_lc_make_cluster(c->lc, name);
        cluster->tags = tags;
        tags = (ea_lc_tags){ NULL, 0 };
        if (settings)
            ea_set_str(&cluster->settings, settings);
    }
    ea_lc_tags_free(&tags);
    ea_free(settings);
    ea_buf_adds(&c->out, "{\"cluster\":");
    add_cluster(c->lc, &c->out, cluster, "ACTIVE", true, true, false);
    ea_buf_addc(&c->out, '}');
    return 0;
}

int ea_lc_describe_clusters(ea_lc_call *c)
{
    const cJSON *list = ea_json_get(c->in, "clusters"), *item;
    EA_BUF_AUTO failures = EA_BUF(256 * 1024);
    const char *names[100] = { "default" };
    size_t n = list && list->child ? 0 : 1, found = 0;

    cJSON_ArrayForEach(item, list)
    {
        if (n == EA_COUNT(names))
            return ea_lc_refuse(c, "InvalidParameterException",
                                "clusters can have at most 100 items.");
        names[n++] = item->valuestring;
    }
    ea_buf_adds(&c->out, "{\"clusters\":[");
    for (size_t i = 0; i < n; i++) {
        const struct ea_lc_cluster *cluster = ea_lc_find_cluster(&c->lc->state, names[i]);

        if (cluster) {
            if (found++)
                ea_buf_addc(&c->out, ',');
            add_cluster(c->lc, &c->out, cluster, cluster->status, ea_lc_call_includes(c, "TAGS"),
                        ea_lc_call_includes(c, "SETTINGS"), ea_lc_call_includes(c, "STATISTICS"));
        } else {
            bool is_arn = ea_str_starts(ea_str_of(names[i]), "arn:");
            EA_FREE_AUTO char *arn =
                is_arn ? ea_strdup(names[i]) : ea_lc_arn(&c->lc->state, "cluster/%s", names[i]);

            if (failures.n)
                ea_buf_addc(&failures, ',');
            ea_lc_add_failure(&failures, arn, "MISSING", NULL);
        }
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    return 0;
}

int ea_lc_list_clusters(ea_lc_call *c)
{
    ea_lc_page p;

    if (ea_lc_page_begin(c, "clusterArns", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.clusters, node)
    ea_lc_page_add(&p, EA_OWNER(node, struct ea_lc_cluster, node)->arn);
    ea_lc_page_end(&p);
    return 0;
}

int ea_lc_delete_cluster(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    struct counts n;

    if (!cluster)
        return -1;
    n = count(c->lc, cluster);
    if (n.services)
        return ea_lc_refuse(c, "ClusterContainsServicesException",
                            "The Cluster cannot be deleted while Services are active.");
    if (n.instances)
        return ea_lc_refuse(c, "ClusterContainsContainerInstancesException",
                            "The Cluster cannot be deleted while Container Instances are active or "
                            "draining.");
    if (n.running || n.pending)
        return ea_lc_refuse(c, "ClusterContainsTasksException",
                            "The Cluster cannot be deleted while Tasks are active.");
    ea_buf_adds(&c->out, "{\"cluster\":");
    add_cluster(c->lc, &c->out, cluster, "INACTIVE", true, true, false);
    ea_buf_addc(&c->out, '}');
    ea_lc_remove(&c->lc->state, EA_LC_CLUSTER, cluster);
    return 0;
}
