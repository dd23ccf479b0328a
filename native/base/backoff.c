#include "backoff.h"

int64_t ea_backoff_next(ea_backoff *b, ea_rng *r)
{
    int64_t delay = b->current_ms > 0 ? b->current_ms : b->min_ms;
    double next;

    if (delay > b->max_ms)
        delay = b->max_ms;
    next = (double)delay * b->multiple;
    b->current_ms = next >= (double)b->max_ms ? b->max_ms : (int64_t)next;
    return delay + (int64_t)(ea_rng_unit(r) * b->jitter * (double)delay);
}

void ea_backoff_reset(ea_backoff *b)
{
    b->current_ms = 0;
}
