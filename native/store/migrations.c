#include "migrations.h"

#include <sqlite3.h>
#include <stdio.h>

/* Row n leads from version n to n + 1. A row that was released is never changed; a new one follows. */
static const char *const steps[] = {
    /* seq keeps the order of arrival: an update of a row does not change it. */
    "CREATE TABLE task(seq INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, json TEXT NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE damaged(seq INTEGER PRIMARY KEY, arn TEXT NOT NULL, json BLOB, reason TEXT NOT "
    "NULL,"
    " moved_ms INTEGER NOT NULL);",
};

int ea_store_schema_version(void)
{
    return (int)EA_COUNT(steps);
}

int ea_store_migrate(struct sqlite3 *db, int from, int *at)
{
    for (*at = from; *at < ea_store_schema_version(); ++*at) {
        char mark[96];
        int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

        (void)snprintf(mark, sizeof(mark),
                       "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                       EA_STORE_APPLICATION_ID, *at + 1); /* always fits */
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(db, steps[*at], NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(db, mark, NULL, NULL, NULL);
        if (rc != SQLITE_OK) {
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the first failure counts */
            return rc;
        }
    }
    return SQLITE_OK;
}
