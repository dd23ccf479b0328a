#include "http_client.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "curl_private.h"

#include <string.h>

#define CONNECT_MS       30000
#define TOTAL_MS         42000
#define BODY_MAX         (1024u * 1024)
#define HEADERS_MAX      200
#define HEADER_BYTES_MAX (256u * 1024)

struct ea_httpc {
    ea_net_job job;
    ea_httpc_done *done;
    void *ctx;
    char *send; /* request body; wiped */
    size_t send_n;
    ea_buf body;
    ea_strmap headers;
    size_t header_bytes;
    bool too_big;
    bool headers_whole; /* libcurl takes a head that was cut for an answer */
    bool ending;        /* the result stands in `err` and waits for its deferred call */
    bool dropped;
    int64_t started_ms;
    ea_err err;
};

static void free_request(ea_httpc *q)
{
    ea_net_job_done(&q->job);
    if (q->send) {
        ea_secret_wipe(q->send, q->send_n);
        ea_free(q->send);
    }
    ea_buf_done_secret(&q->body);
    ea_strmap_free(&q->headers);
    ea_free(q);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    ea_httpc *q = arg;

    ea_buf_add(&q->body, p, size * n);
    if (q->body.failed) {
        q->too_big = true;
        return CURL_WRITEFUNC_ERROR;
    }
    return size * n;
}

static void keep_header(ea_httpc *q, ea_str name, ea_str value)
{
    EA_FREE_AUTO char *key = ea_str_dup(name);
    EA_FREE_AUTO char *text = ea_str_dup(value);
    EA_FREE_AUTO char *joined = NULL;
    const char *old = NULL;

    for (char *c = key; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    old = ea_strmap_get(&q->headers, key);
    if (old)
        joined = ea_sprintf_dup("%s, %s", old, text);
    ea_strmap_set(&q->headers, key, joined ? joined : text);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    ea_httpc *q = arg;
    ea_str line = ea_str_trim((ea_str){ p, size * n }), name = { NULL, 0 };
    ea_str value = { NULL, 0 };

    if (ea_str_starts(line, "HTTP/")) { /* of the proxy, of 100, of the answer: the last counts */
        ea_strmap_free(&q->headers);
        q->headers_whole = false;
        return size * n;
    }
    if (line.n == 0)
        q->headers_whole = true;
    q->header_bytes += size * n;
    if (q->header_bytes > HEADER_BYTES_MAX || q->headers.n >= HEADERS_MAX) {
        q->too_big = true;
        return CURL_WRITEFUNC_ERROR;
    }
    value = ea_str_cut(line, ':', &name);
    if (value.p && name.n > 0)
        keep_header(q, ea_str_trim(name), ea_str_trim(value));
    return size * n;
}

static void finish(ea_httpc *q, const ea_httpc_response *r)
{
    if (!q->dropped)
        q->done(q->ctx, r, &q->err);
    free_request(q);
}

static void on_done(ea_net_job *job, CURLcode result)
{
    ea_httpc *q = EA_OWNER(job, ea_httpc, job);
    ea_httpc_response r = { 0 };
    long status = 0;

    /* While the callback runs, a drop of this very request must not free it. */
    q->ending = true;
    if (q->too_big) {
        (void)ea_fail(&q->err, EA_LIMIT, "%s: answer larger than %zu bytes", job->url,
                      q->body.max); /* told by `done` */
    } else if (result == CURLE_OK && !q->headers_whole) {
        (void)ea_net_job_explain(job, CURLE_PARTIAL_FILE, &q->err); /* told by `done` */
    } else if (result != CURLE_OK) {
        (void)ea_net_job_explain(job, result, &q->err); /* told by `done` */
    }
    if (q->err.code != EA_OK) {
        finish(q, NULL);
        return;
    }
    (void)curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when unknown */
    r.status = (int)status;
    r.headers = q->headers;
    r.body = (ea_str){ ea_buf_z(&q->body), q->body.n };
    r.took_ms = ea_now().mono_ms - q->started_ms;
    finish(q, &r);
}

static ea_code set_method(ea_httpc *q, const ea_httpc_request *rq, ea_err *err)
{
    const char *method = rq->method ? rq->method : "GET";
    CURL *easy = q->job.easy;

    for (const char *c = method; *c; c++) {
        if (*c < 'A' || *c > 'Z')
            return ea_fail(err, EA_INVALID, "HTTP method is malformed");
    }
    if (strcmp(method, "HEAD") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return EA_OK;
    }
    if (!rq->body.p && (strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0)) {
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        return EA_OK;
    }
    q->send = ea_strndup(rq->body.p ? rq->body.p : "", rq->body.n);
    q->send_n = rq->body.n;
    (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, q->send);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->send_n);
    return EA_OK;
}

ea_httpc *ea_httpc_start(ea_net *net, const ea_httpc_request *rq, ea_httpc_done *done, void *ctx,
                         ea_err *err)
{
    ea_httpc *q = ea_alloc(sizeof(*q));
    CURL *easy = NULL;

    q->done = done;
    q->ctx = ctx;
    q->body = EA_BUF(rq->body_max ? rq->body_max : BODY_MAX);
    q->job.done = on_done;
    q->started_ms = ea_now().mono_ms;
    if (ea_net_job_init(&q->job, net, rq->url, "http,https", rq->headers, rq->header_count,
                        rq->no_proxy, err) ||
        set_method(q, rq, err)) {
        free_request(q);
        return NULL;
    }
    easy = q->job.easy;
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body); /* none of these can fail */
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, q);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, q);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(rq->connect_ms > 0 ? rq->connect_ms : CONNECT_MS));
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                           (long)(rq->total_ms > 0 ? rq->total_ms : TOTAL_MS));
    if (ea_net_job_add(&q->job, err)) {
        free_request(q);
        return NULL;
    }
    return q;
}

static void tell_cancelled(void *arg)
{
    finish(arg, NULL);
}

void ea_httpc_cancel(ea_httpc *q)
{
    if (!q || q->ending)
        return;
    q->ending = true;
    (void)ea_fail(&q->err, EA_CANCELLED, "%s: cancelled", q->job.url); /* told by `done` */
    ea_loop_defer(ea_net_loop(q->job.net), tell_cancelled, q);
    ea_net_job_done(&q->job);
}

void ea_httpc_drop(ea_httpc *q)
{
    if (!q)
        return;
    q->dropped = true;
    if (!q->ending)
        free_request(q);
}

const char *ea_httpc_find(const ea_httpc_response *r, const char *lower_name)
{
    return ea_strmap_get(&r->headers, lower_name);
}

bool ea_httpc_date(const ea_httpc_response *r, int64_t *wall_ms)
{
    const char *text = ea_httpc_find(r, "date");
    time_t t = text ? curl_getdate(text, NULL) : -1;

    if (t == -1)
        return false;
    *wall_ms = (int64_t)t * 1000;
    return true;
}
