/* metadata_file.h - the file in each container that tells its task, ports and networks, where
 * ECS_ENABLE_CONTAINER_METADATA asks for it.
 * Thread: loop. Knows: place, members, when it is written. Does not know: how it gets into the container
 * (docker_body.h). What fails here is logged and keeps no container from its work.
 * Source: task-engine.md section 7.9; endpoints-and-windows.md section 3.5. */
#ifndef EA_AGENT_METADATA_FILE_H
#define EA_AGENT_METADATA_FILE_H

#include "../model/docker_facts.h"
#include "agent.h"

struct ea_metadata_file { /* ea_metadata_file_done() */
    char *bind;   /* "<folder of the host>:<folder in the container>:ro"; NULL: no such file */
    char *inside; /* path of the file as the container sees it */
};

/* Before the create: writes what is known by then, without MetadataFileStatus. */
void ea_metadata_file_make(const ea_agent *ag, const struct ea_task *t,
                           const struct ea_container *c, struct ea_metadata_file *out);
void ea_metadata_file_done(struct ea_metadata_file *f);
/* Docker told that the container runs: the whole file, MetadataFileStatus READY; not written again while
 * it says the same. Nothing for a container that the model does not have. */
void ea_metadata_file_ready(const ea_agent *ag, const char *task_arn, const char *container,
                            const struct ea_docker_facts *facts);
/* The container is gone, or never came to be. Idempotent. */
void ea_metadata_file_remove(const ea_agent *ag, const char *task_arn, const char *container);

/* The text. `facts` NULL: before the create. Pure. *out: ea_free. */
struct ea_metadata_host { /* borrowed; NULL unknown */
    const char *private_ipv4, *public_ipv4, *ipv6;
};
ea_code ea_metadata_file_text(const struct ea_meta *meta, const struct ea_metadata_host *host,
                              const struct ea_task *t, const struct ea_container *c,
                              const struct ea_docker_facts *facts, char **out,
                              ea_err *err) EA_CHECK;
/* Folder below the data directory: metadata/<cluster>/<task id>/<container>, or without the container if that is NULL.
 * The pieces come from a peer and must not lead out of it: EA_INVALID. *out: ea_free. Pure. */
ea_code ea_metadata_file_dir(const char *data_dir, const char *task_arn, const char *container,
                             char **out, ea_err *err) EA_CHECK;

#endif
