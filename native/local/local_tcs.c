/* local_tcs.c - telemetry sessions. See local_tcs.h. */
#include "local_tcs.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../net/ws_server.h"
#include "metrics.h"
#include "tcs_shapes.h"

#include <cJSON.h>
#include <string.h>

#define FRAME_MAX (2 * 1024 * 1024)

struct ea_lc_tcs {
    ea_local *lc;
    ea_list sessions;
    size_t count;
};

struct session {
    ea_node node;
    ea_lc_tcs *tcs;
    ea_ws_conn *ws; /* NULL once closed */
    ea_timer *tick;
    char *instance_arn;
    char *path, *query; /* of the handshake: every frame is signed with them */
};

ea_lc_tcs *ea_lc_tcs_new(ea_local *lc)
{
    ea_lc_tcs *t = ea_alloc(sizeof(*t));

    t->lc = lc;
    ea_list_init(&t->sessions);
    return t;
}

void ea_lc_tcs_free(ea_lc_tcs *t)
{
    ea_free(t);
}

size_t ea_lc_tcs_count(const ea_lc_tcs *t)
{
    return t->count;
}

/* ---- what the messages say -------------------------------------------------------------------- */

static char *printed(const cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree), *copy = ea_strdup(text);

    cJSON_free(text);
    return copy;
}

static void take_metrics(ea_local *lc, struct ea_lc_instance *i, const cJSON *in)
{
    ea_lc_metrics_take(lc->metrics, &lc->state, i, in, ea_now().wall_ms);
    ea_free(i->last_metrics);
    i->last_metrics = printed(in);
    i->metrics_count++;
}

/* Healthy when all essential containers with a check are, ill when one of them is. */
static const char *task_health(const struct ea_lc_task *t)
{
    const char *health = "UNKNOWN";

    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_lc_container *c = &t->containers.v[i];

        if (!c->essential || !c->has_health_check)
            continue;
        if (ea_zstr_eq(c->health_status, "UNHEALTHY"))
            return "UNHEALTHY";
        if (!ea_zstr_eq(c->health_status, "HEALTHY"))
            return "UNKNOWN";
        health = "HEALTHY";
    }
    return health;
}

static void take_health(ea_local *lc, struct ea_lc_instance *i, const cJSON *in)
{
    const cJSON *item, *container;

    ea_free(i->last_health);
    i->last_health = printed(in);
    i->health_count++;
    cJSON_ArrayForEach(item, ea_json_get(in, "tasks"))
    {
        struct ea_lc_task *t =
            ea_lc_by_arn(&lc->state, EA_LC_TASK, ea_json_get_str(item, "taskArn"));

        if (!t || strcmp(t->instance_arn, i->arn) != 0)
            continue;
        cJSON_ArrayForEach(container, ea_json_get(item, "containers"))
        {
            struct ea_lc_container *c =
                ea_lc_task_container(t, ea_json_get_str(container, "containerName"));

            if (c)
                ea_set_str(&c->health_status, ea_json_get_str(container, "healthStatus"));
        }
        ea_set_str(&t->health_status, task_health(t));
        t->version++;
        ea_lc_touch(&lc->state, EA_LC_TASK, t);
    }
}

static void take_status(ea_local *lc, struct ea_lc_instance *i, const cJSON *in)
{
    const cJSON *item;

    (void)lc;
    i->status_count++;
    cJSON_ArrayForEach(item, ea_json_get(in, "statuses"))
    {
        if (!ea_zstr_eq(ea_json_get_str(item, "type"), "ContainerRuntime"))
            continue;
        ea_set_str(&i->health.status, ea_json_get_str(item, "status"));
        i->health.last_updated = ea_json_get(item, "lastUpdated")->valuedouble;
        i->health.last_change = ea_json_get(item, "lastStatusChange")->valuedouble;
    }
}

static const struct {
    const char *type, *ack;
    const ea_lc_shape *shape;
    void (*take)(ea_local *lc, struct ea_lc_instance *i, const cJSON *in);
} messages[] = {
    { "PublishMetricsRequest", "AckPublishMetric", &ea_lc_publish_metrics_shape, take_metrics },
    { "PublishHealthRequest", "AckPublishHealth", &ea_lc_publish_health_shape, take_health },
    { "PublishInstanceStatusRequest", "AckPublishInstanceStatus", &ea_lc_publish_status_shape,
      take_status },
};

/* ---- session ---------------------------------------------------------------------------------- */

static void say(struct session *s, const char *type, const char *message)
{
    EA_BUF_AUTO b = EA_BUF(4096);
    ea_err err;

    if (!s->ws)
        return;
    ea_buf_addf(&b, "{\"type\":\"%s\",\"message\":{", type);
    if (message) {
        ea_buf_adds(&b, "\"message\":");
        ea_buf_add_json_str(&b, ea_str_of(message));
    } else {
        ea_buf_adds(&b, "\"healthy\":true");
    }
    ea_buf_adds(&b, "}}");
    if (ea_ws_send(s->ws, ea_buf_str(&b), &err))
        ea_warn("telemetry answer not sent", EA_S("err", err.text));
}

static void refuse_frame(struct session *s, const char *error, const char *message)
{
    ea_warn("telemetry frame refused", EA_S("instance", s->instance_arn), EA_S("error", error),
            EA_S("err", message));
    say(s, error, message);
}

static void on_json(struct session *s, const cJSON *frame)
{
    ea_local *lc = s->tcs->lc;
    struct ea_lc_instance *i = ea_lc_by_arn(&lc->state, EA_LC_INSTANCE, s->instance_arn);
    const char *type = ea_json_get_str(frame, "type");
    const cJSON *in = ea_json_get(frame, "message");
    const char *told = ea_json_get_str(ea_json_get(in, "metadata"), "containerInstance");
    ea_err err;

    for (size_t k = 0; type && k < EA_COUNT(messages); k++) {
        if (strcmp(messages[k].type, type) != 0)
            continue;
        if (ea_lc_shape_check(messages[k].shape, in, &err)) {
            refuse_frame(s, "BadRequestException", err.text);
        } else if (!i || !ea_zstr_eq(told, s->instance_arn)) {
            refuse_frame(s, "ResourceValidationException", "Container instance not found.");
        } else {
            messages[k].take(lc, i, in);
            ea_local_commit_quietly(lc);
            say(s, messages[k].ack, "ok");
        }
        return;
    }
    refuse_frame(s, "BadRequestException", "unknown type of message");
}

static void on_message(void *ctx, ea_str text)
{
    struct session *s = ctx;
    cJSON *frame = NULL;
    ea_lc_refusal refusal;
    ea_str json;
    ea_err err;

    refusal =
        ea_lc_auth_frame(&s->tcs->lc->auth, text, s->path, s->query, ea_now().wall_ms, &json, &err);
    if (refusal) {
        refuse_frame(s, "InvalidParameterException", err.text);
        ea_ws_close(s->ws, 1008, ea_lc_refusal_name(refusal));
        return;
    }
    if (ea_json_parse(json, &frame, &err)) {
        refuse_frame(s, "BadRequestException", err.text);
        return;
    }
    on_json(s, frame);
    cJSON_Delete(frame);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    struct session *s = ctx;

    ea_info("telemetry ended", EA_S("instance", s->instance_arn), EA_I("code", code),
            EA_S("reason", reason));
    ea_list_remove(&s->node);
    s->tcs->count--;
    ea_timer_free(s->tick);
    ea_free(s->instance_arn);
    ea_free(s->path);
    ea_free(s->query);
    ea_free(s);
}

static const ea_ws_ops ops = { on_message, on_closed };

static void on_tick(void *arg)
{
    struct session *s = arg;

    say(s, "HeartbeatMessage", NULL);
    ea_timer_arm(s->tick, s->tcs->lc->heartbeat_ms);
}

static void refuse(ea_http_request *req, int status, const char *name, const char *message)
{
    EA_BUF_AUTO b = EA_BUF(2048);

    ea_info("telemetry refused", EA_S("error", name), EA_S("err", message));
    ea_buf_addf(&b, "{\"%s\":", name);
    ea_buf_add_json_str(&b, ea_str_of(message));
    ea_buf_addc(&b, '}');
    ea_http_respond_json(req, status, ea_buf_str(&b));
}

static void open_session(ea_lc_tcs *t, ea_http_request *req, const struct ea_lc_instance *i)
{
    const ea_ws_limits limits = { .message_bytes = FRAME_MAX };
    struct session *s = ea_alloc(sizeof(*s));

    s->tcs = t;
    s->instance_arn = ea_strdup(i->arn);
    s->path = ea_strdup(req->raw_path);
    s->query = ea_strdup(req->query);
    s->tick = ea_timer_new(t->lc->loop, on_tick, s);
    s->ws = ea_ws_accept(t->lc->loop, req, &limits, &ops, s);
    if (!s->ws) {
        ea_timer_free(s->tick);
        ea_free(s->instance_arn);
        ea_free(s->path);
        ea_free(s->query);
        ea_free(s);
        return;
    }
    ea_list_append(&t->sessions, &s->node);
    t->count++;
    ea_timer_arm(s->tick, t->lc->heartbeat_ms);
    ea_info("telemetry connected", EA_S("instance", i->arn));
}

void ea_lc_tcs_serve(ea_lc_tcs *t, ea_http_request *req)
{
    EA_FREE_AUTO char *cluster_name = NULL;
    EA_FREE_AUTO char *instance_arn = NULL;
    struct ea_lc_cluster *cluster;
    struct ea_lc_instance *i;
    ea_lc_identity who;
    ea_lc_refusal refusal;
    ea_err err;

    refusal = ea_lc_auth_request(&t->lc->auth, req, "ecs", ea_now().wall_ms, &who, &err);
    if (refusal) {
        refuse(req, 403, "AccessDeniedException", err.text);
        return;
    }
    (void)ea_http_query_get(req, "cluster", &cluster_name); /* absent ones stay NULL */
    (void)ea_http_query_get(req, "containerInstance", &instance_arn);
    cluster = cluster_name ? ea_lc_find_cluster(&t->lc->state, cluster_name) : NULL;
    i = instance_arn ? ea_lc_by_arn(&t->lc->state, EA_LC_INSTANCE, instance_arn) : NULL;
    if (!cluster || !i || strcmp(i->cluster_arn, cluster->arn) != 0 ||
        strcmp(i->status, "INACTIVE") == 0)
        refuse(req, 400, "ResourceValidationException",
               "The cluster or its container instance was not found.");
    else
        open_session(t, req, i);
}

void ea_lc_tcs_end_all(ea_lc_tcs *t)
{
    EA_LIST_EACH(&t->sessions, node)
    ea_ws_close(EA_OWNER(node, struct session, node)->ws, 1001, "the control plane ends");
}

void ea_lc_tcs_print(const ea_local *lc, ea_buf *out)
{
    size_t n = 0;

    ea_buf_adds(out, "{\"instances\":[");
    EA_LIST_EACH(&lc->state.instances, node)
    {
        const struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        ea_buf_addf(out, "%s{\"containerInstanceArn\":", n++ ? "," : "");
        ea_buf_add_json_str(out, ea_str_of(i->arn));
        ea_buf_addf(out, ",\"metrics\":%lld,\"health\":%lld,\"status\":%lld,\"lastMetrics\":",
                    (long long)i->metrics_count, (long long)i->health_count,
                    (long long)i->status_count);
        ea_buf_adds(out, i->last_metrics ? i->last_metrics : "null");
        ea_buf_adds(out, ",\"lastHealth\":");
        ea_buf_adds(out, i->last_health ? i->last_health : "null");
        ea_buf_addc(out, '}');
    }
    ea_buf_adds(out, "]}");
}
