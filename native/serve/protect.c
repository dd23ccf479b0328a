#include "protect.h"

#include "../base/alloc.h"
#include "../base/clock.h"

#include <cjson/cJSON.h>

#include <inttypes.h>
#include <string.h>

#define TIMED_OUT "Timed out calling ECS Task Protection API"

static void add_key(ea_buf *b, const char *name)
{
    if (b->n && b->p[b->n - 1] != '{')
        ea_buf_addc(b, ',');
    ea_buf_addf(b, "\"%s\":", name);
}

static void add_member(ea_buf *b, const char *name, const char *value)
{
    add_key(b, name);
    ea_buf_add_json_str_html(b, ea_str_of(value));
}

static int refuse(ea_buf *out, int status, const char *request_id, const char *arn,
                  const char *code, const char *message)
{
    ea_buf_addc(out, '{');
    if (!ea_zstr_empty(request_id))
        add_member(out, "requestID", request_id);
    ea_buf_adds(out, out->n > 1 ? ",\"error\":{" : "\"error\":{");
    if (!ea_zstr_empty(arn))
        add_member(out, "Arn", arn);
    add_member(out, "Code", code);
    add_member(out, "Message", message);
    ea_buf_adds(out, "}}");
    return status;
}

char *ea_protect_id(const char *path)
{
    static const char head[] = "/api/", tail[] = "/task-protection/v1/state";
    const char *id = path + sizeof(head) - 1, *slash;

    if (strncmp(path, head, sizeof(head) - 1) != 0)
        return NULL;
    slash = strchr(id, '/');
    return slash && slash != id && strcmp(slash, tail) == 0 ? ea_strndup(id, (size_t)(slash - id))
                                                            : NULL;
}

/* ---- the container's request ---- */

struct state {
    ea_opt_bool enabled;
    ea_opt_i64 minutes;
};

/* Names count without case, and none but the two may be there. */
static bool decode(ea_str body, struct state *out)
{
    cJSON *json = NULL;
    const cJSON *item;
    ea_err ignored = { 0 };
    bool good;

    if (ea_json_parse(body, &json, &ignored))
        return false;
    good = cJSON_IsObject(json) || cJSON_IsNull(json);
    cJSON_ArrayForEach(item, json)
    {
        ea_str name = ea_str_of(item->string);

        if (ea_str_eq_nocase(name, EA_STR("ProtectionEnabled")) && cJSON_IsBool(item))
            out->enabled = (ea_opt_bool){ true, cJSON_IsTrue(item) };
        else if (ea_str_eq_nocase(name, EA_STR("ExpiresInMinutes")) && cJSON_IsNumber(item) &&
                 item->valuedouble == (double)item->valueint)
            out->minutes = (ea_opt_i64){ true, item->valueint };
        else if (!cJSON_IsNull(item) || (!ea_str_eq_nocase(name, EA_STR("ProtectionEnabled")) &&
                                         !ea_str_eq_nocase(name, EA_STR("ExpiresInMinutes"))))
            good = false;
    }
    cJSON_Delete(json);
    return good;
}

static void add_call(const struct ea_model *m, const struct ea_task *t, const struct state *s,
                     struct ea_protect_call *out)
{
    ea_buf *b = &out->body;

    ea_buf_addc(b, '{');
    add_member(b, "cluster", m->meta.cluster);
    ea_buf_adds(b, ",\"tasks\":[");
    ea_buf_add_json_str_html(b, ea_str_of(t->arn));
    ea_buf_addc(b, ']');
    if (s)
        ea_buf_addf(b, ",\"protectionEnabled\":%s", s->enabled.v ? "true" : "false");
    if (s && s->minutes.has)
        ea_buf_addf(b, ",\"expiresInMinutes\":%" PRId64, s->minutes.v);
    ea_buf_addc(b, '}');
    out->operation = s ? "UpdateTaskProtection" : "GetTaskProtection";
    out->arn = t->arn;
}

int ea_protect_ask(const struct ea_model *m, const char *id, const char *method, ea_str body,
                   struct ea_protect_call *out, ea_buf *answer)
{
    bool put = strcmp(method, "PUT") == 0;
    struct ea_container *c = NULL;
    struct ea_task *t = NULL;
    struct state s = { 0 };

    if (!put && strcmp(method, "GET") != 0)
        return 405;
    if (put && !decode(body, &s))
        return refuse(answer, 400, NULL, NULL, "InvalidParameterException",
                      "UpdateTaskProtection: failed to decode request");
    if (!ea_model_by_endpoint(m, id, &t, &c))
        return refuse(answer, 404, NULL, NULL, "ResourceNotFoundException",
                      "Failed to find a task for the request");
    if (put && !s.enabled.has)
        return refuse(answer, 400, NULL, t->arn, "InvalidParameterException",
                      "Invalid request: does not contain 'ProtectionEnabled' field");
    out->role = ea_model_creds(m, t->credentials_id);
    if (!out->role)
        return refuse(answer, 403, NULL, t->arn, "AccessDeniedException",
                      "Invalid Request: no task IAM role credentials available for task");
    if (out->role->known_only) /* the reference says 403, which SDKs take for final */
        return refuse(answer, 503, NULL, t->arn, "ServerException",
                      "The task IAM role credentials have not come yet");
    add_call(m, t, put ? &s : NULL, out);
    return 0;
}

/* ---- the ECS API's answer ---- */

static void add_time(ea_buf *b, const cJSON *seconds)
{
    char text[EA_RFC3339_MAX];

    if (!cJSON_IsNumber(seconds) || !(seconds->valuedouble >= 0 &&
                                      seconds->valuedouble < 1e12)) { /* no time that can be told */
        ea_buf_adds(b, "null");
        return;
    }
    ea_format_rfc3339((int64_t)(seconds->valuedouble * 1000 + 0.5), 1, text);
    ea_buf_addf(b, "\"%s\"", text);
}

static void add_text_or_null(ea_buf *b, const char *name, const char *value)
{
    if (value) {
        add_member(b, name, value);
        return;
    }
    add_key(b, name);
    ea_buf_addf(b, "null");
}

/* One protected task or one failure; anything else is nothing that was asked for. */
static bool add_outcome(const cJSON *json, ea_buf *out)
{
    const cJSON *tasks = ea_json_get(json, "protectedTasks"),
                *failures = ea_json_get(json, "failures");
    int n = cJSON_GetArraySize(tasks), failed = cJSON_GetArraySize(failures);
    const cJSON *one;

    if (failed == 1) {
        one = cJSON_GetArrayItem(failures, 0);
        ea_buf_adds(out, "{\"failure\":{");
        add_text_or_null(out, "Arn", ea_json_get_str(one, "arn"));
        add_text_or_null(out, "Detail", ea_json_get_str(one, "detail"));
        add_text_or_null(out, "Reason", ea_json_get_str(one, "reason"));
    } else if (failed == 0 && n == 1) {
        one = cJSON_GetArrayItem(tasks, 0);
        ea_buf_adds(out, "{\"protection\":{\"ExpirationDate\":");
        add_time(out, ea_json_get(one, "expirationDate"));
        ea_buf_addf(out, ",\"ProtectionEnabled\":%s",
                    cJSON_IsTrue(ea_json_get(one, "protectionEnabled")) ? "true" : "false");
        add_text_or_null(out, "TaskArn", ea_json_get_str(one, "taskArn"));
    } else {
        return false;
    }
    ea_buf_adds(out, "}}");
    return true;
}

int ea_protect_answer(const char *arn, const struct ea_serve_reply *r, ea_buf *out)
{
    cJSON *json = NULL;
    ea_err why = { 0 };
    bool good;

    if (r->err->code && !ea_zstr_empty(r->code))
        return refuse(out, r->status >= 400 ? r->status : 500, r->request_id, arn, r->code,
                      r->message);
    if (r->err->code == EA_TIMEOUT || r->err->code == EA_CANCELLED)
        return refuse(out, 504, NULL, arn, "RequestCanceled", TIMED_OUT);
    if (r->err->code)
        return refuse(out, 500, NULL, arn, "ServerException", r->err->text);
    good = ea_json_parse(r->body, &json, &why) == EA_OK && add_outcome(json, out);
    cJSON_Delete(json);
    return good ? 200 : refuse(out, 500, NULL, arn, "ServerException", "Unexpected error occurred");
}
