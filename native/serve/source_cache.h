/* source_cache.h - whether a connection's source may use the task endpoint, remembered for a second: the
 * system is asked once a connection and not with every request (on Windows the question lists all
 * adapters). A second, since routes change. Pure data; thread: loop. All zero: nothing is known. */
#ifndef EA_SERVE_SOURCE_CACHE_H
#define EA_SERVE_SOURCE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EA_SOURCES = 16,
    EA_SOURCE_KEPT_MS = 1000
};

struct ea_source_cache {
    struct ea_source {
        char peer[46];
        uint16_t port;
        bool allowed;
        int64_t asked_ms; /* monotonic; 0: empty */
    } v[EA_SOURCES];      /* by port: a newer connection takes the place of an older one */
};

/* False: the system has to be asked; else *allowed. */
bool ea_source_known(const struct ea_source_cache *c, const char *peer, uint16_t port,
                     int64_t now_ms, bool *allowed);
void ea_source_keep(struct ea_source_cache *c, const char *peer, uint16_t port, int64_t now_ms,
                    bool allowed);

#endif
