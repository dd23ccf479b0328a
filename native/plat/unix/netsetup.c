#include "../hostnet.h"
#include "../plat.h"

#include "errno_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- netlink ----------------------------------------------------------------------------------- */

struct request {
    struct nlmsghdr head;
    union {
        struct ifaddrmsg address;
        struct rtmsg route;
    } body;
    char attributes[64];
};

static void add_attribute(struct request *rq, unsigned short type, const void *data, size_t n)
{
    struct rtattr *a = (struct rtattr *)(void *)((char *)rq + NLMSG_ALIGN(rq->head.nlmsg_len));

    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(n);
    memcpy(RTA_DATA(a), data, n);
    rq->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(rq->head.nlmsg_len) + RTA_LENGTH(n));
}

/* Sends one request and reads the one answer into `answer`. Returns its length, or -errno. The
 * kernel answers inside the send, so nothing here waits. */
static ssize_t ask(struct request *rq, void *answer, size_t size)
{
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, from = { 0 };
    socklen_t from_len = sizeof(from);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = sendto(fd, rq, rq->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
    if (n >= 0) {
        do {
            n = recvfrom(fd, answer, size, 0, (struct sockaddr *)&from, &from_len);
        } while (n < 0 && errno == EINTR);
    }
    if (n < 0)
        n = -errno;
    else if (from.nl_pid != 0 || (size_t)n < sizeof(struct nlmsghdr))
        n = -EPROTO;
    (void)close(fd); /* nothing is pending */
    return n;
}

/* 0 or errno, from a request that asked for an acknowledgement. */
static int acknowledged(struct request *rq)
{
    union {
        struct nlmsghdr head;
        char bytes[1024];
    } answer;
    const struct nlmsgerr *e = NLMSG_DATA(&answer.head);
    ssize_t n = ask(rq, &answer, sizeof(answer));

    if (n < 0)
        return (int)-n;
    if (answer.head.nlmsg_type != NLMSG_ERROR || (size_t)n < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
        return EPROTO;
    return -e->error;
}

static int change_address(unsigned short what, unsigned short flags, struct in_addr ip,
                          unsigned index)
{
    struct request rq = {
        .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
                  .nlmsg_type = what,
                  .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags) },
        .body.address = { .ifa_family = AF_INET,
                          .ifa_prefixlen = 32,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = index },
    };

    add_attribute(&rq, IFA_LOCAL, &ip, sizeof(ip));
    add_attribute(&rq, IFA_ADDRESS, &ip, sizeof(ip));
    return acknowledged(&rq);
}

/* --- the task address -------------------------------------------------------------------------- */

static ea_code parse_ipv4(const char *text, struct in_addr *out, ea_err *err)
{
    if (inet_pton(AF_INET, text, out) == 1)
        return EA_OK;
    return ea_fail(err, EA_INVALID, "'%.60s' is not an IPv4 address", text);
}

/* A new network namespace comes with its loopback down. */
static int bring_up(const char *name)
{
    struct ifreq ifr = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), number = 0;

    if (fd < 0)
        return errno;
    (void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name); /* "lo" fits */
    if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0)
        number = errno;
    if (number == 0 && !(ifr.ifr_flags & IFF_UP)) {
        ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP);
        if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0)
            number = errno;
    }
    (void)close(fd); /* nothing was sent */
    return number;
}

/* Index of the interface that has it and is up; 0: none. */
static unsigned holder(struct in_addr ip)
{
    struct ifaddrs *list = NULL;
    unsigned found = 0;

    if (getifaddrs(&list) != 0)
        return 0;
    for (const struct ifaddrs *a = list; a && !found; a = a->ifa_next) {
        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && (a->ifa_flags & IFF_UP)) {
            struct sockaddr_in in;

            memcpy(&in, a->ifa_addr, sizeof(in));
            if (in.sin_addr.s_addr == ip.s_addr)
                found = if_nametoindex(a->ifa_name);
        }
    }
    freeifaddrs(list);
    return found;
}

bool ea_plat_task_address_present(const char *ipv4)
{
    struct in_addr ip;
    ea_err err = { 0 };

    return parse_ipv4(ipv4, &ip, &err) == EA_OK && holder(ip) != 0;
}

static ea_code add_to_loopback(const char *ipv4, ea_err *err)
{
    struct in_addr ip;
    int number;

    if (parse_ipv4(ipv4, &ip, err))
        return err->code;
    number = bring_up("lo");
    if (number == 0)
        number = change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ip, if_nametoindex("lo"));
    if (number == EPERM || number == EACCES)
        return ea_fail_sys(err, EA_DENIED, number,
                           "add %s to the loopback interface: needs root (CAP_NET_ADMIN)", ipv4);
    if (number != 0 && number != EEXIST)
        return ea_fail_errno(err, number, "add to the loopback interface", ipv4);
    return EA_OK;
}

ea_code ea_plat_task_address_remove(const char *ipv4, ea_err *err)
{
    struct in_addr ip;
    int number;

    if (parse_ipv4(ipv4, &ip, err))
        return err->code;
    number = change_address(RTM_DELADDR, 0, ip, if_nametoindex("lo"));
    if (number != 0 && number != EADDRNOTAVAIL && number != ENODEV)
        return ea_fail_errno(err, number, "remove from the loopback interface", ipv4);
    return EA_OK;
}

/* --- the host's set-up: the address alone ------------------------------------------------------- */

static void observe(void *ctx, struct ea_host_facts *out)
{
    struct in_addr ip;
    ea_err err = { 0 };

    (void)ctx;
    *out = (struct ea_host_facts){ 0 };
    if (parse_ipv4(EA_TASK_ADDRESS, &ip, &err) == EA_OK)
        out->address_on = holder(ip);
    out->address = out->address_on ? EA_ADDRESS_USABLE : EA_ADDRESS_ABSENT;
}

static ea_code act(void *ctx, ea_host_act what, uint64_t number, ea_err *err)
{
    (void)ctx;
    (void)number; /* any interface will do, hence the loopback */
    if (what == EA_HOST_ADDRESS_ADD)
        return add_to_loopback(EA_TASK_ADDRESS, err);
    return ea_fail(err, EA_UNSUPPORTED, "this system needs no such step");
}

const struct ea_host_ops *ea_plat_host_ops(void)
{
    static const struct ea_host_ops ops = { .observe = observe, .act = act };

    return &ops;
}

ea_code ea_plat_host_undo(ea_err *err)
{
    return ea_plat_task_address_remove(EA_TASK_ADDRESS, err);
}

/* A look every half minute is enough for an address that nothing but an administrator takes away. */
void ea_plat_host_watch(void (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
}

void ea_plat_host_unwatch(void)
{
}

void ea_plat_own_port(intptr_t socket, uint16_t port)
{
    (void)socket;
    (void)port;
}

/* --- who asks ---------------------------------------------------------------------------------- */

/* The driver's name tells; /sys may show another network namespace than ours. */
static bool is_bridge(unsigned index)
{
    struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
    struct ifreq ifr = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = false;

    if (fd < 0)
        return false;
    ifr.ifr_data = (char *)&info;
    if (if_indextoname(index, ifr.ifr_name) && ioctl(fd, SIOCETHTOOL, &ifr) == 0)
        found = strncmp(info.driver, "bridge", sizeof(info.driver)) == 0;
    (void)close(fd); /* nothing was sent */
    return found;
}

static bool route_is_local(const struct nlmsghdr *head, size_t n)
{
    const struct rtmsg *route = NLMSG_DATA(head);
    const struct rtattr *a = RTM_RTA(route);
    size_t left;
    unsigned index = 0;
    bool gateway = false;

    if (head->nlmsg_type != RTM_NEWROUTE || head->nlmsg_len > n ||
        head->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
        return false;
    if (route->rtm_type == RTN_LOCAL)
        return true;
    if (route->rtm_type != RTN_UNICAST)
        return false;
    left = head->nlmsg_len - NLMSG_LENGTH(sizeof(*route));
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) >= sizeof(index))
            memcpy(&index, RTA_DATA(a), sizeof(index));
        gateway = gateway || a->rta_type == RTA_GATEWAY || a->rta_type == RTA_VIA;
    }
    return index != 0 && !gateway && is_bridge(index);
}

/* The route back to the source says both: whether it is this host, and whether it hangs directly on
 * a bridge. One question to the kernel, however many interfaces there are. */
bool ea_plat_is_local_source(const char *ipv4)
{
    static const char mapped[] = "::ffff:";
    union {
        struct nlmsghdr head;
        char bytes[2048];
    } answer;
    struct request rq = {
        .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
                  .nlmsg_type = RTM_GETROUTE,
                  .nlmsg_flags = NLM_F_REQUEST },
        .body.route = { .rtm_family = AF_INET, .rtm_dst_len = 32 },
    };
    struct in_addr ip;
    ea_err err = { 0 };
    ssize_t n;

    if (!ipv4)
        return false;
    if (strncmp(ipv4, mapped, sizeof(mapped) - 1) == 0)
        ipv4 += sizeof(mapped) - 1;
    if (strcmp(ipv4, "::1") == 0)
        return true;
    if (parse_ipv4(ipv4, &ip, &err))
        return false;
    add_attribute(&rq, RTA_DST, &ip, sizeof(ip));
    n = ask(&rq, &answer, sizeof(answer));
    return n > 0 && route_is_local(&answer.head, (size_t)n);
}

/* --- ports ------------------------------------------------------------------------------------- */

/* 1 free, 0 taken, -1 the family does not exist here. */
static int try_port(int family, uint16_t port, bool udp)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    bool is_six = family == AF_INET6;
    const void *where = is_six ? (const void *)&six : (const void *)&four;
    socklen_t size = is_six ? sizeof(six) : sizeof(four);
    int fd = socket(family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int on = 1, off = 0, answer = 1;

    if (fd < 0)
        return -1;
    /* As servers do it: connections in TIME_WAIT do not count; a listener shows at listen(). */
    if (!udp)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
                         sizeof(on)); /* else bind() is stricter */
    if (is_six)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
                         sizeof(off)); /* both families at once */
    if (bind(fd, where, size) != 0)
        answer = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT ? -1 : 0;
    else if (!udp && listen(fd, 1) != 0)
        answer = 0;
    (void)close(fd); /* nobody connected */
    return answer;
}

bool ea_plat_port_free(uint16_t port, bool udp)
{
    int answer = try_port(AF_INET6, port, udp);

    return (answer >= 0 ? answer : try_port(AF_INET, port, udp)) == 1;
}

void ea_plat_dynamic_ports(int64_t *first, int64_t *last)
{
    EA_BUF_AUTO text = EA_BUF(64);
    ea_err err = { 0 };
    ea_str low, high;
    int64_t a, b;

    *first = 49153;
    *last = 65535;
    if (ea_plat_read_file("/proc/sys/net/ipv4/ip_local_port_range", 64, &text, &err))
        return;
    high = ea_str_trim(ea_str_cut(ea_buf_str(&text), '\t', &low));
    if (ea_str_to_i64(low, 1, 65535, &a, &err) || ea_str_to_i64(high, a, 65535, &b, &err))
        return;
    *first = a;
    *last = b;
}
