/* shape.h - what a call of the ECS API may hold, as tables of names, types and required members, and
 * the check of a request against them.
 * Thread: any. Pure. Knows: cJSON, the kinds of the AWS JSON protocol. Does not know: what the members
 * mean; rules between members stand with the call that has them.
 * Members that a table does not list are ignored, as AWS does. Listed ones that this control plane does
 * not carry out are refused when they are not empty, never dropped in silence. */
#ifndef EA_LOCAL_SHAPE_H
#define EA_LOCAL_SHAPE_H

#include "../base/buf.h"
#include "../base/err.h"

#include <stdbool.h>

struct cJSON;

typedef enum ea_lc_kind {
    EA_LC_STR,
    EA_LC_INT,  /* 32 bits */
    EA_LC_LONG, /* 64 bits */
    EA_LC_NUM,
    EA_LC_TIME, /* epoch seconds */
    EA_LC_BOOL,
    EA_LC_OBJ,
    EA_LC_LIST,
    EA_LC_MAP /* text to text */
} ea_lc_kind;

enum {
    EA_LC_REQUIRED = 1,
    EA_LC_REFUSED = 2, /* known, not carried out here */
};

struct ea_lc_shape;

typedef struct ea_lc_member {
    const char *name;
    ea_lc_kind kind;
    unsigned flags;
    ea_lc_kind item;               /* of a list */
    const struct ea_lc_shape *sub; /* of an object, or of a list's objects; NULL: not looked into */
    const char *words;             /* "A|B": the only values of a text (or of a list's texts) */
} ea_lc_member;

typedef struct ea_lc_shape {
    const ea_lc_member *members;
    size_t n;
} ea_lc_shape;

/* clang-format off */
#define EA_LC_S(name, flags)              { (name), EA_LC_STR,  (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_E(name, flags, words)       { (name), EA_LC_STR,  (flags), EA_LC_STR, NULL, (words) }
#define EA_LC_I(name, flags)              { (name), EA_LC_INT,  (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_L(name, flags)              { (name), EA_LC_LONG, (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_N(name, flags)              { (name), EA_LC_NUM,  (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_T(name, flags)              { (name), EA_LC_TIME, (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_B(name, flags)              { (name), EA_LC_BOOL, (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_O(name, flags, sub)         { (name), EA_LC_OBJ,  (flags), EA_LC_STR, (sub), NULL }
#define EA_LC_M(name, flags)              { (name), EA_LC_MAP,  (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_LS(name, flags)             { (name), EA_LC_LIST, (flags), EA_LC_STR, NULL, NULL }
#define EA_LC_LE(name, flags, words)      { (name), EA_LC_LIST, (flags), EA_LC_STR, NULL, (words) }
#define EA_LC_LI(name, flags)             { (name), EA_LC_LIST, (flags), EA_LC_INT, NULL, NULL }
#define EA_LC_LN(name, flags)             { (name), EA_LC_LIST, (flags), EA_LC_NUM, NULL, NULL }
#define EA_LC_LT(name, flags)             { (name), EA_LC_LIST, (flags), EA_LC_TIME, NULL, NULL }
#define EA_LC_LO(name, flags, sub)        { (name), EA_LC_LIST, (flags), EA_LC_OBJ, (sub), NULL }
#define EA_LC_SHAPE(list)                 { (list), EA_COUNT(list) }
/* clang-format on */

/* EA_PROTOCOL: a value has another type (SerializationException). EA_INVALID: a member is missing, or a
 * text is none of the words. EA_UNSUPPORTED: a member that is not carried out here. The text names the
 * member by its path. */
ea_code ea_lc_shape_check(const ea_lc_shape *shape, const struct cJSON *value,
                          ea_err *err) EA_CHECK;
/* Takes out of a checked value what the shape does not list, and all nulls. */
void ea_lc_shape_prune(const ea_lc_shape *shape, struct cJSON *value);
/* The shape as JSON: {"name":{"type":"list","required":true,"item":"structure","members":{...}}}. For
 * the comparison with the published model. */
void ea_lc_shape_print(const ea_lc_shape *shape, ea_buf *out);

#endif
