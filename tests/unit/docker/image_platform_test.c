#include "docker/image_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define WIN(build) "10.0 " build " (" build ".1.amd64fre.rel.210507-1500)"

static void only_what_certainly_cannot_run_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct ea_platform_host host;
        struct ea_platform v[3];
        size_t n;
        const char *text; /* part of the answer; NULL: passes */
    } cases[] = {
        { "the same",
          { "linux", "amd64", "6.1.0", false, false },
          { { "linux", "amd64", NULL, NULL } },
          1,
          NULL },
        { "another architecture",
          { "linux", "amd64", "6.1.0", false, false },
          { { "linux", "arm64", NULL, "v8" } },
          1,
          "the image is for linux/arm64/v8, this host is linux/amd64" },
        { "another architecture where such are emulated",
          { "linux", "amd64", "6.1.0", false, true },
          { { "linux", "arm64", NULL, "v8" } },
          1,
          NULL },
        { "another system, whatever is emulated",
          { "linux", "amd64", "6.1.0", false, true },
          { { "windows", "amd64", "10.0.17763.1", NULL } },
          1,
          "this host is linux/amd64" },
        { "another system",
          { "linux", "amd64", "6.1.0", false, false },
          { { "windows", "amd64", "10.0.17763.1", NULL } },
          1,
          "the image is for windows/amd64 10.0.17763.1, this host is linux/amd64" },
        { "one of several fits",
          { "linux", "arm64", "6.1.0", false, false },
          { { "linux", "amd64", NULL, NULL }, { "linux", "arm64", NULL, "v8" } },
          2,
          NULL },
        { "none of several fits",
          { "linux", "s390x", "6.1.0", false, false },
          { { "linux", "amd64", NULL, NULL }, { "linux", "arm64", NULL, "v8" } },
          2,
          "the image is for linux/amd64, linux/arm64/v8, this host is linux/s390x" },
        { "an attestation beside it says nothing",
          { "linux", "amd64", "6.1.0", false, false },
          { { "unknown", "unknown", NULL, NULL }, { "linux", "arm64", NULL, NULL } },
          2,
          "the image is for linux/arm64, this" },
        { "an attestation alone",
          { "linux", "amd64", "6.1.0", false, false },
          { { "unknown", "unknown", NULL, NULL } },
          1,
          NULL },
        { "nothing told", { "linux", "amd64", "6.1.0", false, false }, { { NULL } }, 0, NULL },
        { "an empty platform",
          { "linux", "amd64", "6.1.0", false, false },
          { { "", "", NULL, NULL } },
          1,
          NULL },
        { "an architecture that is not told",
          { "linux", "amd64", "6.1.0", false, false },
          { { "linux", NULL, NULL, NULL } },
          1,
          NULL },
        { "an engine that does not tell",
          { NULL, NULL, NULL, false, false },
          { { "linux", "arm64", NULL, NULL } },
          1,
          NULL },
        { "32 bits on 64",
          { "linux", "amd64", "6.1.0", false, false },
          { { "linux", "386", NULL, NULL } },
          1,
          NULL },
        { "arm on arm64, whatever variant",
          { "linux", "arm64", "6.1.0", false, false },
          { { "linux", "arm", NULL, "v7" } },
          1,
          NULL },
        { "not the other way round",
          { "linux", "arm", "6.1.0", false, false },
          { { "linux", "arm64", NULL, NULL } },
          1,
          "linux/arm64, this host is linux/arm" },
        { "the build of the host",
          { "windows", "amd64", WIN("17763"), false, false },
          { { "windows", "amd64", "10.0.17763.5122", NULL } },
          1,
          NULL },
        { "an older build on an older host",
          { "windows", "amd64", WIN("17763"), false, false },
          { { "windows", "amd64", "10.0.14393.1", NULL } },
          1,
          "the image is for windows/amd64 10.0.14393.1, this host is windows/amd64 10.0.17763" },
        { "Hyper-V runs older ones",
          { "windows", "amd64", WIN("17763"), true, false },
          { { "windows", "amd64", "10.0.14393.1", NULL } },
          1,
          NULL },
        { "nothing runs newer ones",
          { "windows", "amd64", WIN("17763"), true, false },
          { { "windows", "amd64", "10.0.20348.1", NULL } },
          1,
          "10.0.20348.1, this host is windows/amd64 10.0.17763" },
        { "Server 2025 runs Server 2022",
          { "windows", "amd64", WIN("26100"), false, false },
          { { "windows", "amd64", "10.0.20348.1", NULL } },
          1,
          NULL },
        { "Server 2025 does not run Server 2019",
          { "windows", "amd64", WIN("26100"), false, false },
          { { "windows", "amd64", "10.0.17763.1", NULL } },
          1,
          "10.0.17763.1, this host" },
        { "a list with every build",
          { "windows", "amd64", WIN("20348"), false, false },
          { { "windows", "amd64", "10.0.17763.1", NULL },
            { "windows", "amd64", "10.0.20348.1", NULL },
            { "windows", "amd64", "10.0.26100.1", NULL } },
          3,
          NULL },
        { "another generation",
          { "windows", "amd64", WIN("20348"), true, false },
          { { "windows", "amd64", "6.3.9600", NULL } },
          1,
          "6.3.9600" },
        { "a version that cannot be read",
          { "windows", "amd64", WIN("20348"), false, false },
          { { "windows", "amd64", "ltsc2019", NULL } },
          1,
          NULL },
        { "numbers beyond reason",
          { "windows", "amd64", WIN("20348"), false, false },
          { { "windows", "amd64", "10.0.99999999999999999999", NULL } },
          1,
          NULL },
        { "Linux versions are not compared",
          { "linux", "amd64", "6.1.0", false, false },
          { { "linux", "amd64", "10.0.1", NULL } },
          1,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[EA_PLATFORM_TEXT_MAX] = "";
        bool refused = ea_platform_refused(&cases[i].host, cases[i].v, cases[i].n, why);

        if (refused != (cases[i].text != NULL) || (refused && !strstr(why, cases[i].text)))
            fail_msg("%s: %d \"%s\"", cases[i].why, refused, why);
    }
}

static void a_list_without_end_gives_a_bounded_text(void **state)
{
    const struct ea_platform_host host = { "linux", "amd64", "6.1.0", false, false };
    struct ea_platform v[64];
    char why[EA_PLATFORM_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < 64; i++)
        v[i] = (struct ea_platform){ "a-system-with-a-very-long-name-that-nobody-has",
                                     "an-architecture-with-a-very-long-name-too",
                                     "10.0.17763.1-and-a-suffix-that-does-not-end-here",
                                     "variant-of-variants" };
    assert_true(ea_platform_refused(&host, v, 64, why));
    assert_true(strlen(why) < sizeof(why));
    assert_non_null(strstr(why, ", ..., this host is linux/amd64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_certainly_cannot_run_is_refused),
        cmocka_unit_test(a_list_without_end_gives_a_bounded_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
