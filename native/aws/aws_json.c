#include "aws_json.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX    (4u * 1024 * 1024)
#define CONNECT_MS    30000
#define ROUND_TRIP_MS 42000
#define FAR_OFF_MS    (4 * 60 * 1000) /* services refuse from 5 min on */
#define REFUSED_MS    (60 * 1000)     /* below it a refused signature has another reason */

struct ea_aws {
    ea_net *net;
    ea_cred_chain *creds;
    char *endpoint, *region, *service, *target_prefix, *user_agent;
    ea_rng rng;
    ea_retry_bucket bucket;
    ea_sign_key key;
    int64_t skew_ms;
    ea_list calls;
};

struct ea_aws_call {
    ea_node node;
    ea_aws *a;
    char *target, *body;
    size_t body_n;
    ea_retry_class retry;
    unsigned max_attempts, attempt;
    int64_t deadline_ms; /* mono; 0 none */
    int64_t round_trip_ms;
    ea_aws_creds own; /* given by the caller */
    bool has_own;
    bool skew_corrected, creds_renewed; /* each is tried once */
    int spent;                          /* tokens of the last retry */
    ea_cred_get *cred_get;
    ea_httpc *http;
    ea_timer *timer;
    ea_aws_done *done;
    void *ctx;
    bool telling; /* freed after it */
    bool cancelled;
};

/* --- life --- */

ea_code ea_aws_new(ea_net *net, ea_cred_chain *creds, const ea_aws_config *config, ea_aws **out,
                   ea_err *err)
{
    ea_aws *a = NULL;

    if (ea_zstr_empty(config->endpoint) || ea_zstr_empty(config->region) ||
        ea_zstr_empty(config->service))
        return ea_fail(err, EA_SETTINGS, "AWS client: endpoint, region or service is missing");
    a = ea_alloc(sizeof(*a));
    a->net = net;
    a->creds = creds;
    a->endpoint = ea_strdup(config->endpoint);
    a->region = ea_strdup(config->region);
    a->service = ea_strdup(config->service);
    a->target_prefix = ea_strdup(config->target_prefix ? config->target_prefix : "");
    a->user_agent = ea_strdup(config->user_agent);
    ea_rng_seed(&a->rng, config->seed);
    ea_retry_bucket_init(&a->bucket);
    ea_list_init(&a->calls);
    *out = a;
    return EA_OK;
}

static void free_call(ea_aws_call *c)
{
    ea_list_remove(&c->node);
    ea_cred_drop(c->cred_get);
    ea_httpc_drop(c->http);
    ea_timer_free(c->timer);
    ea_aws_creds_done(&c->own);
    if (c->body) {
        ea_secret_wipe(c->body, c->body_n);
        ea_free(c->body);
    }
    ea_free(c->target);
    ea_free(c);
}

void ea_aws_free(ea_aws *a)
{
    if (!a)
        return;
    EA_LIST_EACH(&a->calls, node)
    ea_aws_drop(EA_OWNER(node, ea_aws_call, node));
    ea_free(a->endpoint);
    ea_free(a->region);
    ea_free(a->service);
    ea_free(a->target_prefix);
    ea_free(a->user_agent);
    ea_sign_key_done(&a->key);
    ea_free(a);
}

int64_t ea_aws_skew_ms(const ea_aws *a)
{
    return a->skew_ms;
}

ea_cred_chain *ea_aws_creds_of(ea_aws *a)
{
    return a->creds;
}

const char *ea_aws_region(const ea_aws *a)
{
    return a->region;
}

const char *ea_aws_endpoint(const ea_aws *a)
{
    return a->endpoint;
}

ea_net *ea_aws_net(ea_aws *a)
{
    return a->net;
}

bool ea_aws_note_date(ea_aws *a, int64_t date_ms, bool refused)
{
    int64_t skew = date_ms - ea_now().wall_ms, change = skew - a->skew_ms;

    if (date_ms <= 0)
        return false;
    change = change < 0 ? -change : change;
    if (change < (refused ? REFUSED_MS : FAR_OFF_MS))
        return false;
    a->skew_ms = skew;
    ea_warn("this machine's clock differs from the service's; requests are signed with its time",
            EA_I("skew_ms", skew));
    return true;
}

/* --- the service's answer --- */

static void copy_part(char *out, size_t n, ea_str text)
{
    size_t cut = ea_utf8_cut(text.p ? text.p : "", text.n, n - 1);

    (void)snprintf(out, n, "%.*s", (int)cut, text.p ? text.p : "");
}

/* "com.amazonaws.ecs#ClientException:http://..." -> "ClientException" */
static ea_str bare_code(ea_str code)
{
    size_t at = ea_str_rfind(code, '#');
    ea_str head = { NULL, 0 };

    if (at != SIZE_MAX)
        code = (ea_str){ code.p + at + 1, code.n - at - 1 };
    (void)ea_str_cut(code, ':', &head);
    return ea_str_trim(head);
}

void ea_aws_read_fault(const ea_httpc_response *r, ea_aws_fault *out)
{
    const char *type = ea_httpc_find(r, "x-amzn-errortype");
    const char *id = ea_httpc_find(r, "x-amzn-requestid");
    cJSON *root = NULL;
    ea_err ignored;

    memset(out, 0, sizeof(*out));
    out->status = r->status;
    copy_part(out->request_id, sizeof(out->request_id), ea_str_of(id));
    if (type)
        copy_part(out->code, sizeof(out->code), bare_code(ea_str_of(type)));
    if (ea_json_parse(r->body, &root, &ignored))
        return; /* a proxy's page or nothing: the status has to do */
    if (!out->code[0]) {
        const char *code = ea_json_get_str(root, "__type");

        if (!code)
            code = ea_json_get_str(root, "code");
        copy_part(out->code, sizeof(out->code), bare_code(ea_str_of(code)));
    }
    const char *text = ea_json_get_str(root, "message");

    if (!text)
        text = ea_json_get_str(root, "Message");
    copy_part(out->message, sizeof(out->message), ea_str_of(text));
    cJSON_Delete(root);
}

/* --- ending --- */

static const char *operation(const ea_aws_call *c)
{
    const char *dot = strrchr(c->target, '.');

    return dot ? dot + 1 : c->target;
}

static void end(ea_aws_call *c, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    c->telling = true;
    c->done(c->ctx, body, fault, err);
    free_call(c);
}

static void end_failed(ea_aws_call *c, const ea_aws_fault *fault, const ea_err *err)
{
    ea_err e = *err;

    (void)ea_wrap(&e, "%s", operation(c)); /* told by `done` */
    end(c, (ea_str){ NULL, 0 }, fault, &e);
}

/* --- attempts --- */

static bool retry_later(ea_aws_call *c, ea_fault_kind kind)
{
    int64_t delay = 0;
    int cost = 0;

    if (c->attempt >= c->max_attempts)
        return false;
    delay = ea_retry_delay(c->retry, c->attempt, &c->a->rng);
    if (c->deadline_ms && ea_now().mono_ms + delay >= c->deadline_ms)
        return false;
    cost = ea_retry_bucket_take(&c->a->bucket, kind);
    if (cost == 0) {
        ea_warn("retry budget used up", EA_S("call", operation(c)));
        return false;
    }
    c->spent = cost;
    ea_timer_arm(c->timer, delay);
    return true;
}

/* A refusal that another signature would not meet: once, and at once. */
static bool mend(ea_aws_call *c, ea_fault_kind kind, int64_t date_ms)
{
    if (kind == EA_FAULT_SKEW && !c->skew_corrected && ea_aws_note_date(c->a, date_ms, true)) {
        c->skew_corrected = true;
    } else if ((kind == EA_FAULT_CREDS || kind == EA_FAULT_SKEW) && !c->creds_renewed &&
               !c->has_own && c->a->creds) {
        c->creds_renewed = true;
        ea_cred_forget(c->a->creds);
    } else {
        return false;
    }
    ea_timer_arm(c->timer, 0);
    return true;
}

static void no_answer(ea_aws_call *c, const ea_err *err)
{
    ea_aws_fault none = { 0 };
    ea_fault_kind kind = ea_fault_classify(0, "", err);

    if ((kind == EA_FAULT_CONNECT || kind == EA_FAULT_TIMEOUT) && retry_later(c, kind)) {
        ea_debug("call without answer, tried again", EA_S("call", operation(c)),
                 EA_S("err", err->text), EA_I("attempt", c->attempt));
        return;
    }
    end_failed(c, &none, err);
}

static void refused(ea_aws_call *c, const ea_httpc_response *r)
{
    ea_aws_fault fault;
    ea_err err = { 0 };
    ea_fault_kind kind;
    int64_t date = 0;

    ea_aws_read_fault(r, &fault);
    kind = ea_fault_classify(fault.status, fault.code, NULL);
    if (kind == EA_FAULT_SKEW || kind == EA_FAULT_CREDS) {
        if (!ea_httpc_date(r, &date))
            date = 0;
        if (mend(c, kind, date))
            return;
    } else if (kind != EA_FAULT_TERMINAL && retry_later(c, kind)) {
        ea_debug("call refused for now, tried again", EA_S("call", operation(c)),
                 EA_S("code", fault.code), EA_I("status", fault.status),
                 EA_I("attempt", c->attempt));
        return;
    }
    (void)ea_fail_sys(&err, ea_fault_code(fault.status, fault.code), fault.status,
                      "%s%s%.300s (HTTP status %d)%s", fault.code, fault.code[0] ? ": " : "",
                      fault.message[0] ? fault.message
                      : fault.code[0]  ? "no message"
                                       : "no reason given",
                      fault.status,
                      strstr(fault.message, "Signature expired") ||
                              strstr(fault.message, "not yet current")
                          ? "; check this machine's clock"
                          : ""); /* told by `done` */
    end_failed(c, &fault, &err);
}

static void on_answer(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    ea_aws_call *c = ctx;
    ea_aws_fault none = { 0 };
    ea_err ok = { 0 };
    int64_t date = 0;

    c->http = NULL;
    if (!r) {
        no_answer(c, err);
        return;
    }
    if (r->status < 200 || r->status >= 300) {
        refused(c, r);
        return;
    }
    if (ea_httpc_date(r, &date))
        (void)ea_aws_note_date(c->a, date, false); /* logs what it changes */
    ea_retry_bucket_give(&c->a->bucket, c->spent);
    none.status = r->status;
    end(c, r->body, &none, &ok);
}

static int64_t left_ms(const ea_aws_call *c)
{
    int64_t left = c->deadline_ms ? c->deadline_ms - ea_now().mono_ms : c->round_trip_ms;

    return left > c->round_trip_ms ? c->round_trip_ms : left < 1 ? 1 : left;
}

static void send_signed(ea_aws_call *c, const ea_aws_creds *creds)
{
    ea_aws *a = c->a;
    EA_FREE_AUTO char *url = ea_sprintf_dup("%s/", a->endpoint);
    const ea_sign_header mine[] = {
        { EA_STR("Content-Type"), EA_STR("application/x-amz-json-1.1") },
        { EA_STR("X-Amz-Target"), ea_str_of(c->target) },
    };
    ea_signed s = { 0 };
    ea_err err = { 0 };
    ea_httpc_header h[7];
    ea_httpc_request rq = { .method = "POST",
                            .url = url,
                            .headers = h,
                            .body = { c->body, c->body_n },
                            .connect_ms = CONNECT_MS,
                            .total_ms = left_ms(c),
                            .body_max = ANSWER_MAX };

    if (ea_sigv4_sign("POST", url, mine, EA_COUNT(mine), rq.body, a->region, a->service, creds,
                      ea_now().wall_ms + a->skew_ms, &a->key, &s, &err)) {
        no_answer(c, &err);
        return;
    }
    h[rq.header_count++] = (ea_httpc_header){ "Content-Type", "application/x-amz-json-1.1" };
    h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Target", c->target };
    h[rq.header_count++] = (ea_httpc_header){ "Host", s.host };
    h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Date", s.amz_date };
    h[rq.header_count++] = (ea_httpc_header){ "Authorization", s.authorization };
    if (s.token)
        h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Security-Token", s.token };
    if (a->user_agent)
        h[rq.header_count++] = (ea_httpc_header){ "User-Agent", a->user_agent };
    c->http = ea_httpc_start(a->net, &rq, on_answer, c, &err);
    ea_signed_done(&s);
    if (!c->http)
        no_answer(c, &err);
}

static void on_creds(void *ctx, const ea_aws_creds *creds, const ea_err *err)
{
    ea_aws_call *c = ctx;

    c->cred_get = NULL;
    if (!creds) {
        no_answer(c, err);
        return;
    }
    send_signed(c, creds);
}

static void attempt(ea_aws_call *c)
{
    ea_err err = { 0 };

    c->attempt++;
    if (c->has_own) {
        send_signed(c, &c->own);
    } else if (c->a->creds) {
        c->cred_get = ea_cred_start(c->a->creds, on_creds, c);
    } else {
        (void)ea_fail(&err, EA_AUTH, "no credentials were given"); /* told by `done` */
        no_answer(c, &err);
    }
}

static void on_turn(void *arg)
{
    ea_aws_call *c = arg;
    ea_aws_fault none = { 0 };
    ea_err err = { 0 };

    if (c->cancelled) {
        (void)ea_fail(&err, EA_CANCELLED, "cancelled"); /* told by `done` */
        end_failed(c, &none, &err);
        return;
    }
    attempt(c);
}

/* --- what the owner asks for --- */

ea_aws_call *ea_aws_start(ea_aws *a, const char *op, ea_str body, const ea_aws_options *options,
                          ea_aws_done *done, void *ctx, ea_err *err)
{
    static const ea_aws_options standard = { .retry = EA_RETRY_STANDARD };
    const ea_aws_options *o = options ? options : &standard;
    ea_aws_call *c = NULL;

    if (body.n > ANSWER_MAX) {
        (void)ea_fail(err, EA_LIMIT, "%s: request of %zu bytes", op, body.n); /* NULL tells it */
        return NULL;
    }
    c = ea_alloc(sizeof(*c));
    c->a = a;
    c->target = ea_sprintf_dup("%s%s", a->target_prefix, op);
    c->body = ea_strndup(body.p ? body.p : "", body.n);
    c->body_n = body.n;
    c->retry = o->retry;
    c->max_attempts = o->max_attempts ? o->max_attempts : ea_retry_attempts(o->retry);
    c->deadline_ms = o->total_ms > 0 ? ea_now().mono_ms + o->total_ms : 0;
    c->round_trip_ms = o->round_trip_ms > 0 ? o->round_trip_ms : ROUND_TRIP_MS;
    if (o->creds) {
        ea_aws_creds_copy(&c->own, o->creds);
        c->has_own = true;
    }
    c->done = done;
    c->ctx = ctx;
    c->timer = ea_timer_new(ea_net_loop(a->net), on_turn, c);
    ea_list_append(&a->calls, &c->node);
    ea_timer_arm(c->timer, 0);
    return c;
}

void ea_aws_cancel(ea_aws_call *c)
{
    if (!c || c->telling || c->cancelled)
        return;
    c->cancelled = true;
    ea_cred_drop(c->cred_get);
    c->cred_get = NULL;
    ea_httpc_drop(c->http);
    c->http = NULL;
    ea_timer_arm(c->timer, 0);
}

void ea_aws_drop(ea_aws_call *c)
{
    if (c && !c->telling)
        free_call(c);
}
