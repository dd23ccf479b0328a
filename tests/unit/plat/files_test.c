#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
    (void)state;
    (void)scratch_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_done();
    return 0;
}

static void holds(const char *path, const char *want)
{
    EA_BUF_AUTO b = EA_BUF(100000);
    ea_err err = { 0 };

    if (ea_plat_read_file(path, 100000, &b, &err))
        fail_msg("%s", err.text);
    assert_string_equal(ea_buf_z(&b), want);
}

static void put(const char *path, const char *text)
{
    ea_err err = { 0 };

    if (ea_plat_write_file(path, ea_str_of(text), 0600, &err))
        fail_msg("%s", err.text);
}

/* One line by a file that is opened for it alone. */
static void add(const char *path, const char *text, int64_t max_bytes, unsigned keep)
{
    ea_plat_file f = { 0 };
    ea_err err = { 0 };

    if (ea_plat_append(&f, path, ea_str_of(text), max_bytes, keep, &err))
        fail_msg("%s", err.text);
    ea_plat_append_close(&f);
}

static void a_written_file_is_read_back_and_replaced_whole(void **state)
{
    const char *path = scratch_path("a");

    (void)state;
    put(path, "first, and longer than what follows");
    holds(path, "first, and longer than what follows");
    put(path, "second");
    holds(path, "second");
    put(path, "");
    holds(path, "");
}

static void paths_longer_than_windows_usual_limit_are_fine(void **state)
{
    char deep[700];
    EA_FREE_AUTO char *file = NULL;
    EA_FREE_AUTO char *other = NULL;
    EA_FREE_AUTO char *top = ea_strdup(scratch_path("deep"));
    size_t n = (size_t)snprintf(deep, sizeof(deep), "%s", top);
    ea_err err = { 0 };

    (void)state;
    while (n < 500)
        n += (size_t)snprintf(deep + n, sizeof(deep) - n, "/%s",
                              "a folder with a name of some length");
    if (ea_plat_make_dir(deep, &err))
        fail_msg("%s", err.text);
    file = ea_sprintf_dup("%s/file", deep);
    other = ea_sprintf_dup("%s/other", deep);
    put(file, "deep");
    holds(file, "deep");
    assert_int_equal(ea_plat_copy_file(file, other, 0600, &err), EA_OK);
    holds(other, "deep");
    add(other, "er", 0, 0);
    holds(other, "deeper");
    assert_true(ea_plat_exists(other));
    assert_int_equal(ea_plat_remove_file(other, &err), EA_OK);
    if (ea_plat_remove_tree(top, &err))
        fail_msg("%s", err.text);
    assert_false(ea_plat_exists(top));
}

static void a_file_of_ours_is_trusted(void **state)
{
    const char *path = scratch_path("trusted");
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_trusted_file(path, &err), EA_NOT_FOUND);
    put(path, "x");
    if (ea_plat_trusted_file(path, &err))
        fail_msg("%s", err.text);
}

static void a_failed_write_leaves_the_old_content_and_no_litter(void **state)
{
    const char *dir = scratch_path("d"), *inside = scratch_path("d/x");
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_make_dir(dir, &err), EA_OK);
    put(inside, "kept");
    assert_int_not_equal(ea_plat_write_file(dir, EA_STR("new"), 0600, &err), EA_OK);
    assert_non_null(strstr(err.text, "write "));
    holds(inside, "kept");
    assert_int_equal(ea_plat_write_file(scratch_path("none/x"), EA_STR("new"), 0600, &err),
                     EA_NOT_FOUND);
}

static void reading_has_a_limit_and_names_the_path(void **state)
{
    EA_BUF_AUTO b = EA_BUF(100);
    ea_err err = { 0 };

    (void)state;
    put(scratch_path("five"), "12345");
    assert_int_equal(ea_plat_read_file(scratch_path("five"), 5, &b, &err), EA_OK);
    ea_buf_clear(&b);
    assert_int_equal(ea_plat_read_file(scratch_path("five"), 4, &b, &err), EA_LIMIT);
    assert_int_equal(ea_plat_read_file(scratch_path("no-such"), 4, &b, &err), EA_NOT_FOUND);
    assert_non_null(strstr(err.text, "no-such"));
}

static void folders_are_made_with_their_parents_and_twice(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_make_dir(scratch_path("a/b/c"), &err), EA_OK);
    assert_int_equal(ea_plat_make_dir(scratch_path("a/b/c"), &err), EA_OK);
    assert_true(ea_plat_exists(scratch_path("a/b")));
    put(scratch_path("file"), "");
    assert_int_equal(ea_plat_make_dir(scratch_path("file"), &err), EA_CONFLICT);
}

static void removing_is_content_with_nothing_and_takes_whole_trees(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_remove_file(scratch_path("none"), &err), EA_OK);
    assert_int_equal(ea_plat_remove_tree(scratch_path("none"), &err), EA_OK);
    assert_int_equal(ea_plat_make_dir(scratch_path("t/u/v"), &err), EA_OK);
    put(scratch_path("t/1"), "x");
    put(scratch_path("t/u/v/2"), "x");
    assert_int_equal(ea_plat_remove_tree(scratch_path("t"), &err), EA_OK);
    assert_false(ea_plat_exists(scratch_path("t")));
    put(scratch_path("one"), "x");
    assert_int_equal(ea_plat_remove_file(scratch_path("one"), &err), EA_OK);
    assert_false(ea_plat_exists(scratch_path("one")));
}

static void copies_and_renames_replace_their_target(void **state)
{
    ea_err err = { 0 };

    (void)state;
    put(scratch_path("from"), "content");
    put(scratch_path("to"), "old");
    assert_int_equal(ea_plat_copy_file(scratch_path("from"), scratch_path("to"), 0644, &err),
                     EA_OK);
    holds(scratch_path("to"), "content");
    put(scratch_path("third"), "third");
    assert_int_equal(ea_plat_rename(scratch_path("third"), scratch_path("to"), &err), EA_OK);
    holds(scratch_path("to"), "third");
    assert_false(ea_plat_exists(scratch_path("third")));
    assert_int_equal(ea_plat_copy_file(scratch_path("none"), scratch_path("to"), 0644, &err),
                     EA_NOT_FOUND);
    holds(scratch_path("to"), "third");
}

static void a_full_log_moves_up_and_the_oldest_goes(void **state)
{
    const char *log = scratch_path("logs/agent.log");

    (void)state;
    for (int i = 0; i < 8; i++) {
        char line[8];

        (void)snprintf(line, sizeof(line), "line%d\n", i % 10);
        add(log, line, 12, 2);
    }
    holds(log, "line6\nline7\n");
    holds(scratch_path("logs/agent.log.1"), "line4\nline5\n");
    holds(scratch_path("logs/agent.log.2"), "line2\nline3\n");
    assert_false(ea_plat_exists(scratch_path("logs/agent.log.3")));
}

static void a_log_that_stays_open_rolls_like_any_other(void **state)
{
    const char *log = scratch_path("kept/agent.log");
    ea_plat_file f = { 0 };
    ea_err err = { 0 };

    (void)state;
    for (int i = 0; i < 8; i++) {
        char line[8];

        (void)snprintf(line, sizeof(line), "line%d\n", i % 10);
        if (ea_plat_append(&f, log, ea_str_of(line), 12, 1, &err))
            fail_msg("%s", err.text);
        assert_true(f.is_open);
    }
    holds(log, "line6\nline7\n"); /* nothing waits for a close */
    holds(scratch_path("kept/agent.log.1"), "line4\nline5\n");
    assert_false(ea_plat_exists(scratch_path("kept/agent.log.2")));
    ea_plat_append_close(&f);
    assert_false(f.is_open);
}

static void a_log_that_somebody_moved_away_is_made_anew(void **state)
{
    const char *log = scratch_path("moved/agent.log");
    ea_plat_file f = { 0 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_append(&f, log, EA_STR("a"), 0, 0, &err), EA_OK);
    assert_int_equal(ea_plat_remove_file(log, &err), EA_OK);
    f.opened_ms -= 1000; /* a second later */
    assert_int_equal(ea_plat_append(&f, log, EA_STR("b"), 0, 0, &err), EA_OK);
    ea_plat_append_close(&f);
    holds(log, "b");
}

static void a_log_without_limit_never_rolls_and_one_without_keep_begins_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        add(scratch_path("l"), "x", 0, 5);
    holds(scratch_path("l"), "xxx");
    add(scratch_path("l"), "long line", 4, 0);
    holds(scratch_path("l"), "long line");
    assert_false(ea_plat_exists(scratch_path("l.1")));
}

static void a_private_file_is_made_and_kept(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_private_file(scratch_path("p"), &err), EA_OK);
    holds(scratch_path("p"), "");
    put(scratch_path("p"), "data");
    assert_int_equal(ea_plat_private_file(scratch_path("p"), &err), EA_OK);
    holds(scratch_path("p"), "data");
}

static void every_default_path_is_absolute(void **state)
{
    (void)state;
    for (int id = EA_PATH_CONFIG_FILE; id <= EA_PATH_PROGRAM_DIR; id++) {
        EA_FREE_AUTO char *path = ea_plat_default_path((ea_path_id)id);

        assert_non_null(path);
        assert_true(path[0] == '/' || (path[1] == ':' && path[2] == '\\'));
    }
}

static void a_redirected_run_folder_has_a_control_channel_of_its_own(void **state)
{
    EA_FREE_AUTO char *usual_dir = ea_plat_default_path(EA_PATH_RUN_DIR);
    EA_FREE_AUTO char *usual = ea_plat_control_path(usual_dir);
    EA_FREE_AUTO char *other = ea_plat_control_path(scratch_path("run"));
    EA_FREE_AUTO char *again = ea_plat_control_path(scratch_path("run"));

    (void)state;
    assert_string_not_equal(usual, other);
    assert_string_equal(other, again);
    assert_string_equal(usual, ea_plat_is_windows() ? "\\\\.\\pipe\\AmazonECS\\control"
                                                    : "/run/ecs/control.sock");
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_written_file_is_read_back_and_replaced_whole),
        IN_SCRATCH(a_failed_write_leaves_the_old_content_and_no_litter),
        IN_SCRATCH(reading_has_a_limit_and_names_the_path),
        IN_SCRATCH(folders_are_made_with_their_parents_and_twice),
        IN_SCRATCH(removing_is_content_with_nothing_and_takes_whole_trees),
        IN_SCRATCH(copies_and_renames_replace_their_target),
        IN_SCRATCH(a_full_log_moves_up_and_the_oldest_goes),
        IN_SCRATCH(a_log_that_stays_open_rolls_like_any_other),
        IN_SCRATCH(a_log_that_somebody_moved_away_is_made_anew),
        IN_SCRATCH(a_log_without_limit_never_rolls_and_one_without_keep_begins_anew),
        IN_SCRATCH(a_private_file_is_made_and_kept),
        IN_SCRATCH(paths_longer_than_windows_usual_limit_are_fine),
        IN_SCRATCH(a_file_of_ours_is_trusted),
        cmocka_unit_test(every_default_path_is_absolute),
        IN_SCRATCH(a_redirected_run_folder_has_a_control_channel_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
