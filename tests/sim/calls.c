#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

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
    int64_t stop_s, limit_ms, port;
    bool local, done, ran, stop_allowed;
    ea_fx_kind kind;
    enum mode mode;
    unsigned docker_life, refs;
    int64_t asked_ms;
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

/* Docker may have done it; nobody hears of that. */
static void lose_answer(struct call *c)
{
    ea_docker_facts_done(&c->ev.facts);
    c->ev.err = (ea_err){ 0 };
    c->ev.no_room = c->ev.cached = false;
    (void)ea_fail(&c->ev.err, EA_UNREACHABLE, "docker: connection reset");
}

static void do_create(struct sim *s, struct call *c)
{
    const struct plan_container *p = sim_plan_container(s, c->arn, c->cname);
    struct dcontainer *d = sim_docker_by_id(s, c->name);

    if (d) { /* the executor looks at the labels: ours, so it was made before */
        c->ev.facts = sim_docker_facts(s, d);
        return;
    }
    if (!p) {
        sim_fail(s, "%s/%s is created, which can never run", c->arn, c->cname);
        return;
    }
    if (sim_plan(s, c->arn)->impossible)
        sim_fail(s, "%s is impossible, and %s is created", c->arn, c->cname);
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
    d->task = (int)(sim_plan(s, c->arn) - s->plan);
    d->container = (int)(p - s->plan[d->task].c);
    (void)snprintf(d->id, sizeof(d->id), "id%llu", (unsigned long long)++s->next_id);
    (void)snprintf(d->name, sizeof(d->name), "%s", c->name);
    (void)snprintf(d->task_arn, sizeof(d->task_arn), "%s", c->arn);
    (void)snprintf(d->cname, sizeof(d->cname), "%s", c->cname);
    sim_log(s, "docker: created %s/%s as %s", c->arn, c->cname, d->id);
    d->port = c->port;
    d->late = c->mode == CALL_LATE;
    d->made_ms = s->now_ms;
    sim_docker_emit(s, d, EA_DA_CREATE);
    c->ev.facts = (struct ea_docker_facts){ .found = true, .brief = true, .state = EA_C_CREATED };
    c->ev.facts.id = ea_strdup(d->id);
}

/* Somebody else has the port: Docker finds that out when it is to publish it. */
static bool port_refused(struct sim *s, struct call *c, struct dcontainer *d)
{
    struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    if (!p || !d->port || d->port < s->foreign_first || d->port > s->foreign_last)
        return false;
    d->state = EA_C_STOPPED;
    d->start_failed = true;
    (void)snprintf(d->error, sizeof(d->error), "0.0.0.0:%lld: port is already allocated",
                   (long long)d->port);
    sim_log(s, "docker: %s/%s: %s", d->task_arn, d->cname, d->error);
    refuse(c, EA_SERVER, d->error);
    sim_check_refused(s, d, p);
    return true;
}

static void do_start(struct sim *s, struct call *c)
{
    struct dcontainer *d = sim_docker_by_id(s, c->id);

    if (!d) {
        refuse(c, EA_NOT_FOUND, "No such container");
        return;
    }
    if (d->foreign)
        sim_fail(s, "started a foreign container");
    if (d->state == EA_C_RUNNING)
        return;
    bool timely = c->ev.timeline == s->life && c->mode != CALL_LATE && c->mode != CALL_TIMEOUT_DONE;
    d->agent_runs += timely;
    d->stray += !timely;
    sim_check_start(s, d, timely);
    if (port_refused(s, c, d))
        return;
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);
    if (p && p->p.start_fails) {
        d->start_failed = true;
        d->state = EA_C_STOPPED;
        (void)snprintf(d->error, sizeof(d->error), "OCI runtime create failed");
        refuse(c, EA_SERVER, "OCI runtime create failed");
        return;
    }
    sim_docker_starts(s, d);
    if (sim_docker_mute(s, d) && !d->stale)
        refuse(c, EA_SERVER, "it cannot be described");
}

static int64_t do_stop(struct sim *s, struct call *c)
{
    struct dcontainer *d = sim_docker_by_id(s, c->id);
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
    if (p && d->deaf_calls < p->p.deaf) {
        d->deaf_calls++;
        sim_log(s, "docker: %s/%s is not impressed", d->task_arn, d->cname);
        if (d->deaf_calls % 2)
            refuse(c, EA_SERVER, "cannot kill container");
        return grace;
    }
    if (sim_docker_mute(s, d))
        refuse(c, EA_SERVER, "it cannot be described");
    int64_t in = p && p->p.term_ms < grace ? p->p.term_ms : grace;
    sim_docker_ends_in(s, d, in, in < grace ? 143 : 137);
    return in + 1;
}

static void do_remove(struct sim *s, struct call *c)
{
    struct dcontainer *d = sim_docker_by_id(s, c->id ? c->id : c->name);

    if (!d) {
        refuse(c, EA_NOT_FOUND, "No such container");
        return;
    }
    if (d->foreign || strcmp(d->task_arn, c->arn) != 0)
        sim_fail(s, "removed a container of somebody else");
    if (d->state == EA_C_RUNNING) {
        refuse(c, EA_CONFLICT, "You cannot remove a running container");
        return;
    }
    d->exists = false;
    sim_log(s, "docker: removed %s/%s", d->task_arn, d->cname);
    sim_docker_emit(s, d, EA_DA_DESTROY);
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
        c->ev.image_id = ea_sprintf_dup("sha256:%s-%s", c->arn, c->cname);
}

/* Somebody else uses it: it stays, however often it is asked for. */
static bool volume_busy(struct sim *s, struct call *c)
{
    const struct plan_task *t = sim_plan(s, c->arn);

    if (!t || !t->c[0].p.volume_busy)
        return false;
    refuse(c, EA_CONFLICT, "volume is in use");
    return true;
}

static void do_volume(struct sim *s, struct call *c)
{
    size_t i = 0;

    while (i < s->volumes_n && strcmp(s->volumes[i], c->volume) != 0)
        i++;
    if (c->kind == EA_FX_VOLUME_INSPECT && i == s->volumes_n)
        refuse(c, EA_NOT_FOUND, "no such volume");
    if (c->kind == EA_FX_VOLUME_REMOVE && i < s->volumes_n) {
        if (volume_busy(s, c))
            return;
        sim_check_volume_gone(s, c->arn, c->volume, c->asked_ms);
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
            c->kind == EA_FX_FIND ? sim_docker_of(s, c->arn, c->cname) : sim_docker_by_id(s, c->id);
        if (d && sim_docker_mute(s, d)) {
            refuse(c, EA_SERVER, "it cannot be described");
            return 0;
        }
        c->ev.facts = sim_docker_facts(s, d);
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
        lose_answer(c);
    } else if (starts_or_stops && c->ev.err.code == EA_OK) {
        struct dcontainer *d = sim_docker_by_id(s, c->id);
        if (c->kind == EA_FX_STOP && d && d->state == EA_C_STOPPED && c->ran && sim_chance(s, 500))
            c->ev.facts = end_of(d); /* its event was enough */
        else
            c->ev.facts = sim_docker_facts(s, d); /* the inspect that follows */
        if (d && d->stale && c->kind == EA_FX_START) {
            d->stale = false;
            c->ev.facts.state = EA_C_CREATED;
            c->ev.facts.started_ms = 0;
        }
        if (!d)
            (void)ea_fail(&c->ev.err, EA_NOT_FOUND,
                          "Error response from daemon: No such container");
    }
    struct ea_event ev = c->ev;
    c->ev = (struct ea_event){ 0 };
    sim_log(s, "docker answers op %llu %s %s/%s: %s", (unsigned long long)ev.op, ea_fx_name(ev.of),
            c->arn, c->cname ? c->cname : c->volume, ea_code_name(ev.err.code));
    sim_check_answer(s, &ev, c->arn, c->cname);
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
            lose_answer(c);
            more = 0;
        }
        plan_reply(s, c, more + sim_between(s, 0, 20));
    }
    call_unref(c);
}

static enum mode choose(struct sim *s, ea_fx_kind kind)
{
    if (sim_fault(s, s->chaos.call_error) && kind != EA_FX_PING)
        return sim_chance(s, 300) ? CALL_ERROR_DONE : CALL_ERROR;
    if (sim_fault(s, s->chaos.call_lost))
        return sim_chance(s, 500) ? CALL_LOST : CALL_LOST_DONE;
    if ((kind == EA_FX_START || kind == EA_FX_CREATE) && sim_fault(s, s->chaos.late_call))
        return CALL_LATE;
    if (sim_fault(s, s->chaos.call_timeout))
        return sim_chance(s, 333) ? CALL_TIMEOUT
               : sim_chance(s, 500) || kind == EA_FX_VOLUME_CREATE
                   ? CALL_TIMEOUT_DONE
                   : CALL_LATE; /* an empty volume made that late stays: nobody knows of it */
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
        for (size_t i = 0; i < fx->container->ports.n; i++)
            if (fx->container->ports.v[i].assigned_host_port)
                c->port = fx->container->ports.v[i].assigned_host_port;
    }
    if (fx->volume)
        c->volume = ea_strdup(fx->volume->docker_name);
    c->stop_s = fx->stop_s;
    c->limit_ms = fx->limit_ms;
    c->local = fx->local;
    c->ran = fx->container && fx->container->known == EA_C_RUNNING;
    c->docker_life = s->docker_life;
    c->asked_ms = s->now_ms;
    return c;
}

void sim_docker_run(struct sim *s, const struct ea_effect *fx)
{
    struct call *c = call_new(s, fx);
    int64_t latency = sim_between(s, 1, sim_chance(s, s->chaos.slow) ? 5000 : 60);

    sim_log(s, "engine asks op %llu %s %s/%s", (unsigned long long)fx->op, ea_fx_name(fx->kind),
            c->arn, c->cname ? c->cname : c->volume);
    sim_check_call(s, fx);
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

static void drop_survey(void *p)
{
    ea_event_done(p);
    ea_free(p);
}

static void post_survey(struct sim *s, struct item *it)
{
    sim_agent_post(s, it->p);
    ea_free(it->p);
}

void sim_docker_survey(struct sim *s, const struct ea_effect *fx)
{
    struct item *it = sim_at(s, sim_between(s, 1, sim_chance(s, 100) ? 60000 : 500), post_survey);
    struct ea_event *ev = ea_alloc(sizeof(*ev));

    *ev = (struct ea_event){ .kind = EA_EV_RESULT, .of = EA_FX_SURVEY, .op = fx->op };
    it->life = s->life;
    it->p = ev;
    it->drop = drop_survey;
    if (!s->docker_up) {
        (void)ea_fail(&ev->err, EA_UNREACHABLE, "docker: connection refused");
        return;
    }
    ev->found.v = ea_alloc_array(s->docker_n + 1, sizeof(*ev->found.v));
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].exists) {
            struct ea_docker_facts *f = &ev->found.v[ev->found.n++];
            *f = sim_docker_facts(s, &s->docker[i]);
            f->cluster = ea_strdup("c");
        }
}

/* Nothing of a task that the agent has to know, and nothing that runs, may go this way. */
void sim_docker_remove_untracked(struct sim *s, const struct ea_effect *fx)
{
    struct dcontainer *d = sim_docker_by_id(s, fx->text);
    const struct plan_task *p = d ? sim_plan(s, d->task_arn) : NULL;

    if (!d || !s->docker_up || d->state == EA_C_RUNNING)
        return; /* Docker removes nothing that runs */
    if (p && !p->cleaned)
        sim_fail(s, "a container of %s is removed as if it were nobody's", d->task_arn);
    sim_log(s, "docker: removed untracked %s", d->id);
    d->exists = false;
}

static void post_disk(struct sim *s, struct item *it)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_DISK, .op = (uint64_t)it->a };

    if (!s->docker_up) {
        (void)ea_fail(&ev.err, EA_UNREACHABLE, "docker: connection refused");
    } else if (!s->disk_images || sim_fault(s, s->chaos.call_error)) {
        (void)ea_fail(&ev.err, EA_IO, "no such folder");
    } else {
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
    ea_code code = !s->docker_up                           ? EA_UNREACHABLE
                   : sim_fault(s, s->chaos.call_error * 5) ? EA_CONFLICT
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
            const struct dcontainer *d = sim_docker_of(s, s->plan[i].arn, s->plan[i].c[j].name);
            if (d && !d->deaf_calls && !(d->late && s->clock_jumps))
                sim_fail(s, "image %s is removed while its container exists", fx->text);
        }
    struct item *it = sim_at(s, sim_between(s, 1, 500), post_image_removed);
    it->life = s->life;
    it->a = (int64_t)fx->op;
    it->b = (int64_t)code;
}
