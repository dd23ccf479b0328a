/* envelope_test.c - frames of ACS and TCS, and bodies that refuse a handshake. */
#include "aws/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void both_forms_are_read_and_all_else_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *type; /* NULL: refused */
        bool message;
        const char *error;
    } cases[] = {
        { "{\"type\":\"HeartbeatMessage\",\"message\":{}}", "HeartbeatMessage", true, NULL },
        { "{\"Type\":\"X\",\"Message\":{}}", "X", true, NULL },
        { "{\"type\":\"X\"}", "X", false, NULL },
        { "{\"type\":\"X\",\"message\":null}", "X", false, NULL },
        { "{\"InactiveInstanceException\":\"gone\"}", "InactiveInstanceException", false, "gone" },
        { "{\"type\":\"\",\"message\":{}}", NULL, false, NULL },
        { "{\"type\":5}", NULL, false, NULL },
        { "{\"A\":\"x\",\"B\":\"y\"}", NULL, false, NULL },
        { "{\"A\":1}", NULL, false, NULL },
        { "{}", NULL, false, NULL },
        { "[]", NULL, false, NULL },
        { "\"x\"", NULL, false, NULL },
        { "{\"type\":\"X\"", NULL, false, NULL },
        { "{\"type\":\"X\"} x", NULL, false, NULL },
        { "", NULL, false, NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        ea_envelope e = { 0 };
        ea_err err = { 0 };
        ea_code rc = ea_envelope_parse(ea_str_of(cases[i].text), &e, &err);

        if (rc != (cases[i].type ? EA_OK : EA_PROTOCOL))
            fail_msg("%s: %s", cases[i].text, ea_code_name(rc));
        if (rc)
            continue;
        assert_string_equal(e.type, cases[i].type);
        assert_int_equal(e.message != NULL, cases[i].message);
        assert_int_equal(e.error_text != NULL, cases[i].error != NULL);
        if (cases[i].error)
            assert_string_equal(e.error_text, cases[i].error);
        ea_envelope_done(&e);
    }
}

static void refusals_tell_their_words(void **state)
{
    static const struct {
        const char *body, *want;
        bool inactive;
    } cases[] = {
        { "{\"type\":\"InactiveInstanceException\",\"message\":{\"message\":\"gone\"}}",
          "InactiveInstanceException: gone", true },
        { "{\"InactiveInstanceException\":\"gone\"}", "InactiveInstanceException: gone", true },
        { "{\"type\":\"AccessDeniedException\",\"message\":{\"Message\":\"no\"}}",
          "AccessDeniedException: no", false },
        { "{\"type\":\"ServerException\"}", "ServerException: ", false },
        { "<html>\r\n503</html>", "<html>  503</html>", false },
        { "<p>InactiveInstanceException</p>", "<p>InactiveInstanceException</p>", true },
        { "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        char out[128];
        bool inactive = ea_envelope_refusal(ea_str_of(cases[i].body), out, sizeof(out));

        assert_string_equal(out, cases[i].want);
        assert_int_equal(inactive, cases[i].inactive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_read_and_all_else_is_refused),
        cmocka_unit_test(refusals_tell_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
