/* ws_frame_test.c - frames: whole, split at every byte, too large, broken. */
#include "base/alloc.h"
#include "net/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(lit) (lit), sizeof(lit) - 1

/* Everything that comes out of `in`, as "T:hello;P:x;C:..;", fed in pieces of `step` bytes. */
static ea_code decode_all(ea_str in, size_t step, size_t max, ea_buf *seen, ea_err *err)
{
    ea_ws_decoder d;
    ea_code rc = EA_OK;

    ea_ws_decoder_init(&d, max);
    for (size_t at = 0; at < in.n && !rc; at += step) {
        ea_str piece = { in.p + at, in.n - at < step ? in.n - at : step };

        for (;;) {
            bool got = false;
            ea_ws_opcode op = EA_WS_TEXT;
            ea_str payload = { NULL, 0 };

            rc = ea_ws_decode(&d, &piece, &got, &op, &payload, err);
            if (rc || !got)
                break;
            ea_buf_addf(seen, "%c:%.*s;",
                        op == EA_WS_TEXT     ? 'T'
                        : op == EA_WS_BINARY ? 'B'
                        : op == EA_WS_PING   ? 'P'
                        : op == EA_WS_PONG   ? 'O'
                                             : 'C',
                        EA_STR_FMT(payload));
        }
    }
    ea_ws_decoder_done(&d);
    return rc;
}

static void frames_come_out_the_same_however_they_are_cut(void **state)
{
    static const struct {
        const char *why;
        const char *p;
        size_t n;
        const char *want;
    } cases[] = {
        { "one text", BYTES("\x81\x05hello"), "T:hello;" },
        { "empty text", BYTES("\x81\x00"), "T:;" },
        { "binary counts as message", BYTES("\x82\x02\x41\x42"), "B:AB;" },
        { "three fragments", BYTES("\x01\x02he\x00\x02ll\x80\x01o"), "T:hello;" },
        { "ping between fragments", BYTES("\x01\x02he\x89\x01x\x80\x03llo"), "P:x;T:hello;" },
        { "empty fragments", BYTES("\x01\x00\x00\x00\x80\x01x"), "T:x;" },
        { "two messages",
          BYTES("\x81\x01"
                "a\x81\x01"
                "b"),
          "T:a;T:b;" },
        { "close", BYTES("\x88\x02\x03\xe8"), "C:\x03\xe8;" },
        { "pong", BYTES("\x8a\x00"), "O:;" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        for (size_t step = 1; step <= cases[i].n; step++) {
            EA_BUF_AUTO seen = EA_BUF(4096);
            ea_err err = { 0 };

            if (decode_all((ea_str){ cases[i].p, cases[i].n }, step, 100, &seen, &err) ||
                strcmp(ea_buf_z(&seen), cases[i].want) != 0)
                fail_msg("%s, step %zu: got %s %s", cases[i].why, step, ea_buf_z(&seen), err.text);
        }
    }
}

static void broken_frames_are_refused(void **state)
{
    static const struct {
        const char *why;
        const char *p;
        size_t n;
        ea_code want;
    } cases[] = {
        { "masked", BYTES("\x81\x81\x01\x02\x03\x04x"), EA_PROTOCOL },
        { "reserved bit", BYTES("\xc1\x00"), EA_PROTOCOL },
        { "opcode 3", BYTES("\x83\x00"), EA_PROTOCOL },
        { "opcode 11", BYTES("\x8b\x00"), EA_PROTOCOL },
        { "continuation first", BYTES("\x80\x01x"), EA_PROTOCOL },
        { "text inside a message", BYTES("\x01\x01x\x81\x01y"), EA_PROTOCOL },
        { "fragmented ping", BYTES("\x09\x00"), EA_PROTOCOL },
        { "long ping", BYTES("\x89\x7e\x00\x7e"), EA_PROTOCOL },
        { "16 bit length for 125", BYTES("\x81\x7e\x00\x7d"), EA_PROTOCOL },
        { "64 bit length for 65535", BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"),
          EA_PROTOCOL },
        { "negative length", BYTES("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), EA_PROTOCOL },
        { "4 GiB", BYTES("\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00"), EA_LIMIT },
        { "101 bytes", BYTES("\x81\x65"), EA_LIMIT },
        { "101 bytes in two fragments", BYTES("\x01\x01x\x80\x64"), EA_LIMIT },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        for (size_t step = 1; step <= cases[i].n; step++) {
            EA_BUF_AUTO seen = EA_BUF(4096);
            ea_err err = { 0 };
            ea_code got = decode_all((ea_str){ cases[i].p, cases[i].n }, step, 100, &seen, &err);

            if (got != cases[i].want)
                fail_msg("%s, step %zu: got %s", cases[i].why, step, ea_code_name(got));
        }
    }
}

static void an_encoded_frame_is_masked_and_has_the_shortest_length(void **state)
{
    static const struct {
        size_t n, head;
        unsigned char second;
    } cases[] = {
        { 0, 6, 0x80 }, { 125, 6, 0xfd }, { 126, 8, 0xfe }, { 65535, 8, 0xfe }, { 65536, 14, 0xff }
    };
    const unsigned char mask[4] = { 1, 2, 3, 4 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO out = EA_BUF(100000);
        EA_FREE_AUTO char *payload = ea_alloc(cases[i].n + 1);

        memset(payload, 'p', cases[i].n);
        ea_ws_encode(&out, EA_WS_TEXT, (ea_str){ payload, cases[i].n }, mask);
        assert_int_equal(out.n, cases[i].n + cases[i].head);
        assert_int_equal((unsigned char)out.p[0], 0x81);
        assert_int_equal((unsigned char)out.p[1], cases[i].second);
        for (size_t k = 0; k < cases[i].n; k++)
            assert_int_equal((unsigned char)out.p[cases[i].head + k], 'p' ^ mask[k & 3]);
    }
}

static void the_accept_value_is_that_of_the_rfc(void **state)
{
    char out[29];

    (void)state;
    ea_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", out); /* RFC 6455 section 1.3 */
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void close_payloads_are_read_or_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        int code; /* 0: refused */
        const char *reason;
    } cases[] = {
        { "", 0, 1005, "" },
        { BYTES("\x03\xe8"), 1000, "" },
        { BYTES("\x03\xf3oops"), 1011, "oops" },
        { BYTES("\x0f\xa0x"), 4000, "x" },
        { BYTES("\x03"), 0, "" },
        { BYTES("\x03\xed"), 0, "" }, /* 1005 */
        { BYTES("\x00\x01"), 0, "" },
        { BYTES("\xff\xff"), 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        int code = 0;
        ea_str reason = { "", 0 };
        ea_err err = { 0 };
        ea_code rc = ea_ws_read_close((ea_str){ cases[i].p, cases[i].n }, &code, &reason, &err);

        assert_int_equal(rc, cases[i].code ? EA_OK : EA_PROTOCOL);
        assert_int_equal(code, cases[i].code);
        assert_true(ea_str_eqz(reason, cases[i].reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_the_same_however_they_are_cut),
        cmocka_unit_test(broken_frames_are_refused),
        cmocka_unit_test(an_encoded_frame_is_masked_and_has_the_shortest_length),
        cmocka_unit_test(the_accept_value_is_that_of_the_rfc),
        cmocka_unit_test(close_payloads_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
