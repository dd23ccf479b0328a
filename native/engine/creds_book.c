#include "creds_book.h"

#include "../base/alloc.h"
#include "../base/str.h"

void ea_creds_book_put(struct ea_turn *turn, struct ea_task *t, struct ea_creds *creds)
{
    if (ea_zstr_empty(creds->id))
        return;
    if (t) {
        char **slot = creds->role_type == EA_ROLE_EXECUTION ? &t->execution_credentials_id
                                                            : &t->credentials_id;
        ea_set_str(&creds->task_arn, t->arn);
        /* An older id stays good until the task ends: containers keep the address they got. */
        if (!ea_zstr_eq(*slot, creds->id)) {
            ea_set_str(slot, creds->id);
            t->dirty = true;
        }
    }
    creds->known_only = false;
    ea_model_put_creds(turn->m, creds);
}

static void announce(struct ea_model *m, const struct ea_task *t, const char *id, ea_role_type type)
{
    if (ea_zstr_empty(id) || ea_model_creds(m, id))
        return;
    struct ea_creds c = {
        .id = ea_strdup(id), .task_arn = ea_strdup(t->arn), .role_type = type, .known_only = true
    };
    ea_model_put_creds(m, &c);
}

void ea_creds_book_announce(struct ea_model *m)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        if (t->known < EA_T_STOPPED)
            announce(m, t, t->credentials_id, EA_ROLE_TASK);
        announce(m, t, t->execution_credentials_id, EA_ROLE_EXECUTION);
    }
}

void ea_creds_book_forget(struct ea_model *m, const struct ea_task *t, bool all)
{
    ea_strlist ids = { NULL, 0 };
    ea_map_entry *e;

    for (size_t i = 0; (e = ea_map_next(&m->creds, &i)) != NULL;) {
        const struct ea_creds *c = e->value;

        if (ea_zstr_eq(c->task_arn, t->arn) && (all || c->role_type == EA_ROLE_TASK))
            ea_strlist_add(&ids, e->key);
    }
    for (size_t i = 0; i < ids.n; i++)
        ea_creds_free(ea_map_remove(&m->creds, ids.v[i]));
    ea_strlist_free(&ids);
}
