/* payload.c - the Task of a PayloadMessage. See payload.h.
 * Source: control-plane.md section 3.7 (members and their types). */
#include "payload.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "taskdef.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define PAYLOAD_MAX   (1024 * 1024)
#define EXECUTION_ENV "AWS_ECS_EC2" /* what software in the container learns of where it runs */

void ea_lc_payload_credentials(const struct ea_lc_role *role, const ea_lc_keys *keys, ea_buf *out)
{
    ea_buf_adds(out, "{\"credentialsId\":");
    ea_buf_add_json_str(out, ea_str_of(role->credentials_id));
    ea_buf_adds(out, ",\"roleArn\":");
    ea_buf_add_json_str(out, ea_str_of(role->role_arn));
    ea_buf_adds(out, ",\"accessKeyId\":");
    ea_buf_add_json_str(out, ea_str_of(keys->access_key_id));
    ea_buf_adds(out, ",\"secretAccessKey\":");
    ea_buf_add_json_str(out, ea_str_of(keys->secret));
    ea_buf_adds(out, ",\"sessionToken\":");
    ea_buf_add_json_str(out, ea_str_of(keys->token));
    ea_buf_adds(out, ",\"expiration\":");
    ea_buf_add_json_str(out, ea_str_of(keys->expiration));
    ea_buf_addc(out, '}');
}

static const cJSON *override_of(const cJSON *overrides, const char *name)
{
    const cJSON *o;

    cJSON_ArrayForEach(
        o, ea_json_get(overrides, "containerOverrides")) if (ea_zstr_eq(ea_json_get_str(o, "name"),
                                                                        name)) return o;
    return NULL;
}

/* The tree printed into a text member. */
static void add_as_text(cJSON *to, const char *name, cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);

    (void)cJSON_AddStringToObject(to, name, text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

static void set_text(cJSON *map, const char *name, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(map, name);
    (void)cJSON_AddStringToObject(map, name, value ? value : "");
}

static void add_environment(cJSON *to, const cJSON *c, const cJSON *override)
{
    cJSON *map = cJSON_AddObjectToObject(to, "environment");
    const cJSON *sources[2] = { ea_json_get(c, "environment"),
                                ea_json_get(override, "environment") };
    const cJSON *pair;

    (void)cJSON_AddStringToObject(map, "AWS_EXECUTION_ENV", EXECUTION_ENV);
    for (size_t i = 0; i < EA_COUNT(sources); i++)
        cJSON_ArrayForEach(pair, sources[i]) if (!ea_zstr_empty(ea_json_get_str(pair, "name")))
            set_text(map, ea_json_get_str(pair, "name"), ea_json_get_str(pair, "value"));
}

static void add_copy(cJSON *to, const char *name, const cJSON *from)
{
    if (from)
        (void)cJSON_AddItemToObject(to, name, cJSON_Duplicate(from, true));
}

static void add_list(cJSON *to, const char *name, const cJSON *from)
{
    (void)cJSON_AddItemToObject(to, name, from ? cJSON_Duplicate(from, true) : cJSON_CreateArray());
}

static void add_secrets(const ea_lc_payload_in *in, cJSON *to, const cJSON *list,
                        const char *target)
{
    const cJSON *s;

    cJSON_ArrayForEach(s, list)
    {
        const char *from = ea_json_get_str(s, "valueFrom");
        bool of_asm = strstr(from, ":secretsmanager:") != NULL;
        cJSON *item = cJSON_CreateObject();
        ea_arn arn;
        ea_err err;

        (void)cJSON_AddStringToObject(item, "name", ea_json_get_str(s, "name"));
        (void)cJSON_AddStringToObject(item, "valueFrom", from);
        if (ea_arn_parse(from, &arn, &err) == EA_OK && arn.region.n) {
            EA_FREE_AUTO char *region = ea_str_dup(arn.region);

            (void)cJSON_AddStringToObject(item, "region", region);
        } else {
            (void)cJSON_AddStringToObject(item, "region", in->region);
        }
        (void)cJSON_AddStringToObject(item, "provider", of_asm ? "asm" : "ssm");
        (void)cJSON_AddStringToObject(
            item, "type", strcmp(target, "LOG_DRIVER") == 0 ? "BOOTSTRAP" : "ENVIRONMENT_VARIABLE");
        (void)cJSON_AddStringToObject(item, "target", target);
        (void)cJSON_AddItemToArray(to, item);
    }
}

static void add_registry(const ea_lc_payload_in *in, cJSON *to, const cJSON *c)
{
    const char *parameter =
        ea_json_get_str(ea_json_get(c, "repositoryCredentials"), "credentialsParameter");
    const char *image = ea_json_get_str(c, "image");
    ea_str account = ea_str_of(in->account), region = ea_str_of(in->region);
    cJSON *auth, *data;

    if (parameter) {
        auth = cJSON_AddObjectToObject(to, "registryAuthentication");
        (void)cJSON_AddStringToObject(auth, "type", "asm");
        data = cJSON_AddObjectToObject(auth, "asmAuthData");
        (void)cJSON_AddStringToObject(data, "credentialsParameter", parameter);
        (void)cJSON_AddStringToObject(data, "region", in->region);
    } else if (image && (ea_lc_image_is_ecr(image, &account, &region) ||
                         ea_lc_image_is_of(image, in->registry_url))) {
        char text[64];

        auth = cJSON_AddObjectToObject(to, "registryAuthentication");
        (void)cJSON_AddStringToObject(auth, "type", "ecr");
        data = cJSON_AddObjectToObject(auth, "ecrAuthData");
        (void)snprintf(text, sizeof(text), "%.*s", EA_STR_FMT(account));
        (void)cJSON_AddStringToObject(data, "registryId", text);
        (void)snprintf(text, sizeof(text), "%.*s", EA_STR_FMT(region));
        (void)cJSON_AddStringToObject(data, "region", text);
        if (in->ecr_endpoint)
            (void)cJSON_AddStringToObject(data, "endpointOverride", in->ecr_endpoint);
        if (in->execution_role)
            (void)cJSON_AddTrueToObject(data, "useExecutionRole");
    }
}

static void add_docker(cJSON *to, const cJSON *body, const cJSON *c)
{
    cJSON *docker = cJSON_AddObjectToObject(to, "dockerConfig");
    char version[16];

    (void)snprintf(version, sizeof(version), "1.%d", ea_lc_container_api_minor(c));
    (void)cJSON_AddStringToObject(docker, "version", version);
    add_as_text(docker, "config", ea_lc_docker_config(c));
    add_as_text(docker, "hostConfig", ea_lc_docker_host_config(body, c));
}

static void add_ports(cJSON *to, const cJSON *list)
{
    cJSON *ports = cJSON_AddArrayToObject(to, "portMappings");
    const cJSON *p;

    cJSON_ArrayForEach(p, list)
    {
        cJSON *item = cJSON_CreateObject();

        add_copy(item, "containerPort", ea_json_get(p, "containerPort"));
        add_copy(item, "hostPort", ea_json_get(p, "hostPort"));
        add_copy(item, "containerPortRange", ea_json_get(p, "containerPortRange"));
        add_copy(item, "protocol", ea_json_get(p, "protocol"));
        (void)cJSON_AddItemToArray(ports, item);
    }
}

static cJSON *make_container(const ea_lc_payload_in *in, const cJSON *body, const cJSON *c,
                             const cJSON *override)
{
    static const char *const copied[] = {
        "dependsOn",     "startTimeout",          "stopTimeout",
        "restartPolicy", "firelensConfiguration", "credentialSpecs"
    };
    const char *name = ea_json_get_str(c, "name");
    const cJSON *log = ea_json_get(c, "logConfiguration");
    const struct ea_lc_container *known = NULL;
    cJSON *to = cJSON_CreateObject(), *list, *text;
    const cJSON *files = ea_json_get(override, "environmentFiles");

    for (size_t i = 0; i < in->task->containers.n; i++)
        if (ea_zstr_eq(in->task->containers.v[i].name, name))
            known = &in->task->containers.v[i];
    (void)cJSON_AddStringToObject(to, "name", name);
    (void)cJSON_AddStringToObject(to, "image", ea_json_get_str(c, "image"));
    if (known && known->arn)
        (void)cJSON_AddStringToObject(to, "containerArn", known->arn);
    (void)cJSON_AddNumberToObject(to, "cpu",
                                  (double)ea_lc_int(override, "cpu", ea_lc_int(c, "cpu", 0)));
    (void)cJSON_AddNumberToObject(to, "memory",
                                  (double)ea_lc_int(override, "memory", ea_lc_int(c, "memory", 0)));
    (void)cJSON_AddBoolToObject(to, "essential", ea_lc_bool(c, "essential", true));
    add_copy(to, "entryPoint", ea_json_get(c, "entryPoint"));
    add_copy(to, "command", ea_json_get(c, "command"));
    add_environment(to, c, override);
    add_copy(to, "environmentFiles", files ? files : ea_json_get(c, "environmentFiles"));
    text = cJSON_CreateObject();
    add_copy(text, "command", ea_json_get(override, "command"));
    add_as_text(to, "overrides", text);
    add_ports(to, ea_json_get(c, "portMappings"));
    add_list(to, "mountPoints", ea_json_get(c, "mountPoints"));
    add_list(to, "volumesFrom", ea_json_get(c, "volumesFrom"));
    add_list(to, "links", ea_json_get(c, "links"));
    for (size_t i = 0; i < EA_COUNT(copied); i++)
        add_copy(to, copied[i], ea_json_get(c, copied[i]));
    if (ea_json_get(c, "secrets") || ea_json_get(log, "secretOptions")) {
        list = cJSON_AddArrayToObject(to, "secrets");
        add_secrets(in, list, ea_json_get(c, "secrets"), "CONTAINER");
        add_secrets(in, list, ea_json_get(log, "secretOptions"), "LOG_DRIVER");
    }
    add_registry(in, to, c);
    if (in->execution_role && ea_zstr_eq(ea_json_get_str(log, "logDriver"), "awslogs"))
        (void)cJSON_AddStringToObject(to, "logsAuthStrategy", "ExecutionRole");
    if (ea_json_get(c, "healthCheck"))
        (void)cJSON_AddStringToObject(to, "healthCheckType", "docker");
    /* a reservation given at run time replaces the definition's */
    if (ea_json_get(override, "memoryReservation")) {
        cJSON *changed = cJSON_Duplicate(c, true);

        cJSON_DeleteItemFromObjectCaseSensitive(changed, "memoryReservation");
        add_copy(changed, "memoryReservation", ea_json_get(override, "memoryReservation"));
        add_docker(to, body, changed);
        cJSON_Delete(changed);
    } else {
        add_docker(to, body, c);
    }
    return to;
}

static cJSON *make_volume(const cJSON *v)
{
    static const struct {
        const char *member, *type;
    } kinds[] = {
        { "dockerVolumeConfiguration", "docker" },
        { "efsVolumeConfiguration", "efs" },
        { "fsxWindowsFileServerVolumeConfiguration", "fsxWindowsFileServer" },
    };
    cJSON *to = cJSON_CreateObject();
    const char *path = ea_json_get_str(ea_json_get(v, "host"), "sourcePath");

    (void)cJSON_AddStringToObject(to, "name", ea_json_get_str(v, "name"));
    for (size_t i = 0; i < EA_COUNT(kinds); i++) {
        if (ea_json_get(v, kinds[i].member)) {
            (void)cJSON_AddStringToObject(to, "type", kinds[i].type);
            add_copy(to, kinds[i].member, ea_json_get(v, kinds[i].member));
            return to;
        }
    }
    (void)cJSON_AddStringToObject(to, "type", "host");
    (void)cJSON_AddStringToObject(cJSON_AddObjectToObject(to, "host"), "sourcePath",
                                  path ? path : "");
    return to;
}

static void add_task_limits(cJSON *to, const ea_lc_payload_in *in)
{
    int64_t units = 0, mib = 0;
    ea_err err;

    if (ea_lc_parse_cpu(in->task->cpu, &units, &err) == EA_OK && units)
        (void)cJSON_AddNumberToObject(to, "cpu", (double)units / 1024.0);
    if (ea_lc_parse_memory(in->task->memory, &mib, &err) == EA_OK && mib)
        (void)cJSON_AddNumberToObject(to, "memory", (double)mib);
}

static cJSON *make_task(const ea_lc_payload_in *in, const cJSON *body, const cJSON *overrides)
{
    static const char *const copied[] = { "networkMode", "pidMode", "ipcMode" };
    const struct ea_lc_task *t = in->task;
    cJSON *to = cJSON_CreateObject(), *list;
    const cJSON *item;
    char revision[24];

    (void)cJSON_AddStringToObject(to, "arn", t->arn);
    (void)cJSON_AddStringToObject(to, "taskClusterArn", t->cluster_arn);
    (void)cJSON_AddStringToObject(to, "desiredStatus", t->desired);
    (void)cJSON_AddStringToObject(to, "family", in->taskdef->family);
    (void)snprintf(revision, sizeof(revision), "%lld", (long long)in->taskdef->revision);
    (void)cJSON_AddStringToObject(to, "version", revision);
    (void)cJSON_AddStringToObject(to, "taskDefinitionAccountId", in->account);
    (void)cJSON_AddStringToObject(to, "launchType", "EC2");
    if (t->group)
        (void)cJSON_AddStringToObject(to, "group", t->group);
    add_task_limits(to, in);
    for (size_t i = 0; i < EA_COUNT(copied); i++)
        add_copy(to, copied[i], ea_json_get(body, copied[i]));
    if (ea_lc_bool(body, "enableFaultInjection", false))
        (void)cJSON_AddTrueToObject(to, "enableFaultInjection");
    (void)cJSON_AddStringToObject(to, "overrides", "{}");
    list = cJSON_AddArrayToObject(to, "containers");
    cJSON_ArrayForEach(item, ea_json_get(body, "containerDefinitions"))(void) cJSON_AddItemToArray(
        list,
        make_container(in, body, item, override_of(overrides, ea_json_get_str(item, "name"))));
    list = cJSON_AddArrayToObject(to, "volumes");
    cJSON_ArrayForEach(item, ea_json_get(body, "volumes"))(void)
        cJSON_AddItemToArray(list, make_volume(item));
    return to;
}

ea_code ea_lc_payload_task(const ea_lc_payload_in *in, ea_buf *out, ea_err *err)
{
    cJSON *body = NULL, *overrides = NULL, *task;
    char *text;

    if (ea_json_parse(ea_str_of(in->taskdef->body), &body, err))
        return ea_wrap(err, "task definition %s", in->taskdef->arn);
    if (in->task->overrides && ea_json_parse(ea_str_of(in->task->overrides), &overrides, err)) {
        cJSON_Delete(body);
        return ea_wrap(err, "overrides of %s", in->task->arn);
    }
    task = make_task(in, body, overrides);
    text = cJSON_PrintUnformatted(task);
    cJSON_Delete(task);
    cJSON_Delete(body);
    cJSON_Delete(overrides);
    if (!text || strlen(text) > PAYLOAD_MAX) {
        cJSON_free(text);
        return ea_fail(err, EA_LIMIT, "task %s is too large for a message", in->task->arn);
    }
    text[strlen(text) - 1] =
        '\0'; /* credentials go in by hand, so that they are wiped with `out` */
    ea_buf_adds(out, text);
    cJSON_free(text);
    if (in->role) {
        ea_buf_adds(out, ",\"roleCredentials\":");
        ea_lc_payload_credentials(&in->task->role, in->role, out);
    }
    if (in->execution_role) {
        ea_buf_adds(out, ",\"executionRoleCredentials\":");
        ea_lc_payload_credentials(&in->task->execution_role, in->execution_role, out);
    }
    ea_buf_addc(out, '}');
    return EA_OK;
}
