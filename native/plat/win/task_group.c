#include "../plat.h"

/* Windows has no limits for several containers together. */
static ea_code none(ea_err *err)
{
    return ea_fail(err, EA_UNSUPPORTED, "Windows has no control groups");
}

ea_code ea_plat_task_groups_usable(const char *root, ea_err *err)
{
    (void)root;
    return none(err);
}

ea_code ea_plat_task_group_make(const char *root, const char *path,
                                const struct ea_task_limits *limits, ea_err *err)
{
    (void)root;
    (void)path;
    (void)limits;
    return none(err);
}

ea_code ea_plat_task_group_remove(const char *root, const char *path, ea_err *err)
{
    (void)root;
    (void)path;
    return none(err);
}
