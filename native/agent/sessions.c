#include "sessions.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "metrics_watch.h"
#include "turn.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

enum {
    PING_MS = 2000
};

/* ---- payloads: what this agent does not offer is refused here, by name ---- */

/* A task that is known already is only told a new desired status: nothing is refused then. */
static void refuse_unsupported(const ea_agent *ag, struct ea_payload_task *p)
{
    char text[400];

    if (!p->task || p->task->desired == EA_T_STOPPED || ea_model_task(&ag->model, p->task->arn) ||
        !ea_caps_missing(&ag->caps, p->task, text))
        return;
    ea_warn("task refused", EA_S("task", p->task->arn), EA_S("err", text));
    p->arn = ea_strdup(p->task->arn);
    p->error = ea_strdup(text);
    p->refused = true;
    ea_task_free(p->task);
    p->task = NULL;
    ea_creds_done(&p->role);
    ea_creds_done(&p->exec);
}

static void on_event(void *ctx, struct ea_event *ev)
{
    ea_agent *ag = ctx;

    if (ev->kind == EA_EV_PAYLOAD) {
        for (size_t i = 0; i < ev->payload.n; i++)
            refuse_unsupported(ag, &ev->payload.v[i]);
    }
    ea_turn_post(ag, ev);
}

/* ---- health: each ACS heartbeat asks Docker, TCS tells ---- */

static void pinged(void *ctx, const ea_err *err)
{
    ea_agent *ag = ctx;

    if (ag->tcs && !ag->stopping)
        ea_tcs_set_runtime(ag->tcs, err->code == EA_OK);
}

static void on_heartbeat(void *ctx)
{
    ea_agent *ag = ctx;

    (void)ea_docker_ping(ag->docker, PING_MS, pinged, ag); /* cancelled with the client */
}

static void on_inactive(void *ctx)
{
    ea_agent *ag = ctx;

    if (ag->tcs)
        ea_tcs_kick(ag->tcs);
}

/* ---- status ---- */

static void follow(ea_agent *ag, ea_wait_id wait, const ea_session_status *s)
{
    int64_t next = s->next_try_ms ? s->next_try_ms - ea_now().wall_ms : 0;

    if (s->state == EA_SESSION_CONNECTED)
        ea_status_clear(&ag->status, wait);
    else if (!ag->stopping)
        ea_status_wait(&ag->status, wait, s->last_error.code ? &s->last_error : NULL, next);
}

static void acs_changed(void *ctx)
{
    ea_agent *ag = ctx;
    ea_session_status s;

    if (!ag->acs)
        return;
    ea_acs_status_get(ag->acs, &s);
    follow(ag, EA_WAIT_ACS, &s);
}

static void tcs_changed(void *ctx)
{
    ea_agent *ag = ctx;
    ea_session_status s;

    if (!ag->tcs)
        return;
    ea_tcs_status_get(ag->tcs, &s);
    follow(ag, EA_WAIT_TCS, &s);
}

/* ---- telemetry: statistics (metrics_watch.c), and containers that have a health check ---- */

static void add_health_container(const struct ea_container *c, ea_buf *out, bool first)
{
    int64_t since = c->health.since_ms ? c->health.since_ms : ea_now().wall_ms;

    ea_buf_adds(out, first ? "{\"containerName\":" : ",{\"containerName\":");
    ea_buf_add_json_str(out, ea_str_of(c->name));
    ea_buf_addf(out, ",\"healthStatus\":\"%s\",\"statusSince\":", ea_health_name(c->health.status));
    ea_buf_add_epoch(out, since);
    ea_buf_addc(out, '}');
}

static void add_health_task(const struct ea_task *t, ea_strlist *health)
{
    EA_BUF_AUTO text = EA_BUF(256 * 1024);
    bool first = true;

    ea_buf_adds(&text, "{\"taskArn\":");
    ea_buf_add_json_str(&text, ea_str_of(t->arn));
    ea_buf_adds(&text, ",\"taskDefinitionFamily\":");
    ea_buf_add_json_str(&text, ea_str_of(t->family));
    ea_buf_adds(&text, ",\"taskDefinitionVersion\":");
    ea_buf_add_json_str(&text, ea_str_of(t->version));
    ea_buf_adds(&text, ",\"containers\":[");
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];
        if (!ea_container_has_health_check(c) || c->known != EA_C_RUNNING)
            continue;
        add_health_container(c, &text, first);
        first = false;
    }
    ea_buf_adds(&text, "]}");
    if (!first)
        ea_strlist_add(health, ea_buf_z(&text));
}

static void collect(void *ctx, ea_strlist *metrics, bool *idle, ea_strlist *health)
{
    ea_agent *ag = ctx;

    ea_metrics_collect(ag, metrics, idle);
    if (ea_cfg_bool(ag->config, EA_CFG_DISABLE_HEALTH_CHECK))
        return;
    EA_LIST_EACH(&ag->model.tasks, node)
    {
        add_health_task(EA_OWNER(node, struct ea_task, node), health);
    }
}

/* ---- life ---- */

void ea_sessions_start(ea_agent *ag)
{
    static const ea_acs_hooks acs_hooks = { on_event, on_heartbeat, NULL, on_inactive,
                                            acs_changed };
    static const ea_tcs_hooks tcs_hooks = { collect, tcs_changed };
    const char *arn = ag->model.meta.container_instance_arn;
    const ea_acs_config acs = { ag->cluster, EA_WIRE_VERSION, EA_COMMIT, ag->docker_version,
                                ea_rng_u64(&ag->rng) };
    const ea_tcs_config tcs = { ag->cluster, EA_WIRE_VERSION,     EA_COMMIT, ag->docker_version,
                                0,           ea_rng_u64(&ag->rng) };

    ea_poll_endpoint_set_instance(ag->poll, arn);
    ag->acs = ea_acs_new(ag->ecs, ag->poll, &acs, &acs_hooks, ag);
    ag->tcs = ea_tcs_new(ag->ecs, ag->poll, &tcs, &tcs_hooks, ag);
    ea_status_wait(&ag->status, EA_WAIT_ACS, NULL, 0);
    ea_status_wait(&ag->status, EA_WAIT_TCS, NULL, 0);
    ea_acs_start(ag->acs, arn);
    ea_tcs_start(ag->tcs, arn);
}

void ea_sessions_docker_version(ea_agent *ag)
{
    if (ag->acs)
        ea_acs_set_docker_version(ag->acs, ag->docker_version);
    if (ag->tcs)
        ea_tcs_set_docker_version(ag->tcs, ag->docker_version);
}

void ea_sessions_stop(ea_agent *ag)
{
    if (ag->acs)
        ea_acs_stop(ag->acs);
    if (ag->tcs)
        ea_tcs_stop(ag->tcs);
}

void ea_sessions_free(ea_agent *ag)
{
    ea_acs *acs = ag->acs;
    ea_tcs *tcs = ag->tcs;

    ag->acs = NULL;
    ag->tcs = NULL;
    ea_acs_free(acs);
    ea_tcs_free(tcs);
}
