#include "serve.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"
#include "../net/http_server.h"
#include "../plat/plat.h"
#include "audit.h"
#include "control.h"
#include "limiter.h"
#include "route_creds.h"
#include "route_introspect.h"
#include "route_metadata.h"
#include "source_cache.h"
#include "upstream.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_BUCKETS = 4096,
    MAX_ANSWER = 16 * 1024 * 1024,
    MAX_METADATA = 4 * 1024 * 1024,
    CLOSE_MS = 200,
    STATS_MS = 3500,  /* a caller's patience with statistics that are on their way */
    WAITING_MAX = 32, /* so that credentials always find a connection */
};

struct waiting { /* a request for statistics that are on their way */
    ea_node node;
    ea_http_request *req;
    int64_t until_ms; /* mono */
};

struct ea_serve {
    ea_loop *loop;
    struct ea_serve_source source;
    unsigned rps, burst;
    char *audit_file, *version, *hash;
    ea_plat_file audit;
    int64_t audit_max_bytes;
    unsigned audit_keep;
    ea_limiter *limiter;
    struct ea_source_cache sources;
    ea_http_server *tasks, *introspection,
        *control; /* one server each: a flood on one stays there */
    ea_http_listener *credentials, *endpoint;
    ea_upstream *upstream;
    ea_list waiting;
    size_t waits;
    ea_timer *patience;
    unsigned open; /* servers that have not told their end */
    bool closing;
};

/* ---- task endpoint: credentials and metadata ---- */

static void write_audit(ea_serve *s, const ea_http_request *req, int status,
                        const struct ea_creds *creds)
{
    const struct ea_audit_entry entry = {
        .wall_ms = ea_now().wall_ms,
        .status = status,
        .peer = req->peer,
        .peer_port = req->peer_port,
        .path = req->path,
        .user_agent = ea_http_header_get(req, "user-agent"),
        .creds = creds,
        .cluster = s->source.model->meta.cluster,
        .instance_arn = s->source.model->meta.container_instance_arn,
    };
    EA_BUF_AUTO line = EA_BUF(16 * 1024);
    ea_err err = { 0 };

    if (!s->audit_file)
        return;
    ea_audit_line(&entry, &line);
    if (ea_plat_append(&s->audit, s->audit_file, ea_buf_str(&line), s->audit_max_bytes,
                       s->audit_keep, &err))
        ea_warn("audit line not written", EA_S("err", err.text));
}

static void limit_headers(const ea_serve *s, const ea_http_request *req, char rate[16],
                          ea_http_header headers[4])
{
    const char *forwarded = ea_http_header_get(req, "x-forwarded-for");

    (void)snprintf(rate, 16, "%u.00", ea_limiter_steady(s->limiter)); /* at most 10 digits */
    headers[0] = (ea_http_header){ "X-Rate-Limit-Limit", rate };
    headers[1] = (ea_http_header){ "X-Rate-Limit-Duration", "1" };
    headers[2] =
        (ea_http_header){ "X-Rate-Limit-Request-Forwarded-For", forwarded ? forwarded : "" };
    headers[3] = (ea_http_header){ "X-Rate-Limit-Request-Remote-Addr", req->peer };
}

static void answer(ea_serve *s, ea_http_request *req, int status, const char *type, ea_str body)
{
    char rate[16];
    ea_http_header headers[4];
    ea_http_response r = { .status = status,
                           .content_type = type,
                           .headers = headers,
                           .header_count = EA_COUNT(headers),
                           .body = body };

    limit_headers(s, req, rate, headers);
    ea_http_respond(req, &r);
}

static void answer_json(void *ctx, ea_http_request *req, int status, ea_str body)
{
    answer(ctx, req, status, "application/json", body);
}

static void credentials(ea_serve *s, ea_http_request *req, int version, const char *id)
{
    EA_SECRET_BUF_AUTO body = EA_BUF(64 * 1024);
    struct ea_creds_answer a;

    ea_route_creds(s->source.model, version, id, req->peer, &body, &a);
    write_audit(s, req, a.status, a.creds);
    answer(s, req, a.status, "application/json", ea_buf_str(&body));
}

static ea_route try_metadata(ea_serve *s, ea_http_request *req, bool last)
{
    EA_BUF_AUTO body = EA_BUF(MAX_METADATA);
    int status = 0;
    ea_route route = ea_route_metadata(&s->source, req->path, req->peer, last, &body, &status);

    if (route == EA_ROUTE_ANSWERED)
        answer(s, req, status, "application/json", ea_buf_str(&body));
    return route;
}

/* `last`: all of them, else those that have what they wait for or have waited long enough. */
static void answer_waiting(ea_serve *s, bool last)
{
    int64_t now = ea_now().mono_ms;

    EA_LIST_EACH(&s->waiting, node)
    {
        struct waiting *w = EA_OWNER(node, struct waiting, node);

        if (try_metadata(s, w->req, last || w->until_ms <= now) == EA_ROUTE_LATER)
            continue;
        ea_list_remove(node);
        ea_free(w);
        s->waits--;
    }
    if (ea_list_empty(&s->waiting))
        ea_timer_stop(s->patience);
    else /* the first is the first to give up */
        ea_timer_arm(s->patience,
                     EA_OWNER(s->waiting.head.next, struct waiting, node)->until_ms - now);
}

static void on_patience(void *arg)
{
    answer_waiting(arg, false);
}

void ea_serve_stats_came(ea_serve *s)
{
    if (s && !ea_list_empty(&s->waiting))
        answer_waiting(s, false);
}

/* False: no such route. */
static bool metadata(ea_serve *s, ea_http_request *req)
{
    struct waiting *w;

    switch (try_metadata(s, req, s->waits >= WAITING_MAX)) {
    case EA_ROUTE_NONE:
        return false;
    case EA_ROUTE_ANSWERED:
        return true;
    case EA_ROUTE_LATER:
        break;
    }
    w = ea_alloc(sizeof(*w));
    w->req = req;
    w->until_ms = ea_now().mono_ms + STATS_MS;
    if (ea_list_empty(&s->waiting))
        ea_timer_arm(s->patience, STATS_MS);
    ea_list_append(&s->waiting, &w->node);
    s->waits++;
    return true;
}

static bool source_allowed(ea_serve *s, const ea_http_request *req)
{
    int64_t now_ms = ea_now().mono_ms;
    bool allowed;

    if (ea_source_known(&s->sources, req->peer, req->peer_port, now_ms, &allowed))
        return allowed;
    allowed = s->source.source_allowed(s->source.ctx, req->peer);
    ea_source_keep(&s->sources, req->peer, req->peer_port, now_ms, allowed);
    return allowed;
}

static void handle_task(void *ctx, ea_http_request *req)
{
    static const char v2[] = "/v2/credentials/";
    ea_serve *s = ctx;

    if (req->listener == s->endpoint && !source_allowed(s, req)) {
        ea_debug("task endpoint: source refused", EA_S("peer", req->peer));
        ea_http_respond_text(req, 403, "this address serves local containers only\n");
        return;
    }
    if (!ea_limiter_allow(s->limiter, req->peer, req->path, ea_now().mono_ms)) {
        write_audit(s, req, 429, NULL);
        answer(s, req, 429, "text/plain; charset=utf-8",
               EA_STR("You have reached maximum request limit."));
        return;
    }
    if (strncmp(req->path, v2, sizeof(v2) - 1) == 0) {
        credentials(s, req, 2, req->path + sizeof(v2) - 1);
        return;
    }
    if (strcmp(req->path, "/v1/credentials") == 0) {
        char *id = NULL;
        (void)ea_http_query_get(req, "id", &id); /* absent: NULL */
        credentials(s, req, 1, id);
        ea_secret_free(id);
        return;
    }
    if (ea_upstream_handle(s->upstream, req) || metadata(s, req))
        return;
    answer(s, req, 404, "text/plain; charset=utf-8", EA_STR("404 page not found\n"));
}

/* ---- introspection ---- */

static void introspect_tasks(ea_serve *s, ea_http_request *req, ea_buf *body)
{
    EA_FREE_AUTO char *arn = NULL;
    EA_FREE_AUTO char *docker_id = NULL;
    int status;

    (void)ea_http_query_get(req, "taskarn", &arn); /* absent: NULL */
    (void)ea_http_query_get(req, "dockerid", &docker_id);
    status = ea_introspect_tasks(s->source.model, arn, docker_id, body);
    ea_http_respond_json(req, status, ea_buf_str(body));
}

static void handle_introspection(void *ctx, ea_http_request *req)
{
    ea_serve *s = ctx;
    EA_BUF_AUTO body = EA_BUF(MAX_ANSWER);

    if (strcmp(req->path, "/v1/metadata") == 0) {
        ea_introspect_metadata(s->source.model, s->version, s->hash, &body);
        ea_http_respond_json(req, 200, ea_buf_str(&body));
    } else if (strcmp(req->path, "/v1/tasks") == 0) {
        introspect_tasks(s, req, &body);
    } else if (strcmp(req->path, "/v1/status") == 0) {
        s->source.status_json(s->source.ctx, &body);
        ea_http_respond_json(req, 200, ea_buf_str(&body));
    } else if (strcmp(req->path, "/license") == 0) {
        ea_http_respond_text(req, 200,
                             "ECSTools is licensed under the Apache License, Version 2.0.\n");
    } else {
        ea_http_respond_text(req, 200,
                             "{\"AvailableCommands\":[\"/v1/metadata\",\"/v1/tasks\","
                             "\"/license\",\"/v1/status\"]}");
    }
}

static void handle_control(void *ctx, ea_http_request *req)
{
    ea_serve *s = ctx;

    ea_control_handle(&s->source, req);
}

/* ---- listeners ---- */

static char *dup_or_null(const char *s)
{
    return ea_zstr_empty(s) ? NULL : ea_strdup(s);
}

ea_serve *ea_serve_new(ea_loop *loop, const struct ea_serve_source *source,
                       const struct ea_serve_config *config)
{
    static const ea_http_limits limits = { 0 };
    ea_serve *s = ea_alloc(sizeof(*s));

    s->loop = loop;
    s->source = *source;
    s->audit_file = dup_or_null(config->audit_file);
    s->audit_max_bytes = config->audit_max_bytes;
    s->audit_keep = config->audit_keep;
    s->version = ea_strdup(config->version);
    s->hash = ea_strdup(config->hash);
    s->limiter = ea_limiter_new(config->rps, config->burst, MAX_BUCKETS);
    s->tasks = ea_http_server_new(loop, &limits, handle_task, s);
    s->introspection = ea_http_server_new(loop, &limits, handle_introspection, s);
    s->control = ea_http_server_new(loop, &limits, handle_control, s);
    s->upstream = ea_upstream_new(loop, &s->source, answer_json, s);
    ea_list_init(&s->waiting);
    s->patience = ea_timer_new(loop, on_patience, s);
    s->open = 3;
    return s;
}

static void server_closed(void *ctx)
{
    ea_serve *s = ctx;

    if (--s->open)
        return;
    ea_limiter_free(s->limiter);
    ea_plat_append_close(&s->audit);
    ea_free(s->audit_file);
    ea_free(s->version);
    ea_free(s->hash);
    ea_free(s);
}

void ea_serve_close(ea_serve *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    answer_waiting(s, true);
    ea_upstream_free(s->upstream);
    s->upstream = NULL;
    ea_timer_free(s->patience);
    ea_http_server_close(s->tasks, CLOSE_MS, server_closed, s);
    ea_http_server_close(s->introspection, CLOSE_MS, server_closed, s);
    ea_http_server_close(s->control, CLOSE_MS, server_closed, s);
}

ea_code ea_serve_credentials(ea_serve *s, ea_err *err)
{
    return ea_http_listen_tcp(s->tasks, "127.0.0.1", EA_CREDS_PORT, &s->credentials, err);
}

ea_code ea_serve_task_endpoint(ea_serve *s, ea_err *err)
{
    return ea_http_listen_tcp(s->tasks, EA_TASK_ADDRESS, 80, &s->endpoint, err);
}

void ea_serve_drop_task_endpoint(ea_serve *s)
{
    ea_http_listener_close(s->endpoint);
    s->endpoint = NULL;
}

ea_code ea_serve_introspection(ea_serve *s, const char *address, ea_err *err)
{
    ea_http_listener *l = NULL;

    return ea_http_listen_tcp(s->introspection, address, EA_INTROSPECT_PORT, &l, err);
}

ea_code ea_serve_control(ea_serve *s, const char *path, ea_err *err)
{
    ea_http_listener *l = NULL;

    return ea_http_listen_pipe(s->control, path, 0600, &l, err);
}
