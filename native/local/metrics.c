/* metrics.c - usage of tasks, added up and closed period by period. See metrics.h. */
#include "metrics.h"

#include "../base/alloc.h"
#include "../base/log.h"

#include <cJSON.h>
#include <float.h>
#include <string.h>

#define FIRST_POINTS 16

struct mean { /* of samples in the open period */
    double sum, count;
};

struct container_use {
    char *name;
    struct mean cpu, memory; /* percent of the host, MiB */
};

struct task_use {
    struct container_use *v;
    size_t n;
};

struct ea_lc_metrics {
    int64_t period_s, open_s; /* the open period's begin */
    ea_map tasks;             /* ARN -> struct task_use */
    ea_lc_series **series;
    size_t n;
};

const char *ea_lc_metric_name(ea_lc_metric m)
{
    static const char *const names[EA_LC_METRICS] = { "CPUUtilization", "MemoryUtilization",
                                                      "CPUReservation", "MemoryReservation" };

    return names[m];
}

static int64_t begin_of(const ea_lc_metrics *m, int64_t now_ms)
{
    int64_t s = now_ms / 1000;

    return s - s % m->period_s;
}

ea_lc_metrics *ea_lc_metrics_new(int64_t period_s, int64_t now_ms)
{
    ea_lc_metrics *m = ea_alloc(sizeof(*m));

    m->period_s = period_s;
    m->open_s = begin_of(m, now_ms);
    return m;
}

static void free_use(void *value)
{
    struct task_use *u = value;

    for (size_t i = 0; i < u->n; i++)
        ea_free(u->v[i].name);
    ea_free(u->v);
    ea_free(u);
}

static void free_series(ea_lc_series *s)
{
    ea_free(s->cluster);
    ea_free(s->service);
    ea_free(s->points);
    ea_free(s);
}

void ea_lc_metrics_free(ea_lc_metrics *m)
{
    if (!m)
        return;
    ea_map_done(&m->tasks, free_use);
    for (size_t i = 0; i < m->n; i++)
        free_series(m->series[i]);
    ea_free(m->series);
    ea_free(m);
}

/* ---- what is published ------------------------------------------------------------------------ */

static void add_set(struct mean *to, const cJSON *set)
{
    const cJSON *sum = ea_json_get(set, "sum"), *count = ea_json_get(set, "sampleCount");

    if (!sum || !count || !(sum->valuedouble >= 0.0 && sum->valuedouble <= DBL_MAX) ||
        count->valuedouble < 1.0)
        return;
    to->sum += sum->valuedouble;
    to->count += count->valuedouble;
}

static struct container_use *use_of(struct task_use *u, const char *name)
{
    for (size_t i = 0; i < u->n; i++)
        if (strcmp(u->v[i].name, name) == 0)
            return &u->v[i];
    u->v = ea_realloc_array(u->v, u->n + 1, sizeof(*u->v));
    u->v[u->n] = (struct container_use){ .name = ea_strdup(name) };
    return &u->v[u->n++];
}

static void take_task(ea_lc_metrics *m, struct ea_lc_task *t, const cJSON *told)
{
    struct task_use *u = ea_map_get(&m->tasks, t->arn);
    const cJSON *c;

    if (!u) {
        u = ea_alloc(sizeof(*u));
        (void)ea_map_put(&m->tasks, t->arn, u);
    }
    cJSON_ArrayForEach(c, ea_json_get(told, "containerMetrics"))
    {
        const char *name = ea_json_get_str(c, "containerName");
        struct container_use *to;

        if (!name || !ea_lc_task_container(t, name))
            continue;
        to = use_of(u, name);
        add_set(&to->cpu, ea_json_get(c, "cpuStatsSet"));
        add_set(&to->memory, ea_json_get(c, "memoryStatsSet"));
    }
}

void ea_lc_metrics_take(ea_lc_metrics *m, const ea_lc_state *st, const struct ea_lc_instance *i,
                        const cJSON *message, int64_t now_ms)
{
    const cJSON *item;

    (void)ea_lc_metrics_close(m, st, now_ms); /* its answer is for timers */
    cJSON_ArrayForEach(item, ea_json_get(message, "taskMetrics"))
    {
        struct ea_lc_task *t = ea_lc_by_arn(st, EA_LC_TASK, ea_json_get_str(item, "taskArn"));

        if (t && strcmp(t->instance_arn, i->arn) == 0)
            take_task(m, t, item);
    }
}

/* ---- series ----------------------------------------------------------------------------------- */

static ea_lc_series *find(const ea_lc_metrics *m, const char *cluster, const char *service,
                          ea_lc_metric metric)
{
    for (size_t i = 0; i < m->n; i++) {
        ea_lc_series *s = m->series[i];

        if (s->metric == metric && strcmp(s->cluster, cluster) == 0 &&
            ea_zstr_eq(s->service, service))
            return s;
    }
    return NULL;
}

size_t ea_lc_metrics_count(const ea_lc_metrics *m)
{
    return m->n;
}

const ea_lc_series *ea_lc_metrics_at(const ea_lc_metrics *m, size_t i)
{
    return m->series[i];
}

static void drop(ea_lc_metrics *m, size_t i)
{
    free_series(m->series[i]);
    m->n--;
    memmove(m->series + i, m->series + i + 1, (m->n - i) * sizeof(m->series[0]));
}

static void drop_stalest(ea_lc_metrics *m)
{
    size_t worst = 0;

    for (size_t i = 1; i < m->n; i++)
        if (m->series[i]->last_s < m->series[worst]->last_s)
            worst = i;
    ea_warn("too many metrics, the stalest is dropped", EA_S("cluster", m->series[worst]->cluster),
            EA_S("service", m->series[worst]->service));
    drop(m, worst);
}

static ea_lc_series *obtain(ea_lc_metrics *m, const char *cluster, const char *service,
                            ea_lc_metric metric)
{
    ea_lc_series *s = find(m, cluster, service, metric);

    if (s)
        return s;
    if (m->n == EA_LC_SERIES_MAX)
        drop_stalest(m);
    s = ea_alloc(sizeof(*s));
    s->cluster = ea_strdup(cluster);
    s->service = ea_strdup(service);
    s->metric = metric;
    m->series = ea_realloc_array(m->series, m->n + 1, sizeof(*m->series));
    m->series[m->n++] = s;
    return s;
}

static ea_lc_point *at(const ea_lc_series *s, size_t i)
{
    return &s->points[(s->first + i) % s->cap];
}

static void grow(ea_lc_series *s)
{
    size_t cap = s->cap ? s->cap * 2 : FIRST_POINTS;
    ea_lc_point *p;

    if (cap > EA_LC_POINTS_MAX)
        cap = EA_LC_POINTS_MAX;
    p = ea_alloc_array(cap, sizeof(*p));
    for (size_t i = 0; i < s->n; i++)
        p[i] = *at(s, i);
    ea_free(s->points);
    s->points = p;
    s->first = 0;
    s->cap = cap;
}

static void add_point(ea_lc_series *s, const ea_lc_point *p)
{
    if (s->n == s->cap && s->cap < EA_LC_POINTS_MAX)
        grow(s);
    if (s->n == s->cap) { /* full: the oldest goes */
        s->first = (s->first + 1) % s->cap;
        s->n--;
    }
    s->points[(s->first + s->n) % s->cap] = *p;
    s->n++;
    s->last_s = p->at_s;
}

static void drop_old(ea_lc_metrics *m, int64_t now_s)
{
    for (size_t i = m->n; i-- > 0;) {
        ea_lc_series *s = m->series[i];

        while (s->n && at(s, 0)->at_s < now_s - EA_LC_POINTS_AGE_S) {
            s->first = (s->first + 1) % s->cap;
            s->n--;
        }
        if (s->n == 0)
            drop(m, i);
    }
}

/* The clock went back: what lies ahead of it would never be in order again. */
static void drop_ahead(ea_lc_metrics *m, int64_t begin_s)
{
    for (size_t i = m->n; i-- > 0;) {
        ea_lc_series *s = m->series[i];

        while (s->n && at(s, s->n - 1)->at_s >= begin_s)
            s->n--;
        if (s->n)
            s->last_s = at(s, s->n - 1)->at_s;
        else
            drop(m, i);
    }
}

static void add_sample(ea_lc_point *p, double v)
{
    if (p->count == 0 || v < p->min)
        p->min = v;
    if (p->count == 0 || v > p->max)
        p->max = v;
    p->sum += v;
    p->count++;
}

bool ea_lc_series_sum(const ea_lc_series *s, int64_t from_s, int64_t to_s, ea_lc_point *out)
{
    ea_lc_point sum = { .at_s = from_s };
    size_t low = 0, high = s->n;

    while (low < high) { /* the first one that is not before */
        size_t mid = low + (high - low) / 2;

        if (at(s, mid)->at_s < from_s)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < s->n && at(s, low)->at_s < to_s; low++) {
        const ea_lc_point *p = at(s, low);

        if (sum.count == 0 || p->min < sum.min)
            sum.min = p->min;
        if (sum.count == 0 || p->max > sum.max)
            sum.max = p->max;
        sum.sum += p->sum;
        sum.count += p->count;
    }
    if (sum.count)
        *out = sum;
    return sum.count > 0;
}

int64_t ea_lc_series_first_s(const ea_lc_series *s)
{
    return s->n ? at(s, 0)->at_s : 0;
}

/* ---- the end of a period ---------------------------------------------------------------------- */

struct totals {                   /* of one cluster */
    double cpu, memory;           /* registered */
    double held_cpu, held_memory; /* by tasks */
    double used_cpu, used_memory;
    bool runs, measured_cpu, measured_memory;
};

static double registered(const struct ea_lc_instance *i, const char *name)
{
    for (size_t k = 0; k < i->resources.n; k++)
        if (ea_zstr_eq(i->resources.v[k].name, name))
            return (double)i->resources.v[k].integer;
    return 0.0;
}

/* Sum of the containers' means; false when none was measured. */
static bool used(const struct task_use *u, bool cpu, double *out)
{
    bool any = false;

    *out = 0.0;
    for (size_t i = 0; u && i < u->n; i++) {
        const struct mean *x = cpu ? &u->v[i].cpu : &u->v[i].memory;

        if (x->count < 1.0)
            continue;
        *out += x->sum / x->count;
        any = true;
    }
    return any;
}

static void sample(ea_lc_metrics *m, const char *cluster, const char *service, ea_lc_metric metric,
                   double value)
{
    ea_lc_series *s = obtain(m, cluster, service, metric);
    ea_lc_point fresh = { .at_s = m->open_s };

    if (s->n == 0 || s->last_s != m->open_s)
        add_point(s, &fresh);
    add_sample(at(s, s->n - 1), value);
}

static const char *service_of(const struct ea_lc_task *t)
{
    static const char prefix[] = "service:";

    return t->group && ea_str_starts(ea_str_of(t->group), prefix) ? t->group + strlen(prefix)
                                                                  : NULL;
}

static void close_task(ea_lc_metrics *m, const ea_lc_state *st, const char *cluster,
                       const struct ea_lc_task *t, struct totals *sum)
{
    const struct task_use *u = ea_map_get(&m->tasks, t->arn);
    const struct ea_lc_instance *i = ea_lc_by_arn(st, EA_LC_INSTANCE, t->instance_arn);
    const char *service = service_of(t);
    double cpu, memory;

    if (!ea_lc_task_stopped(t)) {
        sum->held_cpu += (double)t->cpu_units;
        sum->held_memory += (double)t->memory_mib;
    }
    sum->runs = sum->runs || ea_zstr_eq(t->last, "RUNNING");
    if (i && used(u, true, &cpu)) {
        cpu *= registered(i, "CPU") / 100.0;
        sum->used_cpu += cpu;
        sum->measured_cpu = true;
        if (service && t->cpu_units > 0)
            sample(m, cluster, service, EA_LC_CPU_UTILIZATION, 100.0 * cpu / (double)t->cpu_units);
    }
    if (used(u, false, &memory)) {
        sum->used_memory += memory;
        sum->measured_memory = true;
        if (service && t->memory_mib > 0)
            sample(m, cluster, service, EA_LC_MEMORY_UTILIZATION,
                   100.0 * memory / (double)t->memory_mib);
    }
}

static void close_cluster(ea_lc_metrics *m, const ea_lc_state *st, const struct ea_lc_cluster *c)
{
    struct totals sum = { .cpu = 0.0 };

    EA_LIST_EACH(&st->instances, inode)
    {
        const struct ea_lc_instance *i = EA_OWNER(inode, struct ea_lc_instance, node);

        if (strcmp(i->cluster_arn, c->arn) != 0 || strcmp(i->status, "INACTIVE") == 0)
            continue;
        sum.cpu += registered(i, "CPU");
        sum.memory += registered(i, "MEMORY");
    }
    EA_LIST_EACH(&st->tasks, tnode)
    {
        const struct ea_lc_task *t = EA_OWNER(tnode, struct ea_lc_task, node);

        if (strcmp(t->cluster_arn, c->arn) == 0)
            close_task(m, st, c->name, t, &sum);
    }
    if (sum.measured_cpu && sum.cpu > 0.0)
        sample(m, c->name, NULL, EA_LC_CPU_UTILIZATION, 100.0 * sum.used_cpu / sum.cpu);
    if (sum.measured_memory && sum.memory > 0.0)
        sample(m, c->name, NULL, EA_LC_MEMORY_UTILIZATION, 100.0 * sum.used_memory / sum.memory);
    if (sum.runs && sum.cpu > 0.0)
        sample(m, c->name, NULL, EA_LC_CPU_RESERVATION, 100.0 * sum.held_cpu / sum.cpu);
    if (sum.runs && sum.memory > 0.0)
        sample(m, c->name, NULL, EA_LC_MEMORY_RESERVATION, 100.0 * sum.held_memory / sum.memory);
}

int64_t ea_lc_metrics_close(ea_lc_metrics *m, const ea_lc_state *st, int64_t now_ms)
{
    int64_t begin = begin_of(m, now_ms);

    if (begin > m->open_s) {
        EA_LIST_EACH(&st->clusters, node)
        close_cluster(m, st, EA_OWNER(node, struct ea_lc_cluster, node));
        ea_map_done(&m->tasks, free_use);
        m->tasks = (ea_map){ .entries = NULL };
        drop_old(m, begin);
    }
    if (begin < m->open_s)
        drop_ahead(m, begin);
    m->open_s = begin;
    return (m->open_s + m->period_s) * 1000;
}
