#include "../plat.h"

#include "wide.h"

#include <string.h>
#include <wincrypt.h>

/* An administrator can take the use for servers from a root; such a root must not come back here. */
static bool for_servers(const CERT_CONTEXT *c)
{
    DWORD size = 0;
    EA_FREE_AUTO CERT_ENHKEY_USAGE *usage = NULL;
    bool found = false;

    if (!CertGetEnhancedKeyUsage(c, 0, NULL, &size))
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    usage = ea_alloc(size);
    if (!CertGetEnhancedKeyUsage(c, 0, usage, &size))
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    if (usage->cUsageIdentifier == 0)
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND; /* no limit at all, else no use at all */
    for (DWORD i = 0; i < usage->cUsageIdentifier; i++)
        found = found || strcmp(usage->rgpszUsageIdentifier[i], szOID_PKIX_KP_SERVER_AUTH) == 0;
    return found;
}

static void add_pem(ea_buf *out, const void *der, size_t n)
{
    EA_BUF_AUTO text = EA_BUF(2 * n + 8);

    ea_buf_add_base64(&text, der, n);
    ea_buf_adds(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0; i < text.n; i += 64) {
        ea_buf_add(out, text.p + i, text.n - i < 64 ? text.n - i : 64);
        ea_buf_addc(out, '\n');
    }
    ea_buf_adds(out, "-----END CERTIFICATE-----\n");
}

/* The user's view of ROOT holds the machine's roots too. */
ea_code ea_plat_ca_roots(ea_buf *out, ea_err *err)
{
    HCERTSTORE store =
        CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                      CERT_SYSTEM_STORE_CURRENT_USER | CERT_STORE_READONLY_FLAG, L"ROOT");
    const CERT_CONTEXT *c = NULL;
    size_t count = 0;

    if (!store)
        return ea_fail_win(err, GetLastError(), "open the certificate store", "ROOT");
    while ((c = CertEnumCertificatesInStore(store, c)) != NULL) {
        if ((c->dwCertEncodingType & X509_ASN_ENCODING) && for_servers(c)) {
            add_pem(out, c->pbCertEncoded, c->cbCertEncoded);
            count++;
        }
    }
    (void)CertCloseStore(store, 0); /* only read */
    if (ea_buf_check(out, err))
        return ea_wrap(err, "trusted roots");
    if (count == 0)
        return ea_fail(err, EA_NOT_FOUND, "the certificate store ROOT holds no usable certificate");
    return EA_OK;
}
