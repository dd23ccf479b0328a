#include "ws_client.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "curl_private.h"
#include "url.h"
#include "ws_frame.h"

#include <llhttp.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define CONNECT_MS   30000
#define DEADLINE_MS  180000
#define CLOSE_MS     5000
#define REFUSAL_MAX  (64u * 1024)
#define REQUEST_MAX  (64u * 1024)
#define READ_CHUNK   (32u * 1024) /* above one TLS record, so that nothing stays inside mbedTLS */
#define READS_A_TURN 32           /* then others get their turn; the socket stays readable */

enum phase {
    CONNECTING,
    UPGRADING,
    OPEN,
    CLOSING,
    ENDED
};

struct chunk { /* bytes to be written: the request, or one frame */
    ea_node node;
    ea_buf data;
    size_t off;
    bool last; /* a close frame: nothing may follow */
};

struct ea_wsc {
    ea_net_job job;
    ea_wsc_hooks hooks;
    void *ctx;
    enum phase phase;
    uv_poll_t *poll;
    ea_timer *timer;
    int64_t read_ms, write_ms, close_ms;
    int64_t phase_at, read_at, write_at; /* mono deadlines; -1 none */
    ea_list out;
    size_t queued, queue_max;
    ea_ws_decoder in;
    ea_buf request;
    char accept[29];
    /* the answer to the upgrade */
    llhttp_t parser;
    llhttp_settings_t parser_settings;
    ea_buf field, value, refusal;
    bool accept_ok, answered, switched;
    int64_t date_ms;
    /* how it ended */
    ea_wsc_end end;
    char reason[EA_WS_CONTROL_MAX + 1];
    bool opened;
    bool peer_closed; /* its close frame came */
    bool close_sent;  /* ours is on the wire or queued */
    unsigned busy;    /* inside our callbacks: freeing waits */
    bool dropped, telling;
};

/* --- ending --- */

static void free_ws(ea_wsc *ws)
{
    ea_buf_done(&ws->field);
    ea_buf_done(&ws->value);
    ea_buf_done(&ws->refusal);
    ea_buf_done_secret(&ws->request);
    ea_ws_decoder_done(&ws->in);
    ea_free(ws);
}

static void free_poll(uv_handle_t *h)
{
    ea_free(h);
}

/* Lets go of socket and timers; the structure stays for the last callback. */
static void shut(ea_wsc *ws)
{
    if (ws->poll) {
        (void)uv_poll_stop(ws->poll); /* about to be closed */
        uv_close((uv_handle_t *)ws->poll, free_poll);
        ws->poll = NULL;
    }
    ea_timer_free(ws->timer);
    ws->timer = NULL;
    ea_net_job_done(&ws->job);
    EA_LIST_EACH(&ws->out, node)
    {
        struct chunk *c = EA_OWNER(node, struct chunk, node);

        ea_list_remove(node);
        ea_buf_done_secret(&c->data);
        ea_free(c);
    }
    ws->queued = 0;
}

static void tell_closed(void *arg)
{
    ea_wsc *ws = arg;

    if (!ws->dropped) {
        ws->end.opened = ws->opened;
        ws->end.reason = ws->reason;
        ws->end.body = (ea_str){ ea_buf_z(&ws->refusal), ws->refusal.n };
        ws->end.date_ms = ws->date_ms;
        ws->busy++;
        ws->hooks.closed(ws->ctx, &ws->end);
    }
    free_ws(ws);
}

/* `why` NULL: the close handshake was completed. */
static void finish(ea_wsc *ws, const ea_err *why)
{
    ea_loop *loop = ea_net_loop(ws->job.net);

    if (ws->phase == ENDED)
        return;
    ws->phase = ENDED;
    if (why)
        ws->end.err = *why;
    if (!ws->peer_closed)
        ws->end.code = 1006;
    shut(ws);
    ws->telling = true;
    ea_loop_defer(loop, tell_closed, ws);
}

static void fail(ea_wsc *ws, ea_code code, const char *text)
{
    ea_err err = { 0 };

    (void)ea_fail(&err, code, "%s: %s", ws->job.url, text); /* handed on */
    finish(ws, &err);
}

/* --- deadlines --- */

static int64_t now_ms(void)
{
    return ea_now().mono_ms;
}

static void arm(ea_wsc *ws)
{
    int64_t at = ws->phase_at;

    if (ws->phase == ENDED)
        return;
    if (ws->read_at >= 0 && (at < 0 || ws->read_at < at))
        at = ws->read_at;
    if (ws->write_at >= 0 && (at < 0 || ws->write_at < at))
        at = ws->write_at;
    if (at < 0)
        ea_timer_stop(ws->timer);
    else
        ea_timer_arm(ws->timer, at - now_ms());
}

static void on_deadline(void *arg)
{
    ea_wsc *ws = arg;
    int64_t now = now_ms();

    if (ws->phase_at >= 0 && now >= ws->phase_at) {
        if (ws->phase == CLOSING)
            fail(ws, EA_TIMEOUT, "the peer did not answer the close frame");
        else
            fail(
                ws, EA_TIMEOUT,
                "no answer to the websocket handshake; check firewalls, routes and proxy settings");
    } else if (ws->read_at >= 0 && now >= ws->read_at) {
        fail(ws, EA_TIMEOUT, "no message within the read deadline");
    } else if (ws->write_at >= 0 && now >= ws->write_at) {
        fail(ws, EA_TIMEOUT, "the peer does not take what is sent to it");
    } else {
        arm(ws);
    }
}

/* --- writing --- */

static void on_poll(uv_poll_t *h, int status, int events);

static void watch(ea_wsc *ws)
{
    int events = UV_READABLE | (ea_list_empty(&ws->out) ? 0 : UV_WRITABLE);

    if (ws->poll && uv_poll_start(ws->poll, events, on_poll) != 0)
        fail(ws, EA_IO, "the socket cannot be watched");
}

static void enqueue(ea_wsc *ws, struct chunk *c)
{
    if (ea_list_empty(&ws->out))
        ws->write_at = now_ms() + ws->write_ms;
    ea_list_append(&ws->out, &c->node);
    ws->queued += c->data.n;
    watch(ws);
    arm(ws);
}

static struct chunk *frame(ea_ws_opcode opcode, ea_str payload)
{
    struct chunk *c = ea_alloc(sizeof(*c));
    unsigned char mask[4] = { 0 };

    /* Without callback uv_random answers at once; masks need not be secret, only not guessable by
     * whoever chose the payload. */
    (void)uv_random(NULL, NULL, mask, sizeof(mask), 0, NULL);
    c->data = EA_BUF(payload.n + 64);
    ea_ws_encode(&c->data, opcode, payload, mask);
    return c;
}

static void queue_close(ea_wsc *ws, int code, ea_str reason)
{
    char payload[EA_WS_CONTROL_MAX];
    size_t n = ea_utf8_cut(reason.p ? reason.p : "", reason.n, sizeof(payload) - 2);
    struct chunk *c = NULL;

    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (n > 0)
        memcpy(payload + 2, reason.p, n);
    c = frame(EA_WS_CLOSE, (ea_str){ payload, code ? n + 2 : 0 });
    c->last = true;
    ws->close_sent = true;
    ws->phase = CLOSING;
    enqueue(ws, c);
}

/* The close frame is on the wire: the peer gets its time, unless its own has come already. */
static void close_written(ea_wsc *ws)
{
    if (ws->peer_closed) {
        finish(ws, NULL);
        return;
    }
    ws->phase_at = now_ms() + ws->close_ms;
}

static void pump_out(ea_wsc *ws)
{
    while (ws->phase != ENDED && !ea_list_empty(&ws->out)) {
        struct chunk *c = EA_OWNER(ws->out.head.next, struct chunk, node);
        size_t sent = 0;
        CURLcode rc = curl_easy_send(ws->job.easy, c->data.p + c->off, c->data.n - c->off, &sent);

        if (rc == CURLE_AGAIN)
            break;
        if (rc != CURLE_OK) {
            fail(ws, EA_UNREACHABLE, "the connection was lost while sending");
            return;
        }
        c->off += sent;
        ws->queued -= sent;
        if (c->off < c->data.n)
            continue;
        bool last = c->last;

        ea_list_remove(&c->node);
        ea_buf_done_secret(&c->data);
        ea_free(c);
        ws->write_at = ea_list_empty(&ws->out) ? -1 : now_ms() + ws->write_ms;
        if (last)
            close_written(ws);
    }
    if (ws->phase != ENDED) {
        watch(ws);
        arm(ws);
    }
}

/* --- the upgrade's answer --- */

static void end_header(ea_wsc *ws)
{
    const char *value = ea_buf_z(&ws->value);

    if (ea_str_eq_nocase(ea_buf_str(&ws->field), EA_STR("sec-websocket-accept"))) {
        ws->accept_ok = strcmp(value, ws->accept) == 0;
    } else if (ea_str_eq_nocase(ea_buf_str(&ws->field), EA_STR("date"))) {
        time_t t = curl_getdate(value, NULL);

        ws->date_ms = t == -1 ? 0 : (int64_t)t * 1000;
    }
    ea_buf_clear(&ws->field);
    ea_buf_clear(&ws->value);
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    ea_wsc *ws = p->data;

    ea_buf_add(&ws->field, at, n);
    return ws->field.failed ? -1 : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    ea_wsc *ws = p->data;

    ea_buf_add(&ws->value, at, n);
    return ws->value.failed ? -1 : 0;
}

static int on_value_end(llhttp_t *p)
{
    end_header(p->data);
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    ea_wsc *ws = p->data;
    size_t room = ws->refusal.max - ws->refusal.n;

    ea_buf_add(&ws->refusal, at, n < room ? n : room); /* what is beyond is of no use */
    return 0;
}

static int on_answered(llhttp_t *p)
{
    ea_wsc *ws = p->data;

    ws->switched = p->status_code == 101;
    if (p->status_code < 200) /* 101 is told by the parser's pause, others announce an answer */
        return 0;
    ws->answered = true;
    return HPE_PAUSED;
}

static void refused(ea_wsc *ws)
{
    ea_err err = { 0 };

    ws->end.http_status = ws->parser.status_code;
    (void)ea_fail_sys(&err, EA_REFUSED, ws->end.http_status,
                      "%s: the websocket handshake was refused with HTTP status %d", ws->job.url,
                      ws->end.http_status); /* handed on */
    finish(ws, &err);
}

static void take_frames(ea_wsc *ws, ea_str in);

static void opened(ea_wsc *ws, ea_str rest)
{
    if (!ws->accept_ok) {
        fail(ws, EA_PROTOCOL, "Sec-WebSocket-Accept is wrong: what answers is no websocket server");
        return;
    }
    ws->phase = OPEN;
    ws->opened = true;
    ws->phase_at = -1;
    ws->read_at = now_ms() + ws->read_ms;
    arm(ws);
    ws->hooks.open(ws->ctx);
    if (!ws->dropped && ws->phase != ENDED && rest.n > 0)
        take_frames(ws, rest);
}

static void take_answer(ea_wsc *ws, ea_str in)
{
    enum llhttp_errno rc = llhttp_execute(&ws->parser, in.p, in.n);

    if (rc == HPE_PAUSED_UPGRADE && ws->parser.status_code == 101) {
        const char *at = llhttp_get_error_pos(&ws->parser);

        opened(ws, (ea_str){ at, in.n - (size_t)(at - in.p) });
    } else if (ws->answered) {
        refused(ws);
    } else if (rc != HPE_OK || ws->switched) {
        fail(ws, EA_PROTOCOL, "the answer is not HTTP; check the scheme and the port");
    }
}

/* --- reading --- */

static void peer_closes(ea_wsc *ws, ea_str payload)
{
    ea_err err = { 0 };
    ea_str reason = { NULL, 0 };

    if (ea_ws_read_close(payload, &ws->end.code, &reason, &err)) {
        finish(ws, &err);
        return;
    }
    (void)snprintf(ws->reason, sizeof(ws->reason), "%.*s", EA_STR_FMT(reason)); /* at most 123 */
    ws->peer_closed = true;
    if (ws->close_sent && ea_list_empty(&ws->out)) {
        finish(ws, NULL);
        return;
    }
    ws->read_at = -1;
    ws->phase_at = now_ms() + ws->close_ms;
    if (!ws->close_sent)
        queue_close(ws, ws->end.code == 1005 ? 0 : ws->end.code, (ea_str){ NULL, 0 });
}

static void take_frames(ea_wsc *ws, ea_str in)
{
    while (ws->phase != ENDED && !ws->dropped && !ws->peer_closed) {
        ea_err err = { 0 };
        ea_ws_opcode opcode = EA_WS_TEXT;
        ea_str payload = { NULL, 0 };
        bool got = false;

        if (ea_ws_decode(&ws->in, &in, &got, &opcode, &payload, &err)) {
            (void)ea_wrap(&err, "%s", ws->job.url); /* handed on */
            finish(ws, &err);
            return;
        }
        if (!got)
            return;
        if (opcode == EA_WS_CLOSE) {
            peer_closes(ws, payload);
        } else if (opcode == EA_WS_PING) {
            if (!ws->close_sent && ws->queued < ws->queue_max)
                enqueue(ws, frame(EA_WS_PONG, payload));
        } else if (opcode != EA_WS_PONG) {
            ws->read_at = now_ms() + ws->read_ms;
            arm(ws);
            ws->hooks.message(ws->ctx, payload);
        }
    }
}

static void peer_gone(ea_wsc *ws)
{
    ea_err err = { 0 };

    if (ws->phase == UPGRADING) {
        (void)llhttp_finish(&ws->parser); /* whether the answer was whole stands in `answered` */
        if (ws->answered) {
            refused(ws);
            return;
        }
    }
    if (ws->phase == UPGRADING)
        (void)ea_fail(&err, EA_UNREACHABLE,
                      "%s: the connection ended during the handshake; try again",
                      ws->job.url); /* handed on */
    else
        (void)ea_fail(&err, EA_UNREACHABLE, "%s: the connection ended without a close frame",
                      ws->job.url); /* handed on */
    finish(ws, &err);
}

static void pump_in(ea_wsc *ws)
{
    char data[READ_CHUNK];

    for (int i = 0; i < READS_A_TURN && ws->phase != ENDED && !ws->dropped; i++) {
        size_t n = 0;
        CURLcode rc = curl_easy_recv(ws->job.easy, data, sizeof(data), &n);

        if (rc == CURLE_AGAIN)
            return;
        if (rc != CURLE_OK || n == 0) {
            peer_gone(ws);
            return;
        }
        if (ws->phase == UPGRADING)
            take_answer(ws, (ea_str){ data, n });
        else
            take_frames(ws, (ea_str){ data, n });
        ea_secret_wipe(data, n); /* role credentials came this way */
    }
}

static void leave(ea_wsc *ws)
{
    if (--ws->busy > 0 || !ws->dropped || ws->telling)
        return;
    shut(ws);
    free_ws(ws);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    ea_wsc *ws = h->data;

    ws->busy++;
    if (status < 0 || events & (UV_READABLE | UV_DISCONNECT))
        pump_in(ws);
    if (ws->phase != ENDED && !ws->dropped && events & UV_WRITABLE)
        pump_out(ws);
    if (status < 0 && ws->phase != ENDED && !ws->dropped)
        fail(ws, EA_UNREACHABLE, "the connection was lost");
    leave(ws);
}

/* --- starting --- */

static void send_request(ea_wsc *ws)
{
    struct chunk *c = ea_alloc(sizeof(*c));

    c->data = ws->request;
    ws->request = (ea_buf){ 0 };
    enqueue(ws, c);
}

static void on_connected(ea_net_job *job, CURLcode result)
{
    ea_wsc *ws = EA_OWNER(job, ea_wsc, job);
    curl_socket_t fd = CURL_SOCKET_BAD;
    ea_err err = { 0 };

    if (result != CURLE_OK) {
        (void)ea_net_job_explain(job, result, &err); /* handed on */
        finish(ws, &err);
        return;
    }
    (void)curl_easy_getinfo(job->easy, CURLINFO_ACTIVESOCKET, &fd); /* checked next */
    ws->poll = ea_alloc(sizeof(*ws->poll));
    if (fd == CURL_SOCKET_BAD ||
        uv_poll_init_socket(ea_loop_uv(ea_net_loop(job->net)), ws->poll, fd) != 0) {
        ea_free(ws->poll);
        ws->poll = NULL;
        fail(ws, EA_IO, "the socket cannot be watched");
        return;
    }
    ws->poll->data = ws;
    ws->phase = UPGRADING;
    send_request(ws);
}

static bool given(const ea_wsc_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->header_count; i++) {
        if (ea_str_eq_nocase(ea_str_of(rq->headers[i].name), ea_str_of(name)))
            return true;
    }
    return false;
}

static ea_code build_request(ea_wsc *ws, const ea_wsc_request *rq, const ea_url *u, ea_err *err)
{
    ea_buf *b = &ws->request;
    unsigned char nonce[16] = { 0 };
    EA_BUF_AUTO key = EA_BUF(64);

    (void)uv_random(NULL, NULL, nonce, sizeof(nonce), 0, NULL); /* distinguishes, is no secret */
    ea_buf_add_base64(&key, nonce, sizeof(nonce));
    ea_ws_accept_key(ea_buf_z(&key), ws->accept);
    ea_buf_addf(b, "GET %.*s", EA_STR_FMT(u->path));
    if (u->query.n > 0)
        ea_buf_addf(b, "?%.*s", EA_STR_FMT(u->query));
    ea_buf_adds(b, " HTTP/1.1\r\n");
    if (!given(rq, "Host")) {
        ea_buf_adds(b, "Host: ");
        ea_url_add_host(b, u);
        ea_buf_adds(b, "\r\n");
    }
    ea_buf_addf(b,
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                "Sec-WebSocket-Version: 13\r\n",
                ea_buf_z(&key));
    for (size_t i = 0; i < rq->header_count; i++) {
        const char *name = rq->headers[i].name, *value = rq->headers[i].value;

        if (ea_zstr_empty(name) || !value || strpbrk(name, "\r\n:") || strpbrk(value, "\r\n"))
            return ea_fail(err, EA_INVALID, "websocket header '%s' is malformed", name ? name : "");
        ea_buf_addf(b, "%s: %s\r\n", name, value);
    }
    ea_buf_adds(b, "\r\n");
    return ea_buf_check(b, err);
}

static void init_parser(ea_wsc *ws)
{
    llhttp_settings_init(&ws->parser_settings);
    ws->parser_settings.on_header_field = on_field;
    ws->parser_settings.on_header_value = on_value;
    ws->parser_settings.on_header_value_complete = on_value_end;
    ws->parser_settings.on_body = on_body;
    ws->parser_settings.on_message_complete = on_answered;
    llhttp_init(&ws->parser, HTTP_RESPONSE, &ws->parser_settings);
    ws->parser.data = ws;
}

static int64_t or_default(int64_t given_ms, int64_t standard)
{
    return given_ms > 0 ? given_ms : standard;
}

/* libcurl connects; it knows the transport by the name of the HTTP scheme. */
static ea_code prepare(ea_wsc *ws, ea_net *net, const ea_wsc_request *rq, ea_err *err)
{
    EA_FREE_AUTO char *url = NULL;
    ea_url u;

    if (ea_url_parse(ea_str_of(rq->url), &u, err))
        return ea_wrap(err, "%.200s", rq->url ? rq->url : "no URL");
    if (!ea_str_starts(u.scheme, "ws"))
        return ea_fail(err, EA_INVALID, "%.200s: the scheme must be ws or wss", rq->url);
    if (build_request(ws, rq, &u, err))
        return err->code;
    url = ea_sprintf_dup("%s://%.*s/", u.tls ? "https" : "http", EA_STR_FMT(u.authority));
    if (ea_net_job_init(&ws->job, net, url, "http,https", NULL, 0, false, err))
        return err->code;
    ea_free(ws->job.url);
    ws->job.url = ea_sprintf_dup("%.*s://%.*s%.*s", EA_STR_FMT(u.scheme), EA_STR_FMT(u.authority),
                                 EA_STR_FMT(u.path));
    (void)curl_easy_setopt(ws->job.easy, CURLOPT_CONNECT_ONLY, 1L); /* cannot fail */
    (void)curl_easy_setopt(ws->job.easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    (void)curl_easy_setopt(ws->job.easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)or_default(rq->connect_ms, CONNECT_MS));
    return ea_net_job_add(&ws->job, err);
}

ea_wsc *ea_wsc_start(ea_net *net, const ea_wsc_request *rq, const ea_wsc_hooks *hooks, void *ctx,
                     ea_err *err)
{
    ea_wsc *ws = ea_alloc(sizeof(*ws));

    ws->hooks = *hooks;
    ws->ctx = ctx;
    ws->job.net = net;
    ws->job.done = on_connected;
    ws->read_ms = or_default(rq->read_ms, DEADLINE_MS);
    ws->write_ms = or_default(rq->write_ms, DEADLINE_MS);
    ws->close_ms = or_default(rq->close_ms, CLOSE_MS);
    ws->queue_max = rq->queue_max ? rq->queue_max : EA_WS_QUEUE_MAX;
    ws->read_at = ws->write_at = -1;
    ws->phase_at = now_ms() + or_default(rq->connect_ms, CONNECT_MS) + 250; /* libcurl tells more */
    ws->field = EA_BUF(1024);
    ws->value = EA_BUF(16 * 1024);
    ws->refusal = EA_BUF(REFUSAL_MAX);
    ws->request = EA_BUF(REQUEST_MAX);
    ea_list_init(&ws->out);
    ea_ws_decoder_init(&ws->in, rq->message_max ? rq->message_max : EA_WS_MESSAGE_MAX);
    init_parser(ws);
    ws->timer = ea_timer_new(ea_net_loop(net), on_deadline, ws);
    if (prepare(ws, net, rq, err)) {
        shut(ws);
        free_ws(ws);
        return NULL;
    }
    arm(ws);
    return ws;
}

/* --- what the owner asks for --- */

ea_code ea_wsc_send(ea_wsc *ws, ea_str text, ea_err *err)
{
    if (ws->phase != OPEN)
        return ea_fail(err, EA_UNREACHABLE, "the websocket is not open");
    if (text.n > ws->queue_max || ws->queued > ws->queue_max - text.n)
        return ea_fail(err, EA_LIMIT, "websocket: %zu bytes wait to be sent already", ws->queued);
    enqueue(ws, frame(EA_WS_TEXT, text));
    return EA_OK;
}

void ea_wsc_close(ea_wsc *ws, int code, const char *reason)
{
    ea_err err = { 0 };

    if (ws->phase == OPEN) {
        queue_close(ws, code, ea_str_of(reason));
        return;
    }
    (void)ea_fail(&err, EA_CANCELLED, "closed before the websocket was open"); /* handed on */
    if (ws->phase != CLOSING)
        finish(ws, &err);
}

void ea_wsc_abort(ea_wsc *ws, const ea_err *why)
{
    finish(ws, why);
}

void ea_wsc_drop(ea_wsc *ws)
{
    if (!ws || ws->dropped)
        return;
    ws->dropped = true;
    if (ws->telling)
        return; /* the deferred call frees it */
    if (ws->busy > 0)
        return; /* leave() frees it */
    shut(ws);
    free_ws(ws);
}

size_t ea_wsc_queued(const ea_wsc *ws)
{
    return ws->queued;
}
