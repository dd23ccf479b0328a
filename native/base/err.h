/* err.h - errors as values: a code to act on, a number from below, a sentence that grows on its
 * way up. Low layers fail (ea_fail), middle layers add what only they know (ea_wrap), the one that
 * decides logs, once.
 * Thread: any. Knows: nothing of the agent. An ea_err lives on the caller's stack, owns nothing and
 * cannot itself fail. `err` parameters are never NULL, untouched on success, filled on failure. */
#ifndef EA_BASE_ERR_H
#define EA_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/* gcc for Windows takes plain `printf` for the system's own, which knows no %zu. */
#ifdef __clang__
#define EA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define EA_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#endif
#define EA_CHECK    __attribute__((warn_unused_result))
#define EA_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
#define EA_CODES(X) /* retry: the same call may work later */                                \
    /*  name         retry  cmdlet ErrorCategory  words                 */                   \
    X(OK,            0,     "NotSpecified",       "ok")                                      \
    X(INVALID,       0,     "InvalidArgument",    "invalid input")                           \
    X(SETTINGS,      0,     "InvalidArgument",    "invalid setting")                         \
    X(LIMIT,         0,     "LimitsExceeded",     "limit reached")                           \
    X(UNSUPPORTED,   0,     "NotImplemented",     "not supported here")                      \
    X(NOT_FOUND,     0,     "ObjectNotFound",     "not found")                               \
    X(CONFLICT,      0,     "ResourceExists",     "conflicts with what exists")              \
    X(DENIED,        0,     "PermissionDenied",   "access denied")                           \
    X(AUTH,          1,     "AuthenticationError", "credentials missing or refused")         \
    X(PROTOCOL,      1,     "ProtocolError",      "peer broke the protocol")                 \
    X(REFUSED,       0,     "InvalidOperation",   "request refused by the peer")             \
    X(THROTTLED,     1,     "LimitsExceeded",     "throttled by the peer")                   \
    X(SERVER,        1,     "ResourceUnavailable", "peer failed")                            \
    X(UNREACHABLE,   1,     "ConnectionError",    "peer unreachable")                        \
    X(TLS,           1,     "SecurityError",      "TLS failed")                              \
    X(TIMEOUT,       1,     "OperationTimeout",   "timed out")                               \
    X(CANCELLED,     0,     "OperationStopped",   "cancelled")                               \
    X(BUSY,          1,     "ResourceBusy",       "busy")                                    \
    X(IO,            1,     "WriteError",         "input or output failed")                  \
    X(STORE,         1,     "WriteError",         "state store failed")                      \
    X(NO_MEMORY,     1,     "ResourceUnavailable", "out of memory")
/* clang-format on */

typedef enum ea_code {
#define X(name, retry, category, words) EA_##name,
    EA_CODES(X)
#undef X
    EA_CODE_COUNT
} ea_code;

typedef struct ea_err {
    ea_code code;
    int sys;        /* errno, GetLastError(), CURLcode or SQLite code; HTTP status; 0 if none */
    char text[512]; /* "task a1b2: pull nginx: docker: no progress for 60 s" */
} ea_err;

/* Fills *err and returns `code`, so that a function can `return ea_fail(err, EA_LIMIT, ...)`. */
ea_code ea_fail(ea_err *err, ea_code code, const char *fmt, ...) EA_PRINTF(3, 4);
/* The same with a number from below. */
ea_code ea_fail_sys(ea_err *err, ea_code code, int sys, const char *fmt, ...) EA_PRINTF(4, 5);
/* Puts "<formatted>: " in front of the text and returns err->code. A text that no longer fits is
 * cut at its end, on a UTF-8 boundary. */
ea_code ea_wrap(ea_err *err, const char *fmt, ...) EA_PRINTF(2, 3);

const char *ea_code_name(ea_code code);     /* "TIMEOUT" */
const char *ea_code_words(ea_code code);    /* "timed out" */
const char *ea_code_category(ea_code code); /* a System.Management.Automation.ErrorCategory */
int ea_code_retryable(ea_code code);

#endif
