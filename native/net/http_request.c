/* http_request.c - a request while it is parsed. See http_server_private.h. */
#include "../base/alloc.h"
#include "http_server_private.h"
#include "http_text.h"

#include <string.h>

struct ea_hrequest *ea_hrequest_new(ea_http_conn *c)
{
    struct ea_hrequest *r = ea_alloc(sizeof(*r));

    r->conn = c;
    r->head = EA_BUF(c->server->limits.head_bytes);
    r->body = EA_BUF(c->server->limits.body_bytes);
    return r;
}

void ea_hrequest_free(struct ea_hrequest *r)
{
    if (!r)
        return;
    if (r->conn && r->conn->req == r)
        r->conn->req = NULL;
    ea_buf_done_secret(&r->head); /* Authorization stands in there */
    ea_buf_done_secret(&r->body);
    ea_free(r->path);
    ea_free(r->raw_path);
    ea_free(r);
}

static int refuse(ea_http_conn *c, int status)
{
    if (!c->refuse)
        c->refuse = status;
    return HPE_USER;
}

static int add_head(ea_http_conn *c, const char *p, size_t n)
{
    ea_buf_add(&c->req->head, p, n);
    return c->req->head.failed ? refuse(c, 431) : HPE_OK;
}

static int on_text(llhttp_t *parser, const char *p, size_t n)
{
    return add_head(parser->data, p, n);
}

static int on_text_complete(llhttp_t *parser)
{
    return add_head(parser->data, "", 1);
}

static int on_name(llhttp_t *parser, const char *p, size_t n)
{
    ea_http_conn *c = parser->data;
    struct ea_hrequest *r = c->req;

    if (r->at[r->count].name == 0) {
        if (r->count + 1 >= EA_HTTP_HEADERS_MAX)
            return refuse(c, 431);
        r->at[r->count].name = r->head.n; /* never 0: the target stands in front */
    }
    return add_head(c, p, n);
}

static int on_name_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;
    int rc = add_head(c, "", 1);

    c->req->at[c->req->count].value = c->req->head.n;
    return rc;
}

static int on_value_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;

    c->req->count++;
    return add_head(c, "", 1);
}

static int on_headers_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;
    struct ea_hrequest *r = c->req;

    for (size_t i = 0; i < r->count; i++) {
        r->headers[i].name = r->head.p + r->at[i].name;
        r->headers[i].value = r->head.p + r->at[i].value;
    }
    r->pub.headers = r->headers;
    r->pub.header_count = r->count;
    if ((parser->flags & F_CONTENT_LENGTH) && parser->content_length > c->server->limits.body_bytes)
        return refuse(c, 413);
    r->is_head = llhttp_get_method(parser) == HTTP_HEAD;
    r->keep_alive = llhttp_should_keep_alive(parser) != 0;
    r->upgrade = llhttp_get_upgrade(parser) != 0;
    if ((parser->flags & F_CONTENT_LENGTH || parser->flags & F_CHUNKED) &&
        ea_http_has_token(ea_http_header_get(&r->pub, "Expect"), "100-continue"))
        ea_hconn_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    ea_http_conn *c = parser->data;

    ea_buf_add(&c->req->body, p, n);
    return c->req->body.failed ? refuse(c, 413) : HPE_OK;
}

static int on_message_complete(llhttp_t *parser)
{
    ea_http_conn *c = parser->data;

    c->complete = true;
    return HPE_PAUSED;
}

bool ea_hrequest_finish(struct ea_hrequest *r)
{
    ea_http_conn *c = r->conn;
    ea_str target = ea_str_of(r->head.p);
    ea_err err;
    const char *mark;

    if (ea_http_clean_path(target, &r->path, &r->raw_path, &err))
        return false;
    r->pub.method = llhttp_method_name((llhttp_method_t)llhttp_get_method(&c->parser));
    r->pub.target = target.p;
    r->pub.raw_path = r->raw_path;
    r->pub.path = r->path;
    mark = strchr(target.p, '?');
    r->pub.query = mark ? mark + 1 : "";
    r->pub.body = ea_buf_str(&r->body);
    memcpy(r->pub.peer, c->peer, sizeof(c->peer));
    memcpy(r->pub.local, c->local, sizeof(c->local));
    r->pub.peer_port = c->peer_port;
    r->pub.local_port = c->local_port;
    r->pub.listener = c->listener;
    return true;
}

void ea_hrequest_settings(llhttp_settings_t *s)
{
    llhttp_settings_init(s);
    s->on_url = on_text;
    s->on_url_complete = on_text_complete;
    s->on_header_field = on_name;
    s->on_header_field_complete = on_name_complete;
    s->on_header_value = on_text;
    s->on_header_value_complete = on_value_complete;
    s->on_headers_complete = on_headers_complete;
    s->on_body = on_body;
    s->on_message_complete = on_message_complete;
}
