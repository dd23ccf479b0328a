#include "sigv4.h"

#include "../base/alloc.h"
#include "../net/url.h"

#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   (1024u * 1024) /* of canonical texts; requests are far below */
#define PARAMS_MAX 256

void ea_aws_creds_done(ea_aws_creds *c)
{
    ea_free(c->access_key_id);
    ea_secret_free(c->secret_access_key);
    ea_secret_free(c->session_token);
    memset(c, 0, sizeof(*c));
}

void ea_aws_creds_copy(ea_aws_creds *to, const ea_aws_creds *from)
{
    ea_aws_creds copy = *from;

    copy.access_key_id = ea_strdup(from->access_key_id);
    copy.secret_access_key = ea_strdup(from->secret_access_key);
    copy.session_token = ea_strdup(from->session_token);
    ea_aws_creds_done(to);
    *to = copy;
}

/* --- digests --- */

static void to_hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

void ea_sha256_hex(ea_str data, char out[EA_SHA256_HEX])
{
    unsigned char sum[32] = { 0 };

    (void)mbedtls_sha256((const unsigned char *)(data.p ? data.p : ""), data.n, sum,
                         0); /* software: no failure */
    to_hex(sum, sizeof(sum), out);
}

void ea_hmac_sha256(ea_str key, ea_str data, unsigned char out[32])
{
    (void)mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                          (const unsigned char *)key.p, key.n, (const unsigned char *)data.p,
                          data.n, out); /* fails on a NULL digest alone */
}

/* --- canonical request --- */

struct param {
    char *key, *value; /* escaped */
};

static int by_key_then_value(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : strcmp(x->value, y->value);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void add_escaped_byte(ea_buf *b, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_' || c == '~';

    if (plain) {
        ea_buf_addc(b, c);
        return;
    }
    ea_buf_addc(b, '%');
    ea_buf_addc(b, digits[(unsigned char)c >> 4]);
    ea_buf_addc(b, digits[(unsigned char)c & 15]);
}

/* Wire text -> canonical text: decoded, then escaped again in the one allowed way. A percent sign
 * that begins no escape stands for itself. */
static char *canonical_part(ea_str raw, bool plus_literal)
{
    EA_BUF_AUTO b = EA_BUF(TEXT_MAX);
    char *out = NULL;
    ea_err err = { 0 };

    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        int hi = -1, lo = -1;

        if (c == '%' && i + 2 < raw.n) {
            hi = hex_value(raw.p[i + 1]);
            lo = hex_value(raw.p[i + 2]);
        }
        if (hi >= 0 && lo >= 0) {
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && !plus_literal) {
            c = ' ';
        }
        add_escaped_byte(&b, c);
    }
    if (b.n == 0)
        return ea_strdup("");
    return ea_buf_take(&b, &out, &err) ? NULL : out;
}

static ea_code canonical_query(const ea_sign_input *in, ea_buf *out, ea_err *err)
{
    struct param p[PARAMS_MAX];
    size_t n = 0;
    ea_code rc = EA_OK;
    ea_str rest = in->query, item = { NULL, 0 };

    while (rest.n > 0) {
        ea_str key = { NULL, 0 }, value = { NULL, 0 };

        rest = ea_str_cut(rest, '&', &item);
        if (item.n == 0)
            continue;
        if (n == PARAMS_MAX) {
            rc = ea_fail(err, EA_INVALID, "signature: more than %d query parameters", PARAMS_MAX);
            break;
        }
        value = ea_str_cut(item, '=', &key);
        p[n].key = canonical_part(key, in->plus_literal);
        p[n].value = canonical_part(value, in->plus_literal);
        n++;
        if (!p[n - 1].key || !p[n - 1].value) {
            rc = ea_fail(err, EA_INVALID, "signature: query too long");
            break;
        }
    }
    if (!rc) {
        qsort(p, n, sizeof(p[0]), by_key_then_value);
        for (size_t i = 0; i < n; i++)
            ea_buf_addf(out, "%s%s=%s", i ? "&" : "", p[i].key, p[i].value);
    }
    for (size_t i = 0; i < n; i++) {
        ea_free(p[i].key);
        ea_free(p[i].value);
    }
    return rc;
}

struct sorted { /* lower-case names, folded values, by name */
    char *name[EA_SIGN_HEADERS_MAX];
    char *value[EA_SIGN_HEADERS_MAX];
    size_t n;
};

static void sorted_done(struct sorted *s)
{
    for (size_t i = 0; i < s->n; i++) {
        ea_free(s->name[i]);
        ea_secret_free(s->value[i]); /* the session token is one of them */
    }
}

static char *lower(ea_str s)
{
    char *out = ea_str_dup(s);

    for (char *c = out; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return out;
}

/* Blanks at both ends go, several inside become one. */
static char *folded(ea_str s)
{
    ea_str t = ea_str_trim(s);
    char *out = ea_alloc(t.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == ' ' && n > 0 && out[n - 1] == ' ')
            continue;
        out[n++] = t.p[i];
    }
    return out;
}

/* Insertion by name; a repeated name joins its values by a comma, in the order given. */
static void insert_header(struct sorted *s, char *name, char *value)
{
    size_t at = 0;

    while (at < s->n && strcmp(s->name[at], name) < 0)
        at++;
    if (at < s->n && strcmp(s->name[at], name) == 0) {
        char *joined = ea_sprintf_dup("%s,%s", s->value[at], value);

        ea_secret_free(s->value[at]);
        s->value[at] = joined;
        ea_free(name);
        ea_secret_free(value);
        return;
    }
    for (size_t i = s->n; i > at; i--) {
        s->name[i] = s->name[i - 1];
        s->value[i] = s->value[i - 1];
    }
    s->name[at] = name;
    s->value[at] = value;
    s->n++;
}

static ea_code sort_headers(const ea_sign_input *in, struct sorted *s, ea_err *err)
{
    memset(s, 0, sizeof(*s));
    if (in->header_count > EA_SIGN_HEADERS_MAX)
        return ea_fail(err, EA_INVALID, "signature: more than %d headers", EA_SIGN_HEADERS_MAX);
    for (size_t i = 0; i < in->header_count; i++)
        insert_header(s, lower(in->headers[i].name), folded(in->headers[i].value));
    return EA_OK;
}

static void add_names(const struct sorted *s, ea_buf *out)
{
    for (size_t i = 0; i < s->n; i++)
        ea_buf_addf(out, "%s%s", i ? ";" : "", s->name[i]);
}

/* "host;x-amz-date": lower case, sorted. */
static ea_code add_signed_headers(const ea_sign_input *in, ea_buf *out, ea_err *err)
{
    struct sorted s;

    if (sort_headers(in, &s, err))
        return err->code;
    add_names(&s, out);
    sorted_done(&s);
    return ea_buf_check(out, err);
}

/* The canonical request, as text. */
static ea_code add_canonical(const ea_sign_input *in, ea_buf *out, ea_err *err)
{
    struct sorted s;
    ea_str path = in->path.n ? in->path : EA_STR("/");

    if (sort_headers(in, &s, err))
        return err->code;
    ea_buf_addf(out, "%.*s\n", EA_STR_FMT(in->method));
    bool as_it_is = ea_zstr_eq(in->service, "s3");
    for (size_t i = 0; i < path.n; i++) { /* escaped once more, slashes kept */
        if (path.p[i] == '/' || as_it_is)
            ea_buf_addc(out, path.p[i]);
        else
            add_escaped_byte(out, path.p[i]);
    }
    ea_buf_addc(out, '\n');
    if (canonical_query(in, out, err)) {
        sorted_done(&s);
        return err->code;
    }
    ea_buf_addc(out, '\n');
    for (size_t i = 0; i < s.n; i++)
        ea_buf_addf(out, "%s:%s\n", s.name[i], s.value[i]);
    ea_buf_addc(out, '\n');
    add_names(&s, out);
    ea_buf_addf(out, "\n%s", in->body_sha256);
    sorted_done(&s);
    return ea_buf_check(out, err);
}

/* --- signature --- */

static ea_code check_date(const char *amz_date, ea_err *err)
{
    bool good = amz_date && strlen(amz_date) == 16 && amz_date[8] == 'T' && amz_date[15] == 'Z';

    for (size_t i = 0; good && i < 15; i++)
        good = i == 8 || (amz_date[i] >= '0' && amz_date[i] <= '9');
    return good ? EA_OK
                : ea_fail(err, EA_INVALID, "signature: date is not of the form YYYYMMDDTHHMMSSZ");
}

void ea_sign_key_done(ea_sign_key *k)
{
    ea_secret_free(k->of);
    ea_secret_wipe(k->key, sizeof(k->key));
    k->of = NULL;
}

static void derive_key(const ea_sign_input *in, ea_str first, unsigned char key[32])
{
    ea_hmac_sha256(first, (ea_str){ in->amz_date, 8 }, key);
    ea_hmac_sha256((ea_str){ (const char *)key, 32 }, ea_str_of(in->region), key);
    ea_hmac_sha256((ea_str){ (const char *)key, 32 }, ea_str_of(in->service), key);
    ea_hmac_sha256((ea_str){ (const char *)key, 32 }, EA_STR("aws4_request"), key);
}

static void signing_key(const ea_sign_input *in, const char *secret, unsigned char key[32])
{
    char *of = ea_sprintf_dup("AWS4%s\n%.8s/%s/%s", secret, in->amz_date, in->region, in->service);

    if (in->kept && ea_zstr_eq(in->kept->of, of)) {
        memcpy(key, in->kept->key, sizeof(in->kept->key));
        ea_secret_free(of);
        return;
    }
    derive_key(in, (ea_str){ of, strlen("AWS4") + strlen(secret) }, key);
    if (!in->kept) {
        ea_secret_free(of);
        return;
    }
    ea_sign_key_done(in->kept);
    in->kept->of = of;
    memcpy(in->kept->key, key, sizeof(in->kept->key));
}

/* The signature (64 hex digits) that `secret` gives for the input: for signing and for checking.
 * EA_INVALID: too many headers or a malformed date. */
static ea_code derive(const ea_sign_input *in, const char *secret, char out[EA_SHA256_HEX],
                      ea_err *err)
{
    EA_SECRET_BUF_AUTO canonical = EA_BUF(TEXT_MAX);
    EA_BUF_AUTO to_sign = EA_BUF(TEXT_MAX);
    unsigned char key[32], sum[32];
    char hash[EA_SHA256_HEX];

    if (check_date(in->amz_date, err) || add_canonical(in, &canonical, err))
        return err->code;
    ea_sha256_hex(ea_buf_str(&canonical), hash);
    ea_buf_addf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s", in->amz_date,
                in->amz_date, in->region, in->service, hash);
    if (ea_buf_check(&to_sign, err))
        return err->code;
    signing_key(in, secret, key);
    ea_hmac_sha256((ea_str){ (const char *)key, 32 }, ea_buf_str(&to_sign), sum);
    ea_secret_wipe(key, sizeof(key));
    to_hex(sum, sizeof(sum), out);
    return EA_OK;
}

/* Value of the Authorization header. */
static ea_code add_authorization(const ea_sign_input *in, const ea_aws_creds *creds, ea_buf *out,
                                 ea_err *err)
{
    char signature[EA_SHA256_HEX];

    if (derive(in, creds->secret_access_key, signature, err))
        return err->code;
    ea_buf_addf(out, "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=",
                creds->access_key_id, in->amz_date, in->region, in->service);
    if (add_signed_headers(in, out, err))
        return err->code;
    ea_buf_addf(out, ", Signature=%s", signature);
    return ea_buf_check(out, err);
}

/* --- checking --- */

static bool take_scope(ea_str credential, ea_sigv4_auth *a)
{
    ea_str rest = ea_str_cut(credential, '/', &a->access_key_id);

    rest = ea_str_cut(rest, '/', &a->date);
    rest = ea_str_cut(rest, '/', &a->region);
    rest = ea_str_cut(rest, '/', &a->service);
    return a->access_key_id.n && a->date.n == 8 && a->region.n && a->service.n &&
           ea_str_eqz(rest, "aws4_request");
}

ea_code ea_sigv4_parse(ea_str authorization, ea_sigv4_auth *out, ea_err *err)
{
    static const char scheme[] = "AWS4-HMAC-SHA256";
    ea_sigv4_auth a = { 0 };
    bool scope = false;
    ea_str rest = ea_str_trim(authorization), item = { NULL, 0 };

    if (!ea_str_starts(rest, scheme))
        return ea_fail(err, EA_INVALID, "Authorization is not %s", scheme);
    rest = (ea_str){ rest.p + strlen(scheme), rest.n - strlen(scheme) };
    while (rest.n > 0) {
        ea_str key = { NULL, 0 }, value = { NULL, 0 };

        rest = ea_str_cut(rest, ',', &item);
        value = ea_str_cut(ea_str_trim(item), '=', &key);
        if (ea_str_eqz(key, "Credential"))
            scope = take_scope(value, &a);
        else if (ea_str_eqz(key, "SignedHeaders"))
            a.signed_headers = value;
        else if (ea_str_eqz(key, "Signature"))
            a.signature = value;
    }
    if (!scope)
        return ea_fail(err, EA_INVALID,
                       "Authorization: Credential is not <key>/<date>/<region>/<service>/"
                       "aws4_request");
    if (a.signed_headers.n == 0 || a.signature.n != 64)
        return ea_fail(err, EA_INVALID, "Authorization lacks SignedHeaders or Signature");
    *out = a;
    return EA_OK;
}

static bool same(const char *a, const char *b, size_t n)
{
    unsigned differs = 0;

    for (size_t i = 0; i < n; i++)
        differs |= (unsigned)((unsigned char)a[i] ^ (unsigned char)b[i]);
    return differs == 0;
}

bool ea_sigv4_matches(const ea_sign_input *in, const char *secret, ea_str signature)
{
    ea_sign_input reading = *in;

    if (signature.n != 64)
        return false;
    for (int literal = 0; literal < 2; literal++) {
        char want[EA_SHA256_HEX];
        ea_err err = { 0 };

        reading.plus_literal = literal;
        if (!derive(&reading, secret, want, &err) && same(want, signature.p, 64))
            return true;
    }
    return false;
}

/* --- whole requests --- */

void ea_signed_done(ea_signed *s)
{
    ea_free(s->authorization);
    ea_free(s->host);
    ea_free(s->amz_date);
    ea_secret_free(s->token);
    memset(s, 0, sizeof(*s));
}

static ea_code sign_parts(const char *method, const ea_url *u, const ea_sign_header *headers,
                          size_t n, ea_str body, const char *region, const char *service,
                          const ea_aws_creds *creds, ea_sign_key *kept, ea_signed *s, ea_err *err)
{
    ea_sign_header all[EA_SIGN_HEADERS_MAX];
    char hash[EA_SHA256_HEX];
    EA_BUF_AUTO auth = EA_BUF(8192);
    ea_sign_input in = { .method = ea_str_of(method),
                         .path = u->path,
                         .query = u->query,
                         .headers = all,
                         .body_sha256 = hash,
                         .region = region,
                         .service = service,
                         .amz_date = s->amz_date,
                         .kept = kept };

    if (n + 3 > EA_SIGN_HEADERS_MAX)
        return ea_fail(err, EA_INVALID, "signature: too many headers");
    if (n > 0)
        memcpy(all, headers, n * sizeof(all[0]));
    in.header_count = n;
    all[in.header_count++] = (ea_sign_header){ EA_STR("host"), ea_str_of(s->host) };
    all[in.header_count++] = (ea_sign_header){ EA_STR("x-amz-date"), ea_str_of(s->amz_date) };
    if (s->token)
        all[in.header_count++] =
            (ea_sign_header){ EA_STR("x-amz-security-token"), ea_str_of(s->token) };
    ea_sha256_hex(body, hash);
    if (add_authorization(&in, creds, &auth, err))
        return err->code;
    return ea_buf_take(&auth, &s->authorization, err);
}

ea_code ea_sigv4_sign(const char *method, const char *url, const ea_sign_header *headers,
                      size_t header_count, ea_str body, const char *region, const char *service,
                      const ea_aws_creds *creds, int64_t wall_ms, ea_sign_key *kept, ea_signed *out,
                      ea_err *err)
{
    ea_signed s = { 0 };
    ea_url u;
    EA_BUF_AUTO host = EA_BUF(512);
    char date[17];

    if (ea_zstr_empty(creds->access_key_id) || ea_zstr_empty(creds->secret_access_key))
        return ea_fail(err, EA_AUTH, "no credentials to sign with");
    if (ea_url_parse(ea_str_of(url), &u, err))
        return ea_wrap(err, "sign %.200s", url);
    ea_url_add_host(&host, &u);
    ea_format_amz_date(wall_ms, date);
    if (ea_buf_take(&host, &s.host, err))
        return err->code;
    s.amz_date = ea_strdup(date);
    s.token = ea_zstr_empty(creds->session_token) ? NULL : ea_strdup(creds->session_token);
    if (sign_parts(method, &u, headers, header_count, body, region, service, creds, kept, &s,
                   err)) {
        ea_signed_done(&s);
        return err->code;
    }
    *out = s;
    return EA_OK;
}

ea_code ea_sigv4_frame(const char *url, ea_str json, const char *region, const ea_aws_creds *creds,
                       int64_t wall_ms, ea_buf *out, ea_err *err)
{
    ea_signed s = { 0 };

    if (ea_sigv4_sign("GET", url, NULL, 0, json, region, "ecs", creds, wall_ms, NULL, &s, err))
        return err->code;
    ea_buf_addf(out, "Authorization: %s\r\nHost: %s\r\nX-Amz-Date: %s\r\n", s.authorization, s.host,
                s.amz_date);
    if (s.token)
        ea_buf_addf(out, "X-Amz-Security-Token: %s\r\n", s.token);
    ea_buf_adds(out, "\r\n");
    ea_buf_add(out, json.p, json.n);
    ea_signed_done(&s);
    return ea_buf_check(out, err);
}
