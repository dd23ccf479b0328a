#include "listeners.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "host_loop.h"

#include <stdio.h>
#include <string.h>

enum {
    MIN_MS = 1000,
    MAX_MS = 60000
};

/* ---- ports kept from the system's NAT ---- */

struct job {
    const struct ea_host_ops *ops;
    ea_ports_kept *done;
    void *ctx;
    struct ea_host_port ports[EA_HOST_PORTS_MAX];
    struct {
        uint16_t port;
        ea_err err;
    } refused; /* the last one */
};

static void keep(void *arg)
{
    struct job *j = arg;
    bool tried = false;

    j->ops->ports(j->ops->ctx, j->ports);
    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        const struct ea_host_port *p = &j->ports[i];

        if (!p->wanted || p->reserved || p->first)
            continue;
        tried = true;
        if (j->ops->act(j->ops->ctx, EA_HOST_PORT_RESERVE, p->port, &j->refused.err))
            j->refused.port = p->port;
    }
    if (tried)
        j->ops->ports(j->ops->ctx, j->ports);
}

static void kept(void *arg)
{
    struct job *j = arg;

    if (j->refused.port)
        ea_debug("port not reserved", EA_I("port", j->refused.port),
                 EA_S("err", j->refused.err.text));
    j->done(j->ctx, j->ports);
    ea_free(j);
}

void ea_ports_keep(ea_loop *loop, const struct ea_host_ops *ops, ea_ports_kept *done, void *ctx)
{
    struct job *j = ea_alloc(sizeof(*j));

    *j = (struct job){ .ops = ops, .done = done, .ctx = ctx };
    ea_loop_work(loop, keep, kept, j);
}

/* ---- listeners ---- */

static void wait_for_port(ea_agent *ag, ea_wait_id id, const ea_err *err, const char *taken)
{
    ea_err why = *err;

    if (taken)
        (void)ea_fail_sys(&why, err->code, err->sys, "%.90s; %s", err->text,
                          taken); /* text alone */
    ea_status_wait(&ag->status, id, &why, ag->listen_ms);
}

/* `taken`: what the system's NAT has; NULL: nothing. */
static void listen_now(ea_agent *ag, const char *taken)
{
    const char *address = ea_cfg_str(ag->config, EA_CFG_INTROSPECTION_HOST);
    ea_err err = { 0 };

    ag->listen_ms = ag->listen_ms ? ag->listen_ms * 2 : MIN_MS;
    ag->listen_ms = ag->listen_ms > MAX_MS ? MAX_MS : ag->listen_ms;
    if (!ag->creds_listens) {
        if (ea_serve_credentials(ag->serve, &err)) {
            wait_for_port(ag, EA_WAIT_CREDS_PORT, &err, taken);
        } else {
            ag->creds_listens = true;
            ea_status_clear(&ag->status, EA_WAIT_CREDS_PORT);
        }
    }
    if (!ag->introspection_listens) {
        if (ea_serve_introspection(ag->serve, address, &err)) {
            wait_for_port(ag, EA_WAIT_INTROSPECTION, &err, taken);
        } else {
            ag->introspection_listens = true;
            ea_status_clear(&ag->status, EA_WAIT_INTROSPECTION);
        }
    }
    if (!ag->creds_listens || !ag->introspection_listens)
        ea_timer_arm(ag->listen_timer, ag->listen_ms);
}

static void ports_kept(void *ctx, const struct ea_host_port ports[EA_HOST_PORTS_MAX])
{
    ea_agent *ag = ctx;
    char taken[400];

    ag->ports_looked_at = false;
    if (ag->listen_timer) /* not stopped meanwhile */
        listen_now(ag, ea_host_ports_taken(ports, taken) ? taken : NULL);
}

static void listen_again(void *arg)
{
    ea_agent *ag = arg;
    const struct ea_host_ops *ops = ea_plat_host_ops();

    if (!(ops->needs & EA_HOST_PORTS)) {
        listen_now(ag, NULL);
    } else if (!ag->ports_looked_at) {
        ag->ports_looked_at = true;
        ea_ports_keep(ag->loop, ops, ports_kept, ag);
    }
}

void ea_listeners_start(ea_agent *ag)
{
    ag->listen_timer = ea_timer_new(ag->loop, listen_again, ag);
    listen_again(ag);
}

void ea_listeners_check(ea_agent *ag)
{
    if (!ag->listen_timer || (ag->creds_listens && ag->introspection_listens))
        return;
    ag->listen_ms = 0;
    listen_again(ag);
}

void ea_listeners_stop(ea_agent *ag)
{
    ea_timer_free(ag->listen_timer);
    ag->listen_timer = NULL;
}
