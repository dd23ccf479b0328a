/* fake_engine.h - the other end of a Docker connection, by script: it answers requests with exactly the
 * bytes that it is told, at the pace that it is told, and closes when it is told.
 * It listens on a unix socket or a named pipe, on the loop of the test. */
#ifndef EA_TESTS_DOCKER_FAKE_ENGINE_H
#define EA_TESTS_DOCKER_FAKE_ENGINE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fake_engine fake_engine;

typedef struct fake_step {
    const char *send;  /* NULL: nothing */
    size_t repeat;     /* that many times; 0 counts as once */
    unsigned pause_ms; /* before the next step */
    bool close;        /* the connection, after sending */
} fake_step;

#define FAKE_STEPS 8
fake_engine *fake_engine_new(ea_loop *l);
void fake_engine_free(
    fake_engine *fe); /* with what is connected; turns the loop until it is closed */
const char *fake_engine_address(const fake_engine *fe);

/* The next unanswered request whose first line begins with `request` gets these steps (copied; the end
 * is a step that is all zero). Rules are tried in order and used once, or for ever with `always`. */
void fake_engine_on(fake_engine *fe, const char *request, bool always, const fake_step *steps);
/* The usual: a JSON body with this status line, e.g. "200 OK". */
void fake_engine_json(fake_engine *fe, const char *request, bool always, const char *status,
                      const char *body);

size_t fake_engine_requests(const fake_engine *fe);               /* seen so far */
const char *fake_engine_request(const fake_engine *fe, size_t i); /* whole text, headers included */
size_t fake_engine_connections(const fake_engine *fe);            /* accepted so far */
size_t fake_engine_open(const fake_engine *fe);                   /* open now */
void fake_engine_drop_all(fake_engine *fe);                       /* closes every connection */

/* Turns the loop until *flag is set; fails the test after ten seconds. */
void fake_wait(ea_loop *l, const bool *flag, const char *what);
/* The same until cond(arg). */
void fake_wait_for(ea_loop *l, bool (*cond)(void *arg), void *arg, const char *what);

#endif
