/* shape.c - checks requests against tables. See shape.h. */
#include "shape.h"

#include "../base/json.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 256
#define DEPTH_MAX      12

struct path { /* where the check stands, for messages */
    char text[PATH_MAX_BYTES];
    size_t n;
};

static size_t path_push(struct path *p, const char *name)
{
    size_t was = p->n;
    int n = snprintf(p->text + p->n, sizeof(p->text) - p->n, "%s%s", p->n ? "." : "", name);

    if (n > 0)
        p->n += (size_t)n;
    if (p->n >= sizeof(p->text))
        p->n = sizeof(p->text) - 1;
    return was;
}

static size_t path_push_index(struct path *p, int i)
{
    size_t was = p->n;
    int n = snprintf(p->text + p->n, sizeof(p->text) - p->n, "[%d]", i);

    if (n > 0)
        p->n += (size_t)n;
    if (p->n >= sizeof(p->text))
        p->n = sizeof(p->text) - 1;
    return was;
}

static void path_pop(struct path *p, size_t was)
{
    p->n = was;
    p->text[was] = '\0';
}

static bool word_is_known(const char *words, const char *value)
{
    ea_str rest = ea_str_of(words), word;

    while (rest.p) {
        rest = ea_str_cut(rest, '|', &word);
        if (ea_str_eqz(word, value))
            return true;
    }
    return false;
}

static bool is_whole(const cJSON *v, double limit)
{
    return cJSON_IsNumber(v) && floor(v->valuedouble) == v->valuedouble &&
           fabs(v->valuedouble) <= limit;
}

static ea_code check_shape(const ea_lc_shape *shape, const cJSON *value, struct path *p,
                           ea_err *err);

static ea_code wrong_type(const struct path *p, const char *wanted, ea_err *err)
{
    return ea_fail(err, EA_PROTOCOL, "%s: %s expected", p->n ? p->text : "request", wanted);
}

static ea_code check_value(const ea_lc_member *m, ea_lc_kind kind, const cJSON *v, struct path *p,
                           ea_err *err)
{
    const cJSON *item;
    int i = 0;

    switch (kind) {
    case EA_LC_STR:
        if (!cJSON_IsString(v))
            return wrong_type(p, "text", err);
        if (m->words && !word_is_known(m->words, v->valuestring))
            return ea_fail(err, EA_INVALID, "%s: '%s' is none of %s", p->text, v->valuestring,
                           m->words);
        return EA_OK;
    case EA_LC_INT:
        return is_whole(v, 2147483647.0) ? EA_OK : wrong_type(p, "whole number", err);
    case EA_LC_LONG:
        return is_whole(v, 9007199254740991.0) ? EA_OK : wrong_type(p, "whole number", err);
    case EA_LC_NUM:
    case EA_LC_TIME:
        return cJSON_IsNumber(v) ? EA_OK : wrong_type(p, "number", err);
    case EA_LC_BOOL:
        return cJSON_IsBool(v) ? EA_OK : wrong_type(p, "true or false", err);
    case EA_LC_OBJ:
        if (!cJSON_IsObject(v))
            return wrong_type(p, "object", err);
        return m->sub ? check_shape(m->sub, v, p, err) : EA_OK;
    case EA_LC_MAP:
        if (!cJSON_IsObject(v))
            return wrong_type(p, "object", err);
        cJSON_ArrayForEach(item, v)
        {
            if (!cJSON_IsString(item)) {
                (void)path_push(p, item->string);
                return wrong_type(p, "text", err);
            }
        }
        return EA_OK;
    case EA_LC_LIST:
        if (!cJSON_IsArray(v))
            return wrong_type(p, "list", err);
        cJSON_ArrayForEach(item, v)
        {
            size_t was = path_push_index(p, i++);
            ea_code rc = check_value(m, m->item, item, p, err);

            if (rc)
                return rc;
            path_pop(p, was);
        }
        return EA_OK;
    }
    return EA_OK;
}

static bool is_empty(const cJSON *v)
{
    return cJSON_IsFalse(v) || (cJSON_IsNumber(v) && v->valuedouble == 0.0) ||
           (cJSON_IsString(v) && v->valuestring[0] == '\0') ||
           ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

static ea_code check_shape(const ea_lc_shape *shape, const cJSON *value, struct path *p,
                           ea_err *err)
{
    for (size_t i = 0; i < shape->n; i++) {
        const ea_lc_member *m = &shape->members[i];
        const cJSON *v = ea_json_get(value, m->name);
        size_t was;
        ea_code rc;

        if (!v) {
            if (!(m->flags & EA_LC_REQUIRED))
                continue;
            (void)path_push(p, m->name);
            return ea_fail(err, EA_INVALID, "%s should not be null or empty", p->text);
        }
        was = path_push(p, m->name);
        rc = check_value(m, m->kind, v, p, err);
        if (rc)
            return rc;
        if ((m->flags & EA_LC_REFUSED) && !is_empty(v))
            return ea_fail(err, EA_UNSUPPORTED, "%s is not supported by the local control plane",
                           p->text);
        path_pop(p, was);
    }
    return EA_OK;
}

ea_code ea_lc_shape_check(const ea_lc_shape *shape, const cJSON *value, ea_err *err)
{
    struct path p = { .n = 0 };

    if (!cJSON_IsObject(value))
        return wrong_type(&p, "object", err);
    return check_shape(shape, value, &p, err);
}

static const ea_lc_member *find_member(const ea_lc_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->n; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return &shape->members[i];
    return NULL;
}

static void prune(const ea_lc_shape *shape, cJSON *value, unsigned depth)
{
    cJSON *next;

    for (cJSON *v = value->child; v; v = next) {
        const ea_lc_member *m = find_member(shape, v->string);
        cJSON *item;

        next = v->next;
        if (!m || cJSON_IsNull(v)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(value, v));
            continue;
        }
        if (!m->sub || depth >= DEPTH_MAX)
            continue;
        if (m->kind == EA_LC_OBJ)
            prune(m->sub, v, depth + 1);
        else
            cJSON_ArrayForEach(item, v) prune(m->sub, item, depth + 1);
    }
}

void ea_lc_shape_prune(const ea_lc_shape *shape, cJSON *value)
{
    prune(shape, value, 0);
}

/* ---- printing --------------------------------------------------------------------------------- */

static const char *kind_name(ea_lc_kind kind)
{
    switch (kind) {
    case EA_LC_STR:
        return "string";
    case EA_LC_INT:
        return "integer";
    case EA_LC_LONG:
        return "long";
    case EA_LC_NUM:
        return "double";
    case EA_LC_TIME:
        return "timestamp";
    case EA_LC_BOOL:
        return "boolean";
    case EA_LC_OBJ:
        return "structure";
    case EA_LC_LIST:
        return "list";
    case EA_LC_MAP:
        return "map";
    }
    return "";
}

static void print_shape(const ea_lc_shape *shape, unsigned depth, ea_buf *out)
{
    ea_buf_addc(out, '{');
    for (size_t i = 0; i < shape->n; i++) {
        const ea_lc_member *m = &shape->members[i];

        ea_buf_addf(out, "%s\"%s\":{\"type\":\"%s\"", i ? "," : "", m->name, kind_name(m->kind));
        if (m->flags & EA_LC_REQUIRED)
            ea_buf_adds(out, ",\"required\":true");
        if (m->kind == EA_LC_LIST)
            ea_buf_addf(out, ",\"item\":\"%s\"", kind_name(m->item));
        if (m->words)
            ea_buf_addf(out, ",\"words\":\"%s\"", m->words);
        if (m->sub && depth < DEPTH_MAX) {
            ea_buf_adds(out, ",\"members\":");
            print_shape(m->sub, depth + 1, out);
        }
        ea_buf_addc(out, '}');
    }
    ea_buf_addc(out, '}');
}

void ea_lc_shape_print(const ea_lc_shape *shape, ea_buf *out)
{
    print_shape(shape, 0, out);
}
