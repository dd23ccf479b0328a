/* api_ecr.c - the login for the registry that plays Amazon ECR. Source: Amazon ECR API reference
 * 2015-09-21, GetAuthorizationToken. The token is the registry's own: user AWS and the password that
 * this program was started with; the registry itself checks it. */
#include "api_ecr.h"

#include <cJSON.h>
#include <string.h>

#define TOKEN_MS (12 * 3600 * 1000)
#define IDS_MAX  10

static int get_authorization_token(ea_lc_call *c)
{
    EA_SECRET_BUF_AUTO plain = EA_BUF(4096);

    if (!c->lc->registry_password)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "No registry is known here: start ecslocal with "
                            "ECSLOCAL_REGISTRY_PASSWORD (and --registry).");
    if (cJSON_GetArraySize(ea_json_get(c->in, "registryIds")) > IDS_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "registryIds can not have more than %d members.", IDS_MAX);
    ea_buf_addf(&plain, "AWS:%s", c->lc->registry_password);
    ea_buf_adds(&c->out, "{\"authorizationData\":[{\"authorizationToken\":\"");
    ea_buf_add_base64(&c->out, plain.p, plain.n);
    ea_buf_adds(&c->out, "\",\"expiresAt\":");
    ea_buf_add_epoch(&c->out, c->now_ms + TOKEN_MS);
    ea_buf_adds(&c->out, ",\"proxyEndpoint\":");
    ea_buf_add_json_str(&c->out, ea_str_of(c->lc->registry_url));
    ea_buf_adds(&c->out, "}]}");
    return 0;
}

static const ea_lc_member members[] = { EA_LC_LS("registryIds", 0) };
static const ea_lc_shape shape = EA_LC_SHAPE(members);

static const char served[] = "GetAuthorizationToken";

static bool is_served(const char *operation)
{
    return strcmp(operation, served) == 0;
}

ea_lc_fn *ea_lc_ecr_find(const char *operation)
{
    return is_served(operation) ? get_authorization_token : NULL;
}

const ea_lc_shape *ea_lc_ecr_shape(const char *operation)
{
    return is_served(operation) ? &shape : NULL;
}

void ea_lc_ecr_print(ea_buf *out)
{
    ea_buf_addf(out, "{\"%s\":", served);
    ea_lc_shape_print(&shape, out);
    ea_buf_adds(out, "}\n");
}
