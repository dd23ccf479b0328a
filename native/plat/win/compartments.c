#include "compartments.h"

#include <stdio.h>
#include <string.h>

enum {
    CONTAINERS_MAX = 512,
    HOSTS_OWN = 1, /* NET_IF_COMPARTMENT_ID_PRIMARY */
    LIST_BYTES = 256 * 1024
};

/* ---- what is missing where ---- */

/* It went between the list and the question. */
static bool gone(DWORD number)
{
    return number == ERROR_NOT_FOUND || number == ERROR_FILE_NOT_FOUND ||
           number == ERROR_INVALID_PARAMETER;
}

/* `add`: also adds. Returns how many lacked the route; *failed is the last number that tells of a failure. */
static unsigned walk(const struct ea_compartment_calls *calls, const struct ea_nat_adapter *nat,
                     IN_ADDR to, bool add, DWORD *failed)
{
    struct ea_compartment *all = ea_alloc_array(CONTAINERS_MAX, sizeof(*all));
    unsigned n = calls->list(calls->ctx, nat, all, CONTAINERS_MAX), lacking = 0;

    *failed = ERROR_SUCCESS;
    for (unsigned i = 0; i < n; i++) {
        bool has = false;
        DWORD number = calls->has_route(calls->ctx, &all[i], to, &has);

        if (number == ERROR_SUCCESS && !has) {
            lacking++;
            if (add)
                number = calls->add_route(calls->ctx, &all[i], to, nat->gateway);
        }
        if (number != ERROR_SUCCESS && !gone(number))
            *failed = number;
    }
    ea_free(all);
    return lacking;
}

struct walk { /* for the thread that enters compartments */
    const struct ea_compartment_calls *calls;
    const struct ea_nat_adapter *nat;
    IN_ADDR to;
    bool add;
    unsigned lacking;
    DWORD failed;
};

static DWORD WINAPI walk_thread(void *arg)
{
    struct walk *w = arg;

    w->lacking = walk(w->calls, w->nat, w->to, w->add, &w->failed);
    return 0;
}

/* No thread that does anything else is ever inside a container's network. */
static void walk_apart(struct walk *w)
{
    HANDLE thread = CreateThread(NULL, 0, walk_thread, w, 0, NULL);

    if (!thread) {
        w->failed = GetLastError();
        return;
    }
    (void)WaitForSingleObject(thread, INFINITE); /* calls of IP Helper end */
    (void)CloseHandle(thread);
}

unsigned ea_compartments_unrouted(const struct ea_compartment_calls *calls,
                                  const struct ea_nat_adapter *nat, IN_ADDR to)
{
    struct walk w = { .calls = calls, .nat = nat, .to = to };

    if (calls)
        walk_apart(&w);
    return w.lacking;
}

ea_code ea_compartments_route(const struct ea_compartment_calls *calls,
                              const struct ea_nat_adapter *nat, IN_ADDR to, ea_err *err)
{
    struct walk w = { .calls = calls, .nat = nat, .to = to, .add = true };

    if (!calls)
        return ea_fail(err, EA_UNSUPPORTED, "this system has no network compartments");
    walk_apart(&w);
    if (w.failed != ERROR_SUCCESS)
        return ea_fail_win(err, w.failed, "add a route in a container's network to",
                           EA_TASK_ADDRESS);
    return EA_OK;
}

/* ---- IP Helper ---- */

static struct {
    NETIO_STATUS(NETIOAPI_API_ *enter)(NET_IF_COMPARTMENT_ID id);
    NETIO_STATUS(NETIOAPI_API_ *create)(const MIB_IPFORWARD_ROW2 *row);
    VOID(NETIOAPI_API_ *initialize)(PMIB_IPFORWARD_ROW2 row);
} helper;

static bool find(HMODULE library, const char *name, void *to)
{
    FARPROC address = library ? GetProcAddress(library, name) : NULL;

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

static bool in_subnet(const struct ea_nat_adapter *nat, const SOCKET_ADDRESS *a)
{
    uint32_t mask = nat->bits == 0 || nat->bits > 32 ? 0 : UINT32_MAX << (32 - nat->bits);
    struct sockaddr_in in;

    if (!a->lpSockaddr || a->lpSockaddr->sa_family != AF_INET || !mask)
        return false;
    memcpy(&in, a->lpSockaddr, sizeof(in));
    return ((ntohl(in.sin_addr.s_addr) ^ ntohl(nat->gateway.s_addr)) & mask) == 0;
}

static unsigned list(void *ctx, const struct ea_nat_adapter *nat, struct ea_compartment *out,
                     unsigned max)
{
    ULONG size = LIST_BYTES;
    IP_ADAPTER_ADDRESSES *all = ea_alloc(size);
    ULONG number = GetAdaptersAddresses(AF_INET,
                                        GAA_FLAG_INCLUDE_ALL_COMPARTMENTS | GAA_FLAG_SKIP_ANYCAST |
                                            GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER,
                                        NULL, all, &size);
    unsigned n = 0;

    (void)ctx;
    if (number == ERROR_BUFFER_OVERFLOW) {
        ea_free(all);
        all = ea_alloc(size);
        number = GetAdaptersAddresses(AF_INET, GAA_FLAG_INCLUDE_ALL_COMPARTMENTS, NULL, all, &size);
    }
    for (const IP_ADAPTER_ADDRESSES *a = number == NO_ERROR ? all : NULL; a && n < max;
         a = a->Next) {
        const IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress;

        if (a->CompartmentId <= HOSTS_OWN)
            continue;
        while (u && !in_subnet(nat, &u->Address))
            u = u->Next;
        if (u)
            out[n++] = (struct ea_compartment){ a->CompartmentId, a->Luid };
    }
    ea_free(all);
    return n;
}

static DWORD has_route(void *ctx, const struct ea_compartment *c, IN_ADDR to, bool *has)
{
    MIB_IPFORWARD_TABLE2 *table = NULL;
    DWORD number = helper.enter(c->id);

    (void)ctx;
    if (number != NO_ERROR)
        return number;
    number = GetIpForwardTable2(AF_INET, &table);
    for (ULONG i = 0; number == NO_ERROR && i < table->NumEntries; i++) {
        const IP_ADDRESS_PREFIX *p = &table->Table[i].DestinationPrefix;

        *has = *has || (p->PrefixLength == 32 && p->Prefix.Ipv4.sin_addr.s_addr == to.s_addr);
    }
    if (table)
        FreeMibTable(table);
    (void)helper.enter(HOSTS_OWN); /* the thread ends soon in any case */
    return number;
}

static DWORD add_route(void *ctx, const struct ea_compartment *c, IN_ADDR to, IN_ADDR gateway)
{
    MIB_IPFORWARD_ROW2 row;
    DWORD number = helper.enter(c->id);

    (void)ctx;
    if (number != NO_ERROR)
        return number;
    helper.initialize(&row);
    row.InterfaceLuid = c->luid;
    row.DestinationPrefix.Prefix.Ipv4.sin_family = AF_INET;
    row.DestinationPrefix.Prefix.Ipv4.sin_addr = to;
    row.DestinationPrefix.PrefixLength = 32;
    row.NextHop.Ipv4.sin_family = AF_INET;
    row.NextHop.Ipv4.sin_addr = gateway;
    row.Protocol = MIB_IPPROTO_NETMGMT;
    number = helper.create(&row);
    (void)helper.enter(HOSTS_OWN); /* the thread ends soon in any case */
    return number == ERROR_OBJECT_ALREADY_EXISTS ? ERROR_SUCCESS : number;
}

const struct ea_compartment_calls *ea_compartments_system(void)
{
    static const struct ea_compartment_calls calls = { NULL, list, has_route, add_route };
    HMODULE library = GetModuleHandleW(L"iphlpapi.dll"); /* imported above */

    return find(library, "SetCurrentThreadCompartmentId", &helper.enter) &&
                   find(library, "CreateIpForwardEntry2", &helper.create) &&
                   find(library, "InitializeIpForwardEntry", &helper.initialize)
               ? &calls
               : NULL;
}
