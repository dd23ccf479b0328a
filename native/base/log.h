/* log.h - structured log lines: level, short message without values, then typed fields.
 *   ea_info("container started", EA_S("task", arn), EA_I("took_ms", ms));
 * The same key means the same everywhere: task container image err sys took_ms attempt.
 * ERROR: someone must act. WARN: went wrong, work goes on. INFO: a state changed. DEBUG: the rest.
 * Line (endpoints-and-windows.md section 3.6): level=info time=<RFC 3339> msg="..." module=<file>
 * key=value..., or one JSON object a line. Quoting lives here; secrets are never passed in.
 * Thread: any (one lock around the write). */
#ifndef EA_BASE_LOG_H
#define EA_BASE_LOG_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ea_level {
    EA_CRIT,
    EA_ERROR,
    EA_WARN,
    EA_INFO,
    EA_DEBUG,
    EA_LEVEL_COUNT
} ea_level;

typedef struct ea_field {
    const char *key;
    enum {
        EA_F_STR,
        EA_F_INT,
        EA_F_BOOL
    } kind;
    const char *s; /* borrowed for the call; NULL prints as "" */
    int64_t i;
} ea_field;

#define EA_S(k, v) ((ea_field){ .key = (k), .kind = EA_F_STR, .s = (v) })
#define EA_I(k, v) ((ea_field){ .key = (k), .kind = EA_F_INT, .i = (int64_t)(v) })
#define EA_B(k, v) ((ea_field){ .key = (k), .kind = EA_F_BOOL, .i = (v) ? 1 : 0 })

/* Where a finished line goes. `line` ends in a newline and is borrowed. */
typedef void ea_log_sink(void *ctx, ea_level level, const char *line, size_t n);

typedef struct ea_log_config {
    ea_level level; /* lines above it are dropped; default EA_INFO */
    bool json;
    ea_log_sink *sink; /* NULL: standard error */
    void *ctx;
    ea_log_sink *extra; /* a second receiver (event log), may be NULL; gets every line <= level */
    void *extra_ctx;
} ea_log_config;

void ea_log_configure(const ea_log_config *config); /* copied */
bool ea_log_enabled(ea_level level);
/* "info" -> EA_INFO; also crit, critical, error, warn, debug; "none" gives false. */
bool ea_level_parse(const char *text, ea_level *out);
const char *ea_level_name(ea_level level);

/* Fields end with EA_FIELD_END; called through the macros below. */
void ea_log_line(ea_level level, const char *file, const char *msg, ...);

#define EA_FIELD_END ((ea_field){ .key = NULL })
#define EA_LOG_AT(lvl, ...)                                                                        \
    do {                                                                                           \
        if (ea_log_enabled(lvl))                                                                   \
            ea_log_line((lvl), __FILE__, __VA_ARGS__, EA_FIELD_END);                               \
    } while (0)
#define ea_crit(...)  EA_LOG_AT(EA_CRIT, __VA_ARGS__)
#define ea_error(...) EA_LOG_AT(EA_ERROR, __VA_ARGS__)
#define ea_warn(...)  EA_LOG_AT(EA_WARN, __VA_ARGS__)
#define ea_info(...)  EA_LOG_AT(EA_INFO, __VA_ARGS__)
#define ea_debug(...) EA_LOG_AT(EA_DEBUG, __VA_ARGS__)

#endif
