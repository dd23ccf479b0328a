#include "../plat.h"

#include "hns.h"
#include "wide.h"

#include <iphlpapi.h>
#include <netioapi.h>
#include <stdio.h>
#include <string.h>

static ea_code parse_ipv4(const char *text, IN_ADDR *out, ea_err *err)
{
    if (inet_pton(AF_INET, text, out) == 1)
        return EA_OK;
    return ea_fail(err, EA_INVALID, "'%.60s' is not an IPv4 address", text);
}

/* The adapter of Docker's NAT network: HNS names it so, a ghost of an earlier network gets a number
 * behind the name and is down. */
static bool is_nat_adapter(const NET_LUID *luid)
{
    static const wchar_t prefix[] = L"vEthernet (nat";
    MIB_IF_ROW2 row = { .InterfaceLuid = *luid };

    return GetIfEntry2(&row) == NO_ERROR && row.OperStatus == IfOperStatusUp &&
           _wcsnicmp(row.Alias, prefix, EA_COUNT(prefix) - 1) == 0;
}

static MIB_UNICASTIPADDRESS_TABLE *all_addresses(void)
{
    MIB_UNICASTIPADDRESS_TABLE *table = NULL;

    return GetUnicastIpAddressTable(AF_INET, &table) == NO_ERROR ? table : NULL;
}

/* In the table and past duplicate detection: a bind may use it. */
static bool present(IN_ADDR ip)
{
    MIB_UNICASTIPADDRESS_TABLE *table = all_addresses();
    bool found = false;

    for (ULONG i = 0; table && i < table->NumEntries && !found; i++) {
        const MIB_UNICASTIPADDRESS_ROW *row = &table->Table[i];

        found =
            row->Address.Ipv4.sin_addr.s_addr == ip.s_addr && row->DadState == IpDadStatePreferred;
    }
    if (table)
        FreeMibTable(table);
    return found;
}

/* The adapter that owns the address. */
static bool owner_of(const MIB_UNICASTIPADDRESS_TABLE *table, const char *ipv4, NET_LUID *out)
{
    ea_err ignored = { 0 };
    IN_ADDR ip;

    if (parse_ipv4(ipv4, &ip, &ignored))
        return false;
    for (ULONG i = 0; table && i < table->NumEntries; i++) {
        if (table->Table[i].Address.Ipv4.sin_addr.s_addr == ip.s_addr) {
            *out = table->Table[i].InterfaceLuid;
            return true;
        }
    }
    return false;
}

/* By the gateway of Docker's network, which no ghost of an earlier network has (endpoints-and-windows.md sections
 * 4.6 and 4.7). */
static bool find_by_gateway(const MIB_UNICASTIPADDRESS_TABLE *table, NET_LUID *out)
{
    ea_err err = { 0 };
    const struct ea_hns_calls *hns = ea_hns_system(&err);
    ea_strlist gateways = { 0 };
    bool found = false;

    if (hns && ea_hns_nat_gateways(hns, &gateways, &err) == EA_OK) {
        for (size_t i = 0; i < gateways.n && !found; i++)
            found = owner_of(table, gateways.v[i], out);
    }
    ea_strlist_free(&gateways);
    return found;
}

/* Without an HNS that can be asked: the first adapter that is up, has an address and the usual name. */
static bool find_nat(NET_LUID *out)
{
    MIB_UNICASTIPADDRESS_TABLE *table = all_addresses();
    bool found = find_by_gateway(table, out);

    for (ULONG i = 0; table && i < table->NumEntries && !found; i++) {
        found = is_nat_adapter(&table->Table[i].InterfaceLuid);
        if (found)
            *out = table->Table[i].InterfaceLuid;
    }
    if (table)
        FreeMibTable(table);
    return found;
}

static MIB_UNICASTIPADDRESS_ROW row_for(IN_ADDR ip, const NET_LUID *luid)
{
    MIB_UNICASTIPADDRESS_ROW row;

    InitializeUnicastIpAddressEntry(&row);
    row.Address.Ipv4.sin_family = AF_INET;
    row.Address.Ipv4.sin_addr = ip;
    row.InterfaceLuid = *luid;
    row.OnLinkPrefixLength = 32;
    row.DadState = IpDadStatePreferred;
    row.SkipAsSource =
        TRUE; /* never a source of the host's own connections, never in its DNS record */
    return row;
}

bool ea_plat_task_address_present(const char *ipv4)
{
    IN_ADDR ip;
    ea_err err = { 0 };

    return parse_ipv4(ipv4, &ip, &err) == EA_OK && present(ip);
}

ea_code ea_plat_task_address_ensure(const char *ipv4, ea_err *err)
{
    MIB_UNICASTIPADDRESS_ROW row;
    NET_LUID nat;
    IN_ADDR ip;
    DWORD number;

    if (parse_ipv4(ipv4, &ip, err))
        return err->code;
    if (present(ip))
        return EA_OK;
    if (!find_nat(&nat))
        return ea_fail(err, EA_NOT_FOUND,
                       "no adapter of Docker's NAT network is up; is Docker Engine running?");
    row = row_for(ip, &nat);
    number = CreateUnicastIpAddressEntry(&row);
    if (number != NO_ERROR && number != ERROR_OBJECT_ALREADY_EXISTS)
        return ea_fail_win(err, number, "add to the NAT adapter", ipv4);
    if (!present(ip))
        return ea_fail(err, EA_BUSY, "%s was added to the NAT adapter and is not usable yet", ipv4);
    return EA_OK;
}

ea_code ea_plat_task_address_remove(const char *ipv4, ea_err *err)
{
    MIB_UNICASTIPADDRESS_TABLE *table;
    DWORD number = NO_ERROR;
    IN_ADDR ip;

    if (parse_ipv4(ipv4, &ip, err))
        return err->code;
    table = all_addresses();
    for (ULONG i = 0; table && i < table->NumEntries; i++) {
        if (table->Table[i].Address.Ipv4.sin_addr.s_addr == ip.s_addr && number == NO_ERROR)
            number = DeleteUnicastIpAddressEntry(&table->Table[i]);
    }
    if (table)
        FreeMibTable(table);
    if (number != NO_ERROR && number != ERROR_NOT_FOUND)
        return ea_fail_win(err, number, "remove", ipv4);
    return EA_OK;
}

bool ea_plat_is_local_source(const char *ipv4)
{
    static const char mapped[] = "::ffff:";
    MIB_UNICASTIPADDRESS_TABLE *table;
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
    table = all_addresses();
    for (ULONG i = 0; table && i < table->NumEntries && !found; i++) {
        const MIB_UNICASTIPADDRESS_ROW *row = &table->Table[i];
        unsigned bits = row->OnLinkPrefixLength;
        uint32_t mask = bits == 0 || bits > 32 ? 0 : UINT32_MAX << (32 - bits);
        uint32_t differ = ntohl(ip.s_addr) ^ ntohl(row->Address.Ipv4.sin_addr.s_addr);

        found =
            differ == 0 || (mask && (differ & mask) == 0 && is_nat_adapter(&row->InterfaceLuid));
    }
    if (table)
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
