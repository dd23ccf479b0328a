/* buf.h - a growing byte buffer with an upper bound. A failure (bound reached, no memory, bad
 * format) sticks: later adds do nothing, and it is told once by ea_buf_take or ea_buf_check.
 * Thread: any; the buffer belongs to one owner. */
#ifndef EA_BASE_BUF_H
#define EA_BASE_BUF_H

#include "err.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ea_buf {
    char *p; /* always followed by a NUL once something was added */
    size_t n;
    size_t cap;
    size_t max; /* the most it may ever grow to, bytes */
    ea_code failed;
} ea_buf;

#define EA_BUF(max_bytes)  ((ea_buf){ .max = (max_bytes) })
#define EA_BUF_AUTO        __attribute__((cleanup(ea_buf_done))) ea_buf
#define EA_SECRET_BUF_AUTO __attribute__((cleanup(ea_buf_done_secret))) ea_buf

void ea_buf_done(ea_buf *b);        /* frees; the buffer may be used again */
void ea_buf_done_secret(ea_buf *b); /* wipes, then frees */
void ea_buf_clear(ea_buf *b);       /* keeps the memory, forgets content and failure */

void ea_buf_add(ea_buf *b, const void *p, size_t n);
void ea_buf_adds(ea_buf *b, const char *s); /* NULL adds nothing */
void ea_buf_addc(ea_buf *b, char c);
void ea_buf_add_i64(ea_buf *b, int64_t v); /* decimal; many times cheaper than a format */
void ea_buf_addf(ea_buf *b, const char *fmt, ...) EA_PRINTF(2, 3);
void ea_buf_add_urlenc(ea_buf *b, const char *s);        /* RFC 3986, all but unreserved escaped */
void ea_buf_add_urlenc_path(ea_buf *b, const char *s);   /* the same, slashes kept */
void ea_buf_add_hex(ea_buf *b, const void *p, size_t n); /* lower case */
void ea_buf_add_base64(ea_buf *b, const void *p, size_t n);
void ea_buf_add_base64url(ea_buf *b, const void *p, size_t n); /* padded */
void ea_buf_add_json_str(ea_buf *b, ea_str s); /* quoted; bad UTF-8 becomes U+FFFD */
/* Quoted as Go's encoder does it: also < > & as \u003c \u003e \u0026. */
void ea_buf_add_json_str_html(ea_buf *b, ea_str s);
void ea_buf_drop_front(ea_buf *b, size_t n);

ea_str ea_buf_str(const ea_buf *b);    /* view of the content; valid until the next add */
const char *ea_buf_z(const ea_buf *b); /* NUL-terminated content, "" when empty */
ea_code ea_buf_check(const ea_buf *b, ea_err *err) EA_CHECK;
/* Moves the content to the caller (frees it by ea_free); EA_LIMIT or EA_NO_MEMORY as it stuck. */
ea_code ea_buf_take(ea_buf *b, char **out, ea_err *err) EA_CHECK;

/* Decoders: EA_INVALID on a character that does not belong; output bounded by `max`. */
ea_code ea_base64_decode(ea_str in, size_t max, ea_buf *out, ea_err *err) EA_CHECK;
ea_code ea_hex_decode(ea_str in, void *out, size_t out_n, ea_err *err) EA_CHECK;

#endif
