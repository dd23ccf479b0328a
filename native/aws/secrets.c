#include "secrets.h"

#include "../base/alloc.h"
#include "../base/arn.h"

#include <cJSON.h>
#include <string.h>

/* --- Secrets Manager --- */

void ea_asm_ref_done(ea_asm_ref *r)
{
    ea_free(r->id);
    ea_free(r->json_key);
    ea_free(r->version_stage);
    ea_free(r->version_id);
    *r = (ea_asm_ref){ 0 };
}

static char *dup_part(ea_str part)
{
    return part.n ? ea_str_dup(part) : NULL;
}

ea_code ea_asm_ref_parse(const char *value_from, ea_asm_ref *out, ea_err *err)
{
    ea_str part[5], rest;
    size_t n = 0;
    ea_arn arn;

    if (ea_arn_parse(value_from, &arn, err))
        return err->code;
    rest = arn.resource;
    while (rest.p && n < EA_COUNT(part))
        rest = ea_str_cut(rest, ':', &part[n++]);
    if (!ea_str_eqz(arn.service, EA_ASM_SERVICE) || !ea_str_eqz(part[0], "secret") || rest.p ||
        (n != 2 && n != 5) || part[1].n == 0)
        return ea_fail(err, EA_INVALID, "unexpected ARN format for a secret of Secrets Manager: %s",
                       value_from);
    *out = (ea_asm_ref){ 0 };
    out->id = ea_strndup(value_from, (size_t)(part[1].p + part[1].n - value_from));
    if (n == 5) {
        out->json_key = dup_part(part[2]);
        out->version_stage = dup_part(part[3]);
        out->version_id = dup_part(part[4]);
    }
    return EA_OK;
}

/* clang-format off */
static const ea_jfield request_fields[] = {
    EA_JSTR(ea_asm_ref, id,            "SecretId",     EA_J_REQUIRED),
    EA_JSTR(ea_asm_ref, version_stage, "VersionStage", 0),
    EA_JSTR(ea_asm_ref, version_id,    "VersionId",    0),
};
static const ea_jshape request_shape = EA_JSHAPE(ea_asm_ref, request_fields);

struct secret_answer { char *text; };
static const ea_jfield secret_fields[] = {
    EA_JSTR(struct secret_answer, text, "SecretString", EA_J_SECRET),
};
static const ea_jshape secret_shape = EA_JSHAPE(struct secret_answer, secret_fields);

static const ea_jfield parameter_fields[] = {
    EA_JSTR(ea_ssm_parameter, name,  "Name",  EA_J_REQUIRED),
    EA_JSTR(ea_ssm_parameter, arn,   "ARN",   0),
    EA_JSTR(ea_ssm_parameter, value, "Value", EA_J_SECRET),
};
static const ea_jshape parameter_shape = EA_JSHAPE(ea_ssm_parameter, parameter_fields);
static const ea_jfield parameters_fields[] = {
    EA_JLIST   (ea_ssm_parameters, found,   "Parameters",        0, &parameter_shape),
    EA_JSTRLIST(ea_ssm_parameters, invalid, "InvalidParameters", 0),
};
static const ea_jshape parameters_shape = EA_JSHAPE(ea_ssm_parameters, parameters_fields);

struct login { char *username, *password; };
static const ea_jfield login_fields[] = {
    EA_JSTR(struct login, username, "username", EA_J_SECRET),
    EA_JSTR(struct login, password, "password", EA_J_SECRET),
};
static const ea_jshape login_shape = EA_JSHAPE(struct login, login_fields);
/* clang-format on */

void ea_asm_request(const ea_asm_ref *r, ea_buf *out)
{
    ea_json_encode(&request_shape, r, EA_J_WIRE, out);
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Past one value of JSON that a parser has accepted already. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;
    bool text = false;

    for (; p < end; p++) {
        if (text) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                text = false;
        } else if (*p == '"') {
            text = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (depth > 0 && (*p == '}' || *p == ']')) {
            depth--;
        } else if (depth == 0 && (*p == ',' || *p == '}' || *p == ':')) {
            break;
        }
    }
    return p;
}

/* The member's value as it is written, so that a long number keeps all its digits. */
static bool written(ea_str object, int index, ea_str *out)
{
    const char *p = object.p, *end = object.p + object.n;

    p = skip_blanks(p, end);
    for (int i = 0; p < end; i++) {
        p = skip_value(skip_blanks(p + 1, end), end); /* past '{' or ',', then the name */
        if (p >= end)
            break;
        const char *from = skip_blanks(p + 1, end);
        p = skip_value(from, end);
        if (i == index) {
            *out = ea_str_trim((ea_str){ from, (size_t)(p - from) });
            return true;
        }
    }
    return false;
}

static ea_code pick(const char *secret, const char *key, char **value, ea_err *err)
{
    cJSON *root = NULL, *item;
    ea_err ignored;
    int index = 0;
    ea_str raw;

    if (ea_json_parse(ea_str_of(secret), &root, &ignored) || !cJSON_IsObject(root)) {
        ea_json_delete(root);
        return ea_fail(err, EA_NOT_FOUND,
                       "the secret is no JSON object, and %.100s is to be "
                       "taken from it",
                       key);
    }
    for (item = root->child; item && strcmp(item->string, key) != 0; item = item->next)
        index++;
    if (!item || cJSON_IsNull(item))
        (void)ea_fail(err, EA_NOT_FOUND, "the secret has no key %.100s", key);
    else if (cJSON_IsString(item))
        *value = ea_strdup(item->valuestring);
    else if (written(ea_str_of(secret), index, &raw))
        *value = ea_str_dup(raw);
    else
        (void)ea_fail(err, EA_NOT_FOUND, "the secret's key %.100s cannot be read", key);
    ea_json_delete(root);
    return *value ? EA_OK : err->code;
}

ea_code ea_asm_answer(ea_str body, const char *json_key, char **value, ea_err *err)
{
    struct secret_answer a = { 0 };
    char *got = NULL;
    ea_err why = { 0 };

    if (ea_json_decode(&secret_shape, body, &a, &why))
        return ea_fail(err, EA_PROTOCOL, "the answer of GetSecretValue is malformed");
    if (!a.text) {
        (void)ea_fail(&why, EA_NOT_FOUND, "the secret has no text (SecretString)");
    } else if (ea_zstr_empty(json_key)) {
        got = ea_strdup(a.text);
    } else {
        (void)pick(a.text, json_key, &got, &why);
    }
    ea_json_free(&secret_shape, &a);
    if (!got)
        return ea_fail(err, why.code, "%s", why.text);
    *value = got;
    return EA_OK;
}

/* --- SSM Parameter Store --- */

void ea_ssm_request(const char *const *names, size_t n, bool decrypt, ea_buf *out)
{
    ea_buf_adds(out, "{\"Names\":[");
    for (size_t i = 0; i < n; i++) {
        ea_buf_adds(out, i ? "," : "");
        ea_buf_add_json_str(out, ea_str_of(names[i]));
    }
    ea_buf_addf(out, "],\"WithDecryption\":%s}", decrypt ? "true" : "false");
}

void ea_ssm_parameters_done(ea_ssm_parameters *p)
{
    ea_json_free(&parameters_shape, p);
}

ea_code ea_ssm_answer(ea_str body, ea_ssm_parameters *out, ea_err *err)
{
    ea_err why = { 0 };

    if (ea_json_decode(&parameters_shape, body, out, &why))
        return ea_fail(err, EA_PROTOCOL, "the answer of GetParameters is malformed");
    return EA_OK;
}

/* "arn:...:parameter/a/b" names the parameter "/a/b", or "a" where it has no path. */
static bool named_by_arn(const char *arn_text, const char *name)
{
    ea_arn arn;
    ea_err ignored = { 0 };
    ea_str path;

    if (ea_arn_parse(arn_text, &arn, &ignored) || !ea_str_starts(arn.resource, "parameter/"))
        return false;
    path = (ea_str){ arn.resource.p + 9, arn.resource.n - 9 };
    return ea_str_eqz(path, name) || ea_str_eqz((ea_str){ path.p + 1, path.n - 1 }, name);
}

const char *ea_ssm_value(const ea_ssm_parameters *p, const char *name)
{
    for (size_t i = 0; i < p->found.n; i++) {
        const ea_ssm_parameter *one = &p->found.v[i];

        if (ea_zstr_eq(one->name, name) || ea_zstr_eq(one->arn, name) ||
            named_by_arn(name, one->name))
            return one->value ? one->value : "";
    }
    return NULL;
}

/* --- registry --- */

ea_code ea_registry_secret(const char *text, char **username, char **password, ea_err *err)
{
    struct login l = { 0 };
    ea_err why = { 0 };

    if (ea_json_decode(&login_shape, ea_str_of(text), &l, &why) || ea_zstr_empty(l.username) ||
        ea_zstr_empty(l.password)) {
        ea_json_free(&login_shape, &l);
        return ea_fail(err, EA_AUTH, "the secret must be a JSON object with username and password");
    }
    *username = l.username;
    *password = l.password;
    return EA_OK;
}
