/* store.h - the agent's state on disk: tasks and a few named values in one SQLite file.
 * Thread: loop; every call is synchronous. Knows: SQLite, the rows of a model. Does not know: what
 * is in a task, when to save.
 * A committed transaction survives a power cut as far as SQLite and the disk promise: WAL with
 * synchronous=EXTRA, since NORMAL may lose the last commits and with them an acked payload. The file
 * is opened exclusively (the data directory has one owner) with mode 0600; rows of tasks hold environment
 * variables and are sealed (seal.h) with the key in <path>.key.
 * Errors are EA_STORE with SQLite's words and the next step; err->sys is SQLite's extended code. */
#ifndef EA_STORE_STORE_H
#define EA_STORE_STORE_H

#include "../base/err.h"
#include "../model/model.h"

typedef struct ea_store ea_store;

/* Opens or creates the file, whose directory exists, and brings it to the present schema.
 * EA_UNSUPPORTED: written by a newer agent, or by another program. A file that is no database, or a
 * damaged one, is refused and left as it is: what it knew of running tasks is for an operator. */
ea_code ea_store_open(const char *path, ea_store **out, ea_err *err) EA_CHECK;
/* The error says that the file itself is damaged: the same call will not work later. */
bool ea_store_is_damage(const ea_err *err);
void ea_store_close(ea_store *s); /* rolls back what is not committed; NULL is fine */
/* One transaction a turn. A put or delete outside of one is an error. */
ea_code ea_store_begin(ea_store *s, ea_err *err) EA_CHECK;
ea_code ea_store_put_task(ea_store *s, const char *arn, const char *json, ea_err *err) EA_CHECK;
ea_code ea_store_delete_task(ea_store *s, const char *arn, ea_err *err) EA_CHECK; /* absent: fine */
/* value NULL deletes the key */
ea_code ea_store_put_meta(ea_store *s, const char *key, const char *value, ea_err *err) EA_CHECK;
ea_code ea_store_commit(ea_store *s, ea_err *err) EA_CHECK; /* after a failure: roll back */
void ea_store_rollback(ea_store *s);                        /* no transaction: fine */

/* Caller frees *out; EA_NOT_FOUND. */
ea_code ea_store_get_task(ea_store *s, const char *arn, char **json, ea_err *err) EA_CHECK;
ea_code ea_store_get_meta(ea_store *s, const char *key, char **value, ea_err *err) EA_CHECK;
/* Calls fn with every task in the order of its first put; a failure of fn ends it. `arn` and `json`
 * are borrowed for the call, in which the store must not be changed. */
ea_code ea_store_each_task(ea_store *s,
                           ea_code (*fn)(void *ctx, const char *arn, ea_str json, ea_err *err),
                           void *ctx, ea_err *err) EA_CHECK;
/* Moves a task's row to the table `damaged`, with the reason. Its own transaction. */
ea_code ea_store_set_aside_task(ea_store *s, const char *arn, const char *reason,
                                ea_err *err) EA_CHECK;

/* A task's row as it lies on disk, and back; a row in clear, of an earlier version, is read too. Caller frees *out,
 * the second by ea_secret_free. */
ea_code ea_store_seal(ea_store *s, const char *arn, ea_str json, char **out, ea_err *err) EA_CHECK;
ea_code ea_store_unseal(ea_store *s, const char *arn, ea_str row, char **out, ea_err *err) EA_CHECK;

/* store_model.c: everything of the model that differs from the disk, in one transaction: dirty
 * tasks, the meta values (keys as in control-plane.md section 3.9) and the rows of m->gone. The
 * marks are cleared once it is committed; after a failure they stay, and the same call may work
 * later. Nothing to save: no transaction. */
ea_code ea_store_save(ea_store *s, struct ea_model *m, ea_err *err) EA_CHECK;
bool ea_store_differs(const struct ea_model *m); /* there is something to save; pure */
/* Fills an initialised model. A row that cannot be read is set aside (table `damaged`) and named in
 * the log; the others are loaded. */
ea_code ea_store_load(ea_store *s, struct ea_model *m, ea_err *err) EA_CHECK;

#endif
