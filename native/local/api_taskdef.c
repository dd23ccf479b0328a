/* api_taskdef.c - task definitions. Source: Amazon ECS API reference, the call of each function's
 * name. */
#include "local_api.h"

#include "../base/alloc.h"
#include "taskdef.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

static void add_taskdef(ea_buf *out, const struct ea_lc_taskdef *d)
{
    ea_buf_adds(out, "{\"taskDefinitionArn\":");
    ea_buf_add_json_str(out, ea_str_of(d->arn));
    ea_buf_addf(out, ",\"revision\":%lld,\"status\":\"%s\",\"registeredAt\":%.3f",
                (long long)d->revision, d->status, d->registered_at);
    if (d->deregistered_at > 0.0)
        ea_buf_addf(out, ",\"deregisteredAt\":%.3f", d->deregistered_at);
    if (d->registered_by) {
        ea_buf_adds(out, ",\"registeredBy\":");
        ea_buf_add_json_str(out, ea_str_of(d->registered_by));
    }
    ea_buf_addf(out, ",%s", d->body + 1); /* an object with `family` at least */
}

static int64_t next_revision(const ea_lc_state *st, const char *family)
{
    int64_t last = 0;

    EA_LIST_EACH(&st->taskdefs, node)
    {
        const struct ea_lc_taskdef *d = EA_OWNER(node, struct ea_lc_taskdef, node);

        if (strcmp(d->family, family) == 0 && d->revision > last)
            last = d->revision;
    }
    return last + 1;
}

int ea_lc_register_task_definition(ea_lc_call *c)
{
    struct ea_lc_taskdef *d;
    cJSON *body = NULL;
    char *text;
    ea_lc_tags tags;
    ea_err err;

    if (ea_lc_taskdef_make(c->in, c->lc->registry_url, &body, &err))
        return ea_lc_refuse(c, "ClientException", "%s", err.text);
    if (ea_lc_call_tags(c, &tags)) {
        cJSON_Delete(body);
        return -1;
    }
    text = cJSON_PrintUnformatted(body);
    d = ea_lc_taskdef_new();
    d->family = ea_strdup(ea_json_get_str(body, "family"));
    d->revision = next_revision(&c->lc->state, d->family);
    d->arn = ea_lc_arn(&c->lc->state, "task-definition/%s:%lld", d->family, (long long)d->revision);
    d->status = ea_strdup("ACTIVE");
    d->body = ea_strdup(text);
    d->registered_at = ea_lc_seconds(c->now_ms);
    d->registered_by = ea_strdup(c->who ? c->who->arn : NULL);
    d->tags = tags;
    cJSON_free(text);
    cJSON_Delete(body);
    ea_lc_add(&c->lc->state, EA_LC_TASKDEF, d);
    ea_buf_adds(&c->out, "{\"taskDefinition\":");
    add_taskdef(&c->out, d);
    if (d->tags.n) {
        ea_buf_adds(&c->out, ",\"tags\":");
        ea_lc_add_tags(&c->out, &d->tags);
    }
    ea_buf_addc(&c->out, '}');
    return 0;
}

int ea_lc_describe_task_definition(ea_lc_call *c)
{
    const struct ea_lc_taskdef *d =
        ea_lc_find_taskdef(&c->lc->state, ea_lc_call_str(c, "taskDefinition"));

    if (!d)
        return ea_lc_refuse(c, "ClientException", "Unable to describe task definition.");
    ea_buf_adds(&c->out, "{\"taskDefinition\":");
    add_taskdef(&c->out, d);
    ea_buf_adds(&c->out, ",\"tags\":");
    if (ea_lc_call_includes(c, "TAGS"))
        ea_lc_add_tags(&c->out, &d->tags);
    else
        ea_buf_adds(&c->out, "[]");
    ea_buf_addc(&c->out, '}');
    return 0;
}

int ea_lc_list_task_definitions(ea_lc_call *c)
{
    const char *family = ea_lc_call_str(c, "familyPrefix"), *status = ea_lc_call_str(c, "status");
    bool backwards = ea_zstr_eq(ea_lc_call_str(c, "sort"), "DESC");
    const ea_list *l = &c->lc->state.taskdefs;
    ea_lc_page p;

    if (ea_lc_page_begin(c, "taskDefinitionArns", &p))
        return -1;
    for (ea_node *n = backwards ? l->head.prev : l->head.next; n != &l->head;
         n = backwards ? n->prev : n->next) {
        const struct ea_lc_taskdef *d = EA_OWNER(n, struct ea_lc_taskdef, node);

        if (strcmp(d->status, status ? status : "ACTIVE") == 0 &&
            (ea_zstr_empty(family) || strcmp(d->family, family) == 0))
            ea_lc_page_add(&p, d->arn);
    }
    ea_lc_page_end(&p);
    return 0;
}

/* The first definition of its family in the list, and whether any of the family is active. */
static bool is_first_of_family(const ea_lc_state *st, const struct ea_lc_taskdef *d, bool *active)
{
    const struct ea_lc_taskdef *first = NULL;

    *active = false;
    EA_LIST_EACH(&st->taskdefs, node)
    {
        const struct ea_lc_taskdef *other = EA_OWNER(node, struct ea_lc_taskdef, node);

        if (strcmp(other->family, d->family) != 0)
            continue;
        if (!first)
            first = other;
        *active = *active || strcmp(other->status, "ACTIVE") == 0;
    }
    return first == d;
}

int ea_lc_list_task_definition_families(ea_lc_call *c)
{
    const char *prefix = ea_lc_call_str(c, "familyPrefix"), *status = ea_lc_call_str(c, "status");
    ea_lc_page p;

    if (!status)
        status = "ACTIVE";
    if (ea_lc_page_begin(c, "families", &p))
        return -1;
    EA_LIST_EACH(&c->lc->state.taskdefs, node)
    {
        const struct ea_lc_taskdef *d = EA_OWNER(node, struct ea_lc_taskdef, node);
        bool active;

        if (!is_first_of_family(&c->lc->state, d, &active) ||
            (prefix && !ea_str_starts(ea_str_of(d->family), prefix)))
            continue;
        if (strcmp(status, "ALL") == 0 || active == (strcmp(status, "ACTIVE") == 0))
            ea_lc_page_add(&p, d->family);
    }
    ea_lc_page_end(&p);
    return 0;
}

int ea_lc_deregister_task_definition(ea_lc_call *c)
{
    const char *named = ea_lc_call_str(c, "taskDefinition");
    struct ea_lc_taskdef *d;

    if (!strchr(named, ':'))
        return ea_lc_refuse(c, "ClientException", "Task definition must include a revision.");
    d = ea_lc_find_taskdef(&c->lc->state, named);
    if (!d)
        return ea_lc_refuse(c, "ClientException", "The specified task definition does not exist.");
    if (strcmp(d->status, "ACTIVE") == 0) {
        ea_set_str(&d->status, "INACTIVE");
        d->deregistered_at = ea_lc_seconds(c->now_ms);
        ea_lc_touch(&c->lc->state, EA_LC_TASKDEF, d);
    }
    ea_buf_adds(&c->out, "{\"taskDefinition\":");
    add_taskdef(&c->out, d);
    ea_buf_addc(&c->out, '}');
    return 0;
}
