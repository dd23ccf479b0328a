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
    int64_t got, size;      /* bytes downloaded, and of all layers whose size is known */
    unsigned layers, layers_done;
    bool sizes_known; /* `size` is that of all that is to be downloaded */
};
/* At most about five times a second, and on each change of `status`. */
typedef void ea_docker_pull_progress(void *ctx, const struct ea_pull_progress *p);
/* A layer is "downloaded", "complete" or "already there": each told once a layer. `id` as Docker
 * shortens it; `bytes` 0: not told by Docker. Borrowed for the call. */
typedef void ea_docker_pull_layer(void *ctx, const char *id, const char *what, int64_t bytes);

#define EA_PULL_TEXT_MAX 96
/* "3 of 7 layers, 41 of 120 MiB"; while all is downloaded "unpacks, 3 of 7 layers". Pure. */
void ea_pull_progress_text(const struct ea_pull_progress *p, char out[EA_PULL_TEXT_MAX]);

struct ea_pull_params {
    const char *image; /* repository[:tag|@digest]; without both: latest */
    const char *auth;  /* X-Registry-Auth (docker_auth.h); NULL: anonymous; wiped once sent */
    int64_t limit_ms;  /* for all of it; 0: none */
    int64_t begin_ms;  /* until the first line; 0: 5 minutes */
    int64_t idle_ms;   /* without a line while a layer is being downloaded; 0: none. Does not count
                           while everything is downloaded and layers are unpacked: Docker may say
                           nothing for minutes then, above all on Windows */
    ea_docker_pull_progress *progress; /* may be NULL */
    ea_docker_pull_layer *layer;       /* may be NULL */
};

/* EA_TIMEOUT: limit_ms or begin_ms ran out, with the reference's text. EA_SERVER and the text
 * `inactivity time exceeded timeout while pulling image`: idle_ms ran out. Texts are redacted. */
ea_docker_op *ea_docker_pull(ea_docker *dk, const struct ea_pull_params *p, ea_docker_done *done,
                             void *ctx);

/* Pure: what log and control plane are told of a failed pull: a hint in front where the text is a known
 * one, and presigned layer URLs taken out. Done here, before anybody can log them. */
void ea_docker_pull_error_text(const char *image, const char *text, struct ea_buf *out);

#endif
