#include "alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end_process(size_t size)
{
    (void)fprintf(stderr, "ecsagent: out of memory (%zu bytes)\n", size); /* nowhere else to tell */
    abort();
}

static void (*out_of_memory)(size_t size) = end_process;
static atomic_uint fail_countdown; /* 0: off */

void ea_alloc_set_handler(void (*handler)(size_t size))
{
    out_of_memory = handler ? handler : end_process;
}

void ea_alloc_fail_after(unsigned n)
{
    atomic_store(&fail_countdown, n);
}

static bool must_fail(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0)
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

/* A handler that returns all the same must not make a NULL of a promise. */
static void give_up(size_t size)
{
    out_of_memory(size);
    abort();
}

void *ea_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        give_up(size);
    return p;
}

void *ea_alloc_array(size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        give_up(SIZE_MAX);
    return ea_alloc(n * size);
}

void *ea_realloc_array(void *p, size_t n, size_t size)
{
    void *q;

    if (size != 0 && n > SIZE_MAX / size)
        give_up(SIZE_MAX);
    n *= size;
    q = realloc(p, n ? n : 1);
    if (!q)
        give_up(n);
    return q;
}

void *ea_try_alloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *ea_try_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : realloc(p, size ? size : 1);
}

char *ea_strdup(const char *s)
{
    return s ? ea_strndup(s, strlen(s)) : NULL;
}

char *ea_strndup(const char *s, size_t n)
{
    char *copy = ea_alloc(n + 1);

    if (n != 0)
        memcpy(copy, s, n);
    return copy;
}

char *ea_sprintf_dup(const char *fmt, ...)
{
    char near[256]; /* most texts fit: they are formatted once */
    va_list ap, again;
    char *text;
    size_t size;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(near, sizeof(near), fmt, ap);
    va_end(ap);
    size = n < 0 ? 1 : (size_t)n + 1;
    text = ea_alloc(size);
    if (size > sizeof(near))
        (void)vsnprintf(text, size, fmt, again); /* measured just now */
    else
        memcpy(text, near, size - 1);
    va_end(again);
    ea_secret_wipe(near, size < sizeof(near) ? size : sizeof(near));
    return text;
}

void ea_free(void *p)
{
    free(p);
}

void ea_secret_wipe(void *p, size_t n)
{
    if (!p || n == 0)
        return;
    memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory"); /* the bytes count as read: the memset stays */
}

void ea_secret_free(char *s)
{
    if (s)
        ea_secret_wipe(s, strlen(s));
    ea_free(s);
}

/* memcpy: the variable behind `pp` is some T *, which a void ** must not alias. */
void ea_free_ptr(void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof(p));
    ea_free(p);
}

void ea_secret_ptr(void *pp)
{
    char *s;

    memcpy(&s, pp, sizeof(s));
    ea_secret_free(s);
}

void ea_set_str(char **slot, const char *value)
{
    char *copy = ea_strdup(value); /* first: value may lie inside the old one */

    ea_free(*slot);
    *slot = copy;
}
