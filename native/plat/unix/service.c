#include "../plat.h"

/* A daemon of the agent is a process that its lock identifies (manage/service.c): what starts it at boot
 * is the operator's choice, so no manager is spoken to here. */

static ea_code no_manager(ea_err *err)
{
    return ea_fail(err, EA_UNSUPPORTED, "this system has no service control manager");
}

bool ea_plat_has_services(void)
{
    return false;
}

ea_code ea_plat_service_install(const struct ea_service_spec *spec, ea_err *err)
{
    (void)spec;
    return no_manager(err);
}

ea_code ea_plat_service_remove(const char *name, ea_err *err)
{
    (void)name;
    return no_manager(err);
}

ea_code ea_plat_service_query(const char *name, struct ea_service_info *out, ea_err *err)
{
    (void)name;
    (void)out;
    return no_manager(err);
}

ea_code ea_plat_service_start(const char *name, ea_err *err)
{
    (void)name;
    return no_manager(err);
}

ea_code ea_plat_service_stop(const char *name, ea_err *err)
{
    (void)name;
    return no_manager(err);
}

ea_code ea_plat_service_env(const char *name, ea_strlist *out, ea_err *err)
{
    (void)name;
    (void)out;
    return no_manager(err);
}

ea_code ea_plat_machine_env(ea_strlist *out, ea_err *err)
{
    (void)out;
    return no_manager(err);
}

ea_code ea_plat_service_run(const char *name, int (*body)(void *arg), void *arg, int *exit_code,
                            ea_err *err)
{
    (void)name;
    (void)body;
    (void)arg;
    (void)exit_code;
    return no_manager(err);
}
