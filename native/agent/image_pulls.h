/* image_pulls.h - pulls under way. Those who want the same image by the same login at the same time
 * share one pull, with the tag and the inspection that follow it; each keeps his own time limit. Tells
 * how far a pull is, to the log and to whoever looks.
 * Private to agent/. Thread: loop. Knows: room on the disk, pull, tag, inspect, progress. Does not know: when to pull,
 * retries (the engine decides), where the login comes from (image_login.h).
 * Source: task-engine.md section 4.1. */
#ifndef EA_AGENT_IMAGE_PULLS_H
#define EA_AGENT_IMAGE_PULLS_H

#include "../docker/docker_image.h"
#include "agent.h"

struct ea_pull_want { /* copied */
    const char *image;
    const char *digest; /* pull this one and give it the image's name; NULL: as named */
    const char *auth;   /* NULL: anonymous */
    int64_t limit_ms, idle_ms;
    const char *task_arn, *container; /* for whom */
};

struct ea_pull_got {              /* borrowed for the call */
    const struct ea_image *image; /* NULL unless EA_OK */
    const char
        *error_name;    /* NULL, or the name that the error has (a stream that does not begin) */
    bool no_room;       /* Docker's disk is full, or will not hold the image: */
    int64_t need_bytes; /* so much has to be free; 0 unknown */
    int64_t free_bytes, total_bytes; /* of that disk, before the pull; total 0 unknown */
};
/* Once, later, on the loop. EA_TIMEOUT: limit_ms ran out. */
typedef void ea_pulls_done(void *ctx, const struct ea_pull_got *got, const ea_err *err);
void ea_pulls_get(ea_agent *ag, const struct ea_pull_want *want, ea_pulls_done *done, void *ctx);

/* "pulling nginx:1: 3 of 7 layers, 41 of 120 MiB" when this container waits for a pull now; else
 * false. */
bool ea_pulls_describe(void *agent, const char *task_arn, const char *container, ea_buf *out);

#endif
