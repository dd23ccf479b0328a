/* firewall.h - the inbound rule of Windows' firewall that lets containers reach the task endpoint, by COM.
 * Thread: any that may wait for a second; COM is entered and left in each call. Knows: INetFwPolicy2.
 * Source: endpoints-and-windows.md section 4.2 step 6 and section 4.6, row "Firewall". */
#ifndef EA_PLAT_WIN_FIREWALL_H
#define EA_PLAT_WIN_FIREWALL_H

#include "../hostnet.h"

/* EA_FACT_UNKNOWN: the firewall's service does not run, or this system has none. */
ea_fact ea_firewall_look(void);
ea_code ea_firewall_add(ea_err *err) EA_CHECK; /* TCP, port 80 of the task address, all profiles */
ea_code ea_firewall_remove(ea_err *err) EA_CHECK; /* absent, or no firewall: fine */

#endif
