/* loop.h - the one loop thread. All state of the agent is touched on it alone; other threads enter
 * by ea_loop_post().
 * Knows: libuv. Does not know: what runs on it. */
#ifndef EA_BASE_LOOP_H
#define EA_BASE_LOOP_H

#include "err.h"

#include <stdint.h>

typedef struct ea_loop ea_loop;
typedef struct ea_timer ea_timer;
struct uv_loop_s;

ea_code ea_loop_new(ea_loop **out, ea_err *err) EA_CHECK;
void ea_loop_free(ea_loop *l); /* after ea_loop_run returned; closes what is left */
struct uv_loop_s *ea_loop_uv(ea_loop *l);
/* Runs until ea_loop_stop(); then keeps turning until every handle is closed or `drain_ms` passed. */
void ea_loop_run(ea_loop *l, unsigned drain_ms);
void ea_loop_stop(ea_loop *l); /* loop thread */

/* Any thread: runs fn(arg) on the loop, in order of the posts. After the loop ended fn never runs;
 * the answer tells: EA_CANCELLED when the loop is already gone. */
ea_code ea_loop_post(ea_loop *l, void (*fn)(void *arg), void *arg, ea_err *err) EA_CHECK;
/* Loop thread: runs fn(arg) later in the same loop, never from inside this call. */
void ea_loop_defer(ea_loop *l, void (*fn)(void *arg), void *arg);

/* One-shot timer that can be armed again. The callback runs on the loop. */
ea_timer *ea_timer_new(ea_loop *l, void (*fn)(void *arg), void *arg);
void ea_timer_arm(ea_timer *t, int64_t delay_ms); /* replaces an earlier arming; < 0 counts as 0 */
void ea_timer_stop(ea_timer *t);
void ea_timer_free(ea_timer *t); /* NULL is fine; the callback does not run any more */

/* Runs work(arg) on the pool, then done(arg) on the loop (also when the loop is stopping). */
void ea_loop_work(ea_loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
