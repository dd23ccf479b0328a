/* json_read.h - reads JSON text member by member, in its own order, and builds nothing: for input of
 * which little is wanted, many times a second. Strict (RFC 8259); at most EA_JREAD_DEPTH levels.
 * Thread: any. Knows: the text. Does not know: what members mean; escapes are checked, not undone (a
 * name or string with one is told as it stands).
 *
 *   struct ea_jread r = ea_jread_of(text);
 *   if (ea_jread_object(&r))
 *       while (ea_jread_member(&r, &name))
 *           if (ea_str_eqz(name, "size")) size = ea_jread_u64(&r);
 *           else ea_jread_skip(&r);
 *   return ea_jread_end(&r, err);
 *
 * Each value is taken by exactly one of the calls below. A mistake in the text sticks: loops end, values
 * are 0 or empty, and ea_jread_end() tells it. */
#ifndef EA_BASE_JSON_READ_H
#define EA_BASE_JSON_READ_H

#include "err.h"
#include "str.h"

#define EA_JREAD_DEPTH 64

struct ea_jread { /* private */
    const char *start, *p, *end;
    unsigned depth;
    uint64_t objects; /* a bit a level: it is an object, not an array */
    bool fresh;       /* nothing was read of the innermost level */
    const char *why;  /* NULL: no mistake so far */
};

struct ea_jread ea_jread_of(ea_str text); /* borrowed */

/* First character of the value that follows, which tells its kind; '\0' at the end or after a mistake. */
char ea_jread_peek(struct ea_jread *r);

/* True: the value is an object (array) and has to be read to its end. Otherwise it is skipped. */
bool ea_jread_object(struct ea_jread *r);
bool ea_jread_array(struct ea_jread *r);
/* True: a value follows. False: the object (array) is over. `name`: without quotes. */
bool ea_jread_member(struct ea_jread *r, ea_str *name);
bool ea_jread_item(struct ea_jread *r);

void ea_jread_skip(struct ea_jread *r);
/* A number: whole ones exactly, fractions cut, negative ones 0, too large ones UINT64_MAX. Any other
 * value is skipped and 0. */
uint64_t ea_jread_u64(struct ea_jread *r);
/* A string without its quotes. Any other value is skipped and empty. */
ea_str ea_jread_str(struct ea_jread *r);

/* EA_INVALID: a mistake, or something follows the one value. */
ea_code ea_jread_end(struct ea_jread *r, ea_err *err) EA_CHECK;

/* Any value, as it stands; empty after a mistake. */
ea_str ea_jread_raw(struct ea_jread *r);

/* Index of `name` among `words`, once: a name that comes again is nobody's, as a name that is not among
 * them (`n`). `seen` begins as 0; at most 32 words. */
size_t ea_jread_which(ea_str name, const char *const *words, size_t n, unsigned *seen);

#endif
