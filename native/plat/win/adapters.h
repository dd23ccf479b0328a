/* adapters.h - the adapter that the task address belongs on, and addresses and routes of this host, by IP Helper.
 * Thread: any. Knows: IP Helper, HNS' gateways. Does not know: what should be done when.
 * Source: endpoints-and-windows.md sections 4.2, 4.3 and 4.6. */
#ifndef EA_PLAT_WIN_ADAPTERS_H
#define EA_PLAT_WIN_ADAPTERS_H

#include "wide.h"

#include <iphlpapi.h>
#include <netioapi.h>

#include "../hostnet.h"

struct ea_nat_adapter {
    NET_LUID luid;
    char name[128];
    IN_ADDR gateway; /* 0.0.0.0: not known */
    unsigned bits;   /* of the containers' subnet */
};
/* By the gateway of Docker's NAT network, whatever adapters of earlier networks are called; where HNS cannot be
 * asked at all, by the usual name of an adapter that is up. False: `why` says what is missing. */
bool ea_nat_adapter_find(struct ea_nat_adapter *out, char why[200]);
/* The name that HNS gives such adapters. Also for subnets of sources. */
bool ea_nat_adapter_is(const NET_LUID *luid);
/* Registered adapters of that name which are not up. */
unsigned ea_nat_adapter_ghosts(void);

ea_address_state ea_address_look(IN_ADDR ip, NET_LUID *on);
/* Prefix 32, never a source of the host's own connections; gone after a restart. */
ea_code ea_address_add(IN_ADDR ip, const NET_LUID *luid, ea_err *err) EA_CHECK;
ea_code ea_address_remove(IN_ADDR ip, ea_err *err) EA_CHECK; /* wherever it is; absent: fine */

/* A route to the adapter's subnet lies on the adapter itself. */
ea_fact ea_route_look(const struct ea_nat_adapter *a);
ea_code ea_route_add(const struct ea_nat_adapter *a, ea_err *err) EA_CHECK;

#endif
