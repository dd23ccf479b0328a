/* file_handle.h - what append.c needs of the system's files.c. Paths are UTF-8. Thread: any. */
#ifndef EA_PLAT_FILE_HANDLE_H
#define EA_PLAT_FILE_HANDLE_H

#include "../base/err.h"
#include "../base/str.h"

/* For appending; made with mode 0600. `size`: as it is now, bytes. EA_NOT_FOUND: its folder is missing. */
ea_code ea_file_open_append(const char *path, intptr_t *handle, int64_t *size,
                            ea_err *err) EA_CHECK;
ea_code ea_file_write(intptr_t handle, ea_str text, const char *path,
                      ea_err *err) EA_CHECK; /* all */
void ea_file_close(intptr_t handle);
/* Replaces `to`, and flushes nothing. A refusal is not told. */
void ea_file_move(const char *from, const char *to);
char *ea_file_parent(const char *path); /* append.c; "." of a bare name; caller frees */

#endif
