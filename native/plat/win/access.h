/* access.h - who gets at the files and folders of this agent, and who owns them; for the files of this folder.
 * Thread: any. */
#ifndef EA_PLAT_WIN_ACCESS_H
#define EA_PLAT_WIN_ACCESS_H

#include "wide.h"

#include <stdbool.h>

/* SYSTEM, Administrators and the owner (who is one of the two unless the agent runs as a user);
 * nothing is inherited from the folder above. */
#define EA_ACCESS_FILE L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-3-4)"
#define EA_ACCESS_DIR  L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-3-4)"
/* Also read by Users, which the users inside a container are. */
#define EA_ACCESS_SHARED EA_ACCESS_DIR L"(A;OICI;FRFX;;;BU)"

struct ea_access { /* ea_access_done() after use */
    SECURITY_ATTRIBUTES attributes;
    PSECURITY_DESCRIPTOR descriptor;
};
bool ea_access_make(const wchar_t *sddl, struct ea_access *a); /* false: GetLastError() */
void ea_access_done(struct ea_access *a);

/* Closed to others when it is made; is a folder already: ERROR_SUCCESS. */
DWORD ea_make_one_dir(const wchar_t *path);

#endif
