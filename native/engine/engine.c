#include "engine.h"

#include "../base/alloc.h"
#include "admit.h"
#include "cleanup.h"
#include "hostres.h"
#include "images.h"
#include "observe.h"
#include "ports.h"
#include "reconcile.h"
#include "report_due.h"
#include "restore.h"
#include "room.h"

static void dispatch(struct ea_turn *turn, struct ea_event *ev)
{
    switch (ev->kind) {
    case EA_EV_START:
        ea_restore_start(turn);
        break;
    case EA_EV_DOCKER_UP:
        ea_restore_docker_up(turn, ev);
        break;
    case EA_EV_DOCKER_DOWN:
        ea_restore_docker_down(turn);
        break;
    case EA_EV_PAYLOAD:
        ea_admit_payload(turn, ev);
        break;
    case EA_EV_CREDS:
        ea_admit_creds(turn, ev);
        break;
    case EA_EV_MANIFEST:
        ea_admit_manifest(turn, ev);
        break;
    case EA_EV_STOP_VERIFIED:
        ea_admit_stop_verified(turn, ev);
        break;
    case EA_EV_DOCKER:
        ea_observe_docker(turn, ev);
        break;
    case EA_EV_RESULT:
        ea_observe_result(turn, ev);
        break;
    case EA_EV_REPORTED:
        ea_report_answered(turn, ev);
        break;
    case EA_EV_STOP_TASK:
        ea_admit_operator_stop(turn, ev);
        break;
    case EA_EV_DRAIN:
        turn->m->draining = true;
        break;
    case EA_EV_TIMER: /* what is due is found below */
        break;
    }
}

void ea_engine_turn(struct ea_model *m, struct ea_event *ev, const ea_time *now,
                    struct ea_effects *fx)
{
    struct ea_turn turn = { .m = m, .now = now, .fx = fx };
    bool again;

    ea_ports_expire(&turn);
    dispatch(&turn, ev);
    do {
        EA_LIST_EACH(&m->tasks, node)
        {
            ea_reconcile_task(&turn, EA_OWNER(node, struct ea_task, node));
        }
        again = ea_hostres_admit(&turn);
        if (ea_room_press(&turn))
            again = true;
    } while (again);
    ea_report_due(&turn);
    EA_LIST_EACH(&m->tasks, node)
    {
        (void)ea_cleanup_task(&turn, EA_OWNER(node, struct ea_task, node)); /* it may be gone */
    }
    ea_images_clean(&turn);
    if (turn.wake_ms)
        ea_effects_add(fx, EA_FX_WAKE)->at_ms = turn.wake_ms;
}

void ea_event_done(struct ea_event *ev)
{
    if (!ev)
        return;
    for (size_t i = 0; i < ev->payload.n; i++) {
        struct ea_payload_task *p = &ev->payload.v[i];

        ea_task_free(p->task);
        ea_creds_done(&p->role);
        ea_creds_done(&p->exec);
        ea_free(p->arn);
        ea_free(p->error);
    }
    ea_free(ev->payload.v);
    for (size_t i = 0; i < ev->manifest.n; i++)
        ea_free(ev->manifest.arn[i]);
    ea_free(ev->manifest.arn);
    ea_free(ev->manifest.running);
    for (size_t i = 0; i < ev->found.n; i++)
        ea_docker_facts_done(&ev->found.v[i]);
    ea_free(ev->found.v);
    for (size_t i = 0; i < ev->images.n; i++)
        ea_image_facts_done(&ev->images.v[i]);
    ea_free(ev->images.v);
    ea_docker_facts_done(&ev->facts);
    ea_creds_done(&ev->creds);
    ea_strlist_free(&ev->arns);
    ea_free(ev->arn);
    ea_free(ev->message_id);
    ea_free(ev->cluster_arn);
    ea_free(ev->instance_arn);
    ea_free(ev->error_name);
    ea_free(ev->digest);
    ea_free(ev->image_id);
    *ev = (struct ea_event){ .kind = ev->kind };
}
