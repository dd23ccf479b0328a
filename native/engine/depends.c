#include "depends.h"

#include "../base/alloc.h"
#include "../base/str.h"

#include <stdio.h>
#include <string.h>

static void add(struct ea_container *c, const char *name, ea_condition condition)
{
    for (size_t i = 0; i < c->depends_on.n; i++)
        if (strcmp(c->depends_on.v[i].container_name, name) == 0 &&
            c->depends_on.v[i].condition == condition)
            return;
    c->depends_on.v =
        ea_realloc_array(c->depends_on.v, c->depends_on.n + 1, sizeof(*c->depends_on.v));
    c->depends_on.v[c->depends_on.n++] = (struct ea_depends_on){ ea_strdup(name), condition };
}

static ea_code add_implicit(const struct ea_task *t, struct ea_container *c, ea_err *err)
{
    for (size_t i = 0; i < c->volumes_from.n; i++) {
        const char *source = c->volumes_from.v[i].source_container;

        if (!ea_task_container(t, source))
            return ea_fail(err, EA_INVALID, "container %s: volumesFrom names unknown container %s",
                           c->name, source ? source : "");
        add(c, source, EA_DEP_CREATE);
    }
    for (size_t i = 0; i < c->links.n; i++) {
        ea_str name;
        ea_str alias = ea_str_cut(ea_str_of(c->links.v[i]), ':', &name);
        EA_FREE_AUTO char *target = ea_str_dup(name);

        if (alias.p && memchr(alias.p, ':', alias.n))
            return ea_fail(err, EA_INVALID, "container %s: invalid link %s", c->name,
                           c->links.v[i]);
        if (!ea_task_container(t, target))
            return ea_fail(err, EA_INVALID, "container %s: link to unknown container %s", c->name,
                           target);
        add(c, target, EA_DEP_START);
    }
    return EA_OK;
}

/* Can every dependency of `c` be met by containers that were picked before? */
static bool resolvable(const struct ea_task *t, const struct ea_container *c, const bool *picked)
{
    for (size_t i = 0; i < c->depends_on.n; i++) {
        const struct ea_container *d = ea_task_container(t, c->depends_on.v[i].container_name);

        if (!d || !picked[d - t->containers.v])
            return false;
        if (c->depends_on.v[i].condition == EA_DEP_HEALTHY && !ea_container_has_health_check(d))
            return false;
    }
    return true;
}

ea_code ea_depends_prepare(struct ea_task *t, ea_err *err)
{
    EA_FREE_AUTO bool *picked = ea_alloc_array(t->containers.n + 1, sizeof(bool));
    size_t left = t->containers.n;

    for (size_t i = 0; i < t->containers.n; i++)
        if (add_implicit(t, &t->containers.v[i], err))
            return err->code;
    for (bool progress = true; left > 0 && progress;) {
        progress = false;
        for (size_t i = 0; i < t->containers.n; i++) {
            if (picked[i] || !resolvable(t, &t->containers.v[i], picked))
                continue;
            picked[i] = progress = true;
            left--;
        }
    }
    if (left > 0)
        return ea_fail(err, EA_INVALID, "Task dependencies cannot be resolved, taskArn: %s",
                       t->arn);
    return EA_OK;
}

static bool satisfied(const struct ea_depends_on *dep, const struct ea_container *c,
                      const struct ea_container *d)
{
    switch (dep->condition) {
    case EA_DEP_CREATE:
        return d->known >= EA_C_CREATED;
    case EA_DEP_START:
        return d->known == EA_C_STOPPED || d->known == ea_container_steady(d) ||
               (c->desired == EA_C_CREATED && d->known == EA_C_CREATED);
    case EA_DEP_COMPLETE:
        return d->known == EA_C_STOPPED && d->exit_code.has;
    case EA_DEP_SUCCESS:
        return d->known == EA_C_STOPPED && d->exit_code.has && d->exit_code.v == 0;
    case EA_DEP_HEALTHY:
        return ea_container_has_health_check(d) && d->known != EA_C_STOPPED &&
               d->health.status == EA_HEALTH_HEALTHY;
    }
    return false;
}

/* What is known of it is being checked: after a start, an outage or an event it may be old. */
static bool in_doubt(const struct ea_container *d)
{
    return d->known < EA_C_STOPPED && (d->lookup || (d->op && d->applied == EA_C_NONE));
}

static const char *condition_name(ea_condition condition)
{
    for (const ea_jname *n = ea_condition_names; n->text; n++)
        if (n->value == (int)condition)
            return n->text;
    return "?";
}

/* Why the dependency can never be met; false while it still may be. A stopped container neither
 * becomes healthy nor gets an exit code any more, so waiting on is pointless there too. */
static bool hopeless(const struct ea_depends_on *dep, const struct ea_container *c,
                     const struct ea_container *d, int64_t wall_ms, char why[256])
{
    bool waits_for_end = dep->condition == EA_DEP_SUCCESS || dep->condition == EA_DEP_COMPLETE ||
                         dep->condition == EA_DEP_HEALTHY;

    if (waits_for_end && c->known < EA_C_CREATED && d->known != EA_C_STOPPED &&
        d->start_timeout_s > 0 && d->started_ms > 0 &&
        wall_ms > d->started_ms + d->start_timeout_s * 1000) {
        (void)snprintf(why, 256, "dependency graph: container start timed out: %s (condition %s)",
                       d->name, condition_name(dep->condition));
        return true;
    }
    if (waits_for_end && d->known == EA_C_STOPPED) {
        if (dep->condition == EA_DEP_SUCCESS && d->exit_code.has)
            (void)snprintf(why, 256, "dependency graph: failed dependency: %s exited with %lld",
                           d->name, (long long)d->exit_code.v);
        else
            (void)snprintf(why, 256,
                           "dependency graph: failed dependency: %s stopped (condition %s)",
                           d->name, condition_name(dep->condition));
        return true;
    }
    if (d->known < EA_C_RUNNING && d->desired == EA_C_STOPPED && !d->op) {
        (void)snprintf(why, 256, "dependency graph: container will never start: %s", d->name);
        return true;
    }
    return false;
}

ea_dep_answer ea_depends_start(const struct ea_model *m, const struct ea_task *t,
                               const struct ea_container *c, ea_cstate target, int64_t wall_ms,
                               char why[256], int64_t *until_ms)
{
    ea_dep_answer answer = EA_DEP_FREE;

    *until_ms = 0;
    /* Digests are resolved up front whatever the order, and images when the setting says so. */
    if (target <= EA_C_MANIFEST_PULLED ||
        (target <= EA_C_PULLED && m->settings.pull_dependent_upfront))
        return EA_DEP_FREE;
    for (size_t i = 0; i < c->depends_on.n; i++) {
        const struct ea_depends_on *dep = &c->depends_on.v[i];
        const struct ea_container *d = ea_task_container(t, dep->container_name);

        if (!d) {
            (void)snprintf(why, 256, "dependency graph: container not found: %s",
                           dep->container_name);
            return EA_DEP_NEVER;
        }
        bool met = satisfied(dep, c, d);
        if (met && !in_doubt(d))
            continue;
        if (!met && hopeless(dep, c, d, wall_ms, why))
            return EA_DEP_NEVER;
        if (answer == EA_DEP_FREE)
            (void)snprintf(why, 256, "waits for container %s (condition %s)", d->name,
                           condition_name(dep->condition));
        answer = EA_DEP_WAIT;
        int64_t end = d->started_ms + d->start_timeout_s * 1000 + 1;
        if (d->start_timeout_s > 0 && d->started_ms > 0 && end > wall_ms &&
            (*until_ms == 0 || end < *until_ms))
            *until_ms = end;
    }
    return answer;
}

bool ea_depends_hold_stop(const struct ea_task *t, const struct ea_container *c,
                          const char **blocker)
{
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *other = &t->containers.v[i];

        if (other == c || other->known == EA_C_STOPPED)
            continue;
        if (c->known < EA_C_RUNNING && other->known >= EA_C_RUNNING)
            continue; /* it runs without this one already */
        for (size_t j = 0; j < other->depends_on.n; j++)
            if (strcmp(other->depends_on.v[j].container_name, c->name) == 0) {
                if (blocker)
                    *blocker = other->name;
                return true;
            }
    }
    return false;
}
