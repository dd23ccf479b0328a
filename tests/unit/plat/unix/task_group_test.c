/* task_group_test.c - limits of a task in the kernel's files, as both versions lay them out. */
#include "base/alloc.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What stands for /sys/fs/cgroup. */
static char root[40];

static int root_new(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/ecs-groups-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int root_done(void **state)
{
    ea_err err = { 0 };

    (void)state;
    return ea_plat_remove_tree(root, &err);
}

/* A file that the kernel would have made. */
static void put(const char *path)
{
    EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s", root, path);
    EA_FREE_AUTO char *folder = ea_strdup(whole);
    ea_err err = { 0 };

    *strrchr(folder, '/') = '\0';
    if (ea_plat_make_dir(folder, &err) || ea_plat_write_file(whole, EA_STR("-"), 0600, &err))
        fail_msg("%s", err.text);
}

static void expect(const char *path, const char *text)
{
    EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s", root, path);
    EA_BUF_AUTO b = EA_BUF(100);
    ea_err err = { 0 };

    if (ea_plat_read_file(whole, 100, &b, &err))
        fail_msg("%s", err.text);
    if (strcmp(ea_buf_z(&b), text) != 0)
        fail_msg("%s: %s, not %s", path, ea_buf_z(&b), text);
}

static const struct ea_task_limits all = {
    .cpu_quota_us = 25000, .cpu_period_us = 100000, .memory_bytes = 67108864, .pids = 50
};

static void version_1_has_one_tree_for_each_limit(void **state)
{
    static const char *const files[] = {
        "/cpu/ecs/t1/cpu.cfs_quota_us",     "/cpu/ecs/t1/cpu.cfs_period_us",
        "/cpu/ecs/t1/cpu.shares",           "/memory/ecs/t1/memory.limit_in_bytes",
        "/memory/ecs/memory.use_hierarchy", "/pids/ecs/t1/pids.max"
    };
    const struct ea_task_limits shares = { .cpu_shares = 300 };
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(files); i++)
        put(files[i]);
    for (int again = 0; again < 2; again++)
        if (ea_plat_task_group_make(root, "/ecs/t1", &all, &err))
            fail_msg("%s", err.text);
    expect("/cpu/ecs/t1/cpu.cfs_quota_us", "25000");
    expect("/cpu/ecs/t1/cpu.cfs_period_us", "100000");
    expect("/cpu/ecs/t1/cpu.shares", "-");
    expect("/memory/ecs/t1/memory.limit_in_bytes", "67108864");
    expect("/memory/ecs/memory.use_hierarchy", "1");
    expect("/pids/ecs/t1/pids.max", "50");
    assert_int_equal(ea_plat_task_group_make(root, "/ecs/t1", &shares, &err), EA_OK);
    expect("/cpu/ecs/t1/cpu.shares", "300");
}

static void version_2_hands_controllers_down_to_the_group(void **state)
{
    static const char *const files[] = {
        "/cgroup.controllers", "/cgroup.subtree_control", "/ecs/cgroup.subtree_control",
        "/ecs/t1/cpu.max",     "/ecs/t1/memory.max",      "/ecs/t1/pids.max",
        "/ecs/t1/cpu.weight",
    };
    const struct ea_task_limits most = { .cpu_shares = 262144 }, least = { .cpu_shares = 2 };
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(files); i++)
        put(files[i]);
    if (ea_plat_task_group_make(root, "/ecs/t1", &all, &err))
        fail_msg("%s", err.text);
    expect("/cgroup.subtree_control", "+cpu +memory +pids");
    expect("/ecs/cgroup.subtree_control", "+cpu +memory +pids");
    expect("/ecs/t1/cpu.max", "25000 100000");
    expect("/ecs/t1/memory.max", "67108864");
    expect("/ecs/t1/pids.max", "50");
    expect("/ecs/t1/cpu.weight", "-");
    assert_int_equal(ea_plat_task_group_make(root, "/ecs/t1", &most, &err), EA_OK);
    expect("/ecs/t1/cpu.weight", "10000");
    assert_int_equal(ea_plat_task_group_make(root, "/ecs/t1", &least, &err), EA_OK);
    expect("/ecs/t1/cpu.weight", "1");
}

static void a_limit_that_the_kernel_does_not_have_is_an_error_and_no_file(void **state)
{
    ea_err err = { 0 };

    (void)state;
    put("/cpu/ecs/t1/cpu.cfs_period_us");
    assert_int_not_equal(ea_plat_task_group_make(root, "/ecs/t1", &all, &err), EA_OK);
    assert_non_null(strstr(err.text, "cpu.cfs_quota_us"));
}

static void groups_go_from_every_tree_and_their_absence_is_fine(void **state)
{
    static const char *const folders[] = { "/cpu/ecs/t1", "/freezer/ecs/t1", "/memory/ecs/t2" };
    EA_FREE_AUTO char *other = ea_sprintf_dup("%s/memory/ecs/t2", root);
    EA_FREE_AUTO char *inner = ea_sprintf_dup("%s/cpu/ecs/t1/container", root);
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(folders); i++) {
        EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s", root, folders[i]);
        assert_int_equal(ea_plat_make_dir(whole, &err), EA_OK);
    }
    assert_int_equal(ea_plat_make_dir(inner, &err), EA_OK);
    assert_int_equal(ea_plat_task_group_remove(root, "/ecs/t1", &err), EA_BUSY);
    assert_int_equal(ea_plat_remove_tree(inner, &err), EA_OK);
    assert_int_equal(ea_plat_task_group_remove(root, "/ecs/t1", &err), EA_OK);
    assert_int_equal(ea_plat_task_group_remove(root, "/ecs/t1", &err), EA_OK);
    assert_true(ea_plat_exists(other));
}

static void a_host_without_the_files_is_told_by_the_first_that_is_missing(void **state)
{
    ea_err err = { 0 };

    (void)state;
    put("/cpu/cpu.cfs_quota_us");
    assert_int_not_equal(ea_plat_task_groups_usable(root, &err), EA_OK);
    assert_non_null(strstr(err.text, "memory.limit_in_bytes"));
    put("/memory/memory.limit_in_bytes");
    put("/pids/cgroup.procs");
    assert_int_equal(ea_plat_task_groups_usable(root, &err), EA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_1_has_one_tree_for_each_limit, root_new, root_done),
        cmocka_unit_test_setup_teardown(version_2_hands_controllers_down_to_the_group, root_new,
                                        root_done),
        cmocka_unit_test_setup_teardown(
            a_limit_that_the_kernel_does_not_have_is_an_error_and_no_file, root_new, root_done),
        cmocka_unit_test_setup_teardown(groups_go_from_every_tree_and_their_absence_is_fine,
                                        root_new, root_done),
        cmocka_unit_test_setup_teardown(
            a_host_without_the_files_is_told_by_the_first_that_is_missing, root_new, root_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
