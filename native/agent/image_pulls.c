#include "image_pulls.h"

#include "../aws/sigv4.h"
#include "../base/alloc.h"
#include "../base/log.h"
#include "../docker/docker_pull.h"
#include "../docker/image_ref.h"
#include "disk.h"

#include <string.h>

enum {
    AFTER_MS = 30000, /* for the tag, and for the inspection, that follow a pull */
    LOG_MS = 10000    /* between two lines that tell how far a pull is */
};

struct pull {
    ea_agent *ag;
    char *key, *image;
    char *exact; /* "repository@digest" that was pulled and gets the image's name; NULL: as named */
    char *auth;  /* until the pull is sent */
    int64_t idle_ms;
    ea_list waiters;
    ea_docker_op *op; /* the pull itself; NULL before and after it */
    struct ea_pull_progress progress;
    struct ea_pull_got got;
    int64_t began_ms, logged_ms; /* monotonic */
};

struct waiter {
    ea_node node;
    struct pull *p;
    char *task_arn, *container;
    int64_t limit_ms;
    ea_timer *deadline;
    ea_pulls_done *done;
    void *ctx;
};

/* ---- the end ---------------------------------------------------------------------------------- */

/* Nobody joins it any more. */
static void retire(struct pull *p)
{
    if (ea_map_get(&p->ag->pulls, p->key) == p)
        (void)ea_map_remove(&p->ag->pulls, p->key); /* it is `p` */
}

static void free_pull(struct pull *p)
{
    ea_free(p->key);
    ea_free(p->image);
    ea_free(p->exact);
    ea_secret_free(p->auth);
    ea_free(p);
}

static void leave(struct waiter *w, const struct ea_pull_got *got, const ea_err *err)
{
    ea_list_remove(&w->node);
    ea_timer_free(w->deadline);
    w->done(w->ctx, got, err);
    ea_free(w->task_arn);
    ea_free(w->container);
    ea_free(w);
}

static void end(struct pull *p, const ea_err *err)
{
    retire(p);
    EA_LIST_EACH(&p->waiters, node)
    {
        leave(EA_OWNER(node, struct waiter, node), &p->got, err);
    }
    free_pull(p);
}

static void on_deadline(void *arg)
{
    struct waiter *w = arg;
    struct pull *p = w->p;
    const struct ea_pull_got nothing = { 0 };
    char limit[EA_RFC3339_MAX];
    ea_err err = { 0 };

    ea_format_go_duration(w->limit_ms, limit);
    (void)ea_fail(&err, EA_TIMEOUT, "Could not transition to pulled; timed out after waiting %s",
                  limit); /* told to who waits */
    leave(w, &nothing, &err);
    if (!ea_list_empty(&p->waiters) || !p->op)
        return;
    retire(p);
    ea_docker_cancel(p->op); /* its end frees the rest */
}

/* ---- after the pull --------------------------------------------------------------------------- */

static void inspected(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct pull *p = ctx;

    p->got.image = image;
    end(p, err);
}

static void tagged(void *ctx, const ea_err *err)
{
    struct pull *p = ctx;

    if (err->code)
        end(p, err);
    else
        (void)ea_docker_image_inspect(p->ag->docker, p->image, AFTER_MS, inspected, p);
}

static void log_end(const struct pull *p, const ea_err *err)
{
    int64_t took = ea_now().mono_ms - p->began_ms;

    if (err->code)
        ea_info("image pull failed", EA_S("image", p->image), EA_S("err", err->text),
                EA_I("layers_done", p->progress.layers_done), EA_I("layers", p->progress.layers),
                EA_I("took_ms", took));
    else
        ea_info("image pulled", EA_S("image", p->image), EA_I("layers", p->progress.layers),
                EA_I("bytes", p->progress.got), EA_I("took_ms", took));
}

static void pulled(void *ctx, const ea_err *err)
{
    struct pull *p = ctx;
    ea_err mine = *err;

    p->op = NULL;
    log_end(p, err);
    p->got.no_room = p->got.no_room || ea_disk_is_full(err);
    if (mine.code == EA_TIMEOUT) { /* without a limit of its own: no stream began; tried again */
        mine.code = EA_IO;
        p->got.error_name = "DockerTimeoutError";
        end(p, &mine);
    } else if (mine.code || ea_list_empty(&p->waiters)) {
        end(p, &mine);
    } else if (p->exact) {
        (void)ea_docker_image_tag(p->ag->docker, p->exact, p->image, AFTER_MS, tagged, p);
    } else {
        tagged(p, &mine);
    }
}

/* ---- room on the disk ------------------------------------------------------------------------- */

static int64_t reserve_bytes(const ea_agent *ag)
{
    return ea_cfg_int(ag->config, EA_CFG_IMAGE_DISK_RESERVE) * 1024 * 1024;
}

static void no_room(struct pull *p, int64_t need_bytes, ea_err *err)
{
    p->got.no_room = true;
    p->got.need_bytes = need_bytes;
    ea_disk_lacks(p->ag, p->image, need_bytes, p->got.free_bytes, p->got.total_bytes, err);
}

/* Layers take at least the room of their compressed form: an image that cannot fit ends here and not
 * with a full disk under everybody's feet. */
static void watch_room(struct pull *p)
{
    int64_t reserve = reserve_bytes(p->ag);
    ea_err err = { 0 };

    if (p->got.no_room || p->got.total_bytes <= 0 || reserve <= 0 ||
        p->progress.size <= p->got.free_bytes - reserve)
        return;
    no_room(p, p->progress.size + reserve, &err);
    ea_docker_abort(p->op, &err);
}

/* ---- how far it is ---------------------------------------------------------------------------- */

static void on_progress(void *ctx, const struct ea_pull_progress *progress)
{
    struct pull *p = ctx;
    int64_t now = ea_now().mono_ms;
    char text[EA_PULL_TEXT_MAX];

    p->progress = *progress;
    watch_room(p);
    if (now - p->logged_ms < LOG_MS)
        return;
    p->logged_ms = now;
    ea_pull_progress_text(progress, text);
    ea_info("image pull goes on", EA_S("image", p->image), EA_S("progress", text));
}

static void on_layer(void *ctx, const char *id, const char *what, int64_t bytes)
{
    const struct pull *p = ctx;

    ea_info("image layer", EA_S("image", p->image), EA_S("layer", id), EA_S("is", what),
            EA_I("bytes", bytes));
}

bool ea_pulls_describe(void *agent, const char *task_arn, const char *container, ea_buf *out)
{
    const ea_agent *ag = agent;
    ea_map_entry *e;

    for (size_t i = 0; (e = ea_map_next(&ag->pulls, &i));) {
        const struct pull *p = e->value;

        EA_LIST_EACH(&p->waiters, node)
        {
            const struct waiter *w = EA_OWNER(node, const struct waiter, node);
            char text[EA_PULL_TEXT_MAX];

            if (!ea_zstr_eq(w->task_arn, task_arn) || !ea_zstr_eq(w->container, container))
                continue;
            ea_pull_progress_text(&p->progress, text);
            ea_buf_addf(out, "pulling %s: %s", p->image, text);
            return true;
        }
    }
    return false;
}

/* ---- the beginning ---------------------------------------------------------------------------- */

/* "repository@digest" when the digest is known and the image is named by tag; else NULL. */
static char *by_digest(const char *image, const char *digest)
{
    ea_image_ref ref;
    ea_err err = { 0 };

    if (!digest || ea_image_ref_parse(image, &ref, &err) != EA_OK || ref.digest.n)
        return NULL;
    return ea_sprintf_dup("%.*s@%s", EA_STR_FMT(ref.name), digest);
}

/* A login is told apart by its hash: the key outlives the pull's own copy of it. */
static char *key_of(const struct ea_pull_want *want, const char *exact)
{
    char login[EA_SHA256_HEX];

    ea_sha256_hex(ea_str_of(want->auth), login);
    return ea_sprintf_dup("%s\n%s\n%s", want->image, exact ? exact : "", login);
}

static void pull_now(struct pull *p)
{
    const struct ea_pull_params params = {
        .image = p->exact ? p->exact : p->image,
        .auth = p->auth,
        .idle_ms = p->idle_ms,
        .progress = on_progress,
        .layer = on_layer,
    };

    p->op = ea_docker_pull(p->ag->docker, &params, pulled, p);
    ea_secret_free(p->auth);
    p->auth = NULL;
}

static void disk_looked(void *ctx, int64_t free_bytes, int64_t total_bytes, const ea_err *err)
{
    struct pull *p = ctx;
    int64_t reserve = reserve_bytes(p->ag);
    ea_err full = { 0 };

    if (err->code == EA_CANCELLED || ea_list_empty(&p->waiters)) {
        end(p, err);
        return;
    }
    p->got.free_bytes = free_bytes;
    p->got.total_bytes = total_bytes;
    if (err->code) /* it may be another machine's */
        ea_debug("pull without a look at the disk", EA_S("err", err->text));
    if (err->code || free_bytes >= reserve) {
        pull_now(p);
        return;
    }
    no_room(p, reserve, &full);
    end(p, &full);
}

static struct pull *begin(ea_agent *ag, const struct ea_pull_want *want, const char *key,
                          const char *exact)
{
    struct pull *p = ea_alloc(sizeof(*p));

    ea_info("image pull begins", EA_S("task", want->task_arn), EA_S("container", want->container),
            EA_S("image", want->image));
    p->ag = ag;
    p->key = ea_strdup(key);
    p->image = ea_strdup(want->image);
    p->exact = ea_strdup(exact);
    p->auth = ea_strdup(want->auth);
    p->idle_ms = want->idle_ms;
    p->began_ms = p->logged_ms = ea_now().mono_ms;
    ea_list_init(&p->waiters);
    (void)ea_map_put(&ag->pulls, key, p); /* the key is new */
    if (reserve_bytes(ag) > 0)
        ea_disk_look(ag, disk_looked, p);
    else
        pull_now(p);
    return p;
}

void ea_pulls_get(ea_agent *ag, const struct ea_pull_want *want, ea_pulls_done *done, void *ctx)
{
    EA_FREE_AUTO char *exact = by_digest(want->image, want->digest);
    EA_FREE_AUTO char *key = key_of(want, exact);
    struct pull *p = ea_map_get(&ag->pulls, key);
    struct waiter *w = ea_alloc(sizeof(*w));

    if (!p)
        p = begin(ag, want, key, exact);
    else
        ea_info("image pull joined", EA_S("task", want->task_arn),
                EA_S("container", want->container), EA_S("image", want->image));
    w->p = p;
    w->task_arn = ea_strdup(want->task_arn);
    w->container = ea_strdup(want->container);
    w->limit_ms = want->limit_ms;
    w->done = done;
    w->ctx = ctx;
    w->deadline = ea_timer_new(ag->loop, on_deadline, w);
    if (want->limit_ms > 0)
        ea_timer_arm(w->deadline, want->limit_ms);
    ea_list_append(&p->waiters, &w->node);
}
