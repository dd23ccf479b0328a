/* folder.h - what lies in a folder, one after the other; for the files of this folder. Thread: any. */
#ifndef EA_PLAT_WIN_FOLDER_H
#define EA_PLAT_WIN_FOLDER_H

#include "wide.h"

#include <stdbool.h>

/* `path`: may be written to for the call, its length stays. `depth`: how many levels are left below it. */
typedef bool ea_child_fn(wchar_t *path, DWORD attributes, unsigned depth, void *ctx);
/* Calls `fn` with depth - 1 for each until it answers false, which is then the answer; false and GetLastError() also for
 * a folder that cannot be listed to its end. */
bool ea_each_child(const wchar_t *path, unsigned depth, ea_child_fn *fn, void *ctx);

#endif
