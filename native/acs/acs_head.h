/* acs_head.h - members that most messages of the communication service begin with. Pure. */
#ifndef EA_ACS_ACS_HEAD_H
#define EA_ACS_ACS_HEAD_H

#include "acs_dispatch.h"

struct ea_acs_head {
    char *message_id, *cluster_arn, *instance_arn;
    int64_t seq_num, timeline;
};
extern const ea_jshape ea_acs_head_shape;

/* Decodes the head; false when it does not decode or lacks one of the three names: then *r tells why
 * the message is dropped. The caller frees by ea_json_free(&ea_acs_head_shape, ..). */
bool ea_acs_read_head(const struct cJSON *message, const char *type, struct ea_acs_head *head,
                      ea_acs_result *r);
/* Marks the message as dropped, with a reason for the log. */
void ea_acs_drop_message(ea_acs_result *r, const char *type, const char *why);
/* The member by its name, without case as second choice; NULL for null too. */
const struct cJSON *ea_acs_member(const struct cJSON *object, const char *name);

#endif
