#include "limiter.h"

#include "../base/alloc.h"
#include "../base/list.h"
#include "../base/map.h"

struct bucket {
    ea_node node; /* least recently used first */
    char *key;
    double tokens;
    int64_t at_ms;
};

struct ea_limiter {
    unsigned steady, burst, max_buckets;
    ea_map by_key;
    ea_list lru;
};

ea_limiter *ea_limiter_new(unsigned steady, unsigned burst, unsigned max_buckets)
{
    ea_limiter *l = ea_alloc(sizeof(*l));

    l->steady = steady;
    l->burst = burst;
    l->max_buckets = max_buckets;
    ea_list_init(&l->lru);
    return l;
}

static void drop(ea_limiter *l, struct bucket *b)
{
    ea_list_remove(&b->node);
    (void)ea_map_remove(&l->by_key, b->key); /* the bucket itself */
    ea_free(b->key);
    ea_free(b);
}

void ea_limiter_free(ea_limiter *l)
{
    if (!l)
        return;
    while (!ea_list_empty(&l->lru))
        drop(l, EA_OWNER(l->lru.head.next, struct bucket, node));
    ea_map_done(&l->by_key, NULL);
    ea_free(l);
}

static struct bucket *bucket_of(ea_limiter *l, const char *key, int64_t mono_ms)
{
    struct bucket *b = ea_map_get(&l->by_key, key);

    if (!b) {
        if (ea_map_count(&l->by_key) >= l->max_buckets)
            drop(l, EA_OWNER(l->lru.head.next, struct bucket, node));
        b = ea_alloc(sizeof(*b));
        b->key = ea_strdup(key);
        b->tokens = l->burst;
        b->at_ms = mono_ms;
        (void)ea_map_put(&l->by_key, key, b); /* there was none */
    }
    ea_list_remove(&b->node);
    ea_list_append(&l->lru, &b->node);
    return b;
}

bool ea_limiter_allow(ea_limiter *l, const char *peer, const char *path, int64_t mono_ms)
{
    EA_FREE_AUTO char *key = ea_sprintf_dup("%s %s", peer, path);
    struct bucket *b = bucket_of(l, key, mono_ms);
    double gained = (double)(mono_ms - b->at_ms) * l->steady / 1000.0;

    b->tokens = b->tokens + gained > l->burst ? l->burst : b->tokens + gained;
    b->at_ms = mono_ms;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}

unsigned ea_limiter_steady(const ea_limiter *l)
{
    return l->steady;
}
