#include "ports.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../base/str.h"
#include "hostres.h"
#include "state.h"

#include <string.h>

enum {
    PORT_TRIES = 3,   /* picks in all that may turn out to be taken */
    WASTED_CALLS = 5, /* removals that may fail, and creates that may run into their time limit */
    BUSY_MS = 300000  /* whoever holds the port is not ours: nobody tells when he lets it go */
};

/* The texts of Docker's port allocator, of a socket that cannot be bound, and of Windows' HNS, which
 * has the words of the host's language and one code for them. */
static bool says_taken(const char *text)
{
    return strstr(text, "port is already allocated") || strstr(text, "address already in use") ||
           (strstr(text, "failed to create endpoint") &&
            (strstr(text, "(0x20)") || strstr(text, "being used by another process")));
}

static bool is_picked(const struct ea_port_mapping *p)
{
    return p->assigned_host_port != 0 || !ea_zstr_empty(p->assigned_range);
}

static bool holds(const struct ea_port_mapping *p, int64_t port)
{
    int64_t first, last;

    return p->assigned_host_port == port ||
           (ea_hostres_given_range(p, &first, &last) && port >= first && port <= last);
}

/* The first port of the text, ":<digits>", that this container has; 0 when none is named. */
static int64_t named_port(const struct ea_container *c, const char *text)
{
    for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
        ea_str digits = { at + 1, strspn(at + 1, "0123456789") };
        int64_t port = 0;
        ea_err err = { 0 };

        if (ea_str_to_i64(digits, 1, 65535, &port, &err))
            continue; /* an address or a name */
        for (size_t i = 0; i < c->ports.n; i++)
            if (c->ports.v[i].host_port == port || holds(&c->ports.v[i], port))
                return port;
    }
    return 0;
}

static void note_busy(struct ea_turn *turn, const struct ea_port_mapping *p)
{
    struct ea_model *m = turn->m;
    struct ea_busy_ports busy = { .udp = ea_zstr_eq(p->protocol, "udp"),
                                  .first = p->assigned_host_port,
                                  .last = p->assigned_host_port,
                                  .until_ms = turn->now->mono_ms + BUSY_MS };

    (void)ea_hostres_given_range(p, &busy.first, &busy.last); /* else it is the one port */
    if (m->busy_n == EA_BUSY_PORTS) {                         /* the oldest one goes */
        m->busy_n--;
        memmove(m->busy, m->busy + 1, m->busy_n * sizeof(m->busy[0]));
    }
    m->busy[m->busy_n++] = busy;
}

/* Gives back what was picked: the mapping with this port, or all when Docker names none. */
static bool give_back(struct ea_turn *turn, struct ea_container *c, int64_t port)
{
    bool any = false;

    for (size_t i = 0; i < c->ports.n; i++) {
        struct ea_port_mapping *p = &c->ports.v[i];

        if (!is_picked(p) || (port && !holds(p, port)))
            continue;
        note_busy(turn, p);
        p->assigned_host_port = 0;
        ea_set_str(&p->assigned_range, NULL);
        any = true;
    }
    return any;
}

/* A port of the definition may be the one that is taken. */
static bool has_named_port(const struct ea_container *c)
{
    for (size_t i = 0; i < c->ports.n; i++)
        if (c->ports.v[i].host_port)
            return true;
    return false;
}

bool ea_ports_clash(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                    const char *text)
{
    if (ea_zstr_empty(text) || !says_taken(text) || c->known > EA_C_CREATED ||
        c->desired == EA_C_STOPPED)
        return false;
    int64_t port = named_port(c, text);
    if (c->port_tries + 1 >= PORT_TRIES || (!port && has_named_port(c)) ||
        !give_back(turn, c, port))
        return false;
    c->port_tries++;
    c->remake = c->known == EA_C_CREATED;
    c->wasted_calls = 0;
    c->may_run = c->lookup = false;
    ea_container_clear_doubt(c);
    ea_container_new_step(c);
    t->dirty = true;
    ea_warn("host port is taken, another one is tried", EA_S("task", t->arn),
            EA_S("container", c->name), EA_I("port", port), EA_I("attempt", c->port_tries),
            EA_S("err", text));
    return true;
}

/* Anonymous volumes went with the container; the next one has others. */
static void forget_mounts(struct ea_container *c)
{
    for (size_t i = 0; i < c->docker_mounts.n; i++)
        ea_json_free(&ea_mount_shape, &c->docker_mounts.v[i]);
    ea_free(c->docker_mounts.v);
    c->docker_mounts.v = NULL;
    c->docker_mounts.n = 0;
}

void ea_ports_removed(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                      const struct ea_event *ev)
{
    t->dirty = true;
    if (ev->err.code == EA_OK || ev->err.code == EA_NOT_FOUND) {
        if (c->docker_id)
            ea_model_set_docker_id(turn->m, t, c, NULL);
        forget_mounts(c);
        c->lookup = false;
        ea_container_new_step(c);
        return;
    }
    c->retry_at_ms =
        turn->now->mono_ms + ea_turn_delay(turn, c->wasted_calls, 1000, 30000, 2.0, 0.2);
    if (ev->err.code == EA_UNREACHABLE || ev->err.code == EA_CANCELLED)
        return;       /* asked again: removing it twice does no harm */
    c->lookup = true; /* it may run, started by somebody else */
    if (++c->wasted_calls < WASTED_CALLS)
        return;
    ea_container_set_error(t, c, "CannotRemoveContainerError", ev->err.text);
    ea_container_set_desired(t, c, EA_C_STOPPED);
    c->may_run = true;
}

void ea_ports_found(struct ea_task *t, struct ea_container *c)
{
    if (c->doubt_name && ++c->wasted_calls >= WASTED_CALLS) { /* each create runs into its limit */
        ea_container_set_error(t, c, c->doubt_name, c->doubt_text);
        ea_container_set_desired(t, c, EA_C_STOPPED);
    }
    ea_container_clear_doubt(c);
}

void ea_ports_expire(struct ea_turn *turn)
{
    struct ea_model *m = turn->m;
    size_t gone = 0;

    while (gone < m->busy_n && m->busy[gone].until_ms <= turn->now->mono_ms)
        gone++; /* in order of time */
    if (!gone)
        return;
    m->busy_n -= gone;
    memmove(m->busy, m->busy + gone, m->busy_n * sizeof(m->busy[0]));
}
