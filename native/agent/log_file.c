#include "log_file.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "event_log.h"

#include <stdio.h>

static struct {
    char *path;
    ea_plat_file open;
    int64_t max_bytes;
    unsigned keep;
    ea_level level;
    bool none;   /* ECS_LOGLEVEL_ON_INSTANCE: nothing is kept */
    bool failed; /* the last line went to standard error instead */
} file;

static ea_level events_level; /* ECS_LOGLEVEL: the file may have a level of its own */

static void to_file(void *ctx, ea_level level, const char *line, size_t n)
{
    ea_err err = { 0 };

    (void)ctx;
    if (file.none || level > file.level)
        return;
    if (ea_plat_append(&file.open, file.path, (ea_str){ line, n }, file.max_bytes, file.keep,
                       &err) == EA_OK) {
        file.failed = false;
        return;
    }
    if (!file.failed)
        (void)fprintf(stderr, "log file not written: %s\n", err.text);
    file.failed = true;
    (void)fwrite(line, 1, n, stderr);
}

static void to_events(void *ctx, ea_level level, const char *line, size_t n)
{
    ea_log_sink *sink = ea_event_log_sink();

    if (sink && level <= events_level)
        sink(ctx, level, line, n);
}

int64_t ea_log_file_max(const ea_config *config)
{
    if (ea_zstr_eq(ea_cfg_str(config, EA_CFG_LOG_ROLLOVER), "none"))
        return 0;
    return ea_cfg_int(config, EA_CFG_LOG_MAX_MB) * 1000000;
}

void ea_log_file_configure(const ea_config *config)
{
    ea_log_config log = { .level = EA_INFO };
    const char *path = ea_cfg_str(config, EA_CFG_LOGFILE);
    const char *own = ea_cfg_str(config, EA_CFG_LOGLEVEL_ON_INSTANCE);

    (void)ea_level_parse(ea_cfg_str(config, EA_CFG_LOGLEVEL), &log.level); /* was checked */
    file.level = events_level = log.level;
    file.none = ea_zstr_eq(own, "none");
    if (*own && *path && ea_level_parse(own, &file.level) && file.level > log.level)
        log.level = file.level;
    log.json = ea_zstr_eq(ea_cfg_str(config, EA_CFG_LOG_FORMAT), "json");
    if (*path) {
        ea_plat_append_close(&file.open);
        ea_set_str(&file.path, path);
        file.max_bytes = ea_log_file_max(config);
        file.keep = (unsigned)ea_cfg_int(config, EA_CFG_LOG_MAX_ROLL);
        log.sink = to_file;
    }
    log.extra = ea_event_log_sink() ? to_events : NULL;
    ea_log_configure(&log);
}

void ea_log_file_done(void)
{
    const ea_log_config plain = { .level = EA_INFO, .extra = ea_event_log_sink() };

    ea_log_configure(&plain); /* from here on nobody writes to the file */
    ea_plat_append_close(&file.open);
    ea_set_str(&file.path, NULL);
}
