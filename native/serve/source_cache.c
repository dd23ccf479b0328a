#include "source_cache.h"

#include <stdio.h>
#include <string.h>

bool ea_source_known(const struct ea_source_cache *c, const char *peer, uint16_t port,
                     int64_t now_ms, bool *allowed)
{
    const struct ea_source *s = &c->v[port % EA_SOURCES];

    if (!s->asked_ms || s->port != port || now_ms - s->asked_ms >= EA_SOURCE_KEPT_MS ||
        strcmp(s->peer, peer) != 0)
        return false;
    *allowed = s->allowed;
    return true;
}

void ea_source_keep(struct ea_source_cache *c, const char *peer, uint16_t port, int64_t now_ms,
                    bool allowed)
{
    struct ea_source *s = &c->v[port % EA_SOURCES];

    if (strlen(peer) >= sizeof(s->peer))
        return;
    (void)snprintf(s->peer, sizeof(s->peer), "%s", peer); /* fits */
    s->port = port;
    s->allowed = allowed;
    s->asked_ms = now_ms;
}
