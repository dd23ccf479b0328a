/* program.h - the installed program: executable and library copied into a folder of their version and
 * run there, never from a checkout. Thread: any. */
#ifndef EA_MANAGE_PROGRAM_H
#define EA_MANAGE_PROGRAM_H

#include "../base/err.h"

#include <stdbool.h>

/* "<root>/<version>"; caller frees. */
char *ea_program_dir(const char *root);
char *ea_program_exe(const char *dir);   /* ecsagent(.exe) in it; caller frees */
char *ea_program_local(const char *dir); /* ecslocal(.exe) in it; caller frees */
/* Every file there has the bytes of its source. */
bool ea_program_current(const char *source_dir, const char *dir);
ea_code ea_program_install(const char *source_dir, const char *dir, ea_err *err) EA_CHECK;

/* The installed files, and the folder if nothing else is in it. */
ea_code ea_program_remove(const char *dir, ea_err *err) EA_CHECK;

#endif
