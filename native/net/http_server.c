/* http_server.c - listeners and the life of the server. See http_server.h. */
#include "../base/alloc.h"
#include "../plat/hostnet.h"
#include "http_server_private.h"

#include <stdio.h>
#include <string.h>

#define BACKLOG 128

void ea_hserver_maybe_free(ea_http_server *s)
{
    void (*done)(void *) = s->done;
    void *ctx = s->done_ctx;

    if (!s->closing || s->conn_count || s->listener_count)
        return;
    ea_timer_free(s->drain);
    ea_free(s);
    if (done)
        done(ctx);
}

static void or_default(unsigned *slot, unsigned value)
{
    if (!*slot)
        *slot = value;
}

static void or_default_size(size_t *slot, size_t value)
{
    if (!*slot)
        *slot = value;
}

ea_http_server *ea_http_server_new(ea_loop *loop, const ea_http_limits *limits,
                                   ea_http_handler *handler, void *ctx)
{
    ea_http_server *s = ea_alloc(sizeof(*s));

    s->loop = loop;
    s->handler = handler;
    s->ctx = ctx;
    if (limits)
        s->limits = *limits;
    or_default_size(&s->limits.head_bytes, 16 * 1024);
    or_default_size(&s->limits.body_bytes, 1024 * 1024);
    or_default_size(&s->limits.queue_bytes, 8 * 1024 * 1024);
    or_default(&s->limits.connections, 256);
    or_default(&s->limits.read_timeout_ms, 5000);
    or_default(&s->limits.write_timeout_ms, 5000);
    or_default(&s->limits.idle_timeout_ms, 5000);
    ea_list_init(&s->conns);
    ea_list_init(&s->listeners);
    ea_hrequest_settings(&s->settings);
    return s;
}

static void on_drained(void *arg)
{
    ea_http_server *s = arg;

    EA_LIST_EACH(&s->conns, node)
    ea_hconn_close(EA_OWNER(node, ea_http_conn, node));
}

static void maybe_free_later(void *arg)
{
    ea_hserver_maybe_free(arg);
}

void ea_http_server_close(ea_http_server *s, unsigned drain_ms, void (*done)(void *ctx), void *ctx)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    s->done = done;
    s->done_ctx = ctx;
    EA_LIST_EACH(&s->listeners, node)
    ea_http_listener_close(EA_OWNER(node, ea_http_listener, node));
    EA_LIST_EACH(&s->conns, cnode)
    {
        ea_http_conn *c = EA_OWNER(cnode, ea_http_conn, node);

        if (drain_ms == 0 || (c->state == EA_HCONN_READING && !c->writes))
            ea_hconn_close(c);
    }
    s->drain = ea_timer_new(s->loop, on_drained, s);
    if (drain_ms)
        ea_timer_arm(s->drain, drain_ms);
    if (!s->conn_count && !s->listener_count)
        ea_loop_defer(s->loop, maybe_free_later, s);
}

static ea_code listen_failed(int rc, const char *where, ea_err *err)
{
    ea_code code = EA_IO;

    if (rc == UV_EADDRINUSE)
        code = EA_CONFLICT;
    else if (rc == UV_EACCES || rc == UV_EPERM)
        code = EA_DENIED;
    else if (rc == UV_EADDRNOTAVAIL)
        code = EA_NOT_FOUND;
    return ea_fail_sys(err, code, -rc, "listen on %s: %s", where, uv_strerror(rc));
}

static void on_listener_closed(uv_handle_t *h)
{
    ea_http_listener *l = h->data;
    ea_http_server *s = l->server;

    ea_free(l);
    s->listener_count--;
    ea_hserver_maybe_free(s);
}

void ea_http_listener_close(ea_http_listener *l)
{
    if (!l || uv_is_closing(&l->u.handle))
        return;
    ea_list_remove(&l->node);
    uv_close(&l->u.handle, on_listener_closed);
}

static ea_http_listener *listener_new(ea_http_server *s, bool is_pipe)
{
    ea_http_listener *l = ea_alloc(sizeof(*l));

    l->server = s;
    l->is_pipe = is_pipe;
    l->u.handle.data = l;
    ea_list_append(&s->listeners, &l->node);
    s->listener_count++;
    return l;
}

ea_code ea_http_listen_tcp(ea_http_server *s, const char *ipv4, uint16_t port,
                           ea_http_listener **out, ea_err *err)
{
    struct sockaddr_in addr;
    struct sockaddr_storage bound = { 0 };
    int n = sizeof(bound);
    ea_http_listener *l;
    char where[64], text[46];
    uv_os_fd_t raw;
    int rc;

    if (uv_ip4_addr(ipv4, port, &addr))
        return ea_fail(err, EA_INVALID, "%s is not an IPv4 address", ipv4);
    (void)uv_ip4_name(&addr, text, sizeof(text));
    (void)snprintf(where, sizeof(where), "%s:%u", text, (unsigned)port);
    l = listener_new(s, false);
    rc = uv_tcp_init_ex(ea_loop_uv(s->loop), &l->u.tcp, AF_INET);
    if (rc) {
        ea_list_remove(&l->node);
        s->listener_count--;
        ea_free(l);
        return listen_failed(rc, where, err);
    }
    if (port && uv_fileno(&l->u.handle, &raw) == 0)
        ea_plat_own_port((intptr_t)raw, port);
    rc = uv_tcp_bind(&l->u.tcp, (const struct sockaddr *)(const void *)&addr, 0);
    if (!rc)
        rc = uv_listen(&l->u.stream, BACKLOG, ea_hconn_accept);
    if (!rc)
        rc = uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)(void *)&bound, &n);
    if (rc) {
        ea_http_listener_close(l);
        return listen_failed(rc, where, err);
    }
    ea_hconn_address(&bound, text, &l->port);
    *out = l;
    return EA_OK;
}

/* A socket that a killed process left behind would make the bind fail. */
static void remove_old_socket(const char *path)
{
    uv_fs_t req;
    bool is_socket = false;

    if (uv_fs_lstat(NULL, &req, path, NULL) == 0)
        is_socket = (req.statbuf.st_mode & 0170000) == 0140000; /* S_IFSOCK, which mingw lacks */
    uv_fs_req_cleanup(&req);
    if (!is_socket)
        return;
    (void)uv_fs_unlink(NULL, &req, path, NULL); /* the bind tells when it did not work */
    uv_fs_req_cleanup(&req);
}

ea_code ea_http_listen_pipe(ea_http_server *s, const char *path, unsigned mode,
                            ea_http_listener **out, ea_err *err)
{
    bool named = ea_str_starts(ea_str_of(path), "\\\\");
    ea_http_listener *l = listener_new(s, true);
    uv_fs_t req;
    int rc;

    if (!named)
        remove_old_socket(path);
    rc = uv_pipe_init(ea_loop_uv(s->loop), &l->u.pipe, 0);
    if (rc) {
        ea_list_remove(&l->node);
        s->listener_count--;
        ea_free(l);
        return listen_failed(rc, path, err);
    }
    rc = uv_pipe_bind(&l->u.pipe, path);
    if (!rc && !named) { /* before listen: nobody can connect to it yet */
        rc = uv_fs_chmod(NULL, &req, path, (int)mode, NULL);
        uv_fs_req_cleanup(&req);
    }
    if (!rc)
        rc = uv_listen(&l->u.stream, BACKLOG, ea_hconn_accept);
    if (rc) {
        ea_http_listener_close(l);
        return listen_failed(rc, path, err);
    }
    *out = l;
    return EA_OK;
}

uint16_t ea_http_listener_port(const ea_http_listener *l)
{
    return l->port;
}
