/* payload.h - a task as agents receive it: task definition, overrides and credentials become the Task
 * of a PayloadMessage, with the Docker configuration that the backend builds beforehand.
 * Thread: loop. Pure. Source: control-plane.md section 3.7. */
#ifndef EA_LOCAL_PAYLOAD_H
#define EA_LOCAL_PAYLOAD_H

#include "entity.h"
#include "local_creds.h"

struct cJSON;

typedef struct ea_lc_payload_in { /* all borrowed */
    const struct ea_lc_task *task;
    const struct ea_lc_taskdef *taskdef;
    const char *region, *account;
    const ea_lc_keys *role, *execution_role; /* NULL: none */
    const char *registry_url;                /* its images are as Amazon ECR's */
    const char *ecr_endpoint; /* where their logins are had; NULL: at Amazon ECR itself */
} ea_lc_payload_in;

/* Adds one JSON object. EA_INVALID: the stored texts cannot be read. */
ea_code ea_lc_payload_task(const ea_lc_payload_in *in, ea_buf *out, ea_err *err) EA_CHECK;
/* {"credentialsId":...,"expiration":...}: IAMRoleCredentials. */
void ea_lc_payload_credentials(const struct ea_lc_role *role, const ea_lc_keys *keys, ea_buf *out);

/* payload_docker.c: Docker's Config and HostConfig for what the agent itself does not model; new
 * objects, caller frees by cJSON_Delete. `body`: of the task definition; `c`: a container of it. */
struct cJSON *ea_lc_docker_config(const struct cJSON *c);
struct cJSON *ea_lc_docker_host_config(const struct cJSON *body, const struct cJSON *c);

#endif
