#include "docker_event.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/log.h"
#include "docker_container.h"
#include "docker_lines.h"

#include <cJSON.h>
#include <uv.h>

#include <string.h>

#define LINE_MAX_BYTES (256 * 1024) /* all labels of a container stand in each of its events */
#define RETRY_MIN_MS   100
#define RETRY_MAX_MS   500  /* a try is one open of a local pipe or socket; deaths wait for it */
#define PROVEN_MS      5000 /* a stream that lived that long starts the delays anew */
#define NS_PER_S       1000000000LL
#define NS_PER_MS      1000000LL

struct ea_docker_events {
    ea_docker *dk;
    char *cluster;
    struct ea_docker_event_handlers on;
    void *ctx;
    ea_docker_op *op; /* the stream; NULL between tries */
    ea_timer *timer;
    ea_dlines lines;
    int64_t last_ns;   /* time of the newest event seen; 0: none */
    int64_t replay_ns; /* events up to here were seen before the stream broke */
    int64_t delay_ms;  /* before the next try */
    int64_t opened_ms; /* by uv_now; 0: not open */
    int64_t retry_at_ms;
    unsigned skipped;
    bool told_lost, stopped;
};

/* ---- decoding --------------------------------------------------------------------------------- */

struct raw_actor {
    char *id;
    ea_strmap attributes;
};
struct raw_event {
    char *type, *action, *status, *id;
    struct raw_actor actor;
    int64_t time_s;
};
static const ea_jfield actor_fields[] = {
    EA_JSTR(struct raw_actor, id, "ID", 0),
    EA_JSTRMAP(struct raw_actor, attributes, "Attributes", 0),
};
static const ea_jshape actor_shape = EA_JSHAPE(struct raw_actor, actor_fields);
static const ea_jfield event_fields[] = {
    EA_JSTR(struct raw_event, type, "Type", 0),
    EA_JSTR(struct raw_event, action, "Action", 0),
    EA_JSTR(struct raw_event, status, "status", 0),
    EA_JSTR(struct raw_event, id, "id", 0),
    EA_JOBJ(struct raw_event, actor, "Actor", 0, &actor_shape),
    EA_JI64(struct raw_event, time_s, "time", 0),
};
static const ea_jshape event_shape = EA_JSHAPE(struct raw_event, event_fields);

static const struct {
    const char *word;
    ea_docker_action action;
    ea_cstate state;
} actions[] = {
    { "create", EA_DA_CREATE, EA_C_CREATED },
    { "start", EA_DA_START, EA_C_RUNNING },
    { "die", EA_DA_DIE, EA_C_STOPPED },
    { "oom", EA_DA_OOM, EA_C_RUNNING },
    { "health_status: healthy", EA_DA_HEALTHY, EA_C_RUNNING },
    { "health_status: unhealthy", EA_DA_UNHEALTHY, EA_C_RUNNING },
    { "destroy", EA_DA_DESTROY, EA_C_STOPPED },
};

static size_t skip_blanks(ea_str line, size_t at)
{
    while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
        at++;
    return at;
}

/* Nanoseconds since 1970 do not fit a double, which is all that the JSON tree holds: read them from the
 * text. In a string the quotes would be escaped, so what stands before a colon is a member's name. */
static int64_t time_ns(ea_str line)
{
    static const char key[] = "\"timeNano\"";
    const size_t n = sizeof(key) - 1;
    ea_err ignored = { 0 };

    for (size_t i = 0; i + n < line.n; i++) {
        size_t begin, end;
        int64_t ns;

        if (line.p[i] != '"' || memcmp(line.p + i, key, n) != 0)
            continue;
        begin = skip_blanks(line, i + n);
        if (begin == line.n || line.p[begin] != ':')
            continue;
        begin = end = skip_blanks(line, begin + 1);
        while (end < line.n && line.p[end] >= '0' && line.p[end] <= '9')
            end++;
        if (!ea_str_to_i64((ea_str){ line.p + begin, end - begin }, 1, INT64_MAX, &ns, &ignored))
            return ns;
    }
    return 0;
}

static void fill(const struct raw_event *raw, size_t row, ea_str line, struct ea_docker_event *out)
{
    const ea_strmap *a = &raw->actor.attributes;
    const char *exit_code = ea_strmap_get(a, "exitCode");
    ea_err ignored = { 0 };
    int64_t code;

    out->action = actions[row].action;
    out->facts = (struct ea_docker_facts){ .found = true, .brief = true };
    out->facts.state = actions[row].state;
    out->facts.id = ea_strdup(raw->actor.id ? raw->actor.id : raw->id);
    out->facts.name = ea_strdup(ea_strmap_get(a, "name"));
    out->facts.task_arn = ea_strdup(ea_strmap_get(a, EA_LABEL_TASK));
    out->facts.container_name = ea_strdup(ea_strmap_get(a, EA_LABEL_CONTAINER));
    out->facts.oom_killed = out->action == EA_DA_OOM;
    if (out->action == EA_DA_DIE && exit_code &&
        !ea_str_to_i64(ea_str_of(exit_code), INT64_MIN, INT64_MAX, &code, &ignored))
        out->facts.exit_code = (ea_opt_i64){ .has = true, .v = code };
    if (out->action == EA_DA_HEALTHY || out->action == EA_DA_UNHEALTHY) {
        out->facts.has_health = true;
        out->facts.health.status =
            out->action == EA_DA_HEALTHY ? EA_HEALTH_HEALTHY : EA_HEALTH_UNHEALTHY;
    }
    out->when_ns = time_ns(line);
    if (!out->when_ns && raw->time_s > 0 && raw->time_s < INT64_MAX / NS_PER_S)
        out->when_ns = raw->time_s * NS_PER_S;
    out->when_ms = out->when_ns / NS_PER_MS;
}

ea_code ea_docker_event_decode(ea_str line, struct ea_docker_event *out, bool *wanted, ea_err *err)
{
    struct raw_event raw = { 0 };
    const char *id, *action;

    *out = (struct ea_docker_event){ 0 };
    if (ea_json_decode(&event_shape, line, &raw, err))
        return ea_docker_garbled(err, "event");
    *wanted = false;
    id = raw.actor.id ? raw.actor.id : raw.id;
    action = raw.action ? raw.action : raw.status;
    /* Engines older than API 1.22 send no type; everything but containers had none either. */
    if (!ea_zstr_empty(id) && (!raw.type || ea_zstr_eq(raw.type, "container"))) {
        for (size_t i = 0; i < EA_COUNT(actions) && !*wanted; i++) {
            if (!ea_zstr_eq(action, actions[i].word))
                continue;
            fill(&raw, i, line, out);
            *wanted = true;
        }
    }
    ea_json_free(&event_shape, &raw);
    return EA_OK;
}

/* ---- the stream ------------------------------------------------------------------------------- */

static void open_stream(struct ea_docker_events *es);

static int64_t now_ms(const struct ea_docker_events *es)
{
    return (int64_t)uv_now(ea_loop_uv(ea_docker_loop(es->dk)));
}

static void free_events(struct ea_docker_events *es)
{
    ea_timer_free(es->timer);
    ea_dlines_done(&es->lines);
    ea_free(es->cluster);
    ea_free(es);
}

static bool on_line(void *ctx, ea_str line)
{
    struct ea_docker_events *es = ctx;
    struct ea_docker_event ev;
    bool wanted = false;
    ea_err err = { 0 };

    if (ea_docker_event_decode(line, &ev, &wanted, &err)) {
        ea_warn("event from Docker not understood", EA_S("err", err.text));
        return true;
    }
    if (!wanted)
        return true;
    if (!ev.when_ns || ev.when_ns > es->replay_ns) {
        if (ev.when_ns > es->last_ns)
            es->last_ns = ev.when_ns;
        es->on.event(es->ctx, &ev);
    }
    ea_docker_facts_done(&ev.facts);
    return !es->stopped;
}

static void on_chunk(void *ctx, ea_str data)
{
    struct ea_docker_events *es = ctx;

    if (es->stopped)
        return;
    if (!data.n) {
        es->opened_ms = now_ms(es);
        es->told_lost = false;
        es->on.open(es->ctx);
        return;
    }
    ea_dlines_feed(&es->lines, data, on_line, es);
    if (es->lines.skipped != es->skipped) {
        es->skipped = es->lines.skipped;
        ea_warn("event from Docker is too long", EA_I("limit", LINE_MAX_BYTES));
    }
}

static void on_end(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct ea_docker_events *es = ctx;
    bool proven = es->opened_ms && now_ms(es) - es->opened_ms >= PROVEN_MS;
    ea_err why = *err;

    (void)a;
    es->op = NULL;
    if (es->stopped) {
        free_events(es);
        return;
    }
    if (!why.code)
        ea_fail(&why, EA_UNREACHABLE, "Docker ended its event stream: EOF");
    es->delay_ms = proven || !es->delay_ms ? RETRY_MIN_MS : es->delay_ms * 2;
    if (es->delay_ms > RETRY_MAX_MS)
        es->delay_ms = RETRY_MAX_MS;
    es->opened_ms = 0;
    es->replay_ns = es->last_ns;
    es->retry_at_ms = now_ms(es) + es->delay_ms;
    ea_buf_clear(&es->lines.line);
    es->lines.skipping = false;
    ea_timer_arm(es->timer, es->delay_ms);
    if (!es->told_lost) {
        es->told_lost = true;
        es->on.lost(es->ctx, &why);
    }
}

static void on_timer(void *arg)
{
    struct ea_docker_events *es = arg;

    es->retry_at_ms = 0;
    open_stream(es);
}

/* Without a version in the path: a stream must open whatever engine is there now. Its events are read
 * by members that all of them have. */
static void open_stream(struct ea_docker_events *es)
{
    EA_BUF_AUTO filters = EA_BUF(8192);
    EA_BUF_AUTO path = EA_BUF(32768);
    struct ea_docker_request rq = {
        .http = { .method = "GET", .chunk = on_chunk },
        .bare = true,
    };
    ea_err err = { 0 };

    ea_buf_adds(&filters,
                "{\"type\":[\"container\"],\"event\":[\"create\",\"start\",\"die\",\"oom\","
                "\"health_status\",\"destroy\"]");
    if (es->cluster) {
        EA_FREE_AUTO char *label = ea_sprintf_dup("%s=%s", EA_LABEL_CLUSTER, es->cluster);

        ea_buf_adds(&filters, ",\"label\":[");
        ea_buf_add_json_str(&filters, ea_str_of(label));
        ea_buf_addc(&filters, ']');
    }
    ea_buf_addc(&filters, '}');
    ea_buf_adds(&path, "/events?filters=");
    ea_buf_add_urlenc(&path, ea_buf_z(&filters));
    if (es->last_ns)
        ea_buf_addf(&path, "&since=%lld.%09lld", (long long)(es->last_ns / NS_PER_S),
                    (long long)(es->last_ns % NS_PER_S));
    rq.http.path = ea_buf_z(&path);
    if (ea_buf_check(&path, &err))
        es->op = ea_docker_fail(es->dk, &err, on_end, es);
    else
        es->op = ea_docker_request(es->dk, &rq, on_end, es);
}

ea_docker_events *ea_docker_events_start(ea_docker *dk, const char *cluster,
                                         const struct ea_docker_event_handlers *handlers, void *ctx)
{
    struct ea_docker_events *es = ea_alloc(sizeof(*es));

    es->dk = dk;
    es->cluster = ea_strdup(cluster);
    es->on = *handlers;
    es->ctx = ctx;
    es->lines = EA_DLINES(LINE_MAX_BYTES);
    es->timer = ea_timer_new(ea_docker_loop(dk), on_timer, es);
    open_stream(es);
    return es;
}

void ea_docker_events_stop(ea_docker_events *es)
{
    if (!es || es->stopped)
        return;
    es->stopped = true;
    ea_timer_stop(es->timer);
    if (es->op)
        ea_docker_cancel(es->op); /* its end frees */
    else
        free_events(es);
}

int64_t ea_docker_events_retry_in_ms(const ea_docker_events *es)
{
    int64_t left = es->retry_at_ms ? es->retry_at_ms - now_ms(es) : 0;

    return es->retry_at_ms && left < 1 ? 1 : left;
}
