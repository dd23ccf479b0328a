/* capabilities.h - attributes are promises: one row = attribute, condition, reason when withheld.
 * Pure. Source: control-plane.md section 2. An attribute is sent only when its feature works in this
 * build and on this host; a payload that needs a withheld one is refused by ea_caps_missing(). */
#ifndef EA_AGENT_CAPABILITIES_H
#define EA_AGENT_CAPABILITIES_H

#include "../model/task.h"
#include "config.h"

struct ea_cap {
    char *name;
    char *value; /* NULL: name only */
    bool offered;
    const char *reason; /* why it is withheld; static; NULL when offered */
};

struct ea_caps {
    struct ea_cap *v;
    size_t n;
    bool task_role_wanted; /* ECS_ENABLE_TASK_IAM_ROLE */
};

struct ea_caps_facts {
    const ea_config *config;
    const ea_strlist *docker_versions; /* API versions that the engine serves, "1.24" ... */
    const ea_strlist *volume_plugins;  /* of the engine; NULL none known */
    const char *cgroup_driver;         /* of the engine; NULL not told, or not Linux */
    bool groups_usable;                /* this host lets us make control groups for tasks */
    bool task_role_proven;             /* a self-GET through the task endpoint succeeded */
    const char *os_family;             /* "WINDOWS_SERVER_2022_FULL"; NULL: not Windows */
    const struct ea_gmsa_os *gmsa;     /* asked when a row wants to know; NULL: not Windows */
};

void ea_caps_build(const struct ea_caps_facts *facts, struct ea_caps *out); /* out is replaced */
void ea_caps_done(struct ea_caps *c);
/* The same set of offered attributes, in any order? */
bool ea_caps_same(const struct ea_caps *a, const struct ea_caps *b);
#define EA_CAP_TASK_LIMITS "ecs.capability.task-cpu-mem-limit"
bool ea_caps_offers(const struct ea_caps *c, const char *name);
const struct ea_cap *ea_caps_find(const struct ea_caps *c, const char *name);
/* The first feature that the task needs and that is not offered: true, and `text` says which
 * container needs what and why it is withheld. A task role on a host where task roles are off is let
 * through as the reference does: its credentials are served on loopback. */
bool ea_caps_missing(const struct ea_caps *c, const struct ea_task *t, char text[400]);

#endif
