#include "../plat.h"

/* Windows has no control groups: the engine's statistics are the source there. */
ea_code ea_plat_cgroup_find(const char *root, const char *id, int64_t pid,
                            struct ea_cgroup_place *out, ea_err *err)
{
    (void)root;
    (void)id;
    (void)pid;
    (void)out;
    return ea_fail(err, EA_UNSUPPORTED, "Windows has no control groups");
}

void ea_plat_cgroup_close(struct ea_cgroup_place *place)
{
    (void)place; /* nothing was opened */
}

ea_code ea_plat_cgroup_read(struct ea_cgroup_place *place, bool network,
                            struct ea_cgroup_figures *out, ea_err *err)
{
    (void)place;
    (void)network;
    (void)out;
    return ea_fail(err, EA_UNSUPPORTED, "Windows has no control groups");
}
