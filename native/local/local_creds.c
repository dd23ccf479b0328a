/* local_creds.c - issued keys and who they belong to. See local_creds.h. */
#include "local_creds.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../plat/plat.h"

#include <stdio.h>
#include <string.h>

#define ROOT       "root-key"
#define CLAIMS_MAX 700

static const char id_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* 32 of them */

bool ea_lc_same(const char *a, const char *b)
{
    size_t n = strlen(a);
    unsigned differ = 0;

    if (strlen(b) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)(unsigned char)a[i] ^ (unsigned)(unsigned char)b[i];
    return differ == 0;
}

void ea_lc_creds_mac(const ea_lc_creds *c, const char *use, ea_str text, char out[45])
{
    EA_SECRET_BUF_AUTO b = EA_BUF(text.n + 64);
    EA_BUF_AUTO encoded = EA_BUF(64);
    unsigned char mac[32];

    ea_buf_addf(&b, "%s\n", use);
    ea_buf_add(&b, text.p, text.n);
    ea_hmac_sha256((ea_str){ (const char *)c->root, sizeof(c->root) }, ea_buf_str(&b), mac);
    ea_buf_add_base64url(&encoded, mac, sizeof(mac));
    (void)snprintf(out, 45, "%s", ea_buf_z(&encoded));
    ea_secret_wipe(mac, sizeof(mac));
}

static void secret_of(const ea_lc_creds *c, ea_str access_key_id, char out[48])
{
    char mac[45];

    ea_lc_creds_mac(c, "secret", access_key_id, mac);
    (void)snprintf(out, 48, "%.40s", mac);
    ea_secret_wipe(mac, sizeof(mac));
}

ea_code ea_lc_creds_open(ea_lc_creds *c, ea_lc_state *st, const char *operator_id,
                         const char *operator_secret, ea_err *err)
{
    EA_SECRET_AUTO char *root = NULL;
    char secret[48];

    *c = (ea_lc_creds){ .account = ea_strdup(st->account), .partition = ea_strdup(st->partition) };
    if (ea_lc_state_get_meta(st, ROOT, &root, err))
        return ea_wrap(err, "root key");
    if (!root) {
        EA_SECRET_BUF_AUTO hex = EA_BUF(65);

        ea_plat_random(c->root, sizeof(c->root));
        ea_buf_add_hex(&hex, c->root, sizeof(c->root));
        if (ea_lc_state_put_meta(st, ROOT, ea_buf_z(&hex), err))
            return ea_wrap(err, "root key");
    } else if (ea_hex_decode(ea_str_of(root), c->root, sizeof(c->root), err)) {
        return ea_wrap(err, "root key");
    }
    if (!ea_zstr_empty(operator_id) && !ea_zstr_empty(operator_secret)) {
        c->operator_id = ea_strdup(operator_id);
        c->operator_secret = ea_strdup(operator_secret);
        return EA_OK;
    }
    c->operator_id = ea_strdup("LOCALOPERATOR0000000");
    secret_of(c, ea_str_of(c->operator_id), secret);
    c->operator_secret = ea_strdup(secret);
    ea_secret_wipe(secret, sizeof(secret));
    return EA_OK;
}

void ea_lc_creds_close(ea_lc_creds *c)
{
    ea_secret_wipe(c->root, sizeof(c->root));
    ea_free(c->operator_id);
    ea_secret_free(c->operator_secret);
    ea_free(c->account);
    ea_free(c->partition);
    *c = (ea_lc_creds){ .account = NULL };
}

void ea_lc_creds_issue(const ea_lc_creds *c, ea_lc_who who, const char *role_arn,
                       const char *session, int64_t expires_ms, ea_lc_keys *out)
{
    EA_BUF_AUTO claims = EA_BUF(CLAIMS_MAX);
    EA_BUF_AUTO token = EA_BUF(sizeof(out->token) - 1);
    unsigned char raw[15];
    char mac[45];

    *out = (ea_lc_keys){ .expires_ms = expires_ms };
    ea_plat_random(raw, sizeof(raw));
    memcpy(out->access_key_id, "LOCAL", 5);
    for (size_t i = 0; i < sizeof(raw); i++)
        out->access_key_id[5 + i] = id_letters[raw[i] & 31];
    secret_of(c, ea_str_of(out->access_key_id), out->secret);
    ea_format_rfc3339(expires_ms, 0, out->expiration);
    /* role and session come last: they alone may hold a separator */
    ea_buf_addf(&claims, "%d|%s|%lld|%.300s|%.200s", (int)who, out->access_key_id,
                (long long)expires_ms, ea_arn_id(role_arn), session);
    ea_lc_creds_mac(c, "token", ea_buf_str(&claims), mac);
    ea_buf_add_base64url(&token, claims.p, claims.n);
    ea_buf_addf(&token, ".%s", mac);
    (void)snprintf(out->token, sizeof(out->token), "%s", ea_buf_z(&token));
}

/* Takes a token apart; false when it is none of ours. */
static bool read_claims(const ea_lc_creds *c, const char *token, ea_buf *claims)
{
    const char *dot = strrchr(token, '.');
    char mac[45];
    ea_err err;

    if (!dot ||
        ea_base64_decode((ea_str){ token, (size_t)(dot - token) }, CLAIMS_MAX, claims, &err))
        return false;
    ea_lc_creds_mac(c, "token", ea_buf_str(claims), mac);
    return ea_lc_same(mac, dot + 1);
}

ea_code ea_lc_creds_find(const ea_lc_creds *c, ea_str access_key_id, const char *token,
                         int64_t now_ms, ea_lc_identity *out, ea_err *err)
{
    EA_BUF_AUTO claims = EA_BUF(CLAIMS_MAX);
    ea_str rest, who, id, expires, role;
    int64_t kind = 0, expires_ms = 0;

    if (ea_str_eqz(access_key_id, c->operator_id) && ea_zstr_empty(token)) {
        *out = (ea_lc_identity){ .who = EA_LC_OPERATOR };
        (void)snprintf(out->arn, sizeof(out->arn), "arn:%s:iam::%s:user/operator", c->partition,
                       c->account);
        (void)snprintf(out->secret, sizeof(out->secret), "%s", c->operator_secret);
        return EA_OK;
    }
    if (ea_zstr_empty(token) || !read_claims(c, token, &claims))
        return ea_fail(err, EA_AUTH, "The security token included in the request is invalid.");
    rest = ea_str_cut(ea_buf_str(&claims), '|', &who);
    rest = ea_str_cut(rest, '|', &id);
    rest = ea_str_cut(rest, '|', &expires);
    rest = ea_str_cut(rest, '|', &role);
    if (ea_str_to_i64(who, EA_LC_INSTANCE_ROLE, EA_LC_TASK_ROLE, &kind, err) ||
        ea_str_to_i64(expires, 0, INT64_MAX, &expires_ms, err) || !ea_str_eq(id, access_key_id))
        return ea_fail(err, EA_AUTH, "The security token included in the request is invalid.");
    if (expires_ms <= now_ms)
        return ea_fail(err, EA_TIMEOUT, "The security token included in the request is expired");
    *out = (ea_lc_identity){ .who = (ea_lc_who)kind };
    (void)snprintf(out->arn, sizeof(out->arn), "arn:%s:sts::%s:assumed-role/%.*s/%.*s",
                   c->partition, c->account, EA_STR_FMT(role), EA_STR_FMT(rest));
    secret_of(c, access_key_id, out->secret);
    return EA_OK;
}
