/* query.h - the AWS Query protocol: a form in, XML out, by the same tables as JSON calls.
 * Thread: any. Pure. Knows: forms, tables (shape.h). Does not know: calls, HTTP.
 * Source: AWS Query protocol (Smithy documentation, "AWS Query protocol"): "Action" and "Version" name
 * the call; a member of a structure follows a dot, an item of a list ".member.N" from 1 on; times are
 * RFC 3339. */
#ifndef EA_LOCAL_QUERY_H
#define EA_LOCAL_QUERY_H

#include "shape.h"

#define EA_LC_QUERY_PAIRS_MAX 20000 /* 500 metric queries of 30 dimensions fit */
#define EA_LC_QUERY_ITEMS_MAX 500   /* of one list */

/* The value of one top member, unescaped; NULL when absent or not to be read. Caller frees. */
char *ea_lc_query_get(ea_str form, const char *name);
/* The form's members that the table lists, as a JSON tree with the table's types; what it does not list
 * is left out. Required members are not looked for (ea_lc_shape_check does). EA_PROTOCOL: not to be
 * read, or another type; EA_LIMIT: too much of it. Caller deletes *out. */
ea_code ea_lc_query_parse(ea_str form, const ea_lc_shape *shape, struct cJSON **out,
                          ea_err *err) EA_CHECK;

/* The members of the tree that the table lists as XML elements, in its order; text escaped, times in
 * RFC 3339. A list's items are elements "member". */
void ea_lc_xml_add(ea_buf *out, const ea_lc_shape *shape, const struct cJSON *tree);
void ea_lc_xml_add_text(ea_buf *out,
                        ea_str text); /* escaped; what XML cannot hold becomes U+FFFD */

#endif
