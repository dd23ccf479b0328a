#include "seal.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"

#include <mbedtls/gcm.h>
#include <string.h>

enum {
    KEY = 32,
    NONCE = 12,
    TAG = 16,
    KEY_FILE_MAX = 4096,
    TEXT_MAX = 64 * 1024 * 1024
};
static const char mark[] = "sealed1:";

struct ea_seal {
    mbedtls_gcm_context gcm;
};

/* ---- the key ---- */

static ea_code open_key(ea_str file, unsigned char key[KEY], ea_err *err)
{
    EA_SECRET_BUF_AUTO plain = EA_BUF(KEY_FILE_MAX);

    if (ea_plat_unprotect(file, &plain, err))
        return err->code;
    if (plain.n != KEY)
        return ea_fail(err, EA_INVALID, "it holds no key");
    memcpy(key, plain.p, KEY);
    return EA_OK;
}

static ea_code make_key(const char *path, unsigned char key[KEY], ea_err *err)
{
    EA_SECRET_BUF_AUTO file = EA_BUF(KEY_FILE_MAX);

    ea_plat_random(key, KEY);
    if (ea_plat_protect((ea_str){ (const char *)key, KEY }, &file, err))
        return err->code;
    return ea_plat_write_file(path, ea_buf_str(&file), 0600, err);
}

static ea_code get_key(const char *path, unsigned char key[KEY], ea_err *err)
{
    EA_FREE_AUTO char *old = ea_sprintf_dup("%s.old", path);
    EA_SECRET_BUF_AUTO file = EA_BUF(KEY_FILE_MAX);
    ea_err why = { 0 };

    if (ea_plat_exists(path)) {
        if (ea_plat_read_file(path, KEY_FILE_MAX, &file, err)) /* it may be readable next time */
            return err->code;
        if (open_key(ea_buf_str(&file), key, &why) == EA_OK)
            return EA_OK;
        ea_warn("the key of stored secrets cannot be used on this machine and is replaced",
                EA_S("file", path), EA_S("err", why.text));
        if (ea_plat_rename(path, old, err))
            return err->code;
    }
    return make_key(path, key, err);
}

ea_code ea_seal_open(const char *path, ea_seal **out, ea_err *err)
{
    unsigned char key[KEY];
    ea_seal *s;

    if (get_key(path, key, err))
        return ea_wrap(err, "key of stored secrets");
    s = ea_alloc(sizeof(*s));
    mbedtls_gcm_init(&s->gcm);
    if (mbedtls_gcm_setkey(&s->gcm, MBEDTLS_CIPHER_ID_AES, key, KEY * 8)) {
        ea_secret_wipe(key, sizeof(key));
        ea_seal_close(s);
        return ea_fail(err, EA_NO_MEMORY, "key of stored secrets: cannot be set");
    }
    ea_secret_wipe(key, sizeof(key));
    *out = s;
    return EA_OK;
}

void ea_seal_close(ea_seal *s)
{
    if (!s)
        return;
    mbedtls_gcm_free(&s->gcm); /* wipes */
    ea_free(s);
}

/* ---- texts ---- */

ea_code ea_seal_text(ea_seal *s, const char *name, ea_str text, char **out, ea_err *err)
{
    unsigned char *raw;
    EA_BUF_AUTO b = EA_BUF(2 * TEXT_MAX);
    int rc;

    if (text.n > TEXT_MAX)
        return ea_fail(err, EA_LIMIT, "a text of %zu bytes is too long to be sealed", text.n);
    raw = ea_alloc(NONCE + TAG + text.n);
    ea_plat_random(raw, NONCE);
    rc = mbedtls_gcm_crypt_and_tag(
        &s->gcm, MBEDTLS_GCM_ENCRYPT, text.n, raw, NONCE, (const unsigned char *)name, strlen(name),
        (const unsigned char *)text.p, raw + NONCE + TAG, TAG, raw + NONCE);
    ea_buf_adds(&b, mark);
    ea_buf_add_base64(&b, raw, NONCE + TAG + text.n);
    ea_free(raw);
    if (rc)
        return ea_fail_sys(err, EA_IO, rc, "a text could not be sealed");
    return ea_buf_take(&b, out, err);
}

bool ea_is_sealed(ea_str text)
{
    return ea_str_starts(text, mark);
}

ea_code ea_unseal_text(ea_seal *s, const char *name, ea_str sealed, char **out, ea_err *err)
{
    EA_BUF_AUTO raw = EA_BUF(TEXT_MAX + NONCE + TAG);
    const unsigned char *p;
    unsigned char *plain;
    size_t n;

    if (!ea_is_sealed(sealed))
        return ea_fail(err, EA_INVALID, "not a sealed text");
    sealed.p += sizeof(mark) - 1;
    sealed.n -= sizeof(mark) - 1;
    if (ea_base64_decode(sealed, TEXT_MAX + NONCE + TAG, &raw, err))
        return ea_wrap(err, "sealed text");
    if (raw.n < NONCE + TAG)
        return ea_fail(err, EA_INVALID, "sealed text: cut");
    p = (const unsigned char *)raw.p;
    n = raw.n - NONCE - TAG;
    plain = ea_alloc(n + 1);
    if (mbedtls_gcm_auth_decrypt(&s->gcm, n, p, NONCE, (const unsigned char *)name, strlen(name),
                                 p + NONCE, TAG, p + NONCE + TAG, plain)) {
        ea_secret_wipe(plain, n);
        ea_free(plain);
        return ea_fail(err, EA_INVALID,
                       "sealed text: changed, or sealed by another machine or for another row");
    }
    *out = (char *)plain;
    return EA_OK;
}
