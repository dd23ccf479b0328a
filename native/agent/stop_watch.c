#include "stop_watch.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/str.h"

/* 128 + SIGKILL: perhaps the kernel's, for want of memory. Below 0 or all 32 bits: Windows engines
 * give that when they could not learn the code, and say why in the container's state. */
enum {
    EXIT_KILLED = 137
};
#define EXIT_UNKNOWN INT64_C(0xffffffff)

struct ea_stop_watch {
    ea_node node;
    ea_agent *ag;
    ea_timer *timer; /* NULL until the stop was answered */
    char *id;
    int64_t begun_ms; /* wall */
    bool died, unclear;
    int64_t exit_code, ended_ms;
    ea_stop_watch_done *done;
    void *ctx;
};

ea_stop_watch *ea_stop_watch_begin(ea_agent *ag, const struct ea_container *c)
{
    ea_stop_watch *w;

    if (!c->docker_id || c->known < EA_C_RUNNING || c->known == EA_C_STOPPED || c->ports.n ||
        c->bindings.n || c->oom_seen)
        return NULL;
    w = ea_alloc(sizeof(*w));
    w->ag = ag;
    w->id = ea_strdup(c->docker_id);
    w->begun_ms = ea_now().wall_ms;
    ea_list_append(&ag->stop_watches, &w->node);
    return w;
}

void ea_stop_watch_drop(ea_stop_watch *w)
{
    if (!w)
        return;
    ea_list_remove(&w->node);
    ea_timer_free(w->timer);
    ea_free(w->id);
    ea_free(w);
}

static bool clear(const ea_stop_watch *w)
{
    return w->died && !w->unclear;
}

static void tell(void *arg)
{
    ea_stop_watch *w = arg;
    ea_stop_watch_done *done = w->done;
    void *ctx = w->ctx;
    struct ea_docker_facts end = { 0 };
    bool known = clear(w);

    if (known) {
        end.found = true;
        end.id = ea_strdup(w->id);
        end.state = EA_C_STOPPED;
        end.exit_code = (ea_opt_i64){ true, w->exit_code };
        end.finished_ms = w->ended_ms;
    }
    ea_stop_watch_drop(w);
    done(ctx, known ? &end : NULL);
    ea_docker_facts_done(&end);
}

void ea_stop_watch_answer(ea_stop_watch *w, ea_stop_watch_done *done, void *ctx)
{
    w->done = done;
    w->ctx = ctx;
    w->timer = ea_timer_new(w->ag->loop, tell, w);
    ea_timer_arm(w->timer, w->died || w->unclear ? 0 : STOP_EVENT_MS);
}

static void take(ea_stop_watch *w, const struct ea_docker_event *ev)
{
    switch (ev->action) {
    case EA_DA_DIE:
        if (ev->when_ms < w->begun_ms)
            return; /* of an earlier run, or the container was faster than the stop */
        w->died = true;
        w->exit_code = ev->facts.exit_code.v;
        w->ended_ms = ev->when_ms;
        if (!ev->facts.exit_code.has || w->exit_code == EXIT_KILLED || w->exit_code < 0 ||
            w->exit_code >= EXIT_UNKNOWN)
            w->unclear = true;
        break;
    case EA_DA_START:
    case EA_DA_OOM:
    case EA_DA_DESTROY:
        w->unclear = true;
        break;
    case EA_DA_CREATE:
    case EA_DA_HEALTHY:
    case EA_DA_UNHEALTHY:
        return;
    }
    if (w->timer)
        ea_timer_arm(w->timer, 0);
}

void ea_stop_watch_event(ea_agent *ag, const struct ea_docker_event *ev)
{
    EA_LIST_EACH(&ag->stop_watches, node)
    {
        ea_stop_watch *w = EA_OWNER(node, ea_stop_watch, node);

        if (ea_zstr_eq(w->id, ev->facts.id))
            take(w, ev);
    }
}

void ea_stop_watch_end_all(ea_agent *ag)
{
    EA_LIST_EACH(&ag->stop_watches, node)
    {
        ea_stop_watch *w = EA_OWNER(node, ea_stop_watch, node);

        if (!w->timer)
            continue; /* its stop is in flight, and ends as cancelled */
        w->unclear = true;
        tell(w);
    }
}
