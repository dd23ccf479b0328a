#include "clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const ea_time *fake_time;

ea_time ea_now(void)
{
    uv_timeval64_t wall = { 0, 0 };
    ea_time now;

    if (fake_time)
        return *fake_time;
    (void)uv_gettimeofday(&wall); /* fails on a NULL argument alone */
    now.mono_ms = (int64_t)(uv_hrtime() / 1000000u);
    now.wall_ms = wall.tv_sec * 1000 + wall.tv_usec / 1000;
    return now;
}

void ea_clock_set_fake(const ea_time *fake)
{
    fake_time = fake;
}

struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second, ms;
};

/* Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years that
 * begin on 1 March, so that a leap day ends its year. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct civil civil_from_ms(int64_t wall_ms)
{
    int64_t days = wall_ms / 86400000, ms = wall_ms % 86400000;
    int64_t era, day_of_era, year_of_era, day_of_year, shifted;
    struct civil c;

    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted = (5 * day_of_year + 2) / 153; /* months since March */
    c.day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    c.month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
    c.hour = (unsigned)(ms / 3600000);
    c.minute = (unsigned)(ms / 60000 % 60);
    c.second = (unsigned)(ms / 1000 % 60);
    c.ms = (unsigned)(ms % 1000);
    return c;
}

/* Year 0 to 9999 is all that the formats can say. */
static int64_t in_range(int64_t wall_ms)
{
    const int64_t first = -62167219200000, last = 253402300799999;

    return wall_ms < first ? first : wall_ms > last ? last : wall_ms;
}

/* Each log line has a time: digits by hand are far cheaper than a format. `mark`: what follows, 0 none. */
static char *put(char *out, unsigned value, int digits, char mark)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    out += digits;
    if (mark)
        *out++ = mark;
    return out;
}

static char *put_all(char *out, const struct civil *c, char in_date, char in_time)
{
    out = put(out, (unsigned)c->year, 4, in_date);
    out = put(out, c->month, 2, in_date);
    out = put(out, c->day, 2, 'T');
    out = put(out, c->hour, 2, in_time);
    out = put(out, c->minute, 2, in_time);
    return put(out, c->second, 2, '\0');
}

void ea_format_rfc3339(int64_t wall_ms, int ms, char out[EA_RFC3339_MAX])
{
    struct civil c = civil_from_ms(in_range(wall_ms));
    char *end = put_all(out, &c, '-', ':');

    if (ms && c.ms != 0) {
        *end++ = '.';
        end = put(end, c.ms, 3, '\0');
        while (end[-1] == '0')
            end--;
    }
    *end++ = 'Z';
    *end = '\0';
}

void ea_format_amz_date(int64_t wall_ms, char out[17])
{
    struct civil c = civil_from_ms(in_range(wall_ms));
    char *end = put_all(out, &c, '\0', '\0');

    *end++ = 'Z';
    *end = '\0';
}

/* Reads exactly n digits; false when there are not so many. */
static bool take_digits(ea_str *s, size_t n, unsigned *out)
{
    unsigned v = 0;

    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s->p[i] - '0');
    }
    s->p += n;
    s->n -= n;
    *out = v;
    return true;
}

static bool take_char(ea_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_fraction(ea_str *s, unsigned *ms)
{
    unsigned weight = 100, digit, count = 0;

    *ms = 0;
    if (!take_char(s, '.'))
        return true;
    while (take_digits(s, 1, &digit)) {
        *ms += digit * weight;
        weight /= 10;
        count++;
    }
    return count > 0;
}

static bool take_offset(ea_str *s, int64_t *minutes)
{
    unsigned hour, minute;
    bool east;

    *minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    east = take_char(s, '+');
    if (!east && !take_char(s, '-'))
        return false;
    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    *minutes = (int64_t)(hour * 60 + minute) * (east ? 1 : -1);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

ea_code ea_parse_rfc3339(ea_str s, int64_t *wall_ms, ea_err *err)
{
    unsigned year, month, day, hour, minute, second, ms;
    ea_str in = s;
    int64_t offset;
    bool good = take_digits(&in, 4, &year) && take_char(&in, '-') && take_digits(&in, 2, &month) &&
                take_char(&in, '-') && take_digits(&in, 2, &day) &&
                (take_char(&in, 'T') || take_char(&in, 't')) && take_digits(&in, 2, &hour) &&
                take_char(&in, ':') && take_digits(&in, 2, &minute) && take_char(&in, ':') &&
                take_digits(&in, 2, &second) && take_fraction(&in, &ms) &&
                take_offset(&in, &offset) && in.n == 0;

    if (!good || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return ea_fail(err, EA_INVALID, "'%.*s' is not a time (RFC 3339)",
                       (int)ea_utf8_cut(s.p, s.n, 40), s.p ? s.p : "");
    if (year == 1 && month == 1 && day == 1 && hour + minute + second + ms == 0) {
        *wall_ms = 0;
        return EA_OK;
    }
    *wall_ms =
        (((days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second) *
            1000 +
        ms;
    return EA_OK;
}

static const struct {
    const char *name;
    double ms;
} go_units[] = {
    /* longer names before the shorter ones that they begin with */
    { "ns", 1e-6 }, { "us", 1e-3 }, { "\xc2\xb5s", 1e-3 }, { "\xce\xbcs", 1e-3 },
    { "ms", 1 },    { "s", 1e3 },   { "m", 6e4 },          { "h", 3.6e6 },
};

/* One "<number><unit>"; numbers beyond a day of nanoseconds are far below 2^53. */
static bool take_span(ea_str *s, double *ms)
{
    double v = 0, scale = 1;
    unsigned digit, count = 0;

    while (take_digits(s, 1, &digit)) {
        v = v * 10 + digit;
        count++;
    }
    if (take_char(s, '.')) {
        while (take_digits(s, 1, &digit)) {
            scale /= 10;
            v += digit * scale;
            count++;
        }
    }
    if (count == 0 || count > 30)
        return false;
    for (size_t i = 0; i < EA_COUNT(go_units); i++) {
        size_t n = strlen(go_units[i].name);

        if (ea_str_starts(*s, go_units[i].name)) {
            s->p += n;
            s->n -= n;
            *ms += v * go_units[i].ms;
            return true;
        }
    }
    return false;
}

ea_code ea_parse_go_duration(ea_str s, int64_t *ms, ea_err *err)
{
    ea_str in = s;
    double sum = 0;
    bool minus = take_char(&in, '-'), good;

    if (!minus)
        (void)take_char(&in, '+'); /* a plus sign says nothing */
    good = in.n > 0;
    if (ea_str_eqz(in, "0"))
        in.n = 0;
    while (good && in.n > 0)
        good = take_span(&in, &sum);
    if (!good)
        return ea_fail(err, EA_INVALID, "'%.*s' is not a duration such as 30s or 1h30m",
                       (int)ea_utf8_cut(s.p, s.n, 40), s.p ? s.p : "");
    if (sum > 9223372036854.0) /* Go counts nanoseconds in 64 bits */
        return ea_fail(err, EA_LIMIT, "duration '%.*s' is too long", (int)ea_utf8_cut(s.p, s.n, 40),
                       s.p);
    *ms = (int64_t)(minus ? -sum - 1e-7 : sum + 1e-7); /* 0.3 s has no exact binary form */
    return EA_OK;
}

void ea_format_go_duration(int64_t ms, char out[EA_RFC3339_MAX])
{
    uint64_t left = ms < 0 ? (uint64_t)0 - (uint64_t)ms : (uint64_t)ms;
    uint64_t h = left / 3600000, m = left / 60000 % 60;
    unsigned s = (unsigned)(left / 1000 % 60), f = (unsigned)(left % 1000);
    const char *sign = ms < 0 ? "-" : "";
    char seconds[16];

    if (left > 0 && left < 1000) {
        (void)snprintf(out, EA_RFC3339_MAX, "%s%ums", sign, f); /* always fits */
        return;
    }
    if (f == 0)
        (void)snprintf(seconds, sizeof(seconds), "%u", s); /* always fits */
    else
        (void)snprintf(seconds, sizeof(seconds),
                       f % 100 == 0  ? "%u.%01u"
                       : f % 10 == 0 ? "%u.%02u"
                                     : "%u.%03u",
                       s,
                       f % 100 == 0  ? f / 100
                       : f % 10 == 0 ? f / 10
                                     : f); /* always fits */
    if (h > 0)
        (void)snprintf(out, EA_RFC3339_MAX, "%s%lluh%llum%ss", sign, (unsigned long long)h,
                       (unsigned long long)m, seconds);
    else if (m > 0)
        (void)snprintf(out, EA_RFC3339_MAX, "%s%llum%ss", sign, (unsigned long long)m, seconds);
    else
        (void)snprintf(out, EA_RFC3339_MAX, "%s%ss", sign, seconds);
}

void ea_buf_add_epoch(ea_buf *b, int64_t wall_ms)
{
    uint64_t left = wall_ms < 0 ? (uint64_t)0 - (uint64_t)wall_ms : (uint64_t)wall_ms;
    char fraction[8];
    size_t n = (size_t)snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)(left % 1000));

    while (n > 1 && fraction[n - 1] == '0')
        n--;
    ea_buf_addf(b, "%s%llu", wall_ms < 0 ? "-" : "", (unsigned long long)(left / 1000));
    if (n > 1)
        ea_buf_add(b, fraction, n);
}
