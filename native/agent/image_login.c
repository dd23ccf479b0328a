#include "image_login.h"

#include "../aws/ecr.h"
#include "../base/alloc.h"
#include "task_resources.h"

#include <string.h>

struct ea_login {
    ea_agent *ag;
    char *image, *execution_id;
    char *type; /* of registryAuthentication; NULL: none */
    char *registry_id, *region, *endpoint;
    bool use_execution_role;
    char *task_arn, *parameter; /* a secret that was fetched for the task */
    ea_login_done *done;
    void *ctx;
};

static void refuse(ea_login *l, const char *error_name, const char *why)
{
    ea_err err = { 0 };

    (void)ea_fail(&err, EA_AUTH, "%s", why); /* told by `done` */
    l->done(l->ctx, NULL, error_name, &err);
}

/* ---- Amazon ECR ------------------------------------------------------------------------------- */

#define ECR_ERROR "CannotPullECRContainerError"

/* Fills the question; `creds` and `role` are its storage. False: the execution role is not there. */
static bool ecr_ask(const ea_login *l, ea_ecr_ask *ask, ea_aws_creds *creds, char **role)
{
    const struct ea_creds *have;

    *ask = (ea_ecr_ask){ .registry_id = l->registry_id,
                         .region = l->region ? l->region : l->ag->region,
                         .endpoint = l->endpoint };
    if (!l->use_execution_role)
        return true;
    have = ea_model_creds(&l->ag->model, l->execution_id);
    if (!have || have->known_only)
        return false;
    *creds = (ea_aws_creds){ .access_key_id = have->access_key_id,
                             .secret_access_key = have->secret_access_key,
                             .session_token = have->session_token,
                             .source = "execution role" };
    /* One login a role. The reference adds the credentials id, which is a call for each task. */
    *role = ea_strdup(ea_zstr_empty(have->role_arn) ? have->id : have->role_arn);
    ask->creds = creds;
    ask->role = *role;
    return true;
}

static void ecr_done(void *ctx, const ea_ecr_login *login, const ea_err *err)
{
    ea_login *l = ctx;
    EA_SECRET_AUTO char *auth = NULL;
    ea_err mine = *err;

    if (login) {
        auth = ea_docker_auth_header(login->username, login->password, login->server);
        l->done(l->ctx, auth, NULL, &mine);
        return;
    }
    if (mine.code != EA_CANCELLED)
        mine.code = EA_AUTH;
    (void)ea_wrap(&mine, "registry login"); /* told by `done` */
    l->done(l->ctx, NULL, ECR_ERROR, &mine);
}

static void ecr_start(void *arg)
{
    ea_login *l = arg;
    EA_FREE_AUTO char *role = NULL;
    ea_aws_creds creds = { 0 };
    ea_ecr_ask ask;

    if (!ecr_ask(l, &ask, &creds, &role))
        refuse(l, ECR_ERROR, "engine ecr credentials: not found");
    else if (!l->ag->ecr)
        refuse(l, ECR_ERROR, "the agent is not connected to AWS");
    else
        ea_ecr_login_start(l->ag->ecr, &ask, ecr_done, l);
}

static void ecr_refused(ea_login *l)
{
    EA_FREE_AUTO char *role = NULL;
    ea_aws_creds creds = { 0 };
    ea_ecr_ask ask;

    if (l->ag->ecr && ecr_ask(l, &ask, &creds, &role))
        ea_ecr_forget(l->ag->ecr, &ask);
}

/* ---- Secrets Manager -------------------------------------------------------------------------- */

/* The engine lets no image step begin before the secret is there. */
static void asm_start(void *arg)
{
    ea_login *l = arg;
    EA_SECRET_AUTO char *auth =
        ea_taskres_registry_auth(l->ag, l->task_arn, l->region, l->parameter);
    ea_err ok = { 0 };

    if (auth)
        l->done(l->ctx, auth, NULL, &ok);
    else
        refuse(l, "CannotPullContainerAuthError",
               "engine docker private registry credentials: not found");
}

/* ---- what the operator configured ------------------------------------------------------------- */

static void engine_start(void *arg)
{
    ea_login *l = arg;
    EA_SECRET_AUTO char *auth = ea_engine_auth_find(l->ag->registry_auth, l->image);
    ea_err ok = { 0 };

    l->done(l->ctx, auth, NULL, &ok);
}

/* ---- kinds ------------------------------------------------------------------------------------ */

static const struct kind {
    const char *type;             /* registryAuthentication.type; the last row is for all others */
    void (*start)(void *arg);     /* on the loop, not from inside ea_login_get() */
    void (*refused)(ea_login *l); /* may be NULL */
} kinds[] = {
    { "ecr", ecr_start, ecr_refused },
    { "asm", asm_start, NULL },
    { NULL, engine_start, NULL },
};

static const struct kind *kind_of(const ea_login *l)
{
    size_t i = 0;

    while (kinds[i].type && !ea_zstr_eq(l->type, kinds[i].type))
        i++;
    return &kinds[i];
}

ea_login *ea_login_new(ea_agent *ag, const struct ea_task *t, const struct ea_container *c)
{
    ea_login *l = ea_alloc(sizeof(*l));
    const struct ea_registry_auth *a = c->registry_auth;

    l->ag = ag;
    l->image = ea_strdup(c->image);
    l->execution_id = t ? ea_strdup(t->execution_credentials_id) : NULL;
    l->type = a ? ea_strdup(a->type) : NULL;
    if (a && a->ecr) {
        l->registry_id = ea_strdup(a->ecr->registry_id);
        l->region = ea_strdup(a->ecr->region);
        l->endpoint = ea_strdup(a->ecr->endpoint_override);
        l->use_execution_role = a->ecr->use_execution_role;
    } else if (a && a->asm_) {
        l->region = ea_strdup(a->asm_->region);
        l->task_arn = t ? ea_strdup(t->arn) : NULL;
        l->parameter = ea_strdup(a->asm_->credentials_parameter);
    }
    return l;
}

void ea_login_free(ea_login *l)
{
    if (!l)
        return;
    ea_free(l->image);
    ea_free(l->execution_id);
    ea_free(l->type);
    ea_free(l->registry_id);
    ea_free(l->region);
    ea_free(l->endpoint);
    ea_free(l->task_arn);
    ea_free(l->parameter);
    ea_free(l);
}

void ea_login_get(ea_login *l, ea_login_done *done, void *ctx)
{
    l->done = done;
    l->ctx = ctx;
    ea_loop_defer(l->ag->loop, kind_of(l)->start, l);
}

/* Words of registries and of Docker for a login that they do not take. */
void ea_login_used(ea_login *l, const ea_err *err)
{
    const struct kind *k = kind_of(l);

    if (k->refused && err->code &&
        (strstr(err->text, "unauthorized") || strstr(err->text, "denied") ||
         strstr(err->text, "no basic auth credentials")))
        k->refused(l);
}
