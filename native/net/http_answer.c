/* http_answer.c - answers, and connections that are taken over. See http_server.h. */
#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "http_server_private.h"
#include "http_text.h"

/* ---- answers ---------------------------------------------------------------------------------- */

static struct ea_hrequest *request_of(const ea_http_request *req)
{
    return (struct ea_hrequest *)(uintptr_t)req; /* pub is its first member */
}

void ea_http_respond(ea_http_request *req, const ea_http_response *resp)
{
    struct ea_hrequest *r = request_of(req);
    ea_http_conn *c = r->conn;
    EA_SECRET_BUF_AUTO b = EA_BUF(resp->body.n + 64 * 1024);
    bool keep, is_head = r->is_head;

    if (!c) {
        ea_hrequest_free(r);
        return;
    }
    keep = r->keep_alive && !r->upgrade && !resp->close && !c->eof && !c->server->closing;
    ea_http_add_head(&b, resp, ea_now().wall_ms, keep);
    if (!is_head && resp->status != 204 && resp->status != 304)
        ea_buf_add(&b, resp->body.p, resp->body.n);
    ea_hrequest_free(r); /* not before: the answer may borrow from it */
    if (b.failed) {
        ea_error("answer not sent", EA_S("err", ea_code_words(b.failed)));
        ea_hconn_close(c);
        return;
    }
    c->state = EA_HCONN_READING;
    if (!keep)
        c->close_when_sent = true;
    ea_hconn_write(c, b.p, b.n);
    if (c->state == EA_HCONN_CLOSING)
        return;
    ea_hconn_rearm(c);
    if (!keep) {
        ea_buf_clear(&c->ahead);
        ea_hconn_sent(c);
        return;
    }
    ea_hconn_read_on(c);
}

void ea_http_respond_json(ea_http_request *req, int status, ea_str json)
{
    ea_http_respond(req, &(ea_http_response){
                             .status = status, .content_type = "application/json", .body = json });
}

void ea_http_respond_text(ea_http_request *req, int status, const char *text)
{
    ea_http_respond(req, &(ea_http_response){ .status = status,
                                              .content_type = "text/plain; charset=utf-8",
                                              .body = ea_str_of(text) });
}

bool ea_http_request_gone(const ea_http_request *req)
{
    const struct ea_hrequest *r = request_of(req);

    return !r->conn || r->conn->eof;
}

const char *ea_http_header_get(const ea_http_request *req, const char *name)
{
    ea_str wanted = ea_str_of(name);

    for (size_t i = 0; i < req->header_count; i++)
        if (ea_str_eq_nocase(ea_str_of(req->headers[i].name), wanted))
            return req->headers[i].value;
    return NULL;
}

bool ea_http_query_get(const ea_http_request *req, const char *name, char **value)
{
    return ea_http_query_find(req->query, name, value);
}

/* ---- upgrade ---------------------------------------------------------------------------------- */

ea_http_conn *ea_http_take_over(ea_http_request *req, ea_str head, const ea_http_raw_ops *ops,
                                void *ctx)
{
    struct ea_hrequest *r = request_of(req);
    ea_http_conn *c = r->conn;

    if (!c || c->eof || c->server->closing) {
        ea_hrequest_free(r);
        if (c)
            ea_hconn_close(c);
        return NULL;
    }
    ea_hconn_write(c, head.p, head.n);
    ea_hrequest_free(r);
    if (c->state == EA_HCONN_CLOSING)
        return NULL;
    c->state = EA_HCONN_RAW;
    c->raw = ops;
    c->raw_ctx = ctx;
    ea_hconn_rearm(c);
    ea_hconn_read_on(c);
    return c->state == EA_HCONN_CLOSING ? NULL : c;
}

ea_code ea_http_conn_write(ea_http_conn *c, ea_str bytes, ea_err *err)
{
    if (c->state != EA_HCONN_RAW || c->close_when_sent)
        return ea_fail(err, EA_UNREACHABLE, "the connection is closing");
    if (c->queued + bytes.n > c->server->limits.queue_bytes)
        return ea_fail(err, EA_LIMIT, "%zu bytes already wait for the peer", c->queued);
    ea_hconn_write(c, bytes.p, bytes.n);
    return c->state == EA_HCONN_CLOSING ? ea_fail(err, EA_UNREACHABLE, "the peer has gone") : EA_OK;
}

size_t ea_http_conn_queued(const ea_http_conn *c)
{
    return c->queued;
}

void ea_http_conn_close(ea_http_conn *c, bool flush)
{
    if (c->state != EA_HCONN_RAW || c->close_when_sent)
        return;
    if (!flush || c->eof) {
        ea_hconn_close(c);
        return;
    }
    c->close_when_sent = true;
    ea_timer_arm(c->timer, c->server->limits.write_timeout_ms);
    ea_hconn_sent(c);
}
