#include "observe.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "images.h"
#include "ports.h"
#include "resources.h"
#include "restart.h"
#include "results.h"
#include "room.h"
#include "state.h"
#include "untracked.h"
#include "volumes.h"

#include <string.h>

enum {
    HEALTH_OUTPUT_MAX = 1024
};

static void copy_bindings(struct ea_container *c, const struct ea_docker_facts *f)
{
    c->bindings.v = ea_alloc_array(f->bindings.n, sizeof(*c->bindings.v));
    c->bindings.n = f->bindings.n;
    for (size_t i = 0; i < f->bindings.n; i++) {
        const struct ea_binding *b = &f->bindings.v[i];
        c->bindings.v[i] = (struct ea_binding){ ea_strdup(b->bind_ip), ea_strdup(b->protocol),
                                                b->container_port, b->host_port };
    }
}

static void copy_networks(struct ea_container *c, const struct ea_docker_facts *f)
{
    for (size_t i = 0; i < c->networks.n; i++)
        ea_json_free(&ea_network_shape, &c->networks.v[i]);
    ea_free(c->networks.v);
    c->networks.v = ea_alloc_array(f->networks.n, sizeof(*c->networks.v));
    c->networks.n = f->networks.n;
    for (size_t i = 0; i < f->networks.n; i++) {
        const struct ea_network *n = &f->networks.v[i];
        c->networks.v[i] =
            (struct ea_network){ ea_strdup(n->mode), ea_strdup(n->ipv4), ea_strdup(n->ipv6),
                                 ea_strdup(n->gateway), ea_strdup(n->mac) };
    }
}

static void copy_mounts(struct ea_container *c, const struct ea_docker_facts *f)
{
    c->docker_mounts.v = ea_alloc_array(f->mounts.n, sizeof(*c->docker_mounts.v));
    c->docker_mounts.n = f->mounts.n;
    for (size_t i = 0; i < f->mounts.n; i++) {
        const struct ea_mount *x = &f->mounts.v[i];
        c->docker_mounts.v[i] = (struct ea_mount){ ea_strdup(x->name), ea_strdup(x->source),
                                                   ea_strdup(x->destination) };
    }
}

/* Since-time and output change with the status alone; the last unhealthy exit code stays. */
static void copy_health(struct ea_turn *turn, struct ea_container *c,
                        const struct ea_docker_facts *f)
{
    if (!ea_container_has_health_check(c) || !f->has_health)
        return;
    if (f->health.exit_code.has)
        c->health.exit_code = f->health.exit_code;
    if (f->health.status == c->health.status && c->health.since_ms)
        return;
    c->health.status = f->health.status;
    c->health.since_ms = f->health.since_ms ? f->health.since_ms : turn->now->wall_ms;
    ea_free(c->health.output);
    c->health.output = NULL;
    if (f->health.output) {
        size_t n = strlen(f->health.output);
        c->health.output =
            ea_strndup(f->health.output, ea_utf8_cut(f->health.output, n, HEALTH_OUTPUT_MAX));
    }
}

void ea_observe_metadata(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                         const struct ea_docker_facts *f)
{
    if (f->id && (!c->docker_id || (c->vanished && strcmp(f->id, c->docker_id) != 0)))
        ea_model_set_docker_id(turn->m, t, c, f->id);
    if (f->brief)
        return;
    c->pid = f->pid;
    c->oom_seen = c->oom_seen || f->oom_killed;
    if (f->created_ms)
        c->created_ms = f->created_ms;
    if (f->started_ms && !c->started_ms)
        c->started_ms = f->started_ms; /* the first start ever */
    if (f->image_id && !c->image_id)
        ea_set_str(&c->image_id, f->image_id);
    if (f->bindings.n && !c->bindings.n)
        copy_bindings(c, f);
    if (f->networks.n && f->state == EA_C_RUNNING)
        copy_networks(c, f);
    if (f->mounts.n && !c->docker_mounts.n)
        copy_mounts(c, f);
    copy_health(turn, c, f);
    t->dirty = true;
}

/* The container is not running and was: either its policy starts it again or this was its end. */
static void exited(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                   const struct ea_docker_facts *f)
{
    if (!f->started_ms && ea_ports_clash(turn, t, c, f->state_error))
        return;
    if (c->known < EA_C_RUNNING && f->started_ms) { /* it ran, however short, and that is told */
        ea_container_set_known(turn, t, c, EA_C_RUNNING, "ran");
        (void)ea_task_derive(turn, t);
    }
    if (ea_restart_wanted(turn, t, c, f))
        return;
    if (f->exit_code.has)
        c->exit_code = f->exit_code;
    if (f->finished_ms)
        c->finished_ms = f->finished_ms;
    if (f->oom_killed)
        ea_container_set_error(t, c, "OutOfMemoryError", "Container killed due to memory usage");
    else if (!ea_zstr_empty(f->state_error))
        ea_container_set_error(t, c, "DockerStateError", f->state_error);
    ea_container_set_known(turn, t, c, EA_C_STOPPED, "exited");
}

static void runs(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    t->dirty = t->dirty || c->restarting;
    c->may_run = c->restarting = false;
    ea_container_clear_doubt(c);
    if (c->known == EA_C_STOPPED) {
        c->revived = true;
        return;
    }
    if (c->exit_code.has && c->desired != EA_C_STOPPED) {
        c->exit_code = (ea_opt_i64){ 0 }; /* that of an earlier run */
        t->dirty = true;
    }
    ea_container_set_known(turn, t, c, EA_C_RUNNING, "runs");
}

/* Exists and was never started, so a start whose outcome was unknown did not happen. */
static void only_created(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    ea_results_created(turn, t, c);
    if (c->doubt_name) {
        ea_container_set_error(t, c, c->doubt_name, c->doubt_text);
        ea_container_clear_doubt(c);
        ea_container_set_desired(t, c, EA_C_STOPPED);
        return; /* may_run stays: Docker may still be at it */
    }
    c->may_run = false;
}

void ea_observe_facts(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                      const struct ea_docker_facts *f)
{
    if (f->id && c->docker_id && !c->vanished && strcmp(f->id, c->docker_id) != 0) {
        ea_warn("second container for one task container left alone", EA_S("task", t->arn),
                EA_S("container", c->name), EA_S("docker_id", f->id));
        return;
    }
    ea_observe_metadata(turn, t, c, f);
    if (f->brief) {
        c->lookup = true;
        return;
    }
    if (c->remake && f->state != EA_C_RUNNING && !f->started_ms) {
        ea_ports_found(t, c); /* it goes, whatever is told of it */
        return;
    }
    switch (f->state) {
    case EA_C_CREATED:
        only_created(turn, t, c);
        break;
    case EA_C_RUNNING:
        runs(turn, t, c);
        break;
    case EA_C_STOPPED:
        c->may_run = false;
        c->revived = false;
        ea_container_clear_doubt(c);
        if (c->known < EA_C_STOPPED)
            exited(turn, t, c, f);
        break;
    case EA_C_NONE:
    case EA_C_MANIFEST_PULLED:
    case EA_C_PULLED:
    case EA_C_PROVISIONED:
    case EA_C_COUNT:
        break;
    }
}

void ea_observe_vanished(struct ea_turn *turn, struct ea_task *t, struct ea_container *c)
{
    /* A create that Docker carries out very late may still bring another one under this name. */
    c->vanished = c->docker_id != NULL;
    t->dirty = true;
    if (c->known == EA_C_STOPPED) {
        c->revived = false;
        return;
    }
    if (c->desired != EA_C_STOPPED)
        ea_container_set_error(t, c, "ContainerVanishedError",
                               "No container matching saved ID found");
    ea_container_set_known(turn, t, c, EA_C_STOPPED, "gone from Docker");
}

bool ea_observe_may_adopt(const struct ea_container *c)
{
    return !c->docker_id || c->vanished || c->known < EA_C_CREATED || c->known == EA_C_STOPPED;
}

static struct ea_container *owner(struct ea_turn *turn, const struct ea_event *ev,
                                  struct ea_task **task)
{
    const struct ea_docker_facts *f = &ev->facts;
    struct ea_task *t = f->id ? ea_map_get(&turn->m->by_docker, f->id) : NULL;
    struct ea_container *c = NULL;

    if (t) {
        *task = t;
        return ea_task_by_docker_id(t, f->id);
    }
    if (ev->action == EA_DA_DESTROY)
        return NULL; /* gone, and never known: one that was made again, or somebody's */
    t = ea_model_task(turn->m, f->task_arn);
    c = t ? ea_task_container(t, f->container_name) : NULL;
    if (!c || !f->id || !ea_observe_may_adopt(c))
        return NULL;
    *task = t;
    return c;
}

void ea_observe_docker(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_task *t = NULL;
    struct ea_container *c = owner(turn, ev, &t);

    if (!c || (c->removed && ev->action != EA_DA_CREATE))
        return;
    c->removed = false; /* Docker made it after the clean-up had looked: it is removed as well */
    if (!ea_zstr_eq(c->docker_id, ev->facts.id))
        ea_model_set_docker_id(turn->m, t, c, ev->facts.id);
    switch (ev->action) {
    case EA_DA_CREATE:
        if (!c->op && c->known < EA_C_CREATED)
            c->lookup = true;
        break;
    case EA_DA_START:
        /* The answer to our own start tells more than its event, its error above all. */
        if (!(c->op && c->applied == EA_C_RUNNING))
            c->lookup = true;
        break;
    case EA_DA_DIE:
        if (ev->facts.exit_code.has && !c->exit_code.has && c->known < EA_C_STOPPED) {
            /* In case the container is gone when we look; saved with what that look finds. */
            c->exit_code = ev->facts.exit_code;
        }
        if (!(c->op && c->applied == EA_C_STOPPED) && c->known < EA_C_STOPPED)
            c->lookup = true;
        break;
    case EA_DA_OOM:
        c->oom_seen = true;
        ea_warn("container out of memory", EA_S("task", t->arn), EA_S("container", c->name));
        break;
    case EA_DA_HEALTHY:
    case EA_DA_UNHEALTHY:
    case EA_DA_DESTROY:
        if (c->known < EA_C_STOPPED)
            c->lookup = true;
        break;
    }
}

static bool find_op(const struct ea_model *m, uint64_t op, struct ea_task **t,
                    struct ea_container **c, struct ea_volume **v)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        *t = EA_OWNER(node, struct ea_task, node);
        for (size_t i = 0; i < (*t)->containers.n; i++)
            if ((*t)->containers.v[i].op == op) {
                *c = &(*t)->containers.v[i];
                return true;
            }
        for (size_t i = 0; i < (*t)->volumes.n; i++)
            if ((*t)->volumes.v[i].op == op) {
                *v = &(*t)->volumes.v[i];
                return true;
            }
    }
    return false;
}

void ea_observe_result(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_task *t = NULL;
    struct ea_container *c = NULL;
    struct ea_volume *v = NULL;

    if (ev->op == 0 || ea_room_result(turn, ev) || ea_untracked_result(turn, ev) ||
        ea_images_result(turn, ev) || ea_resources_result(turn, ev) ||
        !find_op(turn->m, ev->op, &t, &c, &v))
        return; /* of an effect that nobody waits for any more, or of an earlier life */
    if (v)
        ea_volumes_result(turn, t, v, ev);
    else
        ea_results_take(turn, t, c, ev);
}
