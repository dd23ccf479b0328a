#include "task_fetch.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "cred_spec.h"
#include "gmsa.h"

#include <string.h>

enum {
    S3_MS = 30000,
    BODY_MAX = 8192
};

/* Two specs that would share a file would share an identity. */
static bool claims_file(struct ea_fetch *f, const ea_cred_spec *spec, const char *container,
                        ea_err *err)
{
    bool made = false;
    EA_FREE_AUTO char *file = ea_cred_spec_file(spec, f->arn, container, &made);
    EA_FREE_AUTO char *key = ea_fetch_key("specfile", "", file);
    const char *held = ea_map_get(&f->got->values, key);

    if (made && held && strcmp(held, spec->value) != 0) {
        (void)ea_fail(err, EA_CONFLICT, "two credential specs of the task have the file name %s",
                      file); /* noted by the caller */
        return false;
    }
    ea_fetch_keep(f, key, ea_strdup(spec->value));
    return true;
}

static void placed(struct ea_fetch *f, const char *key, const char *text, const char *container,
                   ea_str content, ea_err *err)
{
    ea_cred_spec spec = { 0 };
    char *mapping = NULL;

    if (!ea_cred_spec_parse(text, &spec, err) && claims_file(f, &spec, container, err) &&
        !ea_gmsa_place(f->ag, &spec, f->arn, container, content, &f->creds, &mapping, err)) {
        ea_fetch_keep(f, key, mapping);
        return;
    }
    (void)ea_wrap(err, "container %s: %s", container, text); /* noted */
    ea_fetch_note(f, err);
}

static void arrived(struct ea_fetch_call *c, ea_str content, const ea_err *err)
{
    ea_err mine = *err;

    if (mine.code) {
        (void)ea_wrap(&mine, "container %s: %s", c->container, c->spec); /* noted */
        ea_fetch_note(c->f, &mine);
    } else {
        placed(c->f, c->key, c->spec, c->container, content, &mine);
    }
    ea_fetch_call_done(c);
}

static void on_object(void *ctx, ea_str object, const ea_err *err)
{
    arrived(ctx, object, err);
}

static void on_parameter(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct ea_fetch_call *c = ctx;
    ea_ssm_parameters p = { 0 };
    const char *value = NULL;
    ea_err mine = *err;

    (void)fault;
    if (!mine.code && !ea_ssm_answer(body, &p, &mine)) {
        value = ea_ssm_value(&p, c->names.v[0]);
        if (!value)
            (void)ea_fail(&mine, EA_NOT_FOUND, "invalid parameters: %s",
                          c->names.v[0]); /* told by arrived() */
    }
    arrived(c, ea_str_of(value), &mine);
    ea_ssm_parameters_done(&p);
}

static void start_object(struct ea_fetch_call *c, const char *arn)
{
    const ea_agent *ag = c->f->ag;
    const ea_s3_ask ask = {
        .arn = arn,
        .region = c->region,
        .endpoint = ea_cfg_str(ag->config, EA_CFG_ENDPOINT_S3),
        .creds = &c->f->creds,
        .max = EA_SPEC_MAX,
        .each_ms = S3_MS,
    };
    ea_err err = { 0 };

    c->s3 = ea_s3_start(ag->net, &ask, on_object, c, &err);
    if (c->s3)
        return;
    (void)ea_wrap(&err, "container %s: %s", c->container, c->spec); /* noted */
    ea_fetch_note(c->f, &err);
    ea_fetch_call_drop(c);
}

static void start_parameter(struct ea_fetch_call *c, const char *arn)
{
    EA_BUF_AUTO body = EA_BUF(BODY_MAX);

    ea_strlist_add(&c->names, arn);
    c->sent = true;
    ea_ssm_request((const char *const *)c->names.v, c->names.n, false, &body);
    ea_fetch_send(c, EA_SSM_SERVICE, "GetParameters", &body, on_parameter);
}

/* A parameter's region is its ARN's; a bucket names its own. */
static char *region_of(const struct ea_fetch *f, const ea_cred_spec *spec)
{
    ea_err ignored = { 0 };
    ea_arn arn;

    if (spec->source == EA_SPEC_SSM && !ea_arn_parse(spec->value, &arn, &ignored) && arn.region.n)
        return ea_str_dup(arn.region);
    return ea_strdup(f->ag->region ? f->ag->region : "");
}

static void fetch_spec(struct ea_fetch *f, const ea_cred_spec *spec, const char *key,
                       const char *text, const char *container)
{
    EA_FREE_AUTO char *region = region_of(f, spec);
    struct ea_fetch_call *c = ea_fetch_call_new(f, region);

    c->key = ea_strdup(key);
    c->spec = ea_strdup(text);
    c->container = ea_strdup(container);
    if (spec->source == EA_SPEC_S3)
        start_object(c, spec->value);
    else
        start_parameter(c, spec->value);
}

static void from_file(struct ea_fetch *f, const ea_cred_spec *spec, const char *key,
                      const char *text, const char *container)
{
    EA_BUF_AUTO content = EA_BUF(EA_SPEC_MAX);
    ea_err err = { 0 };

    if (!spec->domainless || !ea_gmsa_read(f->ag, spec, &content, &err)) {
        placed(f, key, text, container, ea_buf_str(&content), &err);
        return;
    }
    (void)ea_wrap(&err, "container %s: %s", container, text); /* noted */
    ea_fetch_note(f, &err);
}

void ea_fetch_cred_spec(struct ea_fetch *f, const struct ea_container *c)
{
    EA_FREE_AUTO char *text = ea_cred_spec_of(c);
    EA_FREE_AUTO char *key = ea_fetch_key("spec", c->name, text);
    EA_FREE_AUTO char *what = ea_sprintf_dup("the credential spec %s", text ? text : "");
    ea_cred_spec spec = { 0 };
    ea_err err = { 0 };

    if (!text)
        return;
    if (!f->ag->model.settings.windows)
        (void)ea_fail(&err, EA_UNSUPPORTED, "container %s: credential specs are for Windows",
                      c->name); /* noted */
    else if (ea_cred_spec_parse(text, &spec, &err))
        (void)ea_wrap(&err, "container %s", c->name); /* noted */
    if (err.code) {
        ea_fetch_note(f, &err);
        return;
    }
    if ((spec.domainless || spec.source != EA_SPEC_FILE) && !ea_fetch_has_role(f, c->name, what))
        return;
    if (spec.source == EA_SPEC_FILE)
        from_file(f, &spec, key, text, c->name);
    else
        fetch_spec(f, &spec, key, text, c->name);
}
