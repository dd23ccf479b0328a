/* migrations.h - the schema of the state file, version by version.
 * Thread: loop. Knows: SQL. Does not know: who calls. */
#ifndef EA_STORE_MIGRATIONS_H
#define EA_STORE_MIGRATIONS_H

#include "../base/err.h"

struct sqlite3;

#define EA_STORE_APPLICATION_ID 0x45434154 /* "ECAT": marks the file as ours */

int ea_store_schema_version(void); /* what this build writes */
/* Brings the open database to the present version, each step in a transaction of its own. Returns
 * an SQLite code; *at gets the version reached. */
int ea_store_migrate(struct sqlite3 *db, int from, int *at);

#endif
