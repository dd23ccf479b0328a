#include "room.h"

#include "../base/log.h"
#include "images.h"
#include "untracked.h"

enum {
    LOOK_LIMIT_MS = 30000
};

static bool watches(const struct ea_model *m)
{
    return m->settings.image_cleanup && m->settings.disk_high_percent > 0;
}

void ea_room_ask(struct ea_turn *turn)
{
    struct ea_disk *disk = &turn->m->disk;

    if (disk->op || !turn->m->docker_up || !(watches(turn->m) || disk->pressed))
        return;
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_DISK);
    e->op = disk->op = turn->m->next_op++;
    e->limit_ms = LOOK_LIMIT_MS;
}

static int64_t used_percent(const struct ea_disk *disk)
{
    double used = (double)(disk->total_bytes - disk->free_bytes);

    return (int64_t)(used * 100.0 / (double)disk->total_bytes);
}

static void press(struct ea_disk *disk)
{
    if (!disk->pressed) {
        disk->freed_before = disk->freed;
        disk->surveyed = false;
    }
    disk->pressed = true;
}

static void release(struct ea_model *m)
{
    m->disk.pressed = m->disk.over = false;
    m->disk.need_bytes = 0;
    ea_images_new_round(m);
}

static void judge(struct ea_model *m)
{
    const struct ea_engine_settings *set = &m->settings;
    struct ea_disk *disk = &m->disk;
    int64_t used = used_percent(disk);

    if (!disk->over && set->disk_high_percent > 0 && used >= set->disk_high_percent) {
        ea_warn("Docker's disk is nearly full: unused images are removed",
                EA_I("used_percent", used), EA_I("free_mib", disk->free_bytes / (1024 * 1024)));
        disk->over = true;
        press(disk);
        return;
    }
    if (disk->pressed && disk->free_bytes >= disk->need_bytes &&
        (!disk->over || used <= set->disk_low_percent))
        release(m);
}

bool ea_room_result(struct ea_turn *turn, const struct ea_event *ev)
{
    struct ea_disk *disk = &turn->m->disk;

    if (disk->op == 0 || disk->op != ev->op)
        return false;
    disk->op = 0;
    if (ev->err.code || ev->disk_total <= 0 || ev->disk_free < 0 ||
        ev->disk_free > ev->disk_total) {
        ea_debug("Docker's disk cannot be looked at", EA_S("err", ev->err.text));
        if (disk->pressed && disk->freed != disk->freed_before)
            release(turn->m); /* something went: who waits may see whether it was enough */
        return true;
    }
    disk->free_bytes = ev->disk_free;
    disk->total_bytes = ev->disk_total;
    judge(turn->m);
    return true;
}

bool ea_room_wait(struct ea_turn *turn, const struct ea_task *t, struct ea_container *c,
                  const struct ea_event *ev)
{
    struct ea_disk *disk = &turn->m->disk;

    ea_warn("no room for an image", EA_S("task", t->arn), EA_S("container", c->name),
            EA_S("image", c->image), EA_S("err", ev->err.text));
    if (ev->disk_total > 0) {
        disk->free_bytes = ev->disk_free;
        disk->total_bytes = ev->disk_total;
    }
    if (!turn->m->settings.image_cleanup ||
        (disk->total_bytes > 0 && ev->need_bytes > disk->total_bytes))
        return false; /* an empty disk would not do */
    int64_t need = ev->need_bytes > 0 ? ev->need_bytes : disk->free_bytes + 1;
    if (need > disk->need_bytes)
        disk->need_bytes = need;
    press(disk);
    c->no_room = true;
    c->room_freed = disk->freed;
    return true;
}

bool ea_room_waits(const struct ea_model *m, const struct ea_container *c)
{
    return c->no_room && m->disk.pressed;
}

bool ea_room_lacks(const struct ea_model *m, struct ea_container *c)
{
    bool lacks = c->no_room && c->room_freed == m->disk.freed;

    c->no_room = false;
    return lacks;
}

bool ea_room_press(struct ea_turn *turn)
{
    struct ea_disk *disk = &turn->m->disk;

    if (!disk->pressed || disk->op || turn->m->survey_op || !turn->m->docker_up ||
        ea_images_any_leaving(turn->m))
        return false;
    if (ea_images_remove_oldest(turn))
        return false;
    if (!disk->surveyed) {
        disk->surveyed = true;
        if (ea_untracked_look(turn, turn->m->settings.images_per_cycle))
            return false;
    }
    ea_warn("Docker's disk is short of room, and no image can be removed",
            EA_I("free_mib", disk->free_bytes / (1024 * 1024)));
    release(turn->m);
    return true;
}
