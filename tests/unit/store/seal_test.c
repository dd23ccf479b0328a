#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

static char *path, *old;

static ea_seal *open_seal(void)
{
    ea_seal *s = NULL;
    ea_err err = { 0 };

    if (ea_seal_open(path, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static char *seal(ea_seal *s, const char *name, const char *text)
{
    char *out = NULL;
    ea_err err = { 0 };

    if (ea_seal_text(s, name, ea_str_of(text), &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static void is(ea_seal *s, const char *name, const char *sealed, const char *want)
{
    char *out = NULL;
    ea_err err = { 0 };
    ea_code code = ea_unseal_text(s, name, ea_str_of(sealed), &out, &err);

    if (!want)
        assert_int_equal(code, EA_INVALID);
    else if (code)
        fail_msg("%s", err.text);
    else
        assert_string_equal(out, want);
    ea_secret_free(out);
}

static void a_text_opens_with_the_key_of_the_file_and_shows_nothing_before(void **state)
{
    ea_seal *s = open_seal();
    EA_FREE_AUTO char *a = seal(s, "one", "PASSWORD=hunter2");
    EA_FREE_AUTO char *b = seal(s, "one", "PASSWORD=hunter2");
    EA_FREE_AUTO char *empty = seal(s, "one", "");

    (void)state;
    assert_true(ea_is_sealed(ea_str_of(a)));
    assert_null(strstr(a, "hunter2"));
    assert_string_not_equal(a, b); /* a nonce each */
    is(s, "one", a, "PASSWORD=hunter2");
    is(s, "one", empty, "");
    ea_seal_close(s);
    s = open_seal(); /* as after a restart */
    is(s, "one", a, "PASSWORD=hunter2");
    ea_seal_close(s);
}

static void what_was_changed_cut_or_belongs_to_another_name_does_not_open(void **state)
{
    ea_seal *s = open_seal();
    EA_FREE_AUTO char *a = seal(s, "one", "PASSWORD=hunter2");
    size_t n = strlen(a);

    (void)state;
    is(s, "two", a, NULL);
    a[n / 2] = a[n / 2] == 'A' ? 'B' : 'A';
    is(s, "one", a, NULL);
    is(s, "one", "sealed1:", NULL);
    is(s, "one", "sealed1:AAAA", NULL);
    is(s, "one", "sealed1:no base64", NULL);
    is(s, "one", "PASSWORD=hunter2", NULL);
    ea_seal_close(s);
}

static void a_key_that_this_machine_cannot_open_is_kept_aside_and_replaced(void **state)
{
    ea_seal *s = open_seal();
    EA_FREE_AUTO char *a = seal(s, "one", "text");
    EA_FREE_AUTO char *b = NULL;
    ea_err err = { 0 };

    (void)state;
    ea_seal_close(s);
    assert_int_equal(ea_plat_write_file(path, EA_STR("of another machine"), 0600, &err), EA_OK);
    s = open_seal();
    is(s, "one", a, NULL);
    assert_true(ea_plat_exists(old));
    b = seal(s, "one", "text");
    is(s, "one", b, "text");
    ea_seal_close(s);
}

static void a_key_file_that_cannot_be_read_is_an_error_and_stays(void **state)
{
    ea_seal *s = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_make_dir(path, &err), EA_OK); /* a folder opens like no file */
    assert_int_not_equal(ea_seal_open(path, &s, &err), EA_OK);
    assert_null(s);
    assert_false(ea_plat_exists(old));
    err = (ea_err){ 0 };
    assert_int_equal(ea_plat_remove_empty_dir(path, &err), EA_OK);
}

static void a_key_that_cannot_be_written_is_an_error(void **state)
{
    EA_FREE_AUTO char *nowhere = ea_sprintf_dup("%s/in/no/folder", path);
    ea_seal *s = NULL;
    ea_err err = { 0 };

    (void)state;
    assert_int_not_equal(ea_seal_open(nowhere, &s, &err), EA_OK);
    assert_null(s);
    assert_non_null(strstr(err.text, "key of stored secrets"));
}

static void what_is_protected_opens_again(void **state)
{
    EA_BUF_AUTO sealed = EA_BUF(4096);
    EA_BUF_AUTO plain = EA_BUF(4096);
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_protect(EA_STR("secret"), &sealed, &err), EA_OK);
    assert_int_equal(ea_plat_unprotect(ea_buf_str(&sealed), &plain, &err), EA_OK);
    assert_string_equal(plain.p, "secret");
    if (ea_plat_is_windows()) { /* Linux: the file's mode is the protection */
        ea_buf wrong = EA_BUF(4096);

        assert_true(sealed.n > 6);
        assert_int_not_equal(ea_plat_unprotect(EA_STR("secret"), &wrong, &err), EA_OK);
    }
}

static int fresh(void **state)
{
    ea_err err = { 0 };

    (void)state;
    return ea_plat_remove_file(path, &err) || ea_plat_remove_file(old, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_text_opens_with_the_key_of_the_file_and_shows_nothing_before,
                               fresh),
        cmocka_unit_test_setup(what_was_changed_cut_or_belongs_to_another_name_does_not_open,
                               fresh),
        cmocka_unit_test_setup(a_key_that_this_machine_cannot_open_is_kept_aside_and_replaced,
                               fresh),
        cmocka_unit_test_setup(a_key_file_that_cannot_be_read_is_an_error_and_stays, fresh),
        cmocka_unit_test_setup(a_key_that_cannot_be_written_is_an_error, fresh),
        cmocka_unit_test_setup(what_is_protected_opens_again, fresh),
    };
    char *dir = ea_plat_exe_dir();
    int failed;

    path = ea_sprintf_dup("%s/seal-test.%d.key", dir, (int)ea_plat_pid());
    old = ea_sprintf_dup("%s.old", path);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)fresh(NULL);
    ea_free(dir);
    ea_free(path);
    ea_free(old);
    return failed;
}
