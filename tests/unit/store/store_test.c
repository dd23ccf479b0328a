#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "faulty_vfs.h"
#include "plat/plat.h"
#include "store/migrations.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Real SQLite on real files. This program is its own child: with arguments it changes a store and
 * waits to be killed. */

static char folder[512], path[600], self_path[4096];

static void must(ea_code code, const ea_err *err)
{
    if (code)
        fail_msg("%s", err->text);
}

static void quiet(void *ctx, ea_level level, const char *line, size_t n)
{
    ea_buf *b = ctx;

    (void)level;
    ea_buf_add(b, line, n);
}

static ea_buf logged;

static int set_up(void **state)
{
    ea_log_config log = { .level = EA_INFO, .sink = quiet, .ctx = &logged };
    char temp[256];
    size_t n = sizeof(temp);
    uint64_t salt;
    ea_err err = { 0 };

    (void)state;
    ea_plat_random(&salt, sizeof(salt));
    if (uv_os_tmpdir(temp, &n) != 0)
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/ecs-store-%016llx", temp, (unsigned long long)salt);
    (void)snprintf(path, sizeof(path), "%s/agent.db", folder);
    logged = EA_BUF(100000);
    ea_log_configure(&log);
    return ea_plat_make_dir(folder, &err) == EA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    const ea_log_config log = { .level = EA_INFO };
    ea_err err = { 0 };

    (void)state;
    faulty_vfs_fail_from(0, 0);
    ea_log_configure(&log);
    ea_buf_done(&logged);
    return ea_plat_remove_tree(folder, &err) == EA_OK ? 0 : -1;
}

static ea_store *open_store(void)
{
    ea_store *s = NULL;
    ea_err err = { 0 };

    must(ea_store_open(path, &s, &err), &err);
    return s;
}

static void put_one(ea_store *s, const char *arn, const char *json)
{
    ea_err err = { 0 };

    must(ea_store_begin(s, &err), &err);
    must(ea_store_put_task(s, arn, json, &err), &err);
    must(ea_store_commit(s, &err), &err);
}

static void task_is(ea_store *s, const char *arn, const char *want)
{
    EA_FREE_AUTO char *json = NULL;
    ea_err err = { 0 };
    ea_code code = ea_store_get_task(s, arn, &json, &err);

    if (!want) {
        assert_int_equal(code, EA_NOT_FOUND);
        return;
    }
    must(code, &err);
    assert_string_equal(json, want);
}

static sqlite3 *open_by_hand(void)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    /* The test's file layer has no shared memory. */
    assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

/* SQL from outside of the store, as a damaged or foreign file would come. */
static void by_hand(const char *sql)
{
    sqlite3 *db = open_by_hand();
    char *words = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int count_by_hand(const char *sql)
{
    sqlite3 *db = open_by_hand();
    sqlite3_stmt *st = NULL;
    int n;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

static ea_code add_arn(void *ctx, const char *arn, ea_str json, ea_err *err)
{
    (void)json;
    (void)err;
    ea_buf_addf(ctx, "%s ", arn);
    return EA_OK;
}

static void what_was_committed_is_there_after_opening_again(void **state)
{
    EA_BUF_AUTO order = EA_BUF(100);
    ea_store *s = open_store();
    EA_FREE_AUTO char *value = NULL;
    ea_err err = { 0 };

    (void)state;
    put_one(s, "t/b", "{\"n\":1}");
    put_one(s, "t/a", "{\"n\":2}");
    put_one(s, "t/c", "{}");
    put_one(s, "t/b", "{\"n\":3}");
    must(ea_store_begin(s, &err), &err);
    must(ea_store_delete_task(s, "t/c", &err), &err);
    must(ea_store_delete_task(s, "t/none", &err), &err);
    must(ea_store_put_meta(s, "cluster-name", "web", &err), &err);
    must(ea_store_put_meta(s, "gone", "x", &err), &err);
    must(ea_store_put_meta(s, "gone", NULL, &err), &err);
    must(ea_store_commit(s, &err), &err);
    ea_store_close(s);
    s = open_store();
    task_is(s, "t/b", "{\"n\":3}");
    task_is(s, "t/c", NULL);
    must(ea_store_each_task(s, add_arn, &order, &err), &err);
    assert_string_equal(ea_buf_z(&order), "t/b t/a ");
    must(ea_store_get_meta(s, "cluster-name", &value, &err), &err);
    assert_string_equal(value, "web");
    assert_int_equal(ea_store_get_meta(s, "gone", &value, &err), EA_NOT_FOUND);
    ea_store_close(s);
    ea_store_close(NULL);
}

static void what_was_rolled_back_or_left_open_is_not_there(void **state)
{
    ea_store *s = open_store();
    ea_err err = { 0 };

    (void)state;
    put_one(s, "t/a", "{}");
    must(ea_store_begin(s, &err), &err);
    must(ea_store_put_task(s, "t/b", "{}", &err), &err);
    ea_store_rollback(s);
    ea_store_rollback(s);
    task_is(s, "t/b", NULL);
    must(ea_store_begin(s, &err), &err);
    must(ea_store_delete_task(s, "t/a", &err), &err);
    ea_store_close(s);
    s = open_store();
    task_is(s, "t/a", "{}");
    ea_store_close(s);
}

static void a_change_outside_of_a_transaction_is_refused(void **state)
{
    ea_store *s = open_store();
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_store_put_task(s, "t/a", "{}", &err), EA_STORE);
    assert_int_equal(ea_store_delete_task(s, "t/a", &err), EA_STORE);
    assert_int_equal(ea_store_put_meta(s, "k", "v", &err), EA_STORE);
    must(ea_store_begin(s, &err), &err);
    assert_int_equal(ea_store_begin(s, &err), EA_STORE);
    ea_store_close(s);
}

static void the_state_of_a_newer_agent_is_left_alone(void **state)
{
    ea_store *s = open_store();
    ea_err err = { 0 };

    (void)state;
    ea_store_close(s);
    by_hand("PRAGMA user_version=99");
    assert_int_equal(ea_store_open(path, &s, &err), EA_UNSUPPORTED);
    assert_non_null(strstr(err.text, "version 99"));
    assert_non_null(strstr(err.text, "newer agent"));
    assert_int_equal(count_by_hand("PRAGMA user_version"), 99);
}

static void the_database_of_another_program_is_left_alone(void **state)
{
    ea_store *s = NULL;
    ea_err err = { 0 };

    (void)state;
    by_hand("CREATE TABLE theirs(x); PRAGMA application_id=7");
    assert_int_equal(ea_store_open(path, &s, &err), EA_UNSUPPORTED);
    assert_non_null(strstr(err.text, "another program"));
    assert_int_equal(count_by_hand("SELECT count(*) FROM theirs"), 0);
}

static void the_present_schema_is_marked_in_the_file(void **state)
{
    (void)state;
    ea_store_close(open_store());
    assert_int_equal(count_by_hand("PRAGMA user_version"), ea_store_schema_version());
    assert_int_equal(count_by_hand("PRAGMA application_id"), EA_STORE_APPLICATION_ID);
}

static void a_file_that_is_no_database_is_refused_and_left_as_it_is(void **state)
{
    EA_BUF_AUTO content = EA_BUF(10000);
    char garbage[5000];
    ea_err err = { 0 };
    ea_store *s = NULL;

    (void)state;
    memset(garbage, 'g', sizeof(garbage));
    must(ea_plat_write_file(path, (ea_str){ garbage, sizeof(garbage) }, 0600, &err), &err);
    assert_int_equal(ea_store_open(path, &s, &err), EA_STORE);
    assert_true(ea_store_is_damage(&err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "move it away to begin anew"));
    must(ea_plat_read_file(path, sizeof(garbage), &content, &err), &err);
    assert_int_equal(content.n, sizeof(garbage));
    assert_memory_equal(content.p, garbage, sizeof(garbage));
}

static void a_second_opener_is_told_what_to_do(void **state)
{
    ea_store *s = open_store(), *second = NULL;
    ea_err err = { 0 };

    (void)state;
    put_one(s, "t/a", "{}");
    assert_int_equal(ea_store_open(path, &second, &err), EA_STORE);
    assert_non_null(strstr(err.text, "locked"));
    assert_non_null(strstr(err.text, "end the other program"));
    assert_int_equal(err.sys & 0xff, SQLITE_BUSY);
    ea_store_close(s);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    ea_store *s = NULL;
    ea_err err = { 0 };

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/none/agent.db", folder);
    assert_int_equal(ea_store_open(path, &s, &err), EA_STORE);
    assert_non_null(strstr(err.text, "none/agent.db"));
}

static void nobody_else_may_read_the_files(void **state)
{
    static const char *const tails[] = { "", "-wal" };
    ea_store *s = open_store();

    (void)state;
    put_one(s, "t/a", "{}");
    for (size_t i = 0; i < EA_COUNT(tails); i++) {
        EA_FREE_AUTO char *file = ea_sprintf_dup("%s%s", path, tails[i]);
        uv_fs_t req;

        assert_int_equal(uv_fs_stat(NULL, &req, file, NULL), 0);
        if (!ea_plat_is_windows())
            assert_int_equal(req.statbuf.st_mode & 0777, 0600);
        uv_fs_req_cleanup(&req);
    }
    ea_store_close(s);
}

/* --- the model --------------------------------------------------------------------------------- */

static struct ea_task *add_task(struct ea_model *m, const char *arn)
{
    struct ea_task *t = ea_task_new();

    t->arn = ea_strdup(arn);
    t->family = ea_strdup("web");
    t->known = EA_T_RUNNING;
    t->desired = EA_T_RUNNING;
    t->containers.v = ea_alloc(sizeof(*t->containers.v));
    t->containers.n = 1;
    t->containers.v[0].name = ea_strdup("main");
    t->containers.v[0].image = ea_strdup("busybox");
    t->containers.v[0].docker_id = ea_sprintf_dup("id-of-%s", arn);
    ea_strmap_set(&t->containers.v[0].environment, "KEY", "value");
    t->dirty = true;
    ea_model_add_task(m, t);
    return t;
}

static void a_model_comes_back_as_it_was_saved(void **state)
{
    struct ea_model m, back;
    ea_store *s = open_store();
    struct ea_task *t;
    ea_err err = { 0 };

    (void)state;
    ea_model_init(&m, 1);
    ea_model_init(&back, 2);
    t = add_task(&m, "arn:t/1");
    (void)add_task(&m, "arn:t/0");
    m.meta.cluster = ea_strdup("web");
    m.meta.container_instance_arn = ea_strdup("arn:ci");
    m.meta.manifest_seq = 77;
    m.meta.dirty = true;
    must(ea_store_save(s, &m, &err), &err);
    assert_false(t->dirty);
    assert_false(m.meta.dirty);
    ea_store_close(s);
    s = open_store();
    must(ea_store_load(s, &back, &err), &err);
    assert_string_equal(back.meta.cluster, "web");
    assert_string_equal(back.meta.container_instance_arn, "arn:ci");
    assert_null(back.meta.ec2_instance_id);
    assert_true(back.meta.manifest_seq == 77);
    t = EA_OWNER(back.tasks.head.next, struct ea_task, node);
    assert_string_equal(t->arn, "arn:t/1");
    assert_false(t->dirty);
    assert_int_equal(t->known, EA_T_RUNNING);
    assert_string_equal(ea_strmap_get(&t->containers.v[0].environment, "KEY"), "value");
    assert_ptr_equal(ea_map_get(&back.by_docker, "id-of-arn:t/1"), t);
    assert_non_null(ea_model_task(&back, "arn:t/0"));
    ea_model_done(&m);
    ea_model_done(&back);
    ea_store_close(s);
}

static void an_empty_store_gives_an_empty_model(void **state)
{
    ea_store *s = open_store();
    struct ea_model m;
    ea_err err = { 0 };

    (void)state;
    ea_model_init(&m, 1);
    must(ea_store_load(s, &m, &err), &err);
    assert_true(ea_list_empty(&m.tasks));
    assert_true(m.meta.manifest_seq == -1);
    assert_int_equal(err.code, EA_OK);
    ea_model_done(&m);
    ea_store_close(s);
}

static void only_what_changed_is_written(void **state)
{
    ea_store *s = open_store();
    struct ea_model m;
    struct ea_task *t;
    ea_err err = { 0 };
    int before;

    (void)state;
    ea_model_init(&m, 1);
    t = add_task(&m, "arn:t/1");
    (void)add_task(&m, "arn:t/2");
    must(ea_store_save(s, &m, &err), &err);
    before = faulty_vfs_changes();
    must(ea_store_save(s, &m, &err), &err);
    assert_int_equal(faulty_vfs_changes(), before);
    ea_set_str(&t->family, "changed but not marked");
    must(ea_store_save(s, &m, &err), &err);
    ea_model_remove_task(&m, ea_model_task(&m, "arn:t/2"));
    must(ea_store_save(s, &m, &err), &err);
    assert_int_equal(m.gone.n, 0);
    assert_true(faulty_vfs_changes() > before);
    task_is(s, "arn:t/2", NULL);
    {
        EA_FREE_AUTO char *row = NULL;
        EA_FREE_AUTO char *json = NULL;

        must(ea_store_get_task(s, "arn:t/1", &row, &err), &err);
        assert_null(strstr(row, "arn:t/1")); /* nothing in clear */
        must(ea_store_unseal(s, "arn:t/1", ea_str_of(row), &json, &err), &err);
        assert_non_null(strstr(json, "arn:t/1"));
        assert_null(strstr(json, "not marked"));
    }
    ea_model_done(&m);
    ea_store_close(s);
}

static void a_damaged_row_is_named_and_set_aside_and_the_rest_is_loaded(void **state)
{
    ea_store *s = open_store();
    struct ea_model m;
    ea_err err = { 0 };

    (void)state;
    ea_model_init(&m, 1);
    (void)add_task(&m, "arn:t/1");
    (void)add_task(&m, "arn:t/2");
    (void)add_task(&m, "arn:t/3");
    must(ea_store_save(s, &m, &err), &err);
    ea_model_done(&m);
    ea_store_close(s);
    by_hand("UPDATE task SET json = '{\"arn\":' WHERE arn = 'arn:t/2'");
    by_hand("UPDATE task SET arn = 'arn:t/9' WHERE arn = 'arn:t/3'");
    s = open_store();
    ea_model_init(&m, 1);
    must(ea_store_load(s, &m, &err), &err);
    assert_non_null(ea_model_task(&m, "arn:t/1"));
    assert_null(ea_model_task(&m, "arn:t/2"));
    assert_null(ea_model_task(&m, "arn:t/3"));
    assert_non_null(strstr(ea_buf_z(&logged), "task=arn:t/2"));
    assert_non_null(strstr(ea_buf_z(&logged), "task=arn:t/9"));
    ea_model_done(&m);
    ea_store_close(s);
    assert_int_equal(count_by_hand("SELECT count(*) FROM damaged"), 2);
    assert_int_equal(count_by_hand("SELECT count(*) FROM damaged WHERE json = '{\"arn\":'"), 1);
    assert_int_equal(count_by_hand("SELECT count(*) FROM task"), 1);
}

/* --- trouble ----------------------------------------------------------------------------------- */

static void a_full_disk_keeps_the_marks_and_the_same_save_works_later(void **state)
{
    ea_store *s = open_store();
    struct ea_model m;
    struct ea_task *t;
    ea_err err = { 0 };

    (void)state;
    ea_model_init(&m, 1);
    t = add_task(&m, "arn:t/1");
    ea_strlist_add(&m.gone, "arn:t/0");
    m.meta.dirty = true;
    faulty_vfs_fail_from(1, SQLITE_FULL);
    assert_int_equal(ea_store_save(s, &m, &err), EA_STORE);
    assert_non_null(strstr(err.text, "full"));
    assert_non_null(strstr(err.text, "free space"));
    assert_true(t->dirty && m.meta.dirty && m.gone.n == 1);
    faulty_vfs_fail_from(0, 0);
    must(ea_store_save(s, &m, &err), &err);
    assert_false(t->dirty || m.meta.dirty || m.gone.n != 0);
    ea_model_done(&m);
    ea_store_close(s);
    s = open_store();
    ea_model_init(&m, 1);
    must(ea_store_load(s, &m, &err), &err);
    assert_non_null(ea_model_task(&m, "arn:t/1"));
    ea_model_done(&m);
    ea_store_close(s);
}

/* The process dies with the disk failing at each write and flush in turn: what a later start reads
 * is the old state or the new one, and the new one whenever the commit said so. */
static void wherever_the_disk_fails_a_commit_is_kept_and_nothing_is_half(void **state)
{
    static const int codes[] = { SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC };
    bool finished = false;

    (void)state;
    for (int n = 1; n < 60 && !finished; n++) {
        ea_store *s = open_store();
        EA_FREE_AUTO char *old = ea_sprintf_dup("{\"n\":%d}", n);
        EA_FREE_AUTO char *a = NULL;
        EA_FREE_AUTO char *b = NULL;
        ea_err err = { 0 };
        bool committed = false;

        put_one(s, "t/a", old);
        put_one(s, "t/b", old);
        faulty_vfs_fail_from(n, codes[n % 3]);
        if (ea_store_begin(s, &err) == EA_OK &&
            ea_store_put_task(s, "t/a", "{\"new\":1}", &err) == EA_OK &&
            ea_store_put_task(s, "t/b", "{\"new\":1}", &err) == EA_OK)
            committed = ea_store_commit(s, &err) == EA_OK;
        ea_store_close(s);
        finished = committed && n > 20;
        faulty_vfs_fail_from(0, 0);
        s = open_store();
        must(ea_store_get_task(s, "t/a", &a, &err), &err);
        must(ea_store_get_task(s, "t/b", &b, &err), &err);
        assert_string_equal(a, b);
        if (strcmp(a, committed ? "{\"new\":1}" : old) != 0 &&
            (committed || strcmp(a, "{\"new\":1}")))
            fail_msg("fault %d, committed %d: %s", n, committed, a);
        ea_store_close(s);
    }
    assert_true(finished);
}

static int child(char **argv)
{
    ea_store *s = NULL;
    ea_err err = { 0 };
    bool commit = strcmp(argv[1], "commit") == 0;

    if (ea_store_open(argv[2], &s, &err) || ea_store_begin(s, &err) ||
        ea_store_put_task(s, "t/b", "{}", &err) || (commit && ea_store_commit(s, &err)) ||
        ea_plat_write_file(argv[3], EA_STR("ready"), 0600, &err))
        return 90;
    for (;;)
        uv_sleep(1000); /* until the parent kills it */
}

/* Kills a child that has just told that it did `what`. */
static void run_and_kill(const char *what)
{
    EA_FREE_AUTO char *told = ea_sprintf_dup("%s/told", folder);
    const char *argv[] = { self_path, what, path, told, NULL };
    struct ea_spawn spawn = { .program = self_path, .argv = argv };
    int64_t end = ea_now().mono_ms + 20000;
    ea_process p;
    ea_err err = { 0 };

    must(ea_plat_remove_file(told, &err), &err);
    must(ea_plat_spawn(&spawn, &p, &err), &err);
    while (!ea_plat_exists(told)) {
        assert_true(ea_now().mono_ms < end && ea_plat_process_alive(&p));
        uv_sleep(5);
    }
    must(ea_plat_process_kill(&p, &err), &err);
    while (ea_plat_process_alive(&p)) {
        assert_true(ea_now().mono_ms < end);
        uv_sleep(5);
    }
}

static void a_kill_before_the_commit_leaves_the_old_state_and_after_it_the_new(void **state)
{
    ea_store *s = open_store();

    (void)state;
    put_one(s, "t/a", "{}");
    ea_store_close(s);
    run_and_kill("begin");
    s = open_store();
    task_is(s, "t/a", "{}");
    task_is(s, "t/b", NULL);
    ea_store_close(s);
    run_and_kill("commit");
    s = open_store();
    task_is(s, "t/a", "{}");
    task_is(s, "t/b", "{}");
    ea_store_close(s);
}

static void a_folder_deeper_than_windows_usual_limit_holds_the_state(void **state)
{
    char deep[700];
    size_t n = (size_t)snprintf(deep, sizeof(deep), "%s", folder);
    EA_FREE_AUTO char *file = NULL;
    EA_FREE_AUTO char *log = NULL;
    ea_err err = { 0 };
    ea_store *s = NULL;

    (void)state;
    while (n < 380)
        n += (size_t)snprintf(deep + n, sizeof(deep) - n, "/a folder with a name of some length");
    assert_int_equal(ea_plat_make_dir(deep, &err), EA_OK);
    if (ea_plat_lock_dir(deep, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ea_plat_lock_holder(deep), ea_plat_pid());
    file = ea_sprintf_dup("%s/agent.db", deep);
    log = ea_sprintf_dup("%s-wal", file);
    for (int i = 0; i < 2; i++) { /* made, then opened again */
        if (ea_store_open(file, &s, &err))
            fail_msg("%s", err.text);
        assert_true(ea_plat_exists(file) && ea_plat_exists(log));
        ea_store_close(s);
    }
    ea_plat_unlock_dir(deep);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_folder_deeper_than_windows_usual_limit_holds_the_state),
        IN_FOLDER(what_was_committed_is_there_after_opening_again),
        IN_FOLDER(what_was_rolled_back_or_left_open_is_not_there),
        IN_FOLDER(a_change_outside_of_a_transaction_is_refused),
        IN_FOLDER(the_state_of_a_newer_agent_is_left_alone),
        IN_FOLDER(the_database_of_another_program_is_left_alone),
        IN_FOLDER(the_present_schema_is_marked_in_the_file),
        IN_FOLDER(a_file_that_is_no_database_is_refused_and_left_as_it_is),
        IN_FOLDER(a_second_opener_is_told_what_to_do),
        IN_FOLDER(a_folder_that_is_not_there_is_named),
        IN_FOLDER(nobody_else_may_read_the_files),
        IN_FOLDER(a_model_comes_back_as_it_was_saved),
        IN_FOLDER(an_empty_store_gives_an_empty_model),
        IN_FOLDER(only_what_changed_is_written),
        IN_FOLDER(a_damaged_row_is_named_and_set_aside_and_the_rest_is_loaded),
        IN_FOLDER(a_full_disk_keeps_the_marks_and_the_same_save_works_later),
        IN_FOLDER(wherever_the_disk_fails_a_commit_is_kept_and_nothing_is_half),
        IN_FOLDER(a_kill_before_the_commit_leaves_the_old_state_and_after_it_the_new),
    };
    size_t n = sizeof(self_path);

    if (argc > 1)
        return child(argv);
    if (uv_exepath(self_path, &n) != 0)
        return 94;
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
