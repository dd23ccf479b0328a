#include "place.h"

#include "../base/alloc.h"
#include "../plat/plat.h"

#include <string.h>

void ea_envs_copy(ea_envs *e, const char *const *env, uint32_t count)
{
    if (!env) {
        e->v = ea_plat_env();
        return;
    }
    e->v = ea_alloc_array((size_t)count + 1, sizeof(*e->v));
    for (uint32_t i = 0; i < count; i++)
        e->v[i] = ea_strdup(env[i] ? env[i] : "");
}

void ea_envs_free(ea_envs *e)
{
    ea_plat_env_free(e->v);
    e->v = NULL;
}

const char *ea_envs_get(const ea_envs *e, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; e->v && e->v[i]; i++) {
        if (strncmp(e->v[i], name, n) == 0 && e->v[i][n] == '=' && e->v[i][n + 1])
            return e->v[i] + n + 1;
    }
    return NULL;
}

static char *choose(const ea_envs *env, const ea_strmap *settings, const char *name, ea_path_id id)
{
    const char *set = ea_envs_get(env, name);

    if (!set && settings)
        set = ea_strmap_get(settings, name);
    return ea_zstr_empty(set) ? ea_plat_default_path(id) : ea_strdup(set);
}

void ea_place_of(const ea_envs *env, const ea_strmap *settings, struct ea_place *out)
{
    out->config_file = choose(env, NULL, "ECSTOOLS_CONFIG", EA_PATH_CONFIG_FILE);
    out->data_dir = choose(env, settings, "ECS_DATADIR", EA_PATH_DATA_DIR);
    out->run_dir = choose(env, settings, "ECSTOOLS_RUNDIR", EA_PATH_RUN_DIR);
    out->log_dir = choose(env, settings, "ECSTOOLS_LOG_DIR", EA_PATH_LOG_DIR);
    out->program_root = choose(env, NULL, "ECSTOOLS_PROGRAM_DIR", EA_PATH_PROGRAM_DIR);
    out->local_dir = choose(env, NULL, "ECSTOOLS_LOCAL_DIR", EA_PATH_LOCAL_DIR);
    out->exit_note = ea_sprintf_dup("%s/last-exit", out->run_dir);
}

void ea_place_done(struct ea_place *p)
{
    ea_free(p->config_file);
    ea_free(p->data_dir);
    ea_free(p->run_dir);
    ea_free(p->log_dir);
    ea_free(p->program_root);
    ea_free(p->local_dir);
    ea_free(p->exit_note);
    memset(p, 0, sizeof(*p));
}
