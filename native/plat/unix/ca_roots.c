#include "../plat.h"

#include <stdlib.h>

#define MAX_BUNDLE ((size_t)16 * 1024 * 1024)

/* Where distributions keep the bundle: Debian, Fedora and Amazon Linux, SUSE, Alpine, older RHEL. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
};

ea_code ea_plat_ca_roots(ea_buf *out, ea_err *err)
{
    const char *named = getenv("SSL_CERT_FILE"); /* the reference's TLS library reads it too */

    if (named && named[0])
        return ea_plat_read_file(named, MAX_BUNDLE, out, err);
    for (size_t i = 0; i < EA_COUNT(bundles); i++) {
        ea_code code = ea_plat_read_file(bundles[i], MAX_BUNDLE, out, err);

        if (code != EA_NOT_FOUND)
            return code;
    }
    return ea_fail(err, EA_NOT_FOUND,
                   "no bundle of trusted roots on this machine (looked for %s and others): install "
                   "the package ca-certificates",
                   bundles[0]);
}
