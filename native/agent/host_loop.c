#include "host_loop.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUND_MS = 30000,         /* a look when all is well */
    BLOCKED_MS = 5000,        /* a look while something is missing */
    PAUSE_MS = 2000,          /* after the first try of an act; doubles */
    PAUSE_MAX_MS = 30000,     /* up to this */
    INSIDE_PAUSE_MS = 100,    /* the same, for the route of a container that has just started */
    TENTATIVE_LOOK_MS = 500,  /* an address becomes usable after a second or so */
    TENTATIVE_MAX_MS = 30000, /* doubles with each time that it was added again */
    TENTATIVE_DOUBLES = 5,
    GRACE_MS = 5000, /* a break shorter than this takes no capability away */
    PROXY_AFTER = 3, /* refused binds until the proxy is used, failed proofs until it is left */
};

static const char *const names[EA_HOST_COND_COUNT] = {
    [EA_HOST_COND_ADAPTER] = "adapter",   [EA_HOST_COND_ADDRESS] = "address",
    [EA_HOST_COND_ROUTE] = "route",       [EA_HOST_COND_LISTENER] = "listener",
    [EA_HOST_COND_PROOF] = "proof",       [EA_HOST_COND_PORTS] = "port reservation",
    [EA_HOST_COND_FIREWALL] = "firewall", [EA_HOST_COND_INSIDE] = "container route",
};

/* Whose aim an act serves; the agent's own UNLISTEN only clears the way. Pauses between tries become short again
 * once the aim is reached; for a way to serve the port that is once the proof was good. */
static const ea_host_cond aim_of[EA_HOST_ACT_COUNT] = {
    [EA_HOST_REST] = EA_HOST_COND_COUNT,
    [EA_HOST_ADDRESS_ADD] = EA_HOST_COND_ADDRESS,
    [EA_HOST_ADDRESS_REMOVE] = EA_HOST_COND_ADDRESS,
    [EA_HOST_PORT_RESERVE] = EA_HOST_COND_PORTS,
    [EA_HOST_PROXY_ADD] = EA_HOST_COND_LISTENER,
    [EA_HOST_PROXY_REMOVE] = EA_HOST_COND_LISTENER,
    [EA_HOST_FIREWALL_ADD] = EA_HOST_COND_FIREWALL,
    [EA_HOST_ROUTE_ADD] = EA_HOST_COND_ROUTE,
    [EA_HOST_INSIDE_ADD] = EA_HOST_COND_INSIDE,
    [EA_HOST_GHOSTS_REMOVE] = EA_HOST_COND_ADAPTER,
    [EA_HOST_LISTEN] = EA_HOST_COND_LISTENER,
    [EA_HOST_UNLISTEN] = EA_HOST_COND_COUNT,
    [EA_HOST_PROVE] = EA_HOST_COND_PROOF,
};

const char *ea_host_cond_name(ea_host_cond c)
{
    return c < EA_HOST_COND_COUNT ? names[c] : "none";
}

void ea_host_init(struct ea_hostloop *h, unsigned needs, int64_t now_ms)
{
    *h = (struct ea_hostloop){ .needs = needs };
    for (int i = 0; i < EA_HOST_COND_COUNT; i++)
        h->waits[i].since_ms = now_ms;
}

/* ---- conditions and pauses ---- */

static void tell(struct ea_hostloop *h, ea_host_cond c, const char *text)
{
    (void)snprintf(h->waits[c].error, sizeof(h->waits[c].error), "%s", text); /* may be cut */
}

/* An aim that is reached makes the pauses of the acts that serve it short again. */
static void set(struct ea_hostloop *h, ea_host_cond c, bool met, int64_t now_ms)
{
    struct ea_host_wait *w = &h->waits[c];

    if (met != w->met)
        *w = (struct ea_host_wait){ .met = met, .since_ms = now_ms };
    if (!met)
        return;
    for (int i = 0; i < EA_HOST_ACT_COUNT; i++) {
        if (aim_of[i] == c && c != EA_HOST_COND_LISTENER)
            h->tries[i].done = 0;
        if (aim_of[i] == EA_HOST_COND_LISTENER && c == EA_HOST_COND_PROOF)
            h->tries[i].done = 0;
    }
}

static void earliest(int64_t *wake_ms, int64_t at_ms)
{
    if (at_ms < *wake_ms)
        *wake_ms = at_ms;
}

/* The act may be tried now; else its time counts for the next look. */
static bool ripe(struct ea_hostloop *h, ea_host_act act, int64_t now_ms, struct ea_host_step *step)
{
    int64_t next_ms = h->tries[act].next_ms;

    if (now_ms >= next_ms) {
        step->act = act;
        return true;
    }
    if (aim_of[act] != EA_HOST_COND_COUNT)
        h->waits[aim_of[act]].next_ms = next_ms;
    earliest(&step->wake_ms, next_ms);
    return false;
}

/* An act that was said to be done counts too: the next one waits until its effect can be seen, however
 * often it does not come. */
static void pause_after(struct ea_host_try *t, int64_t pause_ms, int64_t now_ms)
{
    for (unsigned i = 0; i < t->done && pause_ms < PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    t->done++;
    t->next_ms = now_ms + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

ea_host_cond ea_host_blocked(const struct ea_hostloop *h)
{
    for (int i = 0; i <= EA_HOST_COND_PROOF; i++) {
        if (!h->waits[i].met)
            return (ea_host_cond)i;
    }
    return EA_HOST_COND_COUNT;
}

static void prove_anew(struct ea_hostloop *h)
{
    h->proof_good = false;
    h->tries[EA_HOST_PROVE] = (struct ea_host_try){ 0 };
}

/* ---- one question each: is it as it should be, and if not, what can be done now ---- */

static bool adapter_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                         struct ea_host_step *step)
{
    bool wanted = (h->needs & EA_HOST_ADAPTER) != 0;
    bool works =
        f->address == EA_ADDRESS_USABLE && !((h->needs & EA_HOST_ROUTE) && f->route == EA_FACT_NO);

    if (h->repair && wanted && f->ghosts) {
        h->repair = false;
        step->act = EA_HOST_GHOSTS_REMOVE;
        return true;
    }
    h->repair = false;
    /* While the system cannot say which adapter it is, an address that works is let be. */
    set(h, EA_HOST_COND_ADAPTER, !wanted || f->adapter || works, now_ms);
    if (!h->waits[EA_HOST_COND_ADAPTER].met)
        tell(h, EA_HOST_COND_ADAPTER, f->no_adapter);
    return false;
}

static bool misplaced(const struct ea_hostloop *h, const struct ea_host_facts *f)
{
    return (h->needs & EA_HOST_ADAPTER) && f->address != EA_ADDRESS_ABSENT && f->adapter &&
           f->address_on != f->adapter;
}

/* A listener that was bound before the address went or moved hears nothing any more. */
static void follow_address(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms)
{
    uint64_t on = f->address == EA_ADDRESS_ABSENT ? 0 : f->address_on;

    if (f->address != EA_ADDRESS_USABLE || on != h->address_on) {
        h->relisten = h->relisten || h->listening;
        prove_anew(h);
    }
    h->address_on = on;
    if (f->address != EA_ADDRESS_TENTATIVE)
        h->tentative_ms = 0;
    else if (!h->tentative_ms)
        h->tentative_ms = now_ms;
}

static bool address_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                         struct ea_host_step *step)
{
    unsigned again = h->tries[EA_HOST_ADDRESS_REMOVE].done;
    int64_t limit_ms = (int64_t)TENTATIVE_MAX_MS
                       << (again < TENTATIVE_DOUBLES ? again : TENTATIVE_DOUBLES);
    bool stuck = h->tentative_ms && now_ms - h->tentative_ms >= limit_ms;
    bool wrong = misplaced(h, f);

    set(h, EA_HOST_COND_ADDRESS, f->address == EA_ADDRESS_USABLE && !wrong, now_ms);
    if (wrong || stuck || f->address == EA_ADDRESS_DUPLICATE) {
        tell(h, EA_HOST_COND_ADDRESS,
             wrong   ? EA_TASK_ADDRESS " is on an adapter of an earlier network"
             : stuck ? EA_TASK_ADDRESS " was added and did not become usable"
                     : "another host of the containers' network answers for " EA_TASK_ADDRESS);
        step->number = f->address_on;
        return ripe(h, EA_HOST_ADDRESS_REMOVE, now_ms, step);
    }
    if (f->address == EA_ADDRESS_TENTATIVE) {
        earliest(&step->wake_ms, now_ms + TENTATIVE_LOOK_MS);
        tell(h, EA_HOST_COND_ADDRESS, EA_TASK_ADDRESS " was added and is not usable yet");
        return false;
    }
    if (f->address == EA_ADDRESS_ABSENT && (f->adapter || !(h->needs & EA_HOST_ADAPTER))) {
        step->number = f->adapter;
        return ripe(h, EA_HOST_ADDRESS_ADD, now_ms, step);
    }
    return false;
}

static bool route_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                       struct ea_host_step *step)
{
    bool missing = (h->needs & EA_HOST_ROUTE) && f->route == EA_FACT_NO;

    set(h, EA_HOST_COND_ROUTE, !missing, now_ms);
    step->number = f->adapter;
    return missing && f->adapter && h->waits[EA_HOST_COND_ADDRESS].met &&
           ripe(h, EA_HOST_ROUTE_ADD, now_ms, step);
}

bool ea_host_ports_taken(const struct ea_host_port ports[EA_HOST_PORTS_MAX], char out[400])
{
    size_t n = 0;

    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        const struct ea_host_port *p = &ports[i];

        if (!p->first || p->port < p->first || p->port > p->last || p->reserved)
            continue;
        n += (size_t)snprintf(out + n, 400 - n, "%sport %u lies in %u-%u", /* three fit */
                              n ? ", " : "", (unsigned)p->port, (unsigned)p->first,
                              (unsigned)p->last);
    }
    if (n > 0)
        (void)snprintf(out + n, 400 - n, /* fits */
                       ", kept by the system's NAT (netsh int ipv4 show excludedportrange tcp): "
                       "net stop winnat, then Initialize-ECSAgent, which reserves its own, then "
                       "net start winnat; or restart the machine");
    return n > 0;
}

static bool ports_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                       struct ea_host_step *step)
{
    const struct ea_host_port *open = NULL;
    bool wanted = (h->needs & EA_HOST_PORTS) != 0, taken;
    char text[400];

    for (size_t i = 0; wanted && i < EA_HOST_PORTS_MAX; i++) {
        const struct ea_host_port *p = &f->ports[i];

        if (p->wanted && !p->reserved && !p->first)
            open = p;
    }
    taken = wanted && ea_host_ports_taken(f->ports, text);
    set(h, EA_HOST_COND_PORTS, !taken && !open, now_ms);
    if (taken)
        tell(h, EA_HOST_COND_PORTS, text);
    if (open)
        step->number = open->port;
    return open && ripe(h, EA_HOST_PORT_RESERVE, now_ms, step);
}

static bool listener_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                          struct ea_host_step *step)
{
    bool usable = h->waits[EA_HOST_COND_ADDRESS].met;

    memcpy(h->port_owner, f->port_owner, sizeof(h->port_owner));
    if (h->listening && h->relisten) {
        step->act = EA_HOST_UNLISTEN;
        return true;
    }
    set(h, EA_HOST_COND_LISTENER, usable && (h->by_proxy ? f->proxy_rule : h->listening), now_ms);
    if (!h->waits[EA_HOST_COND_LISTENER].met && !h->waits[EA_HOST_COND_LISTENER].error[0])
        tell(h, EA_HOST_COND_LISTENER, h->port_owner);
    /* A rule outlives a restart of the machine, and its listener keeps ours away. */
    if (f->proxy_rule && !h->by_proxy && ripe(h, EA_HOST_PROXY_REMOVE, now_ms, step))
        return true;
    if (!usable)
        return false;
    if (h->by_proxy)
        return !f->proxy_rule && ripe(h, EA_HOST_PROXY_ADD, now_ms, step);
    return !h->listening && ripe(h, EA_HOST_LISTEN, now_ms, step);
}

static bool proof_step(struct ea_hostloop *h, int64_t now_ms, struct ea_host_step *step)
{
    bool served = h->waits[EA_HOST_COND_LISTENER].met && h->waits[EA_HOST_COND_ROUTE].met;

    set(h, EA_HOST_COND_PROOF, served && h->proof_good, now_ms);
    if (!served)
        return false;
    if (!h->proof_good)
        return ripe(h, EA_HOST_PROVE, now_ms, step);
    if (now_ms >= h->proof_due_ms) {
        step->act = EA_HOST_PROVE;
        return true;
    }
    earliest(&step->wake_ms, h->proof_due_ms);
    return false;
}

static bool firewall_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                          struct ea_host_step *step)
{
    bool missing = (h->needs & EA_HOST_FIREWALL) && f->firewall == EA_FACT_NO;

    set(h, EA_HOST_COND_FIREWALL, !missing, now_ms);
    return missing && ripe(h, EA_HOST_FIREWALL_ADD, now_ms, step);
}

/* Before the first proof already: a container may have been started by the last run of the agent. */
static bool inside_step(struct ea_hostloop *h, const struct ea_host_facts *f, int64_t now_ms,
                        struct ea_host_step *step)
{
    bool missing = (h->needs & EA_HOST_INSIDE) && f->unrouted;

    set(h, EA_HOST_COND_INSIDE, !missing, now_ms);
    return missing && h->waits[EA_HOST_COND_ADDRESS].met &&
           ripe(h, EA_HOST_INSIDE_ADD, now_ms, step);
}

static void judge(struct ea_hostloop *h, int64_t now_ms, struct ea_host_step *step)
{
    if (ea_host_blocked(h) == EA_HOST_COND_COUNT) {
        h->broken_ms = 0;
        h->proven = true;
        return;
    }
    earliest(&step->wake_ms, now_ms + BLOCKED_MS);
    if (!h->proven)
        return;
    if (!h->broken_ms)
        h->broken_ms = now_ms;
    if (now_ms - h->broken_ms >= GRACE_MS) {
        h->proven = false;
        h->broken_ms = 0;
    } else {
        earliest(&step->wake_ms, h->broken_ms + GRACE_MS);
    }
}

struct ea_host_step ea_host_next(struct ea_hostloop *h, const struct ea_host_facts *f,
                                 int64_t now_ms)
{
    struct ea_host_step step = { .act = EA_HOST_REST, .wake_ms = now_ms + ROUND_MS };

    follow_address(h, f, now_ms);
    if (adapter_step(h, f, now_ms, &step) || ports_step(h, f, now_ms, &step) ||
        address_step(h, f, now_ms, &step) || route_step(h, f, now_ms, &step) ||
        inside_step(h, f, now_ms, &step) || listener_step(h, f, now_ms, &step) ||
        proof_step(h, now_ms, &step) || firewall_step(h, f, now_ms, &step))
        return step;
    judge(h, now_ms, &step);
    h->settled = true;
    return step;
}

/* ---- results ---- */

static void name_owner(struct ea_hostloop *h, ea_host_cond c, const ea_err *err)
{
    char text[400];

    if (!h->port_owner[0])
        return;
    (void)snprintf(text, sizeof(text), "%.190s: %.190s", err->text, h->port_owner); /* fits */
    tell(h, c, text);
}

static void bind_refused(struct ea_hostloop *h, const ea_err *err)
{
    name_owner(h, EA_HOST_COND_LISTENER, err);
    h->listen_failed =
        err->code == EA_CONFLICT || err->code == EA_DENIED ? h->listen_failed + 1 : 0;
    if (h->listen_failed >= PROXY_AFTER && (h->needs & EA_HOST_PROXY)) {
        h->by_proxy = true;
        h->listen_failed = 0;
        h->proof_failed = 0;
        h->proof_good = false;
        h->tries[EA_HOST_PROVE].next_ms = 0;
    }
}

static void proof_refused(struct ea_hostloop *h, const ea_err *err)
{
    if (h->by_proxy)
        name_owner(h, EA_HOST_COND_PROOF, err);
    h->proof_good = false;
    h->proof_failed++;
    h->relisten = h->listening; /* the address may have been renewed unseen */
    if (h->by_proxy && h->proof_failed >= PROXY_AFTER) {
        h->by_proxy = false;
        h->proof_failed = 0;
    }
}

static void done(struct ea_hostloop *h, ea_host_act act, int64_t now_ms)
{
    switch (act) {
    case EA_HOST_LISTEN:
        h->listening = true;
        h->relisten = false;
        h->listen_failed = 0;
        break;
    case EA_HOST_UNLISTEN:
        h->listening = false;
        h->relisten = false;
        break;
    case EA_HOST_PROVE:
        h->proof_good = true;
        h->proof_failed = 0;
        h->proof_due_ms = now_ms + ROUND_MS;
        break;
    case EA_HOST_REST:
    case EA_HOST_ADDRESS_ADD:
    case EA_HOST_ADDRESS_REMOVE:
    case EA_HOST_PORT_RESERVE:
    case EA_HOST_PROXY_ADD:
    case EA_HOST_PROXY_REMOVE:
    case EA_HOST_FIREWALL_ADD:
    case EA_HOST_ROUTE_ADD:
    case EA_HOST_INSIDE_ADD:
    case EA_HOST_GHOSTS_REMOVE:
    case EA_HOST_ACT_COUNT:
        break; /* the next look shows it */
    }
}

void ea_host_result(struct ea_hostloop *h, ea_host_act act, const ea_err *err, int64_t now_ms)
{
    ea_host_cond c = aim_of[act];

    if (act != EA_HOST_UNLISTEN)
        pause_after(&h->tries[act], act == EA_HOST_INSIDE_ADD ? INSIDE_PAUSE_MS : PAUSE_MS, now_ms);
    if (!err) {
        done(h, act, now_ms);
        return;
    }
    if (c != EA_HOST_COND_COUNT && (!h->waits[c].met || act == EA_HOST_PROVE)) {
        set(h, c, false, now_ms);
        tell(h, c, err->text);
        h->waits[c].tries++;
        h->waits[c].next_ms = h->tries[act].next_ms;
    }
    if (act == EA_HOST_LISTEN)
        bind_refused(h, err);
    else if (act == EA_HOST_PROVE)
        proof_refused(h, err);
}

void ea_host_repair(struct ea_hostloop *h)
{
    h->repair = true;
    h->proof_due_ms = 0;
    memset(h->tries, 0, sizeof(h->tries));
}
