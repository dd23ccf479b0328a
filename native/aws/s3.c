#include "s3.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "../net/http_client.h"
#include "aws_retry.h"
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

#define URL_MAX     8192
#define KEY_MAX     1024 /* bytes; the limit of S3 itself */
#define REFUSAL_MAX 16384
#define CONNECT_MS  10000
#define REGION_HOPS 1 /* a bucket names its region once */

struct ea_s3_get {
    ea_net *net;
    char *bucket, *key, *region, *endpoint;
    ea_aws_creds creds;
    size_t max;
    int64_t each_ms, skew_ms;
    unsigned attempt, hops;
    bool skew_corrected;
    ea_rng rng;
    ea_timer *timer;
    ea_httpc *http;
    ea_s3_done *done;
    void *ctx;
    bool telling; /* freed after it */
};

/* ---- addresses -------------------------------------------------------------------------------- */

ea_code ea_s3_parse_arn(const char *text, char **bucket, char **key, ea_err *err)
{
    ea_str name, rest = { NULL, 0 };
    ea_err ignored = { 0 };
    bool good = false;
    ea_arn arn;

    if (ea_arn_parse(text, &arn, &ignored) == EA_OK && ea_str_eqz(arn.service, "s3")) {
        rest = ea_str_cut(arn.resource, '/', &name);
        good = name.n >= 3 && name.n <= 255 && rest.n > 0 && rest.n <= KEY_MAX;
        for (size_t i = 0; good && i < name.n; i++)
            good = (name.p[i] >= 'a' && name.p[i] <= 'z') ||
                   (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
                   (name.p[i] >= '0' && name.p[i] <= '9') || strchr(".-_", name.p[i]);
        for (size_t i = 0; good && i < rest.n; i++)
            good = (unsigned char)rest.p[i] >= ' ' && rest.p[i] != 0x7f;
    }
    if (!good)
        return ea_fail(err, EA_INVALID, "'%.200s' is not the ARN of an object in S3",
                       text ? text : "");
    *bucket = ea_str_dup(name);
    *key = ea_str_dup(rest);
    return EA_OK;
}

/* As one label of a host's name; a certificate covers no more than one. */
static bool fits_host(const char *bucket)
{
    size_t n = strlen(bucket);

    for (size_t i = 0; i < n; i++)
        if (!((bucket[i] >= 'a' && bucket[i] <= 'z') || (bucket[i] >= '0' && bucket[i] <= '9') ||
              (bucket[i] == '-' && i > 0 && i + 1 < n)))
            return false;
    return n <= 63;
}

ea_code ea_s3_url(const char *bucket, const char *key, const char *region, const char *endpoint,
                  ea_buf *out, ea_err *err)
{
    const ea_endpoint_options options = { .override_url = endpoint,
                                          .override_name = "AWS_ENDPOINT_URL_S3" };
    EA_FREE_AUTO char *base = NULL;

    if (ea_endpoint_resolve("s3", region, &options, &base, err))
        return err->code;
    if (ea_zstr_empty(endpoint) && fits_host(bucket))
        ea_buf_addf(out, "https://%s.%s/", bucket, strstr(base, "://") + 3);
    else
        ea_buf_addf(out, "%s/%s/", base, bucket);
    ea_buf_add_urlenc_path(out, key);
    return ea_buf_check(out, err);
}

/* ---- life ------------------------------------------------------------------------------------- */

static void free_get(ea_s3_get *g)
{
    ea_httpc_drop(g->http);
    ea_timer_free(g->timer);
    ea_aws_creds_done(&g->creds);
    ea_free(g->bucket);
    ea_free(g->key);
    ea_free(g->region);
    ea_free(g->endpoint);
    ea_free(g);
}

void ea_s3_drop(ea_s3_get *g)
{
    if (g && !g->telling)
        free_get(g);
}

static void end(ea_s3_get *g, ea_str object, const ea_err *err)
{
    ea_err e = *err;

    if (e.code)
        (void)ea_wrap(&e, "object s3://%s/%.200s", g->bucket, g->key); /* told by `done` */
    g->telling = true;
    g->done(g->ctx, object, &e);
    free_get(g);
}

static void end_failed(ea_s3_get *g, const ea_err *err)
{
    end(g, (ea_str){ NULL, 0 }, err);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static bool retry_later(ea_s3_get *g, ea_fault_kind kind)
{
    if (kind == EA_FAULT_TERMINAL || kind == EA_FAULT_CREDS || kind == EA_FAULT_SKEW ||
        g->attempt >= ea_retry_attempts(EA_RETRY_STANDARD))
        return false;
    ea_timer_arm(g->timer, ea_retry_delay(EA_RETRY_STANDARD, g->attempt, &g->rng));
    return true;
}

/* <Code>NoSuchKey</Code>: the text of an element that has no others inside. */
static void element(ea_str body, const char *name, char *out, size_t out_n)
{
    EA_FREE_AUTO char *text = ea_strndup(body.p ? body.p : "", body.n < 8192 ? body.n : 8192);
    EA_FREE_AUTO char *tag = ea_sprintf_dup("<%s>", name);
    const char *from = strstr(text, tag);
    size_t n = 0;

    out[0] = '\0';
    if (!from)
        return;
    from += strlen(tag);
    n = strcspn(from, "<");
    (void)snprintf(out, out_n, "%.*s", (int)ea_utf8_cut(from, n, out_n - 1), from);
}

/* A bucket elsewhere is told by the service; then it is asked there, once. */
static bool other_region(ea_s3_get *g, const ea_httpc_response *r)
{
    const char *region = ea_httpc_find(r, "x-amz-bucket-region");

    if (!region || strlen(region) > 63 || g->hops >= REGION_HOPS ||
        strcmp(region, g->region) == 0 ||
        !(r->status == 301 || r->status == 307 || r->status == 400 || r->status == 403))
        return false;
    ea_debug("bucket is in another region", EA_S("bucket", g->bucket), EA_S("region", region));
    ea_set_str(&g->region, region);
    g->hops++;
    ea_timer_arm(g->timer, 0);
    return true;
}

static bool correct_clock(ea_s3_get *g, const ea_httpc_response *r, ea_fault_kind kind)
{
    int64_t date = 0;

    if (kind != EA_FAULT_SKEW || g->skew_corrected || !ea_httpc_date(r, &date))
        return false;
    g->skew_corrected = true;
    g->skew_ms = date - ea_now().wall_ms;
    ea_timer_arm(g->timer, 0);
    return true;
}

static void refused(ea_s3_get *g, const ea_httpc_response *r)
{
    char code[128], message[400];
    ea_err err = { 0 };
    ea_fault_kind kind;

    element(r->body, "Code", code, sizeof(code));
    element(r->body, "Message", message, sizeof(message));
    kind = ea_fault_classify(r->status, code, NULL);
    if (other_region(g, r) || correct_clock(g, r, kind) || retry_later(g, kind))
        return;
    (void)ea_fail_sys(&err,
                      r->status == 404   ? EA_NOT_FOUND
                      : r->status == 403 ? EA_DENIED
                                         : ea_fault_code(r->status, code),
                      r->status, "%s%s%s (HTTP status %d)", code, code[0] ? ": " : "",
                      message[0] ? message : "no reason given", r->status); /* told by `done` */
    end_failed(g, &err);
}

static void on_answer(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    ea_s3_get *g = ctx;
    ea_err mine = { 0 };

    g->http = NULL;
    if (r && r->status == 200 && r->body.n > g->max)
        (void)ea_fail(&mine, EA_LIMIT, "larger than %zu bytes", g->max); /* told by `done` */
    if (r && r->status == 200)
        end(g, r->body, &mine);
    else if (r)
        refused(g, r);
    else if (err->code == EA_LIMIT || !retry_later(g, ea_fault_classify(0, "", err)))
        end_failed(g, err);
}

/* ---- requests --------------------------------------------------------------------------------- */

static ea_code send_signed(ea_s3_get *g, ea_err *err)
{
    const ea_sign_header mine[] = {
        { EA_STR("x-amz-content-sha256"), EA_STR(EA_EMPTY_SHA256) },
    };
    EA_BUF_AUTO url = EA_BUF(URL_MAX);
    ea_signed s = { 0 };
    ea_httpc_header h[5];
    ea_httpc_request rq = { .headers = h,
                            .connect_ms = CONNECT_MS,
                            .total_ms = g->each_ms,
                            .body_max = g->max > REFUSAL_MAX ? g->max : REFUSAL_MAX };

    if (ea_s3_url(g->bucket, g->key, g->region, g->endpoint, &url, err) ||
        ea_sigv4_sign("GET", ea_buf_z(&url), mine, EA_COUNT(mine), (ea_str){ "", 0 }, g->region,
                      "s3", &g->creds, ea_now().wall_ms + g->skew_ms, NULL, &s, err))
        return err->code;
    rq.url = ea_buf_z(&url);
    h[rq.header_count++] = (ea_httpc_header){ "x-amz-content-sha256", EA_EMPTY_SHA256 };
    h[rq.header_count++] = (ea_httpc_header){ "Host", s.host };
    h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Date", s.amz_date };
    h[rq.header_count++] = (ea_httpc_header){ "Authorization", s.authorization };
    if (s.token)
        h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Security-Token", s.token };
    g->http = ea_httpc_start(g->net, &rq, on_answer, g, err);
    ea_signed_done(&s);
    return g->http ? EA_OK : err->code;
}

static void on_turn(void *arg)
{
    ea_s3_get *g = arg;
    ea_err err = { 0 };

    g->attempt++;
    if (send_signed(g, &err))
        end_failed(g, &err);
}

ea_s3_get *ea_s3_start(ea_net *net, const ea_s3_ask *ask, ea_s3_done *done, void *ctx, ea_err *err)
{
    EA_BUF_AUTO url = EA_BUF(URL_MAX);
    char *bucket = NULL, *key = NULL;
    ea_s3_get *g = NULL;

    if (ea_s3_parse_arn(ask->arn, &bucket, &key, err))
        return NULL;
    g = ea_alloc(sizeof(*g));
    g->net = net;
    g->bucket = bucket;
    g->key = key;
    g->region = ea_strdup(ask->region);
    g->endpoint = ea_strdup(ask->endpoint);
    ea_aws_creds_copy(&g->creds, ask->creds);
    g->max = ask->max;
    g->each_ms = ask->each_ms;
    ea_rng_seed(&g->rng, (uint64_t)ea_now().mono_ms);
    g->done = done;
    g->ctx = ctx;
    g->timer = ea_timer_new(ea_net_loop(net), on_turn, g);
    if (ea_s3_url(bucket, key, g->region, g->endpoint, &url, err)) {
        free_get(g);
        return NULL;
    }
    ea_timer_arm(g->timer, 0);
    return g;
}
