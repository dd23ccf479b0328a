/* port_proxy.h - the system's own proxy for TCP (netsh interface portproxy): 169.254.170.2:80 to 127.0.0.1:51679.
 * For hosts where the port cannot be bound; the tasks' own addresses are not seen through it.
 * Thread: any; telling the service may take seconds. Knows: its registry values and service.
 * Source: endpoints-and-windows.md section 4.2 step 7 and section 4.6, row "portproxy fallback". */
#ifndef EA_PLAT_WIN_PORT_PROXY_H
#define EA_PLAT_WIN_PORT_PROXY_H

#include "../../base/err.h"

#include <stdbool.h>

bool ea_port_proxy_look(void); /* there is a rule for the task endpoint, whatever its target */
/* Writes the rule, starts the service if need be and tells it to read its rules. */
ea_code ea_port_proxy_add(ea_err *err) EA_CHECK;
ea_code ea_port_proxy_remove(ea_err *err) EA_CHECK; /* absent: fine */

#endif
