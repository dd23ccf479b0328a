/* json_slot.h - how json.c and json_encode.c reach the members that a shape describes. Private to
 * the two. Pure. */
#ifndef EA_BASE_JSON_SLOT_H
#define EA_BASE_JSON_SLOT_H

#include "json.h"

#include <float.h>
#include <string.h>

struct any_list { /* what every { struct *v; size_t n; } looks like */
    void *v;
    size_t n;
};

/* Members are reached through their offset; the tables hold the member's real type (EA_AT), and
 * alignment comes with the struct. */
static inline void *at(void *obj, const ea_jfield *f)
{
    return (char *)obj + f->off;
}

static inline const void *at_const(const void *obj, const ea_jfield *f)
{
    return (const char *)obj + f->off;
}

/* A `struct x *` member as a plain pointer; memcpy, because a void ** must not alias it. */
static inline void *get_ptr(const void *slot)
{
    void *p;

    memcpy(&p, slot, sizeof(p));
    return p;
}

static inline void set_ptr(void *slot, void *p)
{
    memcpy(slot, &p, sizeof(p));
}

static inline struct any_list get_list(const void *slot)
{
    struct any_list l;

    memcpy(&l, slot, sizeof(l));
    return l;
}

static inline void set_list(void *slot, struct any_list l)
{
    memcpy(slot, &l, sizeof(l));
}

static inline size_t kind_size(const ea_jfield *f)
{
    switch (f->kind) {
    case EA_JK_STR:
    case EA_JK_RAW:
    case EA_JK_PTR:
        return sizeof(void *);
    case EA_JK_I64:
        return sizeof(int64_t);
    case EA_JK_F64:
        return sizeof(double);
    case EA_JK_BOOL:
        return sizeof(bool);
    case EA_JK_OPT_I64:
        return sizeof(ea_opt_i64);
    case EA_JK_OPT_BOOL:
        return sizeof(ea_opt_bool);
    case EA_JK_ENUM:
        return sizeof(int);
    case EA_JK_OBJ:
        return f->sub->size;
    case EA_JK_LIST:
    case EA_JK_STRLIST:
    case EA_JK_I64LIST:
    case EA_JK_STRMAP:
        return sizeof(struct any_list);
    }
    return 0;
}

/* isfinite() of mingw-w64 narrows its argument, which -Wconversion refuses. */
static inline bool ea_json_finite(double x)
{
    return x >= -DBL_MAX && x <= DBL_MAX;
}

#endif
