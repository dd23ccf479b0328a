/* place.h - which container instance a task goes to.
 * Thread: any. Pure: the caller gathers what is free; nothing is changed here. */
#ifndef EA_LOCAL_PLACE_H
#define EA_LOCAL_PLACE_H

#include "../base/rng.h"
#include "entity.h"

typedef struct ea_lc_candidate {
    const struct ea_lc_instance *instance; /* borrowed */
    int64_t cpu, memory_mib;               /* free */
    ea_i64list tcp, udp;                   /* ports in use */
    int64_t tasks;                         /* not stopped, all groups */
    int64_t group_tasks;                   /* of the group that is being placed */
    ea_strlist groups;                     /* of its tasks */
} ea_lc_candidate;
void ea_lc_candidate_done(ea_lc_candidate *c);
/* Free resources of an instance that has no task yet. */
void ea_lc_candidate_init(ea_lc_candidate *c, const struct ea_lc_instance *i);
/* Takes what a task holds. */
void ea_lc_candidate_take(ea_lc_candidate *c, const struct ea_lc_task *t, const char *group);

typedef enum ea_lc_strategy_type {
    EA_LC_RANDOM,
    EA_LC_SPREAD,
    EA_LC_BINPACK
} ea_lc_strategy_type;
#define EA_LC_STRATEGIES_MAX  5
#define EA_LC_EXPRESSIONS_MAX 20

typedef struct ea_lc_demand { /* borrowed */
    int64_t cpu, memory_mib;
    const ea_i64list *tcp, *udp;
    const ea_strlist *requires; /* attribute names */
    bool distinct;              /* one task of the group an instance */
    const char *expressions[EA_LC_EXPRESSIONS_MAX];
    size_t expression_count;
    struct {
        ea_lc_strategy_type type;
        const char *field;
    } strategies[EA_LC_STRATEGIES_MAX]; /* none: spread over zones, then instances */
    size_t strategy_count;
} ea_lc_demand;

/* NULL when the task fits, else the failure's reason: AGENT, ATTRIBUTE, MemberOf placement constraint
 * unsatisfied., RESOURCE:CPU, RESOURCE:MEMORY, RESOURCE:PORTS. Source: Amazon ECS developer guide,
 * "API failure reasons". */
const char *ea_lc_place_unfit(const ea_lc_candidate *c, const ea_lc_demand *d);
/* Index of the best candidate that fits, or SIZE_MAX. */
size_t ea_lc_place_pick(const ea_lc_candidate *c, size_t n, const ea_lc_demand *d, ea_rng *rng);

#endif
