#include "scripted_peer.h"

#include "base/alloc.h"
#include "base/list.h"
#include "net/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

struct conn {
    ea_node node;
    uv_tcp_t tcp;
    struct peer *peer;
    const struct peer_script *script;
    size_t step;
    size_t seen; /* bytes of `got` that earlier steps have used */
    ea_buf got;
    char key[128];
    char rbuf[65536];
};

struct peer {
    ea_loop *loop;
    uv_tcp_t listener;
    struct peer_script *scripts; /* copies */
    size_t n;
    unsigned port, connections;
    bool paused;
    ea_list conns;
    ea_buf received;
};

struct write_op {
    uv_write_t req;
    ea_buf data;
    struct conn *shut;
};

static void conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;

    ea_buf_done(&c->got);
    ea_free(c);
}

static void conn_close(struct conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    ea_list_remove(&c->node);
    uv_close((uv_handle_t *)&c->tcp, conn_closed);
}

static void written(uv_write_t *req, int status)
{
    struct write_op *op = req->data;

    (void)status;
    if (op->shut)
        conn_close(op->shut);
    ea_buf_done(&op->data);
    ea_free(op);
}

/* The client's key, kept as soon as it was seen: later steps may need it again. */
static void find_key(struct conn *c)
{
    const char *at = strstr(ea_buf_z(&c->got), "Sec-WebSocket-Key: ");
    const char *end = at ? strstr(at, "\r\n") : NULL;

    if (!end)
        return;
    at += strlen("Sec-WebSocket-Key: ");
    (void)snprintf(c->key, sizeof(c->key), "%.*s", (int)(end - at), at);
}

static void fill(struct conn *c, const struct peer_step *s, ea_buf *out)
{
    const char *p = s->send;
    char accept[29];

    if (s->send_n) {
        ea_buf_add(out, s->send, s->send_n);
        return;
    }
    find_key(c);
    ea_ws_accept_key(c->key, accept);
    while (*p) {
        if (strncmp(p, "$ACCEPT", 7) == 0) {
            ea_buf_adds(out, accept);
            p += 7;
        } else if (strncmp(p, "$PORT", 5) == 0) {
            ea_buf_addf(out, "%u", c->peer->port);
            p += 5;
        } else {
            ea_buf_addc(out, *p++);
        }
    }
}

static bool ready(struct conn *c, const struct peer_step *s)
{
    if (s->wait) {
        const char *at = c->got.n > c->seen ? strstr(ea_buf_z(&c->got) + c->seen, s->wait) : NULL;

        if (!at)
            return false;
        c->seen = (size_t)(at - c->got.p) + strlen(s->wait);
    }
    if (s->wait_bytes) {
        if (c->got.n < c->seen + s->wait_bytes)
            return false;
        c->seen += s->wait_bytes;
    }
    return true;
}

static void advance(struct conn *c)
{
    while (c->step < c->script->n && ready(c, &c->script->steps[c->step])) {
        const struct peer_step *s = &c->script->steps[c->step++];

        if (s->then == PEER_RESET) {
            ea_list_remove(&c->node);
            (void)uv_tcp_close_reset(&c->tcp, conn_closed);
            return;
        }
        if (s->send) {
            struct write_op *op = ea_alloc(sizeof(*op));
            uv_buf_t b;

            op->data = EA_BUF(64u * 1024 * 1024);
            op->req.data = op;
            op->shut = s->then == PEER_SHUT ? c : NULL;
            fill(c, s, &op->data);
            b = uv_buf_init(op->data.p, (unsigned)op->data.n);
            assert_int_equal(uv_write(&op->req, (uv_stream_t *)&c->tcp, &b, 1, written), 0);
        } else if (s->then == PEER_SHUT) {
            conn_close(c);
            return;
        }
    }
}

static void give_buffer(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    struct conn *c = h->data;

    (void)size;
    *b = uv_buf_init(c->rbuf, sizeof(c->rbuf));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;

    if (n < 0) {
        conn_close(c);
        return;
    }
    ea_buf_add(&c->got, b->base, (size_t)n);
    ea_buf_add(&c->peer->received, b->base, (size_t)n);
    advance(c);
}

static void on_conn(uv_stream_t *listener, int status)
{
    struct peer *p = listener->data;
    struct conn *c = ea_alloc(sizeof(*c));

    assert_int_equal(status, 0);
    c->peer = p;
    c->got = EA_BUF(64u * 1024 * 1024);
    assert_int_equal(uv_tcp_init(ea_loop_uv(p->loop), &c->tcp), 0);
    c->tcp.data = c;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    ea_list_append(&p->conns, &c->node);
    c->script = &p->scripts[p->connections < p->n ? p->connections : p->n - 1];
    p->connections++;
    if (!p->paused)
        assert_int_equal(uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read), 0);
    advance(c);
}

static unsigned port_of(uv_tcp_t *t)
{
    struct sockaddr_in a;
    int n = sizeof(a);

    assert_int_equal(uv_tcp_getsockname(t, (struct sockaddr *)&a, &n), 0);
    return (unsigned)((a.sin_port & 0xff) << 8 | (a.sin_port >> 8 & 0xff));
}

struct peer *peer_start_each(ea_loop *loop, const struct peer_script *scripts, size_t n)
{
    struct peer *p = ea_alloc(sizeof(*p));
    struct sockaddr_in a;

    p->loop = loop;
    p->scripts = ea_alloc_array(n, sizeof(p->scripts[0]));
    p->n = n;
    for (size_t i = 0; i < n; i++) {
        struct peer_step *steps = ea_alloc_array(scripts[i].n, sizeof(steps[0]));

        memcpy(steps, scripts[i].steps, scripts[i].n * sizeof(steps[0]));
        p->scripts[i] = (struct peer_script){ steps, scripts[i].n };
    }
    p->received = EA_BUF(64u * 1024 * 1024);
    ea_list_init(&p->conns);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &a), 0);
    assert_int_equal(uv_tcp_init(ea_loop_uv(loop), &p->listener), 0);
    p->listener.data = p;
    assert_int_equal(uv_tcp_bind(&p->listener, (const struct sockaddr *)&a, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 16, on_conn), 0);
    p->port = port_of(&p->listener);
    return p;
}

struct peer *peer_start(ea_loop *loop, const struct peer_step *steps, size_t n)
{
    return peer_start_each(loop, &(struct peer_script){ steps, n }, 1);
}

unsigned peer_port(const struct peer *p)
{
    return p->port;
}

unsigned peer_connections(const struct peer *p)
{
    return p->connections;
}

ea_str peer_received(const struct peer *p)
{
    return (ea_str){ ea_buf_z(&p->received), p->received.n };
}

void peer_pause(struct peer *p)
{
    p->paused = true;
    EA_LIST_EACH(&p->conns, node)
    (void)uv_read_stop((uv_stream_t *)&EA_OWNER(node, struct conn, node)->tcp);
}

void peer_resume(struct peer *p)
{
    p->paused = false;
    EA_LIST_EACH(&p->conns, node)
    (void)uv_read_start((uv_stream_t *)&EA_OWNER(node, struct conn, node)->tcp, give_buffer,
                        on_read);
}

static void peer_closed(uv_handle_t *h)
{
    struct peer *p = h->data;

    ea_buf_done(&p->received);
    for (size_t i = 0; i < p->n; i++) {
        union {
            const struct peer_step *given;
            void *mine;
        } steps = { p->scripts[i].steps };

        ea_free(steps.mine);
    }
    ea_free(p->scripts);
    ea_free(p);
}

void peer_stop(struct peer *p)
{
    EA_LIST_EACH(&p->conns, node)
    conn_close(EA_OWNER(node, struct conn, node));
    uv_close((uv_handle_t *)&p->listener, peer_closed);
}

unsigned peer_unused_port(void)
{
    uv_loop_t loop;
    uv_tcp_t t;
    struct sockaddr_in a;
    unsigned port;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &a), 0);
    assert_int_equal(uv_tcp_init(&loop, &t), 0);
    assert_int_equal(uv_tcp_bind(&t, (const struct sockaddr *)&a, 0), 0);
    port = port_of(&t);
    uv_close((uv_handle_t *)&t, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return port;
}

static void too_late(void *arg)
{
    *(bool *)arg = true;
}

void run_until(ea_loop *loop, const bool *flag, unsigned limit_ms)
{
    bool late = false;
    ea_timer *t = ea_timer_new(loop, too_late, &late);

    ea_timer_arm(t, limit_ms);
    while (!*flag && !late)
        (void)uv_run(ea_loop_uv(loop), UV_RUN_ONCE);
    ea_timer_free(t);
    if (!*flag)
        fail_msg("nothing happened within %u ms", limit_ms);
}
