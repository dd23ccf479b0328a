#include "sim.h"

#include "engine/state.h"

#include "base/str.h"

#include <string.h>

/* --- after each turn: the model ------------------------------------------------------------------ */

static void check_monotony(struct sim *s, const struct ea_task *t)
{
    size_t i = 0;

    while (i < s->seen_n && strcmp(s->seen[i].arn, t->arn) != 0)
        i++;
    if (i == s->seen_n)
        (void)snprintf(s->seen[s->seen_n++].arn, sizeof(s->seen[0].arn), "%s", t->arn);
    else if (t->known < s->seen[i].known || t->desired < s->seen[i].desired)
        sim_fail(s, "%s went back: known %s, desired %s", t->arn, ea_tstate_name(t->known),
                 ea_tstate_name(t->desired));
    s->seen[i].known = t->known;
    s->seen[i].desired = t->desired;
}

/* It ran long enough and nobody wanted it to end: the policy owes it a start. */
static bool start_is_owed(const struct sim *s, const struct plan_container *p,
                          const struct dcontainer *d, const struct ea_container *c)
{
    return p->restarts && p->wanted != EA_C_STOPPED && d && d->state == EA_C_STOPPED &&
           d->has_exit && !(p->ignores_zero && d->exit_code == 0) && !c->error_name &&
           s->clock_jumps == 0 && d->finished_ms - d->started_ms >= p->period_ms + 1000 &&
           d->agent_runs > 0 && !d->meddled;
}

/* What runs has the host port that its books name; and it is not given up before the third that was
 * somebody else's, unless it is started anew in place: that one has told its port already. */
static void check_port(struct sim *s, const struct ea_task *t, const struct ea_container *c,
                       const struct plan_container *p)
{
    const struct dcontainer *d = sim_docker_of(s, t->arn, c->name);

    for (size_t i = 0; c->known == EA_C_RUNNING && d && !d->meddled && i < c->ports.n; i++)
        if (c->ports.v[i].host_port == 0 && c->ports.v[i].assigned_host_port != d->port)
            sim_fail(s, "%s/%s runs with port %lld, and %lld was noted", t->arn, c->name,
                     (long long)d->port, (long long)c->ports.v[i].assigned_host_port);
    if (p->wanted != EA_C_STOPPED && c->error_text && strstr(c->error_text, "already allocated") &&
        p->refused_n < 3 && c->restart_count == 0)
        sim_fail(s, "%s/%s gives up after %u taken ports", t->arn, c->name, p->refused_n);
}

static void check_container(struct sim *s, const struct ea_task *t, const struct ea_container *c)
{
    struct plan_container *p = sim_plan_container(s, t->arn, c->name);

    if (!p || (c->known == p->seen && c->desired == p->wanted))
        return;
    if (c->known < p->seen || c->desired < p->wanted)
        sim_fail(s, "%s/%s went back: known %s, desired %s", t->arn, c->name,
                 ea_cstate_name(c->known), ea_cstate_name(c->desired));
    if (c->known == EA_C_STOPPED && p->seen != EA_C_STOPPED &&
        start_is_owed(s, p, sim_docker_of(s, t->arn, c->name), c))
        sim_fail(s, "%s/%s counts as stopped, and its restart policy owes it a start", t->arn,
                 c->name);
    check_port(s, t, c, p);
    p->seen = c->known;
    p->wanted = c->desired;
}

/* A task that has ended was told to, or something says why. */
static void check_end(struct sim *s, const struct ea_task *t)
{
    const struct plan_task *p = sim_plan(s, t->arn);

    if (!p || t->known != EA_T_STOPPED || t->reason || p->stop_wanted || p->stop_by_operator)
        return;
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].error_name || t->containers.v[i].exit_code.has)
            return;
    sim_fail(s, "%s is STOPPED and nothing says why", t->arn);
}

/* It turns towards its end because it was told to, or because something that it needs has ended. */
static void check_wish(struct sim *s, const struct ea_task *t, struct plan_task *p)
{
    bool first = !p->ends && t->desired == EA_T_STOPPED;

    p->ends = t->desired == EA_T_STOPPED;
    if (!first || p->stop_wanted || p->stop_by_operator || t->reason || t->rejected)
        return;
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].error_name ||
            (t->containers.v[i].essential && t->containers.v[i].known == EA_C_STOPPED))
            return;
    sim_fail(s, "%s is to stop, and nobody wanted it", t->arn);
}

static void check_task(struct sim *s, const struct ea_task *t)
{
    check_monotony(s, t);
    if (t->known == EA_T_STOPPED && t->holds_resources)
        sim_fail(s, "%s is STOPPED and holds resources", t->arn);
    if (t->known == EA_T_RUNNING && !t->was_running)
        sim_fail(s, "%s runs and will not be told so", t->arn);
    struct plan_task *p = sim_plan(s, t->arn);

    check_end(s, t);
    check_wish(s, t, p);
    if (s->draining && t->holds_resources && !p->held)
        sim_fail(s, "%s is admitted by an agent that is draining", t->arn);
    if (t->holds_resources && !p->held)
        p->held_ms = s->now_ms;
    p->held = t->holds_resources;
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        check_container(s, t, c);
        if (c->known > EA_C_NONE && c->known < EA_C_STOPPED && !t->holds_resources)
            sim_fail(s, "%s/%s is %s and its task holds nothing", t->arn, c->name,
                     ea_cstate_name(c->known));
        if (t->known == EA_T_STOPPED && c->known != EA_C_STOPPED)
            sim_fail(s, "%s is STOPPED, %s is %s", t->arn, c->name, ea_cstate_name(c->known));
        if (c->error_text && strstr(c->error_text, "docker: connection"))
            sim_fail(s, "%s/%s fails because Docker was away", t->arn, c->name);
        if (c->op && c->op >= s->m.next_op)
            sim_fail(s, "op that was never given out");
    }
}

static bool shares(const struct ea_port_mapping *p, const struct ea_port_mapping *q)
{
    bool same_kind = ea_zstr_eq(p->protocol, "udp") == ea_zstr_eq(q->protocol, "udp");
    int64_t a = p->host_port ? p->host_port : p->assigned_host_port;
    int64_t b = q->host_port ? q->host_port : q->assigned_host_port;

    return same_kind && a && a == b;
}

/* Both have containers that live, or will. */
static bool holders_share_port(const struct ea_task *a, const struct ea_task *b)
{
    for (size_t i = 0; i < a->containers.n; i++)
        for (size_t j = 0; j < a->containers.v[i].ports.n; j++)
            for (size_t k = 0; k < b->containers.n; k++)
                for (size_t l = 0; l < b->containers.v[k].ports.n; l++)
                    if (a->containers.v[i].known != EA_C_STOPPED &&
                        b->containers.v[k].known != EA_C_STOPPED &&
                        shares(&a->containers.v[i].ports.v[j], &b->containers.v[k].ports.v[l]))
                        return true;
    return false;
}

void sim_check_model(struct sim *s)
{
    struct ea_held held;
    int64_t cpu = 0, memory = 0;

    EA_LIST_EACH(&s->m.tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        check_task(s, t);
        if (!t->holds_resources)
            continue;
        const bool counts = !ea_zstr_eq(t->launch_type, "FARGATE");
        cpu += counts && t->cpu > 0 ? (int64_t)(t->cpu * 1024) : 0;
        memory += counts ? t->memory_mib : 0;
        for (size_t i = 0; counts && i < t->containers.n; i++) {
            const struct ea_container *c = &t->containers.v[i];
            cpu += t->cpu > 0 ? 0 : c->cpu;
            memory += t->memory_mib > 0 ? 0 : c->docker_config.host_config ? 4 : c->memory_mib;
        }
        for (ea_node *o = node->next; o != &s->m.tasks.head; o = o->next) {
            const struct ea_task *other = EA_OWNER(o, const struct ea_task, node);
            if (other->holds_resources && counts && !ea_zstr_eq(other->launch_type, "FARGATE") &&
                holders_share_port(t, other))
                sim_fail(s, "%s and %s hold the same port", t->arn, other->arn);
        }
    }
    ea_engine_held(&s->m, &held);
    if (held.cpu_units != cpu || held.memory_mib != memory)
        sim_fail(s, "books say %lld CPU, %lld MiB; tasks hold %lld, %lld",
                 (long long)held.cpu_units, (long long)held.memory_mib, (long long)cpu,
                 (long long)memory);
    if (cpu > s->host.cpu_units || memory > s->host.memory_mib)
        sim_fail(s, "more is held than there is: %lld CPU, %lld MiB", (long long)cpu,
                 (long long)memory);
}

/* --- after each event: the world ------------------------------------------------------------------ */

void sim_check_world(struct sim *s)
{
    for (size_t i = 0; i < s->plan_n; i++) {
        const struct plan_task *t = &s->plan[i];

        if ((t->acked || t->stop_acked) && t->told != EA_T_STOPPED && !t->stored)
            sim_fail(s, "%s was acknowledged and is not stored", t->arn);
    }
    for (size_t i = 0; i < s->docker_n; i++)
        for (size_t j = i + 1; s->docker[i].exists && j < s->docker_n; j++)
            if (s->docker[j].exists && !s->docker[i].foreign &&
                s->docker[i].task == s->docker[j].task &&
                s->docker[i].container == s->docker[j].container)
                sim_fail(s, "two containers for %s/%s", s->docker[i].task_arn, s->docker[i].cname);
}

/* --- calls ---------------------------------------------------------------------------------------- */

enum {
    PAUSE_MS = 300, /* between a call that found no Docker and its next attempt */
    QUICK_MAX = 3   /* news, like a stop order, may be a reason to try at once */
};

void sim_check_life(struct sim *s)
{
    for (size_t i = 0; i < s->plan_n; i++) {
        const struct ea_task *t = ea_model_task(&s->m, s->plan[i].arn);

        s->plan[i].accepted = EA_T_NONE;
        s->plan[i].ends = t && t->desired == EA_T_STOPPED;
        s->plan[i].held = t && t->holds_resources;
        for (size_t j = 0; j < s->plan[i].n; j++) {
            struct plan_container *p = &s->plan[i].c[j];
            const struct ea_container *c = t ? ea_task_container(t, p->name) : NULL;

            p->busy_op = 0;
            memset(p->lost_ms, 0, sizeof(p->lost_ms));
            p->seen = c ? c->known : EA_C_NONE;
            p->wanted = c ? c->desired : EA_C_NONE;
        }
    }
}

/* One call at a time for one container, apart from pulls, which may be left alone; and no call again
 * right after Docker was found to be gone. */
void sim_check_call(struct sim *s, const struct ea_effect *fx)
{
    struct plan_container *p =
        fx->container ? sim_plan_container(s, fx->task->arn, fx->container->name) : NULL;

    if (!p || (size_t)fx->kind >= EA_COUNT(p->lost_ms))
        return;
    if (p->busy_op && p->busy_kind != EA_FX_PULL && p->busy_kind != EA_FX_RESOLVE)
        sim_fail(s, "%s/%s: %s is asked while %s is not answered", fx->task->arn, p->name,
                 ea_fx_name(fx->kind), ea_fx_name((ea_fx_kind)p->busy_kind));
    bool quick = p->lost_ms[fx->kind] && s->now_ms - p->lost_ms[fx->kind] < PAUSE_MS &&
                 s->linked_ms < p->lost_ms[fx->kind];
    p->quick = quick ? p->quick + 1 : 0;
    if (p->quick == QUICK_MAX)
        sim_fail(s, "%s/%s: %s is asked again and again without a pause while Docker is gone",
                 fx->task->arn, p->name, ea_fx_name(fx->kind));
    p->busy_op = fx->op;
    p->busy_kind = (int)fx->kind;
}

void sim_check_answer(struct sim *s, const struct ea_event *ev, const char *arn, const char *name)
{
    struct plan_container *p = sim_plan_container(s, arn, name);

    if (!p || (size_t)ev->of >= EA_COUNT(p->lost_ms))
        return;
    if (p->busy_op == ev->op)
        p->busy_op = 0;
    p->lost_ms[ev->of] = ev->err.code == EA_UNREACHABLE ? s->now_ms : 0;
}

/* A port that was just found taken is not tried again by an agent that still knows of it. */
void sim_check_refused(struct sim *s, const struct dcontainer *d, struct plan_container *p)
{
    /* A start that Docker carries out late may be the second of one container. */
    if (p->refused_life == s->life && p->refused_port == d->port && p->refused != d &&
        s->now_ms - p->refused_ms < 200000)
        sim_fail(s, "%s/%s has port %lld again, which was taken", d->task_arn, d->cname,
                 (long long)d->port);
    p->refused_n++;
    p->refused_life = s->life;
    p->refused = d;
    p->refused_port = d->port;
    p->refused_ms = s->now_ms;
}

void sim_check_volume_gone(struct sim *s, const char *arn, const char *volume, int64_t asked_ms)
{
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].exists && strcmp(s->docker[i].task_arn, arn) == 0 &&
            s->docker[i].made_ms <= asked_ms && !s->docker[i].meddled && !s->docker[i].late &&
            !s->docker[i].deaf_calls)
            sim_fail(s, "volume %s is removed while %s/%s exists", volume, arn, s->docker[i].cname);
}

/* --- order ---------------------------------------------------------------------------------------- */

/* Somebody else started, killed or removed one of its containers. */
static bool was_meddled_with(const struct sim *s, const char *arn, const char *name)
{
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].meddled && strcmp(s->docker[i].task_arn, arn) == 0 &&
            strcmp(s->docker[i].cname, name) == 0)
            return true;
    return false;
}

static bool met(struct sim *s, const struct ea_task *t, const struct ea_depends_on *dep)
{
    const struct ea_container *m = ea_task_container(t, dep->container_name);
    const struct dcontainer *d = sim_docker_of(s, t->arn, dep->container_name);

    if (!m || was_meddled_with(s, t->arn, dep->container_name))
        return true;
    switch (dep->condition) {
    case EA_DEP_CREATE:
        return d || m->known >= EA_C_CREATED;
    case EA_DEP_START:
        return (d && d->ever_started) || m->known == EA_C_STOPPED;
    case EA_DEP_COMPLETE: /* it may run once more: by a start that Docker carried out too late */
        return m->known == EA_C_STOPPED && (!d || d->ever_ended);
    case EA_DEP_SUCCESS:
        return m->known == EA_C_STOPPED && m->exit_code.v == 0 && (!d || d->ever_ended_well);
    case EA_DEP_HEALTHY:
        return d && d->ever_healthy;
    }
    return false;
}

void sim_check_start(struct sim *s, const struct dcontainer *d, bool timely)
{
    const struct ea_task *t = s->agent_up ? ea_model_task(&s->m, d->task_arn) : NULL;
    const struct ea_container *c = t ? ea_task_container(t, d->cname) : NULL;
    const struct plan_container *p = sim_plan_container(s, d->task_arn, d->cname);

    if (timely && !d->stray && d->ever_started && p && !p->restarts && !d->meddled)
        sim_fail(s, "%s/%s is started again without a restart policy", d->task_arn, d->cname);
    if (timely && !d->stray && c && p->restarts && !d->meddled && !d->start_failed &&
        (int64_t)d->agent_runs > c->restart_count + 1 + s->clock_jumps)
        sim_fail(s, "%s/%s is started %u times, and %lld restarts are counted", d->task_arn,
                 d->cname, d->agent_runs, (long long)c->restart_count);
    for (size_t i = 0; timely && c && !d->ever_started && i < c->depends_on.n; i++)
        if (!met(s, t, &c->depends_on.v[i]))
            sim_fail(s, "%s/%s starts before its dependency %s (condition %d)", t->arn, c->name,
                     c->depends_on.v[i].container_name, (int)c->depends_on.v[i].condition);
}

void sim_check_stop(struct sim *s, const struct dcontainer *d)
{
    const struct ea_task *t = s->agent_up ? ea_model_task(&s->m, d->task_arn) : NULL;

    const struct ea_container *own = t ? ea_task_container(t, d->cname) : NULL;

    if (!own || !ea_container_is_running(own) || d->meddled)
        return; /* one that nobody was told to rely on has no order */
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];
        const struct dcontainer *other = sim_docker_of(s, t->arn, c->name);

        if (!other || other->state != EA_C_RUNNING || other->meddled || other->stray)
            continue;
        /* A call that Docker answered too late, or never, may have left it behind as stopped. */
        if (c->known == EA_C_STOPPED && (c->error_name || c->revived || c->stop_once_done))
            continue;
        for (size_t j = 0; j < c->depends_on.n; j++)
            if (strcmp(c->depends_on.v[j].container_name, d->cname) == 0)
                sim_fail(s, "%s/%s is stopped before %s, which needs it", t->arn, d->cname,
                         c->name);
    }
}

/* --- liveness ------------------------------------------------------------------------------------- */

static bool may_wait(const char *why)
{
    return strstr(why, "waits for container") || strstr(why, "waits for the credentials");
}

static void settled_running(struct sim *s, const struct ea_task *t)
{
    if (t->sent < EA_T_RUNNING)
        sim_fail(s, "%s runs and that was not told", t->arn);
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];
        const struct dcontainer *d = sim_docker_of(s, t->arn, c->name);
        bool runs = d && d->state == EA_C_RUNNING;

        if (c->op || c->lookup || c->restarting || (d && s->now_ms - d->mute_until_ms < 400000))
            continue; /* on its way, or Docker could not describe it lately */
        if (c->known == EA_C_RUNNING && !runs && !(d && sim_wall(s) - d->finished_ms < 400000))
            sim_fail(s, "%s/%s counts as running and does not run", t->arn, c->name);
        if (c->known == EA_C_STOPPED && runs && !d->meddled && !c->error_name)
            sim_fail(s, "%s/%s counts as stopped and runs", t->arn, c->name);
    }
}

static bool any_mute(struct sim *s, const struct plan_task *p)
{
    for (size_t i = 0; i < s->docker_n; i++)
        if (&s->plan[s->docker[i].task] == p && s->now_ms - s->docker[i].mute_until_ms < 400000)
            return true;
    return false;
}

static void settled_task(struct sim *s, const struct plan_task *p)
{
    const struct ea_task *t = ea_model_task(&s->m, p->arn);
    char why[256];

    if (!p->placed || p->told == EA_T_STOPPED)
        return;
    if (!t) {
        sim_fail(s, "%s was placed and is nowhere", p->arn);
        return;
    }
    const ea_time now = { s->now_ms + s->mono0_ms, sim_wall(s) };
    ea_engine_explain(&s->m, t, &now, why);
    if (p->stop_wanted || t->desired == EA_T_STOPPED) {
        sim_fail(s, "%s was to stop and is %s: %s", p->arn, ea_tstate_name(t->known), why);
        return;
    }
    struct ea_held held;
    ea_engine_held(&s->m, &held);
    if (any_mute(s, p) || (t->holds_resources && s->now_ms - p->held_ms < 900000))
        return; /* it has just begun, or Docker could not describe it lately */
    if (!t->holds_resources) {
        if (held.tasks == 0 && !s->draining)
            sim_fail(s, "%s waits for an empty host: %s", p->arn, why);
        return;
    }
    if (t->known == EA_T_RUNNING)
        settled_running(s, t);
    else if (!may_wait(why))
        sim_fail(s, "%s stays %s: %s", p->arn, ea_tstate_name(t->known), why);
}

/* What is told to be stopped does not run, but for what an operator started or Docker would not
 * stop. */
static void settled_container(struct sim *s, const struct dcontainer *d)
{
    const struct plan_task *p = sim_plan(s, d->task_arn);
    const struct ea_task *t = ea_model_task(&s->m, d->task_arn);
    const struct ea_container *c = t ? ea_task_container(t, d->cname) : NULL;

    /* Nobody looks at stopped containers again when the event of their return is lost. */
    if (!d->exists || d->foreign || d->meddled || d->unheard || d->deaf_calls || d->stray > 1 ||
        s->now_ms - d->mute_until_ms < 400000 || d->state != EA_C_RUNNING || !p || !c ||
        p->told != EA_T_STOPPED)
        return;
    if (ea_zstr_eq(c->error_name, "DockerTimeoutError") ||
        ea_zstr_eq(c->error_name, "CannotStopContainerError"))
        return;
    sim_fail(s, "%s was told STOPPED and %s runs", d->task_arn, d->cname);
}

void sim_check_settled(struct sim *s)
{
    if (!s->agent_up) {
        sim_fail(s, "the agent is gone");
        return;
    }
    for (size_t i = 0; i < s->plan_n; i++)
        settled_task(s, &s->plan[i]);
    for (size_t i = 0; i < s->docker_n; i++)
        settled_container(s, &s->docker[i]);
}

static bool any_volume_busy(const struct sim *s)
{
    for (size_t i = 0; i < s->plan_n; i++)
        if (s->plan[i].c[0].p.volume_busy)
            return true;
    return false;
}

void sim_check_empty(struct sim *s)
{
    struct ea_held held;

    for (size_t i = 0; i < s->plan_n; i++)
        if (s->plan[i].placed && s->plan[i].told != EA_T_STOPPED)
            sim_fail(s, "%s never stopped", s->plan[i].arn);
    if (s->rows_n)
        sim_fail(s, "%zu rows are left, the first of %s", s->rows_n, s->rows[0].arn);
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].exists && !s->docker[i].foreign && !s->docker[i].deaf_calls &&
            !(s->docker[i].late && s->clock_jumps))
            sim_fail(s, "container %s of %s/%s is left (%s)", s->docker[i].id,
                     s->docker[i].task_arn, s->docker[i].cname, ea_cstate_name(s->docker[i].state));
    for (size_t i = 0; i < s->volumes_n; i++)
        if (strncmp(s->volumes[i], "ecs-", 4) == 0 && !any_volume_busy(s))
            sim_fail(s, "volume %s is left", s->volumes[i]);
    if (!s->agent_up)
        return;
    ea_engine_held(&s->m, &held);
    if (held.cpu_units || held.memory_mib || held.tasks)
        sim_fail(s, "resources are held by nobody");
    if (s->m.images.list.n && s->pull != EA_PULL_PREFER_CACHED)
        sim_fail(s, "image %s is left", s->m.images.list.v[0].name);
    if (s->fetched_n)
        sim_fail(s, "secrets of %s are still held", s->fetched[0].arn);
    const ea_map_entry *e;
    for (size_t i = 0; (e = ea_map_next(&s->m.creds, &i)) != NULL;) {
        const struct plan_task *p = sim_plan(s, ((const struct ea_creds *)e->value)->task_arn);

        if (p && !p->late_creds)
            sim_fail(s, "credentials %s are left", e->key);
    }
}
