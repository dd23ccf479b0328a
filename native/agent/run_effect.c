#include "run_effect.h"

#include "../base/log.h"
#include "gmsa.h"
#include "metadata_file.h"
#include "metrics_watch.h"
#include "task_limits.h"
#include "task_resources.h"

/* The control plane sends again what was not acked: not being connected is no trouble. */
static void acked(const struct ea_effect *fx, ea_code code, const ea_err *err)
{
    if (code)
        ea_debug("ack not sent", EA_S("what", ea_fx_name(fx->kind)), EA_S("err", err->text));
}

void ea_run_effect(ea_agent *ag, const struct ea_effect *fx)
{
    ea_err err = { 0 };

    switch (fx->kind) {
    case EA_FX_RESOLVE:
    case EA_FX_PULL:
        ea_run_image(ag, fx);
        return;
    case EA_FX_CREATE:
    case EA_FX_START:
    case EA_FX_STOP:
    case EA_FX_REMOVE:
    case EA_FX_INSPECT:
    case EA_FX_FIND:
    case EA_FX_VOLUME_CREATE:
    case EA_FX_VOLUME_INSPECT:
    case EA_FX_VOLUME_REMOVE:
    case EA_FX_PING:
    case EA_FX_IMAGE_REMOVE:
    case EA_FX_DISK:
        ea_run_docker(ag, fx);
        return;
    case EA_FX_SURVEY:
    case EA_FX_UNTRACKED_REMOVE:
        ea_run_survey(ag, fx);
        return;
    case EA_FX_REPORT:
        ea_run_report(ag, fx);
        return;
    case EA_FX_ACK:
        if (ag->acs)
            acked(fx, ea_acs_ack(ag->acs, fx->message_id, fx->cluster_arn, fx->instance_arn, &err),
                  &err);
        return;
    case EA_FX_CREDS_ACK:
        if (ea_gmsa_refresh(ag, fx->credentials_id) && ag->acs)
            acked(
                fx,
                ea_acs_creds_ack(ag->acs, fx->message_id, fx->credentials_id, fx->expiration, &err),
                &err);
        return;
    case EA_FX_STOP_CANDIDATES:
        if (ag->acs)
            acked(fx,
                  ea_acs_stop_candidates(ag->acs, fx->message_id, fx->cluster_arn, &fx->arns, &err),
                  &err);
        return;
    case EA_FX_WATCH:
        ea_metrics_watch(ag, fx->task, fx->container);
        return;
    case EA_FX_UNWATCH:
        ea_metrics_unwatch(ag, fx->container);
        return;
    case EA_FX_PREPARE:
        ea_taskres_prepare(ag, fx);
        return;
    case EA_FX_TASK_ENDED: /* the engine has dropped the credentials */
        for (size_t i = 0; i < fx->task->containers.n; i++) { /* no removal follows for these */
            const struct ea_container *c = &fx->task->containers.v[i];

            if (ea_zstr_empty(c->docker_id))
                ea_metadata_file_remove(ag, fx->task->arn, c->name);
        }
        ea_task_limits_remove(ag, fx->task);
        ea_taskres_forget(ag, fx->task);
        return;
    case EA_FX_WAKE: /* turn.c arms it */
        return;
    }
}
