#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

/* --- containers ------------------------------------------------------------------------------- */

struct dcontainer *sim_docker_of(struct sim *s, const char *arn, const char *name)
{
    for (size_t i = 0; i < s->docker_n; i++) {
        struct dcontainer *d = &s->docker[i];

        if (d->exists && !d->foreign && strcmp(d->task_arn, arn) == 0 &&
            strcmp(d->cname, name) == 0)
            return d;
    }
    return NULL;
}

static struct dcontainer *by_id(struct sim *s, const char *id_or_name)
{
    for (size_t i = 0; id_or_name && i < s->docker_n; i++)
        if (s->docker[i].exists && (strcmp(s->docker[i].id, id_or_name) == 0 ||
                                    strcmp(s->docker[i].name, id_or_name) == 0))
            return &s->docker[i];
    return NULL;
}

static struct ea_docker_facts facts_of(struct sim *s, const struct dcontainer *d)
{
    struct ea_docker_facts f = { .found = d != NULL };

    if (!d)
        return f;
    f.id = ea_strdup(d->id);
    f.name = ea_strdup(d->name);
    f.task_arn = ea_strdup(d->task_arn);
    f.container_name = ea_strdup(d->cname);
    f.state = d->state;
    f.created_ms = d->created_ms;
    f.started_ms = d->started_ms;
    f.finished_ms = d->state == EA_C_STOPPED ? d->finished_ms : 0;
    if (d->state == EA_C_STOPPED && d->has_exit)
        f.exit_code = (ea_opt_i64){ true, d->exit_code };
    if (d->error[0])
        f.state_error = ea_strdup(d->error);
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);
    f.has_health = p && p->has_check;
    f.health.status = d->healthy     ? EA_HEALTH_HEALTHY
                      : d->unhealthy ? EA_HEALTH_UNHEALTHY
                                     : EA_HEALTH_UNKNOWN;
    return f;
}

/* What the event of its end tells. */
static struct ea_docker_facts end_of(const struct dcontainer *d)
{
    struct ea_docker_facts f = { .found = true,
                                 .state = EA_C_STOPPED,
                                 .exit_code = { d->has_exit, d->exit_code },
                                 .finished_ms = d->finished_ms };

    f.id = ea_strdup(d->id);
    return f;
}

/* --- events ----------------------------------------------------------------------------------- */

static void free_event(void *p)
{
    ea_event_done(p);
    ea_free(p);
}

static void deliver_event(struct sim *s, struct item *it)
{
    sim_agent_post(s, it->p);
    ea_free(it->p);
}

static void emit(struct sim *s, struct dcontainer *d, ea_docker_action action)
{
    int copies = sim_chance(s, s->chaos.event_twice) ? 2 : 1;

    if (!s->agent_up || !s->linked || d->foreign)
        return;
    if (sim_chance(s, s->chaos.event_lost)) {
        d->unheard = true;
        return;
    }
    for (int i = 0; i < copies; i++) {
        struct ea_event *ev = ea_alloc(sizeof(*ev));

        *ev = (struct ea_event){ .kind = EA_EV_DOCKER, .action = action, .event_ms = sim_wall(s) };
        ev->facts.found = ev->facts.brief = true;
        ev->facts.id = ea_strdup(d->id);
        ev->facts.task_arn = ea_strdup(d->task_arn);
        ev->facts.container_name = ea_strdup(d->cname);
        if (action == EA_DA_DIE)
            ev->facts.exit_code = (ea_opt_i64){ true, d->exit_code };
        struct item *it =
            sim_at(s, sim_between(s, 0, sim_chance(s, s->chaos.slow) ? 3000 : 20), deliver_event);
        it->life = s->life;
        it->p = ev;
        it->drop = free_event;
    }
}

static void container_ends(struct sim *s, struct dcontainer *d, int64_t code)
{
    if (!d->exists || d->state != EA_C_RUNNING)
        return;
    d->state = EA_C_STOPPED;
    d->finished_ms = sim_wall(s);
    d->exit_code = code;
    d->has_exit = true;
    d->healthy = d->unhealthy = false;
    sim_log(s, "docker: %s/%s ends with %lld", d->task_arn, d->cname, (long long)code);
    emit(s, d, EA_DA_DIE);
}

static void planned_end(struct sim *s, struct item *it)
{
    struct dcontainer *d = &s->docker[it->a];

    if (d->run == (uint64_t)it->b && s->docker_up)
        container_ends(s, d, *(int64_t *)it->p);
    ea_free(it->p);
}

static void plan_end(struct sim *s, struct dcontainer *d, int64_t in_ms, int64_t code)
{
    struct item *it = sim_at(s, in_ms, planned_end);
    int64_t *p = ea_alloc(sizeof(*p));

    *p = code;
    it->a = d - s->docker;
    it->b = (int64_t)d->run;
    it->p = p;
    it->drop = ea_free;
}

static void gets_healthy(struct sim *s, struct item *it)
{
    struct dcontainer *d = &s->docker[it->a];

    if (d->run != (uint64_t)it->b || d->state != EA_C_RUNNING || !d->exists || !s->docker_up)
        return;
    d->healthy = d->ever_healthy = true;
    sim_log(s, "docker: %s/%s healthy", d->task_arn, d->cname);
    emit(s, d, EA_DA_HEALTHY);
}

static void run_container(struct sim *s, struct dcontainer *d)
{
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    d->state = EA_C_RUNNING;
    d->started_ms = sim_wall(s);
    d->run++;
    d->ever_started = true;
    d->has_exit = false;
    sim_log(s, "docker: %s/%s runs", d->task_arn, d->cname);
    emit(s, d, EA_DA_START);
    if (!p)
        return;
    if (p->p.exit_after_ms >= 0)
        plan_end(s, d, p->p.exit_after_ms, p->p.exit_code);
    if (p->has_check && p->p.health_ms >= 0) {
        struct item *it = sim_at(s, p->p.health_ms, gets_healthy);
        it->a = d - s->docker;
        it->b = (int64_t)d->run;
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

enum mode {
    CALL_GOOD,
    CALL_ERROR,
    CALL_ERROR_DONE,
    CALL_LOST,
    CALL_LOST_DONE,
    CALL_TIMEOUT,
    CALL_TIMEOUT_DONE,
    CALL_LATE
};

struct call {
    struct ea_event ev;
    char *arn, *cname, *id, *name, *volume;
    int64_t stop_s, limit_ms;
    bool local, done, ran, stop_allowed;
    ea_fx_kind kind;
    enum mode mode;
    unsigned docker_life, refs;
};

static void call_unref(void *p)
{
    struct call *c = p;

    if (--c->refs > 0)
        return;
    ea_event_done(&c->ev);
    ea_free(c->arn);
    ea_free(c->cname);
    ea_free(c->id);
    ea_free(c->name);
    ea_free(c->volume);
    ea_free(c);
}

static void refuse(struct call *c, ea_code code, const char *text)
{
    if (c->ev.err.code == EA_OK)
        (void)ea_fail(&c->ev.err, code, "Error response from daemon: %s", text);
}

static void do_create(struct sim *s, struct call *c)
{
    const struct plan_container *p = sim_plan_container(s, c->arn, c->cname);
    struct dcontainer *d = by_id(s, c->name);

    if (d) { /* the executor looks at the labels: ours, so it was made before */
        c->ev.facts = facts_of(s, d);
        return;
    }
    if (!p->p.image_local) {
        refuse(c, EA_NOT_FOUND, "No such image");
        return;
    }
    if (s->docker_n == SIM_DOCKER_MAX) {
        refuse(c, EA_SERVER, "full");
        return;
    }
    d = &s->docker[s->docker_n++];
    *d = (struct dcontainer){ .exists = true, .state = EA_C_CREATED, .created_ms = sim_wall(s) };
    (void)snprintf(d->id, sizeof(d->id), "id%llu", (unsigned long long)++s->next_id);
    (void)snprintf(d->name, sizeof(d->name), "%s", c->name);
    (void)snprintf(d->task_arn, sizeof(d->task_arn), "%s", c->arn);
    (void)snprintf(d->cname, sizeof(d->cname), "%s", c->cname);
    sim_log(s, "docker: created %s/%s as %s", c->arn, c->cname, d->id);
    emit(s, d, EA_DA_CREATE);
    c->ev.facts = (struct ea_docker_facts){ .found = true, .brief = true, .state = EA_C_CREATED };
    c->ev.facts.id = ea_strdup(d->id);
}

static void do_start(struct sim *s, struct call *c)
{
    struct dcontainer *d = by_id(s, c->id);

    if (!d) {
        refuse(c, EA_NOT_FOUND, "No such container");
        return;
    }
    if (d->foreign)
        sim_fail(s, "started a foreign container");
    if (d->state == EA_C_RUNNING)
        return;
    sim_check_start(s, d);
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);
    if (p && p->p.start_fails) {
        d->start_failed = true;
        d->state = EA_C_STOPPED;
        (void)snprintf(d->error, sizeof(d->error), "OCI runtime create failed");
        refuse(c, EA_SERVER, "OCI runtime create failed");
        return;
    }
    run_container(s, d);
}

static int64_t do_stop(struct sim *s, struct call *c)
{
    struct dcontainer *d = by_id(s, c->id);
    int64_t grace = c->stop_s * 1000;

    if (!d) {
        refuse(c, EA_NOT_FOUND, "No such container");
        return 0;
    }
    if (d->foreign)
        sim_fail(s, "stopped a foreign container");
    if (d->state != EA_C_RUNNING)
        return 0;
    sim_check_stop(s, d);
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);
    int64_t in = p && p->p.term_ms < grace ? p->p.term_ms : grace;
    plan_end(s, d, in, in < grace ? 143 : 137);
    return in + 1;
}

static void do_remove(struct sim *s, struct call *c)
{
    struct dcontainer *d = by_id(s, c->id ? c->id : c->name);

    if (!d)
        return;
    if (d->foreign || strcmp(d->task_arn, c->arn) != 0)
        sim_fail(s, "removed a container of somebody else");
    if (d->state == EA_C_RUNNING) {
        refuse(c, EA_CONFLICT, "You cannot remove a running container");
        return;
    }
    d->exists = false;
    sim_log(s, "docker: removed %s/%s", d->task_arn, d->cname);
    emit(s, d, EA_DA_DESTROY);
}

static int64_t images_pulled(const struct sim *s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s->plan_n; i++)
        for (size_t j = 0; j < s->plan[i].n; j++)
            n += s->plan[i].c[j].p.image_pulled;
    return n;
}

static void do_image(struct sim *s, struct call *c)
{
    struct plan_container *p = sim_plan_container(s, c->arn, c->cname);
    bool pull = c->kind == EA_FX_PULL;

    if (c->local && p->p.image_local) {
        c->ev.cached = true;
    } else if (p->p.image_missing || (pull && p->p.pull_broken && sim_chance(s, 800))) {
        refuse(c, pull ? EA_NOT_FOUND : EA_SERVER, "manifest unknown");
        return;
    }
    if (pull && !p->p.image_local && s->disk_images && images_pulled(s) >= s->disk_images) {
        refuse(c, EA_LIMIT, "no space left on device");
        c->ev.no_room = true;
        c->ev.need_bytes = sim_chance(s, 500) ? 10 : 0;
        return;
    }
    if (pull) {
        p->p.image_pulled = p->p.image_pulled || !p->p.image_local;
        p->p.image_local = true;
    } else {
        c->ev.digest = ea_strdup("sha256:digest");
    }
    if (pull || c->ev.cached)
        c->ev.image_id = ea_strdup("sha256:image");
}

static void do_volume(struct sim *s, struct call *c)
{
    size_t i = 0;

    while (i < s->volumes_n && strcmp(s->volumes[i], c->volume) != 0)
        i++;
    if (c->kind == EA_FX_VOLUME_INSPECT && i == s->volumes_n)
        refuse(c, EA_NOT_FOUND, "no such volume");
    if (c->kind == EA_FX_VOLUME_REMOVE && i < s->volumes_n) {
        s->volumes_n--;
        memmove(s->volumes[i], s->volumes[s->volumes_n], sizeof(s->volumes[i]));
    }
    if (c->kind == EA_FX_VOLUME_CREATE && i == s->volumes_n && s->volumes_n < 64)
        (void)snprintf(s->volumes[s->volumes_n++], sizeof(s->volumes[0]), "%s", c->volume);
}

/* Carries the call out. Returns how long the answer takes after that. */
static int64_t carry_out(struct sim *s, struct call *c)
{
    c->done = true;
    switch (c->kind) {
    case EA_FX_RESOLVE:
    case EA_FX_PULL:
        do_image(s, c);
        return 0;
    case EA_FX_CREATE:
        do_create(s, c);
        return 0;
    case EA_FX_START:
        do_start(s, c);
        return 0;
    case EA_FX_STOP:
        return do_stop(s, c);
    case EA_FX_REMOVE:
        do_remove(s, c);
        return 0;
    case EA_FX_INSPECT:
    case EA_FX_FIND: {
        const struct dcontainer *d =
            c->kind == EA_FX_FIND ? sim_docker_of(s, c->arn, c->cname) : by_id(s, c->id);
        c->ev.facts = facts_of(s, d);
        if (!d && c->kind == EA_FX_INSPECT)
            refuse(c, EA_NOT_FOUND, "No such container");
        return 0;
    }
    case EA_FX_VOLUME_CREATE:
    case EA_FX_VOLUME_INSPECT:
    case EA_FX_VOLUME_REMOVE:
        do_volume(s, c);
        return 0;
    default:
        return 0;
    }
}

static void reply(struct sim *s, struct item *it)
{
    struct call *c = it->p;
    bool starts_or_stops = c->kind == EA_FX_START || c->kind == EA_FX_STOP;

    if (c->docker_life != s->docker_life && c->ev.err.code != EA_TIMEOUT) {
        ea_docker_facts_done(&c->ev.facts);
        c->ev.err = (ea_err){ 0 };
        (void)ea_fail(&c->ev.err, EA_UNREACHABLE, "docker: connection reset");
    } else if (starts_or_stops && c->ev.err.code == EA_OK) {
        const struct dcontainer *d = by_id(s, c->id);
        if (c->kind == EA_FX_STOP && d && d->state == EA_C_STOPPED && c->ran && sim_chance(s, 500))
            c->ev.facts = end_of(d); /* its event was enough */
        else
            c->ev.facts = facts_of(s, d); /* the inspect that follows */
        if (!d)
            (void)ea_fail(&c->ev.err, EA_NOT_FOUND,
                          "Error response from daemon: No such container");
    }
    struct ea_event ev = c->ev;
    c->ev = (struct ea_event){ 0 };
    sim_log(s, "docker answers op %llu %s %s/%s: %s", (unsigned long long)ev.op, ea_fx_name(ev.of),
            c->arn, c->cname ? c->cname : c->volume, ea_code_name(ev.err.code));
    sim_agent_post(s, &ev);
    call_unref(c);
}

static void plan_reply(struct sim *s, struct call *c, int64_t in_ms)
{
    struct item *it = sim_at(s, in_ms, reply);

    it->life = (unsigned)c->ev.timeline; /* the life that asked */
    it->p = c;
    it->drop = call_unref;
    c->refs++;
}

static void execute(struct sim *s, struct item *it)
{
    struct call *c = it->p;
    int64_t more = 0;

    if (c->docker_life == s->docker_life && s->docker_up) {
        struct ea_err keep = c->ev.err;
        more = carry_out(s, c);
        if (keep.code)
            c->ev.err = keep;
    }
    if (c->mode == CALL_ERROR_DONE) {
        ea_docker_facts_done(&c->ev.facts);
        if (c->ev.err.code == EA_OK)
            refuse(c, EA_SERVER, "inspect failed");
    }
    if (c->mode == CALL_GOOD || c->mode == CALL_LOST_DONE || c->mode == CALL_ERROR_DONE) {
        if (c->mode == CALL_LOST_DONE) {
            ea_docker_facts_done(&c->ev.facts);
            c->ev.err = (ea_err){ 0 };
            (void)ea_fail(&c->ev.err, EA_UNREACHABLE, "docker: connection reset");
            more = 0;
        }
        plan_reply(s, c, more + sim_between(s, 0, 20));
    }
    call_unref(c);
}

static enum mode choose(struct sim *s, ea_fx_kind kind)
{
    if (sim_chance(s, s->chaos.call_error) && kind != EA_FX_PING)
        return sim_chance(s, 300) ? CALL_ERROR_DONE : CALL_ERROR;
    if (sim_chance(s, s->chaos.call_lost))
        return sim_chance(s, 500) ? CALL_LOST : CALL_LOST_DONE;
    if (sim_chance(s, s->chaos.call_timeout))
        return sim_chance(s, 333)   ? CALL_TIMEOUT
               : sim_chance(s, 500) ? CALL_TIMEOUT_DONE
                                    : CALL_LATE;
    return CALL_GOOD;
}

static void plan_execute(struct sim *s, struct call *c, int64_t in_ms)
{
    struct item *it = sim_at(s, in_ms, execute);

    it->p = c;
    it->drop = call_unref;
    c->refs++;
}

static struct call *call_new(struct sim *s, const struct ea_effect *fx)
{
    struct call *c = ea_alloc(sizeof(*c));

    c->refs = 1;
    c->ev.kind = EA_EV_RESULT;
    c->ev.op = fx->op;
    c->ev.of = c->kind = fx->kind;
    c->ev.timeline = s->life;
    c->arn = ea_strdup(fx->task->arn);
    if (fx->container) {
        c->cname = ea_strdup(fx->container->name);
        c->id = ea_strdup(fx->container->docker_id);
        c->name = ea_strdup(fx->container->docker_name);
    }
    if (fx->volume)
        c->volume = ea_strdup(fx->volume->docker_name);
    c->stop_s = fx->stop_s;
    c->limit_ms = fx->limit_ms;
    c->local = fx->local;
    c->ran = fx->container && fx->container->known == EA_C_RUNNING;
    c->docker_life = s->docker_life;
    return c;
}

void sim_docker_run(struct sim *s, const struct ea_effect *fx)
{
    struct call *c = call_new(s, fx);
    int64_t latency = sim_between(s, 1, sim_chance(s, s->chaos.slow) ? 5000 : 60);

    sim_log(s, "engine asks op %llu %s %s/%s", (unsigned long long)fx->op, ea_fx_name(fx->kind),
            c->arn, c->cname ? c->cname : c->volume);
    c->mode = s->docker_up ? choose(s, fx->kind) : CALL_LOST;
    switch (c->mode) {
    case CALL_GOOD:
    case CALL_LOST_DONE:
    case CALL_ERROR_DONE:
        plan_execute(s, c, latency);
        break;
    case CALL_ERROR:
        (void)ea_fail(&c->ev.err, EA_SERVER, "Error response from daemon: something broke");
        plan_reply(s, c, latency);
        break;
    case CALL_LOST:
        (void)ea_fail(&c->ev.err, EA_UNREACHABLE, "docker: connection refused");
        plan_reply(s, c, latency);
        break;
    case CALL_TIMEOUT_DONE:
        plan_execute(s, c, latency < c->limit_ms ? latency : 1);
        /* fall through */
    case CALL_TIMEOUT:
    case CALL_LATE:
        (void)ea_fail(&c->ev.err, EA_TIMEOUT, "docker: no answer");
        plan_reply(s, c, c->limit_ms);
        if (c->mode == CALL_LATE)
            plan_execute(s, c, c->limit_ms + sim_between(s, 1, 20000));
        break;
    }
    call_unref(c);
}

static void post_disk(struct sim *s, struct item *it)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_DISK, .op = (uint64_t)it->a };

    if (!s->docker_up)
        (void)ea_fail(&ev.err, EA_UNREACHABLE, "docker: connection refused");
    else if (!s->disk_images || sim_chance(s, s->chaos.call_error))
        (void)ea_fail(&ev.err, EA_IO, "no such folder");
    else {
        ev.disk_total = 100 * s->disk_images;
        ev.disk_free = 100 * (s->disk_images - images_pulled(s));
        ev.disk_free = ev.disk_free < 0 ? 0 : ev.disk_free;
    }
    sim_log(s, "disk: %lld of %lld free", (long long)ev.disk_free, (long long)ev.disk_total);
    sim_agent_post(s, &ev);
}

void sim_docker_look_at_disk(struct sim *s, const struct ea_effect *fx)
{
    struct item *it = sim_at(s, sim_between(s, 1, 50), post_disk);

    it->life = s->life;
    it->a = (int64_t)fx->op;
}

static void post_image_removed(struct sim *s, struct item *it)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_IMAGE_REMOVE, .op = (uint64_t)it->a };

    if (it->b)
        (void)ea_fail(&ev.err, (ea_code)it->b, "Error response from daemon: no");
    sim_agent_post(s, &ev);
}

/* Image names tell whose they are: "img-task-<n>-<container>". */
void sim_docker_remove_image(struct sim *s, const struct ea_effect *fx)
{
    ea_code code = !s->docker_up                            ? EA_UNREACHABLE
                   : sim_chance(s, s->chaos.call_error * 5) ? EA_CONFLICT
                                                            : EA_OK;

    sim_log(s, "engine removes image %s", fx->text);
    for (size_t i = 0; i < s->plan_n && code == EA_OK; i++)
        for (size_t j = 0; j < s->plan[i].n; j++) {
            char name[64];

            (void)snprintf(name, sizeof(name), "img-%s-%zu", s->plan[i].arn + 4, j);
            size_t n = strlen(name);
            if (strncmp(fx->text, name, n) != 0 || (fx->text[n] != '\0' && fx->text[n] != '@'))
                continue;
            s->plan[i].c[j].p.image_local = false;
            s->plan[i].c[j].p.image_pulled = false;
            if (sim_docker_of(s, s->plan[i].arn, s->plan[i].c[j].name))
                sim_fail(s, "image %s is removed while its container exists", fx->text);
        }
    struct item *it = sim_at(s, sim_between(s, 1, 500), post_image_removed);
    it->life = s->life;
    it->a = (int64_t)fx->op;
    it->b = (int64_t)code;
}

/* --- the engine goes and comes ------------------------------------------------------------------ */

static void post_up(struct sim *s, struct item *it)
{
    struct ea_event *ev = it->p;

    if (s->docker_up && (unsigned)it->a == s->docker_life)
        sim_agent_post(s, ev);
    else
        ea_event_done(ev);
    ea_free(ev);
}

/* The list is taken now and arrives later: what it says may be old by then. */
static void take_list(struct sim *s, struct item *it)
{
    if (!s->docker_up || (unsigned)it->a != s->docker_life)
        return;
    struct ea_event *ev = ea_alloc(sizeof(*ev));
    bool full = sim_chance(s, 200);

    ev->kind = EA_EV_DOCKER_UP;
    ev->found.v = ea_alloc_array(s->docker_n + 1, sizeof(*ev->found.v));
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].exists) {
            struct ea_docker_facts *f = &ev->found.v[ev->found.n++];
            *f = facts_of(s, &s->docker[i]);
            f->brief = !full;
        }
    struct item *later = sim_at(s, sim_between(s, 1, 200), post_up);
    later->life = it->life;
    later->a = it->a;
    later->p = ev;
    later->drop = free_event;
}

void sim_docker_link(struct sim *s)
{
    if (!s->agent_up || !s->docker_up)
        return;
    s->linked = true; /* the stream is open before the list is taken */
    struct item *it = sim_at(s, sim_between(s, 5, 1000), take_list);
    it->life = s->life;
    it->a = s->docker_life;
}

static void engine_back(struct sim *s, struct item *it)
{
    (void)it;
    s->docker_up = true;
    sim_log(s, "docker: up again");
    sim_docker_link(s);
}

static void post_down(struct sim *s, struct item *it)
{
    struct ea_event ev = { .kind = EA_EV_DOCKER_DOWN };

    (void)it;
    if (!s->docker_up)
        sim_agent_post(s, &ev);
}

void sim_docker_outage(struct sim *s)
{
    bool containers_end = sim_chance(s, 500);

    if (!s->docker_up)
        return;
    sim_log(s, "docker: goes down%s", containers_end ? ", containers with it" : "");
    s->linked = false;
    for (size_t i = 0; containers_end && i < s->docker_n; i++)
        container_ends(s, &s->docker[i], 137);
    s->docker_up = false;
    s->docker_life++;
    sim_at(s, sim_between(s, 0, 300), post_down)->life = s->life;
    (void)sim_at(s, sim_between(s, 500, 60000), engine_back);
}

/* Somebody works on the machine with the docker command. */
void sim_docker_meddle(struct sim *s)
{
    if (!s->docker_n || !s->docker_up)
        return;
    struct dcontainer *d = &s->docker[sim_between(s, 0, (int64_t)s->docker_n - 1)];
    if (!d->exists || d->foreign)
        return;
    d->meddled = true;
    switch (sim_between(s, 0, 2)) {
    case 0:
        sim_log(s, "meddler removes %s/%s", d->task_arn, d->cname);
        container_ends(s, d, 137);
        d->exists = false;
        emit(s, d, EA_DA_DESTROY);
        break;
    case 1:
        sim_log(s, "meddler kills %s/%s", d->task_arn, d->cname);
        container_ends(s, d, 137);
        break;
    default:
        sim_log(s, "meddler starts %s/%s", d->task_arn, d->cname);
        if (d->state != EA_C_RUNNING)
            run_container(s, d);
        break;
    }
}
