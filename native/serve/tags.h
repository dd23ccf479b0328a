/* tags.h - tags of the task and of the container instance in the *WithTags routes of the metadata endpoint.
 * Source: endpoints-and-windows.md section 2.4, control-plane.md section 1.10.
 * Thread: loop. Pure. Knows: bodies of ListTagsForResource, keys of the answer. Does not know: how the ECS API is
 * called. */
#ifndef EA_SERVE_TAGS_H
#define EA_SERVE_TAGS_H

#include "serve.h"

/* The endpoint id of /v3/<id>/taskWithTags or /v4/<id>/taskWithTags; caller frees. NULL: another route. */
char *ea_tags_id(const char *path);
void ea_tags_request(const char *arn, ea_buf *out);

enum {
    EA_TAGS_INSTANCE,
    EA_TAGS_TASK,
    EA_TAGS_COUNT
};
struct ea_tags { /* what one task is told: members of its object, each with a leading comma */
    struct {
        char *tags;  /* {"key":"value"}; NULL: none, or it failed */
        char *error; /* object of the list Errors; NULL: it went well */
    } v[EA_TAGS_COUNT];
};
void ea_tags_reply(struct ea_tags *t, int which, const char *arn,
                   const struct ea_serve_reply *reply);
/* Into a task's object, which ends in a brace. Version 3 has no Errors. */
void ea_tags_add(const struct ea_tags *t, int version, ea_buf *object);
void ea_tags_done(struct ea_tags *t);

#endif
