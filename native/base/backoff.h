/* backoff.h - backoff(min, max, jitter, multiple) of control-plane.md section 0: the delay sequence
 * min, min*multiple, ... capped at max, each with + rand[0, delay*jitter). Pure. */
#ifndef EA_BASE_BACKOFF_H
#define EA_BASE_BACKOFF_H

#include "rng.h"

#include <stdint.h>

typedef struct ea_backoff {
    int64_t min_ms, max_ms;
    double jitter, multiple;
    int64_t current_ms; /* 0: start from min */
} ea_backoff;

#define EA_BACKOFF(min, max, jit, mult) ((ea_backoff){ (min), (max), (jit), (mult), 0 })

int64_t ea_backoff_next(ea_backoff *b, ea_rng *r); /* delay to wait now, ms */
void ea_backoff_reset(ea_backoff *b);

#endif
