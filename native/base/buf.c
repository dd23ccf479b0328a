#include "buf.h"

#include "alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ea_buf_done(ea_buf *b)
{
    ea_free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
    b->failed = EA_OK;
}

void ea_buf_done_secret(ea_buf *b)
{
    ea_secret_wipe(b->p, b->cap);
    ea_buf_done(b);
}

void ea_buf_clear(ea_buf *b)
{
    b->n = 0;
    b->failed = EA_OK;
    if (b->p)
        b->p[0] = '\0';
}

/* Room for n more bytes and the NUL. The old block is wiped, as it may have held a secret. */
static bool reserve(ea_buf *b, size_t n)
{
    size_t need, cap;
    char *p;

    if (b->failed)
        return false;
    if (b->n > b->max || n > b->max - b->n) {
        b->failed = EA_LIMIT;
        return false;
    }
    need = b->n + n + 1;
    if (need <= b->cap)
        return true;
    cap = b->cap == 0 ? 256 : b->cap * 2;
    if (cap < need)
        cap = need;
    if (cap > b->max)
        cap = b->max + 1;
    p = ea_try_realloc(NULL, cap); /* not zeroed: all of it is written before it is read */
    if (!p) {
        b->failed = EA_NO_MEMORY;
        return false;
    }
    if (b->p)
        memcpy(p, b->p, b->n);
    p[b->n] = '\0';
    ea_secret_wipe(b->p, b->n);
    ea_free(b->p);
    b->p = p;
    b->cap = cap;
    return true;
}

void ea_buf_add(ea_buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n != 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void ea_buf_adds(ea_buf *b, const char *s)
{
    if (s)
        ea_buf_add(b, s, strlen(s));
}

void ea_buf_addc(ea_buf *b, char c)
{
    if (!reserve(b, 1))
        return;
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}

void ea_buf_add_i64(ea_buf *b, int64_t v)
{
    char text[20];
    size_t at = sizeof(text);
    uint64_t left = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;

    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (v < 0)
        text[--at] = '-';
    ea_buf_add(b, text + at, sizeof(text) - at);
}

void ea_buf_addf(ea_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    size_t room;
    int n;

    if (!reserve(b, 0))
        return;
    va_start(ap, fmt);
    va_copy(again, ap);
    room = b->cap - b->n;
    n = vsnprintf(b->p + b->n, room, fmt, ap);
    if (n < 0) {
        b->failed = EA_INVALID;
        b->p[b->n] = '\0';
    } else if ((size_t)n < room) {
        b->n += (size_t)n;
    } else {
        b->p[b->n] = '\0';
        if (reserve(b, (size_t)n)) {
            (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again); /* measured just now */
            b->n += (size_t)n;
        }
    }
    va_end(again);
    va_end(ap);
}

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_escaped(ea_buf *b, const char *s, char kept)
{
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (unreserved(c) || (kept && *s == kept)) {
            ea_buf_addc(b, *s);
        } else {
            char code[3] = { '%', hex_upper[c >> 4], hex_upper[c & 15] };

            ea_buf_add(b, code, sizeof(code));
        }
    }
}

void ea_buf_add_urlenc(ea_buf *b, const char *s)
{
    add_escaped(b, s, '\0');
}

void ea_buf_add_urlenc_path(ea_buf *b, const char *s)
{
    add_escaped(b, s, '/');
}

void ea_buf_add_hex(ea_buf *b, const void *p, size_t n)
{
    const unsigned char *u = p;

    for (size_t i = 0; i < n; i++) {
        char two[2] = { hex_lower[u[i] >> 4], hex_lower[u[i] & 15] };

        ea_buf_add(b, two, sizeof(two));
    }
}

static const char base64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void add_base64(ea_buf *b, const void *p, size_t n, const char *alphabet)
{
    const unsigned char *u = p;

    if (!reserve(b, n < SIZE_MAX / 2 ? (n + 2) / 3 * 4 : n)) /* what is longer fits nowhere */
        return;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned long v = (unsigned long)u[i] << 16;
        char *four = b->p + b->n;

        if (left > 1)
            v |= (unsigned long)u[i + 1] << 8;
        if (left > 2)
            v |= u[i + 2];
        four[0] = alphabet[v >> 18];
        four[1] = alphabet[(v >> 12) & 63];
        four[2] = left > 1 ? alphabet[(v >> 6) & 63] : '=';
        four[3] = left > 2 ? alphabet[v & 63] : '=';
        b->n += 4;
    }
    b->p[b->n] = '\0';
}

void ea_buf_add_base64(ea_buf *b, const void *p, size_t n)
{
    add_base64(b, p, n, base64_std);
}

void ea_buf_add_base64url(ea_buf *b, const void *p, size_t n)
{
    add_base64(b, p, n, base64_url);
}

/* What stands for one byte (or sequence) that cannot go out as it is. */
static void add_json_escape(ea_buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        ea_buf_add(b, "\\\"", 2);
        break;
    case '\\':
        ea_buf_add(b, "\\\\", 2);
        break;
    case '\n':
        ea_buf_add(b, "\\n", 2);
        break;
    case '\r':
        ea_buf_add(b, "\\r", 2);
        break;
    case '\t':
        ea_buf_add(b, "\\t", 2);
        break;
    default: {
        char code[6] = { '\\', 'u', '0', '0', hex_lower[c >> 4], hex_lower[c & 15] };

        ea_buf_add(b, code, sizeof(code));
        break;
    }
    }
}

/* What goes out as it is in both forms: most of any text. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static bool is_line_separator(const char *s, size_t n)
{
    return n == 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0);
}

static void add_json(ea_buf *b, ea_str s, bool html)
{
    size_t run = 0; /* start of what goes out unchanged */

    if (!reserve(b, s.n < SIZE_MAX - 2 ? s.n + 2 : s.n))
        return;
    ea_buf_addc(b, '"');
    for (size_t i = 0; i < s.n;) {
        while (i < s.n && is_plain((unsigned char)s.p[i]))
            i++;
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        bool plain = c >= 0x20 && c != '"' && c != '\\';
        size_t len = 1;

        if (html && (c == '<' || c == '>' || c == '&'))
            plain = false;
        if (c >= 0x80) {
            len = ea_utf8_seq(s.p + i, s.n - i);
            plain = len != 0 && !(html && is_line_separator(s.p + i, len));
        }
        if (!plain) {
            ea_buf_add(b, s.p + run, i - run);
            if (c < 0x80) {
                add_json_escape(b, c);
            } else if (len == 0) {
                ea_buf_add(b, "\xef\xbf\xbd", 3); /* U+FFFD for the one byte that is wrong */
                len = 1;
            } else {
                ea_buf_adds(b, (unsigned char)s.p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
            }
            run = i + len;
        }
        i += len;
    }
    if (s.n > run)
        ea_buf_add(b, s.p + run, s.n - run);
    ea_buf_addc(b, '"');
}

void ea_buf_add_json_str(ea_buf *b, ea_str s)
{
    add_json(b, s, false);
}

void ea_buf_add_json_str_html(ea_buf *b, ea_str s)
{
    add_json(b, s, true);
}

void ea_buf_drop_front(ea_buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
    } else if (n > 0) {
        memmove(b->p, b->p + n, b->n - n);
        b->n -= n;
    }
    if (b->p)
        b->p[b->n] = '\0';
}

ea_str ea_buf_str(const ea_buf *b)
{
    return (ea_str){ b->p, b->n };
}

const char *ea_buf_z(const ea_buf *b)
{
    return b->p ? b->p : "";
}

ea_code ea_buf_check(const ea_buf *b, ea_err *err)
{
    switch ((int)b->failed) {
    case EA_OK:
        return EA_OK;
    case EA_LIMIT:
        return ea_fail(err, EA_LIMIT, "more than %zu bytes", b->max);
    case EA_NO_MEMORY:
        return ea_fail(err, EA_NO_MEMORY, "no memory for a buffer of %zu bytes", b->n);
    default:
        return ea_fail(err, b->failed, "text could not be formatted");
    }
}

ea_code ea_buf_take(ea_buf *b, char **out, ea_err *err)
{
    if (!b->failed)
        (void)reserve(b, 0); /* so that an empty text is "" and not NULL; its failure sticks */
    if (b->failed) {
        ea_code code = ea_buf_check(b, err);

        ea_buf_done_secret(b);
        return code;
    }
    b->p[b->n] = '\0';
    *out = b->p;
    *b = EA_BUF(b->max);
    return EA_OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

ea_code ea_base64_decode(ea_str in, size_t max, ea_buf *out, ea_err *err)
{
    unsigned long v = 0;
    unsigned bits = 0;
    size_t pad = 0, made;

    while (in.n > 0 && pad < 2 && in.p[in.n - 1] == '=') {
        in.n--;
        pad++;
    }
    if (in.n % 4 == 1 || (pad != 0 && (in.n + pad) % 4 != 0))
        return ea_fail(err, EA_INVALID, "base64 text is cut off");
    made = in.n / 4 * 3 + (in.n % 4 ? in.n % 4 - 1 : 0);
    if (made > max)
        return ea_fail(err, EA_LIMIT, "base64 text holds more than %zu bytes", max);
    for (size_t i = 0; i < in.n; i++) {
        int value = base64_value(in.p[i]);

        if (value < 0)
            return ea_fail(err, EA_INVALID, "byte %zu does not belong in base64", i);
        v = ((v << 6) | (unsigned long)value) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ea_buf_addc(out, (char)(unsigned char)(v >> bits));
        }
    }
    return ea_buf_check(out, err);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

ea_code ea_hex_decode(ea_str in, void *out, size_t out_n, ea_err *err)
{
    unsigned char *u = out;

    if (in.n != out_n * 2)
        return ea_fail(err, EA_INVALID, "%zu hexadecimal digits expected, %zu found", out_n * 2,
                       in.n);
    for (size_t i = 0; i < in.n; i++) {
        if (hex_value(in.p[i]) < 0)
            return ea_fail(err, EA_INVALID, "byte %zu is no hexadecimal digit", i);
    }
    for (size_t i = 0; i < out_n; i++)
        u[i] = (unsigned char)(hex_value(in.p[2 * i]) << 4 | hex_value(in.p[2 * i + 1]));
    return EA_OK;
}
