#include "sim.h"

#include "base/alloc.h"

#include <ctype.h>
#include <string.h>

enum {
    RUNS_MAX = 1500
};

struct search {
    const char *why;
    struct spec spec;
    uint32_t *faults; /* of the least world so far; NULL: all of them */
    size_t n;
    unsigned runs;
    struct outcome last;
};

/* The same kind of failure: numbers aside, the same words. */
static bool same(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (isdigit((unsigned char)*a))
            a++;
        while (isdigit((unsigned char)*b))
            b++;
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
    }
}

static bool fails(struct search *x, const struct spec *spec)
{
    if (x->runs == RUNS_MAX)
        return false;
    x->runs++;
    return !sim_world(spec, NULL, &x->last) && same(x->last.why, x->why);
}

static void drop_tasks(struct search *x)
{
    for (unsigned i = 0; i < SIM_TASKS; i++) {
        struct spec next = x->spec;

        next.tasks &= ~(1u << i);
        if (next.tasks && next.tasks != x->spec.tasks && fails(x, &next))
            x->spec = next;
    }
}

static bool without(struct search *x, size_t from, size_t n)
{
    uint32_t *rest = ea_alloc_array(x->n + 1, sizeof(*rest));
    struct spec next = x->spec;

    memcpy(rest, x->faults, from * sizeof(*rest));
    memcpy(rest + from, x->faults + from + n, (x->n - from - n) * sizeof(*rest));
    next.faults = rest;
    next.faults_n = x->n - n;
    if (!fails(x, &next)) {
        ea_free(rest);
        return false;
    }
    ea_free(x->faults);
    x->faults = rest;
    x->n -= n;
    while (x->n && x->faults[x->n - 1] > x->last.faults)
        x->n--; /* it failed before those */
    x->spec.faults = x->faults;
    x->spec.faults_n = x->n;
    return true;
}

/* Ever smaller pieces of the list are left out, as long as the world still fails. */
static void drop_faults(struct search *x)
{
    for (size_t size = x->n; size > 0; size = size == 1 ? 0 : (size + 1) / 2) {
        bool again = true;

        while (again && x->runs < RUNS_MAX) {
            again = false;
            for (size_t from = 0; from < x->n;) {
                size_t n = from + size > x->n ? x->n - from : size;

                if (without(x, from, n))
                    again = size == 1;
                else
                    from += size;
            }
        }
    }
}

void sim_shrink(uint64_t seed, const char *why, struct spec *out)
{
    struct search x = { .why = why, .spec = { .seed = seed, .tasks = (1u << SIM_TASKS) - 1 } };

    drop_tasks(&x);
    if (fails(&x, &x.spec)) {
        x.n = x.last.faults;
        x.faults = ea_alloc_array(x.n + 1, sizeof(*x.faults));
        for (size_t i = 0; i < x.n; i++)
            x.faults[i] = (uint32_t)i + 1;
        struct spec all = x.spec;
        all.faults = x.faults;
        all.faults_n = x.n;
        x.spec = all;
        drop_faults(&x);
        drop_tasks(&x);
    }
    *out = x.spec;
}
