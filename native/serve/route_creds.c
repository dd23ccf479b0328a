#include "route_creds.h"

#include "../base/alloc.h"

#include <string.h>

static void add_member(ea_buf *b, const char *lead, const char *name, const char *value)
{
    ea_buf_addf(b, "%s\"%s\":", lead, name);
    ea_buf_add_json_str_html(b, ea_str_of(value));
}

static void refuse(ea_buf *body, int version, int status, const char *code, const char *message)
{
    ea_buf_addf(body,
                "{\"code\":\"%s\",\"message\":\"CredentialsV%dRequest: %s\","
                "\"HTTPErrorCode\":%d}",
                code, version, message, status);
}

/* The task whose container has this address, or NULL. */
static const struct ea_task *task_at(const struct ea_model *m, const char *peer)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, struct ea_task, node);
        for (size_t i = 0; i < t->containers.n; i++) {
            const struct ea_container *c = &t->containers.v[i];
            if (c->known != EA_C_RUNNING)
                continue;
            for (size_t k = 0; k < c->networks.n; k++) {
                if (!ea_zstr_empty(peer) && ea_zstr_eq(c->networks.v[k].ipv4, peer))
                    return t;
            }
        }
    }
    return NULL;
}

void ea_route_creds(const struct ea_model *m, int version, const char *id, const char *peer,
                    ea_buf *body, struct ea_creds_answer *out)
{
    const struct ea_creds *c = ea_model_creds(m, id);
    const struct ea_task *caller = task_at(m, peer);

    memset(out, 0, sizeof(*out));
    if (ea_zstr_empty(id)) {
        out->status = 400;
        refuse(body, version, 400, "NoIdInRequest", "No Credential ID in the request");
        return;
    }
    if (!c || (caller && !ea_zstr_eq(caller->arn, c->task_arn))) {
        out->status = 400;
        refuse(body, version, 400, "InvalidIdInRequest", "Credentials not found");
        return;
    }
    if (c->known_only) {
        out->status = 503;
        refuse(body, version, 503, "CredentialsUninitialized", "Credentials uninitialized for ID");
        return;
    }
    out->status = 200;
    out->creds = c;
    add_member(body, "{", "RoleArn", c->role_arn);
    add_member(body, ",", "AccessKeyId", c->access_key_id);
    add_member(body, ",", "SecretAccessKey", c->secret_access_key);
    add_member(body, ",", "Token", c->session_token);
    add_member(body, ",", "Expiration", c->expiration);
    ea_buf_addc(body, '}');
}
