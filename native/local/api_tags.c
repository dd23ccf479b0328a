/* api_tags.c - tags of clusters, task definitions, container instances, tasks and services. Source: Amazon ECS
 * API reference, the call of each function's name. */
#include "local_api.h"

#include "../base/alloc.h"

#include <cJSON.h>
#include <string.h>

#define TAGS_MAX 50

/* The entity and its tags; NULL after a refusal. */
static ea_lc_tags *find(ea_lc_call *c, ea_lc_what *what, void **entity)
{
    const char *arn = ea_lc_call_str(c, "resourceArn");
    const ea_lc_state *st = &c->lc->state;

    for (int k = EA_LC_CLUSTER; k < EA_LC_KINDS; k++) {
        void *found = ea_lc_by_arn(st, (ea_lc_what)k, arn);

        if (!found)
            continue;
        *what = (ea_lc_what)k;
        *entity = found;
        switch (*what) {
        case EA_LC_CLUSTER:
            return &((struct ea_lc_cluster *)found)->tags;
        case EA_LC_TASKDEF:
            return &((struct ea_lc_taskdef *)found)->tags;
        case EA_LC_INSTANCE:
            return &((struct ea_lc_instance *)found)->tags;
        case EA_LC_TASK:
            return &((struct ea_lc_task *)found)->tags;
        case EA_LC_SERVICE:
            return &((struct ea_lc_service *)found)->tags;
        case EA_LC_KINDS:
            break;
        }
    }
    if (ea_str_starts(ea_str_of(arn), "arn:"))
        (void)ea_lc_refuse(c, "InvalidParameterException",
                           "The specified resource cannot be found: %s", arn);
    else
        (void)ea_lc_refuse(c, "InvalidParameterException", "Invalid arn: %s", arn);
    return NULL;
}

int ea_lc_tag_resource(ea_lc_call *c)
{
    ea_lc_what what;
    void *entity;
    ea_lc_tags *tags = find(c, &what, &entity), added;

    if (!tags || ea_lc_call_tags(c, &added))
        return -1;
    if (tags->n + added.n > TAGS_MAX) {
        ea_lc_tags_free(&added);
        return ea_lc_refuse(c, "InvalidParameterException", "A resource can have %d tags.",
                            TAGS_MAX);
    }
    for (size_t i = 0; i < added.n; i++)
        ea_lc_tag_set(tags, added.v[i].key, added.v[i].value);
    ea_lc_tags_free(&added);
    ea_lc_touch(&c->lc->state, what, entity);
    ea_buf_adds(&c->out, "{}");
    return 0;
}

int ea_lc_untag_resource(ea_lc_call *c)
{
    ea_lc_what what;
    void *entity;
    ea_lc_tags *tags = find(c, &what, &entity);
    const cJSON *key;

    if (!tags)
        return -1;
    cJSON_ArrayForEach(key, ea_json_get(c->in, "tagKeys")) ea_lc_tag_remove(tags, key->valuestring);
    ea_lc_touch(&c->lc->state, what, entity);
    ea_buf_adds(&c->out, "{}");
    return 0;
}

int ea_lc_list_tags_for_resource(ea_lc_call *c)
{
    ea_lc_what what;
    void *entity;
    const ea_lc_tags *tags = find(c, &what, &entity);

    if (!tags)
        return -1;
    ea_buf_adds(&c->out, "{\"tags\":");
    ea_lc_add_tags(&c->out, tags);
    ea_buf_addc(&c->out, '}');
    return 0;
}
