#include "docker/docker_overlay.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "docker/docker_json.h"
#include "docker/win_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cJSON.h>
#include <cmocka.h>
#include <string.h>

static void raw_members_are_laid_over_as_the_reference_does_it(void **state)
{
    static const struct {
        const char *why, *base, *raw, *want;
    } cases[] = {
        { "nothing", "{\"Memory\":1}", "", "{\"Memory\":1}" },
        { "null", "{\"Memory\":1}", "null", "{\"Memory\":1}" },
        { "an empty object", "{\"Memory\":1}", " {} ", "{\"Memory\":1}" },
        { "a new member", "{}", "{\"ShmSize\":64}", "{\"ShmSize\":64}" },
        { "numbers replace", "{\"Memory\":1}", "{\"Memory\":2}", "{\"Memory\":2}" },
        { "lists replace", "{\"Binds\":[\"a\",\"b\"]}", "{\"Binds\":[\"c\"]}",
          "{\"Binds\":[\"c\"]}" },
        { "maps merge", "{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}}",
          "{\"PortBindings\":{\"81/tcp\":[{\"HostPort\":\"2\"}]}}",
          "{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}],\"81/"
          "tcp\":[{\"HostPort\":\"2\"}]}}" },
        { "entries of maps replace", "{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]}}",
          "{\"PortBindings\":{\"80/tcp\":[]}}", "{\"PortBindings\":{\"80/tcp\":[]}}" },
        { "names match without case", "{\"Memory\":1}", "{\"memory\":2,\"cpushares\":3}",
          "{\"Memory\":2,\"CpuShares\":3}" },
        { "two spellings: the later one counts", "{}", "{\"memory\":1,\"MEMORY\":2}",
          "{\"Memory\":2}" },
        { "null keeps a number", "{\"Memory\":1}", "{\"Memory\":null}", "{\"Memory\":1}" },
        { "null keeps a text", "{\"NetworkMode\":\"x\"}", "{\"NetworkMode\":null}",
          "{\"NetworkMode\":\"x\"}" },
        { "null keeps a by-value object", "{\"LogConfig\":{\"Type\":\"x\"}}",
          "{\"LogConfig\":null}", "{\"LogConfig\":{\"Type\":\"x\"}}" },
        { "null empties a list", "{\"Binds\":[\"a\"]}", "{\"Binds\":null}", "{}" },
        { "null empties a map", "{\"PortBindings\":{\"80/tcp\":[]}}", "{\"PortBindings\":null}",
          "{}" },
        { "null empties an optional member", "{\"Init\":true,\"PidsLimit\":5}",
          "{\"Init\":null,\"PidsLimit\":null}", "{}" },
        { "objects merge, their maps too",
          "{\"LogConfig\":{\"Type\":\"a\",\"Config\":{\"x\":\"1\"}}}",
          "{\"LogConfig\":{\"config\":{\"y\":\"2\"}}}",
          "{\"LogConfig\":{\"Type\":\"a\",\"Config\":{\"x\":\"1\",\"y\":\"2\"}}}" },
        { "keys of maps keep their case", "{}", "{\"Sysctls\":{\"a\":\"1\",\"A\":\"2\"}}",
          "{\"Sysctls\":{\"a\":\"1\",\"A\":\"2\"}}" },
        { "one word for a list of words", "{}", "{\"CapAdd\":\"NET_ADMIN\"}",
          "{\"CapAdd\":[\"NET_ADMIN\"]}" },
        { "unknown members pass", "{}", "{\"Novel\":{\"A\":[1]}}", "{\"Novel\":{\"A\":[1]}}" },
        { "but never in two spellings", "{}", "{\"Novel\":1,\"novel\":2}", "{\"Novel\":2}" },
        { "numbers beyond a double's exact range", "{}", "{\"MemorySwap\":9223372036854775807}",
          "{\"MemorySwap\":9223372036854775807}" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        cJSON *base = cJSON_Parse(cases[i].base);
        EA_BUF_AUTO got = EA_BUF(10000);
        ea_err err = { 0 };

        if (ea_docker_overlay(base, EA_OVERLAY_HOST, ea_str_of(cases[i].raw), &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        ea_jt_print(base, &got);
        if (strcmp(ea_buf_z(&got), cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].why, ea_buf_z(&got));
        cJSON_Delete(base);
    }
}

static void wrong_types_are_refused_by_name(void **state)
{
    static const struct {
        const char *why, *raw, *text;
        ea_overlay_kind kind;
    } cases[] = {
        { "text for a number", "{\"Memory\":\"1\"}", "Memory: whole number expected",
          EA_OVERLAY_HOST },
        { "fraction", "{\"CpuShares\":1.5}", "CpuShares: whole number expected", EA_OVERLAY_HOST },
        { "number for a text", "{\"PidMode\":1}", "PidMode: text expected", EA_OVERLAY_HOST },
        { "text for a list", "{\"Binds\":\"a:b\"}", "Binds: list of texts expected",
          EA_OVERLAY_HOST },
        { "numbers in a list of texts", "{\"Binds\":[1]}", "Binds: list of texts expected",
          EA_OVERLAY_HOST },
        { "number for a switch", "{\"Privileged\":1}", "Privileged: true or false expected",
          EA_OVERLAY_HOST },
        { "inside an object", "{\"LogConfig\":{\"Type\":1}}", "LogConfig: Type: text expected",
          EA_OVERLAY_HOST },
        { "the other table", "{\"Healthcheck\":{\"Retries\":\"3\"}}",
          "Healthcheck: Retries: whole number expected", EA_OVERLAY_CONFIG },
        { "a list for an object", "{\"Labels\":[]}", "Labels: object expected", EA_OVERLAY_CONFIG },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        cJSON *base = cJSON_CreateObject();
        ea_err err = { 0 };

        if (!ea_docker_overlay(base, cases[i].kind, ea_str_of(cases[i].raw), &err))
            fail_msg("%s: taken", cases[i].why);
        if (err.code != EA_INVALID || strcmp(err.text, cases[i].text) != 0)
            fail_msg("%s: %s", cases[i].why, err.text);
        cJSON_Delete(base);
    }
}

static void windows_paths_are_cleaned(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        { "C:\\Data", "c:\\data" },
        { "C:/Data/Sub", "c:\\data\\sub" },
        { "C:\\a\\.\\b\\\\c\\", "c:\\a\\b\\c" },
        { "C:\\a\\..\\b", "c:\\b" },
        { "C:\\..\\..\\b", "c:\\b" },
        { "C:\\", "c:\\" },
        { "D:", "d:" },
        { "C:a\\..\\..\\b", "c:..\\b" },
        { "\\\\Server\\Share\\Dir\\..\\X", "\\\\server\\share\\x" },
        { "//Server/Share", "\\\\server\\share" },
        { "\\\\.\\pipe\\Docker_Engine", "\\\\.\\pipe\\docker_engine" },
        { "/data/X", "\\data\\x" },
        { "a/./b", "a\\b" },
        { ".", "." },
        { "a\\..", "." },
        { "..\\..\\a", "..\\..\\a" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *got = ea_win_path(cases[i].in);

        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s became %s, not %s", cases[i].in, got, cases[i].want);
    }
    assert_null(ea_win_path(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_members_are_laid_over_as_the_reference_does_it),
        cmocka_unit_test(wrong_types_are_refused_by_name),
        cmocka_unit_test(windows_paths_are_cleaned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
