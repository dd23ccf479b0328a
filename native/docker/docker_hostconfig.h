/* docker_hostconfig.h - the HostConfig part of a create body. Private to docker/; pure.
 * Source: task-engine.md sections 3.1 to 3.8. */
#ifndef EA_DOCKER_DOCKER_HOSTCONFIG_H
#define EA_DOCKER_DOCKER_HOSTCONFIG_H

#include "docker_body.h"

struct cJSON;

/* Adds HostConfig to `body`: built, raw laid over, platform rules, network, log options. Errors are
 * those of HostConfigError. */
ea_code ea_docker_hostconfig(const struct ea_task *t, const struct ea_container *c,
                             const struct ea_body_settings *set, struct cJSON *body, bool *oom,
                             ea_err *err) EA_CHECK;
/* Ports asked for: "80/tcp" each, the host port beside it (0: Docker chooses). */
typedef void ea_port_fn(void *ctx, const char *key, int64_t host_port);
ea_code ea_docker_ports(const struct ea_container *c, ea_port_fn *fn, void *ctx,
                        ea_err *err) EA_CHECK;

#endif
