#include "prepare.h"

#include "../base/alloc.h"
#include "../base/str.h"
#include "depends.h"
#include "state.h"
#include "volumes.h"

#include <string.h>

/* A text member that holds a non-empty list or object. */
static bool is_set(const char *json)
{
    return !ea_zstr_empty(json) && strcmp(json, "[]") != 0 && strcmp(json, "{}") != 0 &&
           strcmp(json, "null") != 0;
}

static bool mentions(const char *json, const char *word)
{
    return json && strstr(json, word) != NULL;
}

/* Features that are not offered to the control plane; a task that needs one is never started
 * without it. */
static const char *unsupported(const struct ea_task *t)
{
    if (is_set(t->enis) || ea_zstr_eq(t->network_mode, "awsvpc"))
        return "network mode awsvpc is not supported";
    if (is_set(t->proxy))
        return "proxyConfiguration is not supported";
    if (mentions(t->associations, "\"gpu\"") || mentions(t->associations, "\"elastic-inference\""))
        return "accelerators are not supported";
    if (mentions(t->attachments, "\"serviceconnectdetail\""))
        return "Service Connect is not supported";
    if (mentions(t->attachments, "\"amazonebs\"") || mentions(t->attachments, "\"s3files\""))
        return "volumes attached to the task are not supported";
    for (size_t i = 0; i < t->volumes.n; i++) {
        if (ea_zstr_eq(t->volumes.v[i].type, "efs"))
            return "EFS volumes are not supported";
        if (ea_zstr_eq(t->volumes.v[i].type, "fsxWindowsFileServer"))
            return "FSx for Windows File Server volumes are not supported";
    }
    for (size_t i = 0; i < t->containers.n; i++)
        if (t->containers.v[i].firelens)
            return "firelensConfiguration is not supported";
    return t->containers.n == 0 ? "the task has no containers" : NULL;
}

/* A container that may use more than its task has is refused, as the reference does. */
static const struct ea_container *too_big(const struct ea_model *m, const struct ea_task *t)
{
    for (size_t i = 0; m->settings.task_limits && t->memory_mib > 0 && i < t->containers.n; i++)
        if (t->containers.v[i].memory_mib > t->memory_mib)
            return &t->containers.v[i];
    return NULL;
}

/* ecs-<family>-<version>-<name without odd characters>-<20 hex digits> */
static void name_container(struct ea_model *m, const struct ea_task *t, struct ea_container *c)
{
    EA_FREE_AUTO char *plain = ea_strdup(c->name);
    char hex[21], uuid[37];
    size_t n = 0;

    for (const char *p = c->name; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
            *p == '-')
            plain[n++] = *p;
    plain[n] = '\0';
    ea_rng_hex(&m->rng, 20, hex);
    ea_rng_uuid(&m->rng, uuid);
    ea_set_str(&c->endpoint_id, uuid);
    ea_free(c->docker_name);
    c->docker_name = ea_sprintf_dup("ecs-%s-%s-%s-%s", t->family ? t->family : "",
                                    t->version ? t->version : "", plain, hex);
}

void ea_prepare_task(struct ea_turn *turn, struct ea_task *t)
{
    ea_err err = { 0 };
    const char *missing = NULL;

    if (t->prepared)
        return;
    t->prepared = true;
    if (t->desired == EA_T_STOPPED)
        return; /* nothing will be created: it goes straight to STOPPED */
    for (size_t i = 0; i < t->containers.n; i++)
        name_container(turn->m, t, &t->containers.v[i]);
    missing = unsupported(t);
    if (!missing && (ea_depends_prepare(t, &err) || ea_volumes_prepare(turn->m, t, &err)))
        missing = err.text;
    const struct ea_container *big = missing ? NULL : too_big(turn->m, t);
    if (big) {
        (void)ea_fail(&err, EA_INVALID,
                      "container %s: memory of %lld MiB, above the task's %lld MiB", big->name,
                      (long long)big->memory_mib, (long long)t->memory_mib);
        missing = err.text;
    }
    if (!missing)
        return;
    /* Dependencies have their own, older wording; everything else names the task. */
    EA_FREE_AUTO char *reason =
        ea_str_starts(ea_str_of(missing), "Task dependencies")
            ? ea_strdup(missing)
            : ea_sprintf_dup("ResourceInitializationError: resource cannot be initialized for task "
                             "%s: %s",
                             t->arn, missing);
    ea_task_fail(turn, t, reason);
}
