#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plat/hostnet.h"
#include "plat/plat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

/* All of this runs in a network namespace of its own: empty, with the loopback down. */

#define TASK_ADDRESS EA_TASK_ADDRESS

static void must(ea_code code, const ea_err *err)
{
    if (code)
        fail_msg("%s", err->text);
}

static bool can_listen(const char *ip, uint16_t port)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    assert_int_equal(inet_pton(AF_INET, ip, &where.sin_addr), 1);
    good = bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0 && listen(fd, 1) == 0;
    (void)close(fd);
    return good;
}

static ea_code add(ea_err *err)
{
    const struct ea_host_ops *ops = ea_plat_host_ops();

    return ops->act(ops->ctx, EA_HOST_ADDRESS_ADD, 0, err);
}

static struct ea_host_facts look(void)
{
    const struct ea_host_ops *ops = ea_plat_host_ops();
    struct ea_host_facts facts;

    ops->observe(ops->ctx, &facts);
    return facts;
}

static void the_task_address_comes_once_can_be_listened_on_and_goes(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_false(ea_plat_task_address_present(TASK_ADDRESS));
    assert_int_equal(look().address, EA_ADDRESS_ABSENT);
    must(add(&err), &err);
    assert_true(ea_plat_task_address_present(TASK_ADDRESS));
    assert_int_equal(look().address, EA_ADDRESS_USABLE);
    assert_int_equal(look().address_on, if_nametoindex("lo"));
    assert_true(can_listen(TASK_ADDRESS, 80));
    must(add(&err), &err);
    assert_true(ea_plat_is_local_source(TASK_ADDRESS));
    must(ea_plat_host_undo(&err), &err);
    assert_false(ea_plat_task_address_present(TASK_ADDRESS));
    must(ea_plat_task_address_remove(TASK_ADDRESS, &err), &err);
}

static void set_interface(const char *name, const char *ip, const char *mask)
{
    struct ifreq ifr = { 0 };
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
    memcpy(&ifr.ifr_addr, &in, sizeof(in));
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &ifr), 0);
    assert_int_equal(inet_pton(AF_INET, mask, &in.sin_addr), 1);
    memcpy(&ifr.ifr_netmask, &in, sizeof(in));
    assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &ifr), 0);
    assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
    ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
    (void)close(fd);
}

static void containers_behind_a_local_bridge_are_local_and_others_are_not(void **state)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(ioctl(fd, SIOCBRADDBR, "brtest"), 0);
    (void)close(fd);
    set_interface("brtest", "172.29.0.1", "255.255.0.0");
    assert_true(ea_plat_is_local_source("172.29.0.1"));
    assert_true(ea_plat_is_local_source("172.29.3.4"));
    assert_false(ea_plat_is_local_source("172.30.0.1"));
    assert_false(ea_plat_is_local_source("8.8.8.8"));
}

static void an_address_that_is_none_is_refused(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_false(ea_plat_task_address_present("169.254.170"));
    assert_int_equal(ea_plat_task_address_remove("x", &err), EA_INVALID);
}

static void without_the_right_the_reason_is_told(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(seteuid(65534), 0);
    assert_int_equal(add(&err), EA_DENIED);
    assert_int_equal(seteuid(0), 0);
    assert_non_null(strstr(err.text, "CAP_NET_ADMIN"));
}

static int own_namespace(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    (void)fprintf(stderr, "this test needs root: unshare: %s\n", strerror(errno));
    return -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_task_address_comes_once_can_be_listened_on_and_goes),
        cmocka_unit_test(containers_behind_a_local_bridge_are_local_and_others_are_not),
        cmocka_unit_test(an_address_that_is_none_is_refused),
        cmocka_unit_test(without_the_right_the_reason_is_told),
    };

    return cmocka_run_group_tests(tests, own_namespace, NULL);
}
