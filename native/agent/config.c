#include "config.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "config_names.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_FILE = 256 * 1024
};

/* clang-format off */
static const ea_set_row linux_rows[] = {
#define X(id, var, key, type, lin, win, lo, hi, flags, help) \
    { (var), (key), (lin), EA_SET_##type, (lo), (hi), (flags), (help) },
    EA_SETTINGS(X)
#undef X
};
static const ea_set_row windows_rows[] = {
#define X(id, var, key, type, lin, win, lo, hi, flags, help) \
    { (var), (key), (win), EA_SET_##type, (lo), (hi), (flags), (help) },
    EA_SETTINGS(X)
#undef X
};
/* clang-format on */

/* Names that ECS knows (task-engine.md section 3.10). */
static const char *const logging_drivers[] = { "json-file",  "syslog",    "journald",   "none",
                                               "gelf",       "fluentd",   "awslogs",    "splunk",
                                               "logentries", "sumologic", "awsfirelens" };

struct value {
    char *text; /* checked; NULL: the default */
    ea_set_source source;
};

struct ea_config {
    struct value values[EA_CFG_COUNT];
    ea_strlist warnings;
};

const ea_set_row *ea_config_row(ea_set_id id)
{
    return ea_plat_is_windows() ? &windows_rows[id] : &linux_rows[id];
}

static void warn(ea_config *c, const char *fmt, ...) EA_PRINTF(2, 3);

static void warn(ea_config *c, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* a long value may be cut */
    va_end(ap);
    ea_strlist_add(&c->warnings, text);
}

/* ---- checks of one value ---- */

static ea_code check_drivers(const cJSON *list, ea_err *err)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        bool known = false;
        for (size_t i = 0; i < EA_COUNT(logging_drivers); i++)
            known = known ||
                    (cJSON_IsString(item) && strcmp(item->valuestring, logging_drivers[i]) == 0);
        if (!known)
            return ea_fail(err, EA_SETTINGS, "unknown log driver %s",
                           cJSON_IsString(item) ? item->valuestring : "(not a string)");
    }
    return EA_OK;
}

static ea_code check_ports(const cJSON *list, ea_err *err)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        double port = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(port >= 1 && port <= 65535) || port != (double)(int)port)
            return ea_fail(err, EA_SETTINGS, "a list of ports from 1 to 65535 is expected");
    }
    return EA_OK;
}

static ea_code check_map(ea_set_id id, const cJSON *map, ea_err *err)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, map)
    {
        if (!cJSON_IsString(item))
            return ea_fail(err, EA_SETTINGS, "value of %s is not a string", item->string);
        if (id == EA_CFG_INSTANCE_TAGS &&
            (strlen(item->string) > 128 || strlen(item->valuestring) > 256))
            return ea_fail(err, EA_SETTINGS, "tag %.40s: key over 128 or value over 256 characters",
                           item->string);
    }
    return EA_OK;
}

static ea_code check_json(ea_set_id id, ea_str text, ea_err *err)
{
    const ea_set_row *row = ea_config_row(id);
    cJSON *json = NULL;
    ea_code code = ea_json_parse(text, &json, err);

    if (code)
        return ea_wrap(err, "JSON");
    if (row->type == EA_SET_JSON_LIST && !cJSON_IsArray(json))
        code = ea_fail(err, EA_SETTINGS, "a JSON array is expected");
    else if (row->type == EA_SET_JSON_MAP && !cJSON_IsObject(json))
        code = ea_fail(err, EA_SETTINGS, "a JSON object is expected");
    else if (id == EA_CFG_LOGGING_DRIVERS)
        code = check_drivers(json, err);
    else if (id == EA_CFG_RESERVED_PORTS || id == EA_CFG_RESERVED_PORTS_UDP)
        code = check_ports(json, err);
    else if (row->type == EA_SET_JSON_MAP)
        code = check_map(id, json, err);
    cJSON_Delete(json);
    return code;
}

/* Settings of one word each. */
static const struct {
    ea_set_id id;
    const char *list, *told;
} words[] = {
    { EA_CFG_IMAGE_PULL_BEHAVIOR, "default always once prefer-cached",
      "default, always, once or prefer-cached" },
    { EA_CFG_LOG_ROLLOVER, "size none", "size or none (by the hour is not in this version)" },
    { EA_CFG_STATS_SOURCE, "auto engine cgroup", "auto, engine or cgroup" },
};

static bool is_one_of(const char *word, const char *list)
{
    for (ea_str rest = ea_str_of(list), one; rest.n > 0;) {
        rest = ea_str_cut(rest, ' ', &one);
        if (ea_str_eqz(one, word))
            return true;
    }
    return false;
}

static bool is_port_range(ea_str text)
{
    ea_str head, tail = ea_str_cut(text, '-', &head);
    ea_err err = { 0 };
    int64_t a, b;

    return tail.p && ea_str_to_i64(head, 1, 65535, &a, &err) == EA_OK &&
           ea_str_to_i64(tail, 1, 65535, &b, &err) == EA_OK && a <= b;
}

static ea_code check_words(ea_set_id id, ea_str text, ea_err *err)
{
    ea_level level;
    EA_FREE_AUTO char *z = ea_str_dup(text);

    if (id == EA_CFG_LOGLEVEL && !ea_level_parse(z, &level))
        return ea_fail(err, EA_SETTINGS, "crit, error, warn, info or debug is expected");
    if (id == EA_CFG_LOGLEVEL_ON_INSTANCE && !ea_zstr_eq(z, "none") && !ea_level_parse(z, &level))
        return ea_fail(err, EA_SETTINGS, "crit, error, warn, info, debug or none is expected");
    for (size_t i = 0; i < EA_COUNT(words); i++)
        if (words[i].id == id && !is_one_of(z, words[i].list))
            return ea_fail(err, EA_SETTINGS, "%s is expected", words[i].told);
    if (id == EA_CFG_DYNAMIC_PORTS && !is_port_range(text))
        return ea_fail(err, EA_SETTINGS, "<first>-<last> of 1 to 65535 is expected");
    if (id == EA_CFG_LOG_FORMAT && !ea_zstr_eq(z, "json") && !ea_zstr_eq(z, "logfmt"))
        return ea_fail(err, EA_SETTINGS, "logfmt or json is expected");
    if (id == EA_CFG_DOCKER_HOST && !ea_str_starts(text, "unix://") &&
        !ea_str_starts(text, "npipe://"))
        return ea_fail(err, EA_SETTINGS, "unix://<path> or npipe://<pipe> is expected");
    return EA_OK;
}

/* Checks `text` for the row; *clamped is set when another text must be stored instead (owned). */
static ea_code check_value(ea_config *c, ea_set_id id, ea_str text, char **clamped, ea_err *err)
{
    const ea_set_row *row = ea_config_row(id);
    int64_t n = 0, lo;
    bool b;

    switch (row->type) {
    case EA_SET_STR:
    case EA_SET_CSV:
        return check_words(id, text, err);
    case EA_SET_BOOL:
        return ea_str_to_bool(text, &b, err);
    case EA_SET_INT:
        return ea_str_to_i64(text, row->lo, row->hi ? row->hi : INT64_MAX, &n, err);
    case EA_SET_DURATION:
        if (ea_parse_go_duration(text, &n, err))
            return err->code;
        lo = id == EA_CFG_CONTAINER_START_TIMEOUT && ea_plat_is_windows() ? 120000 : row->lo;
        if (n < lo && (row->flags & EA_SETF_DEFAULT))
            return ea_fail(err, EA_SETTINGS, "shorter than allowed");
        if (n < lo || (row->hi && n > row->hi)) {
            char go[EA_RFC3339_MAX];
            ea_format_go_duration(n < lo ? lo : row->hi, go);
            warn(c, "%s=%.*s is out of range: %s is used", row->var, EA_STR_FMT(text), go);
            *clamped = ea_strdup(go);
        }
        return EA_OK;
    case EA_SET_JSON_LIST:
    case EA_SET_JSON_MAP:
        return check_json(id, text, err);
    }
    return EA_OK;
}

/* ---- setting one value ---- */

/* Says what would be done anyway. */
static bool is_default(const ea_set_row *row, ea_str text)
{
    bool set, def;
    ea_err err = { 0 };

    if (row->type == EA_SET_BOOL && ea_str_to_bool(text, &set, &err) == EA_OK &&
        ea_str_to_bool(ea_str_of(row->def), &def, &err) == EA_OK)
        return set == def;
    return ea_str_eqz(text, row->def);
}

static void check_platform(ea_config *c, const ea_set_row *row, ea_str text)
{
    bool windows = ea_plat_is_windows();

    if ((row->flags & EA_SETF_WIN) && !windows)
        warn(c, "%s works on Windows only and is ignored", row->var);
    if ((row->flags & EA_SETF_LINUX) && windows)
        warn(c, "%s works on Linux only and is ignored", row->var);
    if ((row->flags & EA_SETF_LATER) && !is_default(row, text))
        warn(c, "%s has no effect in this version (%s)", row->var, row->help);
}

static ea_code set_value(ea_config *c, ea_set_id id, ea_str text, ea_set_source source, ea_err *err)
{
    const ea_set_row *row = ea_config_row(id);
    struct value *v = &c->values[id];
    char *clamped = NULL;
    ea_err why = { 0 };

    if (!(row->flags & EA_SETF_SECRET))
        text = ea_str_trim(text);
    if (text.n == 0 || source < v->source)
        return EA_OK;
    check_platform(c, row, text);
    if (check_value(c, id, text, &clamped, &why)) {
        const char *shown = (row->flags & EA_SETF_SECRET) ? "***" : text.p;
        size_t n = (row->flags & EA_SETF_SECRET) ? 3 : (text.n > 100 ? 100 : text.n);
        if (row->flags & EA_SETF_STRICT)
            return ea_fail(err, EA_SETTINGS, "%s=%.*s: %s", row->var, (int)n, shown, why.text);
        warn(c, "%s=%.*s is not used: %s", row->var, (int)n, shown, why.text);
        return EA_OK;
    }
    if (row->flags & EA_SETF_SECRET)
        ea_secret_free(v->text);
    else
        ea_free(v->text);
    v->text = clamped ? clamped : ea_str_dup(text);
    v->source = source;
    return EA_OK;
}

static bool find_var(ea_str name, ea_set_id *id)
{
    for (int i = 0; i < EA_CFG_COUNT; i++) {
        const char *var = ea_config_row((ea_set_id)i)->var;
        if (ea_plat_is_windows() ? ea_str_eq_nocase(name, ea_str_of(var)) : ea_str_eqz(name, var)) {
            *id = (ea_set_id)i;
            return true;
        }
    }
    return false;
}

/* ---- sources ---- */

static bool is_key(const char *name)
{
    for (int i = 0; i < EA_CFG_COUNT; i++) {
        const char *key = ea_config_row((ea_set_id)i)->key;

        if (key && ea_str_eq_nocase(ea_str_of(name), ea_str_of(key)))
            return true;
    }
    return false;
}

static ea_code from_pair(ea_config *c, ea_str pair, ea_set_source source, ea_err *err)
{
    ea_str name, value = ea_str_cut(pair, '=', &name);
    ea_set_id id;

    name = ea_str_trim(name);
    if (!value.p)
        return EA_OK;
    if (!find_var(name, &id)) {
        char text[200];

        if (ea_config_stranger(name, text))
            warn(c, "%s", text);
        return EA_OK;
    }
    return set_value(c, id, value, source, err);
}

static ea_code from_env_text(ea_config *c, ea_str text, ea_err *err)
{
    while (text.n > 0) {
        ea_str line;
        text = ea_str_cut(text, '\n', &line);
        line = ea_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (from_pair(c, line, EA_FROM_ENV_FILE, err))
            return err->code;
    }
    return EA_OK;
}

/* A member of the JSON file becomes the text that the variable would have. */
static void json_to_text(const cJSON *item, const ea_set_row *row, ea_buf *out)
{
    if (cJSON_IsString(item))
        ea_buf_adds(out, item->valuestring);
    else if (cJSON_IsBool(item))
        ea_buf_adds(out, cJSON_IsTrue(item) ? "true" : "");
    else if (cJSON_IsNumber(item) && row->type == EA_SET_DURATION && item->valuedouble > 0)
        ea_buf_addf(out, "%.0fms", item->valuedouble / 1e6);
    else if (cJSON_IsNumber(item) && item->valuedouble != 0)
        ea_buf_addf(out, "%.0f", item->valuedouble);
    else if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && item->child) {
        char *text = cJSON_PrintUnformatted(item);
        ea_buf_adds(out, text);
        cJSON_free(text);
    }
}

static ea_code from_object(ea_config *c, const cJSON *object, ea_set_source source, ea_err *err)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object)
    {
        if (!is_key(member->string))
            warn(c, "member %.60s of the JSON settings has no effect", member->string);
    }
    for (int i = 0; i < EA_CFG_COUNT; i++) {
        const ea_set_row *row = ea_config_row((ea_set_id)i);
        const cJSON *item = row->key ? cJSON_GetObjectItem(object, row->key) : NULL;
        EA_BUF_AUTO text = EA_BUF(MAX_FILE);

        if (!item)
            continue;
        json_to_text(item, row, &text);
        if (set_value(c, (ea_set_id)i, ea_buf_str(&text), source, err))
            return err->code;
    }
    return EA_OK;
}

static ea_code from_json_file(ea_config *c, const char *path, ea_err *err)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(MAX_FILE);
    cJSON *json = NULL;
    ea_err why = { 0 };
    ea_code code;

    if (ea_plat_read_file(path, MAX_FILE, &text, &why))
        return ea_fail(err, EA_SETTINGS, "JSON settings: %s", why.text);
    if (ea_json_parse(ea_buf_str(&text), &json, &why) || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return ea_fail(err, EA_SETTINGS, "%s is not a JSON object: %s", path, why.text);
    }
    code = from_object(c, json, EA_FROM_JSON_FILE, err);
    cJSON_Delete(json);
    return code ? ea_wrap(err, "%s", path) : EA_OK;
}

static ea_code from_env_file(ea_config *c, ea_err *err)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(MAX_FILE);
    const char *named = ea_cfg_str(c, EA_CFG_CONFIG_ENV_FILE);
    EA_FREE_AUTO char *path = *named ? ea_strdup(named) : ea_plat_default_path(EA_PATH_CONFIG_FILE);
    ea_err why = { 0 };

    if (!path)
        return EA_OK;
    if (ea_plat_read_file(path, MAX_FILE, &text, &why)) {
        if (*named)
            return ea_fail(err, EA_SETTINGS, "%s", why.text);
        if (why.code != EA_NOT_FOUND)
            warn(c, "settings file not used: %s", why.text);
        return EA_OK;
    }
    /* A file that was named is the namer's affair; one in the usual place may be anybody's. */
    if (!*named && ea_plat_trusted_file(path, &why))
        return ea_fail(err, EA_SETTINGS, "settings file: %s", why.text);
    if (from_env_text(c, ea_buf_str(&text), err))
        return ea_wrap(err, "%s", path);
    return EA_OK;
}

/* In the usual place it is nobody's order: it counts only when administrators own it. */
static ea_code from_usual_json_file(ea_config *c, ea_err *err)
{
    EA_FREE_AUTO char *path = ea_plat_default_path(EA_PATH_CONFIG_JSON);
    ea_err why = { 0 };

    if (!path || !ea_plat_exists(path))
        return EA_OK;
    if (ea_plat_trusted_file(path, &why)) {
        warn(c, "settings file not used: %s", why.text);
        return EA_OK;
    }
    return from_json_file(c, path, err);
}

ea_code ea_config_load(const char *const *env, ea_config **out, ea_err *err)
{
    ea_config *c = ea_alloc(sizeof(*c));

    for (size_t i = 0; env[i]; i++) {
        if (from_pair(c, ea_str_of(env[i]), EA_FROM_ENVIRONMENT, err))
            goto bad;
    }
    if (from_env_file(c, err))
        goto bad;
    if (*ea_cfg_str(c, EA_CFG_CONFIG_FILE)
            ? from_json_file(c, ea_cfg_str(c, EA_CFG_CONFIG_FILE), err)
            : from_usual_json_file(c, err))
        goto bad;
    *out = c;
    return EA_OK;
bad:
    ea_config_free(c);
    return err->code;
}

void ea_config_user_data(ea_config *c, ea_str text)
{
    cJSON *json = NULL;
    ea_err err = { 0 };
    const cJSON *settings;

    if (ea_json_parse(text, &json, &err))
        return; /* user data is usually a script */
    settings = cJSON_GetObjectItem(json, "ECSAgentConfiguration");
    if (cJSON_IsObject(settings) && from_object(c, settings, EA_FROM_USER_DATA, &err))
        warn(c, "user data: %s", err.text);
    cJSON_Delete(json);
}

void ea_config_free(ea_config *c)
{
    if (!c)
        return;
    for (int i = 0; i < EA_CFG_COUNT; i++)
        ea_secret_free(c->values[i].text);
    ea_strlist_free(&c->warnings);
    ea_free(c);
}

void ea_config_log_warnings(ea_config *c)
{
    for (size_t i = 0; i < c->warnings.n; i++)
        ea_warn("setting", EA_S("err", c->warnings.v[i]));
    ea_strlist_free(&c->warnings);
}

/* ---- reading ---- */

ea_set_source ea_config_source(const ea_config *c, ea_set_id id)
{
    return c->values[id].source;
}

const char *ea_cfg_str(const ea_config *c, ea_set_id id)
{
    return c->values[id].text ? c->values[id].text : ea_config_row(id)->def;
}

bool ea_cfg_bool(const ea_config *c, ea_set_id id)
{
    bool b = false;
    ea_err err = { 0 };

    if (ea_str_to_bool(ea_str_of(ea_cfg_str(c, id)), &b, &err))
        return false; /* the default "" */
    return b;
}

int64_t ea_cfg_int(const ea_config *c, ea_set_id id)
{
    int64_t n = 0;
    ea_err err = { 0 };

    if (ea_str_to_i64(ea_str_of(ea_cfg_str(c, id)), INT64_MIN, INT64_MAX, &n, &err))
        return 0;
    return n;
}

int64_t ea_cfg_ms(const ea_config *c, ea_set_id id)
{
    int64_t ms = 0;
    ea_err err = { 0 };

    if (ea_parse_go_duration(ea_str_of(ea_cfg_str(c, id)), &ms, &err))
        return 0;
    return ms;
}

static cJSON *parse_checked(const ea_config *c, ea_set_id id)
{
    cJSON *json = NULL;
    ea_err err = { 0 };

    if (ea_json_parse(ea_str_of(ea_cfg_str(c, id)), &json, &err))
        return NULL; /* cannot be: it was parsed when it was set */
    return json;
}

/* An empty list of ports keeps the default (control-plane.md section 1.3). */
void ea_cfg_i64list(const ea_config *c, ea_set_id id, ea_i64list *out)
{
    cJSON *json = parse_checked(c, id);
    const cJSON *item;
    size_t n = (size_t)cJSON_GetArraySize(json);

    if (n == 0 && *ea_config_row(id)->def) {
        ea_err err = { 0 };
        cJSON_Delete(json);
        json = NULL;
        if (ea_json_parse(ea_str_of(ea_config_row(id)->def), &json, &err))
            return;
        n = (size_t)cJSON_GetArraySize(json);
    }
    out->v = n ? ea_alloc_array(n, sizeof(*out->v)) : NULL;
    out->n = 0;
    cJSON_ArrayForEach(item, json)
    {
        out->v[out->n++] = (int64_t)item->valuedouble;
    }
    cJSON_Delete(json);
}

void ea_cfg_strlist(const ea_config *c, ea_set_id id, ea_strlist *out)
{
    cJSON *json = parse_checked(c, id);
    const cJSON *item;

    cJSON_ArrayForEach(item, json)
    {
        ea_strlist_add(out, item->valuestring);
    }
    cJSON_Delete(json);
}

void ea_cfg_strmap(const ea_config *c, ea_set_id id, ea_strmap *out)
{
    cJSON *json = parse_checked(c, id);
    const cJSON *item;

    cJSON_ArrayForEach(item, json)
    {
        ea_strmap_set(out, item->string, item->valuestring);
    }
    cJSON_Delete(json);
}

static ea_pull_behavior pull_behavior(const char *word)
{
    if (strcmp(word, "always") == 0)
        return EA_PULL_ALWAYS;
    if (strcmp(word, "once") == 0)
        return EA_PULL_ONCE;
    if (strcmp(word, "prefer-cached") == 0)
        return EA_PULL_PREFER_CACHED;
    return EA_PULL_DEFAULT;
}

static void port_range(const ea_config *c, int64_t *first, int64_t *last)
{
    ea_str head, tail = ea_str_cut(ea_str_of(ea_cfg_str(c, EA_CFG_DYNAMIC_PORTS)), '-', &head);
    ea_err err = { 0 };
    int64_t a, b;

    if (tail.p && ea_str_to_i64(head, 1, 65535, &a, &err) == EA_OK &&
        ea_str_to_i64(tail, 1, 65535, &b, &err) == EA_OK && a <= b) {
        *first = a;
        *last = b;
        return;
    }
    ea_plat_dynamic_ports(first, last);
}

void ea_config_engine(const ea_config *c, struct ea_engine_settings *out)
{
    memset(out, 0, sizeof(*out));
    out->pull_behavior = pull_behavior(ea_cfg_str(c, EA_CFG_IMAGE_PULL_BEHAVIOR));
    out->windows = ea_plat_is_windows();
    out->task_iam_role = ea_cfg_bool(c, EA_CFG_TASK_IAM_ROLE);
    out->pull_dependent_upfront = ea_cfg_bool(c, EA_CFG_PULL_DEPENDENT_UPFRONT);
    out->manifest_pull_ms = ea_cfg_ms(c, EA_CFG_MANIFEST_PULL_TIMEOUT);
    out->image_pull_ms = ea_cfg_ms(c, EA_CFG_IMAGE_PULL_TIMEOUT);
    out->image_pull_inactivity_ms = ea_cfg_ms(c, EA_CFG_IMAGE_PULL_INACTIVITY);
    out->create_ms = ea_cfg_ms(c, EA_CFG_CONTAINER_CREATE_TIMEOUT);
    out->start_ms = ea_cfg_ms(c, EA_CFG_CONTAINER_START_TIMEOUT);
    out->no_zone = ea_cfg_bool(c, EA_CFG_DISABLE_METADATA_AZ);
    out->stop_s = ea_cfg_ms(c, EA_CFG_CONTAINER_STOP_TIMEOUT) / 1000;
    out->task_cleanup_ms = ea_cfg_ms(c, EA_CFG_TASK_CLEANUP_WAIT);
    out->task_cleanup_jitter_ms = ea_cfg_ms(c, EA_CFG_TASK_CLEANUP_JITTER);
    out->image_cleanup = !ea_cfg_bool(c, EA_CFG_DISABLE_IMAGE_CLEANUP);
    out->image_cleanup_interval_ms = ea_cfg_ms(c, EA_CFG_IMAGE_CLEANUP_INTERVAL);
    out->image_min_age_ms = ea_cfg_ms(c, EA_CFG_IMAGE_MIN_AGE);
    out->images_per_cycle = ea_cfg_int(c, EA_CFG_IMAGES_PER_CYCLE);
    out->untracked_cleanup = ea_cfg_bool(c, EA_CFG_UNTRACKED_CLEANUP);
    out->untracked_min_age_ms = ea_cfg_ms(c, EA_CFG_NON_ECS_IMAGE_MIN_AGE);
    out->containers_per_cycle = ea_cfg_int(c, EA_CFG_CONTAINERS_PER_CYCLE);
    out->disk_high_percent = ea_cfg_int(c, EA_CFG_IMAGE_DISK_HIGH);
    out->disk_low_percent = ea_cfg_int(c, EA_CFG_IMAGE_DISK_LOW);
    out->images_kept = ea_cfg_str(c, EA_CFG_EXCLUDE_UNTRACKED); /* lives as long as the settings */
    port_range(c, &out->port_first, &out->port_last);
}

void ea_config_print(const ea_config *c, ea_buf *out)
{
    static const char *const sources[] = { "default", "user data", "ecs.config", "JSON file",
                                           "environment" };

    for (int i = 0; i < EA_CFG_COUNT; i++) {
        const ea_set_row *row = ea_config_row((ea_set_id)i);
        const char *value = ea_cfg_str(c, (ea_set_id)i);

        if ((row->flags & EA_SETF_SECRET) && *value)
            value = "***";
        ea_buf_addf(out, "%-50s %-40s %-12s %s\n", row->var, *value ? value : "-",
                    sources[c->values[i].source],
                    (row->flags & EA_SETF_LATER) ? "later: not in this version" : row->help);
    }
}
