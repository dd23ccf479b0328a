#include "control_plane.h"

#include "aws/sigv4.h"
#include "base/alloc.h"
#include "net/ws_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

struct link { /* one websocket */
    struct cp *cp;
    cp_kind kind;
    ea_ws_conn *ws;
    char *query, *host;
};

struct cp_private {
    ea_loop *loop;
    ea_http_server *server;
    struct link *link[2];
};

static void bad(struct cp *c, const char *what, const char *why)
{
    c->bad_signatures++;
    (void)snprintf(c->last_bad, sizeof(c->last_bad), "%.80s: %.160s", what, why);
}

/* --- signatures --- */

static bool check(struct cp *c, const char *what, ea_sign_input *in, const char *authorization,
                  ea_str body, const ea_sign_header *present, size_t n)
{
    ea_sigv4_auth a;
    ea_sign_header signed_ones[32];
    char hash[EA_SHA256_HEX], date[17] = "";
    ea_str rest = { NULL, 0 }, name = { NULL, 0 };
    ea_err err = { 0 };
    size_t count = 0;

    if (!authorization || ea_sigv4_parse(ea_str_of(authorization), &a, &err)) {
        bad(c, what, authorization ? err.text : "no Authorization");
        return false;
    }
    for (rest = a.signed_headers; rest.n > 0 && count < 32;) {
        rest = ea_str_cut(rest, ';', &name);
        for (size_t i = 0; i < n; i++) {
            if (!ea_str_eq_nocase(present[i].name, name))
                continue;
            signed_ones[count++] = present[i];
            if (ea_str_eqz(name, "x-amz-date"))
                (void)snprintf(date, sizeof(date), "%.*s", EA_STR_FMT(present[i].value));
        }
    }
    ea_sha256_hex(body, hash);
    in->headers = signed_ones;
    in->header_count = count;
    in->body_sha256 = hash;
    in->region = TEST_REGION;
    in->service = "ecs";
    in->amz_date = date;
    if (!ea_str_eqz(a.access_key_id, TEST_KEY) || !ea_sigv4_matches(in, TEST_SECRET, a.signature)) {
        bad(c, what, "the signature does not match");
        return false;
    }
    return true;
}

static bool check_request(struct cp *c, const ea_http_request *req)
{
    ea_sign_header present[64];
    ea_sign_input in = { .method = ea_str_of(req->method),
                         .path = ea_str_of(req->raw_path),
                         .query = ea_str_of(req->query) };
    size_t n = 0;

    for (size_t i = 0; i < req->header_count && n < 64; i++)
        present[n++] =
            (ea_sign_header){ ea_str_of(req->headers[i].name), ea_str_of(req->headers[i].value) };
    return check(c, req->path, &in, ea_http_header_get(req, "authorization"), req->body, present,
                 n);
}

/* Header block, blank line, JSON (control-plane.md section 4.3). */
static void take_frame(struct link *l, ea_str text)
{
    ea_sign_header present[16];
    ea_sign_input in = { .method = EA_STR("GET"),
                         .path = EA_STR("/ws"),
                         .query = ea_str_of(l->query) };
    EA_FREE_AUTO char *auth = NULL;
    ea_str rest = text, line = { NULL, 0 };
    size_t n = 0;

    for (;;) {
        rest = ea_str_cut(rest, '\n', &line);
        line = ea_str_trim(line);
        if (line.n == 0 || n == 16)
            break;
        present[n].value = ea_str_trim(ea_str_cut(line, ':', &present[n].name));
        if (ea_str_eqz(present[n].name, "Authorization"))
            auth = ea_str_dup(present[n].value);
        n++;
    }
    if (check(l->cp, "frame", &in, auth, rest, present, n)) {
        EA_FREE_AUTO char *json = ea_str_dup(rest);

        ea_strlist_add(&l->cp->side[CP_TCS].got, json);
    }
}

/* --- websockets --- */

static void on_message(void *ctx, ea_str text)
{
    struct link *l = ctx;
    EA_FREE_AUTO char *z = NULL;

    if (l->kind == CP_TCS) {
        take_frame(l, text);
        return;
    }
    z = ea_str_dup(text);
    ea_strlist_add(&l->cp->side[CP_ACS].got, z);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    struct link *l = ctx;

    if (l->cp) {
        struct cp_side *side = &l->cp->side[l->kind];

        side->is_open = false;
        side->close_code = code;
        (void)snprintf(side->close_reason, sizeof(side->close_reason), "%s", reason ? reason : "");
        if (l->cp->p->link[l->kind] == l)
            l->cp->p->link[l->kind] = NULL;
    }
    ea_free(l->query);
    ea_free(l->host);
    ea_free(l);
}

static void open_link(struct cp *c, ea_http_request *req)
{
    static const ea_ws_ops ops = { on_message, on_closed };
    cp_kind kind = strstr(req->query, "clusterArn=") ? CP_ACS : CP_TCS;
    struct cp_side *side = &c->side[kind];
    struct link *l = NULL;

    ea_strlist_add(&side->queries, req->query);
    if (c->refuse_status) {
        side->refused++;
        ea_http_respond_json(req, c->refuse_status, ea_str_of(c->refuse_body));
        return;
    }
    l = ea_alloc(sizeof(*l));
    l->cp = c;
    l->kind = kind;
    l->query = ea_strdup(req->query);
    l->ws = ea_ws_accept(c->p->loop, req, NULL, &ops, l);
    assert_non_null(l->ws);
    c->p->link[kind] = l;
    side->opened++;
    side->is_open = true;
}

static void discover(struct cp *c, ea_http_request *req)
{
    char body[256];

    c->discovers++;
    (void)snprintf(body, sizeof(body),
                   "{\"endpoint\":\"http://127.0.0.1:%u/\",\"telemetryEndpoint\":"
                   "\"http://127.0.0.1:%u\"}",
                   c->port, c->tcs_port ? c->tcs_port : c->port);
    if (c->discover_status)
        ea_http_respond_json(req, c->discover_status, EA_STR("{\"__type\":\"ClientException\"}"));
    else
        ea_http_respond_json(req, 200, ea_str_of(body));
}

static void handle(void *ctx, ea_http_request *req)
{
    struct cp *c = ctx;

    if (!check_request(c, req))
        ea_http_respond_json(req, 403, EA_STR("{\"InvalidSignatureException\":\"no\"}"));
    else if (strcmp(req->path, "/ws") == 0)
        open_link(c, req);
    else
        discover(c, req);
}

struct cp *cp_start(ea_loop *loop)
{
    struct cp *c = ea_alloc(sizeof(*c));
    ea_http_listener *listener = NULL;
    ea_err err = { 0 };

    c->p = ea_alloc(sizeof(*c->p));
    c->p->loop = loop;
    c->p->server = ea_http_server_new(loop, NULL, handle, c);
    if (ea_http_listen_tcp(c->p->server, "127.0.0.1", 0, &listener, &err))
        fail_msg("%s", err.text);
    c->port = ea_http_listener_port(listener);
    return c;
}

void cp_forget(struct cp *c)
{
    for (int k = 0; k < 2; k++) {
        ea_strlist_free(&c->side[k].queries);
        ea_strlist_free(&c->side[k].got);
        c->side[k].opened = c->side[k].refused = 0;
    }
}

void cp_stop(struct cp *c)
{
    for (int k = 0; k < 2; k++) {
        if (c->p->link[k]) {
            c->p->link[k]->cp = NULL;
            ea_ws_abort(c->p->link[k]->ws);
        }
    }
    ea_http_server_close(c->p->server, 0, NULL, NULL);
    cp_forget(c);
    ea_free(c->p);
    ea_free(c);
}

void cp_send(struct cp *c, cp_kind kind, const char *text)
{
    ea_err err = { 0 };

    assert_non_null(c->p->link[kind]);
    assert_int_equal(ea_ws_send(c->p->link[kind]->ws, ea_str_of(text), &err), EA_OK);
}

void cp_close(struct cp *c, cp_kind kind, unsigned code, const char *reason)
{
    assert_non_null(c->p->link[kind]);
    ea_ws_close(c->p->link[kind]->ws, code, reason);
}

void cp_cut(struct cp *c, cp_kind kind)
{
    assert_non_null(c->p->link[kind]);
    ea_ws_abort(c->p->link[kind]->ws);
}

/* --- waiting --- */

static void note(void *arg)
{
    *(bool *)arg = true;
}

/* One of the two conditions; a NULL one is not asked. */
static void wait_for(ea_loop *loop, const unsigned *value, const ea_strlist *list, size_t want)
{
    bool late = false;
    ea_timer *t = ea_timer_new(loop, note, &late);

    ea_timer_arm(t, PATIENCE_MS);
    while (!late && (value ? *value < want : list->n < want))
        (void)uv_run(ea_loop_uv(loop), UV_RUN_ONCE);
    ea_timer_free(t);
    if (value ? *value < want : list->n < want)
        fail_msg("%zu of %zu came", value ? (size_t)*value : list->n, want);
}

void cp_wait_count(ea_loop *loop, const unsigned *value, unsigned want)
{
    wait_for(loop, value, NULL, want);
}

void cp_wait_messages(ea_loop *loop, const ea_strlist *list, size_t want)
{
    wait_for(loop, NULL, list, want);
}

void cp_settle(ea_loop *loop, unsigned ms)
{
    bool late = false;
    ea_timer *t = ea_timer_new(loop, note, &late);

    ea_timer_arm(t, ms);
    while (!late)
        (void)uv_run(ea_loop_uv(loop), UV_RUN_ONCE);
    ea_timer_free(t);
}
