#include "endpoint.h"

#include "../base/alloc.h"
#include "../base/str.h"
#include "../net/url.h"

#include <string.h>

/* Partitions by the beginning of the region's name: suffix of IPv4 names, of dual-stack names. */
static const struct {
    const char *prefix, *suffix, *dual;
} partitions[] = {
    { "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
    { "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
    { "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
    { "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
    { "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
    { "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
    { "", "amazonaws.com", "api.aws" },
};

static size_t partition_of(const char *region)
{
    size_t i = 0;

    while (!ea_str_starts(ea_str_of(region), partitions[i].prefix))
        i++;
    return i;
}

static bool is_label(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++) {
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
            return false;
    }
    return n > 0 && n <= 63 && s[0] != '-' && s[n - 1] != '-';
}

static ea_code take_override(const char *text, const char *name, char **out, ea_err *err)
{
    EA_FREE_AUTO char *url =
        strstr(text, "://") ? ea_strdup(text) : ea_sprintf_dup("https://%s", text);
    ea_url u;
    size_t n = strlen(url);

    if (ea_url_parse(ea_str_of(url), &u, err) || u.scheme.p[0] != 'h') {
        ea_err why = *err;

        return ea_fail(err, EA_SETTINGS, "%s '%.200s' is no http or https address%s%s",
                       name ? name : "ECS_BACKEND_HOST", text, why.text[0] ? ": " : "", why.text);
    }
    while (n > 0 && url[n - 1] == '/')
        url[--n] = '\0';
    *out = ea_strdup(url);
    return EA_OK;
}

ea_code ea_endpoint_resolve(const char *service, const char *region,
                            const ea_endpoint_options *options, char **out, ea_err *err)
{
    ea_endpoint_options none = { 0 };
    const ea_endpoint_options *o = options ? options : &none;
    size_t at = 0;

    if (!ea_zstr_empty(o->override_url)) {
        ea_err inner = { 0 };

        if (take_override(o->override_url, o->override_name, out, &inner))
            return ea_fail(err, inner.code, "%s", inner.text);
        return EA_OK;
    }
    if (ea_zstr_empty(region))
        return ea_fail(err, EA_SETTINGS,
                       "no region: set AWS_DEFAULT_REGION, or run where instance metadata answers");
    if (!is_label(region))
        return ea_fail(err, EA_SETTINGS, "region '%.80s' is malformed", region);
    at = partition_of(region);
    *out = ea_sprintf_dup("https://%s%s.%s.%s", service, o->fips ? "-fips" : "", region,
                          o->dual_stack ? partitions[at].dual : partitions[at].suffix);
    return EA_OK;
}
