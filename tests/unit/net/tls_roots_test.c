/* tls_roots_test.c - which texts are taken as trusted roots, and that they are parsed once. That
 * connections are judged by them is in tls_test.c. */
#include "base/alloc.h"
#include "base/buf.h"
#include "net/tls_roots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/x509_crt.h>

static char one[4096], other[4096]; /* two certificates as PEM */

static void make_certificate(const char *name, char pem[4096])
{
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
    mbedtls_pk_context key;
    mbedtls_x509write_cert w;
    unsigned char serial = 1;

    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&drbg);
    mbedtls_pk_init(&key);
    mbedtls_x509write_crt_init(&w);
    assert_int_equal(mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0), 0);
    assert_int_equal(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key),
                                         mbedtls_ctr_drbg_random, &drbg),
                     0);
    mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, &key);
    mbedtls_x509write_crt_set_issuer_key(&w, &key);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&w, name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&w, name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&w, &serial, 1), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&w, "20200101000000", "20400101000000"), 0);
    assert_int_equal(
        mbedtls_x509write_crt_pem(&w, (unsigned char *)pem, 4096, mbedtls_ctr_drbg_random, &drbg),
        0);
    mbedtls_x509write_crt_free(&w);
    mbedtls_pk_free(&key);
    mbedtls_ctr_drbg_free(&drbg);
    mbedtls_entropy_free(&entropy);
}

static int make_certificates(void **state)
{
    (void)state;
    make_certificate("CN=One", one);
    make_certificate("CN=Other", other);
    return 0;
}

static size_t count(const mbedtls_x509_crt *chain)
{
    size_t n = 0;

    for (; chain && chain->raw.p; chain = chain->next)
        n++;
    return n;
}

static void a_text_with_one_readable_certificate_is_taken(void **state)
{
    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char open_ended[] = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    const struct {
        const char *why, *parts[3];
        size_t want; /* certificates that are trusted; 0: refused */
    } cases[] = {
        { "a list", { one, other, "" }, 2 },
        { "words between them", { "# One\n", one, "the end\n" }, 1 },
        { "an unreadable one first", { broken, one, "" }, 1 },
        { "an unreadable one last", { one, other, broken }, 2 },
        { "a cut end", { one, open_ended, "" }, 1 },
        { "nothing", { "", "", "" }, 0 },
        { "no PEM", { "hello", "", "" }, 0 },
        { "only unreadable ones", { broken, broken, "" }, 0 },
        { "only a beginning", { open_ended, "", "" }, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO text = EA_BUF(65536);
        ea_roots *roots = NULL;
        ea_err err = { 0 };
        ea_code code = EA_OK;
        size_t got = 0;

        for (size_t k = 0; k < 3; k++)
            ea_buf_adds(&text, cases[i].parts[k]);
        code = ea_roots_new(ea_buf_str(&text), "the test's file", &roots, &err);
        if (code == EA_OK)
            got = count(ea_roots_chain(roots));
        if (got != cases[i].want || (code != EA_OK) != (cases[i].want == 0))
            fail_msg("%s: %zu certificates, %s", cases[i].why, got, err.text);
        if (code != EA_OK && (code != EA_SETTINGS || !strstr(err.text, "the test's file")))
            fail_msg("%s: refused with code %d: %s", cases[i].why, (int)code, err.text);
        ea_roots_free(roots);
    }
}

static void all_connections_share_one_chain(void **state)
{
    ea_roots *roots = NULL;
    ea_err err = { 0 };
    mbedtls_x509_crt *chain = NULL;

    (void)state;
    assert_int_equal(ea_roots_new(ea_str_of(one), "a file", &roots, &err), EA_OK);
    chain = ea_roots_chain(roots);
    assert_int_equal(count(chain), 1);
    assert_ptr_equal(ea_roots_chain(roots), chain);
    assert_int_equal(count(chain), 1);
    ea_roots_free(roots);
    ea_roots_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_with_one_readable_certificate_is_taken),
        cmocka_unit_test(all_connections_share_one_chain),
    };

    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
