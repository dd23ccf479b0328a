#include "tls_roots.h"

#include "../base/alloc.h"

#include <mbedtls/x509_crt.h>

#include <string.h>

struct ea_roots {
    char *pem; /* NULL once it is parsed */
    size_t n;
    mbedtls_x509_crt chain;
};

static bool readable(const char *pem, size_t n)
{
    EA_FREE_AUTO char *one = ea_strndup(pem, n); /* mbedTLS wants a NUL behind the text */
    mbedtls_x509_crt crt;
    bool found = false;

    mbedtls_x509_crt_init(&crt);
    (void)mbedtls_x509_crt_parse(&crt, (const unsigned char *)one, n + 1); /* `raw` tells */
    found = crt.raw.p != NULL;
    mbedtls_x509_crt_free(&crt);
    return found;
}

/* libcurl would tell of bad roots only at the first connection, and not by which setting. */
static bool any_readable(const char *pem)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *p = strstr(pem, begin), *q = NULL;

    while (p && (q = strstr(p, end)) != NULL) {
        if (readable(p, (size_t)(q - p) + sizeof(end) - 1))
            return true;
        p = strstr(q, begin);
    }
    return false;
}

ea_code ea_roots_new(ea_str pem, const char *from, ea_roots **out, ea_err *err)
{
    ea_roots *r = ea_alloc(sizeof(*r));

    r->pem = ea_str_dup(pem);
    r->n = pem.n;
    mbedtls_x509_crt_init(&r->chain);
    if (!any_readable(r->pem)) {
        ea_roots_free(r);
        return ea_fail(err, EA_SETTINGS,
                       "%s holds no PEM certificate; give a file of CA certificates", from);
    }
    *out = r;
    return EA_OK;
}

struct mbedtls_x509_crt *ea_roots_chain(ea_roots *r)
{
    if (!r->pem)
        return &r->chain;
    /* a count of unreadable ones: those are not trusted */
    (void)mbedtls_x509_crt_parse(&r->chain, (const unsigned char *)r->pem, r->n + 1);
    ea_free(r->pem);
    r->pem = NULL;
    return &r->chain;
}

void ea_roots_free(ea_roots *r)
{
    if (!r)
        return;
    mbedtls_x509_crt_free(&r->chain);
    ea_free(r->pem);
    ea_free(r);
}
