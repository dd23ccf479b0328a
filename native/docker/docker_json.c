#include "docker_json.h"

#include "../base/alloc.h"
#include "../base/json.h"

#include <cJSON.h>
#include <float.h>
#include <math.h>
#include <string.h>

void ea_jt_set(struct cJSON *object, const char *name, struct cJSON *item, bool *oom)
{
    if (!item || !object) {
        cJSON_Delete(item);
        *oom = true;
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (!cJSON_AddItemToObject(object, name, item)) {
        cJSON_Delete(item);
        *oom = true;
    }
}

void ea_jt_set_str(struct cJSON *object, const char *name, const char *value, bool *oom)
{
    ea_jt_set(object, name, cJSON_CreateString(value ? value : ""), oom);
}

void ea_jt_set_int(struct cJSON *object, const char *name, int64_t value, bool *oom)
{
    ea_jt_set(object, name, cJSON_CreateNumber((double)value), oom);
}

void ea_jt_push(struct cJSON *array, struct cJSON *item, bool *oom)
{
    if (!item || !array || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        *oom = true;
    }
}

void ea_jt_push_str(struct cJSON *array, const char *value, bool *oom)
{
    ea_jt_push(array, cJSON_CreateString(value ? value : ""), oom);
}

struct cJSON *ea_jt_object(struct cJSON *object, const char *name, bool *oom)
{
    struct cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    if (cJSON_IsObject(m))
        return m;
    ea_jt_set(object, name, cJSON_CreateObject(), oom);
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

struct cJSON *ea_jt_array(struct cJSON *object, const char *name, bool *oom)
{
    struct cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    if (cJSON_IsArray(m))
        return m;
    ea_jt_set(object, name, cJSON_CreateArray(), oom);
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool finite_number(double d)
{
    return d >= -DBL_MAX && d <= DBL_MAX;
}

/* The limits of int64 as doubles: the upper one is 2^63, which is one too many. */
#define I64_END 9223372036854775808.0

static int64_t clamp(double d)
{
    if (d >= I64_END)
        return INT64_MAX;
    return d <= -I64_END ? INT64_MIN : (int64_t)d;
}

int64_t ea_jt_int(const struct cJSON *object, const char *name)
{
    const struct cJSON *m = ea_json_get(object, name);

    return cJSON_IsNumber(m) && finite_number(m->valuedouble) ? clamp(m->valuedouble) : 0;
}

static void print_number(double d, ea_buf *out)
{
    if (!finite_number(d)) /* 1e999 in a payload: JSON has no word for it */
        ea_buf_adds(out, "0");
    else if (floor(d) == d)
        ea_buf_addf(out, "%lld", (long long)clamp(d));
    else
        ea_buf_addf(out, "%.17g", d);
}

/* Depth: no deeper than cJSON's nesting limit let it in. */
void ea_jt_print(const struct cJSON *value, ea_buf *out)
{
    const struct cJSON *m;
    bool object = cJSON_IsObject(value);

    if (cJSON_IsString(value)) {
        ea_buf_add_json_str(out, ea_str_of(value->valuestring));
    } else if (cJSON_IsNumber(value)) {
        print_number(value->valuedouble, out);
    } else if (cJSON_IsBool(value)) {
        ea_buf_adds(out, cJSON_IsTrue(value) ? "true" : "false");
    } else if (object || cJSON_IsArray(value)) {
        ea_buf_addc(out, object ? '{' : '[');
        for (m = value->child; m; m = m->next) {
            if (m != value->child)
                ea_buf_addc(out, ',');
            if (object) {
                ea_buf_add_json_str(out, ea_str_of(m->string));
                ea_buf_addc(out, ':');
            }
            ea_jt_print(m, out);
        }
        ea_buf_addc(out, object ? '}' : ']');
    } else {
        ea_buf_adds(out, "null");
    }
}

static void wipe(struct cJSON *value)
{
    for (struct cJSON *m = value->child; m; m = m->next)
        wipe(m);
    if (value->valuestring)
        ea_secret_wipe(value->valuestring, strlen(value->valuestring));
}

void ea_jt_wipe(struct cJSON *value)
{
    if (!value)
        return;
    wipe(value);
    cJSON_Delete(value);
}
