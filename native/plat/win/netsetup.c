#include "../plat.h"

#include "adapters.h"

#include <string.h>

static ea_code parse_ipv4(const char *text, IN_ADDR *out, ea_err *err)
{
    if (inet_pton(AF_INET, text, out) == 1)
        return EA_OK;
    return ea_fail(err, EA_INVALID, "'%.60s' is not an IPv4 address", text);
}

bool ea_plat_task_address_present(const char *ipv4)
{
    NET_LUID on;
    IN_ADDR ip;
    ea_err err = { 0 };

    return parse_ipv4(ipv4, &ip, &err) == EA_OK && ea_address_look(ip, &on) == EA_ADDRESS_USABLE;
}

ea_code ea_plat_task_address_remove(const char *ipv4, ea_err *err)
{
    IN_ADDR ip;

    if (parse_ipv4(ipv4, &ip, err))
        return err->code;
    return ea_address_remove(ip, err);
}

bool ea_plat_is_local_source(const char *ipv4)
{
    static const char mapped[] = "::ffff:";
    MIB_UNICASTIPADDRESS_TABLE *table = NULL;
    bool found = false;
    ea_err err = { 0 };
    IN_ADDR ip;

    if (!ipv4)
        return false;
    if (strncmp(ipv4, mapped, sizeof(mapped) - 1) == 0)
        ipv4 += sizeof(mapped) - 1;
    if (strcmp(ipv4, "::1") == 0)
        return true;
    if (parse_ipv4(ipv4, &ip, &err))
        return false;
    if ((ntohl(ip.s_addr) >> 24) == 127)
        return true;
    if (GetUnicastIpAddressTable(AF_INET, &table) != NO_ERROR)
        return false;
    for (ULONG i = 0; i < table->NumEntries && !found; i++) {
        const MIB_UNICASTIPADDRESS_ROW *row = &table->Table[i];
        unsigned bits = row->OnLinkPrefixLength;
        uint32_t mask = bits == 0 || bits > 32 ? 0 : UINT32_MAX << (32 - bits);
        uint32_t differ = ntohl(ip.s_addr) ^ ntohl(row->Address.Ipv4.sin_addr.s_addr);

        found =
            differ == 0 || (mask && (differ & mask) == 0 && ea_nat_adapter_is(&row->InterfaceLuid));
    }
    FreeMibTable(table);
    return found;
}

static bool try_port(uint16_t port, bool udp)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(port) };
    SOCKET s = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    BOOL on = TRUE;
    bool good;

    if (s == INVALID_SOCKET)
        return false;
    good = setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on)) == 0 &&
           bind(s, (const struct sockaddr *)&where, sizeof(where)) == 0 &&
           (udp || listen(s, 1) == 0);
    (void)closesocket(s); /* nobody connected */
    return good;
}

bool ea_plat_port_free(uint16_t port, bool udp)
{
    WSADATA data;
    bool good;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return false;
    good = try_port(port, udp);
    (void)WSACleanup(); /* counted: undoes the call above alone */
    return good;
}

void ea_plat_dynamic_ports(int64_t *first, int64_t *last)
{
    *first = 49152;
    *last = 65535;
}
