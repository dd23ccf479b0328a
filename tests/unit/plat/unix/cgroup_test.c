/* cgroup_test.c - figures of containers out of the kernel's files, as both versions lay them out. */
#include "base/alloc.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "ffffffffffffdef0123456789abcdef0123456789abcdef0123456789abcdef0"

/* What stands for "/". */
static char root[40];

static void root_new(void)
{
    (void)snprintf(root, sizeof(root), "/tmp/ecs-cgroup-XXXXXX");
    assert_non_null(mkdtemp(root));
}

static void root_done(void)
{
    ea_err err = { 0 };

    if (ea_plat_remove_tree(root, &err))
        fail_msg("%s", err.text);
}

static void put(const char *path, const char *text)
{
    EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s", root, path);
    EA_FREE_AUTO char *folder = ea_strdup(whole);
    ea_err err = { 0 };

    *strrchr(folder, '/') = '\0';
    if (ea_plat_make_dir(folder, &err) || ea_plat_write_file(whole, ea_str_of(text), 0600, &err))
        fail_msg("%s", err.text);
}

static struct ea_cgroup_place find(const char *id, int64_t pid)
{
    struct ea_cgroup_place place;
    ea_err err = { 0 };

    if (ea_plat_cgroup_find(root, id, pid, &place, &err))
        fail_msg("%s", err.text);
    return place;
}

static struct ea_cgroup_figures figures(struct ea_cgroup_place *place)
{
    struct ea_cgroup_figures f;
    ea_err err = { 0 };

    if (ea_plat_cgroup_read(place, true, &f, &err))
        fail_msg("%s", err.text);
    assert_true(f.read_ns > 1700000000LL * 1000000000);
    return f;
}

static const char net_dev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo: 99 98 97 96 0 0 0 0 95 94 93 92 0 0 0 0\n"
    "  eth0: 1000 10 1 2 0 0 0 7 500 5 3 4 0 0 0 0\n"
    "  eth1:1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n";

static void check_network(const struct ea_cgroup_figures *f)
{
    assert_true(f->has_network);
    assert_int_equal(f->rx_bytes, 1001);
    assert_int_equal(f->rx_packets, 11);
    assert_int_equal(f->rx_errors, 2);
    assert_int_equal(f->rx_dropped, 3);
    assert_int_equal(f->tx_bytes, 501);
    assert_int_equal(f->tx_packets, 6);
    assert_int_equal(f->tx_errors, 4);
    assert_int_equal(f->tx_dropped, 5);
}

static void put_v1(const char *group)
{
    static const struct {
        const char *controller, *file, *text;
    } files[] = {
        { "cpuacct", "cpuacct.usage", "123456789\n" },
        { "cpuacct", "cgroup.procs", "77\n78\n" },
        { "memory", "memory.usage_in_bytes", "1000\n" },
        { "memory", "memory.stat", "cache 300\nrss 5\ninactive_file 200\ntotal_cache 999\n" },
        { "blkio", "blkio.throttle.io_service_bytes",
          "8:0 Read 4096\n8:0 Write 512\n8:0 Total 4608\n8:16 Read 1\nTotal 4609\n" },
    };

    for (size_t i = 0; i < EA_COUNT(files); i++) {
        EA_FREE_AUTO char *path =
            ea_sprintf_dup("/sys/fs/cgroup/%s%s/%s", files[i].controller, group, files[i].file);

        put(path, files[i].text);
    }
}

static void check_v1(struct ea_cgroup_place *place)
{
    struct ea_cgroup_figures f = figures(place);

    assert_false(place->v2);
    assert_int_equal(f.cpu_ns, 123456789);
    assert_int_equal(f.memory_bytes, 700);
    assert_int_equal(f.storage_read, 4097);
    assert_int_equal(f.storage_write, 512);
    check_network(&f);
}

static void version_1_is_read_where_the_process_says(void **state)
{
    struct ea_cgroup_place place;

    (void)state;
    root_new();
    put_v1("/slice/x/" ID);
    put("/proc/42/cgroup",
        "9:name=systemd:/slice/x/" ID "\n4:memory:/slice/x/" ID "\n3:cpu,cpuacct:/slice/x/" ID
        "/moved/below\n2:blkio:/slice/x/" ID "\n0::/\n");
    put("/proc/42/net/dev", net_dev);
    place = find(ID, 42);
    assert_int_equal(place.pid, 42);
    check_v1(&place);
    ea_plat_cgroup_close(&place);
    root_done();
}

static void version_1_is_found_by_the_id_alone(void **state)
{
    static const char *const groups[] = { "/docker/" ID, "/system.slice/docker-" ID ".scope" };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(groups); i++) {
        struct ea_cgroup_place place;

        root_new();
        put_v1(groups[i]);
        put("/proc/77/net/dev", net_dev);
        /* that pid is of another container by now */
        put("/proc/42/cgroup", "4:memory:/docker/" ID2 "\n3:cpuacct:/docker/" ID2 "\n");
        place = find(ID, i ? 0 : 42);
        assert_int_equal(place.pid, 77);
        check_v1(&place);
        ea_plat_cgroup_close(&place);
        root_done();
    }
}

static void put_v2(const char *group)
{
    static const char *const files[][2] = {
        { "cpu.stat", "usage_usec 5000001\nuser_usec 1\nsystem_usec 2\n" },
        { "memory.current", "10485760\n" },
        { "memory.stat", "anon 1\nfile 2\ninactive_file 485760\nactive_file 3\n" },
        { "io.stat", "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 "
                     "wbytes=2\n" },
        { "cgroup.procs", "77\n" },
    };

    put("/sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
    for (size_t i = 0; i < EA_COUNT(files); i++) {
        EA_FREE_AUTO char *path = ea_sprintf_dup("/sys/fs/cgroup%s/%s", group, files[i][0]);

        put(path, files[i][1]);
    }
}

static void version_2_is_read(void **state)
{
    static const struct {
        const char *why, *group, *table;
    } cases[] = {
        { "where the process says", "/own.slice/docker-" ID ".scope",
          "0::/own.slice/docker-" ID ".scope\n" },
        { "above where the process went", "/docker/" ID, "0::/docker/" ID "/init\n" },
        { "in the usual place", "/system.slice/docker-" ID ".scope", "0::/elsewhere\n" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_cgroup_place place;
        struct ea_cgroup_figures f;

        root_new();
        put_v2(cases[i].group);
        put("/proc/42/cgroup", cases[i].table);
        put("/proc/42/net/dev", net_dev);
        put("/proc/77/net/dev", net_dev);
        place = find(ID, 42);
        f = figures(&place);
        if (!place.v2 || f.cpu_ns != 5000001000 || f.memory_bytes != 10000000 ||
            f.storage_read != 101 || f.storage_write != 22)
            fail_msg("%s", cases[i].why);
        check_network(&f);
        ea_plat_cgroup_close(&place);
        root_done();
    }
}

static void what_is_not_there_is_said(void **state)
{
    static const char *const ids[] = { "", "../../../../etc", "0123", ID "/..",
                                       "ABCDEF0123456789" };
    struct ea_cgroup_place place = { 0 };
    struct ea_cgroup_figures f;
    EA_FREE_AUTO char *cpu_file = NULL;
    ea_err err = { 0 };

    (void)state;
    root_new();
    cpu_file = ea_sprintf_dup("%s/sys/fs/cgroup/docker/" ID "/cpu.stat", root);
    for (size_t i = 0; i < EA_COUNT(ids); i++)
        assert_int_equal(ea_plat_cgroup_find(root, ids[i], 1, &place, &err), EA_INVALID);
    put_v2("/docker/" ID2);
    assert_int_equal(ea_plat_cgroup_find(root, ID, 42, &place, &err), EA_NOT_FOUND);
    put_v2("/docker/" ID);
    place = find(ID, 0);
    /* it ends: first its process, then its group */
    assert_int_equal(ea_plat_cgroup_read(&place, true, &f, &err), EA_NOT_FOUND);
    assert_int_equal(ea_plat_cgroup_read(&place, false, &f, &err), EA_OK);
    assert_false(f.has_network);
    ea_plat_cgroup_close(&place);
    place = find(ID, 0);
    put("/sys/fs/cgroup/docker/" ID "/memory.stat", "nonsense\n\ninactive_file\ninactive_file x\n");
    put("/sys/fs/cgroup/docker/" ID "/io.stat", "8:0 rbytes= wbytes=-1 =5\n\n8:1\n");
    assert_int_equal(ea_plat_cgroup_read(&place, false, &f, &err), EA_OK);
    assert_int_equal(f.memory_bytes, 10485760);
    assert_int_equal(f.storage_read, 0);
    ea_plat_cgroup_close(&place);
    place = find(ID, 0);
    assert_int_equal(ea_plat_remove_file(cpu_file, &err), EA_OK);
    assert_int_equal(ea_plat_cgroup_read(&place, false, &f, &err), EA_NOT_FOUND);
    ea_plat_cgroup_close(&place);
    root_done();
}

/* Writes into the file that is there, as the kernel's change under a descriptor. */
static void change(const char *path, const char *text)
{
    EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s", root, path);
    int fd = open(whole, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static int lowest_free(void)
{
    int fd = dup(0);

    assert_true(fd > 0);
    assert_int_equal(close(fd), 0);
    return fd;
}

static void files_that_stay_open_tell_what_is_in_them_now(void **state)
{
    int before = lowest_free();
    struct ea_cgroup_place place;
    struct ea_cgroup_figures f;

    (void)state;
    root_new();
    put_v2("/docker/" ID);
    put("/proc/77/net/dev", net_dev);
    place = find(ID, 0);
    assert_int_equal(figures(&place).cpu_ns, 5000001000);
    change("/sys/fs/cgroup/docker/" ID "/cpu.stat", "usage_usec 6000000\n");
    change("/sys/fs/cgroup/docker/" ID "/memory.current", "485761\n");
    change("/proc/77/net/dev", "a\n eth0: 5 0 0 0 0 0 0 0 6 0 0 0\n");
    f = figures(&place);
    assert_int_equal(f.cpu_ns, 6000000000);
    assert_int_equal(f.memory_bytes, 1);
    assert_int_equal(f.rx_bytes, 5);
    assert_int_equal(f.tx_bytes, 6);
    assert_true(lowest_free() > before);
    ea_plat_cgroup_close(&place);
    assert_int_equal(lowest_free(), before);
    ea_plat_cgroup_close(&place);
    root_done();
}

static void a_process_that_has_ended_is_not_mistaken_for_the_one_with_its_number(void **state)
{
    EA_FREE_AUTO char *link = NULL;
    char child[40];
    struct ea_cgroup_place place;
    struct ea_cgroup_figures f;
    int wake[2], status;
    ea_err err = { 0 };
    pid_t pid;

    (void)state;
    root_new();
    put_v2("/docker/" ID);
    put("/proc/other/net/dev", net_dev);
    assert_int_equal(pipe(wake), 0);
    pid = fork();
    if (pid == 0) {
        char c;

        (void)close(wake[1]);
        _exit(read(wake[0], &c, 1) == 0 ? 0 : 1);
    }
    assert_true(pid > 0);
    link = ea_sprintf_dup("%s/proc/77", root); /* the number that stands in the group */
    (void)snprintf(child, sizeof(child), "/proc/%d", (int)pid);
    assert_int_equal(symlink(child, link), 0);
    place = find(ID, 0);
    assert_int_equal(ea_plat_cgroup_read(&place, true, &f, &err), EA_OK);
    assert_int_equal(close(wake[0]) | close(wake[1]), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(unlink(link), 0); /* from now on it is another's */
    (void)snprintf(child, sizeof(child), "other");
    assert_int_equal(symlink(child, link), 0);
    assert_int_not_equal(ea_plat_cgroup_read(&place, true, &f, &err), EA_OK);
    ea_plat_cgroup_close(&place);
    root_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_read_where_the_process_says),
        cmocka_unit_test(version_1_is_found_by_the_id_alone),
        cmocka_unit_test(version_2_is_read),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(files_that_stay_open_tell_what_is_in_them_now),
        cmocka_unit_test(a_process_that_has_ended_is_not_mistaken_for_the_one_with_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
