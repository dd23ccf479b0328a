#include "sim.h"

#include <string.h>

enum {
    EVENTS_MAX = 400000
};

static void tick(struct sim *s, struct item *it)
{
    if (s->calm)
        return;
    if (sim_chance(s, s->chaos.outage))
        sim_docker_outage(s);
    if (sim_chance(s, s->chaos.meddle))
        sim_docker_meddle(s);
    if (sim_chance(s, s->chaos.crash))
        sim_agent_crash(s, "on its own");
    if (sim_chance(s, 15))
        sim_plane_manifest(s);
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

bool sim_world(uint64_t seed, FILE *trace, char why[SIM_TEXT], uint64_t *events)
{
    static struct sim world;
    struct sim *s = &world;

    sim_init(s, seed, trace);
    sim_generate(s);
    sim_agent_start(s);
    sim_plane_start(s);
    (void)sim_at(s, 1000, tick);
    run_until(s, s->now_ms + sim_between(s, 60000, 1200000));

    sim_log(s, "--- faults stop");
    s->calm = true;
    memset(&s->chaos, 0, sizeof(s->chaos));
    run_until(s, s->now_ms + 3600000);
    if (!s->failed)
        sim_check_settled(s);

    sim_log(s, "--- everything is stopped");
    sim_plane_stop_all(s);
    run_until(s, s->now_ms + (int64_t)6 * 3600000);
    if (!s->failed)
        sim_check_empty(s);
    bool good = !s->failed;
    memcpy(why, s->why, SIM_TEXT);
    *events = s->events;
    sim_done(s);
    return good;
}
