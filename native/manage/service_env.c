#include "service_env.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "place.h"
#include "service.h"
#include "settings_file.h"

#include <string.h>

static ea_str name_in(const char *line)
{
    ea_str name, value = ea_str_cut(ea_str_of(line), '=', &name);

    return value.p ? name : ea_str_of("");
}

/* Names are compared as Windows does. */
static bool named(const ea_strlist *lines, ea_str name)
{
    for (size_t i = 0; i < lines->n; i++) {
        if (ea_str_eq_nocase(name_in(lines->v[i]), name))
            return true;
    }
    return false;
}

static bool in_env(const char *const *env, ea_str name)
{
    for (size_t i = 0; env[i]; i++) {
        if (ea_str_eq_nocase(name_in(env[i]), name))
            return true;
    }
    return false;
}

static bool in_file(const ea_strmap *file, ea_str name)
{
    for (size_t i = 0; i < file->n; i++) {
        if (ea_str_eq_nocase(ea_str_of(file->v[i].k), name))
            return true;
    }
    return false;
}

char **ea_service_env_merge(const char *const *process, const ea_strlist *service,
                            const ea_strmap *file, const ea_strlist *machine, const char *log_file)
{
    const ea_str log_name = ea_str_of("ECS_LOGFILE");
    size_t most = service->n + machine->n + 2, used = 0;
    char **env;

    for (size_t i = 0; process[i]; i++)
        most++;
    env = ea_alloc_array(most, sizeof(*env));
    for (size_t i = 0; process[i]; i++) {
        ea_str name = name_in(process[i]);

        /* the system has merged the machine's variables in: the settings file goes before those */
        if (!named(service, name) && !(named(machine, name) && in_file(file, name)))
            env[used++] = ea_strdup(process[i]);
    }
    for (size_t i = 0; i < service->n; i++)
        env[used++] = ea_strdup(service->v[i]);
    for (size_t i = 0; i < machine->n; i++) {
        ea_str name = name_in(machine->v[i]);

        if (ea_settings_is_ours(name) && !in_env(process, name) && !named(service, name) &&
            !in_file(file, name))
            env[used++] = ea_strdup(machine->v[i]);
    }
    env[used] = NULL;
    if (log_file && !in_env((const char *const *)env, log_name) && !in_file(file, log_name))
        env[used++] = ea_sprintf_dup("ECS_LOGFILE=%s", log_file);
    env[used] = NULL;
    return env;
}

static void not_read(const ea_err *err)
{
    ea_warn("settings not read", EA_S("err", err->text));
}

static char *config_file(const char *const *process, const ea_strlist *service)
{
    static const char key[] = "ECSTOOLS_CONFIG=";
    const char *found = NULL;

    for (size_t i = 0; process[i]; i++) {
        if (strncmp(process[i], key, sizeof(key) - 1) == 0)
            found = process[i] + sizeof(key) - 1;
    }
    for (size_t i = 0; i < service->n; i++) {
        if (strncmp(service->v[i], key, sizeof(key) - 1) == 0)
            found = service->v[i] + sizeof(key) - 1;
    }
    return ea_zstr_empty(found) ? ea_plat_default_path(EA_PATH_CONFIG_FILE) : ea_strdup(found);
}

char **ea_service_env(const char *const *process)
{
    EA_FREE_AUTO char *logs = ea_plat_default_path(EA_PATH_LOG_DIR);
    EA_FREE_AUTO char *log_file = ea_sprintf_dup("%s\\ecs-agent.log", logs);
    EA_FREE_AUTO char *config = NULL;
    ea_strlist service = { 0 }, machine = { 0 };
    ea_strmap file = { 0 };
    ea_err err = { 0 };
    char **env;

    if (ea_plat_service_env(EA_SERVICE_NAME, &service, &err))
        not_read(&err);
    if (ea_plat_machine_env(&machine, &err))
        not_read(&err);
    config = config_file(process, &service);
    if (ea_settings_read(config, &file, &err))
        not_read(&err); /* the agent reads it once more, and ends with the reason */
    env = ea_service_env_merge(process, &service, &file, &machine, log_file);
    ea_strlist_free(&service);
    ea_strlist_free(&machine);
    ea_strmap_free(&file);
    return env;
}
