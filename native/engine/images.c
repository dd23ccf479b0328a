#include "images.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "room.h"
#include "untracked.h"

enum {
    REMOVE_LIMIT_MS = 180000
};

void ea_images_used(struct ea_turn *turn, const struct ea_container *c, bool pulled)
{
    struct ea_images *images = &turn->m->images;
    struct ea_image_state *s = ea_images_find(images, c->image);

    if (ea_zstr_empty(c->image) || (!s && !pulled))
        return; /* it was on the host before the agent: not ours to remove */
    s = ea_images_add(images, c->image);
    if (!ea_zstr_eq(s->image_id, c->image_id)) { /* another image bears the name now */
        ea_set_str(&s->image_id, c->image_id);
        s->pulled_ms = turn->now->wall_ms;
    }
    s->last_used_ms = turn->now->wall_ms;
    s->pull_succeeded = s->pull_succeeded || pulled;
    images->dirty = true;
}

void ea_images_released(struct ea_turn *turn, const struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++) {
        struct ea_image_state *s = ea_images_find(&turn->m->images, t->containers.v[i].image);

        if (!s)
            continue;
        s->last_used_ms = turn->now->wall_ms;
        turn->m->images.dirty = true;
    }
}

bool ea_images_leaving(const struct ea_model *m, const char *image)
{
    const struct ea_image_state *s = ea_images_find(&m->images, image);

    return s && s->op != 0;
}

bool ea_images_pulled_before(const struct ea_model *m, const char *image)
{
    const struct ea_image_state *s = ea_images_find(&m->images, image);

    return s && s->pull_succeeded;
}

static bool in_use(const struct ea_model *m, const char *image)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        for (size_t i = 0; i < t->containers.n; i++)
            if (ea_zstr_eq(t->containers.v[i].image, image))
                return true;
    }
    return false;
}

static bool is_kept(const struct ea_model *m, const char *image)
{
    ea_str rest = ea_str_of(m->settings.images_kept);
    ea_str name;

    while (ea_str_next_csv(&rest, &name))
        if (ea_str_eqz(name, image))
            return true;
    return false;
}

bool ea_images_any_leaving(const struct ea_model *m)
{
    for (size_t i = 0; i < m->images.list.n; i++)
        if (m->images.list.v[i].op)
            return true;
    return false;
}

/* The one that was used least lately among those that may go. */
static struct ea_image_state *next_to_go(struct ea_turn *turn, int64_t min_age_ms)
{
    const struct ea_model *m = turn->m;
    struct ea_image_state *oldest = NULL;

    for (size_t i = 0; i < m->images.list.n; i++) {
        struct ea_image_state *s = &m->images.list.v[i];

        if (s->op || s->stays || !s->pull_succeeded ||
            turn->now->wall_ms - s->pulled_ms < min_age_ms ||
            (oldest && s->last_used_ms >= oldest->last_used_ms) || is_kept(m, s->name) ||
            in_use(m, s->name))
            continue;
        oldest = s;
    }
    return oldest;
}

void ea_images_new_round(struct ea_model *m)
{
    for (size_t i = 0; i < m->images.list.n; i++)
        m->images.list.v[i].stays = false;
}

static void remove_image(struct ea_turn *turn, struct ea_image_state *s)
{
    ea_info("image is removed", EA_S("image", s->name));
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_IMAGE_REMOVE);
    e->op = s->op = turn->m->next_op++;
    e->text = ea_strdup(s->name);
    e->limit_ms = REMOVE_LIMIT_MS;
}

void ea_images_remove_untracked(struct ea_turn *turn, const char *name)
{
    struct ea_image_state *s = ea_images_add(&turn->m->images, name);

    if (!s->op)
        remove_image(turn, s);
}

bool ea_images_may_go(const struct ea_model *m, const char *name)
{
    return !is_kept(m, name) && !in_use(m, name);
}

bool ea_images_remove_oldest(struct ea_turn *turn)
{
    struct ea_image_state *s = next_to_go(turn, INT64_MIN);

    if (s)
        remove_image(turn, s);
    return s != NULL;
}

/* By age, then what is not ours, if that is wanted; not with a behaviour that wants images to stay. */
static void clean_old(struct ea_turn *turn)
{
    const struct ea_engine_settings *set = &turn->m->settings;
    int64_t left = set->images_per_cycle;

    if (set->pull_behavior == EA_PULL_PREFER_CACHED)
        return;
    for (; left > 0; left--) {
        struct ea_image_state *s = next_to_go(turn, set->image_min_age_ms + 1);

        if (!s)
            break;
        remove_image(turn, s);
    }
    (void)ea_untracked_look(turn, left); /* it may not be wanted */
}

/* Is there ever anything to do here? */
static bool cleans(const struct ea_model *m)
{
    const struct ea_engine_settings *set = &m->settings;

    if (!set->image_cleanup || set->image_cleanup_interval_ms <= 0)
        return false;
    if (set->untracked_cleanup && set->pull_behavior != EA_PULL_PREFER_CACHED)
        return true;
    return m->images.list.n > 0 &&
           (set->pull_behavior != EA_PULL_PREFER_CACHED || set->disk_high_percent > 0);
}

void ea_images_clean(struct ea_turn *turn)
{
    struct ea_model *m = turn->m;
    const struct ea_engine_settings *set = &m->settings;

    if (!cleans(m))
        return;
    if (m->images_at_ms == 0)
        m->images_at_ms = turn->now->mono_ms + set->image_cleanup_interval_ms;
    if (ea_turn_waits(turn, m->images_at_ms) || !m->docker_up)
        return;
    m->images_at_ms = turn->now->mono_ms + set->image_cleanup_interval_ms;
    ea_turn_wake(turn, m->images_at_ms);
    ea_images_new_round(m);
    clean_old(turn);
    ea_room_ask(turn);
}

bool ea_images_result(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_images *images = &turn->m->images;

    for (size_t i = 0; i < images->list.n; i++) {
        struct ea_image_state *s = &images->list.v[i];

        if (s->op != ev->op)
            continue;
        s->op = 0;
        if (ev->err.code == EA_OK || ev->err.code == EA_NOT_FOUND) {
            ea_images_drop(images, s->name);
            turn->m->disk.freed++;
        } else if (!s->pull_succeeded) { /* not ours, and so it is forgotten */
            ea_info("image not removed", EA_S("image", s->name), EA_S("err", ev->err.text));
            ea_images_drop(images, s->name);
        } else {
            ea_warn("image not removed", EA_S("image", s->name), EA_S("err", ev->err.text));
            s->stays = ev->err.code != EA_UNREACHABLE && ev->err.code != EA_CANCELLED;
        }
        if (turn->m->disk.pressed)
            ea_room_ask(turn);
        return true;
    }
    return false;
}
