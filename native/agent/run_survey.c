/* Looks at all that Docker has, for the clean-up of what is no task's: every container, with the time of
 * its end if it does not run, and every image. One request at a time: it has all the time in the world. */
#include "../base/alloc.h"
#include "../base/log.h"
#include "../docker/docker_container.h"
#include "../docker/docker_image.h"
#include "run_effect.h"
#include "turn.h"

#include <string.h>

enum {
    INSPECTS_MAX = 100, /* a cycle removes a few only; the others are looked at in later ones */
    INSPECT_MS = 30000
};

struct survey {
    ea_agent *ag;
    struct ea_event ev;
    int64_t limit_ms;
    size_t next, inspects;
};

static void finish(struct survey *s, const ea_err *err)
{
    s->ev.err = *err;
    ea_turn_post(s->ag, &s->ev);
    ea_free(s);
}

static void images_listed(void *ctx, const struct ea_image *v, size_t n, const ea_err *err)
{
    struct survey *s = ctx;

    s->ev.images.v = n ? ea_alloc_array(n, sizeof(*s->ev.images.v)) : NULL;
    s->ev.images.n = n;
    for (size_t i = 0; i < n; i++) {
        struct ea_image_facts *f = &s->ev.images.v[i];

        f->id = ea_strdup(v[i].id);
        f->size = v[i].size;
        f->created_ms = v[i].created_ms;
        for (size_t j = 0; j < v[i].repo_tags.n; j++)
            if (strcmp(v[i].repo_tags.v[j], "<none>:<none>") != 0)
                ea_strlist_add(&f->tags, v[i].repo_tags.v[j]);
    }
    finish(s, err);
}

static void inspect_next(struct survey *s);

/* One that went meanwhile, or cannot be looked at, keeps its unknown end and stays. */
static void inspected(void *ctx, struct ea_docker_facts *facts, const ea_err *err)
{
    struct survey *s = ctx;
    struct ea_docker_facts *f = &s->ev.found.v[s->next++];

    if (err->code == EA_CANCELLED || err->code == EA_UNREACHABLE) {
        finish(s, err);
        return;
    }
    f->state = facts && facts->found ? facts->state : EA_C_NONE;
    if (facts && facts->found) {
        f->created_ms = facts->created_ms;
        f->finished_ms = facts->finished_ms;
    }
    inspect_next(s);
}

static void inspect_next(struct survey *s)
{
    for (; s->next < s->ev.found.n; s->next++) {
        struct ea_docker_facts *f = &s->ev.found.v[s->next];

        if (f->state == EA_C_RUNNING || !f->id || ea_map_get(&s->ag->model.by_docker, f->id))
            continue;
        if (s->inspects == INSPECTS_MAX) {
            f->state = EA_C_NONE;
            continue;
        }
        s->inspects++;
        (void)ea_docker_inspect(s->ag->docker, f->id, INSPECT_MS, inspected, s);
        return;
    }
    (void)ea_docker_image_list(s->ag->docker, s->limit_ms, images_listed, s);
}

static void containers_listed(void *ctx, struct ea_docker_facts *v, size_t n, const ea_err *err)
{
    struct survey *s = ctx;

    if (err->code) {
        finish(s, err);
        return;
    }
    s->ev.found.v = n ? ea_alloc_array(n, sizeof(*v)) : NULL;
    s->ev.found.n = n;
    if (n) {
        memcpy(s->ev.found.v, v, n * sizeof(*v));
        memset(v, 0, n * sizeof(*v));
    }
    inspect_next(s);
}

static void removed(void *ctx, const ea_err *err)
{
    char *id = ctx;

    if (err->code && err->code != EA_NOT_FOUND)
        ea_info("untracked container not removed", EA_S("docker_id", id), EA_S("err", err->text));
    ea_free(id);
}

void ea_run_survey(ea_agent *ag, const struct ea_effect *fx)
{
    struct survey *s;

    if (fx->kind == EA_FX_UNTRACKED_REMOVE) {
        (void)ea_docker_remove(ag->docker, fx->text, INSPECT_MS, removed, ea_strdup(fx->text));
        return;
    }
    s = ea_alloc(sizeof(*s));
    s->ag = ag;
    s->ev = (struct ea_event){ .kind = EA_EV_RESULT, .of = fx->kind, .op = fx->op };
    s->limit_ms = fx->limit_ms;
    (void)ea_docker_list(ag->docker, NULL, fx->limit_ms, containers_listed, s);
}
