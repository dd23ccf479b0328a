#include "images.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "room.h"
#include "untracked.h"

#include <string.h>

enum {
    REMOVE_LIMIT_MS = 180000
};

/* Names that differ by the tag that Docker adds. */
static bool same_name(const char *a, const char *b)
{
    static const char latest[] = ":latest";
    size_t n, m;

    if (ea_zstr_empty(a) || ea_zstr_empty(b))
        return false;
    n = strlen(a);
    m = strlen(b);
    if (n > m)
        return same_name(b, a);
    return memcmp(a, b, n) == 0 && (n == m || strcmp(b + n, latest) == 0);
}

/* By this name, or the same image by another one. */
static bool uses(const struct ea_task *t, const char *image, const char *image_id)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (same_name(t->containers.v[i].image, image) ||
            (image_id && ea_zstr_eq(t->containers.v[i].image_id, image_id)))
            return true;
    return false;
}

static bool has_name(const struct ea_images *images, const char *image_id)
{
    for (size_t i = 0; i < images->list.n; i++)
        if (ea_zstr_eq(images->list.v[i].image_id, image_id))
            return true;
    return false;
}

/* The name went over to another image. The one that had it goes by its id from now on, unless it has a
 * further name. */
static void keep_former(struct ea_images *images, const struct ea_image_state *former)
{
    if (!former->pull_succeeded || ea_zstr_empty(former->image_id) ||
        has_name(images, former->image_id))
        return;
    struct ea_image_state *s = ea_images_add(images, former->image_id);
    ea_set_str(&s->image_id, former->image_id);
    s->pulled_ms = former->pulled_ms;
    s->last_used_ms = former->last_used_ms;
    s->pull_succeeded = true;
}

/* It has a name again, by which it goes. */
static void drop_nameless(struct ea_images *images, const char *image_id)
{
    const struct ea_image_state *s = ea_images_find(images, image_id);

    if (s && !s->op)
        ea_images_drop(images, image_id);
}

void ea_images_used(struct ea_turn *turn, const struct ea_container *c, bool pulled)
{
    struct ea_images *images = &turn->m->images;
    struct ea_image_state *s = ea_images_find(images, c->image);

    if (ea_zstr_empty(c->image) || (!s && !pulled))
        return; /* it was on the host before the agent: not ours to remove */
    drop_nameless(images, c->image_id);
    s = ea_images_add(images, c->image);
    if (!ea_zstr_eq(s->image_id, c->image_id)) { /* another image bears the name now */
        struct ea_image_state former = *s;

        s->image_id = ea_strdup(c->image_id);
        s->pulled_ms = turn->now->wall_ms;
        keep_former(images, &former);
        ea_free(former.image_id);
        s = ea_images_find(images, c->image);
    }
    s->last_used_ms = turn->now->wall_ms;
    s->pull_succeeded = s->pull_succeeded || pulled;
    images->dirty = true;
}

void ea_images_released(struct ea_turn *turn, const struct ea_task *t)
{
    struct ea_images *images = &turn->m->images;

    for (size_t i = 0; i < images->list.n; i++) {
        struct ea_image_state *s = &images->list.v[i];

        if (!uses(t, s->name, s->image_id))
            continue;
        s->last_used_ms = turn->now->wall_ms;
        images->dirty = true;
    }
}

bool ea_images_leaving(const struct ea_model *m, const char *image)
{
    for (size_t i = 0; i < m->images.list.n; i++)
        if (m->images.list.v[i].op && same_name(m->images.list.v[i].name, image))
            return true;
    return false;
}

bool ea_images_pulled_before(const struct ea_model *m, const char *image)
{
    const struct ea_image_state *s = ea_images_find(&m->images, image);

    return s && s->pull_succeeded;
}

static bool in_use(const struct ea_model *m, const char *image, const char *image_id)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        if (uses(EA_OWNER(node, const struct ea_task, node), image, image_id))
            return true;
    }
    return false;
}

static bool is_kept(const struct ea_model *m, const char *image)
{
    /* Of the reference agent, which may be on the same host. */
    static const char *const reference[] = { "amazon/amazon-ecs-agent:latest",
                                             "amazon/amazon-ecs-pause:0.1.0" };
    ea_str rest = ea_str_of(m->settings.images_kept);
    ea_str name;

    for (size_t i = 0; i < EA_COUNT(reference); i++)
        if (ea_zstr_eq(image, reference[i]))
            return true;
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
            in_use(m, s->name, s->image_id))
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

bool ea_images_may_go(const struct ea_model *m, const char *name, const char *image_id)
{
    return !is_kept(m, name) && !in_use(m, name, image_id);
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
