#include "upstream.h"

#include "../base/alloc.h"
#include "../base/list.h"
#include "metadata_json.h"
#include "protect.h"
#include "route_metadata.h"
#include "tags.h"

#include <string.h>

enum {
    MAX_CALL = 16 * 1024,
    MAX_ANSWER = 4 * 1024 * 1024,
    WAITING_MAX = 32 /* so that credentials always find a connection */
};

struct ea_upstream {
    ea_loop *loop;
    const struct ea_serve_source *source;
    ea_upstream_answer *answer;
    void *ctx;
    ea_list waiting;
    size_t waits;
};

struct waiting;
struct call {
    struct waiting *w;
    int which;
    char *arn;
    void *handle; /* NULL: it has ended */
};

struct waiting {
    ea_node node;
    ea_upstream *u;
    ea_http_request *req;
    bool protect;
    struct call calls[EA_TAGS_COUNT]; /* one for task protection */
    unsigned left;
    struct ea_tags tags;
};

ea_upstream *ea_upstream_new(ea_loop *loop, const struct ea_serve_source *source,
                             ea_upstream_answer *answer, void *ctx)
{
    ea_upstream *u = ea_alloc(sizeof(*u));

    u->loop = loop;
    u->source = source;
    u->answer = answer;
    u->ctx = ctx;
    ea_list_init(&u->waiting);
    return u;
}

/* Answers and forgets. */
static void end(struct waiting *w, int status, ea_str body)
{
    ea_upstream *u = w->u;

    ea_list_remove(&w->node);
    u->waits--;
    u->answer(u->ctx, w->req, status, body);
    for (size_t i = 0; i < EA_TAGS_COUNT; i++) {
        if (w->calls[i].handle)
            u->source->drop(u->source->ctx, w->calls[i].handle);
        ea_free(w->calls[i].arn);
    }
    ea_tags_done(&w->tags);
    ea_free(w);
}

/* The task's object as it is now, with what came of its tags. */
static void end_with_tags(struct waiting *w)
{
    EA_BUF_AUTO body = EA_BUF(MAX_ANSWER);
    int status = 404;

    (void)ea_route_metadata(w->u->source, w->req->path, w->req->peer, true, &body,
                            &status); /* the route is known to be there */
    if (status == 200)
        ea_tags_add(&w->tags, w->req->path[2] - '0', &body);
    end(w, status, ea_buf_str(&body));
}

static void replied(void *ctx, const struct ea_serve_reply *r)
{
    struct call *c = ctx;
    struct waiting *w = c->w;
    EA_BUF_AUTO body = EA_BUF(MAX_CALL);
    int status;

    c->handle = NULL;
    w->left--;
    if (w->protect) {
        status = ea_protect_answer(c->arn, r, &body);
        end(w, status, ea_buf_str(&body));
        return;
    }
    ea_tags_reply(&w->tags, c->which, c->arn, r);
    if (w->left == 0)
        end_with_tags(w);
}

static struct waiting *wait_for(ea_upstream *u, ea_http_request *req, bool protect)
{
    struct waiting *w = ea_alloc(sizeof(*w));

    w->u = u;
    w->req = req;
    w->protect = protect;
    ea_list_append(&u->waiting, &w->node);
    u->waits++;
    return w;
}

/* False: the call could not be made, *err says why. */
static bool start(struct waiting *w, int which, const char *operation, const char *arn, ea_str body,
                  const struct ea_creds *creds, ea_err *err)
{
    const struct ea_serve_source *s = w->u->source;
    struct call *c = &w->calls[which];

    c->w = w;
    c->which = which;
    c->arn = ea_strdup(arn);
    c->handle = s->call(s->ctx, operation, body, creds, replied, c, err);
    if (!c->handle)
        return false;
    w->left++;
    return true;
}

/* ---- task protection ---- */

static void too_many(ea_upstream *u, ea_http_request *req)
{
    u->answer(u->ctx, req, 503, EA_STR("\"too many requests wait for the ECS API\""));
}

static void protect(ea_upstream *u, ea_http_request *req, const char *id)
{
    EA_BUF_AUTO answer = EA_BUF(MAX_CALL);
    struct ea_protect_call call = { .body = EA_BUF(MAX_CALL) };
    int status = ea_protect_ask(u->source->model, id, req->method, req->body, &call, &answer);
    struct waiting *w;
    ea_err err = { 0 };

    if (status) {
        u->answer(u->ctx, req, status, ea_buf_str(&answer));
    } else if (u->waits >= WAITING_MAX) {
        too_many(u, req);
    } else {
        w = wait_for(u, req, true);
        if (ea_buf_check(&call.body, &err) ||
            !start(w, 0, call.operation, call.arn, ea_buf_str(&call.body), call.role, &err)) {
            const struct ea_serve_reply r = { .err = &err };

            status = ea_protect_answer(call.arn, &r, &answer);
            end(w, status, ea_buf_str(&answer));
        }
    }
    ea_buf_done(&call.body);
}

/* ---- tags ---- */

static void start_tags(struct waiting *w, int which, const char *arn)
{
    EA_BUF_AUTO body = EA_BUF(MAX_CALL);
    ea_err err = { 0 };

    ea_tags_request(arn, &body);
    if (ea_buf_check(&body, &err) ||
        !start(w, which, "ListTagsForResource", arn, ea_buf_str(&body), NULL, &err)) {
        const struct ea_serve_reply r = { .err = &err };

        ea_tags_reply(&w->tags, which, arn, &r);
    }
}

/* Without a container's record nobody is asked, as with the reference. */
static bool has_record(const struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (ea_metadata_has_record(&t->containers.v[i]))
            return true;
    return false;
}

/* False: answered as every other route of the metadata endpoint. */
static bool tags(ea_upstream *u, ea_http_request *req, const char *id)
{
    const char *instance = u->source->model->meta.container_instance_arn;
    struct ea_container *c = NULL;
    struct ea_task *t = NULL;
    struct waiting *w;

    if (u->waits >= WAITING_MAX || !ea_model_by_endpoint(u->source->model, id, &t, &c) ||
        !has_record(t) || !instance)
        return false;
    w = wait_for(u, req, false);
    start_tags(w, EA_TAGS_INSTANCE, instance);
    start_tags(w, EA_TAGS_TASK, t->arn);
    if (w->left == 0)
        end_with_tags(w);
    return true;
}

bool ea_upstream_handle(ea_upstream *u, ea_http_request *req)
{
    EA_FREE_AUTO char *guarded = NULL, *tagged = NULL;

    if (!u->source->call)
        return false;
    guarded = ea_protect_id(req->path);
    tagged = ea_tags_id(req->path);
    if (guarded) {
        protect(u, req, guarded);
        return true;
    }
    return tagged && tags(u, req, tagged);
}

void ea_upstream_free(ea_upstream *u)
{
    if (!u)
        return;
    EA_LIST_EACH(&u->waiting, node)
    {
        end(EA_OWNER(node, struct waiting, node), 503, EA_STR("\"the agent ends\""));
    }
    ea_free(u);
}
