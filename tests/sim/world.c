#include "sim.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <string.h>

void sim_init(struct sim *s, const struct spec *spec, FILE *trace)
{
    memset(s, 0, sizeof(*s));
    s->spec = spec;
    s->trace = trace;
    s->wall0_ms = 1700000000000;
    s->now_ms = 1000;
    s->docker_up = true;
    s->stored_manifest_seq = -1;
    ea_rng_seed(&s->rng, spec->seed);
}

void sim_done(struct sim *s)
{
    for (size_t i = 0; i < s->heap_n; i++) {
        if (s->heap[i]->drop)
            s->heap[i]->drop(s->heap[i]->p);
        ea_free(s->heap[i]);
    }
    ea_free(s->heap);
    for (size_t i = 0; i < s->plan_n; i++)
        ea_free(s->plan[i].json_running);
    for (size_t i = 0; i < s->rows_n; i++)
        ea_free(s->rows[i].json);
    for (size_t i = 0; i < s->queue_n; i++)
        ea_event_done(&s->queue[i]);
    ea_free(s->queue);
    ea_effects_done(&s->fx);
    sim_telemetry_done(s);
    if (s->agent_up)
        ea_model_done(&s->m);
    ea_free(s->host.reserved_tcp.v);
    ea_free(s->stored_images);
}

static bool before(const struct item *a, const struct item *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->seq < b->seq);
}

static void swap(struct sim *s, size_t a, size_t b)
{
    struct item *t = s->heap[a];

    s->heap[a] = s->heap[b];
    s->heap[b] = t;
}

struct item *sim_at(struct sim *s, int64_t in_ms, void (*fn)(struct sim *, struct item *))
{
    struct item *it = ea_alloc(sizeof(*it));

    *it = (struct item){ .at_ms = s->now_ms + (in_ms > 0 ? in_ms : 0), .seq = ++s->seq, .fn = fn };
    if (s->heap_n == s->heap_cap) {
        s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 64;
        s->heap = ea_realloc_array(s->heap, s->heap_cap, sizeof(struct item *));
    }
    s->heap[s->heap_n] = it;
    for (size_t i = s->heap_n++; i > 0 && before(s->heap[i], s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(s, i, (i - 1) / 2);
    return it;
}

static struct item *pop(struct sim *s)
{
    struct item *top = s->heap[0];

    s->heap[0] = s->heap[--s->heap_n];
    for (size_t i = 0;;) {
        size_t least = i;

        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->heap_n; c++)
            if (before(s->heap[c], s->heap[least]))
                least = c;
        if (least == i)
            return top;
        swap(s, i, least);
        i = least;
    }
}

bool sim_step(struct sim *s)
{
    if (s->heap_n == 0)
        return false;
    struct item *it = pop(s);
    s->now_ms = it->at_ms;
    s->events++;
    if (it->life == 0 || (s->agent_up && it->life == s->life)) {
        it->fn(s, it);
        sim_check_world(s);
        sim_session_check(s);
    } else if (it->drop) {
        it->drop(it->p);
    }
    ea_free(it);
    return true;
}

bool sim_chance(struct sim *s, unsigned thousandths)
{
    return thousandths > 0 && ea_rng_below(&s->rng, 1000) < thousandths;
}

bool sim_fault(struct sim *s, unsigned thousandths)
{
    const struct spec *k = s->spec;

    if (!sim_chance(s, thousandths))
        return false;
    uint32_t number = ++s->faults;
    if (!k->faults)
        return true;
    while (s->next_fault < k->faults_n && k->faults[s->next_fault] < number)
        s->next_fault++;
    return s->next_fault < k->faults_n && k->faults[s->next_fault] == number;
}

int64_t sim_between(struct sim *s, int64_t low, int64_t high)
{
    return low + (int64_t)ea_rng_below(&s->rng, (uint64_t)(high - low + 1));
}

void sim_log(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (!s->trace)
        return;
    (void)fprintf(s->trace, "%10.3f ", (double)s->now_ms / 1000.0);
    va_start(ap, fmt);
    (void)vfprintf(s->trace, fmt, ap);
    va_end(ap);
    (void)fputc('\n', s->trace);
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->failed)
        return;
    s->failed = true;
    va_start(ap, fmt);
    (void)vsnprintf(s->why, sizeof(s->why), fmt, ap);
    va_end(ap);
    sim_log(s, "FAILED: %s", s->why);
}

int64_t sim_wall(const struct sim *s)
{
    return s->wall0_ms + s->now_ms;
}

/* ARNs are "arn:task-<n>", containers "c<n>". */
static bool index_of(const char *text, const char *prefix, size_t n, size_t *out)
{
    size_t i = 0;

    while (*prefix)
        if (*text++ != *prefix++)
            return false;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9' && i < 1000; text++)
        i = 10 * i + (size_t)(*text - '0');
    if (*text || i >= n)
        return false;
    *out = i;
    return true;
}

struct plan_task *sim_plan(struct sim *s, const char *arn)
{
    size_t i = 0;

    return arn && index_of(arn, "arn:task-", s->plan_n, &i) ? &s->plan[i] : NULL;
}

struct plan_container *sim_plan_container(struct sim *s, const char *arn, const char *name)
{
    struct plan_task *t = sim_plan(s, arn);
    size_t i = 0;

    return t && name && index_of(name, "c", t->n, &i) ? &t->c[i] : NULL;
}
