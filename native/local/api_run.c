/* api_run.c - new tasks: RunTask and StartTask. Source: Amazon ECS API reference. */
#include "local_api.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "place.h"
#include "place_expr.h"
#include "taskdef.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define COUNT_MAX      10
#define STARTED_BY_MAX 128
#define INSTANCES_MAX  1000

struct order { /* what both calls ask for */
    const struct ea_lc_cluster *cluster;
    const struct ea_lc_taskdef *taskdef;
    cJSON *body;            /* of the task definition */
    const cJSON *overrides; /* NULL: none */
    char *group;
    ea_strlist requires;
    ea_i64list tcp, udp;
    int64_t cpu, memory_mib;
    const char *cpu_text, *memory_text; /* of the task; NULL: none */
    ea_lc_tags tags;
    ea_lc_demand demand;
};

static void order_done(struct order *o)
{
    cJSON_Delete(o->body);
    ea_free(o->group);
    ea_strlist_free(&o->requires);
    ea_free(o->tcp.v);
    ea_free(o->udp.v);
    ea_lc_tags_free(&o->tags);
}

static const cJSON *override_of(const cJSON *overrides, const char *name)
{
    const cJSON *o;

    cJSON_ArrayForEach(
        o, ea_json_get(overrides, "containerOverrides")) if (ea_zstr_eq(ea_json_get_str(o, "name"),
                                                                        name)) return o;
    return NULL;
}

static int check_overrides(ea_lc_call *c, const struct order *o)
{
    const cJSON *item, *container;
    int64_t value;
    ea_err err;

    cJSON_ArrayForEach(item, ea_json_get(o->overrides, "containerOverrides"))
    {
        const char *name = ea_json_get_str(item, "name");
        bool found = false;

        cJSON_ArrayForEach(container, ea_json_get(o->body, "containerDefinitions")) found =
            found || (name && ea_zstr_eq(ea_json_get_str(container, "name"), name));
        if (!found)
            return ea_lc_refuse(c, "InvalidParameterException",
                                "Override for container named %s is not a container in the "
                                "TaskDefinition.",
                                name ? name : "null");
    }
    if (ea_lc_parse_cpu(ea_json_get_str(o->overrides, "cpu"), &value, &err) ||
        ea_lc_parse_memory(ea_json_get_str(o->overrides, "memory"), &value, &err))
        return ea_lc_refuse(c, "ClientException", "%s", err.text);
    return 0;
}

static const char *text_or(const cJSON *first, const cJSON *second, const char *name)
{
    const char *text = ea_json_get_str(first, name);

    return ea_zstr_empty(text) ? ea_json_get_str(second, name) : text;
}

/* CPU, memory and fixed ports that one task of the order holds. */
static void sum_up(struct order *o)
{
    const cJSON *container, *p;
    int64_t units = 0, mib = 0;
    ea_err err;

    o->cpu_text = text_or(o->overrides, o->body, "cpu");
    o->memory_text = text_or(o->overrides, o->body, "memory");
    cJSON_ArrayForEach(container, ea_json_get(o->body, "containerDefinitions"))
    {
        const cJSON *ov = override_of(o->overrides, ea_json_get_str(container, "name"));
        int64_t hard = ea_lc_int(ov, "memory", ea_lc_int(container, "memory", 0));
        int64_t soft =
            ea_lc_int(ov, "memoryReservation", ea_lc_int(container, "memoryReservation", 0));

        o->cpu += ea_lc_int(ov, "cpu", ea_lc_int(container, "cpu", 0));
        o->memory_mib += soft ? soft : hard;
        cJSON_ArrayForEach(p, ea_json_get(container, "portMappings"))
        {
            int64_t port = ea_lc_int(p, "hostPort", 0);

            if (port > 0)
                ea_lc_i64_add(ea_zstr_eq(ea_json_get_str(p, "protocol"), "udp") ? &o->udp : &o->tcp,
                              port);
        }
    }
    if (ea_lc_parse_cpu(o->cpu_text, &units, &err) == EA_OK && units)
        o->cpu = units;
    if (ea_lc_parse_memory(o->memory_text, &mib, &err) == EA_OK && mib)
        o->memory_mib = mib;
}

static int read_constraints(ea_lc_call *c, struct order *o, const cJSON *list)
{
    const struct ea_lc_instance nobody = { .arn = NULL };
    const ea_lc_subject s = { &nobody, 0, NULL };
    const cJSON *item;
    ea_err err;

    cJSON_ArrayForEach(item, list)
    {
        const char *type = ea_json_get_str(item, "type");
        const char *expression = ea_json_get_str(item, "expression");
        bool holds;

        if (ea_zstr_eq(type, "distinctInstance")) {
            o->demand.distinct = true;
            continue;
        }
        if (!ea_zstr_eq(type, "memberOf") || ea_zstr_empty(expression) ||
            o->demand.expression_count == EA_LC_EXPRESSIONS_MAX)
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid placement constraint.");
        if (ea_lc_expr_matches(expression, &s, &holds, &err))
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid expression: %s", err.text);
        o->demand.expressions[o->demand.expression_count++] = expression;
    }
    return 0;
}

static int read_strategies(ea_lc_call *c, struct order *o)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, ea_json_get(c->in, "placementStrategy"))
    {
        const char *type = ea_json_get_str(item, "type"), *field = ea_json_get_str(item, "field");
        size_t n = o->demand.strategy_count;

        if (!type || n == EA_LC_STRATEGIES_MAX)
            return ea_lc_refuse(c, "InvalidParameterException", "Invalid placement strategy.");
        if (strcmp(type, "binpack") == 0 && !ea_zstr_eq(field, "cpu") &&
            !ea_zstr_eq(field, "memory") && !ea_zstr_eq(field, "CPU") &&
            !ea_zstr_eq(field, "MEMORY"))
            return ea_lc_refuse(c, "InvalidParameterException",
                                "The field of the strategy binpack is cpu or memory.");
        o->demand.strategies[n].type = strcmp(type, "spread") == 0    ? EA_LC_SPREAD
                                       : strcmp(type, "binpack") == 0 ? EA_LC_BINPACK
                                                                      : EA_LC_RANDOM;
        o->demand.strategies[n].field = field;
        o->demand.strategy_count++;
    }
    return 0;
}

int ea_lc_check_placement(ea_lc_call *c)
{
    struct order o = { .cluster = NULL };

    return read_constraints(c, &o, ea_json_get(c->in, "placementConstraints")) ||
                   read_strategies(c, &o)
               ? -1
               : 0;
}

/* `service`: group of the service that asks; NULL for calls. */
static int read_order(ea_lc_call *c, struct order *o, const char *service)
{
    const char *group = service ? service : ea_lc_call_str(c, "group"),
               *by = ea_lc_call_str(c, "startedBy");
    ea_err err;

    *o = (struct order){ .cluster = ea_lc_call_cluster(c) };
    if (!o->cluster)
        return -1;
    o->taskdef = ea_lc_find_taskdef(&c->lc->state, ea_lc_call_str(c, "taskDefinition"));
    if (!o->taskdef)
        return ea_lc_refuse(c, "ClientException", "TaskDefinition not found.");
    if (!service && strcmp(o->taskdef->status, "ACTIVE") != 0)
        return ea_lc_refuse(c, "ClientException", "TaskDefinition is inactive");
    if (by && strlen(by) > STARTED_BY_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "startedBy is too long.");
    if (!service && group && ea_str_starts(ea_str_of(group), "service:"))
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Group names that begin with 'service:' belong to services.");
    if (ea_json_parse(ea_str_of(o->taskdef->body), &o->body, &err))
        return ea_lc_refuse(c, "ServerException", "%s", err.text);
    o->overrides = ea_json_get(c->in, "overrides");
    o->group =
        ea_zstr_empty(group) ? ea_sprintf_dup("family:%s", o->taskdef->family) : ea_strdup(group);
    if (check_overrides(c, o) || ea_lc_call_tags(c, &o->tags) ||
        read_constraints(c, o, ea_json_get(o->body, "placementConstraints")) ||
        read_constraints(c, o, ea_json_get(c->in, "placementConstraints")) || read_strategies(c, o))
        return -1;
    if (ea_zstr_eq(ea_lc_call_str(c, "propagateTags"), "TASK_DEFINITION"))
        for (size_t i = 0; i < o->taskdef->tags.n; i++)
            ea_lc_tag_set(&o->tags, o->taskdef->tags.v[i].key, o->taskdef->tags.v[i].value);
    sum_up(o);
    ea_lc_taskdef_requires(o->body, c->lc->registry_url, &o->requires);
    o->demand.cpu = o->cpu;
    o->demand.memory_mib = o->memory_mib;
    o->demand.tcp = &o->tcp;
    o->demand.udp = &o->udp;
    o->demand.requires = &o->requires;
    return 0;
}

/* ---- a new task ------------------------------------------------------------------------------- */

static char *number_text(const cJSON *ov, const cJSON *container, const char *name)
{
    int64_t v = ea_lc_int(ov, name, ea_lc_int(container, name, -1));

    return v < 0 ? NULL : ea_sprintf_dup("%lld", (long long)v);
}

static void fill_container(const ea_lc_call *c, const struct order *o, const struct ea_lc_task *t,
                           const cJSON *def, struct ea_lc_container *to)
{
    const char *name = ea_json_get_str(def, "name");
    const cJSON *ov = override_of(o->overrides, name);
    char uuid[37];

    ea_lc_new_uuid(uuid);
    to->arn = ea_lc_arn(&c->lc->state, "container/%s/%s/%s", o->cluster->name,
                        strrchr(t->arn, '/') + 1, uuid);
    to->task_arn = ea_strdup(t->arn);
    to->name = ea_strdup(name);
    to->image = ea_strdup(ea_json_get_str(def, "image"));
    to->last_status = ea_strdup("PENDING");
    to->health_status = ea_strdup("UNKNOWN");
    to->cpu = number_text(ov, def, "cpu");
    to->memory = number_text(ov, def, "memory");
    to->memory_reservation = number_text(ov, def, "memoryReservation");
    to->essential = ea_lc_bool(def, "essential", true);
    to->has_health_check = ea_json_get(def, "healthCheck") != NULL;
}

static void fill_role(struct ea_lc_role *role, const char *arn)
{
    char uuid[37];

    if (ea_zstr_empty(arn))
        return;
    ea_lc_new_uuid(uuid);
    role->credentials_id = ea_strdup(uuid);
    role->role_arn = ea_strdup(arn);
}

static struct ea_lc_task *make_task(const ea_lc_call *c, const struct order *o,
                                    const struct ea_lc_instance *i)
{
    const cJSON *defs = ea_json_get(o->body, "containerDefinitions"), *def;
    const struct ea_lc_attribute *zone =
        ea_lc_attribute_find(&i->attributes, "ecs.availability-zone");
    struct ea_lc_task *t = ea_lc_task_new();
    char id[EA_LC_ID_BYTES], sum[24];

    ea_lc_new_id(id);
    t->arn = ea_lc_arn(&c->lc->state, "task/%s/%s", o->cluster->name, id);
    t->cluster_arn = ea_strdup(o->cluster->arn);
    t->taskdef_arn = ea_strdup(o->taskdef->arn);
    t->instance_arn = ea_strdup(i->arn);
    t->zone = ea_strdup(zone ? zone->value : NULL);
    t->desired = ea_strdup("RUNNING");
    t->last = ea_strdup("PENDING");
    (void)snprintf(sum, sizeof(sum), "%lld", (long long)o->cpu);
    t->cpu = ea_strdup(ea_zstr_empty(o->cpu_text) ? NULL : sum);
    (void)snprintf(sum, sizeof(sum), "%lld", (long long)o->memory_mib);
    t->memory = ea_strdup(ea_zstr_empty(o->memory_text) ? NULL : sum);
    t->group = ea_strdup(o->group);
    t->launch_type = ea_strdup("EC2");
    t->started_by = ea_strdup(ea_lc_call_str(c, "startedBy"));
    t->client_token = ea_strdup(ea_lc_call_str(c, "clientToken"));
    t->health_status = ea_strdup("UNKNOWN");
    t->connectivity = ea_strdup("CONNECTED");
    t->created_at = t->connectivity_at = ea_lc_seconds(c->now_ms);
    t->version = 1;
    t->cpu_units = o->cpu;
    t->memory_mib = o->memory_mib;
    for (size_t k = 0; k < o->tcp.n; k++)
        ea_lc_i64_add(&t->tcp, o->tcp.v[k]);
    for (size_t k = 0; k < o->udp.n; k++)
        ea_lc_i64_add(&t->udp, o->udp.v[k]);
    for (size_t k = 0; k < o->tags.n; k++)
        ea_lc_tag_set(&t->tags, o->tags.v[k].key, o->tags.v[k].value);
    if (o->overrides && o->overrides->child) {
        char *text = cJSON_PrintUnformatted(o->overrides);

        t->overrides = ea_strdup(text);
        cJSON_free(text);
    }
    fill_role(&t->role, text_or(o->overrides, o->body, "taskRoleArn"));
    fill_role(&t->execution_role, text_or(o->overrides, o->body, "executionRoleArn"));
    t->containers.n = (size_t)cJSON_GetArraySize(defs);
    t->containers.v = ea_alloc_array(t->containers.n, sizeof(*t->containers.v));
    def = defs->child;
    for (size_t k = 0; k < t->containers.n; k++, def = def->next)
        fill_container(c, o, t, def, &t->containers.v[k]);
    return t;
}

/* ---- candidates ------------------------------------------------------------------------------- */

struct field { /* of candidates */
    ea_lc_candidate *v;
    size_t n;
};

static void field_done(struct field *f)
{
    for (size_t i = 0; i < f->n; i++)
        ea_lc_candidate_done(&f->v[i]);
    ea_free(f->v);
}

static void add_candidate(const ea_lc_state *st, const struct ea_lc_instance *i, const char *group,
                          ea_lc_candidate *out)
{
    ea_lc_candidate_init(out, i);
    EA_LIST_EACH(&st->tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (!ea_lc_task_stopped(t) && strcmp(t->instance_arn, i->arn) == 0)
            ea_lc_candidate_take(out, t, group);
    }
}

/* All active instances of the cluster. */
static struct field gather(const ea_lc_state *st, const struct order *o)
{
    struct field f = { ea_alloc_array(INSTANCES_MAX, sizeof(ea_lc_candidate)), 0 };

    EA_LIST_EACH(&st->instances, node)
    {
        const struct ea_lc_instance *i = EA_OWNER(node, struct ea_lc_instance, node);

        if (strcmp(i->cluster_arn, o->cluster->arn) == 0 && strcmp(i->status, "ACTIVE") == 0 &&
            f.n < INSTANCES_MAX)
            add_candidate(st, i, o->group, &f.v[f.n++]);
    }
    return f;
}

static void launch(ea_lc_call *c, const struct order *o, ea_lc_candidate *at, size_t *made)
{
    struct ea_lc_task *t = make_task(c, o, at->instance);

    ea_lc_add(&c->lc->state, EA_LC_TASK, t);
    ea_lc_candidate_take(at, t, o->group);
    ea_info("task placed", EA_S("task", t->arn), EA_S("instance", at->instance->arn));
    if ((*made)++)
        ea_buf_addc(&c->out, ',');
    ea_lc_add_task(&c->out, t, true);
}

/* A token that was used before: the tasks of then, nothing new. */
static bool answer_again(ea_lc_call *c, const struct order *o)
{
    const char *token = ea_lc_call_str(c, "clientToken");
    size_t n = 0;

    if (ea_zstr_empty(token))
        return false;
    EA_LIST_EACH(&c->lc->state.tasks, node)
    {
        const struct ea_lc_task *t = EA_OWNER(node, struct ea_lc_task, node);

        if (!ea_zstr_eq(t->client_token, token) || strcmp(t->cluster_arn, o->cluster->arn) != 0)
            continue;
        ea_buf_adds(&c->out, n++ ? "," : "{\"tasks\":[");
        ea_lc_add_task(&c->out, t, true);
    }
    if (n)
        ea_buf_adds(&c->out, "],\"failures\":[]}");
    return n > 0;
}

static int run(ea_lc_call *c, struct order *o, int64_t count, ea_lc_started *got)
{
    struct field f = gather(&c->lc->state, o);
    EA_BUF_AUTO failures = EA_BUF(256 * 1024);
    ea_rng rng;
    uint64_t seed;

    if (f.n == 0) {
        field_done(&f);
        return ea_lc_refuse(c, "InvalidParameterException",
                            "No Container Instances were found in your cluster.");
    }
    ea_plat_random(&seed, sizeof(seed));
    ea_rng_seed(&rng, seed);
    ea_buf_adds(&c->out, "{\"tasks\":[");
    for (int64_t k = 0; k < count; k++) {
        size_t best = ea_lc_place_pick(f.v, f.n, &o->demand, &rng);

        if (best != SIZE_MAX) {
            launch(c, o, &f.v[best], &got->made);
            continue;
        }
        got->unfit = ea_lc_place_unfit(&f.v[0], &o->demand);
        for (size_t i = 0; i < f.n; i++) {
            if (failures.n)
                ea_buf_addc(&failures, ',');
            ea_lc_add_failure(&failures, f.v[i].instance->arn,
                              ea_lc_place_unfit(&f.v[i], &o->demand), NULL);
        }
        break; /* the same for all that follow */
    }
    ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
    field_done(&f);
    return 0;
}

int ea_lc_run_task(ea_lc_call *c)
{
    int64_t count = ea_lc_call_int(c, "count", 1);
    const char *type = ea_lc_call_str(c, "launchType");
    ea_lc_started got = { .made = 0 };
    struct order o;
    int rc = -1;

    if (type && strcmp(type, "EC2") != 0)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "The local control plane runs launch type EC2 alone.");
    if (count < 1 || count > COUNT_MAX)
        return ea_lc_refuse(c, "InvalidParameterException", "Count should be between 1 and %d.",
                            COUNT_MAX);
    if (read_order(c, &o, NULL) == 0)
        rc = answer_again(c, &o) ? 0 : run(c, &o, count, &got);
    order_done(&o);
    return rc;
}

int ea_lc_run_for_service(ea_lc_call *c, const char *group, int64_t count, ea_lc_started *got)
{
    struct order o;
    int rc = -1;

    *got = (ea_lc_started){ .made = 0 };
    if (read_order(c, &o, group) == 0)
        rc = run(c, &o, count, got);
    order_done(&o);
    return rc;
}

static void start_on(ea_lc_call *c, const struct order *o, const char *named, ea_buf *failures,
                     size_t *made)
{
    const struct ea_lc_instance *i = ea_lc_find_instance(&c->lc->state, o->cluster, named);
    const char *reason = !i ? "MISSING" : strcmp(i->status, "INACTIVE") == 0 ? "INACTIVE" : NULL;
    ea_lc_candidate at = { .instance = NULL };

    if (i && !reason) {
        add_candidate(&c->lc->state, i, o->group, &at);
        reason = ea_lc_place_unfit(&at, &o->demand);
    }
    if (reason) {
        if (failures->n)
            ea_buf_addc(failures, ',');
        ea_lc_add_failure(failures, i ? i->arn : named, reason, NULL);
    } else {
        launch(c, o, &at, made);
    }
    ea_lc_candidate_done(&at);
}

int ea_lc_start_task(ea_lc_call *c)
{
    const cJSON *list = ea_json_get(c->in, "containerInstances"), *item;
    EA_BUF_AUTO failures = EA_BUF(64 * 1024);
    struct order o;
    size_t made = 0;
    int rc = -1;

    if (cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > COUNT_MAX)
        return ea_lc_refuse(c, "InvalidParameterException",
                            "Container instances should be between 1 and %d.", COUNT_MAX);
    if (read_order(c, &o, NULL) == 0) {
        ea_buf_adds(&c->out, "{\"tasks\":[");
        cJSON_ArrayForEach(item, list) start_on(c, &o, item->valuestring, &failures, &made);
        ea_buf_addf(&c->out, "],\"failures\":[%s]}", ea_buf_z(&failures));
        rc = 0;
    }
    order_done(&o);
    return rc;
}
