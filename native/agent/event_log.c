#include "event_log.h"

#include "../base/alloc.h"
#include "../base/clock.h"

#include <string.h>

enum {
    BURST = 20,
    REFILL_MS = 15000
};

/* By the words of the line: a test holds that the agent says each of them. */
static const struct {
    const char *msg;
    ea_event_id id;
} events[] = {
    { "the agent starts", EA_EVENT_STARTED },
    { "the agent has ended", EA_EVENT_ENDED },
    { "registered", EA_EVENT_REGISTERED },
    { "Docker Engine answers", EA_EVENT_DOCKER },
    { "the agent cannot start", EA_EVENT_CANNOT_START },
    { "the agent ends", EA_EVENT_GAVE_UP },
    { "waiting", EA_EVENT_WAITING },
    { "wait over", EA_EVENT_WAIT_OVER },
};

ea_event_id ea_event_of(ea_level level, ea_str msg)
{
    for (size_t i = 0; i < EA_COUNT(events); i++) {
        if (ea_str_eqz(msg, events[i].msg))
            return events[i].id;
    }
    switch (level) {
    case EA_CRIT:
    case EA_ERROR:
        return EA_EVENT_ERROR;
    case EA_WARN:
        return EA_EVENT_WARNING;
    case EA_INFO:
    case EA_DEBUG:
    case EA_LEVEL_COUNT:
        break;
    }
    return EA_EVENT_NONE;
}

/* Our own messages hold no quotes, so the next one ends it. */
static ea_str quoted_after(ea_str line, const char *key)
{
    size_t n = strlen(key);

    for (size_t i = 0; i + n < line.n; i++) {
        if (memcmp(line.p + i, key, n) == 0) {
            ea_str rest = { line.p + i + n, line.n - i - n }, value;

            (void)ea_str_cut(rest, '"', &value); /* the rest is of no use */
            return value;
        }
    }
    return (ea_str){ NULL, 0 };
}

ea_str ea_event_field(ea_str line, const char *name)
{
    bool json = line.n && line.p[0] == '{';
    EA_FREE_AUTO char *quoted = ea_sprintf_dup(json ? "\"%s\":\"" : " %s=\"", name);
    EA_FREE_AUTO char *plain = ea_sprintf_dup(" %s=", name);
    ea_str value = quoted_after(line, quoted);
    size_t n = strlen(plain);

    for (size_t i = 0; !json && !value.p && i + n < line.n; i++) { /* one word has no quotes */
        if (memcmp(line.p + i, plain, n) == 0)
            (void)ea_str_cut((ea_str){ line.p + i + n, line.n - i - n }, ' ',
                             &value); /* up to there */
    }
    return value;
}

/* Without its state the agent does nothing: that wait has an id of its own. */
static ea_event_id event_in(ea_level level, ea_str line)
{
    ea_event_id id = ea_event_of(level, ea_event_field(line, "msg"));

    return id == EA_EVENT_WAITING && ea_str_eqz(ea_event_field(line, "wait"), "store")
               ? EA_EVENT_STORE
               : id;
}

static bool comes_in_crowds(ea_event_id id)
{
    return id == EA_EVENT_WARNING || id == EA_EVENT_ERROR || id == EA_EVENT_WAITING ||
           id == EA_EVENT_WAIT_OVER;
}

/* The log file has them all. */
static bool has_room(void)
{
    static int64_t left = BURST, since_ms;
    int64_t now = ea_now().mono_ms, more;

    if (since_ms == 0)
        since_ms = now;
    more = (now - since_ms) / REFILL_MS;
    if (more > 0) {
        since_ms += more * REFILL_MS;
        left = left + more > BURST ? BURST : left + more;
    }
    if (left == 0)
        return false;
    left--;
    return true;
}

static void to_events(void *ctx, ea_level level, const char *line, size_t n)
{
    ea_str text = ea_str_trim((ea_str){ line, n });
    ea_event_id id = event_in(level, text);

    (void)ctx;
    if (id == EA_EVENT_NONE || (comes_in_crowds(id) && !has_room()))
        return;
    {
        EA_FREE_AUTO char *copy = ea_str_dup(text);

        ea_plat_event(id, copy);
    }
}

static bool enabled;

void ea_event_log_enable(void)
{
    enabled = true;
}

ea_log_sink *ea_event_log_sink(void)
{
    return enabled ? to_events : NULL;
}
