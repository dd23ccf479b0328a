/* errno_text.h - errno as an error of ours, for the files of this folder. */
#ifndef EA_PLAT_UNIX_ERRNO_TEXT_H
#define EA_PLAT_UNIX_ERRNO_TEXT_H

#include "../../base/err.h"

/* "<doing> <what>: <words of the number>", with the code that fits it. */
ea_code ea_fail_errno(ea_err *err, int number, const char *doing, const char *what);

#endif
