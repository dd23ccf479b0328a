#include "imds.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"
#include "aws_retry.h"

#include <string.h>

#define DEFAULT_ENDPOINT "http://169.254.169.254"
#define TOKEN_PATH       "/latest/api/token"
#define TOKEN_TTL_S      300
#define TOKEN_MARGIN_MS  20000 /* fetched again before the service forgets it */
#define ATTEMPT_MS       1000
#define ATTEMPTS         5
#define DELAY_MAX_MS     1000
#define BODY_MAX         (64u * 1024)

struct ea_imds_get {
    ea_node node;
    ea_imds *im;
    char *path;
    bool retries;
    unsigned attempt; /* of the present request, from 1 */
    ea_imds_done *done;
    void *ctx;
    ea_httpc *http;
    ea_timer *timer;  /* before the first attempt and each further one */
    bool wants_token; /* waits for the token request */
    bool telling;     /* freed after it */
    ea_err err;
};

struct ea_imds {
    ea_net *net;
    char *endpoint;
    bool disabled, v1_disabled;
    bool use_v1; /* version 2 is not there; a 401 brings it back */
    int64_t attempt_ms;
    unsigned attempts;
    ea_rng rng;
    char *token;
    int64_t token_until_ms; /* mono */
    ea_httpc *token_http;
    ea_list gets;
};

bool ea_imds_enabled(const ea_imds *im)
{
    return !im->disabled;
}

ea_code ea_imds_new(ea_net *net, const ea_imds_config *config, ea_imds **out, ea_err *err)
{
    ea_imds *im = NULL;
    const char *endpoint = ea_zstr_empty(config->endpoint) ? DEFAULT_ENDPOINT : config->endpoint;
    size_t n = strlen(endpoint);

    if (!ea_str_starts(ea_str_of(endpoint), "http://") &&
        !ea_str_starts(ea_str_of(endpoint), "https://"))
        return ea_fail(err, EA_SETTINGS,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT '%.200s' does not begin with http://",
                       endpoint);
    while (n > 0 && endpoint[n - 1] == '/')
        n--;
    im = ea_alloc(sizeof(*im));
    im->net = net;
    im->endpoint = ea_strndup(endpoint, n);
    im->disabled = config->disabled;
    im->v1_disabled = config->v1_disabled;
    im->attempt_ms = config->attempt_ms > 0 ? config->attempt_ms : ATTEMPT_MS;
    im->attempts = config->attempts ? config->attempts : ATTEMPTS;
    ea_rng_seed(&im->rng, config->seed);
    ea_list_init(&im->gets);
    *out = im;
    return EA_OK;
}

static void free_get(ea_imds_get *g)
{
    ea_list_remove(&g->node);
    ea_httpc_drop(g->http);
    ea_timer_free(g->timer);
    ea_free(g->path);
    ea_free(g);
}

void ea_imds_free(ea_imds *im)
{
    if (!im)
        return;
    EA_LIST_EACH(&im->gets, node)
    ea_imds_drop(EA_OWNER(node, ea_imds_get, node));
    ea_httpc_drop(im->token_http);
    ea_secret_free(im->token);
    ea_free(im->endpoint);
    ea_free(im);
}

/* Tells the owner and ends the get. Called from callbacks alone, so the owner is told later. */
static void end(ea_imds_get *g, ea_str value)
{
    if (g->telling)
        return;
    g->telling = true;
    g->done(g->ctx, value, &g->err);
    free_get(g);
}

static void end_with(ea_imds_get *g, const ea_err *err)
{
    g->err = *err;
    (void)ea_wrap(&g->err, "instance metadata %s", g->path); /* told by `done` */
    end(g, (ea_str){ NULL, 0 });
}

/* True when another attempt is on its way. */
static bool again(ea_imds_get *g)
{
    int64_t delay = 0;

    if (!g->retries || g->attempt >= g->im->attempts)
        return false;
    delay = ea_retry_delay(EA_RETRY_STANDARD, g->attempt, &g->im->rng);
    ea_timer_arm(g->timer, delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS);
    return true;
}

static void on_value(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    ea_imds_get *g = ctx;
    ea_err e = { 0 };

    g->http = NULL;
    if (err->code != EA_OK) {
        if (!again(g))
            end_with(g, err);
        return;
    }
    if (r->status >= 200 && r->status < 300) {
        end(g, r->body);
        return;
    }
    if (r->status == 401 && !ea_str_eqz(ea_str_of(g->path), TOKEN_PATH)) {
        /* The token was forgotten there, or version 1 was closed: version 2 gets its chance. */
        ea_secret_free(g->im->token);
        g->im->token = NULL;
        g->im->use_v1 = false;
        if (again(g))
            return;
    }
    if (r->status >= 500 && again(g))
        return;
    (void)ea_fail_sys(&e, r->status == 404 ? EA_NOT_FOUND : EA_SERVER, r->status, "HTTP status %d",
                      r->status); /* told by `done` */
    end_with(g, &e);
}

static void ask_value(ea_imds_get *g)
{
    ea_imds *im = g->im;
    EA_FREE_AUTO char *url = ea_sprintf_dup("%s%s", im->endpoint, g->path);
    ea_httpc_header h = { "x-aws-ec2-metadata-token", im->token };
    ea_httpc_request rq = { .url = url,
                            .headers = &h,
                            .header_count = im->token ? 1 : 0,
                            .connect_ms = im->attempt_ms,
                            .total_ms = im->attempt_ms,
                            .body_max = BODY_MAX,
                            .no_proxy = true };
    ea_err err = { 0 };

    g->http = ea_httpc_start(im->net, &rq, on_value, g, &err);
    if (!g->http)
        end_with(g, &err);
}

/* Hands the outcome of the token request to all that wait for it. */
static void token_known(ea_imds *im, const ea_err *failed)
{
    ea_list waiting;

    ea_list_init(&waiting);
    EA_LIST_EACH(&im->gets, node)
    {
        if (EA_OWNER(node, ea_imds_get, node)->wants_token) {
            ea_list_remove(node);
            ea_list_append(&waiting, node);
        }
    }
    while (!ea_list_empty(&waiting)) { /* a callback may drop any of them */
        ea_imds_get *g = EA_OWNER(waiting.head.next, ea_imds_get, node);

        ea_list_remove(&g->node);
        ea_list_append(&im->gets, &g->node);
        g->wants_token = false;
        if (!failed)
            ask_value(g);
        else if (!again(g))
            end_with(g, failed);
    }
}

static void on_token(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    ea_imds *im = ctx;
    ea_err e = *err;

    im->token_http = NULL;
    if (r && r->status == 200 && r->body.n > 0 && r->body.n < 1024) {
        im->token = ea_str_dup(ea_str_trim(r->body));
        im->token_until_ms = ea_now().mono_ms + TOKEN_TTL_S * 1000 - TOKEN_MARGIN_MS;
        token_known(im, NULL);
        return;
    }
    if (r && r->status != 403 && r->status != 404 && r->status != 405) {
        (void)ea_fail_sys(&e, EA_SERVER, r->status, "no session token: HTTP status %d",
                          r->status); /* handed on */
        token_known(im, &e);
        return;
    }
    if (im->v1_disabled) {
        if (r)
            (void)ea_fail_sys(&e, EA_DENIED, r->status,
                              "no session token (HTTP status %d), and version 1 is not allowed",
                              r->status); /* handed on */
        token_known(im, &e);
        return;
    }
    /* Version 2 is not there. A refusal is remembered; silence is asked again next time. */
    im->use_v1 = r != NULL;
    ea_debug("instance metadata without session token", EA_I("status", r ? r->status : 0));
    token_known(im, NULL);
}

static void ask_token(ea_imds *im, ea_imds_get *g)
{
    EA_FREE_AUTO char *url = ea_sprintf_dup("%s%s", im->endpoint, TOKEN_PATH);
    ea_httpc_header h = { "x-aws-ec2-metadata-token-ttl-seconds", "300" };
    ea_httpc_request rq = { .method = "PUT",
                            .url = url,
                            .headers = &h,
                            .header_count = 1,
                            .connect_ms = im->attempt_ms,
                            .total_ms = im->attempt_ms,
                            .body_max = 4096,
                            .no_proxy = true };
    ea_err err = { 0 };

    g->wants_token = true;
    if (im->token_http)
        return;
    im->token_http = ea_httpc_start(im->net, &rq, on_token, im, &err);
    if (!im->token_http) {
        g->wants_token = false;
        end_with(g, &err);
    }
}

static void proceed(ea_imds_get *g)
{
    ea_imds *im = g->im;

    g->attempt++;
    if (im->token && ea_now().mono_ms >= im->token_until_ms) {
        ea_secret_free(im->token);
        im->token = NULL;
    }
    if (im->token || im->use_v1)
        ask_value(g);
    else
        ask_token(im, g);
}

static void on_turn(void *arg)
{
    ea_imds_get *g = arg;
    ea_err err = { 0 };

    if (g->im->disabled) {
        (void)ea_fail(&err, EA_UNSUPPORTED,
                      "switched off (AWS_EC2_METADATA_DISABLED or ECS_EXTERNAL)"); /* told */
        end_with(g, &err);
        return;
    }
    proceed(g);
}

ea_imds_get *ea_imds_start(ea_imds *im, const char *path, bool retries, ea_imds_done *done,
                           void *ctx, ea_err *err)
{
    ea_imds_get *g = NULL;

    if (!path || path[0] != '/') {
        (void)ea_fail(err, EA_INVALID, "instance metadata: path must begin with a slash");
        return NULL;
    }
    g = ea_alloc(sizeof(*g));
    g->im = im;
    g->path = ea_strdup(path);
    g->retries = retries;
    g->done = done;
    g->ctx = ctx;
    ea_list_append(&im->gets, &g->node);
    g->timer = ea_timer_new(ea_net_loop(im->net), on_turn, g);
    ea_timer_arm(g->timer, 0);
    return g;
}

void ea_imds_drop(ea_imds_get *g)
{
    if (g && !g->telling)
        free_get(g);
}
