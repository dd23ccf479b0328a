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

static void check_task(struct sim *s, const struct ea_task *t)
{
    check_monotony(s, t);
    if (t->known == EA_T_STOPPED && t->holds_resources)
        sim_fail(s, "%s is STOPPED and holds resources", t->arn);
    if (t->known == EA_T_RUNNING && !t->was_running)
        sim_fail(s, "%s runs and will not be told so", t->arn);
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if (c->known > EA_C_NONE && c->known < EA_C_STOPPED && !t->holds_resources)
            sim_fail(s, "%s/%s is %s and its task holds nothing", t->arn, c->name,
                     ea_cstate_name(c->known));
        if (t->known == EA_T_STOPPED && c->known != EA_C_STOPPED)
            sim_fail(s, "%s is STOPPED, %s is %s", t->arn, c->name, ea_cstate_name(c->known));
        if (c->op && c->op >= s->m.next_op)
            sim_fail(s, "op that was never given out");
    }
}

static bool holders_share_port(const struct ea_task *a, const struct ea_task *b)
{
    for (size_t i = 0; i < a->containers.n; i++)
        for (size_t j = 0; j < a->containers.v[i].ports.n; j++)
            for (size_t k = 0; k < b->containers.n; k++)
                for (size_t l = 0; l < b->containers.v[k].ports.n; l++)
                    if (a->containers.v[i].ports.v[j].host_port ==
                        b->containers.v[k].ports.v[l].host_port)
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
        cpu += t->cpu > 0 ? (int64_t)(t->cpu * 1024) : 0;
        memory += t->memory_mib;
        for (size_t i = 0; i < t->containers.n; i++) {
            cpu += t->cpu > 0 ? 0 : t->containers.v[i].cpu;
            memory += t->memory_mib > 0 ? 0 : t->containers.v[i].memory_mib;
        }
        for (ea_node *o = node->next; o != &s->m.tasks.head; o = o->next) {
            const struct ea_task *other = EA_OWNER(o, const struct ea_task, node);
            if (other->holds_resources && holders_share_port(t, other))
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

static bool stored(const struct sim *s, const char *arn)
{
    for (size_t i = 0; i < s->rows_n; i++)
        if (strcmp(s->rows[i].arn, arn) == 0)
            return true;
    return false;
}

void sim_check_world(struct sim *s)
{
    for (size_t i = 0; i < s->plan_n; i++) {
        const struct plan_task *t = &s->plan[i];

        if ((t->acked || t->stop_acked) && t->told != EA_T_STOPPED && !stored(s, t->arn))
            sim_fail(s, "%s was acknowledged and is not stored", t->arn);
    }
    for (size_t i = 0; i < s->docker_n; i++)
        for (size_t j = i + 1; s->docker[i].exists && j < s->docker_n; j++)
            if (s->docker[j].exists && !s->docker[i].foreign && !s->docker[j].foreign &&
                strcmp(s->docker[i].task_arn, s->docker[j].task_arn) == 0 &&
                strcmp(s->docker[i].cname, s->docker[j].cname) == 0)
                sim_fail(s, "two containers for %s/%s", s->docker[i].task_arn, s->docker[i].cname);
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
    case EA_DEP_COMPLETE:
        return d ? d->state == EA_C_STOPPED : m->known == EA_C_STOPPED;
    case EA_DEP_SUCCESS:
        return d ? d->state == EA_C_STOPPED && d->exit_code == 0
                 : m->known == EA_C_STOPPED && m->exit_code.v == 0;
    case EA_DEP_HEALTHY:
        return d && d->ever_healthy;
    }
    return false;
}

void sim_check_start(struct sim *s, const struct dcontainer *d)
{
    const struct ea_task *t = s->agent_up ? ea_model_task(&s->m, d->task_arn) : NULL;
    const struct ea_container *c = t ? ea_task_container(t, d->cname) : NULL;

    for (size_t i = 0; c && !d->ever_started && i < c->depends_on.n; i++)
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

        if (!other || other->state != EA_C_RUNNING || other->meddled)
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

        if (c->op || c->lookup || c->restarting)
            continue; /* on its way */
        if (c->known == EA_C_RUNNING && !runs && !(d && sim_wall(s) - d->finished_ms < 400000))
            sim_fail(s, "%s/%s counts as running and does not run", t->arn, c->name);
        if (c->known == EA_C_STOPPED && runs && !d->meddled && !c->error_name)
            sim_fail(s, "%s/%s counts as stopped and runs", t->arn, c->name);
    }
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
    if (!t->holds_resources) {
        if (held.tasks == 0)
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
    if (!d->exists || d->foreign || d->meddled || d->unheard || d->state != EA_C_RUNNING || !p ||
        !c || p->told != EA_T_STOPPED)
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

void sim_check_empty(struct sim *s)
{
    struct ea_held held;

    for (size_t i = 0; i < s->plan_n; i++)
        if (s->plan[i].placed && s->plan[i].told != EA_T_STOPPED)
            sim_fail(s, "%s never stopped", s->plan[i].arn);
    if (s->rows_n)
        sim_fail(s, "%zu rows are left, the first of %s", s->rows_n, s->rows[0].arn);
    for (size_t i = 0; i < s->docker_n; i++)
        if (s->docker[i].exists && !s->docker[i].foreign)
            sim_fail(s, "container %s of %s/%s is left (%s)", s->docker[i].id,
                     s->docker[i].task_arn, s->docker[i].cname, ea_cstate_name(s->docker[i].state));
    for (size_t i = 0; i < s->volumes_n; i++)
        if (strncmp(s->volumes[i], "ecs-", 4) == 0)
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
    if (ea_map_count(&s->m.creds))
        sim_fail(s, "credentials are left");
}
