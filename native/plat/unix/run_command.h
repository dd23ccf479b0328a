/* run_command.h - a program of the system, run to its end for what it says. No shell is between.
 * Thread: any; blocks. Knows: processes and pipes. Does not know: what the programs mean. */
#ifndef EA_PLAT_UNIX_RUN_COMMAND_H
#define EA_PLAT_UNIX_RUN_COMMAND_H

#include "../../base/buf.h"

#include <stdint.h>

/* Runs program argv[1..] (argv[0] included and NULL at the end, as env; both copied) with a null standard
 * input, default signals and a process group of its own. What it writes to standard output and error goes to
 * `out` in one stream, without what is beyond the buffer's bound. After limit_ms it is killed: EA_TIMEOUT.
 * An end that is not exit code 0 is EA_IO. Errors name the command, its exit code and its words.
 * exit_code  the program's own; -1 when it did not end by itself or did not begin */
ea_code ea_run_command(const char *program, const char *const *argv, const char *const *env,
                       int64_t limit_ms, ea_buf *out, int *exit_code, ea_err *err) EA_CHECK;

#endif
