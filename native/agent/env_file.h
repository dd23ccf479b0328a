/* env_file.h - environment files of a container: lines of NAME=value. Pure.
 * Source: task-engine.md section 7.4. Lines that begin with # or hold no = are left out; what stands
 * before the first = is the name, what follows the value, both as they are: nothing is trimmed, unquoted
 * or expanded. A carriage return before the line's end belongs to the end. */
#ifndef EA_AGENT_ENV_FILE_H
#define EA_AGENT_ENV_FILE_H

#include "../base/json.h"

#define EA_ENV_FILE_MAX (1024 * 1024) /* bytes of one file */
#define EA_ENV_LINE_MAX 65536

/* May it be used? EA_INVALID: a line too long, a NUL, not UTF-8; the text says which line. */
ea_code ea_env_file_check(ea_str text, ea_err *err) EA_CHECK;
/* Adds a checked file's variables. Names that `env` has already stay as they are; within the file the
 * last one wins. */
void ea_env_file_add(ea_str text, ea_strmap *env);

#endif
