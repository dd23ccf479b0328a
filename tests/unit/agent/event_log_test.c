#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/event_log.h"

static void operators_are_told_what_they_act_on_and_no_more(void **state)
{
    static const struct {
        const char *why;
        ea_level level;
        const char *msg;
        ea_event_id want;
    } rows[] = {
        { "a start", EA_INFO, "the agent starts", EA_EVENT_STARTED },
        { "an end", EA_INFO, "the agent has ended", EA_EVENT_ENDED },
        { "a registration", EA_INFO, "registered", EA_EVENT_REGISTERED },
        { "a start that failed", EA_CRIT, "the agent cannot start", EA_EVENT_CANNOT_START },
        { "a wait", EA_WARN, "waiting", EA_EVENT_WAITING },
        { "its end", EA_INFO, "wait over", EA_EVENT_WAIT_OVER },
        { "an error of no id of its own", EA_ERROR, "anything", EA_EVENT_ERROR },
        { "a warning", EA_WARN, "anything", EA_EVENT_WARNING },
        { "daily business", EA_INFO, "container state", EA_EVENT_NONE },
        { "details", EA_DEBUG, "acs message", EA_EVENT_NONE },
        { "the beginning of a known one", EA_INFO, "the agent starts again", EA_EVENT_NONE },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_event_id got = ea_event_of(rows[i].level, ea_str_of(rows[i].msg));

        if (got != rows[i].want)
            fail_msg("%s: got %d, want %d", rows[i].why, (int)got, (int)rows[i].want);
    }
}

static void the_message_is_found_in_both_formats(void **state)
{
    static const struct {
        const char *why, *line, *want;
    } rows[] = {
        { "logfmt",
          "level=info time=2026-01-01T00:00:00Z msg=\"the agent starts\" module=agent.c pid=1",
          "the agent starts" },
        { "logfmt, one word",
          "level=info time=2026-01-01T00:00:00Z msg=registered module=register.c", "registered" },
        { "JSON",
          "{\"level\":\"info\",\"time\":\"2026-01-01T00:00:00Z\",\"msg\":\"registered\",\"module\":"
          "\"a\"}",
          "registered" },
        { "a value that looks like one",
          "level=info time=x msg=registered err=\" msg=\\\"other\\\"\"", NULL },
        { "none", "level=info", "" },
        { "nothing", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_str got = ea_event_field(ea_str_of(rows[i].line), "msg");

        if (rows[i].want && !ea_str_eqz(got, rows[i].want))
            fail_msg("%s: got '%.*s'", rows[i].why, EA_STR_FMT(got));
        assert_true(got.n < 4096); /* always a part of the line, whatever stands there */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_are_told_what_they_act_on_and_no_more),
        cmocka_unit_test(the_message_is_found_in_both_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
