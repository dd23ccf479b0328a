#include "disk.h"

#include "../base/alloc.h"
#include "../base/log.h"

#include <uv.h>

#include <string.h>

#define MIB (1024 * 1024)

struct look {
    ea_agent *ag;
    ea_disk_done *done;
    void *ctx;
    int rc; /* of a look that could not begin */
    uv_fs_t request;
};

static void answer(struct look *l, int64_t free_bytes, int64_t total_bytes, const ea_err *err)
{
    l->done(l->ctx, free_bytes, total_bytes, err);
    ea_free(l);
}

static int64_t bytes_of(uint64_t blocks, uint64_t size)
{
    return size && blocks > (uint64_t)INT64_MAX / size ? INT64_MAX : (int64_t)(blocks * size);
}

static void looked(uv_fs_t *request)
{
    struct look *l = request->data;
    int64_t free_bytes = 0, total_bytes = 0;
    ea_err err = { 0 };

    if (l->ag->stopping) { /* nothing may be begun after this answer */
        (void)ea_fail(&err, EA_CANCELLED, "the agent stops");
    } else if (request->result < 0) {
        (void)ea_fail_sys(&err, EA_IO, (int)request->result, "Docker's folder: %s",
                          uv_strerror((int)request->result));
    } else {
        const uv_statfs_t *s = request->ptr;
        free_bytes = bytes_of(s->f_bavail, s->f_bsize);
        total_bytes = bytes_of(s->f_blocks, s->f_bsize);
    }
    uv_fs_req_cleanup(request);
    answer(l, free_bytes, total_bytes, &err);
}

static void not_begun(void *arg)
{
    struct look *l = arg;
    ea_err err = { 0 };

    if (l->rc == UV_ENOENT)
        (void)ea_fail(&err, EA_NOT_FOUND, "Docker has not told where it keeps images");
    else
        (void)ea_fail_sys(&err, EA_IO, l->rc, "Docker's folder: %s", uv_strerror(l->rc));
    answer(l, 0, 0, &err);
}

void ea_disk_look(ea_agent *ag, ea_disk_done *done, void *ctx)
{
    struct look *l = ea_alloc(sizeof(*l));

    l->ag = ag;
    l->done = done;
    l->ctx = ctx;
    l->request.data = l;
    l->rc = ea_zstr_empty(ag->docker_root)
                ? UV_ENOENT
                : uv_fs_statfs(ea_loop_uv(ag->loop), &l->request, ag->docker_root, looked);
    if (l->rc)
        ea_loop_defer(ag->loop, not_begun, l);
}

bool ea_disk_is_full(const ea_err *err)
{
    return err->code != EA_OK && (strstr(err->text, "no space left on device") ||
                                  strstr(err->text, "not enough space on the disk"));
}

void ea_disk_lacks(const ea_agent *ag, const char *image, int64_t need_bytes, int64_t free_bytes,
                   int64_t total_bytes, ea_err *err)
{
    (void)ea_fail(err, EA_LIMIT,
                  "insufficient disk space: image %.200s needs at least %lld MiB free, and %lld of "
                  "%lld MiB are free on the disk of %.160s (%lld MiB are kept: "
                  "ECSTOOLS_IMAGE_DISK_RESERVE_MIB)",
                  image, (long long)((need_bytes + MIB - 1) / MIB), (long long)(free_bytes / MIB),
                  (long long)(total_bytes / MIB), ag->docker_root ? ag->docker_root : "Docker",
                  (long long)ea_cfg_int(ag->config, EA_CFG_IMAGE_DISK_RESERVE));
}
