/* docker_pull.h - one pull: the stream of POST /images/create, watched for progress.
 * Thread: loop. Knows: progress lines, phases, idle limits, error texts. Does not know: retries,
 * pull behaviour, where credentials come from. Handles and `done`: docker.h. Arguments are copied.
 * Source: task-engine.md sections 1.7, 4.1. */
#ifndef EA_DOCKER_DOCKER_PULL_H
#define EA_DOCKER_DOCKER_PULL_H

#include "docker.h"

struct ea_buf;

struct ea_pull_progress {
    const char *status;     /* "Downloading", "Extracting", ...: what most layers do; borrowed */
    int64_t current, total; /* bytes over all layers of the present phase; total 0: unknown */
    unsigned layers, layers_done;
};
/* At most about five times a second, and on each change of `status`. */
typedef void ea_docker_pull_progress(void *ctx, const struct ea_pull_progress *p);

struct ea_pull_params {
    const char *image; /* repository[:tag|@digest]; without both: latest */
    const char *auth;  /* X-Registry-Auth (docker_auth.h); NULL: anonymous; wiped once sent */
    int64_t limit_ms;  /* for all of it; 0: none */
    int64_t begin_ms;  /* until the first line; 0: 5 minutes */
    int64_t idle_ms;   /* without a line while a layer is being downloaded; 0: none. Does not count
                           while everything is downloaded and layers are unpacked: Docker may say
                           nothing for minutes then, above all on Windows */
    ea_docker_pull_progress *progress; /* may be NULL */
};

/* EA_TIMEOUT: limit_ms or begin_ms ran out, with the reference's text. EA_SERVER and the text
 * `inactivity time exceeded timeout while pulling image`: idle_ms ran out. Texts are redacted. */
ea_docker_op *ea_docker_pull(ea_docker *dk, const struct ea_pull_params *p, ea_docker_done *done,
                             void *ctx);

/* Pure: what the user is told of a failed pull: a hint in front where the text is a known one, and
 * presigned layer URLs taken out. */
void ea_docker_pull_error_text(const char *image, const char *text, struct ea_buf *out);

#endif
