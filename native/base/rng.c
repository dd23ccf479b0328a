#include "rng.h"

#include <string.h>

static uint64_t rotl(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

/* splitmix64: spreads a seed over the state, as the authors of xoshiro256** recommend. */
void ea_rng_seed(ea_rng *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t ea_rng_u64(ea_rng *r)
{
    uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t ea_rng_below(ea_rng *r, uint64_t n)
{
    uint64_t v, skip;

    if (n == 0)
        return 0;
    skip = (UINT64_MAX - n + 1) % n; /* 2^64 mod n: the lowest values would come once too often */
    do {
        v = ea_rng_u64(r);
    } while (v < skip);
    return v % n;
}

double ea_rng_unit(ea_rng *r)
{
    return (double)(ea_rng_u64(r) >> 11) * 0x1.0p-53;
}

void ea_rng_hex(ea_rng *r, unsigned digits, char *out)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (i % 16 == 0)
            v = ea_rng_u64(r);
        out[i] = "0123456789abcdef"[v >> 60];
        v <<= 4;
    }
    out[digits] = '\0';
}

void ea_rng_uuid(ea_rng *r, char out[37])
{
    char hex[33];
    unsigned at = 0;

    ea_rng_hex(r, 32, hex);
    hex[12] = '4';                                 /* version: random */
    hex[16] = "89ab"[(unsigned char)hex[16] % 4u]; /* variant: RFC 4122 */
    for (unsigned i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        out[at++] = hex[i];
    }
    out[at] = '\0';
}
