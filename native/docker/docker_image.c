#include "docker_image.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/clock.h"
#include "image_ref.h"

#include <cJSON.h>

#include <string.h>

#define MANIFEST_API 35 /* task-engine.md section 2.1 */
#define INSPECT_MAX  (4 * 1024 * 1024)

/* ---- decoding --------------------------------------------------------------------------------- */

struct raw_image_config {
    ea_strlist env;
};
struct raw_image {
    char *id;
    ea_strlist repo_tags, repo_digests;
    int64_t size;
    struct raw_image_config config;
};
static const ea_jfield image_config_fields[] = {
    EA_JSTRLIST(struct raw_image_config, env, "Env", 0),
};
static const ea_jshape image_config_shape = EA_JSHAPE(struct raw_image_config, image_config_fields);
static const ea_jfield image_fields[] = {
    EA_JSTR(struct raw_image, id, "Id", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTRLIST(struct raw_image, repo_tags, "RepoTags", 0),
    EA_JSTRLIST(struct raw_image, repo_digests, "RepoDigests", 0),
    EA_JI64(struct raw_image, size, "Size", 0),
    EA_JOBJ(struct raw_image, config, "Config", 0, &image_config_shape),
};
static const ea_jshape image_shape = EA_JSHAPE(struct raw_image, image_fields);

void ea_image_done(struct ea_image *image)
{
    ea_free(image->id);
    ea_strlist_free(&image->repo_tags);
    ea_strlist_free(&image->repo_digests);
    ea_strlist_free(&image->env);
    *image = (struct ea_image){ 0 };
}

/* Inspect tells a date, the list seconds. */
static int64_t created_of(const struct cJSON *value)
{
    const struct cJSON *c = ea_json_get(value, "Created");
    ea_err ignored = { 0 };
    int64_t ms;

    if (cJSON_IsNumber(c) && c->valuedouble > 0 && c->valuedouble < 1e12)
        return (int64_t)c->valuedouble * 1000;
    if (!cJSON_IsString(c) || ea_parse_rfc3339(ea_str_of(c->valuestring), &ms, &ignored))
        return 0;
    return ms;
}

static ea_code decode_value(const struct cJSON *value, struct ea_image *out, ea_err *err)
{
    struct raw_image raw = { 0 };

    *out = (struct ea_image){ 0 };
    if (ea_json_decode_value(&image_shape, value, "", &raw, err))
        return ea_docker_garbled(err, "image");
    *out = (struct ea_image){ .id = raw.id,
                              .repo_tags = raw.repo_tags,
                              .repo_digests = raw.repo_digests,
                              .size = raw.size,
                              .created_ms = created_of(value),
                              .env = raw.config.env };
    return EA_OK; /* every member of `raw` has moved */
}

ea_code ea_docker_image_decode(ea_str json, struct ea_image *out, ea_err *err)
{
    struct cJSON *tree = NULL;
    ea_code rc;

    *out = (struct ea_image){ 0 };
    if (ea_json_parse(json, &tree, err))
        return ea_docker_garbled(err, "image");
    rc = decode_value(tree, out, err);
    cJSON_Delete(tree);
    return rc;
}

/* ---- inspect ---------------------------------------------------------------------------------- */

struct image_call {
    ea_docker_image_done *done;
    void *ctx;
};

static void on_image(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct image_call *call = ctx;
    struct ea_image image = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_docker_image_decode(a->body, &image, &mine))
        image = (struct ea_image){ 0 };
    call->done(call->ctx, mine.code ? NULL : &image, &mine);
    ea_image_done(&image);
    ea_free(call);
}

ea_docker_op *ea_docker_image_inspect(ea_docker *dk, const char *ref, int64_t limit_ms,
                                      ea_docker_image_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(4096);
    struct image_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET", .limit_ms = limit_ms, .max_body = INSPECT_MAX },
    };
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    ea_buf_adds(&path, "/images/");
    ea_docker_add_ref(&path, ref);
    ea_buf_adds(&path, "/json");
    if (ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_image, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_image, call);
}

/* ---- what a registry has ----------------------------------------------------------------------- */

struct descriptor {
    char *media_type, *digest;
};
struct platform_list {
    struct ea_manifest_platform *v;
    size_t n;
};
struct distribution {
    struct descriptor descriptor;
    struct platform_list platforms;
};
static const ea_jfield descriptor_fields[] = {
    EA_JSTR(struct descriptor, media_type, "mediaType", 0),
    EA_JSTR(struct descriptor, digest, "digest", EA_J_REQUIRED | EA_J_NONEMPTY),
};
static const ea_jshape descriptor_shape = EA_JSHAPE(struct descriptor, descriptor_fields);
static const ea_jfield platform_fields[] = {
    EA_JSTR(struct ea_manifest_platform, os, "os", 0),
    EA_JSTR(struct ea_manifest_platform, arch, "architecture", 0),
    EA_JSTR(struct ea_manifest_platform, os_version, "os.version", 0),
    EA_JSTR(struct ea_manifest_platform, variant, "variant", 0),
};
static const ea_jshape platform_shape = EA_JSHAPE(struct ea_manifest_platform, platform_fields);
static const ea_jfield distribution_fields[] = {
    EA_JOBJ(struct distribution, descriptor, "Descriptor", EA_J_REQUIRED, &descriptor_shape),
    EA_JLIST(struct distribution, platforms, "Platforms", 0, &platform_shape),
};
static const ea_jshape distribution_shape = EA_JSHAPE(struct distribution, distribution_fields);

/* Version 1 manifests, plain and signed: what they hash to is not what a pull by digest wants. */
static bool is_v1(const char *media_type)
{
    return ea_str_starts(ea_str_of(media_type), "application/vnd.docker.distribution.manifest.v1+");
}

void ea_manifest_done(struct ea_manifest *m)
{
    for (size_t i = 0; i < m->platforms.n; i++)
        ea_json_free(&platform_shape, &m->platforms.v[i]);
    ea_free(m->platforms.v);
    ea_free(m->digest);
    *m = (struct ea_manifest){ 0 };
}

ea_code ea_docker_manifest_decode(ea_str json, struct ea_manifest *out, ea_err *err)
{
    struct distribution d = { 0 };

    *out = (struct ea_manifest){ 0 };
    if (ea_json_decode(&distribution_shape, json, &d, err))
        return ea_docker_garbled(err, "manifest");
    if (is_v1(d.descriptor.media_type)) {
        ea_json_free(&distribution_shape, &d);
        return EA_OK;
    }
    if (!ea_image_digest_valid(ea_str_of(d.descriptor.digest))) {
        ea_json_free(&distribution_shape, &d);
        return ea_fail(err, EA_PROTOCOL, "manifest from Docker: digest expected");
    }
    out->digest = ea_strdup(d.descriptor.digest);
    out->platforms.v = d.platforms.v;
    out->platforms.n = d.platforms.n;
    d.platforms = (struct platform_list){ NULL, 0 }; /* moved */
    ea_json_free(&distribution_shape, &d);
    return EA_OK;
}

struct manifest_call {
    ea_docker_manifest_done *done;
    void *ctx;
};

static void on_distribution(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct manifest_call *call = ctx;
    struct ea_manifest m = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_docker_manifest_decode(a->body, &m, &mine))
        m = (struct ea_manifest){ 0 };
    call->done(call->ctx, mine.code ? NULL : &m, &mine);
    ea_manifest_done(&m);
    ea_free(call);
}

ea_docker_op *ea_docker_manifest(ea_docker *dk, const char *ref, const char *auth, int64_t limit_ms,
                                 ea_docker_manifest_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(4096);
    struct manifest_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET", .auth = auth, .limit_ms = limit_ms },
        .api = MANIFEST_API,
    };
    ea_image_ref parsed;
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    ea_buf_adds(&path, "/distribution/");
    ea_docker_add_ref(&path, ref);
    ea_buf_adds(&path, "/json");
    if (ea_image_ref_parse(ref, &parsed, &err) || ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_distribution, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_distribution, call);
}

/* ---- list ------------------------------------------------------------------------------------- */

struct images_call {
    ea_docker_images_done *done;
    void *ctx;
};

static void free_images(struct ea_image *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ea_image_done(&v[i]);
    ea_free(v);
}

static ea_code decode_list(ea_str json, struct ea_image **v, size_t *n, ea_err *err)
{
    struct cJSON *tree = NULL;
    const struct cJSON *item;
    struct ea_image *all;
    size_t count = 0;

    if (ea_json_parse(json, &tree, err))
        return ea_docker_garbled(err, "images");
    if (!cJSON_IsArray(tree)) {
        cJSON_Delete(tree);
        return ea_fail(err, EA_PROTOCOL, "images from Docker: array expected");
    }
    all = ea_alloc_array((size_t)cJSON_GetArraySize(tree) + 1, sizeof(*all));
    cJSON_ArrayForEach(item, tree)
    {
        if (decode_value(item, &all[count], err)) {
            free_images(all, count);
            cJSON_Delete(tree);
            return err->code;
        }
        count++;
    }
    cJSON_Delete(tree);
    *v = all;
    *n = count;
    return EA_OK;
}

static void on_images(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct images_call *call = ctx;
    struct ea_image *v = NULL;
    size_t n = 0;
    ea_err mine = *err;

    if (!err->code)
        (void)decode_list(a->body, &v, &n, &mine); /* `mine` says how it went */
    call->done(call->ctx, v, n, &mine);
    free_images(v, n);
    ea_free(call);
}

ea_docker_op *ea_docker_image_list(ea_docker *dk, int64_t limit_ms, ea_docker_images_done *done,
                                   void *ctx)
{
    struct images_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = {
        .http = { .method = "GET",
                  .path = "/images/json",
                  .limit_ms = limit_ms,
                  .max_body = EA_DHTTP_BODY_MAX },
    };

    call->done = done;
    call->ctx = ctx;
    return ea_docker_request(dk, &rq, on_images, call);
}

/* ---- tag, remove ------------------------------------------------------------------------------ */

struct tag_call {
    ea_docker_done *done;
    void *ctx;
};

static void on_bad_tag(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct tag_call *call = ctx;

    (void)a;
    call->done(call->ctx, err);
    ea_free(call);
}

ea_docker_op *ea_docker_image_tag(ea_docker *dk, const char *source, const char *target,
                                  int64_t limit_ms, ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(8192);
    EA_FREE_AUTO char *repo = NULL;
    EA_FREE_AUTO char *tag = NULL;
    struct ea_docker_request rq = { .http = { .method = "POST", .limit_ms = limit_ms } };
    ea_err err = { 0 };

    if (ea_image_ref_pull_args(target, &repo, &tag, &err)) {
        struct tag_call *call = ea_alloc(sizeof(*call));

        call->done = done;
        call->ctx = ctx;
        return ea_docker_fail(dk, &err, on_bad_tag, call);
    }
    ea_buf_adds(&path, "/images/");
    ea_docker_add_ref(&path, source);
    ea_buf_adds(&path, "/tag?repo=");
    ea_buf_add_urlenc(&path, repo);
    ea_buf_adds(&path, "&tag=");
    ea_buf_add_urlenc(&path, tag);
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}

ea_docker_op *ea_docker_image_remove(ea_docker *dk, const char *ref, int64_t limit_ms,
                                     ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(4096);
    struct ea_docker_request rq = { .http = { .method = "DELETE", .limit_ms = limit_ms } };

    ea_buf_adds(&path, "/images/");
    ea_docker_add_ref(&path, ref);
    ea_buf_adds(&path, "?noprune=1");
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}
