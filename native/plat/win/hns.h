/* hns.h - gateways of the host's NAT networks, as the Host Network Service tells them (computenetwork.dll,
 * Windows Server 2019 and later; loaded at run time, from System32 alone).
 * Thread: any. Knows: HCN networks of schema 2. Does not know: adapters, addresses. */
#ifndef EA_PLAT_WIN_HNS_H
#define EA_PLAT_WIN_HNS_H

#include "wide.h"

#include "../../base/json.h"

/* The system's side; tests have one of their own. Texts are the callee's until release(). */
struct ea_hns_calls {
    void *ctx;
    /* JSON list of the networks' ids; NULL with *number set */
    wchar_t *(*list)(void *ctx, DWORD *number);
    /* JSON of one network, id as in the list; NULL with *number set */
    wchar_t *(*properties)(void *ctx, const wchar_t *id, DWORD *number);
    void (*release)(void *ctx, wchar_t *text);
};
/* NULL with EA_UNSUPPORTED: this system has no such library (Server 2016). Static. */
const struct ea_hns_calls *ea_hns_system(ea_err *err);

/* Adds the IPv4 gateways of all NAT networks, "nat" first. A network that cannot be read is left out. EA_IO: HNS
 * did not answer; EA_PROTOCOL: with something else than JSON. */
ea_code ea_hns_nat_gateways(const struct ea_hns_calls *calls, ea_strlist *out,
                            ea_err *err) EA_CHECK;

#endif
