/* ecs_api.h - the ECS operations that the agent calls, as structs. Source: control-plane.md
 * section 1; API version 2014-11-13.
 * Thread: loop. Knows: names and shapes. Does not know: when to call, what an answer leads to. */
#ifndef EA_AWS_ECS_API_H
#define EA_AWS_ECS_API_H

#include "../base/json.h"
#include "aws_json.h"

#define EA_ECS_TARGET_PREFIX "AmazonEC2ContainerServiceV20141113."

struct ea_ecs_kv { /* attribute name and value, or tag key and value */
    char *name, *value;
};
struct ea_ecs_resource {
    char *name, *type; /* CPU INTEGER, PORTS STRINGSET */
    int64_t integer_value;
    ea_strlist string_set;
    bool is_set; /* STRINGSET: the list is sent even when empty */
};
struct ea_ecs_register {
    char *cluster, *identity_document, *identity_signature; /* the last two always sent */
    struct {
        struct ea_ecs_resource *v;
        size_t n;
    } resources;
    char *container_instance_arn; /* only again */
    struct {
        struct ea_ecs_kv *v;
        size_t n;
    } attributes; /* value absent: name only */
    struct {
        struct ea_ecs_kv *v;
        size_t n;
    } tags;
    char *client_token;
};
void ea_ecs_register_done(struct ea_ecs_register *r);
void ea_ecs_register_add_int(struct ea_ecs_register *r, const char *name, int64_t value);
/* `values` may be empty; copied. */
void ea_ecs_register_add_set(struct ea_ecs_register *r, const char *name, const ea_strlist *values);
void ea_ecs_register_add_attribute(struct ea_ecs_register *r, const char *name, const char *value);
void ea_ecs_register_add_tag(struct ea_ecs_register *r, const char *key, const char *value);

struct ea_ecs_registered { /* borrowed for the callback */
    char *container_instance_arn;
    struct {
        struct ea_ecs_kv *v;
        size_t n;
    } attributes;
};
/* First attribute sent that the answer lacks or has with another value ("absent" equals ""); NULL
 * when all are there. */
const char *ea_ecs_register_mismatch(const struct ea_ecs_register *sent,
                                     const struct ea_ecs_registered *got);

struct ea_ecs_poll_endpoint { /* borrowed for the callback; NULL where the answer has none */
    char *endpoint, *telemetry_endpoint, *service_connect_endpoint, *system_logs_endpoint;
};

/* Each `done` is called once, later, on the loop; on failure the result is NULL and `fault` holds
 * the service's words. Each start returns NULL with *err only for EA_INVALID / EA_LIMIT. */
typedef void ea_ecs_register_cb(void *ctx, const struct ea_ecs_registered *r,
                                const ea_aws_fault *fault, const ea_err *err);
typedef struct ea_ecs_op ea_ecs_op;
void ea_ecs_drop(ea_ecs_op *op); /* `done` is never called; NULL is fine */

ea_ecs_op *ea_ecs_register_start(ea_aws *a, const struct ea_ecs_register *r,
                                 ea_ecs_register_cb *done, void *ctx, ea_err *err) EA_CHECK;

typedef void ea_ecs_poll_cb(void *ctx, const struct ea_ecs_poll_endpoint *r,
                            const ea_aws_fault *fault, const ea_err *err);
/* zoneId is sent as "". Total 126 s. */
ea_ecs_op *ea_ecs_discover_start(ea_aws *a, const char *cluster, const char *instance_arn,
                                 ea_ecs_poll_cb *done, void *ctx, ea_err *err) EA_CHECK;

/* Calls whose answer is not read. `text`: clusterName for CreateCluster, else NULL. */
typedef void ea_ecs_done_cb(void *ctx, const char *text, const ea_aws_fault *fault,
                            const ea_err *err);
ea_ecs_op *ea_ecs_create_cluster_start(ea_aws *a, const char *name, ea_ecs_done_cb *done, void *ctx,
                                       ea_err *err) EA_CHECK;
/* `body` from report/state_change.h; copied. The next try after its few quick retries is the
 * engine's. limit_ms: over all attempts. */
ea_ecs_op *ea_ecs_submit_task_start(ea_aws *a, ea_str body, int64_t limit_ms, ea_ecs_done_cb *done,
                                    void *ctx, ea_err *err) EA_CHECK;
ea_ecs_op *ea_ecs_submit_attachment_start(ea_aws *a, const char *cluster,
                                          const char *attachment_arn, const char *status,
                                          ea_ecs_done_cb *done, void *ctx, ea_err *err) EA_CHECK;
ea_ecs_op *ea_ecs_update_instance_state_start(ea_aws *a, const char *cluster,
                                              const char *instance_arn, const char *status,
                                              ea_ecs_done_cb *done, void *ctx,
                                              ea_err *err) EA_CHECK;

#endif
