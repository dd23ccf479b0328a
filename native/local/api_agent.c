/* api_agent.c - an agent finds its endpoints and registers its container instance.
 * Source: control-plane.md sections 1.2 and 1.3. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "local_imds.h"

#include <cJSON.h>
#include <string.h>

#define ATTRIBUTES_MAX 500
#define RESOURCES_MAX  50

int ea_lc_discover_poll_endpoint(ea_lc_call *c)
{
    EA_BUF_AUTO base = EA_BUF(1024);

    ea_local_base_url(c->lc, c->req, &base);
    ea_buf_adds(&c->out, "{\"endpoint\":\"");
    ea_buf_adds(&c->out, ea_buf_z(&base));
    ea_buf_adds(&c->out, "/acs/\",\"telemetryEndpoint\":\"");
    ea_buf_adds(&c->out, ea_buf_z(&base));
    ea_buf_adds(&c->out, "/tcs/\"}");
    return 0;
}

struct identity { /* what the document tells */
    cJSON *tree;
    const char *instance_id;
};

/* An agent without metadata service sends empty texts, which are taken as they are. */
static int read_identity(ea_lc_call *c, struct identity *out)
{
    const char *document = ea_lc_call_str(c, "instanceIdentityDocument");
    const char *signature = ea_lc_call_str(c, "instanceIdentityDocumentSignature");
    char mac[45];
    ea_err err;

    *out = (struct identity){ .tree = NULL };
    if (ea_zstr_empty(document))
        return 0;
    ea_lc_imds_signature(c->lc, ea_str_of(document), mac);
    if (!signature || !ea_lc_same(signature, mac) ||
        ea_json_parse(ea_str_of(document), &out->tree, &err))
        return ea_lc_refuse(c, "ClientException",
                            "The instance identity document or its signature is invalid.");
    out->instance_id = ea_json_get_str(out->tree, "instanceId");
    return 0;
}

static void set_resources(ea_lc_call *c, struct ea_lc_instance *i)
{
    const cJSON *list = ea_json_get(c->in, "totalResources"), *item, *port;
    size_t n = 0;

    for (size_t k = 0; k < i->resources.n; k++)
        ea_json_free(&ea_lc_resource_shape, &i->resources.v[k]);
    ea_free(i->resources.v);
    i->resources.n = (size_t)cJSON_GetArraySize(list);
    i->resources.v = ea_alloc_array(i->resources.n, sizeof(*i->resources.v));
    cJSON_ArrayForEach(item, list)
    {
        struct ea_lc_resource *r = &i->resources.v[n++];
        const cJSON *number = ea_json_get(item, "integerValue");

        r->name = ea_strdup(ea_json_get_str(item, "name"));
        r->type = ea_strdup(ea_json_get_str(item, "type"));
        r->integer = number ? (int64_t)number->valuedouble : 0;
        cJSON_ArrayForEach(port, ea_json_get(item, "stringSetValue"))
            ea_strlist_add(&r->set, port->valuestring);
    }
}

static bool is_capability(const char *name)
{
    return ea_str_starts(ea_str_of(name), "com.amazonaws.ecs.capability.") ||
           ea_str_starts(ea_str_of(name), "ecs.capability.");
}

/* The agent tells all its capabilities each time: those it no longer tells are gone. What operators
 * have put on the instance stays. */
static void set_attributes(ea_lc_call *c, struct ea_lc_instance *i, const struct identity *id)
{
    static const struct {
        const char *attribute, *member;
    } derived[] = {
        { "ecs.availability-zone", "availabilityZone" },
        { "ecs.instance-type", "instanceType" },
        { "ecs.ami-id", "imageId" },
        { "ecs.cpu-architecture", "architecture" },
    };
    const cJSON *item;

    for (size_t k = i->attributes.n; k-- > 0;)
        if (is_capability(i->attributes.v[k].name))
            ea_lc_attribute_remove(&i->attributes, i->attributes.v[k].name);
    cJSON_ArrayForEach(item, ea_json_get(c->in, "attributes")) ea_lc_attribute_set(
        &i->attributes, ea_json_get_str(item, "name"), ea_json_get_str(item, "value"));
    for (size_t k = 0; k < EA_COUNT(derived); k++) {
        const char *value = ea_json_get_str(id->tree, derived[k].member);

        if (value)
            ea_lc_attribute_set(&i->attributes, derived[k].attribute, value);
    }
    if (!ea_lc_attribute_find(&i->attributes, "ecs.availability-zone")) {
        EA_FREE_AUTO char *zone = ea_sprintf_dup("%sa", c->lc->state.region);

        ea_lc_attribute_set(&i->attributes, "ecs.availability-zone", zone);
    }
}

/* One EC2 instance has one container instance: an older registration of it is gone for good, since
 * nobody would report its tasks any more. */
static void drop_older(ea_lc_call *c, const struct identity *id)
{
    if (ea_zstr_empty(id->instance_id))
        return;
    EA_LIST_EACH(&c->lc->state.instances, node)
    {
        struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (ea_zstr_eq(i->ec2_id, id->instance_id) && strcmp(i->status, "INACTIVE") != 0)
            ea_lc_drop_instance(c->lc, i,
                                "The EC2 instance registered anew as another container instance.");
    }
}

static struct ea_lc_instance *find_by_token(const ea_lc_state *st,
                                            const struct ea_lc_cluster *cluster, const char *token)
{
    EA_LIST_EACH(&st->instances, node)
    {
        struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (!ea_zstr_empty(token) && ea_zstr_eq(i->client_token, token) &&
            strcmp(i->cluster_arn, cluster->arn) == 0 && strcmp(i->status, "INACTIVE") != 0)
            return i;
    }
    return NULL;
}

static struct ea_lc_instance *make_instance(ea_lc_call *c, const struct ea_lc_cluster *cluster,
                                            const struct identity *id)
{
    struct ea_lc_instance *i = ea_lc_instance_new();
    char name[EA_LC_ID_BYTES];

    drop_older(c, id);
    ea_lc_new_id(name);
    i->arn = ea_lc_arn(&c->lc->state, "container-instance/%s/%s", cluster->name, name);
    i->cluster_arn = ea_strdup(cluster->arn);
    i->ec2_id = ea_strdup(id->instance_id);
    i->status = ea_strdup("ACTIVE");
    i->registered_at = ea_lc_seconds(c->now_ms);
    i->client_token = ea_strdup(ea_lc_call_str(c, "clientToken"));
    ea_lc_add(&c->lc->state, EA_LC_INSTANCE, i);
    return i;
}

static int check_request(ea_lc_call *c)
{
    const cJSON *resources = ea_json_get(c->in, "totalResources"), *item;
    bool cpu = false, memory = false;

    cJSON_ArrayForEach(item, resources)
    {
        cpu = cpu || ea_zstr_eq(ea_json_get_str(item, "name"), "CPU");
        memory = memory || ea_zstr_eq(ea_json_get_str(item, "name"), "MEMORY");
    }
    if (!cpu || !memory || cJSON_GetArraySize(resources) > RESOURCES_MAX)
        return ea_lc_refuse(c, "ClientException", "Resources CPU and MEMORY are needed.");
    if (cJSON_GetArraySize(ea_json_get(c->in, "attributes")) > ATTRIBUTES_MAX)
        return ea_lc_refuse(c, "ClientException", "Too many attributes.");
    return 0;
}

/* The instance that the call is about, made when it is new; NULL after a refusal. */
static struct ea_lc_instance *find_or_make(ea_lc_call *c, const struct identity *id)
{
    const char *arn = ea_lc_call_str(c, "containerInstanceArn");
    const char *named = ea_lc_call_str(c, "cluster");
    struct ea_lc_cluster *cluster = ea_lc_find_cluster(&c->lc->state, named);
    struct ea_lc_instance *i;

    if (!cluster && c->lc->create_clusters && ea_zstr_empty(arn) && ea_lc_name_is_sound(named))
        cluster = ea_lc_make_cluster(c->lc, named);
    if (!cluster) {
        (void)ea_lc_refuse(c, "ClientException", "Cluster not found.");
        return NULL;
    }
    if (ea_zstr_empty(arn)) {
        i = find_by_token(&c->lc->state, cluster, ea_lc_call_str(c, "clientToken"));
        return i ? i : make_instance(c, cluster, id);
    }
    i = ea_lc_by_arn(&c->lc->state, EA_LC_INSTANCE, arn);
    if (!i || strcmp(i->cluster_arn, cluster->arn) != 0 || strcmp(i->status, "INACTIVE") == 0) {
        (void)ea_lc_refuse(c, "ClientException", "Container instance is not registered: %s", arn);
        return NULL;
    }
    return i;
}

int ea_lc_register_container_instance(ea_lc_call *c)
{
    struct ea_lc_instance *i;
    struct identity id;
    ea_lc_tags tags = { NULL, 0 };

    if (check_request(c) || read_identity(c, &id))
        return -1;
    if (ea_lc_call_tags(c, &tags)) {
        cJSON_Delete(id.tree);
        return -1;
    }
    i = find_or_make(c, &id);
    if (!i) {
        ea_lc_tags_free(&tags);
        cJSON_Delete(id.tree);
        return -1;
    }
    set_resources(c, i);
    set_attributes(c, i, &id);
    for (size_t k = 0; k < tags.n; k++)
        ea_lc_tag_set(&i->tags, tags.v[k].key, tags.v[k].value);
    i->version++;
    ea_lc_touch(&c->lc->state, EA_LC_INSTANCE, i);
    ea_info("container instance registered", EA_S("instance", i->arn),
            EA_I("attributes", i->attributes.n), EA_I("version", i->version));
    ea_buf_adds(&c->out, "{\"containerInstance\":");
    ea_lc_add_instance(c->lc, &c->out, i, true, false);
    ea_buf_addc(&c->out, '}');
    ea_lc_tags_free(&tags);
    cJSON_Delete(id.tree);
    return 0;
}
