#include "store.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "migrations.h"
#include "seal.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT_TASK,
    DELETE_TASK,
    GET_TASK,
    EACH_TASK,
    PUT_META,
    DELETE_META,
    GET_META,
    SET_ASIDE,
    STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT_TASK] = "INSERT INTO task(arn, json) VALUES(?1, ?2)"
                 " ON CONFLICT(arn) DO UPDATE SET json = excluded.json",
    [DELETE_TASK] = "DELETE FROM task WHERE arn = ?1",
    [GET_TASK] = "SELECT json FROM task WHERE arn = ?1",
    [EACH_TASK] = "SELECT arn, json FROM task ORDER BY seq",
    [PUT_META] = "INSERT INTO meta(key, value) VALUES(?1, ?2)"
                 " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    [DELETE_META] = "DELETE FROM meta WHERE key = ?1",
    [GET_META] = "SELECT value FROM meta WHERE key = ?1",
    [SET_ASIDE] = "INSERT INTO damaged(arn, json, reason, moved_ms)"
                  " SELECT arn, json, ?2, ?3 FROM task WHERE arn = ?1",
};

struct ea_store {
    sqlite3 *db;
    char *path;
    ea_seal *seal;
    sqlite3_stmt *statements[STATEMENTS]; /* prepared at first use */
};

/* What to do about an SQLite code, by its primary part. */
static const char *next_step(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return "free space on its volume";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "end the other program that has it open";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return "make file, directory and volume writable for the agent";
    case SQLITE_CANTOPEN:
        return "check that its directory exists and that the agent may write there";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "stop the agent, keep a copy of the file, then move it away to begin anew";
    case SQLITE_IOERR:
        return "check the disk, and the system's log for its errors";
    case SQLITE_NOMEM:
        return "free memory";
    default:
        return "see SQLite's code";
    }
}

static ea_code fail(const ea_store *s, int rc, const char *doing, ea_err *err)
{
    const char *words =
        s->db && sqlite3_errcode(s->db) != SQLITE_OK ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);

    return ea_fail_sys(err, EA_STORE, rc, "%s in %s: %s (SQLite %d); %s", doing, s->path, words, rc,
                       next_step(rc));
}

/* --- opening ----------------------------------------------------------------------------------- */

static const char set_up[] =
    "PRAGMA locking_mode=EXCLUSIVE;" /* set before the first access: no shared-memory file is needed */
    "PRAGMA synchronous=EXTRA;"      /* as FULL; and the journal from before WAL cannot come back */
    "PRAGMA secure_delete=FAST;"     /* removed rows held secrets of tasks */
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-256;"
    "PRAGMA journal_size_limit=1048576;"
    "PRAGMA wal_autocheckpoint=256;";

static int get_int(sqlite3 *db, const char *pragma, int *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, pragma, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int(st, 0);
        rc = SQLITE_OK;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_ERROR; /* a pragma that is read always answers */
    }
    (void)sqlite3_finalize(st); /* repeats the failure above */
    return rc;
}

/* The mode is taken only when SQLite says so. */
static int use_wal(sqlite3 *db)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(st, 0);

        rc = mode && strcmp((const char *)mode, "wal") == 0 ? SQLITE_OK : SQLITE_READONLY;
    }
    (void)sqlite3_finalize(st); /* repeats the failure above */
    return rc;
}

static int open_file(ea_store *s)
{
    EA_FREE_AUTO char *native = ea_plat_native_path(s->path);
    int rc = sqlite3_open_v2(native, &s->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, set_up, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = use_wal(s->db);
    return rc;
}

static ea_code check_owner(ea_store *s, int *version, ea_err *err)
{
    int id = 0, rc = get_int(s->db, "PRAGMA application_id", &id);

    if (rc == SQLITE_OK)
        rc = get_int(s->db, "PRAGMA user_version", version);
    if (rc != SQLITE_OK)
        return fail(s, rc, "read the state", err);
    if (id != EA_STORE_APPLICATION_ID && (id != 0 || *version != 0))
        return ea_fail(err, EA_UNSUPPORTED,
                       "%s is a database of another program; move it away or set another data "
                       "directory",
                       s->path);
    if (*version > ea_store_schema_version())
        return ea_fail(
            err, EA_UNSUPPORTED,
            "state in %s has version %d and this agent knows up to %d: install the newer "
            "agent again, or move the file away to begin anew",
            s->path, *version, ea_store_schema_version());
    return EA_OK;
}

static ea_code open_all(ea_store *s, ea_err *err)
{
    EA_FREE_AUTO char *key = NULL;
    int version = 0, rc;

    if (ea_plat_private_file(s->path, err)) {
        err->code = EA_STORE;
        return ea_wrap(err, "state file");
    }
    rc = open_file(s);
    if (rc != SQLITE_OK)
        return fail(s, rc, "open the state", err);
    if (check_owner(s, &version, err))
        return err->code;
    rc = ea_store_migrate(s->db, version, &version);
    if (rc != SQLITE_OK)
        return fail(s, rc, "bring the schema up to date", err);
    key = ea_sprintf_dup("%s.key", s->path);
    if (ea_seal_open(key, &s->seal, err)) {
        err->code = EA_STORE;
        err->sys = 0; /* not one of SQLite's */
        return err->code;
    }
    return EA_OK;
}

ea_code ea_store_open(const char *path, ea_store **out, ea_err *err)
{
    ea_store *s = ea_alloc(sizeof(*s));

    s->path = ea_strdup(path);
    if (open_all(s, err)) {
        ea_store_close(s);
        return err->code;
    }
    *out = s;
    return EA_OK;
}

bool ea_store_is_damage(const ea_err *err)
{
    int rc = err->sys & 0xff;

    return err->code == EA_UNSUPPORTED ||
           (err->code == EA_STORE && (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT));
}

void ea_store_close(ea_store *s)
{
    if (!s)
        return;
    ea_store_rollback(s);
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(s->statements[i]); /* repeats the last failure of the statement */
    (void)sqlite3_close(s->db);                   /* all statements are gone */
    ea_seal_close(s->seal);
    ea_free(s->path);
    ea_free(s);
}

ea_code ea_store_seal(ea_store *s, const char *arn, ea_str json, char **out, ea_err *err)
{
    return ea_seal_text(s->seal, arn, json, out, err);
}

ea_code ea_store_unseal(ea_store *s, const char *arn, ea_str row, char **out, ea_err *err)
{
    if (ea_is_sealed(row))
        return ea_unseal_text(s->seal, arn, row, out, err);
    *out = ea_strndup(row.p, row.n); /* written before rows were sealed */
    return EA_OK;
}

/* --- statements -------------------------------------------------------------------------------- */

/* A prepared statement with its texts bound; reset() gives them back. */
static int start(ea_store *s, enum statement which, const char *a, const char *b,
                 sqlite3_stmt **out)
{
    sqlite3_stmt **st = &s->statements[which];
    int rc = SQLITE_OK;

    if (!*st)
        rc = sqlite3_prepare_v3(s->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    if (rc == SQLITE_OK && a)
        rc = sqlite3_bind_text(*st, 1, a, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && b)
        rc = sqlite3_bind_text(*st, 2, b, -1, SQLITE_STATIC);
    *out = *st;
    return rc;
}

static void reset(sqlite3_stmt *st)
{
    (void)sqlite3_reset(st);          /* repeats the failure of the step */
    (void)sqlite3_clear_bindings(st); /* cannot fail */
}

/* For statements without an answer. */
static ea_code run(ea_store *s, enum statement which, const char *a, const char *b,
                   const char *doing, ea_err *err)
{
    sqlite3_stmt *st;
    int rc = start(s, which, a, b, &st);
    ea_code code = EA_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_DONE)
        code = fail(s, rc, doing, err);
    reset(st);
    return code;
}

ea_code ea_store_begin(ea_store *s, ea_err *err)
{
    return run(s, BEGIN, NULL, NULL, "begin a transaction", err);
}

/* SQLite would make a transaction of its own out of a lone change. */
static ea_code inside(const ea_store *s, ea_err *err)
{
    if (sqlite3_get_autocommit(s->db))
        return ea_fail(err, EA_STORE, "change outside of a transaction in %s", s->path);
    return EA_OK;
}

ea_code ea_store_put_task(ea_store *s, const char *arn, const char *json, ea_err *err)
{
    return inside(s, err) ? err->code : run(s, PUT_TASK, arn, json, "save a task", err);
}

ea_code ea_store_delete_task(ea_store *s, const char *arn, ea_err *err)
{
    return inside(s, err) ? err->code : run(s, DELETE_TASK, arn, NULL, "delete a task", err);
}

ea_code ea_store_put_meta(ea_store *s, const char *key, const char *value, ea_err *err)
{
    if (inside(s, err))
        return err->code;
    return run(s, value ? PUT_META : DELETE_META, key, value, "save a value", err);
}

ea_code ea_store_commit(ea_store *s, ea_err *err)
{
    return run(s, COMMIT, NULL, NULL, "commit", err);
}

void ea_store_rollback(ea_store *s)
{
    ea_err err = { 0 };

    if (!s->db || sqlite3_get_autocommit(s->db))
        return; /* none, or SQLite rolled it back itself (disk full, input or output failed) */
    if (run(s, ROLLBACK, NULL, NULL, "roll back", &err))
        ea_warn("transaction not rolled back", EA_S("err", err.text), EA_I("sys", err.sys));
}

static ea_code get_text(ea_store *s, enum statement which, const char *key, char **out, ea_err *err)
{
    sqlite3_stmt *st;
    int rc = start(s, which, key, NULL, &st);
    ea_code code = EA_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(st, 0);

        *out = ea_strdup(text ? (const char *)text : "");
    } else if (rc == SQLITE_DONE) {
        code = ea_fail(err, EA_NOT_FOUND, "%s is not in %s", key, s->path);
    } else {
        code = fail(s, rc, "read the state", err);
    }
    reset(st);
    return code;
}

ea_code ea_store_get_task(ea_store *s, const char *arn, char **json, ea_err *err)
{
    return get_text(s, GET_TASK, arn, json, err);
}

ea_code ea_store_get_meta(ea_store *s, const char *key, char **value, ea_err *err)
{
    return get_text(s, GET_META, key, value, err);
}

ea_code ea_store_each_task(ea_store *s,
                           ea_code (*fn)(void *ctx, const char *arn, ea_str json, ea_err *err),
                           void *ctx, ea_err *err)
{
    sqlite3_stmt *st;
    int rc = start(s, EACH_TASK, NULL, NULL, &st);
    ea_code code = EA_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    for (; rc == SQLITE_ROW && code == EA_OK; rc = code ? rc : sqlite3_step(st)) {
        const char *arn = (const char *)sqlite3_column_text(st, 0);
        const char *json = (const char *)sqlite3_column_text(st, 1);
        size_t n = (size_t)sqlite3_column_bytes(st, 1);

        code = fn(ctx, arn ? arn : "", (ea_str){ json ? json : "", json ? n : 0 }, err);
    }
    if (code == EA_OK && rc != SQLITE_DONE)
        code = fail(s, rc, "read the state", err);
    reset(st);
    return code;
}

static ea_code set_aside(ea_store *s, const char *arn, const char *reason, ea_err *err)
{
    sqlite3_stmt *st;
    int rc = start(s, SET_ASIDE, arn, reason, &st);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(st, 3, ea_now().wall_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_DONE) {
        (void)fail(s, rc, "set a task aside", err); /* read before reset; returned below */
        reset(st);
        return err->code;
    }
    reset(st);
    return ea_store_delete_task(s, arn, err);
}

ea_code ea_store_set_aside_task(ea_store *s, const char *arn, const char *reason, ea_err *err)
{
    if (ea_store_begin(s, err))
        return err->code;
    if (set_aside(s, arn, reason, err) || ea_store_commit(s, err)) {
        ea_store_rollback(s);
        return err->code;
    }
    return EA_OK;
}
