/* gmsa_test.c - the registry and the folder that group managed service accounts need, on Windows. */
#include "plat/plat.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <windows.h>

#include <cmocka.h>

#define KEY "Software\\ECSToolsTest\\arn:aws:ecs:us-west-2:1:task/c/0123"

static bool has(const wchar_t *name, const wchar_t *want)
{
    wchar_t got[64];
    DWORD n = sizeof(got);

    return RegGetValueW(HKEY_LOCAL_MACHINE, L"" KEY, name, RRF_RT_REG_SZ, NULL, got, &n) ==
               ERROR_SUCCESS &&
           wcscmp(got, want) == 0;
}

static void a_key_is_made_with_its_texts_changed_and_removed(void **state)
{
    const struct ea_gmsa_os *os = ea_plat_gmsa();
    char id[] = "AKID", secret[] = "SKID";
    char one[] = "one", two[] = "zw\xc3\xb6lf", three[] = "three";
    const ea_kv first[] = { { id, one }, { secret, two } }, second[] = { { id, three } };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(os->delete_key(os->ctx, KEY, &err), EA_OK);
    assert_false(os->key_exists(os->ctx, KEY));
    assert_int_equal(os->set_texts(os->ctx, KEY, first, 2, &err), EA_OK);
    assert_true(os->key_exists(os->ctx, KEY));
    assert_true(has(L"AKID", L"one"));
    assert_true(has(L"SKID", L"zw\x00f6lf"));
    assert_int_equal(os->set_texts(os->ctx, KEY, second, 1, &err), EA_OK);
    assert_true(has(L"AKID", L"three"));
    assert_true(has(L"SKID", L"zw\x00f6lf"));
    assert_int_equal(os->delete_key(os->ctx, KEY, &err), EA_OK);
    assert_false(os->key_exists(os->ctx, KEY));
    (void)os->delete_key(os->ctx, "Software\\ECSToolsTest",
                         &err); /* left empty by others or gone */
}

static void the_folder_is_dockers_below_program_data(void **state)
{
    const struct ea_gmsa_os *os = ea_plat_gmsa();
    EA_FREE_AUTO char *dir = os->spec_dir(os->ctx);

    (void)state;
    assert_non_null(dir);
    assert_non_null(strstr(dir, "\\docker\\credentialspecs"));
}

static void a_machine_without_a_domain_says_so(void **state)
{
    const struct ea_gmsa_os *os = ea_plat_gmsa();

    (void)state;
    assert_false(os->domain_joined(os->ctx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_with_its_texts_changed_and_removed),
        cmocka_unit_test(the_folder_is_dockers_below_program_data),
        cmocka_unit_test(a_machine_without_a_domain_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
