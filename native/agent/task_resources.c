#include "task_resources.h"

#include "../aws/endpoint.h"
#include "../aws/s3.h"
#include "../aws/secrets.h"
#include "../base/alloc.h"
#include "../base/log.h"
#include "env_file.h"
#include "run_effect.h"
#include "turn.h"

#include <string.h>

enum {
    BODY_MAX = 64 * 1024,
    S3_MS = 30000
};

struct client { /* one service in one region */
    ea_node node;
    char *name; /* "ssm us-west-2" */
    ea_aws *aws;
};

struct held { /* of one task: "<what> <region> <valueFrom>" -> value */
    ea_map values;
};

struct ea_taskres {
    ea_list clients, fetches;
    ea_map held; /* task ARN -> struct held * */
};

struct fetch { /* one EA_FX_PREPARE under way */
    ea_node node;
    ea_agent *ag;
    uint64_t op;
    char *arn;
    ea_aws_creds creds; /* of the execution role */
    bool has_role, cancelled;
    struct held *got;
    ea_list calls;
    ea_timer *timer; /* the limit; due at once when nothing is to be waited for */
    ea_err err;      /* texts joined by "; " */
};

struct call { /* one request under way */
    ea_node node;
    struct fetch *f;
    char *region, *key; /* key: of a single value */
    ea_asm_ref secret;
    bool is_login;
    ea_strlist names; /* SSM: one batch */
    ea_aws_call *aws;
    ea_s3_get *s3;
};

/* ---- life ------------------------------------------------------------------------------------- */

static void free_secret(void *text)
{
    ea_secret_free(text);
}

static void free_held(void *held)
{
    struct held *h = held;

    if (!h)
        return;
    ea_map_done(&h->values, free_secret);
    ea_free(h);
}

static void free_call(struct call *c)
{
    ea_list_remove(&c->node);
    ea_aws_drop(c->aws);
    ea_s3_drop(c->s3);
    ea_asm_ref_done(&c->secret);
    ea_strlist_free(&c->names);
    ea_free(c->region);
    ea_free(c->key);
    ea_free(c);
}

static void drop_calls(struct fetch *f)
{
    EA_LIST_EACH(&f->calls, node)
    {
        free_call(EA_OWNER(node, struct call, node));
    }
}

static void free_fetch(struct fetch *f)
{
    drop_calls(f);
    ea_list_remove(&f->node);
    ea_timer_free(f->timer);
    ea_aws_creds_done(&f->creds);
    free_held(f->got);
    ea_free(f->arn);
    ea_free(f);
}

void ea_taskres_free(struct ea_taskres *all)
{
    if (!all)
        return;
    EA_LIST_EACH(&all->fetches, node)
    {
        free_fetch(EA_OWNER(node, struct fetch, node));
    }
    EA_LIST_EACH(&all->clients, node)
    {
        struct client *c = EA_OWNER(node, struct client, node);

        ea_aws_free(c->aws);
        ea_free(c->name);
        ea_free(c);
    }
    ea_map_done(&all->held, free_held);
    ea_free(all);
}

static struct ea_taskres *all_of(ea_agent *ag)
{
    if (!ag->resources) {
        ag->resources = ea_alloc(sizeof(*ag->resources));
        ea_list_init(&ag->resources->clients);
        ea_list_init(&ag->resources->fetches);
    }
    return ag->resources;
}

void ea_taskres_forget(ea_agent *ag, const char *task_arn)
{
    if (!ag->resources)
        return;
    free_held(ea_map_remove(&ag->resources->held, task_arn));
    EA_LIST_EACH(&ag->resources->fetches, node)
    {
        struct fetch *f = EA_OWNER(node, struct fetch, node);

        if (strcmp(f->arn, task_arn) != 0 || f->cancelled)
            continue;
        f->cancelled = true;
        drop_calls(f);
        ea_timer_arm(f->timer, 0);
    }
}

/* ---- one fetch -------------------------------------------------------------------------------- */

static void finish(struct fetch *f)
{
    struct ea_event ev = { .kind = EA_EV_RESULT, .op = f->op, .of = EA_FX_PREPARE };

    if (f->cancelled)
        (void)ea_fail(&ev.err, EA_CANCELLED, "the task has ended"); /* told by the event */
    else
        ev.err = f->err;
    if (ev.err.code == EA_OK) {
        free_held(ea_map_put(&f->ag->resources->held, f->arn, f->got));
        f->got = NULL;
        ea_info("what the task needs is there", EA_S("task", f->arn));
    }
    ea_turn_post(f->ag, &ev);
    free_fetch(f);
}

static void on_timer(void *arg)
{
    struct fetch *f = arg;

    if (!ea_list_empty(&f->calls) && !f->cancelled) {
        f->err = (ea_err){ 0 };
        (void)ea_fail(&f->err, EA_TIMEOUT, "time limit"); /* told by the event */
    }
    finish(f);
}

/* Adds to what failed already; several are joined, as far as there is room. */
static void note(struct fetch *f, const ea_err *err)
{
    ea_err both = { 0 };

    if (f->err.code == EA_OK) {
        f->err = *err;
        if (f->err.code == EA_TIMEOUT) /* of one call: its own words tell more than the limit's */
            f->err.code = EA_UNREACHABLE;
        return;
    }
    (void)ea_fail(&both, f->err.code, "%s;%s", f->err.text, err->text); /* kept in f->err */
    f->err = both;
}

static void call_done(struct call *c)
{
    struct fetch *f = c->f;

    c->aws = NULL;
    c->s3 = NULL;
    free_call(c);
    if (ea_list_empty(&f->calls))
        ea_timer_arm(f->timer, 0);
}

static void keep(struct fetch *f, const char *key, char *value)
{
    ea_secret_free(ea_map_put(&f->got->values, key, value));
}

static char *key_of(const char *what, const char *region, const char *value_from)
{
    return ea_sprintf_dup("%s %s %s", what, region ? region : "", value_from ? value_from : "");
}

/* ---- clients ---------------------------------------------------------------------------------- */

static ea_code client_of(ea_agent *ag, const char *service, const char *region, ea_aws **out,
                         ea_err *err)
{
    struct ea_taskres *all = all_of(ag);
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
        struct client *c = EA_OWNER(node, struct client, node);

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
    struct client *c = ea_alloc(sizeof(*c));
    c->name = ea_strdup(name);
    c->aws = *out = aws;
    ea_list_append(&all->clients, &c->node);
    return EA_OK;
}

static struct call *call_new(struct fetch *f, const char *region)
{
    struct call *c = ea_alloc(sizeof(*c));

    c->f = f;
    c->region = ea_strdup(region);
    ea_list_append(&f->calls, &c->node);
    return c;
}

/* Starts the call, or notes why not. */
static void send(struct call *c, const char *service, const char *operation, ea_buf *body,
                 ea_aws_done *done)
{
    struct fetch *f = c->f;
    const ea_aws_options options = { .retry = EA_RETRY_STANDARD, .creds = &f->creds };
    ea_aws *aws = NULL;
    ea_err err = { 0 };

    if (!ea_buf_check(body, &err) && !client_of(f->ag, service, c->region, &aws, &err))
        c->aws = ea_aws_start(aws, operation, ea_buf_str(body), &options, done, c, &err);
    if (c->aws)
        return;
    note(f, &err);
    free_call(c);
}

/* ---- Secrets Manager -------------------------------------------------------------------------- */

static void explain_secret(const struct call *c, const ea_aws_fault *fault, ea_err *err)
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
    struct call *c = ctx;
    ea_err mine = *err;
    char *value = NULL;

    if ((!mine.code && ea_asm_answer(body, c->secret.json_key, &value, &mine)) ||
        (value && c->is_login && check_login(value, &mine))) {
        ea_secret_free(value);
        value = NULL;
    }
    if (mine.code) {
        explain_secret(c, fault, &mine);
        note(c->f, &mine);
    } else {
        keep(c->f, c->key, value);
    }
    call_done(c);
}

static void fetch_secret(struct fetch *f, const char *region, const char *key, ea_asm_ref *ref)
{
    EA_BUF_AUTO body = EA_BUF(BODY_MAX);
    struct call *c = call_new(f, region);

    c->key = ea_strdup(key);
    c->secret = *ref;
    c->is_login = ea_str_starts(ea_str_of(key), "login ");
    *ref = (ea_asm_ref){ 0 };
    keep(f, key, ea_strdup("")); /* asked for; a second container shares it */
    ea_asm_request(&c->secret, &body);
    send(c, EA_ASM_SERVICE, "GetSecretValue", &body, on_secret);
}

static void want_secret(struct fetch *f, const char *region, const char *value_from)
{
    EA_FREE_AUTO char *key = key_of("asm", region, value_from);
    ea_asm_ref ref = { 0 };
    ea_err err = { 0 };

    if (ea_map_get(&f->got->values, key))
        return;
    if (ea_asm_ref_parse(value_from, &ref, &err))
        note(f, &err);
    else
        fetch_secret(f, region, key, &ref);
}

/* ---- SSM Parameter Store ---------------------------------------------------------------------- */

static void take_parameters(struct call *c, const ea_ssm_parameters *p, ea_err *err)
{
    EA_BUF_AUTO bad = EA_BUF(sizeof(err->text));

    for (size_t i = 0; i < p->invalid.n; i++)
        ea_buf_addf(&bad, "%s%s", i ? "," : "", p->invalid.v[i]);
    for (size_t i = 0; i < c->names.n && !p->invalid.n; i++) {
        EA_FREE_AUTO char *key = key_of("ssm", c->region, c->names.v[i]);
        const char *value = ea_ssm_value(p, c->names.v[i]);

        if (value)
            keep(c->f, key, ea_strdup(value));
        else
            ea_buf_addf(&bad, "%s%s", bad.n ? "," : "", c->names.v[i]);
    }
    if (bad.n || p->invalid.n)
        (void)ea_fail(err, EA_NOT_FOUND, "invalid parameters: %s",
                      ea_buf_z(&bad)); /* noted by the caller */
}

static void on_parameters(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct call *c = ctx;
    ea_ssm_parameters p = { 0 };
    ea_err mine = *err;

    (void)fault;
    if (!mine.code && !ea_ssm_answer(body, &p, &mine))
        take_parameters(c, &p, &mine);
    ea_ssm_parameters_done(&p);
    if (mine.code) {
        (void)ea_wrap(&mine, "fetching secret data from SSM Parameter Store in %s", c->region);
        note(c->f, &mine);
    }
    call_done(c);
}

/* Into a batch of the same region that has room, or into one of its own. Sent once all is known. */
static void want_parameter(struct fetch *f, const char *region, const char *name)
{
    EA_FREE_AUTO char *key = key_of("ssm", region, name);
    struct call *batch = NULL;

    if (ea_map_get(&f->got->values, key))
        return;
    keep(f, key, ea_strdup(""));
    EA_LIST_EACH(&f->calls, node)
    {
        struct call *c = EA_OWNER(node, struct call, node);

        if (c->names.n && c->names.n < EA_SSM_BATCH && strcmp(c->region, region) == 0)
            batch = c;
    }
    if (!batch)
        batch = call_new(f, region);
    ea_strlist_add(&batch->names, name);
}

static void send_batches(struct fetch *f)
{
    EA_LIST_EACH(&f->calls, node)
    {
        struct call *c = EA_OWNER(node, struct call, node);
        EA_BUF_AUTO body = EA_BUF(BODY_MAX);

        if (!c->names.n)
            continue;
        ea_ssm_request((const char *const *)c->names.v, c->names.n, true, &body);
        send(c, EA_SSM_SERVICE, "GetParameters", &body, on_parameters);
    }
}

/* ---- environment files ------------------------------------------------------------------------ */

static void on_file(void *ctx, ea_str object, const ea_err *err)
{
    struct call *c = ctx;
    ea_err mine = *err;

    if (!mine.code && ea_env_file_check(object, &mine))
        (void)ea_wrap(&mine, "%s", c->key); /* noted */
    if (mine.code) {
        (void)ea_wrap(&mine, "environment file"); /* noted */
        note(c->f, &mine);
    } else {
        keep(c->f, c->key, ea_strndup(object.p ? object.p : "", object.n));
    }
    call_done(c);
}

static void want_file(struct fetch *f, const struct ea_env_file *file)
{
    const ea_agent *ag = f->ag;
    EA_FREE_AUTO char *key = key_of("file", "", file->value);
    const ea_s3_ask ask = {
        .arn = file->value,
        .region = ag->region ? ag->region : "",
        .endpoint = ea_cfg_str(ag->config, EA_CFG_ENDPOINT_S3),
        .creds = &f->creds,
        .max = EA_ENV_FILE_MAX,
        .each_ms = S3_MS,
    };
    struct call *c = NULL;
    ea_err err = { 0 };

    if (ea_map_get(&f->got->values, key))
        return;
    keep(f, key, ea_strdup(""));
    c = call_new(f, ask.region);
    c->key = ea_strdup(key);
    if (!ea_zstr_eq(file->type, "s3"))
        (void)ea_fail(&err, EA_UNSUPPORTED, "type %.40s", file->type ? file->type : ""); /* noted */
    else
        c->s3 = ea_s3_start(ag->net, &ask, on_file, c, &err);
    if (c->s3)
        return;
    (void)ea_wrap(&err, "environment file %.200s", file->value ? file->value : ""); /* noted */
    note(f, &err);
    free_call(c);
}

/* ---- what a task needs ------------------------------------------------------------------------ */

static bool has_role(struct fetch *f, const char *container, const char *what)
{
    ea_err err = { 0 };

    if (f->has_role)
        return true;
    (void)ea_fail(&err, EA_AUTH, "container %s needs %s, and the task has no execution role",
                  container, what); /* noted */
    note(f, &err);
    return false;
}

static const char *region_or(const ea_agent *ag, const char *region)
{
    return ea_zstr_empty(region) ? (ag->region ? ag->region : "") : region;
}

static void want_of_container(struct fetch *f, const struct ea_container *c)
{
    const struct ea_registry_auth *auth = c->registry_auth;

    for (size_t i = 0; i < c->secrets.n && has_role(f, c->name, "secrets"); i++) {
        const struct ea_secret_ref *s = &c->secrets.v[i];

        if (ea_zstr_eq(s->provider, "asm"))
            want_secret(f, region_or(f->ag, s->region), s->value_from);
        else
            want_parameter(f, region_or(f->ag, s->region), s->value_from);
    }
    for (size_t i = 0; i < c->environment_files.n && has_role(f, c->name, "environment files"); i++)
        want_file(f, &c->environment_files.v[i]);
    if (auth && auth->asm_ && has_role(f, c->name, "the login of its registry")) {
        const char *region = region_or(f->ag, auth->asm_->region);
        EA_FREE_AUTO char *key = key_of("login", region, auth->asm_->credentials_parameter);
        ea_asm_ref ref = { .id = ea_strdup(auth->asm_->credentials_parameter) };

        if (!ea_map_get(&f->got->values, key))
            fetch_secret(f, region, key, &ref);
        ea_asm_ref_done(&ref);
    }
}

static void take_role(struct fetch *f, const struct ea_task *t)
{
    const struct ea_creds *c = ea_model_creds(&f->ag->model, t->execution_credentials_id);

    if (!t->execution_credentials_id || !c || c->known_only)
        return;
    f->has_role = true;
    f->creds = (ea_aws_creds){ .access_key_id = ea_strdup(c->access_key_id),
                               .secret_access_key = ea_strdup(c->secret_access_key),
                               .session_token = ea_strdup(c->session_token),
                               .source = "task execution role" };
}

void ea_taskres_prepare(ea_agent *ag, const struct ea_effect *fx)
{
    struct fetch *f = ea_alloc(sizeof(*f));

    f->ag = ag;
    f->op = fx->op;
    f->arn = ea_strdup(fx->task->arn);
    f->got = ea_alloc(sizeof(*f->got));
    ea_list_init(&f->calls);
    ea_list_append(&all_of(ag)->fetches, &f->node);
    f->timer = ea_timer_new(ag->loop, on_timer, f);
    take_role(f, fx->task);
    for (size_t i = 0; i < fx->task->containers.n; i++)
        want_of_container(f, &fx->task->containers.v[i]);
    send_batches(f);
    ea_timer_arm(f->timer, ea_list_empty(&f->calls) ? 0 : fx->limit_ms);
}

/* ---- what a container gets -------------------------------------------------------------------- */

static const char *value_of(const ea_agent *ag, const struct ea_task *t, const char *what,
                            const char *region, const char *from)
{
    const struct held *h = ag->resources ? ea_map_get(&ag->resources->held, t->arn) : NULL;
    EA_FREE_AUTO char *key = key_of(what, region, from);

    return h ? ea_map_get(&h->values, key) : NULL;
}

void ea_taskres_of(const ea_agent *ag, const struct ea_task *t, const struct ea_container *c,
                   struct ea_fetched *out)
{
    *out = (struct ea_fetched){ 0 };
    for (size_t i = 0; i < c->environment_files.n; i++)
        ea_env_file_add(ea_str_of(value_of(ag, t, "file", "", c->environment_files.v[i].value)),
                        &out->file_env);
    for (size_t i = 0; i < c->secrets.n; i++) {
        const struct ea_secret_ref *s = &c->secrets.v[i];
        const char *what = ea_zstr_eq(s->provider, "asm") ? "asm" : "ssm";
        const char *value = value_of(ag, t, what, region_or(ag, s->region), s->value_from);
        bool of_log = ea_zstr_eq(s->target, "LOG_DRIVER");

        if (!ea_zstr_empty(s->name))
            ea_strmap_set(of_log ? &out->secret_log : &out->secret_env, s->name,
                          value ? value : "");
    }
}

static void wipe_map(ea_strmap *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->v[i].v)
            ea_secret_wipe(m->v[i].v, strlen(m->v[i].v));
    ea_strmap_free(m);
}

void ea_fetched_done(struct ea_fetched *f)
{
    wipe_map(&f->file_env);
    wipe_map(&f->secret_env);
    wipe_map(&f->secret_log);
}

char *ea_taskres_registry_auth(const ea_agent *ag, const struct ea_task *t,
                               const struct ea_container *c)
{
    const struct ea_asm_auth *a = c->registry_auth->asm_;
    const char *text = value_of(ag, t, "login", region_or(ag, a->region), a->credentials_parameter);
    EA_SECRET_AUTO char *username = NULL;
    EA_SECRET_AUTO char *password = NULL;
    ea_err ignored = { 0 };

    if (!text || ea_registry_secret(text, &username, &password, &ignored))
        return NULL;
    return ea_docker_auth_header(username, password, NULL);
}
