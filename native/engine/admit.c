#include "admit.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "creds_book.h"
#include "prepare.h"
#include "state.h"

#include <string.h>

/* --- payload --- */

/* A task that cannot be read is kept as a row of its own, so that its STOPPED report is as safe as
 * any other. A copy that cannot be read never touches a task that is there already. */
static void admit_rejected(struct ea_turn *turn, const struct ea_payload_task *p)
{
    if (ea_zstr_empty(p->arn)) {
        ea_error("task without ARN cannot be used", EA_S("err", p->error));
        return;
    }
    if (ea_model_task(turn->m, p->arn))
        return;
    struct ea_task *t = ea_task_new();
    t->arn = ea_strdup(p->arn);
    t->rejected = t->prepared = true;
    t->desired = EA_T_STOPPED;
    ea_task_set_reason(t, p->error ? p->error : "UnrecogniedTaskError: Error loading task");
    t->dirty = true;
    ea_model_add_task(turn->m, t);
    ea_warn("task rejected", EA_S("task", p->arn), EA_S("err", p->error));
}

/* Only the desired status of a known task is taken, and only upwards; its credentials are stored
 * again. */
static struct ea_task *admit_task(struct ea_turn *turn, struct ea_payload_task *p)
{
    struct ea_task *t = ea_model_task(turn->m, p->task->arn);

    if (t) {
        ea_task_set_desired(t, p->task->desired);
        ea_task_free(p->task);
    } else {
        t = p->task;
        ea_model_add_task(turn->m, t);
        t->dirty = true;
        ea_info("task added", EA_S("task", t->arn), EA_S("wanted", ea_tstate_name(t->desired)),
                EA_I("containers", t->containers.n));
        ea_prepare_task(turn, t);
    }
    p->task = NULL;
    return t;
}

static void ack_creds(struct ea_turn *turn, const struct ea_event *ev, const struct ea_creds *c)
{
    if (ea_zstr_empty(c->id))
        return;
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_CREDS_ACK);
    e->message_id = ea_strdup(ev->message_id);
    e->credentials_id = ea_strdup(c->id);
    e->expiration = ea_strdup(c->expiration);
}

static void ack(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_ACK);

    e->message_id = ea_strdup(ev->message_id);
    e->cluster_arn = ea_strdup(ev->cluster_arn);
    e->instance_arn = ea_strdup(ev->instance_arn);
}

void ea_admit_payload(struct ea_turn *turn, struct ea_event *ev)
{
    bool all_good = true;

    for (size_t i = 0; i < ev->payload.n; i++)
        if (!ev->payload.v[i].task && !ev->payload.v[i].refused)
            all_good = false;
    if (all_good) { /* one bad task: no answer at all, the message comes again */
        ack(turn, ev);
        for (size_t i = 0; i < ev->payload.n; i++) {
            ack_creds(turn, ev, &ev->payload.v[i].role);
            ack_creds(turn, ev, &ev->payload.v[i].exec);
        }
    }
    for (size_t i = 0; i < ev->payload.n; i++)
        if (!ev->payload.v[i].task)
            admit_rejected(turn, &ev->payload.v[i]);
    /* Stops first: what they give back may be what the others need. */
    for (int stops = 1; stops >= 0; stops--)
        for (size_t i = 0; i < ev->payload.n; i++) {
            struct ea_payload_task *p = &ev->payload.v[i];

            if (!p->task || (p->task->desired == EA_T_STOPPED) != (stops == 1))
                continue;
            struct ea_task *t = admit_task(turn, p);
            p->role.role_type = EA_ROLE_TASK;
            p->exec.role_type = EA_ROLE_EXECUTION;
            if (t->known == EA_T_STOPPED)
                continue; /* its credentials are of no use any more */
            ea_creds_book_put(turn, t, &p->role);
            ea_creds_book_put(turn, t, &p->exec);
        }
    if (ev->seq_num > turn->m->meta.payload_seq)
        turn->m->meta.payload_seq = ev->seq_num;
}

/* --- credentials --- */

void ea_admit_creds(struct ea_turn *turn, struct ea_event *ev)
{
    struct ea_task *t = ea_model_task(turn->m, ev->arn);

    if (ea_zstr_empty(ev->creds.id))
        return;
    if (t)
        ack_creds(turn, ev, &ev->creds);
    else
        ea_warn("credentials for a task that is not here", EA_S("task", ev->arn));
    if (!t)
        ea_set_str(&ev->creds.task_arn, ev->arn);
    ea_creds_book_put(turn, t, &ev->creds);
}

/* --- manifest --- */

static bool listed_running(const struct ea_event *ev, const char *arn)
{
    for (size_t i = 0; i < ev->manifest.n; i++)
        if (ev->manifest.running[i] && ea_zstr_eq(ev->manifest.arn[i], arn))
            return true;
    return false;
}

void ea_admit_manifest(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_meta *meta = &turn->m->meta;

    if (ev->timeline <= meta->manifest_seq || ev->timeline <= meta->payload_seq) {
        ea_info("stale manifest", EA_I("timeline", ev->timeline));
        return;
    }
    meta->manifest_seq = ev->timeline;
    meta->dirty = true;
    ea_set_str(&meta->manifest_message_id, ev->message_id);
    ack(turn, ev);

    ea_strlist candidates = { NULL, 0 };
    EA_LIST_EACH(&turn->m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        if (t->desired == EA_T_RUNNING && !listed_running(ev, t->arn))
            ea_strlist_add(&candidates, t->arn);
    }
    if (candidates.n == 0)
        return;
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_STOP_CANDIDATES);
    e->message_id = ea_strdup(ev->message_id);
    e->cluster_arn = ea_strdup(ev->cluster_arn);
    e->arns = candidates;
}

void ea_admit_stop_verified(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_meta *meta = &turn->m->meta;

    if (!meta->manifest_message_id || !ea_zstr_eq(meta->manifest_message_id, ev->message_id))
        return;
    ea_set_str(&meta->manifest_message_id, NULL);
    for (size_t i = 0; i < ev->arns.n; i++) {
        struct ea_task *t = ea_model_task(turn->m, ev->arns.v[i]);

        if (t)
            ea_task_set_desired(t, EA_T_STOPPED);
    }
}

void ea_admit_operator_stop(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_task *t = ea_model_task(turn->m, ev->arn);

    if (!t || t->desired == EA_T_STOPPED)
        return;
    ea_task_set_reason(t, "Task stopped by the operator of the container instance");
    ea_task_set_desired(t, EA_T_STOPPED);
}
