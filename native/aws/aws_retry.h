/* aws_retry.h - which failures of a call are tried again, after how long, and how many retries may
 * be spent. Pure. Source: control-plane.md sections 0.5, 1.1. */
#ifndef EA_AWS_AWS_RETRY_H
#define EA_AWS_AWS_RETRY_H

#include "../base/err.h"
#include "../base/rng.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ea_retry_class {
    EA_RETRY_STANDARD, /* 3 attempts, rand[0,1) * 2^n s, 20 s flat after the fourth */
    EA_RETRY_SUBMIT,   /* 298 attempts, 2^n * (30 + rand[0,30)) ms, 300 s after the 13th */
    EA_RETRY_NONE,     /* the caller tries again himself */
} ea_retry_class;

typedef enum ea_fault_kind {
    EA_FAULT_TERMINAL, /* the same call fails again */
    EA_FAULT_SERVER,   /* HTTP 500, 502, 503, 504, RequestTimeout */
    EA_FAULT_THROTTLE,
    EA_FAULT_CONNECT, /* dial, reset, closed */
    EA_FAULT_TIMEOUT,
    EA_FAULT_SKEW,  /* signature refused for its time: correct the clock, try once more */
    EA_FAULT_CREDS, /* token expired or unknown: fetch credentials, try once more */
} ea_fault_kind;

/* `status` 0: no answer came and `net` tells why; `code` the service's error code, may be "". */
ea_fault_kind ea_fault_classify(int status, const char *code, const ea_err *net);
/* The ea_code that callers see for it. */
ea_code ea_fault_code(int status, const char *code);
unsigned ea_retry_attempts(ea_retry_class c);
/* Delay before retry n (1, 2, ...), ms. */
int64_t ea_retry_delay(ea_retry_class c, unsigned n, ea_rng *rng);

/* Retry budget of one client: 500 tokens; a retry costs 5, 10 after a timeout; what succeeded
 * gives its cost back, without a retry 1. */
typedef struct ea_retry_bucket {
    int tokens;
} ea_retry_bucket;
void ea_retry_bucket_init(ea_retry_bucket *b);
/* The cost taken, or 0 when the bucket cannot pay: then the call fails at once. */
int ea_retry_bucket_take(ea_retry_bucket *b, ea_fault_kind kind);
void ea_retry_bucket_give(ea_retry_bucket *b, int cost); /* 0: success without retry */

#endif
