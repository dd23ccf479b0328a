#include "register.h"

#include "../base/alloc.h"
#include "../base/backoff.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "docker_link.h"
#include "identity.h"
#include "task_endpoint.h"
#include "turn.h"

#include <string.h>

enum {
    AGAIN_MIN_MS = 60000
};

struct ea_registrar {
    ea_agent *ag;
    ea_timer *timer;
    ea_backoff backoff;
    ea_ecs_op *op; /* call under way */
    struct ea_ecs_register sent;
    struct ea_caps sent_caps; /* of the registration that stands */
    bool registered;
    bool create_cluster; /* the default cluster is to be made first */
    int64_t last_ms;     /* monotonic; of the last success */
    char token[37];      /* client token of this sequence of attempts */
};

static void attempt(void *arg);

/* ---- the request ---- */

static void add_ports(struct ea_registrar *r, const char *name, ea_set_id id, bool with_80)
{
    ea_i64list ports = { 0 };
    ea_strlist text = { 0 };
    bool has_80 = false;

    ea_cfg_i64list(r->ag->config, id, &ports);
    for (size_t i = 0; i < ports.n; i++) {
        EA_FREE_AUTO char *port = ea_sprintf_dup("%d", (int)ports.v[i]);
        has_80 = has_80 || ports.v[i] == 80;
        ea_strlist_add(&text, port);
    }
    if (with_80 && !has_80)
        ea_strlist_add(&text, "80");
    ea_ecs_register_add_set(&r->sent, name, &text);
    ea_strlist_free(&text);
    ea_free(ports.v);
}

static void add_attributes(struct ea_registrar *r)
{
    ea_agent *ag = r->ag;
    char family[64];
    const char *detailed = ea_cfg_str(ag->config, EA_CFG_DETAILED_OS_FAMILY);

    if (!ag->model.meta.container_instance_arn) {
        ea_strmap custom = { 0 };
        ea_cfg_strmap(ag->config, EA_CFG_INSTANCE_ATTRIBUTES, &custom);
        for (size_t i = 0; i < custom.n; i++)
            ea_ecs_register_add_attribute(&r->sent, custom.v[i].k, custom.v[i].v);
        ea_strmap_free(&custom);
    }
    for (size_t i = 0; i < ag->caps.n; i++) {
        if (ag->caps.v[i].offered)
            ea_ecs_register_add_attribute(&r->sent, ag->caps.v[i].name, ag->caps.v[i].value);
    }
    ea_plat_os_family(family, sizeof(family));
    ea_ecs_register_add_attribute(&r->sent, "ecs.os-type",
                                  ea_plat_is_windows() ? "windows" : "linux");
    ea_ecs_register_add_attribute(&r->sent, "ecs.os-family", family);
    ea_ecs_register_add_attribute(&r->sent, "ecs.os-type-detailed", *detailed ? detailed : family);
    if (!ea_zstr_empty(ag->identity->outpost_arn))
        ea_ecs_register_add_attribute(&r->sent, "ecs.outpost-arn", ag->identity->outpost_arn);
}

static void build_request(struct ea_registrar *r)
{
    ea_agent *ag = r->ag;
    const struct ea_identity *id = ag->identity;
    ea_strmap tags = { 0 };
    bool windows_roles = ea_plat_is_windows() && ag->model.settings.task_iam_role;

    ea_ecs_register_done(&r->sent);
    r->sent.cluster = ea_strdup(ag->cluster);
    r->sent.identity_document = ea_strdup(id->document ? id->document : "");
    r->sent.identity_signature = ea_strdup(id->signature ? id->signature : "");
    r->sent.container_instance_arn = ea_strdup(ag->model.meta.container_instance_arn);
    r->sent.client_token = ea_strdup(r->token);
    ea_ecs_register_add_int(&r->sent, "CPU", ag->model.host.cpu_units);
    ea_ecs_register_add_int(&r->sent, "MEMORY", ag->model.host.memory_mib);
    add_ports(r, "PORTS", EA_CFG_RESERVED_PORTS, windows_roles);
    add_ports(r, "PORTS_UDP", EA_CFG_RESERVED_PORTS_UDP, false);
    add_attributes(r);
    ea_cfg_strmap(ag->config, EA_CFG_INSTANCE_TAGS, &tags);
    for (size_t i = 0; i < tags.n; i++)
        ea_ecs_register_add_tag(&r->sent, tags.v[i].k, tags.v[i].v);
    ea_strmap_free(&tags);
}

/* ---- the answer ---- */

static void copy_caps(struct ea_caps *to, const struct ea_caps *from)
{
    ea_caps_done(to);
    for (size_t i = 0; i < from->n; i++) {
        to->v = ea_realloc_array(to->v, to->n + 1, sizeof(*to->v));
        to->v[to->n] = from->v[i];
        to->v[to->n].name = ea_strdup(from->v[i].name);
        to->v[to->n].value = ea_strdup(from->v[i].value);
        to->n++;
    }
}

static void failed(struct ea_registrar *r, const ea_err *err)
{
    int64_t delay = ea_backoff_next(&r->backoff, &r->ag->rng);

    if (err->code == EA_AUTH && err->sys == 0) /* none to sign with: nobody was asked */
        ea_status_wait(&r->ag->status, EA_WAIT_CREDENTIALS, err, delay);
    else
        ea_status_clear(&r->ag->status, EA_WAIT_CREDENTIALS);
    ea_status_wait(&r->ag->status, EA_WAIT_REGISTER, err, delay);
    ea_timer_arm(r->timer, delay);
}

static void keep_answer(struct ea_registrar *r, const struct ea_ecs_registered *answer)
{
    struct ea_meta *meta = &r->ag->model.meta;
    struct ea_event tick = { .kind = EA_EV_TIMER };

    if (!meta->container_instance_arn)
        meta->container_instance_arn = ea_strdup(answer->container_instance_arn);
    for (size_t i = 0; i < answer->attributes.n; i++) {
        if (ea_zstr_eq(answer->attributes.v[i].name, "ecs.availability-zone"))
            ea_set_str(&meta->availability_zone, answer->attributes.v[i].value);
    }
    ea_set_str(&meta->cluster, r->ag->cluster);
    if (r->ag->identity->instance_id)
        ea_set_str(&meta->ec2_instance_id, r->ag->identity->instance_id);
    meta->dirty = true;
    ea_turn_post(r->ag, &tick); /* its commit stores them */
}

static void answered(void *ctx, const struct ea_ecs_registered *answer, const ea_aws_fault *fault,
                     const ea_err *err)
{
    struct ea_registrar *r = ctx;
    ea_agent *ag = r->ag;
    const char *missing;
    bool first = !r->registered;
    ea_err why = { 0 };

    r->op = NULL;
    if (!answer) {
        bool none = strcmp(fault->code, "ClusterNotFoundException") == 0 ||
                    strstr(fault->message, "Cluster not found.") != NULL;
        r->create_cluster = none && !*ea_cfg_str(ag->config, EA_CFG_CLUSTER);
        failed(r, err);
        return;
    }
    missing = ea_ecs_register_mismatch(&r->sent, answer);
    if (missing || ea_zstr_empty(answer->container_instance_arn)) {
        (void)ea_fail(&why, EA_PROTOCOL, /* the text is what is wanted */
                      "RegisterContainerInstance: the answer lacks %s%s as sent",
                      missing ? "attribute " : "", missing ? missing : "containerInstanceArn");
        failed(r, &why);
        return;
    }
    r->registered = true;
    r->last_ms = ea_now().mono_ms;
    copy_caps(&r->sent_caps, &ag->caps);
    ea_backoff_reset(&r->backoff);
    ea_status_clear(&ag->status, EA_WAIT_REGISTER);
    ea_status_clear(&ag->status, EA_WAIT_CREDENTIALS);
    keep_answer(r, answer);
    ea_info(first ? "registered" : "registered again: capabilities changed",
            EA_S("instance", ag->model.meta.container_instance_arn), EA_S("cluster", ag->cluster));
    if (first)
        ea_agent_registered(ag);
    ea_registrar_kick(r); /* something may have changed meanwhile */
}

/* ---- attempts ---- */

static void cluster_created(void *ctx, const char *text, const ea_aws_fault *fault,
                            const ea_err *err)
{
    struct ea_registrar *r = ctx;

    (void)text;
    (void)fault;
    r->op = NULL;
    r->create_cluster = false;
    if (err->code) {
        ea_err why = *err;
        ea_wrap(&why, "create the default cluster");
        failed(r, &why);
        return;
    }
    attempt(r);
}

/* What the registration needs before it can say anything true. */
static bool ready(const struct ea_registrar *r)
{
    const ea_agent *ag = r->ag;

    return ag->ecs && ag->docker_version && ea_endpoint_settled(ag->endpoint);
}

static void attempt(void *arg)
{
    struct ea_registrar *r = arg;
    ea_agent *ag = r->ag;
    ea_err err = { 0 };

    if (r->op || ag->stopping || !ready(r))
        return;
    if (r->create_cluster) {
        r->op = ea_ecs_create_cluster_start(ag->ecs, ag->cluster, cluster_created, r, &err);
    } else {
        if (!r->backoff.current_ms)
            ea_rng_uuid(&ag->rng, r->token); /* retries of one sequence keep theirs */
        build_request(r);
        r->op = ea_ecs_register_start(ag->ecs, &r->sent, answered, r, &err);
    }
    if (!r->op)
        failed(r, &err);
}

void ea_registrar_kick(struct ea_registrar *r)
{
    int64_t since;

    if (!r || r->op || !ready(r))
        return;
    if (!r->registered) {
        if (!r->backoff.current_ms)
            ea_timer_arm(r->timer, 0);
        return;
    }
    if (ea_caps_same(&r->sent_caps, &r->ag->caps))
        return;
    since = ea_now().mono_ms - r->last_ms;
    ea_timer_arm(r->timer, since >= AGAIN_MIN_MS ? 0 : AGAIN_MIN_MS - since);
}

struct ea_registrar *ea_registrar_start(ea_agent *ag)
{
    struct ea_registrar *r = ea_alloc(sizeof(*r));

    r->ag = ag;
    r->backoff = EA_BACKOFF(1000, 300000, 0.2, 2);
    r->timer = ea_timer_new(ag->loop, attempt, r);
    ea_status_wait(&ag->status, EA_WAIT_REGISTER, NULL, 0);
    ea_registrar_kick(r);
    return r;
}

bool ea_registrar_registered(const struct ea_registrar *r)
{
    return r && r->registered;
}

void ea_registrar_free(struct ea_registrar *r)
{
    if (!r)
        return;
    ea_ecs_drop(r->op);
    ea_timer_free(r->timer);
    ea_ecs_register_done(&r->sent);
    ea_caps_done(&r->sent_caps);
    ea_free(r);
}
