/* run_image.c - the effects on images: which digest a name has (RESOLVE), and getting the image (PULL).
 * An image of another platform is refused before a layer is asked for. See run_effect.h.
 * Source: task-engine.md sections 4.1, 4.3; rules of platforms: docker/image_platform.h. */
#include "run_effect.h"

#include "../base/alloc.h"
#include "../docker/docker_image.h"
#include "../docker/image_platform.h"
#include "../docker/image_ref.h"
#include "../plat/plat.h"
#include "image_login.h"
#include "image_pulls.h"
#include "turn.h"

#include <cJSON.h>

#include <string.h>

enum {
    SHORT_MS = 30000,
    ENV_MAX =
        256 /* images whose environment is kept; one that is not among them is looked at again */
};

/* One effect under way: what its later steps need, copied. */
struct run {
    ea_agent *ag;
    uint64_t op;
    ea_fx_kind kind;
    char *task_arn, *container, *image;
    char *want; /* PULL: digest that is known */
    char *auth; /* once `login` has answered; NULL: anonymous */
    ea_login *login;
    bool local;  /* a local image is enough */
    bool hyperv; /* the container asks for Hyper-V isolation */
    int64_t limit_ms, idle_ms;
    /* answer */
    char *digest, *image_id;
    const char *error_name; /* static text; NULL: that of the step */
    bool cached, absent;
    struct ea_pull_got got;
    ea_node node; /* RESOLVE: of the look that answers */
    ea_err
        refusal; /* the platform's while the isolation is asked for; the pull's while a local image is */
};

static void finish(struct run *r, const ea_err *err)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .op = r->op, .of = r->kind, .err = *err };

    ev.arn = r->task_arn;
    ev.digest = r->digest;
    ev.image_id = r->image_id;
    ev.cached = r->cached;
    ev.absent = r->absent;
    ev.no_room = r->got.no_room;
    ev.need_bytes = r->got.need_bytes;
    ev.disk_free = r->got.free_bytes;
    ev.disk_total = r->got.total_bytes;
    ev.error_name = err->code ? ea_strdup(r->error_name) : NULL;
    ea_turn_post(r->ag, &ev);
    ea_login_free(r->login);
    ea_secret_free(r->auth);
    ea_free(r->container);
    ea_free(r->image);
    ea_free(r->want);
    ea_free(r);
}

static void finish_ok(struct run *r)
{
    ea_err ok = { 0 };

    finish(r, &ok);
}

/* ---- environment of images, for the create body ---- */

static void free_env(void *list)
{
    ea_strlist_free(list);
    ea_free(list);
}

void ea_image_remember_env(ea_agent *ag, const char *image, const struct ea_image *found)
{
    ea_strlist *env = ea_alloc(sizeof(*env));
    void *old;

    if (ea_map_count(&ag->image_env) >= ENV_MAX && !ea_map_get(&ag->image_env, image))
        ea_map_done(&ag->image_env, free_env);
    for (size_t i = 0; i < found->env.n; i++)
        ea_strlist_add(env, found->env.v[i]);
    old = ea_map_put(&ag->image_env, image, env);
    if (old)
        free_env(old);
}

const ea_strlist *ea_image_env(const ea_agent *ag, const char *image)
{
    return ea_map_get(&ag->image_env, image);
}

/* ---- pull ---- */

static void have(struct run *r, const struct ea_image *image)
{
    ea_image_remember_env(r->ag, r->image, image);
    r->image_id = ea_strdup(image->id);
    if (!r->want && !r->digest)
        r->digest = ea_strdup(
            ea_image_ref_pick_digest(r->image, image->repo_digests.v, image->repo_digests.n));
}

static void local_looked_for(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct run *r = ctx;

    (void)image; /* that there is one is enough */
    r->absent = err->code == EA_NOT_FOUND;
    finish(r, &r->refusal);
}

static void pull_done(void *ctx, const struct ea_pull_got *got, const ea_err *err)
{
    struct run *r = ctx;

    if (got->image)
        have(r, got->image);
    ea_login_used(r->login, err);
    r->error_name = got->error_name;
    r->got = *got;
    r->got.image = NULL; /* was borrowed */
    r->refusal = *err;
    /* Images that are pulled before their turn: whether a local one may do is known now. */
    if (err->code && err->code != EA_CANCELLED && r->ag->model.settings.pull_dependent_upfront)
        (void)ea_docker_image_inspect(r->ag->docker, r->image, SHORT_MS, local_looked_for, r);
    else
        finish(r, err);
}

static void pull(struct run *r)
{
    const struct ea_pull_want want = { .image = r->image,
                                       .digest = r->want,
                                       .auth = r->auth,
                                       .limit_ms = r->limit_ms,
                                       .idle_ms = r->idle_ms,
                                       .task_arn = r->task_arn,
                                       .container = r->container };

    ea_pulls_get(r->ag, &want, pull_done, r);
}

/* ---- platform ---- */

static void go_on(struct run *r)
{
    if (r->kind == EA_FX_PULL)
        pull(r);
    else
        finish_ok(r);
}

static void refuse(struct run *r)
{
    r->error_name = "CannotPullContainerError";
    ea_free(r->digest);
    r->digest = NULL;
    finish(r, &r->refusal);
}

static void isolation_told(void *ctx, const struct ea_docker_info *info, const ea_err *err)
{
    struct run *r = ctx;

    (void)err; /* an isolation that is not told is not certain */
    if (info && ea_zstr_eq(info->isolation, "process"))
        refuse(r);
    else
        go_on(r);
}

/* Goes on, or ends the run when the image cannot run here. An older Windows image may still run under
 * Hyper-V isolation: then the engine's default decides. */
static void judge(struct run *r, const struct ea_manifest *m)
{
    const struct ea_docker_version *v = ea_docker_version(r->ag->docker);
    struct ea_platform_host host = { .hyperv = true, .emulates = ea_plat_emulates() };
    char why[EA_PLATFORM_TEXT_MAX];
    struct ea_platform *list = ea_alloc_array(m->platforms.n + 1, sizeof(*list));
    bool never, refused;

    for (size_t i = 0; i < m->platforms.n; i++) {
        const struct ea_manifest_platform *p = &m->platforms.v[i];

        list[i] = (struct ea_platform){ p->os, p->arch, p->os_version, p->variant };
    }
    if (v) {
        host.os = v->os;
        host.arch = v->arch;
        host.kernel = v->kernel;
    }
    never = ea_platform_refused(&host, list, m->platforms.n, why);
    host.hyperv = r->hyperv;
    refused = ea_platform_refused(&host, list, m->platforms.n, why);
    ea_free(list);
    if (!refused) {
        go_on(r);
        return;
    }
    (void)ea_fail(&r->refusal, EA_UNSUPPORTED, "%s", why); /* told by refuse() */
    if (never)
        refuse(r);
    else
        (void)ea_docker_info(r->ag->docker, SHORT_MS, isolation_told, r);
}

/* ---- what the registry has ---- */

static void manifest_done(void *ctx, const struct ea_manifest *m, const ea_err *err)
{
    struct run *r = ctx;

    ea_login_used(r->login, err);
    if (m) {
        r->digest = r->kind == EA_FX_RESOLVE ? ea_strdup(m->digest) : NULL;
        judge(r, m);
    } else if (r->kind == EA_FX_PULL || err->code == EA_UNSUPPORTED) {
        go_on(r); /* the pull will tell; an engine before API 1.35 leaves the step out */
    } else {
        finish(r, err);
    }
}

static void ask_registry(struct run *r)
{
    (void)ea_docker_manifest(r->ag->docker, r->image, r->auth, r->limit_ms, manifest_done, r);
}

/* The name has its digest in it: no look-up of the engine has come before the pull. */
static bool is_by_digest(const struct run *r)
{
    ea_image_ref ref;
    ea_err err = { 0 };

    return ea_image_ref_parse(r->image, &ref, &err) == EA_OK && ref.digest.n;
}

static void login_done(void *ctx, const char *auth, const char *error_name, const ea_err *err)
{
    struct run *r = ctx;

    if (err->code) {
        r->error_name = error_name;
        finish(r, err);
        return;
    }
    r->auth = ea_strdup(auth);
    if (r->kind == EA_FX_RESOLVE || is_by_digest(r))
        ask_registry(r);
    else
        pull(r);
}

static void use_registry(struct run *r)
{
    ea_login_get(r->login, login_done, r);
}

/* ---- what is here already ---- */

static void inspected(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct run *r = ctx;

    if (err->code == EA_NOT_FOUND) {
        use_registry(r);
        return;
    }
    if (image) { /* a look for the digest answers the pull too */
        have(r, image);
        r->cached = true;
    }
    finish(r, err);
}

/* Many tasks of one image come at once: one look of the engine answers all who ask while it is under
 * way. All have the same time limit. */
struct look {
    ea_agent *ag;
    char *image;
    ea_list runs;
};

static void looked(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct look *l = ctx;

    (void)ea_map_remove(&l->ag->looks, l->image); /* it is this one */
    EA_LIST_EACH(&l->runs, node)
    {
        ea_list_remove(node);
        inspected(EA_OWNER(node, struct run, node), image, err);
    }
    ea_free(l->image);
    ea_free(l);
}

static void look(struct run *r)
{
    struct look *l = ea_map_get(&r->ag->looks, r->image);

    if (!l) {
        l = ea_alloc(sizeof(*l));
        l->ag = r->ag;
        l->image = ea_strdup(r->image);
        ea_list_init(&l->runs);
        (void)ea_map_put(&r->ag->looks, l->image, l); /* there was none */
        (void)ea_docker_image_inspect(r->ag->docker, r->image, r->limit_ms, looked, l);
    }
    ea_list_append(&l->runs, &r->node);
}

/* ---- dispatch ---- */

static bool wants_hyperv(const ea_agent *ag, const struct ea_container *c)
{
    cJSON *tree = NULL;
    ea_err err = { 0 };
    bool found;

    if (!ag->model.settings.windows || !c->docker_config.host_config ||
        ea_json_parse(ea_str_of(c->docker_config.host_config), &tree, &err))
        return false;
    found = ea_zstr_eq(ea_json_get_str(tree, "Isolation"), "hyperv");
    cJSON_Delete(tree);
    return found;
}

void ea_run_image(ea_agent *ag, const struct ea_effect *fx)
{
    struct run *r = ea_alloc(sizeof(*r));
    const struct ea_container *c = fx->container;
    ea_image_ref ref;
    ea_err err = { 0 };

    r->ag = ag;
    r->op = fx->op;
    r->kind = fx->kind;
    r->local = fx->local;
    r->limit_ms = fx->limit_ms;
    r->idle_ms = fx->idle_ms;
    r->task_arn = fx->task ? ea_strdup(fx->task->arn) : NULL;
    r->container = ea_strdup(c->name);
    r->image = ea_strdup(c->image);
    r->want = fx->kind == EA_FX_PULL ? ea_strdup(c->image_digest) : NULL;
    r->hyperv = wants_hyperv(ag, c);
    r->login = ea_login_new(ag, fx->task, c);
    if (fx->kind == EA_FX_RESOLVE && ea_image_ref_parse(c->image, &ref, &err) == EA_OK &&
        ref.digest.n) {
        r->digest = ea_str_dup(ref.digest);
        finish_ok(r);
    } else if (fx->local && fx->kind == EA_FX_RESOLVE) {
        look(r);
    } else if (fx->local) {
        (void)ea_docker_image_inspect(ag->docker, r->image, SHORT_MS, inspected, r);
    } else {
        use_registry(r);
    }
}
