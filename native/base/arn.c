#include "arn.h"

#include <string.h>

ea_code ea_arn_parse(const char *text, ea_arn *out, ea_err *err)
{
    ea_arn got = { 0 };
    ea_str head, rest = ea_str_cut(ea_str_of(text), ':', &head);

    if (ea_str_eqz(head, "arn")) {
        rest = ea_str_cut(rest, ':', &got.partition);
        rest = ea_str_cut(rest, ':', &got.service);
        rest = ea_str_cut(rest, ':', &got.region);
        got.resource = ea_str_cut(rest, ':', &got.account);
    }
    if (got.partition.n == 0 || got.service.n == 0 || got.resource.n == 0)
        return ea_fail(err, EA_INVALID, "'%.80s' is not an ARN", text ? text : "");
    *out = got;
    return EA_OK;
}

const char *ea_arn_id(const char *text)
{
    const char *slash = text ? strrchr(text, '/') : NULL;

    return slash ? slash + 1 : text;
}

const char *ea_cluster_name(const char *cluster)
{
    return ea_arn_id(cluster);
}
