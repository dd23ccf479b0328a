/* disk.h - files in memory beneath SQLite, on a disk that fails: a crash loses or keeps each sector
 * that was written and not flushed, and tears one; calls fail; space runs out.
 * Source of the rules: SQLite's "Atomic Commit In SQLite", what it assumes of a disk. */
#ifndef EA_SIM_DISK_H
#define EA_SIM_DISK_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct disk_faults { /* chances in ten thousandths, for each call */
    unsigned write_fails, sync_fails, read_fails;
    int64_t crash_at; /* number of the call at which the machine stops; 0 never */
    int64_t room;     /* bytes in all; 0 without a limit */
};

void disk_install(void); /* as SQLite's default; once */
/* An empty disk. `trace` may be NULL. */
void disk_format(uint64_t seed, FILE *trace);
void disk_done(void); /* frees all files */
void disk_set(const struct disk_faults *f);
bool disk_crashed(void);
int64_t disk_calls(void);
/* The machine starts again: what was flushed is there, of the rest what chance left. All handles must
 * be closed. */
void disk_restart(void);
/* Damages one sector of the file whose name ends so; false when there is none. */
bool disk_damage(const char *ending);
unsigned disk_leaks(void); /* handles that are open */

#endif
