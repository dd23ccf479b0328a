/* ghosts.h - devices of network adapters that are registered and not there any more: each network that Docker
 * made anew, also in the image a machine was started from, leaves one, and its name is not free.
 * Thread: any that may wait for some seconds; needs administrator's rights. Knows: SetupAPI (loaded at run time).
 * Source: endpoints-and-windows.md section 4.7 item 2. */
#ifndef EA_PLAT_WIN_GHOSTS_H
#define EA_PLAT_WIN_GHOSTS_H

#include "../../base/err.h"

/* Removes every absent device of class Net whose connection was called "vEthernet (nat)", with or without a number.
 * The one that is there, and adapters of other names, are left alone. */
ea_code ea_ghosts_remove(unsigned *removed, ea_err *err) EA_CHECK;

#endif
