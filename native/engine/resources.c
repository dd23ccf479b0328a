#include "resources.h"

#include "../base/alloc.h"
#include "../base/str.h"
#include "state.h"

#include <string.h>

/* Each call of the clients has three attempts of its own; this bounds all of them together. */
enum {
    PREPARE_LIMIT_MS = 180000,
    AGAIN_MS = 1000
};

static bool has_registry_secret(const struct ea_container *c)
{
    return c->registry_auth && c->registry_auth->asm_;
}

/* The raw configuration may hold a credential spec as well; one look more than needed is harmless. */
static bool needs_values(const struct ea_container *c)
{
    return c->secrets.n > 0 || c->environment_files.n > 0 || c->credential_specs.n > 0 ||
           (c->docker_config.host_config && strstr(c->docker_config.host_config, "credentialspec"));
}

static bool is_wanted(const struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if ((c->known < EA_C_PULLED && has_registry_secret(c)) ||
            ((c->known < EA_C_CREATED || c->remake) && needs_values(c)))
            return true;
    }
    return false;
}

bool ea_resources_ready(const struct ea_task *t, const struct ea_container *c, ea_cstate target)
{
    if (t->prep == EA_PREP_DONE)
        return true;
    if (target == EA_C_MANIFEST_PULLED || target == EA_C_PULLED)
        return !has_registry_secret(c);
    return target != EA_C_CREATED || !is_wanted(t);
}

bool ea_resources_lack_creds(const struct ea_model *m, const struct ea_task *t)
{
    /* Without any execution role the fetching fails at once, and says so. */
    if (t->prep != EA_PREP_NONE || !t->execution_credentials_id || !is_wanted(t))
        return false;
    const struct ea_creds *have = ea_model_creds(m, t->execution_credentials_id);
    return !have || have->known_only;
}

void ea_resources_step(struct ea_turn *turn, struct ea_task *t)
{
    if (t->desired == EA_T_STOPPED) {
        t->prep_op = 0; /* nobody waits for it any more; the answer will find no owner */
        return;
    }
    if (t->prep != EA_PREP_NONE || t->desired == EA_T_NONE || !t->holds_resources ||
        !is_wanted(t) || ea_turn_waits(turn, t->prep_retry_at_ms) ||
        ea_resources_lack_creds(turn->m, t))
        return;
    struct ea_effect *e = ea_effects_add(turn->fx, EA_FX_PREPARE);
    e->op = t->prep_op = turn->m->next_op++;
    e->task = t;
    e->limit_ms = PREPARE_LIMIT_MS;
    t->prep = EA_PREP_ASKED;
}

static struct ea_task *owner(const struct ea_model *m, uint64_t op)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        if (t->prep_op == op)
            return t;
    }
    return NULL;
}

static void failed(struct ea_turn *turn, struct ea_task *t, const struct ea_event *ev)
{
    EA_FREE_AUTO char *reason =
        ea_sprintf_dup("%s: resource cannot be initialized for task %s: %s",
                       ev->error_name ? ev->error_name : "ResourceInitializationError", t->arn,
                       ev->err.code == EA_TIMEOUT ? "timed out after waiting 3m0s" : ev->err.text);

    ea_task_fail(turn, t, reason);
}

bool ea_resources_result(struct ea_turn *turn, const struct ea_event *ev)
{
    if (ev->of != EA_FX_PREPARE)
        return false;
    struct ea_task *t = owner(turn->m, ev->op);
    if (!t)
        return true;
    t->prep_op = 0;
    if (ev->err.code == EA_OK) {
        t->prep = EA_PREP_DONE;
    } else if (ev->err.code == EA_CANCELLED) {
        t->prep = EA_PREP_NONE;
        t->prep_retry_at_ms = turn->now->mono_ms + AGAIN_MS;
    } else {
        failed(turn, t, ev); /* it stays asked for: the task ends */
    }
    return true;
}
