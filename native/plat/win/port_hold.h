/* port_hold.h - TCP ports: whether the system's NAT has taken one for itself, reservations of ours, and who
 * listens on one.
 * Thread: any. Knows: IP Helper's reservations and tables. Does not know: which ports matter.
 * Source: endpoints-and-windows.md section 4.6, rows "Serve port 80" and "Keep 51678/51679 from WinNAT". */
#ifndef EA_PLAT_WIN_PORT_HOLD_H
#define EA_PLAT_WIN_PORT_HOLD_H

#include "../hostnet.h"

/* Fills `reserved`, `first` and `last` of one port (whose number is set). The range is the port alone: the system
 * does not tell how far it goes. */
void ea_port_look(struct ea_host_port *p);
/* Over restarts of the machine. EA_CONFLICT: somebody has the port now. */
ea_code ea_port_reserve(uint16_t port, ea_err *err) EA_CHECK;
ea_code ea_port_unreserve(uint16_t port, ea_err *err) EA_CHECK; /* not reserved: fine */
/* "process 1234 (nginx.exe) listens on 0.0.0.0:80"; "" when nobody is seen. Our own process does not count. */
void ea_port_owner(uint16_t port, char out[200]);

#endif
