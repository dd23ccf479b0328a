/* wide.h - UTF-8 to and from Windows' UTF-16, and its error numbers as errors of ours; for the files
 * of this folder. Includes windows.h in the one order that works. */
#ifndef EA_PLAT_WIN_WIDE_H
#define EA_PLAT_WIN_WIDE_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <wchar.h>

#include "../../base/alloc.h"
#include "../../base/err.h"

/* Bad UTF-8 becomes U+FFFD. NULL gives NULL; caller frees by ea_free. */
wchar_t *ea_wide(const char *utf8);
char *ea_narrow(const wchar_t *wide);

/* As ea_wide; a path that is near MAX_PATH takes the form without a limit, `\\?\` in front. */
wchar_t *ea_wide_path(const char *path);
wchar_t *
ea_long_path(const char *path); /* takes that form whatever its length, pipes and shares do not */
#define EA_LONG_PATH   L"\\\\?\\"
#define EA_LONG_PATH_N 4

/* "<doing> <what>: <words of the number>", with the code that fits it. */
ea_code ea_fail_win(ea_err *err, DWORD number, const char *doing, const char *what);

#endif
