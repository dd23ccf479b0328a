#include "agent.h"
#include "docker_link.h"
#include "register.h"

#include "../plat/plat.h"
#include "version.h"

#include <inttypes.h>

static const char *state_name(const ea_agent *ag, const ea_session_status *acs)
{
    if (ag->stopping)
        return "STOPPING";
    if (!ea_registrar_registered(ag->registrar))
        return "WAITING";
    if (ag->model.draining)
        return "DRAINING";
    return acs->state == EA_SESSION_CONNECTED ? "CONNECTED" : "REGISTERED";
}

static void add_str(ea_buf *out, const char *name, const char *value)
{
    ea_buf_addf(out, ",\"%s\":", name);
    if (ea_zstr_empty(value))
        ea_buf_adds(out, "null");
    else
        ea_buf_add_json_str(out, ea_str_of(value));
}

static void add_tasks(const ea_agent *ag, ea_buf *out)
{
    unsigned pending = 0, running = 0, stopped = 0;

    EA_LIST_EACH(&ag->model.tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, struct ea_task, node);
        if (t->known == EA_T_STOPPED)
            stopped++;
        else if (t->known == EA_T_RUNNING)
            running++;
        else
            pending++;
    }
    ea_buf_addf(out, ",\"tasks\":{\"pending\":%u,\"running\":%u,\"stopped\":%u}", pending, running,
                stopped);
}

static void add_capabilities(const ea_agent *ag, ea_buf *out)
{
    ea_buf_adds(out, ",\"capabilities\":[");
    for (size_t i = 0; i < ag->caps.n; i++) {
        const struct ea_cap *c = &ag->caps.v[i];
        ea_buf_adds(out, i ? ",{\"name\":" : "{\"name\":");
        ea_buf_add_json_str(out, ea_str_of(c->name));
        ea_buf_addf(out, ",\"offered\":%s", c->offered ? "true" : "false");
        add_str(out, "reason", c->reason);
        ea_buf_addc(out, '}');
    }
    ea_buf_addc(out, ']');
}

/* Why no metrics are accepted; NULL: they are, or are about to be. */
static const char *metrics_trouble(const ea_agent *ag, const ea_session_status *tcs,
                                   const char *refused)
{
    if (ea_cfg_bool(ag->config, EA_CFG_DISABLE_METRICS))
        return "switched off by ECS_DISABLE_METRICS";
    if (!ag->tcs)
        return "the instance is not registered yet";
    if (refused)
        return refused;
    if (tcs->state == EA_SESSION_CONNECTED)
        return NULL;
    return tcs->last_error.code ? tcs->last_error.text : "the telemetry session is not connected";
}

static void add_metrics(const ea_agent *ag, ea_buf *out)
{
    ea_session_status tcs = { 0 };
    int64_t accepted_ms = 0;
    const char *refused = NULL;

    if (ag->tcs) {
        ea_tcs_status_get(ag->tcs, &tcs);
        ea_tcs_accepted_get(ag->tcs, &accepted_ms, &refused);
    }
    ea_buf_addf(out, ",\"lastMetricsAt\":%" PRId64, accepted_ms);
    add_str(out, "metricsReason", metrics_trouble(ag, &tcs, refused));
}

/* As it was seen last: before, between and after pulls. `short`: images are going for room. */
static void add_disk(const ea_agent *ag, ea_buf *out)
{
    const struct ea_disk *disk = &ag->model.disk;

    if (disk->total_bytes > 0)
        ea_buf_addf(out,
                    ",\"dockerDisk\":{\"freeBytes\":%" PRId64 ",\"totalBytes\":%" PRId64
                    ",\"short\":%s}",
                    disk->free_bytes, disk->total_bytes, disk->pressed ? "true" : "false");
}

/* {"state":"CONNECTED","pid":..,"version":..,...}: the members of ecsagent_status in ecsagent.h;
 * times are wall milliseconds, 0 for never. */
void ea_agent_status_json(void *agent, ea_buf *out)
{
    const ea_agent *ag = agent;
    ea_session_status acs = { 0 };

    if (ag->acs)
        ea_acs_status_get(ag->acs, &acs);
    ea_buf_addf(out, "{\"state\":\"%s\",\"pid\":%" PRId64, state_name(ag, &acs), ea_plat_pid());
    add_str(out, "cluster", ag->cluster);
    add_str(out, "containerInstanceArn", ag->model.meta.container_instance_arn);
    add_str(out, "version", EA_VERSION);
    add_str(out, "wireVersion", EA_WIRE_VERSION);
    add_str(out, "commit", EA_COMMIT);
    add_str(out, "dockerVersion", ag->docker_version);
    add_str(out, "dockerApiVersion", ag->docker_api);
    add_str(out, "ec2InstanceId", ag->model.meta.ec2_instance_id);
    add_str(out, "region", ag->region);
    add_str(out, "endpoint", ag->ecs ? ea_aws_endpoint(ag->ecs) : NULL);
    add_str(out, "dataDir", ag->data_dir);
    add_str(out, "logFile", ag->log_file);
    ea_buf_addf(out,
                ",\"startedAt\":%" PRId64 ",\"uptime\":%" PRId64 ",\"acsConnectedAt\":%" PRId64
                ",\"taskRoleReady\":%s,\"dockerUp\":%s",
                ag->started.wall_ms, (ea_now().mono_ms - ag->started.mono_ms) / 1000,
                acs.state == EA_SESSION_CONNECTED ? acs.connected_ms : 0,
                ag->task_role_proven ? "true" : "false",
                ea_docker_link_is_up(ag->link) ? "true" : "false");
    add_metrics(ag, out);
    add_disk(ag, out);
    ea_buf_addc(out, ',');
    ea_status_add_json(&ag->status, out);
    add_tasks(ag, out);
    add_capabilities(ag, out);
    ea_buf_addc(out, '}');
}
