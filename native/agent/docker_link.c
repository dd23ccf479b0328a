#include "docker_link.h"

#include "../base/alloc.h"
#include "../base/backoff.h"
#include "../base/log.h"
#include "../docker/docker_container.h"
#include "stop_watch.h"
#include "turn.h"

#include <string.h>

enum {
    VERSION_MS = 10000,
    LIST_MS = 60000
};

struct ea_docker_link {
    ea_agent *ag;
    ea_docker_events *events; /* opened after the first negotiation; reopens by itself */
    ea_docker_op *op;         /* negotiation or list under way */
    bool asking_info;         /* beside the list; the last of the two to answer goes on */
    struct ea_event up_event; /* what the list said, while the other is waited for */
    bool listed;
    ea_timer *retry;
    ea_backoff backoff;
    bool up;     /* DOCKER_UP was told */
    bool fresh;  /* the version was asked for a moment ago, the stream opens for the first time */
    bool reopen; /* the stream opened again while a step was under way */
};

static void negotiate(void *arg);
static void list(struct ea_docker_link *l);

/* A step failed: told once, tried again. */
static void again(struct ea_docker_link *l, const ea_err *err)
{
    int64_t delay = ea_backoff_next(&l->backoff, &l->ag->rng);
    ea_err why = *err;

    if (err->code == EA_TIMEOUT)
        ea_wrap(&why, "Docker Engine at %s timed out (is it hung? look at its log, restart it)",
                ea_docker_endpoint(l->ag->docker));
    ea_status_wait(&l->ag->status, EA_WAIT_DOCKER, &why, delay);
    ea_timer_arm(l->retry, delay);
}

static void go_down(struct ea_docker_link *l)
{
    struct ea_event ev = { .kind = EA_EV_DOCKER_DOWN };

    if (!l->up)
        return;
    l->up = false;
    ea_turn_post(l->ag, &ev);
}

/* ---- the three steps ---- */

static void go_up(struct ea_docker_link *l)
{
    struct ea_event ev = l->up_event;

    if (!l->listed || l->asking_info)
        return;
    l->listed = false;
    memset(&l->up_event, 0, sizeof(l->up_event));
    ea_backoff_reset(&l->backoff);
    l->up = true;
    ea_status_clear(&l->ag->status, EA_WAIT_DOCKER);
    ea_turn_post(l->ag, &ev);
    ea_agent_docker_up(l->ag);
}

/* Some capabilities hang on it. An engine that does not answer it well still runs containers. */
static void info_done(void *ctx, const struct ea_docker_info *info, const ea_err *err)
{
    struct ea_docker_link *l = ctx;
    ea_agent *ag = l->ag;

    l->asking_info = false;
    if (err->code == EA_CANCELLED && ag->stopping)
        return;
    if (err->code)
        ea_warn("Docker Engine does not describe itself", EA_S("err", err->text));
    ea_set_str(&ag->docker_root, info ? info->root_dir : NULL);
    ea_set_str(&ag->cgroup_driver, info ? info->cgroup_driver : NULL);
    ag->cgroup_v2 = info && ea_zstr_eq(info->cgroup_version, "2");
    ea_strlist_free(&ag->volume_plugins);
    for (size_t i = 0; info && i < info->plugins.volume.n; i++)
        ea_strlist_add(&ag->volume_plugins, info->plugins.volume.v[i]);
    go_up(l);
}

static void list_done(void *ctx, struct ea_docker_facts *v, size_t n, const ea_err *err)
{
    struct ea_docker_link *l = ctx;
    struct ea_event ev = { .kind = EA_EV_DOCKER_UP };

    l->op = NULL;
    if (err->code == EA_CANCELLED && l->ag->stopping)
        return;
    if (l->reopen) {
        l->reopen = false;
        negotiate(l);
        return;
    }
    if (err->code) {
        again(l, err);
        return;
    }
    ev.found.v = n ? ea_alloc_array(n, sizeof(*v)) : NULL;
    ev.found.n = n;
    if (n) {
        memcpy(ev.found.v, v, n * sizeof(*v));
        memset(v, 0, n * sizeof(*v));
    }
    ea_event_done(&l->up_event);
    l->up_event = ev;
    l->listed = true;
    go_up(l);
}

static void list(struct ea_docker_link *l)
{
    l->listed = false;
    l->op = ea_docker_list(l->ag->docker, l->ag->cluster, LIST_MS, list_done, l);
    if (l->asking_info)
        return;
    l->asking_info = true;
    (void)ea_docker_info(l->ag->docker, VERSION_MS, info_done, l);
}

static void on_event(void *ctx, struct ea_docker_event *event)
{
    struct ea_docker_link *l = ctx;
    struct ea_event ev = { .kind = EA_EV_DOCKER, .action = event->action };

    ea_stop_watch_event(l->ag, event);
    ev.facts = event->facts;
    memset(&event->facts, 0, sizeof(event->facts));
    ev.event_ms = event->when_ms;
    ea_turn_post(l->ag, &ev);
}

static void on_lost(void *ctx, const ea_err *err)
{
    struct ea_docker_link *l = ctx;

    ea_status_wait(&l->ag->status, EA_WAIT_DOCKER, err, ea_docker_events_retry_in_ms(l->events));
    l->fresh = false;
    go_down(l);
}

/* The stream is open: what happened while it was not is in the list. The engine may have been
 * replaced since it was lost, so its version is asked for again (10 ms of an engine's work). */
static void on_open(void *ctx)
{
    struct ea_docker_link *l = ctx;

    ea_timer_stop(l->retry);
    if (l->op)
        l->reopen = true;
    else if (l->fresh)
        list(l);
    else
        negotiate(l);
    l->fresh = false;
}

static void keep_versions(ea_agent *ag, const struct ea_docker_version *v)
{
    const char *known[64];
    size_t n = ea_docker_api_capabilities(ea_docker_api_minor(v->api_version),
                                          ag->model.settings.windows, known, EA_COUNT(known));

    ea_strlist_free(&ag->docker_versions);
    for (size_t i = 0; i < n; i++)
        ea_strlist_add(&ag->docker_versions, known[i]);
    ea_set_str(&ag->docker_version, v->version);
    ea_set_str(&ag->docker_api, v->api_version);
}

static void negotiated(void *ctx, const struct ea_docker_version *v, const ea_err *err)
{
    static const struct ea_docker_event_handlers handlers = { on_event, on_lost, on_open };
    struct ea_docker_link *l = ctx;

    l->op = NULL;
    if (err->code == EA_CANCELLED && l->ag->stopping)
        return;
    if (!v) {
        again(l, err);
        return;
    }
    l->reopen = false;
    keep_versions(l->ag, v);
    if (l->events) {
        list(l);
        return;
    }
    l->fresh = true; /* its first `open` goes on, with the stream already listening */
    l->events = ea_docker_events_start(l->ag->docker, l->ag->cluster, &handlers, l);
}

static void negotiate(void *arg)
{
    struct ea_docker_link *l = arg;

    l->op = ea_docker_negotiate(l->ag->docker, VERSION_MS, negotiated, l);
}

struct ea_docker_link *ea_docker_link_start(ea_agent *ag)
{
    struct ea_docker_link *l = ea_alloc(sizeof(*l));

    l->ag = ag;
    l->backoff = EA_BACKOFF(100, 5000, 0.2, 2);
    l->retry = ea_timer_new(ag->loop, negotiate, l);
    ea_status_wait(&ag->status, EA_WAIT_DOCKER, NULL, 0);
    negotiate(l);
    return l;
}

void ea_docker_link_stop(struct ea_docker_link *l)
{
    if (!l)
        return;
    ea_docker_events_stop(l->events);
    l->events = NULL;
    ea_timer_stop(l->retry);
}

void ea_docker_link_free(struct ea_docker_link *l)
{
    if (!l)
        return;
    ea_timer_free(l->retry);
    ea_event_done(&l->up_event);
    ea_free(l);
}

bool ea_docker_link_is_up(const struct ea_docker_link *l)
{
    return l && l->up;
}
