/* image_ref.h - image references: parts, familiar and full names, comparison. Pure.
 * Source: task-engine.md sections 4.1 (split), 4.3 (same repository); Docker's reference grammar. */
#ifndef EA_DOCKER_IMAGE_REF_H
#define EA_DOCKER_IMAGE_REF_H

#include "../base/err.h"
#include "../base/str.h"

#include <stdbool.h>

#define EA_IMAGE_REF_MAX 512 /* bytes of a reference */

typedef struct ea_image_ref { /* views into the parsed text */
    ea_str name;              /* as written: "nginx", "host:5000/a/b" */
    ea_str tag;               /* empty: none */
    ea_str digest;            /* "sha256:..."; empty: none */
} ea_image_ref;

/* EA_INVALID on characters that no reference has, an empty part, a digest that is none. */
ea_code ea_image_ref_parse(const char *text, ea_image_ref *out, ea_err *err) EA_CHECK;
/* Registry host of a name as Docker reads it: the first path component if it has `.` or `:` or is
 * "localhost"; else empty (Docker Hub). */
ea_str ea_image_ref_host(ea_str name);
/* Full: "nginx" -> "docker.io/library/nginx"; index.docker.io becomes docker.io. The caller frees. */
char *ea_image_ref_full(ea_str name);
/* Familiar: "docker.io/library/nginx" -> "nginx". The caller frees. */
char *ea_image_ref_familiar(ea_str name);
/* What POST /images/create wants: fromImage (familiar name) and tag: the digest, the tag, "latest".
 * The caller frees both. */
ea_code ea_image_ref_pull_args(const char *text, char **from_image, char **tag,
                               ea_err *err) EA_CHECK;
/* Digest ("sha256:...") of the entry of `repo_digests` that has the same repository as `image`;
 * NULL when there is none. Borrowed from the list. */
const char *ea_image_ref_pick_digest(const char *image, char *const *repo_digests, size_t n);
bool ea_image_digest_valid(ea_str digest); /* algorithm:hex, sha256 with 64 digits */

#endif
