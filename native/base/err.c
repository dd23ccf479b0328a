#include "err.h"

#include "str.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *category, *words;
    int retry;
} codes[EA_CODE_COUNT] = {
#define X(name, retry, category, words) { #name, category, words, retry },
    EA_CODES(X)
#undef X
};

/* Through a second buffer: an argument may point into err->text itself. */
static ea_code fill(ea_err *err, ea_code code, int sys, const char *fmt, va_list ap)
{
    char text[sizeof(err->text)];
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    size_t len = n < 0 ? 0 : (size_t)n;

    if (n < 0)
        text[0] = '\0';
    if (len >= sizeof(text))
        len = ea_utf8_cut(text, sizeof(text) - 1, sizeof(text) - 1);
    memcpy(err->text, text, len);
    err->text[len] = '\0';
    err->code = code;
    err->sys = sys;
    return code;
}

ea_code ea_fail(ea_err *err, ea_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fill(err, code, 0, fmt, ap); /* gives back `code` */
    va_end(ap);
    return code;
}

ea_code ea_fail_sys(ea_err *err, ea_code code, int sys, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fill(err, code, sys, fmt, ap); /* gives back `code` */
    va_end(ap);
    return code;
}

ea_code ea_wrap(ea_err *err, const char *fmt, ...)
{
    ea_err front;
    va_list ap;
    size_t head, tail, room;

    va_start(ap, fmt);
    (void)fill(&front, err->code, err->sys, fmt, ap); /* gives back the code */
    va_end(ap);
    head = strlen(front.text);
    if (head > sizeof(front.text) - 3)
        head = ea_utf8_cut(front.text, head, sizeof(front.text) - 3);
    front.text[head++] = ':';
    front.text[head++] = ' ';
    room = sizeof(front.text) - 1 - head;
    tail = strlen(err->text);
    if (tail > room)
        tail = ea_utf8_cut(err->text, tail, room);
    memcpy(front.text + head, err->text, tail);
    front.text[head + tail] = '\0';
    *err = front;
    return err->code;
}

static ea_code known(ea_code code)
{
    return (int)code >= 0 && code < EA_CODE_COUNT ? code : EA_INVALID;
}

const char *ea_code_name(ea_code code)
{
    return codes[known(code)].name;
}

const char *ea_code_words(ea_code code)
{
    return codes[known(code)].words;
}

const char *ea_code_category(ea_code code)
{
    return codes[known(code)].category;
}

int ea_code_retryable(ea_code code)
{
    return codes[known(code)].retry;
}
