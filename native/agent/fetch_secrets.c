#include "task_fetch.h"

#include "../aws/endpoint.h"
#include "../aws/secrets.h"
#include "../base/alloc.h"

#include <string.h>

enum {
    BODY_MAX = 64 * 1024
};

/* ---- clients ---------------------------------------------------------------------------------- */

static ea_code client_of(ea_agent *ag, const char *service, const char *region, ea_aws **out,
                         ea_err *err)
{
    struct ea_taskres *all = ag->resources;
    bool is_ssm = strcmp(service, EA_SSM_SERVICE) == 0;
    const ea_endpoint_options options = {
        .override_url =
            ea_cfg_str(ag->config, is_ssm ? EA_CFG_ENDPOINT_SSM : EA_CFG_ENDPOINT_SECRETS),
        .override_name = is_ssm ? "AWS_ENDPOINT_URL_SSM" : "AWS_ENDPOINT_URL_SECRETS_MANAGER"
    };
    EA_FREE_AUTO char *name = ea_sprintf_dup("%s %s", service, region);
    EA_FREE_AUTO char *url = NULL;
    ea_aws_config config = {
        .region = region,
        .service = service,
        .target_prefix = is_ssm ? EA_SSM_TARGET_PREFIX : EA_ASM_TARGET_PREFIX,
        .seed = ea_rng_u64(&ag->rng),
    };
    ea_aws *aws = NULL;

    EA_LIST_EACH(&all->clients, node)
    {
        struct ea_fetch_client *c = EA_OWNER(node, struct ea_fetch_client, node);

        if (strcmp(c->name, name) == 0) {
            *out = c->aws;
            return EA_OK;
        }
    }
    if (ea_endpoint_resolve(service, region, &options, &url, err))
        return err->code;
    config.endpoint = url;
    if (ea_aws_new(ag->net, NULL, &config, &aws, err))
        return err->code;
    struct ea_fetch_client *c = ea_alloc(sizeof(*c));
    c->name = ea_strdup(name);
    c->aws = *out = aws;
    ea_list_append(&all->clients, &c->node);
    return EA_OK;
}

/* Starts the call, or notes why not. */
void ea_fetch_send(struct ea_fetch_call *c, const char *service, const char *operation,
                   ea_buf *body, ea_aws_done *done)
{
    struct ea_fetch *f = c->f;
    const ea_aws_options options = { .retry = EA_RETRY_STANDARD, .creds = &f->creds };
    ea_aws *aws = NULL;
    ea_err err = { 0 };

    if (!ea_buf_check(body, &err) && !client_of(f->ag, service, c->region, &aws, &err))
        c->aws = ea_aws_start(aws, operation, ea_buf_str(body), &options, done, c, &err);
    if (c->aws)
        return;
    ea_fetch_note(f, &err);
    ea_fetch_call_drop(c);
}

/* ---- Secrets Manager -------------------------------------------------------------------------- */

static void explain_secret(const struct ea_fetch_call *c, const ea_aws_fault *fault, ea_err *err)
{
    const char *hint =
        fault && strcmp(fault->code, "ResourceNotFoundException") == 0
            ? " (is there a secret of this name and version in this region, and does the execution "
              "role's account have it?)"
            : "";
    ea_err with = { 0 };

    (void)ea_fail(&with, err->code,
                  "fetching secret data from AWS Secrets Manager in region %s: secret %s: %s%s",
                  c->region, c->secret.id, err->text, hint); /* noted by the caller */
    *err = with;
}

static ea_code check_login(const char *text, ea_err *err)
{
    EA_SECRET_AUTO char *username = NULL;
    EA_SECRET_AUTO char *password = NULL;

    return ea_registry_secret(text, &username, &password, err);
}

static void on_secret(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct ea_fetch_call *c = ctx;
    ea_err mine = *err;
    char *value = NULL;

    if ((!mine.code && ea_asm_answer(body, c->secret.json_key, &value, &mine)) ||
        (value && c->is_login && check_login(value, &mine))) {
        ea_secret_free(value);
        value = NULL;
    }
    if (mine.code) {
        explain_secret(c, fault, &mine);
        ea_fetch_note(c->f, &mine);
    } else {
        ea_fetch_keep(c->f, c->key, value);
    }
    ea_fetch_call_done(c);
}

static void fetch_secret(struct ea_fetch *f, const char *region, const char *key, ea_asm_ref *ref)
{
    EA_BUF_AUTO body = EA_BUF(BODY_MAX);
    struct ea_fetch_call *c = ea_fetch_call_new(f, region);

    c->key = ea_strdup(key);
    c->secret = *ref;
    c->is_login = ea_str_starts(ea_str_of(key), "login ");
    *ref = (ea_asm_ref){ 0 };
    ea_fetch_keep(f, key, ea_strdup("")); /* asked for; a second container shares it */
    ea_asm_request(&c->secret, &body);
    ea_fetch_send(c, EA_ASM_SERVICE, "GetSecretValue", &body, on_secret);
}

void ea_fetch_secret(struct ea_fetch *f, const char *region, const char *value_from)
{
    EA_FREE_AUTO char *key = ea_fetch_key("asm", region, value_from);
    ea_asm_ref ref = { 0 };
    ea_err err = { 0 };

    if (ea_map_get(&f->got->values, key))
        return;
    if (ea_asm_ref_parse(value_from, &ref, &err))
        ea_fetch_note(f, &err);
    else
        fetch_secret(f, region, key, &ref);
}

void ea_fetch_login(struct ea_fetch *f, const char *region, const char *parameter)
{
    EA_FREE_AUTO char *key = ea_fetch_key("login", region, parameter);
    ea_asm_ref ref = { .id = ea_strdup(parameter ? parameter : "") };

    if (!ea_map_get(&f->got->values, key))
        fetch_secret(f, region, key, &ref);
    ea_asm_ref_done(&ref);
}

/* ---- SSM Parameter Store ---------------------------------------------------------------------- */

static void take_parameters(struct ea_fetch_call *c, const ea_ssm_parameters *p, ea_err *err)
{
    EA_BUF_AUTO bad = EA_BUF(sizeof(err->text));

    for (size_t i = 0; i < p->invalid.n; i++)
        ea_buf_addf(&bad, "%s%s", i ? "," : "", p->invalid.v[i]);
    for (size_t i = 0; i < c->names.n && !p->invalid.n; i++) {
        EA_FREE_AUTO char *key = ea_fetch_key("ssm", c->region, c->names.v[i]);
        const char *value = ea_ssm_value(p, c->names.v[i]);

        if (value)
            ea_fetch_keep(c->f, key, ea_strdup(value));
        else
            ea_buf_addf(&bad, "%s%s", bad.n ? "," : "", c->names.v[i]);
    }
    if (bad.n || p->invalid.n)
        (void)ea_fail(err, EA_NOT_FOUND, "invalid parameters: %s",
                      ea_buf_z(&bad)); /* noted by the caller */
}

static void on_parameters(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct ea_fetch_call *c = ctx;
    ea_ssm_parameters p = { 0 };
    ea_err mine = *err;

    (void)fault;
    if (!mine.code && !ea_ssm_answer(body, &p, &mine))
        take_parameters(c, &p, &mine);
    ea_ssm_parameters_done(&p);
    if (mine.code) {
        (void)ea_wrap(&mine, "fetching secret data from SSM Parameter Store in %s", c->region);
        ea_fetch_note(c->f, &mine);
    }
    ea_fetch_call_done(c);
}

/* Into a batch of the same region that has room, or into one of its own. Sent once all is known. */
void ea_fetch_parameter(struct ea_fetch *f, const char *region, const char *name)
{
    EA_FREE_AUTO char *key = ea_fetch_key("ssm", region, name);
    struct ea_fetch_call *batch = NULL;

    if (ea_map_get(&f->got->values, key))
        return;
    ea_fetch_keep(f, key, ea_strdup(""));
    EA_LIST_EACH(&f->calls, node)
    {
        struct ea_fetch_call *c = EA_OWNER(node, struct ea_fetch_call, node);

        if (c->names.n && !c->sent && c->names.n < EA_SSM_BATCH && strcmp(c->region, region) == 0)
            batch = c;
    }
    if (!batch)
        batch = ea_fetch_call_new(f, region);
    ea_strlist_add(&batch->names, name);
}

void ea_fetch_send_parameters(struct ea_fetch *f)
{
    EA_LIST_EACH(&f->calls, node)
    {
        struct ea_fetch_call *c = EA_OWNER(node, struct ea_fetch_call, node);
        EA_BUF_AUTO body = EA_BUF(BODY_MAX);

        if (!c->names.n || c->sent)
            continue;
        c->sent = true;
        ea_ssm_request((const char *const *)c->names.v, c->names.n, true, &body);
        ea_fetch_send(c, EA_SSM_SERVICE, "GetParameters", &body, on_parameters);
    }
}
