#include "control.h"

#include "../base/alloc.h"

#include <cjson/cJSON.h>
#include <string.h>

enum {
    MAX_ANSWER = 16 * 1024 * 1024
};

static void fail(ea_http_request *req, int status, const char *code, const char *message)
{
    EA_BUF_AUTO body = EA_BUF(4096);

    ea_buf_addf(&body, "{\"code\":\"%s\",\"message\":", code);
    ea_buf_add_json_str(&body, ea_str_of(message));
    ea_buf_addc(&body, '}');
    ea_http_respond_json(req, status, ea_buf_str(&body));
}

static void get_status(const struct ea_serve_source *s, ea_http_request *req)
{
    EA_BUF_AUTO body = EA_BUF(MAX_ANSWER);

    s->status_json(s->ctx, &body);
    ea_http_respond_json(req, 200, ea_buf_str(&body));
}

static void get_tasks(const struct ea_serve_source *s, ea_http_request *req)
{
    EA_BUF_AUTO body = EA_BUF(MAX_ANSWER);
    ea_err err = { 0 };

    ea_view_tasks(s, &body);
    if (ea_buf_check(&body, &err))
        fail(req, 500, ea_code_name(err.code), err.text);
    else
        ea_http_respond_json(req, 200, ea_buf_str(&body));
}

static void get_settings(const struct ea_serve_source *s, ea_http_request *req)
{
    EA_BUF_AUTO body = EA_BUF(MAX_ANSWER);

    s->settings_text(s->ctx, &body);
    ea_http_respond_text(req, 200, ea_buf_z(&body));
}

static void post_stop_task(const struct ea_serve_source *s, ea_http_request *req)
{
    cJSON *json = NULL;
    const char *arn = NULL;
    ea_err err = { 0 };

    if (ea_json_parse(req->body, &json, &err) == EA_OK)
        arn = ea_json_get_str(json, "taskArn");
    if (!arn)
        fail(req, 400, "INVALID", "the body must be {\"taskArn\":\"...\"}");
    else if (s->stop_task(s->ctx, arn, &err))
        fail(req, err.code == EA_NOT_FOUND ? 404 : 400, ea_code_name(err.code), err.text);
    else
        ea_http_respond_json(req, 200, EA_STR("{}"));
    cJSON_Delete(json);
}

static void post_drain(const struct ea_serve_source *s, ea_http_request *req)
{
    s->drain(s->ctx);
    ea_http_respond_json(req, 200, EA_STR("{}"));
}

static void post_repair(const struct ea_serve_source *s, ea_http_request *req)
{
    s->repair(s->ctx);
    ea_http_respond_json(req, 200, EA_STR("{}"));
}

static const struct {
    const char *method, *path;
    void (*handle)(const struct ea_serve_source *s, ea_http_request *req);
} routes[] = {
    { "GET", "/v1/status", get_status },         { "GET", "/v1/tasks", get_tasks },
    { "GET", "/v1/settings", get_settings },     { "POST", "/v1/drain", post_drain },
    { "POST", "/v1/stop-task", post_stop_task }, { "POST", "/v1/repair", post_repair },
};

void ea_control_handle(const struct ea_serve_source *source, ea_http_request *req)
{
    bool known = false;

    for (size_t i = 0; i < EA_COUNT(routes); i++) {
        if (strcmp(routes[i].path, req->path) != 0)
            continue;
        known = true;
        if (strcmp(routes[i].method, req->method) == 0) {
            routes[i].handle(source, req);
            return;
        }
    }
    if (known)
        fail(req, 405, "INVALID", "this path does not take this method");
    else
        fail(req, 404, "NOT_FOUND", "the control channel has no such path");
}
