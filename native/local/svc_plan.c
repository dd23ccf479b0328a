/* svc_plan.c - counts and choices of a service. See svc_plan.h. */
#include "svc_plan.h"

#define FIRST_PAUSE_MS 1000
#define LONGEST_MS     60000

struct counts {
    int64_t newest, older; /* pending and running */
    int64_t newest_running, older_running;
};

static struct counts count(const ea_lc_svc_task *t, size_t n)
{
    struct counts c = { 0, 0, 0, 0 };

    for (size_t i = 0; i < n; i++) {
        *(t[i].newest ? &c.newest : &c.older) += 1;
        if (t[i].running)
            *(t[i].newest ? &c.newest_running : &c.older_running) += 1;
    }
    return c;
}

/* Stops up to `want` tasks of one kind, the youngest first; answers how many. */
static int64_t choose(ea_lc_svc_task *t, size_t n, bool newest, bool running, int64_t want)
{
    int64_t got = 0;

    for (size_t i = n; i-- > 0 && got < want;) {
        if (t[i].newest != newest || t[i].running != running || t[i].kept || t[i].stop)
            continue;
        t[i].stop = true;
        got++;
    }
    return got;
}

int64_t ea_lc_svc_plan(int64_t desired, int64_t min_percent, int64_t max_percent, ea_lc_svc_task *t,
                       size_t n)
{
    struct counts c = count(t, n);
    int64_t most = desired * max_percent / 100;
    int64_t least = (desired * min_percent + 99) / 100;
    int64_t surplus = c.newest - desired, start = desired - c.newest;

    for (size_t i = 0; i < n; i++)
        t[i].stop = false;
    if (surplus > 0) {
        int64_t pending = choose(t, n, true, false, surplus);

        (void)choose(t, n, true, true, surplus - pending); /* protected ones stay for now */
    }
    (void)choose(t, n, false, false, c.older); /* never served anybody */
    (void)choose(t, n, false, true, c.newest_running + c.older_running - least);
    if (most < desired && c.older == 0)
        most = desired; /* nothing is being replaced: the limit is about deployments */
    if (start > most - c.newest - c.older)
        start = most - c.newest - c.older;
    return start > 0 ? start : 0;
}

int64_t ea_lc_svc_next_start_ms(const ea_lc_svc_past *p, size_t n)
{
    int64_t pause = 0, last = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i].failed) {
            pause = pause ? pause * 2 : FIRST_PAUSE_MS;
            if (pause > LONGEST_MS)
                pause = LONGEST_MS;
            if (p[i].stopped_ms > last)
                last = p[i].stopped_ms;
        } else if (p[i].ran) {
            pause = 0;
        }
    }
    return pause ? last + pause : 0;
}
