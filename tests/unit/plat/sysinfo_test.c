#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

static void the_machine_has_processors_memory_and_a_name(void **state)
{
    char text[256];

    (void)state;
    assert_true(ea_plat_processors() >= 1);
    assert_true(ea_plat_memory_bytes() > 64 * 1024 * 1024);
    ea_plat_os_family(text, sizeof(text));
    if (!ea_plat_is_windows())
        assert_string_equal(text, "LINUX");
    else
        assert_true(strcmp(text, "windows") == 0 || strncmp(text, "WINDOWS_SERVER_", 15) == 0);
    ea_plat_os_version(text, sizeof(text));
    assert_true(text[0] >= '0' && text[0] <= '9');
    ea_plat_hostname(text, sizeof(text));
    assert_true(text[0]);
    ea_plat_os_family(text, 3);
    assert_true(strlen(text) <= 2);
}

static void random_bytes_are_not_the_same_twice(void **state)
{
    unsigned char a[70000] = { 0 }, b[sizeof(a)] = { 0 };
    size_t zero = 0;

    (void)state;
    ea_plat_random(a, sizeof(a));
    ea_plat_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        zero += a[i] == 0;
    assert_true(zero > 100 && zero < 600); /* 273 expected */
}

static void the_program_knows_its_own_folder(void **state)
{
    EA_FREE_AUTO char *exe = ea_plat_exe_dir();
    EA_FREE_AUTO char *lib = ea_plat_lib_dir();
    char path[4096];
    size_t n = sizeof(path);

    (void)state;
    assert_int_equal(uv_exepath(path, &n), 0);
    assert_non_null(exe);
    assert_int_equal(strncmp(path, exe, strlen(exe)), 0);
    assert_null(strpbrk(path + strlen(exe) + 1, "/\\"));
    assert_string_equal(lib, exe); /* linked in */
}

static void the_environment_is_a_copy_of_pairs(void **state)
{
    char **env;
    bool found = false;

    (void)state;
    assert_int_equal(uv_os_setenv("ECS_TEST_UTF8", "gr\xc3\xbc\xc3\x9f"), 0);
    env = ea_plat_env();
    for (size_t i = 0; env[i]; i++) {
        assert_non_null(strchr(env[i], '='));
        assert_int_not_equal(env[i][0], '=');
        found = found || strcmp(env[i], "ECS_TEST_UTF8=gr\xc3\xbc\xc3\x9f") == 0;
    }
    assert_true(found);
    ea_plat_env_free(env);
    ea_plat_env_free(NULL);
}

static void the_trusted_roots_come_as_pem(void **state)
{
    EA_BUF_AUTO b = EA_BUF(16 * 1024 * 1024);
    ea_err err = { 0 };

    (void)state;
    if (ea_plat_ca_roots(&b, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(ea_buf_z(&b), "-----BEGIN CERTIFICATE-----\n"));
    assert_non_null(strstr(ea_buf_z(&b), "-----END CERTIFICATE-----\n"));
}

static void dynamic_ports_are_a_range(void **state)
{
    int64_t first = 0, last = 0;

    (void)state;
    ea_plat_dynamic_ports(&first, &last);
    assert_true(first >= 1024 && first < last && last <= 65535);
}

static uint16_t listen_somewhere(uv_loop_t *loop, uv_tcp_t *server)
{
    struct sockaddr_in where;
    struct sockaddr_storage got;
    int n = sizeof(got);

    assert_int_equal(uv_tcp_init(loop, server), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &where), 0);
    assert_int_equal(uv_tcp_bind(server, (const struct sockaddr *)&where, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)server, 1, NULL), 0);
    assert_int_equal(uv_tcp_getsockname(server, (struct sockaddr *)&got, &n), 0);
    memcpy(&where, &got, sizeof(where));
    return ntohs(where.sin_port);
}

static void a_port_that_somebody_listens_on_is_not_free(void **state)
{
    uv_loop_t loop;
    uv_tcp_t server;
    uint16_t port;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    port = listen_somewhere(&loop, &server);
    assert_false(ea_plat_port_free(port, false));
    uv_close((uv_handle_t *)&server, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_true(ea_plat_port_free(port, false));
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void this_host_is_a_local_source_and_a_stranger_is_not(void **state)
{
    (void)state;
    assert_true(ea_plat_is_local_source("127.0.0.1"));
    assert_true(ea_plat_is_local_source("::ffff:127.0.0.1"));
    assert_true(ea_plat_is_local_source("::1"));
    assert_false(ea_plat_is_local_source("192.0.2.77"));
    assert_false(ea_plat_is_local_source(""));
    assert_false(ea_plat_is_local_source(NULL));
    assert_false(ea_plat_is_local_source("not an address"));
    assert_false(ea_plat_task_address_present("192.0.2.77"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_has_processors_memory_and_a_name),
        cmocka_unit_test(random_bytes_are_not_the_same_twice),
        cmocka_unit_test(the_program_knows_its_own_folder),
        cmocka_unit_test(the_environment_is_a_copy_of_pairs),
        cmocka_unit_test(the_trusted_roots_come_as_pem),
        cmocka_unit_test(dynamic_ports_are_a_range),
        cmocka_unit_test(a_port_that_somebody_listens_on_is_not_free),
        cmocka_unit_test(this_host_is_a_local_source_and_a_stranger_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
