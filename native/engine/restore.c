#include "restore.h"

#include "../base/log.h"
#include "../base/str.h"
#include "creds_book.h"
#include "hostres.h"
#include "observe.h"
#include "prepare.h"
#include "state.h"

void ea_restore_start(struct ea_turn *turn)
{
    turn->m->docker_up = false;
    ea_hostres_rebuild(turn->m);
    ea_creds_book_announce(turn->m);
    EA_LIST_EACH(&turn->m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        ea_prepare_task(turn, t);
        for (size_t i = 0; i < t->containers.n; i++) {
            struct ea_container *c = &t->containers.v[i];

            /* Its start may have been under way; below CREATED, and where the start was refused,
             * there was nothing to start. */
            c->lookup = c->known >= EA_C_CREATED && c->known < EA_C_STOPPED;
            c->may_run = c->known == EA_C_CREATED && !c->remake;
        }
    }
}

static struct ea_container *match(struct ea_turn *turn, const struct ea_docker_facts *f,
                                  struct ea_task **task)
{
    struct ea_task *t = ea_map_get(&turn->m->by_docker, f->id ? f->id : "");
    struct ea_container *c = t ? ea_task_by_docker_id(t, f->id) : NULL;

    if (!c) {
        t = ea_model_task(turn->m, f->task_arn);
        c = t ? ea_task_container(t, f->container_name) : NULL;
    }
    *task = t;
    return c;
}

void ea_restore_docker_up(struct ea_turn *turn, const struct ea_event *ev)
{
    turn->m->docker_up = true;
    ea_info("Docker answers", EA_I("containers", ev->found.n));
    /* Whoever is not in the list is looked up by id: only a definite "no such container" ends it. */
    EA_LIST_EACH(&turn->m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        for (size_t i = 0; i < t->containers.n; i++) {
            struct ea_container *c = &t->containers.v[i];

            if (c->known >= EA_C_CREATED && c->known < EA_C_STOPPED)
                c->lookup = true;
            c->retry_at_ms = 0;
            if (ea_container_is_running(c))
                ea_turn_tell(turn, t, c, EA_FX_WATCH);
        }
    }
    for (size_t i = 0; i < ev->found.n; i++) {
        const struct ea_docker_facts *f = &ev->found.v[i];
        struct ea_task *t = NULL;
        struct ea_container *c = match(turn, f, &t);

        if (!c || !f->found)
            continue;
        c->removed = false; /* it is there: one removal more than needed is harmless */
        if (f->id && !ea_zstr_eq(c->docker_id, f->id) && ea_observe_may_adopt(c))
            ea_model_set_docker_id(turn->m, t, c, f->id);
        if (!ea_zstr_eq(c->docker_id, f->id))
            continue;
        /* The list may be older than events and answers that came before it: it only makes us look. */
        if (c->known < EA_C_STOPPED || f->state == EA_C_RUNNING)
            c->lookup = true;
    }
}

void ea_restore_docker_down(struct ea_turn *turn)
{
    if (turn->m->docker_up)
        ea_warn("Docker does not answer");
    turn->m->docker_up = false;
}
