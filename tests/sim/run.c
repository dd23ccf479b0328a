#include "sim.h"

#include <string.h>

enum {
    EVENTS_MAX = 400000,
    NEWS_MS = 120000,
    MORE_MS = 900000
};

/* The machine's clock is set; monotonic time does not notice. */
static void jump(struct sim *s)
{
    static const int64_t by_ms[] = { 5000, 600000, 3600000, (int64_t)80 * 3600000 };
    int64_t delta = by_ms[sim_between(s, 0, EA_COUNT(by_ms) - 1)];

    if (delta <= 3600000 && sim_chance(s, 500))
        delta = -delta;
    s->wall0_ms += delta;
    s->clock_jumps++;
    sim_log(s, "clock: set by %lld s", (long long)(delta / 1000));
}

static void away(struct sim *s, int64_t *until_ms, const char *who)
{
    *until_ms = s->now_ms + sim_between(s, 5000, 300000);
    sim_log(s, "%s until %.3f", who, (double)*until_ms / 1000.0);
}

static void tick(struct sim *s, struct item *it)
{
    if (s->calm)
        return;
    if (sim_fault(s, s->chaos.outage))
        sim_docker_outage(s);
    if (sim_fault(s, s->chaos.meddle))
        sim_docker_meddle(s);
    if (sim_fault(s, s->chaos.clock_jump))
        jump(s);
    if (sim_fault(s, s->chaos.store_full))
        away(s, &s->store_full_until_ms, "store: full");
    if (sim_fault(s, s->chaos.plane_away))
        away(s, &s->plane_away_until_ms, "plane: away");
    if (sim_fault(s, s->chaos.operator_stop))
        sim_plane_operator_stop(s);
    if (sim_fault(s, s->chaos.link_kick))
        sim_session_kick(s);
    if (sim_fault(s, s->chaos.crash))
        sim_agent_crash(s, "on its own");
    if (sim_fault(s, s->chaos.quit))
        sim_agent_quit(s);
    if (sim_fault(s, 15))
        sim_plane_manifest(s);
    if (sim_fault(s, s->chaos.drain)) {
        struct ea_event ev = { .kind = EA_EV_DRAIN };
        sim_log(s, "operator: drain");
        sim_agent_post(s, &ev);
    }
    (void)it;
    (void)sim_at(s, 1000, tick);
}

static void run_until(struct sim *s, int64_t until_ms)
{
    while (!s->failed && s->heap_n && s->heap[0]->at_ms <= until_ms) {
        (void)sim_step(s);
        if (s->events > EVENTS_MAX)
            sim_fail(s, "the world does not come to rest");
    }
    if (s->now_ms < until_ms)
        s->now_ms = until_ms;
}

bool sim_world(const struct spec *spec, FILE *trace, struct outcome *out)
{
    static struct sim world;
    struct sim *s = &world;

    sim_init(s, spec, trace);
    sim_generate(s);
    sim_agent_start(s);
    sim_plane_start(s);
    (void)sim_at(s, 1000, tick);
    run_until(s, s->now_ms + sim_between(s, 60000, sim_chance(s, 600) ? 300000 : 1200000));

    sim_log(s, "--- faults stop");
    s->calm = true;
    memset(&s->chaos, 0, sizeof(s->chaos));
    s->plane_away_until_ms = s->store_full_until_ms = 0;
    bool late = s->links[0].inactive_ms || s->links[1].inactive_ms; /* asked again in an hour */
    run_until(s, s->now_ms + (late ? 5400000 : 1800000));
    if (s->now_ms - s->links[0].opened_ms <
        NEWS_MS) /* credentials that were waited for may just have come */
        run_until(s, s->now_ms + MORE_MS);
    if (!s->failed)
        sim_check_settled(s);
    if (!s->failed)
        sim_session_settled(s);

    sim_log(s, "--- everything is stopped");
    sim_plane_stop_all(s);
    /* Clean-up comes after three hours by the clock, which may have been set back. */
    run_until(s, s->now_ms + (4 + s->clock_jumps) * 3600000);
    if (!s->failed)
        sim_check_empty(s);
    bool good = !s->failed;
    memcpy(out->why, s->why, SIM_TEXT);
    out->events = s->events;
    out->simulated_ms = s->now_ms;
    out->faults = s->faults;
    sim_done(s);
    return good;
}
