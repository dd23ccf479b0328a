/* json.h - one table per shape decodes, frees, encodes, copies and prints a C struct.
 * Thread: any. Knows: cJSON, our member kinds. Does not know: meaning; cross-field rules stand in
 * one <type>_check() beside the struct.
 *
 *   static const ea_jfield port_fields[] = {
 *       EA_JI64(struct ea_port, container_port, "containerPort", 0),
 *       EA_JSTR(struct ea_port, protocol,       "protocol",      0),
 *   };
 *   const ea_jshape ea_port_shape = EA_JSHAPE(struct ea_port, port_fields);
 *
 * Decoding: unknown members pass; JSON null equals absent; names match exactly first, then without
 * case (control-plane.md section 3.2) unless the shape is exact; numbers must be whole and in range
 * for the member. A wrong type is EA_INVALID with the path: `tasks[0].containers[1].memory: number
 * expected`. Input larger than the caller's limit is refused before parsing by the caller. */
#ifndef EA_BASE_JSON_H
#define EA_BASE_JSON_H

#include "buf.h"
#include "err.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* Member types that the tables know. All are owned by the struct that holds them. */
typedef struct ea_opt_i64 { /* a number that may be absent */
    bool has;
    int64_t v;
} ea_opt_i64;
typedef struct ea_opt_bool {
    bool has;
    bool v;
} ea_opt_bool;
typedef struct ea_strlist {
    char **v;
    size_t n;
} ea_strlist;
typedef struct ea_i64list {
    int64_t *v;
    size_t n;
} ea_i64list;
typedef struct ea_kv {
    char *k;
    char *v;
} ea_kv;
typedef struct ea_strmap { /* in the order of the text */
    ea_kv *v;
    size_t n;
} ea_strmap;
/* A list of structs: `struct { struct ea_port *v; size_t n; } ports;` */

typedef enum ea_jkind {
    EA_JK_STR,      /* char *; NULL when absent */
    EA_JK_I64,      /* int64_t; 0 when absent */
    EA_JK_F64,      /* double; 0 when absent */
    EA_JK_BOOL,     /* bool; false when absent */
    EA_JK_OPT_I64,  /* ea_opt_i64 */
    EA_JK_OPT_BOOL, /* ea_opt_bool */
    EA_JK_ENUM,     /* int: value from `names` */
    EA_JK_OBJ,      /* struct, inline; all zero when absent */
    EA_JK_PTR,      /* struct *; NULL when absent */
    EA_JK_LIST,     /* { struct *v; size_t n; } */
    EA_JK_STRLIST,  /* ea_strlist */
    EA_JK_I64LIST,  /* ea_i64list */
    EA_JK_STRMAP,   /* ea_strmap from an object; number and bool values are refused */
    EA_JK_RAW,      /* char *: any JSON value kept as compact text */
} ea_jkind;

enum {
    EA_J_REQUIRED = 1, /* absent or null is an error */
    EA_J_NONEMPTY = 2, /* "" and [] are errors (with EA_J_REQUIRED: must be there and not empty) */
    EA_J_SECRET = 4,   /* wiped on free; printed as "***" */
    EA_J_ALWAYS = 8,   /* encoded even when empty, zero, NULL (as "", 0, [], {} or null) */
    EA_J_NOSTORE = 16, /* left out when encoding for the store */
    EA_J_NONNEG = 32,  /* a negative number is an error */
};

typedef struct ea_jname { /* for EA_JK_ENUM; ends with { NULL, 0 } */
    const char *text;
    int value;
} ea_jname;

typedef struct ea_jfield {
    const char *name;
    ea_jkind kind;
    unsigned flags;
    size_t off;
    const struct ea_jshape *sub; /* OBJ, PTR, LIST */
    const ea_jname *names;       /* ENUM; an unknown word is an error */
} ea_jfield;

typedef struct ea_jshape {
    size_t size;
    const ea_jfield *f;
    size_t n;
    const struct ea_jshape *base; /* fields of this shape come first; same struct; may be NULL */
    bool exact;                   /* names match with case only */
} ea_jshape;

/* EA_AT: the offset, refused at compile time when the member has another C type. */
#define EA_AT(type, member, ctype)                                                                 \
    (offsetof(type, member) + 0 * sizeof(&((type *)0)->member == (ctype *)0))
/* clang-format off */
#define EA_JSTR(t, m, name, flags)         { (name), EA_JK_STR, (flags), EA_AT(t, m, char *), NULL, NULL }
#define EA_JI64(t, m, name, flags)         { (name), EA_JK_I64, (flags), EA_AT(t, m, int64_t), NULL, NULL }
#define EA_JF64(t, m, name, flags)         { (name), EA_JK_F64, (flags), EA_AT(t, m, double), NULL, NULL }
#define EA_JBOOL(t, m, name, flags)        { (name), EA_JK_BOOL, (flags), EA_AT(t, m, bool), NULL, NULL }
#define EA_JOPTI64(t, m, name, flags)      { (name), EA_JK_OPT_I64, (flags), EA_AT(t, m, ea_opt_i64), NULL, NULL }
#define EA_JOPTBOOL(t, m, name, flags)     { (name), EA_JK_OPT_BOOL, (flags), EA_AT(t, m, ea_opt_bool), NULL, NULL }
#define EA_JENUM(t, m, name, flags, words) { (name), EA_JK_ENUM, (flags), offsetof(t, m), NULL, (words) }
#define EA_JOBJ(t, m, name, flags, shape)  { (name), EA_JK_OBJ, (flags), offsetof(t, m), (shape), NULL }
#define EA_JPTR(t, m, name, flags, shape)  { (name), EA_JK_PTR, (flags), offsetof(t, m), (shape), NULL }
#define EA_JLIST(t, m, name, flags, shape) { (name), EA_JK_LIST, (flags), offsetof(t, m), (shape), NULL }
#define EA_JSTRLIST(t, m, name, flags)     { (name), EA_JK_STRLIST, (flags), EA_AT(t, m, ea_strlist), NULL, NULL }
#define EA_JI64LIST(t, m, name, flags)     { (name), EA_JK_I64LIST, (flags), EA_AT(t, m, ea_i64list), NULL, NULL }
#define EA_JSTRMAP(t, m, name, flags)      { (name), EA_JK_STRMAP, (flags), EA_AT(t, m, ea_strmap), NULL, NULL }
#define EA_JRAW(t, m, name, flags)         { (name), EA_JK_RAW, (flags), EA_AT(t, m, char *), NULL, NULL }
#define EA_JSHAPE(type, fields)            { sizeof(type), (fields), EA_COUNT(fields), NULL, false }
#define EA_JSHAPE_ON(type, fields, basep)  { sizeof(type), (fields), EA_COUNT(fields), (basep), false }
/* clang-format on */

/* Enum members (EA_JK_ENUM) are read and written as int: declare them as an enum type of int size. */

/* `out` is zeroed first; on failure everything decoded so far is freed again and out is zero.
 * Nothing but blanks may follow the value. Depth is limited by cJSON's nesting limit. */
ea_code ea_json_decode(const ea_jshape *shape, ea_str text, void *out, ea_err *err) EA_CHECK;
/* From a parsed tree (borrowed); `path` prefixes errors, may be "". */
ea_code ea_json_decode_value(const ea_jshape *shape, const struct cJSON *value, const char *path,
                             void *out, ea_err *err) EA_CHECK;
void ea_json_free(const ea_jshape *shape, void *obj); /* frees members, zeroes them; not obj */
ea_code ea_json_copy(const ea_jshape *shape, const void *from, void *to, ea_err *err) EA_CHECK;

typedef enum ea_jmode {
    EA_J_WIRE,  /* everything that is set */
    EA_J_STORE, /* without EA_J_NOSTORE members */
    EA_J_PRINT, /* secrets masked; for logs */
} ea_jmode;
/* Adds one compact object. Members with zero, NULL or empty values are left out unless ALWAYS. */
void ea_json_encode(const ea_jshape *shape, const void *obj, ea_jmode mode, ea_buf *out);

/* Parsing for code that walks a tree itself: strict (whole text, nothing after it; a NUL character,
 * escaped or not, is refused). The caller frees *out by cJSON_Delete, or by ea_json_delete when it
 * may hold secrets. Duplicate names: the first wins. */
ea_code ea_json_parse(ea_str text, struct cJSON **out, ea_err *err) EA_CHECK;
/* The same for an object of which only these members, by their exact names, are wanted: what is left out
 * is checked and costs a tenth. Any other value is as an object without members. */
ea_code ea_json_parse_some(ea_str text, const char *const *names, size_t n, struct cJSON **out,
                           ea_err *err) EA_CHECK;
void ea_json_delete(struct cJSON *tree); /* wipes every string first; NULL is fine */
/* Adds a parsed value as compact text. */
void ea_json_add_value(ea_buf *b, const struct cJSON *value);
/* Shortest form that reads back the same; whole numbers without a point. */
void ea_json_add_double(ea_buf *b, double x);
/* Exact-case member or NULL; NULL for JSON null too. */
const struct cJSON *ea_json_get(const struct cJSON *object, const char *name);
/* The member's text, or NULL when it is absent or not a string. Borrowed from the tree. */
const char *ea_json_get_str(const struct cJSON *object, const char *name);

void ea_strlist_add(ea_strlist *l, const char *s);
void ea_strlist_free(ea_strlist *l);
void ea_strmap_set(ea_strmap *m, const char *k, const char *v); /* replaces */
const char *ea_strmap_get(const ea_strmap *m, const char *k);   /* NULL when absent */
void ea_strmap_free(ea_strmap *m);

#endif
