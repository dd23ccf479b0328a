/* docker_body.h - a container of a task -> the JSON body of POST /containers/create. Pure: the same
 * input gives the same text on every platform; the flavour is a parameter, not an #ifdef.
 * Knows: the order of construction, limits, environment, labels. Does not know: how dynamic ports
 * and names are chosen (they stand in the model already), secrets' origin.
 * Source: task-engine.md section 3. */
#ifndef EA_DOCKER_DOCKER_BODY_H
#define EA_DOCKER_DOCKER_BODY_H

#include "../model/task.h"

struct ea_body_settings {        /* all borrowed */
    bool windows;                /* flavour of the engine */
    const char *cluster;         /* label value: the configured name */
    const char *region;          /* agent's; NULL or "": no region variables */
    int64_t processors;          /* logical; Windows: CpuPercent */
    bool cpu_unbounded;          /* ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND */
    bool memory_unbounded;       /* ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND */
    const char *cgroup_parent;   /* Linux: group with the limits of the task; NULL or "": none */
    bool propagate_task_memory;  /* Linux, cgroup v2: a container without limit gets the task's */
    const ea_strlist *image_env; /* Config.Env of the image; NULL unknown */
    const ea_strmap *file_env;   /* merged environment files, lowest priority; may be NULL */
    const ea_strmap *secret_env; /* values of secrets; may be NULL */
    const ea_strmap *secret_log; /* values of LOG_DRIVER secrets; may be NULL */
    const char *metadata_bind;   /* "<folder>:<folder>:ro" with the metadata file; NULL: none */
    const char *metadata_file;   /* where the container sees it */
    const char
        *credential_spec; /* "credentialspec=file://..." in place of what the task says; NULL */
};

/* *json: ea_free (it may hold secrets: ea_secret_free). On failure *error_name is what the backend is
 * told, "HostConfigError" or "DockerClientConfigError" (static); err->text is its message. */
ea_code ea_docker_body(const struct ea_task *t, const struct ea_container *c,
                       const struct ea_body_settings *set, char **json, const char **error_name,
                       ea_err *err) EA_CHECK;

#endif
