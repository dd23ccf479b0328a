/* local_api.c - requests to calls, calls to answers. See local_api.h.
 * Source: AWS JSON 1.1 protocol; control-plane.md section 1. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "api_ecr.h"
#include "api_shapes.h"
#include "api_vault.h"
#include "cw_serve.h"
#include "query.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define TARGET     "AmazonEC2ContainerServiceV20141113."
#define ANSWER_MAX (16 * 1024 * 1024)
#define TAGS_MAX   50
#define PAGE_MAX   100

static const struct {
    const char *name;
    ea_lc_fn *fn;
} calls[] = {
    { "CreateCluster", ea_lc_create_cluster },
    { "DescribeClusters", ea_lc_describe_clusters },
    { "ListClusters", ea_lc_list_clusters },
    { "DeleteCluster", ea_lc_delete_cluster },
    { "RegisterTaskDefinition", ea_lc_register_task_definition },
    { "DescribeTaskDefinition", ea_lc_describe_task_definition },
    { "ListTaskDefinitions", ea_lc_list_task_definitions },
    { "ListTaskDefinitionFamilies", ea_lc_list_task_definition_families },
    { "DeregisterTaskDefinition", ea_lc_deregister_task_definition },
    { "RunTask", ea_lc_run_task },
    { "StartTask", ea_lc_start_task },
    { "StopTask", ea_lc_stop_task },
    { "ListTasks", ea_lc_list_tasks },
    { "DescribeTasks", ea_lc_describe_tasks },
    { "CreateService", ea_lc_create_service },
    { "UpdateService", ea_lc_update_service },
    { "DeleteService", ea_lc_delete_service },
    { "DescribeServices", ea_lc_describe_services },
    { "ListServices", ea_lc_list_services },
    { "GetTaskProtection", ea_lc_get_task_protection },
    { "UpdateTaskProtection", ea_lc_update_task_protection },
    { "ListContainerInstances", ea_lc_list_container_instances },
    { "DescribeContainerInstances", ea_lc_describe_container_instances },
    { "DeregisterContainerInstance", ea_lc_deregister_container_instance },
    { "UpdateContainerInstancesState", ea_lc_update_container_instances_state },
    { "PutAttributes", ea_lc_put_attributes },
    { "DeleteAttributes", ea_lc_delete_attributes },
    { "ListAttributes", ea_lc_list_attributes },
    { "TagResource", ea_lc_tag_resource },
    { "UntagResource", ea_lc_untag_resource },
    { "ListTagsForResource", ea_lc_list_tags_for_resource },
    { "DiscoverPollEndpoint", ea_lc_discover_poll_endpoint },
    { "RegisterContainerInstance", ea_lc_register_container_instance },
    { "SubmitTaskStateChange", ea_lc_submit_task_state_change },
    { "SubmitContainerStateChange", ea_lc_submit_container_state_change },
    { "SubmitAttachmentStateChanges", ea_lc_submit_attachment_state_changes },
};

ea_lc_fn *ea_lc_api_find(const char *operation)
{
    for (size_t i = 0; i < EA_COUNT(calls); i++)
        if (strcmp(calls[i].name, operation) == 0)
            return calls[i].fn;
    return NULL;
}

/* ---- for the calls ---------------------------------------------------------------------------- */

int ea_lc_refuse(ea_lc_call *c, const char *error, const char *fmt, ...)
{
    va_list ap;

    c->status = strcmp(error, "ServerException") == 0 ? 500 : 400;
    (void)snprintf(c->error, sizeof(c->error), "%s", error);
    va_start(ap, fmt);
    (void)vsnprintf(c->message, sizeof(c->message), fmt, ap); /* a long sentence is cut */
    va_end(ap);
    c->message[ea_utf8_cut(c->message, strlen(c->message), sizeof(c->message) - 1)] = '\0';
    return -1;
}

const char *ea_lc_call_str(const ea_lc_call *c, const char *name)
{
    return ea_json_get_str(c->in, name);
}

int64_t ea_lc_call_int(const ea_lc_call *c, const char *name, int64_t otherwise)
{
    const cJSON *v = ea_json_get(c->in, name);

    return v ? (int64_t)v->valuedouble : otherwise; /* the shape check has bounded it */
}

bool ea_lc_call_includes(const ea_lc_call *c, const char *word)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, ea_json_get(c->in, "include")) if (strcmp(item->valuestring, word) ==
                                                                0) return true;
    return false;
}

struct ea_lc_cluster *ea_lc_call_cluster(ea_lc_call *c)
{
    struct ea_lc_cluster *found = ea_lc_find_cluster(&c->lc->state, ea_lc_call_str(c, "cluster"));

    if (!found)
        (void)ea_lc_refuse(c, "ClusterNotFoundException", "Cluster not found.");
    return found;
}

void ea_lc_tags_free(ea_lc_tags *t)
{
    for (size_t i = 0; i < t->n; i++)
        ea_json_free(&ea_lc_tag_shape, &t->v[i]);
    ea_free(t->v);
    *t = (ea_lc_tags){ NULL, 0 };
}

int ea_lc_call_tags(ea_lc_call *c, ea_lc_tags *out)
{
    const cJSON *tags = ea_json_get(c->in, "tags"), *tag;

    *out = (ea_lc_tags){ NULL, 0 };
    if (cJSON_GetArraySize(tags) > TAGS_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Tags can not have more than %d members.", TAGS_MAX);
    cJSON_ArrayForEach(tag, tags)
    {
        const char *key = ea_json_get_str(tag, "key"), *value = ea_json_get_str(tag, "value");

        if (ea_zstr_empty(key) || strlen(key) > 128 || (value && strlen(value) > 256) ||
            ea_str_starts(ea_str_of(key), "aws:")) {
            ea_lc_tags_free(out);
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid tag key or value.");
        }
        ea_lc_tag_set(out, key, value ? value : "");
    }
    return 0;
}

void ea_lc_add_tags(ea_buf *out, const ea_lc_tags *t)
{
    ea_buf_addc(out, '[');
    for (size_t i = 0; i < t->n; i++) {
        if (i)
            ea_buf_addc(out, ',');
        ea_json_encode(&ea_lc_tag_shape, &t->v[i], EA_J_WIRE, out);
    }
    ea_buf_addc(out, ']');
}

void ea_lc_add_failure(ea_buf *out, const char *arn, const char *reason, const char *detail)
{
    ea_buf_adds(out, "{\"arn\":");
    ea_buf_add_json_str(out, ea_str_of(arn));
    ea_buf_adds(out, ",\"reason\":");
    ea_buf_add_json_str(out, ea_str_of(reason));
    if (detail) {
        ea_buf_adds(out, ",\"detail\":");
        ea_buf_add_json_str(out, ea_str_of(detail));
    }
    ea_buf_addc(out, '}');
}

int ea_lc_page_begin(ea_lc_call *c, const char *member, ea_lc_page *p)
{
    const char *token = ea_lc_call_str(c, "nextToken");
    int64_t max = ea_lc_call_int(c, "maxResults", PAGE_MAX), skip = 0;
    ea_err err;

    if (max < 1 || max > PAGE_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "maxResults must be between 1 and %d.",
                            PAGE_MAX);
    if (token && ea_str_to_i64(ea_str_of(token), 0, INT32_MAX, &skip, &err))
        return ea_lc_refuse(c, "InvalidParameterException", "Invalid token %s", token);
    *p = (ea_lc_page){ .out = &c->out, .skip = skip, .left = max, .next = skip + max };
    ea_buf_addf(&c->out, "{\"%s\":[", member);
    return 0;
}

bool ea_lc_page_takes(ea_lc_page *p)
{
    if (p->seen++ < p->skip)
        return false;
    if (p->left == 0) {
        p->more = true;
        return false;
    }
    p->left--;
    if (p->any)
        ea_buf_addc(p->out, ',');
    p->any = true;
    return true;
}

void ea_lc_page_add(ea_lc_page *p, const char *text)
{
    if (ea_lc_page_takes(p))
        ea_buf_add_json_str(p->out, ea_str_of(text));
}

void ea_lc_page_end(ea_lc_page *p)
{
    ea_buf_addc(p->out, ']');
    if (p->more)
        ea_buf_addf(p->out, ",\"nextToken\":\"%lld\"", (long long)p->next);
    ea_buf_addc(p->out, '}');
}

/* ---- HTTP ------------------------------------------------------------------------------------- */

static void respond(ea_http_request *req, int status, const char *type, ea_str body)
{
    char id[37];
    ea_http_header headers[1];

    ea_lc_new_uuid(id);
    headers[0] = (ea_http_header){ "x-amzn-RequestId", id };
    ea_http_respond(req, &(ea_http_response){ .status = status,
                                              .content_type = type,
                                              .headers = headers,
                                              .header_count = 1,
                                              .body = body });
}

static void respond_error(ea_http_request *req, int status, const char *error, const char *message)
{
    EA_BUF_AUTO b = EA_BUF(4096);

    ea_buf_addf(&b, "{\"__type\":\"%s\",\"message\":", error);
    ea_buf_add_json_str(&b, ea_str_of(message));
    ea_buf_addc(&b, '}');
    respond(req, status, "application/x-amz-json-1.1", ea_buf_str(&b));
}

/* Runs one checked call and commits what it changed. */
static void run(ea_lc_call *c, ea_lc_fn *fn, ea_http_request *req, const char *operation)
{
    ea_err err;

    if (fn(c)) {
        ea_info("call refused", EA_S("call", operation), EA_S("error", c->error),
                EA_S("err", c->message));
        respond_error(req, c->status, c->error, c->message);
        return;
    }
    if (ea_buf_check(&c->out, &err) || ea_local_commit(c->lc, &err)) {
        ea_error("call failed", EA_S("call", operation), EA_S("err", err.text));
        respond_error(req, 500, "ServerException", err.text);
        return;
    }
    ea_debug("call answered", EA_S("call", operation), EA_S("who", c->who->arn));
    respond(req, 200, "application/x-amz-json-1.1", ea_buf_str(&c->out));
}

/* The name that AWS gives a request whose members are wrong. */
static const char *shape_error(ea_code code, const char *operation)
{
    if (code == EA_PROTOCOL)
        return "SerializationException";
    if (code == EA_UNSUPPORTED || strcmp(operation, "RegisterTaskDefinition") == 0)
        return "ClientException";
    return "InvalidParameterException";
}

/* Services of the AWS JSON 1.1 protocol that are told apart by the beginning of X-Amz-Target. */
static const struct service {
    const char *target, *name;
    ea_lc_fn *(*find)(const char *operation);
    const ea_lc_shape *(*shape)(const char *operation);
} services[] = {
    { TARGET, "ecs", ea_lc_api_find, ea_lc_op_shape_find },
    { EA_LC_SECRETS_TARGET, "secretsmanager", ea_lc_secrets_find, ea_lc_secrets_shape },
    { EA_LC_SSM_TARGET, "ssm", ea_lc_ssm_find, ea_lc_ssm_shape },
    { EA_LC_ECR_TARGET, "ecr", ea_lc_ecr_find, ea_lc_ecr_shape },
};

static const struct service *service_of(const char *target)
{
    for (size_t i = 0; target && i < EA_COUNT(services); i++)
        if (ea_str_starts(ea_str_of(target), services[i].target))
            return &services[i];
    return NULL;
}

static void serve_json(ea_local *lc, ea_http_request *req, const struct service *service,
                       const char *operation)
{
    ea_lc_identity who;
    ea_lc_call call = {
        .lc = lc, .req = req, .out = EA_BUF(ANSWER_MAX), .who = &who, .now_ms = ea_now().wall_ms
    };
    ea_lc_fn *fn = service->find(operation);
    const ea_lc_shape *shape = service->shape(operation);
    cJSON *in = NULL;
    ea_lc_refusal refusal;
    ea_err err;
    ea_code code;

    refusal = ea_lc_auth_request(&lc->auth, req, service->name, call.now_ms, &who, &err);
    if (refusal) {
        ea_warn("signature refused", EA_S("call", operation),
                EA_S("error", ea_lc_refusal_name(refusal)), EA_S("err", err.text));
        respond_error(req, 400, ea_lc_refusal_name(refusal), err.text);
        return;
    }
    if (!fn || !shape) {
        (void)snprintf(call.message, sizeof(call.message),
                       "The local control plane does not serve %.100s.", operation);
        respond_error(req, 400, "UnknownOperationException", call.message);
        return;
    }
    code = ea_json_parse(req->body.n ? req->body : EA_STR("{}"), &in, &err);
    if (code) {
        respond_error(req, 400, "SerializationException", err.text);
        return;
    }
    code = ea_lc_shape_check(shape, in, &err);
    if (code) {
        respond_error(req, 400, shape_error(code, operation), err.text);
    } else {
        call.in = in;
        run(&call, fn, req, operation);
    }
    ea_buf_done_secret(&call.out);
    ea_json_delete(in);
}

/* STS GetCallerIdentity: shows whose keys a container has. Query protocol, XML. */
static void serve_sts(ea_local *lc, ea_http_request *req)
{
    EA_BUF_AUTO b = EA_BUF(4096);
    ea_lc_identity who;
    ea_err err;
    ea_lc_refusal r;
    EA_FREE_AUTO char *action = ea_lc_query_get(req->body, "Action");
    bool known = ea_zstr_eq(action, "GetCallerIdentity");

    r = ea_lc_auth_request(&lc->auth, req, "sts", ea_now().wall_ms, &who, &err);
    if (r) {
        ea_buf_addf(&b, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>",
                    r == EA_LC_UNKNOWN_KEY ? "InvalidClientTokenId" : "SignatureDoesNotMatch");
        ea_lc_xml_add_text(&b, ea_str_of(err.text));
        ea_buf_adds(&b, "</Message></Error></ErrorResponse>");
        respond(req, 403, "text/xml", ea_buf_str(&b));
        return;
    }
    if (!known)
        ea_buf_adds(&b, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"
                        "<Message>GetCallerIdentity alone is served</Message></Error>"
                        "</ErrorResponse>");
    else
        ea_buf_addf(&b,
                    "<GetCallerIdentityResponse "
                    "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                    "<GetCallerIdentityResult><Arn>%s</Arn><UserId>AIDALOCAL</UserId>"
                    "<Account>%s</Account></GetCallerIdentityResult>"
                    "</GetCallerIdentityResponse>",
                    who.arn, lc->state.account);
    respond(req, known ? 200 : 400, "text/xml", ea_buf_str(&b));
}

void ea_lc_api_serve(ea_local *lc, ea_http_request *req)
{
    const char *target = ea_http_header_get(req, "X-Amz-Target");
    const char *type = ea_http_header_get(req, "Content-Type");
    const struct service *service = service_of(target);

    if (strcmp(req->method, "POST") != 0) {
        ea_http_respond_text(req, 405, "POST expected");
    } else if (ea_lc_cw_serve(lc, req)) {
        return;
    } else if (service) {
        serve_json(lc, req, service, target + strlen(service->target));
    } else if (!target && type &&
               ea_str_starts(ea_str_of(type), "application/x-www-form-urlencoded")) {
        serve_sts(lc, req);
    } else {
        respond_error(req, 400, "UnknownOperationException",
                      "X-Amz-Target names no operation that is served here.");
    }
}
