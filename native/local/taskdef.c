/* taskdef.c - rules and defaults of RegisterTaskDefinition. See taskdef.h.
 * Source: Amazon ECS API reference, RegisterTaskDefinition and ContainerDefinition; developer guide,
 * "Task definition parameters for the EC2 launch type". */
#include "taskdef.h"

#include "api_shapes.h"
#include "local_api.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINERS_MAX 60
#define MEMORY_MIN_MIB 4 /* Docker's own minimum is 6; the API asks for 4 */
#define NAME_MAX_BYTES 255

int64_t ea_lc_int(const cJSON *object, const char *name, int64_t otherwise)
{
    const cJSON *v = ea_json_get(object, name);

    return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : otherwise;
}

bool ea_lc_bool(const cJSON *object, const char *name, bool otherwise)
{
    const cJSON *v = ea_json_get(object, name);

    return v ? cJSON_IsTrue(v) : otherwise;
}

/* A number in front of an optional unit: *unit views what follows it, trimmed. */
static bool number_and_unit(const char *text, double *number, ea_str *unit)
{
    char *end = NULL;

    if (!((text[0] >= '0' && text[0] <= '9') || text[0] == '.'))
        return false;
    *number = strtod(text, &end);
    *unit = ea_str_trim(ea_str_of(end));
    return end != text && *number >= 0.0 && *number < 1e9;
}

ea_code ea_lc_parse_cpu(const char *text, int64_t *units, ea_err *err)
{
    double number;
    ea_str unit;

    *units = 0;
    if (ea_zstr_empty(text))
        return EA_OK;
    if (!number_and_unit(text, &number, &unit))
        return ea_fail(err, EA_INVALID, "Invalid 'cpu' setting for task.");
    if (ea_str_eq_nocase(unit, EA_STR("vcpu")))
        number *= 1024.0;
    else if (unit.n)
        return ea_fail(err, EA_INVALID, "Invalid 'cpu' setting for task.");
    if (number < 128.0 || number > 196608.0)
        return ea_fail(err, EA_INVALID,
                       "Invalid 'cpu' setting for task. It must be between 128 and 196608 units.");
    *units = (int64_t)number;
    return EA_OK;
}

ea_code ea_lc_parse_memory(const char *text, int64_t *mib, ea_err *err)
{
    double number;
    ea_str unit;

    *mib = 0;
    if (ea_zstr_empty(text))
        return EA_OK;
    if (!number_and_unit(text, &number, &unit))
        return ea_fail(err, EA_INVALID, "Invalid 'memory' setting for task.");
    if (ea_str_eq_nocase(unit, EA_STR("gb")))
        number *= 1024.0;
    else if (unit.n && !ea_str_eq_nocase(unit, EA_STR("mb")))
        return ea_fail(err, EA_INVALID, "Invalid 'memory' setting for task.");
    if (number < MEMORY_MIN_MIB)
        return ea_fail(err, EA_INVALID, "Invalid 'memory' setting for task.");
    *mib = (int64_t)number;
    return EA_OK;
}

/* ---- rules ------------------------------------------------------------------------------------ */

static const cJSON *container_named(const cJSON *containers, const char *name)
{
    const cJSON *c;

    cJSON_ArrayForEach(c, containers) if (name &&
                                          ea_zstr_eq(ea_json_get_str(c, "name"), name)) return c;
    return NULL;
}

static ea_code check_port(const cJSON *p, const char *mode, const char *name, ea_err *err)
{
    int64_t container = ea_lc_int(p, "containerPort", 0), host = ea_lc_int(p, "hostPort", 0);
    const char *range = ea_json_get_str(p, "containerPortRange");

    if (range) {
        ea_str head, tail = ea_str_cut(ea_str_of(range), '-', &head);
        uint64_t a = 0, b = 0;

        if (ea_str_to_u64(head, 1, 65535, &a, err) || ea_str_to_u64(tail, a, 65535, &b, err))
            return ea_fail(err, EA_INVALID,
                           "Invalid 'containerPortRange' setting for container '%s'.", name);
        if (container || host)
            return ea_fail(
                err, EA_INVALID,
                "'containerPortRange' excludes 'containerPort' and 'hostPort' in container "
                "'%s'.",
                name);
        return EA_OK;
    }
    if (container < 1 || container > 65535 || host < 0 || host > 65535)
        return ea_fail(err, EA_INVALID,
                       "Invalid port mapping in container '%s': ports are 1-65535.", name);
    if (ea_zstr_eq(mode, "host") && host && host != container)
        return ea_fail(err, EA_INVALID,
                       "When networkMode=host, the host ports and container ports in port mappings "
                       "must match.");
    return EA_OK;
}

static ea_code check_health(const cJSON *h, const char *name, ea_err *err)
{
    static const struct {
        const char *member;
        int64_t min, max;
    } limits[] = {
        { "interval", 5, 300 },
        { "timeout", 2, 60 },
        { "retries", 1, 10 },
        { "startPeriod", 0, 300 },
    };
    const cJSON *command = ea_json_get(h, "command");

    if (!h)
        return EA_OK;
    if (cJSON_GetArraySize(command) == 0)
        return ea_fail(err, EA_INVALID, "healthCheck.command of container '%s' is empty.", name);
    for (size_t i = 0; i < EA_COUNT(limits); i++) {
        int64_t v = ea_lc_int(h, limits[i].member, limits[i].min);

        if (v < limits[i].min || v > limits[i].max)
            return ea_fail(err, EA_INVALID, "healthCheck.%s of container '%s' must be %lld-%lld.",
                           limits[i].member, name, (long long)limits[i].min,
                           (long long)limits[i].max);
    }
    return EA_OK;
}

static ea_code check_references(const cJSON *body, const cJSON *c, const char *name, ea_err *err)
{
    const cJSON *containers = ea_json_get(body, "containerDefinitions"), *item, *volume;

    cJSON_ArrayForEach(item, ea_json_get(c, "dependsOn"))
    {
        const cJSON *other = container_named(containers, ea_json_get_str(item, "containerName"));
        const char *condition = ea_json_get_str(item, "condition");

        if (!other || other == c)
            return ea_fail(err, EA_INVALID, "Container '%s' depends on an unknown container.",
                           name);
        if (ea_zstr_eq(condition, "HEALTHY") && !ea_json_get(other, "healthCheck"))
            return ea_fail(err, EA_INVALID,
                           "Container '%s' waits for a container without a health check.", name);
        if ((ea_zstr_eq(condition, "COMPLETE") || ea_zstr_eq(condition, "SUCCESS")) &&
            ea_lc_bool(other, "essential", true))
            return ea_fail(err, EA_INVALID,
                           "Container '%s' waits for the end of an essential container.", name);
    }
    cJSON_ArrayForEach(item, ea_json_get(c, "volumesFrom")) if (
        !container_named(
            containers,
            ea_json_get_str(item,
                            "sourceContainer"))) return ea_fail(err, EA_INVALID,
                                                                "Container '%s' takes volumes of "
                                                                "an unknown container.",
                                                                name);
    cJSON_ArrayForEach(item, ea_json_get(c, "links"))
    {
        char target[NAME_MAX_BYTES + 1];

        (void)snprintf(target, sizeof(target), "%.*s", (int)strcspn(item->valuestring, ":"),
                       item->valuestring);
        if (!container_named(containers, target))
            return ea_fail(err, EA_INVALID, "Container '%s' links to an unknown container.", name);
    }
    cJSON_ArrayForEach(item, ea_json_get(c, "mountPoints"))
    {
        bool found = false;

        cJSON_ArrayForEach(volume, ea_json_get(body, "volumes")) found =
            found ||
            ea_zstr_eq(ea_json_get_str(volume, "name"), ea_json_get_str(item, "sourceVolume"));
        if (!found)
            return ea_fail(err, EA_INVALID, "Unknown volume '%s'.",
                           ea_json_get_str(item, "sourceVolume"));
        if (ea_zstr_empty(ea_json_get_str(item, "containerPath")))
            return ea_fail(err, EA_INVALID, "A mount point of container '%s' has no containerPath.",
                           name);
    }
    return EA_OK;
}

static ea_code check_container(const cJSON *body, const cJSON *c, int64_t task_mib, ea_err *err)
{
    const char *name = ea_json_get_str(c, "name"), *image = ea_json_get_str(c, "image");
    int64_t memory = ea_lc_int(c, "memory", 0), reserved = ea_lc_int(c, "memoryReservation", 0);
    const char *mode = ea_json_get_str(body, "networkMode");
    const cJSON *item;

    if (ea_zstr_empty(name))
        return ea_fail(err, EA_INVALID, "Container.name should not be null or empty.");
    if (!ea_lc_name_is_sound(name))
        return ea_fail(err, EA_INVALID,
                       "Container name '%.60s' is invalid. Only letters, numbers, "
                       "hyphens, and underscores are allowed.",
                       name);
    if (container_named(ea_json_get(body, "containerDefinitions"), name) != c)
        return ea_fail(err, EA_INVALID, "Container names must be unique: '%s'.", name);
    if (ea_zstr_empty(image) || strlen(image) > 2048)
        return ea_fail(err, EA_INVALID, "Container.image should not be null or empty.");
    if (ea_lc_int(c, "cpu", 0) < 0)
        return ea_fail(err, EA_INVALID, "Invalid 'cpu' setting for container '%s'.", name);
    if (!memory && !reserved && !task_mib)
        return ea_fail(err, EA_INVALID,
                       "Invalid setting for container '%s'. At least one of 'memory' "
                       "or 'memoryReservation' must be specified.",
                       name);
    if ((memory && memory < MEMORY_MIN_MIB) || (reserved && reserved < MEMORY_MIN_MIB) ||
        (memory && reserved > memory) || (task_mib && memory > task_mib))
        return ea_fail(err, EA_INVALID,
                       "Invalid 'memory' or 'memoryReservation' setting for container "
                       "'%s'.",
                       name);
    if (ea_lc_int(c, "startTimeout", 2) < 2 || ea_lc_int(c, "stopTimeout", 2) < 2)
        return ea_fail(err, EA_INVALID, "Timeouts of container '%s' must be at least 2 seconds.",
                       name);
    cJSON_ArrayForEach(item, ea_json_get(c, "portMappings")) if (check_port(item, mode, name,
                                                                            err)) return err->code;
    if (check_health(ea_json_get(c, "healthCheck"), name, err))
        return err->code;
    return check_references(body, c, name, err);
}

/* Takes away, round by round, what depends on nothing that is left; what stays is a circle. */
static ea_code check_order(const cJSON *containers, ea_err *err)
{
    bool done[CONTAINERS_MAX] = { false };
    int n = cJSON_GetArraySize(containers), left = n, before;

    do {
        const cJSON *c;
        int i = 0;

        before = left;
        cJSON_ArrayForEach(c, containers)
        {
            const cJSON *dep, *other;
            bool free_now = !done[i];

            cJSON_ArrayForEach(dep, ea_json_get(c, "dependsOn"))
            {
                int j = 0;

                cJSON_ArrayForEach(other, containers)
                {
                    if (!done[j] && ea_zstr_eq(ea_json_get_str(other, "name"),
                                               ea_json_get_str(dep, "containerName")))
                        free_now = false;
                    j++;
                }
            }
            if (free_now) {
                done[i] = true;
                left--;
            }
            i++;
        }
    } while (left && left != before);
    if (left)
        return ea_fail(err, EA_INVALID, "Container dependencies must not form a circle.");
    return EA_OK;
}

static ea_code check_volumes(const cJSON *body, ea_err *err)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, ea_json_get(body, "volumes"))
    {
        const char *name = ea_json_get_str(v, "name");
        int kinds = (ea_json_get(v, "host") ? 1 : 0) +
                    (ea_json_get(v, "dockerVolumeConfiguration") ? 1 : 0) +
                    (ea_json_get(v, "efsVolumeConfiguration") ? 1 : 0) +
                    (ea_json_get(v, "fsxWindowsFileServerVolumeConfiguration") ? 1 : 0);

        if (ea_zstr_empty(name) || !ea_lc_name_is_sound(name))
            return ea_fail(err, EA_INVALID,
                           "Volume.name should not be null or empty, and have letters, "
                           "numbers, hyphens, and underscores only.");
        if (kinds > 1)
            return ea_fail(err, EA_INVALID, "Volume '%s' must have one configuration.", name);
        if (ea_lc_bool(ea_json_get(v, "dockerVolumeConfiguration"), "autoprovision", false) &&
            !ea_zstr_eq(ea_json_get_str(ea_json_get(v, "dockerVolumeConfiguration"), "scope"),
                        "shared"))
            return ea_fail(err, EA_INVALID,
                           "Volume '%s': autoprovision is for the scope 'shared' alone.", name);
    }
    return EA_OK;
}

static ea_code check_body(const cJSON *body, ea_err *err)
{
    const cJSON *containers = ea_json_get(body, "containerDefinitions"), *c, *word;
    const char *family = ea_json_get_str(body, "family");
    int64_t units, mib;
    bool essential = false;

    if (!ea_lc_name_is_sound(family))
        return ea_fail(err, EA_INVALID,
                       "Family contains invalid characters. Only letters, numbers, "
                       "hyphens, and underscores are allowed.");
    if (ea_zstr_eq(ea_json_get_str(body, "networkMode"), "awsvpc"))
        return ea_fail(err, EA_INVALID,
                       "networkMode awsvpc needs network interfaces of Amazon EC2; the "
                       "local control plane has none.");
    cJSON_ArrayForEach(word, ea_json_get(body, "requiresCompatibilities")) if (
        strcmp(word->valuestring, "FARGATE") ==
        0) return ea_fail(err, EA_INVALID, "The local control plane runs launch type EC2 alone.");
    if (cJSON_GetArraySize(containers) < 1 || cJSON_GetArraySize(containers) > CONTAINERS_MAX)
        return ea_fail(err, EA_INVALID, "A task definition has 1 to %d containers.",
                       CONTAINERS_MAX);
    if (ea_lc_parse_cpu(ea_json_get_str(body, "cpu"), &units, err) ||
        ea_lc_parse_memory(ea_json_get_str(body, "memory"), &mib, err) || check_volumes(body, err))
        return err->code;
    cJSON_ArrayForEach(c, containers)
    {
        if (check_container(body, c, mib, err))
            return err->code;
        essential = essential || ea_lc_bool(c, "essential", true);
    }
    if (!essential)
        return ea_fail(err, EA_INVALID,
                       "Invalid 'essential' setting: at least one container must be essential.");
    return check_order(containers, err);
}

/* ---- defaults --------------------------------------------------------------------------------- */

static void default_list(cJSON *object, const char *name)
{
    if (!ea_json_get(object, name))
        (void)cJSON_AddArrayToObject(object, name); /* out of memory shows as absent later */
}

static void default_number(cJSON *object, const char *name, double value)
{
    if (!ea_json_get(object, name))
        (void)cJSON_AddNumberToObject(object, name, value);
}

static void default_text(cJSON *object, const char *name, const char *value)
{
    if (!ea_json_get(object, name))
        (void)cJSON_AddStringToObject(object, name, value);
}

static void default_container(cJSON *c, bool host_mode)
{
    cJSON *item, *health = cJSON_GetObjectItemCaseSensitive(c, "healthCheck");

    default_number(c, "cpu", 0);
    if (!ea_json_get(c, "essential"))
        (void)cJSON_AddTrueToObject(c, "essential");
    default_list(c, "portMappings");
    default_list(c, "environment");
    default_list(c, "mountPoints");
    default_list(c, "volumesFrom");
    default_list(c, "systemControls");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(c, "portMappings"))
    {
        if (!ea_json_get(item, "containerPortRange"))
            default_number(item, "hostPort",
                           host_mode ? (double)ea_lc_int(item, "containerPort", 0) : 0.0);
        default_text(item, "protocol", "tcp");
    }
    if (health) {
        default_number(health, "interval", 30);
        default_number(health, "timeout", 5);
        default_number(health, "retries", 3);
    }
}

/* "0.5 vCPU" is answered as "512". */
static void normal_size(cJSON *body, const char *name, int64_t value)
{
    char text[32];

    if (!value)
        return;
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    (void)cJSON_ReplaceItemInObjectCaseSensitive(body, name, cJSON_CreateString(text));
}

static void fill_in(cJSON *body, const char *registry)
{
    cJSON *c, *list;
    ea_strlist required = { NULL, 0 };
    int64_t value;
    ea_err err;

    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(body, "containerDefinitions"))
        default_container(c, ea_zstr_eq(ea_json_get_str(body, "networkMode"), "host"));
    default_list(body, "volumes");
    default_list(body, "placementConstraints");
    cJSON_ArrayForEach(
        c, cJSON_GetObjectItemCaseSensitive(body, "volumes")) if (cJSON_GetArraySize(c) == 1)(void)
        cJSON_AddObjectToObject(c, "host");
    if (ea_lc_parse_cpu(ea_json_get_str(body, "cpu"), &value, &err) == EA_OK)
        normal_size(body, "cpu", value);
    if (ea_lc_parse_memory(ea_json_get_str(body, "memory"), &value, &err) == EA_OK)
        normal_size(body, "memory", value);
    list = cJSON_AddArrayToObject(body, "compatibilities");
    (void)cJSON_AddItemToArray(list, cJSON_CreateString("EXTERNAL"));
    (void)cJSON_AddItemToArray(list, cJSON_CreateString("EC2"));
    ea_lc_taskdef_requires(body, registry, &required);
    list = cJSON_AddArrayToObject(body, "requiresAttributes");
    for (size_t i = 0; i < required.n; i++) {
        cJSON *item = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(item, "name", required.v[i]);
        (void)cJSON_AddItemToArray(list, item);
    }
    ea_strlist_free(&required);
}

ea_code ea_lc_taskdef_make(const cJSON *request, const char *registry, cJSON **body, ea_err *err)
{
    cJSON *copy = cJSON_Duplicate(request, true);

    if (!copy)
        return ea_fail(err, EA_NO_MEMORY, "no memory for a task definition");
    ea_lc_shape_prune(ea_lc_op_shape_find("RegisterTaskDefinition"), copy);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "tags");
    if (check_body(copy, err)) {
        cJSON_Delete(copy);
        return err->code;
    }
    fill_in(copy, registry);
    *body = copy;
    return EA_OK;
}
