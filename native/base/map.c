#include "map.h"

#include "alloc.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* A slot holds 0 (never used), index + 1, or DEAD (its entry was removed; the search goes on). */
#define DEAD UINT_MAX

static size_t hash(const char *key)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, then a final mix: the low bits choose the slot */

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    h ^= h >> 32;
    return (size_t)h;
}

/* The slot that holds `key`, or SIZE_MAX. */
static size_t find(const ea_map *m, const char *key)
{
    size_t mask, i;

    if (!key || m->slot_count == 0)
        return SIZE_MAX;
    mask = m->slot_count - 1;
    for (i = hash(key) & mask; m->slots[i] != 0; i = (i + 1) & mask) {
        if (m->slots[i] != DEAD && strcmp(m->entries[m->slots[i] - 1].key, key) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void place(ea_map *m, unsigned index)
{
    size_t mask = m->slot_count - 1, i = hash(m->entries[index].key) & mask;

    while (m->slots[i] != 0)
        i = (i + 1) & mask;
    m->slots[i] = index + 1;
}

/* Squeezes removed entries out and makes room for one more. */
static void rebuild(ea_map *m)
{
    size_t cap = m->live < 4 ? 8 : m->live * 2, kept = 0;
    ea_map_entry *entries = ea_alloc_array(cap, sizeof(*entries));

    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key)
            entries[kept++] = m->entries[i];
    }
    ea_free(m->entries);
    ea_free(m->slots);
    m->entries = entries;
    m->used = kept;
    m->cap = cap;
    for (m->slot_count = 16; m->slot_count < cap * 2;)
        m->slot_count *= 2;
    m->slots = ea_alloc_array(m->slot_count, sizeof(*m->slots));
    for (size_t i = 0; i < kept; i++)
        place(m, (unsigned)i);
}

void ea_map_done(ea_map *m, void (*free_value)(void *))
{
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key && free_value)
            free_value(m->entries[i].value);
        ea_free(m->entries[i].key);
    }
    ea_free(m->entries);
    ea_free(m->slots);
    *m = (ea_map){ 0 };
}

void *ea_map_get(const ea_map *m, const char *key)
{
    size_t slot = find(m, key);

    return slot == SIZE_MAX ? NULL : m->entries[m->slots[slot] - 1].value;
}

void *ea_map_put(ea_map *m, const char *key, void *value)
{
    size_t slot = find(m, key);
    void *old;

    if (slot != SIZE_MAX) {
        ea_map_entry *e = &m->entries[m->slots[slot] - 1];

        old = e->value;
        e->value = value;
        return old;
    }
    if (m->used == m->cap)
        rebuild(m);
    m->entries[m->used] = (ea_map_entry){ ea_strdup(key), value };
    place(m, (unsigned)m->used);
    m->used++;
    m->live++;
    return NULL;
}

void *ea_map_remove(ea_map *m, const char *key)
{
    size_t slot = find(m, key);
    ea_map_entry *e;
    void *old;

    if (slot == SIZE_MAX)
        return NULL;
    e = &m->entries[m->slots[slot] - 1];
    m->slots[slot] = DEAD;
    old = e->value;
    ea_free(e->key);
    *e = (ea_map_entry){ NULL, NULL };
    m->live--;
    return old;
}

size_t ea_map_count(const ea_map *m)
{
    return m->live;
}

ea_map_entry *ea_map_next(const ea_map *m, size_t *i)
{
    while (*i < m->used) {
        ea_map_entry *e = &m->entries[(*i)++];

        if (e->key)
            return e;
    }
    return NULL;
}
