#include "port_hold.h"

#include "wide.h"

#include <iphlpapi.h>
#include <mstcpip.h>
#include <stdio.h>
#include <string.h>
#include <tlhelp32.h>

/* ---- reservations: calls that Wine lacks ---- */

struct reservations {
    ULONG(WINAPI *create)(USHORT first, USHORT count, PULONG64 token);
    ULONG(WINAPI *remove)(USHORT first, USHORT count);
    ULONG(WINAPI *look_up)(USHORT first, USHORT count, PULONG64 token);
};

static bool find(HMODULE library, const char *name, void *to)
{
    FARPROC address = GetProcAddress(library, name);

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

static bool load(struct reservations *r)
{
    HMODULE library = GetModuleHandleW(L"iphlpapi.dll"); /* imported below */

    return library && find(library, "CreatePersistentTcpPortReservation", &r->create) &&
           find(library, "DeletePersistentTcpPortReservation", &r->remove) &&
           find(library, "LookupPersistentTcpPortReservation", &r->look_up);
}

static bool token_of(uint16_t port, ULONG64 *token)
{
    struct reservations r;

    return load(&r) && r.look_up(htons(port), 1, token) == NO_ERROR;
}

ea_code ea_port_reserve(uint16_t port, ea_err *err)
{
    struct reservations r;
    char what[40];
    ULONG64 token;
    ULONG number;

    if (!load(&r))
        return ea_fail(err, EA_UNSUPPORTED, "this system has no reservations of ports");
    number = r.create(htons(port), 1, &token);
    if (number == NO_ERROR)
        return EA_OK;
    if (number == ERROR_SHARING_VIOLATION)
        return ea_fail_sys(err, EA_CONFLICT, (int)number,
                           "port %u is in use and cannot be reserved before that ends",
                           (unsigned)port);
    (void)snprintf(what, sizeof(what), "port %u", (unsigned)port); /* fits */
    return ea_fail_win(err, number, "reserve", what);
}

ea_code ea_port_unreserve(uint16_t port, ea_err *err)
{
    struct reservations r;
    char what[40];
    ULONG64 token;
    ULONG number;

    if (!load(&r) || r.look_up(htons(port), 1, &token) != NO_ERROR)
        return EA_OK;
    number = r.remove(htons(port), 1);
    if (number == NO_ERROR || number == ERROR_NOT_FOUND)
        return EA_OK;
    (void)snprintf(what, sizeof(what), "port %u", (unsigned)port); /* fits */
    return ea_fail_win(err, number, "give back", what);
}

/* A plain bind to a port inside a reservation of somebody else is "denied"; to one that a listener has, "in use". */
static bool excluded(uint16_t port)
{
    struct sockaddr_in where = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    bool denied = false;

    if (s == INVALID_SOCKET)
        return false;
    if (bind(s, (const struct sockaddr *)&where, sizeof(where)) != 0)
        denied = WSAGetLastError() == WSAEACCES;
    (void)closesocket(s); /* nobody connected */
    return denied;
}

/* Caller frees; NULL when it cannot be read. */
static MIB_TCPTABLE_OWNER_PID *listeners(void)
{
    DWORD size = 0;
    MIB_TCPTABLE_OWNER_PID *table;

    (void)GetExtendedTcpTable(NULL, &size, FALSE, AF_INET, TCP_TABLE_OWNER_PID_LISTENER,
                              0); /* tells the size */
    size += 4096;                 /* more may come */
    table = ea_try_alloc(size);
    if (table && GetExtendedTcpTable(table, &size, FALSE, AF_INET, TCP_TABLE_OWNER_PID_LISTENER,
                                     0) != NO_ERROR) {
        ea_free(table);
        table = NULL;
    }
    return table;
}

/* A listener that shares with nobody is denied as well. */
static bool kept_by_system(const void *ctx, uint16_t port)
{
    const MIB_TCPTABLE_OWNER_PID *table = ctx;

    for (DWORD i = 0; table && i < table->dwNumEntries; i++) {
        if (ntohs((u_short)table->table[i].dwLocalPort) == port)
            return false;
    }
    return excluded(port);
}

void ea_port_range(struct ea_host_port *p, bool (*kept)(const void *ctx, uint16_t port),
                   const void *ctx)
{
    p->first = p->last = 0;
    if (!kept(ctx, p->port))
        return;
    p->first = p->last = p->port;
    while (p->first > 1 && p->port - p->first < EA_PORT_RANGE_MAX &&
           kept(ctx, (uint16_t)(p->first - 1)))
        p->first--;
    while (p->last < UINT16_MAX && p->last - p->port < EA_PORT_RANGE_MAX &&
           kept(ctx, (uint16_t)(p->last + 1)))
        p->last++;
}

void ea_port_look(struct ea_host_port *p)
{
    MIB_TCPTABLE_OWNER_PID *table;
    ULONG64 token;

    p->reserved = token_of(p->port, &token);
    p->first = p->last = 0;
    if (p->reserved)
        return;
    table = listeners();
    ea_port_range(p, kept_by_system, table);
    ea_free(table);
}

void ea_plat_own_port(intptr_t socket, uint16_t port)
{
    INET_PORT_RESERVATION_TOKEN token = { 0 };
    BOOL on = TRUE;
    DWORD n = 0;

    /* A refusal of either shows when the port is bound. */
    (void)setsockopt((SOCKET)socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
                     sizeof(on));
    if (token_of(port, &token.Token))
        (void)WSAIoctl((SOCKET)socket, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(token), NULL,
                       0, &n, NULL, NULL);
}

/* ---- who listens ---- */

static void program_of(DWORD pid, char out[64])
{
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W e = { .dwSize = sizeof(e) };
    bool more;

    out[0] = '\0';
    if (all == INVALID_HANDLE_VALUE)
        return;
    for (more = Process32FirstW(all, &e); more; more = Process32NextW(all, &e)) {
        if (e.th32ProcessID == pid) {
            EA_FREE_AUTO char *name = ea_narrow(e.szExeFile);

            (void)snprintf(out, 64, "%.63s", name);
            break;
        }
    }
    (void)CloseHandle(all); /* only read */
}

static void describe(const MIB_TCPROW_OWNER_PID *row, uint16_t port, char out[200])
{
    const IN_ADDR ip = { .s_addr = row->dwLocalAddr };
    char address[INET_ADDRSTRLEN] = "?", program[64];

    (void)inet_ntop(AF_INET, &ip, address, sizeof(address)); /* fits */
    if (row->dwOwningPid == 4) { /* the kernel: http.sys listens for its programs */
        (void)snprintf(out, 200,
                       "http.sys serves %s:%u for a program of this host (IIS, WinRM or the like; "
                       "netsh http show servicestate names it)",
                       address, (unsigned)port);
        return;
    }
    program_of(row->dwOwningPid, program);
    (void)snprintf(out, 200, "process %lu (%s) listens on %s:%u", row->dwOwningPid,
                   program[0] ? program : "?", address, (unsigned)port);
}

void ea_port_owner(uint16_t port, char out[200])
{
    MIB_TCPTABLE_OWNER_PID *table = listeners();

    out[0] = '\0';
    for (DWORD i = 0; table && i < table->dwNumEntries; i++) {
        const MIB_TCPROW_OWNER_PID *row = &table->table[i];
        const bool all = row->dwLocalAddr == INADDR_ANY;
        IN_ADDR task;

        if (ntohs((u_short)row->dwLocalPort) != port || row->dwOwningPid == GetCurrentProcessId() ||
            row->dwOwningPid == 0)
            continue; /* 0: nobody that lives */
        if (all || port != 80 ||
            (inet_pton(AF_INET, EA_TASK_ADDRESS, &task) == 1 && row->dwLocalAddr == task.s_addr))
            describe(row, port, out);
    }
    ea_free(table);
}
