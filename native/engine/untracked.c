#include "untracked.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "images.h"

enum {
    SURVEY_LIMIT_MS = 600000
};

bool ea_untracked_look(struct ea_turn *turn, int64_t images)
{
    struct ea_model *m = turn->m;

    if (!m->settings.untracked_cleanup || m->survey_op)
        return false;
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_SURVEY);
    e->op = m->survey_op = m->next_op++;
    e->limit_ms = SURVEY_LIMIT_MS;
    m->survey_images = images;
    return true;
}

static bool is_tracked(const struct ea_model *m, const struct ea_docker_facts *f)
{
    if (f->id && ea_map_get(&m->by_docker, f->id))
        return true;
    if (!f->task_arn)
        return false;
    return ea_model_task(m, f->task_arn) || !ea_zstr_eq(f->cluster, m->meta.cluster);
}

/* One that never ran counts from its creation: it may be about to be started. */
static bool ended_long_ago(const struct ea_turn *turn, const struct ea_docker_facts *f)
{
    int64_t since_ms = f->finished_ms ? f->finished_ms : f->created_ms;

    return (f->state == EA_C_STOPPED || f->state == EA_C_CREATED) && since_ms > 0 &&
           turn->now->wall_ms - since_ms > turn->m->settings.task_cleanup_ms;
}

static void remove_containers(struct ea_turn *turn, const struct ea_event *ev)
{
    int64_t left = turn->m->settings.containers_per_cycle;

    for (size_t i = 0; i < ev->found.n && left > 0; i++) {
        const struct ea_docker_facts *f = &ev->found.v[i];

        if (!f->id || is_tracked(turn->m, f) || !ended_long_ago(turn, f))
            continue;
        ea_info("untracked container is removed", EA_S("name", f->name), EA_S("docker_id", f->id));
        ea_effects_add(turn->fx, EA_FX_UNTRACKED_REMOVE)->text = ea_strdup(f->id);
        left--;
    }
}

static bool has_container(const struct ea_event *ev, const char *image_id)
{
    for (size_t i = 0; i < ev->found.n; i++)
        if (ea_zstr_eq(ev->found.v[i].image_id, image_id))
            return true;
    return false;
}

static bool is_ours(const struct ea_model *m, const char *image_id, const char *name)
{
    for (size_t i = 0; i < m->images.list.n; i++)
        if ((image_id && ea_zstr_eq(m->images.list.v[i].image_id, image_id)) ||
            ea_zstr_eq(m->images.list.v[i].name, name))
            return true;
    return false;
}

static bool may_go(const struct ea_turn *turn, const struct ea_event *ev,
                   const struct ea_image_facts *f)
{
    const struct ea_model *m = turn->m;

    if (!f->id || has_container(ev, f->id) || is_ours(m, f->id, f->id) || f->created_ms <= 0 ||
        turn->now->wall_ms - f->created_ms <= m->settings.untracked_min_age_ms ||
        !ea_images_may_go(m, f->id, f->id))
        return false;
    for (size_t i = 0; i < f->tags.n; i++)
        if (is_ours(m, NULL, f->tags.v[i]) || !ea_images_may_go(m, f->tags.v[i], f->id))
            return false;
    return true;
}

static const struct ea_image_facts *smallest(const struct ea_turn *turn, const struct ea_event *ev,
                                             const bool *done)
{
    const struct ea_image_facts *best = NULL;

    for (size_t i = 0; i < ev->images.n; i++) {
        const struct ea_image_facts *f = &ev->images.v[i];

        if (!done[i] && (!best || f->size < best->size) && may_go(turn, ev, f))
            best = f;
    }
    return best;
}

static void remove_images(struct ea_turn *turn, const struct ea_event *ev)
{
    EA_FREE_AUTO bool *done = ea_alloc_array(ev->images.n + 1, sizeof(bool));
    int64_t left = turn->m->survey_images;

    while (left > 0) {
        const struct ea_image_facts *f = smallest(turn, ev, done);

        if (!f)
            return;
        done[f - ev->images.v] = true;
        if (f->tags.n == 0) {
            ea_images_remove_untracked(turn, f->id);
            left--;
        }
        for (size_t i = 0; i < f->tags.n && left > 0; i++, left--)
            ea_images_remove_untracked(turn, f->tags.v[i]);
    }
}

bool ea_untracked_result(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_model *m = turn->m;

    if (m->survey_op == 0 || m->survey_op != ev->op)
        return false;
    m->survey_op = 0;
    if (ev->err.code) {
        ea_info("untracked containers and images are not looked at", EA_S("err", ev->err.text));
        return true;
    }
    remove_containers(turn, ev);
    remove_images(turn, ev);
    return true;
}
