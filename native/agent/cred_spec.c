#include "cred_spec.h"

#include "../aws/s3.h"
#include "../aws/sigv4.h"
#include "../base/alloc.h"
#include "../base/arn.h"

#include <cJSON.h>
#include <string.h>

#define PLAIN      "credentialspec:"
#define DOMAINLESS "credentialspecdomainless:"
#define FILE_URL   "file://"
#define KEY_PLACE  "System\\CurrentControlSet\\Services\\AmazonECSCCGPlugin\\"

/* ---- how it is named -------------------------------------------------------------------------- */

static bool names_spec(const char *text)
{
    return text &&
           (ea_str_starts(ea_str_of(text), PLAIN) || ea_str_starts(ea_str_of(text), DOMAINLESS));
}

static char *in_raw_config(const char *host_config)
{
    cJSON *root = NULL, *option;
    char *found = NULL;
    ea_err ignored = { 0 };

    if (ea_json_parse(ea_str_of(host_config), &root, &ignored))
        return NULL; /* the create call tells it */
    cJSON_ArrayForEach(option, cJSON_GetObjectItem(root, "SecurityOpt"))
    {
        if (!found && cJSON_IsString(option) && names_spec(option->valuestring))
            found = ea_strdup(option->valuestring);
    }
    cJSON_Delete(root);
    return found;
}

char *ea_cred_spec_of(const struct ea_container *c)
{
    if (c->credential_specs.n)
        return ea_strdup(c->credential_specs.v[0]);
    if (!c->docker_config.host_config || !strstr(c->docker_config.host_config, "credentialspec"))
        return NULL;
    return in_raw_config(c->docker_config.host_config);
}

/* A part of a path that Windows takes for a file's name and nothing else. */
static bool is_name(ea_str part)
{
    for (size_t i = 0; i < part.n; i++)
        if ((unsigned char)part.p[i] < ' ' || strchr("<>:\"/\\|?*", part.p[i]))
            return false;
    return part.n > 0 && part.n <= 200 && part.p[part.n - 1] != '.' && part.p[part.n - 1] != ' ';
}

/* Below Docker's folder: parts with slashes of either kind between them, none of them "..". */
static bool is_inside(const char *path)
{
    ea_str rest = ea_str_of(path);
    const char *p = rest.p, *end = rest.p + rest.n;

    for (;;) {
        const char *from = p;

        while (p < end && *p != '/' && *p != '\\')
            p++;
        if (!is_name((ea_str){ from, (size_t)(p - from) }))
            return false;
        if (p == end)
            return true;
        p++;
    }
}

static const char *after_last_slash(const char *path)
{
    const char *name = path;

    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return name;
}

static ea_code parse_arn(ea_cred_spec *spec, ea_err *err)
{
    ea_err ignored = { 0 };
    ea_arn arn;

    if (ea_arn_parse(spec->value, &arn, &ignored) == EA_OK) {
        if (ea_str_eqz(arn.service, "ssm") && ea_str_starts(arn.resource, "parameter/")) {
            spec->source = EA_SPEC_SSM;
            return EA_OK;
        }
        if (ea_str_eqz(arn.service, "s3") && is_name(ea_str_of(after_last_slash(spec->value)))) {
            spec->source = EA_SPEC_S3;
            return EA_OK;
        }
    }
    return ea_fail(
        err, EA_INVALID,
        "credential spec %.200s is neither a file nor the ARN of an object in S3 or of an "
        "SSM parameter",
        spec->value);
}

ea_code ea_cred_spec_parse(const char *text, ea_cred_spec *out, ea_err *err)
{
    ea_cred_spec spec = { .domainless = ea_str_starts(ea_str_of(text), DOMAINLESS) };

    if (!names_spec(text))
        return ea_fail(err, EA_INVALID, "%.200s is no credential spec", text ? text : "");
    spec.value = text + strlen(spec.domainless ? DOMAINLESS : PLAIN);
    if (!ea_str_starts(ea_str_of(spec.value), FILE_URL)) {
        if (parse_arn(&spec, err))
            return err->code;
    } else {
        spec.value += strlen(FILE_URL);
        if (!is_inside(spec.value))
            return ea_fail(err, EA_INVALID,
                           "credential spec file %.200s is not below the folder of Docker's "
                           "credential specs",
                           spec.value);
    }
    *out = spec;
    return EA_OK;
}

/* ---- its file --------------------------------------------------------------------------------- */

char *ea_cred_spec_file(const ea_cred_spec *spec, const char *task_arn, const char *container,
                        bool *made)
{
    const char *task = ea_arn_id(task_arn);
    char hash[EA_SHA256_HEX];

    *made = spec->domainless || spec->source != EA_SPEC_FILE;
    if (spec->source == EA_SPEC_S3)
        return ea_sprintf_dup("s3_%s_%s", task, after_last_slash(spec->value));
    if (spec->source == EA_SPEC_FILE && !spec->domainless)
        return ea_strdup(spec->value);
    if (spec->source == EA_SPEC_FILE)
        return ea_sprintf_dup("%s_%s_%s", task, container, after_last_slash(spec->value));
    EA_FREE_AUTO char *whole = ea_sprintf_dup("%s%s%s", task, container, spec->value);
    ea_sha256_hex(ea_str_of(whole), hash);
    return ea_strdup(hash);
}

/* ---- domainless ------------------------------------------------------------------------------- */

char *ea_cred_spec_key(const char *task_arn)
{
    return ea_sprintf_dup(KEY_PLACE "%s", task_arn);
}

static bool set_text(cJSON *object, const char *name, const char *text)
{
    cJSON *value = cJSON_CreateString(text);

    if (!value)
        return false;
    if (cJSON_GetObjectItemCaseSensitive(object, name))
        return cJSON_ReplaceItemInObjectCaseSensitive(object, name, value);
    return cJSON_AddItemToObject(object, name, value);
}

/* PluginInput is JSON again, as text. */
static bool complete_input(cJSON *host, const char *task_arn)
{
    const char *text = ea_json_get_str(host, "PluginInput");
    EA_FREE_AUTO char *place = NULL;
    EA_FREE_AUTO char *key = ea_cred_spec_key(task_arn);
    cJSON *input = NULL;
    char *printed = NULL;
    ea_err ignored = { 0 };
    bool good = text && !ea_json_parse(ea_str_of(text), &input, &ignored) && cJSON_IsObject(input);

    place = ea_sprintf_dup("HKEY_LOCAL_MACHINE\\%s", key);
    good = good && set_text(input, "regKeyPath", place);
    printed = good ? cJSON_PrintUnformatted(input) : NULL;
    good = printed && set_text(host, "PluginInput", printed);
    cJSON_free(printed);
    cJSON_Delete(input);
    return good;
}

ea_code ea_cred_spec_complete(ea_str json, const char *task_arn, char **out, ea_err *err)
{
    cJSON *root = NULL, *host;
    char *printed = NULL;
    ea_err ignored = { 0 };

    if (ea_json_parse(json, &root, &ignored) == EA_OK) {
        host = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(root, "ActiveDirectoryConfig"), "HostAccountConfig");
        if (host && complete_input(host, task_arn))
            printed = cJSON_PrintUnformatted(root);
    }
    cJSON_Delete(root);
    if (!printed)
        return ea_fail(err, EA_INVALID,
                       "a domainless credential spec must hold "
                       "ActiveDirectoryConfig.HostAccountConfig.PluginInput");
    *out = ea_strdup(printed);
    cJSON_free(printed);
    return EA_OK;
}
