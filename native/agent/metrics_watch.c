#include "metrics_watch.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"

#include <string.h>

enum {
    STEP_MS = 1000,      /* between samples */
    ONE_SHOT_MS = 5000,  /* the same where the engine is asked for each */
    FIRST_STEP_MS = 500, /* the shortest: a rate over less is noise */
    RETRY_MIN_MS = 1000, /* a source that failed is opened again */
    RETRY_MAX_MS = 10000,
    POLL_LIMIT_MS = 18000,     /* of one answer of the engine */
    MISSES_MAX = 3,            /* readings of a control group until the engine is asked instead */
    ASKED_MS = 60000,          /* a stream that containers asked for is read on */
    DOUBTS_MAX = 2,            /* times that the engine told something else */
    DOCUMENT_MAX = 256 * 1024, /* as long as a line of the engine's may be */
    TASK_TEXT_MAX = 1024 * 1024
};

#define CPU_SLACK_NS 50000000u
#define MEMORY_SLACK (4u * 1024 * 1024)

enum source {
    SOURCE_AUTO,
    SOURCE_ENGINE,
    SOURCE_CGROUP
};

struct ea_metrics_watch {
    ea_agent *ag;
    enum source source;
    int64_t poll_ms;  /* 0: streams */
    int64_t phase_ms; /* all control groups are read in one go: the loop wakes up once a second */
    bool trusted;     /* the engine has told the same as a control group, once */
    bool checking;    /* it is being asked */
    ea_timer *timer;
    ea_map samplers; /* Docker id -> struct sampler */
};

struct sampler {
    struct ea_metrics_watch *w;
    char *docker_id, *arn, *name;
    bool network;
    ea_metrics *metrics;
    int64_t next_ms;  /* mono; INT64_MAX: its source calls by itself */
    int64_t delay_ms; /* before the last opening again; 0 none */
    /* the engine */
    ea_docker_stats *stream;
    ea_docker_op *once;
    /* what is told to containers */
    ea_docker_stats *asked; /* a stream for them alone */
    int64_t asked_ms;       /* mono; the last question */
    ea_buf document;        /* the newest line of either stream */
    /* the control group */
    bool cgroup, located;
    struct ea_cgroup_place place;
    unsigned misses, doubts;
    struct ea_cgroup_figures asked_at; /* when the engine was asked to compare */
    bool compares;                     /* `once` is for that */
    bool dead;                         /* freed when `once` is over */
};

/* ---- one reading ---- */

void ea_metrics_reading(const struct ea_docker_sample *s, bool windows, int64_t restarts,
                        struct ea_reading *out)
{
    const struct ea_docker_net_sample *n = &s->net;

    *out = (struct ea_reading){
        .read_ns = s->read_ns,
        .cpu_total = s->cpu_total,
        .cpu_unknown = !windows && !s->cgroup_v2 && !s->has_percpu,
        .memory_bytes = s->memory_bytes,
        .has_storage = s->has_storage || !windows, /* an absent list is a sum of nothing */
        .storage_read = s->storage_read,
        .storage_write = s->storage_write,
        .has_network = s->has_network,
        .net = { n->rx_bytes, n->rx_packets, n->rx_errors, n->rx_dropped, n->tx_bytes,
                 n->tx_packets, n->tx_errors, n->tx_dropped },
        .restarts = restarts,
    };
}

static const struct ea_container *container_of(const struct sampler *s)
{
    struct ea_task *t = ea_model_task(&s->w->ag->model, s->arn);
    struct ea_container *c = t ? ea_task_container(t, s->name) : NULL;

    return c && ea_zstr_eq(c->docker_id, s->docker_id) ? c : NULL;
}

static int64_t next_delay(struct sampler *s)
{
    s->delay_ms = s->delay_ms ? s->delay_ms * 2 : RETRY_MIN_MS;
    if (s->delay_ms > RETRY_MAX_MS)
        s->delay_ms = RETRY_MAX_MS;
    return s->delay_ms + (int64_t)ea_rng_below(&s->w->ag->rng, (uint64_t)s->delay_ms / 2);
}

static bool take(struct sampler *s, const struct ea_reading *r)
{
    ea_err err = { 0 };

    if (ea_metrics_add(s->metrics, r, &err)) {
        ea_debug("statistics not used", EA_S("container", s->name), EA_S("err", err.text));
        return false;
    }
    s->delay_ms = 0;
    return true;
}

/* ---- the engine ---- */

static void plan(struct ea_metrics_watch *w);

static void take_engine(struct sampler *s, const struct ea_docker_sample *sample)
{
    const struct ea_container *c = container_of(s);
    struct ea_reading r;

    ea_metrics_reading(sample, ea_plat_is_windows(), c ? c->restart_count : 0, &r);
    if (take(s, &r) || !s->stream)
        return;
    ea_docker_stats_stop(s->stream);
    s->stream = NULL;
    s->next_ms = ea_now().mono_ms + next_delay(s);
    plan(s->w);
}

/* ---- what is told to containers ---- */

/* A container that has ended reads as zero: what was told before stays. */
static void keep_document(struct sampler *s, ea_str line, const struct ea_docker_sample *sample)
{
    if (!sample->read_ns)
        return;
    ea_buf_clear(&s->document);
    ea_buf_add(&s->document, line.p, line.n);
}

static void on_asked_sample(void *ctx, ea_str line, const struct ea_docker_sample *sample)
{
    struct sampler *s = ctx;
    bool first = s->document.n == 0;

    if (!sample->has_before) /* the first of a stream: nobody could reckon the use of CPU from it */
        return;
    keep_document(s, line, sample);
    if (first)
        ea_serve_stats_came(s->w->ag->serve);
}

static void end_asked(struct sampler *s)
{
    ea_docker_stats_stop(s->asked);
    s->asked = NULL;
    ea_buf_done(&s->document);
}

static void on_sample(void *ctx, ea_str line, const struct ea_docker_sample *sample)
{
    keep_document(ctx, line, sample);
    take_engine(ctx, sample);
}

static void free_sampler(struct sampler *s)
{
    ea_plat_cgroup_close(&s->place);
    ea_buf_done(&s->document);
    ea_metrics_free(s->metrics);
    ea_free(s->docker_id);
    ea_free(s->arn);
    ea_free(s->name);
    ea_free(s);
}

static void on_once(void *ctx, ea_str line, const struct ea_docker_sample *sample,
                    const ea_err *err)
{
    struct sampler *s = ctx;

    (void)line;
    s->once = NULL;
    if (s->dead)
        free_sampler(s);
    else if (sample)
        take_engine(s, sample);
    else
        ea_debug("statistics not told", EA_S("container", s->name), EA_S("err", err->text));
}

/* Time between two questions to the engine; 0: a stream is read. */
static int64_t pause_ms(const struct ea_metrics_watch *w)
{
    if (w->poll_ms || w->source != SOURCE_AUTO || !ea_plat_is_windows())
        return w->poll_ms;
    return ea_docker_stats_once_is_cheap(w->ag->docker) ? ONE_SHOT_MS : 0;
}

static void step_engine(struct sampler *s, int64_t now)
{
    struct ea_metrics_watch *w = s->w;
    bool windows = ea_plat_is_windows();
    int64_t pause = pause_ms(w);

    if (!pause) {
        if (s->asked) /* one stream is enough */
            end_asked(s);
        /* Opens itself again; a container that the engine has lost is told to be over by EA_FX_UNWATCH. */
        s->stream = ea_docker_stats_start(w->ag->docker, s->docker_id, windows, on_sample, NULL, s);
        s->next_ms = INT64_MAX;
        return;
    }
    if (!s->once)
        s->once =
            ea_docker_stats_once(w->ag->docker, s->docker_id, windows, POLL_LIMIT_MS, on_once, s);
    s->next_ms = now + pause;
}

/* ---- the control group ---- */

static void missed(struct sampler *s, const struct ea_container *c, const ea_err *err)
{
    ea_plat_cgroup_close(&s->place);
    s->located = false;
    if (c && c->restarting)
        return; /* it comes back, in a group of its own */
    s->misses++;
    if (s->w->source == SOURCE_CGROUP) {
        if (s->misses == MISSES_MAX)
            ea_warn("no statistics of a container", EA_S("container", s->name),
                    EA_S("err", err->text));
        return;
    }
    if (s->misses < MISSES_MAX)
        return;
    ea_info("statistics of a container come from the Docker Engine", EA_S("container", s->name),
            EA_S("err", err->text));
    s->cgroup = false;
}

/* Is `x` what was read, with what may change between two readings and a twentieth? */
static bool between(uint64_t x, uint64_t a, uint64_t b, uint64_t slack)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;

    slack += high / 20;
    return x <= high + slack && x + slack >= low;
}

/* A runtime that keeps containers in machines of their own tells the engine other figures than the
 * control group around them has. */
static void on_check(void *ctx, ea_str line, const struct ea_docker_sample *sample,
                     const ea_err *err)
{
    struct sampler *s = ctx;
    const struct ea_cgroup_figures *a = &s->asked_at;
    struct ea_cgroup_figures b;
    ea_err ignored = { 0 };

    (void)line;
    s->once = NULL;
    if (s->dead) {
        free_sampler(s);
        return;
    }
    s->compares = s->w->checking = false;
    if (!sample || !sample->read_ns || !s->located ||
        ea_plat_cgroup_read(&s->place, false, &b, &ignored)) {
        ea_debug("control group not compared", EA_S("container", s->name), EA_S("err", err->text));
        return;
    }
    if (between(sample->cpu_total, a->cpu_ns, b.cpu_ns, CPU_SLACK_NS) &&
        between(sample->memory_bytes, a->memory_bytes, b.memory_bytes, MEMORY_SLACK)) {
        s->w->trusted = true;
        return;
    }
    if (++s->doubts < DOUBTS_MAX)
        return;
    ea_warn(
        "the control group of a container tells something else than the Docker Engine, which is "
        "asked from now on",
        EA_S("container", s->name), EA_I("cpu_ns", (int64_t)b.cpu_ns),
        EA_I("engine_cpu_ns", (int64_t)sample->cpu_total),
        EA_I("memory_bytes", (int64_t)b.memory_bytes),
        EA_I("engine_memory_bytes", (int64_t)sample->memory_bytes));
    ea_plat_cgroup_close(&s->place);
    s->located = s->cgroup = false;
    s->next_ms = ea_now().mono_ms;
    plan(s->w);
}

/* Before control groups are trusted, one is compared with what the engine tells. */
static void check(struct sampler *s, const struct ea_cgroup_figures *now)
{
    struct ea_metrics_watch *w = s->w;

    if (w->source != SOURCE_AUTO || w->trusted || w->checking || s->once)
        return;
    s->compares = w->checking = true;
    s->asked_at = *now;
    s->once = ea_docker_stats_once(w->ag->docker, s->docker_id, false, POLL_LIMIT_MS, on_check, s);
}

static void step_cgroup(struct sampler *s)
{
    const struct ea_container *c = container_of(s);
    struct ea_cgroup_figures f;
    struct ea_reading r;
    ea_err err = { 0 };

    if (c && c->restarting) /* what is still to be seen is the end of the old run */
        return;
    if (!s->located && ea_plat_cgroup_find("", s->docker_id, c ? c->pid : 0, &s->place, &err)) {
        missed(s, c, &err);
        return;
    }
    s->located = true;
    if (ea_plat_cgroup_read(&s->place, s->network, &f, &err)) {
        missed(s, c, &err);
        return;
    }
    s->misses = 0;
    r = (struct ea_reading){
        .read_ns = f.read_ns,
        .cpu_total = f.cpu_ns,
        .memory_bytes = f.memory_bytes,
        .has_storage = true,
        .storage_read = f.storage_read,
        .storage_write = f.storage_write,
        .has_network = f.has_network,
        .net = { f.rx_bytes, f.rx_packets, f.rx_errors, f.rx_dropped, f.tx_bytes, f.tx_packets,
                 f.tx_errors, f.tx_dropped },
        .restarts = c ? c->restart_count : 0,
    };
    (void)take(s, &r); /* the next one may do */
    check(s, &f);
}

/* The next beat that all samplers share, not too close. */
static int64_t next_beat(const struct ea_metrics_watch *w, int64_t now)
{
    int64_t next = now - (now - w->phase_ms) % STEP_MS + STEP_MS;

    return next - now < FIRST_STEP_MS ? next + STEP_MS : next;
}

/* ---- steps ---- */

static void step(struct sampler *s, int64_t now)
{
    if (s->asked && now - s->asked_ms > ASKED_MS)
        end_asked(s);
    if (s->cgroup)
        step_cgroup(s);
    if (!s->cgroup)
        step_engine(s, now);
    else
        s->next_ms = s->w->poll_ms ? now + s->w->poll_ms : next_beat(s->w, now);
}

static void plan(struct ea_metrics_watch *w)
{
    int64_t first = INT64_MAX;
    size_t i = 0;

    for (ea_map_entry *e = ea_map_next(&w->samplers, &i); e; e = ea_map_next(&w->samplers, &i)) {
        const struct sampler *s = e->value;

        first = s->next_ms < first ? s->next_ms : first;
    }
    if (first == INT64_MAX)
        ea_timer_stop(w->timer);
    else
        ea_timer_arm(w->timer, first - ea_now().mono_ms);
}

static void on_timer(void *arg)
{
    struct ea_metrics_watch *w = arg;
    int64_t now = ea_now().mono_ms;
    size_t i = 0;

    for (ea_map_entry *e = ea_map_next(&w->samplers, &i); e; e = ea_map_next(&w->samplers, &i)) {
        struct sampler *s = e->value;

        if (s->next_ms <= now)
            step(s, now);
    }
    plan(w);
}

/* ---- life ---- */

static enum source source_of(const char *word)
{
    if (strcmp(word, "engine") == 0)
        return SOURCE_ENGINE;
    if (strcmp(word, "cgroup") == 0)
        return SOURCE_CGROUP;
    if (strcmp(word, "auto") != 0)
        ea_warn("ECSTOOLS_STATS_SOURCE is auto, engine or cgroup: auto is used",
                EA_S("value", word));
    return SOURCE_AUTO;
}

static struct ea_metrics_watch *new_watch(ea_agent *ag)
{
    struct ea_metrics_watch *w = ea_alloc(sizeof(*w));

    w->ag = ag;
    w->source = source_of(ea_cfg_str(ag->config, EA_CFG_STATS_SOURCE));
    if (ea_cfg_bool(ag->config, EA_CFG_POLL_METRICS))
        w->poll_ms = ea_cfg_ms(ag->config, EA_CFG_POLLING_METRICS_WAIT);
    w->phase_ms = ea_now().mono_ms;
    w->timer = ea_timer_new(ag->loop, on_timer, w);
    return w;
}

static void end_sampler(struct sampler *s)
{
    ea_docker_stats_stop(s->stream);
    s->stream = NULL;
    end_asked(s);
    s->dead = true;
    if (s->compares)
        s->w->checking = false;
    if (s->once)
        ea_docker_cancel(s->once); /* its end frees */
    else
        free_sampler(s);
}

static void end_value(void *sampler)
{
    end_sampler(sampler);
}

void ea_metrics_watch(ea_agent *ag, const struct ea_task *t, const struct ea_container *c)
{
    struct ea_metrics_watch *w = ag->metrics;
    struct sampler *s;
    struct ea_metrics_options o = {
        .windows = ea_plat_is_windows(),
        .processors = ag->processors,
        .network = ea_task_is_bridge(t),
        .restarts = c->restart_policy && c->restart_policy->enabled,
        .restarts_known = c->restart_count,
    };
    int64_t now = ea_now().mono_ms;

    if (!c->docker_id || c->is_internal || ea_cfg_bool(ag->config, EA_CFG_DISABLE_METRICS))
        return;
    if (!w)
        w = ag->metrics = new_watch(ag);
    if (ea_map_get(&w->samplers, c->docker_id))
        return;
    o.ring = ea_metrics_ring(w->poll_ms);
    s = ea_alloc(sizeof(*s));
    s->w = w;
    s->docker_id = ea_strdup(c->docker_id);
    s->arn = ea_strdup(t->arn);
    s->name = ea_strdup(c->name);
    s->network = o.network;
    s->metrics = ea_metrics_new(&o);
    s->document = EA_BUF(DOCUMENT_MAX);
    s->cgroup = w->source != SOURCE_ENGINE && !ea_plat_is_windows();
    (void)ea_map_put(&w->samplers, s->docker_id, s); /* there was none */
    step(s, now);
    if (pause_ms(w)) /* not all at the same time */
        s->next_ms =
            now + FIRST_STEP_MS + (int64_t)ea_rng_below(&ag->rng, (uint64_t)pause_ms(w) * 8 / 10);
    plan(w);
}

void ea_metrics_unwatch(ea_agent *ag, const struct ea_container *c)
{
    struct sampler *s = NULL;

    if (!ag->metrics || !c->docker_id)
        return;
    s = ea_map_remove(&ag->metrics->samplers, c->docker_id);
    if (s)
        end_sampler(s);
    plan(ag->metrics);
}

void ea_metrics_stop(ea_agent *ag)
{
    struct ea_metrics_watch *w = ag->metrics;

    if (!w)
        return;
    ag->metrics = NULL;
    ea_timer_free(w->timer);
    ea_map_done(&w->samplers, end_value);
    ea_free(w);
}

/* ---- what telemetry and operators are told ---- */

static struct sampler *sampler_of(const ea_agent *ag, const char *docker_id)
{
    return ag->metrics ? ea_map_get(&ag->metrics->samplers, docker_id) : NULL;
}

static void add_task(const ea_agent *ag, const struct ea_task *t, ea_strlist *metrics, bool *idle)
{
    EA_BUF_AUTO text = EA_BUF(TASK_TEXT_MAX);
    ea_err err = { 0 };
    bool first = true;

    ea_buf_adds(&text, "{\"taskArn\":");
    ea_buf_add_json_str(&text, ea_str_of(t->arn));
    ea_buf_adds(&text, ",\"taskDefinitionFamily\":");
    ea_buf_add_json_str(&text, ea_str_of(t->family));
    ea_buf_adds(&text, ",\"taskDefinitionVersion\":");
    ea_buf_add_json_str(&text, ea_str_of(t->version));
    ea_buf_adds(&text, ",\"containerMetrics\":[");
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];
        const struct sampler *s = sampler_of(ag, c->docker_id);
        size_t n = text.n;

        if (!s || c->known == EA_C_STOPPED)
            continue;
        *idle = false;
        if (!first)
            ea_buf_addc(&text, ',');
        if (ea_metrics_publish(s->metrics, c->name, &text))
            first = false;
        else
            text.n = n; /* the comma goes too */
    }
    ea_buf_adds(&text, "]}");
    if (ea_buf_check(&text, &err))
        ea_warn("statistics of a task not told", EA_S("task", t->arn), EA_S("err", err.text));
    else if (!first)
        ea_strlist_add(metrics, ea_buf_z(&text));
}

void ea_metrics_collect(ea_agent *ag, ea_strlist *metrics, bool *idle)
{
    if (!ag->metrics)
        return;
    EA_LIST_EACH(&ag->model.tasks, node)
    {
        add_task(ag, EA_OWNER(node, struct ea_task, node), metrics, idle);
    }
}

bool ea_metrics_usage(void *agent, const char *docker_id, double *cpu_percent, int64_t *memory_mib)
{
    const struct sampler *s = sampler_of(agent, docker_id);

    return s && ea_metrics_latest(s->metrics, cpu_percent, memory_mib);
}

ea_stats_state ea_metrics_document(void *agent, const char *docker_id,
                                   struct ea_stats_document *out)
{
    struct sampler *s = sampler_of(agent, docker_id);

    if (!s)
        return EA_STATS_UNWATCHED;
    s->asked_ms = ea_now().mono_ms;
    if (!s->stream && !s->asked)
        s->asked = ea_docker_stats_start(s->w->ag->docker, docker_id, ea_plat_is_windows(),
                                         on_asked_sample, NULL, s);
    if (!s->document.n)
        return s->stream ? EA_STATS_NONE : EA_STATS_LATER;
    *out = (struct ea_stats_document){ .json = ea_buf_str(&s->document) };
    out->has_rates = ea_metrics_rates(s->metrics, &out->rx_per_s, &out->tx_per_s);
    return EA_STATS_HERE;
}
