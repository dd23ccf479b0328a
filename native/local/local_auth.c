/* local_auth.c - checks signatures. See local_auth.h. */
#include "local_auth.h"

#include "../base/alloc.h"

#include <stdio.h>
#include <string.h>

#define SKEW_MS           (5 * 60 * 1000)
#define FRAME_HEADERS_MAX 16

struct headers { /* where signed headers are looked up */
    const ea_sign_header *v;
    size_t n;
};

static const ea_sign_header *find(const struct headers *h, ea_str name)
{
    for (size_t i = 0; i < h->n; i++)
        if (ea_str_eq_nocase(h->v[i].name, name))
            return &h->v[i];
    return NULL;
}

/* "20260102T030405Z" -> wall ms */
static ea_code parse_amz_date(ea_str s, int64_t *wall_ms, ea_err *err)
{
    char iso[32];

    if (s.n != 16 || s.p[8] != 'T' || s.p[15] != 'Z')
        return ea_fail(err, EA_INVALID, "Date must be in ISO-8601 'basic format'");
    (void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s.p, s.p + 4, s.p + 6,
                   s.p + 9, s.p + 11, s.p + 13);
    return ea_parse_rfc3339(ea_str_of(iso), wall_ms, err);
}

static ea_lc_refusal check_date(ea_str date, ea_str scope_date, int64_t now_ms, ea_err *err)
{
    int64_t then = 0;

    if (parse_amz_date(date, &then, err)) {
        (void)ea_fail(err, EA_INVALID, "Date must be in ISO-8601 'basic format'.");
        return EA_LC_MALFORMED;
    }
    if (scope_date.n != 8 || memcmp(scope_date.p, date.p, 8) != 0) {
        (void)ea_fail(err, EA_AUTH,
                      "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                      "version of date from HTTP.");
        return EA_LC_WRONG;
    }
    if (then < now_ms - SKEW_MS || then > now_ms + SKEW_MS) {
        char now[17];

        ea_format_amz_date(now_ms, now);
        (void)ea_fail(err, EA_AUTH, "Signature %s: %.*s is more than 5 min. %s %s",
                      then < now_ms ? "expired" : "not yet current", EA_STR_FMT(date),
                      then < now_ms ? "before" : "after", now);
        return EA_LC_WRONG;
    }
    return EA_LC_FINE;
}

static ea_lc_refusal check_scope(const ea_lc_auth *a, const ea_sigv4_auth *sig, const char *service,
                                 ea_err *err)
{
    if (!ea_str_eqz(sig->region, a->region)) {
        (void)ea_fail(err, EA_AUTH, "Credential should be scoped to a valid region, not '%.*s'.",
                      EA_STR_FMT(sig->region));
        return EA_LC_WRONG;
    }
    if (!ea_str_eqz(sig->service, service)) {
        (void)ea_fail(err, EA_AUTH, "Credential should be scoped to correct service: '%s'.",
                      service);
        return EA_LC_WRONG;
    }
    return EA_LC_FINE;
}

/* Picks the signed headers out of all; `host` and a date must be among them. */
static ea_lc_refusal pick_headers(const struct headers *all, ea_str names, ea_sign_header *out,
                                  size_t *n, ea_err *err)
{
    bool host = false;

    *n = 0;
    while (names.n) {
        ea_str name;
        const ea_sign_header *h;

        names = ea_str_cut(names, ';', &name);
        h = find(all, name);
        if (!h || *n == EA_SIGN_HEADERS_MAX) {
            (void)ea_fail(err, EA_INVALID, "'%.*s' is a signed header but is not in the request.",
                          EA_STR_FMT(name));
            return EA_LC_MALFORMED;
        }
        host = host || ea_str_eqz(name, "host");
        out[(*n)++] = *h;
    }
    if (host)
        return EA_LC_FINE;
    (void)ea_fail(err, EA_INVALID, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
    return EA_LC_MALFORMED;
}

static ea_lc_refusal check(const ea_lc_auth *a, const struct headers *all, ea_str method,
                           const char *path, const char *query, ea_str body, const char *service,
                           int64_t now_ms, ea_lc_identity *who, ea_err *err)
{
    static const char wrong[] =
        "The request signature we calculated does not match the signature "
        "you provided. Check your AWS Secret Access Key and signing method.";
    const ea_sign_header *authorization = find(all, EA_STR("authorization"));
    const ea_sign_header *date = find(all, EA_STR("x-amz-date"));
    const ea_sign_header *token = find(all, EA_STR("x-amz-security-token"));
    ea_sign_header picked[EA_SIGN_HEADERS_MAX];
    EA_SECRET_AUTO char *token_text = token ? ea_str_dup(token->value) : NULL;
    char sha[EA_SHA256_HEX], region[64], date_text[17];
    ea_sign_input in;
    ea_sigv4_auth sig;
    ea_lc_refusal r;
    ea_code code;

    if (!authorization || authorization->value.n == 0) {
        (void)ea_fail(err, EA_AUTH, "Missing Authentication Token");
        return EA_LC_NO_SIGNATURE;
    }
    if (ea_sigv4_parse(authorization->value, &sig, err))
        return EA_LC_MALFORMED;
    if (!date) {
        (void)ea_fail(err, EA_INVALID,
                      "Authorization header requires existence of either a "
                      "'X-Amz-Date' or a 'Date' header.");
        return EA_LC_MALFORMED;
    }
    code = ea_lc_creds_find(a->creds, sig.access_key_id, token_text, now_ms, who, err);
    if (code)
        return code == EA_TIMEOUT ? EA_LC_EXPIRED_TOKEN : EA_LC_UNKNOWN_KEY;
    r = check_scope(a, &sig, service, err);
    if (!r)
        r = check_date(date->value, sig.date, now_ms, err);
    in = (ea_sign_input){ .method = method,
                          .path = ea_str_of(path),
                          .query = ea_str_of(query),
                          .headers = picked,
                          .body_sha256 = sha,
                          .region = region,
                          .service = service,
                          .amz_date = date_text };
    if (!r)
        r = pick_headers(all, sig.signed_headers, picked, &in.header_count, err);
    if (!r) {
        ea_sha256_hex(body, sha);
        (void)snprintf(region, sizeof(region), "%.*s", EA_STR_FMT(sig.region));
        (void)snprintf(date_text, sizeof(date_text), "%.*s", EA_STR_FMT(date->value));
        if (!ea_sigv4_matches(&in, who->secret, sig.signature)) {
            (void)ea_fail(err, EA_AUTH, "%s", wrong);
            r = EA_LC_WRONG;
        }
    }
    ea_secret_wipe(who->secret, sizeof(who->secret));
    return r;
}

ea_lc_refusal ea_lc_auth_request(const ea_lc_auth *a, const ea_http_request *req,
                                 const char *service, int64_t now_ms, ea_lc_identity *who,
                                 ea_err *err)
{
    ea_sign_header all[128];
    struct headers h = { all, 0 };

    for (size_t i = 0; i < req->header_count && h.n < EA_COUNT(all); i++)
        all[h.n++] =
            (ea_sign_header){ ea_str_of(req->headers[i].name), ea_str_of(req->headers[i].value) };
    return check(a, &h, ea_str_of(req->method), req->raw_path, req->query, req->body, service,
                 now_ms, who, err);
}

ea_lc_refusal ea_lc_auth_frame(const ea_lc_auth *a, ea_str frame, const char *path,
                               const char *query, int64_t now_ms, ea_str *json, ea_err *err)
{
    ea_sign_header all[FRAME_HEADERS_MAX];
    struct headers h = { all, 0 };
    ea_lc_identity who = { .who = EA_LC_OPERATOR };
    ea_str rest = frame;

    for (;;) {
        ea_str line, name, value;

        if (!rest.n || h.n == EA_COUNT(all)) {
            (void)ea_fail(err, EA_INVALID, "a frame must begin with its header block");
            return EA_LC_MALFORMED;
        }
        rest = ea_str_cut(rest, '\n', &line);
        line = ea_str_trim(line);
        if (line.n == 0)
            break;
        value = ea_str_cut(line, ':', &name);
        all[h.n++] = (ea_sign_header){ ea_str_trim(name), ea_str_trim(value) };
    }
    *json = rest;
    return check(a, &h, EA_STR("GET"), path, query, rest, "ecs", now_ms, &who, err);
}

const char *ea_lc_refusal_name(ea_lc_refusal r)
{
    switch (r) {
    case EA_LC_FINE:
        return "";
    case EA_LC_NO_SIGNATURE:
        return "MissingAuthenticationTokenException";
    case EA_LC_MALFORMED:
        return "IncompleteSignatureException";
    case EA_LC_UNKNOWN_KEY:
        return "UnrecognizedClientException";
    case EA_LC_EXPIRED_TOKEN:
        return "ExpiredTokenException";
    case EA_LC_WRONG:
        return "InvalidSignatureException";
    }
    return "";
}
