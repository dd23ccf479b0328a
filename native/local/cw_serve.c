/* cw_serve.c - CloudWatch's protocols. See cw_serve.h. */
#include "cw_serve.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "cloudwatch.h"
#include "cw_shapes.h"
#include "query.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define TARGET     "GraniteServiceVersion20100801."
#define VERSION    "2010-08-01"
#define XMLNS      "http://monitoring.amazonaws.com/doc/2010-08-01/"
#define SERVICE    "monitoring"
#define JSON_TYPE  "application/x-amz-json-1.0"
#define FORM_TYPE  "application/x-www-form-urlencoded"
#define ANSWER_MAX (16 * 1024 * 1024)

/* Names of errors: in XML, and in JSON where it differs. */
static const struct {
    const char *query, *json;
} errors[] = {
    { "InvalidParameterValue", "InvalidParameterValueException" },
    { "InvalidParameterCombination", "InvalidParameterCombinationException" },
    { "MissingParameter", "MissingRequiredParameterException" },
    { "InternalFailure", "InternalServiceFault" },
    { "InvalidAction", "UnknownOperationException" },
    { "MalformedInput", "SerializationException" },
    { "InvalidClientTokenId", "UnrecognizedClientException" },
    { "SignatureDoesNotMatch", "InvalidSignatureException" },
    { "MissingAuthenticationToken", "MissingAuthenticationTokenException" },
    { "IncompleteSignature", "IncompleteSignatureException" },
    { "ExpiredToken", "ExpiredTokenException" },
};

static const char *refusal_error(ea_lc_refusal r)
{
    switch (r) {
    case EA_LC_FINE:
        return "";
    case EA_LC_NO_SIGNATURE:
        return "MissingAuthenticationToken";
    case EA_LC_MALFORMED:
        return "IncompleteSignature";
    case EA_LC_UNKNOWN_KEY:
        return "InvalidClientTokenId";
    case EA_LC_EXPIRED_TOKEN:
        return "ExpiredToken";
    case EA_LC_WRONG:
        return "SignatureDoesNotMatch";
    }
    return "";
}

struct turn { /* one request */
    ea_http_request *req;
    bool json;
    char id[37];
};

static void respond(struct turn *t, int status, const char *query_error, ea_str body)
{
    ea_http_header headers[2] = { { "x-amzn-RequestId", t->id }, { "x-amzn-query-error", NULL } };
    char both[96];

    if (query_error)
        (void)snprintf(both, sizeof(both), "%s;%s", query_error,
                       status < 500 ? "Sender" : "Receiver");
    headers[1].value = both;
    ea_http_respond(t->req, &(ea_http_response){ .status = status,
                                                 .content_type = t->json ? JSON_TYPE : "text/xml",
                                                 .headers = headers,
                                                 .header_count = query_error && t->json ? 2 : 1,
                                                 .body = body });
}

static void respond_error(struct turn *t, int status, const char *error, const char *message)
{
    EA_BUF_AUTO b = EA_BUF(16 * 1024);
    const char *name = error;

    ea_info("call refused", EA_S("error", error), EA_S("err", message));
    for (size_t i = 0; i < EA_COUNT(errors); i++)
        if (strcmp(errors[i].query, error) == 0)
            name = errors[i].json;
    if (t->json) {
        ea_buf_addf(&b,
                    "{\"__type\":\"com.amazonaws.cloudwatch.v2010_08_01#%s\",\"message\":", name);
        ea_buf_add_json_str(&b, ea_str_of(message));
        ea_buf_addc(&b, '}');
    } else {
        ea_buf_addf(&b,
                    "<ErrorResponse xmlns=\"" XMLNS "\"><Error><Type>%s</Type><Code>%s</Code>"
                    "<Message>",
                    status < 500 ? "Sender" : "Receiver", error);
        ea_lc_xml_add_text(&b, ea_str_of(message));
        ea_buf_addf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", t->id);
    }
    respond(t, status, error, ea_buf_str(&b));
}

static void respond_tree(struct turn *t, const ea_lc_cw_op *op, const cJSON *tree)
{
    EA_BUF_AUTO b = EA_BUF(ANSWER_MAX);
    ea_err err;

    if (t->json) {
        char *text = cJSON_PrintUnformatted(tree);

        ea_buf_adds(&b, text);
        cJSON_free(text);
    } else {
        ea_buf_addf(&b, "<%sResponse xmlns=\"" XMLNS "\"><%sResult>", op->name, op->name);
        ea_lc_xml_add(&b, op->output, tree);
        ea_buf_addf(&b,
                    "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
                    "</%sResponse>",
                    op->name, t->id, op->name);
    }
    if (ea_buf_check(&b, &err))
        respond_error(t, 500, "InternalFailure", err.text);
    else
        respond(t, 200, NULL, ea_buf_str(&b));
}

/* A required member of the request itself that is not there; NULL: all are. */
static const char *missing(const ea_lc_shape *shape, const cJSON *in)
{
    for (size_t i = 0; i < shape->n; i++)
        if ((shape->members[i].flags & EA_LC_REQUIRED) && !ea_json_get(in, shape->members[i].name))
            return shape->members[i].name;
    return NULL;
}

static void run(ea_local *lc, struct turn *t, const ea_lc_cw_op *op, const cJSON *in)
{
    bool plain = strcmp(op->name, "GetMetricData") != 0; /* it has one name for all that is wrong */
    ea_lc_cw_call c = { .metrics = lc->metrics, .in = in, .now_ms = ea_now().wall_ms };
    const char *absent = missing(op->input, in);
    ea_err err;
    ea_code code;

    if (absent) {
        (void)snprintf(c.message, sizeof(c.message), "The parameter %s is required.", absent);
        respond_error(t, 400, plain ? "MissingParameter" : "ValidationError", c.message);
        return;
    }
    code = ea_lc_shape_check(op->input, in, &err);
    if (code) {
        respond_error(t, 400,
                      code == EA_PROTOCOL ? "MalformedInput"
                      : plain             ? "InvalidParameterValue"
                                          : "ValidationError",
                      err.text);
        return;
    }
    (void)ea_lc_metrics_close(lc->metrics, &lc->state, c.now_ms); /* the timer's time stays */
    if (ea_lc_cw_find(op->name)(&c))
        respond_error(t, 400, c.error, c.message);
    else
        respond_tree(t, op, c.out);
    cJSON_Delete(c.out);
}

static void serve(ea_local *lc, struct turn *t, const char *action)
{
    const ea_lc_cw_op *op = ea_lc_cw_op_find(action);
    ea_lc_identity who;
    ea_lc_refusal refusal;
    cJSON *in = NULL;
    char message[160];
    ea_err err;
    ea_code code;

    refusal = ea_lc_auth_request(&lc->auth, t->req, SERVICE, ea_now().wall_ms, &who, &err);
    if (refusal) {
        respond_error(t, 403, refusal_error(refusal), err.text);
        return;
    }
    if (!op) {
        (void)snprintf(message, sizeof(message), "The local control plane does not serve %.100s.",
                       action);
        respond_error(t, 400, "InvalidAction", message);
        return;
    }
    code = t->json ? ea_json_parse(t->req->body.n ? t->req->body : EA_STR("{}"), &in, &err)
                   : ea_lc_query_parse(t->req->body, op->input, &in, &err);
    if (code)
        respond_error(t, 400, "MalformedInput", err.text);
    else
        run(lc, t, op, in);
    cJSON_Delete(in);
}

bool ea_lc_cw_serve(ea_local *lc, ea_http_request *req)
{
    const char *target = ea_http_header_get(req, "X-Amz-Target");
    const char *type = ea_http_header_get(req, "Content-Type");
    struct turn t = { .req = req };
    EA_FREE_AUTO char *version = NULL;
    EA_FREE_AUTO char *action = NULL;

    if (target) {
        if (!ea_str_starts(ea_str_of(target), TARGET))
            return false;
        t.json = true;
        action = ea_strdup(target + strlen(TARGET));
    } else {
        if (!type || !ea_str_starts(ea_str_of(type), FORM_TYPE))
            return false;
        version = ea_lc_query_get(req->body, "Version");
        if (!ea_zstr_eq(version, VERSION))
            return false;
        action = ea_lc_query_get(req->body, "Action");
    }
    ea_lc_new_uuid(t.id);
    serve(lc, &t, action ? action : "");
    return true;
}
