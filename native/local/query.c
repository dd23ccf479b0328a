/* query.c - forms to trees, trees to XML. See query.h. */
#include "query.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/json.h"

#include <cJSON.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX   256
#define VALUE_MAX 4096
#define DEPTH_MAX 12

/* ---- forms ------------------------------------------------------------------------------------ */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Unescapes into out[max]; false when it does not fit, is escaped wrongly or holds a NUL. */
static bool unescape(ea_str in, char *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < in.n ? hex(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex(in.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || n + 1 >= max)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

static bool next_pair(ea_str *form, ea_str *key, ea_str *value)
{
    ea_str pair;

    while (form->n) {
        *form = ea_str_cut(*form, '&', &pair);
        if (!pair.n)
            continue;
        *value = ea_str_cut(pair, '=', key);
        return true;
    }
    return false;
}

char *ea_lc_query_get(ea_str form, const char *name)
{
    char text[VALUE_MAX];
    ea_str key, value;

    while (next_pair(&form, &key, &value))
        if (ea_str_eqz(key, name))
            return unescape(value, text, sizeof(text)) ? ea_strdup(text) : NULL;
    return NULL;
}

static const ea_lc_member *member_of(const ea_lc_shape *shape, ea_str name)
{
    for (size_t i = 0; i < shape->n; i++)
        if (ea_str_eqz(name, shape->members[i].name))
            return &shape->members[i];
    return NULL;
}

/* A plain value of the table's type; NULL with the reason. */
static cJSON *scalar(ea_lc_kind kind, const char *key, const char *text, ea_err *err)
{
    int64_t whole = 0;
    char *end;
    double number;

    switch (kind) {
    case EA_LC_STR:
        if (!ea_utf8_valid(ea_str_of(text)))
            break;
        return cJSON_CreateString(text);
    case EA_LC_INT:
        if (ea_str_to_i64(ea_str_of(text), INT32_MIN, INT32_MAX, &whole, err))
            break;
        return cJSON_CreateNumber((double)whole);
    case EA_LC_LONG:
        if (ea_str_to_i64(ea_str_of(text), -9007199254740991, 9007199254740991, &whole, err))
            break;
        return cJSON_CreateNumber((double)whole);
    case EA_LC_NUM:
        number = strtod(text, &end);
        if (!text[0] || *end || !(fabs(number) <= DBL_MAX))
            break;
        return cJSON_CreateNumber(number);
    case EA_LC_TIME:
        if (ea_parse_rfc3339(ea_str_of(text), &whole, err))
            break;
        return cJSON_CreateNumber((double)whole / 1000.0);
    case EA_LC_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            break;
        return cJSON_CreateBool(text[0] == 't');
    case EA_LC_OBJ:
    case EA_LC_LIST:
    case EA_LC_MAP:
        break;
    }
    (void)ea_fail(err, EA_PROTOCOL, "%s: '%.80s' is no value for it", key, text);
    return NULL;
}

static cJSON *child_of(cJSON *parent, const char *name, bool list)
{
    cJSON *child = cJSON_GetObjectItemCaseSensitive(parent, name);

    if (!child)
        child = list ? cJSON_AddArrayToObject(parent, name) : cJSON_AddObjectToObject(parent, name);
    return child;
}

/* "member.<N>" of a list: its number, from 0. */
static ea_code read_index(ea_str *rest, const char *key, size_t *index, ea_err *err)
{
    ea_str word, number;
    int64_t n;

    *rest = ea_str_cut(*rest, '.', &word);
    *rest = ea_str_cut(*rest, '.', &number);
    if (!ea_str_eqz(word, "member") || ea_str_to_i64(number, 1, INT32_MAX, &n, err))
        return ea_fail(err, EA_PROTOCOL, "%s: a list is written NAME.member.1", key);
    if (n > EA_LC_QUERY_ITEMS_MAX)
        return ea_fail(err, EA_LIMIT, "%s: a list has at most %d items", key,
                       EA_LC_QUERY_ITEMS_MAX);
    *index = (size_t)n - 1;
    return EA_OK;
}

/* Puts `item` (taken; NULL: an object) at the index; the item there when one is, freeing the other. */
static cJSON *item_at(cJSON *list, size_t index, cJSON *item)
{
    cJSON *there;

    while ((size_t)cJSON_GetArraySize(list) <= index)
        (void)cJSON_AddItemToArray(list, cJSON_CreateNull());
    there = cJSON_GetArrayItem(list, (int)index);
    if (!cJSON_IsNull(there)) {
        cJSON_Delete(item);
        return there;
    }
    if (!item)
        item = cJSON_CreateObject();
    (void)cJSON_ReplaceItemViaPointer(list, there, item);
    return item;
}

/* Enters one pair. The path runs through `at`, which has the shape. */
static ea_code enter(cJSON *at, const ea_lc_shape *shape, const char *key, const char *text,
                     ea_err *err)
{
    ea_str rest = ea_str_of(key), word;

    for (unsigned depth = 0; depth < DEPTH_MAX && shape; depth++) {
        const ea_lc_member *m;
        size_t index = 0;
        cJSON *value;

        rest = ea_str_cut(rest, '.', &word);
        m = member_of(shape, word);
        if (!m)
            return EA_OK; /* not listed */
        if (m->kind == EA_LC_LIST) {
            cJSON *list = child_of(at, m->name, true);

            if (!rest.n && !text[0])
                return EA_OK; /* NAME= is an empty list */
            if (read_index(&rest, key, &index, err))
                return err->code;
            if (m->item != EA_LC_OBJ) {
                value = scalar(m->item, key, text, err);
                if (!value)
                    return err->code;
                (void)item_at(list, index, value);
                return EA_OK;
            }
            at = item_at(list, index, NULL);
        } else if (m->kind == EA_LC_OBJ) {
            at = child_of(at, m->name, false);
        } else {
            if (cJSON_GetObjectItemCaseSensitive(at, m->name) || rest.n)
                return ea_fail(err, EA_PROTOCOL, "%s: given twice or too deep", key);
            value = scalar(m->kind, key, text, err);
            if (!value)
                return err->code;
            (void)cJSON_AddItemToObject(at, m->name, value);
            return EA_OK;
        }
        shape = m->sub;
    }
    return EA_OK;
}

/* An item that was never given: the numbers of a list are 1 to n. */
static bool has_hole(const cJSON *tree)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, tree) if (cJSON_IsNull(v) || has_hole(v)) return true;
    return false;
}

ea_code ea_lc_query_parse(ea_str form, const ea_lc_shape *shape, cJSON **out, ea_err *err)
{
    cJSON *tree = cJSON_CreateObject();
    char key_text[KEY_MAX], text[VALUE_MAX];
    ea_str key, value;
    size_t pairs = 0;
    ea_code code = EA_OK;

    while (code == EA_OK && next_pair(&form, &key, &value)) {
        if (++pairs > EA_LC_QUERY_PAIRS_MAX)
            code = ea_fail(err, EA_LIMIT, "more than %d parameters", EA_LC_QUERY_PAIRS_MAX);
        else if (!unescape(key, key_text, sizeof(key_text)) || !unescape(value, text, sizeof(text)))
            code = ea_fail(err, EA_PROTOCOL, "a parameter is too long or not escaped as it should");
        else
            code = enter(tree, shape, key_text, text, err);
    }
    if (code == EA_OK && has_hole(tree))
        code = ea_fail(err, EA_PROTOCOL, "the numbers of a list have a gap");
    if (code) {
        cJSON_Delete(tree);
        return code;
    }
    *out = tree;
    return EA_OK;
}

/* ---- XML -------------------------------------------------------------------------------------- */

void ea_lc_xml_add_text(ea_buf *out, ea_str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = ea_utf8_seq(text.p + i, text.n - i);
        unsigned char c = (unsigned char)text.p[i];

        if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            ea_buf_adds(out, "\xEF\xBF\xBD");
            n = n ? n : 1;
        } else if (c == '<') {
            ea_buf_adds(out, "&lt;");
        } else if (c == '>') {
            ea_buf_adds(out, "&gt;");
        } else if (c == '&') {
            ea_buf_adds(out, "&amp;");
        } else if (c == '"') {
            ea_buf_adds(out, "&quot;");
        } else if (c == '\r') {
            ea_buf_adds(out, "&#13;"); /* a reader would make a line feed of it */
        } else {
            ea_buf_add(out, text.p + i, n);
        }
        i += n;
    }
}

static void add_value(ea_buf *out, ea_lc_kind kind, const ea_lc_shape *sub, const cJSON *v)
{
    char time[EA_RFC3339_MAX];

    switch (kind) {
    case EA_LC_STR:
        ea_lc_xml_add_text(out, ea_str_of(cJSON_GetStringValue(v)));
        break;
    case EA_LC_INT:
    case EA_LC_LONG:
        ea_buf_addf(out, "%.0f", v->valuedouble);
        break;
    case EA_LC_NUM:
        ea_buf_addf(out, "%.15g", v->valuedouble);
        break;
    case EA_LC_TIME:
        ea_format_rfc3339((int64_t)llround(v->valuedouble * 1000.0), 1, time);
        ea_buf_adds(out, time);
        break;
    case EA_LC_BOOL:
        ea_buf_adds(out, cJSON_IsTrue(v) ? "true" : "false");
        break;
    case EA_LC_OBJ:
        if (sub)
            ea_lc_xml_add(out, sub, v);
        break;
    case EA_LC_LIST: /* lists of lists and maps are in no table */
    case EA_LC_MAP:
        break;
    }
}

void ea_lc_xml_add(ea_buf *out, const ea_lc_shape *shape, const cJSON *tree)
{
    for (size_t i = 0; i < shape->n; i++) {
        const ea_lc_member *m = &shape->members[i];
        const cJSON *v = ea_json_get(tree, m->name), *item;

        if (!v)
            continue;
        ea_buf_addf(out, "<%s>", m->name);
        if (m->kind == EA_LC_LIST) {
            cJSON_ArrayForEach(item, v)
            {
                ea_buf_adds(out, "<member>");
                add_value(out, m->item, m->sub, item);
                ea_buf_adds(out, "</member>");
            }
        } else {
            add_value(out, m->kind, m->sub, v);
        }
        ea_buf_addf(out, "</%s>", m->name);
    }
}
