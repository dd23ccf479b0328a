#include "identity.h"

#include "../base/alloc.h"
#include "../base/log.h"

#include <cjson/cJSON.h>
#include <string.h>

enum {
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 30000,
    OWNER_TRIES = 3 /* each with the attempts of imds.c */
};

static void ask(void *arg);

/* ---- the pieces, asked for side by side ---- */

struct piece {
    struct ea_identity *id;
    char **slot;
    const char *path;
};

static void all_answered(struct ea_identity *id);

static void answered(void *ctx, ea_str value, const ea_err *err)
{
    struct piece *p = ctx;
    struct ea_identity *id = p->id;

    if (err->code == EA_OK) {
        ea_free(*p->slot);
        *p->slot = ea_str_dup(value);
    } else if (err->code != EA_NOT_FOUND) {
        id->last = *err;
        ea_debug("instance metadata", EA_S("path", p->path), EA_S("err", err->text));
    }
    ea_free(p);
    if (--id->pending == 0)
        all_answered(id);
}

static void get(struct ea_identity *id, const char *path, char **slot)
{
    struct piece *p = ea_alloc(sizeof(*p));
    ea_err err = { 0 };

    p->id = id;
    p->slot = slot;
    p->path = path;
    if (ea_imds_start(id->ag->imds, path, true, answered, p, &err)) {
        id->pending++;
        return;
    }
    id->last = err;
    ea_free(p);
}

static void region_of_document(struct ea_identity *id)
{
    cJSON *json = NULL;
    ea_err err = { 0 };

    if (!id->document || id->region || ea_json_parse(ea_str_of(id->document), &json, &err))
        return;
    ea_set_str(&id->region, ea_json_get_str(json, "region"));
    cJSON_Delete(json);
}

static void ask_again(struct ea_identity *id, const ea_err *err)
{
    id->delay_ms = id->delay_ms ? id->delay_ms * 2 : RETRY_MIN_MS;
    id->delay_ms = id->delay_ms > RETRY_MAX_MS ? RETRY_MAX_MS : id->delay_ms;
    ea_status_wait(&id->ag->status, EA_WAIT_METADATA, err, id->delay_ms);
    ea_timer_arm(id->retry, id->delay_ms);
}

/* A machine that was made from an image of this one has its state too. Metadata that is late at the first
 * start must not let it pass for the other; for ever it is not waited for (task-engine.md section 6.1). */
static bool owner_unclear(struct ea_identity *id)
{
    const char *stored = id->ag->model.meta.ec2_instance_id;
    ea_err err = { 0 };

    if (!stored || id->instance_id || !id->last.code || ++id->owner_tries >= OWNER_TRIES)
        return false;
    (void)ea_fail(
        &err, EA_UNREACHABLE, /* the text is what is wanted */
        "is this still instance %s, whose state is here? instance metadata does not tell: %s",
        stored, id->last.text);
    ask_again(id, &err);
    return true;
}

/* For metadata files, which user data may have asked for. True: answers are on their way. */
static bool ask_addresses(struct ea_identity *id)
{
    if (id->asked_addresses || !ea_imds_enabled(id->ag->imds) ||
        !ea_cfg_bool(id->ag->config, EA_CFG_CONTAINER_METADATA))
        return false;
    id->asked_addresses = true;
    get(id, "/latest/meta-data/local-ipv4", &id->local_ipv4);
    get(id, "/latest/meta-data/public-ipv4", &id->public_ipv4);
    get(id, "/latest/meta-data/ipv6", &id->ipv6);
    return id->pending > 0;
}

/* The configured region wins; the identity document is next, then the region's own path. */
static void all_answered(struct ea_identity *id)
{
    ea_agent *ag = id->ag;
    const char *configured = ea_cfg_str(ag->config, EA_CFG_REGION);
    ea_err err = { 0 };

    if (owner_unclear(id))
        return;

    if (id->user_data)
        ea_config_user_data(ag->config, ea_str_of(id->user_data));
    if (ask_addresses(id))
        return;
    region_of_document(id);
    if (!*configured && !id->region && !id->asked_region && ea_imds_enabled(ag->imds)) {
        id->asked_region = true;
        get(id, "/latest/meta-data/placement/region", &id->region);
        if (id->pending)
            return;
    }
    if (!*configured && ea_zstr_empty(id->region)) {
        (void)ea_fail(&err, EA_UNREACHABLE, /* the text is what is wanted */
                      "no region: AWS_DEFAULT_REGION is not set and instance metadata did not tell "
                      "it (%s); set AWS_DEFAULT_REGION",
                      id->last.text[0] ? id->last.text : "no answer");
        ask_again(id, &err);
        return;
    }
    ea_set_str(&ag->region, *configured ? configured : id->region);
    ea_status_clear(&ag->status, EA_WAIT_METADATA);
    ea_agent_identified(ag);
}

static void nothing_asked(void *arg)
{
    all_answered(arg);
}

static void ask(void *arg)
{
    struct ea_identity *id = arg;

    id->asked_region = false;
    id->last = (ea_err){ 0 };
    id->pending = 1; /* held until all are asked: an answer must not find the list at its end */
    if (ea_imds_enabled(id->ag->imds)) {
        get(id, "/latest/user-data", &id->user_data);
        get(id, "/latest/meta-data/instance-id", &id->instance_id);
        get(id, "/latest/meta-data/outpost-arn", &id->outpost_arn);
        get(id, "/latest/dynamic/instance-identity/document", &id->document);
        get(id, "/latest/dynamic/instance-identity/signature", &id->signature);
    }
    if (--id->pending == 0)
        ea_loop_defer(id->ag->loop, nothing_asked, id);
}

struct ea_identity *ea_identity_start(ea_agent *ag)
{
    struct ea_identity *id = ea_alloc(sizeof(*id));

    id->ag = ag;
    id->retry = ea_timer_new(ag->loop, ask, id);
    ea_status_wait(&ag->status, EA_WAIT_METADATA, NULL, 0);
    ask(id);
    return id;
}

void ea_identity_free(struct ea_identity *id)
{
    if (!id)
        return;
    ea_timer_free(id->retry);
    ea_free(id->instance_id);
    ea_free(id->outpost_arn);
    ea_free(id->document);
    ea_free(id->signature);
    ea_secret_free(id->user_data);
    ea_free(id->region);
    ea_free(id->local_ipv4);
    ea_free(id->public_ipv4);
    ea_free(id->ipv6);
    ea_free(id);
}
