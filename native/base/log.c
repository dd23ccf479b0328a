#include "log.h"

#include "buf.h"
#include "clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define LINE_MAX_BYTES  (16u * 1024)
#define VALUE_MAX_BYTES 4096u

static struct ea_log_config config = { .level = EA_INFO };
static uv_mutex_t lock;
static uv_once_t lock_once = UV_ONCE_INIT;

static const char *const level_names[EA_LEVEL_COUNT] = { "critical", "error", "warn", "info",
                                                         "debug" };

static void make_lock(void)
{
    (void)uv_mutex_init(&lock); /* cannot fail for a plain mutex */
}

void ea_log_configure(const ea_log_config *c)
{
    uv_once(&lock_once, make_lock);
    uv_mutex_lock(&lock);
    config = *c;
    uv_mutex_unlock(&lock);
}

bool ea_log_enabled(ea_level level)
{
    return level <= config.level;
}

const char *ea_level_name(ea_level level)
{
    return (int)level >= 0 && level < EA_LEVEL_COUNT ? level_names[level] : "none";
}

bool ea_level_parse(const char *text, ea_level *out)
{
    static const struct {
        const char *word;
        ea_level level;
    } words[] = {
        { "crit", EA_CRIT }, { "critical", EA_CRIT }, { "error", EA_ERROR },
        { "warn", EA_WARN }, { "info", EA_INFO },     { "debug", EA_DEBUG },
    };

    for (size_t i = 0; i < EA_COUNT(words); i++) {
        if (ea_str_eq_nocase(ea_str_of(text), ea_str_of(words[i].word))) {
            *out = words[i].level;
            return true;
        }
    }
    return false;
}

/* A value that reads as one word goes out bare, as logfmt wants it; all else is quoted. */
static bool bare(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void add_text(ea_buf *b, const char *s, bool always_quoted)
{
    size_t n = s ? strlen(s) : 0;

    if (!always_quoted && n != 0 && n <= VALUE_MAX_BYTES && bare(s)) {
        ea_buf_add(b, s, n);
        return;
    }
    ea_buf_add_json_str(b, (ea_str){ s, n ? ea_utf8_cut(s, n, VALUE_MAX_BYTES) : 0 });
}

static void add_field(ea_buf *b, const ea_field *f, bool json)
{
    if (json) {
        ea_buf_addc(b, ',');
        ea_buf_add_json_str(b, ea_str_of(f->key));
        ea_buf_addc(b, ':');
    } else {
        ea_buf_addc(b, ' ');
        ea_buf_adds(b, f->key);
        ea_buf_addc(b, '=');
    }
    switch (f->kind) {
    case EA_F_STR:
        add_text(b, f->s, json);
        break;
    case EA_F_INT:
        ea_buf_add_i64(b, f->i);
        break;
    case EA_F_BOOL:
        ea_buf_adds(b, f->i ? "true" : "false");
        break;
    }
}

/* "native/engine/engine.c" -> "engine.c" */
static const char *file_name(const char *path)
{
    const char *name = path;

    for (; *path; path++) {
        if (*path == '/' || *path == '\\')
            name = path + 1;
    }
    return name;
}

static void write_line(ea_level level, const char *line, size_t n)
{
    uv_once(&lock_once, make_lock);
    uv_mutex_lock(&lock);
    if (config.sink) {
        config.sink(config.ctx, level, line, n);
    } else {
        (void)fwrite(line, 1, n, stderr); /* a log that cannot be written has nobody to tell */
        (void)fflush(stderr);
    }
    if (config.extra)
        config.extra(config.extra_ctx, level, line, n);
    uv_mutex_unlock(&lock);
}

void ea_log_line(ea_level level, const char *file, const char *msg, ...)
{
    EA_BUF_AUTO b = EA_BUF(LINE_MAX_BYTES);
    bool json = config.json;
    char when[EA_RFC3339_MAX];
    va_list ap;

    ea_format_rfc3339(ea_now().wall_ms, 1, when);
    if (json) {
        ea_buf_addf(&b, "{\"level\":\"%s\",\"time\":\"%s\",\"msg\":", ea_level_name(level), when);
        add_text(&b, msg, true);
        ea_buf_adds(&b, ",\"module\":");
        add_text(&b, file_name(file), true);
    } else {
        ea_buf_adds(&b, "level=");
        ea_buf_adds(&b, ea_level_name(level));
        ea_buf_adds(&b, " time=");
        ea_buf_adds(&b, when);
        ea_buf_adds(&b, " msg=");
        add_text(&b, msg, true);
        ea_buf_adds(&b, " module=");
        ea_buf_adds(&b, file_name(file));
    }
    va_start(ap, msg);
    for (;;) {
        ea_field f = va_arg(ap, ea_field);
        size_t before = b.n;

        if (!f.key)
            break;
        add_field(&b, &f, json);
        if (b.failed) { /* no room for this field: the line stays whole without it */
            b.n = before;
            b.failed = EA_OK;
            b.max = LINE_MAX_BYTES + 64;
            ea_buf_adds(&b, json ? ",\"cut\":true" : " cut=true");
            break;
        }
    }
    va_end(ap);
    b.max = LINE_MAX_BYTES + 64;
    ea_buf_adds(&b, json ? "}\n" : "\n");
    if (b.p)
        write_line(level, b.p, b.n);
}
