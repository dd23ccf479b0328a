/* place_expr.h - expressions of the cluster query language: placement constraints and list filters.
 *   attribute:ecs.os-type == linux and attribute:stack exists
 * Thread: any. Pure. Source: Amazon ECS developer guide, "Cluster query language".
 * Regular expressions (=~) match whole values and know . * + ? and [classes]. */
#ifndef EA_LOCAL_PLACE_EXPR_H
#define EA_LOCAL_PLACE_EXPR_H

#include "entity.h"

typedef struct ea_lc_subject { /* what an expression is asked about; borrowed */
    const struct ea_lc_instance *instance;
    int64_t running_tasks;
    const ea_strlist *groups; /* task groups that run on it */
} ea_lc_subject;

/* EA_INVALID: the expression cannot be read; the text says where. */
ea_code ea_lc_expr_matches(const char *expression, const ea_lc_subject *s, bool *out,
                           ea_err *err) EA_CHECK;
bool ea_lc_pattern_matches(const char *pattern, const char *text);

#endif
