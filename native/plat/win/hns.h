/* hns.h - what the Host Network Service tells of the host's NAT networks (computenetwork.dll, Windows Server 2019
 * and later; vmcompute.dll on Server 2016; loaded at run time, from System32 alone).
 * Thread: any. Knows: HCN networks of schema 2, HNS networks of schema 1. Does not know: adapters, addresses.
 * Source: endpoints-and-windows.md section 4.6, rows "Find the NAT gateway adapter" and "Wait for HNS". */
#ifndef EA_PLAT_WIN_HNS_H
#define EA_PLAT_WIN_HNS_H

#include "wide.h"

#include "../../base/json.h"

/* The system's side; tests have one of their own. Texts are the callee's until release(). */
struct ea_hns_calls {
    void *ctx;
    /* Schema 1: JSON answer of GET /networks/; NULL with *number set. The other two are not used then. */
    wchar_t *(*all)(void *ctx, DWORD *number);
    /* JSON list of the networks' ids; NULL with *number set */
    wchar_t *(*list)(void *ctx, DWORD *number);
    /* JSON of one network, id as in the list; NULL with *number set */
    wchar_t *(*properties)(void *ctx, const wchar_t *id, DWORD *number);
    void (*release)(void *ctx, wchar_t *text);
};
/* NULL with EA_UNSUPPORTED: this system has neither library. Static. */
const struct ea_hns_calls *ea_hns_system(ea_err *err);

/* Adds the IPv4 gateways of all NAT networks, "nat" first. A network that cannot be read is left out. EA_IO: HNS
 * did not answer; EA_PROTOCOL: with something else than JSON. */
ea_code ea_hns_nat_gateways(const struct ea_hns_calls *calls, ea_strlist *out,
                            ea_err *err) EA_CHECK;

/* Calls fn(arg) on any thread when a network comes or goes or the service restarts. NULL: this system does not
 * tell. One at a time. */
void *ea_hns_watch(void (*fn)(void *arg), void *arg);
void ea_hns_unwatch(void *watch); /* no call comes afterwards; NULL is fine */

#endif
