/* endpoint_test.c - addresses of a service by region, partition and override. */
#include "aws/endpoint.h"
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void regions_and_overrides_give_their_address(void **state)
{
    static const struct {
        const char *why, *region;
        ea_endpoint_options o;
        const char *want; /* NULL: refused */
    } cases[] = {
        { "plain", "us-west-2", { 0 }, "https://ecs.us-west-2.amazonaws.com" },
        { "GovCloud", "us-gov-west-1", { 0 }, "https://ecs.us-gov-west-1.amazonaws.com" },
        { "China", "cn-north-1", { 0 }, "https://ecs.cn-north-1.amazonaws.com.cn" },
        { "isolated", "us-iso-east-1", { 0 }, "https://ecs.us-iso-east-1.c2s.ic.gov" },
        { "isolated b", "us-isob-east-1", { 0 }, "https://ecs.us-isob-east-1.sc2s.sgov.gov" },
        { "dual stack",
          "eu-central-1",
          { .dual_stack = true },
          "https://ecs.eu-central-1.api.aws" },
        { "FIPS", "us-east-1", { .fips = true }, "https://ecs-fips.us-east-1.amazonaws.com" },
        { "override",
          "us-west-2",
          { .override_url = "http://127.0.0.1:51670/" },
          "http://127.0.0.1:51670" },
        { "override without scheme",
          "us-west-2",
          { .override_url = "ecs.example.com", .fips = true },
          "https://ecs.example.com" },
        { "override, no region needed",
          NULL,
          { .override_url = "ecs.example.com" },
          "https://ecs.example.com" },
        { "no region", NULL, { 0 }, NULL },
        { "empty region", "", { 0 }, NULL },
        { "region with a slash", "us/west", { 0 }, NULL },
        { "region in capitals", "US-WEST-2", { 0 }, NULL },
        { "override of another scheme", "us-west-2", { .override_url = "ws://x" }, NULL },
        { "override with a blank", "us-west-2", { .override_url = "a b" }, NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *url = NULL;
        ea_err err = { 0 };
        ea_code rc = ea_endpoint_resolve("ecs", cases[i].region, &cases[i].o, &url, &err);

        if (rc != (cases[i].want ? EA_OK : EA_SETTINGS) ||
            (cases[i].want && strcmp(url, cases[i].want) != 0))
            fail_msg("%s: got %s %s", cases[i].why, url ? url : "nothing", err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_and_overrides_give_their_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
