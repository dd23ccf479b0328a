/* place.c - candidates, what does not fit, and the order of those that do. See place.h. */
#include "place.h"

#include "../base/alloc.h"
#include "place_expr.h"

#include <stdlib.h>
#include <string.h>

#define CONSTRAINT_REASON "MemberOf placement constraint unsatisfied."

void ea_lc_candidate_done(ea_lc_candidate *c)
{
    ea_free(c->tcp.v);
    ea_free(c->udp.v);
    ea_strlist_free(&c->groups);
    *c = (ea_lc_candidate){ .instance = NULL };
}

void ea_lc_candidate_init(ea_lc_candidate *c, const struct ea_lc_instance *i)
{
    *c = (ea_lc_candidate){ .instance = i };
    for (size_t k = 0; k < i->resources.n; k++) {
        const struct ea_lc_resource *r = &i->resources.v[k];
        bool tcp = ea_zstr_eq(r->name, "PORTS"), udp = ea_zstr_eq(r->name, "PORTS_UDP");

        if (ea_zstr_eq(r->name, "CPU"))
            c->cpu = r->integer;
        else if (ea_zstr_eq(r->name, "MEMORY"))
            c->memory_mib = r->integer;
        for (size_t p = 0; (tcp || udp) && p < r->set.n; p++) {
            int64_t port;
            ea_err err;

            if (ea_str_to_i64(ea_str_of(r->set.v[p]), 0, 65535, &port, &err) == EA_OK)
                ea_lc_i64_add(tcp ? &c->tcp : &c->udp, port);
        }
    }
}

void ea_lc_candidate_take(ea_lc_candidate *c, const struct ea_lc_task *t, const char *group)
{
    c->cpu -= t->cpu_units;
    c->memory_mib -= t->memory_mib;
    for (size_t i = 0; i < t->tcp.n; i++)
        ea_lc_i64_add(&c->tcp, t->tcp.v[i]);
    for (size_t i = 0; i < t->udp.n; i++)
        ea_lc_i64_add(&c->udp, t->udp.v[i]);
    c->tasks++;
    if (group && ea_zstr_eq(t->group, group))
        c->group_tasks++;
    if (t->group)
        ea_strlist_add(&c->groups, t->group);
}

static bool ports_free(const ea_i64list *used, const ea_i64list *wanted)
{
    for (size_t i = 0; wanted && i < wanted->n; i++)
        if (ea_lc_i64_has(used, wanted->v[i]))
            return false;
    return true;
}

const char *ea_lc_place_unfit(const ea_lc_candidate *c, const ea_lc_demand *d)
{
    ea_lc_subject s = { c->instance, c->tasks, &c->groups };

    if (!c->instance->connected)
        return "AGENT";
    for (size_t i = 0; d->requires && i < d->requires->n; i++)
        if (!ea_lc_attribute_find(&c->instance->attributes, d->requires->v[i]))
            return "ATTRIBUTE";
    for (size_t i = 0; i < d->expression_count; i++) {
        bool holds = false;
        ea_err err;

        if (ea_lc_expr_matches(d->expressions[i], &s, &holds, &err) || !holds)
            return CONSTRAINT_REASON;
    }
    if (d->distinct && c->group_tasks > 0)
        return "DistinctInstance placement constraint unsatisfied.";
    if (c->cpu < d->cpu)
        return "RESOURCE:CPU";
    if (c->memory_mib < d->memory_mib)
        return "RESOURCE:MEMORY";
    if (!ports_free(&c->tcp, d->tcp) || !ports_free(&c->udp, d->udp))
        return "RESOURCE:PORTS";
    return NULL;
}

static const char *field_value(const ea_lc_candidate *c, const char *field)
{
    const struct ea_lc_attribute *a;

    if (!field || strcmp(field, "instanceId") == 0 || strcmp(field, "host") == 0)
        return c->instance->arn;
    a = ea_lc_attribute_find(&c->instance->attributes,
                             strncmp(field, "attribute:", 10) == 0 ? field + 10 : field);
    return a && a->value ? a->value : "";
}

/* Tasks of the group on all candidates that share the value. */
static int64_t spread_load(const ea_lc_candidate *all, size_t n, const ea_lc_candidate *c,
                           const char *field)
{
    const char *value = field_value(c, field);
    int64_t load = 0;

    for (size_t i = 0; i < n; i++)
        if (strcmp(field_value(&all[i], field), value) == 0)
            load += all[i].group_tasks;
    return load;
}

/* The lower, the better by one strategy; equal ones are told apart by the next. */
static int64_t cost(const ea_lc_candidate *all, size_t n, const ea_lc_candidate *c,
                    ea_lc_strategy_type type, const char *field)
{
    switch (type) {
    case EA_LC_RANDOM:
        return 0;
    case EA_LC_SPREAD:
        return spread_load(all, n, c, field);
    case EA_LC_BINPACK:
        return field && (strcmp(field, "cpu") == 0 || strcmp(field, "CPU") == 0) ? c->cpu
                                                                                 : c->memory_mib;
    }
    return 0;
}

static int compare(const ea_lc_candidate *all, size_t n, const ea_lc_demand *d, size_t a, size_t b)
{
    if (d->strategy_count == 0) {
        static const char *const fields[] = { "attribute:ecs.availability-zone", "instanceId" };

        for (size_t i = 0; i < EA_COUNT(fields); i++) {
            int64_t x = spread_load(all, n, &all[a], fields[i]);
            int64_t y = spread_load(all, n, &all[b], fields[i]);

            if (x != y)
                return x < y ? -1 : 1;
        }
    }
    for (size_t i = 0; i < d->strategy_count; i++) {
        int64_t x = cost(all, n, &all[a], d->strategies[i].type, d->strategies[i].field);
        int64_t y = cost(all, n, &all[b], d->strategies[i].type, d->strategies[i].field);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

size_t ea_lc_place_pick(const ea_lc_candidate *c, size_t n, const ea_lc_demand *d, ea_rng *rng)
{
    size_t best = SIZE_MAX, equals = 0;

    for (size_t i = 0; i < n; i++) {
        int order;

        if (ea_lc_place_unfit(&c[i], d))
            continue;
        order = best == SIZE_MAX ? -1 : compare(c, n, d, i, best);
        if (order < 0) {
            best = i;
            equals = 1;
        } else if (order == 0 && ea_rng_below(rng, ++equals) == 0) {
            best = i; /* each of the equal ones with the same chance */
        }
    }
    return best;
}
