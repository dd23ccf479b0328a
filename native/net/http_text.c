/* http_text.c - paths, queries and response heads. See http_text.h. */
#include "http_text.h"

#include "../base/alloc.h"
#include "../base/clock.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Unescapes %XX once. EA_INVALID on a broken escape or a NUL. *out: caller frees by ea_free. */
static ea_code unescape(ea_str in, char **out, ea_err *err)
{
    char *text = ea_try_alloc(in.n + 1);
    size_t n = 0;

    if (!text)
        return ea_fail(err, EA_NO_MEMORY, "no memory for %zu bytes of a request target", in.n);
    for (size_t i = 0; i < in.n; i++) {
        int byte = (unsigned char)in.p[i];

        if (in.p[i] == '%') {
            int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

            byte = high < 0 || low < 0 ? -1 : high * 16 + low;
            i += 2;
        }
        if (byte <= 0) {
            ea_free(text);
            return ea_fail(err, EA_INVALID, "broken escape or NUL in a request target");
        }
        text[n++] = (char)byte;
    }
    text[n] = '\0';
    *out = text;
    return EA_OK;
}

/* Resolves "//", "." and ".." in place; the result is never longer than the input. */
static void clean(char *path)
{
    size_t out = 0;
    const char *in = path;

    while (*in) {
        const char *end;
        size_t n;

        while (*in == '/')
            in++;
        end = strchr(in, '/');
        n = end ? (size_t)(end - in) : strlen(in);
        if (n == 0 || (n == 1 && in[0] == '.')) {
            /* adds nothing; a slash at the end is put back below */
        } else if (n == 2 && in[0] == '.' && in[1] == '.') {
            while (out > 0 && path[--out] != '/') {
            }
        } else {
            path[out++] = '/';
            memmove(path + out, in, n);
            out += n;
        }
        in += n;
        if (!*in && n == 0)
            path[out++] = '/';
    }
    if (out == 0)
        path[out++] = '/';
    path[out] = '\0';
}

ea_code ea_http_clean_path(ea_str target, char **path, char **raw, ea_err *err)
{
    ea_str p = target;
    const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    char *text = NULL;
    size_t n;

    if (mark)
        p.n = (size_t)(mark - target.p);
    if (ea_str_starts(p, "http://") || ea_str_starts(p, "https://")) {
        const char *host = strstr(p.p, "://") + 3;
        const char *slash = memchr(host, '/', (size_t)(p.p + p.n - host));

        p = slash ? (ea_str){ slash, (size_t)(p.p + p.n - slash) } : EA_STR("/");
    }
    if (p.n == 0 || p.p[0] != '/')
        return ea_fail(err, EA_INVALID, "a request target must begin with a slash");
    if (unescape(p, &text, err))
        return err->code;
    n = strlen(text);
    /* the cleaner may need one byte more than it read: "/.." becomes "/" */
    *path = ea_alloc(n + 2);
    memcpy(*path, text, n);
    ea_free(text);
    clean(*path);
    *raw = ea_str_dup(p);
    return EA_OK;
}

bool ea_http_query_find(const char *query, const char *name, char **value)
{
    ea_str rest = ea_str_of(query);

    while (rest.n) {
        ea_str pair, key, escaped;
        ea_err err;
        char *text = NULL;
        bool same;

        rest = ea_str_cut(rest, '&', &pair);
        escaped = ea_str_cut(pair, '=', &key);
        if (unescape(key, &text, &err))
            continue;
        same = strcmp(text, name) == 0;
        ea_free(text);
        if (same)
            return unescape(escaped, value, &err) == EA_OK;
    }
    return false;
}

bool ea_http_has_token(const char *value, const char *token)
{
    ea_str rest = ea_str_of(value), item;

    while (value && ea_str_next_csv(&rest, &item))
        if (ea_str_eq_nocase(item, ea_str_of(token)))
            return true;
    return false;
}

void ea_http_add_date(ea_buf *b, int64_t wall_ms)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t s = wall_ms / 1000;
    int64_t day = s / 86400;
    char iso[EA_RFC3339_MAX];
    int month;

    ea_format_rfc3339(s * 1000, 0, iso); /* 1994-11-06T08:49:37Z */
    month = (iso[5] - '0') * 10 + (iso[6] - '0') - 1;
    if (s < 0 || month < 0 || month > 11)
        return;
    ea_buf_addf(b, "%.3s, %.2s %.3s %.4s %.8s GMT", days + 3 * (day % 7), iso + 8,
                months + 3 * month, iso, iso + 11);
}

const char *ea_http_status_words(int status)
{
    static const struct {
        int status;
        const char *words;
    } known[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 301, "Moved Permanently" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 426, "Upgrade Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
    };

    for (size_t i = 0; i < EA_COUNT(known); i++)
        if (known[i].status == status)
            return known[i].words;
    return "Status";
}

void ea_http_add_head(ea_buf *b, const ea_http_response *resp, int64_t now_ms, bool keep_alive)
{
    ea_buf_addf(b, "HTTP/1.1 %d %s\r\nDate: ", resp->status, ea_http_status_words(resp->status));
    ea_http_add_date(b, now_ms);
    if (resp->content_type)
        ea_buf_addf(b, "\r\nContent-Type: %s", resp->content_type);
    for (size_t i = 0; i < resp->header_count; i++)
        ea_buf_addf(b, "\r\n%s: %s", resp->headers[i].name, resp->headers[i].value);
    if (resp->status != 204 && resp->status != 304)
        ea_buf_addf(b, "\r\nContent-Length: %zu", resp->body.n);
    if (!keep_alive)
        ea_buf_adds(b, "\r\nConnection: close");
    ea_buf_adds(b, "\r\n\r\n");
}
