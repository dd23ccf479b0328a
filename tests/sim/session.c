/* session.c - the agent's two websocket sessions: production policy, simulated peers that refuse, drop,
 * stall, send garbage, move, or say that the instance is not active. */
#include "sim.h"

#include <string.h>

enum {
    HEARTBEAT_MS = 45000,
    STEP_MS = 10, /* a deadline may be met that much later */
};

static const char *name(const struct link *l)
{
    return l->policy.p.name;
}

static int64_t mono(const struct sim *s)
{
    return s->now_ms + s->mono0_ms;
}

static void step(struct sim *s, struct link *l, ea_session_event ev, const ea_session_end *end);

static struct item *plan(struct sim *s, struct link *l, int64_t in_ms,
                         void (*fn)(struct sim *, struct item *))
{
    struct item *it = sim_at(s, in_ms, fn);

    it->life = s->life;
    it->a = l - s->links;
    it->b = (int64_t)l->turn;
    return it;
}

/* What was planned for an earlier attempt is void. */
static struct link *of(struct sim *s, const struct item *it)
{
    struct link *l = &s->links[it->a];

    return l->turn == (uint64_t)it->b ? l : NULL;
}

static void timer(struct sim *s, struct item *it)
{
    struct link *l = &s->links[it->a];

    if (l->timer_seq == (uint64_t)it->b)
        step(s, l, EA_SE_TIMER, NULL);
}

static void kick(struct sim *s, struct link *l)
{
    l->inactive_ms = 0; /* asked to try now */
    step(s, l, EA_SE_KICK, NULL);
}

static void end_link(struct sim *s, struct link *l, int code, bool inactive)
{
    const ea_session_end end = { .opened = l->open, .close_code = code, .inactive = inactive };

    l->turn++;
    l->busy = l->open = false;
    if (inactive)
        l->inactive_ms = s->now_ms;
    step(s, l, EA_SE_ENDED, &end);
    if (inactive && l == &s->links[0]) /* as agent/sessions.c: telemetry is of no use then */
        kick(s, &s->links[1]);
}

/* --- the peer ----------------------------------------------------------------------------------- */

static void peer_closes(struct sim *s, struct item *it)
{
    static const int codes[] = { 1000, 1001, 1006, 1011, 1002, 1008, 4000 };
    struct link *l = of(s, it);

    if (!l)
        return;
    int code = it->p ? 1000 : codes[sim_between(s, 0, EA_COUNT(codes) - 1)];
    sim_log(s, "%s: closed by the peer with %d", name(l), code);
    end_link(s, l, code, false);
}

static void dropped(struct sim *s, struct item *it)
{
    struct link *l = of(s, it);

    if (l)
        end_link(s, l, 1006, false);
}

static void heartbeat(struct sim *s, struct item *it)
{
    struct link *l = of(s, it);

    if (!l)
        return;
    if (!l->stalls && sim_fault(s, s->chaos.link_stalls)) {
        sim_log(s, "%s: the peer falls silent", name(l));
        l->stalls = true;
        l->silent_ms = s->now_ms;
    }
    if (l->stalls && s->calm)
        l->stalls = false;
    bool garbage = sim_fault(s, s->chaos.link_stalls);
    if (!l->stalls && !garbage) {
        l->silent_ms = s->now_ms;
        step(s, l, EA_SE_MESSAGE, NULL);
    }
    if (sim_fault(s, s->chaos.link_drops))
        (void)plan(s, l, sim_between(s, 0, HEARTBEAT_MS), peer_closes);
    (void)plan(s, l, HEARTBEAT_MS, heartbeat);
}

static void answer_handshake(struct sim *s, struct item *it)
{
    struct link *l = of(s, it);

    if (!l)
        return;
    if (s->now_ms < s->plane_away_until_ms || sim_fault(s, s->chaos.link_refused)) {
        bool inactive = sim_fault(s, s->chaos.link_inactive);
        sim_log(s, "%s: refused%s", name(l), inactive ? ", the instance is not active" : "");
        end_link(s, l, 0, inactive);
        return;
    }
    l->open = true;
    l->stalls = false;
    l->opened_ms = l->silent_ms = s->now_ms;
    sim_log(s, "%s: connected", name(l));
    step(s, l, EA_SE_OPEN, NULL);
    sim_telemetry_flush(s);
    (void)plan(s, l, sim_between(s, 1000, HEARTBEAT_MS), heartbeat);
    if (sim_fault(s, s->chaos.link_drops)) /* some peers close each one right away */
        (void)plan(s, l, sim_between(s, 0, 900), peer_closes);
    if (l == &s->links[0])
        sim_plane_connected(s);
}

static void looked_up(struct sim *s, struct item *it)
{
    struct link *l = of(s, it);

    if (!l)
        return;
    l->busy = false;
    l->turn++;
    if (s->now_ms < s->plane_away_until_ms || sim_fault(s, s->chaos.link_refused))
        step(s, l, EA_SE_LOOKUP_FAILED, NULL);
    else
        step(s, l, EA_SE_LOOKED_UP, NULL);
}

/* --- the policy's orders -------------------------------------------------------------------------- */

static void count_try(struct sim *s, struct link *l)
{
    if (l->busy || l->open)
        sim_fail(s, "%s: a second attempt beside one that is under way", name(l));
    if (l->inactive_ms && s->now_ms - l->inactive_ms < l->policy.p.inactive_ms)
        sim_fail(s, "%s: asked again although the instance is not active", name(l));
    l->inactive_ms = 0;
    int64_t oldest = l->tries_ms[l->tries % LINK_TRIES];
    if (l->tries >= LINK_TRIES && s->now_ms - oldest < 60000)
        sim_fail(s, "%s: more than %d attempts in a minute", name(l), LINK_TRIES);
    l->tries_ms[l->tries++ % LINK_TRIES] = s->now_ms;
}

static void carry_out(struct sim *s, struct link *l, ea_session_do what)
{
    switch (what) {
    case EA_DO_NOTHING_NOW:
        break;
    case EA_DO_LOOK_UP:
        count_try(s, l);
        l->busy = true;
        (void)plan(s, l, sim_between(s, 1, 300), looked_up);
        break;
    case EA_DO_CONNECT:
        if (l->busy || l->open)
            sim_fail(s, "%s: a second connection", name(l));
        l->busy = true;
        (void)plan(s, l, sim_between(s, 1, sim_chance(s, s->chaos.slow) ? 5000 : 200),
                   answer_handshake);
        break;
    case EA_DO_CLOSE:
        l->closing_ms = s->now_ms;
        if (!l->stalls) /* else nobody answers, and the policy must end it */
            plan(s, l, sim_between(s, 1, 100), peer_closes)->p = s;
        break;
    case EA_DO_DROP:
        if (!l->open && !l->busy)
            sim_fail(s, "%s: drops what is not there", name(l));
        (void)plan(s, l, 0, dropped);
        break;
    }
}

static void step(struct sim *s, struct link *l, ea_session_event ev, const ea_session_end *end)
{
    ea_session_do what = ea_session_step(&l->policy, ev, end, mono(s));

    l->timer_seq++;
    if (l->policy.next_at_ms >= 0) {
        struct item *it = sim_at(s, l->policy.next_at_ms - mono(s), timer);
        it->life = s->life;
        it->a = l - s->links;
        it->b = (int64_t)l->timer_seq;
    }
    carry_out(s, l, what);
}

/* --- the rest of the world ------------------------------------------------------------------------ */

void sim_session_start(struct sim *s)
{
    static const ea_session_params *const params[] = { &ea_acs_params, &ea_tcs_params };

    for (size_t i = 0; i < EA_COUNT(params); i++) {
        uint64_t turn = s->links[i].turn;

        s->links[i] = (struct link){ .turn = turn + 1 };
        ea_session_policy_init(&s->links[i].policy, params[i], ea_rng_u64(&s->rng));
        step(s, &s->links[i], EA_SE_START, NULL);
    }
}

/* Somebody asks for a new connection, in whatever state they are. */
void sim_session_kick(struct sim *s)
{
    struct link *l = &s->links[sim_between(s, 0, EA_COUNT(s->links) - 1)];

    if (!s->agent_up)
        return;
    sim_log(s, "%s: kicked while %s", name(l), ea_session_state_name(l->policy.state));
    kick(s, l);
}

void sim_session_stop(struct sim *s)
{
    for (size_t i = 0; i < EA_COUNT(s->links); i++) {
        struct link *l = &s->links[i];

        step(s, l, EA_SE_STOP, NULL);
        if (l->policy.next_at_ms >= 0)
            sim_fail(s, "%s: stopped, and it wants to be woken", name(l));
    }
}

bool sim_session_open(const struct sim *s)
{
    return s->agent_up && s->links[0].open && s->links[0].policy.state == EA_SESSION_CONNECTED;
}

/* After each event: no connection outlives its deadlines. */
void sim_session_check(struct sim *s)
{
    for (size_t i = 0; s->agent_up && i < EA_COUNT(s->links); i++) {
        const struct link *l = &s->links[i];
        const ea_session_params *p = &l->policy.p;

        if (!l->open)
            continue;
        if (s->now_ms - l->silent_ms > p->quiet_ms + p->quiet_jitter_ms + p->close_ms + STEP_MS)
            sim_fail(s, "%s: the peer is silent, and the connection stays", name(l));
        if (s->now_ms - l->opened_ms > p->age_ms + p->age_jitter_ms + p->close_ms + STEP_MS)
            sim_fail(s, "%s: the connection grows too old", name(l));
        if (l->policy.next_at_ms < 0 && l->policy.state != EA_SESSION_CONNECTED &&
            l->policy.state != EA_SESSION_CLOSING)
            sim_fail(s, "%s: open and not known to be", name(l));
    }
}

/* Faults stopped a while ago. */
void sim_session_settled(struct sim *s)
{
    sim_telemetry_settled(s);
    for (size_t i = 0; i < EA_COUNT(s->links); i++)
        if (!s->links[i].open && !s->links[i].inactive_ms && !s->links[i].busy)
            sim_fail(s, "%s: not connected though nothing is in the way (%s)", name(&s->links[i]),
                     ea_session_state_name(s->links[i].policy.state));
}
