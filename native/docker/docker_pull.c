#include "docker_pull.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/clock.h"
#include "docker_lines.h"
#include "image_ref.h"
#include "pull_lines.h"

#include <uv.h>

#include <string.h>

#define LINE_MAX_BYTES   (64 * 1024)
#define BEGIN_DEFAULT_MS (5 * 60 * 1000)
#define PROGRESS_MS      200

struct pull {
    ea_docker *dk;
    ea_docker_op *op;
    ea_docker_done *done;
    void *ctx;
    ea_docker_pull_progress *progress;
    ea_docker_pull_layer *layer;
    char *image;
    int64_t limit_ms, begin_ms, idle_ms;
    ea_timer *timer;
    int64_t last_ms;  /* last bytes, by uv_now */
    int64_t told_ms;  /* last progress */
    const char *told; /* its status */
    bool begun;
    ea_dlines lines;
    struct ea_pull_state state;
    ea_err bad; /* a line that could not be read */
};

/* ---- error texts ------------------------------------------------------------------------------ */

static bool has_between(const char *text, const char *first, const char *second)
{
    const char *p = strstr(text, first);

    return p && strstr(p + strlen(first), second);
}

/* What to look at first, for the failures that have one usual cause. The patterns are Docker's and the
 * registry's texts: task-engine.md section 1.7. */
static const char *hint_of(const char *text)
{
    if (has_between(
            text, "denied: User: ", " is not authorized to perform: ecr:BatchGetImage on resource"))
        return "The role that pulls this image lacks the permission ecr:BatchGetImage. ";
    if (strstr(text, "denied: requested access to the resource is denied"))
        return "The image may not exist, or the registry wants credentials for it. ";
    if (strstr(text, "request canceled while waiting for connection"))
        return "The registry was not reached: check routes, security groups and DNS. ";
    return "";
}

static bool ends_token(char c)
{
    return c == '\0' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '"' || c == '\'' ||
           c == '<' || c == '>';
}

static bool contains(ea_str s, const char *part)
{
    size_t n = strlen(part);

    for (size_t i = 0; i + n <= s.n; i++)
        if (memcmp(s.p + i, part, n) == 0)
            return true;
    return false;
}

void ea_docker_pull_error_text(const char *image, const char *text, struct ea_buf *out)
{
    const char *p = text;

    ea_buf_adds(out, hint_of(text));
    while (*p) {
        const char *url = strstr(p, "https"), *end;
        ea_str token;

        if (!url)
            break;
        for (end = url; !ends_token(*end); end++) {
        }
        token = (ea_str){ url, (size_t)(end - url) };
        ea_buf_add(out, p, (size_t)(url - p));
        if (contains(token, "starport-layer-bucket"))
            ea_buf_addf(out, "REDACTED ECR URL related to %s", image);
        else
            ea_buf_add(out, token.p, token.n);
        p = end;
    }
    ea_buf_adds(out, p);
}

static void explain(const struct pull *pl, const char *text, ea_code code, int sys, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(4 * LINE_MAX_BYTES);

    ea_docker_pull_error_text(pl->image, text, &b);
    ea_fail_sys(err, code, sys, "%s", ea_buf_z(&b));
}

/* ---- end -------------------------------------------------------------------------------------- */

static void outcome(const struct pull *pl, const ea_err *err, ea_err *out)
{
    char dur[EA_RFC3339_MAX];

    if (err->code == EA_TIMEOUT) {
        bool begin = !pl->begun && (!pl->limit_ms || pl->begin_ms < pl->limit_ms);

        ea_format_go_duration(begin ? pl->begin_ms : pl->limit_ms, dur);
        ea_fail(out, EA_TIMEOUT, "Could not transition to %s; timed out after waiting %s",
                begin ? "pullBegin" : "pulled", dur);
    } else if (err->code) {
        explain(pl, err->text, err->code, err->sys, out);
    } else if (pl->state.error) {
        explain(pl, pl->state.error, EA_SERVER, 0, out);
    } else if (pl->bad.code) {
        *out = pl->bad;
    } else if (pl->lines.skipped) {
        ea_fail(out, EA_LIMIT, "a line of the pull's progress is longer than %d bytes",
                LINE_MAX_BYTES);
    }
}

static void layer_is(void *ctx, const char *id, const char *what, int64_t bytes)
{
    const struct pull *pl = ctx;

    if (pl->layer)
        pl->layer(pl->ctx, id, what, bytes);
}

static bool on_line(void *ctx, ea_str line)
{
    struct pull *pl = ctx;
    ea_err err = { 0 };

    if (ea_pull_line(&pl->state, line, &err) && !pl->bad.code)
        pl->bad = err;
    return true;
}

static void on_done(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct pull *pl = ctx;
    ea_err out = { 0 };

    (void)a;
    if (!err->code)
        ea_dlines_end(&pl->lines, on_line, pl);
    outcome(pl, err, &out);
    ea_timer_free(pl->timer);
    pl->done(pl->ctx, &out);
    ea_dlines_done(&pl->lines);
    ea_pull_state_done(&pl->state);
    ea_free(pl->image);
    ea_free(pl);
}

/* ---- progress and silence --------------------------------------------------------------------- */

static int64_t now_ms(const struct pull *pl)
{
    return (int64_t)uv_now(ea_loop_uv(ea_docker_loop(pl->dk)));
}

static void on_timer(void *arg)
{
    struct pull *pl = arg;
    int64_t quiet = now_ms(pl) - pl->last_ms;
    ea_err err = { 0 };

    if (!ea_pull_downloads(&pl->state)) {
        ea_timer_arm(pl->timer, pl->idle_ms); /* unpacking: look again later */
        return;
    }
    if (quiet < pl->idle_ms) {
        ea_timer_arm(pl->timer, pl->idle_ms - quiet);
        return;
    }
    ea_fail(&err, EA_SERVER, "inactivity time exceeded timeout while pulling image");
    ea_docker_abort(pl->op, &err);
}

static void tell_progress(struct pull *pl)
{
    struct ea_pull_progress p;

    if (!pl->progress)
        return;
    ea_pull_summary(&pl->state, &p);
    if (pl->told && strcmp(pl->told, p.status) == 0 && now_ms(pl) - pl->told_ms < PROGRESS_MS)
        return;
    pl->told = p.status;
    pl->told_ms = now_ms(pl);
    pl->progress(pl->ctx, &p);
}

static void on_chunk(void *ctx, ea_str data)
{
    struct pull *pl = ctx;

    if (!data.n) /* the headers; begin_ms goes on until the first line */
        return;
    pl->begun = true;
    pl->last_ms = now_ms(pl);
    if (pl->idle_ms)
        ea_timer_arm(pl->timer, pl->idle_ms);
    ea_dlines_feed(&pl->lines, data, on_line, pl);
    tell_progress(pl);
}

ea_docker_op *ea_docker_pull(ea_docker *dk, const struct ea_pull_params *p, ea_docker_done *done,
                             void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(8192);
    EA_FREE_AUTO char *from = NULL;
    EA_FREE_AUTO char *tag = NULL;
    struct pull *pl = ea_alloc(sizeof(*pl));
    struct ea_docker_request rq = {
        .http = { .method = "POST", .auth = p->auth, .limit_ms = p->limit_ms, .chunk = on_chunk },
    };
    ea_err err = { 0 };

    pl->dk = dk;
    pl->done = done;
    pl->ctx = ctx;
    pl->progress = p->progress;
    pl->layer = p->layer;
    pl->state.told = layer_is;
    pl->state.ctx = pl;
    pl->image = ea_strdup(p->image);
    pl->limit_ms = p->limit_ms;
    pl->begin_ms = p->begin_ms ? p->begin_ms : BEGIN_DEFAULT_MS;
    pl->idle_ms = p->idle_ms;
    pl->lines = EA_DLINES(LINE_MAX_BYTES);
    pl->timer = ea_timer_new(ea_docker_loop(dk), on_timer, pl);
    rq.http.begin_ms = pl->begin_ms;
    if (!ea_image_ref_pull_args(p->image, &from, &tag, &err)) {
        ea_buf_adds(&path, "/images/create?fromImage=");
        ea_buf_add_urlenc(&path, from);
        ea_buf_adds(&path, "&tag=");
        ea_buf_add_urlenc(&path, tag);
        rq.http.path = ea_buf_z(&path);
    }
    if (err.code || ea_buf_check(&path, &err))
        pl->op = ea_docker_fail(dk, &err, on_done, pl);
    else
        pl->op = ea_docker_request(dk, &rq, on_done, pl);
    return pl->op;
}
