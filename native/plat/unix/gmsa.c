#include "../plat.h"

static char *spec_dir(void *ctx)
{
    (void)ctx;
    return ea_plat_default_path(EA_PATH_CREDENTIAL_SPECS);
}

static ea_code set_texts(void *ctx, const char *key, const ea_kv *values, size_t n, ea_err *err)
{
    (void)ctx;
    (void)values;
    (void)n;
    return ea_fail(err, EA_UNSUPPORTED, "write %s: there is no registry on this system", key);
}

static ea_code delete_key(void *ctx, const char *key, ea_err *err)
{
    (void)ctx;
    (void)key;
    (void)err;
    return EA_OK; /* absent */
}

static bool key_exists(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return false;
}

static bool domain_joined(void *ctx)
{
    (void)ctx;
    return false;
}

const struct ea_gmsa_os *ea_plat_gmsa(void)
{
    static const struct ea_gmsa_os none = { NULL,       spec_dir,   set_texts,
                                            delete_key, key_exists, domain_joined };

    return &none;
}
