/* sigv4.h - Signature Version 4: signs requests, websocket handshakes and telemetry frames, and
 * derives the signature a request should have (local control plane).
 * Thread: any. Pure but for mbedTLS. Source: control-plane.md section 0.1.
 * Canonical query: pairs sorted by escaped key then value, RFC 3986 escapes, blank %20; the raw text
 * is decoded first, so "%2B" stays a plus; a raw "+" is a blank unless `plus_literal`. The path is
 * escaped once more (slashes kept) but for the service s3; dot segments are not touched. */
#ifndef EA_AWS_SIGV4_H
#define EA_AWS_SIGV4_H

#include "../base/buf.h"
#include "../base/clock.h"
#include "../base/err.h"
#include "../base/str.h"

#define EA_SHA256_HEX   65
#define EA_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct ea_aws_creds { /* owned by whoever holds it; wiped when freed */
    char *access_key_id, *secret_access_key;
    char *session_token; /* NULL or "": none */
    int64_t expires_ms;  /* wall; 0: does not expire */
    const char *source;  /* static text: "environment", "instance role", ... */
} ea_aws_creds;
void ea_aws_creds_done(ea_aws_creds *c);
void ea_aws_creds_copy(ea_aws_creds *to, const ea_aws_creds *from); /* frees what `to` held */

/* The key of the last signature, to be used again: four of the five HMACs of a signature are its
 * derivation, which changes with the day. All zero: none yet. Holds secrets. */
typedef struct ea_sign_key {
    char *of; /* what it was derived from */
    unsigned char key[32];
} ea_sign_key;
void ea_sign_key_done(ea_sign_key *k); /* wipes */

typedef struct ea_sign_header {
    ea_str name, value; /* name in any case; blanks in the value are folded by the signer */
} ea_sign_header;

typedef struct ea_sign_input {     /* all borrowed */
    ea_str method, path, query;    /* path and query as they stand on the wire */
    const ea_sign_header *headers; /* exactly those to be signed */
    size_t header_count;           /* at most EA_SIGN_HEADERS_MAX */
    const char *body_sha256;       /* hex; EA_EMPTY_SHA256 for none */
    const char *region, *service;
    const char *amz_date; /* YYYYMMDDTHHMMSSZ */
    ea_sign_key *kept;    /* NULL: the key is derived anew */
    bool plus_literal;    /* a raw "+" in the query means itself */
} ea_sign_input;

#define EA_SIGN_HEADERS_MAX 64

void ea_sha256_hex(ea_str data, char out[EA_SHA256_HEX]);
void ea_hmac_sha256(ea_str key, ea_str data, unsigned char out[32]);

typedef struct ea_sigv4_auth { /* views into the Authorization header's value */
    ea_str access_key_id, date, region, service, signed_headers, signature;
} ea_sigv4_auth;
ea_code ea_sigv4_parse(ea_str authorization, ea_sigv4_auth *out, ea_err *err) EA_CHECK;
/* Is `signature` that of the input, with a raw "+" read either way? Constant time. */
bool ea_sigv4_matches(const ea_sign_input *in, const char *secret, ea_str signature);

/* One request with everything decided: adds Host, X-Amz-Date and the token to the caller's headers,
 * signs them all, and hands back the headers to send besides the caller's. Session tokens are wiped
 * by ea_signed_done(). */
typedef struct ea_signed {
    char *authorization, *host, *amz_date, *token; /* token NULL without one */
} ea_signed;
void ea_signed_done(ea_signed *s);
/* `url` absolute; `headers` the caller's own that are to be signed; `wall_ms` the corrected time; `kept`
 * may be NULL. */
ea_code ea_sigv4_sign(const char *method, const char *url, const ea_sign_header *headers,
                      size_t header_count, ea_str body, const char *region, const char *service,
                      const ea_aws_creds *creds, int64_t wall_ms, ea_sign_key *kept, ea_signed *out,
                      ea_err *err) EA_CHECK;

/* Telemetry frame: header block, blank line, `json`; signed as GET of `url` with the JSON as body
 * (control-plane.md section 4.3). */
ea_code ea_sigv4_frame(const char *url, ea_str json, const char *region, const ea_aws_creds *creds,
                       int64_t wall_ms, ea_buf *out, ea_err *err) EA_CHECK;

#endif
