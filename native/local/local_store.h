/* local_store.h - the local control plane's rows in SQLite: (kind, id) -> text, in order of arrival.
 * Thread: loop. Knows: SQLite. Does not know: what the rows mean.
 * A commit is on disk (write-ahead log) when it returns: what was answered survives a killed process. */
#ifndef EA_LOCAL_LOCAL_STORE_H
#define EA_LOCAL_LOCAL_STORE_H

#include "../base/err.h"
#include "../base/str.h"

typedef struct ea_lc_store ea_lc_store;

/* Opens or makes the file. EA_STORE: not a database of ours, or not writable. */
ea_code ea_lc_store_open(const char *path, ea_lc_store **out, ea_err *err) EA_CHECK;
void ea_lc_store_close(ea_lc_store *s); /* NULL is fine */

/* One transaction; a failure of any step undoes it at once and is told by ea_lc_store_commit. */
void ea_lc_store_begin(ea_lc_store *s);
void ea_lc_store_put(ea_lc_store *s, const char *kind, const char *id, ea_str text);
void ea_lc_store_delete(ea_lc_store *s, const char *kind, const char *id); /* absent: fine */
ea_code ea_lc_store_commit(ea_lc_store *s, ea_err *err) EA_CHECK;

/* Each row of the kind, oldest first; a code other than EA_OK from `row` ends it. */
typedef ea_code ea_lc_row_fn(void *ctx, const char *id, ea_str text, ea_err *err);
ea_code ea_lc_store_each(ea_lc_store *s, const char *kind, ea_lc_row_fn *row, void *ctx,
                         ea_err *err) EA_CHECK;

#endif
