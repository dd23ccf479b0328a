#include "gmsa.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"

enum {
    FILE_MODE = 0644 /* Docker and its containers' guard read it; there is no secret in it */
};

static ea_code path_of(ea_agent *ag, const char *file, char **path, ea_err *err)
{
    EA_FREE_AUTO char *dir = ag->gmsa->spec_dir(ag->gmsa->ctx);

    if (ea_zstr_empty(dir))
        return ea_fail(err, EA_NOT_FOUND,
                       "the folder of Docker's credential specs is not known (ProgramData is not "
                       "set)");
    *path = ea_sprintf_dup("%s/%s", dir, file);
    return EA_OK;
}

/* Docker makes its folder when it likes. */
static ea_code write_file(ea_agent *ag, const char *path, ea_str content, ea_err *err)
{
    EA_FREE_AUTO char *dir = ag->gmsa->spec_dir(ag->gmsa->ctx);

    if (ea_plat_make_dir(dir, err))
        return err->code;
    return ea_plat_write_file(path, content, FILE_MODE, err);
}

ea_code ea_gmsa_read(ea_agent *ag, const ea_cred_spec *spec, ea_buf *out, ea_err *err)
{
    EA_FREE_AUTO char *path = NULL;

    if (path_of(ag, spec->value, &path, err) || ea_plat_read_file(path, EA_SPEC_MAX, out, err))
        return err->code;
    return ea_buf_check(out, err);
}

static ea_code write_key(ea_agent *ag, const char *task_arn, const char *access, const char *secret,
                         const char *token, ea_err *err)
{
    EA_FREE_AUTO char *key = ea_cred_spec_key(task_arn);
    EA_FREE_AUTO char *id = ea_strdup(access ? access : "");
    EA_SECRET_AUTO char *hidden = ea_strdup(secret ? secret : "");
    EA_SECRET_AUTO char *session = ea_strdup(token ? token : "");
    char names[3][16] = { "AKID", "SKID", "SESSIONTOKEN" };
    const ea_kv values[] = { { names[0], id }, { names[1], hidden }, { names[2], session } };

    return ag->gmsa->set_texts(ag->gmsa->ctx, key, values, EA_COUNT(values), err);
}

ea_code ea_gmsa_place(ea_agent *ag, const ea_cred_spec *spec, const char *task_arn,
                      const char *container, ea_str content, const ea_aws_creds *creds,
                      char **mapping, ea_err *err)
{
    bool made = false;
    EA_FREE_AUTO char *file = ea_cred_spec_file(spec, task_arn, container, &made);
    EA_FREE_AUTO char *path = NULL;
    EA_FREE_AUTO char *whole = NULL;

    if (made && path_of(ag, file, &path, err))
        return err->code;
    if (spec->domainless) {
        if (ea_cred_spec_complete(content, task_arn, &whole, err) ||
            write_key(ag, task_arn, creds->access_key_id, creds->secret_access_key,
                      creds->session_token, err))
            return err->code;
        content = ea_str_of(whole);
    }
    if (made && write_file(ag, path, content, err))
        return err->code;
    *mapping = ea_sprintf_dup("credentialspec=file://%s", file);
    return EA_OK;
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void forget_file(ea_agent *ag, const ea_cred_spec *spec, const struct ea_task *t,
                        const char *container)
{
    bool made = false;
    EA_FREE_AUTO char *file = ea_cred_spec_file(spec, t->arn, container, &made);
    EA_FREE_AUTO char *path = NULL;
    ea_err err = { 0 };

    if (!made)
        return;
    if (path_of(ag, file, &path, &err) || ea_plat_remove_file(path, &err))
        ea_warn("credential spec not removed", EA_S("task", t->arn), EA_S("err", err.text));
}

static bool spec_of(const struct ea_container *c, char **text, ea_cred_spec *spec)
{
    ea_err ignored = { 0 };

    *text = ea_cred_spec_of(c);
    return *text && ea_cred_spec_parse(*text, spec, &ignored) == EA_OK;
}

void ea_gmsa_forget(ea_agent *ag, const struct ea_task *t)
{
    bool domainless = false;
    ea_err err = { 0 };

    for (size_t i = 0; i < t->containers.n; i++) {
        EA_FREE_AUTO char *text = NULL;
        ea_cred_spec spec = { 0 };

        if (!spec_of(&t->containers.v[i], &text, &spec))
            continue;
        forget_file(ag, &spec, t, t->containers.v[i].name);
        domainless = domainless || spec.domainless;
    }
    if (!domainless)
        return;
    EA_FREE_AUTO char *key = ea_cred_spec_key(t->arn);
    if (ag->gmsa->delete_key(ag->gmsa->ctx, key, &err))
        ea_warn("credentials of a domainless task not removed from the registry",
                EA_S("task", t->arn), EA_S("err", err.text));
}

/* ---- credentials ------------------------------------------------------------------------------ */

static bool is_domainless(const struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++) {
        EA_FREE_AUTO char *text = NULL;
        ea_cred_spec spec = { 0 };

        if (spec_of(&t->containers.v[i], &text, &spec) && spec.domainless)
            return true;
    }
    return false;
}

bool ea_gmsa_refresh(ea_agent *ag, const char *credentials_id)
{
    const struct ea_creds *c = ea_model_creds(&ag->model, credentials_id);
    const struct ea_task *t = c ? ea_model_task(&ag->model, c->task_arn) : NULL;
    ea_err err = { 0 };

    /* Before the first fetch there is nothing to refresh: it writes what has come by then. */
    if (!t || c->role_type != EA_ROLE_EXECUTION || c->known_only || t->known == EA_T_STOPPED ||
        t->desired == EA_T_STOPPED || !is_domainless(t))
        return true;
    if (write_key(ag, t->arn, c->access_key_id, c->secret_access_key, c->session_token, &err) ==
        EA_OK)
        return true;
    ea_error("credentials of a domainless task not written to the registry", EA_S("task", t->arn),
             EA_S("err", err.text));
    return false;
}
