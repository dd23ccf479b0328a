/* compartments.h - routes inside the network compartments of containers, so that images without a route of their
 * own reach the task address: it lies outside the subnet of their adapter.
 * Thread: any that may wait a second; changes are made on a thread of its own, which alone is inside a compartment.
 * Knows: IP Helper across compartments. Does not know: Docker's ids; every container on the NAT network is meant.
 * Source: endpoints-and-windows.md section 4.4 and section 4.6, row "Route inside a container". Containers with
 * Hyper-V isolation have no compartment on this host. */
#ifndef EA_PLAT_WIN_COMPARTMENTS_H
#define EA_PLAT_WIN_COMPARTMENTS_H

#include "adapters.h"

struct ea_compartment { /* one adapter of one container */
    unsigned id;
    NET_LUID luid;
};
/* The system's side; tests have one of their own. */
struct ea_compartment_calls {
    void *ctx;
    /* Adapters of all compartments but the host's own whose address is in the NAT network's subnet; at most `max`. */
    unsigned (*list)(void *ctx, const struct ea_nat_adapter *nat, struct ea_compartment *out,
                     unsigned max);
    /* From inside the compartment: ERROR_SUCCESS, also when it is there already. */
    DWORD (*has_route)(void *ctx, const struct ea_compartment *c, IN_ADDR to, bool *has);
    DWORD (*add_route)(void *ctx, const struct ea_compartment *c, IN_ADDR to, IN_ADDR gateway);
};
/* NULL: this system has no compartments that can be entered. Static. */
const struct ea_compartment_calls *ea_compartments_system(void);

/* Containers that lack the route. */
unsigned ea_compartments_unrouted(const struct ea_compartment_calls *calls,
                                  const struct ea_nat_adapter *nat, IN_ADDR to);
/* Adds it wherever it is missing; one that ends meanwhile is no error. */
ea_code ea_compartments_route(const struct ea_compartment_calls *calls,
                              const struct ea_nat_adapter *nat, IN_ADDR to, ea_err *err) EA_CHECK;

#endif
