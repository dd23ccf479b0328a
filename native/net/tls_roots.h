/* tls_roots.h - trusted roots: looked at when they are given, parsed once, shared by all connections.
 * libcurl would parse the text again for each connection and keep the result as long as that lives;
 * with a distribution's list this is 10 ms and half a MiB a time.
 * Thread: loop. Knows: PEM, mbedTLS. Does not know: libcurl, where the text comes from. */
#ifndef EA_NET_TLS_ROOTS_H
#define EA_NET_TLS_ROOTS_H

#include "../base/err.h"
#include "../base/str.h"

typedef struct ea_roots ea_roots;
struct mbedtls_x509_crt;

/* EA_SETTINGS if not one certificate can be read: `from` names the text's origin in the words of an
 * operator. One is enough: an unreadable one is no reason to trust none of the others.
 * pem  copied */
ea_code ea_roots_new(ea_str pem, const char *from, ea_roots **out, ea_err *err) EA_CHECK;
/* All readable certificates; parsed at the first call. Borrowed until ea_roots_free(), which comes
 * after the last connection has ended. */
struct mbedtls_x509_crt *ea_roots_chain(ea_roots *r);
void ea_roots_free(ea_roots *r);

#endif
