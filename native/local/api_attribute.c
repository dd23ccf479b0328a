/* api_attribute.c - attributes that operators put on container instances. Source: Amazon ECS API
 * reference, the call of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"

#include <cJSON.h>
#include <string.h>

#define CHANGES_MAX    10
#define NAME_MAX_BYTES 128

static bool is_sound(const char *text, const char *more)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++) {
        char ch = text[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              strchr(more, ch)))
            return false;
    }
    return n > 0 && n <= NAME_MAX_BYTES;
}

/* The instance an attribute is for; NULL after a refusal. */
static struct ea_lc_instance *target(ea_lc_call *c, const struct ea_lc_cluster *cluster,
                                     const cJSON *attribute)
{
    const char *name = ea_json_get_str(attribute, "name");
    const char *value = ea_json_get_str(attribute, "value");
    const char *id = ea_json_get_str(attribute, "targetId");
    struct ea_lc_instance *i;

    if (!is_sound(name, "-_./\\") || (!ea_zstr_empty(value) && !is_sound(value, "-_.@:/\\ "))) {
        (void)ea_lc_refuse(c, "InvalidParameterException",
                           "Attribute name or value has invalid characters or length.");
        return NULL;
    }
    if (ea_str_starts(ea_str_of(name), "ecs.") ||
        ea_str_starts(ea_str_of(name), "com.amazonaws.ecs.")) {
        (void)ea_lc_refuse(
            c, "InvalidParameterException",
            "Attribute names that begin with ecs. or com.amazonaws.ecs. are reserved.");
        return NULL;
    }
    i = id ? ea_lc_find_instance(&c->lc->state, cluster, id) : NULL;
    if (!i || strcmp(i->status, "INACTIVE") == 0) {
        (void)ea_lc_refuse(c, "TargetNotFoundException", "The specified target wasn't found.");
        return NULL;
    }
    return i;
}

static void add_attribute(ea_buf *out, const char *name, const char *value, const char *arn)
{
    ea_buf_adds(out, "{\"name\":");
    ea_buf_add_json_str(out, ea_str_of(name));
    if (value) {
        ea_buf_adds(out, ",\"value\":");
        ea_buf_add_json_str(out, ea_str_of(value));
    }
    ea_buf_adds(out, ",\"targetId\":");
    ea_buf_add_json_str(out, ea_str_of(arn));
    ea_buf_addc(out, '}');
}

static int change(ea_lc_call *c, bool put)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const cJSON *list = ea_json_get(c->in, "attributes"), *item;
    size_t n = 0;

    if (!cluster)
        return -1;
    if (cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > CHANGES_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Attributes should be between 1 and %d.", CHANGES_MAX);
    cJSON_ArrayForEach(item, list) if (!target(c, cluster, item)) return -1;
    ea_buf_adds(&c->out, "{\"attributes\":[");
    cJSON_ArrayForEach(item, list)
    {
        struct ea_lc_instance *i = target(c, cluster, item);
        const char *name = ea_json_get_str(item, "name"), *value = ea_json_get_str(item, "value");

        if (!i)
            return -1; /* found above */
        if (put)
            ea_lc_attribute_set(&i->attributes, name, value);
        else
            ea_lc_attribute_remove(&i->attributes, name);
        ea_lc_touch(&c->lc->state, EA_LC_INSTANCE, i);
        if (n++)
            ea_buf_addc(&c->out, ',');
        add_attribute(&c->out, name, value, i->arn);
    }
    ea_buf_adds(&c->out, "]}");
    return 0;
}

int ea_lc_put_attributes(ea_lc_call *c)
{
    return change(c, true);
}

int ea_lc_delete_attributes(ea_lc_call *c)
{
    return change(c, false);
}

int ea_lc_list_attributes(ea_lc_call *c)
{
    struct ea_lc_cluster *cluster = ea_lc_call_cluster(c);
    const char *name = ea_lc_call_str(c, "attributeName");
    const char *value = ea_lc_call_str(c, "attributeValue");
    ea_lc_page p;

    if (!cluster)
        return -1;
    if (ea_lc_page_begin(c, "attributes", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.instances, node)
    {
        const struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (strcmp(i->cluster_arn, cluster->arn) != 0 || strcmp(i->status, "INACTIVE") == 0)
            continue;
        for (size_t k = 0; k < i->attributes.n; k++) {
            const struct ea_lc_attribute *a = &i->attributes.v[k];

            if ((ea_zstr_empty(name) || strcmp(a->name, name) == 0) &&
                (ea_zstr_empty(value) || ea_zstr_eq(a->value, value)) && ea_lc_page_takes(&p))
                add_attribute(&c->out, a->name, a->value, i->arn);
        }
    }
    ea_lc_page_end(&p);
    return 0;
}
