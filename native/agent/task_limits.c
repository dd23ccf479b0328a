#include "task_limits.h"

#include "../base/log.h"
#include "../plat/plat.h"

#include <stdio.h>
#include <string.h>

enum {
    SHARES_MIN = 2,
    SHARES_MAX = 262144,
    QUOTA_MIN_US = 1000 /* less is refused by the kernel */
};

ea_code ea_task_limits_usable(const ea_config *config, ea_err *err)
{
    return ea_plat_task_groups_usable(ea_cfg_str(config, EA_CFG_CGROUP_PATH), err);
}

static int64_t shares_of(const struct ea_task *t)
{
    int64_t sum = 0;

    for (size_t i = 0; i < t->containers.n && sum < SHARES_MAX; i++) {
        int64_t cpu = t->containers.v[i].cpu;
        sum += cpu < SHARES_MIN ? SHARES_MIN : cpu;
    }
    return sum > SHARES_MAX ? SHARES_MAX : sum;
}

struct ea_task_limits ea_task_limits_of(const ea_config *config, const struct ea_task *t)
{
    struct ea_task_limits l = { .memory_bytes = t->memory_mib * 1024 * 1024,
                                .pids = ea_cfg_int(config, EA_CFG_TASK_PIDS_LIMIT) };

    if (t->cpu > 0) {
        l.cpu_period_us = ea_cfg_ms(config, EA_CFG_CGROUP_CPU_PERIOD) * 1000;
        l.cpu_quota_us = (int64_t)(t->cpu * (double)l.cpu_period_us);
        if (l.cpu_quota_us < QUOTA_MIN_US)
            l.cpu_quota_us = QUOTA_MIN_US;
    } else if (l.memory_bytes > 0 || l.pids > 0) {
        l.cpu_shares = shares_of(t); /* else the group would have those of one small container */
    }
    return l;
}

static bool has_limits(const struct ea_task_limits *l)
{
    return l->cpu_quota_us > 0 || l->memory_bytes > 0 || l->pids > 0;
}

/* "/ecs/<task id>"; the id is a piece of a path and must not lead out of it. */
static ea_code name_group(const struct ea_task *t, char group[EA_TASK_GROUP_MAX], ea_err *err)
{
    const char *id = strrchr(t->arn, '/');
    size_t n = id ? strlen(++id) : 0;

    if (n == 0 || n > 100 ||
        strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != n)
        return ea_fail(err, EA_INVALID, "task id %.100s cannot name a control group", id ? id : "");
    (void)snprintf(group, EA_TASK_GROUP_MAX, "/ecs/%s", id);
    return EA_OK;
}

ea_code ea_task_limits_apply(const ea_agent *ag, const struct ea_task *t,
                             char group[EA_TASK_GROUP_MAX], ea_err *err)
{
    struct ea_task_limits l = ea_task_limits_of(ag->config, t);

    group[0] = '\0';
    if (!ag->model.settings.task_limits || !has_limits(&l))
        return EA_OK;
    if (name_group(t, group, err) ||
        ea_plat_task_group_make(ea_cfg_str(ag->config, EA_CFG_CGROUP_PATH), group, &l, err))
        return ea_wrap(err, "limits of the task");
    return EA_OK;
}

void ea_task_limits_remove(ea_agent *ag, const struct ea_task *t)
{
    struct ea_task_limits l = ea_task_limits_of(ag->config, t);
    ea_strlist groups = ag->groups_left;
    char own[EA_TASK_GROUP_MAX];
    ea_err err = { 0 };

    if (!ag->model.settings.task_limits || !has_limits(&l) || name_group(t, own, &err))
        return;
    ag->groups_left = (ea_strlist){ 0 };
    ea_strlist_add(&groups, own);
    for (size_t i = 0; i < groups.n; i++) {
        if (ea_plat_task_group_remove(ea_cfg_str(ag->config, EA_CFG_CGROUP_PATH), groups.v[i],
                                      &err) == EA_OK)
            continue;
        ea_debug("control group of a stopped task stays", EA_S("err", err.text));
        if (err.code == EA_BUSY)
            ea_strlist_add(&ag->groups_left, groups.v[i]);
    }
    ea_strlist_free(&groups);
}
