#include "volumes.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "state.h"

#include <string.h>

enum {
    VOLUME_LIMIT_MS = 300000,
    REMOVE_ATTEMPTS = 5
};

static bool is_docker(const struct ea_volume *v)
{
    return v->type && strcmp(v->type, "docker") == 0;
}

static bool is_shared(const struct ea_volume *v)
{
    return v->docker && ea_zstr_eq(v->docker->scope, "shared");
}

/* A host volume without a path: Docker keeps the data, for as long as the task lives. */
static bool is_agent_managed(const struct ea_volume *v)
{
    return !is_docker(v) && v->host && ea_zstr_empty(v->host->source_path);
}

static void name_volume(struct ea_model *m, struct ea_task *t, struct ea_volume *v)
{
    char hex[21];

    if (v->docker_name)
        return;
    ea_rng_hex(&m->rng, 20, hex);
    v->docker_name = ea_sprintf_dup("ecs-%s-%s-%s-%s", t->family ? t->family : "",
                                    t->version ? t->version : "", v->name, hex);
}

ea_code ea_volumes_prepare(struct ea_model *m, struct ea_task *t, ea_err *err)
{
    for (size_t i = 0; i < t->volumes.n; i++) {
        struct ea_volume *v = &t->volumes.v[i];

        if (is_agent_managed(v)) {
            name_volume(m, t, v);
            v->created_by_us = true;
        } else if (!is_docker(v)) {
            v->known = EA_R_CREATED; /* a path of the host needs nobody */
        } else if (is_shared(v)) {
            ea_set_str(&v->docker_name, v->name);
        } else {
            if (v->docker && v->docker->autoprovision)
                return ea_fail(err, EA_INVALID,
                               "volume %s: task scoped volume could not be autoprovisioned",
                               v->name);
            name_volume(m, t, v);
            v->created_by_us = true;
        }
    }
    return EA_OK;
}

bool ea_volumes_ready(const struct ea_task *t, const struct ea_container *c)
{
    for (size_t i = 0; i < c->mounts.n; i++) {
        const struct ea_volume *v = ea_task_volume(t, c->mounts.v[i].source_volume);

        if (v && v->known != EA_R_CREATED)
            return false;
    }
    return true;
}

static void ask(struct ea_turn *turn, struct ea_task *t, struct ea_volume *v, ea_fx_kind kind)
{
    struct ea_effect *e = ea_effects_add(turn->fx, kind);

    e->op = v->op = turn->m->next_op++;
    e->task = t;
    e->volume = v;
    e->limit_ms = VOLUME_LIMIT_MS;
    v->attempts++;
    v->retry_at_ms = 0;
}

bool ea_volumes_step(struct ea_turn *turn, struct ea_task *t)
{
    bool wanted = t->desired >= EA_T_CREATED && t->desired < EA_T_STOPPED && t->holds_resources;

    for (size_t i = 0; i < t->volumes.n && wanted; i++) {
        struct ea_volume *v = &t->volumes.v[i];

        if (v->known != EA_R_NONE || v->op || ea_turn_waits(turn, v->retry_at_ms) ||
            !turn->m->docker_up)
            continue;
        ask(turn, t, v, is_shared(v) && !v->asked ? EA_FX_VOLUME_INSPECT : EA_FX_VOLUME_CREATE);
    }
    return false;
}

static void fail(struct ea_turn *turn, struct ea_task *t, const struct ea_volume *v,
                 const struct ea_event *ev)
{
    bool inspect = ev->of == EA_FX_VOLUME_INSPECT;
    EA_FREE_AUTO char *reason = NULL;

    if (ev->err.code == EA_TIMEOUT)
        reason = ea_sprintf_dup("DockerTimeoutError: Could not transition to %s volume; timed out "
                                "after waiting 5m0s",
                                inspect ? "inspecting" : "creating");
    else
        reason = ea_sprintf_dup("%s: volume %s: %s",
                                ev->error_name ? ev->error_name
                                : inspect      ? "CannotInspectVolumeError"
                                               : "CannotCreateVolumeError",
                                v->name, ev->err.text);
    ea_task_fail(turn, t, reason);
}

static void removed(struct ea_turn *turn, struct ea_task *t, struct ea_volume *v,
                    const struct ea_event *ev)
{
    if (ev->err.code == EA_OK || ev->err.code == EA_NOT_FOUND) {
        v->removed = true;
        return;
    }
    if (ev->err.code == EA_UNREACHABLE)
        v->attempts = 0;
    if (v->attempts >= REMOVE_ATTEMPTS) {
        ea_warn("volume not removed", EA_S("task", t->arn), EA_S("volume", v->docker_name),
                EA_S("err", ev->err.text));
        v->removed = true;
        return;
    }
    v->retry_at_ms = turn->now->mono_ms + ea_turn_delay(turn, v->attempts, 1000, 30000, 2.0, 0.2);
}

void ea_volumes_result(struct ea_turn *turn, struct ea_task *t, struct ea_volume *v,
                       const struct ea_event *ev)
{
    v->op = 0;
    if (ev->of == EA_FX_VOLUME_REMOVE) {
        removed(turn, t, v, ev);
    } else if (ev->err.code == EA_OK) {
        v->known = EA_R_CREATED;
        v->attempts = 0;
        t->dirty = true;
    } else if (ev->err.code == EA_UNREACHABLE) {
        /* Creating a volume of the same name again gives the same volume. */
        v->retry_at_ms =
            turn->now->mono_ms + ea_turn_delay(turn, v->attempts, 1000, 30000, 2.0, 0.2);
    } else if (ev->of == EA_FX_VOLUME_INSPECT && ev->err.code == EA_NOT_FOUND &&
               v->docker->autoprovision) {
        v->asked = true;
        v->attempts = 0;
    } else {
        fail(turn, t, v, ev);
    }
}

bool ea_volumes_remove(struct ea_turn *turn, struct ea_task *t)
{
    bool done = true;

    for (size_t i = 0; i < t->volumes.n; i++) {
        struct ea_volume *v = &t->volumes.v[i];

        if (!v->created_by_us || v->removed)
            continue;
        done = false;
        if (!v->op && turn->m->docker_up && !ea_turn_waits(turn, v->retry_at_ms))
            ask(turn, t, v, EA_FX_VOLUME_REMOVE);
    }
    return done;
}
