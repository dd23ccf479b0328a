#include "str.h"

#include "alloc.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

ea_str ea_str_of(const char *s)
{
    return (ea_str){ s, s ? strlen(s) : 0 };
}

bool ea_str_eq(ea_str a, ea_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool ea_str_eqz(ea_str a, const char *z)
{
    return ea_str_eq(a, ea_str_of(z));
}

bool ea_str_eq_nocase(ea_str a, ea_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

bool ea_str_starts(ea_str s, const char *prefix)
{
    size_t n = strlen(prefix);

    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool ea_str_ends(ea_str s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

ea_str ea_str_trim(ea_str s)
{
    while (s.n > 0 && blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

ea_str ea_str_cut(ea_str s, char sep, ea_str *head)
{
    const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
    size_t n;

    if (!at) {
        *head = s;
        return (ea_str){ NULL, 0 };
    }
    n = (size_t)(at - s.p);
    *head = (ea_str){ s.p, n };
    return (ea_str){ at + 1, s.n - n - 1 };
}

size_t ea_str_rfind(ea_str s, char c)
{
    for (size_t i = s.n; i > 0; i--) {
        if (s.p[i - 1] == c)
            return i - 1;
    }
    return SIZE_MAX;
}

char *ea_str_dup(ea_str s)
{
    return ea_strndup(s.p, s.n);
}

/* Digits alone; false on anything else. *big tells that the number does not fit. */
static bool digits(ea_str s, uint64_t *out, bool *big)
{
    uint64_t v = 0;

    *big = false;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

        if (d > 9)
            return false;
        if (v > (UINT64_MAX - d) / 10)
            *big = true;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

/* How much of a wrong value an error shows. */
static int shown(ea_str s)
{
    return (int)ea_utf8_cut(s.p, s.n, 40);
}

ea_code ea_str_to_u64(ea_str s, uint64_t min, uint64_t max, uint64_t *out, ea_err *err)
{
    uint64_t v = 0;
    bool big;

    if (!digits(s, &v, &big))
        return ea_fail(err, EA_INVALID, "'%.*s' is not a whole number", shown(s), s.p ? s.p : "");
    if (big || v < min || v > max)
        return ea_fail(err, EA_LIMIT, "'%.*s' is not between %llu and %llu", shown(s), s.p,
                       (unsigned long long)min, (unsigned long long)max);
    *out = v;
    return EA_OK;
}

ea_code ea_str_to_i64(ea_str s, int64_t min, int64_t max, int64_t *out, ea_err *err)
{
    ea_str rest = s;
    bool minus = false, big;
    uint64_t v = 0;
    int64_t got;

    if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+')) {
        minus = rest.p[0] == '-';
        rest.p++;
        rest.n--;
    }
    if (!digits(rest, &v, &big))
        return ea_fail(err, EA_INVALID, "'%.*s' is not a whole number", shown(s), s.p ? s.p : "");
    big = big || v > (uint64_t)INT64_MAX + (minus ? 1 : 0);
    if (big)
        got = 0;
    else if (minus)
        got = v == (uint64_t)INT64_MAX + 1 ? INT64_MIN : -(int64_t)v;
    else
        got = (int64_t)v;
    if (big || got < min || got > max)
        return ea_fail(err, EA_LIMIT, "'%.*s' is not between %lld and %lld", shown(s), s.p,
                       (long long)min, (long long)max);
    *out = got;
    return EA_OK;
}

ea_code ea_str_to_bool(ea_str s, bool *out, ea_err *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "1", true },    { "t", true },      { "T", true },      { "TRUE", true },
        { "true", true }, { "True", true },   { "0", false },     { "f", false },
        { "F", false },   { "FALSE", false }, { "false", false }, { "False", false },
    };
    ea_str word = ea_str_trim(s);

    for (size_t i = 0; i < EA_COUNT(words); i++) {
        if (ea_str_eqz(word, words[i].word)) {
            *out = words[i].value;
            return EA_OK;
        }
    }
    return ea_fail(err, EA_INVALID, "'%.*s' is neither true nor false", shown(s), s.p ? s.p : "");
}

bool ea_zstr_eq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

bool ea_zstr_empty(const char *s)
{
    return !s || !s[0];
}

size_t ea_utf8_seq(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t len;

    if (n == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] >= 0xc2 && u[0] <= 0xdf)
        len = 2;
    else if (u[0] >= 0xe0 && u[0] <= 0xef)
        len = 3;
    else if (u[0] >= 0xf0 && u[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (n < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF (RFC 3629, section 4). */
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return len;
}

size_t ea_utf8_cut(const char *s, size_t n, size_t max)
{
    size_t at = n < max ? n : max, start = at;

    if (at == 0)
        return 0;
    /* Back to the lead byte of the last sequence before the cut: keep it only when it is whole. */
    for (size_t back = 0; back < 4 && start > 0; back++) {
        start--;
        if (((unsigned char)s[start] & 0xc0) != 0x80)
            break;
    }
    if ((unsigned char)s[start] < 0xc0)
        return at; /* plain text, or no UTF-8 at all: any place is as good */
    return ea_utf8_seq(s + start, n - start) > at - start || ea_utf8_seq(s + start, n - start) == 0
               ? start
               : at;
}

bool ea_utf8_valid(ea_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t len = ea_utf8_seq(s.p + i, s.n - i);

        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

bool ea_str_next_csv(ea_str *rest, ea_str *item)
{
    ea_str head;

    if (rest->n == 0)
        return false;
    *rest = ea_str_cut(*rest, ',', &head);
    *item = ea_str_trim(head);
    return true;
}
