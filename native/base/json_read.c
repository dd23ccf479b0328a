#include "json_read.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRACTION_MAX = 63 /* characters of a number that is not whole */
};

struct ea_jread ea_jread_of(ea_str text)
{
    return (struct ea_jread){ .start = text.p,
                              .p = text.p,
                              .end = text.n ? text.p + text.n : text.p,
                              .why = text.n ? NULL : "empty" };
}

static void fail(struct ea_jread *r, const char *why)
{
    if (!r->why)
        r->why = why;
}

/* The character that follows blanks; '\0' when there is none, or one that JSON does not have. */
static char look(struct ea_jread *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
    return r->why || r->p == r->end ? '\0' : *r->p;
}

char ea_jread_peek(struct ea_jread *r)
{
    return look(r);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the escape that begins at `p`; 0: it is none. */
static size_t escape(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
    if (end - p < 6)
        return 0;
    for (size_t i = 2; i < 6; i++) {
        if (!is_hex(p[i]))
            return 0;
    }
    return 6;
}

static ea_str string(struct ea_jread *r)
{
    const char *start = ++r->p;

    while (r->p < r->end && *r->p != '"') {
        size_t n = *r->p == '\\' ? escape(r->p, r->end) : (unsigned char)*r->p >= ' ';

        if (!n) {
            fail(r, "not a character of a string");
            return (ea_str){ NULL, 0 };
        }
        r->p += n;
    }
    if (r->p >= r->end) {
        fail(r, "a string without an end");
        return (ea_str){ NULL, 0 };
    }
    return (ea_str){ start, (size_t)(r->p++ - start) };
}

static bool digits(struct ea_jread *r)
{
    const char *start = r->p;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > start;
}

static bool is_next(const struct ea_jread *r, const char *one_of)
{
    return r->p < r->end && *r->p && strchr(one_of, *r->p);
}

/* The text of a number; `whole`: it has digits alone, and perhaps a sign. */
static ea_str number(struct ea_jread *r, bool *whole)
{
    const char *start = r->p, *first;
    bool good;

    *whole = true;
    if (*r->p == '-')
        r->p++;
    first = r->p;
    good = digits(r) && (*first != '0' || r->p == first + 1);
    if (good && is_next(r, ".")) {
        *whole = false;
        r->p++;
        good = digits(r);
    }
    if (good && is_next(r, "eE")) {
        *whole = false;
        r->p++;
        if (is_next(r, "+-"))
            r->p++;
        good = digits(r);
    }
    if (!good) {
        fail(r, "not a number");
        return (ea_str){ NULL, 0 };
    }
    return (ea_str){ start, (size_t)(r->p - start) };
}

static void word(struct ea_jread *r, const char *w)
{
    size_t n = strlen(w);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
        fail(r, "not a value");
    else
        r->p += n;
}

static void enter(struct ea_jread *r, bool object)
{
    if (r->depth == EA_JREAD_DEPTH) {
        fail(r, "too deep");
        return;
    }
    r->objects = object ? r->objects | 1ULL << r->depth : r->objects & ~(1ULL << r->depth);
    r->depth++;
    r->p++;
    r->fresh = true;
}

/* Takes a value that is no object and no array, or the opening of one. */
static void take(struct ea_jread *r)
{
    bool whole;

    switch (look(r)) {
    case '{':
        enter(r, true);
        break;
    case '[':
        enter(r, false);
        break;
    case '"':
        (void)string(r); /* only its end is wanted */
        break;
    case 't':
        word(r, "true");
        break;
    case 'f':
        word(r, "false");
        break;
    case 'n':
        word(r, "null");
        break;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        (void)number(r, &whole);
        break;
    default:
        fail(r, "not a value");
    }
}

/* Goes over a comma to the next part of the innermost level; false behind its end. */
static bool next(struct ea_jread *r, char closing)
{
    char c = look(r);

    if (c == closing) {
        r->p++;
        r->depth--;
        r->fresh = false;
        return false;
    }
    if (!r->fresh && c != ',') {
        fail(r, "a comma or an end expected");
        return false;
    }
    if (!r->fresh)
        r->p++;
    r->fresh = false;
    return !r->why;
}

bool ea_jread_item(struct ea_jread *r)
{
    return next(r, ']');
}

bool ea_jread_member(struct ea_jread *r, ea_str *name)
{
    if (!next(r, '}'))
        return false;
    if (look(r) != '"') {
        fail(r, "a name expected");
        return false;
    }
    *name = string(r);
    if (look(r) != ':') {
        fail(r, "a colon expected");
        return false;
    }
    r->p++;
    return true;
}

void ea_jread_skip(struct ea_jread *r)
{
    unsigned outer = r->depth;
    ea_str name;

    take(r);
    while (!r->why && r->depth > outer) {
        bool object = r->objects >> (r->depth - 1) & 1;

        if (object ? ea_jread_member(r, &name) : ea_jread_item(r))
            take(r);
    }
}

ea_str ea_jread_raw(struct ea_jread *r)
{
    const char *start;

    (void)look(r);
    start = r->p;
    ea_jread_skip(r);
    return r->why ? (ea_str){ NULL, 0 } : (ea_str){ start, (size_t)(r->p - start) };
}

static bool open_or_skip(struct ea_jread *r, char opening)
{
    if (look(r) != opening) {
        ea_jread_skip(r);
        return false;
    }
    enter(r, opening == '{');
    return !r->why;
}

bool ea_jread_object(struct ea_jread *r)
{
    return open_or_skip(r, '{');
}

bool ea_jread_array(struct ea_jread *r)
{
    return open_or_skip(r, '[');
}

static uint64_t whole_number(ea_str s)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(s.p[i] - '0');

        if (v > (UINT64_MAX - digit) / 10)
            return UINT64_MAX;
        v = v * 10 + digit;
    }
    return v;
}

static uint64_t cut_fraction(struct ea_jread *r, ea_str s)
{
    char text[FRACTION_MAX + 1];
    double x;

    if (s.n > FRACTION_MAX) {
        fail(r, "a number too long");
        return 0;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    x = strtod(text, NULL);
    return x >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)x;
}

uint64_t ea_jread_u64(struct ea_jread *r)
{
    char c = look(r);
    bool whole;
    ea_str s;

    if (c != '-' && (c < '0' || c > '9')) {
        ea_jread_skip(r);
        return 0;
    }
    s = number(r, &whole);
    if (c == '-' || !s.n)
        return 0;
    return whole ? whole_number(s) : cut_fraction(r, s);
}

ea_str ea_jread_str(struct ea_jread *r)
{
    if (look(r) == '"')
        return string(r);
    ea_jread_skip(r);
    return (ea_str){ NULL, 0 };
}

ea_code ea_jread_end(struct ea_jread *r, ea_err *err)
{
    (void)look(r);
    if (!r->why && r->depth)
        fail(r, "not read to its end");
    if (!r->why && r->p < r->end)
        fail(r, "something follows");
    if (!r->why)
        return EA_OK;
    return ea_fail(err, EA_INVALID, "not JSON at byte %zu of %zu: %s", (size_t)(r->p - r->start),
                   (size_t)(r->end - r->start), r->why);
}

size_t ea_jread_which(ea_str name, const char *const *words, size_t n, unsigned *seen)
{
    for (size_t i = 0; i < n; i++) {
        if (!ea_str_eqz(name, words[i]))
            continue;
        if (*seen >> i & 1)
            return n;
        *seen |= 1u << i;
        return i;
    }
    return n;
}
