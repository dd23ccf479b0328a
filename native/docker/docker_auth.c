#include "docker_auth.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/json.h"
#include "image_ref.h"

#include <cJSON.h>

#include <string.h>

#define AUTH_MAX (64 * 1024)
/* The key under which `docker login` keeps the credentials of Docker Hub, scheme removed. */
#define HUB_KEY "index.docker.io/v1/"

char *ea_docker_auth_header(const char *username, const char *password, const char *server)
{
    const struct {
        const char *name, *value;
    } parts[] = { { "username", username }, { "password", password }, { "serveraddress", server } };
    EA_SECRET_BUF_AUTO json = EA_BUF(AUTH_MAX);
    EA_SECRET_BUF_AUTO out = EA_BUF(2 * AUTH_MAX);
    ea_err ignored = { 0 };
    char *text = NULL;

    ea_buf_addc(&json, '{');
    for (size_t i = 0; i < EA_COUNT(parts); i++) {
        if (!parts[i].value)
            continue;
        if (json.n > 1)
            ea_buf_addc(&json, ',');
        ea_buf_addf(&json, "\"%s\":", parts[i].name);
        ea_buf_add_json_str(&json, ea_str_of(parts[i].value));
    }
    ea_buf_addc(&json, '}');
    if (!json.failed)
        ea_buf_add_base64url(&out, json.p, json.n);
    if (json.failed || ea_buf_take(&out, &text, &ignored))
        return NULL; /* beyond any registry's limits: the pull goes on without and says so */
    return text;
}

/* ---- what the operator configured ------------------------------------------------------------- */

struct entry {
    char *key; /* without scheme */
    char *username, *password, *server;
};

struct ea_engine_auth {
    struct entry *v;
    size_t n;
};

static ea_str without_scheme(const char *key)
{
    const char *p = strstr(key, "://");

    return ea_str_of(p ? p + 3 : key);
}

static void free_entry(struct entry *e)
{
    ea_free(e->key);
    ea_secret_free(e->username);
    ea_secret_free(e->password);
    ea_free(e->server);
}

void ea_engine_auth_free(ea_engine_auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        free_entry(&a->v[i]);
    ea_free(a->v);
    ea_free(a);
}

/* "auth": base64 of user:password. */
static ea_code read_dockercfg(const struct cJSON *value, struct entry *e, ea_err *err)
{
    EA_SECRET_BUF_AUTO plain = EA_BUF(AUTH_MAX);
    const char *auth = ea_json_get_str(value, "auth");
    ea_str user, password;

    if (!auth || ea_base64_decode(ea_str_of(auth), AUTH_MAX, &plain, err))
        return ea_fail(err, EA_SETTINGS, "auth of registry %s is not base64", e->key);
    password = ea_str_cut(ea_buf_str(&plain), ':', &user);
    if (!password.p)
        return ea_fail(err, EA_SETTINGS, "auth of registry %s is not user:password", e->key);
    e->username = ea_str_dup(user);
    e->password = ea_str_dup(password);
    e->server = ea_strdup(e->key);
    return EA_OK;
}

static void read_docker(const struct cJSON *value, struct entry *e)
{
    const char *server = ea_json_get_str(value, "serveraddress");

    e->username = ea_strdup(ea_json_get_str(value, "username"));
    e->password = ea_strdup(ea_json_get_str(value, "password"));
    e->server = ea_strdup(server ? server : e->key);
}

static void wipe_tree(struct cJSON *tree)
{
    struct cJSON *registry, *m;

    cJSON_ArrayForEach(registry, tree)
    {
        cJSON_ArrayForEach(m, registry)
        {
            if (m->valuestring)
                ea_secret_wipe(m->valuestring, strlen(m->valuestring));
        }
    }
    cJSON_Delete(tree);
}

static ea_code read_entries(const struct cJSON *tree, bool cfg, ea_engine_auth *a, ea_err *err)
{
    const struct cJSON *value;

    cJSON_ArrayForEach(value, tree)
    {
        struct entry e = { .key = ea_str_dup(without_scheme(value->string)) };

        if (!cJSON_IsObject(value))
            ea_fail(err, EA_SETTINGS, "registry %s: object expected", e.key);
        else if (cfg)
            (void)read_dockercfg(value, &e, err);
        else
            read_docker(value, &e);
        if (err->code) {
            free_entry(&e);
            return err->code;
        }
        a->v = ea_realloc_array(a->v, a->n + 1, sizeof(*a->v));
        a->v[a->n++] = e;
    }
    return EA_OK;
}

ea_code ea_engine_auth_new(const char *type, const char *data, ea_engine_auth **out, ea_err *err)
{
    bool cfg = ea_zstr_eq(type, "dockercfg");
    struct cJSON *tree = NULL;
    ea_err why = { 0 };
    ea_engine_auth *a;

    *out = NULL;
    if (ea_zstr_empty(type))
        return EA_OK;
    if (!cfg && !ea_zstr_eq(type, "docker"))
        return ea_fail(err, EA_SETTINGS, "ECS_ENGINE_AUTH_TYPE is neither dockercfg nor docker");
    /* The parser's text could quote the data. */
    if (ea_json_parse(ea_str_of(data), &tree, &why) || !cJSON_IsObject(tree)) {
        wipe_tree(tree);
        return ea_fail(err, EA_SETTINGS, "ECS_ENGINE_AUTH_DATA is not a JSON object");
    }
    a = ea_alloc(sizeof(*a));
    if (read_entries(tree, cfg, a, &why)) {
        ea_engine_auth_free(a);
        wipe_tree(tree);
        return ea_fail(err, EA_SETTINGS, "ECS_ENGINE_AUTH_DATA: %s", why.text);
    }
    wipe_tree(tree);
    *out = a;
    return EA_OK;
}

static const struct entry *exact(const ea_engine_auth *a, ea_str key)
{
    for (size_t i = 0; i < a->n; i++)
        if (ea_str_eqz(key, a->v[i].key))
            return &a->v[i];
    return NULL;
}

static bool is_hub(ea_str host)
{
    return !host.p || ea_str_eqz(host, "docker.io") || ea_str_eqz(host, "index.docker.io") ||
           ea_str_eqz(host, "registry-1.docker.io");
}

/* The entry of the host itself, unless one with a longer path of that host fits the image. */
static const struct entry *longest(const ea_engine_auth *a, ea_str host, ea_str name)
{
    const struct entry *best = exact(a, host);
    size_t best_n = best ? strlen(best->key) : 0;

    for (size_t i = 0; i < a->n; i++) {
        const char *key = a->v[i].key;
        size_t n = strlen(key);
        bool whole_host = n > host.n && memcmp(key, host.p, host.n) == 0 && key[host.n] == '/';

        if (whole_host && n > best_n && ea_str_starts(name, key)) {
            best = &a->v[i];
            best_n = n;
        }
    }
    return best;
}

char *ea_engine_auth_find(const ea_engine_auth *a, const char *image)
{
    const struct entry *e;
    ea_image_ref ref;
    ea_err ignored = { 0 };
    ea_str host;

    if (!a || ea_image_ref_parse(image, &ref, &ignored))
        return NULL;
    host = ea_image_ref_host(ref.name);
    e = is_hub(host) ? exact(a, EA_STR(HUB_KEY)) : longest(a, host, ref.name);
    return e ? ea_docker_auth_header(e->username, e->password, e->server) : NULL;
}
