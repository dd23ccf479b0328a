/* clock.h - time as the agent reads it, so that tests and the simulator can hold it.
 * Thread: any. Wall time is milliseconds since 1970 UTC; monotonic time never goes back and starts
 * anywhere. Durations are milliseconds unless the name says `_s`. */
#ifndef EA_BASE_CLOCK_H
#define EA_BASE_CLOCK_H

#include "buf.h"
#include "err.h"
#include "str.h"

#include <stdint.h>

typedef struct ea_time {
    int64_t mono_ms;
    int64_t wall_ms;
} ea_time;

ea_time ea_now(void);
/* Tests: ea_now() answers *fake from now on; NULL goes back to the real clock. Borrowed. */
void ea_clock_set_fake(const ea_time *fake);

#define EA_RFC3339_MAX 40
/* "2026-01-02T03:04:05Z", with milliseconds when `ms` is set and they are not zero (trailing zeros
 * cut, as Go prints them). */
void ea_format_rfc3339(int64_t wall_ms, int ms, char out[EA_RFC3339_MAX]);
/* Accepts fractions of any length and offsets; the zero time 0001-01-01T00:00:00Z gives 0. */
ea_code ea_parse_rfc3339(ea_str s, int64_t *wall_ms, ea_err *err) EA_CHECK;
/* "20260102T030405Z" (SigV4 X-Amz-Date). */
void ea_format_amz_date(int64_t wall_ms, char out[17]);

/* Durations in Go syntax: "1h30m", "500ms", "0"; a bare number is EA_INVALID. */
ea_code ea_parse_go_duration(ea_str s, int64_t *ms, ea_err *err) EA_CHECK;
/* As Go prints them: "2m30s", "1m0.5s", "4m0s", "0s". */
void ea_format_go_duration(int64_t ms, char out[EA_RFC3339_MAX]);
/* Epoch seconds with at most three decimals, shortest form: 1751303000.1 */
void ea_buf_add_epoch(ea_buf *b, int64_t wall_ms);

#endif
