/* place.h - where an installation lives: default places, or what the caller's environment says in
 * their stead (ECS_DATADIR, ECSTOOLS_RUNDIR, ECSTOOLS_CONFIG, ECSTOOLS_PROGRAM_DIR,
 * ECSTOOLS_LOCAL_DIR). Pure but for the defaults of plat. */
#ifndef EA_MANAGE_PLACE_H
#define EA_MANAGE_PLACE_H

#include "../base/json.h"

#include <stdint.h>

/* A copy of the caller's environment; lookups without one ask the process. */
typedef struct ea_envs {
    char **v; /* NAME=value, NULL-terminated */
} ea_envs;
void ea_envs_copy(ea_envs *e, const char *const *env, uint32_t count); /* env NULL: the process's */
void ea_envs_free(ea_envs *e);                                         /* wipes */
const char *ea_envs_get(const ea_envs *e, const char *name);           /* NULL when unset or "" */

struct ea_place {
    char *config_file, *data_dir, *run_dir, *log_dir, *program_root, *local_dir;
    char *exit_note; /* where an agent that could not start leaves why */
};
/* `settings` (lines of the settings file) decide where the environment says nothing; may be NULL. */
void ea_place_of(const ea_envs *env, const ea_strmap *settings, struct ea_place *out);
void ea_place_done(struct ea_place *p);

#endif
