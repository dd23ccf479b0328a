/* local_store.c - rows in SQLite. See local_store.h. */
#include "local_store.h"

#include "../base/alloc.h"
#include "../plat/plat.h"

#include <sqlite3.h>

#define ROW_BYTES_MAX  (16 * 1024 * 1024)
#define BUSY_MS        5000
#define SCHEMA_VERSION 1

struct ea_lc_store {
    sqlite3 *db;
    sqlite3_stmt *put, *del;
    ea_err failed; /* of the open transaction */
};

static ea_code told(ea_lc_store *s, const char *what, ea_err *err)
{
    return ea_fail_sys(err, EA_STORE, sqlite3_extended_errcode(s->db), "%s: %s", what,
                       sqlite3_errmsg(s->db));
}

static ea_code run(ea_lc_store *s, const char *sql, ea_err *err)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return told(s, sql, err);
    return EA_OK;
}

static ea_code check_version(ea_lc_store *s, ea_err *err)
{
    sqlite3_stmt *q = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK)
        return told(s, "read the schema version", err);
    if (sqlite3_step(q) == SQLITE_ROW)
        version = sqlite3_column_int(q, 0);
    (void)sqlite3_finalize(q); /* repeats the step's error, seen as version -1 */
    if (version == 0)
        return run(s,
                   "BEGIN IMMEDIATE;"
                   "CREATE TABLE row(n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
                   " id TEXT NOT NULL, text TEXT NOT NULL, UNIQUE(kind, id)) STRICT;"
                   "PRAGMA user_version=1;"
                   "COMMIT",
                   err);
    if (version != SCHEMA_VERSION)
        return ea_fail(err, EA_STORE, "schema version %d is not known here", version);
    return EA_OK;
}

static ea_code set_up(ea_lc_store *s, ea_err *err)
{
    (void)sqlite3_busy_timeout(s->db, BUSY_MS); /* fails on a closed handle alone */
    (void)sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
    if (run(s, "PRAGMA journal_mode=WAL", err) || run(s, "PRAGMA synchronous=NORMAL", err) ||
        check_version(s, err))
        return err->code;
    if (sqlite3_prepare_v3(s->db,
                           "INSERT INTO row(kind, id, text) VALUES(?1, ?2, ?3)"
                           " ON CONFLICT(kind, id) DO UPDATE SET text=excluded.text",
                           -1, SQLITE_PREPARE_PERSISTENT, &s->put, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(s->db, "DELETE FROM row WHERE kind=?1 AND id=?2", -1,
                           SQLITE_PREPARE_PERSISTENT, &s->del, NULL) != SQLITE_OK)
        return told(s, "prepare", err);
    return EA_OK;
}

ea_code ea_lc_store_open(const char *path, ea_lc_store **out, ea_err *err)
{
    ea_lc_store *s = ea_alloc(sizeof(*s));
    EA_FREE_AUTO char *native = ea_plat_native_path(path);

    if (sqlite3_open_v2(native, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
            SQLITE_OK ||
        set_up(s, err)) {
        if (!err->code || !s->put)
            (void)told(s, "open", err);
        ea_lc_store_close(s);
        return ea_wrap(err, "state file %s", path);
    }
    *out = s;
    return EA_OK;
}

void ea_lc_store_close(ea_lc_store *s)
{
    if (!s)
        return;
    (void)sqlite3_finalize(s->put); /* errors were told when they happened */
    (void)sqlite3_finalize(s->del);
    (void)sqlite3_close(s->db);
    ea_free(s);
}

static void roll_back(ea_lc_store *s, const char *what)
{
    (void)told(s, what, &s->failed);
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* nothing may be open any more */
}

void ea_lc_store_begin(ea_lc_store *s)
{
    s->failed.code = EA_OK;
    if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        roll_back(s, "begin");
}

static void step(ea_lc_store *s, sqlite3_stmt *q, const char *kind, const char *id,
                 const ea_str *text)
{
    if (s->failed.code)
        return;
    if (sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(q, 2, id, -1, SQLITE_STATIC) != SQLITE_OK ||
        (text &&
         sqlite3_bind_text64(q, 3, text->p, text->n, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) ||
        sqlite3_step(q) != SQLITE_DONE)
        roll_back(s, text ? "write a row" : "delete a row");
    (void)sqlite3_reset(q); /* repeats the step's error */
    (void)sqlite3_clear_bindings(q);
}

void ea_lc_store_put(ea_lc_store *s, const char *kind, const char *id, ea_str text)
{
    step(s, s->put, kind, id, &text);
}

void ea_lc_store_delete(ea_lc_store *s, const char *kind, const char *id)
{
    step(s, s->del, kind, id, NULL);
}

ea_code ea_lc_store_commit(ea_lc_store *s, ea_err *err)
{
    if (!s->failed.code && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        roll_back(s, "commit");
    if (s->failed.code) {
        *err = s->failed;
        return err->code;
    }
    return EA_OK;
}

ea_code ea_lc_store_each(ea_lc_store *s, const char *kind, ea_lc_row_fn *row, void *ctx,
                         ea_err *err)
{
    sqlite3_stmt *q = NULL;
    ea_code code = EA_OK;
    int rc = SQLITE_ERROR;

    if (sqlite3_prepare_v2(s->db, "SELECT id, text FROM row WHERE kind=?1 ORDER BY n", -1, &q,
                           NULL) != SQLITE_OK ||
        sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC) != SQLITE_OK)
        code = told(s, "read rows", err);
    while (!code && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(q, 0);
        const char *text = (const char *)sqlite3_column_text(q, 1);
        size_t n = (size_t)sqlite3_column_bytes(q, 1);

        if (!id || !text)
            code = ea_fail(err, EA_NO_MEMORY, "no memory for a row");
        else
            code = row(ctx, id, (ea_str){ text, n }, err);
    }
    if (!code && rc != SQLITE_DONE)
        code = told(s, "read rows", err);
    (void)sqlite3_finalize(q); /* repeats the step's error */
    return code;
}
