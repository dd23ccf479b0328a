/* port_hold.h - TCP ports: whether the system's NAT has taken one for itself, reservations of ours, and who
 * listens on one.
 * Thread: any. Knows: IP Helper's reservations and tables. Does not know: which ports matter.
 * Source: endpoints-and-windows.md section 4.6, rows "Serve port 80" and "Keep 51678/51679 from WinNAT". */
#ifndef EA_PLAT_WIN_PORT_HOLD_H
#define EA_PLAT_WIN_PORT_HOLD_H

#include "../hostnet.h"

/* Fills `reserved`, `first` and `last` of one port (whose number is set). Binds ports for a moment. */
void ea_port_look(struct ea_host_port *p);
/* Fills `first` and `last`: no call of the system tells a range, so the ports around are tried, this many at most
 * to each side (blocks of WinNAT have 100, and may touch). */
enum {
    EA_PORT_RANGE_MAX = 500
};
void ea_port_range(struct ea_host_port *p, bool (*kept)(const void *ctx, uint16_t port),
                   const void *ctx);
/* Over restarts of the machine. EA_CONFLICT: somebody has the port now. */
ea_code ea_port_reserve(uint16_t port, ea_err *err) EA_CHECK;
ea_code ea_port_unreserve(uint16_t port, ea_err *err) EA_CHECK; /* not reserved: fine */
/* "process 1234 (nginx.exe) listens on 0.0.0.0:80"; "" when nobody is seen. Our own process does not count. */
void ea_port_owner(uint16_t port, char out[200]);

#endif
