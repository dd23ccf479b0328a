#include "route_metadata.h"

#include "../base/alloc.h"
#include "metadata_json.h"

#include <cjson/cJSON.h>

#include <string.h>

enum {
    MAX_TEXT = 128 * 1024, /* an error's: request target and words */
    NO_ROUTE = 0,          /* instead of a status */
    LATER = -1
};

struct request {
    const struct ea_serve_source *source;
    const struct ea_model *m;
    bool last; /* nothing is waited for any more */
    int version;
    const char *id;
    struct ea_task *t; /* NULL: the id is unknown */
    struct ea_container *c;
    ea_buf *body;
};

/* `text` is a buffer so that no part of a request's target is ever cut. Taken. */
static int told(ea_buf *body, int status, ea_buf *text)
{
    ea_buf_clear(body);
    ea_buf_add_json_str_html(body, ea_buf_str(text));
    ea_buf_done(text);
    return status;
}

/* ---- the id names nothing ---- */

enum handler {
    CONTAINER_METADATA,
    TASK_METADATA,
    CONTAINER_STATS,
    TASK_STATS,
    ASSOCIATIONS,
};
static const struct {
    const char *name;
    const char *id_word; /* of the container id; the reference spells it in two ways */
    int v3, v4;          /* status when the id is unknown */
} handlers[] = {
    [CONTAINER_METADATA] = { "container metadata", "container ID", 500, 404 },
    [TASK_METADATA] = { "task metadata", NULL, 500, 404 },
    [CONTAINER_STATS] = { "container stats", "container ID", 400, 404 },
    [TASK_STATS] = { "task stats", NULL, 400, 404 },
    [ASSOCIATIONS] = { "container associations", "container id", 400, 400 },
};

static int not_found(const struct request *r, enum handler h, const char *what, const char *from)
{
    ea_buf text = EA_BUF(MAX_TEXT);

    ea_buf_addf(&text,
                "V%d %s handler: unable to get %s from request: unable to get %s from v3 endpoint "
                "ID: %s",
                r->version, handlers[h].name, what, from, r->id);
    return told(r->body, r->version == 3 ? handlers[h].v3 : handlers[h].v4, &text);
}

static int no_task(const struct request *r, enum handler h)
{
    return not_found(r, h, "task arn", "task Arn");
}

static int no_container(const struct request *r, enum handler h)
{
    return not_found(r, h, handlers[h].id_word, "docker ID");
}

/* Docker has made the container that the id names. */
static bool has_container(const struct request *r)
{
    return r->t && !ea_zstr_empty(r->c->docker_id);
}

/* ---- metadata ---- */

static int no_network(const struct request *r, const struct ea_container *c)
{
    ea_buf text = EA_BUF(MAX_TEXT);

    if (c->docker_id)
        ea_buf_addf(&text, "unable to generate network response for container '%s'", c->docker_id);
    else
        ea_buf_adds(&text, "unable to find container ''");
    return told(r->body, 500, &text);
}

/* 200 unless the description did not fit. */
static int described(const struct request *r, const char *words, const char *name)
{
    ea_err why = { 0 };
    ea_buf text = EA_BUF(MAX_TEXT);

    if (!ea_buf_check(r->body, &why))
        return 200;
    ea_buf_addf(&text, "%s '%s'", words, name);
    return told(r->body, 500, &text);
}

static int container_metadata(const struct request *r)
{
    if (!has_container(r))
        return no_container(r, CONTAINER_METADATA);
    if (ea_metadata_awaits_network(r->c))
        return no_network(r, r->c);
    ea_metadata_container(r->m, r->t, r->c, r->version, r->body);
    return described(r,
                     r->version == 3 ? "Unable to generate metadata for container"
                                     : "unable to generate metadata for container",
                     r->c->docker_id);
}

static int task_metadata(const struct request *r)
{
    if (!r->t)
        return no_task(r, TASK_METADATA);
    /* Version 4 leaves out the networks that are not known yet, version 3 the whole answer. */
    for (size_t i = 0; i < r->t->containers.n && r->version == 3; i++)
        if (ea_metadata_awaits_network(&r->t->containers.v[i]))
            return no_network(r, &r->t->containers.v[i]);
    ea_metadata_task(r->m, r->t, r->version, r->body);
    return described(r,
                     r->version == 3 ? "Unable to generate metadata for task:"
                                     : "Unable to generate metadata for v4 task:",
                     r->t->arn);
}

/* ---- statistics ---- */

/* Adds a container's object. Version 4 tells the rates at its end. */
static ea_stats_state add_stats(const struct request *r, const char *docker_id)
{
    struct ea_stats_document d;
    ea_stats_state state = EA_STATS_UNWATCHED;
    ea_str inner;

    if (r->source->stats)
        state = r->source->stats(r->source->ctx, docker_id, &d);
    if (state != EA_STATS_HERE) {
        ea_buf_adds(r->body, r->version == 3 ? "null" : "{}");
        return state;
    }
    if (r->version == 3 || !d.has_rates) {
        ea_buf_add(r->body, d.json.p, d.json.n);
        return state;
    }
    inner = ea_str_trim((ea_str){ d.json.p, d.json.n - 1 }); /* without the closing brace */
    ea_buf_add(r->body, inner.p, inner.n);
    ea_buf_adds(r->body, inner.n > 1 ? "," : "");
    ea_buf_adds(r->body, "\"network_rate_stats\":{\"rx_bytes_per_sec\":");
    ea_json_add_double(r->body, d.rx_per_s);
    ea_buf_adds(r->body, ",\"tx_bytes_per_sec\":");
    ea_json_add_double(r->body, d.tx_per_s);
    ea_buf_adds(r->body, "}}");
    return state;
}

static int stats_failed(const struct request *r, const char *whose, const char *id)
{
    ea_buf text = EA_BUF(MAX_TEXT);

    ea_buf_addf(&text, "Unable to get %s stats for: %s", whose, id);
    return told(r->body, r->version == 3 ? 400 : 500, &text);
}

static int container_stats(const struct request *r)
{
    ea_err why = { 0 };
    ea_stats_state state;

    if (!r->t)
        return no_task(r, CONTAINER_STATS);
    if (!has_container(r))
        return no_container(r, CONTAINER_STATS);
    state = add_stats(r, r->c->docker_id);
    if (state == EA_STATS_LATER && !r->last)
        return LATER;
    if (state == EA_STATS_UNWATCHED || ea_buf_check(r->body, &why))
        return stats_failed(r, "container", r->c->docker_id);
    return 200;
}

static int task_stats(const struct request *r)
{
    bool any = false, later = false;
    ea_err why = { 0 };

    if (!r->t)
        return no_task(r, TASK_STATS);
    ea_buf_addc(r->body, '{');
    for (size_t i = 0; i < r->t->containers.n; i++) {
        const char *id = r->t->containers.v[i].docker_id;

        if (ea_zstr_empty(id))
            continue;
        if (any)
            ea_buf_addc(r->body, ',');
        ea_buf_add_json_str_html(r->body, ea_str_of(id));
        ea_buf_addc(r->body, ':');
        later = add_stats(r, id) == EA_STATS_LATER || later; /* all are asked for at once */
        any = true;
    }
    if (later && !r->last)
        return LATER;
    ea_buf_addc(r->body, '}');
    if (!any || ea_buf_check(r->body, &why)) /* none: Docker has made no container of the task */
        return stats_failed(r, "task", r->t->arn);
    return 200;
}

/* ---- associations ---- */

static bool is_for(const cJSON *association, const char *type, const char *container)
{
    const cJSON *name;

    if (!ea_zstr_eq(ea_json_get_str(association, "type"), type))
        return false;
    if (!container)
        return true;
    cJSON_ArrayForEach(name, ea_json_get(association, "containers"))
    {
        if (cJSON_IsString(name) && ea_zstr_eq(name->valuestring, container))
            return true;
    }
    return false;
}

/* The task's list as sent; NULL when there is none. Caller frees by cJSON_Delete. */
static cJSON *associations_of(const struct ea_task *t)
{
    cJSON *list = NULL;
    ea_err ignored = { 0 };

    if (ea_zstr_empty(t->associations) ||
        ea_json_parse(ea_str_of(t->associations), &list, &ignored))
        return NULL;
    return list;
}

static int association_list(const struct request *r, const char *type)
{
    cJSON *list;
    const cJSON *a;
    bool any = false;

    if (!has_container(r))
        return no_container(r, ASSOCIATIONS);
    list = associations_of(r->t);
    ea_buf_adds(r->body, "{\"Associations\":");
    cJSON_ArrayForEach(a, list)
    {
        if (!is_for(a, type, r->c->name))
            continue;
        ea_buf_addc(r->body, any ? ',' : '[');
        ea_buf_add_json_str_html(r->body, ea_str_of(ea_json_get_str(a, "name")));
        any = true;
    }
    ea_buf_adds(r->body, any ? "]}" : "null}");
    cJSON_Delete(list);
    return 200;
}

static int association(const struct request *r, const char *type, const char *name)
{
    ea_buf text = EA_BUF(MAX_TEXT);
    const char *value = NULL;
    const cJSON *a;
    cJSON *list;

    if (!r->t)
        return no_task(r, ASSOCIATIONS);
    if (!*name) {
        ea_buf_addf(&text,
                    "V%d container associations handler: unable to get association name from "
                    "request",
                    r->version);
        return told(r->body, 400, &text);
    }
    list = associations_of(r->t);
    cJSON_ArrayForEach(a, list)
    {
        if (is_for(a, type, NULL) && ea_zstr_eq(ea_json_get_str(a, "name"), name))
            value = ea_json_get_str(ea_json_get(a, "content"), "value");
    }
    ea_buf_adds(r->body, value); /* what the control plane sent, taken for JSON */
    cJSON_Delete(list);
    if (value)
        return 200;
    ea_buf_addf(&text,
                "Unable to write container association response: unable to get association from "
                "association type %s and association name %s",
                type, name);
    return told(r->body, 400, &text);
}

/* <type> or <type>/<name>, where the name may hold more slashes. */
static int associations(const struct request *r, const char *rest)
{
    const char *slash = strchr(rest, '/');
    EA_FREE_AUTO char *type = NULL;

    if (!slash)
        return association_list(r, rest);
    type = ea_strndup(rest, (size_t)(slash - rest));
    return association(r, type, slash + 1);
}

/* ---- routes ---- */

static bool is_v2(const char *path)
{
    static const char *const exact[] = { "/v2/metadata", "/v2/metadataWithTags",
                                         "/v2/metadataWithTags/", "/v2/stats" };
    static const char *const under[] = { "/v2/metadata/", "/v2/stats/" };

    for (size_t i = 0; i < EA_COUNT(exact); i++)
        if (strcmp(path, exact[i]) == 0)
            return true;
    for (size_t i = 0; i < EA_COUNT(under); i++)
        if (strncmp(path, under[i], strlen(under[i])) == 0)
            return true;
    return false;
}

static int v2(const char *peer, ea_buf *body)
{
    ea_buf text = EA_BUF(MAX_TEXT);

    ea_buf_addf(&text, "Unable to get task arn from request: unable to associate '%s' with task",
                peer);
    return told(body, 400, &text);
}

/* `tail` is what follows the id, NULL when nothing does. A status, NO_ROUTE or LATER. */
static int dispatch(const struct request *r, const char *tail)
{
    static const char under[] = "associations/";

    if (!tail)
        return container_metadata(r);
    if (strcmp(tail, "task") == 0 || strcmp(tail, "taskWithTags") == 0)
        return task_metadata(r);
    if (strcmp(tail, "stats") == 0)
        return container_stats(r);
    if (strcmp(tail, "task/stats") == 0)
        return task_stats(r);
    if (strncmp(tail, under, sizeof(under) - 1) == 0)
        return associations(r, tail + sizeof(under) - 1);
    return NO_ROUTE;
}

ea_route ea_route_metadata(const struct ea_serve_source *source, const char *path, const char *peer,
                           bool last, ea_buf *body, int *status)
{
    struct request r = { .source = source, .m = source->model, .last = last, .body = body };
    EA_FREE_AUTO char *id = NULL;
    const char *rest = path + 4, *slash;
    int got;

    if (is_v2(path)) {
        *status = v2(peer, body);
        return EA_ROUTE_ANSWERED;
    }
    if (strncmp(path, "/v3/", 4) == 0)
        r.version = 3;
    else if (strncmp(path, "/v4/", 4) == 0)
        r.version = 4;
    else
        return EA_ROUTE_NONE;
    slash = strchr(rest, '/');
    r.id = id = slash ? ea_strndup(rest, (size_t)(slash - rest)) : ea_strdup(rest);
    if (!ea_model_by_endpoint(r.m, id, &r.t, &r.c))
        r.t = NULL;
    got = dispatch(&r, slash ? slash + 1 : NULL);
    if (got == LATER)
        return EA_ROUTE_LATER;
    if (got == NO_ROUTE)
        return EA_ROUTE_NONE;
    *status = got;
    return EA_ROUTE_ANSWERED;
}
