#include "run_effect.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../docker/docker_body.h"
#include "../docker/docker_container.h"
#include "../docker/docker_image.h"
#include "../docker/docker_volume.h"
#include "disk.h"
#include "host_ports.h"
#include "metadata_file.h"
#include "stop_watch.h"
#include "task_endpoint.h"
#include "task_limits.h"
#include "task_resources.h"
#include "turn.h"

#include <string.h>

enum {
    SHORT_MS = 30000
};

/* One effect under way: what its later steps need, copied. */
struct run {
    ea_agent *ag;
    uint64_t op;
    ea_fx_kind kind;
    char *task_arn, *container, *id, *name, *api;
    char *error_name;
    int64_t free_bytes, total_bytes; /* of Docker's disk */
    int64_t limit_ms, stop_s;
    struct ea_docker_facts facts;
    ea_stop_watch *watch; /* EA_FX_STOP; NULL: the end is asked for */
};

static void finish(struct run *r, const ea_err *err)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .op = r->op, .of = r->kind, .err = *err };

    ev.arn = r->task_arn;
    ev.facts = r->facts;
    if (r->facts.state == EA_C_RUNNING && !r->facts.brief)
        ea_metadata_file_ready(r->ag, r->task_arn, r->container, &r->facts);
    ev.error_name = r->error_name;
    ev.disk_free = r->free_bytes;
    ev.disk_total = r->total_bytes;
    ea_turn_post(r->ag, &ev);
    ea_free(r->container);
    ea_free(r->id);
    ea_free(r->name);
    ea_free(r->api);
    ea_free(r);
}

static void finish_ok(struct run *r)
{
    ea_err ok = { 0 };

    finish(r, &ok);
}

static void plain_done(void *ctx, const ea_err *err)
{
    finish(ctx, err);
}

static void facts_done(void *ctx, struct ea_docker_facts *facts, const ea_err *err)
{
    struct run *r = ctx;

    if (facts) {
        r->facts = *facts;
        memset(facts, 0, sizeof(*facts));
    }
    finish(r, err);
}

/* A removal of what is not there has done its work. */
static void gone_done(void *ctx, const ea_err *err)
{
    struct run *r = ctx;

    if (err->code == EA_NOT_FOUND)
        finish_ok(r);
    else
        finish(r, err);
}

static void removed(void *ctx, const ea_err *err)
{
    const struct run *r = ctx;

    if (!err->code || err->code == EA_NOT_FOUND)
        ea_metadata_file_remove(r->ag, r->task_arn, r->container);
    finish(ctx, err); /* whether it was there makes a difference to the engine */
}

static void disk_told(void *ctx, int64_t free_bytes, int64_t total_bytes, const ea_err *err)
{
    struct run *r = ctx;

    r->free_bytes = free_bytes;
    r->total_bytes = total_bytes;
    finish(r, err);
}

/* ---- containers ---- */

/* The name is ours if the labels say so: a create whose answer was lost. */
static void conflict_inspected(void *ctx, struct ea_docker_facts *facts, const ea_err *err)
{
    struct run *r = ctx;
    ea_err why = { 0 };

    if (facts && facts->found && ea_zstr_eq(facts->task_arn, r->task_arn) &&
        ea_zstr_eq(facts->container_name, r->container)) {
        facts_done(r, facts, err);
        return;
    }
    /* Not seen: the engine is still at a create of ours, from before a crash. */
    if (!facts || !facts->found)
        (void)ea_fail(&why, EA_UNREACHABLE, "the name %s is taken and its container not seen: %s",
                      r->name, err->text);
    else
        (void)ea_fail(&why, EA_CONFLICT, "the name %s is taken by a container of somebody else",
                      r->name);
    finish(r, &why);
}

static void created(void *ctx, const char *id, const ea_err *err)
{
    struct run *r = ctx;
    ea_err why = { 0 };

    if (err->code == EA_CONFLICT) {
        (void)ea_docker_inspect(r->ag->docker, r->name, SHORT_MS, conflict_inspected, r);
        return;
    }
    if (err->code == EA_UNSUPPORTED) { /* the payload's version; the error's name is spelt so */
        r->error_name = ea_strdup("CannotGetDockerclientError");
        (void)ea_fail(&why, err->code, "(v%s) - %s", r->api ? r->api : "", err->text);
        finish(r, &why);
        return;
    }
    if (id) {
        r->facts.found = r->facts.brief = true;
        r->facts.id = ea_strdup(id);
        r->facts.state = EA_C_CREATED;
    }
    finish(r, err);
}

static void create_now(struct run *r, const struct ea_task *t, const struct ea_container *c)
{
    ea_agent *ag = r->ag;
    char group[EA_TASK_GROUP_MAX] = "";
    struct ea_metadata_file metadata;
    struct ea_fetched fetched;
    struct ea_body_settings settings = {
        .windows = ag->model.settings.windows,
        .cluster = ag->cluster,
        .region = ag->region,
        .processors = ag->processors,
        .cpu_unbounded = ea_cfg_bool(ag->config, EA_CFG_CPU_UNBOUNDED),
        .memory_unbounded = ea_cfg_bool(ag->config, EA_CFG_MEMORY_UNBOUNDED),
        .propagate_task_memory =
            ag->cgroup_v2 && ea_cfg_bool(ag->config, EA_CFG_PROPAGATE_MEMORY_V2),
        .cgroup_parent = group,
        .image_env = ea_image_env(ag, c->image),
    };
    EA_SECRET_AUTO char *body = NULL;
    const char *error_name = NULL;
    ea_err err = { 0 };

    if (ea_ports_untold(c, &err) || ea_ports_lacking(c, &err)) {
        r->error_name = ea_strdup("HostConfigError");
        finish(r, &err);
        return;
    }
    if (ea_task_limits_apply(ag, t, group, &err)) {
        r->error_name = ea_strdup("HostConfigError");
        finish(r, &err);
        return;
    }
    if (ea_taskres_of(ag, t, c, &fetched, &err)) {
        ea_fetched_done(&fetched);
        r->error_name = ea_strdup("ResourceInitializationError");
        finish(r, &err);
        return;
    }
    ea_metadata_file_make(ag, t, c, &metadata);
    settings.metadata_bind = metadata.bind;
    settings.metadata_file = metadata.inside;
    settings.credential_spec = fetched.credential_spec;
    settings.file_env = &fetched.file_env;
    settings.secret_env = &fetched.secret_env;
    settings.secret_log = &fetched.secret_log;
    ea_code built = ea_docker_body(t, c, &settings, &body, &error_name, &err);
    ea_metadata_file_done(&metadata);
    ea_fetched_done(&fetched);
    if (built) {
        r->error_name = ea_strdup(error_name);
        finish(r, &err);
        return;
    }
    (void)ea_docker_create(ag->docker, r->api, r->name, ea_str_of(body), r->limit_ms, created, r);
}

static void env_told(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct run *r = ctx;
    const struct ea_task *t = ea_model_task(&r->ag->model, r->task_arn);
    const struct ea_container *c = t ? ea_task_container(t, r->container) : NULL;
    ea_err gone = { 0 };

    if (!c)
        (void)ea_fail(&gone, EA_CANCELLED, "the task is gone"); /* told below */
    if (image && c)
        ea_image_remember_env(r->ag, c->image, image);
    if (!c || err->code == EA_CANCELLED || err->code == EA_UNREACHABLE)
        finish(r, c ? err : &gone);
    else
        create_now(r, t, c); /* an image that is not there is told by the create */
}

/* The image's own environment decides on the region's variables. It is known since the image was got,
 * unless an earlier process did that, or the pull failed and a local image has to do. */
static void create(struct run *r, const struct ea_effect *fx)
{
    const struct ea_container *c = fx->container;

    if (ea_zstr_empty(r->ag->region) || (!c->error_name && ea_image_env(r->ag, c->image)))
        create_now(r, fx->task, c);
    else
        (void)ea_docker_image_inspect(r->ag->docker, c->image, SHORT_MS, env_told, r);
}

/* The inspect that follows is part of the answer. */
static void then_inspect(void *ctx, const ea_err *err)
{
    struct run *r = ctx;

    if (err->code)
        finish(r, err);
    else
        (void)ea_docker_inspect(r->ag->docker, r->id, SHORT_MS, facts_done, r);
}

static void end_seen(void *ctx, struct ea_docker_facts *end)
{
    struct run *r = ctx;
    const ea_err ok = { 0 };

    if (end)
        facts_done(r, end, &ok);
    else
        then_inspect(r, &ok);
}

static void stop_answered(void *ctx, const ea_err *err)
{
    struct run *r = ctx;

    if (!r->watch) {
        then_inspect(r, err);
    } else if (err->code) {
        ea_stop_watch_drop(r->watch);
        finish(r, err);
    } else {
        ea_stop_watch_answer(r->watch, end_seen, r);
    }
}

/* A start that was answered well has happened, whatever keeps us from seeing it: the engine looks again. */
static void start_seen(void *ctx, struct ea_docker_facts *facts, const ea_err *err)
{
    if (!err->code || err->code == EA_NOT_FOUND) {
        facts_done(ctx, facts, err);
        return;
    }
    ea_debug("container not seen after its start", EA_S("err", err->text));
    finish_ok(ctx);
}

static void started(void *ctx, const ea_err *err)
{
    struct run *r = ctx;

    if (err->code) {
        finish(r, err);
        return;
    }
    ea_endpoint_container_started(r->ag->endpoint);
    (void)ea_docker_inspect(r->ag->docker, r->id, SHORT_MS, start_seen, r);
}

static void start(struct run *r, const struct ea_effect *fx)
{
    char group[EA_TASK_GROUP_MAX];
    ea_err err = { 0 };

    if (ea_task_limits_apply(r->ag, fx->task, group, &err))
        finish(r, &err);
    else
        (void)ea_docker_start(r->ag->docker, r->api, r->id, r->limit_ms, started, r);
}

/* ---- images ---- */

/* Docker takes the last name along with an image that is removed by its id: what somebody has named is his. */
static void nameless_looked(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct run *r = ctx;
    ea_err why = *err;

    for (size_t i = 0; image && i < image->repo_tags.n && !why.code; i++)
        if (strcmp(image->repo_tags.v[i], "<none>:<none>") != 0)
            (void)ea_fail(&why, EA_CONFLICT, "it is called %s",
                          image->repo_tags.v[i]); /* told below */
    if (why.code)
        gone_done(r, &why);
    else
        (void)ea_docker_image_remove(r->ag->docker, r->id, r->limit_ms, gone_done, r);
}

static void remove_image(struct run *r, const char *image)
{
    if (strncmp(image, "sha256:", 7) != 0) {
        (void)ea_docker_image_remove(r->ag->docker, image, r->limit_ms, gone_done, r);
        return;
    }
    r->id = ea_strdup(image);
    (void)ea_docker_image_inspect(r->ag->docker, image, SHORT_MS, nameless_looked, r);
}

/* ---- dispatch ---- */

static struct run *run_new(ea_agent *ag, const struct ea_effect *fx)
{
    struct run *r = ea_alloc(sizeof(*r));
    const struct ea_container *c = fx->container;

    r->ag = ag;
    r->op = fx->op;
    r->kind = fx->kind;
    r->limit_ms = fx->limit_ms;
    r->stop_s = fx->stop_s;
    r->task_arn = fx->task ? ea_strdup(fx->task->arn) : NULL;
    if (fx->volume)
        r->name = ea_strdup(fx->volume->name);
    if (!c)
        return r;
    r->container = ea_strdup(c->name);
    r->id = ea_strdup(c->docker_id);
    r->name = ea_strdup(c->docker_name);
    r->api = ea_strdup(c->docker_config.version);
    return r;
}

static void run_volume(struct run *r, const struct ea_effect *fx)
{
    const struct ea_volume *v = fx->volume;
    const struct ea_docker_volume_config *cfg = v->docker;

    if (fx->kind == EA_FX_VOLUME_CREATE)
        (void)ea_docker_volume_create(r->ag->docker, v->docker_name, cfg ? cfg->driver : NULL,
                                      cfg ? &cfg->driver_opts : NULL, cfg ? &cfg->labels : NULL,
                                      r->limit_ms, plain_done, r);
    else
        (void)ea_docker_volume_remove(r->ag->docker, v->docker_name, r->limit_ms, gone_done, r);
}

static void volume_inspected(void *ctx, const struct ea_docker_volume *volume, const ea_err *err)
{
    struct run *r = ctx;
    const struct ea_task *t = ea_model_task(&r->ag->model, r->task_arn);
    const struct ea_volume *v = t ? ea_task_volume(t, r->name) : NULL;
    ea_err mine = *err;

    r->facts.found = volume != NULL;
    if (volume && v && v->docker && v->docker->autoprovision &&
        ea_cfg_bool(r->ag->config, EA_CFG_SHARED_VOLUME_MATCH) &&
        ea_docker_volume_compare(volume, v->docker->driver, &v->docker->driver_opts,
                                 &v->docker->labels, &mine)) {
        r->error_name = ea_strdup("InvalidVolumeError");
        ea_wrap(&mine, "it exists already, and not as the task wants it");
    }
    finish(r, &mine);
}

void ea_run_docker(ea_agent *ag, const struct ea_effect *fx)
{
    struct run *r = run_new(ag, fx);

    switch (fx->kind) {
    case EA_FX_CREATE:
        create(r, fx);
        return;
    case EA_FX_START:
        start(r, fx);
        return;
    case EA_FX_STOP:
        r->watch = ea_stop_watch_begin(ag, fx->container);
        (void)ea_docker_stop(ag->docker, r->id, r->stop_s, r->limit_ms, stop_answered, r);
        return;
    case EA_FX_REMOVE:
        (void)ea_docker_remove(ag->docker, r->id ? r->id : r->name, r->limit_ms, removed, r);
        return;
    case EA_FX_INSPECT:
        (void)ea_docker_inspect(ag->docker, r->id ? r->id : r->name, r->limit_ms, facts_done, r);
        return;
    case EA_FX_FIND:
        (void)ea_docker_find(ag->docker, r->task_arn, r->container, r->limit_ms, facts_done, r);
        return;
    case EA_FX_VOLUME_CREATE:
    case EA_FX_VOLUME_REMOVE:
        run_volume(r, fx);
        return;
    case EA_FX_VOLUME_INSPECT:
        (void)ea_docker_volume_inspect(ag->docker, fx->volume->docker_name, r->limit_ms,
                                       volume_inspected, r);
        return;
    case EA_FX_PING:
        (void)ea_docker_ping(ag->docker, r->limit_ms, plain_done, r);
        return;
    case EA_FX_IMAGE_REMOVE:
        remove_image(r, fx->text);
        return;
    case EA_FX_DISK:
        ea_disk_look(ag, disk_told, r);
        return;
    case EA_FX_SURVEY:
    case EA_FX_UNTRACKED_REMOVE:
    case EA_FX_PREPARE:
    case EA_FX_RESOLVE: /* run_image.c */
    case EA_FX_PULL:
    case EA_FX_REPORT:
    case EA_FX_ACK:
    case EA_FX_CREDS_ACK:
    case EA_FX_STOP_CANDIDATES:
    case EA_FX_WAKE:
    case EA_FX_WATCH:
    case EA_FX_UNWATCH:
    case EA_FX_TASK_ENDED:
        break;
    }
    finish_ok(r); /* not an effect for Docker */
}
