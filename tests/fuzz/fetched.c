#include "agent/cred_spec.h"
#include "agent/env_file.h"
#include "aws/s3.h"
#include "aws/secrets.h"
#include "base/alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void secret(ea_str text)
{
    EA_SECRET_AUTO char *whole = NULL;
    EA_SECRET_AUTO char *part = NULL;
    EA_SECRET_AUTO char *user = NULL;
    EA_SECRET_AUTO char *password = NULL;
    ea_err err = { 0 };

    if (ea_asm_answer(text, NULL, &whole, &err) == EA_OK)
        (void)ea_registry_secret(whole, &user, &password, &err);
    if (ea_asm_answer(text, "k", &part, &err) != EA_OK && part)
        abort(); /* an output only on success */
}

static void parameters(ea_str text)
{
    ea_ssm_parameters p = { 0 };
    ea_err err = { 0 };

    if (ea_ssm_answer(text, &p, &err) == EA_OK)
        (void)ea_ssm_value(&p, "arn:aws:ssm:r:1:parameter/a");
    ea_ssm_parameters_done(&p);
}

static void env_file(ea_str text)
{
    ea_strmap env = { 0 };
    ea_err err = { 0 };

    if (ea_env_file_check(text, &err) == EA_OK) {
        ea_env_file_add(text, &env);
        ea_env_file_add(text, &env);
    }
    for (size_t i = 0; i < env.n; i++)
        if (!env.v[i].k[0] || env.v[i].k[0] == '#')
            abort();
    ea_strmap_free(&env);
}

static void names(ea_str text)
{
    EA_FREE_AUTO char *z = ea_str_dup(text);
    EA_FREE_AUTO char *bucket = NULL;
    EA_FREE_AUTO char *key = NULL;
    ea_cred_spec spec;
    ea_asm_ref ref = { 0 };
    ea_err err = { 0 };

    if (ea_asm_ref_parse(z, &ref, &err) == EA_OK)
        ea_asm_ref_done(&ref);
    (void)ea_s3_parse_arn(z, &bucket, &key, &err);
    if (ea_cred_spec_parse(z, &spec, &err) == EA_OK) {
        bool made;

        ea_free(ea_cred_spec_file(&spec, "arn:aws:ecs:r:1:task/c/1", "web", &made));
    }
}

/* What tasks name and what services answer for it: the first byte chooses the reader. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_str text = { (const char *)data + 1, size ? size - 1 : 0 };
    char *whole = NULL;
    ea_err err = { 0 };

    if (size == 0)
        return 0;
    switch (data[0]) {
    case 'a':
        secret(text);
        break;
    case 'p':
        parameters(text);
        break;
    case 'e':
        env_file(text);
        break;
    case 's':
        if (ea_cred_spec_complete(text, "arn:aws:ecs:r:1:task/c/1", &whole, &err) == EA_OK)
            ea_free(whole);
        break;
    default:
        names(text);
        break;
    }
    return 0;
}
