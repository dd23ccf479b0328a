#include "aws_retry.h"

#include "../base/str.h"

#define TOKENS_MAX   500
#define RETRY_COST   5
#define TIMEOUT_COST 10

/* Error codes that mean something to the caller; all else is decided by the HTTP status. */
/* clang-format off */
static const struct row {
    const char *code;
    ea_fault_kind kind;
    ea_code ea;
} rows[] = {
    { "RequestTimeout",                         EA_FAULT_SERVER,   EA_TIMEOUT   },
    { "RequestTimeoutException",                EA_FAULT_SERVER,   EA_TIMEOUT   },
    { "Throttling",                             EA_FAULT_THROTTLE, EA_THROTTLED },
    { "ThrottlingException",                    EA_FAULT_THROTTLE, EA_THROTTLED },
    { "ThrottledException",                     EA_FAULT_THROTTLE, EA_THROTTLED },
    { "RequestThrottledException",              EA_FAULT_THROTTLE, EA_THROTTLED },
    { "TooManyRequestsException",               EA_FAULT_THROTTLE, EA_THROTTLED },
    { "ProvisionedThroughputExceededException", EA_FAULT_THROTTLE, EA_THROTTLED },
    { "TransactionInProgressException",         EA_FAULT_THROTTLE, EA_THROTTLED },
    { "RequestLimitExceeded",                   EA_FAULT_THROTTLE, EA_THROTTLED },
    { "BandwidthLimitExceeded",                 EA_FAULT_THROTTLE, EA_THROTTLED },
    { "LimitExceededException",                 EA_FAULT_THROTTLE, EA_THROTTLED },
    { "RequestThrottled",                       EA_FAULT_THROTTLE, EA_THROTTLED },
    { "SlowDown",                               EA_FAULT_THROTTLE, EA_THROTTLED },
    { "PriorRequestNotComplete",                EA_FAULT_THROTTLE, EA_THROTTLED },
    { "EC2ThrottledException",                  EA_FAULT_THROTTLE, EA_THROTTLED },
    { "RequestTimeTooSkewed",                   EA_FAULT_SKEW,     EA_AUTH      },
    { "RequestExpired",                         EA_FAULT_SKEW,     EA_AUTH      },
    { "RequestInTheFuture",                     EA_FAULT_SKEW,     EA_AUTH      },
    { "InvalidSignatureException",              EA_FAULT_SKEW,     EA_AUTH      },
    { "SignatureDoesNotMatch",                  EA_FAULT_SKEW,     EA_AUTH      },
    { "AuthFailure",                            EA_FAULT_SKEW,     EA_AUTH      },
    { "ExpiredToken",                           EA_FAULT_CREDS,    EA_AUTH      },
    { "ExpiredTokenException",                  EA_FAULT_CREDS,    EA_AUTH      },
    { "UnrecognizedClientException",            EA_FAULT_CREDS,    EA_AUTH      },
    { "InvalidClientTokenId",                   EA_FAULT_CREDS,    EA_AUTH      },
    { "IncompleteSignature",                    EA_FAULT_TERMINAL, EA_AUTH      },
    { "MissingAuthenticationTokenException",    EA_FAULT_TERMINAL, EA_AUTH      },
    { "AccessDeniedException",                  EA_FAULT_TERMINAL, EA_DENIED    },
    { "AccessDenied",                           EA_FAULT_TERMINAL, EA_DENIED    },
    { "UnauthorizedException",                  EA_FAULT_TERMINAL, EA_DENIED    },
    { "ClusterNotFoundException",               EA_FAULT_TERMINAL, EA_NOT_FOUND },
    { "InvalidParameterException",              EA_FAULT_TERMINAL, EA_INVALID   },
};
/* clang-format on */

static const struct row *find(const char *code)
{
    for (size_t i = 0; code && i < EA_COUNT(rows); i++) {
        if (ea_str_eq_nocase(ea_str_of(code), ea_str_of(rows[i].code)))
            return &rows[i];
    }
    return NULL;
}

static ea_fault_kind classify_net(const ea_err *net)
{
    switch (net->code) {
    case EA_TIMEOUT:
        return EA_FAULT_TIMEOUT;
    case EA_UNREACHABLE:
        return EA_FAULT_CONNECT;
    default:
        return EA_FAULT_TERMINAL; /* TLS, no credentials, limits: they do not mend in seconds */
    }
}

ea_fault_kind ea_fault_classify(int status, const char *code, const ea_err *net)
{
    const struct row *r = find(code);

    if (status == 0)
        return net ? classify_net(net) : EA_FAULT_CONNECT;
    if (r)
        return r->kind;
    if (status == 429)
        return EA_FAULT_THROTTLE;
    if (status == 500 || status == 502 || status == 503 || status == 504)
        return EA_FAULT_SERVER;
    return EA_FAULT_TERMINAL;
}

ea_code ea_fault_code(int status, const char *code)
{
    const struct row *r = find(code);

    if (r)
        return r->ea;
    if (status == 429)
        return EA_THROTTLED;
    if (status >= 500)
        return EA_SERVER;
    if (status == 401 || status == 403)
        return EA_DENIED;
    return EA_REFUSED;
}

unsigned ea_retry_attempts(ea_retry_class c)
{
    switch (c) {
    case EA_RETRY_STANDARD:
        return 3;
    case EA_RETRY_SUBMIT:
        return 298;
    case EA_RETRY_NONE:
        return 1;
    }
    return 1;
}

int64_t ea_retry_delay(ea_retry_class c, unsigned n, ea_rng *rng)
{
    switch (c) {
    case EA_RETRY_STANDARD:
        return n > 4 ? 20000 : (int64_t)(ea_rng_unit(rng) * (double)(1000u << n));
    case EA_RETRY_SUBMIT:
        return n > 13 ? 300000 : ((int64_t)1 << n) * (30 + (int64_t)ea_rng_below(rng, 30));
    case EA_RETRY_NONE:
        return 0;
    }
    return 0;
}

void ea_retry_bucket_init(ea_retry_bucket *b)
{
    b->tokens = TOKENS_MAX;
}

int ea_retry_bucket_take(ea_retry_bucket *b, ea_fault_kind kind)
{
    int cost = kind == EA_FAULT_TIMEOUT ? TIMEOUT_COST : RETRY_COST;

    if (b->tokens < cost)
        return 0;
    b->tokens -= cost;
    return cost;
}

void ea_retry_bucket_give(ea_retry_bucket *b, int cost)
{
    b->tokens += cost > 0 ? cost : 1;
    if (b->tokens > TOKENS_MAX)
        b->tokens = TOKENS_MAX;
}
