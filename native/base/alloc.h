/* alloc.h - the only file beside alloc.c that knows malloc.
 * Thread: any. Small allocations never return NULL: they end in the replaceable handler (a library
 * in somebody's shell does not call abort unasked). Sizes that a peer chooses go through
 * ea_try_alloc, which may return NULL. */
#ifndef EA_BASE_ALLOC_H
#define EA_BASE_ALLOC_H

#include "err.h"

#include <stddef.h>

void *ea_alloc(size_t size);                            /* zeroed; size 0 gives a unique pointer */
void *ea_alloc_array(size_t n, size_t size);            /* zeroed; n * size checked for overflow */
void *ea_realloc_array(void *p, size_t n, size_t size); /* new bytes are not zeroed */
void *ea_try_alloc(size_t size) EA_CHECK;               /* zeroed; NULL when there is no memory */
void *ea_try_realloc(void *p, size_t size) EA_CHECK;
char *ea_strdup(const char *s);            /* NULL gives NULL */
char *ea_strndup(const char *s, size_t n); /* copies n bytes and ends them in NUL */
char *ea_sprintf_dup(const char *fmt, ...) EA_PRINTF(1, 2);
void ea_free(void *p); /* NULL is fine */

/* Overwrites memory that held a secret; never optimised away. */
void ea_secret_wipe(void *p, size_t n);
/* Wipes up to the NUL, then frees. NULL is fine. */
void ea_secret_free(char *s);

/* Replaces what runs when a small allocation fails; the handler must not return. */
void ea_alloc_set_handler(void (*handler)(size_t size));
/* Tests: the n-th ea_try_* call from now on fails once; 0 switches off. */
void ea_alloc_fail_after(unsigned n);

void ea_free_ptr(void *pp);   /* cleanup helper: frees *(void **)pp */
void ea_secret_ptr(void *pp); /* cleanup helper: ea_secret_free(*(char **)pp) */
#define EA_FREE_AUTO   __attribute__((cleanup(ea_free_ptr)))
#define EA_SECRET_AUTO __attribute__((cleanup(ea_secret_ptr)))

/* Sets an owned string member: frees the old value, copies the new one (NULL allowed). */
void ea_set_str(char **slot, const char *value);

#endif
