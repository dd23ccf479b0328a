/* docker_image.h - inspect, list, tag and remove images; what a registry has under a name.
 * Thread: loop. Knows: paths and JSON under /images and /distribution. Does not know: tasks, retries.
 * Pulling is docker_pull.h. Handles and `done`: docker.h. Arguments are copied.
 * Source: task-engine.md sections 2.2, 4.3. */
#ifndef EA_DOCKER_DOCKER_IMAGE_H
#define EA_DOCKER_DOCKER_IMAGE_H

#include "../base/json.h"
#include "docker.h"

struct ea_image { /* borrowed for the call */
    char *id;     /* "sha256:..." */
    ea_strlist repo_tags, repo_digests;
    int64_t size;       /* bytes */
    int64_t created_ms; /* wall; 0 unknown */
    ea_strlist env;     /* Config.Env; empty in a list */
};

/* `image` is NULL unless EA_OK. */
typedef void ea_docker_image_done(void *ctx, const struct ea_image *image, const ea_err *err);
ea_docker_op *ea_docker_image_inspect(ea_docker *dk, const char *ref, int64_t limit_ms,
                                      ea_docker_image_done *done, void *ctx);

struct ea_manifest_platform {
    char *os, *arch, *os_version, *variant; /* NULL: not told */
};
struct ea_manifest { /* what a registry has under a name; borrowed for the call */
    char *digest;    /* NULL: a version 1 manifest, whose digest must not be pinned */
    struct {
        struct ea_manifest_platform *v;
        size_t n;
    } platforms; /* of a list all, of a single image one; empty: not told */
};
/* `m` is NULL unless EA_OK. EA_UNSUPPORTED: the engine is older than API 1.35. */
typedef void ea_docker_manifest_done(void *ctx, const struct ea_manifest *m, const ea_err *err);
ea_docker_op *ea_docker_manifest(ea_docker *dk, const char *ref, const char *auth, int64_t limit_ms,
                                 ea_docker_manifest_done *done, void *ctx);

typedef void ea_docker_images_done(void *ctx, const struct ea_image *v, size_t n,
                                   const ea_err *err);
ea_docker_op *ea_docker_image_list(ea_docker *dk, int64_t limit_ms, ea_docker_images_done *done,
                                   void *ctx);
/* Gives `target` (repository[:tag]) to the image `source`. */
ea_docker_op *ea_docker_image_tag(ea_docker *dk, const char *source, const char *target,
                                  int64_t limit_ms, ea_docker_done *done, void *ctx);
/* Not forced, parents are kept. EA_NOT_FOUND when it does not exist, EA_CONFLICT when in use. */
ea_docker_op *ea_docker_image_remove(ea_docker *dk, const char *ref, int64_t limit_ms,
                                     ea_docker_done *done, void *ctx);

/* Decoders, pure. The caller frees by ea_image_done, ea_manifest_done. */
ea_code ea_docker_image_decode(ea_str json, struct ea_image *out, ea_err *err) EA_CHECK;
void ea_image_done(struct ea_image *image);
ea_code ea_docker_manifest_decode(ea_str json, struct ea_manifest *out, ea_err *err) EA_CHECK;
void ea_manifest_done(struct ea_manifest *m);

#endif
