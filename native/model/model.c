#include "model.h"

#include "../base/alloc.h"
#include "../base/str.h"

#include <string.h>

void ea_model_init(struct ea_model *m, uint64_t seed)
{
    *m = (struct ea_model){ .meta = { .manifest_seq = -1, .payload_seq = -1 }, .next_op = 1 };
    ea_list_init(&m->tasks);
    ea_rng_seed(&m->rng, seed);
}

void ea_model_done(struct ea_model *m)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        ea_list_remove(node);
        ea_task_free(t);
    }
    ea_map_done(&m->by_arn, NULL);
    ea_map_done(&m->by_docker, NULL);
    ea_map_done(&m->creds, ea_creds_free);
    ea_images_done(&m->images);
    ea_strlist_free(&m->gone);
    ea_free(m->host.reserved_tcp.v);
    ea_free(m->host.reserved_udp.v);
    ea_free(m->meta.cluster);
    ea_free(m->meta.container_instance_arn);
    ea_free(m->meta.ec2_instance_id);
    ea_free(m->meta.availability_zone);
    ea_free(m->meta.docker_version);
    ea_free(m->meta.manifest_message_id);
    *m = (struct ea_model){ 0 };
    ea_list_init(&m->tasks);
}

struct ea_task *ea_model_task(const struct ea_model *m, const char *arn)
{
    return ea_map_get(&m->by_arn, arn);
}

void ea_model_add_task(struct ea_model *m, struct ea_task *t)
{
    ea_list_append(&m->tasks, &t->node);
    ea_map_put(&m->by_arn, t->arn, t);
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].docker_id)
            ea_map_put(&m->by_docker, t->containers.v[i].docker_id, t);
    /* A row that was to be deleted and comes back in the same turn stays. */
    for (size_t i = 0; i < m->gone.n; i++)
        if (strcmp(m->gone.v[i], t->arn) == 0) {
            ea_free(m->gone.v[i]);
            m->gone.v[i] = m->gone.v[--m->gone.n];
            break;
        }
}

void ea_model_remove_task(struct ea_model *m, struct ea_task *t)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].docker_id)
            ea_map_remove(&m->by_docker, t->containers.v[i].docker_id);
    ea_map_remove(&m->by_arn, t->arn);
    ea_list_remove(&t->node);
    ea_strlist_add(&m->gone, t->arn);
    ea_task_free(t);
}

void ea_model_set_docker_id(struct ea_model *m, struct ea_task *t, struct ea_container *c,
                            const char *docker_id)
{
    if (c->docker_id)
        ea_map_remove(&m->by_docker, c->docker_id);
    ea_set_str(&c->docker_id, docker_id);
    c->vanished = false;
    if (docker_id)
        ea_map_put(&m->by_docker, docker_id, t);
    t->dirty = true;
}

const struct ea_creds *ea_model_creds(const struct ea_model *m, const char *id)
{
    return ea_map_get(&m->creds, id);
}

void ea_model_put_creds(struct ea_model *m, struct ea_creds *c)
{
    struct ea_creds *copy = ea_alloc(sizeof(*copy));

    *copy = *c;
    *c = (struct ea_creds){ 0 };
    struct ea_creds *old = ea_map_put(&m->creds, copy->id, copy);
    if (old)
        ea_creds_free(old);
}

bool ea_model_by_endpoint(const struct ea_model *m, const char *endpoint_id, struct ea_task **t,
                          struct ea_container **c)
{
    if (ea_zstr_empty(endpoint_id))
        return false;
    EA_LIST_EACH(&m->tasks, node)
    {
        struct ea_task *task = EA_OWNER(node, struct ea_task, node);

        for (size_t i = 0; i < task->containers.n; i++)
            if (ea_zstr_eq(task->containers.v[i].endpoint_id, endpoint_id)) {
                *t = task;
                *c = &task->containers.v[i];
                return true;
            }
    }
    return false;
}
