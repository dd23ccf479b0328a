#include "ws_session.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "aws_retry.h"
#include "envelope.h"

#include <stdio.h>
#include <string.h>

#define URL_MAX          (16u * 1024)
#define REFUSAL_TEXT_MAX 400

struct ea_session {
    ea_aws *aws;
    ea_poll_endpoint *poll;
    ea_poll_which which;
    ea_session_hooks hooks;
    void *ctx;
    ea_session_policy policy;
    ea_timer *timer; /* of the policy */
    ea_timer *news;  /* tells `changed`, later */
    /* look-up under way */
    ea_poll_get *poll_get;
    ea_cred_get *cred_get;
    char *endpoint;
    ea_wsc *ws;
    char *url;
    bool open;
    unsigned connects;
    int64_t since_wall_ms, connected_wall_ms, message_wall_ms;
    ea_err last_error;
};

static void step(ea_session *s, ea_session_event ev, const ea_session_end *end);

/* --- looking up --- */

static void failed_before(ea_session *s, const ea_err *err)
{
    s->last_error = *err;
    ea_warn("session: cannot connect", EA_S("session", s->policy.p.name), EA_S("err", err->text));
    step(s, EA_SE_LOOKUP_FAILED, NULL);
}

static void on_creds(void *ctx, const ea_aws_creds *creds, const ea_err *err)
{
    ea_session *s = ctx;

    s->cred_get = NULL;
    if (creds)
        step(s, EA_SE_LOOKED_UP, NULL);
    else
        failed_before(s, err);
}

static void on_endpoint(void *ctx, const char *url, const ea_err *err)
{
    ea_session *s = ctx;

    s->poll_get = NULL;
    if (!url) {
        failed_before(s, err);
        return;
    }
    ea_set_str(&s->endpoint, url);
    s->cred_get = ea_cred_start(ea_aws_creds_of(s->aws), on_creds, s);
}

static void stop_look_up(ea_session *s)
{
    ea_poll_drop(s->poll_get);
    ea_cred_drop(s->cred_get);
    s->poll_get = NULL;
    s->cred_get = NULL;
}

/* --- connecting --- */

static ea_code build_url(ea_session *s, ea_err *err)
{
    static const struct {
        const char *http, *ws;
    } schemes[] = { { "https://", "wss://" }, { "http://", "ws://" } };
    EA_BUF_AUTO b = EA_BUF(URL_MAX);
    char *url = NULL;
    size_t i = 0;

    while (i < EA_COUNT(schemes) && !ea_str_starts(ea_str_of(s->endpoint), schemes[i].http))
        i++;
    if (i == EA_COUNT(schemes))
        return ea_fail(err, EA_PROTOCOL, "endpoint '%.200s' is neither https nor http",
                       s->endpoint);
    ea_buf_adds(&b, schemes[i].ws);
    ea_buf_adds(&b, s->endpoint + strlen(schemes[i].http));
    if (b.n == 0 || b.p[b.n - 1] != '/')
        ea_buf_addc(&b, '/');
    ea_buf_adds(&b, "ws");
    s->hooks.add_query(s->ctx, &b);
    if (ea_buf_take(&b, &url, err))
        return ea_wrap(err, "handshake URL");
    ea_free(s->url);
    s->url = url;
    return EA_OK;
}

static void on_open(void *ctx)
{
    ea_session *s = ctx;

    s->open = true;
    s->connects++;
    s->connected_wall_ms = ea_now().wall_ms;
    s->last_error = (ea_err){ 0 };
    ea_info("session: connected", EA_S("session", s->policy.p.name));
    step(s, EA_SE_OPEN, NULL);
    s->hooks.open(s->ctx);
}

static void on_message(void *ctx, ea_str text)
{
    ea_session *s = ctx;

    if (!s->hooks.message(s->ctx, text))
        return;
    s->message_wall_ms = ea_now().wall_ms;
    step(s, EA_SE_MESSAGE, NULL);
}

/* The answer that refused the handshake: its words, and whether it was about time or credentials. */
static bool read_refusal(ea_session *s, const ea_wsc_end *end)
{
    char text[REFUSAL_TEXT_MAX], code[128];
    ea_str head = { NULL, 0 };
    ea_fault_kind kind;
    bool inactive = ea_envelope_refusal(end->body, text, sizeof(text));

    (void)ea_str_cut(ea_str_of(text), ':', &head);
    (void)snprintf(code, sizeof(code), "%.*s", (int)(head.n < 120 ? head.n : 120),
                   head.p ? head.p : "");
    kind = ea_fault_classify(end->http_status, code, NULL);
    if (kind == EA_FAULT_SKEW || end->http_status == 401 || end->http_status == 403)
        (void)ea_aws_note_date(s->aws, end->date_ms, true); /* logs what it changes */
    if (kind == EA_FAULT_SKEW || kind == EA_FAULT_CREDS)
        ea_cred_forget(ea_aws_creds_of(s->aws));
    (void)ea_fail_sys(&s->last_error, ea_fault_code(end->http_status, code), end->http_status,
                      "handshake refused with HTTP status %d: %s", end->http_status,
                      text[0] ? text : "no reason given"); /* shown in the status */
    return inactive;
}

static void note_end(ea_session *s, const ea_wsc_end *end)
{
    if (end->err.code != EA_OK) {
        s->last_error = end->err;
        ea_warn("session: ended", EA_S("session", s->policy.p.name), EA_S("err", end->err.text));
        return;
    }
    (void)ea_fail(&s->last_error, EA_UNREACHABLE, "closed by the peer: code %d%s%.200s", end->code,
                  end->reason[0] ? ", " : "", end->reason); /* shown in the status */
    ea_info("session: closed", EA_S("session", s->policy.p.name), EA_I("code", end->code),
            EA_S("reason", end->reason));
}

static void on_closed(void *ctx, const ea_wsc_end *end)
{
    ea_session *s = ctx;
    ea_session_end e = { .opened = end->opened, .close_code = end->code };
    bool was_open = s->open;

    s->ws = NULL;
    s->open = false;
    if (end->http_status && !end->opened) {
        e.inactive = read_refusal(s, end);
        ea_warn("session: refused", EA_S("session", s->policy.p.name),
                EA_S("err", s->last_error.text));
    } else {
        note_end(s, end);
    }
    step(s, EA_SE_ENDED, &e);
    if (was_open)
        s->hooks.closed(s->ctx);
    if (e.inactive && s->hooks.inactive)
        s->hooks.inactive(s->ctx);
}

static ea_code sign_and_connect(ea_session *s, ea_err *err)
{
    static const ea_wsc_hooks hooks = { on_open, on_message, on_closed };
    const ea_aws_creds *creds = ea_cred_held(ea_aws_creds_of(s->aws));
    ea_signed sig = { 0 };
    ea_httpc_header h[4];
    ea_wsc_request rq = { .headers = h, .close_ms = s->policy.p.close_ms };

    if (!creds)
        return ea_fail(err, EA_AUTH, "credentials are gone again");
    if (build_url(s, err) ||
        ea_sigv4_sign("GET", s->url, NULL, 0, EA_STR(""), ea_aws_region(s->aws), "ecs", creds,
                      ea_now().wall_ms + ea_aws_skew_ms(s->aws), NULL, &sig, err))
        return err->code;
    h[rq.header_count++] = (ea_httpc_header){ "Host", sig.host };
    h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Date", sig.amz_date };
    h[rq.header_count++] = (ea_httpc_header){ "Authorization", sig.authorization };
    if (sig.token)
        h[rq.header_count++] = (ea_httpc_header){ "X-Amz-Security-Token", sig.token };
    rq.url = s->url;
    s->ws = ea_wsc_start(ea_aws_net(s->aws), &rq, &hooks, s, err);
    ea_signed_done(&sig);
    return s->ws ? EA_OK : err->code;
}

/* --- the policy's orders --- */

static void drop(ea_session *s)
{
    ea_err why = { 0 };

    stop_look_up(s);
    if (!s->ws)
        return;
    (void)ea_fail(&why, s->policy.why ? EA_TIMEOUT : EA_CANCELLED, "%s",
                  s->policy.why ? s->policy.why : "the peer did not answer the close frame");
    ea_wsc_abort(s->ws, &why); /* on_closed comes later */
}

static void carry_out(ea_session *s, ea_session_do what)
{
    ea_err err = { 0 };

    switch (what) {
    case EA_DO_NOTHING_NOW:
        break;
    case EA_DO_LOOK_UP:
        s->poll_get = ea_poll_start(s->poll, s->which, on_endpoint, s);
        break;
    case EA_DO_CONNECT:
        if (sign_and_connect(s, &err))
            failed_before(s, &err);
        break;
    case EA_DO_CLOSE:
        if (s->ws)
            ea_wsc_close(s->ws, 1000, EA_CLOSE_REASON);
        break;
    case EA_DO_DROP:
        drop(s);
        break;
    }
}

static void step(ea_session *s, ea_session_event ev, const ea_session_end *end)
{
    ea_time now = ea_now();
    ea_session_state before = s->policy.state;
    ea_session_do what = ea_session_step(&s->policy, ev, end, now.mono_ms);

    if (s->policy.next_at_ms >= 0)
        ea_timer_arm(s->timer, s->policy.next_at_ms - now.mono_ms);
    else
        ea_timer_stop(s->timer);
    if (s->policy.state != before) {
        s->since_wall_ms = now.wall_ms;
        ea_timer_arm(s->news, 0);
    }
    carry_out(s, what);
}

static void on_timer(void *arg)
{
    step(arg, EA_SE_TIMER, NULL);
}

static void on_news(void *arg)
{
    ea_session *s = arg;

    if (s->hooks.changed)
        s->hooks.changed(s->ctx);
}

/* --- what the owner asks for --- */

ea_session *ea_session_new(ea_aws *aws, ea_poll_endpoint *poll, ea_poll_which which,
                           const ea_session_params *params, uint64_t seed,
                           const ea_session_hooks *hooks, void *ctx)
{
    ea_session *s = ea_alloc(sizeof(*s));
    ea_loop *loop = ea_net_loop(ea_aws_net(aws));

    s->aws = aws;
    s->poll = poll;
    s->which = which;
    s->hooks = *hooks;
    s->ctx = ctx;
    s->since_wall_ms = ea_now().wall_ms;
    ea_session_policy_init(&s->policy, params, seed);
    s->timer = ea_timer_new(loop, on_timer, s);
    s->news = ea_timer_new(loop, on_news, s);
    return s;
}

void ea_session_free(ea_session *s)
{
    if (!s)
        return;
    stop_look_up(s);
    ea_wsc_drop(s->ws);
    ea_timer_free(s->timer);
    ea_timer_free(s->news);
    ea_free(s->endpoint);
    ea_free(s->url);
    ea_free(s);
}

void ea_session_start(ea_session *s)
{
    if (s->policy.state == EA_SESSION_STOPPED) { /* one that still closes since a stop */
        ea_wsc_drop(s->ws);
        s->ws = NULL;
        s->open = false;
    }
    step(s, EA_SE_START, NULL);
}

void ea_session_stop(ea_session *s)
{
    step(s, EA_SE_STOP, NULL);
}

void ea_session_kick(ea_session *s)
{
    step(s, EA_SE_KICK, NULL);
}

bool ea_session_is_open(const ea_session *s)
{
    return s->open && s->policy.state == EA_SESSION_CONNECTED;
}

const char *ea_session_url(const ea_session *s)
{
    return s->url;
}

ea_code ea_session_send(ea_session *s, ea_str text, ea_err *err)
{
    if (!ea_session_is_open(s))
        return ea_fail(err, EA_UNREACHABLE, "%s: not connected", s->policy.p.name);
    if (ea_wsc_send(s->ws, text, err))
        return ea_wrap(err, "%s", s->policy.p.name);
    return EA_OK;
}

size_t ea_session_queued(const ea_session *s)
{
    return ea_session_is_open(s) ? ea_wsc_queued(s->ws) : 0;
}

void ea_session_status_get(const ea_session *s, ea_session_status *out)
{
    ea_time now = ea_now();

    *out = (ea_session_status){
        .state = s->policy.state,
        .since_ms = s->since_wall_ms,
        .connected_ms = s->connected_wall_ms,
        .last_message_ms = s->message_wall_ms,
        .connects = s->connects,
        .inactive = s->policy.inactive,
        .last_error = s->last_error,
    };
    if (s->policy.state == EA_SESSION_WAITING)
        out->next_try_ms = now.wall_ms + (s->policy.next_at_ms - now.mono_ms);
}
