#include "alloc.h"
#include "json.h"
#include "json_slot.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shortest of 15, 16 and 17 digits that reads back as the same number. */
void ea_json_add_double(ea_buf *b, double x)
{
    char text[40];
    int n = 0;

    if (!ea_json_finite(x)) {
        ea_buf_addc(b, '0'); /* JSON has no word for it */
        return;
    }
    if (fabs(x) < 1e15 && !(floor(x) < x)) {
        ea_buf_add_i64(b, (int64_t)x);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, x);
        if (!(strtod(text, NULL) < x) && !(strtod(text, NULL) > x))
            break;
    }
    for (int i = 0; i < n; i++) {
        if (text[i] == ',') /* decimal comma of the process's locale */
            text[i] = '.';
    }
    ea_buf_add(b, text, n > 0 ? (size_t)n : 0);
}

void ea_json_add_value(ea_buf *b, const struct cJSON *v)
{
    bool object = cJSON_IsObject(v);

    if (cJSON_IsString(v)) {
        ea_buf_add_json_str(b, ea_str_of(v->valuestring));
    } else if (cJSON_IsNumber(v)) {
        ea_json_add_double(b, v->valuedouble);
    } else if (cJSON_IsBool(v)) {
        ea_buf_adds(b, cJSON_IsTrue(v) ? "true" : "false");
    } else if (object || cJSON_IsArray(v)) {
        ea_buf_addc(b, object ? '{' : '[');
        for (const cJSON *e = v->child; e; e = e->next) {
            if (e != v->child)
                ea_buf_addc(b, ',');
            if (object) {
                ea_buf_add_json_str(b, ea_str_of(e->string));
                ea_buf_addc(b, ':');
            }
            ea_json_add_value(b, e);
        }
        ea_buf_addc(b, object ? '}' : ']');
    } else {
        ea_buf_adds(b, "null");
    }
}

struct encoder {
    ea_jmode mode;
    ea_buf *out;
};

static bool add_shape(const struct encoder *e, const ea_jshape *shape, const void *obj, bool first);

static void add_object(const struct encoder *e, const ea_jshape *shape, const void *obj)
{
    ea_buf_addc(e->out, '{');
    (void)add_shape(e, shape, obj, true); /* an empty object is an object */
    ea_buf_addc(e->out, '}');
}

static const char *enum_text(const ea_jname *n, int value)
{
    for (; n->text; n++) {
        if (n->value == value)
            return n->text;
    }
    return NULL;
}

/* Zero, NULL or empty: left out unless the field is always told. */
static bool is_empty(const ea_jfield *f, const void *slot)
{
    switch (f->kind) {
    case EA_JK_STR:
    case EA_JK_RAW: {
        const char *s = get_ptr(slot);

        return !s || !s[0];
    }
    case EA_JK_I64:
        return *(const int64_t *)slot == 0;
    case EA_JK_F64:
        return !(*(const double *)slot < 0) && !(*(const double *)slot > 0);
    case EA_JK_BOOL:
        return !*(const bool *)slot;
    case EA_JK_OPT_I64:
        return !((const ea_opt_i64 *)slot)->has;
    case EA_JK_OPT_BOOL:
        return !((const ea_opt_bool *)slot)->has;
    case EA_JK_ENUM:
        return *(const int *)slot == 0;
    case EA_JK_OBJ:
        return false; /* known only once it was written */
    case EA_JK_PTR:
        return !get_ptr(slot);
    case EA_JK_LIST:
    case EA_JK_STRLIST:
    case EA_JK_I64LIST:
    case EA_JK_STRMAP:
        return get_list(slot).n == 0;
    }
    return true;
}

static void add_str(ea_buf *b, const char *s)
{
    ea_buf_add_json_str(b, ea_str_of(s));
}

static void add_list(const struct encoder *e, const ea_jfield *f, const void *slot)
{
    struct any_list l = get_list(slot);

    ea_buf_addc(e->out, '[');
    for (size_t i = 0; i < l.n; i++) {
        if (i > 0)
            ea_buf_addc(e->out, ',');
        if (f->kind == EA_JK_LIST)
            add_object(e, f->sub, (const char *)l.v + i * f->sub->size);
        else if (f->kind == EA_JK_STRLIST)
            add_str(e->out, ((const ea_strlist *)slot)->v[i]);
        else
            ea_buf_add_i64(e->out, ((const ea_i64list *)slot)->v[i]);
    }
    ea_buf_addc(e->out, ']');
}

static void add_strmap(const struct encoder *e, const ea_strmap *m, bool masked)
{
    ea_buf_addc(e->out, '{');
    for (size_t i = 0; i < m->n; i++) {
        if (i > 0)
            ea_buf_addc(e->out, ',');
        add_str(e->out, m->v[i].k);
        ea_buf_addc(e->out, ':');
        add_str(e->out, masked ? "***" : m->v[i].v);
    }
    ea_buf_addc(e->out, '}');
}

static void add_field(const struct encoder *e, const ea_jfield *f, const void *slot)
{
    bool masked = e->mode == EA_J_PRINT && (f->flags & EA_J_SECRET) != 0;
    const char *text;

    if (masked && f->kind != EA_JK_STRMAP && !is_empty(f, slot)) {
        add_str(e->out, "***");
        return;
    }
    switch (f->kind) {
    case EA_JK_STR:
        add_str(e->out, get_ptr(slot));
        break;
    case EA_JK_RAW:
        text = get_ptr(slot);
        ea_buf_adds(e->out, text && text[0] ? text : "null");
        break;
    case EA_JK_I64:
        ea_buf_add_i64(e->out, *(const int64_t *)slot);
        break;
    case EA_JK_F64:
        ea_json_add_double(e->out, *(const double *)slot);
        break;
    case EA_JK_BOOL:
        ea_buf_adds(e->out, *(const bool *)slot ? "true" : "false");
        break;
    case EA_JK_OPT_I64:
        if (((const ea_opt_i64 *)slot)->has)
            ea_buf_add_i64(e->out, ((const ea_opt_i64 *)slot)->v);
        else
            ea_buf_adds(e->out, "null");
        break;
    case EA_JK_OPT_BOOL:
        text = ((const ea_opt_bool *)slot)->v ? "true" : "false";
        ea_buf_adds(e->out, ((const ea_opt_bool *)slot)->has ? text : "null");
        break;
    case EA_JK_ENUM:
        text = enum_text(f->names, *(const int *)slot);
        if (text)
            add_str(e->out, text);
        else
            ea_buf_adds(e->out, "null");
        break;
    case EA_JK_OBJ:
        add_object(e, f->sub, slot);
        break;
    case EA_JK_PTR:
        if (get_ptr(slot))
            add_object(e, f->sub, get_ptr(slot));
        else
            ea_buf_adds(e->out, "null");
        break;
    case EA_JK_LIST:
    case EA_JK_STRLIST:
    case EA_JK_I64LIST:
        add_list(e, f, slot);
        break;
    case EA_JK_STRMAP:
        add_strmap(e, slot, masked);
        break;
    }
}

/* Members without the braces. Tells whether anything (of this shape or of what came before it) was
 * written. */
static bool add_shape(const struct encoder *e, const ea_jshape *shape, const void *obj, bool first)
{
    ea_buf *b = e->out;

    if (shape->base)
        first = !add_shape(e, shape->base, obj, first);
    for (size_t i = 0; i < shape->n; i++) {
        const ea_jfield *f = &shape->f[i];
        const void *slot = at_const(obj, f);
        size_t before = b->n, start;

        if (e->mode == EA_J_STORE && (f->flags & EA_J_NOSTORE))
            continue;
        if (!(f->flags & EA_J_ALWAYS) && is_empty(f, slot))
            continue;
        if (!first)
            ea_buf_addc(b, ',');
        ea_buf_addc(b, '"');
        ea_buf_adds(b, f->name);
        ea_buf_add(b, "\":", 2);
        start = b->n;
        add_field(e, f, slot);
        if (f->kind == EA_JK_OBJ && !(f->flags & EA_J_ALWAYS) && !b->failed && b->n - start == 2) {
            b->n = before; /* nothing but braces */
            b->p[before] = '\0';
            continue;
        }
        first = false;
    }
    return !first;
}

void ea_json_encode(const ea_jshape *shape, const void *obj, ea_jmode mode, ea_buf *out)
{
    struct encoder e = { mode, out };

    add_object(&e, shape, obj);
}

/* --- copying ----------------------------------------------------------------------------------- */

static ea_code copy_z(const char *s, char **out, ea_err *err)
{
    size_t n = s ? strlen(s) + 1 : 0;
    char *copy = n ? ea_try_alloc(n) : NULL;

    if (!n)
        return EA_OK;
    if (!copy)
        return ea_fail(err, EA_NO_MEMORY, "out of memory");
    memcpy(copy, s, n);
    *out = copy;
    return EA_OK;
}

static void *copy_memory(size_t n, size_t size, ea_err *err)
{
    void *mem = ea_try_alloc(n * size);

    if (!mem)
        (void)ea_fail(err, EA_NO_MEMORY, "out of memory"); /* the caller returns the code */
    return mem;
}

static ea_code copy_shape(const ea_jshape *shape, const void *from, void *to, ea_err *err);

static ea_code copy_list(const ea_jfield *f, const void *from, void *to, ea_err *err)
{
    struct any_list l = get_list(from), made;

    if (l.n == 0)
        return EA_OK;
    made.v = copy_memory(l.n, f->sub->size, err);
    if (!made.v)
        return err->code;
    made.n = l.n;
    set_list(to, made);
    for (size_t i = 0; i < l.n; i++) {
        if (copy_shape(f->sub, (const char *)l.v + i * f->sub->size,
                       (char *)made.v + i * f->sub->size, err))
            return err->code;
    }
    return EA_OK;
}

static ea_code copy_strlist(const ea_strlist *from, ea_strlist *to, ea_err *err)
{
    if (from->n == 0)
        return EA_OK;
    to->v = copy_memory(from->n, sizeof(*to->v), err);
    if (!to->v)
        return err->code;
    for (to->n = 0; to->n < from->n; to->n++) {
        if (copy_z(from->v[to->n], &to->v[to->n], err))
            return err->code;
    }
    return EA_OK;
}

static ea_code copy_strmap(const ea_strmap *from, ea_strmap *to, ea_err *err)
{
    if (from->n == 0)
        return EA_OK;
    to->v = copy_memory(from->n, sizeof(*to->v), err);
    if (!to->v)
        return err->code;
    for (size_t i = 0; i < from->n; i++) {
        to->n = i + 1; /* a half-filled pair is fine to free */
        if (copy_z(from->v[i].k, &to->v[i].k, err) || copy_z(from->v[i].v, &to->v[i].v, err))
            return err->code;
    }
    return EA_OK;
}

static ea_code copy_field(const ea_jfield *f, const void *from, void *to, ea_err *err)
{
    switch (f->kind) {
    case EA_JK_STR:
    case EA_JK_RAW:
        return copy_z(get_ptr(from), to, err);
    case EA_JK_OBJ:
        return copy_shape(f->sub, from, to, err);
    case EA_JK_PTR: {
        const void *src = get_ptr(from);
        void *made = src ? copy_memory(1, f->sub->size, err) : NULL;

        if (!made)
            return src ? err->code : EA_OK;
        set_ptr(to, made);
        return copy_shape(f->sub, src, made, err);
    }
    case EA_JK_LIST:
        return copy_list(f, from, to, err);
    case EA_JK_STRLIST:
        return copy_strlist(from, to, err);
    case EA_JK_I64LIST: {
        const ea_i64list *src = from;
        ea_i64list *dst = to;

        if (src->n == 0)
            return EA_OK;
        dst->v = copy_memory(src->n, sizeof(*dst->v), err);
        if (!dst->v)
            return err->code;
        memcpy(dst->v, src->v, src->n * sizeof(*dst->v));
        dst->n = src->n;
        return EA_OK;
    }
    case EA_JK_STRMAP:
        return copy_strmap(from, to, err);
    case EA_JK_I64:
    case EA_JK_F64:
    case EA_JK_BOOL:
    case EA_JK_OPT_I64:
    case EA_JK_OPT_BOOL:
    case EA_JK_ENUM:
        memcpy(to, from, kind_size(f));
        return EA_OK;
    }
    return EA_OK;
}

static ea_code copy_shape(const ea_jshape *shape, const void *from, void *to, ea_err *err)
{
    if (shape->base && copy_shape(shape->base, from, to, err))
        return err->code;
    for (size_t i = 0; i < shape->n; i++) {
        const ea_jfield *f = &shape->f[i];

        if (copy_field(f, at_const(from, f), at(to, f), err))
            return err->code;
    }
    return EA_OK;
}

ea_code ea_json_copy(const ea_jshape *shape, const void *from, void *to, ea_err *err)
{
    memset(to, 0, shape->size);
    if (copy_shape(shape, from, to, err) == EA_OK)
        return EA_OK;
    ea_json_free(shape, to);
    return err->code;
}

/* --- lists and maps of text -------------------------------------------------------------------- */

void ea_strlist_add(ea_strlist *l, const char *s)
{
    l->v = ea_realloc_array(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = ea_strdup(s);
}

void ea_strlist_free(ea_strlist *l)
{
    for (size_t i = 0; i < l->n; i++)
        ea_free(l->v[i]);
    ea_free(l->v);
    *l = (ea_strlist){ NULL, 0 };
}

void ea_strmap_set(ea_strmap *m, const char *k, const char *v)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].k, k) == 0) {
            ea_set_str(&m->v[i].v, v);
            return;
        }
    }
    m->v = ea_realloc_array(m->v, m->n + 1, sizeof(*m->v));
    m->v[m->n++] = (ea_kv){ ea_strdup(k), ea_strdup(v) };
}

const char *ea_strmap_get(const ea_strmap *m, const char *k)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].k, k) == 0)
            return m->v[i].v;
    }
    return NULL;
}

void ea_strmap_free(ea_strmap *m)
{
    for (size_t i = 0; i < m->n; i++) {
        ea_free(m->v[i].k);
        ea_free(m->v[i].v);
    }
    ea_free(m->v);
    *m = (ea_strmap){ NULL, 0 };
}
