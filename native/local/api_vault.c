/* api_vault.c - see api_vault.h. Source: AWS Secrets Manager and AWS Systems Manager API references, the
 * call of each function's name. */
#include "api_vault.h"

#include "../base/alloc.h"
#include "vault.h"

#include <cJSON.h>
#include <string.h>

#define R           EA_LC_REQUIRED
#define NO          EA_LC_REFUSED
#define SHAPE(list) static const ea_lc_shape list##_shape = EA_LC_SHAPE(list)

static const ea_lc_member create_secret[] = {
    EA_LC_S("Name", R),
    EA_LC_S("ClientRequestToken", 0),
    EA_LC_S("Description", 0),
    EA_LC_S("KmsKeyId", NO),
    EA_LC_S("SecretBinary", NO),
    EA_LC_S("SecretString", 0),
    EA_LC_LO("Tags", NO, NULL),
    EA_LC_LO("AddReplicaRegions", NO, NULL),
    EA_LC_B("ForceOverwriteReplicaSecret", NO),
};
SHAPE(create_secret);
static const ea_lc_member put_secret_value[] = {
    EA_LC_S("SecretId", R),     EA_LC_S("ClientRequestToken", 0), EA_LC_S("SecretBinary", NO),
    EA_LC_S("SecretString", 0), EA_LC_LS("VersionStages", NO),
};
SHAPE(put_secret_value);
static const ea_lc_member get_secret_value[] = {
    EA_LC_S("SecretId", R),
    EA_LC_S("VersionId", 0),
    EA_LC_S("VersionStage", 0),
};
SHAPE(get_secret_value);
static const ea_lc_member delete_secret[] = {
    EA_LC_S("SecretId", R),
    EA_LC_L("RecoveryWindowInDays", 0),
    EA_LC_B("ForceDeleteWithoutRecovery", 0),
};
SHAPE(delete_secret);
static const ea_lc_member put_parameter[] = {
    EA_LC_S("Name", R),
    EA_LC_S("Value", R),
    EA_LC_S("Description", 0),
    EA_LC_E("Type", 0, "String|StringList|SecureString"),
    EA_LC_S("KeyId", NO),
    EA_LC_B("Overwrite", 0),
    EA_LC_S("AllowedPattern", NO),
    EA_LC_LO("Tags", NO, NULL),
    EA_LC_E("Tier", 0, "Standard|Advanced|Intelligent-Tiering"),
    EA_LC_S("Policies", NO),
    EA_LC_E("DataType", 0, "text"),
};
SHAPE(put_parameter);
static const ea_lc_member get_parameters[] = {
    EA_LC_LS("Names", R),
    EA_LC_B("WithDecryption", 0),
};
SHAPE(get_parameters);
static const ea_lc_member get_parameter[] = { EA_LC_S("Name", R), EA_LC_B("WithDecryption", 0) };
SHAPE(get_parameter);
static const ea_lc_member delete_parameter[] = { EA_LC_S("Name", R) };
SHAPE(delete_parameter);

/* ---- common ----------------------------------------------------------------------------------- */

static ea_lc_vault *vault_of(ea_lc_call *c)
{
    if (!c->lc->vault)
        c->lc->vault = ea_lc_vault_new();
    return c->lc->vault;
}

static int denied(ea_lc_call *c, const char *action, bool reads)
{
    if (c->who->who == EA_LC_OPERATOR || (reads && c->who->who == EA_LC_TASK_ROLE))
        return 0;
    return ea_lc_refuse(c, "AccessDeniedException",
                        "User: %s is not authorized to perform: %s because no identity-based "
                        "policy allows it",
                        c->who->arn, action);
}

static bool flag(const ea_lc_call *c, const char *name)
{
    return cJSON_IsTrue(ea_json_get(c->in, name));
}

static void add(ea_lc_call *c, const char *before, const char *text)
{
    ea_buf_adds(&c->out, before);
    ea_buf_add_json_str(&c->out, ea_str_of(text));
}

static char *arn_of(ea_lc_call *c, const char *service, const char *resource, const char *name,
                    const char *tail)
{
    const ea_lc_state *st = &c->lc->state;

    return ea_sprintf_dup("arn:%s:%s:%s:%s:%s%s%s", st->partition, service, st->region, st->account,
                          resource, name, tail);
}

/* ---- Secrets Manager -------------------------------------------------------------------------- */

static bool sound_name(const char *name, const char *more, size_t max)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || strchr(more, name[i])))
            return false;
    return n > 0 && n <= max;
}

static struct ea_lc_secret *secret_of(ea_lc_call *c)
{
    struct ea_lc_secret *s = ea_lc_vault_secret(vault_of(c), ea_lc_call_str(c, "SecretId"));

    if (!s)
        (void)ea_lc_refuse(c, "ResourceNotFoundException",
                           "Secrets Manager can't find the specified secret.");
    return s;
}

static int check_value(ea_lc_call *c, const char *value)
{
    if (ea_zstr_empty(value) || strlen(value) > EA_LC_SECRET_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "SecretString must have between 1 and %d bytes.", EA_LC_SECRET_MAX);
    if (ea_lc_call_str(c, "ClientRequestToken") &&
        !sound_name(ea_lc_call_str(c, "ClientRequestToken"), "-", 64))
        return ea_lc_refuse(c, "InvalidParameterException", "ClientRequestToken is malformed.");
    return 0;
}

static void answer_version(ea_lc_call *c, const struct ea_lc_secret *s,
                           const struct ea_lc_version *v)
{
    add(c, "{\"ARN\":", s->arn);
    add(c, ",\"Name\":", s->name);
    if (v)
        add(c, ",\"VersionId\":", v->id);
}

static int put_version(ea_lc_call *c, struct ea_lc_secret *s, const char *value,
                       const struct ea_lc_version **out)
{
    *out = ea_lc_vault_put_version(s, ea_lc_call_str(c, "ClientRequestToken"), value);
    return *out ? 0
                : ea_lc_refuse(c, "ResourceExistsException",
                               "A version of this id exists with another value.");
}

static int create_secret_fn(ea_lc_call *c)
{
    const char *name = ea_lc_call_str(c, "Name"), *value = ea_lc_call_str(c, "SecretString");
    const struct ea_lc_version *v = NULL;
    struct ea_lc_secret *s = NULL;
    char id[EA_LC_ID_BYTES], tail[8] = "-";

    if (denied(c, "secretsmanager:CreateSecret", false) || (value && check_value(c, value)))
        return -1;
    if (!sound_name(name, "/_+=.@-", 512))
        return ea_lc_refuse(c, "InvalidParameterException", "Invalid name.");
    if (ea_lc_vault_secret(vault_of(c), name))
        return ea_lc_refuse(c, "ResourceExistsException",
                            "The operation failed because the secret %s already exists.", name);
    ea_lc_new_id(id);
    memcpy(tail + 1, id, 6);
    tail[7] = '\0';
    EA_FREE_AUTO char *arn = arn_of(c, "secretsmanager", "secret:", name, tail);
    s = ea_lc_vault_add_secret(vault_of(c), name, arn, c->now_ms);
    if (!s)
        return ea_lc_refuse(c, "LimitExceededException", "No more than %d secrets are kept.",
                            EA_LC_SECRETS_MAX);
    if (value && put_version(c, s, value, &v))
        return -1;
    answer_version(c, s, v);
    ea_buf_addc(&c->out, '}');
    return 0;
}

static int put_secret_value_fn(ea_lc_call *c)
{
    const char *value = ea_lc_call_str(c, "SecretString");
    const struct ea_lc_version *v = NULL;
    struct ea_lc_secret *s = NULL;

    if (denied(c, "secretsmanager:PutSecretValue", false) || check_value(c, value))
        return -1;
    s = secret_of(c);
    if (!s || put_version(c, s, value, &v))
        return -1;
    answer_version(c, s, v);
    add(c, ",\"VersionStages\":[", v->stage);
    ea_buf_adds(&c->out, "]}");
    return 0;
}

static int get_secret_value_fn(ea_lc_call *c)
{
    const struct ea_lc_version *v = NULL;
    const struct ea_lc_secret *s = NULL;

    if (denied(c, "secretsmanager:GetSecretValue", true))
        return -1;
    s = secret_of(c);
    if (!s)
        return -1;
    v = ea_lc_vault_version(s, ea_lc_call_str(c, "VersionId"), ea_lc_call_str(c, "VersionStage"));
    if (!v)
        return ea_lc_refuse(c, "ResourceNotFoundException",
                            "Secrets Manager can't find the specified secret value.");
    answer_version(c, s, v);
    add(c, ",\"SecretString\":", v->value);
    add(c, ",\"VersionStages\":[", v->stage);
    ea_buf_addf(&c->out, "],\"CreatedDate\":%lld.%03d}", (long long)(s->created_ms / 1000),
                (int)(s->created_ms % 1000));
    return 0;
}

static int delete_secret_fn(ea_lc_call *c)
{
    struct ea_lc_secret *s = NULL;

    if (denied(c, "secretsmanager:DeleteSecret", false))
        return -1;
    s = secret_of(c);
    if (!s)
        return -1;
    /* Without a time to change one's mind: what is kept here is for trying things out. */
    answer_version(c, s, NULL);
    ea_buf_addf(&c->out, ",\"DeletionDate\":%lld}", (long long)(c->now_ms / 1000));
    ea_lc_vault_remove_secret(vault_of(c), s);
    return 0;
}

/* ---- SSM Parameter Store ---------------------------------------------------------------------- */

static int put_parameter_fn(ea_lc_call *c)
{
    const char *name = ea_lc_call_str(c, "Name"), *value = ea_lc_call_str(c, "Value");
    const char *type = ea_lc_call_str(c, "Type");
    const struct ea_lc_parameter *old = NULL, *p = NULL;

    if (denied(c, "ssm:PutParameter", false))
        return -1;
    if (!sound_name(name, "/_.-", 1011))
        return ea_lc_refuse(c, "ValidationException", "Parameter name is malformed.");
    if (ea_zstr_empty(value) || strlen(value) > EA_LC_PARAMETER_MAX)
        return ea_lc_refuse(c, "ValidationException",
                            "Parameter value must have between 1 and %d bytes.",
                            EA_LC_PARAMETER_MAX);
    old = ea_lc_vault_parameter(vault_of(c), name);
    if (old && !flag(c, "Overwrite"))
        return ea_lc_refuse(c, "ParameterAlreadyExists",
                            "The parameter already exists. To overwrite this value, set the "
                            "overwrite option in the request to true.");
    if (!old && !type)
        return ea_lc_refuse(c, "ValidationException",
                            "A parameter type is required when you create a parameter.");
    EA_FREE_AUTO char *arn =
        arn_of(c, "ssm", name[0] == '/' ? "parameter" : "parameter/", name, "");
    EA_FREE_AUTO char *kind = ea_strdup(type ? type : old->type);
    p = ea_lc_vault_put_parameter(vault_of(c), name, arn, kind, value, c->now_ms);
    if (!p)
        return ea_lc_refuse(c, "ParameterLimitExceeded", "No more than %d parameters are kept.",
                            EA_LC_SECRETS_MAX);
    ea_buf_addf(&c->out, "{\"Version\":%lld,\"Tier\":\"Standard\"}", (long long)p->version);
    return 0;
}

/* A SecureString is told as something else unless it is to be decrypted. */
static void add_parameter(ea_lc_call *c, const struct ea_lc_parameter *p)
{
    bool sealed = strcmp(p->type, "SecureString") == 0 && !flag(c, "WithDecryption");
    char mac[45];

    if (sealed)
        ea_lc_creds_mac(&c->lc->creds, "parameter", ea_str_of(p->value), mac);
    add(c, "{\"Name\":", p->name);
    add(c, ",\"Type\":", p->type);
    add(c, ",\"Value\":", sealed ? mac : p->value);
    add(c, ",\"ARN\":", p->arn);
    ea_buf_addf(&c->out, ",\"Version\":%lld,\"LastModifiedDate\":%lld.%03d,\"DataType\":\"text\"}",
                (long long)p->version, (long long)(p->changed_ms / 1000),
                (int)(p->changed_ms % 1000));
}

static int get_parameters_fn(ea_lc_call *c)
{
    const cJSON *names = ea_json_get(c->in, "Names"), *name;
    EA_BUF_AUTO invalid = EA_BUF(32 * 1024);
    bool any = false;

    if (denied(c, "ssm:GetParameters", true))
        return -1;
    if (cJSON_GetArraySize(names) < 1 || cJSON_GetArraySize(names) > 10)
        return ea_lc_refuse(c, "ValidationException",
                            "1 validation error detected: Value at 'names' failed to satisfy "
                            "constraint: Member must have length less than or equal to 10");
    ea_buf_adds(&c->out, "{\"Parameters\":[");
    cJSON_ArrayForEach(name, names)
    {
        const struct ea_lc_parameter *p = ea_lc_vault_parameter(vault_of(c), name->valuestring);

        if (p) {
            ea_buf_adds(&c->out, any ? "," : "");
            add_parameter(c, p);
            any = true;
        } else {
            ea_buf_adds(&invalid, invalid.n ? "," : "");
            ea_buf_add_json_str(&invalid, ea_str_of(name->valuestring));
        }
    }
    ea_buf_addf(&c->out, "],\"InvalidParameters\":[%s]}", ea_buf_z(&invalid));
    return 0;
}

static struct ea_lc_parameter *parameter_of(ea_lc_call *c)
{
    struct ea_lc_parameter *p = ea_lc_vault_parameter(vault_of(c), ea_lc_call_str(c, "Name"));

    if (!p)
        (void)ea_lc_refuse(c, "ParameterNotFound", "Parameter %s not found.",
                           ea_lc_call_str(c, "Name"));
    return p;
}

static int get_parameter_fn(ea_lc_call *c)
{
    const struct ea_lc_parameter *p = NULL;

    if (denied(c, "ssm:GetParameter", true))
        return -1;
    p = parameter_of(c);
    if (!p)
        return -1;
    ea_buf_adds(&c->out, "{\"Parameter\":");
    add_parameter(c, p);
    ea_buf_addc(&c->out, '}');
    return 0;
}

static int delete_parameter_fn(ea_lc_call *c)
{
    struct ea_lc_parameter *p = NULL;

    if (denied(c, "ssm:DeleteParameter", false))
        return -1;
    p = parameter_of(c);
    if (!p)
        return -1;
    ea_lc_vault_remove_parameter(vault_of(c), p);
    ea_buf_adds(&c->out, "{}");
    return 0;
}

/* ---- tables ----------------------------------------------------------------------------------- */

struct row {
    const char *name;
    ea_lc_fn *fn;
    const ea_lc_shape *shape;
};
static const struct row secrets[] = {
    { "CreateSecret", create_secret_fn, &create_secret_shape },
    { "PutSecretValue", put_secret_value_fn, &put_secret_value_shape },
    { "GetSecretValue", get_secret_value_fn, &get_secret_value_shape },
    { "DeleteSecret", delete_secret_fn, &delete_secret_shape },
};
static const struct row parameters[] = {
    { "PutParameter", put_parameter_fn, &put_parameter_shape },
    { "GetParameters", get_parameters_fn, &get_parameters_shape },
    { "GetParameter", get_parameter_fn, &get_parameter_shape },
    { "DeleteParameter", delete_parameter_fn, &delete_parameter_shape },
};

static const struct row *find(const struct row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

ea_lc_fn *ea_lc_secrets_find(const char *operation)
{
    const struct row *r = find(secrets, EA_COUNT(secrets), operation);

    return r ? r->fn : NULL;
}

const ea_lc_shape *ea_lc_secrets_shape(const char *operation)
{
    const struct row *r = find(secrets, EA_COUNT(secrets), operation);

    return r ? r->shape : NULL;
}

ea_lc_fn *ea_lc_ssm_find(const char *operation)
{
    const struct row *r = find(parameters, EA_COUNT(parameters), operation);

    return r ? r->fn : NULL;
}

const ea_lc_shape *ea_lc_ssm_shape(const char *operation)
{
    const struct row *r = find(parameters, EA_COUNT(parameters), operation);

    return r ? r->shape : NULL;
}

static void print_rows(const struct row *rows, size_t n, ea_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        ea_buf_addf(out, "%s\"%s\":", i ? ",\n" : "{", rows[i].name);
        ea_lc_shape_print(rows[i].shape, out);
    }
    ea_buf_adds(out, "}\n");
}

void ea_lc_secrets_print(ea_buf *out)
{
    print_rows(secrets, EA_COUNT(secrets), out);
}

void ea_lc_ssm_print(ea_buf *out)
{
    print_rows(parameters, EA_COUNT(parameters), out);
}
