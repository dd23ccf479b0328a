#include "task_resources.h"

#include "../aws/secrets.h"
#include "../base/alloc.h"
#include "../base/log.h"
#include "cred_spec.h"
#include "env_file.h"
#include "gmsa.h"
#include "task_fetch.h"
#include "turn.h"

#include <string.h>

/* ---- life ------------------------------------------------------------------------------------- */

static void free_secret(void *text)
{
    ea_secret_free(text);
}

static void free_held(void *held)
{
    struct ea_fetch_held *h = held;

    if (!h)
        return;
    ea_map_done(&h->values, free_secret);
    ea_free(h);
}

void ea_fetch_call_drop(struct ea_fetch_call *c)
{
    ea_list_remove(&c->node);
    ea_aws_drop(c->aws);
    ea_s3_drop(c->s3);
    ea_asm_ref_done(&c->secret);
    ea_strlist_free(&c->names);
    ea_free(c->region);
    ea_free(c->key);
    ea_free(c->spec);
    ea_free(c->container);
    ea_free(c);
}

static void drop_calls(struct ea_fetch *f)
{
    EA_LIST_EACH(&f->calls, node)
    {
        ea_fetch_call_drop(EA_OWNER(node, struct ea_fetch_call, node));
    }
}

static void free_fetch(struct ea_fetch *f)
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
        free_fetch(EA_OWNER(node, struct ea_fetch, node));
    }
    EA_LIST_EACH(&all->clients, node)
    {
        struct ea_fetch_client *c = EA_OWNER(node, struct ea_fetch_client, node);

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

void ea_taskres_forget(ea_agent *ag, const struct ea_task *t)
{
    const char *task_arn = t->arn;

    ea_gmsa_forget(ag, t); /* also what an earlier process of the agent has made */
    if (!ag->resources)
        return;
    free_held(ea_map_remove(&ag->resources->held, task_arn));
    EA_LIST_EACH(&ag->resources->fetches, node)
    {
        struct ea_fetch *f = EA_OWNER(node, struct ea_fetch, node);

        if (strcmp(f->arn, task_arn) != 0 || f->cancelled)
            continue;
        f->cancelled = true;
        drop_calls(f);
        ea_timer_arm(f->timer, 0);
    }
}

/* ---- one fetch -------------------------------------------------------------------------------- */

static void finish(struct ea_fetch *f)
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
    struct ea_fetch *f = arg;

    if (!ea_list_empty(&f->calls) && !f->cancelled) {
        f->err = (ea_err){ 0 };
        (void)ea_fail(&f->err, EA_TIMEOUT, "time limit"); /* told by the event */
    }
    finish(f);
}

/* Adds to what failed already; several are joined, as far as there is room. */
void ea_fetch_note(struct ea_fetch *f, const ea_err *err)
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

void ea_fetch_call_done(struct ea_fetch_call *c)
{
    struct ea_fetch *f = c->f;

    c->aws = NULL;
    c->s3 = NULL;
    ea_fetch_call_drop(c);
    if (ea_list_empty(&f->calls))
        ea_timer_arm(f->timer, 0);
}

void ea_fetch_keep(struct ea_fetch *f, const char *key, char *value)
{
    ea_secret_free(ea_map_put(&f->got->values, key, value));
}

char *ea_fetch_key(const char *what, const char *region, const char *value_from)
{
    return ea_sprintf_dup("%s %s %s", what, region ? region : "", value_from ? value_from : "");
}

struct ea_fetch_call *ea_fetch_call_new(struct ea_fetch *f, const char *region)
{
    struct ea_fetch_call *c = ea_alloc(sizeof(*c));

    c->f = f;
    c->region = ea_strdup(region);
    ea_list_append(&f->calls, &c->node);
    return c;
}

/* ---- what a task needs ------------------------------------------------------------------------ */

bool ea_fetch_has_role(struct ea_fetch *f, const char *container, const char *what)
{
    ea_err err = { 0 };

    if (f->has_role)
        return true;
    (void)ea_fail(&err, EA_AUTH, "container %s needs %s, and the task has no execution role",
                  container, what); /* noted */
    ea_fetch_note(f, &err);
    return false;
}

static const char *region_or(const ea_agent *ag, const char *region)
{
    return ea_zstr_empty(region) ? (ag->region ? ag->region : "") : region;
}

static void want_of_container(struct ea_fetch *f, const struct ea_container *c)
{
    const struct ea_registry_auth *auth = c->registry_auth;

    for (size_t i = 0; i < c->secrets.n && ea_fetch_has_role(f, c->name, "secrets"); i++) {
        const struct ea_secret_ref *s = &c->secrets.v[i];

        if (ea_zstr_eq(s->provider, "asm"))
            ea_fetch_secret(f, region_or(f->ag, s->region), s->value_from);
        else
            ea_fetch_parameter(f, region_or(f->ag, s->region), s->value_from);
    }
    for (size_t i = 0;
         i < c->environment_files.n && ea_fetch_has_role(f, c->name, "environment files"); i++)
        ea_fetch_env_file(f, &c->environment_files.v[i]);
    ea_fetch_cred_spec(f, c);
    if (auth && auth->asm_ && ea_fetch_has_role(f, c->name, "the login of its registry"))
        ea_fetch_login(f, region_or(f->ag, auth->asm_->region), auth->asm_->credentials_parameter);
}

static void take_role(struct ea_fetch *f, const struct ea_task *t)
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
    struct ea_fetch *f = ea_alloc(sizeof(*f));

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
    ea_fetch_send_parameters(f);
    ea_timer_arm(f->timer, ea_list_empty(&f->calls) ? 0 : fx->limit_ms);
}

/* ---- what a container gets -------------------------------------------------------------------- */

static const char *value_of(const ea_agent *ag, const char *task_arn, const char *what,
                            const char *region, const char *from)
{
    const struct ea_fetch_held *h =
        ag->resources ? ea_map_get(&ag->resources->held, task_arn) : NULL;
    EA_FREE_AUTO char *key = ea_fetch_key(what, region, from);

    return h ? ea_map_get(&h->values, key) : NULL;
}

static ea_code not_there(const char *what, const char *name, ea_err *err)
{
    return ea_fail(err, EA_REFUSED, "%s %s was not fetched", what, name ? name : "without a name");
}

ea_code ea_taskres_of(const ea_agent *ag, const struct ea_task *t, const struct ea_container *c,
                      struct ea_fetched *out, ea_err *err)
{
    EA_FREE_AUTO char *spec = ea_cred_spec_of(c);

    *out = (struct ea_fetched){ 0 };
    for (size_t i = 0; i < c->environment_files.n; i++) {
        const char *file = c->environment_files.v[i].value;
        const char *text = value_of(ag, t->arn, "file", "", file);

        if (!text)
            return not_there("environment file", file, err);
        ea_env_file_add(ea_str_of(text), &out->file_env);
    }
    if (spec) {
        out->credential_spec = ea_strdup(value_of(ag, t->arn, "spec", c->name, spec));
        if (!out->credential_spec)
            return not_there("credential spec", spec, err);
    }
    for (size_t i = 0; i < c->secrets.n; i++) {
        const struct ea_secret_ref *s = &c->secrets.v[i];
        const char *what = ea_zstr_eq(s->provider, "asm") ? "asm" : "ssm";
        const char *value = value_of(ag, t->arn, what, region_or(ag, s->region), s->value_from);
        bool of_log = ea_zstr_eq(s->target, "LOG_DRIVER");

        if (!value)
            return not_there("secret", s->name, err);
        if (!ea_zstr_empty(s->name))
            ea_strmap_set(of_log ? &out->secret_log : &out->secret_env, s->name, value);
    }
    return EA_OK;
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
    ea_free(f->credential_spec);
    wipe_map(&f->file_env);
    wipe_map(&f->secret_env);
    wipe_map(&f->secret_log);
}

char *ea_taskres_registry_auth(const ea_agent *ag, const char *task_arn, const char *region,
                               const char *parameter)
{
    const char *text = value_of(ag, task_arn, "login", region_or(ag, region), parameter);
    EA_SECRET_AUTO char *username = NULL;
    EA_SECRET_AUTO char *password = NULL;
    ea_err ignored = { 0 };

    if (!text || ea_registry_secret(text, &username, &password, &ignored))
        return NULL;
    return ea_docker_auth_header(username, password, NULL);
}
