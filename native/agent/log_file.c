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
    bool failed; /* the last line went to standard error instead */
} file;

static void to_file(void *ctx, ea_level level, const char *line, size_t n)
{
    ea_err err = { 0 };

    (void)ctx;
    (void)level;
    if (ea_plat_append_kept(&file.open, file.path, (ea_str){ line, n }, file.max_bytes, file.keep,
                            &err) == EA_OK) {
        file.failed = false;
        return;
    }
    if (!file.failed)
        (void)fprintf(stderr, "log file not written: %s\n", err.text);
    file.failed = true;
    (void)fwrite(line, 1, n, stderr);
}

void ea_log_file_configure(const ea_config *config)
{
    ea_log_config log = { .level = EA_INFO };
    const char *path = ea_cfg_str(config, EA_CFG_LOGFILE);

    (void)ea_level_parse(ea_cfg_str(config, EA_CFG_LOGLEVEL), &log.level); /* was checked */
    log.json = ea_zstr_eq(ea_cfg_str(config, EA_CFG_LOG_FORMAT), "json");
    if (*path) {
        ea_plat_append_close(&file.open);
        ea_set_str(&file.path, path);
        file.max_bytes = ea_cfg_int(config, EA_CFG_LOG_MAX_MB) * 1000000;
        file.keep = (unsigned)ea_cfg_int(config, EA_CFG_LOG_MAX_ROLL);
        log.sink = to_file;
    }
    log.extra = ea_event_log_sink();
    ea_log_configure(&log);
}

void ea_log_file_done(void)
{
    const ea_log_config plain = { .level = EA_INFO, .extra = ea_event_log_sink() };

    ea_log_configure(&plain); /* from here on nobody writes to the file */
    ea_plat_append_close(&file.open);
    ea_set_str(&file.path, NULL);
}
