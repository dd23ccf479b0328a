#include "hostres.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "state.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* Ports as a set of bits: union, intersection and subtraction are exact. */
enum {
    PORTS = 65536,
    PORT_WORDS = PORTS / 64
};

struct port_set {
    uint64_t w[PORT_WORDS];
};
struct need {
    int64_t cpu, memory_mib;
    const struct ea_task *task; /* whose explicit host ports are needed */
};
struct books {
    int64_t cpu, memory_mib;
    struct port_set *tcp, *udp; /* allocated: 8 KiB each */
};

static bool is_udp(const char *protocol)
{
    return protocol && strcmp(protocol, "udp") == 0;
}

static bool has_port(const struct port_set *s, int64_t port)
{
    return port > 0 && port < PORTS && (s->w[port / 64] >> (port % 64) & 1) != 0;
}

static void set_port(struct port_set *s, int64_t port)
{
    if (port > 0 && port < PORTS)
        s->w[port / 64] |= (uint64_t)1 << (port % 64);
}

/* Reservation of raw hostConfig in MiB; 0 when there is none. */
static int64_t reservation_mib(const struct ea_container *c)
{
    cJSON *tree = NULL;
    ea_err err = { 0 };
    int64_t mib = 0;

    if (ea_zstr_empty(c->docker_config.host_config) ||
        ea_json_parse(ea_str_of(c->docker_config.host_config), &tree, &err))
        return 0; /* text that cannot be read is told at creation */
    const cJSON *v =
        cJSON_GetObjectItem(tree, "MemoryReservation"); /* in any case, as at creation */
    if (cJSON_IsNumber(v) && v->valuedouble > 0 && v->valuedouble < 9e15)
        mib = (int64_t)(v->valuedouble / (1024.0 * 1024.0));
    cJSON_Delete(tree);
    return mib;
}

static struct need need_of(const struct ea_task *t)
{
    struct need n = { .task = t };

    if (ea_zstr_eq(t->launch_type, "FARGATE"))
        return (struct need){ 0 };
    n.cpu = (int64_t)(t->cpu * 1024.0);
    n.memory_mib = t->memory_mib;
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if (t->cpu <= 0)
            n.cpu += c->cpu;
        if (t->memory_mib <= 0) {
            int64_t reserved = reservation_mib(c);
            n.memory_mib += reserved > 0 ? reserved : c->memory_mib;
        }
    }
    if (ea_zstr_eq(t->network_mode, "awsvpc"))
        n.task = NULL; /* its ports are on its own interface */
    return n;
}

bool ea_hostres_given_range(const struct ea_port_mapping *p, int64_t *first, int64_t *last)
{
    uint64_t a = 0, b = 0;
    ea_err err = { 0 };
    ea_str head, tail;

    if (ea_zstr_empty(p->assigned_range))
        return false;
    tail = ea_str_cut(ea_str_of(p->assigned_range), '-', &head);
    if (ea_str_to_u64(head, 1, PORTS - 1, &a, &err) || ea_str_to_u64(tail, 1, PORTS - 1, &b, &err))
        return false;
    *first = (int64_t)a;
    *last = (int64_t)b;
    return true;
}

/* Explicit ports, and those that the agent has given: they are as taken as the others. */
static void add_ports(struct port_set *s, const struct ea_port_mapping *p)
{
    int64_t first, last;

    set_port(s, p->host_port);
    set_port(s, p->assigned_host_port);
    if (!ea_hostres_given_range(p, &first, &last))
        return;
    for (int64_t port = first; port <= last; port++)
        set_port(s, port);
}

static void add_need(struct books *b, const struct need *n)
{
    b->cpu += n->cpu;
    b->memory_mib += n->memory_mib;
    for (size_t i = 0; n->task && i < n->task->containers.n; i++) {
        const struct ea_container *c = &n->task->containers.v[i];

        for (size_t j = 0; j < c->ports.n; j++)
            add_ports(is_udp(c->ports.v[j].protocol) ? b->udp : b->tcp, &c->ports.v[j]);
    }
}

static void books_init(struct books *b, const struct ea_model *m)
{
    *b = (struct books){ .tcp = ea_alloc(sizeof(struct port_set)),
                         .udp = ea_alloc(sizeof(struct port_set)) };
    for (size_t i = 0; i < m->host.reserved_tcp.n; i++)
        set_port(b->tcp, m->host.reserved_tcp.v[i]);
    for (size_t i = 0; i < m->host.reserved_udp.n; i++)
        set_port(b->udp, m->host.reserved_udp.v[i]);
}

static void books_done(struct books *b)
{
    ea_free(b->tcp);
    ea_free(b->udp);
}

static void add_holders(struct books *b, const struct ea_model *m)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        if (t->holds_resources) {
            struct need n = need_of(t);
            add_need(b, &n);
        }
    }
}

/* False with the first thing that is lacking in `why`. */
static bool fits(const struct books *b, const struct ea_host *host, const struct need *n,
                 char why[256])
{
    if (n->cpu > 0 && host->cpu_units > 0 && b->cpu + n->cpu > host->cpu_units) {
        (void)snprintf(why, 256, "%lld CPU units (%lld of %lld are free)", (long long)n->cpu,
                       (long long)(host->cpu_units - b->cpu), (long long)host->cpu_units);
        return false;
    }
    if (n->memory_mib > 0 && host->memory_mib > 0 &&
        b->memory_mib + n->memory_mib > host->memory_mib) {
        (void)snprintf(why, 256, "%lld MiB of memory (%lld of %lld are free)",
                       (long long)n->memory_mib, (long long)(host->memory_mib - b->memory_mib),
                       (long long)host->memory_mib);
        return false;
    }
    for (size_t i = 0; n->task && i < n->task->containers.n; i++) {
        const struct ea_container *c = &n->task->containers.v[i];

        for (size_t j = 0; j < c->ports.n; j++) {
            const struct ea_port_mapping *p = &c->ports.v[j];

            if (has_port(is_udp(p->protocol) ? b->udp : b->tcp, p->host_port)) {
                (void)snprintf(why, 256, "host port %lld/%s", (long long)p->host_port,
                               is_udp(p->protocol) ? "udp" : "tcp");
                return false;
            }
        }
    }
    return true;
}

bool ea_hostres_waiting(const struct ea_task *t)
{
    return !t->holds_resources && t->known < EA_T_STOPPED && t->desired > EA_T_NONE &&
           t->desired < EA_T_STOPPED;
}

static bool refuse(struct ea_turn *turn, struct ea_task *t, const char *lacking)
{
    EA_FREE_AUTO char *reason =
        ea_sprintf_dup("ResourceInitializationError: resource cannot be initialized for task %s: "
                       "the host can never provide %s",
                       t->arn, lacking);
    ea_task_fail(turn, t, reason);
    return true;
}

bool ea_hostres_admit(struct ea_turn *turn)
{
    struct ea_model *m = turn->m;
    struct books taken = { 0 }, bare = { 0 };
    bool changed = false;
    char why[256];

    EA_LIST_EACH(&m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        if (!ea_hostres_waiting(t) || m->draining)
            continue;
        if (!taken.tcp) { /* most turns find nobody waiting and pay nothing */
            books_init(&taken, m);
            books_init(&bare, m);
            add_holders(&taken, m);
        }
        struct need n = need_of(t);
        if (!fits(&bare, &m->host, &n, why)) {
            changed = refuse(turn, t, why);
            continue;
        }
        if (fits(&taken, &m->host, &n, why)) {
            t->holds_resources = t->dirty = changed = true;
            ea_info("task admitted", EA_S("task", t->arn), EA_I("cpu", n.cpu),
                    EA_I("memory_mib", n.memory_mib));
        }
        add_need(&taken, &n);
    }
    books_done(&taken);
    books_done(&bare);
    return changed;
}

void ea_hostres_rebuild(struct ea_model *m)
{
    EA_LIST_EACH(&m->tasks, node)
    {
        struct ea_task *t = EA_OWNER(node, struct ea_task, node);
        bool holds = t->holds_resources;

        for (size_t i = 0; i < t->containers.n; i++)
            if (t->containers.v[i].known > EA_C_NONE && t->containers.v[i].known < EA_C_STOPPED)
                holds = true;
        if (t->known == EA_T_STOPPED)
            holds = false;
        if (holds != t->holds_resources) {
            t->holds_resources = holds;
            t->dirty = true;
        }
    }
}

bool ea_hostres_explain(const struct ea_model *m, const struct ea_task *t, char why[256])
{
    struct books b;
    char lacking[200] = "";
    char part[256];
    bool ahead = false;

    if (!ea_hostres_waiting(t))
        return false;
    if (m->draining) {
        (void)snprintf(why, 256, "waits: the agent is draining");
        return true;
    }
    books_init(&b, m);
    add_holders(&b, m);
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *other = EA_OWNER(node, const struct ea_task, node);
        struct need n = need_of(other);

        if (other == t) {
            if (fits(&b, &m->host, &n, part))
                (void)snprintf(part, sizeof(part), "its turn");
            (void)snprintf(lacking, sizeof(lacking), "%.199s", part);
            break;
        }
        if (ea_hostres_waiting(other)) {
            add_need(&b, &n);
            ahead = true;
        }
    }
    books_done(&b);
    (void)snprintf(why, 256, "waits for %s%s", lacking, ahead ? ", behind other tasks" : "");
    return true;
}

static bool container_has_port(const struct ea_container *c, bool udp, int64_t port)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct ea_port_mapping *p = &c->ports.v[i];
        int64_t first, last;

        if (is_udp(p->protocol) != udp)
            continue;
        if (p->host_port == port || p->assigned_host_port == port)
            return true;
        if (ea_hostres_given_range(p, &first, &last) && port >= first && port <= last)
            return true;
    }
    for (size_t i = 0; i < c->bindings.n; i++)
        if (c->bindings.v[i].host_port == port && is_udp(c->bindings.v[i].protocol) == udp)
            return true;
    return false;
}

bool ea_engine_port_taken(const struct ea_model *m, const char *protocol, int64_t port)
{
    bool udp = is_udp(protocol);
    const ea_i64list *reserved = udp ? &m->host.reserved_udp : &m->host.reserved_tcp;

    for (size_t i = 0; i < reserved->n; i++)
        if (reserved->v[i] == port)
            return true;
    for (size_t i = 0; i < m->busy_n; i++)
        if (m->busy[i].udp == udp && port >= m->busy[i].first && port <= m->busy[i].last)
            return true;
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        for (size_t i = 0; t->known < EA_T_STOPPED && i < t->containers.n; i++)
            if (t->containers.v[i].known < EA_C_STOPPED &&
                container_has_port(&t->containers.v[i], udp, port))
                return true;
    }
    return false;
}

void ea_engine_held(const struct ea_model *m, struct ea_held *out)
{
    *out = (struct ea_held){ 0 };
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, const struct ea_task, node);

        if (ea_hostres_waiting(t))
            out->waiting++;
        if (t->holds_resources) {
            struct need n = need_of(t);
            out->cpu_units += n.cpu;
            out->memory_mib += n.memory_mib;
            out->tasks++;
        }
    }
}
