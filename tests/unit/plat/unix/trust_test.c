#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_file_that_somebody_else_owns_or_may_write_is_not_trusted(void **state)
{
    static const struct {
        const char *why;
        unsigned mode;
        uid_t owner;
        const char *want, *then; /* NULL: trusted */
    } rows[] = {
        { "root's alone", 0600, 0, NULL, NULL },
        { "root's, read by all", 0644, 0, NULL, NULL },
        { "written by its group", 0664, 0, "may be written by others", "chmod go-w " },
        { "written by all", 0666, 0, "may be written by others", "chmod go-w " },
        { "a user's", 0600, 4711, "belongs to user 4711", "chown root " },
    };
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/trust.%d", dir, (int)ea_plat_pid());

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_err err = { 0 };

        assert_int_equal(ea_plat_write_file(path, EA_STR("x"), 0600, &err), EA_OK);
        assert_int_equal(chmod(path, rows[i].mode), 0);
        assert_int_equal(chown(path, rows[i].owner, (gid_t)-1), 0);
        if (ea_plat_trusted_file(path, &err) != (rows[i].want ? EA_DENIED : EA_OK) ||
            (rows[i].want && (!strstr(err.text, rows[i].want) || !strstr(err.text, rows[i].then))))
            fail_msg("%s: %s", rows[i].why, err.text);
        assert_int_equal(ea_plat_remove_file(path, &err), EA_OK);
    }
}

static void a_folder_for_containers_is_read_by_whoever_runs_there(void **state)
{
    EA_FREE_AUTO char *exe = ea_plat_exe_dir();
    EA_FREE_AUTO char *above = ea_sprintf_dup("%s/shared.%d", exe, (int)ea_plat_pid());
    EA_FREE_AUTO char *dir = ea_sprintf_dup("%s/web", above);
    mode_t before = umask(077);
    struct stat st;
    ea_err err = { 0 };

    (void)state;
    for (unsigned i = 0; i < 2; i++) { /* it may be there already */
        assert_int_equal(ea_plat_shared_dir(dir, &err), EA_OK);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
    }
    assert_int_equal(stat(above, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(ea_plat_remove_tree(above, &err), EA_OK);
    (void)umask(before); /* answers the one above */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_for_containers_is_read_by_whoever_runs_there),
        cmocka_unit_test(a_file_that_somebody_else_owns_or_may_write_is_not_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
