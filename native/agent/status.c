#include "status.h"

#include "../base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *what;
} words[EA_WAIT_COUNT] = {
#define X(id, name, what) { (name), (what) },
    EA_WAITS(X)
#undef X
};

void ea_status_wait(ea_status *s, ea_wait_id id, const ea_err *err, int64_t next_in_ms)
{
    struct ea_wait *w = &s->waits[id];
    int64_t now = ea_now().wall_ms;

    if (!w->active) {
        memset(w, 0, sizeof(*w));
        w->active = true;
        w->since_ms = now;
    }
    w->next_try_ms = next_in_ms > 0 ? now + next_in_ms : 0;
    if (!err)
        return;
    w->attempts++;
    if (strcmp(w->error, err->text) == 0) {
        ea_debug("still waiting", EA_S("wait", words[id].name), EA_S("err", err->text),
                 EA_I("attempt", w->attempts), EA_I("next_ms", next_in_ms));
        return;
    }
    (void)snprintf(w->error, sizeof(w->error), "%s", err->text); /* both 512 bytes */
    ea_warn("waiting", EA_S("wait", words[id].name), EA_S("what", words[id].what),
            EA_S("err", err->text), EA_I("sys", err->sys), EA_I("attempt", w->attempts),
            EA_I("next_ms", next_in_ms));
}

void ea_status_clear(ea_status *s, ea_wait_id id)
{
    struct ea_wait *w = &s->waits[id];

    if (w->active && w->error[0])
        ea_info("wait over", EA_S("wait", words[id].name),
                EA_I("took_ms", ea_now().wall_ms - w->since_ms));
    memset(w, 0, sizeof(*w));
}

void ea_status_add_json(const ea_status *s, ea_buf *out)
{
    bool first = true;

    ea_buf_adds(out, "\"waits\":[");
    for (int i = 0; i < EA_WAIT_COUNT; i++) {
        const struct ea_wait *w = &s->waits[i];
        if (!w->active)
            continue;
        ea_buf_addf(out, "%s{\"name\":\"%s\",\"what\":\"%s\",\"lastError\":", first ? "" : ",",
                    words[i].name, words[i].what);
        if (w->error[0])
            ea_buf_add_json_str(out, ea_str_of(w->error));
        else
            ea_buf_adds(out, "null");
        ea_buf_addf(out, ",\"since\":%" PRId64 ",\"nextTry\":%" PRId64 ",\"attempts\":%u}",
                    w->since_ms, w->next_try_ms, w->attempts);
        first = false;
    }
    ea_buf_addc(out, ']');
}
