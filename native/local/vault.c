/* vault.c - see vault.h. Source: AWS Secrets Manager user guide, "What's in a secret" (versions and
 * staging labels). */
#include "vault.h"

#include "../base/alloc.h"
#include "state.h"

#include <stdio.h>
#include <string.h>

#define CURRENT  "AWSCURRENT"
#define PREVIOUS "AWSPREVIOUS"

ea_lc_vault *ea_lc_vault_new(void)
{
    ea_lc_vault *v = ea_alloc(sizeof(*v));

    ea_list_init(&v->secrets);
    ea_list_init(&v->parameters);
    return v;
}

void ea_lc_vault_free(ea_lc_vault *v)
{
    if (!v)
        return;
    EA_LIST_EACH(&v->secrets, node)
    {
        ea_lc_vault_remove_secret(v, EA_OWNER(node, struct ea_lc_secret, node));
    }
    EA_LIST_EACH(&v->parameters, node)
    {
        ea_lc_vault_remove_parameter(v, EA_OWNER(node, struct ea_lc_parameter, node));
    }
    ea_free(v);
}

/* ---- secrets ---------------------------------------------------------------------------------- */

static bool partial_arn(const char *arn, const char *id)
{
    size_t n = strlen(id);

    return strncmp(arn, id, n) == 0 && strlen(arn) == n + 7 && arn[n] == '-';
}

struct ea_lc_secret *ea_lc_vault_secret(const ea_lc_vault *v, const char *id)
{
    EA_LIST_EACH(&v->secrets, node)
    {
        struct ea_lc_secret *s = EA_OWNER(node, struct ea_lc_secret, node);

        if (strcmp(s->name, id) == 0 || strcmp(s->arn, id) == 0 || partial_arn(s->arn, id))
            return s;
    }
    return NULL;
}

struct ea_lc_secret *ea_lc_vault_add_secret(ea_lc_vault *v, const char *name, const char *arn,
                                            int64_t now_ms)
{
    struct ea_lc_secret *s = NULL;

    if (v->secrets_n == EA_LC_SECRETS_MAX)
        return NULL;
    s = ea_alloc(sizeof(*s));
    s->name = ea_strdup(name);
    s->arn = ea_strdup(arn);
    s->created_ms = now_ms;
    ea_list_append(&v->secrets, &s->node);
    v->secrets_n++;
    return s;
}

static void drop_version(struct ea_lc_secret *s, size_t i)
{
    ea_secret_free(s->v[i].value);
    s->n--;
    memmove(&s->v[i], &s->v[i + 1], (s->n - i) * sizeof(*s->v));
}

struct ea_lc_version *ea_lc_vault_put_version(struct ea_lc_secret *s, const char *id,
                                              const char *value)
{
    struct ea_lc_version *new = NULL;

    for (size_t i = 0; i < s->n; i++)
        if (!ea_zstr_empty(id) && strcmp(s->v[i].id, id) == 0)
            return strcmp(s->v[i].value, value) == 0 ? &s->v[i] : NULL;
    if (s->n == EA_LC_VERSIONS_MAX)
        drop_version(s, 0);
    for (size_t i = 0; i < s->n; i++) {
        bool was_current = strcmp(s->v[i].stage, CURRENT) == 0;

        (void)snprintf(s->v[i].stage, sizeof(s->v[i].stage), "%s", was_current ? PREVIOUS : "");
    }
    s->v = ea_realloc_array(s->v, s->n + 1, sizeof(*s->v));
    new = &s->v[s->n++];
    *new = (struct ea_lc_version){ .value = ea_strdup(value) };
    (void)snprintf(new->stage, sizeof(new->stage), CURRENT);
    if (ea_zstr_empty(id)) {
        char uuid[37];

        ea_lc_new_uuid(uuid);
        (void)snprintf(new->id, sizeof(new->id), "%s", uuid);
    } else {
        (void)snprintf(new->id, sizeof(new->id), "%s", id);
    }
    return new;
}

const struct ea_lc_version *ea_lc_vault_version(const struct ea_lc_secret *s, const char *id,
                                                const char *stage)
{
    const char *want = id || stage ? stage : CURRENT;

    for (size_t i = s->n; i > 0; i--)
        if ((!id || strcmp(s->v[i - 1].id, id) == 0) &&
            (!want || strcmp(s->v[i - 1].stage, want) == 0))
            return &s->v[i - 1];
    return NULL;
}

void ea_lc_vault_remove_secret(ea_lc_vault *v, struct ea_lc_secret *s)
{
    while (s->n)
        drop_version(s, s->n - 1);
    ea_list_remove(&s->node);
    v->secrets_n--;
    ea_free(s->v);
    ea_free(s->name);
    ea_free(s->arn);
    ea_free(s);
}

/* ---- parameters ------------------------------------------------------------------------------- */

struct ea_lc_parameter *ea_lc_vault_parameter(const ea_lc_vault *v, const char *name_or_arn)
{
    EA_LIST_EACH(&v->parameters, node)
    {
        struct ea_lc_parameter *p = EA_OWNER(node, struct ea_lc_parameter, node);

        if (strcmp(p->name, name_or_arn) == 0 || strcmp(p->arn, name_or_arn) == 0)
            return p;
    }
    return NULL;
}

struct ea_lc_parameter *ea_lc_vault_put_parameter(ea_lc_vault *v, const char *name, const char *arn,
                                                  const char *type, const char *value,
                                                  int64_t now_ms)
{
    struct ea_lc_parameter *p = ea_lc_vault_parameter(v, name);

    if (!p) {
        if (v->parameters_n == EA_LC_SECRETS_MAX)
            return NULL;
        p = ea_alloc(sizeof(*p));
        p->name = ea_strdup(name);
        p->arn = ea_strdup(arn);
        ea_list_append(&v->parameters, &p->node);
        v->parameters_n++;
    }
    ea_set_str(&p->type, type);
    ea_secret_free(p->value);
    p->value = ea_strdup(value);
    p->version++;
    p->changed_ms = now_ms;
    return p;
}

void ea_lc_vault_remove_parameter(ea_lc_vault *v, struct ea_lc_parameter *p)
{
    ea_list_remove(&p->node);
    v->parameters_n--;
    ea_free(p->name);
    ea_free(p->arn);
    ea_free(p->type);
    ea_secret_free(p->value);
    ea_free(p);
}
