/* rng.h - random numbers from a seed (xoshiro256**), so that every choice can be replayed. Not for
 * secrets: those come from ea_plat_random(). Thread: that of the owner. */
#ifndef EA_BASE_RNG_H
#define EA_BASE_RNG_H

#include <stdint.h>

typedef struct ea_rng {
    uint64_t s[4];
} ea_rng;

void ea_rng_seed(ea_rng *r, uint64_t seed);
uint64_t ea_rng_u64(ea_rng *r);
uint64_t ea_rng_below(ea_rng *r, uint64_t n);           /* [0, n); 0 when n is 0 */
double ea_rng_unit(ea_rng *r);                          /* [0, 1) */
void ea_rng_uuid(ea_rng *r, char out[37]);              /* version 4, lower case */
void ea_rng_hex(ea_rng *r, unsigned digits, char *out); /* digits + NUL */

#endif
