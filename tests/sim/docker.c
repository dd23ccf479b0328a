#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

/* --- containers ------------------------------------------------------------------------------- */

struct dcontainer *sim_docker_of(struct sim *s, const char *arn, const char *name)
{
    const struct plan_task *t = sim_plan(s, arn);
    const struct plan_container *c = sim_plan_container(s, arn, name);

    if (!c)
        return NULL;
    int task = (int)(t - s->plan), container = (int)(c - t->c);
    for (size_t i = 0; i < s->docker_n; i++) {
        struct dcontainer *d = &s->docker[i];

        if (d->exists && d->task == task && d->container == container)
            return d;
    }
    return NULL;
}

struct dcontainer *sim_docker_by_id(struct sim *s, const char *id_or_name)
{
    for (size_t i = 0; id_or_name && i < s->docker_n; i++)
        if (s->docker[i].exists && (strcmp(s->docker[i].id, id_or_name) == 0 ||
                                    strcmp(s->docker[i].name, id_or_name) == 0))
            return &s->docker[i];
    return NULL;
}

struct ea_docker_facts sim_docker_facts(struct sim *s, const struct dcontainer *d)
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
    f.image_id = ea_sprintf_dup("sha256:%s-%s", d->task_arn, d->cname); /* each has its own image */
    f.oom_killed = d->oom && d->state == EA_C_STOPPED;
    if (d->state == EA_C_RUNNING) {
        f.pid = 1000 + (int64_t)d->run;
        f.networks.v = ea_alloc_array(1, sizeof(*f.networks.v));
        f.networks.n = 1;
        f.networks.v[0].mode = ea_strdup("bridge");
        f.networks.v[0].ipv4 = ea_strdup("172.17.0.2");
        f.bindings.v = ea_alloc_array(1, sizeof(*f.bindings.v));
        f.bindings.n = 1;
        f.bindings.v[0] = (struct ea_binding){ ea_strdup("0.0.0.0"), ea_strdup("tcp"), 80, 8080 };
        f.mounts.v = ea_alloc_array(1, sizeof(*f.mounts.v));
        f.mounts.n = 1;
        f.mounts.v[0].destination = ea_strdup("/x");
    }
    f.has_health = p && p->has_check;
    if (d->unhealthy) {
        f.health.exit_code = (ea_opt_i64){ true, 1 };
        f.health.output = ea_strdup("no");
    }
    f.health.status = d->healthy     ? EA_HEALTH_HEALTHY
                      : d->unhealthy ? EA_HEALTH_UNHEALTHY
                                     : EA_HEALTH_UNKNOWN;
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

bool sim_docker_mute(const struct sim *s, const struct dcontainer *d)
{
    return s->now_ms < d->mute_until_ms;
}

void sim_docker_emit(struct sim *s, struct dcontainer *d, ea_docker_action action)
{
    if (!s->agent_up || !s->linked)
        return;
    int copies = sim_fault(s, s->chaos.event_twice) ? 2 : 1;
    if (sim_fault(s, s->chaos.event_lost)) {
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
    d->has_exit = d->ever_ended = true;
    d->ever_ended_well = d->ever_ended_well || code == 0;
    d->stale = false;
    d->healthy = d->unhealthy = false;
    sim_log(s, "docker: %s/%s ends with %lld", d->task_arn, d->cname, (long long)code);
    if (d->oom)
        sim_docker_emit(s, d, EA_DA_OOM);
    sim_docker_emit(s, d, EA_DA_DIE);
}

static void planned_end(struct sim *s, struct item *it)
{
    struct dcontainer *d = &s->docker[it->a];

    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    if (d->run == (uint64_t)it->b && s->docker_up && d->exists && d->state == EA_C_RUNNING) {
        d->oom = p && p->p.oom && *(int64_t *)it->p == p->p.exit_code;
        container_ends(s, d, *(int64_t *)it->p);
    }
    ea_free(it->p);
}

void sim_docker_ends_in(struct sim *s, struct dcontainer *d, int64_t in_ms, int64_t code)
{
    struct item *it = sim_at(s, in_ms, planned_end);
    int64_t *p = ea_alloc(sizeof(*p));

    *p = code;
    it->a = d - s->docker;
    it->b = (int64_t)d->run;
    it->p = p;
    it->drop = ea_free;
}

/* Healthy first; one that flaps changes a few times after that. */
static void health_turns(struct sim *s, struct item *it)
{
    struct dcontainer *d = &s->docker[it->a];
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    if (d->run != (uint64_t)it->b || d->state != EA_C_RUNNING || !d->exists || !s->docker_up)
        return;
    d->unhealthy = d->healthy;
    d->healthy = !d->healthy;
    d->ever_healthy = d->ever_healthy || d->healthy;
    sim_log(s, "docker: %s/%s %s", d->task_arn, d->cname, d->healthy ? "healthy" : "unhealthy");
    sim_docker_emit(s, d, d->healthy ? EA_DA_HEALTHY : EA_DA_UNHEALTHY);
    if (!p || !p->p.flaps || s->calm)
        return;
    struct item *next = sim_at(s, sim_between(s, 1000, 60000), health_turns);
    next->a = it->a;
    next->b = it->b;
}

void sim_docker_starts(struct sim *s, struct dcontainer *d)
{
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    d->state = EA_C_RUNNING;
    d->started_ms = sim_wall(s);
    d->run++;
    d->run_ms = s->now_ms;
    if (p && !d->ever_started) {
        d->mute_until_ms = p->p.mute_ms ? s->now_ms + p->p.mute_ms : 0;
        d->stale = p->p.stale_start && !s->calm;
    }
    d->ever_started = true;
    d->has_exit = d->oom = false;
    d->error[0] = '\0'; /* as the engine forgets it */
    sim_log(s, "docker: %s/%s runs", d->task_arn, d->cname);
    sim_docker_emit(s, d, EA_DA_START);
    if (!p)
        return;
    if (p->p.exit_after_ms >= 0)
        sim_docker_ends_in(s, d, p->p.exit_after_ms, p->p.exit_code);
    if (p->has_check && p->p.health_ms >= 0) {
        struct item *it = sim_at(s, p->p.health_ms, health_turns);
        it->a = d - s->docker;
        it->b = (int64_t)d->run;
    }
}

/* --- the engine goes and comes ------------------------------------------------------------------ */

static void post_up(struct sim *s, struct item *it)
{
    struct ea_event *ev = it->p;

    if (s->docker_up && (unsigned)it->a == s->docker_life) {
        s->linked_ms = s->now_ms;
        sim_agent_post(s, ev);
    } else {
        ea_event_done(ev);
    }
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
            *f = sim_docker_facts(s, &s->docker[i]);
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
    sim_at(s, sim_between(s, 0, sim_chance(s, 300) ? 8000 : 300), post_down)->life = s->life;
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
        sim_docker_emit(s, d, EA_DA_DESTROY);
        break;
    case 1:
        sim_log(s, "meddler kills %s/%s", d->task_arn, d->cname);
        container_ends(s, d, 137);
        break;
    default:
        sim_log(s, "meddler starts %s/%s", d->task_arn, d->cname);
        if (d->state != EA_C_RUNNING)
            sim_docker_starts(s, d);
        break;
    }
}
