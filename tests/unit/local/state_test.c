#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "folder.h"
#include "local/state.h"
#include "plat/plat.h"

#include <sqlite3.h>
#include <string.h>

static void must(ea_code code, const ea_err *err)
{
    if (code)
        fail_msg("%s", err->text);
}

static void open_state(ea_lc_state *st)
{
    ea_err err = { 0 };

    must(ea_lc_state_open(st, folder_path("db"), "us-west-2", "000000000000", &err), &err);
}

static int in_folder(void **state)
{
    (void)state;
    (void)folder_new();
    return 0;
}

static int out_of_folder(void **state)
{
    (void)state;
    folder_done();
    return 0;
}

static struct ea_lc_cluster *add_cluster(ea_lc_state *st, const char *name)
{
    struct ea_lc_cluster *c = ea_lc_cluster_new();

    c->arn = ea_lc_arn(st, "cluster/%s", name);
    c->name = ea_strdup(name);
    c->status = ea_strdup("ACTIVE");
    ea_lc_tag_set(&c->tags, "k", "v");
    ea_lc_add(st, EA_LC_CLUSTER, c);
    return c;
}

static struct ea_lc_taskdef *add_taskdef(ea_lc_state *st, const char *family, int revision)
{
    struct ea_lc_taskdef *d = ea_lc_taskdef_new();

    d->arn = ea_lc_arn(st, "task-definition/%s:%d", family, revision);
    d->family = ea_strdup(family);
    d->revision = revision;
    d->status = ea_strdup("ACTIVE");
    d->body = ea_strdup("{\"family\":\"f\"}");
    ea_lc_add(st, EA_LC_TASKDEF, d);
    return d;
}

static struct ea_lc_task *add_task(ea_lc_state *st, const char *id)
{
    struct ea_lc_task *t = ea_lc_task_new();

    t->arn = ea_lc_arn(st, "task/c/%s", id);
    t->desired = ea_strdup("RUNNING");
    t->last = ea_strdup("PENDING");
    t->created_at = 1751303000.123;
    t->overrides = ea_strdup("{\"cpu\":\"256\"}");
    t->containers.n = 1;
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.v[0].name = ea_strdup("main");
    t->containers.v[0].exit_code = (ea_opt_i64){ true, -1073741510 };
    t->containers.v[0].essential = true;
    t->role.credentials_id = ea_strdup("id");
    t->role.acked_expiry_ms = 5;
    ea_lc_i64_add(&t->tcp, 80);
    ea_lc_add(st, EA_LC_TASK, t);
    return t;
}

static void what_is_committed_is_there_after_opening_again(void **state)
{
    ea_lc_state st;
    struct ea_lc_task *t;
    ea_err err = { 0 };

    (void)state;
    open_state(&st);
    (void)add_cluster(&st, "c");
    (void)add_taskdef(&st, "f", 1);
    t = add_task(&st, "1");
    (void)add_task(&st, "2");
    must(ea_lc_commit(&st, &err), &err);
    ea_set_str(&t->last, "RUNNING");
    ea_lc_touch(&st, EA_LC_TASK, t);
    must(ea_lc_commit(&st, &err), &err);
    ea_lc_remove(&st, EA_LC_TASK, ea_lc_find_task(&st, ea_lc_find_cluster(&st, "c"), "2"));
    must(ea_lc_commit(&st, &err), &err);
    (void)add_cluster(&st, "never-committed");
    ea_lc_state_close(&st);

    open_state(&st);
    assert_null(ea_lc_find_cluster(&st, "never-committed"));
    assert_string_equal(ea_lc_find_cluster(&st, "c")->tags.v[0].value, "v");
    assert_null(ea_lc_find_task(&st, ea_lc_find_cluster(&st, "c"), "2"));
    t = ea_lc_find_task(&st, ea_lc_find_cluster(&st, "c"), "1");
    assert_non_null(t);
    assert_string_equal(t->last, "RUNNING");
    assert_true(t->created_at > 1751303000.122 && t->created_at < 1751303000.124);
    assert_string_equal(t->overrides, "{\"cpu\":\"256\"}");
    assert_int_equal(ea_lc_task_container(t, "main")->exit_code.v, -1073741510);
    assert_true(t->containers.v[0].essential);
    assert_int_equal(t->role.acked_expiry_ms, 5);
    assert_true(ea_lc_i64_has(&t->tcp, 80));
    ea_lc_state_close(&st);
}

static void a_failed_commit_is_made_good_by_the_next(void **state)
{
    ea_lc_state st;
    sqlite3 *other = NULL;
    ea_err err = { 0 };

    (void)state;
    open_state(&st);
    (void)add_cluster(&st, "first");
    must(ea_lc_commit(&st, &err), &err);
    /* somebody takes the table away for a while */
    assert_int_equal(sqlite3_open(folder_path("db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "ALTER TABLE row RENAME TO hidden", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)add_cluster(&st, "second");
    assert_int_equal(ea_lc_commit(&st, &err), EA_STORE);
    assert_non_null(ea_lc_find_cluster(&st, "second"));
    assert_int_equal(sqlite3_exec(other, "ALTER TABLE hidden RENAME TO row", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(other);
    must(ea_lc_commit(&st, &err), &err);
    ea_lc_state_close(&st);
    open_state(&st);
    assert_non_null(ea_lc_find_cluster(&st, "first"));
    assert_non_null(ea_lc_find_cluster(&st, "second"));
    ea_lc_state_close(&st);
}

static void names_find_what_they_mean(void **state)
{
    ea_lc_state st;
    struct ea_lc_cluster *c, *d;
    struct ea_lc_taskdef *d2, *d3;
    struct ea_lc_task *t;

    (void)state;
    open_state(&st);
    c = add_cluster(&st, "c");
    assert_ptr_equal(ea_lc_find_cluster(&st, "c"), c);
    assert_ptr_equal(ea_lc_find_cluster(&st, c->arn), c);
    assert_null(ea_lc_find_cluster(&st, NULL));
    d = add_cluster(&st, "default");
    assert_ptr_equal(ea_lc_find_cluster(&st, ""), d);
    (void)add_taskdef(&st, "f", 1);
    d2 = add_taskdef(&st, "f", 2);
    d3 = add_taskdef(&st, "f", 3);
    ea_set_str(&d3->status, "INACTIVE");
    assert_ptr_equal(ea_lc_find_taskdef(&st, "f"), d2);
    assert_ptr_equal(ea_lc_find_taskdef(&st, "f:3"), d3);
    assert_ptr_equal(ea_lc_find_taskdef(&st, d2->arn), d2);
    assert_null(ea_lc_find_taskdef(&st, "f:4"));
    assert_null(ea_lc_find_taskdef(&st, "g"));
    t = add_task(&st, "1");
    assert_ptr_equal(ea_lc_find_task(&st, c, "1"), t);
    assert_ptr_equal(ea_lc_find_task(&st, c, t->arn), t);
    assert_ptr_equal(ea_lc_find_task(&st, c, "arn:aws:ecs:us-west-2:000000000000:task/1"), t);
    assert_null(ea_lc_find_task(&st, c, "2"));
    ea_lc_state_close(&st);
}

static void a_file_that_is_no_state_is_left_alone(void **state)
{
    EA_BUF_AUTO after = EA_BUF(1000);
    const char text[] = "this is a text of somebody else, long enough to be no empty database "
                        "....................................................";
    ea_lc_state st;
    ea_err err = { 0 };

    (void)state;
    must(ea_plat_write_file(folder_path("db"), EA_STR(text), 0600, &err), &err);
    assert_int_equal(ea_lc_state_open(&st, folder_path("db"), "us-west-2", "000000000000", &err),
                     EA_STORE);
    assert_non_null(strstr(err.text, "db"));
    must(ea_plat_read_file(folder_path("db"), 1000, &after, &err), &err);
    assert_string_equal(ea_buf_z(&after), text);
}

static void ids_are_of_their_form_and_never_the_same(void **state)
{
    char a[EA_LC_ID_BYTES], b[EA_LC_ID_BYTES], u[37];

    (void)state;
    ea_lc_new_id(a);
    ea_lc_new_id(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    for (int i = 0; i < 50; i++) {
        ea_lc_new_uuid(u);
        assert_int_equal(strlen(u), 36);
        assert_true(u[8] == '-' && u[13] == '-' && u[18] == '-' && u[23] == '-' && u[14] == '4');
        assert_non_null(strchr("89ab", u[19]));
    }
}

int main(void)
{
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, in_folder, out_of_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_committed_is_there_after_opening_again),
        IN_FOLDER(a_failed_commit_is_made_good_by_the_next),
        IN_FOLDER(names_find_what_they_mean),
        IN_FOLDER(a_file_that_is_no_state_is_left_alone),
        cmocka_unit_test(ids_are_of_their_form_and_never_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
