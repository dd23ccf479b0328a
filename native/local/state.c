/* state.c - entities in memory and their way to the store. See state.h. */
#include "state.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../plat/plat.h"

#include <stdio.h>
#include <string.h>

#define ROW_MAX (8 * 1024 * 1024)
#define META    "meta"

static void free_cluster(void *entity)
{
    ea_lc_cluster_free(entity);
}

static void free_taskdef(void *entity)
{
    ea_lc_taskdef_free(entity);
}

static void free_instance(void *entity)
{
    ea_lc_instance_free(entity);
}

static void free_task(void *entity)
{
    ea_lc_task_free(entity);
}

static void free_service(void *entity)
{
    ea_lc_service_free(entity);
}

static const struct kind {
    const char *name;
    const ea_jshape *shape;
    size_t list_at;         /* in ea_lc_state */
    size_t node_at, arn_at; /* in the entity */
    void (*free)(void *entity);
} kinds[] = {
    [EA_LC_CLUSTER] = { "cluster", &ea_lc_cluster_store_shape, offsetof(ea_lc_state, clusters),
                        offsetof(struct ea_lc_cluster, node), offsetof(struct ea_lc_cluster, arn),
                        free_cluster },
    [EA_LC_TASKDEF] = { "taskdef", &ea_lc_taskdef_store_shape, offsetof(ea_lc_state, taskdefs),
                        offsetof(struct ea_lc_taskdef, node), offsetof(struct ea_lc_taskdef, arn),
                        free_taskdef },
    [EA_LC_INSTANCE] = { "instance", &ea_lc_instance_store_shape, offsetof(ea_lc_state, instances),
                         offsetof(struct ea_lc_instance, node),
                         offsetof(struct ea_lc_instance, arn), free_instance },
    [EA_LC_TASK] = { "task", &ea_lc_task_store_shape, offsetof(ea_lc_state, tasks),
                     offsetof(struct ea_lc_task, node), offsetof(struct ea_lc_task, arn),
                     free_task },
    [EA_LC_SERVICE] = { "service", &ea_lc_service_store_shape, offsetof(ea_lc_state, services),
                        offsetof(struct ea_lc_service, node), offsetof(struct ea_lc_service, arn),
                        free_service },
};

static ea_list *list_of(ea_lc_state *st, ea_lc_what what)
{
    return (ea_list *)(void *)((char *)st + kinds[what].list_at);
}

static ea_node *node_of(ea_lc_what what, void *entity)
{
    return (ea_node *)(void *)((char *)entity + kinds[what].node_at);
}

static const char *arn_of(ea_lc_what what, const void *entity)
{
    return *(char *const *)(const void *)((const char *)entity + kinds[what].arn_at);
}

/* ---- opening ---------------------------------------------------------------------------------- */

struct loading {
    ea_lc_state *st;
    ea_lc_what what;
};

static void enter(ea_lc_state *st, ea_lc_what what, void *entity)
{
    ea_list_append(list_of(st, what), node_of(what, entity));
    (void)ea_map_put(&st->by_arn[what], arn_of(what, entity), entity);
}

static ea_code load_row(void *ctx, const char *id, ea_str text, ea_err *err)
{
    struct loading *l = ctx;
    void *entity = ea_alloc(kinds[l->what].shape->size);

    if (ea_json_decode(kinds[l->what].shape, text, entity, err)) {
        ea_free(entity);
        return ea_wrap(err, "%s %s", kinds[l->what].name, id);
    }
    enter(l->st, l->what, entity);
    return EA_OK;
}

ea_code ea_lc_state_open(ea_lc_state *st, const char *path, const char *region, const char *account,
                         ea_err *err)
{
    *st = (ea_lc_state){ .partition = ea_strdup("aws") };
    if (ea_str_starts(ea_str_of(region), "cn-"))
        ea_set_str(&st->partition, "aws-cn");
    else if (ea_str_starts(ea_str_of(region), "us-gov-"))
        ea_set_str(&st->partition, "aws-us-gov");
    st->region = ea_strdup(region);
    st->account = ea_strdup(account);
    ea_list_init(&st->clusters);
    ea_list_init(&st->taskdefs);
    ea_list_init(&st->instances);
    ea_list_init(&st->tasks);
    ea_list_init(&st->services);
    if (ea_lc_store_open(path, &st->store, err)) {
        ea_lc_state_close(st);
        return err->code;
    }
    for (size_t i = 0; i < EA_COUNT(kinds); i++) {
        struct loading l = { st, (ea_lc_what)i };

        if (ea_lc_store_each(st->store, kinds[i].name, load_row, &l, err)) {
            ea_lc_state_close(st);
            return ea_wrap(err, "state file %s", path);
        }
    }
    return EA_OK;
}

void ea_lc_state_close(ea_lc_state *st)
{
    for (size_t i = 0; i < EA_COUNT(kinds); i++) {
        ea_list *l = list_of(st, (ea_lc_what)i);

        ea_map_done(&st->by_arn[i], NULL);
        ea_map_done(&st->dirty[i], NULL);
        while (l->head.next && !ea_list_empty(l)) {
            ea_node *n = l->head.next;

            ea_list_remove(n);
            kinds[i].free((char *)n - kinds[i].node_at);
        }
    }
    ea_strlist_free(&st->gone);
    ea_lc_store_close(st->store);
    ea_free(st->partition);
    ea_free(st->region);
    ea_free(st->account);
    *st = (ea_lc_state){ .store = NULL };
}

struct wanted_meta {
    const char *name;
    char **out;
};

static ea_code take_meta(void *ctx, const char *id, ea_str text, ea_err *err)
{
    struct wanted_meta *w = ctx;

    (void)err;
    if (strcmp(id, w->name) == 0)
        *w->out = ea_str_dup(text);
    return EA_OK;
}

ea_code ea_lc_state_get_meta(ea_lc_state *st, const char *name, char **out, ea_err *err)
{
    struct wanted_meta w = { name, out };

    *out = NULL;
    return ea_lc_store_each(st->store, META, take_meta, &w, err);
}

ea_code ea_lc_state_put_meta(ea_lc_state *st, const char *name, const char *text, ea_err *err)
{
    ea_lc_store_begin(st->store);
    ea_lc_store_put(st->store, META, name, ea_str_of(text));
    return ea_lc_store_commit(st->store, err);
}

/* ---- changes ---------------------------------------------------------------------------------- */

void ea_lc_touch(ea_lc_state *st, ea_lc_what what, void *entity)
{
    (void)ea_map_put(&st->dirty[what], arn_of(what, entity), entity);
}

void ea_lc_add(ea_lc_state *st, ea_lc_what what, void *entity)
{
    enter(st, what, entity);
    ea_lc_touch(st, what, entity);
}

void ea_lc_remove(ea_lc_state *st, ea_lc_what what, void *entity)
{
    EA_FREE_AUTO char *gone = ea_sprintf_dup("%s\n%s", kinds[what].name, arn_of(what, entity));

    ea_strlist_add(&st->gone, gone);
    (void)ea_map_remove(&st->by_arn[what], arn_of(what, entity));
    (void)ea_map_remove(&st->dirty[what], arn_of(what, entity));
    ea_list_remove(node_of(what, entity));
    kinds[what].free(entity);
}

ea_code ea_lc_commit(ea_lc_state *st, ea_err *err)
{
    bool any = st->gone.n > 0;

    for (size_t k = 0; k < EA_COUNT(kinds); k++)
        any = any || ea_map_count(&st->dirty[k]) > 0;
    if (!any)
        return EA_OK;
    ea_lc_store_begin(st->store);
    for (size_t i = 0; i < st->gone.n; i++) {
        char kind[16];
        const char *cut = strchr(st->gone.v[i], '\n');

        (void)snprintf(kind, sizeof(kind), "%.*s", (int)(cut - st->gone.v[i]), st->gone.v[i]);
        ea_lc_store_delete(st->store, kind, cut + 1);
    }
    for (size_t k = 0; k < EA_COUNT(kinds); k++) {
        size_t i = 0;
        ea_map_entry *e;

        while ((e = ea_map_next(&st->dirty[k], &i))) {
            EA_SECRET_BUF_AUTO b = EA_BUF(ROW_MAX);

            ea_json_encode(kinds[k].shape, e->value, EA_J_STORE, &b);
            if (ea_buf_check(&b, err))
                return ea_wrap(err, "%s %s", kinds[k].name, e->key);
            ea_lc_store_put(st->store, kinds[k].name, e->key, ea_buf_str(&b));
        }
    }
    if (ea_lc_store_commit(st->store, err))
        return err->code;
    ea_strlist_free(&st->gone);
    for (size_t k = 0; k < EA_COUNT(kinds); k++) {
        ea_map_done(&st->dirty[k], NULL);
        st->dirty[k] = (ea_map){ .entries = NULL };
    }
    return EA_OK;
}

/* ---- finding ---------------------------------------------------------------------------------- */

void *ea_lc_by_arn(const ea_lc_state *st, ea_lc_what what, const char *arn)
{
    return ea_map_get(&st->by_arn[what], arn);
}

struct ea_lc_cluster *ea_lc_find_cluster(const ea_lc_state *st, const char *cluster)
{
    const char *name = ea_zstr_empty(cluster) ? "default" : cluster;
    EA_FREE_AUTO char *arn = NULL;

    if (ea_str_starts(ea_str_of(name), "arn:"))
        return ea_lc_by_arn(st, EA_LC_CLUSTER, name);
    arn = ea_lc_arn(st, "cluster/%s", name);
    return ea_lc_by_arn(st, EA_LC_CLUSTER, arn);
}

/* The full ARN of what a caller names by id or ARN. */
static char *full_arn(const ea_lc_state *st, const struct ea_lc_cluster *c, const char *type,
                      const char *named)
{
    return ea_lc_arn(st, "%s/%s/%s", type, c->name, ea_arn_id(named));
}

struct ea_lc_instance *ea_lc_find_instance(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                           const char *instance)
{
    EA_FREE_AUTO char *arn = full_arn(st, c, "container-instance", instance);

    return ea_lc_by_arn(st, EA_LC_INSTANCE, arn);
}

struct ea_lc_task *ea_lc_find_task(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                   const char *task)
{
    EA_FREE_AUTO char *arn = full_arn(st, c, "task", task);

    return ea_lc_by_arn(st, EA_LC_TASK, arn);
}

struct ea_lc_service *ea_lc_find_service(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                         const char *service)
{
    EA_FREE_AUTO char *arn = full_arn(st, c, "service", service);

    return ea_lc_by_arn(st, EA_LC_SERVICE, arn);
}

struct ea_lc_taskdef *ea_lc_find_taskdef(const ea_lc_state *st, const char *taskdef)
{
    struct ea_lc_taskdef *newest = NULL;

    if (ea_str_starts(ea_str_of(taskdef), "arn:"))
        return ea_lc_by_arn(st, EA_LC_TASKDEF, taskdef);
    if (strchr(taskdef, ':')) {
        EA_FREE_AUTO char *arn = ea_lc_arn(st, "task-definition/%s", taskdef);

        return ea_lc_by_arn(st, EA_LC_TASKDEF, arn);
    }
    EA_LIST_EACH(&st->taskdefs, node)
    {
        struct ea_lc_taskdef *d = EA_OWNER(node, struct ea_lc_taskdef, node);

        if (strcmp(d->family, taskdef) == 0 && strcmp(d->status, "ACTIVE") == 0 &&
            (!newest || d->revision > newest->revision))
            newest = d;
    }
    return newest;
}

/* ---- names ------------------------------------------------------------------------------------ */

void ea_lc_new_id(char out[EA_LC_ID_BYTES])
{
    unsigned char raw[16];

    ea_plat_random(raw, sizeof(raw));
    for (size_t i = 0; i < sizeof(raw); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

void ea_lc_new_uuid(char out[37])
{
    char id[EA_LC_ID_BYTES];

    ea_lc_new_id(id);
    id[12] = '4';
    id[16] = "89ab"[id[16] & 3];
    (void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20);
}

char *ea_lc_arn(const ea_lc_state *st, const char *fmt, ...)
{
    char resource[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(resource, sizeof(resource), fmt, ap); /* names are checked to be far shorter */
    va_end(ap);
    return ea_sprintf_dup("arn:%s:ecs:%s:%s:%s", st->partition, st->region, st->account, resource);
}

double ea_lc_seconds(int64_t wall_ms)
{
    return (double)wall_ms / 1000.0;
}
