#include "adapters.h"

#include "../../base/str.h"
#include "hns.h"

#include <stdio.h>
#include <string.h>

/* ---- which adapter ---- */

static const wchar_t usual_name[] =
    L"vEthernet (nat"; /* a later one gets a number: "vEthernet (nat) 2" */

static bool named(const MIB_IF_ROW2 *row)
{
    return _wcsnicmp(row->Alias, usual_name, EA_COUNT(usual_name) - 1) == 0;
}

bool ea_nat_adapter_is(const NET_LUID *luid)
{
    MIB_IF_ROW2 row = { .InterfaceLuid = *luid };

    return GetIfEntry2(&row) == NO_ERROR && row.OperStatus == IfOperStatusUp && named(&row);
}

unsigned ea_nat_adapter_ghosts(void)
{
    MIB_IF_TABLE2 *table = NULL;
    unsigned n = 0;

    if (GetIfTable2(&table) != NO_ERROR)
        return 0;
    for (ULONG i = 0; i < table->NumEntries; i++)
        n += named(&table->Table[i]) && table->Table[i].OperStatus != IfOperStatusUp;
    FreeMibTable(table);
    return n;
}

static void take(const MIB_UNICASTIPADDRESS_ROW *row, struct ea_nat_adapter *out)
{
    MIB_IF_ROW2 interface_row = { .InterfaceLuid = row->InterfaceLuid };
    EA_FREE_AUTO char *name = NULL;

    *out = (struct ea_nat_adapter){ .luid = row->InterfaceLuid,
                                    .gateway = row->Address.Ipv4.sin_addr,
                                    .bits = row->OnLinkPrefixLength };
    if (GetIfEntry2(&interface_row) == NO_ERROR)
        name = ea_narrow(interface_row.Alias);
    (void)snprintf(out->name, sizeof(out->name), "%s", name ? name : "?"); /* may be cut */
}

static bool owner_of(const MIB_UNICASTIPADDRESS_TABLE *table, const char *ipv4,
                     struct ea_nat_adapter *out)
{
    IN_ADDR ip;

    if (inet_pton(AF_INET, ipv4, &ip) != 1)
        return false;
    for (ULONG i = 0; i < table->NumEntries; i++) {
        if (table->Table[i].Address.Ipv4.sin_addr.s_addr == ip.s_addr) {
            take(&table->Table[i], out);
            return true;
        }
    }
    return false;
}

static bool by_gateway(const struct ea_hns_calls *hns, const MIB_UNICASTIPADDRESS_TABLE *table,
                       struct ea_nat_adapter *out, char why[200])
{
    ea_strlist gateways = { 0 };
    ea_err err = { 0 };
    bool found = false;

    if (ea_hns_nat_gateways(hns, &gateways, &err)) {
        (void)snprintf(why, 200, "%.190s", err.text);
        return false;
    }
    for (size_t i = 0; i < gateways.n && !found; i++)
        found = owner_of(table, gateways.v[i], out);
    if (!found && gateways.n)
        (void)snprintf(why, 200, "no adapter has the gateway %.40s of Docker's NAT network",
                       gateways.v[0]);
    else if (!found)
        (void)snprintf(why, 200, "HNS has no NAT network; Docker Engine makes one when it starts");
    ea_strlist_free(&gateways);
    return found;
}

static bool by_name(const MIB_UNICASTIPADDRESS_TABLE *table, struct ea_nat_adapter *out)
{
    for (ULONG i = 0; i < table->NumEntries; i++) {
        if (ea_nat_adapter_is(&table->Table[i].InterfaceLuid)) {
            take(&table->Table[i], out);
            return true;
        }
    }
    return false;
}

bool ea_nat_adapter_find(struct ea_nat_adapter *out, char why[200])
{
    MIB_UNICASTIPADDRESS_TABLE *table = NULL;
    ea_err err = { 0 };
    const struct ea_hns_calls *hns = ea_hns_system(&err);
    bool found;

    why[0] = '\0';
    if (GetUnicastIpAddressTable(AF_INET, &table) != NO_ERROR) {
        (void)snprintf(why, 200, "the addresses of this host cannot be listed");
        return false;
    }
    found = hns ? by_gateway(hns, table, out, why) : by_name(table, out);
    if (!found && !hns)
        (void)snprintf(why, 200, "%.80s, and no adapter called 'vEthernet (nat)' is up", err.text);
    FreeMibTable(table);
    return found;
}

/* ---- calls that not every system has: Wine lacks them ---- */

static bool helper(const char *name, void *to)
{
    HMODULE library = GetModuleHandleW(L"iphlpapi.dll"); /* imported above */
    FARPROC address = library ? GetProcAddress(library, name) : NULL;

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

static ea_code lacks(ea_err *err, const char *name)
{
    return ea_fail(err, EA_UNSUPPORTED, "this system has no %s", name);
}

/* ---- the address ---- */

static ea_address_state state_of(NL_DAD_STATE state)
{
    switch (state) {
    case IpDadStatePreferred:
        return EA_ADDRESS_USABLE;
    case IpDadStateDuplicate:
        return EA_ADDRESS_DUPLICATE;
    default:
        return EA_ADDRESS_TENTATIVE; /* invalid and deprecated ones too: a bind refuses them */
    }
}

ea_address_state ea_address_look(IN_ADDR ip, NET_LUID *on)
{
    MIB_UNICASTIPADDRESS_TABLE *table = NULL;
    ea_address_state state = EA_ADDRESS_ABSENT;

    on->Value = 0;
    if (GetUnicastIpAddressTable(AF_INET, &table) != NO_ERROR)
        return state;
    for (ULONG i = 0; i < table->NumEntries && state != EA_ADDRESS_USABLE; i++) {
        if (table->Table[i].Address.Ipv4.sin_addr.s_addr == ip.s_addr) {
            *on = table->Table[i].InterfaceLuid;
            state = state_of(table->Table[i].DadState);
        }
    }
    FreeMibTable(table);
    return state;
}

ea_code ea_address_add(IN_ADDR ip, const NET_LUID *luid, ea_err *err)
{
    NETIO_STATUS(NETIOAPI_API_ * create)(const MIB_UNICASTIPADDRESS_ROW *row);
    VOID(NETIOAPI_API_ * initialize)(PMIB_UNICASTIPADDRESS_ROW row);
    MIB_UNICASTIPADDRESS_ROW row;
    DWORD number;

    if (!helper("CreateUnicastIpAddressEntry", &create) ||
        !helper("InitializeUnicastIpAddressEntry", &initialize))
        return lacks(err, "CreateUnicastIpAddressEntry");
    initialize(&row);
    row.Address.Ipv4.sin_family = AF_INET;
    row.Address.Ipv4.sin_addr = ip;
    row.InterfaceLuid = *luid;
    row.OnLinkPrefixLength = 32;
    row.DadState = IpDadStatePreferred;
    row.SkipAsSource =
        TRUE; /* never a source of the host's own connections, never in its DNS record */
    number = create(&row);
    if (number != NO_ERROR && number != ERROR_OBJECT_ALREADY_EXISTS)
        return ea_fail_win(err, number, "add to the NAT adapter", EA_TASK_ADDRESS);
    return EA_OK;
}

ea_code ea_address_remove(IN_ADDR ip, ea_err *err)
{
    NETIO_STATUS(NETIOAPI_API_ * remove)(const MIB_UNICASTIPADDRESS_ROW *row);
    MIB_UNICASTIPADDRESS_TABLE *table = NULL;
    DWORD number = GetUnicastIpAddressTable(AF_INET, &table);

    for (ULONG i = 0; number == NO_ERROR && i < table->NumEntries; i++) {
        if (table->Table[i].Address.Ipv4.sin_addr.s_addr == ip.s_addr)
            number = helper("DeleteUnicastIpAddressEntry", &remove) ? remove(&table->Table[i])
                                                                    : ERROR_CALL_NOT_IMPLEMENTED;
    }
    if (table)
        FreeMibTable(table);
    if (number != NO_ERROR && number != ERROR_NOT_FOUND)
        return ea_fail_win(err, number, "remove", EA_TASK_ADDRESS);
    return EA_OK;
}

/* ---- the route (Server 2016) ---- */

static uint32_t subnet_of(const struct ea_nat_adapter *a)
{
    uint32_t mask = a->bits == 0 || a->bits > 32 ? 0 : UINT32_MAX << (32 - a->bits);

    return htonl(ntohl(a->gateway.s_addr) & mask);
}

ea_fact ea_route_look(const struct ea_nat_adapter *a)
{
    MIB_IPFORWARD_TABLE2 *table = NULL;
    ea_fact fact = EA_FACT_NO;

    if (GetIpForwardTable2(AF_INET, &table) != NO_ERROR)
        return EA_FACT_UNKNOWN;
    for (ULONG i = 0; i < table->NumEntries; i++) {
        const MIB_IPFORWARD_ROW2 *row = &table->Table[i];

        if (row->InterfaceLuid.Value == a->luid.Value &&
            row->DestinationPrefix.PrefixLength == a->bits &&
            row->DestinationPrefix.Prefix.Ipv4.sin_addr.s_addr == subnet_of(a))
            fact = EA_FACT_YES;
    }
    FreeMibTable(table);
    return fact;
}

ea_code ea_route_add(const struct ea_nat_adapter *a, ea_err *err)
{
    NETIO_STATUS(NETIOAPI_API_ * create)(const MIB_IPFORWARD_ROW2 *row);
    VOID(NETIOAPI_API_ * initialize)(PMIB_IPFORWARD_ROW2 row);
    MIB_IPFORWARD_ROW2 row;
    DWORD number;

    if (!helper("CreateIpForwardEntry2", &create) ||
        !helper("InitializeIpForwardEntry", &initialize))
        return lacks(err, "CreateIpForwardEntry2");
    initialize(&row);
    row.InterfaceLuid = a->luid;
    row.DestinationPrefix.Prefix.Ipv4.sin_family = AF_INET;
    row.DestinationPrefix.Prefix.Ipv4.sin_addr.s_addr = subnet_of(a);
    row.DestinationPrefix.PrefixLength = (UINT8)a->bits;
    row.NextHop.Ipv4.sin_family = AF_INET; /* on link */
    row.Protocol = MIB_IPPROTO_NETMGMT;
    number = create(&row);
    if (number != NO_ERROR && number != ERROR_OBJECT_ALREADY_EXISTS)
        return ea_fail_win(err, number, "add a route to the containers' subnet on", a->name);
    return EA_OK;
}
