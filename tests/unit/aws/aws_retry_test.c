/* aws_retry_test.c - which failures are tried again, when, and for how many tokens. */
#include "aws/aws_retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void faults_are_told_apart_by_code_then_status(void **state)
{
    static const struct {
        int status;
        const char *code;
        ea_fault_kind kind;
        ea_code ea;
    } cases[] = {
        { 400, "ThrottlingException", EA_FAULT_THROTTLE, EA_THROTTLED },
        { 400, "throttlingexception", EA_FAULT_THROTTLE, EA_THROTTLED },
        { 400, "LimitExceededException", EA_FAULT_THROTTLE, EA_THROTTLED },
        { 429, "", EA_FAULT_THROTTLE, EA_THROTTLED },
        { 500, "ServerException", EA_FAULT_SERVER, EA_SERVER },
        { 502, "", EA_FAULT_SERVER, EA_SERVER },
        { 501, "", EA_FAULT_TERMINAL, EA_SERVER },
        { 400, "RequestTimeout", EA_FAULT_SERVER, EA_TIMEOUT },
        { 400, "InvalidParameterException", EA_FAULT_TERMINAL, EA_INVALID },
        { 400, "ClientException", EA_FAULT_TERMINAL, EA_REFUSED },
        { 400, "ClusterNotFoundException", EA_FAULT_TERMINAL, EA_NOT_FOUND },
        { 400, "AccessDeniedException", EA_FAULT_TERMINAL, EA_DENIED },
        { 403, "", EA_FAULT_TERMINAL, EA_DENIED },
        { 403, "InvalidSignatureException", EA_FAULT_SKEW, EA_AUTH },
        { 403, "RequestTimeTooSkewed", EA_FAULT_SKEW, EA_AUTH },
        { 400, "ExpiredTokenException", EA_FAULT_CREDS, EA_AUTH },
        { 400, "UnrecognizedClientException", EA_FAULT_CREDS, EA_AUTH },
        { 404, "", EA_FAULT_TERMINAL, EA_REFUSED },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_fault_kind kind = ea_fault_classify(cases[i].status, cases[i].code, NULL);
        ea_code code = ea_fault_code(cases[i].status, cases[i].code);

        if (kind != cases[i].kind || code != cases[i].ea)
            fail_msg("%d %s: got kind %d, %s", cases[i].status, cases[i].code, (int)kind,
                     ea_code_name(code));
    }
}

static void without_an_answer_the_connection_decides(void **state)
{
    static const struct {
        ea_code net;
        ea_fault_kind kind;
    } cases[] = {
        { EA_UNREACHABLE, EA_FAULT_CONNECT }, { EA_TIMEOUT, EA_FAULT_TIMEOUT },
        { EA_TLS, EA_FAULT_TERMINAL },        { EA_AUTH, EA_FAULT_TERMINAL },
        { EA_LIMIT, EA_FAULT_TERMINAL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_err err = { .code = cases[i].net };

        assert_int_equal(ea_fault_classify(0, "", &err), cases[i].kind);
    }
}

static void delays_stay_in_their_bounds(void **state)
{
    static const struct {
        ea_retry_class c;
        unsigned n;
        int64_t low, high; /* [low, high] */
    } cases[] = {
        { EA_RETRY_STANDARD, 1, 0, 2000 },
        { EA_RETRY_STANDARD, 2, 0, 4000 },
        { EA_RETRY_STANDARD, 4, 0, 16000 },
        { EA_RETRY_STANDARD, 5, 20000, 20000 },
        { EA_RETRY_SUBMIT, 1, 60, 118 },
        { EA_RETRY_SUBMIT, 13, 245760, 483328 },
        { EA_RETRY_SUBMIT, 14, 300000, 300000 },
        { EA_RETRY_SUBMIT, 297, 300000, 300000 },
        { EA_RETRY_NONE, 1, 0, 0 },
    };
    ea_rng rng;

    (void)state;
    ea_rng_seed(&rng, 7);
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        for (int k = 0; k < 200; k++) {
            int64_t d = ea_retry_delay(cases[i].c, cases[i].n, &rng);

            if (d < cases[i].low || d > cases[i].high)
                fail_msg("class %d retry %u: %lld ms", (int)cases[i].c, cases[i].n, (long long)d);
        }
    }
}

static void an_empty_bucket_ends_the_retries_and_success_fills_it(void **state)
{
    ea_retry_bucket b;
    int taken = 0;

    (void)state;
    ea_retry_bucket_init(&b);
    while (ea_retry_bucket_take(&b, EA_FAULT_SERVER))
        taken++;
    assert_int_equal(taken, 100); /* 500 tokens, 5 each */
    for (int i = 0; i < 9; i++)
        ea_retry_bucket_give(&b, 0);
    assert_int_equal(ea_retry_bucket_take(&b, EA_FAULT_TIMEOUT), 0); /* 10 needed, 9 there */
    ea_retry_bucket_give(&b, 0);
    assert_int_equal(ea_retry_bucket_take(&b, EA_FAULT_TIMEOUT), 10);
    for (int i = 0; i < 1000; i++)
        ea_retry_bucket_give(&b, 5);
    assert_int_equal(b.tokens, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_told_apart_by_code_then_status),
        cmocka_unit_test(without_an_answer_the_connection_decides),
        cmocka_unit_test(delays_stay_in_their_bounds),
        cmocka_unit_test(an_empty_bucket_ends_the_retries_and_success_fills_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
