#include "ecs_api.h"

#include "../base/alloc.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX        (1024u * 1024)
#define DISCOVER_MS     126000 /* three attempts of 42 s */
#define SUBMIT_ATTEMPTS 6      /* about 4 s; then the engine decides, with what is known by then */

/* --- shapes; source: control-plane.md section 1 --- */
/* clang-format off */
static const ea_jfield attribute_fields[] = {
    EA_JSTR(struct ea_ecs_kv, name,  "name",  EA_J_REQUIRED),
    EA_JSTR(struct ea_ecs_kv, value, "value", 0),
};
static const ea_jshape attribute_shape = EA_JSHAPE(struct ea_ecs_kv, attribute_fields);

static const ea_jfield tag_fields[] = {
    EA_JSTR(struct ea_ecs_kv, name,  "key",   EA_J_REQUIRED),
    EA_JSTR(struct ea_ecs_kv, value, "value", EA_J_ALWAYS),
};
static const ea_jshape tag_shape = EA_JSHAPE(struct ea_ecs_kv, tag_fields);

static const ea_jfield resource_fields[] = {
    EA_JSTR    (struct ea_ecs_resource, name,          "name",           EA_J_REQUIRED),
    EA_JSTR    (struct ea_ecs_resource, type,          "type",           0),
    EA_JI64    (struct ea_ecs_resource, integer_value, "integerValue",   0),
};
static const ea_jshape integer_shape = EA_JSHAPE(struct ea_ecs_resource, resource_fields);
static const ea_jfield set_fields[] = {
    EA_JSTR    (struct ea_ecs_resource, name,          "name",           EA_J_REQUIRED),
    EA_JSTR    (struct ea_ecs_resource, type,          "type",           0),
    EA_JSTRLIST(struct ea_ecs_resource, string_set,    "stringSetValue", EA_J_ALWAYS),
};
static const ea_jshape set_shape = EA_JSHAPE(struct ea_ecs_resource, set_fields);

static const ea_jfield head_fields[] = {
    EA_JSTR (struct ea_ecs_register, cluster,                "cluster",                           EA_J_ALWAYS),
    EA_JSTR (struct ea_ecs_register, identity_document,      "instanceIdentityDocument",          EA_J_ALWAYS),
    EA_JSTR (struct ea_ecs_register, identity_signature,     "instanceIdentityDocumentSignature", EA_J_ALWAYS),
    EA_JSTR (struct ea_ecs_register, container_instance_arn, "containerInstanceArn",              0),
    EA_JLIST(struct ea_ecs_register, attributes,             "attributes",                        0, &attribute_shape),
    EA_JLIST(struct ea_ecs_register, tags,                   "tags",                              0, &tag_shape),
    EA_JSTR (struct ea_ecs_register, client_token,           "clientToken",                       0),
};
static const ea_jshape register_shape = EA_JSHAPE(struct ea_ecs_register, head_fields);

static const ea_jfield registered_fields[] = {
    EA_JSTR (struct ea_ecs_registered, container_instance_arn, "containerInstanceArn", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JLIST(struct ea_ecs_registered, attributes,             "attributes",           0, &attribute_shape),
};
static const ea_jshape registered_shape = EA_JSHAPE(struct ea_ecs_registered, registered_fields);
struct register_answer { struct ea_ecs_registered *instance; };
static const ea_jfield register_answer_fields[] = {
    EA_JPTR(struct register_answer, instance, "containerInstance", EA_J_REQUIRED, &registered_shape),
};
static const ea_jshape register_answer_shape = EA_JSHAPE(struct register_answer, register_answer_fields);

static const ea_jfield poll_fields[] = {
    EA_JSTR(struct ea_ecs_poll_endpoint, endpoint,                 "endpoint",               0),
    EA_JSTR(struct ea_ecs_poll_endpoint, telemetry_endpoint,       "telemetryEndpoint",      0),
    EA_JSTR(struct ea_ecs_poll_endpoint, service_connect_endpoint, "serviceConnectEndpoint", 0),
    EA_JSTR(struct ea_ecs_poll_endpoint, system_logs_endpoint,     "systemLogsEndpoint",     0),
};
static const ea_jshape poll_shape = EA_JSHAPE(struct ea_ecs_poll_endpoint, poll_fields);

struct cluster { char *name; };
static const ea_jfield cluster_fields[] = {
    EA_JSTR(struct cluster, name, "clusterName", 0),
};
static const ea_jshape cluster_shape = EA_JSHAPE(struct cluster, cluster_fields);
struct cluster_answer { struct cluster *cluster; };
static const ea_jfield cluster_answer_fields[] = {
    EA_JPTR(struct cluster_answer, cluster, "cluster", EA_J_REQUIRED, &cluster_shape),
};
static const ea_jshape cluster_answer_shape = EA_JSHAPE(struct cluster_answer, cluster_answer_fields);
/* clang-format on */

/* --- RegisterContainerInstance: request --- */

static void free_kv(struct ea_ecs_kv *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ea_free(v[i].name);
        ea_free(v[i].value);
    }
    ea_free(v);
}

void ea_ecs_register_done(struct ea_ecs_register *r)
{
    for (size_t i = 0; i < r->resources.n; i++) {
        ea_free(r->resources.v[i].name);
        ea_free(r->resources.v[i].type);
        ea_strlist_free(&r->resources.v[i].string_set);
    }
    ea_free(r->resources.v);
    free_kv(r->attributes.v, r->attributes.n);
    free_kv(r->tags.v, r->tags.n);
    ea_free(r->cluster);
    ea_free(r->identity_document);
    ea_free(r->identity_signature);
    ea_free(r->container_instance_arn);
    ea_free(r->client_token);
    memset(r, 0, sizeof(*r));
}

static struct ea_ecs_resource *add_resource(struct ea_ecs_register *r, const char *name,
                                            const char *type)
{
    struct ea_ecs_resource *x = NULL;

    r->resources.v = ea_realloc_array(r->resources.v, r->resources.n + 1, sizeof(*x));
    x = &r->resources.v[r->resources.n++];
    memset(x, 0, sizeof(*x));
    x->name = ea_strdup(name);
    x->type = ea_strdup(type);
    return x;
}

void ea_ecs_register_add_int(struct ea_ecs_register *r, const char *name, int64_t value)
{
    add_resource(r, name, "INTEGER")->integer_value = value;
}

void ea_ecs_register_add_set(struct ea_ecs_register *r, const char *name, const ea_strlist *values)
{
    struct ea_ecs_resource *x = add_resource(r, name, "STRINGSET");

    x->is_set = true;
    for (size_t i = 0; values && i < values->n; i++)
        ea_strlist_add(&x->string_set, values->v[i]);
}

void ea_ecs_register_add_attribute(struct ea_ecs_register *r, const char *name, const char *value)
{
    struct ea_ecs_kv *x = NULL;

    r->attributes.v = ea_realloc_array(r->attributes.v, r->attributes.n + 1, sizeof(*x));
    x = &r->attributes.v[r->attributes.n++];
    x->name = ea_strdup(name);
    x->value = ea_zstr_empty(value) ? NULL : ea_strdup(value);
}

void ea_ecs_register_add_tag(struct ea_ecs_register *r, const char *key, const char *value)
{
    struct ea_ecs_kv *x = NULL;

    r->tags.v = ea_realloc_array(r->tags.v, r->tags.n + 1, sizeof(*x));
    x = &r->tags.v[r->tags.n++];
    x->name = ea_strdup(key);
    x->value = ea_strdup(value ? value : "");
}

/* The request body; caller frees. */
static ea_code register_body(const struct ea_ecs_register *r, char **out, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);

    ea_json_encode(&register_shape, r, EA_J_WIRE, &b);
    if (ea_buf_check(&b, err))
        return ea_wrap(err, "RegisterContainerInstance");
    b.n--; /* the closing brace: resources differ in their members by type and come last */
    ea_buf_adds(&b, ",\"totalResources\":[");
    for (size_t i = 0; i < r->resources.n; i++) {
        const struct ea_ecs_resource *x = &r->resources.v[i];

        ea_buf_adds(&b, i ? "," : "");
        ea_json_encode(x->is_set ? &set_shape : &integer_shape, x, EA_J_WIRE, &b);
    }
    ea_buf_adds(&b, "]}");
    return ea_buf_take(&b, out, err);
}

const char *ea_ecs_register_mismatch(const struct ea_ecs_register *sent,
                                     const struct ea_ecs_registered *got)
{
    for (size_t i = 0; i < sent->attributes.n; i++) {
        const struct ea_ecs_kv *want = &sent->attributes.v[i];
        bool found = false;

        for (size_t k = 0; k < got->attributes.n && !found; k++) {
            const struct ea_ecs_kv *have = &got->attributes.v[k];

            found = ea_zstr_eq(have->name, want->name) &&
                    strcmp(have->value ? have->value : "", want->value ? want->value : "") == 0;
        }
        /* A name without value that is absent equals one with "": the check of the reference. */
        if (!found && !ea_zstr_empty(want->value))
            return want->name;
    }
    return NULL;
}

/* --- operations --- */

struct ea_ecs_op {
    ea_aws_call *call;
    void *ctx;
    ea_ecs_register_cb *registered;
    ea_ecs_poll_cb *polled;
    ea_ecs_done_cb *done;
    bool wants_cluster;
    bool telling;
};

void ea_ecs_drop(ea_ecs_op *op)
{
    if (!op || op->telling)
        return;
    ea_aws_drop(op->call);
    ea_free(op);
}

static void tell_registered(ea_ecs_op *op, ea_str body, const ea_aws_fault *fault, ea_err *err)
{
    struct register_answer a = { 0 };

    if (err->code == EA_OK && ea_json_decode(&register_answer_shape, body, &a, err)) {
        err->code = EA_PROTOCOL;
        (void)ea_wrap(err, "RegisterContainerInstance: answer"); /* told by the callback */
    }
    op->registered(op->ctx, err->code == EA_OK ? a.instance : NULL, fault, err);
    ea_json_free(&register_answer_shape, &a);
}

static void tell_polled(ea_ecs_op *op, ea_str body, const ea_aws_fault *fault, ea_err *err)
{
    struct ea_ecs_poll_endpoint p = { 0 };

    if (err->code == EA_OK && ea_json_decode(&poll_shape, body, &p, err)) {
        err->code = EA_PROTOCOL;
        (void)ea_wrap(err, "DiscoverPollEndpoint: answer"); /* told by the callback */
    }
    op->polled(op->ctx, err->code == EA_OK ? &p : NULL, fault, err);
    ea_json_free(&poll_shape, &p);
}

static void tell_done(ea_ecs_op *op, ea_str body, const ea_aws_fault *fault, ea_err *err)
{
    struct cluster_answer a = { 0 };

    if (op->wants_cluster && err->code == EA_OK &&
        ea_json_decode(&cluster_answer_shape, body, &a, err)) {
        err->code = EA_PROTOCOL;
        (void)ea_wrap(err, "CreateCluster: answer"); /* told by the callback */
    }
    op->done(op->ctx, a.cluster ? a.cluster->name : NULL, fault, err);
    ea_json_free(&cluster_answer_shape, &a);
}

static void on_done(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    ea_ecs_op *op = ctx;
    ea_err e = *err;

    op->telling = true;
    if (op->registered)
        tell_registered(op, body, fault, &e);
    else if (op->polled)
        tell_polled(op, body, fault, &e);
    else
        tell_done(op, body, fault, &e);
    ea_free(op);
}

/* Starts `op` (taken) with `body`. */
static ea_ecs_op *start(ea_aws *a, const char *name, ea_str body, const ea_aws_options *o,
                        ea_ecs_op *op, ea_err *err)
{
    op->call = ea_aws_start(a, name, body, o, on_done, op, err);
    if (op->call)
        return op;
    ea_free(op);
    return NULL;
}

static ea_ecs_op *start_buf(ea_aws *a, const char *name, ea_buf *body, const ea_aws_options *o,
                            ea_ecs_op *op, ea_err *err)
{
    if (ea_buf_check(body, err)) {
        ea_free(op);
        return NULL;
    }
    return start(a, name, ea_buf_str(body), o, op, err);
}

/* Adds `"name":"text"`, with a comma when it is not the first member. */
static void member(ea_buf *b, const char *name, const char *text)
{
    if (b->n > 0 && b->p[b->n - 1] != '{')
        ea_buf_addc(b, ',');
    ea_buf_addf(b, "\"%s\":", name);
    ea_buf_add_json_str(b, ea_str_of(text));
}

ea_ecs_op *ea_ecs_register_start(ea_aws *a, const struct ea_ecs_register *r,
                                 ea_ecs_register_cb *done, void *ctx, ea_err *err)
{
    EA_FREE_AUTO char *body = NULL;
    ea_ecs_op *op = NULL;

    if (register_body(r, &body, err))
        return NULL;
    op = ea_alloc(sizeof(*op));
    op->registered = done;
    op->ctx = ctx;
    return start(a, "RegisterContainerInstance", ea_str_of(body), NULL, op, err);
}

ea_ecs_op *ea_ecs_discover_start(ea_aws *a, const char *cluster, const char *instance_arn,
                                 ea_ecs_poll_cb *done, void *ctx, ea_err *err)
{
    static const ea_aws_options o = { .retry = EA_RETRY_STANDARD, .total_ms = DISCOVER_MS };
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);
    ea_ecs_op *op = ea_alloc(sizeof(*op));

    op->polled = done;
    op->ctx = ctx;
    ea_buf_addc(&b, '{');
    member(&b, "containerInstance", instance_arn);
    member(&b, "cluster", cluster);
    member(&b, "zoneId", "");
    ea_buf_addc(&b, '}');
    return start_buf(a, "DiscoverPollEndpoint", &b, &o, op, err);
}

static ea_ecs_op *new_op(ea_ecs_done_cb *done, void *ctx)
{
    ea_ecs_op *op = ea_alloc(sizeof(*op));

    op->done = done;
    op->ctx = ctx;
    return op;
}

ea_ecs_op *ea_ecs_create_cluster_start(ea_aws *a, const char *name, ea_ecs_done_cb *done, void *ctx,
                                       ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);
    ea_ecs_op *op = new_op(done, ctx);

    op->wants_cluster = true;
    ea_buf_addc(&b, '{');
    member(&b, "clusterName", name);
    ea_buf_addc(&b, '}');
    return start_buf(a, "CreateCluster", &b, NULL, op, err);
}

ea_ecs_op *ea_ecs_submit_task_start(ea_aws *a, ea_str body, int64_t limit_ms, ea_ecs_done_cb *done,
                                    void *ctx, ea_err *err)
{
    const ea_aws_options o = { .retry = EA_RETRY_SUBMIT,
                               .max_attempts = SUBMIT_ATTEMPTS,
                               .total_ms = limit_ms };

    return start(a, "SubmitTaskStateChange", body, &o, new_op(done, ctx), err);
}

ea_ecs_op *ea_ecs_submit_attachment_start(ea_aws *a, const char *cluster,
                                          const char *attachment_arn, const char *status,
                                          ea_ecs_done_cb *done, void *ctx, ea_err *err)
{
    static const ea_aws_options o = { .retry = EA_RETRY_SUBMIT, .max_attempts = SUBMIT_ATTEMPTS };
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);

    ea_buf_addc(&b, '{');
    member(&b, "cluster", cluster);
    ea_buf_adds(&b, ",\"attachments\":[{");
    member(&b, "attachmentArn", attachment_arn);
    member(&b, "status", status);
    ea_buf_adds(&b, "}]}");
    return start_buf(a, "SubmitAttachmentStateChanges", &b, &o, new_op(done, ctx), err);
}

ea_ecs_op *ea_ecs_update_instance_state_start(ea_aws *a, const char *cluster,
                                              const char *instance_arn, const char *status,
                                              ea_ecs_done_cb *done, void *ctx, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);

    ea_buf_addc(&b, '{');
    member(&b, "cluster", cluster);
    ea_buf_adds(&b, ",\"containerInstances\":[");
    ea_buf_add_json_str(&b, ea_str_of(instance_arn));
    ea_buf_addc(&b, ']');
    member(&b, "status", status);
    ea_buf_addc(&b, '}');
    return start_buf(a, "UpdateContainerInstancesState", &b, NULL, new_op(done, ctx), err);
}
