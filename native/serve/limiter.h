/* limiter.h - token bucket per (peer address, path), as endpoints-and-windows.md section 1.4: `steady`
 * requests a second, `burst` at once. The table is bounded: the bucket used longest ago goes.
 * Thread: loop. Pure but for the table; time is given. */
#ifndef EA_SERVE_LIMITER_H
#define EA_SERVE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ea_limiter ea_limiter;

ea_limiter *ea_limiter_new(unsigned steady, unsigned burst, unsigned max_buckets);
void ea_limiter_free(ea_limiter *l); /* NULL is fine */
/* Takes a token of the bucket; false: over the limit. */
bool ea_limiter_allow(ea_limiter *l, const char *peer, const char *path, int64_t mono_ms);
unsigned ea_limiter_steady(const ea_limiter *l);

#endif
