/* fetch.c - the services that tasks' secrets come from, simulated: slow, refusing, out of reach, and
 * each asked exactly once. What was fetched belongs to one life of the agent. */
#include "sim.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static size_t find(const struct sim *s, const char *arn)
{
    size_t i = 0;

    while (i < s->fetched_n && strcmp(s->fetched[i].arn, arn) != 0)
        i++;
    return i;
}

static void drop(struct sim *s, size_t i)
{
    s->fetched_n--;
    memmove(&s->fetched[i], &s->fetched[s->fetched_n], sizeof(s->fetched[0]));
}

static void free_event(void *p)
{
    ea_event_done(p);
    ea_free(p);
}

static void answer(struct sim *s, struct item *it)
{
    struct ea_event *ev = it->p;
    size_t i = find(s, ev->arn);

    if (i == s->fetched_n || s->fetched[i].op != ev->op) { /* cancelled, and told so */
        free_event(ev);
        return;
    }
    sim_log(s, "fetch of %s: %s", ev->arn, ea_code_name(ev->err.code));
    s->fetched[i].op = 0;
    if (ev->err.code)
        drop(s, i);
    sim_agent_post(s, ev);
    ea_free(ev);
}

void sim_fetch(struct sim *s, const struct ea_effect *fx)
{
    struct ea_event *ev = ea_alloc(sizeof(*ev));
    bool timed_out = sim_fault(s, s->chaos.call_timeout);
    size_t i = find(s, fx->task->arn);

    if (i < s->fetched_n)
        sim_fail(s, "%s is fetched for twice", fx->task->arn);
    (void)snprintf(s->fetched[i].arn, sizeof(s->fetched[i].arn), "%s", fx->task->arn);
    s->fetched[i].op = fx->op;
    s->fetched_n = i + 1;
    *ev = (struct ea_event){ .kind = EA_EV_RESULT, .op = fx->op, .of = fx->kind };
    ev->arn = ea_strdup(fx->task->arn);
    if (timed_out)
        (void)ea_fail(&ev->err, EA_TIMEOUT, "time limit");
    else if (sim_fault(s, s->chaos.call_error))
        (void)ea_fail(&ev->err, EA_DENIED, "AccessDeniedException: no");
    else if (sim_fault(s, s->chaos.call_lost))
        (void)ea_fail(&ev->err, EA_UNREACHABLE, "connection reset");
    struct item *it = sim_at(
        s, timed_out ? fx->limit_ms : sim_between(s, 1, sim_chance(s, 100) ? 90000 : 300), answer);
    it->life = s->life;
    it->p = ev;
    it->drop = free_event;
}

void sim_fetch_forget(struct sim *s, const char *arn)
{
    size_t i = find(s, arn);
    struct ea_event ev = { .kind = EA_EV_RESULT, .of = EA_FX_PREPARE };

    if (i == s->fetched_n)
        return;
    ev.op = s->fetched[i].op;
    drop(s, i);
    if (!ev.op)
        return;
    (void)ea_fail(&ev.err, EA_CANCELLED, "the task has ended");
    sim_agent_post(s, &ev);
}

void sim_fetch_check_create(struct sim *s, const struct ea_effect *fx)
{
    size_t i = find(s, fx->task->arn);

    if (fx->container->secrets.n && (i == s->fetched_n || s->fetched[i].op))
        sim_fail(s, "%s/%s is created without its secrets", fx->task->arn, fx->container->name);
}
