#include "docker_facts.h"

#include "../base/alloc.h"

void ea_docker_facts_done(struct ea_docker_facts *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->bindings.n; i++)
        ea_json_free(&ea_binding_shape, &f->bindings.v[i]);
    for (size_t i = 0; i < f->networks.n; i++)
        ea_json_free(&ea_network_shape, &f->networks.v[i]);
    for (size_t i = 0; i < f->mounts.n; i++)
        ea_json_free(&ea_mount_shape, &f->mounts.v[i]);
    ea_free(f->bindings.v);
    ea_free(f->networks.v);
    ea_free(f->mounts.v);
    ea_free(f->id);
    ea_free(f->name);
    ea_free(f->task_arn);
    ea_free(f->container_name);
    ea_free(f->cluster);
    ea_free(f->state_error);
    ea_free(f->image_id);
    ea_free(f->health.output);
    *f = (struct ea_docker_facts){ 0 };
}

void ea_image_facts_done(struct ea_image_facts *f)
{
    ea_free(f->id);
    ea_strlist_free(&f->tags);
    *f = (struct ea_image_facts){ 0 };
}
