#include "session_policy.h"

#include <string.h>

/* Source: control-plane.md sections 3.4, 3.5 (ACS) and 4.1 (TCS). */
const ea_session_params ea_acs_params = {
    .name = "acs",
    .quiet_ms = 60000,
    .quiet_jitter_ms = 60000,
    .quiet_closes = false,
    .age_ms = 30 * 60000,
    .age_jitter_ms = 5 * 60000,
    .close_ms = 5000,
    .good_ms = 60000,
    .good_jitter_ms = 60000,
    .inactive_ms = 60 * 60000,
    .min_ms = 250,
    .max_ms = 120000,
    .jitter = 0.2,
    .multiple = 1.5,
};
const ea_session_params ea_tcs_params = {
    .name = "tcs",
    .quiet_ms = 60000,
    .quiet_jitter_ms = 60000,
    .quiet_closes = true,
    .age_ms = 30 * 60000,
    .age_jitter_ms = 5 * 60000,
    .close_ms = 5000,
    .good_ms = 0,
    .good_jitter_ms = 0,
    .inactive_ms = 60 * 60000,
    .min_ms = 1000,
    .max_ms = 60000,
    .jitter = 0.2,
    .multiple = 2.0,
};

/* A clean close means "ask again at once". A peer that closes each connection right after it was
 * opened would be asked without pause, so such short ones take the backoff's delay. */
#define SHORT_LIFE_MS 1000

const char *ea_session_state_name(ea_session_state s)
{
    switch (s) {
    case EA_SESSION_STOPPED:
        return "stopped";
    case EA_SESSION_WAITING:
        return "waiting";
    case EA_SESSION_LOOKING_UP:
        return "looking up";
    case EA_SESSION_CONNECTING:
        return "connecting";
    case EA_SESSION_CONNECTED:
        return "connected";
    case EA_SESSION_CLOSING:
        return "closing";
    }
    return "unknown";
}

/* Close codes after which the peer is simply asked again. */
static bool is_clean(int close_code)
{
    return close_code == 1000 || close_code == 1001 || close_code == 1006 || close_code == 1011;
}

void ea_session_policy_init(ea_session_policy *s, const ea_session_params *params, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->p = *params;
    ea_rng_seed(&s->rng, seed);
    s->backoff = EA_BACKOFF(params->min_ms, params->max_ms, params->jitter, params->multiple);
    s->state = EA_SESSION_STOPPED;
    s->next_at_ms = s->quiet_at_ms = s->age_at_ms = s->good_at_ms = -1;
}

static int64_t with_jitter(ea_session_policy *s, int64_t base, int64_t jitter)
{
    return base + (int64_t)ea_rng_below(&s->rng, (uint64_t)jitter);
}

static void enter(ea_session_policy *s, ea_session_state state, int64_t now)
{
    s->state = state;
    s->since_ms = now;
    s->quiet_at_ms = s->age_at_ms = s->good_at_ms = -1;
    s->next_at_ms = -1;
}

/* Earliest of the timers of a connection. */
static void plan(ea_session_policy *s)
{
    int64_t at[] = { s->quiet_at_ms, s->age_at_ms, s->good_at_ms };

    s->next_at_ms = -1;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        if (at[i] >= 0 && (s->next_at_ms < 0 || at[i] < s->next_at_ms))
            s->next_at_ms = at[i];
    }
}

static void wait_for(ea_session_policy *s, int64_t delay, int64_t now)
{
    enter(s, EA_SESSION_WAITING, now);
    s->next_at_ms = now + delay;
}

static ea_session_do look_up(ea_session_policy *s, int64_t now)
{
    enter(s, EA_SESSION_LOOKING_UP, now);
    s->inactive = false;
    return EA_DO_LOOK_UP;
}

static ea_session_do opened(ea_session_policy *s, int64_t now)
{
    enter(s, EA_SESSION_CONNECTED, now);
    s->why = NULL;
    s->quiet_at_ms = now + with_jitter(s, s->p.quiet_ms, s->p.quiet_jitter_ms);
    s->age_at_ms = now + with_jitter(s, s->p.age_ms, s->p.age_jitter_ms);
    if (s->p.good_ms > 0)
        s->good_at_ms = now + with_jitter(s, s->p.good_ms, s->p.good_jitter_ms);
    plan(s);
    return EA_DO_NOTHING_NOW;
}

static ea_session_do ended(ea_session_policy *s, const ea_session_end *end, int64_t now)
{
    bool by_us = s->state == EA_SESSION_CLOSING;
    bool was_open = s->state == EA_SESSION_CONNECTED || by_us;
    bool brief = was_open && now - s->since_ms < SHORT_LIFE_MS && !by_us;

    if (end->inactive) {
        wait_for(s, s->p.inactive_ms, now);
        s->inactive = true;
        return EA_DO_NOTHING_NOW;
    }
    /* `why` set: we dropped it, so its end looks clean but is none. */
    if (end->opened && !s->why && is_clean(end->close_code) && !brief) {
        ea_backoff_reset(&s->backoff);
        return look_up(s, now);
    }
    wait_for(s, ea_backoff_next(&s->backoff, &s->rng), now);
    return EA_DO_NOTHING_NOW;
}

static ea_session_do close_now(ea_session_policy *s, int64_t now)
{
    enter(s, EA_SESSION_CLOSING, now);
    s->next_at_ms = now + s->p.close_ms;
    return EA_DO_CLOSE;
}

static ea_session_do drop_now(ea_session_policy *s, const char *why)
{
    s->why = why;
    s->next_at_ms = -1;
    return EA_DO_DROP;
}

static ea_session_do timer(ea_session_policy *s, int64_t now)
{
    if (s->next_at_ms < 0 || now < s->next_at_ms)
        return EA_DO_NOTHING_NOW;
    switch (s->state) {
    case EA_SESSION_WAITING:
        return look_up(s, now);
    case EA_SESSION_CLOSING:
        s->why = NULL; /* planned: the next connection is made at once */
        s->next_at_ms = -1;
        return EA_DO_DROP;
    case EA_SESSION_CONNECTED:
        break;
    case EA_SESSION_STOPPED:
    case EA_SESSION_LOOKING_UP:
    case EA_SESSION_CONNECTING:
        return EA_DO_NOTHING_NOW;
    }
    if (s->good_at_ms >= 0 && now >= s->good_at_ms) {
        s->good_at_ms = -1;
        ea_backoff_reset(&s->backoff);
    }
    if (s->quiet_at_ms >= 0 && now >= s->quiet_at_ms)
        return s->p.quiet_closes ? close_now(s, now) : drop_now(s, "no message for too long");
    if (s->age_at_ms >= 0 && now >= s->age_at_ms)
        return close_now(s, now);
    plan(s);
    return EA_DO_NOTHING_NOW;
}

static ea_session_do kick(ea_session_policy *s, int64_t now)
{
    switch (s->state) {
    case EA_SESSION_WAITING:
        return look_up(s, now);
    case EA_SESSION_CONNECTED:
    case EA_SESSION_CLOSING:
        return drop_now(s, "ended by the agent");
    case EA_SESSION_STOPPED:
    case EA_SESSION_LOOKING_UP:
    case EA_SESSION_CONNECTING:
        return EA_DO_NOTHING_NOW;
    }
    return EA_DO_NOTHING_NOW;
}

static ea_session_do stop(ea_session_policy *s, int64_t now)
{
    bool open = s->state == EA_SESSION_CONNECTED;
    bool busy = s->state != EA_SESSION_STOPPED && s->state != EA_SESSION_WAITING;

    enter(s, EA_SESSION_STOPPED, now);
    return open ? EA_DO_CLOSE : busy ? EA_DO_DROP : EA_DO_NOTHING_NOW;
}

ea_session_do ea_session_step(ea_session_policy *s, ea_session_event ev, const ea_session_end *end,
                              int64_t now)
{
    if (s->state == EA_SESSION_STOPPED && ev != EA_SE_START)
        return EA_DO_NOTHING_NOW;
    switch (ev) {
    case EA_SE_START:
        return s->state == EA_SESSION_STOPPED ? look_up(s, now) : EA_DO_NOTHING_NOW;
    case EA_SE_STOP:
        return stop(s, now);
    case EA_SE_LOOKED_UP:
        enter(s, EA_SESSION_CONNECTING, now);
        return EA_DO_CONNECT;
    case EA_SE_LOOKUP_FAILED:
        wait_for(s, ea_backoff_next(&s->backoff, &s->rng), now);
        return EA_DO_NOTHING_NOW;
    case EA_SE_OPEN:
        return opened(s, now);
    case EA_SE_MESSAGE:
        if (s->state == EA_SESSION_CONNECTED) {
            s->quiet_at_ms = now + with_jitter(s, s->p.quiet_ms, s->p.quiet_jitter_ms);
            plan(s);
        }
        return EA_DO_NOTHING_NOW;
    case EA_SE_ENDED:
        return ended(s, end, now);
    case EA_SE_TIMER:
        return timer(s, now);
    case EA_SE_KICK:
        return kick(s, now);
    }
    return EA_DO_NOTHING_NOW;
}
