#include "tags.h"

#include "../base/alloc.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

enum {
    MAX_TEXT = 256 * 1024
};

static const char *const fields[EA_TAGS_COUNT] = {
    [EA_TAGS_INSTANCE] = "ContainerInstanceTags",
    [EA_TAGS_TASK] = "TaskTags",
};

char *ea_tags_id(const char *path)
{
    const char *id = path + 4, *slash;

    if (strncmp(path, "/v3/", 4) != 0 && strncmp(path, "/v4/", 4) != 0)
        return NULL;
    slash = strchr(id, '/');
    return slash && strcmp(slash, "/taskWithTags") == 0 ? ea_strndup(id, (size_t)(slash - id))
                                                        : NULL;
}

void ea_tags_request(const char *arn, ea_buf *out)
{
    ea_buf_adds(out, "{\"resourceArn\":");
    ea_buf_add_json_str(out, ea_str_of(arn));
    ea_buf_addc(out, '}');
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ea_kv *)a)->k, ((const ea_kv *)b)->k);
}

/* The list [{"key","value"}] as an object, sorted as Go prints maps. NULL: empty. */
static char *as_object(const cJSON *list)
{
    EA_BUF_AUTO b = EA_BUF(MAX_TEXT);
    ea_strmap map = { 0 };
    ea_err ignored = { 0 };
    const cJSON *tag;
    char *out = NULL;

    cJSON_ArrayForEach(tag, list)
    {
        const char *key = ea_json_get_str(tag, "key"), *value = ea_json_get_str(tag, "value");

        if (key)
            ea_strmap_set(&map, key, value ? value : "");
    }
    if (map.n)
        qsort(map.v, map.n, sizeof(*map.v), by_key);
    for (size_t i = 0; i < map.n; i++) {
        ea_buf_addc(&b, i ? ',' : '{');
        ea_buf_add_json_str_html(&b, ea_str_of(map.v[i].k));
        ea_buf_addc(&b, ':');
        ea_buf_add_json_str_html(&b, ea_str_of(map.v[i].v));
    }
    ea_buf_addc(&b, '}');
    if (map.n && ea_buf_take(&b, &out, &ignored))
        out = NULL; /* beyond all that the API gives */
    ea_strmap_free(&map);
    return out;
}

static void add(ea_buf *b, const char *name, const char *value)
{
    if (ea_zstr_empty(value))
        return;
    ea_buf_addf(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
    ea_buf_add_json_str_html(b, ea_str_of(value));
}

static char *as_error(int which, const char *arn, const struct ea_serve_reply *r)
{
    EA_BUF_AUTO b = EA_BUF(16 * 1024);
    ea_err ignored = { 0 };
    char *out = NULL;

    ea_buf_addc(&b, '{');
    add(&b, "ErrorField", fields[which]);
    add(&b, "ErrorCode", ea_zstr_empty(r->code) ? "RequestError" : r->code);
    add(&b, "ErrorMessage", ea_zstr_empty(r->message) ? r->err->text : r->message);
    if (r->status)
        ea_buf_addf(&b, ",\"StatusCode\":%d", r->status);
    add(&b, "RequestId", r->request_id);
    add(&b, "ResourceARN", arn);
    ea_buf_addc(&b, '}');
    return ea_buf_take(&b, &out, &ignored) ? NULL : out;
}

void ea_tags_reply(struct ea_tags *t, int which, const char *arn, const struct ea_serve_reply *r)
{
    cJSON *json = NULL;
    ea_err why = { 0 };
    const struct ea_serve_reply malformed = { .err = &why };

    if (r->err->code) {
        t->v[which].error = as_error(which, arn, r);
    } else if (ea_json_parse(r->body, &json, &why)) {
        t->v[which].error = as_error(which, arn, &malformed);
    } else {
        t->v[which].tags = as_object(ea_json_get(json, "tags"));
        cJSON_Delete(json);
    }
}

void ea_tags_add(const struct ea_tags *t, int version, ea_buf *object)
{
    bool any = false;

    if (!object->n)
        return;
    object->n--;                            /* the closing brace */
    for (int i = EA_TAGS_COUNT; i-- > 0;) { /* TaskTags come first */
        if (t->v[i].tags)
            ea_buf_addf(object, ",\"%s\":%s", fields[i], t->v[i].tags);
    }
    for (int i = 0; i < EA_TAGS_COUNT && version == 4; i++) {
        if (!t->v[i].error)
            continue;
        ea_buf_addf(object, "%s%s", any ? "," : ",\"Errors\":[", t->v[i].error);
        any = true;
    }
    ea_buf_adds(object, any ? "]}" : "}");
}

void ea_tags_done(struct ea_tags *t)
{
    for (int i = 0; i < EA_TAGS_COUNT; i++) {
        ea_free(t->v[i].tags);
        ea_free(t->v[i].error);
    }
    *t = (struct ea_tags){ 0 };
}
