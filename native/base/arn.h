/* arn.h - Amazon Resource Names: arn:<partition>:<service>:<region>:<account>:<resource>. Pure. */
#ifndef EA_BASE_ARN_H
#define EA_BASE_ARN_H

#include "err.h"
#include "str.h"

typedef struct ea_arn { /* views into the parsed text */
    ea_str partition, service, region, account, resource;
} ea_arn;

ea_code ea_arn_parse(const char *text, ea_arn *out, ea_err *err) EA_CHECK;
/* What stands after the last slash: the task id of a task ARN. The whole text without a slash. */
const char *ea_arn_id(const char *text);
/* The cluster's name, from a cluster ARN or a plain name. */
const char *ea_cluster_name(const char *cluster);

#endif
