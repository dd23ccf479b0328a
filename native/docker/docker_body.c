#include "docker_body.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "docker_container.h"
#include "docker_hostconfig.h"
#include "docker_json.h"
#include "docker_overlay.h"

#include <cJSON.h>

#include <string.h>

#define BODY_MAX (8 * 1024 * 1024) /* environment and secrets of one container */
#define ENDPOINT "http://169.254.170.2"

/* ---- environment ------------------------------------------------------------------------------ */

static void set_all(ea_strmap *into, const ea_strmap *from)
{
    for (size_t i = 0; from && i < from->n; i++)
        ea_strmap_set(into, from->v[i].k, from->v[i].v ? from->v[i].v : "");
}

static void set_uri(ea_strmap *env, const char *name, const char *prefix, const char *id)
{
    EA_FREE_AUTO char *value = ea_sprintf_dup("%s%s", prefix, id);

    ea_strmap_set(env, name, value);
}

static bool list_defines(const ea_strlist *env, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; env && i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
            return true;
    return false;
}

/* The region is a gift: whoever names one himself, in the task or in the image, gets neither. */
static void add_region(ea_strmap *env, const struct ea_body_settings *set)
{
    static const char *const names[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };

    if (ea_zstr_empty(set->region))
        return;
    for (size_t i = 0; i < EA_COUNT(names); i++)
        if (ea_strmap_get(env, names[i]) || list_defines(set->image_env, names[i]))
            return;
    for (size_t i = 0; i < EA_COUNT(names); i++)
        ea_strmap_set(env, names[i], set->region);
}

/* Lowest priority first: later ones replace. Source: task-engine.md section 3.2. */
static void build_env(const struct ea_task *t, const struct ea_container *c,
                      const struct ea_body_settings *set, ea_strmap *env)
{
    set_all(env, set->file_env);
    set_all(env, &c->environment);
    set_all(env, set->secret_env);
    if (!ea_zstr_empty(t->credentials_id))
        set_uri(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/",
                t->credentials_id);
    if (!ea_zstr_empty(c->endpoint_id)) {
        set_uri(env, "ECS_CONTAINER_METADATA_URI", ENDPOINT "/v3/", c->endpoint_id);
        set_uri(env, "ECS_CONTAINER_METADATA_URI_V4", ENDPOINT "/v4/", c->endpoint_id);
        set_uri(env, "ECS_AGENT_URI", ENDPOINT "/api/", c->endpoint_id);
    }
    if (!ea_zstr_empty(set->metadata_file))
        ea_strmap_set(env, "ECS_CONTAINER_METADATA_FILE", set->metadata_file);
    add_region(env, set);
}

static void add_env(const struct ea_task *t, const struct ea_container *c,
                    const struct ea_body_settings *set, struct cJSON *body, bool *oom)
{
    ea_strmap env = { 0 };
    struct cJSON *list = ea_jt_array(body, "Env", oom);

    build_env(t, c, set, &env);
    for (size_t i = 0; i < env.n; i++) {
        char *text = ea_sprintf_dup("%s=%s", env.v[i].k, env.v[i].v);

        ea_jt_push_str(list, text, oom);
        ea_secret_free(text);
        ea_secret_wipe(env.v[i].v, strlen(env.v[i].v));
    }
    ea_strmap_free(&env);
}

/* ---- the other members ------------------------------------------------------------------------ */

static void add_words(struct cJSON *body, const char *name, const ea_strlist *words, bool *oom)
{
    struct cJSON *list;

    if (!words->n)
        return; /* the image's own */
    list = ea_jt_array(body, name, oom);
    for (size_t i = 0; i < words->n; i++)
        ea_jt_push_str(list, words->v[i], oom);
}

struct expose_sink {
    struct cJSON *ports;
    bool *oom;
};

static void expose(void *ctx, const char *key, int64_t host_port)
{
    struct expose_sink *sink = ctx;

    (void)host_port;
    ea_jt_set(sink->ports, key, cJSON_CreateObject(), sink->oom);
}

/* Written last, so that they always win: the agent finds its containers by them. */
static void add_labels(const struct ea_task *t, const struct ea_container *c,
                       const struct ea_body_settings *set, struct cJSON *body, bool *oom)
{
    struct cJSON *labels = ea_jt_object(body, "Labels", oom);

    ea_jt_set_str(labels, EA_LABEL_TASK, t->arn, oom);
    ea_jt_set_str(labels, EA_LABEL_CONTAINER, c->name, oom);
    ea_jt_set_str(labels, EA_LABEL_FAMILY, t->family, oom);
    ea_jt_set_str(labels, EA_LABEL_VERSION, t->version, oom);
    ea_jt_set_str(labels, EA_LABEL_CLUSTER, set->cluster, oom);
}

static ea_code build_config(const struct ea_task *t, const struct ea_container *c,
                            const struct ea_body_settings *set, struct cJSON *body, bool *oom,
                            ea_err *err)
{
    struct expose_sink sink;

    ea_jt_set_str(body, "Image", c->image, oom);
    add_words(body, "Cmd", &c->command, oom);
    add_words(body, "Entrypoint", &c->entry_point, oom);
    sink = (struct expose_sink){ ea_jt_object(body, "ExposedPorts", oom), oom };
    if (ea_docker_ports(c, expose, &sink, err))
        return err->code;
    add_env(t, c, set, body, oom);
    if (*oom)
        return EA_OK;
    if (ea_docker_overlay(body, EA_OVERLAY_CONFIG, ea_str_of(c->docker_config.config), err))
        return ea_wrap(err, "dockerConfig.config");
    if (ea_container_has_health_check(c) && !ea_json_get(body, "Healthcheck"))
        return ea_fail(err, EA_INVALID,
                       "healthCheckType is docker, but the configuration has no health check");
    /* These two are members of the body of their own; the raw Config must not bring them in. */
    cJSON_DeleteItemFromObject(body, "HostConfig");
    cJSON_DeleteItemFromObject(body, "NetworkingConfig");
    add_labels(t, c, set, body, oom);
    return EA_OK;
}

static ea_code print(struct cJSON *body, char **json, ea_err *err)
{
    EA_SECRET_BUF_AUTO out = EA_BUF(BODY_MAX);

    ea_jt_print(body, &out);
    return ea_buf_take(&out, json, err);
}

ea_code ea_docker_body(const struct ea_task *t, const struct ea_container *c,
                       const struct ea_body_settings *set, char **json, const char **error_name,
                       ea_err *err)
{
    struct cJSON *body = cJSON_CreateObject();
    bool oom = !body;
    ea_code rc;

    *error_name = "DockerClientConfigError";
    rc = build_config(t, c, set, body, &oom, err);
    if (!rc) {
        *error_name = "HostConfigError";
        rc = ea_docker_hostconfig(t, c, set, body, &oom, err);
    }
    if (!rc && !oom)
        ea_jt_set(body, "NetworkingConfig", cJSON_CreateObject(), &oom);
    if (!rc && oom)
        rc = ea_fail(err, EA_NO_MEMORY, "no memory for the body of container %s", c->name);
    if (!rc)
        rc = print(body, json, err);
    ea_jt_wipe(body);
    return rc;
}
