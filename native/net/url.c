#include "url.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned port;
    bool tls;
} schemes[] = {
    { "http", 80, false },
    { "https", 443, true },
    { "ws", 80, false },
    { "wss", 443, true },
};

static bool has_bad_byte(ea_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c == 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
            return true;
    }
    return false;
}

static ea_code parse_authority(ea_url *u, ea_err *err)
{
    ea_str rest = u->authority, port = { NULL, 0 };
    uint64_t n = 0;

    if (rest.n > 0 && rest.p[0] == '[') {
        const char *end = memchr(rest.p, ']', rest.n);

        if (!end)
            return ea_fail(err, EA_INVALID, "URL: no ] after an IPv6 address");
        u->host = (ea_str){ rest.p + 1, (size_t)(end - rest.p) - 1 };
        port = (ea_str){ end + 1, rest.n - u->host.n - 2 };
        if (port.n > 0 && port.p[0] != ':')
            return ea_fail(err, EA_INVALID, "URL: bad host '%.*s'", EA_STR_FMT(rest));
        if (port.n > 0)
            port = (ea_str){ port.p + 1, port.n - 1 };
    } else {
        port = ea_str_cut(rest, ':', &u->host);
    }
    if (u->host.n == 0)
        return ea_fail(err, EA_INVALID, "URL: no host");
    if (port.n == 0) {
        if (u->authority.p[u->authority.n - 1] == ':')
            return ea_fail(err, EA_INVALID, "URL: no port after ':'");
        return EA_OK;
    }
    if (ea_str_to_u64(port, 1, 65535, &n, err))
        return ea_fail(err, EA_INVALID, "URL: bad port '%.*s'", EA_STR_FMT(port));
    u->port = (unsigned)n;
    return EA_OK;
}

ea_code ea_url_parse(ea_str text, ea_url *out, ea_err *err)
{
    ea_url u = { 0 };
    ea_str rest = text;
    size_t i = 0, k = 0;

    if (has_bad_byte(text))
        return ea_fail(err, EA_INVALID, "URL: blank or control character");
    while (i < text.n && text.p[i] != ':')
        i++;
    u.scheme = (ea_str){ text.p, i };
    if (text.n < i + 3 || memcmp(text.p + i, "://", 3) != 0)
        return ea_fail(err, EA_INVALID, "URL: no scheme");
    while (k < EA_COUNT(schemes) && !ea_str_eq_nocase(u.scheme, ea_str_of(schemes[k].name)))
        k++;
    if (k == EA_COUNT(schemes))
        return ea_fail(err, EA_INVALID, "URL: scheme '%.*s' is not http, https, ws or wss",
                       EA_STR_FMT(u.scheme));
    u.port = schemes[k].port;
    u.tls = schemes[k].tls;
    rest = (ea_str){ text.p + i + 3, text.n - i - 3 };
    for (i = 0; i < rest.n && rest.p[i] != '#'; i++) {
    }
    rest.n = i;
    for (i = 0; i < rest.n && rest.p[i] != '/' && rest.p[i] != '?'; i++) {
    }
    u.authority = (ea_str){ rest.p, i };
    if (memchr(u.authority.p, '@', u.authority.n))
        return ea_fail(err, EA_INVALID, "URL: user names are not taken");
    if (parse_authority(&u, err))
        return err->code;
    rest = (ea_str){ rest.p + i, rest.n - i };
    u.query = ea_str_cut(rest, '?', &u.path);
    if (u.path.n == 0)
        u.path = EA_STR("/");
    *out = u;
    return EA_OK;
}

void ea_url_add_param(ea_buf *url, const char *key, const char *value)
{
    bool first = !url->p || !memchr(url->p, '?', url->n);

    ea_buf_addc(url, first ? '?' : '&');
    ea_buf_add_urlenc(url, key);
    ea_buf_addc(url, '=');
    ea_buf_add_urlenc(url, value);
}

void ea_url_add_host(ea_buf *out, const ea_url *url)
{
    ea_str host = url->authority;
    bool standard = url->port == (url->tls ? 443u : 80u);

    if (standard) { /* drop ":80" or ":443" if it was written */
        size_t at = ea_str_rfind(host, ':');

        if (at != SIZE_MAX && host.p[host.n - 1] != ']')
            host.n = at;
    }
    ea_buf_add(out, host.p, host.n);
}
