#include "aws/cred_chain.h"
#include "base/alloc.h"
#include "base/arn.h"
#include "base/clock.h"
#include "docker/docker_auth.h"
#include "docker/image_ref.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void times(ea_str text)
{
    int64_t ms = 0;
    ea_err err = { 0 };

    if (ea_parse_rfc3339(text, &ms, &err) == EA_OK) {
        char out[EA_RFC3339_MAX];
        ea_format_rfc3339(ms, 1, out);
    }
    if (ea_parse_go_duration(text, &ms, &err) == EA_OK) {
        char out[EA_RFC3339_MAX];
        ea_format_go_duration(ms, out);
    }
}

static void credentials(ea_str text)
{
    ea_aws_creds creds = { 0 };
    ea_err err = { 0 };

    if (ea_cred_parse_ini(text, "default", &creds, &err) == EA_OK)
        ea_aws_creds_done(&creds);
    if (ea_cred_parse_json(text, &creds, &err) == EA_OK)
        ea_aws_creds_done(&creds);
}

static void references(const char *z)
{
    ea_image_ref ref;
    ea_arn arn;
    ea_err err = { 0 };
    EA_FREE_AUTO char *from = NULL;
    EA_FREE_AUTO char *tag = NULL;

    if (ea_image_ref_parse(z, &ref, &err) == EA_OK) {
        EA_FREE_AUTO char *full = ea_image_ref_full(ref.name);
    }
    if (ea_image_ref_pull_args(z, &from, &tag, &err) != EA_OK)
        from = tag = NULL;
    if (ea_arn_parse(z, &arn, &err) == EA_OK)
        (void)ea_arn_id(z); /* must not read past the end */
}

static void registry_auth(const char *z)
{
    ea_engine_auth *auth = NULL;
    ea_err err = { 0 };

    if (ea_engine_auth_new("dockercfg", z, &auth, &err) == EA_OK) {
        char *header = ea_engine_auth_find(auth, "registry.example/a/b:1");
        ea_secret_free(header);
        ea_engine_auth_free(auth);
    }
}

/* Short texts that operators and services give; the first byte chooses the reader. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_str text = { (const char *)data + 1, size - 1 };
    EA_BUF_AUTO out = EA_BUF(1 << 16);
    ea_err err = { 0 };

    if (size == 0)
        return 0;
    EA_FREE_AUTO char *z = ea_str_dup(text);
    switch (data[0] % 5) {
    case 0:
        times(text);
        break;
    case 1:
        credentials(text);
        break;
    case 2:
        references(z);
        break;
    case 3:
        registry_auth(z);
        break;
    default:
        if (ea_base64_decode(text, 4096, &out, &err) != EA_OK)
            ea_buf_clear(&out);
        ea_buf_add_json_str_html(&out, text);
        break;
    }
    return 0;
}
