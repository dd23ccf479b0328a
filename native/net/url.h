/* url.h - the parts of an absolute URL, as views into its text. Pure.
 * Knows: http, https, ws, wss. Does not know: percent-decoding, user info (refused). */
#ifndef EA_NET_URL_H
#define EA_NET_URL_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/str.h"

typedef struct ea_url {
    ea_str scheme;
    ea_str host;      /* without brackets */
    ea_str authority; /* host[:port] as written: what the Host header carries */
    unsigned port;    /* the scheme's own when not written */
    ea_str path;      /* "/" when empty */
    ea_str query;     /* without the question mark; a fragment is cut off */
    bool tls;         /* https, wss */
} ea_url;

/* EA_INVALID: no scheme we know, no host, bad port, control characters or blanks. */
ea_code ea_url_parse(ea_str text, ea_url *out, ea_err *err) EA_CHECK;
/* Adds "key=value" with both escaped (RFC 3986, blank as %20), and what must stand before it. */
void ea_url_add_param(ea_buf *url, const char *key, const char *value);
/* The Host header's value: authority without the scheme's own port. */
void ea_url_add_host(ea_buf *out, const ea_url *url);

#endif
