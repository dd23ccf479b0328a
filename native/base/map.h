/* map.h - hash map from text to a pointer. Keys are copied, values are borrowed. Iteration follows
 * insertion order, so that a run is the same each time (the simulator depends on it).
 * Thread: that of the owner. */
#ifndef EA_BASE_MAP_H
#define EA_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ea_map_entry {
    char *key;
    void *value; /* NULL in a removed entry */
} ea_map_entry;

typedef struct ea_map {
    ea_map_entry *entries; /* insertion order, removed ones with key NULL */
    size_t used, live, cap;
    unsigned *slots; /* open addressing: index + 1 into entries */
    size_t slot_count;
} ea_map;

void ea_map_done(ea_map *m, void (*free_value)(void *));   /* free_value may be NULL */
void *ea_map_get(const ea_map *m, const char *key);        /* NULL key or absent gives NULL */
void *ea_map_put(ea_map *m, const char *key, void *value); /* returns the value it replaced */
void *ea_map_remove(ea_map *m, const char *key);           /* returns the value it held */
size_t ea_map_count(const ea_map *m);
/* Steps through live entries: start with *i = 0; NULL at the end. Do not put while stepping. */
ea_map_entry *ea_map_next(const ea_map *m, size_t *i);

#endif
