/* str.h - views into text that is not ours and need not end in NUL.
 * Thread: any. A view never owns; its bytes live as long as their owner. */
#ifndef EA_BASE_STR_H
#define EA_BASE_STR_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ea_str {
    const char *p;
    size_t n;
} ea_str;

#define EA_STR(lit)   ((ea_str){ (lit), sizeof(lit) - 1 })
#define EA_STR_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

ea_str ea_str_of(const char *s); /* NULL gives an empty view */
bool ea_str_eq(ea_str a, ea_str b);
bool ea_str_eqz(ea_str a, const char *z);
bool ea_str_eq_nocase(ea_str a, ea_str b); /* ASCII */
bool ea_str_starts(ea_str s, const char *prefix);
bool ea_str_ends(ea_str s, const char *suffix);
ea_str ea_str_trim(ea_str s); /* ASCII blanks at both ends */
/* Cuts `s` at the first `sep`: *head gets what stands before it, the return value what follows.
 * Without `sep`, *head is all of s and the rest is {NULL, 0}. */
ea_str ea_str_cut(ea_str s, char sep, ea_str *head);
/* Offset of the last `c`, or SIZE_MAX. */
size_t ea_str_rfind(ea_str s, char c);
char *ea_str_dup(ea_str s); /* caller frees */

/* Whole-string numbers; EA_INVALID on anything else (sign only for the signed one), EA_LIMIT when
 * out of [min, max]. */
ea_code ea_str_to_u64(ea_str s, uint64_t min, uint64_t max, uint64_t *out, ea_err *err) EA_CHECK;
ea_code ea_str_to_i64(ea_str s, int64_t min, int64_t max, int64_t *out, ea_err *err) EA_CHECK;
/* Booleans as the reference reads them: 1 t T TRUE true True 0 f F FALSE false False, blanks
 * trimmed (task-engine.md section 8). */
ea_code ea_str_to_bool(ea_str s, bool *out, ea_err *err) EA_CHECK;

bool ea_zstr_eq(const char *a, const char *b); /* NULL equals NULL only */
bool ea_zstr_empty(const char *s);             /* NULL or "" */
/* Number of bytes <= max at which s can be cut without splitting a UTF-8 sequence. */
size_t ea_utf8_cut(const char *s, size_t n, size_t max);
bool ea_utf8_valid(ea_str s);
/* Length of the valid UTF-8 sequence that s begins with; 0 when there is none. */
size_t ea_utf8_seq(const char *s, size_t n);
/* The next piece of a comma separated list, blanks trimmed; false at the end. Pieces between two
 * commas may be empty; nothing stands after a last comma. */
bool ea_str_next_csv(ea_str *rest, ea_str *item);

#endif
