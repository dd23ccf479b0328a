#include "json.h"

#include "alloc.h"
#include "json_read.h"
#include "json_slot.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A text of a megabyte can name 300 000 list elements of some hundred bytes each: what one decode
 * may allocate for structs and lists is bounded. */
#define STRUCT_BUDGET ((size_t)64 * 1024 * 1024)

struct path { /* where the decoder is; rendered only for an error */
    const struct path *up;
    const char *name; /* NULL: an index */
    size_t index;
};

struct decoder {
    size_t budget;
    ea_err *err;
};

/* --- parsing ----------------------------------------------------------------------------------- */

static _Thread_local bool out_of_memory; /* cJSON tells "no memory" and "no JSON" alike */

static void *hook_malloc(size_t n)
{
    void *p = ea_try_realloc(NULL, n); /* cJSON writes all that it asks for */

    if (!p)
        out_of_memory = true;
    return p;
}

static void install_hooks(void)
{
    cJSON_Hooks hooks = { hook_malloc, ea_free };

    cJSON_InitHooks(&hooks);
}

/* cJSON ends a string at an escaped NUL without a word; what follows would be lost. */
static bool has_escaped_nul(ea_str text)
{
    for (size_t i = 0; i + 5 < text.n; i++) {
        if (text.p[i] != '\\')
            continue;
        if (memcmp(text.p + i, "\\u0000", 6) == 0)
            return true;
        i++; /* the escaped character is no backslash of its own */
    }
    return false;
}

ea_code ea_json_parse(ea_str text, struct cJSON **out, ea_err *err)
{
    static uv_once_t once = UV_ONCE_INIT;
    const char *end = NULL;
    cJSON *tree;

    uv_once(&once, install_hooks);
    if (text.n == 0)
        return ea_fail(err, EA_INVALID, "empty text where JSON is expected");
    if (has_escaped_nul(text) || memchr(text.p, '\0', text.n))
        return ea_fail(err, EA_INVALID, "a NUL character in JSON is not supported");
    out_of_memory = false;
    tree = cJSON_ParseWithLengthOpts(text.p, text.n, &end, 0);
    if (!tree && out_of_memory)
        return ea_fail(err, EA_NO_MEMORY, "no memory for %zu bytes of JSON", text.n);
    if (!end || end < text.p || end > text.p + text.n)
        end = text.p + text.n;
    while (tree && end < text.p + text.n && (*end == ' ' || (*end >= '\t' && *end <= '\r')))
        end++;
    if (!tree || end != text.p + text.n) {
        size_t where = (size_t)(end - text.p);

        ea_json_delete(tree);
        return ea_fail(err, EA_INVALID, "not JSON at byte %zu of %zu", where, text.n);
    }
    *out = tree;
    return EA_OK;
}

ea_code ea_json_parse_some(ea_str text, const char *const *names, size_t n, struct cJSON **out,
                           ea_err *err)
{
    struct ea_jread r = ea_jread_of(text);
    EA_SECRET_BUF_AUTO kept = EA_BUF(text.n < SIZE_MAX ? text.n + 1 : text.n);
    ea_str name;

    ea_buf_addc(&kept, '{');
    if (ea_jread_object(&r)) {
        while (ea_jread_member(&r, &name)) {
            ea_str value = ea_jread_raw(&r);

            for (size_t i = 0; i < n; i++) {
                if (!ea_str_eqz(name, names[i]))
                    continue;
                if (kept.n > 1)
                    ea_buf_addc(&kept, ',');
                ea_buf_add_json_str(&kept, name);
                ea_buf_addc(&kept, ':');
                ea_buf_add(&kept, value.p, value.n);
                break;
            }
        }
    }
    ea_buf_addc(&kept, '}');
    if (ea_jread_end(&r, err) || ea_buf_check(&kept, err))
        return err->code;
    return ea_json_parse(ea_buf_str(&kept), out, err);
}

static void wipe_tree(cJSON *item)
{
    for (; item; item = item->next) {
        if (item->valuestring && !(item->type & cJSON_IsReference))
            ea_secret_wipe(item->valuestring, strlen(item->valuestring));
        if (item->child && !(item->type & cJSON_IsReference))
            wipe_tree(item->child);
    }
}

void ea_json_delete(struct cJSON *tree)
{
    if (!tree)
        return;
    wipe_tree(tree);
    cJSON_Delete(tree);
}

const struct cJSON *ea_json_get(const struct cJSON *object, const char *name)
{
    if (!cJSON_IsObject(object))
        return NULL;
    for (const cJSON *m = object->child; m; m = m->next) {
        if (m->string && strcmp(m->string, name) == 0)
            return cJSON_IsNull(m) ? NULL : m;
    }
    return NULL;
}

const char *ea_json_get_str(const struct cJSON *object, const char *name)
{
    const cJSON *m = ea_json_get(object, name);

    return cJSON_IsString(m) ? m->valuestring : NULL;
}

/* --- freeing ----------------------------------------------------------------------------------- */

static void free_text(char *s, bool secret)
{
    if (secret)
        ea_secret_free(s);
    else
        ea_free(s);
}

static void free_field(const ea_jfield *f, void *obj)
{
    bool secret = (f->flags & EA_J_SECRET) != 0;
    void *slot = at(obj, f);

    switch (f->kind) {
    case EA_JK_STR:
    case EA_JK_RAW:
        free_text(get_ptr(slot), secret);
        break;
    case EA_JK_OBJ:
        ea_json_free(f->sub, slot);
        break;
    case EA_JK_PTR: {
        void *p = get_ptr(slot);

        if (p)
            ea_json_free(f->sub, p);
        ea_free(p);
        break;
    }
    case EA_JK_LIST: {
        struct any_list l = get_list(slot);

        for (size_t i = 0; i < l.n; i++)
            ea_json_free(f->sub, (char *)l.v + i * f->sub->size);
        ea_free(l.v);
        break;
    }
    case EA_JK_STRLIST: {
        ea_strlist *l = slot;

        for (size_t i = 0; i < l->n; i++)
            free_text(l->v[i], secret);
        ea_free(l->v);
        break;
    }
    case EA_JK_I64LIST:
        ea_free(((ea_i64list *)slot)->v);
        break;
    case EA_JK_STRMAP: {
        ea_strmap *m = slot;

        for (size_t i = 0; i < m->n; i++) {
            ea_free(m->v[i].k);
            free_text(m->v[i].v, secret);
        }
        ea_free(m->v);
        break;
    }
    case EA_JK_I64:
    case EA_JK_F64:
    case EA_JK_BOOL:
    case EA_JK_OPT_I64:
    case EA_JK_OPT_BOOL:
    case EA_JK_ENUM:
        break;
    }
}

void ea_json_free(const ea_jshape *shape, void *obj)
{
    if (!obj)
        return;
    if (shape->base)
        ea_json_free(shape->base, obj);
    for (size_t i = 0; i < shape->n; i++) {
        free_field(&shape->f[i], obj);
        memset(at(obj, &shape->f[i]), 0, kind_size(&shape->f[i]));
    }
}

/* --- decoding ---------------------------------------------------------------------------------- */

static void render_path(const struct path *p, ea_buf *b)
{
    if (!p)
        return;
    render_path(p->up, b);
    if (!p->name)
        ea_buf_addf(b, "[%zu]", p->index);
    else if (p->name[0])
        ea_buf_addf(b, "%s%s", b->n ? "." : "", p->name);
}

static ea_code fail_at(struct decoder *d, const struct path *p, ea_code code, const char *what)
{
    EA_BUF_AUTO b = EA_BUF(400);

    render_path(p, &b);
    return b.n ? ea_fail(d->err, code, "%s: %s", b.p, what) : ea_fail(d->err, code, "%s", what);
}

static ea_code no_memory(struct decoder *d, const struct path *p)
{
    return fail_at(d, p, EA_NO_MEMORY, "out of memory");
}

/* Zeroed memory within the budget; NULL after having said so. */
static void *get_memory(struct decoder *d, const struct path *p, size_t n, size_t size)
{
    void *mem;

    if (n > d->budget / size) {
        (void)fail_at(d, p, EA_LIMIT, "too many elements"); /* the caller returns the code */
        return NULL;
    }
    d->budget -= n * size;
    mem = ea_try_alloc(n * size);
    if (!mem)
        (void)no_memory(d, p); /* the caller returns the code */
    return mem;
}

static ea_code copy_text(struct decoder *d, const struct path *p, const char *s, char **out)
{
    size_t n = strlen(s) + 1;
    char *copy = ea_try_alloc(n);

    if (!copy)
        return no_memory(d, p);
    memcpy(copy, s, n);
    *out = copy;
    return EA_OK;
}

static ea_code decode_i64(struct decoder *d, const struct path *p, unsigned flags, const cJSON *v,
                          int64_t *out)
{
    double x = v->valuedouble;

    if (!cJSON_IsNumber(v))
        return fail_at(d, p, EA_INVALID, "number expected");
    if (!(x >= -0x1p63 && x < 0x1p63))
        return fail_at(d, p, EA_INVALID, "number out of range");
    if (floor(x) < x)
        return fail_at(d, p, EA_INVALID, "whole number expected");
    if ((flags & EA_J_NONNEG) && x < 0)
        return fail_at(d, p, EA_INVALID, "must not be negative");
    *out = (int64_t)x;
    return EA_OK;
}

static ea_code decode_f64(struct decoder *d, const struct path *p, unsigned flags, const cJSON *v,
                          double *out)
{
    if (!cJSON_IsNumber(v))
        return fail_at(d, p, EA_INVALID, "number expected");
    if (!ea_json_finite(v->valuedouble))
        return fail_at(d, p, EA_INVALID, "number out of range");
    if ((flags & EA_J_NONNEG) && v->valuedouble < 0)
        return fail_at(d, p, EA_INVALID, "must not be negative");
    *out = v->valuedouble;
    return EA_OK;
}

static ea_code decode_bool(struct decoder *d, const struct path *p, const cJSON *v, bool *out)
{
    if (!cJSON_IsBool(v))
        return fail_at(d, p, EA_INVALID, "true or false expected");
    *out = cJSON_IsTrue(v) != 0;
    return EA_OK;
}

static ea_code decode_str(struct decoder *d, const struct path *p, unsigned flags, const cJSON *v,
                          char **out)
{
    if (!cJSON_IsString(v))
        return fail_at(d, p, EA_INVALID, "string expected");
    if ((flags & EA_J_NONEMPTY) && !v->valuestring[0])
        return fail_at(d, p, EA_INVALID, "must not be empty");
    return copy_text(d, p, v->valuestring, out);
}

static ea_code decode_enum(struct decoder *d, const struct path *p, const ea_jfield *f,
                           const cJSON *v, int *out)
{
    char text[80];

    if (!cJSON_IsString(v))
        return fail_at(d, p, EA_INVALID, "string expected");
    for (const ea_jname *n = f->names; n->text; n++) {
        if (strcmp(n->text, v->valuestring) == 0) {
            *out = n->value;
            return EA_OK;
        }
    }
    (void)snprintf(text, sizeof(text), "unknown word '%.*s'",
                   (int)ea_utf8_cut(v->valuestring, strlen(v->valuestring), 40),
                   v->valuestring); /* bounded by the precision */
    return fail_at(d, p, EA_INVALID, text);
}

static size_t count_items(const cJSON *array)
{
    size_t n = 0;

    for (const cJSON *e = array->child; e; e = e->next)
        n++;
    return n;
}

/* Array or object with the content that `flags` ask for. */
static ea_code check_many(struct decoder *d, const struct path *p, unsigned flags, const cJSON *v,
                          bool object)
{
    if (object ? !cJSON_IsObject(v) : !cJSON_IsArray(v))
        return fail_at(d, p, EA_INVALID, object ? "object expected" : "array expected");
    if ((flags & EA_J_NONEMPTY) && !v->child)
        return fail_at(d, p, EA_INVALID, "must not be empty");
    return EA_OK;
}

/* Zeroed memory for the elements of an array, none if it is empty. */
static ea_code get_elements(struct decoder *d, const struct path *p, unsigned flags, const cJSON *v,
                            size_t size, struct any_list *out)
{
    *out = (struct any_list){ NULL, 0 };
    if (check_many(d, p, flags, v, false))
        return d->err->code;
    out->n = count_items(v);
    if (out->n == 0)
        return EA_OK;
    out->v = get_memory(d, p, out->n, size);
    return out->v ? EA_OK : d->err->code;
}

static ea_code decode_shape(struct decoder *d, const struct path *p, const ea_jshape *shape,
                            const cJSON *v, void *out);

static ea_code decode_list(struct decoder *d, const struct path *p, const ea_jfield *f,
                           const cJSON *v, void *slot)
{
    struct path element = { p, NULL, 0 };
    struct any_list l;

    if (get_elements(d, p, f->flags, v, f->sub->size, &l))
        return d->err->code;
    set_list(slot, l); /* zeroed elements are fine to free */
    for (const cJSON *e = v->child; e; e = e->next) {
        if (decode_shape(d, &element, f->sub, e, (char *)l.v + element.index * f->sub->size))
            return d->err->code;
        element.index++;
    }
    return EA_OK;
}

static ea_code decode_strlist(struct decoder *d, const struct path *p, unsigned flags,
                              const cJSON *v, ea_strlist *out)
{
    struct path element = { p, NULL, 0 };
    struct any_list l;

    if (get_elements(d, p, flags, v, sizeof(*out->v), &l))
        return d->err->code;
    out->v = l.v;
    for (const cJSON *e = v->child; e; e = e->next) {
        if (decode_str(d, &element, 0, e, &out->v[out->n]))
            return d->err->code;
        out->n = ++element.index;
    }
    return EA_OK;
}

static ea_code decode_i64list(struct decoder *d, const struct path *p, unsigned flags,
                              const cJSON *v, ea_i64list *out)
{
    struct path element = { p, NULL, 0 };
    struct any_list l;

    if (get_elements(d, p, flags, v, sizeof(*out->v), &l))
        return d->err->code;
    out->v = l.v;
    for (const cJSON *e = v->child; e; e = e->next) {
        if (decode_i64(d, &element, flags, e, &out->v[out->n]))
            return d->err->code;
        out->n = ++element.index;
    }
    return EA_OK;
}

struct member { /* of an object that becomes a map */
    const cJSON *v;
    size_t i;
};

static int by_name_then_place(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int diff = strcmp(x->v->string, y->v->string);

    if (diff != 0)
        return diff;
    return x->i < y->i ? -1 : 1;
}

/* Sets skip[i] for null members and for names that came before. Sorted, because an object of a peer
 * may have 100 000 members. */
static ea_code find_repeated(struct decoder *d, const struct path *p, const cJSON *v, size_t n,
                             bool *skip)
{
    struct member *sorted = get_memory(d, p, n, sizeof(*sorted));
    size_t i = 0;

    if (!sorted)
        return d->err->code;
    for (const cJSON *e = v->child; e; e = e->next, i++)
        sorted[i] = (struct member){ e, i };
    qsort(sorted, n, sizeof(*sorted), by_name_then_place);
    for (i = 0; i < n; i++) {
        skip[sorted[i].i] = cJSON_IsNull(sorted[i].v) ||
                            (i > 0 && strcmp(sorted[i - 1].v->string, sorted[i].v->string) == 0);
    }
    ea_free(sorted);
    return EA_OK;
}

static ea_code decode_strmap(struct decoder *d, const struct path *p, unsigned flags,
                             const cJSON *v, ea_strmap *out)
{
    EA_FREE_AUTO bool *skip = NULL;
    struct path member = { p, NULL, 0 };
    size_t n, i = 0;

    if (check_many(d, p, flags, v, true))
        return d->err->code;
    n = count_items(v);
    if (n == 0)
        return EA_OK;
    skip = get_memory(d, p, n, sizeof(*skip));
    if (!skip || find_repeated(d, p, v, n, skip))
        return d->err->code;
    out->v = get_memory(d, p, n, sizeof(*out->v));
    if (!out->v)
        return d->err->code;
    for (const cJSON *e = v->child; e; e = e->next, i++) {
        ea_kv *kv = &out->v[out->n];

        if (skip[i])
            continue;
        member.name = e->string;
        out->n++; /* a half-filled pair is fine to free */
        if (copy_text(d, &member, e->string, &kv->k) || decode_str(d, &member, 0, e, &kv->v))
            return d->err->code;
    }
    return EA_OK;
}

static ea_code decode_raw(struct decoder *d, const struct path *p, const cJSON *v, char **out)
{
    EA_SECRET_BUF_AUTO b = EA_BUF(d->budget);
    ea_err why = { 0 };

    ea_json_add_value(&b, v);
    d->budget -= b.n;
    if (ea_buf_take(&b, out, &why))
        return fail_at(d, p, why.code, why.text);
    return EA_OK;
}

static ea_code decode_field(struct decoder *d, const struct path *p, const ea_jfield *f,
                            const cJSON *v, void *slot)
{
    switch (f->kind) {
    case EA_JK_STR:
        return decode_str(d, p, f->flags, v, slot);
    case EA_JK_I64:
        return decode_i64(d, p, f->flags, v, slot);
    case EA_JK_F64:
        return decode_f64(d, p, f->flags, v, slot);
    case EA_JK_BOOL:
        return decode_bool(d, p, v, slot);
    case EA_JK_OPT_I64: {
        ea_opt_i64 *o = slot;

        o->has = decode_i64(d, p, f->flags, v, &o->v) == EA_OK;
        return o->has ? EA_OK : d->err->code;
    }
    case EA_JK_OPT_BOOL: {
        ea_opt_bool *o = slot;

        o->has = decode_bool(d, p, v, &o->v) == EA_OK;
        return o->has ? EA_OK : d->err->code;
    }
    case EA_JK_ENUM:
        return decode_enum(d, p, f, v, slot);
    case EA_JK_OBJ:
        return decode_shape(d, p, f->sub, v, slot);
    case EA_JK_PTR: {
        void *obj = get_memory(d, p, 1, f->sub->size);

        if (!obj)
            return d->err->code;
        set_ptr(slot, obj);
        return decode_shape(d, p, f->sub, v, obj);
    }
    case EA_JK_LIST:
        return decode_list(d, p, f, v, slot);
    case EA_JK_STRLIST:
        return decode_strlist(d, p, f->flags, v, slot);
    case EA_JK_I64LIST:
        return decode_i64list(d, p, f->flags, v, slot);
    case EA_JK_STRMAP:
        return decode_strmap(d, p, f->flags, v, slot);
    case EA_JK_RAW:
        return decode_raw(d, p, v, slot);
    }
    return fail_at(d, p, EA_INVALID, "member of unknown kind");
}

/* The member that a field reads: the first with exactly its name, else the first that differs in
 * case alone. */
static const cJSON *find_member(const cJSON *object, const char *name, bool exact)
{
    const cJSON *other = NULL;

    for (const cJSON *m = object->child; m; m = m->next) {
        if ((m->string[0] | 0x20) != (name[0] | 0x20)) /* most of them, whatever their case */
            continue;
        if (strcmp(m->string, name) == 0)
            return m;
        if (!exact && !other && ea_str_eq_nocase(ea_str_of(m->string), ea_str_of(name)))
            other = m;
    }
    return other;
}

static ea_code decode_shape(struct decoder *d, const struct path *p, const ea_jshape *shape,
                            const cJSON *v, void *out)
{
    if (!cJSON_IsObject(v))
        return fail_at(d, p, EA_INVALID, "object expected");
    if (shape->base && decode_shape(d, p, shape->base, v, out))
        return d->err->code;
    for (size_t i = 0; i < shape->n; i++) {
        const ea_jfield *f = &shape->f[i];
        const cJSON *m = find_member(v, f->name, shape->exact);
        struct path member = { p, f->name, 0 };

        if (!m || cJSON_IsNull(m)) {
            if (f->flags & EA_J_REQUIRED)
                return fail_at(d, &member, EA_INVALID, "missing");
            continue;
        }
        if (decode_field(d, &member, f, m, at(out, f)))
            return d->err->code;
    }
    return EA_OK;
}

ea_code ea_json_decode_value(const ea_jshape *shape, const struct cJSON *value, const char *path,
                             void *out, ea_err *err)
{
    struct path top = { NULL, path ? path : "", 0 };
    struct decoder d = { STRUCT_BUDGET, err };

    memset(out, 0, shape->size);
    if (decode_shape(&d, &top, shape, value, out) == EA_OK)
        return EA_OK;
    ea_json_free(shape, out);
    memset(out, 0, shape->size);
    return err->code;
}

ea_code ea_json_decode(const ea_jshape *shape, ea_str text, void *out, ea_err *err)
{
    cJSON *tree = NULL;
    ea_code code;

    memset(out, 0, shape->size);
    code = ea_json_parse(text, &tree, err);
    if (code == EA_OK)
        code = ea_json_decode_value(shape, tree, "", out, err);
    ea_json_delete(tree);
    return code;
}
