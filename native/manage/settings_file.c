#include "settings_file.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../plat/plat.h"

#include <string.h>

enum {
    MAX_FILE = 256 * 1024
};

static bool is_usual(const char *path)
{
    EA_FREE_AUTO char *usual = ea_plat_default_path(EA_PATH_CONFIG_FILE);

    return ea_str_eq_nocase(ea_str_of(path), ea_str_of(usual));
}

ea_code ea_settings_read(const char *path, ea_strmap *out, ea_err *err)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(MAX_FILE);
    ea_err why = { 0 };
    ea_str rest;

    if (ea_plat_read_file(path, MAX_FILE, &text, &why)) {
        if (why.code == EA_NOT_FOUND)
            return EA_OK;
        *err = why;
        return ea_wrap(err, "settings file");
    }
    if (is_usual(path) && ea_plat_trusted_file(path, &why))
        return ea_fail(err, EA_SETTINGS, "settings file: %s", why.text);
    rest = ea_buf_str(&text);
    while (rest.n > 0) {
        ea_str line, key, value;
        rest = ea_str_cut(rest, '\n', &line);
        line = ea_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        value = ea_str_cut(line, '=', &key);
        EA_FREE_AUTO char *k = ea_str_dup(ea_str_trim(key));
        EA_SECRET_AUTO char *v = ea_str_dup(value);
        if (value.p)
            ea_strmap_set(out, k, v);
    }
    return EA_OK;
}

static char *folder_of(const char *path)
{
    const char *end = strrchr(path, '/');
    const char *back = strrchr(path, '\\');

    if (back && (!end || back > end))
        end = back;
    return end && end != path ? ea_strndup(path, (size_t)(end - path)) : NULL;
}

/* The usual one is the agent's alone; one that an operator names may be shared. */
static ea_code make_folder(const char *path, const char *folder, ea_err *err)
{
    return is_usual(path) ? ea_plat_own_dir(folder, err) : ea_plat_make_dir(folder, err);
}

ea_code ea_settings_write(const char *path, const ea_strmap *settings, ea_err *err)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(MAX_FILE);
    EA_FREE_AUTO char *folder = folder_of(path);

    ea_buf_adds(&text, "# Settings of the Amazon ECS agent (ECSTools); read at its start.\n");
    for (size_t i = 0; i < settings->n; i++) {
        ea_buf_adds(&text, settings->v[i].k);
        ea_buf_addc(&text, '=');
        ea_buf_adds(&text, settings->v[i].v);
        ea_buf_addc(&text, '\n');
    }
    if (ea_buf_check(&text, err) || (folder && make_folder(path, folder, err)) ||
        ea_plat_write_file(path, ea_buf_str(&text), 0600, err))
        return ea_wrap(err, "settings file %s", path);
    return EA_OK;
}

bool ea_settings_set(ea_strmap *settings, const char *key, const char *value)
{
    const char *now = ea_strmap_get(settings, key);

    if (ea_zstr_eq(now, value))
        return false;
    if (value) {
        ea_strmap_set(settings, key, value);
        return true;
    }
    for (size_t i = 0; i < settings->n; i++) {
        if (strcmp(settings->v[i].k, key) != 0)
            continue;
        ea_free(settings->v[i].k);
        ea_secret_free(settings->v[i].v);
        memmove(&settings->v[i], &settings->v[i + 1], (settings->n - i - 1) * sizeof(*settings->v));
        settings->n--;
        break;
    }
    return true;
}

bool ea_settings_is_ours(ea_str name)
{
    static const char *const names[] = {
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_CA_BUNDLE",
        "DOCKER_HOST",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_SSM",
        "AWS_ENDPOINT_URL_S3",
    };
    /* these only say where the installation is */
    static const char *const places[] = { "ECSTOOLS_CONFIG", "ECSTOOLS_PROGRAM_DIR",
                                          "ECSTOOLS_LOCAL_DIR", "ECSTOOLS_CACHE" };

    for (size_t i = 0; i < EA_COUNT(places); i++) {
        if (ea_str_eqz(name, places[i]))
            return false;
    }
    for (size_t i = 0; i < EA_COUNT(names); i++) {
        if (ea_str_eqz(name, names[i]))
            return true;
    }
    return ea_str_starts(name, "ECS_") || ea_str_starts(name, "ECSTOOLS_");
}

bool ea_settings_from_env(ea_strmap *settings, const ea_envs *env)
{
    bool changed = false;

    for (size_t i = 0; env->v && env->v[i]; i++) {
        ea_str name, value = ea_str_cut(ea_str_of(env->v[i]), '=', &name);
        if (!value.p || value.n == 0 || !ea_settings_is_ours(name) ||
            memchr(value.p, '\n', value.n))
            continue;
        EA_FREE_AUTO char *k = ea_str_dup(name);
        EA_SECRET_AUTO char *v = ea_str_dup(value);
        changed = ea_settings_set(settings, k, v) || changed;
    }
    return changed;
}
